{-# OPTIONS --safe #-}
{-
Paper 02: A. Karpathy, «The Unreasonable Effectiveness of Recurrent Neural
Networks» (2015), karpathy.github.io/2015/05/21/rnn-effectiveness

One tanh layer, and the characters that it reads («RNN computation»,
«Character-Level Language Models»). The numbers are an abstract commutative ring
R; tanh is an arbitrary function.

  post                          here
  h, x                          hidden, x
  W_xh, W_hh, b                 given, recurrent, bias (the fields of Layer)
  1-of-k encoding of c          oneOfK c
  y = W_hy h + b_y              confidences
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; _==_)

module CharRNN {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import S30.Ring R' using (·0Absorbs)
import S30.Sum

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +IdR; +IdL; ·IdR)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑Zero)

R : Type ℓ
R = fst R'

Vector : ℕ → Type ℓ
Vector k = Fin k → R

-- (W x)_j
times : {n k : ℕ} → (Fin n → Fin k → R) → Vector k → Vector n
times W x j = ∑ (λ l → W j l · x l)

record Layer (n m : ℕ) : Type ℓ where
  constructor layer
  field
    given     : Fin n → Fin m → R
    recurrent : Fin n → Fin n → R
    bias      : Vector n

open Layer public

preactivation : {n m : ℕ} → Layer n m → (hidden : Vector n) (x : Vector m) → Vector n
preactivation L hidden x j = times (recurrent L) hidden j + (times (given L) x j + bias L j)

-- h_t = tanh(W_hh h_{t−1} + W_xh x_t + b)
rnnStep : (tanh : R → R) {n m : ℕ} → Layer n m → (hidden : Vector n) (x : Vector m) → Vector n
rnnStep tanh L hidden x j = tanh (preactivation L hidden x j)

-- y_t = W_hy h_t + b_y
confidences : {n k : ℕ} → (Fin k → Fin n → R) → Vector k → Vector n → Vector k
confidences V c hidden j = times V hidden j + c j

-- All zero except for a single one at the index of the character.
oneOfK : {k : ℕ} → Fin k → Vector k
oneOfK c l = if c == l then 1r else 0r

-- A character selects a column: the matrix never has to be multiplied with a 1-of-k vector, W_xh x = (W_xh)_{·,c}.
oneOfKSelects : {n k : ℕ} (W : Fin n → Fin k → R) (c : Fin k) (j : Fin n) → times W (oneOfK c) j ≡ W j c
oneOfKSelects {k = k} W c j = select c (W j)
  where
  select : {k : ℕ} (c : Fin k) (w : Vector k) → ∑ (λ l → w l · oneOfK c l) ≡ w c
  select {suc k} zero    w =
    cong₂ _+_ (·IdR (w zero)) (∑Ext (λ l → ·0Absorbs (w (suc l))) ∙ ∑Zero k) ∙ +IdR (w zero)
  select {suc k} (suc c) w = cong₂ _+_ (·0Absorbs (w zero)) (select c (λ l → w (suc l))) ∙ +IdL (w (suc c))

-- The first layer on a character, with its column in place of the product.
charStep : (tanh : R → R) {n k : ℕ} → Layer n k → (hidden : Vector n) (c : Fin k) → Vector n
charStep tanh L hidden c j = tanh (times (recurrent L) hidden j + (given L j c + bias L j))

-- Reading the 1-of-k vector of a character is looking up its column.
readingIsLookingUp : (tanh : R → R) {n k : ℕ} (L : Layer n k) (hidden : Vector n) (c : Fin k)
  → rnnStep tanh L hidden (oneOfK c) ≡ charStep tanh L hidden c
readingIsLookingUp tanh L hidden c i j =
  tanh (times (recurrent L) hidden j + (oneOfKSelects (given L) c j i + bias L j))
