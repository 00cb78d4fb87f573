{-# OPTIONS --safe #-}
{-
A. Shen, V. A. Uspensky, N. Vereshchagin: Kolmogorov Complexity and Algorithmic
Randomness. AMS, 2017. Chapter 1: description modes, complexity, the number of simple strings.

  book                               here
  binary string, empty string Λ      BitString, []
  length l(x)                        length x
  partial D, D(p) = x                D p ≡ just x             (halting decidable)
                                     describes M p x          (halting not decidable)
  C_D(x) < k                         DescribedBelow M k x
  C_D(x) = k                         IsComplexity M x k

The other files: KolmogorovInvariance (optimal modes), KolmogorovUncomputable (what no optimal mode's
complexity is), PrefixComplexity and AprioriProbability (chapter 4), PrefixMachine and
PrefixMachineGrammar (this room's machine), KolmogorovComplexityRefuted (what each assumption is for).

What is left out: computability. Nothing below needs it, so the theorems hold for every
description mode, computable or not, and those that search for descriptions for every
decompressor whose halting is decidable.
-}
module KolmogorovComplexity where

open import Cubical.Foundations.Prelude
  using (Type; _≡_; refl; sym; _∙_; cong; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Bool using (_≟_)
open import Cubical.Data.Sum using (inl)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; just; just-inj; discreteMaybe)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-comm; +-assoc)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; ≤-antisym; pred-≤-pred; <-+k; ≤<-trans; ¬m<m; ¬-<-zero; <-asym')
open import Cubical.Data.List using (List; []; _∷_; length; discreteList)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no)

-- General lemmas: the pigeonhole principle, counted strings.
open import S30.Pigeonhole
open import S30.BitStrings

-------------------------------------------------------------------------------
-- Counting strings
-------------------------------------------------------------------------------

-- 1 + 2 + … + 2^(n-1), and one more, is 2^n: there is one string fewer shorter than n than of length n. This
-- gap of one is all that incompressibility rests on.
geometricSum : (n : ℕ) → sumBelow (2 ^_) n + 1 ≡ 2 ^ n
geometricSum zero    = refl
geometricSum (suc n) =
    sym (+-assoc (sumBelow (2 ^_) n) (2 ^ n) 1)
  ∙ cong (sumBelow (2 ^_) n +_) (+-comm (2 ^ n) 1)
  ∙ +-assoc (sumBelow (2 ^_) n) 1 (2 ^ n)
  ∙ cong (_+ 2 ^ n) (geometricSum n)
  ∙ 2^n+2^n n

-- Fewer than 2^k strings are shorter than k.
fewerShorterThan2^k : (k : ℕ) → length (shorterThan k) < 2 ^ k
fewerShorterThan2^k k = 0 , +-comm 1 (length (shorterThan k))
                          ∙ cong (_+ 1) (numberOfShorter k) ∙ geometricSum k

-------------------------------------------------------------------------------
-- Description modes and complexity (section 1.1)
-------------------------------------------------------------------------------

-- A partial function from descriptions to strings. `Decompressor` can tell where it is
-- undefined; a `DescriptionMode` is only a single-valued relation, so it also covers
-- functions whose halting nobody can decide.
Decompressor : Type
Decompressor = BitString → Maybe BitString

record DescriptionMode : Type₁ where
  field
    describes    : BitString → BitString → Type
    singleValued : {p x y : BitString} → describes p x → describes p y → x ≡ y
open DescriptionMode public

graph : Decompressor → DescriptionMode
graph D .describes p x = D p ≡ just x
graph D .singleValued {x = x} {y = y} Dp≡x Dp≡y = just-inj x y (sym Dp≡x ∙ Dp≡y)

DescribedBelow : DescriptionMode → ℕ → BitString → Type
DescribedBelow M k x = Σ[ p ∈ BitString ] (length p < k) × describes M p x

-- k is the length of a shortest description of x.
IsComplexity : DescriptionMode → BitString → ℕ → Type
IsComplexity M x k = (Σ[ p ∈ BitString ] (length p ≡ k) × describes M p x)
                   × ((p : BitString) → describes M p x → k ≤ length p)

-- A string has at most one complexity, for every description mode.
complexityUnique : (M : DescriptionMode) {x : BitString} {k l : ℕ}
                 → IsComplexity M x k → IsComplexity M x l → k ≡ l
complexityUnique M ((p , p≡k , Mp) , k≤) ((q , q≡l , Mq) , l≤) =
  ≤-antisym (subst (_ ≤_) q≡l (k≤ q Mq)) (subst (_ ≤_) p≡k (l≤ p Mp))

-- The complexity of a string that has one is below k exactly if a description shorter than k exists.
belowIffDescribedBelow : (M : DescriptionMode) {x : BitString} {l : ℕ} → IsComplexity M x l
  → (k : ℕ) → (l < k → DescribedBelow M k x) × (DescribedBelow M k x → l < k)
belowIffDescribedBelow M ((p , p≡l , Mp) , l≤) k =
  (λ l<k → p , subst (_< k) (sym p≡l) l<k , Mp) ,
  (λ (q , q<k , Mq) → ≤<-trans (l≤ q Mq) q<k)

-- A decompressor whose halting is decidable can be searched for short descriptions.
decideDescribedBelow : (D : Decompressor) (k : ℕ) (x : BitString)
                     → Dec (DescribedBelow (graph D) k x)
