{-
TODO: the definitions of __Template__.agda on the room's numbers.
-}
module __Template__-Run where

open import S30.Evaluation.Float using (Float; float)
open import S30.Evaluation.Lists
open import __Template__ float

-- Every output of every example.
predictions : List (List Float) → List Float → List (List Float) → List (List Float)
predictions W b = map (λ x → zipWith (λ w c → affine w c x) W b)
