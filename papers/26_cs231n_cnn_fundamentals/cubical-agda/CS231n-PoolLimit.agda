{-# OPTIONS --safe #-}
{-
  CS231n, the converse of pool2x2Shift: max-pooling turns no other shifts into shifts
  (/convolutional-networks, «Pooling Layer»). Images of natural numbers on rows and columns 0, 1, 2, … suffice.
-}
module CS231n-PoolLimit where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.FinData.Base using (zero)
open import Cubical.Algebra.CommMonoid.Base

ℕ-CommMonoid : CommMonoid ℓ-zero
ℕ-CommMonoid = makeCommMonoid 0 _+_ isSetℕ +-assoc +-zero +-comm

open import CS231n-Pool ℕ-CommMonoid 1
open import CS231n-Shift Pixels

private
  maxItself : ∀ n → max n n ≡ n
  maxItself zero    = refl
  maxItself (suc n) = cong suc (maxItself n)

  maxNext : ∀ n → max (n + 0) (n + 1) ≡ suc n
  maxNext zero    = refl
  maxNext (suc n) = cong suc (maxNext n)

  -- What a window sees of an image whose entries are their column, or their row.
  ofColumns : ∀ n → max (max (n + 0) (n + 1)) (max (n + 0) (n + 1)) ≡ suc n
  ofColumns n = maxItself _ ∙ maxNext n

  ofRows : ∀ n → max (max (n + 0) (n + 0)) (max (n + 1) (n + 1)) ≡ suc n
  ofRows n = cong₂ max (maxItself (n + 0)) (maxItself (n + 1)) ∙ maxNext n

  twice : ∀ n → (n + 0) + (n + 0) ≡ n + n
  twice n = cong₂ _+_ (+-zero n) (+-zero n)

-- If 2×2 max-pooling turns the shift by d into the shift by s, for all images of natural numbers on rows and columns
-- 0, 1, 2, …, then d is twice s. So it turns no other shifts into shifts than those of pool2x2Shift.
maxPoolShiftsByItsStride : (d s : Pixel) → pool2x2 {k = 1} max ∘ shift d ≡ shift s ∘ pool2x2 max → d ≡ double s
maxPoolShiftsByItsStride (dy , dx) (sy , sx) commutes = ≡-×
  (injSuc (sym (ofRows dy) ∙∙ seen (λ (y , x) → y) ∙∙ ofRows _) ∙ twice sy)
  (injSuc (sym (ofColumns dx) ∙∙ seen (λ (y , x) → x) ∙∙ ofColumns _) ∙ twice sx)
  where
  seen : (f : Pixel → ℕ) → pool2x2 {k = 1} max (shift (dy , dx) (λ p _ → f p)) (0 , 0) zero
                         ≡ shift (sy , sx) (pool2x2 {k = 1} max (λ p _ → f p)) (0 , 0) zero
  seen f i = commutes i (λ p _ → f p) (0 , 0) zero
