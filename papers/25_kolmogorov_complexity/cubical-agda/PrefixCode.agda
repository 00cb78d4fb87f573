{-# OPTIONS --safe #-}
{-
Prefix codes. First as sets: strings none of which is a prefix of another one, with the Kraft
inequality and unique decoding. Then as code trees: the Kraft sum exactly, and a decoder.

  u ⊑ w              u is a prefix of w
  PrefixFree ws      no string of the list is a prefix of another one
  kraftSum N ds      Σ 2^(N-d), that is Σ 2^(-d) in units of 2^(-N), so that it is a natural
                     number; Σ 2^(-d) ≤ 1 becomes kraftSum N ds ≤ 2 ^ N
  code c xs          the codewords of the symbols xs, one after the other
  CodeTree, Leaf t   a binary tree, and its symbols
  codeword t x       the way from the root to the symbol x
  treeSum N t        Σ 2^(N-d) over the lengths d of the codewords
-}
module PrefixCode where

open import Cubical.Foundations.Prelude
  using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (Bool; true; false)
open import Cubical.Data.Sum as ⊎ using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just; map-Maybe)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _∸_; _^_; max; znots; +-zero; +-comm; +-assoc)
open import Cubical.Data.Nat.Order
  using ( _≤_; zero-≤; ≤-trans; pred-≤-pred; ≤-+-≤; ≤SumLeft; ¬-<-zero
        ; left-≤-max; right-≤-max)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; ++-assoc; ++-unit-r)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole
open import S30.BitStrings
open import S30.Counting using (interchange)

-------------------------------------------------------------------------------
-- Prefix-free sets
-------------------------------------------------------------------------------

infix 4 _⊑_

_⊑_ : BitString → BitString → Type
u ⊑ w = Σ[ v ∈ BitString ] (u ++ v ≡ w)

⊑-refl : (u : BitString) → u ⊑ u
⊑-refl u = [] , ++-unit-r u

⊑-trans : {u v w : BitString} → u ⊑ v → v ⊑ w → u ⊑ w
⊑-trans {u} (s , p) (t , q) = s ++ t , sym (++-assoc u s t) ∙ cong (_++ t) p ∙ q

-- Neither string is a prefix of the other one.
Apart : BitString → BitString → Type
Apart u v = (¬ (u ⊑ v)) × (¬ (v ⊑ u))

-- No string of the list is a prefix of another one.
PrefixFree : List BitString → Type
PrefixFree []       = Unit
PrefixFree (w ∷ ws) = ((v : BitString) → v ∈ ws → Apart w v) × PrefixFree ws

-- Σ 2^(N-d): the sum of 2^(-d) in units of 2^(-N), a natural number when all d ≤ N.
kraftSum : ℕ → List ℕ → ℕ
kraftSum N []       = 0
kraftSum N (d ∷ ds) = 2 ^ (N ∸ d) + kraftSum N ds

