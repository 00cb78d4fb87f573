{-# OPTIONS --safe #-}
-- Groups.
module Cubical.Algebra.Group where

open import Cubical.Algebra.Group.Base public
