{-# OPTIONS --safe #-}
-- Abelian groups, written additively.
module Cubical.Algebra.AbGroup.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.Group.Base

private
  variable
    ℓ : Level

record IsAbGroup {A : Type ℓ} (0g : A) (_+_ : A → A → A) (-_ : A → A) : Type ℓ where
  constructor isabgroup
  field
    isGroup : IsGroup 0g _+_ -_
    +Comm   : (x y : A) → x + y ≡ y + x

  open IsGroup isGroup public
    renaming (·Assoc to +Assoc ; ·IdL to +IdL ; ·IdR to +IdR ; ·InvL to +InvL ; ·InvR to +InvR)

  infixl 6 _-_

  _-_ : A → A → A
  x - y = x + (- y)

record AbGroupStr (A : Type ℓ) : Type (ℓ-suc ℓ) where
  constructor abgroupstr
  field
    0g        : A
    _+_       : A → A → A
    -_        : A → A
    isAbGroup : IsAbGroup 0g _+_ -_

  infixr 7 _+_
  infix  8 -_
  open IsAbGroup isAbGroup public

AbGroup : ∀ ℓ → Type (ℓ-suc ℓ)
AbGroup ℓ = TypeWithStr ℓ AbGroupStr

makeIsAbGroup : {G : Type ℓ} {0g : G} {_+_ : G → G → G} { -_ : G → G} (is-setG : isSet G)
                (+Assoc : (x y z : G) → x + (y + z) ≡ (x + y) + z)
                (+IdR : (x : G) → x + 0g ≡ x) (+InvR : (x : G) → x + (- x) ≡ 0g)
                (+Comm : (x y : G) → x + y ≡ y + x)
              → IsAbGroup 0g _+_ -_
makeIsAbGroup is-setG +Assoc +IdR +InvR +Comm =
  isabgroup (makeIsGroup is-setG +Assoc +IdR (λ x → +Comm _ x ∙ +IdR x) +InvR (λ x → +Comm _ x ∙ +InvR x)) +Comm

makeAbGroup : {G : Type ℓ} (0g : G) (_+_ : G → G → G) (-_ : G → G) (is-setG : isSet G)
              (+Assoc : (x y z : G) → x + (y + z) ≡ (x + y) + z)
              (+IdR : (x : G) → x + 0g ≡ x) (+InvR : (x : G) → x + (- x) ≡ 0g)
              (+Comm : (x y : G) → x + y ≡ y + x)
            → AbGroup ℓ
makeAbGroup 0g _+_ -_ is-setG +Assoc +IdR +InvR +Comm =
  _ , abgroupstr 0g _+_ -_ (makeIsAbGroup is-setG +Assoc +IdR +InvR +Comm)

AbGroup→Group : AbGroup ℓ → Group ℓ
AbGroup→Group A = fst A , groupstr _ _ _ (AbGroupStr.isGroup (snd A))
