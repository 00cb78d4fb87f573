{-# OPTIONS --safe #-}
{-
Every string has a program on the machine, the literal one; so it has a complexity K(x), and Kraft's inequality
holds of K without any hypothesis on it.
-}
module PrefixMachineLiteral where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong)
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (Bool; true; false; not; if_then_else_)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _^_; +-suc)
open import Cubical.Data.Nat.Order using (_≤_; ≤-refl)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import S30.Pigeonhole
open import S30.BitStrings
open import KolmogorovComplexity
open import PrefixComplexity
open import PrefixMachine
open import PrefixMachineGrammar

private
  -- The digits of n + 1, and whether one more digit is needed in front.
  increment : BitString → Bool × BitString
  increment []           = true , []
  increment (d ∷ ds) with increment ds
  ... | false , es = false , d ∷ es
  ... | true  , es = d , not d ∷ es

  incremented : (n : ℕ) (ds : BitString)
              → suc (extended n ds) ≡ extended (if increment ds .fst then suc n else n) (increment ds .snd)
  incremented n []           = refl
  incremented n (d ∷ ds) with increment ds | incremented (double n d) ds
  ... | false , es | e = e
  incremented n (false ∷ ds) | true , es | e = e
  incremented n (true ∷ ds)  | true , es | e = e ∙ cong (λ m → extended (suc m) es) (sym (+-suc n n))

  digitsOf : (n : ℕ) → Σ[ ds ∈ BitString ] (value ds ≡ suc n)
  digitsOf zero    = [] , refl
  digitsOf (suc n) = let (ds , v≡) = digitsOf n in next′ ds v≡ (increment ds) (incremented 1 ds)
    where
    next′ : (ds : BitString) → value ds ≡ suc n → (r : Bool × BitString)
          → suc (value ds) ≡ extended (if r .fst then 2 else 1) (r .snd) → Σ[ es ∈ BitString ] (value es ≡ suc (suc n))
    next′ ds v≡ (false , es) e = es , sym e ∙ cong suc v≡
    next′ ds v≡ (true  , es) e = false ∷ es , sym e ∙ cong suc v≡

-- The literal program of x: WRITE x, HALT.
literal : BitString → BitString
literal []      = program []
literal (b ∷ x) = program (writing (digitsOf (length x) .fst) (b ∷ x) ∷ [])

-- Every string has a program on the machine: WRITE it, HALT.
literalRuns : (x : BitString) → machine (literal x) ≡ just x
literalRuns []      = programRuns [] tt
literalRuns (b ∷ x) = programRuns (writing (digitsOf (length x) .fst) (b ∷ x) ∷ [])
  (sym (digitsOf (length x) .snd) , tt)

-- So it has a complexity, K(x), found by search.
machineComplexity : (x : BitString) → Σ[ k ∈ ℕ ] IsComplexity (graph machine) x k
machineComplexity x = complexityExists machine (suc (length (literal x))) x (literal x , ≤-refl , literalRuns x)

K : BitString → ℕ
K x = machineComplexity x .fst

-- Σ 2^(-K(x)) ≤ 1 for the machine, over every finite set of strings with K(x) ≤ N, whatever N.
machineKraft : (N : ℕ) (xs : List BitString) → Distinct xs → ((x : BitString) → x ∈ xs → K x ≤ N)
             → kraftSum N (map K xs) ≤ 2 ^ N
machineKraft N xs distinct bounded = kraftPrefixComplexity (graph machine) machineIsPrefixFree K N xs distinct
  (λ x m → machineComplexity x .snd , bounded x m)
