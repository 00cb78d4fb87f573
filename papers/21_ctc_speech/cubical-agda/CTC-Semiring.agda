{-# OPTIONS --safe #-}
{-
Semirings: what the forward recursion needs of its weights. Probabilities, their logarithms with log-sum-exp, counts of paths and
(max, ·) for the best path are instances. Multiplication need not commute, and nothing is subtracted.

  sumOf f xs       Σ f x over a list
-}
module CTC-Semiring where

open import Cubical.Foundations.Prelude
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map)
open import Cubical.Data.Nat.Order using (≤-antisym)
open import Cubical.Data.Sigma using (_,_)
open import S30.Multiset using (_↭_; ↭refl; ↭swap; ↭prep; ↭trans)
open import S30.Permutation using (distinctIsPermutation)
open import S30.Pigeonhole using (_∈_; Distinct; pigeonhole)

-- Two lists without repetition and with the same members permute one another.
sameMembers : {A : Type} (xs ys : List A) → Distinct xs → Distinct ys
            → ((x : A) → x ∈ xs → x ∈ ys) → ((x : A) → x ∈ ys → x ∈ xs) → xs ↭ ys
sameMembers xs ys dxs dys inside back = distinctIsPermutation xs ys dxs inside
  (≤-antisym (pigeonhole _≡_ (λ p q → p ∙ sym q) xs ys dxs (λ x m → x , inside x m , refl))
             (pigeonhole _≡_ (λ p q → p ∙ sym q) ys xs dys (λ x m → x , back x m , refl)))

record Semiring : Type₁ where
  infixl 6 _+_
  infixl 7 _·_
  field
    Carrier : Type
    0# 1#   : Carrier
    _+_ _·_ : Carrier → Carrier → Carrier
    +Assoc  : (a b c : Carrier) → a + (b + c) ≡ (a + b) + c
    +Comm   : (a b : Carrier) → a + b ≡ b + a
    +IdR    : (a : Carrier) → a + 0# ≡ a
    ·Assoc  : (a b c : Carrier) → a · (b · c) ≡ (a · b) · c
    ·IdR    : (a : Carrier) → a · 1# ≡ a
    ·IdL    : (a : Carrier) → 1# · a ≡ a
    ·DistR+ : (a b c : Carrier) → a · (b + c) ≡ a · b + a · c
    ·DistL+ : (a b c : Carrier) → (a + b) · c ≡ a · c + b · c
    ·0      : (a : Carrier) → a · 0# ≡ 0#
    0·      : (a : Carrier) → 0# · a ≡ 0#

module Sums (S : Semiring) where
  open Semiring S

  private
    variable
      A B : Type

  +IdL : (a : Carrier) → 0# + a ≡ a
  +IdL a = +Comm 0# a ∙ +IdR a

  +Interchange : (a b c d : Carrier) → (a + b) + (c + d) ≡ (a + c) + (b + d)
  +Interchange a b c d =
      sym (+Assoc a b (c + d))
    ∙ cong (a +_) (+Assoc b c d ∙ cong (_+ d) (+Comm b c) ∙ sym (+Assoc c b d))
    ∙ +Assoc a c (b + d)

  sumOf : (A → Carrier) → List A → Carrier
  sumOf f []       = 0#
  sumOf f (x ∷ xs) = f x + sumOf f xs

  sumOfConcat : (f : A → Carrier) (xs ys : List A) → sumOf f (xs ++ ys) ≡ sumOf f xs + sumOf f ys
  sumOfConcat f []       ys = sym (+IdL _)
  sumOfConcat f (x ∷ xs) ys = cong (f x +_) (sumOfConcat f xs ys) ∙ +Assoc (f x) _ _

  -- A sum over an image whose terms have a common left factor.
  sumOfMap : (f : B → Carrier) (g : A → B) (h : A → Carrier) (a : Carrier) → ((x : A) → f (g x) ≡ a · h x)
           → (xs : List A) → sumOf f (map g xs) ≡ a · sumOf h xs
  sumOfMap f g h a e []       = sym (·0 a)
  sumOfMap f g h a e (x ∷ xs) = cong₂ _+_ (e x) (sumOfMap f g h a e xs) ∙ sym (·DistR+ a (h x) _)

  -- The order of the terms does not matter.
  sumOfPermuted : (f : A → Carrier) {xs ys : List A} → xs ↭ ys → sumOf f xs ≡ sumOf f ys
  sumOfPermuted f ↭refl             = refl
  sumOfPermuted f (↭swap x y {xs})  =
    +Assoc (f x) (f y) _ ∙ cong (_+ sumOf f xs) (+Comm (f x) (f y)) ∙ sym (+Assoc (f y) (f x) _)
  sumOfPermuted f (↭prep x p)       = cong (f x +_) (sumOfPermuted f p)
  sumOfPermuted f (↭trans p q)      = sumOfPermuted f p ∙ sumOfPermuted f q
