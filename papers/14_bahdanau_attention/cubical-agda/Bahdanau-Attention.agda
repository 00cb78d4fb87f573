{-# OPTIONS --safe #-}
{-
Paper 14: D. Bahdanau, K. Cho, Y. Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate» (2014),
arXiv:1409.0473

Alignment and context (equations 5 and 6), one state at a time, with numbers from an abstract commutative ring: share and
average of S30.Attention, over the annotations.

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

open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd; Σ-syntax)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Lists using (All)
open import S30.Multiset
import S30.Attention
import S30.Convex

open CommRingStr (snd R') using (0r; _+_; _·_)
open import S30.WeightedSum R' using (sumOver)

R : Type ℓ
R = fst R'

private
  module Shared = S30.Attention R' weight feature divide

-- Σ exp(e) h  and  Σ exp(e), over the multiset of annotations.
open Shared public using (numerator; denominator)

-- α (equation 6) and c (equation 5).
alignment : State → FMSet Annotation → Annotation → R
alignment = Shared.share

context : State → FMSet Annotation → Feature → R
context = Shared.average

-- All alignments of a sentence, word by word.
alignments : State → List Annotation → List R
alignments s hs = map (alignment s (toMultiset hs)) hs

-- For a given state the context is a map out of the finite multiset of annotations: no permutation of them changes it.
contextOfPermuted : (s : State) {hs ks : List Annotation} → hs ↭ ks → context s (toMultiset hs) ≡ context s (toMultiset ks)
contextOfPermuted = Shared.averageOfPermuted

-- And each annotation keeps its own weight: the alignments of permuted annotations are one function of the annotation.
alignmentKept : (s : State) {hs ks : List Annotation} → hs ↭ ks
  → Σ[ g ∈ (Annotation → R) ] (alignments s hs ≡ map g hs) × (alignments s ks ≡ map g ks)
alignmentKept = Shared.shareKept

-- Equation (5) as it stands, c = Σ α h, if dividing by this row's denominator is linear.
contextIsExpectation : (s : State) (M : FMSet Annotation) (f : Feature)
  → let den = denominator s M in
    divide 0r den ≡ 0r → ((x y : R) → divide (x + y) den ≡ divide x den + divide y den)
  → ((x y : R) → divide (x · y) den ≡ divide x den · y)
  → context s M f ≡ sumOver (λ h → alignment s M h · feature h f) M
contextIsExpectation = Shared.averageIsExpectation

-- The alignments add up to the denominator divided by itself, which is 1, if dividing by it is linear.
alignmentsSumToOne : (s : State) (M : FMSet Annotation)
  → let den = denominator s M in
    divide 0r den ≡ 0r → ((x y : R) → divide (x + y) den ≡ divide x den + divide y den)
  → sumOver (alignment s M) M ≡ divide den den
alignmentsSumToOne = Shared.sharesSumToOne

-- An annotation of weight 0 (a padded source word) changes no context, whatever it holds.
paddingChangesNothing : (s : State) (h : Annotation) (M : FMSet Annotation)
                      → weight s h ≡ 0r → context s (h ◂ M) ≡ context s M
paddingChangesNothing = Shared.weightlessChangesNothing

-- A convex combination of equal values is that value: where feature f of every annotation is v, it is v in the context, if
-- dividing by this row's denominator undoes multiplying by it.
contextOfEqual : (s : State) (f : Feature) (v : R) (M : FMSet (Σ[ h ∈ Annotation ] (feature h f ≡ v)))
  → let den = denominator s (mapMultiset fst M) in
    ((y : R) → divide (den · y) den ≡ y) → context s (mapMultiset fst M) f ≡ v
contextOfEqual s f v = Shared.averageOfEqual s fst f v snd

-- A sentence of one word leaves nothing to search: its context is its annotation at every state.
contextOfOne : (s : State) (h : Annotation)
  → ((y : R) → divide (weight s h · y) (weight s h) ≡ y) → context s (h ◂ ∅) ≡ feature h
contextOfOne = Shared.averageOfOne

-- A constant added to all energies is a factor of all weights, and cancels if dividing both by it changes no quotient.
constantEnergyCancels : (s : State) (factor : R) → ((x y : R) → divide (factor · x) (factor · y) ≡ divide x y)
  → (M : FMSet Annotation) (f : Feature)
  → divide (sumOver (λ h → (factor · weight s h) · feature h f) M) (sumOver (λ h → factor · weight s h) M) ≡ context s M f
constantEnergyCancels = Shared.factorCancels

-- Between bounds, in an ordered ring.
module Ordered {ℓ' : Level} (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Convex R' _≤_ +Mono ·Mono using (IsBetween)

  -- Where no weight is negative and feature f of every annotation lies between low and high, so does the context's, if dividing
  -- by this row's denominator undoes multiplying by it and keeps the order (and 0 ≤ 0).
  contextBetween : 0r ≤ 0r → (s : State) (low high : R) (f : Feature) (hs : List Annotation)
    → All (λ h → (0r ≤ weight s h) × IsBetween low high (feature h f)) hs
    → let den = denominator s (toMultiset hs) in
      ((y : R) → divide (den · y) den ≡ y) → ((a b : R) → a ≤ b → divide a den ≤ divide b den)
    → IsBetween low high (context s (toMultiset hs) f)
  contextBetween = Shared.Ordered.averageBetween _≤_ +Mono ·Mono
