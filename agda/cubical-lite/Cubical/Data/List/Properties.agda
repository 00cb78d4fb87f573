{-# OPTIONS --safe #-}
-- Concatenation is a monoid.
module Cubical.Data.List.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Data.List.Base

module _ {ℓ} {A : Type ℓ} where

  ++-unit-r : (xs : List A) → xs ++ [] ≡ xs
  ++-unit-r []       = refl
  ++-unit-r (x ∷ xs) = cong (x ∷_) (++-unit-r xs)

  ++-assoc : (xs ys zs : List A) → (xs ++ ys) ++ zs ≡ xs ++ ys ++ zs
  ++-assoc []       ys zs = refl
  ++-assoc (x ∷ xs) ys zs = cong (x ∷_) (++-assoc xs ys zs)
