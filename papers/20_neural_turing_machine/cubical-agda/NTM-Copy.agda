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
open import Cubical.Data.FinData.Base using (Fin; zero; suc; _==_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; iter)

module NTM-Copy {ℓ : Level} (R' : CommRing ℓ) {J : Type ℓ} {n : ℕ} (next : Fin n → Fin n) where

open import Cubical.Data.Bool.Base using (false)
open import Cubical.Data.Empty.Base using (⊥) renaming (rec to absurd)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; length)
open import Cubical.Data.Nat.Order using (_<_; ≤-suc; zero-≤; suc-≤-suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.Data.Unit using (Unit; tt)
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

private
  onward : (q : Fin n) (k : ℕ) → iter (suc k) next q ≡ iter k next (next q)
  onward q zero    = refl
  onward q (suc k) = cong next (onward q k)

  differ : {m : ℕ} (i k : Fin m) → (i ≡ k → ⊥) → (i == k) ≡ false
  differ zero    zero    other = absurd (other refl)
  differ zero    (suc k) other = refl
  differ (suc i) zero    other = refl
  differ (suc i) (suc k) other = differ i k (λ p → other (cong suc p))

  othersVisited : (q p : Fin n) (k : ℕ) → ((j : ℕ) → j < k → iter j next p ≡ q → ⊥) → All (Other q) (visited p k)
  othersVisited q p zero    away = lift tt
  othersVisited q p (suc k) away =
      differ p q (away 0 (suc-≤-suc zero-≤))
    , othersVisited q (next p) k (λ j j<k same → away (suc j) (suc-≤-suc j<k) (onward p j ∙ same))

-- Where fewer than k steps lead no row to itself, no row is visited twice in k steps.
distinctVisited : (k : ℕ) (q : Fin n) → ((j : ℕ) (p : Fin n) → suc j < k → iter (suc j) next p ≡ p → ⊥) → Distinct (visited q k)
distinctVisited zero    q away = tt
distinctVisited (suc k) q away =
    lift (othersVisited q (next q) k (λ j j<k same → away j q (suc-≤-suc j<k) (onward q j ∙ same)))
  , distinctVisited k (next q) (λ j p j<k → away j p (≤-suc j<k))

-- A row that is not visited keeps what it holds.
unvisitedStays : (q p : Fin n) (xs : List Vector) (M : Memory n) → All (Other q) (visited p (length xs))
               → stored p xs M q ≡ M q
unvisitedStays q p []       M _             = refl
unvisitedStays q p (x ∷ xs) M (p≠q , other) =
  unvisitedStays q (next p) xs (put p x M) other ∙ othersUntouched p q x M p≠q

-- If no row is visited twice the algorithm copies: what is recalled is what was stored, in its order, whatever was there. On the
-- ring of rows that is so for as many vectors as there are rows: NTM-Loop.
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
  cong (stored (next q) (xs ++ y ∷ []) (put q x M)) (onward q (length xs)) ∙ lastIsThere (next q) xs y (put q x M)

-- … so one vector more than leads around the memory is recalled in place of the first (footnote 2).
firstIsLost : (q : Fin n) (xs : List Vector) (y : Vector) (M : Memory n) → iter (length xs) next q ≡ q
            → read (oneHot q) (stored q (xs ++ y ∷ []) M) ≡ y
firstIsLost q xs y M around =
  readOneHot q (stored q (xs ++ y ∷ []) M)
  ∙ cong (stored q (xs ++ y ∷ []) M) (sym around) ∙ lastIsThere q xs y M
