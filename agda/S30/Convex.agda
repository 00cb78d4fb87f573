{-# OPTIONS --safe #-}
{-
Weighted sums in a commutative ring with an order that addition and multiplication by what is ≥ 0 respect: what lies
between two bounds stays there. `IsBetween low high x` is read as low ≤ x ≤ high.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.Convex {ℓ ℓ' : Level} (R' : CommRing ℓ) (open CommRingStr (snd R') using (0r; _+_; _·_))
  (_≤_ : fst R' → fst R' → Type ℓ')
  (+Mono : (a b c d : fst R') → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : fst R') → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Lists using (All)
open import S30.Ring R' using (sumList; 0·Absorbs)

open CommRingStr (snd R') using (·DistL+)

private
  R = fst R'
  variable
    ℓ'' : Level
    A : Type ℓ''

IsBetween : R → R → R → Type ℓ'
IsBetween low high x = (low ≤ x) × (x ≤ high)

-- A sum with weights ≥ 0 of values between low and high lies between the sum of the weights times low and times high,
-- where 0 ≤ 0.
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
