{-# OPTIONS --safe #-}
{-
Prefix codes as trees (chapter 7): the Kraft sum exactly, and a decoder.

  CodeTree, Leaf t   a binary tree, and its symbols
  codeword t x       the way from the root to the symbol x
  treeSum N t        Σ 2^(N-d) over the lengths d of the codewords
-}
module PrefixTree where

open import Cubical.Foundations.Prelude
  using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (Bool; true; false)
open import Cubical.Data.Sum as ⊎ using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (_×_; _,_)
open import Cubical.Data.Maybe using (Maybe; nothing; just; map-Maybe)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _∸_; _^_; max; +-zero; +-assoc)
open import Cubical.Data.Nat.Order
  using ( _≤_; ≤-trans; pred-≤-pred; ≤SumLeft; ¬-<-zero
        ; left-≤-max; right-≤-max)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole
open import S30.BitStrings
open import S30.Counting using (interchange)
open import PrefixCode using (_⊑_; code)

-- A binary tree whose leaves are symbols or unused positions; the way to a leaf, 0 for left
-- and 1 for right, is its codeword.
data CodeTree : Type where
  unused leaf : CodeTree
  branch      : CodeTree → CodeTree → CodeTree

Leaf : CodeTree → Type
Leaf unused       = ⊥
Leaf leaf         = Unit
Leaf (branch l r) = Leaf l ⊎ Leaf r

codeword : (t : CodeTree) → Leaf t → BitString
codeword leaf         _       = []
codeword (branch l r) (inl x) = false ∷ codeword l x
codeword (branch l r) (inr x) = true ∷ codeword r x

height : CodeTree → ℕ
height unused       = 0
height leaf         = 0
height (branch l r) = suc (max (height l) (height r))

leafSum : (t : CodeTree) → (Leaf t → ℕ) → ℕ
leafSum unused       f = 0
leafSum leaf         f = f tt
leafSum (branch l r) f = leafSum l (λ x → f (inl x)) + leafSum r (λ x → f (inr x))

-- Symbols and unused positions change places; a tree is full if no position is unused.
complement : CodeTree → CodeTree
complement unused       = leaf
complement leaf         = unused
complement (branch l r) = branch (complement l) (complement r)

IsFull : CodeTree → Type
IsFull unused       = ⊥
IsFull leaf         = Unit
IsFull (branch l r) = IsFull l × IsFull r

-- No codeword of a code tree is a prefix of another symbol's.
codewordsPrefixFree : (t : CodeTree) (x y : Leaf t) → codeword t x ⊑ codeword t y → x ≡ y
codewordsPrefixFree leaf         x       y       _       = refl
codewordsPrefixFree (branch l r) (inl x) (inl y) (v , e) =
  cong inl (codewordsPrefixFree l x y (v , cong rest e))
codewordsPrefixFree (branch l r) (inl x) (inr y) (v , e) = ⊥.rec (0≢1 e)
codewordsPrefixFree (branch l r) (inr x) (inl y) (v , e) = ⊥.rec (0≢1 (sym e))
codewordsPrefixFree (branch l r) (inr x) (inr y) (v , e) =
  cong inr (codewordsPrefixFree r x y (v , cong rest e))

-- Σ 2^(-d) over the symbols, where d is the length of the codeword, in units of 2^(-N).
treeSum : ℕ → CodeTree → ℕ
treeSum N t = leafSum t (λ x → 2 ^ (N ∸ length (codeword t x)))

