{-# OPTIONS --safe #-}
{-
Paper 06: O. Vinyals, M. Fortunato, N. Jaitly, «Pointer Networks» (2015), arXiv:1506.03134

Decoding with a mask (Section 4.4: «only consider valid tours»), greedily, whatever the network is.

  paper                                          here
  the inputs P_1, …, P_n                         positions, a list without repetition
  C_1, …, C_{i-1}, the latest first              used
  u^i, given what was chosen                     score used : A → S
  a used input is no longer considered           masked used score: its score is nothing, which is −∞
  the most probable input                        argmax, the first of equals
  ⇐, which may always be pointed at              stopScore

Scores are of any type S with any comparison, a mere function into Bool: no law of an order is used. So what is proved holds of
every network, trained or not. Pointer-Beam.agda has the same of beam search.
-}
open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no; Discrete)

module Pointer-Search {S : Type} (_<ᵇ_ : S → S → Bool) {A : Type} (_≟_ : Discrete A) where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; +-suc)
open import Cubical.Data.Nat.Order using (_≤_; suc-≤-suc; pred-≤-pred; ≤-trans; ≤-refl; ¬m<m; ≤SumLeft)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Sum using (_⊎_; inl; inr)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Multiset using (toMultiset; permutationToPath; _↭_; ↭map)
open import S30.Permutation using (distinctIsPermutation)
open import S30.Pigeonhole

-------------------------------------------------------------------------------
-- Scores with −∞, and the place of their maximum
-------------------------------------------------------------------------------

-- x < y, where nothing is −∞.
_≺_ : Maybe S → Maybe S → Bool
_      ≺ nothing = false
nothing ≺ just _ = true
just x ≺ just y  = x <ᵇ y

-- The first place of the greatest score among b ∷ bs.
argmax : {B : Type} → (B → Maybe S) → B → List B → B
argmax s b []       = b
argmax s b (c ∷ cs) = argmax s (if s b ≺ s c then c else b) cs

IsFinite : Maybe S → Type
IsFinite nothing  = ⊥
IsFinite (just _) = Unit

private
  module _ {B : Type} (s : B → Maybe S) where

    better : B → B → B
    better b c = if s b ≺ s c then c else b

    ifEither : (x : Bool) (b c : B) → ((if x then c else b) ≡ b) ⊎ ((if x then c else b) ≡ c)
    ifEither true  b c = inr refl
    ifEither false b c = inl refl

    argmax∈ : (b : B) (cs : List B) → argmax s b cs ∈ b ∷ cs
    argmax∈ b []       = inl refl
    argmax∈ b (c ∷ cs) with argmax∈ (better b c) cs
    ... | inr m = inr (inr m)
    ... | inl e with ifEither (s b ≺ s c) b c
    ...   | inl isB = inl (e ∙ isB)
    ...   | inr isC = inr (inl (e ∙ isC))

    -- Of two candidates the better one is finite if either is.
    betterFinite : (b c : B) → IsFinite (s b) ⊎ IsFinite (s c) → IsFinite (s (better b c))
    betterFinite b c f = go (s b) (s c) refl refl f
      where
      go : (x y : Maybe S) → s b ≡ x → s c ≡ y → IsFinite (s b) ⊎ IsFinite (s c)
         → IsFinite (s (if s b ≺ s c then c else b))
      go x nothing p q (inl fb) = subst (λ y → IsFinite (s (if s b ≺ y then c else b))) (sym q) fb
      go x nothing p q (inr fc) = ⊥.rec (subst IsFinite q fc)
      go nothing (just y) p q _ =
        subst (λ z → IsFinite (s (if z then c else b))) (sym (cong₂≺ p q)) (subst IsFinite (sym q) tt)
        where
        cong₂≺ : s b ≡ nothing → s c ≡ just y → (s b ≺ s c) ≡ true
        cong₂≺ p q = cong (_≺ s c) p ∙ cong (nothing ≺_) q
      go (just x) (just y) p q _ = both (s b ≺ s c)
        where
        both : (z : Bool) → IsFinite (s (if z then c else b))
        both true  = subst IsFinite (sym q) tt
        both false = subst IsFinite (sym p) tt

    argmaxFinite : (b : B) (cs : List B) → Σ[ c ∈ B ] (c ∈ b ∷ cs) × IsFinite (s c) → IsFinite (s (argmax s b cs))
    argmaxFinite b []       (c , inl e , f) = subst (λ x → IsFinite (s x)) e f
    argmaxFinite b (c ∷ cs) (d , inl e , f) =
      argmaxFinite (better b c) cs (_ , inl refl , betterFinite b c (inl (subst (λ x → IsFinite (s x)) e f)))
    argmaxFinite b (c ∷ cs) (d , inr (inl e) , f) =
      argmaxFinite (better b c) cs (_ , inl refl , betterFinite b c (inr (subst (λ x → IsFinite (s x)) e f)))
    argmaxFinite b (c ∷ cs) (d , inr (inr m) , f) = argmaxFinite (better b c) cs (d , inr m , f)

