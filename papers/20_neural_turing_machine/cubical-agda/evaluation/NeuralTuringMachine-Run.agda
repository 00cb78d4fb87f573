{-
TODO: the definitions of NeuralTuringMachine.agda on the room's numbers.
-}
module NeuralTuringMachine-Run where

open import S30.Evaluation.Float using (Float; float)
open import S30.Evaluation.Lists
open import NeuralTuringMachine float

-- Every output of every example.
predictions : List (List Float) → List Float → List (List Float) → List (List Float)
predictions W b = map (λ x → zipWith (λ w c → affine w c x) W b)
