{-# OPTIONS --safe #-}
{-
LSTM: the cell state alone, its gates given («The Core Idea Behind LSTMs»).

The numbers are an abstract commutative ring R: what is proved holds for reals,
for vectors with the elementwise product, for dual numbers a + bε.

  post                          here
  C_t                           cell
  f_t, i_t, C̃_t                 forget, input, candidate (the fields of Gates)
  f_t * C_{t−1} + i_t * C̃_t     cellUpdate
  Π f_t                         forgetProduct
  Σ_t (Π_{s>t} f_s) i_t C̃_t     weightedWrites
  z_t, h̃_t (GRU)                the arguments of gruUpdate

That information flows along the cell state is a statement about ∂C_T/∂C_0.
With the gates held fixed it is the slope of an affine map; the theorems are
about that map itself. Where the gates read the cell, directly or through
h_{t−1}, the closed form and the bounds hold all the same for the gates that
there were on the way, but the slope is no longer the whole derivative: LSTM-Derivative
has the terms that come to it.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module LSTM-Cell {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Foundations.Function using (_∘_; idfun)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Lists using (All)
open import S30.Fold using (run; runOfIdentities; runKeeps)
import S30.Ring

private
  variable
    ℓ' ℓ'' : Level

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; +Assoc; +IdR; +IdL; ·Assoc; ·IdR; ·IdL; ·Comm; ·DistR+; ·DistL+)
open S30.Ring R' using
  (_-_; 0·Absorbs; ·0Absorbs; ·DistR-; differenceCancels; +Complement; complementInvolutive; sumList)

R : Type ℓ
R = fst R'

record Gates : Type ℓ where
  constructor gates
  field
    forget input candidate : R

open Gates public

-- C_t = f_t * C_{t−1} + i_t * C̃_t   («Step-by-Step LSTM Walk Through», third step)
cellUpdate : R → Gates → R
cellUpdate cell u = forget u · cell + input u · candidate u

----------------------------------------------------------------------
-- Affine maps c ↦ slope · c + offset

Affine : Type ℓ
Affine = R × R

slope offset : Affine → R
slope  = fst
offset = snd

apply : Affine → R → R
apply u cell = slope u · cell + offset u

identityAffine : Affine
identityAffine = 1r , 0r

infixr 9 _after_

-- The affine map «first u, then v».
_after_ : Affine → Affine → Affine
v after u = slope v · slope u , slope v · offset u + offset v

-- Affine maps act on R: composites act by composition, the identity as the identity.
afterActs : (v u : Affine) → apply (v after u) ≡ apply v ∘ apply u
afterActs v u = funExt λ c →
  (slope v · slope u) · c + (slope v · offset u + offset v)
    ≡⟨ cong (_+ (slope v · offset u + offset v)) (sym (·Assoc (slope v) (slope u) c)) ⟩
  slope v · (slope u · c) + (slope v · offset u + offset v)
    ≡⟨ +Assoc _ _ _ ⟩
  (slope v · (slope u · c) + slope v · offset u) + offset v
    ≡⟨ cong (_+ offset v) (sym (·DistR+ (slope v) (slope u · c) (offset u))) ⟩
  slope v · (slope u · c + offset u) + offset v ∎

identityActs : apply identityAffine ≡ idfun R
identityActs = funExt λ c → +IdR (1r · c) ∙ ·IdL c

-- Affine maps form a monoid.
afterIdL : (u : Affine) → identityAffine after u ≡ u
afterIdL u i = ·IdL (slope u) i , (+IdR (1r · offset u) ∙ ·IdL (offset u)) i

afterIdR : (u : Affine) → u after identityAffine ≡ u
afterIdR u i = ·IdR (slope u) i , (cong (_+ offset u) (·0Absorbs (slope u)) ∙ +IdL (offset u)) i

afterAssoc : (w v u : Affine) → w after (v after u) ≡ (w after v) after u
afterAssoc w v u i = ·Assoc (slope w) (slope v) (slope u) i , offsets i
  where
  offsets : slope w · (slope v · offset u + offset v) + offset w
          ≡ (slope w · slope v) · offset u + (slope w · offset v + offset w)
  offsets =
    slope w · (slope v · offset u + offset v) + offset w
      ≡⟨ cong (_+ offset w) (·DistR+ (slope w) (slope v · offset u) (offset v)) ⟩
    (slope w · (slope v · offset u) + slope w · offset v) + offset w
      ≡⟨ sym (+Assoc _ _ _) ⟩
    slope w · (slope v · offset u) + (slope w · offset v + offset w)
      ≡⟨ cong (_+ (slope w · offset v + offset w)) (·Assoc (slope w) (slope v) (offset u)) ⟩
    (slope w · slope v) · offset u + (slope w · offset v + offset w) ∎

----------------------------------------------------------------------
-- A run of cell updates is one affine map

-- The affine map of one update: slope f_t, offset i_t C̃_t.
affineOf : Gates → Affine
affineOf u = forget u , input u · candidate u

-- The composite of a list of updates, the first of the list acting first.
composite : List Gates → Affine
composite []       = identityAffine
composite (u ∷ us) = composite us after affineOf u

-- Π f_t
forgetProduct : List Gates → R
forgetProduct []       = 1r
forgetProduct (u ∷ us) = forget u · forgetProduct us

-- Each update together with the updates that follow it.
withFuture : List Gates → List (Gates × List Gates)
withFuture []       = []
withFuture (u ∷ us) = (u , us) ∷ withFuture us

-- (Π_{s>t} f_s) i_t C̃_t, what is left at the end of what step t wrote.
weightedWrite : Gates × List Gates → R
weightedWrite (u , future) = forgetProduct future · (input u · candidate u)

-- Σ_t (Π_{s>t} f_s) i_t C̃_t
weightedWrites : List Gates → R
weightedWrites us = sumList (map weightedWrite (withFuture us))

-- A run of updates acts as their composite affine map.
runIsComposite : (us : List Gates) → run cellUpdate us ≡ apply (composite us)
runIsComposite []       = sym identityActs
runIsComposite (u ∷ us) =
  cong (_∘ apply (affineOf u)) (runIsComposite us) ∙ sym (afterActs (composite us) (affineOf u))

-- The slope of the composite is the product of the forget gates.
compositeSlope : (us : List Gates) → slope (composite us) ≡ forgetProduct us
compositeSlope []       = refl
compositeSlope (u ∷ us) =
  cong (_· forget u) (compositeSlope us) ∙ ·Comm (forgetProduct us) (forget u)

-- Its offset is the sum of the writes, each weighted by the forget gates after it.
compositeOffset : (us : List Gates) → offset (composite us) ≡ weightedWrites us
compositeOffset []       = refl
compositeOffset (u ∷ us) =
  cong₂ _+_ (cong (_· (input u · candidate u)) (compositeSlope us)) (compositeOffset us)

-- Closed form: C_T = (Π f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t.
cellClosedForm : (us : List Gates) (cell : R)
               → run cellUpdate us cell ≡ forgetProduct us · cell + weightedWrites us
cellClosedForm us cell =
  (λ i → runIsComposite us i cell)
  ∙ cong₂ (λ a b → a · cell + b) (compositeSlope us) (compositeOffset us)

-- Composites of concatenated runs compose, and their forget products multiply.
compositeConcat : (us vs : List Gates) → composite (us ++ vs) ≡ composite vs after composite us
compositeConcat []       vs = sym (afterIdR (composite vs))
compositeConcat (u ∷ us) vs =
  cong (_after affineOf u) (compositeConcat us vs)
  ∙ sym (afterAssoc (composite vs) (composite us) (affineOf u))

forgetProductConcat : (us vs : List Gates)
                    → forgetProduct (us ++ vs) ≡ forgetProduct us · forgetProduct vs
forgetProductConcat []       vs = sym (·IdL (forgetProduct vs))
forgetProductConcat (u ∷ us) vs =
  cong (forget u ·_) (forgetProductConcat us vs)
  ∙ ·Assoc (forget u) (forgetProduct us) (forgetProduct vs)

-- Two runs under the same gates from different cells differ by (Π f_t)(C_0 − C_0′):
-- exact, whatever the size of the difference, so ∂C_T/∂C_0 = Π f_t. With all forget
-- gates 1 the difference travels unchanged (Hochreiter and Schmidhuber's «constant error
-- carousel», 1997).
cellDifference : (us : List Gates) (cell cell′ : R)
  → run cellUpdate us cell - run cellUpdate us cell′ ≡ forgetProduct us · (cell - cell′)
cellDifference us cell cell′ =
  cong₂ _-_ (cellClosedForm us cell) (cellClosedForm us cell′)
  ∙ differenceCancels (forgetProduct us · cell) (forgetProduct us · cell′) (weightedWrites us)
  ∙ sym (·DistR- (forgetProduct us) cell cell′)

-- f = 1, i = 0, where «it's very easy for information to just flow along it unchanged».
IsKeeping : Gates → Type ℓ
IsKeeping u = (forget u ≡ 1r) × (input u ≡ 0r)

keepingUpdate : (u : Gates) → IsKeeping u → (cell : R) → cellUpdate cell u ≡ cell
keepingUpdate u (forgetIs1 , inputIs0) cell =
  forget u · cell + input u · candidate u
    ≡⟨ cong₂ (λ a b → a · cell + b · candidate u) forgetIs1 inputIs0 ⟩
  1r · cell + 0r · candidate u
    ≡⟨ cong₂ _+_ (·IdL cell) (0·Absorbs (candidate u)) ⟩
  cell + 0r
    ≡⟨ +IdR cell ⟩
  cell ∎

-- With f = 1 and i = 0 at every step, a run of any length is the identity,
-- whatever the candidates are.
keepingRunIsIdentity : (us : List Gates) → All IsKeeping us → run cellUpdate us ≡ idfun R
keepingRunIsIdentity us keep = runOfIdentities cellUpdate us (keeps us keep)
  where
  keeps : (vs : List Gates) → All IsKeeping vs → All (λ u → (c : R) → cellUpdate c u ≡ c) vs
  keeps []       _        = _
  keeps (v ∷ vs) (k , ks) = keepingUpdate v k , keeps vs ks

----------------------------------------------------------------------
-- Coupled gates («Variants on Long Short Term Memory», second variant)

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

  -- With coupled gates the cell never leaves a convex set that contains C_0 and
  -- every candidate.
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

-- The same with an order: addition is monotone, and so is multiplication by what is ≥ 0.
module Ordered (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  IsGate : R → Type ℓ'
  IsGate f = (0r ≤ f) × (0r ≤ (1r - f))

  IsBetween : R → R → R → Type ℓ'
  IsBetween low high x = (low ≤ x) × (x ≤ high)

  mixBetween : (low high f x y : R) → IsGate f → IsBetween low high x → IsBetween low high y
             → IsBetween low high (f · x + (1r - f) · y)
  mixBetween low high f x y (0≤f , 0≤1-f) (l≤x , x≤h) (l≤y , y≤h) =
      subst (_≤ (f · x + (1r - f) · y)) (mixtureOfEquals f low)
        (+Mono _ _ _ _ (·Mono f low x 0≤f l≤x) (·Mono (1r - f) low y 0≤1-f l≤y))
    , subst ((f · x + (1r - f) · y) ≤_) (mixtureOfEquals f high)
        (+Mono _ _ _ _ (·Mono f x high 0≤f x≤h) (·Mono (1r - f) y high 0≤1-f y≤h))

  -- With coupled gates in [0, 1] and candidates in [low, high], a cell that starts in
  -- [low, high] stays there. For tanh candidates: |C_t| ≤ max(|C_0|, 1).
  coupledStaysBetween : (low high : R) (us : List Gates)
    → All (λ u → IsCoupled u × IsGate (forget u) × IsBetween low high (candidate u)) us
    → (cell : R) → IsBetween low high cell → IsBetween low high (run cellUpdate us cell)
  coupledStaysBetween low high =
    Convex.coupledStaysConvex IsGate (IsBetween low high) (mixBetween low high)

  -- So the GRU's hidden state stays in [low, high] too, if its candidates do and its
  -- update gates are in [0, 1]. For tanh candidates: |h_t| ≤ 1 once |h_0| ≤ 1.
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
