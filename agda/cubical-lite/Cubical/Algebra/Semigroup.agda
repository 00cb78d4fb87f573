{-# OPTIONS --safe #-}
-- Semigroups.
module Cubical.Algebra.Semigroup where

open import Cubical.Algebra.Semigroup.Base public
