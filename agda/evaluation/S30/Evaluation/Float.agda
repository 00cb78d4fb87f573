{-
IEEE doubles in the places of the abstract numbers: a commutative ring, its order, and the functions that the
papers take as given. The operations are Agda's primitives, and so the machine's.

  in the theorems            here
  -------------------------  -----------------------------------------
  R : CommRing ℓ             float
  max, relu                  max, relu
  σ, tanh, exp, log, √       sigmoid, tanh, exp, log, sqrt
  division                   _/_      (by 0.0: an infinity, which the engine refuses)
  _≤_, and its decision      _≤_, _≤?_
-}
module S30.Evaluation.Float where

open import Cubical.Foundations.Prelude using (Type; ℓ-zero)
open import Cubical.Algebra.CommRing.Base using (CommRing; makeCommRing)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Unit using (Unit)
open import Cubical.Relation.Nullary using (Dec; yes; no)
open import Agda.Builtin.Float public using (Float) renaming
  ( primFloatPlus to infixl 6 _+_; primFloatMinus to infixl 6 _-_; primFloatTimes to infixl 7 _·_
  ; primFloatDiv to infixl 7 _/_; primFloatNegate to infix 8 -_
  ; primFloatInequality to infix 4 _≤ᵇ_; primFloatLess to infix 4 _<ᵇ_
  ; primFloatExp to exp; primFloatLog to log; primFloatSqrt to sqrt; primFloatPow to infixr 8 _^_
  ; primFloatSin to sin; primFloatCos to cos; primFloatTanh to tanh; primNatToFloat to fromℕ )
open import S30.Evaluation.Unproved using (unproved)

float : CommRing ℓ-zero
float = makeCommRing 0.0 1.0 _+_ _·_ -_
  unproved unproved unproved unproved unproved unproved unproved unproved unproved

infix 4 _≤_ _≤?_

_≤_ : Float → Float → Type
x ≤ y = if x ≤ᵇ y then Unit else ⊥

_≤?_ : (x y : Float) → Dec (x ≤ y)
x ≤? y = if x ≤ᵇ y then yes unproved else no unproved

max min : Float → Float → Float
max x y = if x ≤ᵇ y then y else x
min x y = if x ≤ᵇ y then x else y

relu sigmoid : Float → Float
relu      = max 0.0
sigmoid x = 1.0 / (1.0 + exp (- x))
