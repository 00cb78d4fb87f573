{-# OPTIONS --safe #-}
-- true and false differ.
module Cubical.Data.Bool.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Bool.Base
open import Cubical.Data.Unit
open import Cubical.Relation.Nullary

true≢false : ¬ true ≡ false
true≢false p = subst Bool→Type p tt

false≢true : ¬ false ≡ true
false≢true p = true≢false (sym p)

isSetBool : isSet Bool
isSetBool = Discrete→isSet λ { true true → yes refl ; true false → no true≢false
                             ; false true → no false≢true ; false false → yes refl }
