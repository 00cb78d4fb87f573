{-# OPTIONS --safe #-}
-- Rings.
module Cubical.Algebra.Ring where

open import Cubical.Algebra.Ring.Base public
