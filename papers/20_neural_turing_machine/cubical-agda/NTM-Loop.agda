{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

The algorithm of Section 4.1 on the ring of N rows: up to N vectors are copied exactly, the one after them takes the first one's place.

  paper                    here
  N memory locations       Fin (suc n)
  increment by 1           next, modulo N (NTM-Ring)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing)
open import Cubical.Data.Nat.Base using (ℕ; suc; iter)

module NTM-Loop {ℓ : Level} (R' : CommRing ℓ) {J : Type ℓ} {n : ℕ} where

open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; length)
open import Cubical.Data.Nat.Order using (_≤_; ≤-trans)
open import NTM-Ring using (next; nextNoReturn; nextAround)
import NTM-Copy
import NTM-Memory

open NTM-Copy R' {J} {suc n} next
open NTM-Memory.Rows R' {J} using (Memory; read; oneHot)

-- On a ring of N rows up to N vectors are copied, from any row, whatever the memory held.
copiesUpToN : (q : Fin (suc n)) (xs : List Vector) (M : Memory (suc n)) → length xs ≤ suc n
            → recalled q (length xs) (stored q xs M) ≡ xs
copiesUpToN q xs M short =
  copiesExactly q xs M (distinctVisited (length xs) q (λ j p fewer → nextNoReturn j p (≤-trans fewer short)))

-- Of N + 1 the last is recalled in place of the first: footnote 2.
lostBeyondN : (q : Fin (suc n)) (xs : List Vector) (y : Vector) (M : Memory (suc n)) → length xs ≡ suc n
            → read (oneHot q) (stored q (xs ++ y ∷ []) M) ≡ y
lostBeyondN q xs y M full = firstIsLost q xs y M (cong (λ k → iter k next q) full ∙ nextAround q)
