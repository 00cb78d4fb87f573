{-
TODO: the definitions of VariationalAutoencoder.agda on the room's numbers.
-}
module VariationalAutoencoder-Run where

open import S30.Evaluation.Float using (Float; float)
open import S30.Evaluation.Lists
open import VariationalAutoencoder float

-- Every output of every example.
predictions : List (List Float) → List Float → List (List Float) → List (List Float)
predictions W b = map (λ x → zipWith (λ w c → affine w c x) W b)
