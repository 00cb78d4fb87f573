{-# OPTIONS --safe #-}
{-
Paper 27: F. Gloeckle, B. Youbi Idrissi, B. Rozière, D. Lopez-Paz, G. Synnaeve, «Better & Faster Large Language Models via
Multi-token Prediction» (2024), arXiv:2404.19737

The order of heads (Section 2, «Memory-efficient implementation», and Figure 2): what is alive at the peak, and what is gathered at the
trunk.

  paper                                          here
  V, the logits of a head; d, the trunk          V, d: sizes, in whatever unit
  all heads forward, then all backward           atOnce n V d
  a head forward and backward, then the next     inOrder n V d
  peak memory utilisation                        peak, from what is alive before
  the gradient accumulated at the trunk          gathered, from the gradients of the heads
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure using (⟨_⟩)
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module MTP-Order {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _∸_; _·_) renaming (_+_ to _+ℕ_)
open import Cubical.Data.Nat.Properties using (max; +-comm; +-assoc; +-zero; +-suc; +∸)
open import Cubical.Data.Sigma.Base using (Σ-syntax; _,_)
open import S30.Fold using (run; runConcat)
open import S30.Multiset using (_↭_; swapsToPermutations)
open import S30.Ring R' using (sumList)

open CommRingStr (snd R') using (0r; _+_; +Assoc; +Comm; +IdR)

data Event : Type where
  make free : ℕ → Event

alive : ℕ → Event → ℕ
alive a (make k) = a +ℕ k
alive a (free k) = a ∸ k

-- The most that is alive at any time.
peak : ℕ → List Event → ℕ
peak a []       = a
peak a (e ∷ es) = max a (peak (alive a e) es)

makes frees pairs : ℕ → ℕ → List Event
makes zero    V = []
makes (suc n) V = make V ∷ makes n V
frees zero    V = []
frees (suc n) V = free V ∷ frees n V
pairs zero    V = []
pairs (suc n) V = make V ∷ free V ∷ pairs n V

-- What is made and freed for n heads of V logits on a trunk of d numbers.
atOnce inOrder : ℕ → ℕ → ℕ → List Event
atOnce  n V d = make d ∷ (makes n V ++ frees n V)
inOrder n V d = make d ∷ pairs n V

private
  maxLeast : (a k : ℕ) → max a (a +ℕ k) ≡ a +ℕ k
  maxLeast zero    k = refl
  maxLeast (suc a) k = cong suc (maxLeast a k)

  maxSame : (a : ℕ) → max a a ≡ a
  maxSame zero    = refl
  maxSame (suc a) = cong suc (maxSame a)

  maxMost : (a k : ℕ) → max (a +ℕ k) a ≡ a +ℕ k
  maxMost zero    zero    = refl
  maxMost zero    (suc k) = refl
  maxMost (suc a) k       = cong suc (maxMost a k)

  rest : (a k : ℕ) → Σ[ j ∈ ℕ ] (a ∸ k) +ℕ j ≡ a
  rest a       zero    = 0 , +-zero a
  rest zero    (suc k) = 0 , refl
  rest (suc a) (suc k) = let j , p = rest a k in suc j , +-suc (a ∸ k) j ∙ cong suc p

  maxMinus : (a k : ℕ) → max a (a ∸ k) ≡ a
  maxMinus a k = let j , p = rest a k in subst (λ x → max x (a ∸ k) ≡ x) p (maxMost (a ∸ k) j)

  peakFrees : (n V a : ℕ) → peak a (frees n V) ≡ a
  peakFrees zero    V a = refl
  peakFrees (suc n) V a = cong (max a) (peakFrees n V (a ∸ V)) ∙ maxMinus a V

  peakMakes : (n m V a : ℕ) → peak a (makes n V ++ frees m V) ≡ a +ℕ n · V
  peakMakes zero    m V a = peakFrees m V a ∙ sym (+-zero a)
  peakMakes (suc n) m V a =
    cong (max a) (peakMakes n m V (a +ℕ V) ∙ sym (+-assoc a V (n · V))) ∙ maxLeast a (V +ℕ n · V)

  peakPairs : (n V a : ℕ) → peak a (pairs (suc n) V) ≡ a +ℕ V
  peakPairs zero V a =
    cong (λ x → max a (max (a +ℕ V) x)) (+∸ a V) ∙ cong (max a) (maxMost a V) ∙ maxLeast a V
  peakPairs (suc n) V a =
    cong (λ x → max a (max (a +ℕ V) (peak x (pairs (suc n) V)))) (+∸ a V)
    ∙ cong (λ x → max a (max (a +ℕ V) x)) (peakPairs n V a) ∙ cong (max a) (maxSame (a +ℕ V)) ∙ maxLeast a V

-- All heads at once keep n V + d alive at the peak.
peakAtOnce : (n V d : ℕ) → peak 0 (atOnce n V d) ≡ n · V +ℕ d
peakAtOnce n V d = peakMakes n n V d ∙ +-comm d (n · V)

-- In the order of figure 2 the peak is V + d, however many heads there are.
peakInOrder : (n V d : ℕ) → peak 0 (inOrder (suc n) V d) ≡ V +ℕ d
peakInOrder n V d = peakPairs n V d ∙ +-comm d V

-- The gradient at the trunk: each head's is added to what was there, as soon as that head is through.
gathered : List ⟨ R' ⟩ → ⟨ R' ⟩
gathered gs = run _+_ gs 0r

private
  runAdds : (gs : List ⟨ R' ⟩) (a : ⟨ R' ⟩) → run _+_ gs a ≡ a + sumList gs
  runAdds []       a = sym (+IdR a)
  runAdds (g ∷ gs) a = runAdds gs (a + g) ∙ sym (+Assoc a g (sumList gs))

-- What is gathered head by head is the sum over the heads, the gradient of L_n at the trunk.
gatheredIsSum : (gs : List ⟨ R' ⟩) → gathered gs ≡ sumList gs
gatheredIsSum gs = runAdds gs 0r ∙ +Comm 0r (sumList gs) ∙ +IdR (sumList gs)

-- And it does not matter in which order the heads are taken.
gatheredOfPermuted : (gs hs : List ⟨ R' ⟩) → gs ↭ hs → gathered gs ≡ gathered hs
gatheredOfPermuted = swapsToPermutations gathered swaps
  where
  swaps : (xs : List ⟨ R' ⟩) (x y : ⟨ R' ⟩) (zs : List ⟨ R' ⟩) → gathered (xs ++ x ∷ y ∷ zs) ≡ gathered (xs ++ y ∷ x ∷ zs)
  swaps xs x y zs =
    funExt⁻ (runConcat _+_ xs (x ∷ y ∷ zs)) 0r
    ∙ cong (run _+_ zs) (sym (+Assoc (gathered xs) x y) ∙ cong (gathered xs +_) (+Comm x y) ∙ +Assoc (gathered xs) y x)
    ∙ sym (funExt⁻ (runConcat _+_ xs (y ∷ x ∷ zs)) 0r)
