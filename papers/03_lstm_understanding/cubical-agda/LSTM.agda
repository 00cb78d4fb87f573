{-# OPTIONS --safe #-}
{-
Paper 03: C. Olah, «Understanding LSTM Networks» (2015),
colah.github.io/posts/2015-08-Understanding-LSTMs

The whole network: n hidden units, m input features, gates computed from
[h_{t−1}, x_t] («Step-by-Step LSTM Walk Through»). LSTM-Cell is about the cell
state with its gates given, LSTM-Derivative about ∂C_T/∂C_0.

The numbers are an abstract commutative ring R; σ and tanh are arbitrary
functions.

  post                          here
  C_t, h_t, o_t                 cell, hidden, outputGate
  f_t, i_t, C̃_t                 forget, input, candidate (the fields of Gates)
  W_f, b_f, … , W_o, b_o        weightForget, biasForget, … , weightOutput, biasOutput
  [h_{t−1}, x_t]                hidden ++Fin x
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ) renaming (_+_ to _+ℕ_)
open import Cubical.Data.FinData.Base using (Fin; _++Fin_)

module LSTM {ℓ : Level} (R' : CommRing ℓ) {n m : ℕ} (σ tanh : fst R' → fst R')
  (weightForget weightInput weightCandidate weightOutput : Fin n → Fin (n +ℕ m) → fst R')
  (biasForget biasInput biasCandidate biasOutput : Fin n → fst R') where

open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_)
open import S30.Lists using (All)
open import S30.Fold using (run; runConcat)
open import S30.Pointwise using (pointwise)
import S30.Sum
import LSTM-Cell

open CommRingStr (snd R') using (_+_; _·_)
open S30.Sum.Sum R' using (∑)

-- Cells are vectors of n numbers; their elementwise operations form a commutative ring.
open LSTM-Cell (pointwise (Fin n) R') using
  (Gates; gates; forget; input; candidate; cellUpdate; forgetProduct; weightedWrites;
   cellClosedForm; IsKeeping; keepingRunIsIdentity)

Vector : ℕ → Type ℓ
Vector k = Fin k → fst R'

-- (W · z + b)_j
affine : (Fin n → Fin (n +ℕ m) → fst R') → Vector n → Vector (n +ℕ m) → Vector n
affine W b z j = ∑ (λ k → W j k · z k) + b j

-- f_t = σ(W_f·[h_{t−1}, x_t] + b_f),  i_t = σ(W_i·[h_{t−1}, x_t] + b_i),
-- C̃_t = tanh(W_C·[h_{t−1}, x_t] + b_C)
gatesFrom : (hidden : Vector n) (x : Vector m) → Gates
gatesFrom hidden x = gates
  (λ j → σ (affine weightForget biasForget (hidden ++Fin x) j))
  (λ j → σ (affine weightInput biasInput (hidden ++Fin x) j))
  (λ j → tanh (affine weightCandidate biasCandidate (hidden ++Fin x) j))

-- o_t = σ(W_o·[h_{t−1}, x_t] + b_o)
outputGate : (hidden : Vector n) (x : Vector m) → Vector n
outputGate hidden x j = σ (affine weightOutput biasOutput (hidden ++Fin x) j)

record State : Type ℓ where
  constructor state
  field
    cell hidden : Vector n

open State public

-- C_t = f_t * C_{t−1} + i_t * C̃_t,  h_t = o_t * tanh(C_t)
lstmStep : State → Vector m → State
lstmStep s x = state newCell (λ j → outputGate (hidden s) x j · tanh (newCell j))
  where newCell = cellUpdate (cell s) (gatesFrom (hidden s) x)

-- Running xs ++ ys is running ys from the state after xs: a long input may be cut
-- anywhere, if the state is carried over.
lstmRunConcat : (xs ys : List (Vector m))
              → run lstmStep (xs ++ ys) ≡ run lstmStep ys ∘ run lstmStep xs
lstmRunConcat = runConcat lstmStep

-- The gates that the network computes along its way.
gateTrace : State → List (Vector m) → List Gates
gateTrace s []       = []
gateTrace s (x ∷ xs) = gatesFrom (hidden s) x ∷ gateTrace (lstmStep s x) xs

-- The network's cell is the cell of LSTM-Cell run under those gates.
cellFollowsGates : (xs : List (Vector m)) (s : State)
                 → cell (run lstmStep xs s) ≡ run cellUpdate (gateTrace s xs) (cell s)
cellFollowsGates []       s = refl
cellFollowsGates (x ∷ xs) s = cellFollowsGates xs (lstmStep s x)

-- So in the whole network too, at every hidden unit j,
-- C_T = (Π f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t.
lstmCellClosedForm : (xs : List (Vector m)) (s : State) (j : Fin n)
  → cell (run lstmStep xs s) j
  ≡ (forgetProduct (gateTrace s xs) j · cell s j) + weightedWrites (gateTrace s xs) j
lstmCellClosedForm xs s j i = (cellFollowsGates xs s ∙ cellClosedForm (gateTrace s xs) (cell s)) i j

-- And if all forget gates are 1 and all input gates 0 on the way, the cell is kept.
lstmKeepsCell : (xs : List (Vector m)) (s : State) → All IsKeeping (gateTrace s xs)
              → cell (run lstmStep xs s) ≡ cell s
lstmKeepsCell xs s keep =
  cellFollowsGates xs s ∙ (λ i → keepingRunIsIdentity (gateTrace s xs) keep i (cell s))
