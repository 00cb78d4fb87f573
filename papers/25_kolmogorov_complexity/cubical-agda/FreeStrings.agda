{-# OPTIONS --safe #-}
{-
Strings that are free to be given away (Allocation): none a prefix of another one, their lengths increasing.

  Apart u v        neither is a prefix of the other one
  Ascending b fs   the lengths of fs increase strictly, from b or more
  sumOf N fs       Σ 2^(-l(f)), in units of 2^(-N)

Because the lengths are different, Σ 2^(-l(f)) < 2^(-d) if all are longer than d.
-}
module FreeStrings where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (false; true)
open import Cubical.Data.Sum using (_⊎_; inl; inr) renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (_×_; _,_)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-suc; +-zero; +-comm; +-assoc; +∸)
open import Cubical.Data.Nat.Order
  using ( _≤_; _<_; suc-≤-suc; ≤-refl; ≤-suc; ≤-trans; ≤-k+; ≤SumLeft
        ; ¬m<m; <-split )
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; length++; ++-assoc)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole using (_∈_)
open import S30.BitStrings
open import PrefixCode
  using (_⊑_; ⊑-refl; ⊑-trans; Apart; PrefixFree; comparable; cancelPrefix; kraftSum)
open import Allocation

private
  variable
    N : ℕ

-------------------------------------------------------------------------------
-- Strings apart
-------------------------------------------------------------------------------

-- What begins with strings that are apart is apart.
apartAbove : {u v u′ v′ : BitString} → Apart u v → u ⊑ u′ → v ⊑ v′ → Apart u′ v′
apartAbove {u} {v} {u′} {v′} (u⋢v , v⋢u) (s , p) (t , q) =
  (λ (z , e) → clash (s ++ z) t (sym (++-assoc u s z) ∙ cong (_++ z) p ∙ e ∙ sym q)) ,
  (λ (z , e) → clash s (t ++ z) (p ∙ sym e ∙ cong (_++ z) (sym q) ∙ ++-assoc v t z))
  where
  clash : (x y : BitString) → ¬ (u ++ x ≡ v ++ y)
  clash x y e with comparable u v e
  ... | inl u⊑v = u⋢v u⊑v
  ... | inr v⊑u = v⋢u v⊑u

apartSym : {u v : BitString} → Apart u v → Apart v u
apartSym (u⋢v , v⋢u) = v⋢u , u⋢v

grown : (f v : BitString) (b : _) → v ≡ f ++ (b ∷ []) → length v ≡ suc (length f)
grown f v b e = cong length e ∙ length++ f (b ∷ []) ∙ +-comm (length f) 1

siblingsApart : (f : BitString) → Apart (f 1̂) (f 0̂)
siblingsApart f =
  (λ (z , e) → 0≢1 (sym (cancelPrefix f (sym (++-assoc f _ z) ∙ e)))) ,
  (λ (z , e) → 0≢1 (cancelPrefix f (sym (++-assoc f _ z) ∙ e)))

-------------------------------------------------------------------------------
-- Free strings of increasing lengths
-------------------------------------------------------------------------------

Short : ℕ → List BitString → Type
Short N fs = (f : BitString) → f ∈ fs → length f ≤ N

Ascending : ℕ → List BitString → Type
Ascending b []       = Unit
Ascending b (f ∷ fs) = (b ≤ length f) × Ascending (suc (length f)) fs

sumOf : ℕ → List BitString → ℕ
sumOf N fs = kraftSum N (map length fs)

size : (d k : ℕ) → k + d ≡ N → N ∸ d ≡ k
size d k e = cong (_∸ d) (sym e) ∙ +∸ k d

halves : {d : ℕ} → suc d ≤ N → 2 ^ (N ∸ suc d) + 2 ^ (N ∸ suc d) ≡ 2 ^ (N ∸ d)
halves {d = d} (k , e) =
    cong (λ m → 2 ^ m + 2 ^ m) (size (suc d) k e) ∙ 2^n+2^n k
  ∙ cong (2 ^_) (sym (size d (suc k) (sym (+-suc k d) ∙ e)))

-- Different lengths, none below b: the sum is less than 2^(N + 1 - b).
ascendingSum : (m b : ℕ) → b + m ≡ suc N → (fs : List BitString)
             → Ascending b fs → Short N fs → sumOf N fs < 2 ^ m
ascendingSum m       b e []       _           _     = 2^>0 m
  where
  2^>0 : (m : ℕ) → 0 < 2 ^ m
  2^>0 zero    = ≤-refl
  2^>0 (suc m) = ≤-trans (2^>0 m) ≤SumLeft
ascendingSum zero    b e (f ∷ fs) (b≤f , _)   short =
  ⊥.rec (¬m<m (≤-trans (subst (_≤ length f) (sym (+-zero b) ∙ e) b≤f) (short f (inl refl))))
ascendingSum {N} (suc m) b e (f ∷ fs) (b≤f , asc) short with <-split (suc-≤-suc b≤f)
... | inl b<f = ≤-trans
      (ascendingSum m (suc b) (sym (+-suc b m) ∙ e) (f ∷ fs) (b<f , asc) short) ≤SumLeft
