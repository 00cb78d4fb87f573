{-# OPTIONS --safe #-}
{-
  Finite sums in a commutative ring: Σ over i < n of v i, for v : FinVec R n.

  ∑          the sum, from the left, ending in 0r
  ∑Ext       equal terms, equal sums
  ∑Zero      a sum of zeros is zero
  ∑Add       ∑ (v + w) = ∑ v + ∑ w
  ∑MulL/R    a factor moves in and out of a sum
  ∑Swap      two sums may be exchanged
-}
module S30.Sum where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)
open import Cubical.Data.FinData.Base using (FinVec ; zero ; suc ; foldrFin)
open import Cubical.Algebra.CommRing.Base
import S30.Ring

module Sum {ℓ} (R : CommRing ℓ) where
  open CommRingStr (snd R)
  open S30.Ring R using (+Interchange ; ·0Absorbs)

  private
    variable
      m n : ℕ

  ∑ : FinVec ⟨ R ⟩ n → ⟨ R ⟩
  ∑ = foldrFin _+_ 0r

  ∑Ext : {v w : FinVec ⟨ R ⟩ n} → (∀ i → v i ≡ w i) → ∑ v ≡ ∑ w
  ∑Ext h = cong ∑ (funExt h)

  ∑Zero : ∀ n → ∑ {n} (λ _ → 0r) ≡ 0r
  ∑Zero zero    = refl
  ∑Zero (suc n) = +IdL _ ∙ ∑Zero n

  ∑Add : (v w : FinVec ⟨ R ⟩ n) → ∑ (λ i → v i + w i) ≡ ∑ v + ∑ w
  ∑Add {zero}  v w = sym (+IdR 0r)
  ∑Add {suc n} v w =
    cong (v zero + w zero +_) (∑Add (v ∘ suc) (w ∘ suc))
    ∙ +Interchange (v zero) (w zero) (∑ (v ∘ suc)) (∑ (w ∘ suc))

  ∑MulL : (r : ⟨ R ⟩) (v : FinVec ⟨ R ⟩ n) → r · ∑ v ≡ ∑ (λ i → r · v i)
  ∑MulL {zero}  r v = ·0Absorbs r
  ∑MulL {suc n} r v = ·DistR+ r (v zero) (∑ (v ∘ suc)) ∙ cong (r · v zero +_) (∑MulL r (v ∘ suc))

  ∑MulR : (v : FinVec ⟨ R ⟩ n) (r : ⟨ R ⟩) → ∑ v · r ≡ ∑ (λ i → v i · r)
  ∑MulR v r = ·Comm (∑ v) r ∙∙ ∑MulL r v ∙∙ ∑Ext (λ i → ·Comm r (v i))

  ∑Swap : (M : FinVec (FinVec ⟨ R ⟩ n) m) → ∑ (λ i → ∑ (λ j → M i j)) ≡ ∑ (λ j → ∑ (λ i → M i j))
  ∑Swap {n} {zero}  M = sym (∑Zero n)
  ∑Swap {n} {suc m} M =
    cong (∑ (M zero) +_) (∑Swap (M ∘ suc)) ∙ sym (∑Add (M zero) (λ j → ∑ (λ i → M (suc i) j)))
