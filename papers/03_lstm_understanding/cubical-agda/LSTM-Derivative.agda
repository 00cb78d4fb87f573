{-# OPTIONS --safe #-}
{-
LSTM: the derivative of the cell, by dual numbers.

A dual number x + ẋε, with ε² = 0, is a value together with its rate of change
(S30.Dual). Dual numbers form a commutative ring, so everything in LSTM-Cell
holds for them; the ε-part of a run is the derivative of that run.

  post             here
  x + ẋε           (x , ẋ)
  ∂C_T/∂C_0        the ε-part of a run that starts from (cell , 1r)
  Π f_t            forgetProduct
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module LSTM-Derivative {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
import S30.Ring
import S30.Dual
import LSTM-Cell

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; +Assoc; +IdR; ·Assoc; ·IdR; ·IdL; ·Comm)
open S30.Ring R' using (0·Absorbs; ·0Absorbs)
open S30.Dual R' using (dual)
open LSTM-Cell R' using (R; Gates; gates; forget; input; candidate; cellUpdate; forgetProduct)

-- The cell of LSTM-Cell, on dual numbers.
module Dual = LSTM-Cell dual

-- One step whose gates move with the cell, with rates ḟ, i̇ and ġ: the direct path f ċ, and
-- one term for each gate. A peephole, and h_{t−1}, give the gates such rates.
stepDerivative : (f ḟ i i̇ g ġ cell ċ : R)
  → snd (Dual.cellUpdate (cell , ċ) (Dual.gates (f , ḟ) (i , i̇) (g , ġ)))
  ≡ f · ċ + (ḟ · cell + (i · ġ + i̇ · g))
stepDerivative f ḟ i i̇ g ġ cell ċ = sym (+Assoc (f · ċ) (ḟ · cell) (i · ġ + i̇ · g))

-- Gates that do not move.
fixedGates : Gates → Dual.Gates
fixedGates u = Dual.gates (forget u , 0r) (input u , 0r) (candidate u , 0r)

-- A step whose gates do not move takes the value where it went before, and the rate through the forget gate.
fixedStep : (u : Gates) (cell ċ : R)
          → Dual.cellUpdate (cell , ċ) (fixedGates u) ≡ (cellUpdate cell u , forget u · ċ)
fixedStep u cell ċ j = cellUpdate cell u , rate j
  where
  f = forget u
  i = input u
  g = candidate u

  rate : (f · ċ + 0r · cell) + (i · 0r + 0r · g) ≡ f · ċ
  rate =
    (f · ċ + 0r · cell) + (i · 0r + 0r · g)
      ≡⟨ cong₂ _+_ (cong (f · ċ +_) (0·Absorbs cell)) (cong₂ _+_ (·0Absorbs i) (0·Absorbs g)) ⟩
    (f · ċ + 0r) + (0r + 0r)
      ≡⟨ cong₂ _+_ (+IdR (f · ċ)) (+IdR 0r) ⟩
    f · ċ + 0r
      ≡⟨ +IdR (f · ċ) ⟩
    f · ċ ∎

-- With the gates held fixed, a rate of change ċ of C_0 arrives in C_T as (Π f_t) ċ.
fixedRun : (us : List Gates) (cell ċ : R)
  → run Dual.cellUpdate (map fixedGates us) (cell , ċ) ≡ (run cellUpdate us cell , forgetProduct us · ċ)
fixedRun []       cell ċ j = cell , ·IdL ċ (~ j)
fixedRun (u ∷ us) cell ċ =
  cong (run Dual.cellUpdate (map fixedGates us)) (fixedStep u cell ċ)
  ∙ fixedRun us (cellUpdate cell u) (forget u · ċ)
  ∙ λ j → run cellUpdate us (cellUpdate cell u) , regroup j
  where
  regroup : forgetProduct us · (forget u · ċ) ≡ (forget u · forgetProduct us) · ċ
  regroup = ·Assoc (forgetProduct us) (forget u) ċ ∙ cong (_· ċ) (·Comm (forgetProduct us) (forget u))

-- With the gates held fixed ∂C_T/∂C_0 = Π f_t, for every T: started at the rate 1, the ε-part of a run
-- over dual numbers is the product of the forget gates.
derivativeIsForgetProduct : (us : List Gates) (cell : R)
  → snd (run Dual.cellUpdate (map fixedGates us) (cell , 1r)) ≡ forgetProduct us
derivativeIsForgetProduct us cell = cong snd (fixedRun us cell 1r) ∙ ·IdR (forgetProduct us)
