{-# OPTIONS --safe #-}
{-
Paper 14: D. Bahdanau, K. Cho, Y. Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate» (2014),
arXiv:1409.0473

Alignment and context (equations 5 and 6), one state at a time, with numbers from an abstract commutative ring. Written as
room 13 writes its attention: the key–value pairs are the annotations themselves.

  paper                                        here
  exp(e_ij), e_ij = a(s_{i−1}, h_j)            weight s h (any function)
  h_j, feature by feature                      feature h f
  the annotations (h_1, …, h_T)                M : FMSet Annotation, a finite multiset
  α_ij (6)                                     alignment s M h = divide (weight s h) (denominator s M)
  c_i (5)                                      context s M = numerator s M / denominator s M
  padding: an energy −∞                        an annotation of weight exp(−∞) = 0

Division is an arbitrary function `divide`: what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Bahdanau-Attention {ℓ : Level} (R' : CommRing ℓ) {State Annotation Feature : Type ℓ}
  (weight : State → Annotation → fst R') (feature : Annotation → Feature → fst R')
  (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; Σ-syntax)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Lists using (All)
open import S30.Multiset
import S30.Convex

open CommRingStr (snd R') using (0r; _+_; _·_; is-set; +IdR; ·Assoc)
open import S30.Ring R' using (0·Absorbs; sumList)
open import S30.WeightedSum R' using (sumOver; sumOverNeutral; sumOverFactorL; sumOverFactorR)

R : Type ℓ
R = fst R'

weighted : State → Feature → Annotation → R
weighted s f h = weight s h · feature h f

-- Σ exp(e) h  and  Σ exp(e), over the multiset of annotations.
numerator : State → FMSet Annotation → Feature → R
numerator s M f = sumOver (weighted s f) M

denominator : State → FMSet Annotation → R
denominator s M = sumOver (weight s) M

-- α (equation 6) and c (equation 5).
alignment : State → FMSet Annotation → Annotation → R
alignment s M h = divide (weight s h) (denominator s M)

context : State → FMSet Annotation → Feature → R
context s M f = divide (numerator s M f) (denominator s M)

-- All alignments of a sentence, word by word.
alignments : State → List Annotation → List R
alignments s hs = map (alignment s (toMultiset hs)) hs

-- For a given state the context is a map out of the finite multiset of annotations: no permutation of them changes it.
contextOfPermuted : (s : State) {hs ks : List Annotation} → hs ↭ ks → context s (toMultiset hs) ≡ context s (toMultiset ks)
contextOfPermuted s p = cong (context s) (permutationToPath p)

-- And each annotation keeps its own weight: the alignments of permuted annotations are one function of the annotation.
alignmentKept : (s : State) {hs ks : List Annotation} → hs ↭ ks
  → Σ[ g ∈ (Annotation → R) ] (alignments s hs ≡ map g hs) × (alignments s ks ≡ map g ks)
alignmentKept s {hs} {ks} p =
  alignment s (toMultiset hs) , refl , λ i → map (alignment s (permutationToPath p (~ i))) ks

-- Equation (5) as it stands, c = Σ α h, if dividing by this row's denominator is linear.
contextIsExpectation : (s : State) (M : FMSet Annotation) (f : Feature)
  → let den = denominator s M in
    divide 0r den ≡ 0r → ((x y : R) → divide (x + y) den ≡ divide x den + divide y den)
  → ((x y : R) → divide (x · y) den ≡ divide x den · y)
  → context s M f ≡ sumOver (λ h → alignment s M h · feature h f) M
contextIsExpectation s M f zeros sums factors = dividedSum M
  where
  den : R
  den = denominator s M
  dividedSum : (N : FMSet Annotation)
    → divide (numerator s N f) den ≡ sumOver (λ h → divide (weight s h) den · feature h f) N
  dividedSum = ElimProp.f (is-set _ _) zeros
    λ h {N} IH → sums (weighted s f h) (numerator s N f) ∙ cong₂ _+_ (factors (weight s h) (feature h f)) IH

-- The alignments add up to the denominator divided by itself, which is 1, if dividing by it is linear.
alignmentsSumToOne : (s : State) (M : FMSet Annotation)
  → let den = denominator s M in
    divide 0r den ≡ 0r → ((x y : R) → divide (x + y) den ≡ divide x den + divide y den)
  → sumOver (alignment s M) M ≡ divide den den
alignmentsSumToOne s M zeros sums = sym (dividedSum M)
  where
  den : R
  den = denominator s M
  dividedSum : (N : FMSet Annotation) → divide (denominator s N) den ≡ sumOver (λ h → divide (weight s h) den) N
  dividedSum = ElimProp.f (is-set _ _) zeros
    λ h {N} IH → sums (weight s h) (denominator s N) ∙ cong (divide (weight s h) den +_) IH

-- An annotation of weight 0 (a padded source word) changes no context, whatever it holds.
paddingChangesNothing : (s : State) (h : Annotation) (M : FMSet Annotation)
                      → weight s h ≡ 0r → context s (h ◂ M) ≡ context s M
paddingChangesNothing s h M masked = funExt λ f → cong₂ divide
  (sumOverNeutral (weighted s f) h M (cong (_· feature h f) masked ∙ 0·Absorbs (feature h f)))
  (sumOverNeutral (weight s) h M masked)

-- A convex combination of equal values is that value: where feature f of every annotation is v, it is v in the context, if
-- dividing by this row's denominator undoes multiplying by it.
contextOfEqual : (s : State) (M : FMSet Annotation) (f : Feature) (v : R)
  → ((h : Annotation) → feature h f ≡ v)
  → ((y : R) → divide (denominator s M · y) (denominator s M) ≡ y) → context s M f ≡ v
contextOfEqual s M f v same cancels =
  cong (λ n → divide n (denominator s M))
    (cong (λ g → sumOver g M) (funExt λ h → cong (weight s h ·_) (same h)) ∙ sumOverFactorR (weight s) v M)
  ∙ cancels v

-- A sentence of one word leaves nothing to search: its context is its annotation at every state.
contextOfOne : (s : State) (h : Annotation)
  → ((y : R) → divide (weight s h · y) (weight s h) ≡ y) → context s (h ◂ ∅) ≡ feature h
contextOfOne s h cancels = funExt λ f →
  cong₂ divide (+IdR (weight s h · feature h f)) (+IdR (weight s h)) ∙ cancels (feature h f)

-- A constant added to all energies is a factor of all weights, and cancels if dividing both by it changes no quotient.
constantEnergyCancels : (s : State) (factor : R) → ((x y : R) → divide (factor · x) (factor · y) ≡ divide x y)
  → (M : FMSet Annotation) (f : Feature)
  → divide (sumOver (λ h → (factor · weight s h) · feature h f) M) (sumOver (λ h → factor · weight s h) M) ≡ context s M f
constantEnergyCancels s factor cancels M f =
  cong₂ divide
    (cong (λ g → sumOver g M) (funExt λ h → sym (·Assoc factor (weight s h) (feature h f)))
      ∙ sumOverFactorL factor (weighted s f) M)
    (sumOverFactorL factor (weight s) M)
  ∙ cancels (numerator s M f) (denominator s M)

-- Between bounds, in an ordered ring.
module Ordered {ℓ' : Level} (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Convex R' _≤_ +Mono ·Mono using (IsBetween; weightedSumBetween)

  private
    sumOverList : {A : Type ℓ} (f : A → R) (xs : List A) → sumOver f (toMultiset xs) ≡ sumList (map f xs)
    sumOverList f []       = refl
    sumOverList f (x ∷ xs) = cong (f x +_) (sumOverList f xs)

  -- Where no weight is negative and feature f of every annotation lies between low and high, so does the context's, if dividing
  -- by this row's denominator undoes multiplying by it and keeps the order (and 0 ≤ 0).
  contextBetween : 0r ≤ 0r → (s : State) (low high : R) (f : Feature) (hs : List Annotation)
    → All (λ h → (0r ≤ weight s h) × IsBetween low high (feature h f)) hs
    → let den = denominator s (toMultiset hs) in
      ((y : R) → divide (den · y) den ≡ y) → ((a b : R) → a ≤ b → divide a den ≤ divide b den)
    → IsBetween low high (context s (toMultiset hs) f)
  contextBetween 0≤0 s low high f hs inside cancels mono =
      subst (_≤ context s (toMultiset hs) f) (cancels low)
        (mono _ _ (subst2 (λ d n → (d · low) ≤ n) (sym dens) (sym nums) (fst between)))
    , subst (context s (toMultiset hs) f ≤_) (cancels high)
        (mono _ _ (subst2 (λ d n → n ≤ (d · high)) (sym dens) (sym nums) (snd between)))
    where
    dens = sumOverList (weight s) hs
    nums = sumOverList (weighted s f) hs
    between = weightedSumBetween 0≤0 (weight s) (λ h → feature h f) low high hs inside