-- Where the slack in Kraft's inequality goes: Σ 2^(-d) over the symbols of a code tree plus Σ 2^(-d) over its
-- unused positions is exactly 1.
kraftBudget : (t : CodeTree) (N : ℕ) → height t ≤ N → treeSum N t + treeSum N (complement t) ≡ 2 ^ N
kraftBudget unused       N       _   = refl
kraftBudget leaf         N       _   = +-zero (2 ^ N)
kraftBudget (branch l r) zero    h≤0 = ⊥.rec (¬-<-zero h≤0)
kraftBudget (branch l r) (suc N) h≤N =
    interchange (treeSum N l) (treeSum N r) (treeSum N (complement l)) (treeSum N (complement r))
  ∙ cong₂ _+_ (kraftBudget l N (≤-trans left-≤-max (pred-≤-pred h≤N)))
              (kraftBudget r N (≤-trans (right-≤-max {m = height l}) (pred-≤-pred h≤N)))
  ∙ 2^n+2^n N

-- Kraft's inequality for code trees: Σ 2^(-d) ≤ 1 over the depths d of the symbols.
kraftTree : (t : CodeTree) (N : ℕ) → height t ≤ N → treeSum N t ≤ 2 ^ N
kraftTree t N h≤N = subst (treeSum N t ≤_) (kraftBudget t N h≤N) ≤SumLeft

-- Equality in Kraft's inequality for code trees without an unused position.
kraftFullTree : (t : CodeTree) (N : ℕ) → IsFull t → height t ≤ N → treeSum N t ≡ 2 ^ N
kraftFullTree t N full h≤N =
    sym (+-zero (treeSum N t))
  ∙ cong (treeSum N t +_) (sym (nothingUnused t full _))
  ∙ kraftBudget t N h≤N
  where
  nothingUnused : (t : CodeTree) → IsFull t → (f : Leaf (complement t) → ℕ)
                → leafSum (complement t) f ≡ 0
  nothingUnused leaf         _         f = refl
  nothingUnused (branch l r) (fl , fr) f = cong₂ _+_ (nothingUnused l fl _) (nothingUnused r fr _)

encode : (t : CodeTree) → List (Leaf t) → BitString
encode t = code (codeword t)

module _ (l r : CodeTree) where

  private
    Symbol : Type
    Symbol = Leaf (branch l r)

  -- Walk down from the root; at a symbol write it and return to the root.
  decode : BitString → Maybe (List Symbol)
  walk   : (t : CodeTree) → (Leaf t → Symbol) → BitString → Maybe (List Symbol)

  decode []           = just []
  decode (false ∷ bs) = walk l inl bs
  decode (true ∷ bs)  = walk r inr bs

  walk unused         _      _            = nothing
  walk leaf           symbol bs           = map-Maybe (symbol tt ∷_) (decode bs)
  walk (branch l′ r′) _      []           = nothing
  walk (branch l′ r′) symbol (false ∷ bs) = walk l′ (λ x → symbol (inl x)) bs
  walk (branch l′ r′) symbol (true ∷ bs)  = walk r′ (λ x → symbol (inr x)) bs

  -- A codeword takes the walk to its symbol, whatever follows.
  walkCodeword : (t : CodeTree) (symbol : Leaf t → Symbol) (x : Leaf t) (bs : BitString)
               → walk t symbol (codeword t x ++ bs) ≡ map-Maybe (symbol x ∷_) (decode bs)
  walkCodeword leaf           symbol x       bs = refl
  walkCodeword (branch l′ r′) symbol (inl x) bs = walkCodeword l′ (λ y → symbol (inl y)) x bs
  walkCodeword (branch l′ r′) symbol (inr x) bs = walkCodeword r′ (λ y → symbol (inr y)) x bs

  -- A message coded by a tree with a branch at its root is read back, symbol
  -- by symbol.
  decodeEncode : (xs : List (Leaf (branch l r))) → decode (encode (branch l r) xs) ≡ just xs
  decodeEncode []           = refl
  decodeEncode (inl x ∷ xs) = walkCodeword l inl x _ ∙ cong (map-Maybe (inl x ∷_)) (decodeEncode xs)
  decodeEncode (inr x ∷ xs) = walkCodeword r inr x _ ∙ cong (map-Maybe (inr x ∷_)) (decodeEncode xs)
