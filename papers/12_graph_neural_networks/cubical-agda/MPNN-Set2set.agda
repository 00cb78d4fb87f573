{-# OPTIONS --safe #-}
{-
Paper 12: J. Gilmer et al., «Neural Message Passing for Quantum Chemistry» (2017), arXiv:1704.01212

The set2set readout (section 5.3, after Vinyals et al. 2015), as a map out of the finite multiset of memories: share and average
of S30.Attention at each step, with numbers from an abstract commutative ring.

  paper                                        here
  projected tuples (h_v^T, x_v)                M : FMSet Memory
  q_t = LSTM(q*_{t−1})                         lstm (q_{t−1} , r_{t−1}) cell, any function
  exp(score of a memory)                       weight q n, any function; n feature by feature: value n j
  r_t                                          reading q M
  q*_t = [q_t; r_t]                            fst (process t M)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)

module MPNN-Set2set (R' : CommRing ℓ-zero) {Query Memory Feature Cell : Type}
  (weight : Query → Memory → fst R') (value : Memory → Feature → fst R') (divide : fst R' → fst R' → fst R')
  (lstm : Query × (Feature → fst R') → Cell → Query × Cell) (start : (Query × (Feature → fst R')) × Cell) where

open import Cubical.Data.List.Base using (List)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Multiset
import S30.Attention

open CommRingStr (snd R') using (_+_; _·_)
open import S30.WeightedSum R' using (sumOver; sumOverUnion)

R : Type
R = fst R'

private
  module Shared = S30.Attention R' weight value divide

reading : Query → FMSet Memory → Feature → R
reading = Shared.average

process : ℕ → FMSet Memory → (Query × (Feature → R)) × Cell
process zero    M = start
process (suc t) M = (fst next , reading (fst next) M) , snd next
  where
  next : Query × Cell
  next = lstm (fst (process t M)) (snd (process t M))

-- No order of the memories is seen: after any number of steps a permutation of them changes nothing.
processOfPermuted : (t : ℕ) {xs ys : List Memory} → xs ↭ ys → process t (toMultiset xs) ≡ process t (toMultiset ys)
processOfPermuted t p = cong (process t) (permutationToPath p)

-- A graph of one vertex is read as it is, if dividing by its weight undoes multiplying by it.
readingOfOne : (q : Query) (n : Memory) → ((a : R) → divide (weight q n · a) (weight q n) ≡ a) → reading q (n ◂ ∅) ≡ value n
readingOfOne = Shared.averageOfOne

-- Copies are not counted: all memories twice over are read as they are once, at every step, if doubling numerator and
-- denominator changes no quotient. A set2set readout of a quantity that doubles with the graph must be told its size otherwise.
processOfTwofold : ((a b : R) → divide (a + a) (b + b) ≡ divide a b) → (t : ℕ) (M : FMSet Memory) → process t (M ∪ M) ≡ process t M
processOfTwofold halves zero    M = refl
processOfTwofold halves (suc t) M = λ i → (fst (next i) , twice i) , snd (next i)
  where
  next : lstm (fst (process t (M ∪ M))) (snd (process t (M ∪ M))) ≡ lstm (fst (process t M)) (snd (process t M))
  next i = lstm (fst (processOfTwofold halves t M i)) (snd (processOfTwofold halves t M i))
  once : (q : Query) → reading q (M ∪ M) ≡ reading q M
  once q = funExt λ j → Shared.averageOfUnion q M M j ∙ halves (Shared.numerator q M j) (Shared.denominator q M)
  twice : reading (fst (next i0)) (M ∪ M) ≡ reading (fst (next i1)) M
  twice = (λ i → reading (fst (next i)) (M ∪ M)) ∙ once (fst (next i1))
