{-# OPTIONS --safe #-}
-- Finite types and finite vectors.
module Cubical.Data.FinData where

open import Cubical.Data.FinData.Base public
