{-# OPTIONS --safe #-}
-- Booleans.
module Cubical.Data.Bool.Base where

open import Agda.Builtin.Bool public
open import Cubical.Foundations.Prelude
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.Unit
open import Cubical.Relation.Nullary.Base

private
  variable
    ℓ : Level
    A : Type ℓ

infixr 6 _and_
infixr 5 _or_
infix  0 if_then_else_

not : Bool → Bool
not true  = false
not false = true

_or_ : Bool → Bool → Bool
false or b = b
true  or _ = true

_and_ : Bool → Bool → Bool
false and _ = false
true  and b = b

if_then_else_ : Bool → A → A → A
if true  then a else _ = a
if false then _ else b = b

Bool→Type : Bool → Type₀
Bool→Type true  = Unit
Bool→Type false = ⊥

_≟_ : Discrete Bool
false ≟ false = yes refl
false ≟ true  = no λ p → subst Bool→Type (sym p) tt
true  ≟ false = no λ p → subst Bool→Type p tt
true  ≟ true  = yes refl
