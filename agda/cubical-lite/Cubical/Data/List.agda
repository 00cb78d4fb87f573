{-# OPTIONS --safe #-}
-- Lists.
module Cubical.Data.List where

open import Cubical.Data.List.Base public
open import Cubical.Data.List.Properties public
