{-# OPTIONS --safe #-}
{-
The converse of Kraft's inequality: lengths with Σ 2^(-d) ≤ 1, in any order, are the lengths of a
prefix-free list of strings, the one that `Allocation` gives away.

  Ascending b fs   the lengths of fs increase strictly, from b or more
  Placed           what is true of a request that was answered

Because the lengths of the free strings are different, Σ 2^(-l(fᵢ)) < 2^(-d) if all are longer than d:
while the sum of the requests is at most 1, there is always a place.
-}
module KraftConverse where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (false; true)
open import Cubical.Data.Sum using (_⊎_; inl; inr) renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-suc; +-zero; +-comm; +-assoc; +∸)
open import Cubical.Data.Nat.Order
  using ( _≤_; _<_; zero-≤; suc-≤-suc; ≤-refl; ≤-suc; ≤-trans; ≤-k+; ≤-k+-cancel; ≤SumLeft
        ; ¬m<m; <-split; splitℕ-≤ )
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; length++; ++-assoc; ++-unit-r)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole using (_∈_; ∈Concat)
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

private
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

private
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

private
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

-------------------------------------------------------------------------------
-- One request
-------------------------------------------------------------------------------

private
  sumOf++ : (us vs : List BitString) → sumOf N (us ++ vs) ≡ sumOf N us + sumOf N vs
  sumOf++ []       vs = refl
  sumOf++ {N} (u ∷ us) vs =
    cong (2 ^ (N ∸ length u) +_) (sumOf++ us vs) ∙ +-assoc (2 ^ (N ∸ length u)) _ _

  prefixFree++ : (us vs : List BitString) → PrefixFree us → PrefixFree vs
               → ((u v : BitString) → u ∈ us → v ∈ vs → Apart u v) → PrefixFree (us ++ vs)
  prefixFree++ []       vs _          free _     = free
  prefixFree++ (u ∷ us) vs (a , free) free′ apart =
    (λ v m → ⊎-rec (a v) (apart u v (inl refl)) (∈Concat us vs m)) ,
    prefixFree++ us vs free free′ (λ u′ v m n → apart u′ v (inr m) n)

  record Placed (N d b : ℕ) (fs : List BitString) : Type where
    constructor placed
    field
      word       : BitString
      left       : List BitString
      found      : place d fs ≡ just (word , left)
      lengthWord : length word ≡ d
      ascending  : Ascending b left
      short      : Short N left
      free       : PrefixFree (word ∷ left)
      above      : (v : BitString) → v ∈ (word ∷ left) → Σ[ f ∈ BitString ] (f ∈ fs) × (f ⊑ v)
      budget     : sumOf N fs ≡ 2 ^ (N ∸ d) + sumOf N left

  -- Where f is not longer than d, a later string serves, or f is split.
  later : {d : ℕ} (f : BitString) (fs : List BitString) → length f ≤ d → {w : BitString} {left : List BitString}
        → place d fs ≡ just (w , left) → place d (f ∷ fs) ≡ just (w , f ∷ left)
  later {d} f fs f≤d found with splitℕ-≤ (length f) d
  ... | inl f≤d′ = cong (choose d f fs (inl f≤d′)) found
  ... | inr d<f = ⊥.rec (¬m<m (≤-trans d<f f≤d))

  here : {d : ℕ} (f : BitString) (fs : List BitString) → length f ≤ d → place d fs ≡ nothing
       → place d (f ∷ fs) ≡ just (given f (d ∸ length f) , siblings f (d ∸ length f) ++ fs)
  here {d} f fs f≤d none with splitℕ-≤ (length f) d
  ... | inl f≤d′ = cong (choose d f fs (inl f≤d′)) none
  ... | inr d<f = ⊥.rec (¬m<m (≤-trans d<f f≤d))

  -- Where all free strings are longer than d there is no place.
  noPlace : {d : ℕ} (fs : List BitString) → Ascending (suc d) fs → place d fs ≡ nothing
  noPlace     []       _         = refl
  noPlace {d} (f ∷ fs) (d<f , _) with splitℕ-≤ (length f) d
  ... | inl f≤d = ⊥.rec (¬m<m (≤-trans d<f f≤d))
  ... | inr _   = refl

  -- The first free string is the one to split: the others are longer than d.
  splitFirst : (d b : ℕ) (f : BitString) (fs : List BitString) → d ≤ N → length f ≤ d
             → b ≤ length f → Ascending (suc d) fs → Short N (f ∷ fs) → PrefixFree (f ∷ fs)
             → Placed N d b (f ∷ fs)
  splitFirst {N} d b f fs d≤N f≤d b≤f asc short (apart , free) = placed
    (given f k) (siblings f k ++ fs)
    (here f fs f≤d (noPlace fs asc))
    (lengthGiven f k ∙ k+f≡d)
    (lower b≤f (siblings f k ++ fs)
      (splitAscending f k (length f) refl fs (subst (λ h → Ascending (suc h) fs) (sym k+f≡d) asc)))
    (λ v m → ⊎-rec (splitShort f k k+f≤N v) (λ n → short v (inr n)) (∈Concat (siblings f k) fs m))
    (prefixFree++ (given f k ∷ siblings f k) fs (splitFree f k) free
      (λ u v m n → apartAbove (apart v n) (aboveOne u m) (⊑-refl v)))
    (λ v m → ⊎-rec (λ n → f , inl refl , aboveOne v n) (λ n → v , inr n , ⊑-refl v)
      (∈Concat (given f k ∷ siblings f k) fs m))
    (cong (_+ sumOf N fs) (splitSum f k k+f≤N) ∙ sym (+-assoc (2 ^ (N ∸ (k + length f))) _ _)
      ∙ cong₂ (λ h s → 2 ^ (N ∸ h) + s) k+f≡d (sym (sumOf++ (siblings f k) fs)))
    where
    k : ℕ
    k = d ∸ length f

    k+f≡d : k + length f ≡ d
    k+f≡d = cong (_+ length f) (size (length f) (f≤d .fst) (f≤d .snd)) ∙ f≤d .snd

    k+f≤N : k + length f ≤ N
    k+f≤N = subst (_≤ N) (sym k+f≡d) d≤N

    aboveOne : (u : BitString) → u ∈ (given f k ∷ siblings f k) → f ⊑ u
    aboveOne u (inl u≡w) = subst (f ⊑_) (sym u≡w) (aboveGiven f k)
    aboveOne u (inr m)   = aboveSiblings f k u m

    lower : {b c : ℕ} → b ≤ c → (gs : List BitString) → Ascending (suc c) gs → Ascending b gs
    lower b≤c []       _           = tt
    lower b≤c (g ∷ gs) (c≤g , asc) = ≤-trans b≤c (≤-trans (≤-suc ≤-refl) c≤g) , asc

  onePlaced : (d b : ℕ) (f : BitString) (fs : List BitString) → d ≤ N → length f ≤ d
            → Ascending b (f ∷ fs) → Short N (f ∷ fs) → PrefixFree (f ∷ fs) → Placed N d b (f ∷ fs)
  onePlaced d b f [] d≤N f≤d (b≤f , _) short free = splitFirst d b f [] d≤N f≤d b≤f tt short free
  onePlaced {N} d b f (g ∷ gs) d≤N f≤d (b≤f , f<g , asc) short free@(apart , free′)
    with splitℕ-≤ (length g) d
  ... | inr d<g = splitFirst d b f (g ∷ gs) d≤N f≤d b≤f (d<g , asc) short free
  ... | inl g≤d = placed word (f ∷ left) (later f (g ∷ gs) f≤d found) lengthWord (b≤f , ascending)
    (λ { v (inl v≡f) → short v (inl v≡f) ; v (inr m) → shortLeft v m })
    ((λ { v (inl v≡f) → subst (Apart word) (sym v≡f) (apartSym (apartFrom word (inl refl)))
        ; v (inr m) → freeLeft .fst v m })
     , (λ v m → apartFrom v (inr m)) , freeLeft .snd)
    (λ { v (inl v≡w) → let (h , h∈ , h⊑v) = above v (inl v≡w) in h , inr h∈ , h⊑v
       ; v (inr (inl v≡f)) → f , inl refl , [] , ++-unit-r f ∙ sym v≡f
       ; v (inr (inr m)) → let (h , h∈ , h⊑v) = above v (inr m) in h , inr h∈ , h⊑v })
    (cong (2 ^ (N ∸ length f) +_) budget ∙ +-assoc (2 ^ (N ∸ length f)) _ _
      ∙ cong (_+ sumOf N left) (+-comm (2 ^ (N ∸ length f)) _)
      ∙ sym (+-assoc (2 ^ (N ∸ d)) _ _))
    where
    open Placed (onePlaced d (suc (length f)) g gs d≤N g≤d (f<g , asc) (λ v m → short v (inr m)) free′)
      renaming (short to shortLeft; free to freeLeft)

    apartFrom : (v : BitString) → v ∈ (word ∷ left) → Apart f v
    apartFrom v m = let (h , h∈ , h⊑v) = above v m in apartAbove (apart h h∈) (⊑-refl f) h⊑v

