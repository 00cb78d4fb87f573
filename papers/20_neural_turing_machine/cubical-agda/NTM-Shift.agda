{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

Shifting a weighting (Section 3.3.2, equation (8)), with numbers from an abstract commutative ring. Rows are of any type X with a
step back; that of a memory of n rows, around the end, is in NTM-Ring.

  paper                                    here
  a weighting w                            w : X → R
  i − k, modulo N                          iter k back i
  the rotation by k                        shift k w
  a distribution s over shifts             s, a list of shifts k with their shares
  w * s, equation (8)                      convolve s w
  the distribution of two shifts           combine s t
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module NTM-Shift {ℓ : Level} (R' : CommRing ℓ) {X : Type} (back : X → X) where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; iter) renaming (_+_ to _+ℕ_)
open import Cubical.Data.Nat.Properties using (+-comm)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Ring R' using (0·Absorbs; ·0Absorbs; +Interchange)

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +Assoc; +IdL; +IdR; ·Assoc; ·Comm; ·IdL; ·DistR+)

R : Type ℓ
R = fst R'

Weighting : Type ℓ
Weighting = X → R

Shares : Type ℓ
Shares = List (ℕ × R)

shift : ℕ → Weighting → Weighting
shift k w i = w (iter k back i)

-- w̃(i) = Σ_k s(k) w(i − k)
convolve : Shares → Weighting → Weighting
convolve []            w i = 0r
convolve ((k , a) ∷ s) w i = a · shift k w i + convolve s w i

combine : Shares → Shares → Shares
combine []            t = []
combine ((k , a) ∷ s) t = map (λ (m , b) → (m +ℕ k , a · b)) t ++ combine s t

private
  iterSum : (m k : ℕ) (i : X) → iter m back (iter k back i) ≡ iter (m +ℕ k) back i
  iterSum zero    k i = refl
  iterSum (suc m) k i = cong back (iterSum m k i)

----------------------------------------------------------------------
-- Rotations

-- Rotating twice is rotating by the sum: shifts act on weightings.
shiftTwice : (k m : ℕ) (w : Weighting) → shift k (shift m w) ≡ shift (m +ℕ k) w
shiftTwice k m w = funExt λ i → cong w (iterSum m k i)

-- Rotations commute.
shiftsCommute : (k m : ℕ) (w : Weighting) → shift k (shift m w) ≡ shift m (shift k w)
shiftsCommute k m w = shiftTwice k m w ∙ cong (λ l → shift l w) (+-comm m k) ∙ sym (shiftTwice m k w)

-- All on one shift, the convolution rotates.
oneHotShift : (k : ℕ) (w : Weighting) → convolve ((k , 1r) ∷ []) w ≡ shift k w
oneHotShift k w = funExt λ i → +IdR (1r · shift k w i) ∙ ·IdL (shift k w i)

----------------------------------------------------------------------
-- Convolutions

-- Convolving commutes with every rotation.
convolveShift : (s : Shares) (k : ℕ) (w : Weighting) → convolve s (shift k w) ≡ shift k (convolve s w)
convolveShift []            k w = refl
convolveShift ((m , a) ∷ s) k w = funExt λ i →
  cong₂ (λ x y → a · x + y) (λ t → shiftsCommute m k w t i) (λ t → convolveShift s k w t i)

private
  -- Of a multiple and of a sum.
  convolveLinear : (s : Shares) (a : R) (u v : Weighting)
                 → convolve s (λ i → a · u i + v i) ≡ (λ i → a · convolve s u i + convolve s v i)
  convolveLinear []            a u v = funExt λ i → sym (+IdR 0r) ∙ cong (_+ 0r) (sym (·0Absorbs a))
  convolveLinear ((k , b) ∷ s) a u v = funExt λ i →
    cong₂ _+_
      (·DistR+ b (a · shift k u i) (shift k v i)
        ∙ cong (_+ b · shift k v i) (·Assoc b a (shift k u i) ∙ cong (_· shift k u i) (·Comm b a) ∙ sym (·Assoc a b (shift k u i))))
      (λ t → convolveLinear s a u v t i)
    ∙ +Interchange (a · (b · shift k u i)) (b · shift k v i) (a · convolve s u i) (convolve s v i)
    ∙ cong (_+ (b · shift k v i + convolve s v i)) (sym (·DistR+ a (b · shift k u i) (convolve s u i)))

  convolveConcat : (s t : Shares) (w : Weighting) (i : X) → convolve (s ++ t) w i ≡ convolve s w i + convolve t w i
  convolveConcat []            t w i = sym (+IdL (convolve t w i))
  convolveConcat ((k , a) ∷ s) t w i =
    cong (a · shift k w i +_) (convolveConcat s t w i) ∙ +Assoc (a · shift k w i) (convolve s w i) (convolve t w i)

  convolveScaled : (k : ℕ) (a : R) (t : Shares) (w : Weighting) (i : X)
    → convolve (map (λ (m , b) → (m +ℕ k , a · b)) t) w i ≡ a · convolve t w (iter k back i)
  convolveScaled k a []            w i = sym (·0Absorbs a)
  convolveScaled k a ((m , b) ∷ t) w i =
    cong₂ _+_ (sym (·Assoc a b (shift (m +ℕ k) w i)) ∙ cong (λ x → a · (b · w x)) (sym (iterSum m k i))) (convolveScaled k a t w i)
    ∙ sym (·DistR+ a (b · shift m w (iter k back i)) (convolve t w (iter k back i)))

-- Two convolutions are one, by the distribution of the sum of two shifts.
convolveTwice : (s t : Shares) (w : Weighting) → convolve s (convolve t w) ≡ convolve (combine s t) w
convolveTwice []            t w = refl
convolveTwice ((k , a) ∷ s) t w = funExt λ i →
  cong₂ _+_ (sym (convolveScaled k a t w i)) (λ x → convolveTwice s t w x i)
  ∙ sym (convolveConcat (map (λ (m , b) → (m +ℕ k , a · b)) t) (combine s t) w i)

-- Convolutions commute.
convolutionsCommute : (s t : Shares) (w : Weighting) → convolve s (convolve t w) ≡ convolve t (convolve s w)
convolutionsCommute []            t w = sym (ofZero t)
  where
  ofZero : (r : Shares) → convolve r (λ _ → 0r) ≡ (λ _ → 0r)
  ofZero []            = refl
  ofZero ((k , a) ∷ r) = funExt λ i → cong₂ _+_ (·0Absorbs a) (λ x → ofZero r x i) ∙ +IdL 0r
convolutionsCommute ((k , a) ∷ s) t w =
  (λ x i → a · convolveShift t k w (~ x) i + convolutionsCommute s t w x i)
  ∙ sym (convolveLinear t a (shift k w) (convolve s w))

----------------------------------------------------------------------
-- Around the end

-- Where n steps back lead to where they began, rotating by n is nothing, and by n + k is rotating by k: the shifts are those of ℤ/n.
aroundTheEnd : (n : ℕ) → ((i : X) → iter n back i ≡ i) → (k : ℕ) (w : Weighting) → shift (k +ℕ n) w ≡ shift k w
aroundTheEnd n around k w = funExt λ i → cong w (sym (iterSum k n i) ∙ cong (iter k back) (around i))
