{-# OPTIONS --safe #-}
-- Negation, decidable types, types with decidable equality.
module Cubical.Relation.Nullary.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Empty.Base using (⊥)

private
  variable
    ℓ ℓ' : Level

infix 3 ¬_

¬_ : Type ℓ → Type ℓ
¬ A = A → ⊥

data Dec (P : Type ℓ) : Type ℓ where
  yes : (p : P) → Dec P
  no  : (¬p : ¬ P) → Dec P

decRec : {P : Type ℓ} {A : Type ℓ'} → (P → A) → (¬ P → A) → Dec P → A
decRec f g (yes p) = f p
decRec f g (no ¬p) = g ¬p

Discrete : Type ℓ → Type ℓ
Discrete A = (x y : A) → Dec (x ≡ y)
