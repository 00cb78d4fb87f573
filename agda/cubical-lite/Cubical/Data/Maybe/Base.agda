{-# OPTIONS --safe #-}
-- Optional values.
module Cubical.Data.Maybe.Base where

open import Cubical.Foundations.Prelude

private
  variable
    ℓ ℓ' : Level
    A : Type ℓ
    B : Type ℓ'

data Maybe (A : Type ℓ) : Type ℓ where
  nothing : Maybe A
  just    : A → Maybe A

map-Maybe : (A → B) → Maybe A → Maybe B
map-Maybe f nothing  = nothing
map-Maybe f (just a) = just (f a)
