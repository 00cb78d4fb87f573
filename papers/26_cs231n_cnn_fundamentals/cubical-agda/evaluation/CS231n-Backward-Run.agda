{-
CS231n's zero padding and backward pass on the room's numbers: one image, its volumes pixel by pixel.

  backward.py                         here
  ----------------------------------  -----------------------------------------------------------
  images[i], convolved[i] and so on   Rows: pixel, channel
  conv.weight, its taps in one row    filters: filter, channel, tap; they stand around the output's pixel, as for P = 1
  fc.weight                           class, pixel of the pooled volume, filter
  where pixels lie                    Places: row and column of each
  the windows of POOL                 windows: of each the numbers of its pixels, in reading order
-}
module CS231n-Backward-Run where

open import Cubical.Foundations.Prelude using (Type; _≡_)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_; _and_)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.Sigma.Base using (_,_)
open import Cubical.Relation.Nullary using (Dec; yes; no)
open import Agda.Builtin.Nat using (_==_)
open import S30.Evaluation.Float using (Float; float; relu; _<ᵇ_)
open import S30.Evaluation.Integer using (Int; integerGroup; pos; negsuc)
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
open import CS231n-Grid float integerGroup (pos 1)
open import CS231n-Conv float Pixels
open import CS231n-Delta float using (Vector)

private
  same : Int → Int → Bool
  same (pos m)    (pos n)    = m == n
  same (negsuc m) (negsuc n) = m == n
  same _          _          = false

_≟_ : (p q : Pixel) → Dec (p ≡ q)
(y , x) ≟ (v , u) = if same y v and same x u then yes unproved else no unproved

open import CS231n-Border float PixelGroup _≟_
open import CS231n-Backward float PixelGroup _≟_
open import CS231n-Backprop float PixelGroup _≟_

Rows Places : Type
Rows   = List (List Float)
Places = List (List Int)

at : {n : ℕ} → Places → Fin n → Pixel
at places i = entry (pos 0) (vector [] places i) 0 , entry (pos 0) (vector [] places i) 1

-- CONV 3×3 from k channels to l.
module _ (k l : ℕ) (filters : List (List (List Float))) (bias : List Float) where

  layer : ConvLayer k l 9
  layer = centred (volume 0.0 filters) (vector 0.0 bias)

  -- From an image of n pixels to p outputs, as zero padding and as a matrix; and back from p outputs to n pixels.
  module _ (n p : ℕ) (from to : Places) where

    outputs densely : Rows → Rows
    outputs x = lists {m = p} (padded layer (at {n} from) (at to) (matrix 0.0 x))
    densely x = lists {m = p} (dense (blocks layer (at {n} from) (at {p} to)) (vector 0.0 bias) (matrix 0.0 x))

    pixels : Rows → Rows
    pixels g = lists {m = n} (padded (flipped layer) (at {p} to) (at from) (matrix 0.0 g))

  -- The gradients of the filters and biases, on an image given as a signal: channel, row, column.
  module _ (p : ℕ) (to : Places) (x : List Rows) (g : Rows) where

    private
      signal : Pixel → Vector k
      signal q c = onPlane 0.0 (vector [] x c) q

    filterGradients : List Rows
    filterGradients = list {n = l} (λ o → lists (correlate (at {p} to) (matrix 0.0 g) around signal o))

    biasGradients : List Float
    biasGradients = list {n = l} (total {p = p} {l = l} (matrix 0.0 g))

    -- What g makes of the layer that is moved by its own parameters; of the layer alone, and of the move, twice.
    whenDoubled : List Float
    whenDoubled = made (move layer V β) ∷ made layer ∷ made (replaced layer V β)
                ∷ parameterPair layer (at {p} to) (matrix 0.0 g) signal V β ∷ []
      where
      V = ConvLayer.weight layer
      β = ConvLayer.bias layer
      made : ConvLayer k l 9 → Float
      made L = pair {p} (matrix 0.0 g) (λ q → conv L signal (at to q))

-- RELU, POOL and FC, from 1 + n pixels by p windows with l channels to classes.
module _ (n l p classes : ℕ) (windows : List (List ℕ)) (from : Places) (weight : List Rows) (bias : List Float) where

  firstLargest : Vector (suc n) → List ℕ → Fin (suc n)
  firstLargest v []       = index 0
  firstLargest v (i ∷ is) = go (index i) is
    where
    go : Fin (suc n) → List ℕ → Fin (suc n)
    go b []       = b
    go b (j ∷ js) = if v b <ᵇ v (index j) then go (index j) js else go b js

  net : Net (suc n) l 1 classes
  net = RELU relu (λ z → if 0.0 <ᵇ z then 1.0 else 0.0)
      ⨾ POOL (λ v j → firstLargest v (vector [] windows j))
      ⨾ CONV (wholeFilter (at {p} from) (λ _ → volume 0.0 weight) (vector 0.0 bias)) (at {p} from) (λ _ → pos 0 , pos 0)

  scores : Rows → List Float
  scores y = list {n = classes} (forward net (matrix 0.0 y) Fin.zero)

  -- At some of the pixels.
  gradients : List ℕ → Rows → List Float → Rows
  gradients some y g = map (λ i → list {n = l} (backward net (matrix 0.0 y) (λ _ → vector 0.0 g) (index i))) some

  -- The sum of two volumes, read by a third.
  read : Rows → Rows → Rows → List Float
  read g y v = pair {suc n} {l} (matrix 0.0 g) (matrix 0.0 y ⊞ matrix 0.0 v) ∷ []

  -- How the scores move when CONV's outputs y move by v.
  moves : Rows → Rows → List Float
  moves y v = list {n = classes} (push net (matrix 0.0 y) (matrix 0.0 v) Fin.zero)
