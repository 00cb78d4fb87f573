{-# OPTIONS --safe #-}
{-
How often dropout meets what flows from a word to a later prediction (section 3.2,
figures 2 and 3): «the information is corrupted by the dropout operator exactly L + 1
times, and this number is independent of the number of timesteps traversed».

Level 0 holds the words h⁰, levels 1, …, L the layers, level L + 1 the predictions.

  paper                                    here
  dashed arrow of figure 2, with dropout   up       h^l_t → h^{l+1}_t
  solid arrow of figure 2, without         along    h^l_t → h^l_{t+1}, of the layers alone
  thick line of figure 3                   a Way
-}
module Regularization-Paths where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_)
open import Cubical.Data.Nat.Properties using (+-zero; +-suc)
open import Cubical.Data.Nat.Order using (_≤_; ≤-refl; zero-≤; suc-≤-suc)

private
  variable
    L l l′ t t′ : ℕ

-- From level l at time t to level l′ at time t′, in a network of L layers.
data Way (L : ℕ) : (l t l′ t′ : ℕ) → Type where
  here  : Way L l t l t
  up    : Way L (suc l) t l′ t′ → Way L l t l′ t′
  along : 1 ≤ l → l ≤ L → Way L l (suc t) l′ t′ → Way L l t l′ t′

-- How many connections with dropout, and how many without, a path takes.
drops steps : Way L l t l′ t′ → ℕ
drops here          = 0
drops (up p)        = suc (drops p)
drops (along _ _ p) = drops p
steps here          = 0
steps (up p)        = steps p
steps (along _ _ p) = suc (steps p)

-- A path meets dropout once for each level that it climbs, whichever way it takes.
dropsClimb : (p : Way L l t l′ t′) → drops p + l ≡ l′
dropsClimb here                  = refl
dropsClimb {l = l} (up p)        = sym (+-suc (drops p) l) ∙ dropsClimb p
dropsClimb (along _ _ p)         = dropsClimb p

-- And it takes one recurrent connection for each step of time.
stepsPass : (p : Way L l t l′ t′) → steps p + t ≡ t′
stepsPass here                   = refl
stepsPass (up p)                 = stepsPass p
stepsPass {t = t} (along _ _ p)  = sym (+-suc (steps p) t) ∙ stepsPass p

-- On every path from a word to a prediction dropout is applied exactly L + 1 times, however many steps of time lie between.
exactlyOncePerLevel : (L t t′ : ℕ) (p : Way L 0 t (suc L) t′) → drops p ≡ suc L
exactlyOncePerLevel L t t′ p = sym (+-zero (drops p)) ∙ dropsClimb p

-- If the recurrent connections were dropped as well, it would be L + 1 times and once more for each of k steps.
withRecurrentDropout : (L k : ℕ) (p : Way L 0 0 (suc L) k) → drops p + steps p ≡ suc L + k
withRecurrentDropout L k p = cong₂ _+_ (exactlyOncePerLevel L 0 k p) (sym (+-zero (steps p)) ∙ stepsPass p)

-- n + l, counted so that a path may be built upwards.
above : ℕ → ℕ → ℕ
above zero    l = l
above (suc n) l = above n (suc l)

aboveIsSum : (n l : ℕ) → above n l ≡ n + l
aboveIsSum zero    l = refl
aboveIsSum (suc n) l = aboveIsSum n (suc l) ∙ +-suc n l

-- There are such paths, for every number of steps and of layers from one on: up into the first layer, k steps along it, and up
-- through the others, the thick line of figure 3 (there L = 2).
climb : (n : ℕ) {l t : ℕ} → Way L l t (above n l) t
climb zero    = here
climb (suc n) = up (climb n)

remembered : (k n : ℕ) {l t : ℕ} → 1 ≤ l → l ≤ L → Way L l t (above n l) (above k t)
remembered zero    n 1≤l l≤L = climb n
remembered (suc k) n 1≤l l≤L = along 1≤l l≤L (remembered k n 1≤l l≤L)

thickLine : (L k t : ℕ) → Way (suc L) 0 t (above (suc L) 1) (above k t)
thickLine L k t = up (remembered k (suc L) ≤-refl (suc-≤-suc zero-≤))
