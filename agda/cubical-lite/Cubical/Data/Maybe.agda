{-# OPTIONS --safe #-}
-- Optional values.
module Cubical.Data.Maybe where

open import Cubical.Data.Maybe.Base public
open import Cubical.Data.Maybe.Properties public
