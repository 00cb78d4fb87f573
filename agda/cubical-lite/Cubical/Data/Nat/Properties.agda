{-# OPTIONS --safe #-}
-- ℕ is a discrete set; the laws of +, · and ∸; cancellation.
module Cubical.Data.Nat.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.Sigma
open import Cubical.Relation.Nullary

private
  variable
    l m n : ℕ

znots : ¬ (0 ≡ suc n)
znots p = subst (caseNat ℕ ⊥) p 0

snotz : ¬ (suc n ≡ 0)
snotz p = znots (sym p)

injSuc : suc m ≡ suc n → m ≡ n
injSuc = cong predℕ

discreteℕ : Discrete ℕ
discreteℕ zero    zero    = yes refl
discreteℕ zero    (suc n) = no znots
discreteℕ (suc m) zero    = no snotz
discreteℕ (suc m) (suc n) = decRec (λ p → yes (cong suc p)) (λ ¬p → no (λ p → ¬p (injSuc p))) (discreteℕ m n)

isSetℕ : isSet ℕ
isSetℕ = Discrete→isSet discreteℕ

-- Addition.

+-zero : ∀ m → m + 0 ≡ m
+-zero zero    = refl
+-zero (suc m) = cong suc (+-zero m)

+-suc : ∀ m n → m + suc n ≡ suc (m + n)
+-suc zero    n = refl
+-suc (suc m) n = cong suc (+-suc m n)

+-comm : ∀ m n → m + n ≡ n + m
+-comm zero    n = sym (+-zero n)
+-comm (suc m) n = cong suc (+-comm m n) ∙ sym (+-suc n m)

+-assoc : ∀ m n o → m + (n + o) ≡ (m + n) + o
+-assoc zero    n o = refl
+-assoc (suc m) n o = cong suc (+-assoc m n o)

inj-m+ : m + l ≡ m + n → l ≡ n
inj-m+ {zero}  p = p
inj-m+ {suc m} p = inj-m+ {m} (injSuc p)

inj-+m : l + m ≡ n + m → l ≡ n
inj-+m {l} {m} {n} p = inj-m+ {m} (+-comm m l ∙∙ p ∙∙ +-comm n m)

m+n≡n→m≡0 : m + n ≡ n → m ≡ 0
m+n≡n→m≡0 {m} {n} p = inj-+m {m} {n} {0} p

m+n≡0→m≡0×n≡0 : m + n ≡ 0 → (m ≡ 0) × (n ≡ 0)
m+n≡0→m≡0×n≡0 {zero}  p = refl , p
m+n≡0→m≡0×n≡0 {suc m} p = ⊥.rec (snotz p)

-- Multiplication.

0≡m·0 : ∀ m → 0 ≡ m · 0
0≡m·0 zero    = refl
0≡m·0 (suc m) = 0≡m·0 m

private
  -- Exchange of the first two of three summands.
  swap : ∀ a b c → a + (b + c) ≡ b + (a + c)
  swap a b c = +-assoc a b c ∙∙ cong (_+ c) (+-comm a b) ∙∙ sym (+-assoc b a c)

·-suc : ∀ m n → m · suc n ≡ m + m · n
·-suc zero    n = refl
·-suc (suc m) n = cong suc (cong (n +_) (·-suc m n) ∙ swap n m (m · n))

·-comm : ∀ m n → m · n ≡ n · m
·-comm zero    n = 0≡m·0 n
·-comm (suc m) n = cong (n +_) (·-comm m n) ∙ sym (·-suc n m)

·-distribʳ : ∀ m n o → (m · o) + (n · o) ≡ (m + n) · o
·-distribʳ zero    n o = refl
·-distribʳ (suc m) n o = sym (+-assoc o (m · o) (n · o)) ∙ cong (o +_) (·-distribʳ m n o)

·-distribˡ : ∀ o m n → (o · m) + (o · n) ≡ o · (m + n)
·-distribˡ o m n = cong₂ _+_ (·-comm o m) (·-comm o n) ∙∙ ·-distribʳ m n o ∙∙ ·-comm (m + n) o

·-assoc : ∀ m n o → m · (n · o) ≡ (m · n) · o
·-assoc zero    n o = refl
·-assoc (suc m) n o = cong (n · o +_) (·-assoc m n o) ∙ ·-distribʳ n (m · n) o

·-identityˡ : ∀ m → 1 · m ≡ m
·-identityˡ = +-zero

·-identityʳ : ∀ m → m · 1 ≡ m
·-identityʳ m = ·-comm m 1 ∙ ·-identityˡ m

inj-·sm : l · suc m ≡ n · suc m → l ≡ n
inj-·sm {zero}  {m} {zero}  p = refl
inj-·sm {zero}  {m} {suc n} p = ⊥.rec (znots p)
inj-·sm {suc l} {m} {zero}  p = ⊥.rec (snotz p)
inj-·sm {suc l} {m} {suc n} p = cong suc (inj-·sm {l} {m} {n} (inj-m+ {suc m} p))

inj-sm· : suc m · l ≡ suc m · n → l ≡ n
inj-sm· {m} {l} {n} p = inj-·sm {l} {m} {n} (·-comm l (suc m) ∙∙ p ∙∙ ·-comm (suc m) n)

-- Truncated subtraction.

∸+ : ∀ k n → (n + k) ∸ n ≡ k
∸+ k zero    = refl
∸+ k (suc n) = ∸+ k n

+∸ : ∀ k n → (k + n) ∸ n ≡ k
+∸ k n = cong (_∸ n) (+-comm k n) ∙ ∸+ k n

max : ℕ → ℕ → ℕ
max zero    n       = n
max (suc m) zero    = suc m
max (suc m) (suc n) = suc (max m n)
