{-# OPTIONS --safe #-}
{-
LSTM: gates that add up to 1 («Variants on Long Short Term Memory», the second
variant, coupled gates, and the third, the GRU).

The numbers are an abstract commutative ring R, as in LSTM-Cell.

  post                               here
  f_t, 1 − f_t, C̃_t                  forget, input (where IsCoupled), candidate
  z_t, h̃_t, h_{t−1}                  the arguments of gruUpdate
  (1 − z_t) * h_{t−1} + z_t * h̃_t    gruUpdate
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module LSTM-Coupled {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Lists using (All)
open import S30.Fold using (run; runKeeps)
import S30.Ring
open import LSTM-Cell R'

private
  variable
    ℓ' ℓ'' : Level

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +Assoc; +IdR; ·IdL; ·Comm; ·DistL+)
open S30.Ring R' using (_-_; +Complement; complementInvolutive; sumList)

-- i_t = 1 − f_t
IsCoupled : Gates → Type ℓ
IsCoupled u = input u ≡ 1r - forget u

-- C_t = f_t * C_{t−1} + (1 − f_t) * C̃_t
coupledUpdate : (u : Gates) → IsCoupled u → (cell : R)
              → cellUpdate cell u ≡ forget u · cell + (1r - forget u) · candidate u
coupledUpdate u coupled cell = cong (λ i → forget u · cell + i · candidate u) coupled

-- A mixture of equal values is that value.
mixtureOfEquals : (f x : R) → f · x + (1r - f) · x ≡ x
mixtureOfEquals f x =
  sym (·DistL+ f (1r - f) x) ∙ cong (_· x) (+Complement f 1r) ∙ ·IdL x

-- If the candidate equals the cell, coupled gates leave the cell where it is.
coupledFixedPoint : (u : Gates) → IsCoupled u → (cell : R) → candidate u ≡ cell
                  → cellUpdate cell u ≡ cell
coupledFixedPoint u coupled cell same =
  coupledUpdate u coupled cell
  ∙ cong (λ g → forget u · cell + (1r - forget u) · g) same
  ∙ mixtureOfEquals (forget u) cell

-- The weight that the candidate of step t has in the last cell.
candidateWeight : Gates × List Gates → R
candidateWeight (u , future) = forgetProduct future · input u

-- With coupled gates the weights of C_0 and of all candidates add up to 1:
-- the last cell is a weighted mean of everything that was ever offered to it.
coupledWeightsSumToOne : (us : List Gates) → All IsCoupled us
  → forgetProduct us + sumList (map candidateWeight (withFuture us)) ≡ 1r
coupledWeightsSumToOne []       _              = +IdR 1r
coupledWeightsSumToOne (u ∷ us) (coupled , cs) =
  f · Π + (Π · input u + rest)       ≡⟨ +Assoc (f · Π) (Π · input u) rest ⟩
  (f · Π + Π · input u) + rest       ≡⟨ cong (_+ rest) (cong₂ _+_ refl (·Comm Π (input u))) ⟩
  (f · Π + input u · Π) + rest       ≡⟨ cong (λ i → (f · Π + i · Π) + rest) coupled ⟩
  (f · Π + (1r - f) · Π) + rest      ≡⟨ cong (_+ rest) (mixtureOfEquals f Π) ⟩
  Π + rest                           ≡⟨ coupledWeightsSumToOne us cs ⟩
  1r                                 ∎
  where
  f    = forget u
  Π    = forgetProduct us
  rest = sumList (map candidateWeight (withFuture us))

-- GRU (third variant): h_t = (1 − z_t) * h_{t−1} + z_t * h̃_t.
gruUpdate : (update candidate hidden : R) → R
gruUpdate z h̃ h = (1r - z) · h + z · h̃

-- The GRU «combines the forget and input gates into a single “update gate”»: its update
-- is the coupled one with forget gate 1 − z.
gruIsCoupled : (z h̃ h : R)
  → (gruUpdate z h̃ h ≡ cellUpdate h (gates (1r - z) z h̃)) × IsCoupled (gates (1r - z) z h̃)
gruIsCoupled z h̃ h = refl , sym (complementInvolutive z)

-- A set of cell values that is closed under mixing with gate values: `IsGate f`
-- is read as 0 ≤ f ≤ 1, `P` as membership in a convex set.
module Convex (IsGate : R → Type ℓ') (P : R → Type ℓ'')
  (mix : (f x y : R) → IsGate f → P x → P y → P (f · x + (1r - f) · y)) where

  IsInside : Gates → Type _
  IsInside u = IsCoupled u × IsGate (forget u) × P (candidate u)

  -- With coupled gates, and forget gates between which the set may be mixed, the cell never leaves
  -- a convex set that contains C_0 and every candidate.
  coupledStaysConvex : (us : List Gates) → All IsInside us
                     → (cell : R) → P cell → P (run cellUpdate us cell)
  coupledStaysConvex us inside = runKeeps P cellUpdate us (keeps us inside)
    where
    keeps : (vs : List Gates) → All IsInside vs
          → All (λ u → (c : R) → P c → P (cellUpdate c u)) vs
    keeps []       _                            = _
    keeps (v ∷ vs) ((coupled , gate , Pg) , is) =
      (λ c Pc → subst P (sym (coupledUpdate v coupled c))
                  (mix (forget v) c (candidate v) gate Pc Pg))
      , keeps vs is
