{-# OPTIONS --safe #-}
-- `just` is injective and never `nothing`; equality of optional values is decidable.
module Cubical.Data.Maybe.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.Maybe.Base
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Relation.Nullary.Base

module _ {ℓ} {A : Type ℓ} where

  private
    IsJust : Maybe A → Type
    IsJust nothing  = ⊥
    IsJust (just _) = Unit

    valueOr : A → Maybe A → A
    valueOr a nothing  = a
    valueOr _ (just a) = a

  just-inj : (x y : A) → just x ≡ just y → x ≡ y
  just-inj x y p = cong (valueOr x) p

  ¬nothing≡just : {x : A} → ¬ (nothing ≡ just x)
  ¬nothing≡just p = subst IsJust (sym p) tt

  ¬just≡nothing : {x : A} → ¬ (just x ≡ nothing)
  ¬just≡nothing p = subst IsJust p tt

  discreteMaybe : Discrete A → Discrete (Maybe A)
  discreteMaybe d nothing  nothing  = yes refl
  discreteMaybe d nothing  (just _) = no ¬nothing≡just
  discreteMaybe d (just _) nothing  = no ¬just≡nothing
  discreteMaybe d (just x) (just y) with d x y
  ... | yes p = yes (cong just p)
  ... | no ¬p = no λ q → ¬p (just-inj x y q)
