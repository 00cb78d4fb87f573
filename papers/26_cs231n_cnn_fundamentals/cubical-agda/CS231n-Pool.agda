{-# OPTIONS --safe #-}
{-
  CS231n, 2×2 pooling (/convolutional-networks, «Pooling Layer»).

  notes                      here
  -------------------------  ------------------------------------------------------------------
  row, column                an element of a commutative monoid A: ℤ, ℕ, or ℤ modulo the size of a torus
  the next row or column     y + next
  pixel                      (row , column), an element of A × A
  shift of an image          shift (dy , dx): look dy rows further down and dx columns to the right
  MAX POOL 2×2, stride 2     pool2x2 max, where max is any function of two entries
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommMonoid.Base

module CS231n-Pool {ℓA : Level} (A : CommMonoid ℓA) (next : ⟨ A ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin ; FinVec ; zero ; one ; two ; three)
open import Cubical.Algebra.Monoid.Base

open CommMonoidStr (snd A) using (is-set) renaming
  (ε to 0a ; _·_ to _+_ ; ·Assoc to +Assoc ; ·IdR to +IdR ; ·IdL to +IdL ; ·Comm to +Comm)

Pixel : Type ℓA
Pixel = ⟨ A ⟩ × ⟨ A ⟩

_⊕_ : Pixel → Pixel → Pixel
(y , x) ⊕ (y' , x') = y + y' , x + x'

Pixels : Monoid ℓA
Pixels = makeMonoid (0a , 0a) _⊕_ (isSet× is-set is-set)
  (λ (y , x) (y' , x') (y'' , x'') → ≡-× (+Assoc y y' y'') (+Assoc x x' x''))
  (λ (y , x) → ≡-× (+IdR y) (+IdR x))
  (λ (y , x) → ≡-× (+IdL y) (+IdL x))

open import CS231n-Shift Pixels

private
  variable
    ℓE : Level
    E : Type ℓE
    k : ℕ

  interchange : (a b c d : ⟨ A ⟩) → (a + b) + (c + d) ≡ (a + c) + (b + d)
  interchange a b c d =
    (a + b) + (c + d)   ≡⟨ sym (+Assoc a b (c + d)) ⟩
    a + (b + (c + d))   ≡⟨ cong (a +_) (+Assoc b c d ∙∙ cong (_+ d) (+Comm b c) ∙∙ sym (+Assoc c b d)) ⟩
    a + (c + (b + d))   ≡⟨ +Assoc a c (b + d) ⟩
    (a + c) + (b + d)   ∎

double : Pixel → Pixel
double (y , x) = y + y , x + x

doubleIsAdditive : isAdditive double
doubleIsAdditive (y , x) (y' , x') = ≡-× (interchange y y' y y') (interchange x x' x x')

-- The four pixels of a 2×2 window.
corner : Fin 4 → Pixel
corner zero  = 0a   , 0a
corner one   = 0a   , next
corner two   = next , 0a
corner three = next , next

-- Channel by channel, the largest of the four.
maxOf4 : (max : E → E → E) → FinVec (FinVec E k) 4 → FinVec E k
maxOf4 max patch c = max (max (patch zero c) (patch one c)) (max (patch two c) (patch three c))

pool2x2 : (max : E → E → E) → Signal (FinVec E k) → Signal (FinVec E k)
pool2x2 max = sliding double corner (maxOf4 max)

-- The window of 2×2 pooling at (y , x) covers rows 2y, 2y + 1 and columns 2x, 2x + 1.
pool2x2Window : ∀ max (f : Signal (FinVec E k)) y x c → pool2x2 max f (y , x) c ≡
  max (max (f ((y + y) + 0a   , (x + x) + 0a) c) (f ((y + y) + 0a   , (x + x) + next) c))
      (max (f ((y + y) + next , (x + x) + 0a) c) (f ((y + y) + next , (x + x) + next) c))
pool2x2Window max f y x c = refl

-- An image moved by twice s has its 2×2 pooled image moved by s, whatever two entries are pooled by.
pool2x2Shift : ∀ max (s : Pixel) → pool2x2 {E = E} {k = k} max ∘ shift (double s) ≡ shift s ∘ pool2x2 max
pool2x2Shift max = slidingIsStrided double doubleIsAdditive corner (maxOf4 max)
