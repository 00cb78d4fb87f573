{-# OPTIONS --safe #-}
-- Composition of paths is unital, associative and has inverses.
module Cubical.Foundations.GroupoidLaws where

open import Cubical.Foundations.Prelude

private
  variable
    ℓ : Level
    A : Type ℓ
    x y z w : A

rUnit : (p : x ≡ y) → p ≡ p ∙ refl
rUnit p = compPath-filler p refl

lUnit : (p : x ≡ y) → p ≡ refl ∙ p
lUnit = J (λ _ p → p ≡ refl ∙ p) (rUnit refl)

rCancel : (p : x ≡ y) → p ∙ sym p ≡ refl
rCancel = J (λ _ p → p ∙ sym p ≡ refl) (sym (rUnit refl))

lCancel : (p : x ≡ y) → sym p ∙ p ≡ refl
lCancel = J (λ _ p → sym p ∙ p ≡ refl) (sym (rUnit refl))

assoc : (p : x ≡ y) (q : y ≡ z) (r : z ≡ w) → p ∙ q ∙ r ≡ (p ∙ q) ∙ r
assoc p q = J (λ _ r → p ∙ q ∙ r ≡ (p ∙ q) ∙ r) (cong (p ∙_) (sym (rUnit q)) ∙ rUnit (p ∙ q))
