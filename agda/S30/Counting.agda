{-# OPTIONS --safe #-}
{-
Sums over lists of natural numbers, and lists without repetition made from others.

  keep P? xs        the elements with a decidable property
  unions f xs       the lists f x for x in xs, one after the other
  range d k         d, d + 1, …, d + k - 1
  sumOver f xs      Σ f x, each occurrence counted
  subsetSum         what is contained in another list, and has no repetition, has no larger sum
-}
module S30.Counting where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Sum as ⊎ using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; +-suc; +-comm; +-assoc)
open import Cubical.Data.Nat.Order
  using ( _≤_; _<_; zero-≤; suc-≤-suc; ≤-refl; ≤-suc; ≤-trans; ≤-k+; ≤-+-≤; ≤SumLeft
        ; ¬m<m; <-split; splitℕ-≤)
open import Cubical.Data.List using (List; []; _∷_; _++_; map)
open import Cubical.Relation.Nullary using (Dec; yes; no)
open import S30.Pigeonhole

private
  variable
    A B : Type

interchange : (a b c d : ℕ) → (a + b) + (c + d) ≡ (a + c) + (b + d)
interchange a b c d =
    sym (+-assoc a b (c + d))
  ∙ cong (a +_) (+-assoc b c d ∙ cong (_+ d) (+-comm b c) ∙ sym (+-assoc c b d))
  ∙ +-assoc a c (b + d)

decide≤ : (m n : ℕ) → Dec (m ≤ n)
decide≤ m n with splitℕ-≤ m n
... | inl m≤n = yes m≤n
... | inr n<m = no λ m≤n → ¬m<m (≤-trans n<m m≤n)

-------------------------------------------------------------------------------
-- Selection
-------------------------------------------------------------------------------

keepIf : {P : Type} → A → Dec P → List A → List A
keepIf x (yes _) xs = x ∷ xs
keepIf x (no _)  xs = xs

keep : {P : A → Type} → ((x : A) → Dec (P x)) → List A → List A
keep P? []       = []
keep P? (x ∷ xs) = keepIf x (P? x) (keep P? xs)

module _ {P : A → Type} (P? : (x : A) → Dec (P x)) where

  ∈Keep : (xs : List A) {x : A} → x ∈ keep P? xs → (x ∈ xs) × P x
  ∈Keep (y ∷ ys) m with P? y
  ∈Keep (y ∷ ys) (inl x≡y) | yes Py = inl x≡y , subst P (sym x≡y) Py
  ∈Keep (y ∷ ys) (inr m)   | yes _  = let (n , Px) = ∈Keep ys m in inr n , Px
  ∈Keep (y ∷ ys) m         | no _   = let (n , Px) = ∈Keep ys m in inr n , Px

  keep∈ : (xs : List A) {x : A} → x ∈ xs → P x → x ∈ keep P? xs
  keep∈ (y ∷ ys) m Px with P? y
  keep∈ (y ∷ ys) (inl x≡y) Px | yes _  = inl x≡y
  keep∈ (y ∷ ys) (inr m)   Px | yes _  = inr (keep∈ ys m Px)
  keep∈ (y ∷ ys) (inl x≡y) Px | no ¬Py = ⊥.rec (¬Py (subst P x≡y Px))
  keep∈ (y ∷ ys) (inr m)   Px | no _   = keep∈ ys m Px

  distinctKeep : (xs : List A) → Distinct xs → Distinct (keep P? xs)
  distinctKeep []       _         = tt
  distinctKeep (y ∷ ys) (y∉ , ds) with P? y
  ... | yes _ = (λ m → y∉ (∈Keep ys m .fst)) , distinctKeep ys ds
  ... | no _  = distinctKeep ys ds

unions : (A → List B) → List A → List B
unions f []       = []
unions f (x ∷ xs) = f x ++ unions f xs

module _ (f : A → List B) where

  ∈Unions : (xs : List A) {y : B} → y ∈ unions f xs → Σ[ x ∈ A ] (x ∈ xs) × (y ∈ f x)
  ∈Unions (x ∷ xs) m with ∈Concat (f x) (unions f xs) m
  ... | inl n = x , inl refl , n
  ... | inr n = let (x′ , x′∈ , y∈) = ∈Unions xs n in x′ , inr x′∈ , y∈

  unions∈ : (xs : List A) {x : A} {y : B} → x ∈ xs → y ∈ f x → y ∈ unions f xs
  unions∈ (x ∷ xs) (inl e) m = ∈ConcatLeft (f x) _ (subst (λ z → _ ∈ f z) e m)
  unions∈ (x ∷ xs) (inr n) m = ∈ConcatRight (f x) _ (unions∈ xs n m)

  -- Lists that have no element in common, none with a repetition.
  distinctUnions : (xs : List A) → Distinct xs → ((x : A) → Distinct (f x))
                 → ((x x′ : A) (y : B) → y ∈ f x → y ∈ f x′ → x ≡ x′) → Distinct (unions f xs)
  distinctUnions []       _         _   _     = tt
  distinctUnions (x ∷ xs) (x∉ , dx) dfs apart = distinctConcat (f x) _
    (λ y m n → let (x′ , x′∈ , y∈) = ∈Unions xs n in x∉ (subst (_∈ xs) (sym (apart x x′ y m y∈)) x′∈))
    (dfs x) (distinctUnions xs dx dfs apart)

range : ℕ → ℕ → List ℕ
range d zero    = []
range d (suc k) = d ∷ range (suc d) k

