{-# OPTIONS --safe #-}
-- Hedberg's theorem: a type with decidable equality is a set.
module Cubical.Relation.Nullary.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.GroupoidLaws
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Relation.Nullary.Base

private
  variable
    ℓ : Level
    A : Type ℓ

-- Replace each path by the one that the decision procedure finds; that one does not depend on the
-- path, and up to the loop it gives at refl every path can be recovered from it.
module _ (d : Discrete A) where
  private
    found : {x y : A} → x ≡ y → Dec (x ≡ y) → x ≡ y
    found _ (yes q) = q
    found p (no ¬q) = ⊥.rec (¬q p)

    foundConst : {x y : A} (p q : x ≡ y) (c : Dec (x ≡ y)) → found p c ≡ found q c
    foundConst _ _ (yes _) = refl
    foundConst p _ (no ¬q) = ⊥.rec (¬q p)

    recover : {x y : A} (p : x ≡ y) → sym (found refl (d x x)) ∙ found p (d x y) ≡ p
    recover {x} = J (λ y p → sym (found refl (d x x)) ∙ found p (d x y) ≡ p) (lCancel _)

  Discrete→isSet : isSet A
  Discrete→isSet x y p q =
    sym (recover p) ∙∙ cong (sym (found refl (d x x)) ∙_) (foundConst p q (d x y)) ∙∙ recover q
