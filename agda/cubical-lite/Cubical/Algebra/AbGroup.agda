{-# OPTIONS --safe #-}
-- Abelian groups.
module Cubical.Algebra.AbGroup where

open import Cubical.Algebra.AbGroup.Base public
