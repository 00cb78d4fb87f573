{-# OPTIONS --safe #-}
-- Maps out of the propositional truncation into propositions.
module Cubical.HITs.PropositionalTruncation.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.HITs.PropositionalTruncation.Base

private
  variable
    ℓ : Level
    A B : Type ℓ

rec : {P : Type ℓ} → isProp P → (A → P) → ∥ A ∥₁ → P
rec h f ∣ a ∣₁ = f a
rec h f (squash₁ x y i) = h (rec h f x) (rec h f y) i

elim : {P : ∥ A ∥₁ → Type ℓ} → ((a : ∥ A ∥₁) → isProp (P a)) → ((x : A) → P ∣ x ∣₁) → (a : ∥ A ∥₁) → P a
elim h f ∣ a ∣₁ = f a
elim h f (squash₁ x y i) = isProp→PathP (λ j → h (squash₁ x y j)) (elim h f x) (elim h f y) i

map : (A → B) → ∥ A ∥₁ → ∥ B ∥₁
map f = rec squash₁ (λ a → ∣ f a ∣₁)