private
  -- What follows the first bit b in the strings that begin with b.
  after : Bool → List BitString → List BitString
  after b     []                 = []
  after b     ([] ∷ ws)          = after b ws
  after false ((false ∷ w) ∷ ws) = w ∷ after false ws
  after false ((true ∷ w) ∷ ws)  = after false ws
  after true  ((false ∷ w) ∷ ws) = after true ws
  after true  ((true ∷ w) ∷ ws)  = w ∷ after true ws

  ∈After : (b : Bool) (ws : List BitString) {v : BitString} → v ∈ after b ws → (b ∷ v) ∈ ws
  ∈After b     ([] ∷ ws)          m       = inr (∈After b ws m)
  ∈After false ((false ∷ w) ∷ ws) (inl e) = inl (cong (false ∷_) e)
  ∈After false ((false ∷ w) ∷ ws) (inr m) = inr (∈After false ws m)
  ∈After false ((true ∷ w) ∷ ws)  m       = inr (∈After false ws m)
  ∈After true  ((false ∷ w) ∷ ws) m       = inr (∈After true ws m)
  ∈After true  ((true ∷ w) ∷ ws)  (inl e) = inl (cong (true ∷_) e)
  ∈After true  ((true ∷ w) ∷ ws)  (inr m) = inr (∈After true ws m)

  apartAfter : (b : Bool) (w : BitString) (ws : List BitString)
             → ((v : BitString) → v ∈ ws → Apart (b ∷ w) v)
             → (v : BitString) → v ∈ after b ws → Apart w v
  apartAfter b w ws apart v m =
    (λ (z , e) → apart (b ∷ v) (∈After b ws m) .fst (z , cong (b ∷_) e)) ,
    (λ (z , e) → apart (b ∷ v) (∈After b ws m) .snd (z , cong (b ∷_) e))

  prefixFreeAfter : (b : Bool) (ws : List BitString) → PrefixFree ws → PrefixFree (after b ws)
  prefixFreeAfter b     []                 _       = tt
  prefixFreeAfter b     ([] ∷ ws)          (_ , f) = prefixFreeAfter b ws f
  prefixFreeAfter false ((false ∷ w) ∷ ws) (a , f) =
    apartAfter false w ws a , prefixFreeAfter false ws f
  prefixFreeAfter false ((true ∷ w) ∷ ws)  (_ , f) = prefixFreeAfter false ws f
  prefixFreeAfter true  ((false ∷ w) ∷ ws) (_ , f) = prefixFreeAfter true ws f
  prefixFreeAfter true  ((true ∷ w) ∷ ws)  (a , f) =
    apartAfter true w ws a , prefixFreeAfter true ws f

  -- Strings that begin with 0 and strings that begin with 1 share the sum.
  kraftSumAfter : (N : ℕ) (ws : List BitString) → ¬ ([] ∈ ws)
    → kraftSum (suc N) (map length ws)
    ≡ kraftSum N (map length (after false ws)) + kraftSum N (map length (after true ws))
  kraftSumAfter N []        _    = refl
  kraftSumAfter N ([] ∷ ws) none = ⊥.rec (none (inl refl))
  kraftSumAfter N ((false ∷ w) ∷ ws) none =
    cong (2 ^ (N ∸ length w) +_) (kraftSumAfter N ws (λ m → none (inr m)))
    ∙ +-assoc (2 ^ (N ∸ length w)) (kraftSum N (map length (after false ws))) _
  kraftSumAfter N ((true ∷ w) ∷ ws) none =
      cong (2 ^ (N ∸ length w) +_) (kraftSumAfter N ws (λ m → none (inr m)))
    ∙ interchange 0 (2 ^ (N ∸ length w)) (kraftSum N (map length (after false ws))) _

-- Kraft inequality: the lengths d of the strings of a prefix-free set satisfy Σ 2^(-d) ≤ 1.
kraftPrefixFree : (N : ℕ) (ws : List BitString) → PrefixFree ws
                → ((w : BitString) → w ∈ ws → length w ≤ N)
                → kraftSum N (map length ws) ≤ 2 ^ N
kraftPrefixFree N [] _ _ = zero-≤
kraftPrefixFree N ([] ∷ []) _ _ = 0 , +-zero (2 ^ N)
kraftPrefixFree N ([] ∷ v ∷ ws) (apart , _) _ = ⊥.rec (apart v (inl refl) .fst (v , refl))
kraftPrefixFree zero ((b ∷ w) ∷ ws) _ short = ⊥.rec (¬-<-zero (short (b ∷ w) (inl refl)))
kraftPrefixFree (suc N) ws@((b ∷ w) ∷ ws′) free@(apart , _) short =
  subst2 _≤_ (sym (kraftSumAfter N ws noEmpty)) (2^n+2^n N) (≤-+-≤ (half false) (half true))
  where
  noEmpty : ¬ ([] ∈ ws)
  noEmpty (inl e) = znots (cong length e)
  noEmpty (inr m) = apart [] m .snd (b ∷ w , refl)

  half : (a : Bool) → kraftSum N (map length (after a ws)) ≤ 2 ^ N
  half a = kraftPrefixFree N (after a ws) (prefixFreeAfter a ws free)
             (λ v m → pred-≤-pred (short (a ∷ v) (∈After a ws m)))

