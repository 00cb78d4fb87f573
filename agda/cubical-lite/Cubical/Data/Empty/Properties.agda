{-# OPTIONS --safe #-}
-- The empty type is a proposition.
module Cubical.Data.Empty.Properties where

open import Cubical.Data.Empty.Base
open import Cubical.Foundations.Prelude

isProp⊥ : isProp ⊥
isProp⊥ ()
