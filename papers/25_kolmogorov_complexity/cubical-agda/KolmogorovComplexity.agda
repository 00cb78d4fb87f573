{-# OPTIONS --safe #-}
{-
A. Shen, V. A. Uspensky, N. Vereshchagin: Kolmogorov Complexity and Algorithmic
Randomness. AMS, 2017. Chapter 1 (plain complexity: description modes, Theorem 1, the
number of simple strings), chapter 4 (prefix complexity), and prefix codes with the
Kraft inequality, which the book uses for both prefix complexity and Shannon entropy.

  book                               here
  binary string, empty string Λ      BitString, []
  length l(x)                        length x
  partial D, D(p) = x                D p ≡ just x             (halting decidable)
                                     describes M p x          (halting not decidable)
  C_D(x) < k                         DescribedBelow M k x
  C_D(x) = k                         IsComplexity M x k
  U(ep) = D(p) wherever D(p) is      Interprets U M e
    defined
  optimal decompressor               universal D              (for a sequence D 0, D 1, …)
  u is a prefix of w                 u ⊑ w
  prefix-free set of strings         PrefixFree ws
  prefix-free decompressor, K(x)     IsPrefixFree M, IsComplexity M x k
  Σ 2^(-d) ≤ 1                       kraftSum N ds ≤ 2 ^ N    (both sides times 2^N)
  code tree, codeword of a symbol    CodeTree, codeword t x

What is left out: computability. Nothing below needs it, so the theorems hold for every
description mode, computable or not, and those that search for descriptions for every
decompressor whose halting is decidable; but that there is ONE enumeration of all computable
decompressors, which makes `universal` optimal among all of them, is recursion theory
and stays an assumption (the sequence D).
-}
module KolmogorovComplexity where

open import Cubical.Foundations.Prelude
  using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (true; false; _≟_)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just; just-inj; ¬nothing≡just; discreteMaybe)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-comm; +-assoc)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; ≤-antisym; pred-≤-pred; ≤-k+; <-+k; ≤<-trans; ¬m<m; ¬-<-zero; <-asym')
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; length++; discreteList)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no)

-- General lemmas: the pigeonhole principle, counted strings, prefix codes.
open import S30.Pigeonhole
open import S30.BitStrings

-- The theorems on codes, with their proofs in S30.PrefixCode and S30.Allocation because other
-- papers use them too: the Kraft inequality for prefix-free sets, and its converse; for code
-- trees, where the slack goes, the inequality, and equality for full trees; codewords of a tree
-- are prefix-free; different messages have different codes, and a tree's are read back.
open import S30.PrefixCode public
  using ( _⊑_; cancelPrefix; PrefixFree; kraftSum; kraftPrefixFree; code; codeInjective
        ; CodeTree; unused; leaf; branch; Leaf; codeword; height; complement; IsFull; treeSum
        ; kraftBudget; kraftTree; kraftFullTree; codewordsPrefixFree
        ; encode; decode; decodeEncode )
open import S30.Allocation public using (kraftConverse)

-------------------------------------------------------------------------------
-- Counting strings
-------------------------------------------------------------------------------

-- There are 2^n - 1 strings shorter than n: one fewer than strings of length n. This gap of
-- one is all that incompressibility rests on.
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

-- A string has at most one complexity …
complexityUnique : (M : DescriptionMode) {x : BitString} {k l : ℕ}
                 → IsComplexity M x k → IsComplexity M x l → k ≡ l
complexityUnique M ((p , p≡k , Mp) , k≤) ((q , q≡l , Mq) , l≤) =
  ≤-antisym (subst (_ ≤_) q≡l (k≤ q Mq)) (subst (_ ≤_) p≡k (l≤ p Mp))

-- … which is below k exactly if a description shorter than k exists …
belowIffDescribedBelow : (M : DescriptionMode) {x : BitString} {l : ℕ} → IsComplexity M x l
  → (k : ℕ) → (l < k → DescribedBelow M k x) × (DescribedBelow M k x → l < k)
belowIffDescribedBelow M ((p , p≡l , Mp) , l≤) k =
  (λ l<k → p , subst (_< k) (sym p≡l) l<k , Mp) ,
  (λ (q , q<k , Mq) → ≤<-trans (l≤ q Mq) q<k)

