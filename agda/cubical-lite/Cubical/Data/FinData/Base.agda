{-# OPTIONS --safe #-}
-- Finite types Fin n as an inductive family, and vectors FinVec A n as functions Fin n → A.
module Cubical.Data.FinData.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc ; _+_)
open import Cubical.Data.Bool.Base using (Bool ; true ; false)
open import Cubical.Relation.Nullary

private
  variable
    ℓ : Level
    A B : Type ℓ

data Fin : ℕ → Type₀ where
  zero : {n : ℕ} → Fin (suc n)
  suc  : {n : ℕ} (i : Fin n) → Fin (suc n)

pattern one   = suc zero
pattern two   = suc one
pattern three = suc two

toℕ : ∀ {n} → Fin n → ℕ
toℕ zero    = 0
toℕ (suc i) = suc (toℕ i)

fromℕ : (n : ℕ) → Fin (suc n)
fromℕ zero    = zero
fromℕ (suc n) = suc (fromℕ n)

¬Fin0 : ¬ Fin 0
¬Fin0 ()

_==_ : ∀ {n} → Fin n → Fin n → Bool
zero  == zero  = true
zero  == suc _ = false
suc _ == zero  = false
suc i == suc j = i == j

foldrFin : ∀ {n} → (A → B → B) → B → (Fin n → A) → B
foldrFin {n = zero}  f b v = b
foldrFin {n = suc n} f b v = f (v zero) (foldrFin f b (v ∘ suc))

FinVec : (A : Type ℓ) (n : ℕ) → Type ℓ
FinVec A n = Fin n → A

_++Fin_ : {n m : ℕ} → FinVec A n → FinVec A m → FinVec A (n + m)
_++Fin_ {n = zero}  v w i       = w i
_++Fin_ {n = suc n} v w zero    = v zero
_++Fin_ {n = suc n} v w (suc i) = ((v ∘ suc) ++Fin w) i
