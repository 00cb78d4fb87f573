{-# OPTIONS --safe #-}
{-
The converse of Kraft's inequality: lengths with Σ 2^(-d) ≤ 1, in any order, are the lengths of a
prefix-free list of strings, the one that `Allocation` gives away.

  Placed           what is true of a request that was answered

While the sum of the requests is at most 1, there is always a place (FreeStrings).
-}
module KraftConverse where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Sum using (_⊎_; inl; inr) renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-zero; +-comm; +-assoc; +∸)
open import Cubical.Data.Nat.Order
  using ( _≤_; zero-≤; ≤-refl; ≤-suc; ≤-trans; ≤-k+; ≤-k+-cancel; ≤SumLeft
        ; ¬m<m; splitℕ-≤ )
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; ++-unit-r)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole using (_∈_; ∈Concat)
open import S30.BitStrings
open import PrefixCode
  using (_⊑_; ⊑-refl; ⊑-trans; Apart; PrefixFree; kraftSum)
open import Allocation
open import FreeStrings

private
  variable
    N : ℕ

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

  -- The first free string is the one to split, where the others are longer than what is asked for, k + l(f) bits.
  splitFirst : {b : ℕ} (f : BitString) (fs : List BitString) (k : ℕ) → k + length f ≤ N → b ≤ length f
             → Ascending (suc (k + length f)) fs → Short N fs → ((v : BitString) → v ∈ fs → Apart f v) → PrefixFree fs
             → Placed N (k + length f) b (f ∷ fs)
  splitFirst {N} {b} f fs k fits b≤f asc short apart free = placed
    (given f k) (siblings f k ++ fs)
    (here f fs (k , refl) (noPlace fs asc) ∙ cong (λ n → just (given f n , siblings f n ++ fs)) (+∸ k (length f)))
    (lengthGiven f k)
    (lower (siblings f k ++ fs) (splitAscending f k (length f) refl fs asc))
    (λ v m → ⊎-rec (splitShort f k fits v) (short v) (∈Concat (siblings f k) fs m))
    (prefixFree++ (given f k ∷ siblings f k) fs (splitFree f k) free
      (λ u v m n → apartAbove (apart v n) (aboveOne u m) (⊑-refl v)))
    (λ v m → ⊎-rec (λ n → f , inl refl , aboveOne v n) (λ n → v , inr n , ⊑-refl v)
      (∈Concat (given f k ∷ siblings f k) fs m))
    (cong (_+ sumOf N fs) (splitSum f k fits) ∙ sym (+-assoc word _ _) ∙ cong (word +_) (sym (sumOf++ (siblings f k) fs)))
    where
    word : ℕ
    word = 2 ^ (N ∸ (k + length f))

    aboveOne : (u : BitString) → u ∈ (given f k ∷ siblings f k) → f ⊑ u
    aboveOne u (inl u≡w) = subst (f ⊑_) (sym u≡w) (aboveGiven f k)
    aboveOne u (inr m)   = aboveSiblings f k u m

    lower : (gs : List BitString) → Ascending (suc (length f)) gs → Ascending b gs
    lower []       _           = tt
    lower (g ∷ gs) (f<g , asc) = ≤-trans b≤f (≤-trans (≤-suc ≤-refl) f<g) , asc

  -- The first free string stays free, where a later one serves.
  serveLater : {d b : ℕ} (f : BitString) (fs : List BitString) → length f ≤ d → b ≤ length f → length f ≤ N
             → ((v : BitString) → v ∈ fs → Apart f v) → Placed N d (suc (length f)) fs → Placed N d b (f ∷ fs)
  serveLater {N} {d} f fs f≤d b≤f f≤N apart
             (placed word left found lengthWord ascending short (apartWord , free) above budget) = placed
    word (f ∷ left) (later f fs f≤d found) lengthWord (b≤f , ascending)
    (λ { v (inl v≡f) → subst (λ u → length u ≤ N) (sym v≡f) f≤N ; v (inr m) → short v m })
    ((λ { v (inl v≡f) → subst (Apart word) (sym v≡f) (apartSym (apartFrom word (inl refl)))
        ; v (inr m) → apartWord v m })
     , (λ v m → apartFrom v (inr m)) , free)
    (λ { v (inl v≡w) → fromLater v (inl v≡w)
       ; v (inr (inl v≡f)) → f , inl refl , [] , ++-unit-r f ∙ sym v≡f
       ; v (inr (inr m)) → fromLater v (inr m) })
    (cong (F +_) budget ∙ +-assoc F W L ∙ cong (_+ L) (+-comm F W) ∙ sym (+-assoc W F L))
    where
    F W L : ℕ
    F = 2 ^ (N ∸ length f)
    W = 2 ^ (N ∸ d)
    L = sumOf N left

    fromLater : (v : BitString) → v ∈ (word ∷ left) → Σ[ h ∈ BitString ] (h ∈ (f ∷ fs)) × (h ⊑ v)
    fromLater v m = let (h , h∈ , h⊑v) = above v m in h , inr h∈ , h⊑v

    apartFrom : (v : BitString) → v ∈ (word ∷ left) → Apart f v
    apartFrom v m = let (h , h∈ , h⊑v) = above v m in apartAbove (apart h h∈) (⊑-refl f) h⊑v

  onePlaced : (d b : ℕ) (f : BitString) (fs : List BitString) → d ≤ N → length f ≤ d
            → Ascending b (f ∷ fs) → Short N (f ∷ fs) → PrefixFree (f ∷ fs) → Placed N d b (f ∷ fs)
  onePlaced {N} d b f fs d≤N f≤d@(k , k+f≡d) (b≤f , asc) short (apart , free) = first fs asc shortOthers apart free
    where
    shortOthers : Short N fs
    shortOthers v m = short v (inr m)

    split : (fs : List BitString) → Ascending (suc d) fs → Short N fs → ((v : BitString) → v ∈ fs → Apart f v)
          → PrefixFree fs → Placed N d b (f ∷ fs)
    split fs d<fs short apart free = subst (λ e → Placed N e b (f ∷ fs)) k+f≡d
      (splitFirst f fs k (subst (_≤ N) (sym k+f≡d) d≤N) b≤f (subst (λ e → Ascending (suc e) fs) (sym k+f≡d) d<fs)
        short apart free)

    first : (fs : List BitString) → Ascending (suc (length f)) fs → Short N fs → ((v : BitString) → v ∈ fs → Apart f v)
          → PrefixFree fs → Placed N d b (f ∷ fs)
    first []       _           short apart free = split [] tt short apart free
    first (g ∷ gs) (f<g , asc) short′ apart free = ⊎-rec
      (λ g≤d → serveLater f (g ∷ gs) f≤d b≤f (short f (inl refl)) apart
        (onePlaced d (suc (length f)) g gs d≤N g≤d (f<g , asc) short′ free))
      (λ d<g → split (g ∷ gs) (d<g , asc) short′ apart free)
      (splitℕ-≤ (length g) d)

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

    -- A request that is answered by `word`, and others that are answered from what is left.
    servedToo : {d : ℕ} {a : A} {rs : List (ℕ × A)} {fs : List BitString} → (p : Placed N d 0 fs)
              → Served (p .Placed.left) rs (allocate (p .Placed.left) rs)
              → Served fs ((d , a) ∷ rs) (allocate fs ((d , a) ∷ rs))
    servedToo {d = d} {a} {rs} {fs} (placed word left found lengthWord _ _ (apartWord , _) above _)
              (requested , freeWs , aboveLeft) = subst (λ p → Served fs ((d , a) ∷ rs) (give a rs p)) (sym found)
        ( cong₂ _∷_ (cong (_, a) lengthWord) requested
        , ((λ w m → let (g , g∈ , g⊑w) = aboveLeft w m in apartAbove (apartWord g g∈) (⊑-refl word) g⊑w) , freeWs)
        , (λ { w (inl w≡) → above w (inl w≡)
             ; w (inr m) → let (g , g∈ , g⊑w) = aboveLeft w m
                               (h , h∈ , h⊑g) = above g (inr g∈) in h , h∈ , ⊑-trans h⊑g g⊑w }))

    serve : (rs : List (ℕ × A)) → ((d : ℕ) → d ∈ map fst rs → d ≤ N) → (fs : List BitString)
          → Ascending 0 fs → Short N fs → PrefixFree fs → kraftSum N (map fst rs) ≤ sumOf N fs
          → Served fs rs (allocate fs rs)
    serve [] _ _ _ _ _ _ = refl , tt , λ _ ()
    serve ((d , a) ∷ rs) low [] _ _ _ sum = ⊥.rec (tooLong d (map fst rs) (low d (inl refl)) [] tt (λ _ ()) sum)
    serve {N} ((d , a) ∷ rs) low (f ∷ fs) asc short free sum = servedToo p (serve rs (λ e m → low e (inr m)) left
        (p .ascending) (p .Placed.short) (p .Placed.free .snd)
        (≤-k+-cancel {k = 2 ^ (N ∸ d)} (subst (kraftSum N (d ∷ map fst rs) ≤_) (p .budget) sum)))
      where
      open Placed using (ascending; budget)

      f≤d : length f ≤ d
      f≤d = ⊎-rec (λ f≤d → f≤d)
        (λ d<f → ⊥.rec (tooLong d (map fst rs) (low d (inl refl)) (f ∷ fs) (d<f , asc .snd) short sum))
        (splitℕ-≤ (length f) d)

      p : Placed N d 0 (f ∷ fs)
      p = onePlaced d 0 f fs (low d (inl refl)) f≤d asc short free

      left : List BitString
      left = p .Placed.left

  -- The converse of Kraft's inequality: requests for d ≤ N bits with Σ 2^(-d) ≤ 1, in any order and with
  -- repetitions, are all answered, by strings of the lengths asked for, none a prefix of another one.
  kraftConverse : (N : ℕ) (rs : List (ℕ × A)) → ((d : ℕ) → d ∈ map fst rs → d ≤ N)
                → kraftSum N (map fst rs) ≤ 2 ^ N
                → (map request (answer rs) ≡ rs) × PrefixFree (map fst (answer rs))
  kraftConverse N rs low sum =
    let (requested , free , _) =
          serve rs low ([] ∷ []) (zero-≤ , tt) (λ { f (inl f≡[]) → subst (_≤ N) (sym (cong length f≡[])) zero-≤ })
            ((λ _ ()) , tt) (subst (kraftSum N (map fst rs) ≤_) (sym (+-zero (2 ^ N))) sum)
    in requested , free
