{-
The cell with its gates given, and derivatives by dual numbers, on the room's numbers.

  numpy_checks.py, jacobians.py             here
  ----------------------------------------  --------------------------------------------------------
  forget_gate, input_gate, candidate        a row by step; gatesOf makes the Gates of a unit
  cell of one unit, by step                 cells
  the same at the end, by other ways        endings
  Π f_t, as ∂C_T/∂C_0                       rate
  ∂h_T/∂h_0 v of the standard RNN           rnnRate by dual numbers, rnnTangent and rnnProduct by the product
  Σ_t (1 − f_t) b + Σ_t i_t, |W|^T          drift, powerOf
-}
module Cell-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Agda.Builtin.Strict using (primForce)
open import S30.Evaluation.Float using (Float; float; tanh; _+_; _·_; _-_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import LSTM-Cell float
open import LSTM-Coupled float using (candidateWeight)
import LSTM-Bounds
import LSTM-Derivative
import RNN
import RNN-Bound
import RNN-Gradient

Numbers Matrix : Type
Numbers = List Float
Matrix  = List Numbers

-- Goes on with the numbers themselves in place of what computes them: pairs do not share work as lists do.
computed : {A : Type} → Numbers → (Numbers → A) → A
computed []       go = go []
computed (x ∷ xs) go = primForce x λ y → computed xs λ ys → go (y ∷ ys)

-- The gates of one unit over time: a row for each step, holding forget, input and candidate.
gatesOf : Matrix → List Gates
gatesOf = map (λ row → gates (entry 0.0 row 0) (entry 0.0 row 1) (entry 0.0 row 2))

-- The cell after each step.
cells : Float → Matrix → List Float
cells c []         = []
cells c (row ∷ us) = run cellUpdate (gatesOf (row ∷ [])) c ∷ cells (run cellUpdate (gatesOf (row ∷ [])) c) us

-- The last cell: by the closed form, and by the affine map that all steps are together, composed at once or by halves.
endings : Float → (first second : Matrix) → List Float
endings c us vs =
    (forgetProduct all · c + weightedWrites all)
  ∷ apply (composite all) c
  ∷ apply (composite (gatesOf vs) after composite (gatesOf us)) c
  ∷ apply identityAffine (slope (composite all) · c + offset (composite all))
  ∷ []
  where all = gatesOf (join us vs)
          where
          join : Matrix → Matrix → Matrix
          join []       vs = vs
          join (u ∷ us) vs = u ∷ join us vs

-- The weights that the candidates have in the last cell, and those of all writes together with that of C_0.
weights : Matrix → List Float
weights us = map candidateWeight (withFuture (gatesOf us))

-- Σ_t (1 − f_t) b + Σ_t i_t, beyond which the cell cannot drift from a start of at most b.
drift : Float → Matrix → Float
drift b us = forgotten (gatesOf us) · b + taken (gatesOf us)
  where open LSTM-Bounds float using (forgotten; taken)

-- |W| to the power T.
powerOf : Float → ℕ → Float
powerOf norm = RNN-Bound.power float {0} {0} (λ a → a) (λ a → a) (λ ()) (λ ()) (λ ()) (λ ()) norm

-- The cell of the last step and its rate of change by C_0, the gates held fixed.
rate : Float → Matrix → List Float
rate c us = pair (run Dual.cellUpdate (map fixedGates (gatesOf us)) (c , 1.0))
  where
  open LSTM-Derivative float using (module Dual; fixedGates)
  pair : Float × Float → List Float
  pair (x , ẋ) = x ∷ ẋ ∷ []

-- ∂h_T/∂h_0 v for one example: h_T and its rate by dual numbers, then the rate by the product of slopes and weights.
module _ (n m : ℕ) (W V : Matrix) (b : Numbers) where

  open RNN float {n} {m} tanh (matrix 0.0 W) (matrix 0.0 V) (vector 0.0 b) using (rnnStep)
  open RNN-Gradient float {n} {m} tanh (λ a → 1.0 - tanh a · tanh a) (matrix 0.0 W) (matrix 0.0 V) (vector 0.0 b)

  rnnRate : (h v : Numbers) → Matrix → Matrix
  rnnRate h v []       = h ∷ v ∷ []
  rnnRate h v (x ∷ xs) =
    computed (list (λ j → fst (moved j))) λ h′ → computed (list (λ j → snd (moved j))) λ v′ → rnnRate h′ v′ xs
    where moved = dualStep (λ j → vector 0.0 h j , vector 0.0 v j) (vector 0.0 x)

  -- As the theorem has it, with all slopes first; no step's work is shared, so for few steps.
  rnnProduct : (h v : Numbers) → Matrix → Numbers
  rnnProduct h v xs = list (run tangent (slopeTrace (vector 0.0 h) (map (vector 0.0) xs)) (vector 0.0 v))

  rnnTangent : (h v : Numbers) → Matrix → Numbers
  rnnTangent h v []       = v
  rnnTangent h v (x ∷ xs) =
    told (list (rnnStep (vector 0.0 h) (vector 0.0 x))) (list (tangent (vector 0.0 v) (slopes (vector 0.0 h) (vector 0.0 x))))
    where
    told : Numbers → Numbers → Numbers
    told h v = rnnTangent h v xs
