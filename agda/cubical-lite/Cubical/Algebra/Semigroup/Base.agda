{-# OPTIONS --safe #-}
-- Semigroups: a set with an associative operation.
module Cubical.Algebra.Semigroup.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure

private
  variable
    ℓ : Level

record IsSemigroup {A : Type ℓ} (_·_ : A → A → A) : Type ℓ where
  no-eta-equality
  constructor issemigroup
  field
    is-set : isSet A
    ·Assoc : (x y z : A) → x · (y · z) ≡ (x · y) · z

record SemigroupStr (A : Type ℓ) : Type ℓ where
  constructor semigroupstr
  field
    _·_         : A → A → A
    isSemigroup : IsSemigroup _·_

  infixl 7 _·_
  open IsSemigroup isSemigroup public

Semigroup : ∀ ℓ → Type (ℓ-suc ℓ)
Semigroup ℓ = TypeWithStr ℓ SemigroupStr
