{-# OPTIONS --safe #-}
-- Agda's built-in cubical primitives under the names that the cubical library gives them.
module Cubical.Core.Primitives where

open import Agda.Builtin.Cubical.Path public
open import Agda.Builtin.Cubical.Sub public
  renaming (primSubOut to outS)
open import Agda.Primitive.Cubical public
  renaming ( primIMin to _∧_ ; primIMax to _∨_ ; primINeg to ~_
           ; isOneEmpty to empty ; itIsOne to 1=1
           ; primComp to comp ; primHComp to hcomp ; primTransp to transp )
open import Agda.Primitive public
  using (Level ; SSet)
  renaming (lzero to ℓ-zero ; lsuc to ℓ-suc ; _⊔_ to ℓ-max ; Set to Type ; Setω to Typeω)
open import Agda.Builtin.Sigma public
import Agda.Builtin.Cubical.Glue

private
  variable
    ℓ ℓ' : Level

-- A path in a constant family.
Path : (A : Type ℓ) → A → A → Type ℓ
Path A x y = PathP (λ _ → A) x y

-- Notation for dependent pairs.
infix 2 Σ-syntax

Σ-syntax : (A : Type ℓ) (B : A → Type ℓ') → Type (ℓ-max ℓ ℓ')
Σ-syntax = Σ

syntax Σ-syntax A (λ x → B) = Σ[ x ∈ A ] B
