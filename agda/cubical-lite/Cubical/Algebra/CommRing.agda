{-# OPTIONS --safe #-}
-- Commutative rings.
module Cubical.Algebra.CommRing where

open import Cubical.Algebra.CommRing.Base public
