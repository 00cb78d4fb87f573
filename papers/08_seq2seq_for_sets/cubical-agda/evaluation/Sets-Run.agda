{-
Read, process, write and the chain rule on the room's numbers. A vector is a list of doubles.

  numpy_checks.py, orders.py      here
  ------------------------------  ---------------------------------------------------------------------------------
  context                         contexts: the process' weights, steps, and memories, of which nothing is padding
  probability, multiplied         writtenOf: the whole of read, process and write, as lists and as multisets
  joint_probability, multiplied   jointOf: the LSTM runs here; a pair is its number, variable · symbols + value
-}
module Sets-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (foldr; _++_)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat.Base using () renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_)
open import S30.Evaluation.Float hiding (max; min) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Multiset using (toMultiset)
import Sets-Read
import Sets-Process
open import Sets-Orders float {ℕ} using (orders; _!) public
open import Sets-Orders float {ℕ} using (module Chain)

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

State : Type
State = Vector × Vector  -- hidden, cell

-- The gates i, f, g, o, and the cell before.
gated : List Vector → Vector → State
gated (i ∷ f ∷ g ∷ o ∷ []) c = written (add (zipWith _·_ (map sigmoid f) c) (zipWith _·_ (map sigmoid i) (map tanh g)))
  where
  written : Vector → State
  written c′ = zipWith _·_ (map sigmoid o) (map tanh c′) , c′
gated _ c = c , c

-- Weights of what is read and of the hidden state, and a bias, in four blocks.
Cell : Type
Cell = List ((Matrix × Matrix) × Vector)

cellStep : Cell → State → Vector → State
cellStep blocks (h , c) x = gated (map (λ ((W , U) , b) → add (add (apply W x) (apply U h)) b) blocks) c

----------------------------------------------------------------------
-- Sets that are read

exponential : Vector → Maybe Vector → Float
exponential q nothing  = 0.0
exponential q (just m) = exp (dot m q)

module Set (n : ℕ) (blocks : List (Matrix × Vector)) (W₀ : Matrix) (write : Cell) (start : Vector) (v : Vector) (W₁ W₂ W₃ : Matrix) where

  entries : Maybe Vector → Fin n → Float
  entries nothing  _ = 0.0
  entries (just m) i = vector 0.0 m i

  -- The LSTM without inputs: all its gates read [q r].
  lstm : State → (Fin n → Float) → State
  lstm (q , c) r = gated (map (λ (W , b) → add (apply W (q ++ list r)) b) blocks) c

  zeros : Vector
  zeros = list {n = n} (λ _ → 0.0)

  begin : State → (Fin n → Float) → State
  begin (q , _) r = cellStep write (apply W₀ (q ++ list r) , zeros) start

  next : State → Maybe Vector → State
  next d nothing  = d
  next d (just m) = cellStep write d m

  pointer : State → (Fin n → Float) → Maybe Vector → Float
  pointer d g nothing  = 0.0
  pointer d g (just m) = exp (dot v (map tanh (add (apply W₁ m) (add (apply W₂ (fst d)) (apply W₃ (list g))))))

  open Sets-Process float {Vector} {Maybe Vector} {Fin n} {State} {State} exponential entries _/_
    (zeros , zeros) (λ _ → 0.0) lstm fst begin next fst pointer

  contexts : ℕ → List (List (Maybe Vector)) → Matrix
  contexts P = map (λ ms → shown (process P ms))
    where
    shown : State × (Fin n → Float) → Vector
    shown ((q , _) , r) = q ++ list r

  -- The probability of each sequence, from the list of memories and from their multiset.
  writtenOf : ℕ → List (List (Maybe Vector) × List (Maybe Vector)) → Matrix
  writtenOf P = map (λ (ms , ys) → written P ms ys ∷ writtenSet P (toMultiset ms) ys ∷ [])

open Set using (contexts; writtenOf) public

----------------------------------------------------------------------
-- Sets that are written

module Joint (variables symbols : ℕ) (cell : Cell) (start : Vector) (embedding readout : Matrix) (bias : Vector) where

  -- The state after the start and the pairs written, of which the latest stands first.
  after : List ℕ → State
  after []       = cellStep cell (map (λ _ → 0.0) start , map (λ _ → 0.0) start) start
  after (y ∷ ys) = cellStep cell (after ys) (entry [] embedding y)

  between : ℕ → ℕ → List ℕ
  between from zero    = []
  between from (suc n) = from ∷ between (suc from) n

  _==_ : ℕ → ℕ → Bool
  zero  == zero  = true
  suc m == suc n = m == n
  _     == _     = false

  -- The pairs of variable k that stand among all pairs.
  ofVariable : ℕ → List ℕ
  ofVariable k = between (k ·ℕ symbols) symbols

  anyOf : List ℕ → List ℕ → Bool
  anyOf []       ys = false
  anyOf (x ∷ xs) ys = if foldr (λ y b → if x == y then true else b) false ys then true else anyOf xs ys

  -- All pairs of the variables of which none is written.
  choices : List ℕ → List ℕ
  choices past = foldr (λ k rest → if anyOf (ofVariable k) past then rest else ofVariable k ++ rest) [] (between 0 variables)

  logit : Vector → ℕ → Float
  logit h y = dot (entry [] readout y) h +F entry 0.0 bias y

  conditional : List ℕ → ℕ → Float
  conditional past y = at (fst (after past))
    where
    at : Vector → Float
    at h = exp (logit h y) / foldr _+F_ 0.0 (map (λ z → exp (logit h z)) (choices past))

  open Chain conditional choices

  -- The probability of each setting in its order.
  jointOf : List (List ℕ) → Vector
  jointOf = map (probability [])

  -- That of all settings in all orders.
  all : Float
  all = total [] (sequences variables [])

open Joint using (jointOf; all) public

factorials : List ℕ → List ℕ
factorials = map _!
