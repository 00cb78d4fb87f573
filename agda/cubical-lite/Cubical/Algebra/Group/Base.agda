{-# OPTIONS --safe #-}
-- Groups.
module Cubical.Algebra.Group.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.Semigroup.Base
open import Cubical.Algebra.Monoid.Base

private
  variable
    ℓ : Level

record IsGroup {G : Type ℓ} (1g : G) (_·_ : G → G → G) (inv : G → G) : Type ℓ where
  constructor isgroup
  field
    isMonoid : IsMonoid 1g _·_
    ·InvR    : (x : G) → x · inv x ≡ 1g
    ·InvL    : (x : G) → inv x · x ≡ 1g

  open IsMonoid isMonoid public

record GroupStr (G : Type ℓ) : Type ℓ where
  constructor groupstr
  field
    1g      : G
    _·_     : G → G → G
    inv     : G → G
    isGroup : IsGroup 1g _·_ inv

  infixr 7 _·_
  open IsGroup isGroup public

Group : ∀ ℓ → Type (ℓ-suc ℓ)
Group ℓ = TypeWithStr ℓ GroupStr

makeIsGroup : {G : Type ℓ} {e : G} {_·_ : G → G → G} {inv : G → G} (is-setG : isSet G)
              (·Assoc : (x y z : G) → x · (y · z) ≡ (x · y) · z)
              (·IdR : (x : G) → x · e ≡ x) (·IdL : (x : G) → e · x ≡ x)
              (·InvR : (x : G) → x · inv x ≡ e) (·InvL : (x : G) → inv x · x ≡ e)
            → IsGroup e _·_ inv
makeIsGroup is-setG ·Assoc ·IdR ·IdL = isgroup (makeIsMonoid is-setG ·Assoc ·IdR ·IdL)

makeGroup : {G : Type ℓ} (1g : G) (_·_ : G → G → G) (inv : G → G) (is-setG : isSet G)
            (·Assoc : (x y z : G) → x · (y · z) ≡ (x · y) · z)
            (·IdR : (x : G) → x · 1g ≡ x) (·IdL : (x : G) → 1g · x ≡ x)
            (·InvR : (x : G) → x · inv x ≡ 1g) (·InvL : (x : G) → inv x · x ≡ 1g)
          → Group ℓ
makeGroup 1g _·_ inv is-setG ·Assoc ·IdR ·IdL ·InvR ·InvL =
  _ , groupstr 1g _·_ inv (makeIsGroup is-setG ·Assoc ·IdR ·IdL ·InvR ·InvL)

Group→Monoid : Group ℓ → Monoid ℓ
Group→Monoid G = fst G , monoidstr _ _ (GroupStr.isMonoid (snd G))