... | inr b≡f = subst2 _<_ refl (2^n+2^n m)
      (subst (λ h → 2 ^ h + sumOf N fs < 2 ^ m + 2 ^ m) (sym (cong (N ∸_) (sym b≡f) ∙ size b m m+b≡N))
        (subst (_≤ 2 ^ m + 2 ^ m) (+-suc (2 ^ m) (sumOf N fs)) (≤-k+ {k = 2 ^ m}
          (ascendingSum m (suc (length f)) (cong (λ h → suc h + m) (sym b≡f) ∙ sym (+-suc b m) ∙ e)
            fs asc (λ g g∈ → short g (inr g∈))))))
  where
  m+b≡N : m + b ≡ N
  m+b≡N = +-comm m b ∙ cong (λ h → h ∸ 1) (sym (+-suc b m) ∙ e)

-------------------------------------------------------------------------------
-- Splitting one free string
-------------------------------------------------------------------------------

lengthGiven : (f : BitString) (k : ℕ) → length (given f k) ≡ k + length f
lengthGiven f zero    = refl
lengthGiven f (suc k) =
  lengthGiven (f 0̂) k ∙ cong (k +_) (grown f _ false refl) ∙ +-suc k (length f)

aboveGiven : (f : BitString) (k : ℕ) → f ⊑ given f k
aboveGiven f zero    = ⊑-refl f
aboveGiven f (suc k) = ⊑-trans (_ , refl) (aboveGiven (f 0̂) k)

aboveSiblings : (f : BitString) (k : ℕ) (v : BitString) → v ∈ siblings f k → f ⊑ v
aboveSiblings f (suc k) v (inl v≡f1) = _ , sym v≡f1
aboveSiblings f (suc k) v (inr m)    = ⊑-trans (_ , refl) (aboveSiblings (f 0̂) k v m)

splitFree : (f : BitString) (k : ℕ) → PrefixFree (given f k ∷ siblings f k)
splitFree f zero    = (λ _ ()) , tt
splitFree f (suc k) with splitFree (f 0̂) k
... | apart , free =
  (λ { v (inl v≡f1) → subst (Apart (given (f 0̂) k)) (sym v≡f1)
         (apartSym (apartAbove (siblingsApart f) (⊑-refl (f 1̂)) (aboveGiven (f 0̂) k)))
     ; v (inr m) → apart v m }) ,
  (λ v m → apartAbove (siblingsApart f) (⊑-refl (f 1̂)) (aboveSiblings (f 0̂) k v m)) , free

splitShort : (f : BitString) (k : ℕ) → k + length f ≤ N → Short N (siblings f k)
splitShort {N} f (suc k) d≤N v (inl v≡f1) =
  subst (_≤ N) (sym (grown f v true v≡f1))
    (≤-trans (suc-≤-suc (subst (length f ≤_) (+-comm (length f) k) ≤SumLeft)) d≤N)
splitShort {N} f (suc k) d≤N v (inr m) =
  splitShort (f 0̂) k (subst (_≤ N) (sym (+-suc k _) ∙ cong (k +_) (sym (grown f _ false refl))) d≤N) v m

splitAscending : (f : BitString) (k l : ℕ) → length f ≡ l → (fs : List BitString)
               → Ascending (suc (k + l)) fs → Ascending (suc l) (siblings f k ++ fs)
splitAscending f zero    l e fs asc = asc
splitAscending f (suc k) l e fs asc =
  (0 , sym lengthF1) ,
  subst (λ h → Ascending (suc h) (siblings (f 0̂) k ++ fs)) (sym lengthF1)
    (splitAscending (f 0̂) k (suc l) (grown f _ false refl ∙ cong suc e) fs
      (subst (λ h → Ascending (suc h) fs) (sym (+-suc k l)) asc))
  where
  lengthF1 : length (f 1̂) ≡ suc l
  lengthF1 = grown f _ true refl ∙ cong suc e

-- Nothing is lost: 2^(-l(f)) is 2^(-d) for the string given away plus the sum of the siblings.
splitSum : (f : BitString) (k : ℕ) → k + length f ≤ N
         → 2 ^ (N ∸ length f) ≡ 2 ^ (N ∸ (k + length f)) + sumOf N (siblings f k)
splitSum f zero    _   = sym (+-zero _)
splitSum {N} f (suc k) d≤N =
    sym (halves (≤-trans (suc-≤-suc (subst (length f ≤_) (+-comm (length f) k) ≤SumLeft)) d≤N))
  ∙ cong₂ _+_
      (cong (λ h → 2 ^ (N ∸ h)) (sym (grown f _ true refl)))
      (cong (λ h → 2 ^ (N ∸ h)) (sym (grown f _ false refl))
        ∙ splitSum (f 0̂) k (subst (_≤ N) (sym same) d≤N)
        ∙ cong (λ h → 2 ^ (N ∸ h) + sumOf N (siblings (f 0̂) k)) same)
  ∙ +-assoc (2 ^ (N ∸ length (f 1̂))) _ _
  ∙ cong (_+ sumOf N (siblings (f 0̂) k)) (+-comm (2 ^ (N ∸ length (f 1̂))) _)
  ∙ sym (+-assoc (2 ^ (N ∸ (suc k + length f))) _ _)
  where
  same : k + length (f 0̂) ≡ suc (k + length f)
  same = cong (k +_) (grown f _ false refl) ∙ +-suc k (length f)

