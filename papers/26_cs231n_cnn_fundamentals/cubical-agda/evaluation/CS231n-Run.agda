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
open import Cubical.Data.Sigma.Base using (_,_)
open import S30.Evaluation.Float using (Float; float; max; relu)
open import S30.Evaluation.Integer using (integerGroup; pos; negsuc)
open import S30.Evaluation.Lists
open import CS231n-Grid float integerGroup (pos 1)
open import CS231n-Shift Pixels using (Signal; shift; readout)
open import CS231n-Conv float Pixels
open import CS231n-Delta float using (Vector)
open import CS231n-Affine float
open import CS231n-Sizes using (Geometry; geometry; _⨾_)
open Geometry

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

  -- What one position sees, which is all that an operator that commutes with shifts has to say.
  seenAtOrigin : Image → List Float
  seenAtOrigin x = list {n = l} (readout (run (net (λ z → z)) , convNetShift (net (λ z → z))) (signal x))

  convolved activated : List Image → List Image
  convolved = map (λ x → image l height width (run (net (λ z → z)) (signal x)))
  activated = map (λ x → image l height width (run (net relu) (signal x)))

pooled : (k height width : ℕ) → List Image → List Image
pooled k height width = map (λ x → image k height width (pool2x2 max (signal x)))

-- The pooled image when the image has moved by two rows one way and by two columns the other way.
pooledMoved : (k height width : ℕ) → Image → Image
pooledMoved k height width x = image k height width (pool2x2 max (shift (double (pos 1 , negsuc 0)) (signal x)))

scores : (m n : ℕ) → List (List Float) → List Float → List (List Float) → List (List Float)
scores m n W b = map (λ x → list (affine {m} {n} (matrix 0.0 W) (vector 0.0 b) (vector 0.0 x)))

-- Of the scores raised by c, which makes no difference.
hinges : (n : ℕ) → Float → Float → List ℕ → List (List Float) → List Float
hinges n Δ c = zipWith (λ y s → hinge {suc n} relu Δ (index y) (raise c (vector 0.0 s)))

-- Two affine layers, and the one layer that they are.
twoLayers : (l m n : ℕ) → List (List Float) → List Float → List (List Float) → List Float → List Float → List (List Float)
twoLayers l m n W₁ b₁ W₂ b₂ x = list (runAffine (layer W b then V , c) y) ∷ list (affine (V *ₘ W) (affine V c b) y) ∷ []
  where
  W : Matrix m n
  W = matrix 0.0 W₁
  V : Matrix l m
  V = matrix 0.0 W₂
  b : Vector m
  b = vector 0.0 b₁
  c : Vector l
  c = vector 0.0 b₂
  y : Vector n
  y = vector 0.0 x

-- F − 1, P and S of one layer after another.
composed : (reach₁ pad₁ stride₁ reach₂ pad₂ stride₂ : ℕ) → List ℕ
composed r p s r' p' s' = let g = geometry r p s ⨾ geometry r' p' s' in reach g ∷ pad g ∷ stride g ∷ []
