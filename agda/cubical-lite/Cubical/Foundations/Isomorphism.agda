{-# OPTIONS --safe #-}
-- Isomorphisms; each gives an equivalence (isoToEquiv) and a path of types (isoToPath).
module Cubical.Foundations.Isomorphism where

open import Cubical.Core.Glue
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.GroupoidLaws
open import Cubical.Foundations.Function
open import Cubical.Foundations.Equiv.Base

private
  variable
    ℓ ℓ' ℓ'' : Level
    A B C : Type ℓ

module _ {A : Type ℓ} {B : Type ℓ'} where
  section : (f : A → B) (g : B → A) → Type ℓ'
  section f g = ∀ b → f (g b) ≡ b

  retract : (f : A → B) (g : B → A) → Type ℓ
  retract f g = ∀ a → g (f a) ≡ a

record Iso {ℓ ℓ'} (A : Type ℓ) (B : Type ℓ') : Type (ℓ-max ℓ ℓ') where
  no-eta-equality
  constructor iso
  field
    fun : A → B
    inv : B → A
    rightInv : section fun inv
    leftInv  : retract fun inv

-- Every fibre of f is a retract of the same fibre of f ∘ g; and f ∘ g is the identity, whose
-- fibres are contractible.
module _ {A : Type ℓ} {B : Type ℓ'} (e : Iso A B) where
  open Iso e renaming (fun to f ; inv to g ; rightInv to fg ; leftInv to gf)

  private
    isContrFiber-fg : (y : B) → isContr (fiber (f ∘ g) y)
    isContrFiber-fg y =
      subst (λ h → isContr (fiber h y)) (sym (funExt fg)) (idIsEquiv B .equiv-proof y)

    -- Prepending q to p, seen as a path from p that slides its start along q backwards.
    slide : {b c y : B} (q : b ≡ c) (p : c ≡ y) → PathP (λ i → q (~ i) ≡ y) p (q ∙ p)
    slide {y = y} = J (λ c q → (p : c ≡ y) → PathP (λ i → q (~ i) ≡ y) p (q ∙ p)) lUnit

    isPropFiber : (y : B) → isProp (fiber f y)
    isPropFiber y u v = sym (back u) ∙ cong r (isContr→isProp (isContrFiber-fg y) (s u) (s v)) ∙ back v
      where
      r : fiber (f ∘ g) y → fiber f y
      r (b , p) = g b , p

      s : fiber f y → fiber (f ∘ g) y
      s (a , p) = f a , cong f (gf a) ∙ p

      back : (u : fiber f y) → r (s u) ≡ u
      back (a , p) i = gf a i , slide (cong f (gf a)) p (~ i)

  isoToIsEquiv : isEquiv f
  isoToIsEquiv .equiv-proof y = (g y , fg y) , isPropFiber y (g y , fg y)

isoToEquiv : Iso A B → A ≃ B
isoToEquiv e = Iso.fun e , isoToIsEquiv e

isoToPath : {A B : Type ℓ} → Iso A B → A ≡ B
isoToPath {A = A} {B = B} e i =
  Glue B (λ { (i = i0) → A , isoToEquiv e ; (i = i1) → B , idEquiv B })

isoFunInjective : (e : Iso A B) (x y : A) → Iso.fun e x ≡ Iso.fun e y → x ≡ y
isoFunInjective e x y p = sym (Iso.leftInv e x) ∙∙ cong (Iso.inv e) p ∙∙ Iso.leftInv e y

idIso : Iso A A
idIso = iso (λ x → x) (λ x → x) (λ _ → refl) (λ _ → refl)

invIso : Iso A B → Iso B A
invIso e = iso (Iso.inv e) (Iso.fun e) (Iso.leftInv e) (Iso.rightInv e)

compIso : Iso A B → Iso B C → Iso A C
compIso e f .Iso.fun = Iso.fun f ∘ Iso.fun e
compIso e f .Iso.inv = Iso.inv e ∘ Iso.inv f
compIso e f .Iso.rightInv c = cong (Iso.fun f) (Iso.rightInv e (Iso.inv f c)) ∙ Iso.rightInv f c
compIso e f .Iso.leftInv a = cong (Iso.inv e) (Iso.leftInv f (Iso.fun e a)) ∙ Iso.leftInv e a
