{-
The definitions of this paper on the room's numbers: doubles, one entry of a volume at a time, with residuals that return what
NumPy's returned, and small stacks of affine and rectified branches.

  numpy_checks.py                here
  -----------------------------  ---------------------------------------------------------------
  block2 from stem, residuals    entries: one by one, with the scale of the shortcut
  stacks of units, their slopes  stacks, slopes
  products of 1 + J, unravelled  unravel, on pairs of doubles
-}
module IdentityMap-Run where

open import Cubical.Foundations.Prelude using (Type ; ℓ-zero)
open import Cubical.Algebra.AbGroup.Base using (AbGroup ; makeAbGroup)
open import Cubical.Data.List.Base using (foldl ; length)
open import Cubical.Data.Sigma.Base using (_×_ ; _,_)
open import S30.Evaluation.Float
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
open import IdentityMap-Scaled float hiding (run)
import IdentityMap-Scaled

group : AbGroup ℓ-zero
group = makeAbGroup 0.0 _+_ -_ unproved unproved unproved unproved unproved

open import IdentityMap-Units group hiding (unit)
import IdentityMap-Units group as Units

-- x_2 from an entry of x_0, and the same as Π λ times it plus what is absorbed; b scales the residuals.
entries : Float → Float → List (List Float) → List (List Float)
entries l b = map entry'
  where
  us : List Float → List Unit
  us []       = []
  us (F ∷ Fs) = (l , λ _ → b · F) ∷ us Fs

  entry' : List Float → List Float
  entry' (x ∷ Fs) = IdentityMap-Scaled.run float (us Fs) x ∷ product (scales (us Fs)) · x + absorbed (us Fs) x ∷ []
  entry' []       = []

-- A branch relu(w · x + b).
branch : List Float → Float → Float
branch (w ∷ b ∷ _) x = relu (w · x + b)
branch _           x = x

-- Of branches with identity shortcuts: where they lead, the sum that telescopes, each residual; the pre-activated form of
-- the same with the activation cut off below −1; and the plain nets.
stacks : List (List Float) → Float → List Float
stacks rows x = run Fs x ∷ x + total (residuals Fs x) ∷ Units.unit (λ _ → 0.0) x
  ∷ foldl (λ y F → asymmetric f F y) x Fs ∷ run (map (λ F y → F (f y)) Fs) x
  ∷ post f Fs (f x) ∷ f (pre f Fs x) ∷ residuals Fs x
  where
  Fs = map branch rows
  f : Float → Float
  f = max (- 1.0)

-- Slopes of units with scales: the product, its first term, the rest, and with scales of 1 the sum over all paths.
slopes : List (List Float) → List Float
slopes rows = slope us ∷ product (map (λ (l , _) → l) us) ∷ throughWeights us
  ∷ power 0.5 (length us) ∷ product (scales (alike 3 (0.5 , λ x → x))) ∷ []
  where
  pair : List Float → Float × Float
  pair (l ∷ j ∷ _) = l , j
  pair _           = 1.0 , 0.0
  us = map pair rows

plane : AbGroup ℓ-zero
plane = makeAbGroup {G = Float × Float} (0.0 , 0.0) (λ (a , b) (c , d) → (a + c , b + d)) (λ (a , b) → (- a , - b))
  unproved unproved unproved unproved unproved

import IdentityMap-Units plane as Plane

-- Units whose residuals are 2 x 2 matrices, given row by row: where they take the signal, the sum over all paths, and how
-- many there are.
unravel : List (List Float) → List Float → List Float
unravel rows (a ∷ b ∷ _) = both (Plane.run Fs (a , b))
  (both (Plane.total (map (λ p → Plane.along p (a , b)) (Plane.paths Fs))) (fromℕ (length (Plane.paths Fs)) ∷ []))
  where
  operator : List Float → Plane.Operator
  operator (p ∷ q ∷ r ∷ s ∷ _) = (λ (x , y) → (p · x + q · y , r · x + s · y)) , unproved
  operator _                   = (λ v → v) , unproved
  Fs = Plane.maps (map operator rows)
  both : Float × Float → List Float → List Float
  both (x , y) rest = x ∷ y ∷ rest
unravel rows _           = []
