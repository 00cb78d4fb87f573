{-
The regularized LSTM on the room's numbers, and the ways through it counted.

  numpy_checks.py                  here
  -------------------------------  ------------------------------------------------------------
  rows i, f, g, o of a layer       Gates: the matrices that read x and h, and the sum of biases, of I, F, O, G
  masks / (1 - p)                  keep, a list of numbers that are 0 or 1 / (1 - p)
  a state of a layer               cell and hidden, each a list, so that each number is computed once
-}
module Regularization-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Evaluation.Float using (Float; float; sigmoid; tanh) renaming (_-_ to _-ᶠ_; _·_ to _·ᶠ_; _/_ to _/ᶠ_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
import Regularization
import Regularization-Dropout
open import Regularization-Paths using (drops; steps; thickLine)

Numbers Matrix : Type
Numbers = List Float
Matrix  = List Numbers

record Gate : Type where
  constructor gate
  field
    ih hh : Matrix
    b     : Numbers

-- n units.
module _ (n : ℕ) where

  open Regularization float {n} sigmoid tanh

  made : Gate → Transform
  made (gate ih hh b) = transform (matrix 0.0 ih) (matrix 0.0 hh) (vector 0.0 b)

  -- The states of one layer, each a list of two lists, from what comes from below and the masks of it.
  states : (i f o g : Gate) → (cell hidden : Numbers) → (keep below : Matrix) → List Matrix
  states i f o g = from
    where
    open Layer (made i) (made f) (made o) (made g) using (droppedStep)
    from : (c h : Numbers) → (keep below : Matrix) → List Matrix
    told : State → (keep below : Matrix) → List Matrix
    from c h []       _        = []
    from c h (_ ∷ _)  []       = []
    from c h (m ∷ ms) (x ∷ xs) = told (droppedStep (state (vector 0.0 c) (vector 0.0 h)) (vector 0.0 m , vector 0.0 x)) ms xs
    told s ms xs = (list (cell s) ∷ list (hidden s) ∷ []) ∷ from (list (cell s)) (list (hidden s)) ms xs

  -- The first state of a plain layer, without any mask.
  plain : (i f o g : Gate) → (cell hidden x : Numbers) → Matrix
  plain i f o g c h x = told (plainStep (state (vector 0.0 c) (vector 0.0 h)) (vector 0.0 x))
    where
    open Layer (made i) (made f) (made o) (made g) using (plainStep)
    told : State → Matrix
    told s = list (cell s) ∷ list (hidden s) ∷ []

  -- How far two cells are apart after steps (forget, write), and Π f times how far they were.
  apart : (c c′ : Float) → Matrix → Numbers
  apart c c′ us = (run update (pairs us) c -ᶠ run update (pairs us) c′) ∷ forgets (pairs us) ·ᶠ (c -ᶠ c′) ∷ []
    where
    pairs : Matrix → List (Float × Float)
    pairs = map (λ u → entry 0.0 u 0 , entry 0.0 u 1)

  -- The same of the rival, steps (keep, forget, write).
  apartDropped : (c c′ : Float) → Matrix → Numbers
  apartDropped c c′ us = (run rivalUpdate (triples us) c -ᶠ run rivalUpdate (triples us) c′) ∷ keeps (triples us) ·ᶠ (c -ᶠ c′) ∷ []
    where
    triples : Matrix → List (Float × (Float × Float))
    triples = map (λ u → entry 0.0 u 0 , (entry 0.0 u 1 , entry 0.0 u 2))

-- Mean and mean square of what arrives of x through n dropouts at rate p, what the theorems say of both, and one outcome.
moments : (p x : Float) → ℕ → List Bool → Numbers
moments p x n ms =
    meanOver n (λ ms → through ms x) ∷ meanOver n (λ ms → through ms x ·ᶠ through ms x) ∷ power n ·ᶠ (x ·ᶠ x) ∷ mean kept
  ∷ through ms x ∷ []
  where open Regularization-Dropout float p (1.0 /ᶠ (1.0 -ᶠ p))

-- Dropouts and steps on the thick line of figure 3, through 1 + L layers and k steps.
thick : (L k : ℕ) → List ℕ
thick L k = drops (thickLine L k 0) ∷ steps (thickLine L k 0) ∷ []
