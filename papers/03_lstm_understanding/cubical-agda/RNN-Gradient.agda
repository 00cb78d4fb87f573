{-# OPTIONS --safe #-}
{-
The gradient of the standard RNN, by dual numbers («The Problem of Long-Term
Dependencies»): ∂h_T/∂h_0 is a product of T matrices, diag(tanh′(a_t)) W.

  post                                     here
  tanh′, any function                      slope
  ∂h_T/∂h_0, applied to a vector v         the ε-part of a run that starts from (h_0 , v)
  diag(tanh′(a_t)) W v                     tangent
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)

module RNN-Gradient {ℓ : Level} (R' : CommRing ℓ) {n m : ℕ} (tanh slope : fst R' → fst R')
  (weightHidden : Fin n → Fin n → fst R') (weightInput : Fin n → Fin m → fst R') (bias : Fin n → fst R') where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
import S30.Ring
import S30.Sum
import S30.Dual
import RNN

open CommRingStr (snd R') using (0r; _+_; _·_; +IdR)
open S30.Ring R' using (·0Absorbs)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑Zero)
open S30.Dual R' using (dual; fixed; fixedTimes; sumOfDuals)
open RNN R' tanh weightHidden weightInput bias using (times; preactivation; rnnStep)

private
  R : Type ℓ
  R = fst R'

Vector : ℕ → Type ℓ
Vector k = Fin k → R

-- The same network on dual numbers: tanh(x + ẋε) = tanh x + tanh′(x) ẋ ε, and weights, bias and input do not move.
module Dual = RNN dual (λ (x , ẋ) → tanh x , slope x · ẋ)
  (λ j k → fixed (weightHidden j k)) (λ j k → fixed (weightInput j k)) (λ j → fixed (bias j))

dualStep : (Fin n → R × R) → Vector m → Fin n → R × R
dualStep hidden x = Dual.rnnStep hidden (λ k → fixed (x k))

-- diag(s) W v
tangent : Vector n → Vector n → Vector n
tangent v s j = s j · times weightHidden v j

slopes : (hidden : Vector n) (x : Vector m) → Vector n
slopes hidden x j = slope (preactivation hidden x j)

-- Two sums of products over dual numbers: of what moves, and of what does not.
timesMoving : {k : ℕ} (W : Fin n → Fin k → R) (z ż : Vector k) (j : Fin n)
  → Dual.times (λ i l → fixed (W i l)) (λ l → z l , ż l) j ≡ (times W z j , times W ż j)
timesMoving W z ż j =
  sumOfDuals (λ l → W j l · z l , W j l · ż l + 0r · z l)
  ∙ λ i → times W z j , ∑Ext (λ l → fixedTimes (W j l) (z l) (ż l)) i

timesFixed : {k : ℕ} (W : Fin n → Fin k → R) (z : Vector k) (j : Fin n)
  → Dual.times (λ i l → fixed (W i l)) (λ l → fixed (z l)) j ≡ fixed (times W z j)
timesFixed {k} W z j =
  timesMoving W z (λ _ → 0r) j ∙ λ i → times W z j , (∑Ext (λ l → ·0Absorbs (W j l)) ∙ ∑Zero k) i

-- One step of the RNN over dual numbers takes the value where it went before, and its rate v to
-- diag(tanh′(a)) W v.
stepRate : (hidden v : Vector n) (x : Vector m)
  → dualStep (λ j → hidden j , v j) x ≡ (λ j → rnnStep hidden x j , tangent v (slopes hidden x) j)
stepRate hidden v x i j = tanh (fst (moved i)) , slope (fst (moved i)) · snd (moved i)
  where
  given : Dual.preactivation (λ k → hidden k , v k) (λ k → fixed (x k)) j
        ≡ (preactivation hidden x j , times weightHidden v j + (0r + 0r))
  given i = fst (read i) + (fst (unmoved i) + bias j) , snd (read i) + (snd (unmoved i) + 0r)
    where
    read    = timesMoving weightHidden hidden v j
    unmoved = timesFixed weightInput x j
  moved : Dual.preactivation (λ k → hidden k , v k) (λ k → fixed (x k)) j
        ≡ (preactivation hidden x j , times weightHidden v j)
  moved = given ∙ λ i → preactivation hidden x j , (cong (times weightHidden v j +_) (+IdR 0r) ∙ +IdR _) i

-- The slopes along the way.
slopeTrace : Vector n → List (Vector m) → List (Vector n)
slopeTrace hidden []       = []
slopeTrace hidden (x ∷ xs) = slopes hidden x ∷ slopeTrace (rnnStep hidden x) xs

-- For every T: ∂h_T/∂h_0 v = diag(tanh′(a_T)) W ⋯ diag(tanh′(a_1)) W v, the slopes taken along the way.
gradientIsProduct : (xs : List (Vector m)) (hidden v : Vector n)
  → run dualStep xs (λ j → hidden j , v j)
  ≡ (λ j → run rnnStep xs hidden j , run tangent (slopeTrace hidden xs) v j)
gradientIsProduct []       hidden v = refl
gradientIsProduct (x ∷ xs) hidden v =
  cong (run dualStep xs) (stepRate hidden v x)
  ∙ gradientIsProduct xs (rnnStep hidden x) (tangent v (slopes hidden x))
