{-# OPTIONS --safe #-}
-- Paths between pairs are pairs of paths.
module Cubical.Data.Sigma.Properties where

open import Cubical.Data.Sigma.Base
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Isomorphism

private
  variable
    ℓ ℓ' : Level

module _ {A : I → Type ℓ} {B : (i : I) → A i → Type ℓ'}
         {x : Σ (A i0) (B i0)} {y : Σ (A i1) (B i1)} where

  ΣPathP : Σ[ p ∈ PathP A (fst x) (fst y) ] PathP (λ i → B i (p i)) (snd x) (snd y)
         → PathP (λ i → Σ (A i) (B i)) x y
  ΣPathP (p , q) i = p i , q i

  PathPΣ : PathP (λ i → Σ (A i) (B i)) x y
         → Σ[ p ∈ PathP A (fst x) (fst y) ] PathP (λ i → B i (p i)) (snd x) (snd y)
  PathPΣ r = (λ i → fst (r i)) , (λ i → snd (r i))

  ΣPathIsoPathΣ : Iso (Σ[ p ∈ PathP A (fst x) (fst y) ] PathP (λ i → B i (p i)) (snd x) (snd y))
                      (PathP (λ i → Σ (A i) (B i)) x y)
  ΣPathIsoPathΣ = iso ΣPathP PathPΣ (λ _ → refl) (λ _ → refl)

  ΣPath≡PathΣ : (Σ[ p ∈ PathP A (fst x) (fst y) ] PathP (λ i → B i (p i)) (snd x) (snd y))
              ≡ PathP (λ i → Σ (A i) (B i)) x y
  ΣPath≡PathΣ = isoToPath ΣPathIsoPathΣ

≡-× : {A : Type ℓ} {B : Type ℓ'} {x y : A × B} → fst x ≡ fst y → snd x ≡ snd y → x ≡ y
≡-× p q i = p i , q i

-- If the second component is a proposition, the first one decides.
Σ≡Prop : {A : Type ℓ} {B : A → Type ℓ'} → ((x : A) → isProp (B x)) → {u v : Σ A B} → u .fst ≡ v .fst → u ≡ v
Σ≡Prop h {u} {v} p i = p i , isProp→PathP (λ j → h (p j)) (u .snd) (v .snd) i
