{-
The networks of LSTM and RNN on the room's numbers.

  numpy_checks.py                here
  -----------------------------  ------------------------------------------------------------------
  weights and bias of a gate     Rows: [W_hh , W_ih] as [h , x] is read, [W_ch , W_hh , W_ih] with a peephole; the bias
  cell, hidden, by step          a run of one example: cell and hidden in turn, or the hidden state alone
  all examples                   lstm, peephole, coupled, gru, rnn
-}
module LSTM-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Nat.Base using () renaming (_+_ to _+ℕ_)
open import S30.Evaluation.Float using (Float; float; sigmoid; tanh)
open import S30.Evaluation.Lists
open import S30.Pointwise using (pointwise)
open import Cubical.Data.FinData.Base using (Fin)
import LSTM
import LSTM-Cell
import RNN

Matrix : Type
Matrix = List (List Float)

record Rows : Type where
  constructor rows
  field
    weights : Matrix
    biases  : List Float

-- n hidden units, m features.
module _ (n m : ℕ) where

  open LSTM float {n} {m} sigmoid tanh
  open LSTM-Cell (pointwise (Fin n) float) using (Gates; forget; input; candidate)

  gate : {k : ℕ} → Rows → Layer k
  gate (rows W b) = layer (matrix 0.0 W) (vector 0.0 b)

  -- The states of one example by step; each is computed once, and the next one reads it.
  cellsAndHiddens : (State → Vector m → State) → (cell hidden : List Float) → Matrix → List Matrix
  cellsAndHiddens step c h xs = from (state (vector 0.0 c) (vector 0.0 h)) xs
    where
    from told : State → Matrix → List Matrix
    from s []       = []
    from s (x ∷ xs) = told (step s (vector 0.0 x)) xs
    told s xs = (list (cell s) ∷ list (hidden s) ∷ []) ∷ from (state (shared (cell s)) (shared (hidden s))) xs

  -- Forget gate, input gate and candidate of one example by step; no step's work is shared, so for few steps.
  gatesAlong : (f i g o : Rows) → (cell hidden : List Float) → Matrix → List Matrix
  gatesAlong f i g o c h xs = map told (gateTrace (state (vector 0.0 c) (vector 0.0 h)) (map (vector 0.0) xs))
    where
    open Standard (gate f) (gate i) (gate g) (gate o) using (gatesFrom; shown)
    open Network gatesFrom shown using (gateTrace)
    told : Gates → Matrix
    told u = list (forget u) ∷ list (input u) ∷ list (candidate u) ∷ []

  hiddens : (Vector n → Vector m → Vector n) → List Float → Matrix → Matrix
  hiddens step h []       = []
  hiddens step h (x ∷ xs) = told (list (step (vector 0.0 h) (vector 0.0 x)))
    where
    told : List Float → Matrix
    told h = h ∷ hiddens step h xs

  three : {A B C D : Type} → (A → B → C → D) → List A → List B → List C → List D
  three f as bs cs = zipWith (λ g c → g c) (zipWith f as bs) cs

  lstm : (f i g o : Rows) → Matrix → Matrix → List Matrix → List (List Matrix)
  lstm f i g o = three (cellsAndHiddens (Standard.lstmStep (gate f) (gate i) (gate g) (gate o)))

  peephole : (f i g o : Rows) → Matrix → Matrix → List Matrix → List (List Matrix)
  peephole f i g o = three (cellsAndHiddens (Peephole.peepholeStep (gate f) (gate i) (gate g) (gate o)))

  coupled : (f g o : Rows) → Matrix → Matrix → List Matrix → List (List Matrix)
  coupled f g o = three (cellsAndHiddens (Coupled.coupledStep (gate f) (gate g) (gate o)))

  gru : (z r n : Rows) → Matrix → List Matrix → List Matrix
  gru z r h̃ = zipWith (hiddens (GRU.gruStep (gate z) (gate r) (gate h̃)))

  rnn : (W V : Matrix) (b : List Float) → Matrix → List Matrix → List Matrix
  rnn W V b = zipWith (hiddens (RNN.rnnStep float {n} {m} tanh (matrix 0.0 W) (matrix 0.0 V) (vector 0.0 b)))
