{-# OPTIONS --safe #-}
{-
  CS231n, the CONV layer (/convolutional-networks, «Convolutional Layer» and «Layer Patterns»).

  notes                         here
  ----------------------------  -------------------------------------------------------------------
  real numbers                  the elements of a commutative ring R; +r and ·r are its operations
  input or activation volume    f : Signal (Vector channels), a vector at each position
  filter, bias (W, b)           ConvLayer: weight out in tap, offset tap, bias out
  CONV                          conv        (written, as in the notes, as a correlation)
  RELU                          pointwise σ (any function σ of one entry)

  Positions have no border here; CS231n-Border adds one.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.CommRing.Base

module CS231n-Conv {ℓR ℓG : Level} (R : CommRing ℓR) (G : Monoid ℓG) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)
open import S30.Sum
open import CS231n-Delta R using (Vector)
open import CS231n-Shift G

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open MonoidStr (snd G) using () renaming (_·_ to _⊕_)
open Sum R

private
  variable
    k l m n : ℕ

Filters : (outs ins taps : ℕ) → Type ℓR
Filters outs ins taps = Fin outs → Fin ins → Fin taps → ⟨ R ⟩

record ConvLayer (ins outs taps : ℕ) : Type (ℓ-max ℓR ℓG) where
  field
    weight : Filters outs ins taps
    offset : Fin taps → ⟨ G ⟩
    bias   : Fin outs → ⟨ R ⟩

open ConvLayer

-- /convolutional-networks, «Convolutional Layer»: at each position, for each filter o, the dot
-- product with the local patch through all input channels, plus a bias.
conv : ConvLayer k l m → Signal (Vector k) → Signal (Vector l)
conv L f x o = ∑ (λ c → ∑ (λ t → weight L o c t ·r f (x ⊕ offset L t) c)) +r bias L o

-- CONV with bias, over any commutative ring, commutes with every shift, as a path between functions.
convShift : (L : ConvLayer k l m) (s : ⟨ G ⟩) → conv L ∘ shift s ≡ shift s ∘ conv L
convShift L = slidingIsStrided (λ x → x) (λ _ _ → refl) (offset L)
  (λ patch o → ∑ (λ c → ∑ (λ t → weight L o c t ·r patch t c)) +r bias L o)

-- /convolutional-networks, «Layer Patterns»: INPUT -> [[CONV -> RELU]*N], of any depth and widths.
data ConvNet (k : ℕ) : ℕ → Type (ℓ-max ℓR ℓG) where
  input : ConvNet k k
  CONV  : ConvNet k l → ConvLayer l m n → ConvNet k m
  RELU  : ConvNet k l → (⟨ R ⟩ → ⟨ R ⟩) → ConvNet k l

run : ConvNet k l → Signal (Vector k) → Signal (Vector l)
run input      f = f
run (CONV N L) f = conv L (run N f)
run (RELU N σ) f = pointwise (σ ∘_) (run N f)

-- Every stack of CONV and RELU layers, of any depth and widths, commutes with every shift.
convNetShift : (N : ConvNet k l) (s : ⟨ G ⟩) → run N ∘ shift s ≡ shift s ∘ run N
convNetShift input      s = refl
convNetShift (CONV N L) s = (λ i f → conv L (convNetShift N s i f)) ∙ (λ i f → convShift L s i (run N f))
convNetShift (RELU N σ) s = λ i f → pointwise (σ ∘_) (convNetShift N s i f)
