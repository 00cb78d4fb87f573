{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

One head's weighting from its own previous one (Section 3.3.2, Figure 2), and its three modes. Content weighting is given; a power and
division are given functions, of which a theorem says what it needs.

  paper                                     here
  w^c, g, s, γ                              an Emission: content, gate, shares, gamma
  equation (7)                              blend g c w
  equation (8)                              convolve s w
  equation (9)                              sharpen γ w
  w_t from w_{t−1}                          move e w
  w_T                                       run move es w
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)

module NTM-Head {ℓ : Level} (R' : CommRing ℓ) {n : ℕ} (back : Fin n → Fin n)
  (power : fst R' → fst R' → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Nat.Base using () renaming (_+_ to _+ℕ_)
open import Cubical.Data.Nat.Properties using (+-comm)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
open import S30.Ring R' using (_-_; 0·Absorbs)
import S30.Sum
import NTM-Memory
import NTM-Shift

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; -_; +IdL; +IdR; +InvR; ·IdL)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑Zero)
open NTM-Shift R' back using (R; Weighting; Shares; shift; convolve; oneHotShift; shiftTwice)
open NTM-Memory.Rows R' {J = R} using (oneHot)

record Emission : Type ℓ where
  constructor emission
  field
    content : Weighting
    gate    : R
    shares  : Shares
    gamma   : R
open Emission public

-- w^g = g w^c + (1 − g) w_{t−1}
blend : R → Weighting → Weighting → Weighting
blend g c w i = g · c i + (1r - g) · w i

-- w(i) = w̃(i)^γ / Σ_j w̃(j)^γ
sharpen : R → Weighting → Weighting
sharpen γ w i = divide (power (w i) γ) (∑ (λ j → power (w j) γ))

move : Weighting → Emission → Weighting
move w e = sharpen (gamma e) (convolve (shares e) (blend (gate e) (content e) w))

----------------------------------------------------------------------
-- Gate and sharpening

-- A gate of 0 ignores content: the weighting from the previous step is used.
gateShut : (c w : Weighting) → blend 0r c w ≡ w
gateShut c w = funExt λ i → cong₂ _+_ (0·Absorbs (c i)) (cong (_· w i) one ∙ ·IdL (w i)) ∙ +IdL (w i)
  where
  one : 1r - 0r ≡ 1r
  one = cong (1r +_) (sym (+IdL (- 0r)) ∙ +InvR 0r) ∙ +IdR 1r

-- A gate of 1 ignores the weighting from the previous step.
gateOpen : (c w : Weighting) → blend 1r c w ≡ c
gateOpen c w = funExt λ i → cong₂ _+_ (·IdL (c i)) (cong (_· w i) (+InvR 1r) ∙ 0·Absorbs (w i)) ∙ +IdR (c i)

private
  sumOneHot : {m : ℕ} (i : Fin m) → ∑ (oneHot i) ≡ 1r
  sumOneHot {suc m} zero    = cong (1r +_) (∑Zero m) ∙ +IdR 1r
  sumOneHot (suc i) = cong (0r +_) (sumOneHot i) ∙ +IdL 1r

-- Sharpening leaves a weighting all on one row, where 1^γ = 1, 0^γ = 0 and dividing by 1 changes nothing.
sharpenOneHot : (γ : R) → power 1r γ ≡ 1r → power 0r γ ≡ 0r → ((x : R) → divide x 1r ≡ x)
              → (i : Fin n) → sharpen γ (oneHot i) ≡ oneHot i
sharpenOneHot γ ones zeros by1 i = funExt λ k →
  cong₂ divide (at k) (∑Ext at ∙ sumOneHot i) ∙ by1 (oneHot i k)
  where
  open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
  open import Cubical.Data.FinData.Base using (_==_)
  of : (b : Bool) → power (if b then 1r else 0r) γ ≡ (if b then 1r else 0r)
  of true  = ones
  of false = zeros
  at : (k : Fin n) → power (oneHot i k) γ ≡ oneHot i k
  at k = of (i == k)

----------------------------------------------------------------------
-- The three modes

Keeps : R → Weighting → Type ℓ
Keeps γ w = sharpen γ w ≡ w

-- First: a weighting is chosen by content, without any modification by location.
byContent : (c w : Weighting) (γ : R) → Keeps γ c → move w (emission c 1r ((0 , 1r) ∷ []) γ) ≡ c
byContent c w γ kept =
  cong (sharpen γ) (oneHotShift 0 (blend 1r c w) ∙ gateOpen c w) ∙ kept

-- Second: it is chosen by content and shifted.
byContentShifted : (k : ℕ) (c w : Weighting) (γ : R) → Keeps γ (shift k c)
                 → move w (emission c 1r ((k , 1r) ∷ []) γ) ≡ shift k c
byContentShifted k c w γ kept =
  cong (sharpen γ) (oneHotShift k (blend 1r c w) ∙ cong (shift k) (gateOpen c w)) ∙ kept

-- Third: the weighting from the previous step is rotated, without any input from content.
byLocation : (k : ℕ) (c w : Weighting) (γ : R) → Keeps γ (shift k w)
           → move w (emission c 0r ((k , 1r) ∷ []) γ) ≡ shift k w
byLocation k c w γ kept =
  cong (sharpen γ) (oneHotShift k (blend 0r c w) ∙ cong (shift k) (gateShut c w)) ∙ kept

-- The sum of a list of shifts.
sumOf : List ℕ → ℕ
sumOf []       = 0
sumOf (k ∷ ks) = k +ℕ sumOf ks

-- In the third mode a head's path is its start, rotated by the sum of all shifts, whatever content says, where sharpening keeps every
-- rotation of the start.
pathOfTheHead : (c : Weighting) (γ : R) (w : Weighting) → ((k : ℕ) → Keeps γ (shift k w)) → (ks : List ℕ)
  → run move (map (λ k → emission c 0r ((k , 1r) ∷ []) γ) ks) w ≡ shift (sumOf ks) w
pathOfTheHead c γ w kept []       = refl
pathOfTheHead c γ w kept (k ∷ ks) =
  cong (run move (map (λ m → emission c 0r ((m , 1r) ∷ []) γ) ks)) (byLocation k c w γ (kept k))
  ∙ pathOfTheHead c γ (shift k w) (λ m → subst (Keeps γ) (sym (shiftTwice m k w)) (kept (k +ℕ m))) ks
  ∙ shiftTwice (sumOf ks) k w

----------------------------------------------------------------------
-- Heads side by side

moveAll : {H : Type} → (H → Weighting) → (H → Emission) → H → Weighting
moveAll W E h = move (W h) (E h)

-- Each head follows its own previous weighting: of all heads moved together, one goes where it would go alone.
eachItsOwn : {H : Type} (h : H) (Es : List (H → Emission)) (W : H → Weighting)
           → run moveAll Es W h ≡ run move (map (λ E → E h) Es) (W h)
eachItsOwn h []       W = refl
eachItsOwn h (E ∷ Es) W = eachItsOwn h Es (moveAll W E)