-- … a decompressor whose halting is decidable can be searched for short descriptions …
decideDescribedBelow : (D : Decompressor) (k : ℕ) (x : BitString)
                     → Dec (DescribedBelow (graph D) k x)
decideDescribedBelow D k x
  with searchIn (λ p → discreteMaybe (discreteList _≟_) (D p) (just x)) (shorterThan k)
... | yes (p , m , Dp≡x) = yes (p , lengthInShorterThan k m , Dp≡x)
... | no none = no λ (p , p<k , Dp≡x) → none (p , inShorterThan k p<k , Dp≡x)

-- … and then every string that has a description has a complexity.
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

-- Fewer than 2^k strings have complexity below k, for every description mode: any finite set
-- of strings with descriptions shorter than k has fewer than 2^k elements (the counting
-- part of Theorem 7).
fewSimpleStrings : (M : DescriptionMode) (k : ℕ) (xs : List BitString) → Distinct xs
                 → ((x : BitString) → x ∈ xs → DescribedBelow M k x) → length xs < 2 ^ k
fewSimpleStrings M k xs distinct simple =
  ≤<-trans (pigeonhole (λ x p → describes M p x) (singleValued M) xs (shorterThan k) distinct
             (λ x m → let (p , p<k , Mp) = simple x m in p , inShorterThan k p<k , Mp))
           (fewerShorterThan2^k k)

-- No description mode compresses all strings of a length.
noModeCompressesAll : (M : DescriptionMode) (n : ℕ)
                    → ¬ ((x : BitString) → length x ≡ n → DescribedBelow M n x)
noModeCompressesAll M n compress = ¬m<m (subst (_< 2 ^ n) (numberOfStrings n)
  (fewSimpleStrings M n (stringsOf n) (distinctStringsOf n)
    (λ x m → compress x (lengthInStringsOf n m))))

-- More than 2^n - 2^(n-c) strings of length n have no description shorter than n - c, and a
-- decompressor with decidable halting lets us list them.
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

-- Incompressibility: for every decompressor and every n there is a string of n bits, found by
-- search, that has no description of fewer than n bits.
incompressibleString : (D : Decompressor) (n : ℕ)
  → Σ[ x ∈ BitString ] (length x ≡ n)
    × ((p : BitString) → length p < n → ¬ (D p ≡ just x))
incompressibleString D n with manyIncompressibleStrings D n 0
... | []     , _ , _ , 2^n<2^n = ⊥.rec (¬m<m 2^n<2^n)
... | x ∷ xs , _ , property , _ = let (x≡n , none) = property x (inl refl) in
  x , x≡n , λ p p<n Dp≡x → none (p , p<n , Dp≡x)

-- Descriptions of n bits cannot be excluded: the identity describes every string by itself, so
-- for no n can «shorter than n» be replaced by «of length at most n».
incompressibilityIsSharp : (n : ℕ) → ¬ ((D : Decompressor)
  → Σ[ x ∈ BitString ] (length x ≡ n)
    × ((p : BitString) → length p ≤ n → ¬ (D p ≡ just x)))
incompressibilityIsSharp n claim =
  let (x , x≡n , none) = claim just in none x (0 , x≡n) refl

-------------------------------------------------------------------------------
-- Invariance (Theorem 1, Solomonoff–Kolmogorov)
-------------------------------------------------------------------------------

-- U runs M on the rest of its input once it has read e.
Interprets : DescriptionMode → DescriptionMode → BitString → Type
Interprets U M e = (p x : BitString) → describes M p x → describes U (e ++ p) x

-- A description of x for M becomes one for U that is longer by the length of e.
descriptionForInterpreter : (U M : DescriptionMode) (e : BitString) → Interprets U M e
  → (p x : BitString) → describes M p x
  → Σ[ q ∈ BitString ] (length q ≡ length e + length p) × describes U q x
descriptionForInterpreter U M e interprets p x Mp = e ++ p , length++ e p , interprets p x Mp

-- Invariance: C_U(x) ≤ C_M(x) + c, where c = length e does not depend on x.
invariance : (U M : DescriptionMode) (e : BitString) → Interprets U M e
           → (x : BitString) (k l : ℕ) → IsComplexity U x k → IsComplexity M x l
           → k ≤ length e + l
