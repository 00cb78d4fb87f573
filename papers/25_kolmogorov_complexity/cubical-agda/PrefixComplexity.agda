{-# OPTIONS --safe #-}
{-
Prefix complexity (chapter 4): modes no description of which is a prefix of another one.

  book                               here
  u is a prefix of w                 u ⊑ w
  prefix-free set of strings         PrefixFree ws
  prefix-free decompressor, K(x)     IsPrefixFree M, IsComplexity M x k
  Σ 2^(-d) ≤ 1                       kraftSum N ds ≤ 2 ^ N    (both sides times 2^N)
-}
module PrefixComplexity where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (true; false)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; snd)
open import Cubical.Data.Maybe using (nothing; just; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; suc; _^_)
open import Cubical.Data.Nat.Order using (_≤_)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import S30.Pigeonhole
open import S30.BitStrings
open import KolmogorovComplexity
open import KolmogorovInvariance using (OptimalAmong; universal; universalIsOptimal)

open import PrefixCode public using (_⊑_; PrefixFree; kraftSum; kraftPrefixFree; code; codeInjective)

-- A prefix-free mode: no description is a prefix of a different one.
IsPrefixFree : DescriptionMode → Type
IsPrefixFree M = {p q x y : BitString} → describes M p x → describes M q y → p ⊑ q → p ≡ q

-- Different descriptions by a prefix-free mode are a prefix-free set.
descriptionsPrefixFree : (M : DescriptionMode) → IsPrefixFree M → (ps : List BitString) → Distinct ps
  → ((p : BitString) → p ∈ ps → Σ[ x ∈ BitString ] describes M p x) → PrefixFree ps
descriptionsPrefixFree M free []       _           _         = tt
descriptionsPrefixFree M free (p ∷ ps) (p∉ps , ds) described =
  (λ q m → let (x , Mp) = described p (inl refl) ; (y , Mq) = described q (inr m) in
     (λ p⊑q → p∉ps (subst (_∈ ps) (sym (free Mp Mq p⊑q)) m)) ,
     (λ q⊑p → p∉ps (subst (_∈ ps) (free Mq Mp q⊑p) m)))
  , descriptionsPrefixFree M free ps ds (λ q m → described q (inr m))

-- The prefix complexities K(x) ≤ N of the strings of a finite set, for a prefix-free mode, satisfy
-- Σ 2^(-K(x)) ≤ 1.
kraftPrefixComplexity : (M : DescriptionMode) → IsPrefixFree M
  → (K : BitString → ℕ) (N : ℕ) (xs : List BitString) → Distinct xs
  → ((x : BitString) → x ∈ xs → IsComplexity M x (K x) × (K x ≤ N))
  → kraftSum N (map K xs) ≤ 2 ^ N
kraftPrefixComplexity M free K N xs distinct complexity =
  let (ps , lengths , distinctPs , origin) = shortest xs distinct complexity in
  subst (λ ds → kraftSum N ds ≤ 2 ^ N) lengths
    (kraftPrefixFree N ps (descriptionsPrefixFree M free ps distinctPs (λ p m → let (x , _ , _ , Mp) = origin p m in x , Mp))
      (λ p m → let (x , x∈xs , p≡K , _) = origin p m in
               subst (_≤ N) (sym p≡K) (complexity x x∈xs .snd)))
  where
  shortest : (ys : List BitString) → Distinct ys
    → ((x : BitString) → x ∈ ys → IsComplexity M x (K x) × (K x ≤ N))
    → Σ[ ps ∈ List BitString ] (map length ps ≡ map K ys) × Distinct ps
      × ((p : BitString) → p ∈ ps
          → Σ[ x ∈ BitString ] (x ∈ ys) × (length p ≡ K x) × describes M p x)
  shortest [] _ _ = [] , refl , tt , λ _ m → ⊥.rec m
  shortest (y ∷ ys) (y∉ys , dys) known =
    let (((p , p≡K , Mp) , _) , _) = known y (inl refl)
        (ps , lengths , distinctPs , origin) = shortest ys dys (λ x m → known x (inr m))
    in p ∷ ps
     , cong₂ _∷_ p≡K lengths
     , ((λ m → let (x , x∈ys , _ , Mp′) = origin p m in y∉ys (subst (_∈ ys) (singleValued M Mp′ Mp) x∈ys)) , distinctPs)
     , (λ { q (inl q≡p) → y , inl refl , cong length q≡p ∙ p≡K
                        , subst (λ r → describes M r y) (sym q≡p) Mp
          ; q (inr m) → let (x , x∈ys , q≡K , Mq) = origin q m in x , inr x∈ys , q≡K , Mq })

-- If all decompressors of the sequence D are prefix-free, so is `universal D`.
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

-- For every sequence D of prefix-free decompressors, `universal D` is prefix-free and optimal among them.
optimalPrefixFree : (D : ℕ → Decompressor) → ((i : ℕ) → IsPrefixFree (graph (D i)))
  → IsPrefixFree (graph (universal D)) × OptimalAmong (λ i → graph (D i)) (graph (universal D))
optimalPrefixFree D free = universalIsPrefixFree D free , universalIsOptimal D
