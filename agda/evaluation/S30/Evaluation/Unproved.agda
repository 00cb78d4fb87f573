{-
The one postulate. IEEE doubles are no commutative ring, so the laws that a structure on them must have are
taken from here. A law is never run: no number that an evaluation returns depends on it, and no theorem may,
since a module with `--safe` imports nothing from this folder.
-}
module S30.Evaluation.Unproved where

open import Cubical.Foundations.Prelude using (Type; Level)

postulate
  unproved : {ℓ : Level} {A : Type ℓ} → A
