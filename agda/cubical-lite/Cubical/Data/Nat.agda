{-# OPTIONS --safe #-}
-- Natural numbers.
module Cubical.Data.Nat where

open import Cubical.Data.Nat.Base public
open import Cubical.Data.Nat.Properties public
