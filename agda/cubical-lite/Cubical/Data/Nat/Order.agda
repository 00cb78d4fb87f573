{-# OPTIONS --safe #-}
-- The order of ℕ: m ≤ n is a k with k + m ≡ n.
module Cubical.Data.Nat.Order where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.Nat.Properties
open import Cubical.Data.Sigma
open import Cubical.Data.Sum.Base using (_⊎_ ; inl ; inr)
open import Cubical.Relation.Nullary

infix 4 _≤_ _<_ _≥_ _>_

private
  variable
    k l m n : ℕ

_≤_ _<_ _≥_ _>_ : ℕ → ℕ → Type₀
m ≤ n = Σ[ k ∈ ℕ ] k + m ≡ n
m < n = suc m ≤ n
m ≥ n = n ≤ m
m > n = n < m

isProp≤ : isProp (m ≤ n)
isProp≤ {m} {n} (k , p) (l , q) = Σ≡Prop (λ j → isSetℕ (j + m) n) (inj-+m {k} {m} {l} (p ∙ sym q))

zero-≤ : 0 ≤ n
zero-≤ {n} = n , +-zero n

suc-≤-suc : m ≤ n → suc m ≤ suc n
suc-≤-suc (k , p) = k , +-suc k _ ∙ cong suc p

pred-≤-pred : suc m ≤ suc n → m ≤ n
pred-≤-pred (k , p) = k , injSuc (sym (+-suc k _) ∙ p)

≤-refl : m ≤ m
≤-refl = 0 , refl

≤-suc : m ≤ n → m ≤ suc n
≤-suc (k , p) = suc k , cong suc p

≤-trans : k ≤ m → m ≤ n → k ≤ n
≤-trans {k} (i , p) (j , q) = j + i , sym (+-assoc j i k) ∙∙ cong (j +_) p ∙∙ q

≤-antisym : m ≤ n → n ≤ m → m ≡ n
≤-antisym {m} {n} (i , p) (j , q) = sym (cong (_+ m) i≡0) ∙ p
  where
  i≡0 : i ≡ 0
  i≡0 = m+n≡0→m≡0×n≡0 {j} {i} (m+n≡n→m≡0 {j + i} {m} (sym (+-assoc j i m) ∙∙ cong (j +_) p ∙∙ q)) .snd

≤SumLeft : n ≤ n + k
≤SumLeft {n} {k} = k , +-comm k n

≤SumRight : n ≤ k + n
≤SumRight {n} {k} = k , refl

≤-+k : m ≤ n → m + k ≤ n + k
≤-+k {m} {k = k} (i , p) = i , +-assoc i m k ∙ cong (_+ k) p

≤-k+ : m ≤ n → k + m ≤ k + n
≤-k+ {m} {n} {k} (i , p) = i , (+-assoc i k m ∙∙ cong (_+ m) (+-comm i k) ∙∙ sym (+-assoc k i m)) ∙ cong (k +_) p

≤-k+-cancel : k + m ≤ k + n → m ≤ n
≤-k+-cancel {k} {m} {n} (l , p) = l , inj-m+ {k} ((+-assoc k l m ∙∙ cong (_+ m) (+-comm k l) ∙∙ sym (+-assoc l k m)) ∙ p)

¬-<-zero : ¬ m < 0
¬-<-zero (k , p) = snotz (sym (+-suc k _) ∙ p)

¬m<m : ¬ m < m
¬m<m {m} (k , p) = snotz (m+n≡n→m≡0 {suc k} {m} (sym (+-suc k m) ∙ p))

≤-+-≤ : m ≤ n → l ≤ k → m + l ≤ n + k
≤-+-≤ {m} {n} {l} {k} p q = ≤-trans (≤-+k {k = l} p) (≤-k+ {k = n} q)

<-+k : m < n → m + k < n + k
<-+k p = ≤-+k p

≤<-trans : l ≤ m → m < n → l < n
≤<-trans p q = ≤-trans (suc-≤-suc p) q

<-split : m < suc n → (m < n) ⊎ (m ≡ n)
<-split {n = n} (zero  , p) = inr (injSuc p)
<-split {n = n} (suc k , p) = inl (k , injSuc p)

splitℕ-≤ : (m n : ℕ) → (m ≤ n) ⊎ (n < m)
splitℕ-≤ zero    n       = inl zero-≤
splitℕ-≤ (suc m) zero    = inr (suc-≤-suc zero-≤)
splitℕ-≤ (suc m) (suc n) with splitℕ-≤ m n
... | inl m≤n = inl (suc-≤-suc m≤n)
... | inr n<m = inr (suc-≤-suc n<m)

<-asym' : ¬ m < n → n ≤ m
<-asym' {m} {n} ¬m<n with splitℕ-≤ n m
... | inl n≤m = n≤m
... | inr m<n = ⊥.rec (¬m<n m<n)

left-≤-max : m ≤ max m n
left-≤-max {zero}          = zero-≤
left-≤-max {suc m} {zero}  = ≤-refl
left-≤-max {suc m} {suc n} = suc-≤-suc left-≤-max

right-≤-max : n ≤ max m n
right-≤-max {zero}          = zero-≤
right-≤-max {suc n} {zero}  = ≤-refl
right-≤-max {suc n} {suc m} = suc-≤-suc (right-≤-max {m = m})

-- The order as a family of types. No paper uses it; its constructors and patterns are here because a variable that bears one of
-- these names is read as a pattern where the library's module is open.
data _≤'_ : ℕ → ℕ → Type₀ where
  z≤  : {n : ℕ} → zero ≤' n
  s≤s : {m n : ℕ} → m ≤' n → suc m ≤' suc n

pattern z<s {n}         = s≤s (z≤ {n})
pattern s<s {m} {n} m<n = s≤s {m} {n} m<n
