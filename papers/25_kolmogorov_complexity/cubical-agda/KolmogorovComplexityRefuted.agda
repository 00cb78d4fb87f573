{-# OPTIONS --safe #-}
{-
What the theorems of KolmogorovComplexity would be without one of their assumptions, or with
a bound that is better by one: each such statement is false, and here is the proof. A
definition that made one of them true would be wrong, and this file would no longer check.
-}
module KolmogorovComplexityRefuted where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (Bool; true; false)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst)
open import Cubical.Data.Maybe using (Maybe; nothing; just; just-inj; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; suc; _+_; _∸_; _^_; znots)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; zero-≤; suc-≤-suc; pred-≤-pred; ¬m<m; ¬-<-zero)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole
open import S30.BitStrings
open import KolmogorovComplexity
open import KolmogorovInvariance
open import PrefixCode
open import Allocation using (answer)
open import PrefixTree

-- The identity gives all 2^k - 1 strings shorter than k a description shorter than k: fewSimpleStrings cannot be
-- improved by one, for any k.
simpleStringsReachBound : (k : ℕ)
  → ((x : BitString) → x ∈ shorterThan k → DescribedBelow (graph just) k x)
  × (length (shorterThan k) + 1 ≡ 2 ^ k)
simpleStringsReachBound k =
  (λ x m → x , lengthInShorterThan k m , refl) , cong (_+ 1) (numberOfShorter k) ∙ geometricSum k

-- A relation that is not single-valued describes everything by one program.
notForManyValued : ¬ ((R : BitString → BitString → Type) (n : ℕ)
  → ¬ ((x : BitString) → length x ≡ n → Σ[ p ∈ BitString ] (length p < n) × R p x))
notForManyValued claim = claim (λ _ _ → Unit) 1 (λ _ _ → [] , (0 , refl) , tt)

private
  identities : ℕ → Decompressor
  identities _ = just

  U : DescriptionMode
  U = graph (universal identities)

  emptyForU : IsComplexity U [] 1
  emptyForU = (false ∷ [] , refl , refl)
            , λ { [] e → ⊥.rec (¬nothing≡just e) ; (_ ∷ _) _ → suc-≤-suc zero-≤ }

  emptyForIdentity : IsComplexity (graph just) [] 0
  emptyForIdentity = ([] , refl , refl) , λ _ _ → zero-≤

-- The constant of the invariance theorem cannot be smaller by one, so it cannot be dropped.
notInvarianceWithLess : ¬ ((U M : DescriptionMode) (e : BitString) → Interprets U M e
  → (x : BitString) (k l : ℕ) → IsComplexity U x k → IsComplexity M x l
  → k ≤ (length e ∸ 1) + l)
notInvarianceWithLess claim = ¬-<-zero
  (claim U (graph just) (selector 0) (universalInterprets identities 0) [] 1 0
    emptyForU emptyForIdentity)

-- The i + 1 bits up to which the universal decompressor simulates the i-th of a sequence cannot be fewer by one.
notOptimalWithLess : ¬ ((D : ℕ → Decompressor) (i : ℕ) → Simulates (graph (universal D)) (graph (D i)) i)
notOptimalWithLess claim = ¬-<-zero (complexityOfSimulation U (graph just) 0 (claim identities 0) [] 1 0
  emptyForU emptyForIdentity)

-- Kraft for trees: not strict; not an equality if a position is unused; N must reach the height.
notKraftStrict : ¬ ((t : CodeTree) (N : ℕ) → height t ≤ N → treeSum N t < 2 ^ N)
notKraftStrict claim = ¬m<m (claim leaf 0 zero-≤)

notKraftEqualityUnlessFull : ¬ ((t : CodeTree) (N : ℕ) → height t ≤ N → treeSum N t ≡ 2 ^ N)
notKraftEqualityUnlessFull claim = znots (claim unused 0 zero-≤)

notKraftBelowHeight : ¬ ((t : CodeTree) (N : ℕ) → treeSum N t ≤ 2 ^ N)
notKraftBelowHeight claim = ¬m<m (claim (branch leaf leaf) 0)

-- Distinct strings need not satisfy Kraft's inequality: 0, 1 and 00 do not.
notKraftForDistinct : ¬ ((N : ℕ) (ws : List BitString) → Distinct ws
  → ((w : BitString) → w ∈ ws → length w ≤ N) → kraftSum N (map length ws) ≤ 2 ^ N)
