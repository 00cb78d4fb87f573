{-# OPTIONS --safe #-}
-- Negation and decidability.
module Cubical.Relation.Nullary where

open import Cubical.Relation.Nullary.Base public
open import Cubical.Relation.Nullary.Properties public
