{-# OPTIONS --safe #-}
{-
Attention: for a query, the weighted average of the values of finitely many items. It is a map out of their finite multiset,
with numbers from an abstract commutative ring.

  in the papers                                here
  key–value pairs, annotations, memories       M : FMSet Item
  exp(score), not yet normalised               weight q x (any function)
  what an item holds, feature by feature       value x j
  softmax of the scores, at one item           share q M x = weight q x / denominator q M
  softmax of the scores, times the values      average q M = numerator q M / denominator q M
  a masked item, a score of −∞                 an item of weight exp(−∞) = 0

Division is an arbitrary function `divide`: what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.Attention {ℓ : Level} (R' : CommRing ℓ) {Query Item Feature : Type ℓ}
  (weight : Query → Item → fst R') (value : Item → Feature → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd; Σ-syntax)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Lists using (All)
open import S30.Multiset
import S30.Convex

open CommRingStr (snd R') using (0r; _+_; _·_; is-set; +IdR; ·Assoc)
open import S30.Ring R' using (0·Absorbs; sumList)
open import S30.WeightedSum R' using
  (sumOver; sumOverUnion; sumOverNeutral; sumOverMap; sumOverFactorL; sumOverFactorR; sumOverList)

private
  R = fst R'

weighted : Query → Feature → Item → R
weighted q j x = weight q x · value x j

-- Σ weight · value  and  Σ weight
numerator : Query → FMSet Item → Feature → R
numerator q M j = sumOver (weighted q j) M

denominator : Query → FMSet Item → R
denominator q M = sumOver (weight q) M

average : Query → FMSet Item → Feature → R
average q M j = divide (numerator q M j) (denominator q M)

-- The normalised weight of an item, and those of a list of items, one for each.
share : Query → FMSet Item → Item → R
share q M x = divide (weight q x) (denominator q M)

shares : Query → List Item → List R
shares q xs = map (share q (toMultiset xs)) xs

-- No permutation of the items changes the average …
averageOfPermuted : (q : Query) {xs ys : List Item} → xs ↭ ys → average q (toMultiset xs) ≡ average q (toMultiset ys)
averageOfPermuted q p = cong (average q) (permutationToPath p)

-- … and each item keeps its share: those of permuted items are one function of the item.
shareKept : (q : Query) {xs ys : List Item} → xs ↭ ys
  → Σ[ g ∈ (Item → R) ] (shares q xs ≡ map g xs) × (shares q ys ≡ map g ys)
shareKept q {xs} {ys} p = share q (toMultiset xs) , refl , λ i → map (share q (permutationToPath p (~ i))) ys

-- Two blocks of items can be worked off one after the other: their numerators and their denominators add.
averageOfUnion : (q : Query) (M N : FMSet Item) (j : Feature)
  → average q (M ∪ N) j ≡ divide (numerator q M j + numerator q N j) (denominator q M + denominator q N)
averageOfUnion q M N j = cong₂ divide (sumOverUnion (weighted q j) M N) (sumOverUnion (weight q) M N)

-- An item of weight 0 changes no average, whatever it holds, …
weightlessChangesNothing : (q : Query) (x : Item) (M : FMSet Item) → weight q x ≡ 0r → average q (x ◂ M) ≡ average q M
weightlessChangesNothing q x M none = funExt λ j → cong₂ divide
  (sumOverNeutral (weighted q j) x M (cong (_· value x j) none ∙ 0·Absorbs (value x j)))
  (sumOverNeutral (weight q) x M none)

-- … and no share of another.
weightlessTakesNoShare : (q : Query) (x : Item) (M : FMSet Item) → weight q x ≡ 0r → share q (x ◂ M) ≡ share q M
weightlessTakesNoShare q x M none = funExt λ y → cong (divide (weight q y)) (sumOverNeutral (weight q) x M none)

-- The average is Σ share · value, if dividing by this denominator is linear.
averageIsExpectation : (q : Query) (M : FMSet Item) (j : Feature)
  → let den = denominator q M in
    divide 0r den ≡ 0r → ((a b : R) → divide (a + b) den ≡ divide a den + divide b den)
  → ((a b : R) → divide (a · b) den ≡ divide a den · b)
  → average q M j ≡ sumOver (λ x → share q M x · value x j) M
averageIsExpectation q M j zeros sums factors = dividedSum M
  where
  den : R
  den = denominator q M
  dividedSum : (N : FMSet Item) → divide (numerator q N j) den ≡ sumOver (λ x → divide (weight q x) den · value x j) N
  dividedSum = ElimProp.f (is-set _ _) zeros
    λ x {N} IH → sums (weighted q j x) (numerator q N j) ∙ cong₂ _+_ (factors (weight q x) (value x j)) IH

-- The shares add up to the denominator divided by itself, which is 1, if dividing by it is linear.
sharesSumToOne : (q : Query) (M : FMSet Item)
  → let den = denominator q M in
    divide 0r den ≡ 0r → ((a b : R) → divide (a + b) den ≡ divide a den + divide b den)
  → sumOver (share q M) M ≡ divide den den
sharesSumToOne q M zeros sums = sym (dividedSum M)
  where
  den : R
  den = denominator q M
  dividedSum : (N : FMSet Item) → divide (denominator q N) den ≡ sumOver (λ x → divide (weight q x) den) N
  dividedSum = ElimProp.f (is-set _ _) zeros
    λ x {N} IH → sums (weight q x) (denominator q N) ∙ cong (divide (weight q x) den +_) IH

-- Items made of others (`item`), all of which hold v in feature j: their numerator is their denominator times v …
numeratorOfEqual : (q : Query) {A : Type ℓ} (item : A → Item) (j : Feature) (v : R) → ((a : A) → value (item a) j ≡ v)
  → (M : FMSet A) → numerator q (mapMultiset item M) j ≡ denominator q (mapMultiset item M) · v
numeratorOfEqual q item j v same M =
  sumOverMap (weighted q j) item M
  ∙ cong (λ f → sumOver f M) (funExt λ a → cong (weight q (item a) ·_) (same a))
  ∙ sumOverFactorR (λ a → weight q (item a)) v M
  ∙ cong (_· v) (sym (sumOverMap (weight q) item M))

-- … and their average is v, if dividing by this denominator undoes multiplying by it.
averageOfEqual : (q : Query) {A : Type ℓ} (item : A → Item) (j : Feature) (v : R) → ((a : A) → value (item a) j ≡ v)
  → (M : FMSet A) → let den = denominator q (mapMultiset item M) in
    ((a : R) → divide (den · a) den ≡ a) → average q (mapMultiset item M) j ≡ v
averageOfEqual q item j v same M cancels =
  cong (λ n → divide n (denominator q (mapMultiset item M))) (numeratorOfEqual q item j v same M) ∙ cancels v

-- One item alone is its own average.
averageOfOne : (q : Query) (x : Item)
  → ((a : R) → divide (weight q x · a) (weight q x) ≡ a) → average q (x ◂ ∅) ≡ value x
averageOfOne q x cancels = funExt λ j →
  cong₂ divide (+IdR (weight q x · value x j)) (+IdR (weight q x)) ∙ cancels (value x j)

-- A factor of all weights, such as exp(−max) of a stable softmax, comes out of numerator and denominator, and cancels if
-- dividing both by it changes no quotient.
factorCancels : (q : Query) (factor : R) → ((a b : R) → divide (factor · a) (factor · b) ≡ divide a b)
  → (M : FMSet Item) (j : Feature)
  → divide (sumOver (λ x → (factor · weight q x) · value x j) M) (sumOver (λ x → factor · weight q x) M) ≡ average q M j
factorCancels q factor cancels M j =
  cong₂ divide
    (cong (λ f → sumOver f M) (funExt λ x → sym (·Assoc factor (weight q x) (value x j)))
      ∙ sumOverFactorL factor (weighted q j) M)
    (sumOverFactorL factor (weight q) M)
  ∙ cancels (numerator q M j) (denominator q M)

-- Between bounds, in an ordered ring.
module Ordered {ℓ' : Level} (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Convex R' _≤_ +Mono ·Mono using (IsBetween; weightedSumBetween)

  -- Where no weight is negative and every item holds in feature j what lies between low and high, so does the average, if
  -- dividing by this denominator undoes multiplying by it and keeps the order (and 0 ≤ 0).
  averageBetween : 0r ≤ 0r → (q : Query) (low high : R) (j : Feature) (xs : List Item)
    → All (λ x → (0r ≤ weight q x) × IsBetween low high (value x j)) xs
    → let den = denominator q (toMultiset xs) in
      ((a : R) → divide (den · a) den ≡ a) → ((a b : R) → a ≤ b → divide a den ≤ divide b den)
    → IsBetween low high (average q (toMultiset xs) j)
  averageBetween 0≤0 q low high j xs inside cancels mono =
      subst (_≤ average q (toMultiset xs) j) (cancels low)
        (mono _ _ (subst2 (λ d n → (d · low) ≤ n) (sym dens) (sym nums) (fst between)))
    , subst (average q (toMultiset xs) j ≤_) (cancels high)
        (mono _ _ (subst2 (λ d n → n ≤ (d · high)) (sym dens) (sym nums) (snd between)))
    where
    dens : denominator q (toMultiset xs) ≡ sumList (map (weight q) xs)
    dens = sumOverList (weight q) xs
    nums : numerator q (toMultiset xs) j ≡ sumList (map (weighted q j) xs)
    nums = sumOverList (weighted q j) xs
    between = weightedSumBetween 0≤0 (weight q) (λ x → value x j) low high xs inside
