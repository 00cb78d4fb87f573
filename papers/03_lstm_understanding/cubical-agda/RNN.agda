{-# OPTIONS --safe #-}
{-
The standard RNN («LSTM Networks»: the repeating module is a single tanh layer).

The numbers are an abstract commutative ring R; tanh is an arbitrary function.
W is cut in two, as numpy_checks.py has it.

  post                          here
  h_{t−1}, x_t                  hidden, x
  W·[h_{t−1}, x_t] + b          preactivation: weightHidden reads h_{t−1}, weightInput x_t
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)

module RNN {ℓ : Level} (R' : CommRing ℓ) {n m : ℕ} (tanh : fst R' → fst R')
  (weightHidden : Fin n → Fin n → fst R') (weightInput : Fin n → Fin m → fst R') (bias : Fin n → fst R') where

open CommRingStr (snd R') using (_+_; _·_)
open import S30.Sum using (module Sum)
open Sum R' using (∑)

-- (W z)_j
times : {k : ℕ} → (Fin n → Fin k → fst R') → (Fin k → fst R') → Fin n → fst R'
times W z j = ∑ (λ k → W j k · z k)

preactivation : (hidden : Fin n → fst R') (x : Fin m → fst R') → Fin n → fst R'
preactivation hidden x j = times weightHidden hidden j + (times weightInput x j + bias j)

-- h_t = tanh(W·[h_{t−1}, x_t] + b)
rnnStep : (hidden : Fin n → fst R') (x : Fin m → fst R') → Fin n → fst R'
rnnStep hidden x j = tanh (preactivation hidden x j)
