{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

The n rows of a memory as a ring: «all index arithmetic is computed modulo N» (Section 3.3.2). The row before row 0 is the last one.

  paper              here
  i − 1, modulo N    back i
  i + 1, modulo N    next i, which is N − 1 steps back
-}
module NTM-Ring where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Empty.Base using () renaming (rec to absurd)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; toℕ; fromℕ)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_; iter)
open import Cubical.Data.Nat.Properties using (znots; injSuc; +-zero; +-suc)
open import Cubical.Data.Sigma.Base using (_,_; fst; snd; Σ-syntax)

private
  variable
    n : ℕ

  sameRow : Fin n → Fin (suc n)
  sameRow zero    = zero
  sameRow (suc i) = suc (sameRow i)

back : Fin (suc n) → Fin (suc n)
back {n}     zero    = fromℕ n
back {suc n} (suc i) = sameRow i

next : Fin (suc n) → Fin (suc n)
next {n} = iter n back

private
  toSameRow : (i : Fin n) → toℕ (sameRow i) ≡ toℕ i
  toSameRow zero    = refl
  toSameRow (suc i) = cong suc (toSameRow i)

  toLast : (n : ℕ) → toℕ (fromℕ n) ≡ n
  toLast zero    = refl
  toLast (suc n) = cong suc (toLast n)

  toInjective : (i j : Fin n) → toℕ i ≡ toℕ j → i ≡ j
  toInjective zero    zero    p = refl
  toInjective zero    (suc j) p = absurd (znots p)
  toInjective (suc i) zero    p = absurd (znots (sym p))
  toInjective (suc i) (suc j) p = cong suc (toInjective i j (injSuc p))

  stepDown : (i : Fin (suc n)) (m : ℕ) → toℕ i ≡ suc m → toℕ (back i) ≡ m
  stepDown         zero    m p = absurd (znots p)
  stepDown {suc n} (suc i) m p = toSameRow i ∙ injSuc p

  stepsDown : (k : ℕ) (i : Fin (suc n)) (m : ℕ) → toℕ i ≡ k + m → toℕ (iter k back i) ≡ m
  stepsDown zero    i m p = p
  stepsDown (suc k) i m p = stepDown (iter k back i) m (stepsDown k i (suc m) (p ∙ sym (+-suc k m)))

  above : (i : Fin (suc n)) → Σ[ d ∈ ℕ ] d + toℕ i ≡ n
  above {n}     zero    = n , +-zero n
  above {suc n} (suc i) = fst (above i) , +-suc (fst (above i)) (toℕ i) ∙ cong suc (snd (above i))

  iterSum : (m k : ℕ) (i : Fin (suc n)) → iter m back (iter k back i) ≡ iter (m + k) back i
  iterSum zero    k i = refl
  iterSum (suc m) k i = cong back (iterSum m k i)

-- In a memory of n rows, n steps back lead from every row to itself, around the end.
backAround : (i : Fin (suc n)) → iter (suc n) back i ≡ i
backAround {n} i =
  cong (λ k → iter k back i) (sym (+-suc d (toℕ i) ∙ cong suc (snd (above i)))) ∙ sym (iterSum d (suc (toℕ i)) i)
  ∙ cong (iter d back) (cong back (toInjective _ zero (stepsDown (toℕ i) i 0 (sym (+-zero (toℕ i))))))
  ∙ toInjective _ i (stepsDown d (fromℕ n) (toℕ i) (toLast n ∙ sym (snd (above i))))
  where
  d : ℕ
  d = fst (above i)

-- One step back and one on lead to where they began.
backThenNext : (i : Fin (suc n)) → next (back i) ≡ i
backThenNext {n} i = iterSum n 1 i ∙ cong (λ k → iter k back i) (+-suc n 0 ∙ cong suc (+-zero n)) ∙ backAround i