∈Range : (d k : ℕ) {e : ℕ} → e ∈ range d k → (d ≤ e) × (e < d + k)
∈Range d (suc k) (inl e≡d) = subst (λ e → (d ≤ e) × (e < d + suc k)) (sym e≡d)
  (≤-refl , subst (suc d ≤_) (sym (+-suc d k)) (suc-≤-suc ≤SumLeft))
∈Range d (suc k) {e} (inr m) =
  let (d<e , e<) = ∈Range (suc d) k m in ≤-trans (≤-suc ≤-refl) d<e , subst (e <_) (sym (+-suc d k)) e<

range∈ : (d k : ℕ) {e : ℕ} → d ≤ e → e < d + k → e ∈ range d k
range∈ d zero    {e} d≤e e< = ⊥.rec (¬m<m (≤-trans e< (subst (_≤ e) (+-comm 0 d) d≤e)))
range∈ d (suc k) {e} d≤e e< with <-split (suc-≤-suc d≤e)
... | inl d<e = inr (range∈ (suc d) k d<e (subst (e <_) (+-suc d k) e<))
... | inr d≡e = inl (sym d≡e)

distinctRange : (d k : ℕ) → Distinct (range d k)
distinctRange d zero    = tt
distinctRange d (suc k) = (λ m → ¬m<m (∈Range (suc d) k m .fst)) , distinctRange (suc d) k

-------------------------------------------------------------------------------
-- Sums
-------------------------------------------------------------------------------

sumOver : (A → ℕ) → List A → ℕ
sumOver f []       = 0
sumOver f (x ∷ xs) = f x + sumOver f xs

sumMap : (g : A → B) (f : B → ℕ) (xs : List A) → sumOver f (map g xs) ≡ sumOver (λ x → f (g x)) xs
sumMap g f []       = refl
sumMap g f (x ∷ xs) = cong (f (g x) +_) (sumMap g f xs)

sumConcat : (f : A → ℕ) (xs ys : List A) → sumOver f (xs ++ ys) ≡ sumOver f xs + sumOver f ys
sumConcat f []       ys = refl
sumConcat f (x ∷ xs) ys = cong (f x +_) (sumConcat f xs ys) ∙ +-assoc (f x) _ _

sumUnions : (f : B → ℕ) (g : A → List B) (xs : List A) → sumOver f (unions g xs) ≡ sumOver (λ x → sumOver f (g x)) xs
sumUnions f g []       = refl
sumUnions f g (x ∷ xs) = sumConcat f (g x) _ ∙ cong (sumOver f (g x) +_) (sumUnions f g xs)

sumEqual : {f g : A → ℕ} (xs : List A) → ((x : A) → x ∈ xs → f x ≡ g x) → sumOver f xs ≡ sumOver g xs
sumEqual []       _ = refl
sumEqual (x ∷ xs) e = cong₂ _+_ (e x (inl refl)) (sumEqual xs (λ y m → e y (inr m)))

sumMonotone : {f g : A → ℕ} (xs : List A) → ((x : A) → x ∈ xs → f x ≤ g x) → sumOver f xs ≤ sumOver g xs
sumMonotone []       _ = zero-≤
sumMonotone (x ∷ xs) l = ≤-+-≤ (l x (inl refl)) (sumMonotone xs (λ y m → l y (inr m)))

-- Twice a sum is the sum of the doubles.
sumTwice : (f : A → ℕ) (xs : List A) → sumOver f xs + sumOver f xs ≡ sumOver (λ x → f x + f x) xs
sumTwice f []       = refl
sumTwice f (x ∷ xs) = interchange (f x) (sumOver f xs) (f x) (sumOver f xs) ∙ cong ((f x + f x) +_) (sumTwice f xs)

-- One member has no more than the sum …
memberSum : (f : A → ℕ) (xs : List A) {x : A} → x ∈ xs → f x ≤ sumOver f xs
memberSum f (y ∷ ys) (inl x≡y) = subst (λ z → f z ≤ f y + sumOver f ys) (sym x≡y) ≤SumLeft
memberSum f (y ∷ ys) (inr m)   = ≤-trans (memberSum f ys m) (f y , refl)

-- … and neither have the members of a list without repetition.
subsetSum : (f : A → ℕ) (xs ys : List A) → Distinct xs → ((x : A) → x ∈ xs → x ∈ ys) → sumOver f xs ≤ sumOver f ys
subsetSum f []       ys _           _   = zero-≤
subsetSum f (x ∷ xs) ys (x∉xs , dx) sub = subst (f x + sumOver f xs ≤_) (sumRemove ys (sub x (inl refl)))
  (≤-k+ {k = f x} (subsetSum f xs (remove ys (sub x (inl refl))) dx
    λ y y∈ → ⊎.rec (λ y≡x → ⊥.rec (x∉xs (subst (_∈ xs) y≡x y∈))) (λ m → m)
      (remainsInRemove ys (sub x (inl refl)) (sub y (inr y∈)))))
  where
  sumRemove : (zs : List _) (m : x ∈ zs) → f x + sumOver f (remove zs m) ≡ sumOver f zs
  sumRemove (z ∷ zs) (inl x≡z) = cong (λ w → f w + sumOver f zs) x≡z
  sumRemove (z ∷ zs) (inr m)   =
      +-assoc (f x) (f z) _ ∙ cong (_+ sumOver f (remove zs m)) (+-comm (f x) (f z))
    ∙ sym (+-assoc (f z) (f x) _) ∙ cong (f z +_) (sumRemove zs m)
