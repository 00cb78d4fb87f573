{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

The algorithm that Section 4.1 reads off the trained machine, with weightings all on one row: write each vector and move on,
return to the start, read each row and move on. And footnote 2: what happens beyond the size of the memory.

  paper                                            here
  head location, incremented by 1                  a row q, next q
  «write input to head location»                   put q x M
  the first while loop                             stored q xs M
  the second, k times                              recalled q k M
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.FinData.Base using (Fin; _==_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; iter)

module NTM-Copy {ℓ : Level} (R' : CommRing ℓ) {J : Type ℓ} {n : ℕ} (next : Fin n → Fin n) where

open import Cubical.Data.Bool.Base using (false)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; length)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.Data.Unit using (Unit)
open import S30.Lists using (All)
import NTM-Memory

open NTM-Memory R' using (R)
open NTM-Memory.Rows R' {J} using (Memory; read; oneHot; put; putHere; readOneHot; othersUntouched)

Vector : Type ℓ
Vector = J → R

stored : Fin n → List Vector → Memory n → Memory n
stored q []       M = M
stored q (x ∷ xs) M = stored (next q) xs (put q x M)

recalled : Fin n → ℕ → Memory n → List Vector
recalled q zero    M = []
recalled q (suc k) M = read (oneHot q) M ∷ recalled (next q) k M

-- The rows that are visited in k steps from q.
visited : Fin n → ℕ → List (Fin n)
visited q zero    = []
visited q (suc k) = q ∷ visited (next q) k

Other : Fin n → Fin n → Type
Other q p = (p == q) ≡ false

Distinct : List (Fin n) → Type
Distinct []       = Unit
Distinct (q ∷ qs) = Lift {j = ℓ-zero} (All (Other q) qs) × Distinct qs

-- A row that is not visited keeps what it holds.
unvisitedStays : (q p : Fin n) (xs : List Vector) (M : Memory n) → All (Other q) (visited p (length xs))
               → stored p xs M q ≡ M q
unvisitedStays q p []       M _             = refl
unvisitedStays q p (x ∷ xs) M (p≠q , other) =
  unvisitedStays q (next p) xs (put p x M) other ∙ othersUntouched p q x M p≠q

-- If no row is visited twice the algorithm copies: what is recalled is what was stored, in its order, whatever was there.
copiesExactly : (q : Fin n) (xs : List Vector) (M : Memory n) → Distinct (visited q (length xs))
              → recalled q (length xs) (stored q xs M) ≡ xs
copiesExactly q []       M _              = refl
copiesExactly q (x ∷ xs) M (other , rest) =
  cong₂ _∷_ (readOneHot q (stored (next q) xs (put q x M)) ∙ unvisitedStays q (next q) xs (put q x M) (lower other) ∙ putHere q x M)
    (copiesExactly (next q) xs (put q x M) rest)

-- The last vector is where its head came to, …
lastIsThere : (q : Fin n) (xs : List Vector) (y : Vector) (M : Memory n)
            → stored q (xs ++ y ∷ []) M (iter (length xs) next q) ≡ y
lastIsThere q []       y M = putHere q y M
lastIsThere q (x ∷ xs) y M =
  cong (stored (next q) (xs ++ y ∷ []) (put q x M)) (onward (length xs)) ∙ lastIsThere (next q) xs y (put q x M)
  where
  onward : (k : ℕ) → iter (suc k) next q ≡ iter k next (next q)
  onward zero    = refl
  onward (suc k) = cong next (onward k)

-- … so one vector more than leads around the memory is recalled in place of the first (footnote 2).
firstIsLost : (q : Fin n) (xs : List Vector) (y : Vector) (M : Memory n) → iter (length xs) next q ≡ q
            → read (oneHot q) (stored q (xs ++ y ∷ []) M) ≡ y
firstIsLost q xs y M around =
  readOneHot q (stored q (xs ++ y ∷ []) M)
  ∙ cong (stored q (xs ++ y ∷ []) M) (sym around) ∙ lastIsThere q xs y M
