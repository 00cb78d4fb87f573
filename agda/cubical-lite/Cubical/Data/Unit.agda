{-# OPTIONS --safe #-}
-- The type with one element.
module Cubical.Data.Unit where

open import Agda.Builtin.Unit public renaming (⊤ to Unit)
open import Cubical.Foundations.Prelude

isPropUnit : isProp Unit
isPropUnit _ _ _ = tt

isContrUnit : isContr Unit
isContrUnit = tt , λ _ → refl
