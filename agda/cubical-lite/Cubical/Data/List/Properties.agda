{-# OPTIONS --safe #-}
-- Concatenation is a monoid.
module Cubical.Data.List.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.Data.List.Base
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.Nat.Base using (suc; _+_)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Relation.Nullary.Base

module _ {ℓ} {A : Type ℓ} where

  ++-unit-r : (xs : List A) → xs ++ [] ≡ xs
  ++-unit-r []       = refl
  ++-unit-r (x ∷ xs) = cong (x ∷_) (++-unit-r xs)

  ++-assoc : (xs ys zs : List A) → (xs ++ ys) ++ zs ≡ xs ++ ys ++ zs
  ++-assoc []       ys zs = refl
  ++-assoc (x ∷ xs) ys zs = cong (x ∷_) (++-assoc xs ys zs)

  length++ : (xs ys : List A) → length (xs ++ ys) ≡ length xs + length ys
  length++ []       ys = refl
  length++ (x ∷ xs) ys = cong suc (length++ xs ys)

module _ {ℓ ℓ'} {A : Type ℓ} {B : Type ℓ'} where

  length-map : (f : A → B) (as : List A) → length (map f as) ≡ length as
  length-map f []       = refl
  length-map f (a ∷ as) = cong suc (length-map f as)

module _ {ℓ} {A : Type ℓ} where

  private
    IsCons : List A → Type
    IsCons []      = ⊥
    IsCons (_ ∷ _) = Unit

    headOr : A → List A → A
    headOr a []      = a
    headOr _ (x ∷ _) = x

    rest : List A → List A
    rest []       = []
    rest (_ ∷ xs) = xs

  discreteList : Discrete A → Discrete (List A)
  discreteList d []       []       = yes refl
  discreteList d []       (_ ∷ _)  = no λ p → subst IsCons (sym p) tt
  discreteList d (_ ∷ _)  []       = no λ p → subst IsCons p tt
  discreteList d (x ∷ xs) (y ∷ ys) with d x y | discreteList d xs ys
  ... | yes p | yes q = yes (cong₂ _∷_ p q)
  ... | no ¬p | _     = no λ r → ¬p (cong (headOr x) r)
  ... | yes _ | no ¬q = no λ r → ¬q (cong rest r)