-------------------------------------------------------------------------------
-- Unique decoding
-------------------------------------------------------------------------------

cancelPrefix : (u : BitString) {v w : BitString} → u ++ v ≡ u ++ w → v ≡ w
cancelPrefix []      e = e
cancelPrefix (_ ∷ u) e = cancelPrefix u (cong rest e)

-- Of two beginnings of one string, one is a prefix of the other.
comparable : (u v : BitString) {s t : BitString} → u ++ s ≡ v ++ t → (u ⊑ v) ⊎ (v ⊑ u)
comparable []          v           _ = inl (v , refl)
comparable (_ ∷ _)     []          _ = inr (_ , refl)
comparable (false ∷ u) (false ∷ v) e =
  ⊎.map (λ (w , p) → w , cong (false ∷_) p) (λ (w , p) → w , cong (false ∷_) p) (comparable u v (cong rest e))
comparable (true ∷ u)  (true ∷ v)  e =
  ⊎.map (λ (w , p) → w , cong (true ∷_) p) (λ (w , p) → w , cong (true ∷_) p) (comparable u v (cong rest e))
comparable (false ∷ u) (true ∷ v)  e = ⊥.rec (0≢1 e)
comparable (true ∷ u)  (false ∷ v) e = ⊥.rec (0≢1 (sym e))

-- Codewords written one after the other, without separators.
code : {A : Type} → (A → BitString) → List A → BitString
code c []       = []
code c (x ∷ xs) = c x ++ code c xs

-- Unique decoding: different messages have different codes, if no codeword is a prefix of
-- another symbol's and none is empty.
codeInjective : {A : Type} (c : A → BitString)
              → ({x y : A} → c x ⊑ c y → x ≡ y) → ((x : A) → ¬ (c x ≡ []))
              → (xs ys : List A) → code c xs ≡ code c ys → xs ≡ ys
codeInjective {A} c prefixFree nonempty = injective
  where
  nothingFirst : (u : BitString) {s : BitString} → ¬ (u ≡ []) → ¬ ([] ≡ u ++ s)
  nothingFirst []      u≢[] _ = u≢[] refl
  nothingFirst (_ ∷ _) _    e = znots (cong length e)

  sameFirst : {x y : A} {s t : BitString} → c x ++ s ≡ c y ++ t → x ≡ y
  sameFirst {x} {y} e with comparable (c x) (c y) e
  ... | inl cx⊑cy = prefixFree cx⊑cy
  ... | inr cy⊑cx = sym (prefixFree cy⊑cx)

  injective : (xs ys : List A) → code c xs ≡ code c ys → xs ≡ ys
  injective []       []       _ = refl
  injective []       (y ∷ ys) e = ⊥.rec (nothingFirst (c y) (nonempty y) e)
  injective (x ∷ xs) []       e = ⊥.rec (nothingFirst (c x) (nonempty x) (sym e))
  injective (x ∷ xs) (y ∷ ys) e =
    let x≡y = sameFirst e in
    cong₂ _∷_ x≡y (injective xs ys
      (cancelPrefix (c y) (subst (λ z → c z ++ code c xs ≡ c y ++ code c ys) x≡y e)))

-------------------------------------------------------------------------------
-- Code trees
-------------------------------------------------------------------------------

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

-- The codewords of a tree are a prefix-free set.
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

-- Where the slack in Kraft's inequality goes: Σ 2^(-d) over the symbols plus Σ 2^(-d) over the
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

-- Kraft inequality for trees: Σ 2^(-d) ≤ 1 over the depths of the symbols …
kraftTree : (t : CodeTree) (N : ℕ) → height t ≤ N → treeSum N t ≤ 2 ^ N
kraftTree t N h≤N = subst (treeSum N t ≤_) (kraftBudget t N h≤N) ≤SumLeft

-- … with equality for full trees.
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
