{-# OPTIONS --safe #-}
{-
  CS231n, the statements of CS231n on pixels (cs231n.github.io/convolutional-networks).

  notes                       here
  --------------------------  ------------------------------------------------------------------
  pixel (row, column)         an element of ℕ × ℕ, counted from the upper left corner
  shift of an image           shift (dy , dx): drop dy rows at the top and dx columns at the left
  MAX POOL 2×2, stride 2      pool2x2 max, where max is any function of two numbers
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base

module CS231n-Grid {ℓ : Level} (R : CommRing ℓ) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc ; FinVec ; one ; two ; three)
open import Cubical.Algebra.Monoid.Base

Pixel : Type₀
Pixel = ℕ × ℕ

_⊕_ : Pixel → Pixel → Pixel
(y , x) ⊕ (y' , x') = y + y' , x + x'

Grid : Monoid ℓ-zero
Grid = makeMonoid (0 , 0) _⊕_ (isSet× isSetℕ isSetℕ)
  (λ (y , x) (y' , x') (y'' , x'') → ≡-× (+-assoc y y' y'') (+-assoc x x' x''))
  (λ (y , x) → ≡-× (+-zero y) (+-zero x))
  (λ _ → refl)

open import CS231n R Grid

private
  variable
    k l : ℕ

double : Pixel → Pixel
double (y , x) = 2 · y , 2 · x

doubleIsAdditive : isAdditive double
doubleIsAdditive (y , x) (y' , x') = ≡-× (sym (·-distribˡ 2 y y')) (sym (·-distribˡ 2 x x'))

-- The four pixels of a 2×2 window.
corner : Fin 4 → Pixel
corner zero  = 0 , 0
corner one   = 0 , 1
corner two   = 1 , 0
corner three = 1 , 1

-- Channel by channel, the largest of the four.
maxOf4 : (max : ⟨ R ⟩ → ⟨ R ⟩ → ⟨ R ⟩) → FinVec (Vector k) 4 → Vector k
maxOf4 max patch c = max (max (patch zero c) (patch one c)) (max (patch two c) (patch three c))

pool2x2 : (max : ⟨ R ⟩ → ⟨ R ⟩ → ⟨ R ⟩) → Signal (Vector k) → Signal (Vector k)
pool2x2 max = sliding double corner (maxOf4 max)

-- The window at (y , x) covers rows 2y, 2y + 1 and columns 2x, 2x + 1.
pool2x2Window : ∀ max (f : Signal (Vector k)) y x c → pool2x2 max f (y , x) c ≡
  max (max (f (2 · y + 0 , 2 · x + 0) c) (f (2 · y + 0 , 2 · x + 1) c))
      (max (f (2 · y + 1 , 2 · x + 0) c) (f (2 · y + 1 , 2 · x + 1) c))
pool2x2Window max f y x c = refl

-- «Pooling Layer»: an image moved by an even number of pixels has its pooled image moved by half as many.
pool2x2Shift : ∀ max (s : Pixel) → pool2x2 {k} max ∘ shift (double s) ≡ shift s ∘ pool2x2 max
pool2x2Shift max = slidingIsStrided double doubleIsAdditive corner (maxOf4 max)

-- This paper's own object: any stack of CONV and RELU layers, then 2×2 pooling.
convReluPoolShift : ∀ max (N : ConvNet k l) (s : Pixel)
                  → (pool2x2 max ∘ run N) ∘ shift (double s) ≡ shift s ∘ (pool2x2 max ∘ run N)
convReluPoolShift max N =
  stridedCompose {φ = idfun Pixel} {ψ = double} {T = run N} {U = pool2x2 max}
    (convNetShift N) (pool2x2Shift max)