-------------------------------------------------------------------------------
-- Masked decoding
-------------------------------------------------------------------------------

isUsed : (x : A) (used : List A) → Dec (x ∈ used)
isUsed x []       = no λ m → m
isUsed x (y ∷ ys) with x ≟ y
... | yes e = yes (inl e)
... | no ne with isUsed x ys
...   | yes m = yes (inr m)
...   | no nm = no λ { (inl e) → ne e ; (inr m) → nm m }

-- −∞ for what was used.
unlessUsed : {P : Type} → S → Dec P → Maybe S
unlessUsed s (yes _) = nothing
unlessUsed s (no _)  = just s

masked : List A → (A → S) → A → Maybe S
masked used score x = unlessUsed (score x) (isUsed x used)

-- k steps of greedy decoding over these positions, where `score` knows all that was chosen.
decode : (List A → A → S) → ℕ → List A → List A → List A
decode score zero    _        _    = []
decode score (suc k) []       _    = []
decode score (suc k) (p ∷ ps) used = chosen ∷ decode score k (p ∷ ps) (chosen ∷ used)
  where
  chosen : A
  chosen = argmax (masked used (score used)) p ps

private
  finiteIsUnused : (used : List A) (score : A → S) (x : A) → IsFinite (masked used score x) → ¬ (x ∈ used)
  finiteIsUnused used score x f m with isUsed x used
  ... | no nm = nm m

  unusedIsFinite : (used : List A) (score : A → S) (x : A) → ¬ (x ∈ used) → IsFinite (masked used score x)
  unusedIsFinite used score x nm with isUsed x used
  ... | yes m = nm m
  ... | no _  = tt

  notUsed? : (used : List A) (x : A) → Dec (¬ (x ∈ used))
  notUsed? used x with isUsed x used
  ... | yes m = no λ nm → nm m
  ... | no nm = yes nm

  -- While fewer were used than there are, one is left.
  oneIsLeft : (ps used : List A) → Distinct ps → suc (length used) ≤ length ps → Σ[ x ∈ A ] (x ∈ ps) × (¬ (x ∈ used))
  oneIsLeft ps used distinct fewer with searchIn (notUsed? used) ps
  ... | yes found = found
  ... | no none = ⊥.rec (¬m<m (≤-trans fewer (pigeonhole (λ x y → x ≡ y) (λ p q → p ∙ sym q) ps used distinct
                    λ x m → x , inUsed x m , refl)))
    where
    inUsed : (x : A) → x ∈ ps → x ∈ used
    inUsed x m with isUsed x used
    ... | yes u = u
    ... | no nu = ⊥.rec (none (x , m , nu))

