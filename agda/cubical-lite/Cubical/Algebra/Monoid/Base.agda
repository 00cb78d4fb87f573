{-# OPTIONS --safe #-}
-- Monoids: a semigroup with a unit.
module Cubical.Algebra.Monoid.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.Semigroup.Base

private
  variable
    ℓ : Level

record IsMonoid {A : Type ℓ} (ε : A) (_·_ : A → A → A) : Type ℓ where
  constructor ismonoid
  field
    isSemigroup : IsSemigroup _·_
    ·IdR : (x : A) → x · ε ≡ x
    ·IdL : (x : A) → ε · x ≡ x

  open IsSemigroup isSemigroup public

record MonoidStr (A : Type ℓ) : Type ℓ where
  constructor monoidstr
  field
    ε        : A
    _·_      : A → A → A
    isMonoid : IsMonoid ε _·_

  infixl 7 _·_
  open IsMonoid isMonoid public

Monoid : ∀ ℓ → Type (ℓ-suc ℓ)
Monoid ℓ = TypeWithStr ℓ MonoidStr

monoid : (A : Type ℓ) (ε : A) (_·_ : A → A → A) (h : IsMonoid ε _·_) → Monoid ℓ
monoid A ε _·_ h = A , monoidstr ε _·_ h

makeIsMonoid : {M : Type ℓ} {ε : M} {_·_ : M → M → M} (is-setM : isSet M)
               (·Assoc : (x y z : M) → x · (y · z) ≡ (x · y) · z)
               (·IdR : (x : M) → x · ε ≡ x) (·IdL : (x : M) → ε · x ≡ x)
             → IsMonoid ε _·_
makeIsMonoid is-setM ·Assoc ·IdR ·IdL = ismonoid (issemigroup is-setM ·Assoc) ·IdR ·IdL

makeMonoid : {M : Type ℓ} (ε : M) (_·_ : M → M → M) (is-setM : isSet M)
             (·Assoc : (x y z : M) → x · (y · z) ≡ (x · y) · z)
             (·IdR : (x : M) → x · ε ≡ x) (·IdL : (x : M) → ε · x ≡ x)
           → Monoid ℓ
makeMonoid ε _·_ is-setM ·Assoc ·IdR ·IdL = monoid _ ε _·_ (makeIsMonoid is-setM ·Assoc ·IdR ·IdL)
