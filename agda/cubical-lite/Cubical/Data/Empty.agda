{-# OPTIONS --safe #-}
-- The empty type.
module Cubical.Data.Empty where

open import Cubical.Data.Empty.Base public
open import Cubical.Data.Empty.Properties public
