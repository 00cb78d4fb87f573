{-
LSTM-Cell's and LSTM's definitions on the room's numbers.

  numpy_checks.py                     here
  ----------------------------------  -----------------------------------------------------------------
  forget_gate, input_gate, candidate  Gate: one of the three, by step; gatesOf makes the Gates of a unit
  cell of one unit, by step           cells, by the closed form closedForm
  lstm.weight_hh_l0, weight_ih_l0     W: the rows of a gate, [W_hh , W_ih], as [h , x] is read
  lstm.bias_hh_l0 + bias_ih_l0        b
  cell, hidden, by step               states: of one example, with cell and hidden in turn
-}
module LSTM-Run where

open import Cubical.Foundations.Prelude using (Type)
open import S30.Evaluation.Float using (Float; float; sigmoid; tanh; _+_; _·_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import LSTM-Cell float using (Gates; gates; cellUpdate; forgetProduct; weightedWrites)
import LSTM

Matrix : Type
Matrix = List (List Float)

-- The gates of one unit over time: a row for each step, holding forget, input and candidate.
gatesOf : Matrix → List Gates
gatesOf = map (λ row → gates (entry 0.0 row 0) (entry 0.0 row 1) (entry 0.0 row 2))

-- The cell after each of the first steps, and the last one by the closed form.
cells : Float → Matrix → List Float
cells c []         = []
cells c (row ∷ us) = run cellUpdate (gatesOf (row ∷ [])) c ∷ cells (run cellUpdate (gatesOf (row ∷ [])) c) us

closedForm : Float → Matrix → Float
closedForm c us = forgetProduct (gatesOf us) · c + weightedWrites (gatesOf us)

-- n hidden units, m features.
module _ (n m : ℕ) (Wf Wi Wc Wo : Matrix) (bf bi bc bo : List Float) where

  open LSTM float {n} {m} sigmoid tanh (matrix 0.0 Wf) (matrix 0.0 Wi) (matrix 0.0 Wc) (matrix 0.0 Wo)
    (vector 0.0 bf) (vector 0.0 bi) (vector 0.0 bc) (vector 0.0 bo)

  states : (cell hidden : List Float) → Matrix → List Matrix
  states c h xs = from (state (vector 0.0 c) (vector 0.0 h)) xs
    where
    from : State → Matrix → List Matrix
    told : State → Matrix → List Matrix

    from s []       = []
    from s (x ∷ xs) = told (lstmStep s (vector 0.0 x)) xs

    told s xs = (list (cell s) ∷ list (hidden s) ∷ []) ∷ from (state (shared (cell s)) (shared (hidden s))) xs

  runs : Matrix → Matrix → List Matrix → List (List Matrix)
  runs cells hiddens inputs = zipWith (λ from xs → from xs) (zipWith states cells hiddens) inputs
