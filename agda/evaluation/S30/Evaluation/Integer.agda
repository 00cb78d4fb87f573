{-
The integers in the places of abstract numbers and positions, by the arithmetic of natural numbers that Agda
has built in. Everything is exact; the laws, which are true here, are not proved.

  R : CommRing ℓ    integer
  A : AbGroup ℓ     integerGroup    (rows and columns, with `next` = pos 1)
-}
module S30.Evaluation.Integer where

open import Cubical.Foundations.Prelude using (Type; ℓ-zero)
open import Cubical.Algebra.AbGroup.Base using (AbGroup; makeAbGroup)
open import Cubical.Algebra.CommRing.Base using (CommRing; makeCommRing)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Agda.Builtin.Int public using (Int; pos; negsuc)
open import Agda.Builtin.Nat using (Nat; suc; zero; _<_) renaming (_+_ to _+ℕ_; _-_ to _∸ℕ_; _*_ to _·ℕ_)
open import S30.Evaluation.Unproved using (unproved)

infix  8 -_
infixl 7 _·_
infixl 6 _+_

private
  -- m − n
  difference : Nat → Nat → Int
  difference m n = if m < n then negsuc (n ∸ℕ suc m) else pos (m ∸ℕ n)

_+_ : Int → Int → Int
pos m    + pos n    = pos (m +ℕ n)
pos m    + negsuc n = difference m (suc n)
negsuc m + pos n    = difference n (suc m)
negsuc m + negsuc n = negsuc (suc (m +ℕ n))

-_ : Int → Int
- pos zero    = pos zero
- pos (suc n) = negsuc n
- negsuc n    = pos (suc n)

_·_ : Int → Int → Int
pos m    · pos n    = pos (m ·ℕ n)
pos m    · negsuc n = - pos (m ·ℕ suc n)
negsuc m · pos n    = - pos (suc m ·ℕ n)
negsuc m · negsuc n = pos (suc m ·ℕ suc n)

integer : CommRing ℓ-zero
integer = makeCommRing (pos 0) (pos 1) _+_ _·_ -_
  unproved unproved unproved unproved unproved unproved unproved unproved unproved

integerGroup : AbGroup ℓ-zero
integerGroup = makeAbGroup (pos 0) _+_ -_ unproved unproved unproved unproved unproved
