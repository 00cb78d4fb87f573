{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Attention (Section 3.2, equation 1), one query at a time, with numbers from an abstract commutative ring: the average of
S30.Attention over key–value pairs.

  paper                                        here
  exp(q·k/√d_k)                                weight q k (any function)
  softmax(QKᵀ/√d_k)V, one row                  attend q M = numerator q M / denominator q M, feature by feature
  the set of key–value pairs                   M : FMSet KeyValue, a finite multiset
  masking out, setting to −∞ (3.2.3)           a key of weight exp(−∞) = 0

Division is an arbitrary function `divide`: what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Transformer-Attention {ℓ : Level} (R' : CommRing ℓ) {Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; snd)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming (_∷_ to _◂_)
open import S30.Lists using (All)
open import S30.Multiset
import S30.Attention
import S30.Convex

open CommRingStr (snd R') using (0r; _+_; _·_)
open import S30.WeightedSum R' using (sumOver)

R : Type ℓ
R = fst R'

KeyValue : Type ℓ
KeyValue = Key × (Feature → R)

weightOf : Query → KeyValue → R
weightOf q (k , v) = weight q k

private
  module Shared = S30.Attention R' weightOf snd divide

-- Σ exp(q·k/√d_k) v  and  Σ exp(q·k/√d_k), over the multiset of key–value pairs.
open Shared public using (weighted; numerator; denominator)

-- softmax(qKᵀ/√d_k)V
attend : Query → FMSet KeyValue → Feature → R
attend = Shared.average

-- Attention is a map out of the finite multiset of key–value pairs, so no permutation of them changes it.
attentionPermutationInvariant : (q : Query) {xs ys : List KeyValue} → xs ↭ ys
                              → attend q (toMultiset xs) ≡ attend q (toMultiset ys)
attentionPermutationInvariant = Shared.averageOfPermuted

-- Two blocks of keys can be worked off one after the other: their numerators and their denominators add.
attendUnion : (q : Query) (M N : FMSet KeyValue) (j : Feature)
  → attend q (M ∪ N) j ≡ divide (numerator q M j + numerator q N j) (denominator q M + denominator q N)
attendUnion = Shared.averageOfUnion

-- A key of weight 0 (a masked key, a padded source token) changes nothing, whatever its value and wherever it stands.
maskedKeyChangesNothing : (q : Query) (k : Key) (v : Feature → R) (M : FMSet KeyValue)
                        → weight q k ≡ 0r → attend q ((k , v) ◂ M) ≡ attend q M
maskedKeyChangesNothing q k v = Shared.weightlessChangesNothing q (k , v)

-- So attention to keys that all carry the value v is v, if dividing by this row's denominator undoes multiplying by
-- it: the weights of a row sum to 1.
attendOfEqualValues : (q : Query) (keys : FMSet Key) (v : Feature → R)
  → let den = denominator q (mapMultiset (λ k → k , v) keys) in
    ((y : R) → divide (den · y) den ≡ y) → attend q (mapMultiset (λ k → k , v) keys) ≡ v
attendOfEqualValues q keys v cancels = funExt λ j →
  Shared.averageOfEqual q (λ k → k , v) j (v j) (λ _ → refl) keys cancels

-- A factor of all weights, such as exp(−max) of a stable softmax, comes out of numerator and denominator, and cancels
-- if dividing both by it changes no quotient (for reals: if it is not zero).
commonFactorCancels : (q : Query) (factor : R) → ((x y : R) → divide (factor · x) (factor · y) ≡ divide x y)
  → (M : FMSet KeyValue) (j : Feature)
  → divide (sumOver (λ (k , v) → (factor · weight q k) · v j) M) (sumOver (λ (k , v) → factor · weight q k) M)
  ≡ attend q M j
commonFactorCancels = Shared.factorCancels

-- Between bounds, in an ordered ring.
module Ordered {ℓ' : Level} (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Convex R' _≤_ +Mono ·Mono using (IsBetween)

  -- Where no weight is negative and every value attended to has its feature j between low and high, attention has its
  -- feature j there too, if dividing by this row's denominator undoes multiplying by it and keeps the order (and 0 ≤ 0).
  attendBetween : 0r ≤ 0r → (q : Query) (low high : R) (j : Feature) (xs : List KeyValue)
    → All (λ (k , v) → (0r ≤ weight q k) × IsBetween low high (v j)) xs
    → let den = denominator q (toMultiset xs) in
      ((y : R) → divide (den · y) den ≡ y) → ((a b : R) → a ≤ b → divide a den ≤ divide b den)
    → IsBetween low high (attend q (toMultiset xs) j)
  attendBetween = Shared.Ordered.averageBetween _≤_ +Mono ·Mono
