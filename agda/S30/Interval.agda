{-# OPTIONS --safe #-}
{-
Intervals around zero in a commutative ring with an order that addition and
multiplication by what is ≥ 0 respect. `Within b x` is read as |x| ≤ b, and
`IsGate f` as 0 ≤ f ≤ 1.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.Interval {ℓ ℓ' : Level} (R' : CommRing ℓ) (open CommRingStr (snd R') using (0r; 1r; _+_; _·_))
  (_≤_ : fst R' → fst R' → Type ℓ')
  (≤Refl : (a : fst R') → a ≤ a)
  (≤Trans : (a b c : fst R') → a ≤ b → b ≤ c → a ≤ c)
  (+Mono : (a b c d : fst R') → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : fst R') → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Ring R'
import S30.Sum

open CommRingStr (snd R') using (-_; +Assoc; +IdR; +IdL; +InvR; +Comm; ·IdL; ·Comm; ·DistL+)
open S30.Sum.Sum R' using (∑)

private
  R = fst R'

Within : R → R → Type ℓ'
Within b x = ((- b) ≤ x) × (x ≤ b)

IsGate : R → Type ℓ'
IsGate f = (0r ≤ f) × (0r ≤ (1r - f))

-- A sum and a product of what is ≥ 0 are ≥ 0.
0≤+ : (x y : R) → 0r ≤ x → 0r ≤ y → 0r ≤ (x + y)
0≤+ x y 0≤x 0≤y = subst (_≤ (x + y)) (+IdR 0r) (+Mono 0r x 0r y 0≤x 0≤y)

0≤· : (f x : R) → 0r ≤ f → 0r ≤ x → 0r ≤ (f · x)
0≤· f x 0≤f 0≤x = subst (_≤ (f · x)) (·0Absorbs f) (·Mono f 0r x 0≤f 0≤x)

-- The sides of an inequality change places under the minus sign.
-Antitone : (x y : R) → x ≤ y → (- y) ≤ (- x)
-Antitone x y x≤y =
  subst2 _≤_ (+Complement x (- y)) (cong (y +_) (+Comm (- y) (- x)) ∙ +Complement y (- x))
    (+Mono x y (- y - x) (- y - x) x≤y (≤Refl _))

-- Multiplication by what is ≥ 0 on the right.
·MonoR : (x y z : R) → 0r ≤ z → x ≤ y → (x · z) ≤ (y · z)
·MonoR x y z 0≤z x≤y = subst2 _≤_ (·Comm z x) (·Comm z y) (·Mono z x y 0≤z x≤y)

-- A gate lets through no more than there is.
gateShrinks : (f x : R) → IsGate f → 0r ≤ x → (f · x) ≤ x
gateShrinks f x (0≤f , 0≤1-f) 0≤x =
  subst2 _≤_ (+IdR (f · x)) (sym (·DistL+ f (1r - f) x) ∙ cong (_· x) (+Complement f 1r) ∙ ·IdL x)
    (+Mono (f · x) (f · x) 0r ((1r - f) · x) (≤Refl _) (0≤· (1r - f) x 0≤1-f 0≤x))

-- |x| ≤ b and b ≤ c give |x| ≤ c.
withinLarger : (b c x : R) → b ≤ c → Within b x → Within c x
withinLarger b c x b≤c (low , high) =
  ≤Trans (- c) (- b) x (-Antitone b c b≤c) low , ≤Trans x b c high b≤c

-- |−x| = |x|
withinNegated : (b x : R) → Within b x → Within b (- x)
withinNegated b x (low , high) =
  -Antitone x b high , subst ((- x) ≤_) (-Involutive b) (-Antitone (- b) x low)

-- |x + y| ≤ |x| + |y|
withinSum : (b c x y : R) → Within b x → Within c y → Within (b + c) (x + y)
withinSum b c x y (low , high) (low′ , high′) =
  subst (_≤ (x + y)) (sym (-Dist+ b c)) (+Mono (- b) x (- c) y low low′) , +Mono x b y c high high′

-- |f x| ≤ f |x| for f ≥ 0
withinScaled : (f b x : R) → 0r ≤ f → Within b x → Within (f · b) (f · x)
withinScaled f b x 0≤f (low , high) =
  subst (_≤ (f · x)) (·-R f b) (·Mono f (- b) x 0≤f low) , ·Mono f x b 0≤f high

-- |f x| ≤ |x| for a gate f
withinGated : (f b x : R) → IsGate f → 0r ≤ b → Within b x → Within b (f · x)
withinGated f b x gate 0≤b within =
  withinLarger (f · b) b (f · x) (gateShrinks f b gate 0≤b) (withinScaled f b x (fst gate) within)

-- |Σ x_k| ≤ Σ b_k where |x_k| ≤ b_k for every k
withinSums : {n : ℕ} (b x : Fin n → R) → ((k : Fin n) → Within (b k) (x k)) → Within (∑ b) (∑ x)
withinSums {n = ℕ.zero}  b x within = subst (_≤ 0r) (sym (+InvR 0r) ∙ +IdL (- 0r)) (≤Refl 0r) , ≤Refl 0r
withinSums {n = ℕ.suc n} b x within =
  withinSum (b zero) (∑ (λ k → b (suc k))) (x zero) (∑ (λ k → x (suc k))) (within zero)
    (withinSums (λ k → b (suc k)) (λ k → x (suc k)) (λ k → within (suc k)))
