{-
The definitions of the room on its numbers.

  numpy_checks.py, decoding.py            here
  --------------------------------------  --------------------------------------------------------------
  ask: the most probable tokens           a table: a context, the latest token first, its next token and what heads 2 … n propose
  speculate                               decoded: the text, and the number of calls behind it
  head_losses, loss                       inTurn: what is gathered head by head
  cross-entropies of two joint tables     parts
-}
module MTP-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (_++_; length; take)
open import Cubical.Data.Nat.Base using (_∸_)
open import Cubical.Data.Nat.Properties using (discreteℕ)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.Relation.Nullary using (Dec; yes; no)
open import S30.Evaluation.Float using (Float; float)
open import S30.Evaluation.Lists
import MTP-Decoding
import MTP-Information
open import MTP-Order float using (peak; atOnce; inOrder; gathered)

Entry : Type
Entry = List ℕ × (ℕ × List ℕ)

same : List ℕ → List ℕ → ℕ
same []       []       = 1
same []       (_ ∷ _)  = 0
same (_ ∷ _)  []       = 0
same (x ∷ xs) (y ∷ ys) = both (discreteℕ x y)
  where
  both : {P : Type} → Dec P → ℕ
  both (yes _) = same xs ys
  both (no _)  = 0

-- 0 and nothing where a context is not in the table.
answer : List Entry → List ℕ → ℕ × List ℕ
answer []             c = 0 , []
answer ((k , e) ∷ es) c = found (same k c)
  where
  found : ℕ → ℕ × List ℕ
  found zero    = answer es c
  found (suc _) = e

module Table (es : List Entry) where
  open MTP-Decoding discreteℕ (λ c → fst (answer es c)) public

  draft : ℕ → List ℕ → List ℕ
  draft _ c = snd (answer es c)

  -- How many calls until k tokens are there, of at most r.
  calls : ℕ → ℕ → List ℕ → ℕ
  calls k zero    c = 0
  calls k (suc r) c = more (k ∸ length (speculate r draft c))
    where
    more : ℕ → ℕ
    more zero    = calls k r c
    more (suc _) = suc r

  decoded : ℕ → List ℕ → List ℕ
  decoded k c = take k (speculate k draft c) ++ (calls k k c ∷ [])

  greedily : ℕ → List ℕ → List ℕ
  greedily = greedy

  accepted : List (List ℕ) → List ℕ
  accepted cs = map (λ c → agreement (draft 0 c) (greedy (length (draft 0 c)) c)) cs

open Table using (decoded; greedily; accepted) public

peaks : ℕ → ℕ → ℕ → List ℕ
peaks n V d = peak 0 (atOnce n V d) ∷ peak 0 (inOrder n V d) ∷ []

inTurn : List Float → Float
inTurn = gathered

parts : (m n : ℕ) → List (List Float) → List (List Float) → List (List Float) → List Float → List Float → List Float
parts m n p logP logQ logX logY = crossX ∷ crossY ∷ crossXGivenY ∷ crossYGivenX ∷ divergence (table logQ) ∷ information ∷ []
  where
  table : List (List Float) → Fin m → Fin n → Float
  table rows x = vector 0.0 (vector [] rows x)
  open MTP-Information float (table p) (table logP) (table logQ) (vector 0.0 logX) (vector 0.0 logY)
