{-# OPTIONS --safe #-}
-- Maps out of a set quotient: into sets (rec, elim) and into propositions (elimProp).
module Cubical.HITs.SetQuotients.Properties where

open import Cubical.HITs.SetQuotients.Base
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma
open import Cubical.HITs.PropositionalTruncation.Base

private
  variable
    ℓ : Level
    A B : Type ℓ
    R S : A → A → Type ℓ

elim : {P : A / R → Type ℓ} → (∀ x → isSet (P x)) → (f : (a : A) → P [ a ])
     → ((a b : A) (r : R a b) → PathP (λ i → P (eq/ a b r i)) (f a) (f b))
     → ∀ x → P x
elim h f e [ a ] = f a
elim h f e (eq/ a b r i) = e a b r i
elim h f e (squash/ x y p q i j) =
  isOfHLevel→isOfHLevelDep 2 h (elim h f e x) (elim h f e y)
    (λ k → elim h f e (p k)) (λ k → elim h f e (q k)) (squash/ x y p q) i j

rec : isSet B → (f : A → B) → ((a b : A) (r : R a b) → f a ≡ f b) → A / R → B
rec h f e [ a ] = f a
rec h f e (eq/ a b r i) = e a b r i
rec h f e (squash/ x y p q i j) =
  h (rec h f e x) (rec h f e y) (λ k → rec h f e (p k)) (λ k → rec h f e (q k)) i j

elimProp : {P : A / R → Type ℓ} → (∀ x → isProp (P x)) → (∀ a → P [ a ]) → ∀ x → P x
elimProp h f = elim (λ x → isProp→isSet (h x)) f (λ a b r → isProp→PathP (λ i → h (eq/ a b r i)) (f a) (f b))

elimProp2 : {P : A / R → B / S → Type ℓ} → (∀ x y → isProp (P x y)) → (∀ a b → P [ a ] [ b ]) → ∀ x y → P x y
elimProp2 h f = elimProp (λ x → isPropΠ (h x)) (λ a → elimProp (h [ a ]) (f a))

[]surjective : (x : A / R) → ∃[ a ∈ A ] [ a ] ≡ x
[]surjective = elimProp (λ _ → squash₁) (λ a → ∣ a , refl ∣₁)
