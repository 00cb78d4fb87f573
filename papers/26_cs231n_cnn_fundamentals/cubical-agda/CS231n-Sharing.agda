{-# OPTIONS --safe #-}
{-
  CS231n, the converse of convShift (/convolutional-networks, «Parameter Sharing»): what commutes with all shifts and is
  linear and local is a CONV. Symbols as in CS231n-Conv.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.CommRing.Base

module CS231n-Sharing {ℓR ℓG : Level} (R : CommRing ℓR) (G : Monoid ℓG) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Data.Sigma
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc)
open import S30.Sum
open import S30.Ring R using (0·Absorbs)
open import CS231n-Delta R
open import CS231n-Shift G
open import CS231n-Conv R G

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open MonoidStr (snd G) using (ε) renaming (_·_ to _⊕_ ; ·IdR to ⊕IdR)
open Sum R
open ConvLayer

private
  variable
    k l m n : ℕ

-- Linear in the entries of a patch of m taps with k channels.
isLinear : ((Fin m → Vector k) → Vector l) → Type ℓR
isLinear ℒ = (∀ p q o → ℒ (λ t c → p t c +r q t c) o ≡ ℒ p o +r ℒ q o)
           × (∀ r p o → ℒ (λ t c → r ·r p t c) o ≡ r ·r ℒ p o)

module _ {ℒ : (Fin m → Vector k) → Vector l} ((additive , homogeneous) : isLinear ℒ) where
  private
    linear∑ : (V : Fin n → Fin m → Vector k) → ∀ o → ℒ (λ t c → ∑ (λ i → V i t c)) o ≡ ∑ (λ i → ℒ (V i) o)
    linear∑ {zero}  V o =
      (λ i → ℒ (λ _ _ → 0·Absorbs 0r (~ i)) o) ∙∙ homogeneous 0r (λ _ _ → 0r) o ∙∙ 0·Absorbs _
    linear∑ {suc n} V o =
      additive (V zero) (λ t c → ∑ (λ i → V (suc i) t c)) o ∙ cong (ℒ (V zero) o +r_) (linear∑ (V ∘ suc) o)

    unit : Fin k → Fin m → Fin m → Vector k
    unit c' t' t c = δ t' t ·r δ c' c

    expand : (p : Fin m → Vector k) → ∀ t c → ∑ (λ c' → ∑ (λ t' → p t' c' ·r unit c' t' t c)) ≡ p t c
    expand p t c =
      ∑ (λ c' → ∑ (λ t' → p t' c' ·r (δ t' t ·r δ c' c)))
        ≡⟨ ∑Ext (λ c' → ∑Ext (λ t' → ·Comm (p t' c') _ ∙ sym (·Assoc (δ t' t) (δ c' c) (p t' c')))) ⟩
      ∑ (λ c' → ∑ (λ t' → δ t' t ·r (δ c' c ·r p t' c')))
        ≡⟨ ∑Ext (λ c' → ∑δ t (λ t' → δ c' c ·r p t' c')) ⟩
      ∑ (λ c' → δ c' c ·r p t c')
        ≡⟨ ∑δ c (p t) ⟩
      p t c ∎

  linearIsWeightedSum : ∀ p o → ℒ p o ≡ ∑ (λ c → ∑ (λ t → ℒ (unit c t) o ·r p t c))
  linearIsWeightedSum p o =
    ℒ p o
      ≡⟨ (λ i → ℒ (λ t c → expand p t c (~ i)) o) ⟩
    ℒ (λ t c → ∑ (λ c' → ∑ (λ t' → p t' c' ·r unit c' t' t c))) o
      ≡⟨ linear∑ (λ c' t c → ∑ (λ t' → p t' c' ·r unit c' t' t c)) o ⟩
    ∑ (λ c' → ℒ (λ t c → ∑ (λ t' → p t' c' ·r unit c' t' t c)) o)
      ≡⟨ ∑Ext (λ c' → linear∑ (λ t' t c → p t' c' ·r unit c' t' t c) o) ⟩
    ∑ (λ c' → ∑ (λ t' → ℒ (λ t c → p t' c' ·r unit c' t' t c) o))
      ≡⟨ ∑Ext (λ c' → ∑Ext (λ t' → homogeneous (p t' c') (unit c' t') o ∙ ·Comm (p t' c') _)) ⟩
    ∑ (λ c → ∑ (λ t → ℒ (unit c t) o ·r p t c)) ∎

-- An operator that commutes with every shift, and whose output at one position is a linear function of the entries at
-- finitely many offsets, is a CONV (with bias zero).
localLinearIsConv : (E : EquivariantOperator (Vector k) (Vector l)) (offset : Fin m → ⟨ G ⟩)
  (ℒ : (Fin m → Vector k) → Vector l) → isLinear ℒ → readout E ≡ (λ f → ℒ (f ∘ offset))
  → Σ[ L ∈ ConvLayer k l m ] E .fst ≡ conv L
localLinearIsConv (E , equivariant) at ℒ linear local = layer , funExt λ f → funExt λ x →
  cong (E f) (sym (⊕IdR x)) ∙ (λ i → equivariant x (~ i) f ε) ∙ (λ i → local i (shift x f)) ∙ funExt λ o →
  linearIsWeightedSum linear (λ t → f (x ⊕ at t)) o ∙ sym (+IdR _)
  where
  layer : ConvLayer _ _ _
  weight layer o c t = ℒ (λ t' c' → δ t t' ·r δ c c') o
  offset layer       = at
  bias   layer o     = 0r
