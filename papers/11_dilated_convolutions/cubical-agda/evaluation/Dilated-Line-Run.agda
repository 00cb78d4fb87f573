{-
Receptive fields and paths along one axis, in whole numbers: filters of ones, an input that is 1 at one entry.
-}
module Dilated-Line-Run where

open import Cubical.Data.FinData.Base using (Fin; zero)
open import S30.Evaluation.Integer using (Int; integer; pos)
open import S30.Evaluation.Lists
open import Agda.Builtin.Nat using (_==_; _*_)
open import Cubical.Data.Bool.Base using (if_then_else_)
open import Dilated-Field
open import Dilated-Line integer

widths : List (List ℕ) → List ℕ
widths = map width

table : List ℕ
table = width table1 ∷ table1

-- Widths after 0, 1, …, n exponential layers.
doubling : List ℕ → List ℕ
doubling = map (λ n → width (exponential n))

-- Widths under dilations 1, 3, 9, …
tripling : List ℕ → List ℕ
tripling = map (λ n → width (tripled n))

ones : Layer 1 1
ones = record { weight = λ _ _ _ → pos 1 ; bias = λ _ → pos 0 }

-- The last layer first.
stack : List ℕ → Module 1 1
stack []       = maps
stack (d ∷ ds) = stack ds then ones dilatedBy d

-- Paths from each entry to output 0: what it gives where the entry is 1; with all dilations times s.
paths : ℕ → List ℕ → List ℕ → List Int
paths s ds entries = map (λ z → run (λ x → x) (rescale (s *_) (stack ds)) (λ y _ → if y == z then pos 1 else pos 0) 0 zero) entries

-- The ladder of that stack, the last layer first.
dilations : List ℕ → List ℕ
dilations ds = ladder (stack ds)
