{-# OPTIONS --safe #-}
{-
Facts about lists that several papers use: `map` is a functor and commutes
with `take` and with `length`; the last element of a list; a property that
holds for all elements.
-}
module S30.Lists where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; predℕ)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; take; length)
open import Cubical.Data.List.Properties public using () renaming (length-map to lengthMap)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.Data.Unit using (Unit)

private
  variable
    ℓ ℓ' ℓ'' : Level
    A B C : Type ℓ

-- Mapping twice is mapping the composite.
mapComp : (g : B → C) (f : A → B) (xs : List A) → map g (map f xs) ≡ map (λ x → g (f x)) xs
mapComp g f []       = refl
mapComp g f (x ∷ xs) = cong (g (f x) ∷_) (mapComp g f xs)

-- Mapping the identity changes nothing.
mapId : (xs : List A) → map (λ x → x) xs ≡ xs
mapId []       = refl
mapId (x ∷ xs) = cong (x ∷_) (mapId xs)

-- Functions that agree at every point give equal maps.
mapCong : {f g : A → B} → ((x : A) → f x ≡ g x) → (xs : List A) → map f xs ≡ map g xs
mapCong p xs i = map (λ x → p x i) xs

-- `map` distributes over concatenation.
mapConcat : (f : A → B) (xs ys : List A) → map f (xs ++ ys) ≡ map f xs ++ map f ys
mapConcat f []       ys = refl
mapConcat f (x ∷ xs) ys = cong (f x ∷_) (mapConcat f xs ys)

-- Taking the first n elements commutes with `map`.
takeMap : (f : A → B) (n : ℕ) (xs : List A) → take n (map f xs) ≡ map f (take n xs)
takeMap f zero    xs       = refl
takeMap f (suc n) []       = refl
takeMap f (suc n) (x ∷ xs) = cong (f x ∷_) (takeMap f n xs)

-- Two lists combined element by element, as far as both reach.
zipWith : (A → B → C) → List A → List B → List C
zipWith f []       ys       = []
zipWith f (x ∷ xs) []       = []
zipWith f (x ∷ xs) (y ∷ ys) = f x y ∷ zipWith f xs ys

lengthZipWith : (f : A → B → C) (xs : List A) (ys : List B) → length ys ≡ length xs
              → length (zipWith f xs ys) ≡ length xs
lengthZipWith f []       ys       p = refl
lengthZipWith f (x ∷ xs) []       p = p
lengthZipWith f (x ∷ xs) (y ∷ ys) p = cong suc (lengthZipWith f xs ys (cong predℕ p))

takeZipWith : (f : A → B → C) (n : ℕ) (xs : List A) (ys : List B)
            → take n (zipWith f xs ys) ≡ zipWith f (take n xs) (take n ys)
takeZipWith f zero    xs       ys       = refl
takeZipWith f (suc n) []       ys       = refl
takeZipWith f (suc n) (x ∷ xs) []       = refl
takeZipWith f (suc n) (x ∷ xs) (y ∷ ys) = cong (f x y ∷_) (takeZipWith f n xs ys)

zipWithMap : (f : A → B → C) (g : A → B) (xs : List A) → zipWith f xs (map g xs) ≡ map (λ x → f x (g x)) xs
zipWithMap f g []       = refl
zipWithMap f g (x ∷ xs) = cong (f x (g x) ∷_) (zipWithMap f g xs)

-- The last element, or a given value where the list is empty.
lastOr : A → List A → A
lastOr a []       = a
lastOr a (x ∷ xs) = lastOr x xs

-- A property that every element has.
All : (P : A → Type ℓ') → List A → Type ℓ'
All P []       = Lift Unit
All P (x ∷ xs) = P x × All P xs
