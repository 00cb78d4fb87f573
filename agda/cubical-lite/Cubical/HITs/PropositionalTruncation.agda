{-# OPTIONS --safe #-}
-- The propositional truncation and its eliminators.
module Cubical.HITs.PropositionalTruncation where

open import Cubical.HITs.PropositionalTruncation.Base public
open import Cubical.HITs.PropositionalTruncation.Properties public
