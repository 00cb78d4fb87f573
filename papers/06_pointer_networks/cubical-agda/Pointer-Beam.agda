{-# OPTIONS --safe #-}
{-
Paper 06: O. Vinyals, M. Fortunato, N. Jaitly, «Pointer Networks» (2015), arXiv:1506.03134

Beam search with a mask (Sections 2.1 and 4.4: «we set the beam search procedure to only consider valid tours»).

  paper                                   here
  a partial sequence C_1, …, C_k          a list, the latest choice first
  its extensions by unused inputs         extend ps used
  the sequences that are kept             select, any function that keeps some of those that it is given

How sequences are ranked, and how many are kept, is left to `select`: width 1 is greedy decoding, and a `select` that draws lots is
sampling.
-}
open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no; Discrete)

module Pointer-Beam {A : Type} (_≟_ : Discrete A) where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Bool.Base using (Bool; false)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import Cubical.Data.Nat using (ℕ; zero; suc)
open import Cubical.Data.Sigma using (_×_; _,_; fst; snd)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Unit using (Unit; tt)
open import S30.Counting using (keep; ∈Keep; unions; ∈Unions)
open import S30.Multiset using (_↭_)
open import S30.Permutation using (distinctIsPermutation)
open import S30.Pigeonhole
open import Pointer-Search {S = Unit} (λ _ _ → false) _≟_ using (isUsed)

isFree : (used : List A) (x : A) → Dec (¬ (x ∈ used))
isFree used x with isUsed x used
... | yes m = no λ nm → nm m
... | no nm = yes nm

-- One more choice, of those that were not used.
extend : List A → List A → List (List A)
extend ps used = map (_∷ used) (keep (isFree used) ps)

-- What is in the beam after k steps, where `select` says which sequences are kept.
beam : (List (List A) → List (List A)) → List A → ℕ → List (List A)
beam select ps zero    = [] ∷ []
beam select ps (suc k) = select (unions (extend ps) (beam select ps k))

-- Whatever is kept, every sequence in the beam after k steps is k different inputs.
beamWithoutRepetition : (select : List (List A) → List (List A))
  → ((xss : List (List A)) (xs : List A) → xs ∈ select xss → xs ∈ xss)
  → (ps : List A) (k : ℕ) (xs : List A) → xs ∈ beam select ps k
  → Distinct xs × (((x : A) → x ∈ xs → x ∈ ps) × (length xs ≡ k))
beamWithoutRepetition select keeps ps zero xs (inl e) =
  subst (λ ys → Distinct ys × (((x : A) → x ∈ ys → x ∈ ps) × (length ys ≡ 0))) (sym e) (tt , (λ _ m → ⊥.rec m) , refl)
beamWithoutRepetition select keeps ps (suc k) xs m =
  let before , before∈ , xs∈ = ∈Unions (extend ps) (beam select ps k) (keeps _ xs m)
      x , x∈ , e = ∈Map (_∷ before) (keep (isFree before) ps) xs∈
      x∈ps , free = ∈Keep (isFree before) ps x∈
      distinct , inside , long = beamWithoutRepetition select keeps ps k before before∈
  in subst (λ ys → Distinct ys × (((y : A) → y ∈ ys → y ∈ ps) × (length ys ≡ suc k))) (sym e)
       ( (free , distinct)
       , (λ { y (inl y≡x) → subst (_∈ ps) (sym y≡x) x∈ps ; y (inr n) → inside y n })
       , cong ℕ.suc long )

-- Masked beam search writes permutations by construction: for every number of inputs, however sequences are ranked and however
-- many are kept, each one in the beam after as many steps as there are inputs holds each of them once.
beamIsPermutation : (select : List (List A) → List (List A))
  → ((xss : List (List A)) (xs : List A) → xs ∈ select xss → xs ∈ xss)
  → (ps xs : List A) → xs ∈ beam select ps (length ps) → xs ↭ ps
beamIsPermutation select keeps ps xs m = let distinct , inside , long = beamWithoutRepetition select keeps ps (length ps) xs m in
  distinctIsPermutation xs ps distinct inside long
