{-# OPTIONS --safe #-}
-- Disjoint sums.
module Cubical.Data.Sum.Base where

open import Cubical.Foundations.Prelude

private
  variable
    ℓ ℓ' : Level
    A B C D : Type ℓ

data _⊎_ (A : Type ℓ) (B : Type ℓ') : Type (ℓ-max ℓ ℓ') where
  inl : A → A ⊎ B
  inr : B → A ⊎ B

rec : {C : Type ℓ} → (A → C) → (B → C) → A ⊎ B → C
rec f g (inl a) = f a
rec f g (inr b) = g b

elim : {C : A ⊎ B → Type ℓ} → ((a : A) → C (inl a)) → ((b : B) → C (inr b)) → (x : A ⊎ B) → C x
elim f g (inl a) = f a
elim f g (inr b) = g b

map : (A → C) → (B → D) → A ⊎ B → C ⊎ D
map f g (inl a) = inl (f a)
map f g (inr b) = inr (g b)
