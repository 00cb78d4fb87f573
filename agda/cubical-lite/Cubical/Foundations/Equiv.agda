{-# OPTIONS --safe #-}
-- Equivalences: inverse, composition; being one is a proposition.
module Cubical.Foundations.Equiv where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Isomorphism
open import Cubical.Foundations.Equiv.Base public

private
  variable
    ℓ ℓ' : Level
    A B C : Type ℓ

equivCtr : (e : A ≃ B) (y : B) → fiber (equivFun e) y
equivCtr e y = e .snd .equiv-proof y .fst

equivCtrPath : (e : A ≃ B) (y : B) (v : fiber (equivFun e) y) → Path _ (equivCtr e y) v
equivCtrPath e y = e .snd .equiv-proof y .snd

isPropIsEquiv : (f : A → B) → isProp (isEquiv f)
isPropIsEquiv f u v i .equiv-proof y = isPropIsContr (u .equiv-proof y) (v .equiv-proof y) i

equivEq : {e f : A ≃ B} → e .fst ≡ f .fst → e ≡ f
equivEq {e = e} {f = f} p i = p i , isProp→PathP (λ j → isPropIsEquiv (p j)) (e .snd) (f .snd) i

invEq : A ≃ B → B → A
invEq e y = equivCtr e y .fst

secEq : (e : A ≃ B) → section (equivFun e) (invEq e)
secEq e y = equivCtr e y .snd

retEq : (e : A ≃ B) → retract (equivFun e) (invEq e)
retEq e x i = equivCtrPath e (equivFun e x) (x , refl) i .fst

equivToIso : A ≃ B → Iso A B
equivToIso e = iso (equivFun e) (invEq e) (secEq e) (retEq e)

invEquiv : A ≃ B → B ≃ A
invEquiv e = isoToEquiv (invIso (equivToIso e))

compEquiv : A ≃ B → B ≃ C → A ≃ C
compEquiv e f = isoToEquiv (compIso (equivToIso e) (equivToIso f))
