{-# OPTIONS --safe #-}
-- Disjoint sums.
module Cubical.Data.Sum where

open import Cubical.Data.Sum.Base public
