{-# OPTIONS --safe #-}
-- Univalence, in the direction that transports data: an equivalence gives a path of types (ua),
-- and transport along that path applies the equivalence (uaβ).
module Cubical.Foundations.Univalence where

open import Cubical.Core.Glue public using (Glue)
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Equiv

private
  variable
    ℓ : Level

ua : {A B : Type ℓ} → A ≃ B → A ≡ B
ua {A = A} {B = B} e i = Glue B (λ { (i = i0) → A , e ; (i = i1) → B , idEquiv B })

uaβ : {A B : Type ℓ} (e : A ≃ B) (x : A) → transport (ua e) x ≡ equivFun e x
uaβ e x = transportRefl (equivFun e x)