invariance U M e interprets x k l (_ , k≤) ((p , p≡l , Mp) , _) =
  let (q , q≡e+p , Uq) = descriptionForInterpreter U M e interprets p x Mp in
  subst (k ≤_) (q≡e+p ∙ cong (length e +_) p≡l) (k≤ q Uq)

-- For every prefix, mode and string the constant is reached: by the mode that runs M behind e,
-- and does nothing else.
behind : BitString → DescriptionMode → DescriptionMode
behind e M .describes q x = Σ[ p ∈ BitString ] (q ≡ e ++ p) × describes M p x
behind e M .singleValued (p , q≡ep , Mp) (p′ , q≡ep′ , Mp′) =
  singleValued M Mp
    (subst (λ r → describes M r _) (cancelPrefix e (sym q≡ep′ ∙ q≡ep)) Mp′)

behindInterprets : (e : BitString) (M : DescriptionMode) → Interprets (behind e M) M e
behindInterprets e M p x Mp = p , refl , Mp

invarianceReached : (e : BitString) (M : DescriptionMode) (x : BitString) (l : ℕ)
                  → IsComplexity M x l → IsComplexity (behind e M) x (length e + l)
invarianceReached e M x l ((p , p≡l , Mp) , l≤) =
  (e ++ p , length++ e p ∙ cong (length e +_) p≡l , p , refl , Mp) ,
  λ q (p′ , q≡ep′ , Mp′) → subst (length e + l ≤_)
    (sym (length++ e p′) ∙ cong length (sym q≡ep′)) (≤-k+ {k = length e} (l≤ p′ Mp′))

-- Two modes that interpret each other assign complexities within a constant of each other.
interpretersAgree : (U V : DescriptionMode) (e f : BitString)
                  → Interprets U V e → Interprets V U f
                  → (x : BitString) (k l : ℕ) → IsComplexity U x k → IsComplexity V x l
                  → (k ≤ length e + l) × (l ≤ length f + k)
interpretersAgree U V e f uv vu x k l Ux Vx =
  invariance U V e uv x k l Ux Vx , invariance V U f vu x l k Vx Ux

-- C_U(x) ≤ l(x) + c for every U that interprets the identity.
complexityAtMostLength : (U : DescriptionMode) (e : BitString) → Interprets U (graph just) e
                       → (x : BitString) (k : ℕ) → IsComplexity U x k → k ≤ length e + length x
complexityAtMostLength U e interprets x k (_ , k≤) =
  subst (k ≤_) (length++ e x) (k≤ (e ++ x) (interprets x x refl))

-- Existence in Theorem 1: one decompressor interprets all of a sequence. It reads 1…10, where
-- the number of ones says which one to run, and gives it the rest.
universal : (ℕ → Decompressor) → Decompressor
universal D []          = nothing
universal D (false ∷ p) = D 0 p
universal D (true ∷ p)  = universal (λ i → D (suc i)) p

selector : ℕ → BitString
selector zero    = false ∷ []
selector (suc i) = true ∷ selector i

universalInterprets : (D : ℕ → Decompressor) (i : ℕ)
                    → Interprets (graph (universal D)) (graph (D i)) (selector i)
universalInterprets D zero    p x Dp≡x = Dp≡x
universalInterprets D (suc i) p x Dp≡x = universalInterprets (λ j → D (suc j)) i p x Dp≡x

-- So it is optimal among them: for the i-th one the constant is i + 1.
universalIsOptimal : (D : ℕ → Decompressor) (i : ℕ) (x : BitString) (k l : ℕ)
                   → IsComplexity (graph (universal D)) x k → IsComplexity (graph (D i)) x l
                   → k ≤ suc i + l
universalIsOptimal D i x k l Ux Dx =
  subst (λ c → k ≤ c + l) (selectorLength i)
    (invariance (graph (universal D)) (graph (D i)) (selector i)
      (universalInterprets D i) x k l Ux Dx)
  where
  selectorLength : (i : ℕ) → length (selector i) ≡ suc i
  selectorLength zero    = refl
  selectorLength (suc i) = cong suc (selectorLength i)

-------------------------------------------------------------------------------
-- Prefix complexity (chapter 4)
-------------------------------------------------------------------------------

