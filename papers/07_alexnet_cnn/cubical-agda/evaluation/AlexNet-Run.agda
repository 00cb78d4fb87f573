{-
The small AlexNet's definitions on the room's numbers: doubles, one position of one example at a time.

  numpy_checks.py                            here
  -----------------------------------------  ------------------------------------------------------------
  pooled, what the taps of conv2 see there   x : group, then map and tap in one row
  conv2.weight                               w : group, kernel, map and tap in one row
  conv1 at one pixel                         a : one number a map
  fc2.weight times hidden neurons            v : one number a neuron
-}
module AlexNet-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.FinData.Base using (Fin)
open import S30.Evaluation.Float using (Float; float; relu; _^_; -_) renaming (_+_ to _+f_)
open import S30.Evaluation.Lists
open import AlexNet-Layers float
open import Agda.Builtin.Sigma using (fst; snd)
open import AlexNet-Sizes using (Kernels; kernels; parameters; total; alexNet; fields; windows)

-- Kernels of two groups, k each, over c numbers; as groups, and as one layer with zeros.
asGroups asWhole : (k c : ℕ) → List (List (List Float)) → List Float → List (List Float) → List Float
asGroups k c w b x = zipWith (λ z y → relu (z +f y)) (flat (grouped {2} (volume {l = 2} {m = k} {n = c} 0.0 w) (matrix 0.0 x))) b
  where
  flat : Grouped 2 k → List Float
  flat y = append (list (y Fin.zero)) (list (y (Fin.suc Fin.zero)))
    where
    append : List Float → List Float → List Float
    append []       ys = ys
    append (z ∷ zs) ys = z ∷ append zs ys
asWhole k c w b x = zipWith (λ z y → relu (z +f y)) (flat (whole {2} (λ j o i t → product (δ i j) (volume {l = 2} {m = k} {n = c} 0.0 w j o t)) (matrix 0.0 x))) b
  where
  open import S30.Evaluation.Float using (_·_)
  product : Float → Float → Float
  product = _·_
  flat : Grouped 2 k → List Float
  flat y = append (list (y Fin.zero)) (list (y (Fin.suc Fin.zero)))
    where
    append : List Float → List Float → List Float
    append []       ys = ys
    append (z ∷ zs) ys = z ∷ append zs ys

-- At each pixel: b^i from all a^i; `near` is a table of ones and zeros.
norms : (n : ℕ) (κ α β : Float) → List (List Float) → List (List Float) → List (List Float)
norms n κ α β near = map (λ a → list {n = n} (normalised (λ r → r ^ (- β)) κ α (matrix 0.0 near) (vector 0.0 a)))

-- The sum over all masks of what is read, twice; and the number of masks.
dropouts : (n : ℕ) → List (List Float) → List Float
dropouts n = map (λ v → let s = overMasks n (λ m → sum m (vector 0.0 v)) in s +f s)
  where
  open import S30.Evaluation.Float using (_·_)
  open import S30.Sum
  open Sum float
  sum : (Fin n → Float) → (Fin n → Float) → Float
  sum m v = ∑ (λ i → m i · v i)

howMany : ℕ → List Float
howMany n = masks n ∷ []

counts : List ℕ
counts = total alexNet ∷ map parameters alexNet

-- What an entry sees, and then how far neighbours are apart, layer by layer.
seen : List (List ℕ)
seen = map fst (fields 1 1 windows) ∷ map snd (fields 1 1 windows) ∷ []
