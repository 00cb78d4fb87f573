{-# OPTIONS --safe #-}
{-
Paper 16: A. Santoro et al., «A simple neural network module for relational reasoning» (2017), arXiv:1706.01427

Questions about one object, as in Sort-of-CLEVR (Section 3.2): what its relations add up to, such as a count, a sum over all pairs
gives exactly, for every number of objects.

  paper                                             here
  «the gray object»: identified by its colour       asked x, which is 1 for one object and 0 for the others
  a relation of that object to all others           h x y
  «How many objects have the same shape?»           count (same x) os
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Relation-Questions {ℓ : Level} (R' : CommRing ℓ) {Object : Type ℓ} where

open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_,_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming (_∷_ to _◂_)
open import S30.Lists using (All)
open import S30.Multiset
open import Relation-Sum R' {Object}

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +IdL; +IdR; ·IdL)
open import S30.Ring R' using (times; 0·Absorbs)
open import S30.WeightedSum R' using (sumOver; sumOverFactorL)

-- g(x, y) = [x is asked about] h(x, y)
gated : (Object → R) → (Object → Object → R) → Object → Object → R
gated asked h x y = asked x · h x y

private
  others : (asked : Object → R) (f : Object → R) (ys : List Object) → All (λ y → asked y ≡ 0r) ys
    → sumOver (λ y → asked y · f y) (toMultiset ys) ≡ 0r
  others asked f []       _        = refl
  others asked f (y ∷ ys) (n , ns) =
    cong₂ _+_ (cong (_· f y) n ∙ 0·Absorbs (f y)) (others asked f ys ns) ∙ +IdL 0r

-- The sum over all pairs is the sum over the relations of the one object that is asked about, wherever it stands in the list.
questionSelects : (asked : Object → R) (h : Object → Object → R) (x : Object) (ys : List Object) {os : List Object}
  → os ↭ x ∷ ys → asked x ≡ 1r → All (λ y → asked y ≡ 0r) ys
  → sumOfPairs (gated asked h) os ≡ sumOver (h x) (toMultiset os)
questionSelects asked h x ys {os} p one none =
  sumOfPairsIsDouble (gated asked h) os
  ∙ cong (pairSum (gated asked h)) (permutationToPath p)
  ∙ cong (λ f → sumOver f N) (funExt λ z → sumOverFactorL (asked z) (h z) N)
  ∙ cong₂ _+_ (cong (_· sumOver (h x) N) one ∙ ·IdL _) (others asked (λ z → sumOver (h z) N) ys none)
  ∙ +IdR _
  ∙ cong (sumOver (h x)) (sym (permutationToPath p))
  where
  N : FMSet Object
  N = toMultiset (x ∷ ys)

indicator : Bool → R
indicator b = if b then 1r else 0r

count : (Object → Bool) → List Object → ℕ
count P []       = zero
count P (y ∷ ys) = if P y then suc (count P ys) else count P ys

private
  step : (b : Bool) (n : ℕ) → indicator b + times n 1r ≡ times (if b then suc n else n) 1r
  step true  n = refl
  step false n = +IdL _

  sumOfIndicators : (P : Object → Bool) (os : List Object)
    → sumOver (λ y → indicator (P y)) (toMultiset os) ≡ times (count P os) 1r
  sumOfIndicators P []       = refl
  sumOfIndicators P (y ∷ os) = cong (indicator (P y) +_) (sumOfIndicators P os) ∙ step (P y) (count P os)

-- «How many objects have the same shape as the asked one?» The sum of g(x, y) = [x is asked about] [x and y are alike] over all
-- pairs is that number, for every number of objects.
countIsExpressed : (asked : Object → R) (same : Object → Object → Bool) (x : Object) (ys : List Object) {os : List Object}
  → os ↭ x ∷ ys → asked x ≡ 1r → All (λ y → asked y ≡ 0r) ys
  → sumOfPairs (gated asked (λ z y → indicator (same z y))) os ≡ times (count (same x) os) 1r
countIsExpressed asked same x ys {os} p one none =
  questionSelects asked (λ z y → indicator (same z y)) x ys p one none ∙ sumOfIndicators (same x) os
