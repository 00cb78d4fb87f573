{-# OPTIONS --safe #-}
-- Dependent pairs: products, existence, their paths.
module Cubical.Data.Sigma where

open import Cubical.Data.Sigma.Base public
open import Cubical.Data.Sigma.Properties public
