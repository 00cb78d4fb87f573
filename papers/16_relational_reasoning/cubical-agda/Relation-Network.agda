{-# OPTIONS --safe #-}
{-
Paper 16: A. Santoro et al., «A simple neural network module for relational reasoning» (2017), arXiv:1706.01427

The module of equation (1), with a question as in Section 4, for any functions g and f.

  paper                                here
  g_θ(o_i, o_j, q)                     relation q x y, feature by feature
  f_φ                                  readout
  Σ_{i,j} g_θ(o_i, o_j, q)             total q os
  a = f_φ(Σ_{i,j} g_θ(o_i, o_j, q))    network q os
  a pair that is not considered        relation q x y is zero
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Relation-Network {ℓ : Level} (R' : CommRing ℓ) {Object Question Feature Answer : Type ℓ}
  (relation : Question → Object → Object → Feature → fst R') (readout : (Feature → fst R') → Answer) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import S30.Multiset
open import Relation-Sum R' {Object}

open CommRingStr (snd R') using (0r)

-- Σ_{i,j} g(o_i, o_j, q)
total : Question → List Object → Feature → R
total q os k = sumOfPairs (λ x y → relation q x y k) os

-- f(Σ_{i,j} g(o_i, o_j, q))
network : Question → List Object → Answer
network q os = readout (total q os)

-- The answer is the same for every order of the objects, whatever g, f and the question are.
networkPermutationInvariant : (q : Question) {os ps : List Object} → os ↭ ps → network q os ≡ network q ps
networkPermutationInvariant q p =
  cong readout (funExt λ k → sumOfPairsPermutationInvariant (λ x y → relation q x y k) p)

reversed : Question → List Object → Answer
reversed q os = readout (λ k → sumOfPairs (λ x y → relation q y x k) os)

-- A network with g(o_j, o_i, q) in place of g(o_i, o_j, q) answers alike: no answer tells in which direction g was read.
reversedAnswersAlike : (q : Question) (os : List Object) → network q os ≡ reversed q os
reversedAnswersAlike q os = cong readout (funExt λ k →
  sumOfPairsIsDouble (λ x y → relation q x y k) os
  ∙ directionUnseen (λ x y → relation q x y k) (toMultiset os)
  ∙ sym (sumOfPairsIsDouble (λ x y → relation q y x k) os))

-- Padding whose relations are zero, stands it wherever it may, changes no answer.
paddingChangesNothing : (q : Question) (e : Object)
  → ((y : Object) (k : Feature) → relation q e y k ≡ 0r) → ((y : Object) (k : Feature) → relation q y e k ≡ 0r)
  → {os ps : List Object} → ps ↭ e ∷ os → network q ps ≡ network q os
paddingChangesNothing q e to from {os} p = networkPermutationInvariant q p ∙ cong readout (funExt λ k →
  sumOfPairsIsDouble (λ x y → relation q x y k) (e ∷ os)
  ∙ unrelatedChangesNothing (λ x y → relation q x y k) e (toMultiset os) (λ y → to y k) (λ y → from y k)
  ∙ sym (sumOfPairsIsDouble (λ x y → relation q x y k) os))

-- Without objects the sum is zero: the answer is f(0), whatever the question is.
nothingToRelate : (q : Question) → network q [] ≡ readout (λ _ → 0r)
nothingToRelate q = refl
