{-# OPTIONS --safe #-}
-- Lists of a given length.
module Cubical.Data.Vec where

open import Cubical.Data.Vec.Base public
