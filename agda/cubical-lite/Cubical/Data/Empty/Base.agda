{-# OPTIONS --safe #-}
-- The empty type.
module Cubical.Data.Empty.Base where

open import Cubical.Foundations.Prelude

private
  variable
    ℓ : Level

data ⊥ : Type₀ where

rec : {A : Type ℓ} → ⊥ → A
rec ()

elim : {A : ⊥ → Type ℓ} → (x : ⊥) → A x
elim ()
