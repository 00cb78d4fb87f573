{-# OPTIONS --safe #-}
{-
  CS231n, CONV, RELU and POOL on the pixels of an image (/convolutional-networks).

  notes                       here
  --------------------------  ------------------------------------------------------------------
  row, column                 an element of an abelian group A: ℤ, or ℤ modulo the size of a torus
  the next row or column      y + next; the one before y is y + (- next)
  pixel, shift of an image    as in CS231n-Pool
  CONV 3×3 with P = 1         taps at around: rows and columns −1, 0, 1 from the output's own

  A group has no border. CS231n-Border, with PixelGroup for G, says what zero padding makes of this for one CONV; a
  second CONV pads the first one's outputs by zeros, which are no CONV of zeros, so there the statements end.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.AbGroup.Base
open import Cubical.Algebra.CommMonoid.Base
open import Cubical.Algebra.CommRing.Base

module CS231n-Grid {ℓ ℓA : Level} (R : CommRing ℓ) (A : AbGroup ℓA) (next : ⟨ A ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.Sigma
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (FinVec ; _++Fin_ ; zero ; one ; two)
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.Group.Base

open AbGroupStr (snd A) renaming (is-set to isSetA)

-- What CS231n-Pool needs of A.
Line : CommMonoid ℓA
Line = makeCommMonoid 0g _+_ isSetA +Assoc +IdR +Comm

open import CS231n-Pool Line next public
open import CS231n-Shift Pixels
open import CS231n-Delta R using (Vector)
open import CS231n-Conv R Pixels

private
  variable
    k l : ℕ

-- The pixels as a group, for CS231n-Border.
PixelGroup : Group ℓA
PixelGroup = _ , groupstr (0g , 0g) _⊕_ (λ (y , x) → - y , - x) (isgroup (MonoidStr.isMonoid (snd Pixels))
  (λ (y , x) → ≡-× (+InvR y) (+InvR x))
  (λ (y , x) → ≡-× (+InvL y) (+InvL x)))

-- An image moved by twice s has what any stack of CONV and RELU layers with 2×2 pooling after it makes of it moved by s,
-- where there is no border.
convReluPoolShift : ∀ max (N : ConvNet k l) (s : Pixel)
                  → (pool2x2 max ∘ run N) ∘ shift (double s) ≡ shift s ∘ (pool2x2 max ∘ run N)
convReluPoolShift max N =
  stridedCompose {φ = idfun Pixel} {ψ = double} {F = run N} {H = pool2x2 max}
    (convNetShift N) (pool2x2Shift max)

-- This paper's own object, without its border and its FC layer: CONV 3×3 whose filters are centred on the
-- output's own pixel, which is what padding by one does, RELU, POOL.
line : ⟨ A ⟩ → FinVec Pixel 3
line y zero = y , - next
line y one  = y , 0g
line y two  = y , next

around : FinVec Pixel 9
around = line (- next) ++Fin (line 0g ++Fin line next)

centred : (weight : Filters l k 9) (bias : Vector l) → ConvLayer k l 9
centred w b = record { weight = w ; offset = around ; bias = b }

digitNet : (weight : Filters l k 9) (bias : Vector l) (relu : ⟨ R ⟩ → ⟨ R ⟩) → ConvNet k l
digitNet w b relu = RELU (CONV input (centred w b)) relu

-- An image moved by twice s has what this room's CONV 3×3, whose taps reach one row and column back, RELU and POOL make
-- of it moved by s, where there is no border.
digitNetShift : ∀ max (w : Filters l k 9) b relu (s : Pixel) →
  (pool2x2 max ∘ run (digitNet w b relu)) ∘ shift (double s) ≡ shift s ∘ (pool2x2 max ∘ run (digitNet w b relu))
digitNetShift max w b relu = convReluPoolShift max (digitNet w b relu)
