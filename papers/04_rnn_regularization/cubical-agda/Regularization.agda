{-# OPTIONS --safe #-}
{-
Paper 04: Zaremba, Sutskever, Vinyals, «Recurrent Neural Network Regularization»
(2014), arXiv:1409.2329.

One layer of the regularized LSTM (section 3.2), its masks given; a deep one is layer
upon layer. The numbers are a commutative ring R; sigm and tanh are arbitrary
functions.

  paper                          here
  h^{l−1}_t, h^l_{t−1}, c^l_{t−1}  x, hidden, cell
  D(x) = m ⊙ x / (1 − p)         masked keep x, keep = m / (1 − p)
  T_{2n,4n}                      a Transform for each of i, f, o, g
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)

module Regularization {ℓ : Level} (R' : CommRing ℓ) {n : ℕ} (sigm tanh : fst R' → fst R') where

open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
open import S30.Ring R' using (_-_; 0·Absorbs; ·DistR-; differenceCancels)
import S30.Sum

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; ·Assoc; ·IdL; ·Comm)
open S30.Sum.Sum R' using (∑)

R : Type ℓ
R = fst R'

Vector : Type ℓ
Vector = Fin n → R

-- D(x), keep being 0 or 1 / (1 − p) for each unit
masked : (keep x : Vector) → Vector
masked keep x j = keep j · x j

-- The part of T_{2n,4n} that one gate reads.
record Transform : Type ℓ where
  constructor transform
  field
    given recurrent : Fin n → Fin n → R
    bias            : Vector

open Transform public

-- T (x, hidden)
apply : Transform → (x hidden : Vector) → Vector
apply T x hidden j = ∑ (λ k → given T j k · x k) + (∑ (λ k → recurrent T j k · hidden k) + bias T j)

record State : Type ℓ where
  constructor state
  field
    cell hidden : Vector

open State public

module Layer (I F O G : Transform) where

  -- c_t = f ⊙ c_{t−1} + i ⊙ g and h_t = o ⊙ tanh(c_t), the gates from what comes from below and from h_{t−1}
  plainStep : State → Vector → State
  plainStep s x = state new (λ j → sigm (apply O x (hidden s) j) · tanh (new j))
    where
    new : Vector
    new j = sigm (apply F x (hidden s) j) · cell s j + sigm (apply I x (hidden s) j) · tanh (apply G x (hidden s) j)

  -- «The main idea is to apply the dropout operator only to the non-recurrent connections»: D(h^{l−1}_t), and h^l_{t−1} as it is.
  droppedStep : State → Vector × Vector → State
  droppedStep s (keep , x) = plainStep s (masked keep x)

  -- With all-ones masks and rate 0 it is the plain LSTM, on every text.
  onesArePlain : (xs : List Vector) (s : State) → run droppedStep (map (λ x → (λ _ → 1r) , x) xs) s ≡ run plainStep xs s
  onesArePlain []       s = refl
  onesArePlain (x ∷ xs) s =
    cong (λ y → run droppedStep (map (λ x → (λ _ → 1r) , x) xs) (plainStep s y)) (funExt λ j → ·IdL (x j))
    ∙ onesArePlain xs (plainStep s x)

  -- With all masks zero no word gets in: whatever two texts of one length say, their states are the same, and they are what
  -- the initial state has become.
  nothingGetsIn : (xs : List Vector) (s : State)
    → run droppedStep (map (λ x → (λ _ → 0r) , x) xs) s ≡ run plainStep (map (λ _ _ → 0r) xs) s
  nothingGetsIn []       s = refl
  nothingGetsIn (x ∷ xs) s =
    cong (λ y → run droppedStep (map (λ x → (λ _ → 0r) , x) xs) (plainStep s y)) (funExt λ j → 0·Absorbs (x j))
    ∙ nothingGetsIn xs (plainStep s (λ _ → 0r))

----------------------------------------------------------------------
-- The path of the cell, its gates given: a forget gate and what is written, for one unit

update : R → R × R → R
update c (forget , write) = forget · c + write

-- Π f_t
forgets : List (R × R) → R
forgets []                  = 1r
forgets ((f , _) ∷ us)      = f · forgets us

-- Two cells under the same gates, so under the same masks, differ by Π f_t of what they differed at the start: on the path
-- of the cell stands no mask, for every number of steps.
cellPath : (us : List (R × R)) (c c′ : R) → run update us c - run update us c′ ≡ forgets us · (c - c′)
cellPath []             c c′ = sym (·IdL (c - c′))
cellPath ((f , w) ∷ us) c c′ =
  cellPath us (f · c + w) (f · c′ + w)
  ∙ cong (forgets us ·_) (differenceCancels (f · c) (f · c′) w ∙ sym (·DistR- f c c′))
  ∙ ·Assoc (forgets us) f (c - c′) ∙ cong (_· (c - c′)) (·Comm (forgets us) f)

-- The rival drops the cell: keep is 0 or 1 / (1 − p), drawn anew at every step.
rivalUpdate : R → R × (R × R) → R
rivalUpdate c (keep , u) = update (keep · c) u

keeps : List (R × (R × R)) → R
keeps []                       = 1r
keeps ((keep , (f , _)) ∷ us)  = (f · keep) · keeps us

-- Then every step's mask stands on the path: Π f_t m_t / (1 − p)^T.
rivalPath : (us : List (R × (R × R))) (c c′ : R) → run rivalUpdate us c - run rivalUpdate us c′ ≡ keeps us · (c - c′)
rivalPath []                      c c′ = sym (·IdL (c - c′))
rivalPath ((keep , (f , w)) ∷ us) c c′ =
  rivalPath us (f · (keep · c) + w) (f · (keep · c′) + w)
  ∙ cong (keeps us ·_)
      ( differenceCancels (f · (keep · c)) (f · (keep · c′)) w ∙ sym (·DistR- f (keep · c) (keep · c′))
      ∙ cong (f ·_) (sym (·DistR- keep c c′)) ∙ ·Assoc f keep (c - c′))
  ∙ ·Assoc (keeps us) (f · keep) (c - c′) ∙ cong (_· (c - c′)) (·Comm (keeps us) (f · keep))
