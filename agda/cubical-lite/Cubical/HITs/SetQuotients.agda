{-# OPTIONS --safe #-}
-- Set quotients.
module Cubical.HITs.SetQuotients where

open import Cubical.HITs.SetQuotients.Base public
open import Cubical.HITs.SetQuotients.Properties public
