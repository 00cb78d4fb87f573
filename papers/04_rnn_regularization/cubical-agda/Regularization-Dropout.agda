{-# OPTIONS --safe #-}
{-
The dropout operator, D(x) = m x / (1 − p) (section 3.2), and its moments. The
numbers are a commutative ring R; p is the chance that a mask is 0, and scale stands
for 1 / (1 − p), so that (1 − p) · scale ≡ 1 is what is assumed of it.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Regularization-Dropout {ℓ : Level} (R' : CommRing ℓ) (p scale : fst R') where

open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import S30.Ring R' using (_-_; 0·Absorbs; ·0Absorbs)

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +IdL; ·Assoc; ·IdR; ·IdL; ·Comm)

R : Type ℓ
R = fst R'

-- What a mask lets through of 1.
kept : Bool → R
kept m = if m then scale else 0r

-- D(x), the mask in front.
dropped : Bool → R → R
dropped m x = kept m · x

-- All masks of a path, one after the other.
through : List Bool → R → R
through []       x = x
through (m ∷ ms) x = dropped m (through ms x)

-- The mean over one mask, and over n independent ones.
mean : (Bool → R) → R
mean f = p · f false + (1r - p) · f true

meanOver : ℕ → (List Bool → R) → R
meanOver zero    f = f []
meanOver (suc n) f = mean (λ m → meanOver n (λ ms → f (m ∷ ms)))

power : ℕ → R
power zero    = 1r
power (suc n) = scale · power n

meanFactor : (a : Bool → R) (b : R) → mean (λ m → a m · b) ≡ mean a · b
meanFactor a b = cong₂ _+_ (·Assoc p (a false) b) (·Assoc (1r - p) (a true) b)
  ∙ sym (CommRingStr.·DistL+ (snd R') (p · a false) ((1r - p) · a true) b)

module _ (inverse : (1r - p) · scale ≡ 1r) where

  -- E kept = 1
  meanKept : mean kept ≡ 1r
  meanKept = cong₂ _+_ (·0Absorbs p) inverse ∙ +IdL 1r

  -- E kept² = 1 / (1 − p)
  meanSquare : mean (λ m → kept m · kept m) ≡ scale
  meanSquare =
    cong₂ _+_ (cong (p ·_) (·0Absorbs 0r) ∙ ·0Absorbs p) (·Assoc (1r - p) scale scale ∙ cong (_· scale) inverse ∙ ·IdL scale)
    ∙ +IdL scale

  meanOverFactor : (n : ℕ) (a : R) (f : List Bool → R) → meanOver n (λ ms → a · f ms) ≡ a · meanOver n f
  meanOverFactor zero    a f = refl
  meanOverFactor (suc n) a f =
    cong mean (funExt λ m → meanOverFactor n a (λ ms → f (m ∷ ms)) ∙ ·Comm a _)
    ∙ meanFactor (λ m → meanOver n (λ ms → f (m ∷ ms))) a ∙ ·Comm _ a

  -- However many dropouts lie on the way, what arrives is x on average.
  meanArrives : (n : ℕ) (x : R) → meanOver n (λ ms → through ms x) ≡ x
  meanArrives zero    x = refl
  meanArrives (suc n) x =
    cong mean (funExt λ m → meanOverFactor n (kept m) (λ ms → through ms x) ∙ cong (kept m ·_) (meanArrives n x))
    ∙ meanFactor kept x ∙ cong (_· x) meanKept ∙ ·IdL x

  -- Its mean square is multiplied by 1 / (1 − p) at each of them: L + 1 times with dropout on non-recurrent connections, and
  -- once more a step if the recurrent ones were dropped as well.
  squareGrows : (n : ℕ) (x : R) → meanOver n (λ ms → through ms x · through ms x) ≡ power n · (x · x)
  squareGrows zero    x = sym (·IdL (x · x))
  squareGrows (suc n) x =
    cong mean (funExt λ m →
        cong (meanOver n) (funExt λ ms → exchange (kept m) (through ms x))
      ∙ meanOverFactor n (kept m · kept m) (λ ms → through ms x · through ms x)
      ∙ cong (kept m · kept m ·_) (squareGrows n x))
    ∙ meanFactor (λ m → kept m · kept m) (power n · (x · x))
    ∙ cong (_· (power n · (x · x))) meanSquare ∙ ·Assoc scale (power n) (x · x)
    where
    exchange : (a y : R) → (a · y) · (a · y) ≡ (a · a) · (y · y)
    exchange a y = sym (·Assoc a y (a · y)) ∙ cong (a ·_) (·Assoc y a y ∙ cong (_· y) (·Comm y a) ∙ sym (·Assoc a y y))
      ∙ ·Assoc a a (y · y)
