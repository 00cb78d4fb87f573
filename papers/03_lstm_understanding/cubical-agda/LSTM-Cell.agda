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

That information flows along the cell state is a statement about ∂C_T/∂C_0.
With the gates held fixed it is the slope of an affine map; the theorems are
about that map itself. Where the gates read the cell, directly or through
h_{t−1}, the closed form holds all the same for the gates that there were on
the way, but the slope is no longer the whole derivative: LSTM-Derivative has
the terms that come to it. LSTM-Coupled has the variants whose gates add up to
1, LSTM-Bounds what follows where the numbers are ordered.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module LSTM-Cell {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Foundations.Function using (_∘_; idfun)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Lists using (All)
open import S30.Fold using (run; runOfIdentities)
import S30.Ring

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; +Assoc; +IdR; +IdL; ·Assoc; ·IdR; ·IdL; ·Comm; ·DistR+)
open S30.Ring R' using
  (_-_; 0·Absorbs; ·0Absorbs; ·DistR-; differenceCancels; sumList)

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

-- Composites of affine maps act by composition (and the identity as the identity).
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

-- The identity is neutral for the composition of affine maps.
afterIdL : (u : Affine) → identityAffine after u ≡ u
afterIdL u i = ·IdL (slope u) i , (+IdR (1r · offset u) ∙ ·IdL (offset u)) i

afterIdR : (u : Affine) → u after identityAffine ≡ u
afterIdR u i = ·IdR (slope u) i , (cong (_+ offset u) (·0Absorbs (slope u)) ∙ +IdL (offset u)) i

-- The composition of affine maps is associative.
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

-- A run of updates, of any length, acts as one affine map: the composite of its steps.
runIsComposite : (us : List Gates) → run cellUpdate us ≡ apply (composite us)
runIsComposite []       = sym identityActs
runIsComposite (u ∷ us) =
  cong (_∘ apply (affineOf u)) (runIsComposite us) ∙ sym (afterActs (composite us) (affineOf u))

-- The slope of a run's composite map, which is what multiplies C_0, is the product of the forget gates.
compositeSlope : (us : List Gates) → slope (composite us) ≡ forgetProduct us
compositeSlope []       = refl
compositeSlope (u ∷ us) =
  cong (_· forget u) (compositeSlope us) ∙ ·Comm (forgetProduct us) (forget u)

-- The offset of a run's composite map is the sum of the writes, each weighted by the forget gates after it.
compositeOffset : (us : List Gates) → offset (composite us) ≡ weightedWrites us
compositeOffset []       = refl
compositeOffset (u ∷ us) =
  cong₂ _+_ (cong (_· (input u · candidate u)) (compositeSlope us)) (compositeOffset us)

-- Closed form, for every T: C_T = (Π f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t.
cellClosedForm : (us : List Gates) (cell : R)
               → run cellUpdate us cell ≡ forgetProduct us · cell + weightedWrites us
cellClosedForm us cell =
  (λ i → runIsComposite us i cell)
  ∙ cong₂ (λ a b → a · cell + b) (compositeSlope us) (compositeOffset us)

-- The composite of two runs, one after the other, is the composite of their composites.
compositeConcat : (us vs : List Gates) → composite (us ++ vs) ≡ composite vs after composite us
compositeConcat []       vs = sym (afterIdR (composite vs))
compositeConcat (u ∷ us) vs =
  cong (_after affineOf u) (compositeConcat us vs)
  ∙ sym (afterAssoc (composite vs) (composite us) (affineOf u))

-- Forget products of consecutive runs multiply.
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

-- One step with f = 1 and i = 0 keeps the cell, whatever the candidate is.
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