-------------------------------------------------------------------------------
-- All requests
-------------------------------------------------------------------------------

module _ {A : Type} where

  -- The length that a codeword has, and what it is for: what was asked.
  request : BitString × A → ℕ × A
  request (w , a) = length w , a

  private
    -- Free strings that are all longer than d cannot hold what is asked for.
    tooLong : (d : ℕ) (ds : List ℕ) → d ≤ N → (fs : List BitString)
            → Ascending (suc d) fs → Short N fs → ¬ (kraftSum N (d ∷ ds) ≤ sumOf N fs)
    tooLong {N} d ds (k , e) fs asc short sum = ¬m<m (≤-trans
      (ascendingSum (N ∸ d) (suc d) (cong (suc d +_) (size d k e) ∙ cong suc (+-comm d k ∙ e)) fs asc short)
      (≤-trans ≤SumLeft sum))

    Served : List BitString → List (ℕ × A) → List (BitString × A) → Type
    Served fs rs ws = (map request ws ≡ rs) × PrefixFree (map fst ws)
      × ((w : BitString) → w ∈ map fst ws → Σ[ f ∈ BitString ] (f ∈ fs) × (f ⊑ w))

    serve : (rs : List (ℕ × A)) → ((d : ℕ) → d ∈ map fst rs → d ≤ N) → (fs : List BitString)
          → Ascending 0 fs → Short N fs → PrefixFree fs → kraftSum N (map fst rs) ≤ sumOf N fs
          → Served fs rs (allocate fs rs)
    serve [] _ _ _ _ _ _ = refl , tt , λ _ ()
    serve ((d , a) ∷ rs) low [] _ _ _ sum = ⊥.rec (tooLong d (map fst rs) (low d (inl refl)) [] tt (λ _ ()) sum)
    serve {N} ((d , a) ∷ rs) low (f ∷ fs) asc short free sum = subst (λ p → Served (f ∷ fs) ((d , a) ∷ rs) (give a rs p)) (sym found)
        ( cong₂ _∷_ (cong (_, a) lengthWord) requested
        , ((λ w m → let (g , g∈ , g⊑w) = aboveLeft w m in
              apartAbove (freeLeft .fst g g∈) (⊑-refl word) g⊑w) , freeWs)
        , (λ { w (inl w≡) → above w (inl w≡)
             ; w (inr m) → let (g , g∈ , g⊑w) = aboveLeft w m
                               (h , h∈ , h⊑g) = above g (inr g∈) in h , h∈ , ⊑-trans h⊑g g⊑w }))
      where
      f≤d : length f ≤ d
      f≤d = ⊎-rec (λ f≤d → f≤d)
        (λ d<f → ⊥.rec (tooLong d (map fst rs) (low d (inl refl)) (f ∷ fs) (d<f , asc .snd) short sum))
        (splitℕ-≤ (length f) d)

      open Placed (onePlaced d 0 f fs (low d (inl refl)) f≤d asc short free)
        renaming (short to shortLeft; free to freeLeft)

      served : Served left rs (allocate left rs)
      served = serve rs (λ e m → low e (inr m)) left ascending shortLeft (freeLeft .snd)
        (≤-k+-cancel {k = 2 ^ (N ∸ d)} (subst (kraftSum N (d ∷ map fst rs) ≤_) budget sum))

      requested = served .fst
      freeWs    = served .snd .fst
      aboveLeft = served .snd .snd

  -- The converse of Kraft's inequality: requests with Σ 2^(-d) ≤ 1, in any order and with
  -- repetitions, are all answered, by strings of the lengths asked for, none a prefix of another one.
  kraftConverse : (N : ℕ) (rs : List (ℕ × A)) → ((d : ℕ) → d ∈ map fst rs → d ≤ N)
                → kraftSum N (map fst rs) ≤ 2 ^ N
                → (map request (answer rs) ≡ rs) × PrefixFree (map fst (answer rs))
  kraftConverse N rs low sum =
    let (requested , free , _) =
          serve rs low ([] ∷ []) (zero-≤ , tt) (λ { f (inl f≡[]) → subst (_≤ N) (sym (cong length f≡[])) zero-≤ })
            ((λ _ ()) , tt) (subst (kraftSum N (map fst rs) ≤_) (sym (+-zero (2 ^ N))) sum)
    in requested , free
