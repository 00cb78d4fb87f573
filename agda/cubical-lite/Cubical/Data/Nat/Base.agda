{-# OPTIONS --safe #-}
-- Natural numbers and their arithmetic (Agda's built-in ones, so that literals compute quickly).
module Cubical.Data.Nat.Base where

open import Agda.Builtin.Nat public
  using (zero ; suc ; _+_)
  renaming (Nat to ℕ ; _-_ to _∸_ ; _*_ to _·_)
open import Cubical.Foundations.Prelude

private
  variable
    ℓ : Level

predℕ : ℕ → ℕ
predℕ zero    = zero
predℕ (suc n) = n

caseNat : {A : Type ℓ} → (a0 aS : A) → ℕ → A
caseNat a0 aS zero    = a0
caseNat a0 aS (suc _) = aS

iter : {A : Type ℓ} → ℕ → (A → A) → A → A
iter zero    f a = a
iter (suc n) f a = f (iter n f a)

elim : {A : ℕ → Type ℓ} → A zero → ((n : ℕ) → A n → A (suc n)) → (n : ℕ) → A n
elim a f zero    = a
elim a f (suc n) = f n (elim a f n)

_^_ : ℕ → ℕ → ℕ
m ^ 0     = 1
m ^ suc n = m · m ^ n
