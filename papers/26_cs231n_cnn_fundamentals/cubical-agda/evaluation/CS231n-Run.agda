{-
CS231n's definitions on the room's numbers: doubles, and the pixels of an image as pairs of integers. Outside its
border an image is zero, which is what zero padding puts there.

  numpy_checks.py                    here
  ---------------------------------  -----------------------------------------------------------
  images[i], convolved[i], pooled[i] Image: channel, row, column; signal of it
  conv.weight, its taps in one row   filters: filter, channel, tap
  convolved                          convolved: digitNet, which is CONV and RELU, with no RELU
  activation, pooled                 activated, pooled
  scores, hinge of each example      scores, hinges
-}
module CS231n-Run where

open import Cubical.Foundations.Prelude using (Type)
open import S30.Evaluation.Float using (Float; float; max; relu)
open import S30.Evaluation.Integer using (integerGroup; pos)
open import S30.Evaluation.Lists
open import CS231n-Grid float integerGroup (pos 1)
open import CS231n float Grid hiding (layer)

Image : Type
Image = List (List (List Float))

signal : {k : ℕ} → Image → Signal (Vector k)
signal x p c = onPlane 0.0 (vector [] x c) p

image : (k height width : ℕ) → Signal (Vector k) → Image
image k height width f = list {n = k} (λ c → alongPlane height width (λ p → f p c))

-- CONV 3×3 from k channels to l, followed by σ.
module _ (k l height width : ℕ) (filters : List (List (List Float))) (bias : List Float) where

  net : (Float → Float) → ConvNet k l
  net = digitNet (volume 0.0 filters) (vector 0.0 bias)

  convolved activated : List Image → List Image
  convolved = map (λ x → image l height width (run (net (λ z → z)) (signal x)))
  activated = map (λ x → image l height width (run (net relu) (signal x)))

pooled : (k height width : ℕ) → List Image → List Image
pooled k height width = map (λ x → image k height width (pool2x2 max (signal x)))

scores : (m n : ℕ) → List (List Float) → List Float → List (List Float) → List (List Float)
scores m n W b = map (λ x → list (affine {m} {n} (matrix 0.0 W) (vector 0.0 b) (vector 0.0 x)))

hinges : (n : ℕ) → Float → List ℕ → List (List Float) → List Float
hinges n Δ = zipWith (λ y s → hinge {suc n} relu Δ (index y) (vector 0.0 s))
