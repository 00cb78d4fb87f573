{-# OPTIONS --safe #-}
-- A type together with a structure on it, and the projection ⟨_⟩ to the type.
module Cubical.Foundations.Structure where

open import Cubical.Foundations.Prelude

private
  variable
    ℓ ℓ' : Level
    S : Type ℓ → Type ℓ'

TypeWithStr : (ℓ : Level) (S : Type ℓ → Type ℓ') → Type (ℓ-max (ℓ-suc ℓ) ℓ')
TypeWithStr ℓ S = Σ[ X ∈ Type ℓ ] S X

typ : TypeWithStr ℓ S → Type ℓ
typ = fst

str : (A : TypeWithStr ℓ S) → S (typ A)
str = snd

⟨_⟩ : TypeWithStr ℓ S → Type ℓ
⟨_⟩ = typ
