{-# OPTIONS --safe #-}
{-
Paper 06: O. Vinyals, M. Fortunato, N. Jaitly, «Pointer Networks» (2015), arXiv:1506.03134

The search of Pointer-Search.agda over the positions 0, …, n − 1 of an input of n points, and under other names of the points.

  paper                                here
  n                                    n : ℕ, any number
  C^P, a permutation of 1, …, n (3.3)  tour score : List (Fin n)
  P_{C_1}, …, P_{C_n}                  map value (tour score)
-}
open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Bool.Base using (Bool)

module Pointer-Tours {S : Type} (_<ᵇ_ : S → S → Bool) where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Bool.Base using (true; false; if_then_else_)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc)
open import Cubical.Data.Nat.Order using (_≤_; ≤-refl)
open import Cubical.Data.Sigma using (_×_; _,_)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Relation.Nullary using (yes; no; Discrete)
open import S30.Multiset using (_↭_)
open import S30.Permutation using (↭sym; ∈Permutation; discreteFin; positions; positionsLength; positionsDistinct; everyPosition)
open import S30.Pigeonhole using (_∈_; Distinct; map∈)
import Pointer-Search

----------------------------------------------------------------------
-- Tours

module _ {n : ℕ} where
  open Pointer-Search _<ᵇ_ (discreteFin {n}) public

-- Masked greedy decoding of an input of n points, whose scores may depend on all that was chosen, the latest first.
tour : {n : ℕ} → (List (Fin n) → Fin n → S) → List (Fin n)
tour {n} score = decode score n (positions n) []

-- For every n and every scores a tour is a permutation of the positions 0, …, n − 1.
tourIsPermutation : (n : ℕ) (score : List (Fin n) → Fin n → S) → tour score ↭ positions n
tourIsPermutation n score = subst (λ k → decode score k (positions n) [] ↭ positions n) (positionsLength n)
  (decodeIsPermutation score (positions n) (positionsDistinct n))

-- It visits every city, and none twice, in n steps.
tourVisitsAllOnce : (n : ℕ) (score : List (Fin n) → Fin n → S)
  → (length (tour score) ≡ n) × (Distinct (tour score) × ((i : Fin n) → i ∈ tour score))
tourVisitsAllOnce n score = Valid.steps found , Valid.distinct found
    , λ i → ∈Permutation (↭sym (tourIsPermutation n score)) (everyPosition i)
  where
  found : Valid n (positions n) [] (tour score)
  found = decodeValid score n (positions n) [] (positionsDistinct n) (subst (n ≤_) (sym (positionsLength n)) ≤-refl)

----------------------------------------------------------------------
-- Under other names

module Relabelled {A B : Type} (_≟A_ : Discrete A) (_≟B_ : Discrete B) (f : A → B) (injective : {x y : A} → f x ≡ f y → x ≡ y) where

  private
    module A = Pointer-Search _<ᵇ_ _≟A_
    module B = Pointer-Search _<ᵇ_ _≟B_

    argmaxMap : (s : B → Maybe S) (s′ : A → Maybe S) → ((x : A) → s (f x) ≡ s′ x) → (p : A) (ps : List A)
              → B.argmax s (f p) (map f ps) ≡ f (A.argmax s′ p ps)
    argmaxMap s s′ same p []       = refl
    argmaxMap s s′ same p (q ∷ qs) =
        cong (λ z → B.argmax s (if z then f q else f p) (map f qs)) (cong₂ B._≺_ (same p) (same q) ∙ ≺Same (s′ p) (s′ q))
      ∙ cong (λ z → B.argmax s z (map f qs)) (ifMap (s′ p A.≺ s′ q))
      ∙ argmaxMap s s′ same (if s′ p A.≺ s′ q then q else p) qs
      where
      ≺Same : (x y : Maybe S) → x B.≺ y ≡ x A.≺ y
      ≺Same x        nothing  = refl
      ≺Same nothing  (just y) = refl
      ≺Same (just x) (just y) = refl
      ifMap : (z : Bool) → (if z then f q else f p) ≡ f (if z then q else p)
      ifMap true  = refl
      ifMap false = refl

    unmap∈ : (x : A) (used : List A) → f x ∈ map f used → x ∈ used
    unmap∈ x (y ∷ ys) (inl e) = inl (injective e)
    unmap∈ x (y ∷ ys) (inr m) = inr (unmap∈ x ys m)

    maskedMap : (used : List A) (score : B → S) (x : A) → B.masked (map f used) score (f x) ≡ A.masked used (λ y → score (f y)) x
    maskedMap used score x with B.isUsed (f x) (map f used) | A.isUsed x used
    ... | yes _  | yes _ = refl
    ... | no _   | no _  = refl
    ... | yes m  | no nm = ⊥.rec (nm (unmap∈ x used m))
    ... | no nm  | yes m = ⊥.rec (nm (map∈ f used m))

  -- Selection commutes with relabelling: if the points get other names, and the scores with them, so does what is written.
  decodeRelabelled : (score : List B → B → S) (k : ℕ) (ps used : List A)
    → B.decode score k (map f ps) (map f used) ≡ map f (A.decode (λ us x → score (map f us) (f x)) k ps used)
  decodeRelabelled score zero    ps       used = refl
  decodeRelabelled score (suc k) []       used = refl
  decodeRelabelled score (suc k) (p ∷ ps) used =
    cong₂ _∷_ chosen (cong (λ c → B.decode score k (map f (p ∷ ps)) (c ∷ map f used)) chosen
      ∙ decodeRelabelled score k (p ∷ ps) (_ ∷ used))
    where
    chosen : B.argmax (B.masked (map f used) (score (map f used))) (f p) (map f ps)
           ≡ f (A.argmax (A.masked used (λ x → score (map f used) (f x))) p ps)
    chosen = argmaxMap _ _ (maskedMap used (score (map f used))) p ps
