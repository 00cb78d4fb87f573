{-
Yu and Koltun's definitions on the room's numbers: doubles, and pixels as pairs of integers. Beyond a map there are zeros,
which is the buffer of section 5.

  numpy_checks.py                        here
  -------------------------------------  -----------------------------------------------------------
  maps[i], layerI[i]                     Maps: channel, row, column; signal of it
  layerI.weight, its taps in one row     filters: filter, channel, tap
  an output's place                      the pixel of the input at which the filter's centre stands
-}
module Dilated-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Algebra.Monoid.Base using (Monoid; makeMonoid)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (_++_)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Evaluation.Float using (Float; float; relu)
open import S30.Evaluation.Integer using (Int; pos; negsuc) renaming (_+_ to _+ᵢ_; _·_ to _·ᵢ_)
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)

Pixel : Type
Pixel = Int × Int

Plane : Monoid _
Plane = makeMonoid (pos 0 , pos 0) (λ (y , x) (v , u) → y +ᵢ v , x +ᵢ u) unproved unproved unproved unproved

_times_ : ℕ → Pixel → Pixel
d times (y , x) = pos d ·ᵢ y , pos d ·ᵢ x

-- The nine taps in reading order; number 4 is the centre.
around : Fin 9 → Pixel
around = vector (pos 0 , pos 0)
  ( (negsuc 0 , negsuc 0) ∷ (negsuc 0 , pos 0) ∷ (negsuc 0 , pos 1)
  ∷ (pos 0    , negsuc 0) ∷ (pos 0    , pos 0) ∷ (pos 0    , pos 1)
  ∷ (pos 1    , negsuc 0) ∷ (pos 1    , pos 0) ∷ (pos 1    , pos 1) ∷ [])

open import Dilated-Module float Plane ℕ _times_ around
open import Dilated-Start float Plane ℕ _times_ around (index 4) (λ _ _ → unproved)

Maps : Type
Maps = List (List (List Float))

signal : {k : ℕ} → Maps → Signal k
signal x p c = onPlane 0.0 (vector [] x c) p

Filters : Type
Filters = List (List (List Float))

layer : (k l : ℕ) → Filters → List Float → Layer k l
layer k l w b = record { weight = volume 0.0 w ; bias = vector 0.0 b }

at : {k : ℕ} → List (List Int) → Signal k → List (List Float)
at places f = map (λ p → list (f (entry (pos 0) p 0 , entry (pos 0) p 1))) places

-- One layer, truncated; two layers.
one : (k l d : ℕ) → Filters → List Float → Maps → List (List Int) → List (List Float)
one k l d w b x places = at places (run relu (maps then layer k l w b dilatedBy d) (signal x))

two : (k l m d e : ℕ) → Filters → List Float → Filters → List Float → Maps → List (List Int) → List (List Float)
two k l m d e w b w' b' x places =
  at places (run relu ((maps then layer k l w b dilatedBy d) then layer l m w' b' dilatedBy e) (signal x))

-- Equation 4 in as many layers as there are dilations.
started : (k : ℕ) → List ℕ → Maps → List (List Int) → List (List Float)
started k ds x places = at places (run relu (starts {k} ds) (signal x))

-- Equation 5 from k to l maps in n + 1 groups: the next maps, then the sums of their groups, then those before.
divided : (k l n d : ℕ) (groups groups' : List ℕ) → Float → Maps → List (List Int) → List Float
divided k l n d groups groups' share x places =
  flat (λ p → list (next p)) pixels
  ++ flat (λ p → list (groupSum {n = suc n} after next p)) pixels
  ++ flat (λ p → list (groupSum {n = suc n} before (signal {k} x) p)) pixels
  where
  flat : {A B : Type} → (A → List B) → List A → List B
  flat f []       = []
  flat f (z ∷ zs) = f z ++ flat f zs
  pixels = map (λ p → entry (pos 0) p 0 , entry (pos 0) p 1) places
  before : Fin k → Fin (suc n)
  before i = index (vector 0 groups i)
  after : Fin l → Fin (suc n)
  after i = index (vector 0 groups' i)
  next : Signal l
  next = conv d (sharing before after share) (signal x)