notKraftForDistinct claim =
  ¬-<-zero (pred-≤-pred (pred-≤-pred (pred-≤-pred (pred-≤-pred (claim 2 ws distinct short)))))
  where
  ws : List BitString
  ws = (false ∷ []) ∷ (true ∷ []) ∷ (false ∷ false ∷ []) ∷ []

  distinct : Distinct ws
  distinct = (λ { (inl e) → 0≢1 e ; (inr (inl e)) → znots (cong (λ w → length w ∸ 1) e) })
           , (λ { (inl e) → 0≢1 (sym e) }) , (λ ()) , tt

  short : (w : BitString) → w ∈ ws → length w ≤ 2
  short w (inl e)             = 1 , cong (λ v → suc (length v)) e
  short w (inr (inl e))       = 1 , cong (λ v → suc (length v)) e
  short w (inr (inr (inl e))) = 0 , cong length e

-- Plain complexities need not satisfy Σ 2^(-C(x)) ≤ 1: those of Λ and 0 for the identity do not.
notKraftForPlainComplexity : ¬ ((M : DescriptionMode) (C : BitString → ℕ) (N : ℕ)
  (xs : List BitString) → Distinct xs
  → ((x : BitString) → x ∈ xs → IsComplexity M x (C x) × (C x ≤ N))
  → kraftSum N (map C xs) ≤ 2 ^ N)
notKraftForPlainComplexity claim =
  ¬-<-zero (pred-≤-pred (pred-≤-pred (claim (graph just) length 1 xs distinct complexity)))
  where
  xs : List BitString
  xs = [] ∷ (false ∷ []) ∷ []

  distinct : Distinct xs
  distinct = (λ { (inl e) → znots (cong length e) }) , (λ ()) , tt

  short : (x : BitString) → x ∈ xs → length x ≤ 1
  short x (inl e)       = 1 , cong (λ v → suc (length v)) e
  short x (inr (inl e)) = 0 , cong length e

  complexity : (x : BitString) → x ∈ xs → IsComplexity (graph just) x (length x) × (length x ≤ 1)
  complexity x m =
    ((x , refl , refl) , λ p p≡x → 0 , cong length (sym (just-inj p x p≡x))) , short x m

-- No function decodes the messages of a tree that is a single leaf.
notDecodableSingleLeaf : ¬ (Σ[ d ∈ (BitString → Maybe (List (Leaf leaf))) ]
  ((xs : List (Leaf leaf)) → d (encode leaf xs) ≡ just xs))
notDecodableSingleLeaf (d , decodes) =
  znots (cong length (just-inj [] (tt ∷ []) (sym (decodes []) ∙ decodes (tt ∷ []))))

-- Pigeonhole: a repeated pigeon needs no second hole.
notPigeonholeWithRepetition : ¬ ((xs ys : List Bool)
  → ((x : Bool) → x ∈ xs → Σ[ y ∈ Bool ] (y ∈ ys) × (x ≡ y)) → length xs ≤ length ys)
notPigeonholeWithRepetition claim = ¬m<m (claim (true ∷ true ∷ []) (true ∷ [])
  λ { x (inl e) → true , inl refl , e ; x (inr (inl e)) → true , inl refl , e })

-------------------------------------------------------------------------------
-- The constructions compute
-------------------------------------------------------------------------------

private
  -- Λ describes 00, 0 describes 01, nothing describes 10 or 11.
  example : Decompressor
  example []           = just (false ∷ false ∷ [])
  example (false ∷ []) = just (false ∷ true ∷ [])
  example _            = nothing

incompressibleComputes : incompressibleString example 2 .fst ≡ true ∷ false ∷ []
incompressibleComputes = refl

allIncompressibleCompute : manyIncompressibleStrings example 2 0 .fst
                         ≡ (true ∷ false ∷ []) ∷ (true ∷ true ∷ []) ∷ []
allIncompressibleCompute = refl

complexityComputes :
  complexityExists example 2 (false ∷ true ∷ []) (false ∷ [] , (0 , refl) , refl) .fst ≡ 1
complexityComputes = refl

-- Codewords 0, 10, 11: 100 is two symbols and 1 is none.
decodeComputes : decode leaf (branch leaf leaf) (true ∷ false ∷ false ∷ [])
               ≡ just (inr (inl tt) ∷ inl tt ∷ [])
decodeComputes = refl

decodeRejects : decode leaf (branch leaf leaf) (true ∷ []) ≡ nothing
decodeRejects = refl

-- Codewords 0 and 11 leave a quarter unused: 4/8 + 2/8 = 6/8.
kraftComputes : treeSum 3 (branch leaf (branch unused leaf)) ≡ 6
kraftComputes = refl

-- Lengths 2, 1, 2, in this order: 00, 1, 01.
answerComputes : map fst (answer ((2 , tt) ∷ (1 , tt) ∷ (2 , tt) ∷ []))
               ≡ (false ∷ false ∷ []) ∷ (true ∷ []) ∷ (false ∷ true ∷ []) ∷ []
answerComputes = refl
