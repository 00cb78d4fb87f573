{-# OPTIONS --safe #-}
{-
Paper 03: C. Olah, «Understanding LSTM Networks» (2015),
colah.github.io/posts/2015-08-Understanding-LSTMs

The whole networks: n hidden units, m input features, gates computed from
[h_{t−1}, x_t] («Step-by-Step LSTM Walk Through») or from the cell as well
(«Variants on Long Short Term Memory»). LSTM-Cell is about the cell state with its
gates given, LSTM-Derivative about ∂C_T/∂C_0, RNN about the standard RNN.

The numbers are an abstract commutative ring R; σ and tanh are arbitrary
functions.

  post                          here
  C_t, h_t                      cell, hidden
  W · z + b                     affine
  [h_{t−1}, x_t]                hidden ++Fin x
  f_t, i_t, C̃_t                 forget, input, candidate (the fields of Gates)
  o_t * tanh(C_t)               shown
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ) renaming (_+_ to _+ℕ_)
open import Cubical.Data.FinData.Base using (Fin; _++Fin_)

module LSTM {ℓ : Level} (R' : CommRing ℓ) {n m : ℕ} (σ tanh : fst R' → fst R') where

open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_)
open import S30.Lists using (All)
open import S30.Fold using (run; runConcat)
open import S30.Pointwise using (pointwise)
import S30.Ring
import S30.Sum
import LSTM-Cell
import LSTM-Coupled

open CommRingStr (snd R') using (1r; _+_; _·_)
open S30.Ring R' using (_-_)
open S30.Sum.Sum R' using (∑)

-- Cells are vectors of n numbers; their elementwise operations form a commutative ring.
open LSTM-Cell (pointwise (Fin n) R') using
  (Gates; gates; forget; input; candidate; cellUpdate; forgetProduct; weightedWrites;
   cellClosedForm; IsKeeping; keepingRunIsIdentity)
open LSTM-Coupled (pointwise (Fin n) R') using (gruUpdate)

Vector : ℕ → Type ℓ
Vector k = Fin k → fst R'

-- A layer of the network: the weights and the bias of n units that read k numbers.
record Layer (k : ℕ) : Type ℓ where
  constructor layer
  field
    weight : Fin n → Fin k → fst R'
    bias   : Vector n

open Layer public

-- (W · z + b)_j
affine : {k : ℕ} → Layer k → Vector k → Vector n
affine L z j = ∑ (λ k → weight L j k · z k) + bias L j

record State : Type ℓ where
  constructor state
  field
    cell hidden : Vector n

open State public

----------------------------------------------------------------------
-- Any network whose cell is updated by gates that it computes somehow

module Network (gatesFrom : State → Vector m → Gates) (shown : State → Vector m → (newCell : Vector n) → Vector n) where

  -- C_t = f_t * C_{t−1} + i_t * C̃_t, and what is shown of it is h_t.
  step : State → Vector m → State
  step s x = state newCell (shown s x newCell)
    where newCell = cellUpdate (cell s) (gatesFrom s x)

  -- Running xs ++ ys is running ys from the state after xs: a long input may be cut
  -- anywhere, if the state is carried over.
  runsConcat : (xs ys : List (Vector m)) → run step (xs ++ ys) ≡ run step ys ∘ run step xs
  runsConcat = runConcat step

  -- The gates that the network computes along its way.
  gateTrace : State → List (Vector m) → List Gates
  gateTrace s []       = []
  gateTrace s (x ∷ xs) = gatesFrom s x ∷ gateTrace (step s x) xs

  -- The network's cell is the cell of LSTM-Cell, run under the gates that the network computes along its way.
  cellFollowsGates : (xs : List (Vector m)) (s : State)
                   → cell (run step xs s) ≡ run cellUpdate (gateTrace s xs) (cell s)
  cellFollowsGates []       s = refl
  cellFollowsGates (x ∷ xs) s = cellFollowsGates xs (step s x)

  -- In the whole network too, whatever its gates read, and at every hidden unit j,
  -- C_T = (Π f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t.
  networkClosedForm : (xs : List (Vector m)) (s : State) (j : Fin n)
    → cell (run step xs s) j
    ≡ (forgetProduct (gateTrace s xs) j · cell s j) + weightedWrites (gateTrace s xs) j
  networkClosedForm xs s j i = (cellFollowsGates xs s ∙ cellClosedForm (gateTrace s xs) (cell s)) i j

  -- If all forget gates are 1 and all input gates 0 on the way, the network's cell is kept.
  networkKeepsCell : (xs : List (Vector m)) (s : State) → All IsKeeping (gateTrace s xs)
                   → cell (run step xs s) ≡ cell s
  networkKeepsCell xs s keep =
    cellFollowsGates xs s ∙ (λ i → keepingRunIsIdentity (gateTrace s xs) keep i (cell s))

----------------------------------------------------------------------
-- The LSTM: all gates read [h_{t−1}, x_t]

module Standard (Wf Wi WC Wo : Layer (n +ℕ m)) where

  -- f_t = σ(W_f·[h_{t−1}, x_t] + b_f),  i_t = σ(W_i·[h_{t−1}, x_t] + b_i),
  -- C̃_t = tanh(W_C·[h_{t−1}, x_t] + b_C)
  gatesFrom : State → Vector m → Gates
  gatesFrom s x = gates (σ ∘ affine Wf z) (σ ∘ affine Wi z) (tanh ∘ affine WC z)
    where z = hidden s ++Fin x

  -- h_t = o_t * tanh(C_t),  o_t = σ(W_o·[h_{t−1}, x_t] + b_o)
  shown : State → Vector m → Vector n → Vector n
  shown s x newCell j = σ (affine Wo (hidden s ++Fin x) j) · tanh (newCell j)

  lstmStep : State → Vector m → State
  lstmStep = Network.step gatesFrom shown

-- Peepholes: f_t and i_t look at C_{t−1}, o_t at C_t.
module Peephole (Wf Wi : Layer (n +ℕ (n +ℕ m))) (WC : Layer (n +ℕ m)) (Wo : Layer (n +ℕ (n +ℕ m))) where

  -- f_t = σ(W_f·[C_{t−1}, h_{t−1}, x_t] + b_f),  i_t = σ(W_i·[C_{t−1}, h_{t−1}, x_t] + b_i),
  -- C̃_t = tanh(W_C·[h_{t−1}, x_t] + b_C)
  gatesFrom : State → Vector m → Gates
  gatesFrom s x = gates (σ ∘ affine Wf (cell s ++Fin z)) (σ ∘ affine Wi (cell s ++Fin z)) (tanh ∘ affine WC z)
    where z = hidden s ++Fin x

  -- h_t = o_t * tanh(C_t),  o_t = σ(W_o·[C_t, h_{t−1}, x_t] + b_o)
  shown : State → Vector m → Vector n → Vector n
  shown s x newCell j = σ (affine Wo (newCell ++Fin (hidden s ++Fin x)) j) · tanh (newCell j)

  peepholeStep : State → Vector m → State
  peepholeStep = Network.step gatesFrom shown

-- Coupled gates: i_t = 1 − f_t.
module Coupled (Wf WC Wo : Layer (n +ℕ m)) where

  gatesFrom : State → Vector m → Gates
  gatesFrom s x = gates f (λ j → 1r - f j) (tanh ∘ affine WC z)
    where
    z = hidden s ++Fin x
    f = σ ∘ affine Wf z

  shown : State → Vector m → Vector n → Vector n
  shown s x newCell j = σ (affine Wo (hidden s ++Fin x) j) · tanh (newCell j)

  coupledStep : State → Vector m → State
  coupledStep = Network.step gatesFrom shown

-- The GRU: z_t = σ(W_z·[h_{t−1}, x_t]),  r_t = σ(W_r·[h_{t−1}, x_t]),
-- h̃_t = tanh(W·[r_t * h_{t−1}, x_t]),  h_t = (1 − z_t) * h_{t−1} + z_t * h̃_t
module GRU (Wz Wr W : Layer (n +ℕ m)) where

  gruStep : Vector n → Vector m → Vector n
  gruStep h x = gruUpdate (σ ∘ affine Wz (h ++Fin x)) (tanh ∘ affine W ((λ j → r j · h j) ++Fin x)) h
    where r = σ ∘ affine Wr (h ++Fin x)
