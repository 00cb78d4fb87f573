{-
The definitions of CTC-Collapse, CTC-Forward and CTC-Count on the room's numbers. Symbol 0 is the blank.

  numpy_checks.py             here
  --------------------------  ------------------------------------------------------------
  y (time, symbols)           rows of doubles; frame makes one a Frame
  max over alignments         best: the same recursion with the greater in place of the sum
  p(l | x)                    likelihood by the recursion, pathSum by the list of all alignments
  sum_s alpha_t(s) beta_t(s)  cuts: at every frame
-}
module CTC-Run where

open import Cubical.Foundations.Prelude using (Type; fst; snd)
open import Cubical.Data.List.Base using (length; _++_)
open import Cubical.Data.Maybe using (just; nothing)
open import Cubical.Data.Nat.Properties using (discreteℕ)
open import S30.Evaluation.Float
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
open import CTC-Semiring
open import CTC-Collapse discreteℕ using (Symbol; collapse; alignments; spaced)
import CTC-Forward
open import CTC-Count discreteℕ using (ones; binomial; natural; repeats)

floats : Semiring
floats = record
  { Carrier = Float ; 0# = 0.0 ; 1# = 1.0 ; _+_ = _+_ ; _·_ = _·_
  ; +Assoc = unproved ; +Comm = unproved ; +IdR = unproved ; ·Assoc = unproved ; ·IdR = unproved ; ·IdL = unproved
  ; ·DistR+ = unproved ; ·DistL+ = unproved ; ·0 = unproved ; 0· = unproved }

greatest : Semiring
greatest = record
  { Carrier = Float ; 0# = 0.0 ; 1# = 1.0 ; _+_ = max ; _·_ = _·_
  ; +Assoc = unproved ; +Comm = unproved ; +IdR = unproved ; ·Assoc = unproved ; ·IdR = unproved ; ·IdL = unproved
  ; ·DistR+ = unproved ; ·DistL+ = unproved ; ·0 = unproved ; 0· = unproved }

open CTC-Forward discreteℕ floats
open Sums floats using (sumOf)
module Count = CTC-Forward discreteℕ natural
module Best = CTC-Forward discreteℕ greatest

nth : List Float → ℕ → Float
nth []       _       = 0.0
nth (x ∷ xs) zero    = x
nth (x ∷ xs) (suc k) = nth xs k

frame : List Float → Frame
frame row nothing  = nth row 0
frame row (just a) = nth row a

likelihood pathSum : List (List Float) → List ℕ → Float
likelihood rows l = forward (map frame rows) l
pathSum    rows l = sumOf (weight (map frame rows)) (alignments (length rows) nothing l)

best : List (List Float) → List ℕ → Float
best rows l = Best.forward (map frame rows) l

-- Σ_s α_t(s) β_t(s) for t = 0, …, T.
cuts : List (List Float) → List ℕ → List Float
cuts rows l = go (start l) (map frame rows)
  where
  go : State l → List Frame → List Float
  go x []       = pairing l x [] ∷ []
  go x (y ∷ ys) = pairing l x (y ∷ ys) ∷ go (step l x y) ys

-- The same cut in two.
cut : List (List Float) → List (List Float) → List ℕ → Float
cut rows rest l = pairing l (forwardStates (map frame rows) l) (map frame rest)

-- The count three times: by the list, by the recursion, by the binomial.
counts : ℕ → List ℕ → List ℕ
counts T l = length (alignments T nothing l) ∷ Count.forward (ones T) l
  ∷ binomial (minus (plus T (length l)) (repeats l)) (plus (length l) (length l)) ∷ []
  where
  open import Agda.Builtin.Nat using () renaming (_+_ to plus; _-_ to minus)

symbol : ℕ → Symbol
symbol zero    = nothing
symbol (suc a) = just (suc a)

collapsed : List ℕ → List ℕ
collapsed path = collapse (map symbol path)

number : Symbol → ℕ
number nothing  = 0
number (just a) = a

withBlanks : List ℕ → List ℕ
withBlanks l = map number (spaced l)
