{-# OPTIONS --safe #-}
{-
Families J → R of elements of a commutative ring, with pointwise operations,
form a commutative ring again. The elementwise product of vectors that gated
networks write as * or ⊙ is the product of this ring, so a theorem about one
unit over every commutative ring is a theorem about whole vectors.
-}
module S30.Pointwise where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.HLevels using (isSetΠ)
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr; makeCommRing)

private
  variable
    ℓ ℓ' : Level

pointwise : Type ℓ' → CommRing ℓ → CommRing (ℓ-max ℓ' ℓ)
pointwise J R' = makeCommRing {R = J → fst R'}
  (λ j → 0r) (λ j → 1r) (λ x y j → x j + y j) (λ x y j → x j · y j) (λ x j → - x j)
  (isSetΠ λ j → is-set)
  (λ x y z i j → +Assoc (x j) (y j) (z j) i)
  (λ x i j → +IdR (x j) i)
  (λ x i j → +InvR (x j) i)
  (λ x y i j → +Comm (x j) (y j) i)
  (λ x y z i j → ·Assoc (x j) (y j) (z j) i)
  (λ x i j → ·IdR (x j) i)
  (λ x y z i j → ·DistR+ (x j) (y j) (z j) i)
  (λ x y i j → ·Comm (x j) (y j) i)
  where open CommRingStr (snd R')
