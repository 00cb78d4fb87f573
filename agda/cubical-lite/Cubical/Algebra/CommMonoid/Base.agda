{-# OPTIONS --safe #-}
-- Commutative monoids.
module Cubical.Algebra.CommMonoid.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.Monoid.Base

private
  variable
    ℓ : Level

record IsCommMonoid {M : Type ℓ} (ε : M) (_·_ : M → M → M) : Type ℓ where
  constructor iscommmonoid
  field
    isMonoid : IsMonoid ε _·_
    ·Comm    : (x y : M) → x · y ≡ y · x

  open IsMonoid isMonoid public

record CommMonoidStr (M : Type ℓ) : Type ℓ where
  constructor commmonoidstr
  field
    ε            : M
    _·_          : M → M → M
    isCommMonoid : IsCommMonoid ε _·_

  infixl 7 _·_
  open IsCommMonoid isCommMonoid public

CommMonoid : ∀ ℓ → Type (ℓ-suc ℓ)
CommMonoid ℓ = TypeWithStr ℓ CommMonoidStr

makeIsCommMonoid : {M : Type ℓ} {ε : M} {_·_ : M → M → M} (is-setM : isSet M)
                   (·Assoc : (x y z : M) → x · (y · z) ≡ (x · y) · z)
                   (·IdR : (x : M) → x · ε ≡ x) (·Comm : (x y : M) → x · y ≡ y · x)
                 → IsCommMonoid ε _·_
makeIsCommMonoid is-setM ·Assoc ·IdR ·Comm =
  iscommmonoid (makeIsMonoid is-setM ·Assoc ·IdR (λ x → ·Comm _ x ∙ ·IdR x)) ·Comm

makeCommMonoid : {M : Type ℓ} (ε : M) (_·_ : M → M → M) (is-setM : isSet M)
                 (·Assoc : (x y z : M) → x · (y · z) ≡ (x · y) · z)
                 (·IdR : (x : M) → x · ε ≡ x) (·Comm : (x y : M) → x · y ≡ y · x)
               → CommMonoid ℓ
makeCommMonoid ε _·_ is-setM ·Assoc ·IdR ·Comm =
  _ , commmonoidstr ε _·_ (makeIsCommMonoid is-setM ·Assoc ·IdR ·Comm)

CommMonoid→Monoid : CommMonoid ℓ → Monoid ℓ
CommMonoid→Monoid M = fst M , monoidstr _ _ (CommMonoidStr.isMonoid (snd M))