-- A prefix-free mode: no description is a prefix of a different one.
IsPrefixFree : DescriptionMode → Type
IsPrefixFree M = {p q x y : BitString} → describes M p x → describes M q y → p ⊑ q → p ≡ q

-- Prefix complexities satisfy Σ 2^(-K(x)) ≤ 1, over every finite set of strings.
kraftPrefixComplexity : (M : DescriptionMode) → IsPrefixFree M
  → (K : BitString → ℕ) (N : ℕ) (xs : List BitString) → Distinct xs
  → ((x : BitString) → x ∈ xs → IsComplexity M x (K x) × (K x ≤ N))
  → kraftSum N (map K xs) ≤ 2 ^ N
kraftPrefixComplexity M prefixFree K N xs distinct complexity =
  let (ps , lengths , origin , free) = shortest xs distinct complexity in
  subst (λ ds → kraftSum N ds ≤ 2 ^ N) lengths
    (kraftPrefixFree N ps free
      (λ p m → let (x , x∈xs , p≡K , _) = origin p m in
               subst (_≤ N) (sym p≡K) (complexity x x∈xs .snd)))
  where
  shortest : (ys : List BitString) → Distinct ys
    → ((x : BitString) → x ∈ ys → IsComplexity M x (K x) × (K x ≤ N))
    → Σ[ ps ∈ List BitString ] (map length ps ≡ map K ys)
      × ((p : BitString) → p ∈ ps
          → Σ[ x ∈ BitString ] (x ∈ ys) × (length p ≡ K x) × describes M p x)
      × PrefixFree ps
  shortest [] _ _ = [] , refl , (λ _ m → ⊥.rec m) , tt
  shortest (y ∷ ys) (y∉ys , dys) known =
    let (((p , p≡K , Mp) , _) , _) = known y (inl refl)
        (ps , lengths , origin , free) = shortest ys dys (λ x m → known x (inr m))
        clash = λ (q x : BitString) (x∈ys : x ∈ ys) (Mq : describes M q x) (p≡q : p ≡ q) →
          y∉ys (subst (_∈ ys) (singleValued M Mq (subst (λ r → describes M r y) p≡q Mp)) x∈ys)
    in p ∷ ps
     , cong₂ _∷_ p≡K lengths
     , (λ { q (inl q≡p) → y , inl refl , cong length q≡p ∙ p≡K
                        , subst (λ r → describes M r y) (sym q≡p) Mp
          ; q (inr m) → let (x , x∈ys , q≡K , Mq) = origin q m in x , inr x∈ys , q≡K , Mq })
     , (λ q m → let (x , x∈ys , _ , Mq) = origin q m in
          (λ p⊑q → clash q x x∈ys Mq (prefixFree Mp Mq p⊑q)) ,
          (λ q⊑p → clash q x x∈ys Mq (sym (prefixFree Mq Mp q⊑p))))
     , free

-- The universal decompressor of prefix-free ones is prefix-free: with `universalIsOptimal`, an
-- optimal prefix-free decompressor, and a K to which the inequality above applies.
universalIsPrefixFree : (D : ℕ → Decompressor) → ((i : ℕ) → IsPrefixFree (graph (D i)))
                      → IsPrefixFree (graph (universal D))
universalIsPrefixFree D free {[]}        {q}         p≡x _   _       = ⊥.rec (¬nothing≡just p≡x)
universalIsPrefixFree D free {b ∷ p}     {[]}        _   q≡y _       = ⊥.rec (¬nothing≡just q≡y)
universalIsPrefixFree D free {false ∷ p} {false ∷ q} p≡x q≡y (v , e) =
  cong (false ∷_) (free 0 p≡x q≡y (v , cong rest e))
universalIsPrefixFree D free {false ∷ p} {true ∷ q}  _   _   (v , e) = ⊥.rec (0≢1 e)
universalIsPrefixFree D free {true ∷ p}  {false ∷ q} _   _   (v , e) = ⊥.rec (0≢1 (sym e))
universalIsPrefixFree D free {true ∷ p}  {true ∷ q}  p≡x q≡y (v , e) =
  cong (true ∷_)
    (universalIsPrefixFree (λ i → D (suc i)) (λ i → free (suc i)) p≡x q≡y (v , cong rest e))