decideDescribedBelow D k x
  with searchIn (λ p → discreteMaybe (discreteList _≟_) (D p) (just x)) (shorterThan k)
... | yes (p , m , Dp≡x) = yes (p , lengthInShorterThan k m , Dp≡x)
... | no none = no λ (p , p<k , Dp≡x) → none (p , inShorterThan k p<k , Dp≡x)

-- For a decompressor whose halting is decidable every string that has a description, of fewer than k bits for
-- some k, has a complexity.
complexityExists : (D : Decompressor) (k : ℕ) (x : BitString)
                 → DescribedBelow (graph D) k x → Σ[ l ∈ ℕ ] IsComplexity (graph D) x l
complexityExists D zero    x (p , p<0 , _) = ⊥.rec (¬-<-zero p<0)
complexityExists D (suc k) x (p , p<k+1 , Dp≡x) with decideDescribedBelow D k x
... | yes shorter = complexityExists D k x shorter
... | no none = k , (p , ≤-antisym (pred-≤-pred p<k+1) (minimal p Dp≡x) , Dp≡x) , minimal
  where
  minimal : (q : BitString) → D q ≡ just x → k ≤ length q
  minimal q Dq≡x = <-asym' λ q<k → none (q , q<k , Dq≡x)

-------------------------------------------------------------------------------
-- Most strings are incompressible (chapter 1)
-------------------------------------------------------------------------------

-- Any finite set of strings with descriptions shorter than k has fewer than 2^k elements, for every
-- description mode (the counting part of Theorem 7).
fewSimpleStrings : (M : DescriptionMode) (k : ℕ) (xs : List BitString) → Distinct xs
                 → ((x : BitString) → x ∈ xs → DescribedBelow M k x) → length xs < 2 ^ k
fewSimpleStrings M k xs distinct simple =
  ≤<-trans (pigeonhole (λ x p → describes M p x) (singleValued M) xs (shorterThan k) distinct
             (λ x m → let (p , p<k , Mp) = simple x m in p , inShorterThan k p<k , Mp))
           (fewerShorterThan2^k k)

-- No description mode gives every string of n bits a description shorter than n, for any n.
noModeCompressesAll : (M : DescriptionMode) (n : ℕ)
                    → ¬ ((x : BitString) → length x ≡ n → DescribedBelow M n x)
noModeCompressesAll M n compress = ¬m<m (subst (_< 2 ^ n) (numberOfStrings n)
  (fewSimpleStrings M n (stringsOf n) (distinctStringsOf n)
    (λ x m → compress x (lengthInStringsOf n m))))

-- For a decompressor whose halting is decidable more than 2^n - 2^(n-c) strings of length n can be listed, each
-- once, that have no description shorter than n - c.
manyIncompressibleStrings : (D : Decompressor) (n c : ℕ)
  → Σ[ xs ∈ List BitString ] Distinct xs
    × ((x : BitString) → x ∈ xs → (length x ≡ n) × (¬ DescribedBelow (graph D) (n ∸ c) x))
    × (2 ^ n < length xs + 2 ^ (n ∸ c))
manyIncompressibleStrings D n c =
  outside , distinctOutside
  , (λ x m → lengthInStringsOf n (∈Outside x m .fst) , ∈Outside x m .snd)
  , subst2 _<_ (lengths ∙ numberOfStrings n) (+-comm (2 ^ (n ∸ c)) (length outside))
      (<-+k (fewSimpleStrings (graph D) (n ∸ c) inside distinctInside (λ x m → ∈Inside x m .snd)))
  where
  open Separation (separate (decideDescribedBelow D (n ∸ c)) (stringsOf n) (distinctStringsOf n))

-- For every decompressor whose halting is decidable, and every n, there is a string of n bits, found by search,
-- that has no description of fewer than n bits.
incompressibleString : (D : Decompressor) (n : ℕ)
  → Σ[ x ∈ BitString ] (length x ≡ n)
    × ((p : BitString) → length p < n → ¬ (D p ≡ just x))
incompressibleString D n = some (manyIncompressibleStrings D n 0 .fst) (manyIncompressibleStrings D n 0 .snd)
  where
  some : (xs : List BitString)
       → Distinct xs × ((x : BitString) → x ∈ xs → (length x ≡ n) × (¬ DescribedBelow (graph D) n x))
         × (2 ^ n < length xs + 2 ^ n)
       → Σ[ x ∈ BitString ] (length x ≡ n) × ((p : BitString) → length p < n → ¬ (D p ≡ just x))
  some []       (_ , _ , 2^n<2^n)  = ⊥.rec (¬m<m 2^n<2^n)
  some (x ∷ xs) (_ , property , _) = let (x≡n , none) = property x (inl refl) in
    x , x≡n , λ p p<n Dp≡x → none (p , p<n , Dp≡x)

-- Descriptions of n bits cannot be excluded: the identity describes every string by itself, so
-- for no n can «shorter than n» be replaced by «of length at most n».
incompressibilityIsSharp : (n : ℕ) → ¬ ((D : Decompressor)
  → Σ[ x ∈ BitString ] (length x ≡ n)
    × ((p : BitString) → length p ≤ n → ¬ (D p ≡ just x)))
incompressibilityIsSharp n claim =
  let (x , x≡n , none) = claim just in none x (0 , x≡n) refl
