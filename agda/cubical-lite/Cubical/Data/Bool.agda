{-# OPTIONS --safe #-}
-- Booleans.
module Cubical.Data.Bool where

open import Cubical.Data.Bool.Base public
open import Cubical.Data.Bool.Properties public
