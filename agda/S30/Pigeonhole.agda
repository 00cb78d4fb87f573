{-# OPTIONS --safe #-}
{-
Counting with lists: membership, lists without repetition, and the pigeonhole
principle. A list without repetition stands for a finite set, its length for the
number of elements.

  x ∈ xs         x occurs in xs; a proof says where
  Distinct xs    no element of xs occurs twice
  pigeonhole     pigeons with different holes: no more pigeons than holes
  separate       a decidable property cuts a list in two and loses nothing

`pigeonhole` asks for no decidable equality, so it also counts the values of
partial functions whose domain nobody can decide.
-}
module S30.Pigeonhole where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Sum as ⊎ using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Nat using (suc; _+_; +-suc)
open import Cubical.Data.Nat.Order using (_≤_; zero-≤; suc-≤-suc)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no)

private
  variable
    A B : Type

infix 4 _∈_

_∈_ : A → List A → Type
x ∈ []       = ⊥
x ∈ (y ∷ ys) = (x ≡ y) ⊎ (x ∈ ys)

Distinct : List A → Type
Distinct []       = Unit
Distinct (x ∷ xs) = (¬ (x ∈ xs)) × Distinct xs

-- The list without the occurrence that the proof of membership points to.
remove : {y : B} (ys : List B) → y ∈ ys → List B
remove (z ∷ ys) (inl _) = ys
remove (z ∷ ys) (inr m) = z ∷ remove ys m

-- Removing one occurrence makes the list shorter by exactly one.
lengthRemove : {y : B} (ys : List B) (m : y ∈ ys) → suc (length (remove ys m)) ≡ length ys
lengthRemove (z ∷ ys) (inl _) = refl
lengthRemove (z ∷ ys) (inr m) = cong suc (lengthRemove ys m)

-- Whatever is not equal to the removed element is still there.
remainsInRemove : {y z : B} (ys : List B) (m : y ∈ ys)
                → z ∈ ys → (z ≡ y) ⊎ (z ∈ remove ys m)
remainsInRemove (x ∷ ys) (inl y≡x) (inl z≡x) = inl (z≡x ∙ sym y≡x)
remainsInRemove (x ∷ ys) (inl _)   (inr n)   = inr n
remainsInRemove (x ∷ ys) (inr _)   (inl z≡x) = inr (inl z≡x)
remainsInRemove (x ∷ ys) (inr m)   (inr n)   = ⊎.map (λ e → e) inr (remainsInRemove ys m n)

-- Pigeonhole principle: if each of the distinct pigeons xs sits in one of the holes ys,
-- and two pigeons in the same hole are equal, then there are no more pigeons than holes.
pigeonhole : (SitsIn : A → B → Type)
           → ({x x′ : A} {y : B} → SitsIn x y → SitsIn x′ y → x ≡ x′)
           → (xs : List A) (ys : List B) → Distinct xs
           → ((x : A) → x ∈ xs → Σ[ y ∈ B ] (y ∈ ys) × SitsIn x y)
           → length xs ≤ length ys
pigeonhole _ _ [] ys _ _ = zero-≤
pigeonhole {A = A} {B = B} SitsIn alone (x ∷ xs) ys (x∉xs , distinct) hole =
  subst (suc (length xs) ≤_) (lengthRemove ys y∈ys)
    (suc-≤-suc (pigeonhole SitsIn alone xs (remove ys y∈ys) distinct otherHole))
  where
  y : B
  y = hole x (inl refl) .fst

  y∈ys : y ∈ ys
  y∈ys = hole x (inl refl) .snd .fst

  otherHole : (x′ : A) → x′ ∈ xs → Σ[ y′ ∈ B ] (y′ ∈ remove ys y∈ys) × SitsIn x′ y′
  otherHole x′ m with hole x′ (inr m)
  ... | y′ , y′∈ys , sits with remainsInRemove ys y∈ys y′∈ys
  ...   | inr y′∈rest = y′ , y′∈rest , sits
  ...   | inl y′≡y    = ⊥.rec (x∉xs (subst (_∈ xs) x′≡x m))
    where
    x′≡x : x′ ≡ x
    x′≡x = alone (subst (SitsIn x′) y′≡y sits) (hole x (inl refl) .snd .snd)

-- Searching a list for a decidable property ends with an element or with a refutation.
searchIn : {P : A → Type} → ((x : A) → Dec (P x))
         → (xs : List A) → Dec (Σ[ x ∈ A ] (x ∈ xs) × P x)
searchIn P? [] = no λ (_ , m , _) → m
searchIn P? (x ∷ xs) with P? x
... | yes px = yes (x , inl refl , px)
... | no ¬px with searchIn P? xs
...   | yes (x′ , m , px′) = yes (x′ , inr m , px′)
...   | no none = no λ { (x′ , inl x′≡x , px′) → ¬px (subst _ x′≡x px′)
                       ; (x′ , inr m , px′)    → none (x′ , m , px′) }

