{-# OPTIONS --safe #-}
-- Union of finite multisets is a commutative monoid.
module Cubical.HITs.FiniteMultiset.Properties where

open import Cubical.Foundations.Prelude
open import Cubical.HITs.FiniteMultiset.Base

private
  variable
    ℓ : Level
    A : Type ℓ

infixr 30 _++_

_++_ : ∀ (xs ys : FMSet A) → FMSet A
[] ++ ys = ys
(x ∷ xs) ++ ys = x ∷ xs ++ ys
comm x y xs i ++ ys = comm x y (xs ++ ys) i
trunc xs zs p q i j ++ ys = trunc (xs ++ ys) (zs ++ ys) (λ k → p k ++ ys) (λ k → q k ++ ys) i j

unitl-++ : ∀ (xs : FMSet A) → [] ++ xs ≡ xs
unitl-++ xs = refl

unitr-++ : ∀ (xs : FMSet A) → xs ++ [] ≡ xs
unitr-++ = ElimProp.f (trunc _ _) refl (λ x p → cong (x ∷_) p)

assoc-++ : ∀ (xs ys zs : FMSet A) → xs ++ (ys ++ zs) ≡ (xs ++ ys) ++ zs
assoc-++ xs ys zs =
  ElimProp.f {B = λ xs → xs ++ (ys ++ zs) ≡ (xs ++ ys) ++ zs} (trunc _ _) refl (λ x p → cong (x ∷_) p) xs

cons-++ : ∀ (x : A) (xs : FMSet A) → x ∷ xs ≡ xs ++ [ x ]
cons-++ x = ElimProp.f (trunc _ _) refl (λ y {xs} p → comm x y xs ∙ cong (y ∷_) p)

comm-++ : ∀ (xs ys : FMSet A) → xs ++ ys ≡ ys ++ xs
comm-++ xs ys =
  ElimProp.f {B = λ xs → xs ++ ys ≡ ys ++ xs} (trunc _ _) (sym (unitr-++ ys))
    (λ x {xs} p → cong (x ∷_) p ∙∙ cong (_++ xs) (cons-++ x ys) ∙∙ sym (assoc-++ ys [ x ] xs)) xs
