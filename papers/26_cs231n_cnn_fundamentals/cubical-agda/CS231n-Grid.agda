{-# OPTIONS --safe #-}
{-
  CS231n, the statements of CS231n on pixels (cs231n.github.io/convolutional-networks).

  notes                       here
  --------------------------  ------------------------------------------------------------------
  row, column                 an element of an abelian group A: ℤ, or ℤ modulo the size of a torus
  the next row or column      y + next; the one before y is y + (- next)
  pixel                       (row , column), an element of A × A
  shift of an image           shift (dy , dx): look dy rows further down and dx columns to the right
  CONV 3×3 with P = 1         taps at around: rows and columns −1, 0, 1 from the output's own
  MAX POOL 2×2, stride 2      pool2x2 max, where max is any function of two numbers

  A group has no border: what zero padding does at the edge of an image is outside these statements.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.AbGroup.Base
open import Cubical.Algebra.CommRing.Base

module CS231n-Grid {ℓ ℓA : Level} (R : CommRing ℓ) (A : AbGroup ℓA) (next : ⟨ A ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin ; FinVec ; _++Fin_ ; zero ; one ; two ; three)
open import Cubical.Algebra.Monoid.Base

open AbGroupStr (snd A) renaming (is-set to isSetA)

Pixel : Type ℓA
Pixel = ⟨ A ⟩ × ⟨ A ⟩

_⊕_ : Pixel → Pixel → Pixel
(y , x) ⊕ (y' , x') = y + y' , x + x'

Grid : Monoid ℓA
Grid = makeMonoid (0g , 0g) _⊕_ (isSet× isSetA isSetA)
  (λ (y , x) (y' , x') (y'' , x'') → ≡-× (+Assoc y y' y'') (+Assoc x x' x''))
  (λ (y , x) → ≡-× (+IdR y) (+IdR x))
  (λ (y , x) → ≡-× (+IdL y) (+IdL x))

open import CS231n R Grid

private
  variable
    k l : ℕ

  +Interchange : (a b c d : ⟨ A ⟩) → (a + b) + (c + d) ≡ (a + c) + (b + d)
  +Interchange a b c d =
    (a + b) + (c + d)   ≡⟨ sym (+Assoc a b (c + d)) ⟩
    a + (b + (c + d))   ≡⟨ cong (a +_) (+Assoc b c d ∙∙ cong (_+ d) (+Comm b c) ∙∙ sym (+Assoc c b d)) ⟩
    a + (c + (b + d))   ≡⟨ +Assoc a c (b + d) ⟩
    (a + c) + (b + d)   ∎

double : Pixel → Pixel
double (y , x) = y + y , x + x

doubleIsAdditive : isAdditive double
doubleIsAdditive (y , x) (y' , x') = ≡-× (+Interchange y y' y y') (+Interchange x x' x x')

-- The four pixels of a 2×2 window.
corner : Fin 4 → Pixel
corner zero  = 0g   , 0g
corner one   = 0g   , next
corner two   = next , 0g
corner three = next , next

-- Channel by channel, the largest of the four.
maxOf4 : (max : ⟨ R ⟩ → ⟨ R ⟩ → ⟨ R ⟩) → FinVec (Vector k) 4 → Vector k
maxOf4 max patch c = max (max (patch zero c) (patch one c)) (max (patch two c) (patch three c))

pool2x2 : (max : ⟨ R ⟩ → ⟨ R ⟩ → ⟨ R ⟩) → Signal (Vector k) → Signal (Vector k)
pool2x2 max = sliding double corner (maxOf4 max)

-- By definition the window at (y , x) covers rows 2y, 2y + 1 and columns 2x, 2x + 1.
pool2x2Window : ∀ max (f : Signal (Vector k)) y x c → pool2x2 max f (y , x) c ≡
  max (max (f ((y + y) + 0g   , (x + x) + 0g) c) (f ((y + y) + 0g   , (x + x) + next) c))
      (max (f ((y + y) + next , (x + x) + 0g) c) (f ((y + y) + next , (x + x) + next) c))
pool2x2Window max f y x c = refl

-- «Pooling Layer»: an image moved by an even number of pixels has its pooled image moved by half as many.
pool2x2Shift : ∀ max (s : Pixel) → pool2x2 {k} max ∘ shift (double s) ≡ shift s ∘ pool2x2 max
pool2x2Shift max = slidingIsStrided double doubleIsAdditive corner (maxOf4 max)

-- Any stack of CONV and RELU layers, then 2×2 pooling.
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

digitNet : (weight : Filters l k 9) (bias : Vector l) (relu : ⟨ R ⟩ → ⟨ R ⟩) → ConvNet k l
digitNet w b relu = RELU (CONV input (record { weight = w ; offset = around ; bias = b })) relu

digitNetShift : ∀ max (w : Filters l k 9) b relu (s : Pixel) →
  (pool2x2 max ∘ run (digitNet w b relu)) ∘ shift (double s) ≡ shift s ∘ (pool2x2 max ∘ run (digitNet w b relu))
digitNetShift max w b relu = convReluPoolShift max (digitNet w b relu)
