{-# OPTIONS --safe #-}
-- Rings with unit.
module Cubical.Algebra.Ring.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.Semigroup.Base
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.Group.Base
open import Cubical.Algebra.AbGroup.Base

private
  variable
    ℓ : Level

record IsRing {R : Type ℓ} (0r 1r : R) (_+_ _·_ : R → R → R) (-_ : R → R) : Type ℓ where
  constructor isring
  field
    +IsAbGroup : IsAbGroup 0r _+_ -_
    ·IsMonoid  : IsMonoid 1r _·_
    ·DistR+    : (x y z : R) → x · (y + z) ≡ (x · y) + (x · z)
    ·DistL+    : (x y z : R) → (x + y) · z ≡ (x · z) + (y · z)

  open IsAbGroup +IsAbGroup public
    renaming (isSemigroup to +IsSemigroup ; isMonoid to +IsMonoid ; isGroup to +IsGroup)
  open IsMonoid ·IsMonoid public
    renaming (isSemigroup to ·IsSemigroup)
    hiding (is-set)

record RingStr (A : Type ℓ) : Type (ℓ-suc ℓ) where
  constructor ringstr
  field
    0r     : A
    1r     : A
    _+_    : A → A → A
    _·_    : A → A → A
    -_     : A → A
    isRing : IsRing 0r 1r _+_ _·_ -_

  infix  8 -_
  infixl 7 _·_
  infixl 6 _+_
  open IsRing isRing public

Ring : ∀ ℓ → Type (ℓ-suc ℓ)
Ring ℓ = TypeWithStr ℓ RingStr

makeIsRing : {R : Type ℓ} {0r 1r : R} {_+_ _·_ : R → R → R} { -_ : R → R} (is-setR : isSet R)
             (+Assoc : (x y z : R) → x + (y + z) ≡ (x + y) + z)
             (+IdR : (x : R) → x + 0r ≡ x) (+InvR : (x : R) → x + (- x) ≡ 0r)
             (+Comm : (x y : R) → x + y ≡ y + x)
             (·Assoc : (x y z : R) → x · (y · z) ≡ (x · y) · z)
             (·IdR : (x : R) → x · 1r ≡ x) (·IdL : (x : R) → 1r · x ≡ x)
             (·DistR+ : (x y z : R) → x · (y + z) ≡ (x · y) + (x · z))
             (·DistL+ : (x y z : R) → (x + y) · z ≡ (x · z) + (y · z))
           → IsRing 0r 1r _+_ _·_ -_
makeIsRing is-setR +Assoc +IdR +InvR +Comm ·Assoc ·IdR ·IdL =
  isring (makeIsAbGroup is-setR +Assoc +IdR +InvR +Comm) (makeIsMonoid is-setR ·Assoc ·IdR ·IdL)