-- The two parts of a list: the elements with a property and those without it.
record Separation (P : A → Type) (xs : List A) : Type where
  constructor separation
  field
    inside outside : List A
    distinctInside  : Distinct inside
    distinctOutside : Distinct outside
    ∈Inside  : (x : A) → x ∈ inside  → (x ∈ xs) × P x
    ∈Outside : (x : A) → x ∈ outside → (x ∈ xs) × (¬ P x)
    lengths  : length inside + length outside ≡ length xs

-- A decidable property separates every list without repetition.
separate : {P : A → Type} → ((x : A) → Dec (P x))
         → (xs : List A) → Distinct xs → Separation P xs
separate P? [] _ = separation [] [] tt tt (λ _ m → ⊥.rec m) (λ _ m → ⊥.rec m) refl
separate {P = P} P? (x ∷ xs) (x∉xs , distinct) with separate P? xs distinct | P? x
... | separation ps qs dps dqs inPs inQs lengths | yes px =
  separation (x ∷ ps) qs ((λ m → x∉xs (inPs x m .fst)) , dps) dqs
    (λ { y (inl y≡x) → inl y≡x , subst P (sym y≡x) px
       ; y (inr m)   → inr (inPs y m .fst) , inPs y m .snd })
    (λ y m → inr (inQs y m .fst) , inQs y m .snd)
    (cong suc lengths)
... | separation ps qs dps dqs inPs inQs lengths | no ¬px =
  separation ps (x ∷ qs) dps ((λ m → x∉xs (inQs x m .fst)) , dqs)
    (λ y m → inr (inPs y m .fst) , inPs y m .snd)
    (λ { y (inl y≡x) → inl y≡x , (λ py → ¬px (subst P y≡x py))
       ; y (inr m)   → inr (inQs y m .fst) , inQs y m .snd })
    (+-suc (length ps) (length qs) ∙ cong suc lengths)

-- Membership in an image: the element has an origin in the list.
∈Map : (f : A → B) (xs : List A) {y : B} → y ∈ map f xs → Σ[ x ∈ A ] (x ∈ xs) × (y ≡ f x)
∈Map f (x ∷ xs) (inl e) = x , inl refl , e
∈Map f (x ∷ xs) (inr m) = let (x′ , m′ , e) = ∈Map f xs m in x′ , inr m′ , e

-- The image of a member is a member of the image.
map∈ : (f : A → B) (xs : List A) {x : A} → x ∈ xs → f x ∈ map f xs
map∈ f (_ ∷ xs) (inl e) = inl (cong f e)
map∈ f (_ ∷ xs) (inr m) = inr (map∈ f xs m)

-- A function that is injective on the list keeps it free of repetition.
distinctMap : (f : A → B) (xs : List A)
            → ({x x′ : A} → x ∈ xs → x′ ∈ xs → f x ≡ f x′ → x ≡ x′)
            → Distinct xs → Distinct (map f xs)
distinctMap f [] _ _ = tt
distinctMap f (x ∷ xs) injective (x∉xs , distinct) =
  (λ m → let (x′ , m′ , e) = ∈Map f xs m in
         x∉xs (subst (_∈ xs) (sym (injective (inl refl) (inr m′) e)) m′))
  , distinctMap f xs (λ m m′ → injective (inr m) (inr m′)) distinct

-- Membership in a concatenation, in both directions.
∈Concat : (xs ys : List A) {z : A} → z ∈ xs ++ ys → (z ∈ xs) ⊎ (z ∈ ys)
∈Concat []       ys m       = inr m
∈Concat (x ∷ xs) ys (inl e) = inl (inl e)
∈Concat (x ∷ xs) ys (inr m) = ⊎.map inr (λ n → n) (∈Concat xs ys m)

∈ConcatLeft : (xs ys : List A) {z : A} → z ∈ xs → z ∈ xs ++ ys
∈ConcatLeft (x ∷ xs) ys (inl e) = inl e
∈ConcatLeft (x ∷ xs) ys (inr m) = inr (∈ConcatLeft xs ys m)

∈ConcatRight : (xs ys : List A) {z : A} → z ∈ ys → z ∈ xs ++ ys
∈ConcatRight []       ys m = m
∈ConcatRight (x ∷ xs) ys m = inr (∈ConcatRight xs ys m)

-- Disjoint lists without repetition concatenate to a list without repetition.
distinctConcat : (xs ys : List A) → ((z : A) → z ∈ xs → ¬ (z ∈ ys))
               → Distinct xs → Distinct ys → Distinct (xs ++ ys)
distinctConcat [] ys _ _ dys = dys
distinctConcat (x ∷ xs) ys apart (x∉xs , dxs) dys =
  (λ m → ⊎.rec x∉xs (apart x (inl refl)) (∈Concat xs ys m))
  , distinctConcat xs ys (λ z m → apart z (inr m)) dxs dys
