{-# OPTIONS --safe #-}
{-
How large the gradient of the standard RNN can be («The Problem of Long-Term
Dependencies»: «some pretty fundamental reasons why it might be difficult»).

The numbers are a commutative ring R with an order as in LSTM-Bounds. W is given
as a difference P − N of matrices of numbers ≥ 0, as every real matrix can be, so
that Σ_k (P_jk + N_jk) is the sum of row j of |W|, and `norm` is at least each of
these sums. The slope of tanh is in [0, 1] everywhere: 1 − tanh² is.

  post                                     here
  |W|, the largest row sum of |W_jk|       norm
  every entry of v is at most b            (j : Fin n) → Within b (v j)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.FinData.Base using (Fin)

module RNN-Bound {ℓ : Level} (R' : CommRing ℓ) {n m : ℕ} (tanh slope : fst R' → fst R')
  (P N : Fin n → Fin n → fst R') (weightInput : Fin n → Fin m → fst R') (bias : Fin n → fst R') (norm : fst R')
  where

open import Cubical.Data.List.Base using (List; []; _∷_; length)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
open import S30.Lists using (All)
open import S30.Ring R'
import S30.Interval
import S30.Sum
import RNN-Gradient

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; -_; ·Assoc; ·IdL; ·Comm; ·DistL+)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑MulR)
open RNN-Gradient R' tanh slope (λ j k → P j k - N j k) weightInput bias

private
  R : Type ℓ
  R = fst R'

-- norm to the power T
power : ℕ → R
power zero    = 1r
power (suc t) = norm · power t

module _ {ℓ' : Level}
  (_≤_ : R → R → Type ℓ')
  (≤Refl : (a : R) → a ≤ a)
  (≤Trans : (a b c : R) → a ≤ b → b ≤ c → a ≤ c)
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Interval R' _≤_ ≤Refl ≤Trans +Mono ·Mono

  -- What the theorems assume of the weights.
  IsNorm : Type ℓ'
  IsNorm = ((j k : Fin n) → (0r ≤ P j k) × (0r ≤ N j k))
         × (0r ≤ norm) × ((j : Fin n) → ∑ (λ k → P j k + N j k) ≤ norm)

  -- |W_jk v_k| ≤ |W_jk| b
  entryWithin : (p q b v : R) → 0r ≤ p → 0r ≤ q → Within b v → Within ((p + q) · b) ((p - q) · v)
  entryWithin p q b v 0≤p 0≤q within =
    subst2 Within (sym (·DistL+ p q b)) (sym split)
      (withinSum (p · b) (q · b) (p · v) (q · (- v))
        (withinScaled p b v 0≤p within) (withinScaled q b (- v) 0≤q (withinNegated b v within)))
    where
    split : (p - q) · v ≡ p · v + q · (- v)
    split =
      (p - q) · v           ≡⟨ ·Comm (p - q) v ⟩
      v · (p - q)           ≡⟨ ·DistR- v p q ⟩
      v · p - v · q         ≡⟨ cong₂ _-_ (·Comm v p) (·Comm v q) ⟩
      p · v - q · v         ≡⟨ cong (p · v +_) (sym (·-R q v)) ⟩
      p · v + q · (- v)     ∎

  -- One step: entries of v within b become entries within norm · b, for slopes in [0, 1] and b ≥ 0.
  tangentWithin : IsNorm → (b : R) (v s : Vector n) → 0r ≤ b
    → ((j : Fin n) → Within b (v j)) → ((j : Fin n) → IsGate (s j))
    → (j : Fin n) → Within (norm · b) (tangent v s j)
  tangentWithin (signs , 0≤norm , rows) b v s 0≤b within gates j =
    withinGated (s j) (norm · b) _ (gates j) (0≤· norm b 0≤norm 0≤b)
      (withinLarger (∑ (λ k → (P j k + N j k) · b)) (norm · b) _
        (subst (_≤ (norm · b)) (∑MulR (λ k → P j k + N j k) b) (·MonoR _ norm b 0≤b (rows j)))
        (withinSums _ _ λ k → entryWithin (P j k) (N j k) b (v k) (fst (signs j k)) (snd (signs j k)) (within k)))

  -- T steps: entries within b become entries within norm^T · b.
  tangentsWithin : IsNorm → (ss : List (Vector n)) → All (λ s → (j : Fin n) → IsGate (s j)) ss
    → (b : R) (v : Vector n) → 0r ≤ b → ((j : Fin n) → Within b (v j))
    → (j : Fin n) → Within (power (length ss) · b) (run tangent ss v j)
  tangentsWithin isNorm []       _                b v 0≤b within j = subst (λ c → Within c (v j)) (sym (·IdL b)) (within j)
  tangentsWithin isNorm (s ∷ ss) (gates , others) b v 0≤b within j =
    subst (λ c → Within c (run tangent ss (tangent v s) j)) regroup
      (tangentsWithin isNorm ss others (norm · b) (tangent v s) (0≤· norm b (fst (snd isNorm)) 0≤b)
        (tangentWithin isNorm b v s 0≤b within gates) j)
    where
    regroup : power (length ss) · (norm · b) ≡ power (length (s ∷ ss)) · b
    regroup = ·Assoc (power (length ss)) norm b ∙ cong (_· b) (·Comm (power (length ss)) norm)

  -- |∂h_T/∂h_0| ≤ |W|^T in the norm of the largest row sum, for every T and every size: for slopes
  -- of tanh in [0, 1], a vector v with entries of at most b ≥ 0 becomes one with entries of at most |W|^T b.
  gradientWithin : IsNorm → ((a : R) → IsGate (slope a)) → (xs : List (Vector m))
    → (b : R) (hidden v : Vector n) → 0r ≤ b → ((j : Fin n) → Within b (v j))
    → (j : Fin n) → Within (power (length xs) · b) (snd (run dualStep xs (λ k → hidden k , v k) j))
  gradientWithin isNorm flat xs b hidden v 0≤b within j =
    subst2 Within (cong (λ t → power t · b) (asMany xs hidden)) (λ i → snd (gradientIsProduct xs hidden v (~ i) j))
      (tangentsWithin isNorm (slopeTrace hidden xs) (gatesOf xs hidden) b v 0≤b within j)
    where
    asMany : (xs : List (Vector m)) (hidden : Vector n) → length (slopeTrace hidden xs) ≡ length xs
    asMany []       hidden = refl
    asMany (x ∷ xs) hidden = cong suc (asMany xs _)
    gatesOf : (xs : List (Vector m)) (hidden : Vector n) → All (λ s → (k : Fin n) → IsGate (s k)) (slopeTrace hidden xs)
    gatesOf []       hidden = _
    gatesOf (x ∷ xs) hidden = (λ k → flat _) , gatesOf xs _
