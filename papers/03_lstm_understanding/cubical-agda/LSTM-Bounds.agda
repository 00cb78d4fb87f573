{-# OPTIONS --safe #-}
{-
LSTM: what the gates can do to the cell, where the numbers are ordered.

The numbers are a commutative ring R with a reflexive and transitive order that
addition and multiplication by what is ≥ 0 respect, and 0 ≤ 1. That a sigmoid
«outputs numbers between zero and one» enters as IsGate f, 0 ≤ f and 0 ≤ 1 − f;
that tanh pushes values «to be between −1 and 1» as Within 1, −1 ≤ C̃ and C̃ ≤ 1.

  post              here
  |x| ≤ b           Within b x
  Σ_t (1 − f_t)     forgotten
  Σ_t i_t           taken
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module LSTM-Bounds {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Lists using (All)
open import S30.Fold using (run)
open import S30.Ring R'
import S30.Interval
open import LSTM-Cell R'
open import LSTM-Coupled R'

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; -_; +Assoc; +IdR; +IdL; +InvR; +Comm; ·IdR; ·IdL; ·Comm; ·DistL+)

-- Σ_t (1 − f_t) and Σ_t i_t
forgotten taken : List Gates → R
forgotten us = sumList (map (λ u → 1r - forget u) us)
taken us     = sumList (map input us)

-- 1 − f Π = (1 − f) + f (1 − Π): what a product of gates loses, gate by gate.
lossSplits : (f Π : R) → 1r - f · Π ≡ (1r - f) + f · (1r - Π)
lossSplits f Π =
  1r - f · Π                     ≡⟨ cong (_- f · Π) (sym (+Complement f 1r) ∙ +Comm f (1r - f)) ⟩
  ((1r - f) + f) - f · Π         ≡⟨ sym (+Assoc (1r - f) f (- (f · Π))) ⟩
  (1r - f) + (f - f · Π)         ≡⟨ cong (λ x → (1r - f) + (x - f · Π)) (sym (·IdR f)) ⟩
  (1r - f) + (f · 1r - f · Π)    ≡⟨ cong ((1r - f) +_) (sym (·DistR- f 1r Π)) ⟩
  (1r - f) + f · (1r - Π)        ∎

module _ {ℓ' : Level}
  (_≤_ : R → R → Type ℓ')
  (≤Refl : (a : R) → a ≤ a)
  (≤Trans : (a b c : R) → a ≤ b → b ≤ c → a ≤ c)
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b))
  (0≤1 : 0r ≤ 1r) where

  open S30.Interval R' _≤_ ≤Refl ≤Trans +Mono ·Mono

  --------------------------------------------------------------------
  -- Coupled gates

  IsBetween : R → R → R → Type ℓ'
  IsBetween low high x = (low ≤ x) × (x ≤ high)

  mixBetween : (low high f x y : R) → IsGate f → IsBetween low high x → IsBetween low high y
             → IsBetween low high (f · x + (1r - f) · y)
  mixBetween low high f x y (0≤f , 0≤1-f) (l≤x , x≤h) (l≤y , y≤h) =
      subst (_≤ (f · x + (1r - f) · y)) (mixtureOfEquals f low)
        (+Mono _ _ _ _ (·Mono f low x 0≤f l≤x) (·Mono (1r - f) low y 0≤1-f l≤y))
    , subst ((f · x + (1r - f) · y) ≤_) (mixtureOfEquals f high)
        (+Mono _ _ _ _ (·Mono f x high 0≤f x≤h) (·Mono (1r - f) y high 0≤1-f y≤h))

  -- With coupled gates, all forget gates in [0, 1] and all candidates in [low, high], a cell that
  -- starts in [low, high] stays there. For candidates of tanh: |C_t| ≤ max(|C_0|, 1).
  coupledStaysBetween : (low high : R) (us : List Gates)
    → All (λ u → IsCoupled u × IsGate (forget u) × IsBetween low high (candidate u)) us
    → (cell : R) → IsBetween low high cell → IsBetween low high (run cellUpdate us cell)
  coupledStaysBetween low high =
    Convex.coupledStaysConvex IsGate (IsBetween low high) (mixBetween low high)

  -- A GRU's hidden state that starts in [low, high] stays there, if its candidates are in
  -- [low, high] and its update gates in [0, 1]. For candidates of tanh: |h_t| ≤ 1 once |h_0| ≤ 1.
  gruStaysBetween : (low high : R) (us : List (R × R))
    → All (λ u → IsGate (fst u) × IsBetween low high (snd u)) us
    → (hidden : R) → IsBetween low high hidden
    → IsBetween low high (run (λ h u → gruUpdate (fst u) (snd u) h) us hidden)
  gruStaysBetween low high []             _                                    h inside = inside
  gruStaysBetween low high ((z , h̃) ∷ us) (((0≤z , 0≤1-z) , between) , others) h inside =
    gruStaysBetween low high us others (gruUpdate z h̃ h)
      (coupledStaysBetween low high (gates (1r - z) z h̃ ∷ []) ((coupled , gate , between) , _) h inside)
    where
    coupled = snd (gruIsCoupled z h̃ h)
    gate    = 0≤1-z , subst (0r ≤_) (sym (complementInvolutive z)) 0≤z

  --------------------------------------------------------------------
  -- How far gates that are not quite open and not quite shut let the cell drift

  -- 0 ≤ f ≤ 1, 0 ≤ i and |C̃| ≤ 1: what σ and tanh give.
  IsRegular : Gates → Type ℓ'
  IsRegular u = IsGate (forget u) × (0r ≤ input u) × Within 1r (candidate u)

  -- A product of forget gates in [0, 1] is in [0, 1].
  productIsGate : (us : List Gates) → All IsRegular us → IsGate (forgetProduct us)
  productIsGate []       _                         = 0≤1 , subst (0r ≤_) (sym (+InvR 1r)) (≤Refl 0r)
  productIsGate (u ∷ us) ((gate , _ , _) , others) =
      0≤· f Π (fst gate) (fst rest)
    , subst (0r ≤_) (sym (lossSplits f Π)) (0≤+ (1r - f) (f · (1r - Π)) (snd gate) (0≤· f (1r - Π) (fst gate) (snd rest)))
    where
    f    = forget u
    Π    = forgetProduct us
    rest = productIsGate us others

  -- A product of gates loses no more than its factors together: 1 − Π f_t ≤ Σ_t (1 − f_t) for forget gates in [0, 1].
  productLoss : (us : List Gates) → All IsRegular us → (1r - forgetProduct us) ≤ forgotten us
  productLoss []       _                             = subst (_≤ 0r) (sym (+InvR 1r)) (≤Refl 0r)
  productLoss (u ∷ us) (regular@(gate , _ , _) , others) =
    subst (_≤ forgotten (u ∷ us)) (sym (lossSplits f Π))
      (+Mono (1r - f) (1r - f) (f · (1r - Π)) (forgotten us) (≤Refl _)
        (≤Trans _ _ _ (gateShrinks f (1r - Π) gate (snd (productIsGate us others))) (productLoss us others)))
    where
    f = forget u
    Π = forgetProduct us

  -- What is left of all writes is at most Σ_t i_t, for f_t in [0, 1], i_t ≥ 0 and |C̃_t| ≤ 1.
  writesWithin : (us : List Gates) → All IsRegular us → Within (taken us) (weightedWrites us)
  writesWithin []       _ = subst (_≤ 0r) (sym (+InvR 0r) ∙ +IdL (- 0r)) (≤Refl 0r) , ≤Refl 0r
  writesWithin (u ∷ us) ((_ , 0≤i , bounded) , others) =
    withinSum (input u) (taken us) (forgetProduct us · (input u · candidate u)) (weightedWrites us)
      (withinGated (forgetProduct us) (input u) _ (productIsGate us others) 0≤i
        (subst (λ b → Within b (input u · candidate u)) (·IdR (input u)) (withinScaled (input u) 1r (candidate u) 0≤i bounded)))
      (writesWithin us others)

  -- Gates in [0, 1] keep the cell up to |C_T − C_0| ≤ Σ_t (1 − f_t) b + Σ_t i_t, for every T, every
  -- |C_0| ≤ b and candidates in [−1, 1]: a sigmoid never reaches 1 or 0, but this is how near it comes.
  cellDriftsAtMost : (us : List Gates) → All IsRegular us
    → (b cell : R) → 0r ≤ b → Within b cell
    → Within (forgotten us · b + taken us) (run cellUpdate us cell - cell)
  cellDriftsAtMost us regular b cell 0≤b within =
    subst (Within (forgotten us · b + taken us)) (sym drift)
      (withinSum (forgotten us · b) (taken us) (- ((1r - Π) · cell)) (weightedWrites us)
        (withinLarger ((1r - Π) · b) (forgotten us · b) _ (·MonoR (1r - Π) (forgotten us) b 0≤b (productLoss us regular))
          (withinNegated ((1r - Π) · b) ((1r - Π) · cell)
            (withinScaled (1r - Π) b cell (snd (productIsGate us regular)) within)))
        (writesWithin us regular))
    where
    Π = forgetProduct us
    W = weightedWrites us
    -- C_T − C_0 = −(1 − Π f) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t
    drift : run cellUpdate us cell - cell ≡ - ((1r - Π) · cell) + W
    drift =
      run cellUpdate us cell - cell        ≡⟨ cong (_- cell) (cellClosedForm us cell) ⟩
      (Π · cell + W) - cell                ≡⟨ cong (_- cell) (+Comm (Π · cell) W) ⟩
      (W + Π · cell) - cell                ≡⟨ sym (+Assoc W (Π · cell) (- cell)) ⟩
      W + (Π · cell - cell)                ≡⟨ +Comm W (Π · cell - cell) ⟩
      (Π · cell - cell) + W                ≡⟨ cong (_+ W) (sym lost) ⟩
      - ((1r - Π) · cell) + W              ∎
      where
      lost : - ((1r - Π) · cell) ≡ Π · cell - cell
      lost =
        - ((1r - Π) · cell)                ≡⟨ cong -_ (·DistL+ 1r (- Π) cell) ⟩
        - (1r · cell + (- Π) · cell)       ≡⟨ cong₂ (λ x y → - (x + y)) (·IdL cell) (-·L Π cell) ⟩
        - (cell - Π · cell)                ≡⟨ -Dist+ cell (- (Π · cell)) ⟩
        - cell - (- (Π · cell))            ≡⟨ cong (- cell +_) (-Involutive (Π · cell)) ⟩
        - cell + Π · cell                  ≡⟨ +Comm (- cell) (Π · cell) ⟩
        Π · cell - cell                    ∎
        where
        -·L : (x y : R) → (- x) · y ≡ - (x · y)
        -·L x y = ·Comm (- x) y ∙ ·-R y x ∙ cong -_ (·Comm y x)