record Valid (k : ℕ) (ps used xs : List A) : Type where
  constructor valid
  field
    steps    : length xs ≡ k
    distinct : Distinct xs
    fresh    : (x : A) → x ∈ xs → ¬ (x ∈ used)
    inside   : (x : A) → x ∈ xs → x ∈ ps

-- As long as there are enough positions, k masked steps choose k different ones that were not used before.
decodeValid : (score : List A → A → S) (k : ℕ) (ps used : List A) → Distinct ps → length used + k ≤ length ps
            → Valid k ps used (decode score k ps used)
decodeValid score zero    ps       used _        _      = valid refl tt (λ _ m → ⊥.rec m) (λ _ m → ⊥.rec m)
decodeValid score (suc k) []       used _        enough = ⊥.rec (¬m<m (≤-trans (suc-≤-suc ≤SumLeft) (subst (_≤ 0) (+-suc (length used) k) enough)))
decodeValid score (suc k) (p ∷ ps) used distinct enough =
  valid (cong suc (Valid.steps rest)) (isNew , Valid.distinct rest)
    (λ { x (inl e) → subst (λ y → ¬ (y ∈ used)) (sym e) chosenFresh ; x (inr m) u → Valid.fresh rest x m (inr u) })
    (λ { x (inl e) → subst (_∈ p ∷ ps) (sym e) (argmax∈ s p ps) ; x (inr m) → Valid.inside rest x m })
  where
  s : A → Maybe S
  s = masked used (score used)
  chosen : A
  chosen = argmax s p ps
  more : suc (length used) + k ≤ length (p ∷ ps)
  more = subst (_≤ length (p ∷ ps)) (+-suc (length used) k) enough
  chosenFresh : ¬ (chosen ∈ used)
  chosenFresh = let (x , m , nu) = oneIsLeft (p ∷ ps) used distinct (≤-trans (suc-≤-suc ≤SumLeft) more) in
    finiteIsUnused used (score used) chosen (argmaxFinite s p ps (x , m , unusedIsFinite used (score used) x nu))
  rest : Valid k (p ∷ ps) (chosen ∷ used) (decode score k (p ∷ ps) (chosen ∷ used))
  rest = decodeValid score k (p ∷ ps) (chosen ∷ used) distinct more
  isNew : ¬ (chosen ∈ decode score k (p ∷ ps) (chosen ∷ used))
  isNew m = Valid.fresh rest chosen m (inl refl)

-- Masked decoding is a permutation by construction: for every number of positions and whatever the scores, as many steps as
-- there are positions write each of them once.
decodeIsPermutation : (score : List A → A → S) (ps : List A) → Distinct ps → decode score (length ps) ps [] ↭ ps
decodeIsPermutation score ps distinct =
  distinctIsPermutation (decode score (length ps) ps []) ps (Valid.distinct found) (Valid.inside found) (Valid.steps found)
  where
  found : Valid (length ps) ps [] (decode score (length ps) ps [])
  found = decodeValid score (length ps) ps [] distinct ≤-refl

-- So the multiset of what is read off in that order, coordinates of cities or numbers to be sorted, is that of the input.
decodeKeepsMultiset : {V : Type} (value : A → V) (score : List A → A → S) (ps : List A) → Distinct ps
  → toMultiset (map value (decode score (length ps) ps [])) ≡ toMultiset (map value ps)
decodeKeepsMultiset value score ps distinct = permutationToPath (↭map value (decodeIsPermutation score ps distinct))

-------------------------------------------------------------------------------
-- With an end: a partial injection
-------------------------------------------------------------------------------

-- The choices are ⇐, which is nothing, and the positions that were not used.
maskedOrStop : List A → S → (A → S) → Maybe A → Maybe S
maskedOrStop used stop score nothing  = just stop
maskedOrStop used stop score (just x) = masked used score x

-- At most k steps, until ⇐ is chosen.
decodeUntilStop : (List A → S) → (List A → A → S) → ℕ → List A → List A → List A
continue        : (List A → S) → (List A → A → S) → ℕ → List A → List A → Maybe A → List A

