{-
RNNsearch's definitions on the room's numbers. A vector is a list of doubles.

  numpy_checks.py                       here
  ------------------------------------  --------------------------------------------------------------
  rows z, r, s~ of W, U, C, biases      Unit: a Gate for each
  annotations of one sentence           halves: annotate with the unit's steps from zero
  states, context, logits               translated, contexts, logitsOf: states and predictions over a multiset
  alignment                             aligned
-}
module Bahdanau-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (_++_; foldr; rev)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Evaluation.Float hiding (_-_) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import S30.Multiset using (toMultiset)
open import Bahdanau-Encoder using (annotate; exchange; firstOr; scan; scanBack)
import Bahdanau-Attention
import Bahdanau-Search
open import Bahdanau-Gate float using (update; kept; taken; weight)

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

add : Vector → Vector → Vector
add = zipWith _+F_

-- W x, where W holds a row for each output.
apply : Matrix → Vector → Vector
apply W x = map (λ row → dot row x) W

affine : Matrix → Vector → Vector → Vector
affine W b x = add (apply W x) b

----------------------------------------------------------------------
-- The gated hidden unit. C is empty where there is no context.

record Gate : Type where
  constructor gate
  field
    W : Matrix
    b : Vector
    U : Matrix
    C : Matrix

reads : Gate → Vector → Vector → Vector → Vector
reads g e s []      = add (affine (Gate.W g) (Gate.b g) e) (apply (Gate.U g) s)
reads g e s (c ∷ cs) = add (add (affine (Gate.W g) (Gate.b g) e) (apply (Gate.U g) s)) (apply (Gate.C g) (c ∷ cs))

record Unit : Type where
  constructor unit
  field
    z r new : Gate

gated : Unit → Vector → Vector → Vector → Vector
gated u s e c = zipWith update s (zipWith _,_ z new)
  where
  z r new : Vector
  z   = map sigmoid (reads (Unit.z u) e s c)
  r   = map sigmoid (reads (Unit.r u) e s c)
  new = map tanh (reads (Unit.new u) e (zipWith _·_ r s) c)

----------------------------------------------------------------------
-- The encoder, on the embedded words of one sentence.

both : Vector × Vector → Vector
both h = fst h ++ snd h

reading : Unit → Vector → Vector → Vector
reading u s e = gated u s e []

halves : Unit → Unit → Vector → Matrix → Matrix
halves f g o xs = map both (annotate (reading f) o (reading g) o xs)

-- The same from the sentence in reverse, read by exchanged units.
halvesOfReverse : Unit → Unit → Vector → Matrix → Matrix
halvesOfReverse f g o xs = map both (rev (map exchange (annotate (reading g) o (reading f) o (rev xs))))

-- tanh(W_s ←h_1 + b)
initial : Matrix → Vector → Unit → Vector → Matrix → Vector
initial W b g o xs = map tanh (affine W b (firstOr o (scanBack (reading g) o xs)))

----------------------------------------------------------------------
-- Alignment model, decoder and readout. n features of an annotation.

record Alignment : Type where
  constructor aligning
  field
    W : Matrix
    b : Vector
    U : Matrix
    v : Vector

record Readout : Type where
  constructor reader
  field
    U : Matrix
    b : Vector
    V : Matrix
    C : Matrix
    W : Matrix
    d : Vector

-- The larger of each two neighbours.
maxout : Vector → Vector
maxout []           = []
maxout (x ∷ [])     = x ∷ []
maxout (x ∷ y ∷ xs) = max x y ∷ maxout xs

module Translator (n : ℕ) (a : Alignment) where

  energy : Vector → Vector → Float
  energy s h = dot (Alignment.v a) (map tanh (add (affine (Alignment.W a) (Alignment.b a) s) (apply (Alignment.U a) h)))

  open Bahdanau-Attention float {Vector} {Vector} {Fin n} (λ s h → exp (energy s h)) (vector 0.0) _/_ using (context; alignments)

  search : Vector → FMSet Vector → Vector
  search s M = list (context s M)

  module _ (u : Unit) (o : Readout) where

    read : Vector → Vector → Vector → Vector
    read s e c = affine (Readout.W o) (Readout.d o)
      (maxout (add (affine (Readout.U o) (Readout.b o) s) (add (apply (Readout.V o) e) (apply (Readout.C o) c))))

    open Bahdanau-Search search (λ s e c → gated u s e c) read using (states; predictions; fixedStates) public

    translated : Vector → Matrix → Matrix → Matrix
    translated s hs = states (toMultiset hs) s

    logitsOf : Vector → Matrix → Matrix → Matrix
    logitsOf s hs = predictions (toMultiset hs) s

    givenVector : Vector → Vector → Matrix → Matrix
    givenVector s c = fixedStates c s

  -- Alignments and contexts at given states.
  aligned contexts : Matrix → Matrix → Matrix
  aligned ss hs  = map (λ s → alignments s hs) ss
  contexts ss hs = map (λ s → search s (toMultiset hs)) ss

----------------------------------------------------------------------
-- One unit over time: its state by steps and by the closed form, and all weights together.

closed : Float → Vector → Vector → Vector
closed s zs ns = run update us s ∷ (kept us · s +F taken us) ∷ (kept us +F weight us) ∷ []
  where
  us : List (Float × Float)
  us = zipWith _,_ zs ns
