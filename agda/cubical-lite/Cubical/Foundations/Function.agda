{-# OPTIONS --safe #-}
-- Identity, composition, constants, currying.
module Cubical.Foundations.Function where

open import Cubical.Foundations.Prelude

infixr -1 _$_
infixr 9 _∘_

private
  variable
    ℓ ℓ' ℓ'' : Level
    A : Type ℓ
    B : A → Type ℓ
    C : (a : A) → B a → Type ℓ

idfun : (A : Type ℓ) → A → A
idfun _ x = x

_$_ : {A : Type ℓ} {B : A → Type ℓ'} → ((a : A) → B a) → (a : A) → B a
f $ a = f a
{-# INLINE _$_ #-}

_∘_ : (g : {a : A} → (b : B a) → C a b) (f : (a : A) → B a) → (a : A) → C a (f a)
g ∘ f = λ a → g (f a)
{-# INLINE _∘_ #-}

const : {B : Type ℓ} → A → B → A
const a = λ _ → a
{-# INLINE const #-}

flip : {B : Type ℓ'} {C : A → B → Type ℓ''} → ((a : A) (b : B) → C a b) → (b : B) (a : A) → C a b
flip f b a = f a b

uncurry : ((a : A) (b : B a) → C a b) → (p : Σ A B) → C (fst p) (snd p)
uncurry f (a , b) = f a b

curry : ((p : Σ A B) → C (fst p) (snd p)) → (a : A) (b : B a) → C a b
curry f a b = f (a , b)
