{-# OPTIONS --safe #-}
{-
What truncated back-propagation leaves out («Paul Graham generator»: «truncated
backpropagation through time»), by dual numbers: every parameter moves, at rates of
its own, and so does the state that was carried into the window.

  post                                        here
  how the weights move                        a layer L̇ of rates beside the layer L
  the gradient of a window, truncated         the ε-part of a run that starts from (h , 0)
  the gradient through the carried state      the ε-part of a run that starts from (h , v)
  diag(tanh′(a_t)) W_hh                       tangent
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)
import CharRNN

module CharRNN-Truncation {ℓ : Level} (R' : CommRing ℓ) (tanh slope : fst R' → fst R') {n m : ℕ}
  (L L̇ : CharRNN.Layer R' n m) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
open import S30.Ring R' using (·0Absorbs)
open import S30.Dual R' using (dual; fixed; sumOfDuals)
import S30.Sum

open CommRingStr (snd R') using (0r; _+_; _·_; +Assoc; +Comm; +IdL; ·DistR+)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑Add; ∑Zero)
open CharRNN R' using (R; Vector; times; given; recurrent; bias; preactivation; rnnStep)
module Dual = CharRNN dual

-- The same layer on dual numbers, each parameter with its rate; tanh(x + ẋε) = tanh x + tanh′(x) ẋ ε.
movingLayer : Dual.Layer n m
movingLayer = Dual.layer (λ j l → given L j l , given L̇ j l) (λ j l → recurrent L j l , recurrent L̇ j l)
  (λ j → bias L j , bias L̇ j)

dualStep : (Fin n → R × R) → Vector m → Fin n → R × R
dualStep hidden x = Dual.rnnStep (λ (a , ȧ) → tanh a , slope a · ȧ) movingLayer hidden (λ l → fixed (x l))

infixl 6 _⊕_

_⊕_ : Vector n → Vector n → Vector n
(v ⊕ w) j = v j + w j

origin : Vector n
origin _ = 0r

slopes : (hidden : Vector n) (x : Vector m) → Vector n
slopes hidden x j = slope (preactivation L hidden x j)

-- diag(s) W_hh v
tangent : Vector n → Vector n → Vector n
tangent v s j = s j · times (recurrent L) v j

slopeTrace : Vector n → List (Vector m) → List (Vector n)
slopeTrace hidden []       = []
slopeTrace hidden (x ∷ xs) = slopes hidden x ∷ slopeTrace (rnnStep tanh L hidden x) xs

-- What one step's own use of the moving parameters adds to the rate.
own : (hidden : Vector n) (x : Vector m) → Vector n
own hidden x j = slopes hidden x j
  · (times (recurrent L̇) hidden j + ((times (given L) (λ _ → 0r) j + times (given L̇) x j) + bias L̇ j))

----------------------------------------------------------------------
-- Linearity

timesAdd : {k : ℕ} (W : Fin n → Fin k → R) (v w : Vector k) (j : Fin n)
  → times W (λ l → v l + w l) j ≡ times W v j + times W w j
timesAdd W v w j = ∑Ext (λ l → ·DistR+ (W j l) (v l) (w l)) ∙ ∑Add (λ l → W j l · v l) (λ l → W j l · w l)

tangentAdd : (v w s : Vector n) → tangent (v ⊕ w) s ≡ tangent v s ⊕ tangent w s
tangentAdd v w s i j = (cong (s j ·_) (timesAdd (recurrent L) v w j) ∙ ·DistR+ (s j) _ _) i

tangentOrigin : (s : Vector n) → tangent origin s ≡ origin
tangentOrigin s i j = (cong (s j ·_) (∑Ext (λ l → ·0Absorbs (recurrent L j l)) ∙ ∑Zero n) ∙ ·0Absorbs (s j)) i

-- A product of Jacobians is additive, for every T: rates that enter together may be sent through one by one.
jacobiansAdd : (ss : List (Vector n)) (v w : Vector n) → run tangent ss (v ⊕ w) ≡ run tangent ss v ⊕ run tangent ss w
jacobiansAdd []       v w = refl
jacobiansAdd (s ∷ ss) v w = cong (run tangent ss) (tangentAdd v w s) ∙ jacobiansAdd ss (tangent v s) (tangent w s)

----------------------------------------------------------------------
-- One step

-- A product of matrix and vector over dual numbers, where both move.
timesMoving : {k : ℕ} (W Ẇ : Fin n → Fin k → R) (z ż : Vector k) (j : Fin n)
  → Dual.times (λ i l → W i l , Ẇ i l) (λ l → z l , ż l) j ≡ (times W z j , times W ż j + times Ẇ z j)
timesMoving W Ẇ z ż j =
  sumOfDuals (λ l → W j l · z l , W j l · ż l + Ẇ j l · z l)
  ∙ λ i → times W z j , ∑Add (λ l → W j l · ż l) (λ l → Ẇ j l · z l) i

-- One step takes the state where it went before, and its rate v to diag(tanh′(a)) W_hh v plus the step's own use of the
-- moving parameters.
stepRate : (hidden v : Vector n) (x : Vector m)
  → dualStep (λ j → hidden j , v j) x
  ≡ (λ j → rnnStep tanh L hidden x j , (tangent v (slopes hidden x) ⊕ own hidden x) j)
stepRate hidden v x = funExt λ j → cong (λ (a , ȧ) → tanh a , slope a · ȧ) (moved j) ∙ λ i → rnnStep tanh L hidden x j , rate j i
  where
  new : Fin n → R
  new j = (times (given L) (λ _ → 0r) j + times (given L̇) x j) + bias L̇ j
  moved : (j : Fin n) → Dual.preactivation movingLayer (λ k → hidden k , v k) (λ l → fixed (x l)) j
        ≡ (preactivation L hidden x j , (times (recurrent L) v j + times (recurrent L̇) hidden j) + new j)
  moved j i = fst (back i) + (fst (read i) + bias L j) , snd (back i) + (snd (read i) + bias L̇ j)
    where
    back = timesMoving (recurrent L) (recurrent L̇) hidden v j
    read = timesMoving (given L) (given L̇) x (λ _ → 0r) j
  rate : (j : Fin n) → slopes hidden x j · ((times (recurrent L) v j + times (recurrent L̇) hidden j) + new j)
       ≡ (tangent v (slopes hidden x) ⊕ own hidden x) j
  rate j = cong (slopes hidden x j ·_) (sym (+Assoc _ _ _)) ∙ ·DistR+ (slopes hidden x j) _ _

----------------------------------------------------------------------
-- A window

-- The rate after a window that starts in h at the rate v.
rateAfter : List (Vector m) → (hidden v : Vector n) → Vector n
rateAfter xs hidden v j = snd (run dualStep xs (λ k → hidden k , v k) j)

-- Cutting the carried state's rate changes no state: the forward pass is whole, whatever is truncated.
statesAreWhole : (xs : List (Vector m)) (hidden v : Vector n)
  → (λ j → fst (run dualStep xs (λ k → hidden k , v k) j)) ≡ run (rnnStep tanh L) xs hidden
statesAreWhole []       hidden v = refl
statesAreWhole (x ∷ xs) hidden v =
  (λ i j → fst (run dualStep xs (stepRate hidden v x i) j)) ∙ statesAreWhole xs _ _

-- For every window: its gradient is the truncated one, and what ∂h_T/∂h_0 = diag(tanh′(a_T)) W ⋯ diag(tanh′(a_1)) W, the
-- slopes taken along the way, makes of what the carried state owes to the parameters.
rateSplits : (xs : List (Vector m)) (hidden v : Vector n)
  → rateAfter xs hidden v ≡ rateAfter xs hidden origin ⊕ run tangent (slopeTrace hidden xs) v
rateSplits []       hidden v = λ i j → +IdL (v j) (~ i)
rateSplits (x ∷ xs) hidden v =
  rateAfter (x ∷ xs) hidden v
    ≡⟨ stepped v ⟩
  rateAfter xs next origin ⊕ (jacobians (tangent v s) ⊕ jacobians r)
    ≡⟨ (λ i j → regroup (rateAfter xs next origin j) (jacobians (tangent v s) j) (jacobians r j) i) ⟩
  (rateAfter xs next origin ⊕ jacobians r) ⊕ jacobians (tangent v s)
    ≡⟨ cong (_⊕ jacobians (tangent v s)) (sym fromOrigin) ⟩
  rateAfter (x ∷ xs) hidden origin ⊕ jacobians (tangent v s) ∎
  where
  next = rnnStep tanh L hidden x
  s = slopes hidden x
  r = own hidden x
  jacobians = run tangent (slopeTrace next xs)
  stepped : (v : Vector n) → rateAfter (x ∷ xs) hidden v ≡ rateAfter xs next origin ⊕ (jacobians (tangent v s) ⊕ jacobians r)
  stepped v =
    (λ i j → snd (run dualStep xs (stepRate hidden v x i) j))
    ∙ rateSplits xs next (tangent v s ⊕ r)
    ∙ cong (rateAfter xs next origin ⊕_) (jacobiansAdd (slopeTrace next xs) (tangent v s) r)
  regroup : (p q t : R) → p + (q + t) ≡ (p + t) + q
  regroup p q t = cong (p +_) (+Comm q t) ∙ +Assoc p t q
  jacobiansOrigin : (ss : List (Vector n)) → run tangent ss origin ≡ origin
  jacobiansOrigin []       = refl
  jacobiansOrigin (s ∷ ss) = cong (run tangent ss) (tangentOrigin s) ∙ jacobiansOrigin ss
  fromOrigin : rateAfter (x ∷ xs) hidden origin ≡ rateAfter xs next origin ⊕ jacobians r
  fromOrigin = stepped origin ∙ cong (rateAfter xs next origin ⊕_)
    (cong (_⊕ jacobians r) (cong jacobians (tangentOrigin s) ∙ jacobiansOrigin (slopeTrace next xs))
     ∙ λ i j → +IdL (jacobians r j) i)
