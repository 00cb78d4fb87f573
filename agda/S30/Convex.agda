{-# OPTIONS --safe #-}
{-
Convexity in an ordered commutative ring: what lies between two bounds stays there under mixtures and weighted sums.

  IsGate f                 0 ≤ f ≤ 1
  IsBetween low high x     low ≤ x ≤ high
  mixBetween               f x + (1 − f) y is between the bounds of x and y
  weightedSumBetween       Σ w x is between (Σ w) low and (Σ w) high, for weights w ≥ 0

Of the order only this is asked: addition is monotone, and so is multiplication by what is ≥ 0.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.Convex {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Lists using (All)
open import S30.Ring R' using (_-_; sumList; +Complement; 0·Absorbs)

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; ·IdL; ·DistL+)

private
  R = fst R'
  variable
    ℓ' ℓ'' : Level
    A : Type ℓ'

-- A mixture of equal values is that value.
mixtureOfEquals : (f x : R) → f · x + (1r - f) · x ≡ x
mixtureOfEquals f x =
  sym (·DistL+ f (1r - f) x) ∙ cong (_· x) (+Complement f 1r) ∙ ·IdL x

module Ordered (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  IsGate : R → Type ℓ'
  IsGate f = (0r ≤ f) × (0r ≤ (1r - f))

  IsBetween : R → R → R → Type ℓ'
  IsBetween low high x = (low ≤ x) × (x ≤ high)

  -- A mixture of two values, with a gate in [0, 1], lies between all bounds of both.
  mixBetween : (low high f x y : R) → IsGate f → IsBetween low high x → IsBetween low high y
             → IsBetween low high (f · x + (1r - f) · y)
  mixBetween low high f x y (0≤f , 0≤1-f) (l≤x , x≤h) (l≤y , y≤h) =
      subst (_≤ (f · x + (1r - f) · y)) (mixtureOfEquals f low)
        (+Mono _ _ _ _ (·Mono f low x 0≤f l≤x) (·Mono (1r - f) low y 0≤1-f l≤y))
    , subst ((f · x + (1r - f) · y) ≤_) (mixtureOfEquals f high)
        (+Mono _ _ _ _ (·Mono f x high 0≤f x≤h) (·Mono (1r - f) y high 0≤1-f y≤h))

  -- A sum with weights ≥ 0 of values between low and high lies between the sum of the weights times low and
  -- times high, where 0 ≤ 0.
  weightedSumBetween : 0r ≤ 0r → (weight value : A → R) (low high : R) (xs : List A)
    → All (λ x → (0r ≤ weight x) × IsBetween low high (value x)) xs
    → IsBetween (sumList (map weight xs) · low) (sumList (map weight xs) · high)
        (sumList (map (λ x → weight x · value x) xs))
  weightedSumBetween 0≤0 w v low high []       _ =
      subst (_≤ 0r) (sym (0·Absorbs low)) 0≤0
    , subst (0r ≤_) (sym (0·Absorbs high)) 0≤0
  weightedSumBetween 0≤0 w v low high (x ∷ xs) ((0≤w , l≤x , x≤h) , between) =
      subst (_≤ sum) (sym (·DistL+ (w x) (sumList (map w xs)) low))
        (+Mono _ _ _ _ (·Mono (w x) low (v x) 0≤w l≤x) (fst rest))
    , subst (sum ≤_) (sym (·DistL+ (w x) (sumList (map w xs)) high))
        (+Mono _ _ _ _ (·Mono (w x) (v x) high 0≤w x≤h) (snd rest))
    where
    sum  = sumList (map (λ y → w y · v y) (x ∷ xs))
    rest = weightedSumBetween 0≤0 w v low high xs between
