{-# OPTIONS --safe #-}
{-
Bit strings, and the lists of all strings of length n and of all strings shorter than k,
counted.
-}
module S30.BitStrings where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (Bool; true; false)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Sigma using (_,_)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _^_; +-zero)
open import Cubical.Data.Nat.Order using (_<_; ≤-trans; ¬m<m; ¬-<-zero; <-split)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; length-map; length++)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole

BitString : Type
BitString = List Bool

-- The string without its first bit.
rest : BitString → BitString
rest []      = []
rest (_ ∷ w) = w

private
  StartsWithOne : BitString → Type
  StartsWithOne []          = ⊥
  StartsWithOne (false ∷ _) = ⊥
  StartsWithOne (true ∷ _)  = Unit

-- Strings that differ in the first bit are different.
0≢1 : {u v : BitString} → ¬ (false ∷ u ≡ true ∷ v)
0≢1 e = subst StartsWithOne (sym e) tt

-- f 0 + f 1 + … + f (n - 1)
sumBelow : (ℕ → ℕ) → ℕ → ℕ
sumBelow f zero    = 0
sumBelow f (suc n) = sumBelow f n + f n

-- Twice 2^n is 2^(n+1).
2^n+2^n : (n : ℕ) → 2 ^ n + 2 ^ n ≡ 2 ^ suc n
2^n+2^n n = cong (2 ^ n +_) (sym (+-zero (2 ^ n)))

-- All strings of length n; all strings of length less than k.
stringsOf : ℕ → List BitString
stringsOf zero    = [] ∷ []
stringsOf (suc n) = map (false ∷_) (stringsOf n) ++ map (true ∷_) (stringsOf n)

shorterThan : ℕ → List BitString
shorterThan zero    = []
shorterThan (suc k) = shorterThan k ++ stringsOf k

-- There are 2^n strings of length n …
numberOfStrings : (n : ℕ) → length (stringsOf n) ≡ 2 ^ n
numberOfStrings zero    = refl
numberOfStrings (suc n) =
    length++ (map (false ∷_) (stringsOf n)) (map (true ∷_) (stringsOf n))
  ∙ cong₂ _+_ (length-map (false ∷_) (stringsOf n) ∙ numberOfStrings n)
              (length-map (true ∷_) (stringsOf n) ∙ numberOfStrings n)
  ∙ 2^n+2^n n

-- … and 1 + 2 + … + 2^(k-1) strings shorter than k.
numberOfShorter : (k : ℕ) → length (shorterThan k) ≡ sumBelow (2 ^_) k
numberOfShorter zero    = refl
numberOfShorter (suc k) = length++ (shorterThan k) (stringsOf k)
                        ∙ cong₂ _+_ (numberOfShorter k) (numberOfStrings k)

-- The two lists contain what their names say, and the first has no repetition.
lengthInStringsOf : (n : ℕ) {w : BitString} → w ∈ stringsOf n → length w ≡ n
lengthInStringsOf zero    (inl w≡[]) = cong length w≡[]
lengthInStringsOf (suc n) m with ∈Concat (map (false ∷_) (stringsOf n)) _ m
... | inl m₀ = let (_ , m′ , e) = ∈Map _ (stringsOf n) m₀ in
               cong length e ∙ cong suc (lengthInStringsOf n m′)
... | inr m₁ = let (_ , m′ , e) = ∈Map _ (stringsOf n) m₁ in
               cong length e ∙ cong suc (lengthInStringsOf n m′)

inStringsOf : (w : BitString) → w ∈ stringsOf (length w)
inStringsOf []          = inl refl
inStringsOf (false ∷ w) = ∈ConcatLeft _ _ (map∈ (false ∷_) (stringsOf (length w)) (inStringsOf w))
inStringsOf (true ∷ w)  = ∈ConcatRight (map (false ∷_) (stringsOf (length w))) _
                            (map∈ (true ∷_) (stringsOf (length w)) (inStringsOf w))

distinctStringsOf : (n : ℕ) → Distinct (stringsOf n)
distinctStringsOf zero    = (λ m → m) , tt
distinctStringsOf (suc n) =
  distinctConcat _ _
    (λ w m₀ m₁ → let (_ , _ , e₀) = ∈Map _ (stringsOf n) m₀
                     (_ , _ , e₁) = ∈Map _ (stringsOf n) m₁ in 0≢1 (sym e₀ ∙ e₁))
    (distinctMap _ (stringsOf n) (λ _ _ → cong rest) (distinctStringsOf n))
    (distinctMap _ (stringsOf n) (λ _ _ → cong rest) (distinctStringsOf n))

inShorterThan : (k : ℕ) {p : BitString} → length p < k → p ∈ shorterThan k
inShorterThan zero p<0 = ⊥.rec (¬-<-zero p<0)
inShorterThan (suc k) {p} p<k with <-split p<k
... | inl p<k′ = ∈ConcatLeft (shorterThan k) _ (inShorterThan k p<k′)
... | inr p≡k  = ∈ConcatRight (shorterThan k) _
                   (subst (λ n → p ∈ stringsOf n) p≡k (inStringsOf p))

lengthInShorterThan : (k : ℕ) {p : BitString} → p ∈ shorterThan k → length p < k
lengthInShorterThan (suc k) m with ∈Concat (shorterThan k) (stringsOf k) m
... | inl m′ = ≤-trans (lengthInShorterThan k m′) (1 , refl)
... | inr m′ = 0 , cong suc (lengthInStringsOf k m′)

distinctShorterThan : (k : ℕ) → Distinct (shorterThan k)
distinctShorterThan zero    = tt
distinctShorterThan (suc k) = distinctConcat (shorterThan k) (stringsOf k)
  (λ w m n → ¬m<m (subst (_< k) (lengthInStringsOf k n) (lengthInShorterThan k m)))
  (distinctShorterThan k) (distinctStringsOf k)
