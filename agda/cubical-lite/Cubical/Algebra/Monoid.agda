{-# OPTIONS --safe #-}
-- Monoids.
module Cubical.Algebra.Monoid where

open import Cubical.Algebra.Monoid.Base public
