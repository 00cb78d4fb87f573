{-# OPTIONS --safe #-}
{-
Paper 08: O. Vinyals, S. Bengio, M. Kudlur, «Order Matters: Sequence to sequence for sets» (2015), arXiv:1511.06391

One readout of the memories (Section 4.2, equations 4 to 6), with numbers from an abstract commutative ring: as a program
computes it, from a list in some order, and as a function of the multiset of memories.

  paper                                   here
  exp(e_i), e_i = f(m_i, q)               weight q m (any function)
  r = Σ a_i m_i, a = softmax(e)           readList q ms, feature by feature; read q M for a finite multiset M
  m_i, as numbers                         value m
  «would not change if we randomly        readFactorsUniquely: readList factors through the multiset of memories, in
   shuffled the memory»                   exactly one way, by S30.Multiset's universal property

Division is an arbitrary function `divide`: what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Sets-Read {ℓ : Level} (R' : CommRing ℓ) {Query Memory Feature : Type ℓ}
  (weight : Query → Memory → fst R') (value : Memory → Feature → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Foundations.HLevels using (isSetΠ)
open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_,_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming (_∷_ to _◂_)
open import S30.Multiset
import S30.Attention

open CommRingStr (snd R') using (0r; _+_; is-set)
open import S30.Ring R' using (sumList)
open import S30.WeightedSum R' using (sumOverList; sumOver)
private module Shared = S30.Attention R' weight value divide
open Shared public using (weighted)

R : Type ℓ
R = fst R'

-- Equations (4) to (6), from the first memory to the last.
readList : Query → List Memory → Feature → R
readList q ms j = divide (sumList (map (weighted q j) ms)) (sumList (map (weight q) ms))

-- The same of a multiset.
read : Query → FMSet Memory → Feature → R
read = Shared.average

readOfList : (q : Query) (ms : List Memory) → read q (toMultiset ms) ≡ readList q ms
readOfList q ms = funExt λ j → cong₂ divide (sumOverList (weighted q j) ms) (sumOverList (weight q) ms)

readFactors : (q : Query) → Factorisation (readList q)
readFactors q = read q , readOfList q

-- Exchanging two neighbours among the memories, wherever they stand, changes no readout.
readRespectsSwaps : (q : Query) → RespectsSwaps (readList q)
readRespectsSwaps q = factorisationRespectsSwaps (readList q) (readFactors q)

-- So the readout of a list is a function of the multiset of its memories, in exactly one way.
readFactorsUniquely : (q : Query) → isContr (Factorisation (readList q))
readFactorsUniquely q = factorsUniquely (isSetΠ λ _ → is-set) (readList q) (readRespectsSwaps q)

-- A memory of weight 0, such as padding with its score of −∞, changes no readout.
paddingChangesNothing : (q : Query) (m : Memory) (M : FMSet Memory) → weight q m ≡ 0r → read q (m ◂ M) ≡ read q M
paddingChangesNothing = Shared.weightlessChangesNothing

-- A set in which every element stands twice is read as the set itself, if doubling both sides changes no quotient.
readOfDoubled : (q : Query) (M : FMSet Memory) → ((x y : R) → divide (x + x) (y + y) ≡ divide x y)
              → read q (M ∪ M) ≡ read q M
readOfDoubled q M halves = funExt λ j → Shared.averageOfUnion q M M j ∙ halves _ _
