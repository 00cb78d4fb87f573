{-# OPTIONS --safe #-}
-- Fibres, and the identity as an equivalence.
module Cubical.Foundations.Equiv.Base where

open import Cubical.Foundations.Prelude
open import Cubical.Core.Glue public using (isEquiv ; equiv-proof ; _≃_ ; equivFun)

private
  variable
    ℓ ℓ' : Level

fiber : {A : Type ℓ} {B : Type ℓ'} (f : A → B) (y : B) → Type (ℓ-max ℓ ℓ')
fiber {A = A} f y = Σ[ x ∈ A ] f x ≡ y

idIsEquiv : (A : Type ℓ) → isEquiv (λ (x : A) → x)
idIsEquiv A .equiv-proof y = (y , refl) , λ (x , p) i → p (~ i) , λ j → p (~ i ∨ j)

idEquiv : (A : Type ℓ) → A ≃ A
idEquiv A = (λ x → x) , idIsEquiv A
