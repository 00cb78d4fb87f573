{-
The pointer network's definitions on the room's numbers. A vector is a list of doubles.

  numpy_checks.py, search.py      here
  ------------------------------  ------------------------------------------------------------------------------
  scores, probability             probabilities: v, W₁, W₂, decoder states, and encoder states, of which nothing is padding
  d′ of from_dictionary           contexts
  written(…, width=1)             tourOf, untilStopOf: the decoder runs here, from the encoder's last state
  written(…, width=w)             beamOf w: the w most probable sequences are kept
-}
module Pointer-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; toℕ)
open import Cubical.Data.Bool.Base using (if_then_else_)
open import Cubical.Data.List.Base using (foldr; rev; take)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Sigma.Base using (_×_)
open import S30.Evaluation.Float hiding (max; min) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Multiset using (toMultiset)
open import S30.Counting using (keep)
open import S30.Permutation using (positions; discreteFin)
open import Pointer-Tours _<ᵇ_ using (tour; decodeUntilStop)
open import Pointer-Beam using (beam; isFree)
import Pointer-Attention

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

-- W x, where W holds a row for each output.
apply : Matrix → Vector → Vector
apply W x = map (λ row → dot row x) W

add : Vector → Vector → Vector
add = zipWith _+F_

-- u = vᵀ tanh(W₁ e + W₂ d)
score : Vector → Matrix → Matrix → Vector → Vector → Float
score v W₁ W₂ d e = dot v (map tanh (add (apply W₁ e) (apply W₂ d)))

module Attention (v : Vector) (W₁ W₂ : Matrix) where

  weight : Vector → Maybe Vector → Float
  weight d nothing  = 0.0
  weight d (just e) = exp (score v W₁ W₂ d e)

  feature : {n : ℕ} → Maybe Vector → Fin n → Float
  feature nothing  _ = 0.0
  feature (just e) i = vector 0.0 e i

  module _ (n : ℕ) where
    open Pointer-Attention float {Vector} {Maybe Vector} {Fin n} weight feature (λ x → 1.0 / x)

    probabilities : List (Vector × List (Maybe Vector)) → Matrix
    probabilities = map (λ (d , es) → pointers d es)

    contexts : List (Vector × List (Maybe Vector)) → Matrix
    contexts = map (λ (d , es) → list (attend d (toMultiset es)))

open Attention using (probabilities; contexts) public

----------------------------------------------------------------------
-- The decoder

-- W_ih, W_hh, and the sum of both biases, each in four blocks i, f, g, o.
record Cell : Type where
  constructor cell
  field
    blocks : List (Matrix × (Matrix × Vector))

State : Type
State = Vector × Vector  -- hidden, cell

step : Cell → State → Vector → State
step c (h , m) x = next (map (λ (W , (U , b)) → add (add (apply W x) (apply U h)) b) (Cell.blocks c))
  where
  next : List Vector → State
  next (i ∷ f ∷ g ∷ o ∷ []) = written (add (zipWith _·_ (map sigmoid f) m) (zipWith _·_ (map sigmoid i) (map tanh g)))
    where
    written : Vector → State
    written m′ = zipWith _·_ (map sigmoid o) (map tanh m′) , m′
  next _ = h , m

module Decoder (n : ℕ) (v : Vector) (W₁ W₂ : Matrix) (c : Cell) (last : State) (start stop : Vector) (points encoded : Matrix) where

  -- The state after ⇒ and all that was chosen, of which the latest stands first.
  after : List (Fin n) → State
  after []       = step c last start
  after (i ∷ is) = step c (after is) (vector [] points i)

  scores : List (Fin n) → Fin n → Float
  scores used i = score v W₁ W₂ (fst (after used)) (vector [] encoded i)

  stopScore : List (Fin n) → Float
  stopScore used = score v W₁ W₂ (fst (after used)) stop

  tourOf untilStopOf : List ℕ
  tourOf      = map (λ i → suc (toℕ i)) (tour scores)
  untilStopOf = map (λ i → suc (toℕ i)) (decodeUntilStop stopScore scores n (positions n) [])

  -- log p(C_i | …) of a choice, among those that were not used
  logP : List (Fin n) → Fin n → Float
  logP used i = scores used i - log (foldr _+F_ 0.0 (map (λ j → exp (scores used j)) (keep (isFree discreteFin used) (positions n))))

  -- Σ_i log p(C_i | …)
  total : List (Fin n) → Float
  total []       = 0.0
  total (i ∷ is) = total is +F logP is i

  insert : Float × List (Fin n) → List (Float × List (Fin n)) → List (Float × List (Fin n))
  insert x []       = x ∷ []
  insert x (y ∷ ys) = if fst x <ᵇ fst y then y ∷ insert x ys else x ∷ y ∷ ys

  mostProbable : ℕ → List (List (Fin n)) → List (List (Fin n))
  mostProbable width xss = take width (map snd (foldr insert [] (map (λ xs → total xs , xs) xss)))

  beamOf : ℕ → List (List ℕ)
  beamOf width = map (λ xs → map (λ i → suc (toℕ i)) (rev xs)) (take 1 (beam discreteFin (mostProbable width) (positions n) n))

open Decoder using (tourOf; untilStopOf; beamOf) public
