{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

Focusing by content (Section 3.3.1) as attention of a key to the rows, with numbers from an abstract commutative ring.

  paper                                 here
  exp(β K[k, M(i)])                     weight k row, any function
  the rows of M_t                       a list of rows, or their finite multiset
  w^c, equation (5)                     weightings k rows
  what a head that is on w^c reads      found k rows, entry by entry

Division is a given function; what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module NTM-Content {ℓ : Level} (R' : CommRing ℓ) {Key J : Type ℓ}
  (weight : Key → (J → fst R') → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; Σ-syntax)
open import S30.Multiset using (_↭_; toMultiset)
import S30.Attention

open CommRingStr (snd R') using (0r; _+_; _·_)
open import S30.WeightedSum R' using (sumOver)

R : Type ℓ
R = fst R'

Row : Type ℓ
Row = J → R

private
  module Shared = S30.Attention R' {Key} {Row} {J} weight (λ row j → row j) divide

open Shared public using (denominator)

weightings : Key → List Row → List R
weightings = Shared.shares

found : Key → List Row → J → R
found k rows = Shared.average k (toMultiset rows)

-- Content weighting knows no places: of permuted rows each keeps its weight.
weightFollowsTheRow : (k : Key) {M N : List Row} → M ↭ N
  → Σ[ f ∈ (Row → R) ] (weightings k M ≡ map f M) × (weightings k N ≡ map f N)
weightFollowsTheRow = Shared.shareKept

-- So what is read by content does not depend on where it is stored.
foundOfPermuted : (k : Key) {M N : List Row} → M ↭ N → found k M ≡ found k N
foundOfPermuted = Shared.averageOfPermuted

-- The weights of all rows sum to the denominator over itself, if dividing by it is linear: equation (1).
weightsSumToOne : (k : Key) (M : List Row)
  → let den = denominator k (toMultiset M) in
    divide 0r den ≡ 0r → ((a b : R) → divide (a + b) den ≡ divide a den + divide b den)
  → sumOver (Shared.share k (toMultiset M)) (toMultiset M) ≡ divide den den
weightsSumToOne k M = Shared.sharesSumToOne k (toMultiset M)
