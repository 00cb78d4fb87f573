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
open import Cubical.Data.Empty.Base using (⊥) renaming (rec to absurd)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; toℕ; fromℕ)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_; iter)
open import Cubical.Data.Nat.Order using (_<_; splitℕ-≤)
open import Cubical.Data.Nat.Properties using (znots; snotz; injSuc; +-zero; +-suc; +-comm; +-assoc; m+n≡n→m≡0)
open import Cubical.Data.Sigma.Base using (_,_; fst; snd; Σ-syntax)
open import Cubical.Data.Sum.Base using (_⊎_; inl; inr)

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

private
  -- As many steps back as on lead to where they began.
  backsAfterNexts : (j : ℕ) (i : Fin (suc n)) → iter j back (iter j next i) ≡ i
  backsAfterNexts         zero    i = refl
  backsAfterNexts {n = n} (suc j) i =
    cong back (iterSum j n z ∙ cong (λ k → iter k back z) (+-comm j n) ∙ sym (iterSum n j z))
    ∙ backAround (iter j back z) ∙ backsAfterNexts j i
    where
    z : Fin (suc n)
    z = iter j next i

  -- Fewer steps back than there are rows, and at least one, do not.
  noReturn : (j : ℕ) (i : Fin (suc n)) → suc j < suc n → iter (suc j) back i ≡ i → ⊥
  noReturn {n} j i (c , fewer) same = of (splitℕ-≤ (suc j) (toℕ i))
    where
    of : (Σ[ d ∈ ℕ ] d + suc j ≡ toℕ i) ⊎ (Σ[ e ∈ ℕ ] e + suc (toℕ i) ≡ suc j) → ⊥
    of (inl (d , p)) =
      snotz (m+n≡n→m≡0 (+-comm (suc j) d ∙ p ∙ sym (cong toℕ same) ∙ stepsDown (suc j) i d (sym p ∙ +-comm d (suc j))))
    of (inr (e , p)) = snotz (m+n≡n→m≡0 (sym there ∙ cong toℕ (cong (λ k → iter k back i) p ∙ same)))
      where
      down : n ≡ e + (suc c + toℕ i)
      down =
        sym (injSuc (sym (+-suc c (suc j)) ∙ fewer)) ∙ cong (c +_) (sym p) ∙ cong (c +_) (+-suc e (toℕ i)) ∙ +-suc c (e + toℕ i)
        ∙ cong (1 +_) (+-assoc c e (toℕ i) ∙ cong (_+ toℕ i) (+-comm c e) ∙ sym (+-assoc e c (toℕ i))) ∙ sym (+-suc e (c + toℕ i))
      there : toℕ (iter (e + suc (toℕ i)) back i) ≡ suc c + toℕ i
      there =
        cong toℕ (sym (iterSum e (suc (toℕ i)) i)
          ∙ cong (iter e back) (cong back (toInjective _ zero (stepsDown (toℕ i) i 0 (sym (+-zero (toℕ i)))))))
        ∙ stepsDown e (fromℕ n) (suc c + toℕ i) (toLast n ∙ down)

-- Fewer steps on than there are rows, and at least one, do not lead back; …
nextNoReturn : (j : ℕ) (i : Fin (suc n)) → suc j < suc n → iter (suc j) next i ≡ i → ⊥
nextNoReturn j i fewer same = noReturn j i fewer (cong (iter (suc j) back) (sym same) ∙ backsAfterNexts (suc j) i)

-- … n of them do.
nextAround : (i : Fin (suc n)) → iter (suc n) next i ≡ i
nextAround {n} i = sym (backAround (iter (suc n) next i)) ∙ backsAfterNexts (suc n) i
