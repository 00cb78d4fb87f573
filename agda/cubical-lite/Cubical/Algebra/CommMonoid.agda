{-# OPTIONS --safe #-}
-- Commutative monoids.
module Cubical.Algebra.CommMonoid where

open import Cubical.Algebra.CommMonoid.Base public
