{-# OPTIONS --safe #-}
-- Equivalences (as Agda's Glue primitive wants them) and Glue types.
module Cubical.Core.Glue where

open import Cubical.Core.Primitives
open import Agda.Builtin.Cubical.Glue public
  using (isEquiv ; equiv-proof ; _≃_ ; equivFun ; primGlue)

private
  variable
    ℓ ℓ' : Level

-- Glue with one partial family of pairs (type, equivalence).
Glue : (A : Type ℓ) {φ : I} → Partial φ (Σ[ T ∈ Type ℓ' ] T ≃ A) → Type ℓ'
Glue A Te = primGlue A (λ o → Te o .fst) (λ o → Te o .snd)
