{-# OPTIONS --safe #-}
-- The propositional truncation: A with all its elements identified.
module Cubical.HITs.PropositionalTruncation.Base where

open import Cubical.Core.Primitives

data ∥_∥₁ {ℓ} (A : Type ℓ) : Type ℓ where
  ∣_∣₁    : A → ∥ A ∥₁
  squash₁ : ∀ (x y : ∥ A ∥₁) → x ≡ y
