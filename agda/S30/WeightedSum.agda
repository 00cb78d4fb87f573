{-# OPTIONS --safe #-}
{-
Sums over a finite multiset in a commutative ring: Σ f(x) with a constant factor, and over that of a list.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.WeightedSum {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; map; length)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; module ElimProp)
open import S30.Ring R' using (additiveMonoid; 0·Absorbs; ·0Absorbs; sumList; times)
open import S30.Multiset using (toMultiset; module MultisetSum)

open MultisetSum additiveMonoid public
open CommRingStr (snd R') using (0r; _+_; _·_; is-set; ·DistR+; ·DistL+)

private
  variable
    ℓ' : Level
    A : Type ℓ'

-- A constant factor may be taken out of the sum, on either side.
sumOverFactorL : (a : fst R') (f : A → fst R') (X : FMSet A) → sumOver (λ x → a · f x) X ≡ a · sumOver f X
sumOverFactorL a f = ElimProp.f (is-set _ _) (sym (·0Absorbs a))
  (λ x {X} IH → cong (a · f x +_) IH ∙ sym (·DistR+ a (f x) (sumOver f X)))

sumOverFactorR : (f : A → fst R') (a : fst R') (X : FMSet A) → sumOver (λ x → f x · a) X ≡ sumOver f X · a
sumOverFactorR f a = ElimProp.f (is-set _ _) (sym (0·Absorbs a))
  (λ x {X} IH → cong (f x · a +_) IH ∙ sym (·DistL+ (f x) (sumOver f X) a))

-- Over the multiset of a list it is what a program adds up, element by element.
sumOverList : (f : A → fst R') (xs : List A) → sumOver f (toMultiset xs) ≡ sumList (map f xs)
sumOverList f []       = refl
sumOverList f (x ∷ xs) = cong (f x +_) (sumOverList f xs)

-- Of equal terms.
sumOverConstant : (a : fst R') (xs : List A) → sumOver (λ _ → a) (toMultiset xs) ≡ times (length xs) a
sumOverConstant a []       = refl
sumOverConstant a (x ∷ xs) = cong (a +_) (sumOverConstant a xs)
