{-# OPTIONS --safe #-}
{-
Prefix codes as sets (chapters 4 and 7): strings none of which is a prefix of another one, with Kraft's
inequality and unique decoding.

  u ⊑ w              u is a prefix of w
  PrefixFree ws      no string of the list is a prefix of another one
  kraftSum N ds      Σ 2^(N-d), that is Σ 2^(-d) in units of 2^(-N), so that it is a natural
                     number; Σ 2^(-d) ≤ 1 becomes kraftSum N ds ≤ 2 ^ N
  code c xs          the codewords of the symbols xs, one after the other
-}
module PrefixCode where

open import Cubical.Foundations.Prelude
  using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (Bool; true; false)
open import Cubical.Data.Sum as ⊎ using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _∸_; _^_; znots; +-zero; +-assoc)
open import Cubical.Data.Nat.Order
  using ( _≤_; zero-≤; pred-≤-pred; ≤-+-≤; ¬-<-zero)
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

-- Kraft's inequality: the lengths d ≤ N of the strings of a finite prefix-free set satisfy Σ 2^(-d) ≤ 1.
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