decodeUntilStop stopScore score zero    ps used = []
decodeUntilStop stopScore score (suc k) ps used =
  continue stopScore score k ps used (argmax (maskedOrStop used (stopScore used) (score used)) nothing (map just ps))

continue stopScore score k ps used nothing  = []
continue stopScore score k ps used (just x) = x ∷ decodeUntilStop stopScore score k ps (x ∷ used)

private
  PartlyValid : (ps used xs : List A) → Type
  PartlyValid ps used xs = Distinct xs × (((x : A) → x ∈ xs → ¬ (x ∈ used)) × ((x : A) → x ∈ xs → x ∈ ps))

  justInside : (ps : List A) {x : A} → just x ∈ map just ps → x ∈ ps
  justInside (p ∷ ps) (inl e) = inl (unjust e)
    where
    unjust : {x y : A} → just x ≡ just y → x ≡ y
    unjust {x} = cong λ { nothing → x ; (just z) → z }
  justInside (p ∷ ps) (inr m) = inr (justInside ps m)

  nothing≢just : {x : A} → ¬ (just x ≡ nothing)
  nothing≢just e = subst (λ { nothing → ⊥ ; (just _) → Unit }) e tt

untilStopValid : (stopScore : List A → S) (score : List A → A → S) (k : ℕ) (ps used : List A)
               → PartlyValid ps used (decodeUntilStop stopScore score k ps used)
untilStopValid stopScore score zero    ps used = tt , (λ _ m → ⊥.rec m) , (λ _ m → ⊥.rec m)
untilStopValid stopScore score (suc k) ps used = step (argmax s nothing (map just ps))
    (argmax∈ s nothing (map just ps)) (argmaxFinite s nothing (map just ps) (nothing , inl refl , tt))
  where
  s : Maybe A → Maybe S
  s = maskedOrStop used (stopScore used) (score used)
  step : (c : Maybe A) → c ∈ nothing ∷ map just ps → IsFinite (s c) → PartlyValid ps used (continue stopScore score k ps used c)
  step nothing  _ _ = tt , (λ _ m → ⊥.rec m) , (λ _ m → ⊥.rec m)
  step (just x) (inl e) _ = ⊥.rec (nothing≢just e)
  step (just x) (inr m) f = ((λ n → fst (snd rest) x n (inl refl)) , fst rest)
      , (λ { y (inl e) → subst (λ z → ¬ (z ∈ used)) (sym e) (finiteIsUnused used (score used) x f)
           ; y (inr n) u → fst (snd rest) y n (inr u) })
      , (λ { y (inl e) → subst (_∈ ps) (sym e) (justInside ps m) ; y (inr n) → snd (snd rest) y n })
    where
    rest : PartlyValid ps (x ∷ used) (decodeUntilStop stopScore score k ps (x ∷ used))
    rest = untilStopValid stopScore score k ps (x ∷ used)

-- With an end that may come at any time, what is written is a partial injection, however many steps are allowed and whatever
-- the scores: no position twice, and none that is not there.
untilStopIsInjection : (stopScore : List A → S) (score : List A → A → S) (k : ℕ) (ps : List A)
  → let xs = decodeUntilStop stopScore score k ps [] in Distinct xs × ((x : A) → x ∈ xs → x ∈ ps)
untilStopIsInjection stopScore score k ps = let (d , _ , i) = untilStopValid stopScore score k ps [] in d , i

-- So it is never longer than the input.
untilStopLength : (stopScore : List A → S) (score : List A → A → S) (k : ℕ) (ps : List A)
  → length (decodeUntilStop stopScore score k ps []) ≤ length ps
untilStopLength stopScore score k ps = let (d , i) = untilStopIsInjection stopScore score k ps in
  pigeonhole (λ x y → x ≡ y) (λ p q → p ∙ sym q) (decodeUntilStop stopScore score k ps []) ps d (λ x m → x , i x m , refl)
