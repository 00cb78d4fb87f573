{-# OPTIONS --safe #-}
-- Lists of a given length.
module Cubical.Data.Vec.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base hiding (elim)
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc)

private
  variable
    ℓ ℓ' ℓ'' : Level
    A : Type ℓ
    B : Type ℓ'

infixr 5 _∷_ _++_

data Vec (A : Type ℓ) : ℕ → Type ℓ where
  []  : Vec A zero
  _∷_ : ∀ {n} (x : A) (xs : Vec A n) → Vec A (suc n)

length : ∀ {n} → Vec A n → ℕ
length {n = n} _ = n

head : ∀ {n} → Vec A (1 + n) → A
head (x ∷ _) = x

tail : ∀ {n} → Vec A (1 + n) → Vec A n
tail (_ ∷ xs) = xs

map : ∀ {A : Type ℓ} {B : Type ℓ'} {n} → (A → B) → Vec A n → Vec B n
map f []       = []
map f (x ∷ xs) = f x ∷ map f xs

replicate : ∀ {n} {A : Type ℓ} → A → Vec A n
replicate {n = zero}  a = []
replicate {n = suc n} a = a ∷ replicate a

zipWith : ∀ {A : Type ℓ} {B : Type ℓ'} {C : Type ℓ''} {n : ℕ} → (A → B → C) → Vec A n → Vec B n → Vec C n
zipWith f []       []       = []
zipWith f (x ∷ xs) (y ∷ ys) = f x y ∷ zipWith f xs ys

foldr : ∀ {n : ℕ} → (A → B → B) → B → Vec A n → B
foldr f b []       = b
foldr f b (x ∷ xs) = f x (foldr f b xs)

_++_ : ∀ {m n} → Vec A m → Vec A n → Vec A (m + n)
[]       ++ ys = ys
(x ∷ xs) ++ ys = x ∷ (xs ++ ys)

lookup : ∀ {n} {A : Type ℓ} → Fin n → Vec A n → A
lookup zero    (x ∷ _)  = x
lookup (suc i) (_ ∷ xs) = lookup i xs
