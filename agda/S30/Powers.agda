{-# OPTIONS --safe #-}
{-
Order, products, squares and powers of two of natural numbers.
-}
module S30.Powers where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Sigma using (_,_)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _·_; _^_; +-zero; +-assoc; ·-comm; ·-assoc; ·-identityˡ; ·-distribˡ; ·-distribʳ)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; zero-≤; suc-≤-suc; pred-≤-pred; ≤-refl; ≤-trans; ≤<-trans; ≤-+-≤; ¬m<m; splitℕ-≤)
open import S30.BitStrings using (2^n+2^n)

≤-· : {k l m n : ℕ} → k ≤ l → m ≤ n → k · m ≤ l · n
≤-· {k} {l} {m} {n} (a , p) (b , q) = a · n + k · b ,
    sym (+-assoc (a · n) (k · b) (k · m)) ∙ cong (a · n +_) (·-distribˡ k b m ∙ cong (k ·_) q)
  ∙ ·-distribʳ a k n ∙ cong (_· n) p

-- (ab)(cd) = (ac)(bd)
middle : (a b c d : ℕ) → (a · b) · (c · d) ≡ (a · c) · (b · d)
middle a b c d = sym (·-assoc a b (c · d))
  ∙ cong (a ·_) (·-assoc b c d ∙ cong (_· d) (·-comm b c) ∙ sym (·-assoc c b d)) ∙ ·-assoc a c (b · d)

square : ℕ → ℕ
square n = n · n

square-≤ : {m n : ℕ} → m ≤ n → square m ≤ square n
square-≤ m≤n = ≤-· m≤n m≤n

square-· : (m n : ℕ) → square (m · n) ≡ square m · square n
square-· m n = middle m n m n

2^+ : (m n : ℕ) → 2 ^ (m + n) ≡ 2 ^ m · 2 ^ n
2^+ zero    n = sym (+-zero (2 ^ n))
2^+ (suc m) n = cong (2 ·_) (2^+ m n) ∙ ·-assoc 2 (2 ^ m) (2 ^ n)

<2^ : (n : ℕ) → n < 2 ^ n
<2^ zero    = ≤-refl
<2^ (suc n) = subst (suc (suc n) ≤_) (2^n+2^n n) (≤-+-≤ {m = 1} {n = 2 ^ n} (≤-trans (suc-≤-suc zero-≤) (<2^ n)) (<2^ n))

2^-≤ : {m n : ℕ} → m ≤ n → 2 ^ m ≤ 2 ^ n
2^-≤ {m} (k , e) = subst2 _≤_ (·-identityˡ (2 ^ m)) (sym (2^+ k m) ∙ cong (2 ^_) e)
  (≤-· {1} {2 ^ k} {2 ^ m} (≤-trans (suc-≤-suc zero-≤) (<2^ k)) ≤-refl)

-- Powers of two are in the order of their exponents.
exponents-< : {m n : ℕ} → 2 ^ m < 2 ^ n → m < n
exponents-< {m} {n} p with splitℕ-≤ n m
... | inl n≤m = ⊥.rec (¬m<m (≤-trans p (2^-≤ n≤m)))
... | inr m<n = m<n

exponents-≤ : {m n : ℕ} → 2 ^ m ≤ 2 ^ n → m ≤ n
exponents-≤ {m} {n} p = pred-≤-pred (exponents-< (≤<-trans p
  (subst (suc (2 ^ n) ≤_) (2^n+2^n n) (≤-+-≤ {m = 1} {n = 2 ^ n} (≤-trans (suc-≤-suc zero-≤) (<2^ n)) ≤-refl))))
