{-
The relation network's definitions on the room's numbers. A vector is a list of doubles, an MLP a list of layers (W , b).

  numpy_checks.py, scenes.py      here
  ------------------------------  ------------------------------------------------------------------------------
  total                           totals: layers of g; for each set its question and its objects, of which nothing is padding,
                                  each with the numbers of those with which it is considered
  logits                          answers
  total of the rival «objects»    singles: g of single objects
  a scene's counts                counted: exact, over the integers
-}
module Relation-Run where

open import Cubical.Foundations.Prelude using (Type; fst; snd)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_; _and_)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (foldr; length; _++_)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Agda.Builtin.Nat using (_==_)
open import S30.Evaluation.Float using (Float; float; relu; _·_) renaming (_+_ to _+F_)
open import S30.Evaluation.Integer using (Int; pos; integer)
open import S30.Evaluation.Lists
open import S30.Multiset using (toMultiset)
open import Relation-Sum using (pairs; pairSum; sumOfPairs)
import Relation-Network
import Relation-Questions

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

-- W x + b
affine : Matrix × Vector → Vector → Vector
affine (W , b) x = zipWith (λ row c → dot row x +F c) W b

-- A ReLU behind every layer, or behind every layer but the last.
hidden outer : List (Matrix × Vector) → Vector → Vector
hidden []       x = x
hidden (l ∷ ls) x = hidden ls (map relu (affine l x))
outer []            x = x
outer (l ∷ [])      x = affine l x
outer (l ∷ m ∷ ls)  x = outer (m ∷ ls) (map relu (affine l x))

-- An object with its number, and the numbers of those with which its pairs are considered; padding is nothing.
Thing : Type
Thing = Maybe (Vector × (ℕ × List ℕ))

member : ℕ → List ℕ → Bool
member n []       = false
member n (m ∷ ms) = if n == m then true else member n ms

module Network (g f : List (Matrix × Vector)) (units : ℕ) where

  relation : Vector → Thing → Thing → Fin units → Float
  relation q (just (x , (_ , js))) (just (y , (j , _))) k =
    if member j js then vector 0.0 (hidden g (x ++ y ++ q)) k else 0.0
  relation q _ _ k = 0.0

  open Relation-Network float {Thing} {Vector} {Fin units} {Vector} relation (λ s → outer f (list s))

  totals answers : List (Vector × List Thing) → Matrix
  totals  = map (λ (q , os) → list (total q os))
  answers = map (λ (q , os) → network q os)

  -- The same by the double sum over a multiset, with o_j read before o_i: no entry may differ.
  reversedTotals : List (Vector × List Thing) → Matrix
  reversedTotals = map (λ (q , os) → list {n = units} (λ k → pairSum float (λ x y → relation q y x k) (toMultiset os)))

  reversedAnswers : List (Vector × List Thing) → Matrix
  reversedAnswers = map (λ (q , os) → reversed q os)

open Network using (totals; answers; reversedTotals; reversedAnswers) public

-- Of so many objects, the number of ordered pairs.
pairsOf : List ℕ → List ℕ
pairsOf = map (λ n → length (pairs integer (line n)))
  where
  line : ℕ → List ℕ
  line zero    = []
  line (suc n) = n ∷ line n

----------------------------------------------------------------------
-- Sort-of-CLEVR: an object is its colour and its shape, both numbers.

open Relation-Questions integer {ℕ × ℕ} using (gated; indicator; count)

askedFor : ℕ → ℕ × ℕ → Int
askedFor colour x = indicator (colour == fst x)

alike : ℕ × ℕ → ℕ × ℕ → Bool
alike x y = snd x == snd y

-- For each colour of each scene, by the sum over all pairs.
counted : List (List (ℕ × ℕ)) → List (List Int)
counted = map (λ os → map (λ x → sumOfPairs integer (gated (askedFor (fst x)) (λ z y → indicator (alike z y))) os) os)

-- And directly.
countedDirectly : List (List (ℕ × ℕ)) → List (List ℕ)
countedDirectly = map (λ os → map (λ x → count (alike x) os) os)
