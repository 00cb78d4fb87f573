{-# OPTIONS --safe #-}
{-
Facts about an abstract commutative ring, each proved from the axioms by hand,
and the sum of a list in it, or of equal summands. (Sums of finite families are in S30.Sum.)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module S30.Ring {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Algebra.CommMonoid.Base using (CommMonoid; makeCommMonoid)
open import Cubical.Data.List.Base using (List; foldr)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; -_; is-set; +Assoc; +IdR; +IdL; +InvR; +InvL; +Comm; ·Comm; ·DistR+; ·DistL+)

private
  R = fst R'

infixl 6 _-_

-- Subtraction.
_-_ : R → R → R
x - y = x + (- y)

-- The ring's addition alone.
additiveMonoid : CommMonoid ℓ
additiveMonoid = makeCommMonoid 0r _+_ is-set +Assoc +IdR +Comm

-- A sum of two sums may be regrouped.
+Interchange : (a b c d : R) → (a + b) + (c + d) ≡ (a + c) + (b + d)
+Interchange a b c d =
  (a + b) + (c + d)   ≡⟨ sym (+Assoc a b (c + d)) ⟩
  a + (b + (c + d))   ≡⟨ cong (a +_) (+Assoc b c d) ⟩
  a + ((b + c) + d)   ≡⟨ cong (λ z → a + (z + d)) (+Comm b c) ⟩
  a + ((c + b) + d)   ≡⟨ cong (a +_) (sym (+Assoc c b d)) ⟩
  a + (c + (b + d))   ≡⟨ +Assoc a c (b + d) ⟩
  (a + c) + (b + d)   ∎

-- Only zero is its own double.
doubleIsZero : (x : R) → x + x ≡ x → x ≡ 0r
doubleIsZero x p =
  x               ≡⟨ sym (+IdR x) ⟩
  x + 0r          ≡⟨ cong (x +_) (sym (+InvR x)) ⟩
  x + (x - x)     ≡⟨ +Assoc x x (- x) ⟩
  (x + x) - x     ≡⟨ cong (_- x) p ⟩
  x - x           ≡⟨ +InvR x ⟩
  0r              ∎

-- Zero absorbs, on the left and on the right.
0·Absorbs : (x : R) → 0r · x ≡ 0r
0·Absorbs x = doubleIsZero (0r · x) (sym (·DistL+ 0r 0r x) ∙ cong (_· x) (+IdR 0r))

·0Absorbs : (x : R) → x · 0r ≡ 0r
·0Absorbs x = ·Comm x 0r ∙ 0·Absorbs x

-- The negative is unique.
-Unique : (x y : R) → x + y ≡ 0r → y ≡ - x
-Unique x y p =
  y                 ≡⟨ sym (+IdL y) ⟩
  0r + y            ≡⟨ cong (_+ y) (sym (+InvL x)) ⟩
  (- x + x) + y     ≡⟨ sym (+Assoc (- x) x y) ⟩
  - x + (x + y)     ≡⟨ cong (- x +_) p ⟩
  - x + 0r          ≡⟨ +IdR (- x) ⟩
  - x               ∎

-- The negative of a negative, of a sum and of a product.
-Involutive : (x : R) → - (- x) ≡ x
-Involutive x = sym (-Unique (- x) x (+InvL x))

-Dist+ : (x y : R) → - (x + y) ≡ - x - y
-Dist+ x y = sym (-Unique (x + y) (- x - y)
  (+Interchange x y (- x) (- y) ∙ cong₂ _+_ (+InvR x) (+InvR y) ∙ +IdR 0r))

·-R : (x y : R) → x · (- y) ≡ - (x · y)
·-R x y = -Unique (x · y) (x · (- y)) (sym (·DistR+ x y (- y)) ∙ cong (x ·_) (+InvR y) ∙ ·0Absorbs x)

-- Multiplication distributes over subtraction.
·DistR- : (x y z : R) → x · (y - z) ≡ x · y - x · z
·DistR- x y z = ·DistR+ x y (- z) ∙ cong (x · y +_) (·-R x z)

-- A common summand cancels in a difference.
differenceCancels : (x y z : R) → (x + z) - (y + z) ≡ x - y
differenceCancels x y z =
  (x + z) - (y + z)        ≡⟨ cong (x + z +_) (-Dist+ y z) ⟩
  (x + z) + (- y - z)      ≡⟨ +Interchange x z (- y) (- z) ⟩
  (x - y) + (z - z)        ≡⟨ cong (x - y +_) (+InvR z) ⟩
  (x - y) + 0r             ≡⟨ +IdR (x - y) ⟩
  x - y                    ∎

-- Adding back what was subtracted.
+Complement : (x y : R) → x + (y - x) ≡ y
+Complement x y =
  x + (y - x)       ≡⟨ cong (x +_) (+Comm y (- x)) ⟩
  x + (- x + y)     ≡⟨ +Assoc x (- x) y ⟩
  (x - x) + y       ≡⟨ cong (_+ y) (+InvR x) ⟩
  0r + y            ≡⟨ +IdL y ⟩
  y                 ∎

-- The complement 1 − x of the complement is x.
complementInvolutive : (x : R) → 1r - (1r - x) ≡ x
complementInvolutive x =
  1r - (1r - x)              ≡⟨ cong (1r +_) (-Dist+ 1r (- x)) ⟩
  1r + (- 1r - (- x))        ≡⟨ cong (λ z → 1r + (- 1r + z)) (-Involutive x) ⟩
  1r + (- 1r + x)            ≡⟨ +Assoc 1r (- 1r) x ⟩
  (1r - 1r) + x              ≡⟨ cong (_+ x) (+InvR 1r) ⟩
  0r + x                     ≡⟨ +IdL x ⟩
  x                          ∎

-- The sum of a list.
sumList : List R → R
sumList = foldr _+_ 0r

-- The sum of n equal summands.
times : ℕ → R → R
times zero    x = 0r
times (suc n) x = x + times n x
