{-# OPTIONS --safe #-}
-- Lists.
module Cubical.Data.List.Base where

open import Agda.Builtin.List public
open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base hiding (elim)

module _ {ℓ} {A : Type ℓ} where

  infixr 5 _++_
  infixl 5 _∷ʳ_

  [_] : A → List A
  [ a ] = a ∷ []

  _++_ : List A → List A → List A
  []       ++ ys = ys
  (x ∷ xs) ++ ys = x ∷ xs ++ ys

  rev : List A → List A
  rev []       = []
  rev (x ∷ xs) = rev xs ++ [ x ]

  _∷ʳ_ : List A → A → List A
  xs ∷ʳ x = xs ++ x ∷ []

  length : List A → ℕ
  length []       = 0
  length (x ∷ xs) = 1 + length xs

  map : ∀ {ℓ'} {B : Type ℓ'} → (A → B) → List A → List B
  map f []       = []
  map f (x ∷ xs) = f x ∷ map f xs

  foldr : ∀ {ℓ'} {B : Type ℓ'} → (A → B → B) → B → List A → B
  foldr f b []       = b
  foldr f b (x ∷ xs) = f x (foldr f b xs)

  foldl : ∀ {ℓ'} {B : Type ℓ'} → (B → A → B) → B → List A → B
  foldl f b []       = b
  foldl f b (x ∷ xs) = foldl f (f b x) xs

  drop : ℕ → List A → List A
  drop zero    xs       = xs
  drop (suc n) []       = []
  drop (suc n) (x ∷ xs) = drop n xs

  take : ℕ → List A → List A
  take zero    xs       = []
  take (suc n) []       = []
  take (suc n) (x ∷ xs) = x ∷ take n xs
