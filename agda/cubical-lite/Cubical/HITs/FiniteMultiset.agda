{-# OPTIONS --safe #-}
-- Finite multisets.
module Cubical.HITs.FiniteMultiset where

open import Cubical.HITs.FiniteMultiset.Base public
open import Cubical.HITs.FiniteMultiset.Properties public
