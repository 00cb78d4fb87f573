{-# OPTIONS --safe #-}
{-
Paper 27: F. Gloeckle, B. Youbi Idrissi, B. Rozière, D. Lopez-Paz, G. Synnaeve, «Better & Faster Large Language Models via
Multi-token Prediction» (2024), arXiv:2404.19737

The information-theoretic argument (Section 5.2, Appendix L.2), for tables of any size over any commutative ring. A logarithm is no
more than what the argument uses of it: numbers for log q(x, y), log q(x) and so on, such that conditioning is subtraction.

  paper                                          here
  p(x, y), log p(x, y)                           p, logP: m rows, n columns
  log q(x, y), log q(x), log q(y)                logQ, logX, logY
  log q(x | y) = log q(x, y) − log q(y)          logQ x y - logY y
  H(p_X, q_X), H(p_{X|Y}, q_{X|Y})               crossX, crossXGivenY
  D(p ∥ q), D(p ∥ q_X ⊗ q_Y)                     divergence logQ, divergence of the sum of logX and logY
  I_{p∥q}(X; Y)                                  information
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure using (⟨_⟩)
open import Cubical.Data.FinData.Base using (Fin; FinVec)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module MTP-Information {ℓ : Level} (R' : CommRing ℓ) {m n : ℕ}
  (p logP logQ : FinVec (FinVec ⟨ R' ⟩ n) m) (logX : FinVec ⟨ R' ⟩ m) (logY : FinVec ⟨ R' ⟩ n) where

open import S30.Ring R' using (_-_; ·-R; -Dist+; -Involutive; differenceCancels; +Interchange)
open import S30.Sum using (module Sum)
open Sum R' using (∑; ∑Ext; ∑Add; ∑MulL; ∑MulR; ∑Swap)
open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; -_; +Assoc; +Comm; +IdL; +InvR; ·Comm; ·IdR; ·DistR+)

private
  R = ⟨ R' ⟩

-- Σ p(x, y) f(x, y), an expectation where p sums to 1.
expectation : FinVec (FinVec R n) m → R
expectation f = ∑ (λ x → ∑ (λ y → p x y · f x y))

-- H(p_X, q_X) = − Σ_x p(x) log q(x), with p(x) = Σ_y p(x, y); H(p_Y, q_Y) likewise.
crossX crossY : R
crossX = - ∑ (λ x → ∑ (λ y → p x y) · logX x)
crossY = - ∑ (λ y → ∑ (λ x → p x y) · logY y)

-- H(p_{X|Y}, q_{X|Y}) = − Σ_y Σ_x p(x, y) log q(x | y), and the same with X and Y exchanged.
crossXGivenY crossYGivenX : R
crossXGivenY = - expectation (λ x y → logQ x y - logY y)
crossYGivenX = - expectation (λ x y → logQ x y - logX x)

-- D(p ∥ q) = Σ p(x, y) (log p(x, y) − log q(x, y))
divergence : FinVec (FinVec R n) m → R
divergence log = expectation (λ x y → logP x y - log x y)

-- I_{p∥q}(X; Y) = D(p ∥ q_X ⊗ q_Y) − D(p ∥ q)
information : R
information = divergence (λ x y → logX x + logY y) - divergence logQ

private
  expectationExt : {f g : FinVec (FinVec R n) m} → (∀ x y → f x y ≡ g x y) → expectation f ≡ expectation g
  expectationExt e = ∑Ext λ x → ∑Ext λ y → cong (p x y ·_) (e x y)

  expectationAdd : (f g : FinVec (FinVec R n) m) → expectation (λ x y → f x y + g x y) ≡ expectation f + expectation g
  expectationAdd f g =
    (∑Ext λ x → (∑Ext λ y → ·DistR+ (p x y) (f x y) (g x y)) ∙ ∑Add (λ y → p x y · f x y) (λ y → p x y · g x y))
    ∙ ∑Add (λ x → ∑ (λ y → p x y · f x y)) (λ x → ∑ (λ y → p x y · g x y))

  minusOne : (a : R) → (- 1r) · a ≡ - a
  minusOne a = ·Comm (- 1r) a ∙ ·-R a 1r ∙ cong -_ (·IdR a)

  ∑Neg : {k : ℕ} (v : FinVec R k) → ∑ (λ i → - v i) ≡ - ∑ v
  ∑Neg v = (∑Ext λ i → sym (minusOne (v i))) ∙ sym (∑MulL (- 1r) v) ∙ minusOne (∑ v)

  expectationNeg : (f : FinVec (FinVec R n) m) → expectation (λ x y → - f x y) ≡ - expectation f
  expectationNeg f =
    (∑Ext λ x → (∑Ext λ y → ·-R (p x y) (f x y)) ∙ ∑Neg (λ y → p x y · f x y)) ∙ ∑Neg (λ x → ∑ (λ y → p x y · f x y))

  expectationSub : (f g : FinVec (FinVec R n) m) → expectation (λ x y → f x y - g x y) ≡ expectation f - expectation g
  expectationSub f g = expectationAdd f (λ x y → - g x y) ∙ cong (expectation f +_) (expectationNeg g)

  expectationX : crossX ≡ - expectation (λ x y → logX x)
  expectationX = cong -_ (∑Ext λ x → ∑MulR (λ y → p x y) (logX x))

  expectationY : crossY ≡ - expectation (λ x y → logY y)
  expectationY = cong -_ ((∑Ext λ y → ∑MulR (λ x → p x y) (logY y)) ∙ sym (∑Swap (λ x y → p x y · logY y)))

  -- (a − b) − (a − c) = c − b
  differences : (a b c : R) → (a - b) - (a - c) ≡ c - b
  differences a b c =
    (a - b) - (a - c)          ≡⟨ cong ((a - b) +_) (-Dist+ a (- c) ∙ cong (- a +_) (-Involutive c)) ⟩
    (a + - b) + (- a + c)      ≡⟨ +Interchange a (- b) (- a) c ⟩
    (a + - a) + (- b + c)      ≡⟨ cong (_+ (- b + c)) (+InvR a) ∙ +IdL _ ∙ +Comm (- b) c ⟩
    c - b                      ∎

-- I_{p∥q} is the expectation of log q(x, y) − (log q(x) + log q(y)): what p says of p itself falls out.
informationOfLogarithms : information ≡ expectation (λ x y → logQ x y - (logX x + logY y))
informationOfLogarithms =
  sym (expectationSub (λ x y → logP x y - (logX x + logY y)) (λ x y → logP x y - logQ x y))
  ∙ expectationExt (λ x y → differences (logP x y) (logX x + logY y) (logQ x y))

-- Lemma L.3: H(p_X, q_X) = H(p_{X|Y}, q_{X|Y}) + I_{p∥q}(X; Y).
lemmaL3 : crossX ≡ crossXGivenY + information
lemmaL3 = sym
  ( crossXGivenY + information
      ≡⟨ cong (crossXGivenY +_) informationOfLogarithms ⟩
    - expectation given + expectation joint
      ≡⟨ cong (_+ expectation joint) (sym (expectationNeg given)) ∙ sym (expectationAdd (λ x y → - given x y) joint) ⟩
    expectation (λ x y → - given x y + joint x y)
      ≡⟨ expectationExt (λ x y → cell (logQ x y) (logX x) (logY y)) ⟩
    expectation (λ x y → - logX x)
      ≡⟨ expectationNeg (λ x y → logX x) ∙ sym expectationX ⟩
    crossX ∎ )
  where
  given joint : FinVec (FinVec R n) m
  given x y = logQ x y - logY y
  joint x y = logQ x y - (logX x + logY y)
  -- − (q − y) + (q − (x + y)) = − x
  cell : (q x y : R) → - (q - y) + (q - (x + y)) ≡ - x
  cell q x y =
    - (q - y) + (q - (x + y))     ≡⟨ +Comm _ _ ⟩
    (q - (x + y)) - (q - y)       ≡⟨ differences q (x + y) y ⟩
    y - (x + y)                   ≡⟨ cong (_- (x + y)) (sym (+IdL y)) ∙ differenceCancels 0r x y ∙ +IdL (- x) ⟩
    - x                           ∎

-- The same for Y, by the same steps.
lemmaL3′ : crossY ≡ crossYGivenX + information
lemmaL3′ = sym
  ( crossYGivenX + information
      ≡⟨ cong (crossYGivenX +_) informationOfLogarithms ⟩
    - expectation given + expectation joint
      ≡⟨ cong (_+ expectation joint) (sym (expectationNeg given)) ∙ sym (expectationAdd (λ x y → - given x y) joint) ⟩
    expectation (λ x y → - given x y + joint x y)
      ≡⟨ expectationExt (λ x y → cell (logQ x y) (logX x) (logY y)) ⟩
    expectation (λ x y → - logY y)
      ≡⟨ expectationNeg (λ x y → logY y) ∙ sym expectationY ⟩
    crossY ∎ )
  where
  given joint : FinVec (FinVec R n) m
  given x y = logQ x y - logX x
  joint x y = logQ x y - (logX x + logY y)
  cell : (q x y : R) → - (q - x) + (q - (x + y)) ≡ - y
  cell q x y =
    - (q - x) + (q - (x + y))     ≡⟨ +Comm _ _ ⟩
    (q - (x + y)) - (q - x)       ≡⟨ differences q (x + y) x ⟩
    x - (x + y)                   ≡⟨ cong (λ z → x - z) (+Comm x y) ∙ cong (_- (y + x)) (sym (+IdL x)) ∙ differenceCancels 0r y x ∙ +IdL (- y) ⟩
    - y                           ∎

-- H(p_X, q_X) + H(p_Y, q_Y) = H(p_{X|Y}, q_{X|Y}) + 2 I_{p∥q}(X; Y) + H(p_{Y|X}, q_{Y|X}): two heads count the information twice.
twoTokens : crossX + crossY ≡ (crossXGivenY + (information + information)) + crossYGivenX
twoTokens =
  crossX + crossY                                                        ≡⟨ cong₂ _+_ lemmaL3 lemmaL3′ ⟩
  (crossXGivenY + information) + (crossYGivenX + information)            ≡⟨ cong ((crossXGivenY + information) +_) (+Comm crossYGivenX information) ⟩
  (crossXGivenY + information) + (information + crossYGivenX)            ≡⟨ +Assoc _ information crossYGivenX ⟩
  ((crossXGivenY + information) + information) + crossYGivenX            ≡⟨ cong (_+ crossYGivenX) (sym (+Assoc crossXGivenY information information)) ⟩
  (crossXGivenY + (information + information)) + crossYGivenX            ∎

-- Where the model itself takes X and Y for independent, as parallel heads do, its relative information is nothing, whatever p is.
informationOfParallelHeads : ((x : Fin m) (y : Fin n) → logQ x y ≡ logX x + logY y) → information ≡ 0r
informationOfParallelHeads e =
  cong (_- divergence logQ) (expectationExt (λ x y → cong (λ q → logP x y - q) (sym (e x y)))) ∙ +InvR (divergence logQ)
