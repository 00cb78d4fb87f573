{-# OPTIONS --safe #-}
{-
  CS231n, scores and the SVM loss (/linear-classify), and what depth is without nonlinearities (/neural-networks-1).

  notes                         here
  ----------------------------  -------------------------------------------------------------------
  f(x) = W x + b                affine W b
  L_i = Σ_{j≠y} max(0, …)       hinge ρ Δ y (ρ stands for max(0, −); any function will do)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base

module CS231n-Affine {ℓR : Level} (R : CommRing ℓR) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Foundations.Isomorphism
open import Cubical.Data.Sigma
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Bool.Base using (if_then_else_)
open import Cubical.Data.FinData.Base using (Fin ; _==_)
open import S30.Sum
open import S30.Ring R using (differenceCancels)
open import CS231n-Delta R

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open Sum R
open Iso

private
  variable
    k l m n : ℕ

Matrix : ℕ → ℕ → Type ℓR
Matrix m n = Fin m → Fin n → ⟨ R ⟩

infixr 7 _*ᵥ_ _*ₘ_

_*ᵥ_ : Matrix m n → Vector n → Vector m
(W *ᵥ x) i = ∑ (λ j → W i j ·r x j)

_*ₘ_ : Matrix l m → Matrix m n → Matrix l n
(W *ₘ V) i k = ∑ (λ j → W i j ·r V j k)

-- /linear-classify, «Parameterized mapping from images to label scores»: f(x) = W x + b.
affine : Matrix m n → Vector m → Vector n → Vector m
affine W b x i = (W *ᵥ x) i +r b i

private
  -- W (V x + b) = (W V) x + W b
  distribute : (W : Matrix l m) (V : Matrix m n) (b : Vector m) (x : Vector n)
             → ∀ i → (W *ᵥ affine V b x) i ≡ ((W *ₘ V) *ᵥ x) i +r (W *ᵥ b) i
  distribute W V b x i =
    ∑ (λ j → W i j ·r (∑ (λ k → V j k ·r x k) +r b j))
      ≡⟨ ∑Ext (λ j → ·DistR+ (W i j) (∑ (λ k → V j k ·r x k)) (b j)) ⟩
    ∑ (λ j → W i j ·r ∑ (λ k → V j k ·r x k) +r W i j ·r b j)
      ≡⟨ ∑Add (λ j → W i j ·r ∑ (λ k → V j k ·r x k)) (λ j → W i j ·r b j) ⟩
    ∑ (λ j → W i j ·r ∑ (λ k → V j k ·r x k)) +r (W *ᵥ b) i
      ≡⟨ cong (_+r (W *ᵥ b) i) regroup ⟩
    ((W *ₘ V) *ᵥ x) i +r (W *ᵥ b) i ∎
    where
    regroup : ∑ (λ j → W i j ·r ∑ (λ k → V j k ·r x k)) ≡ ((W *ₘ V) *ᵥ x) i
    regroup =
      ∑ (λ j → W i j ·r ∑ (λ k → V j k ·r x k))     ≡⟨ ∑Ext (λ j → ∑MulL (W i j) (λ k → V j k ·r x k)) ⟩
      ∑ (λ j → ∑ (λ k → W i j ·r (V j k ·r x k)))   ≡⟨ ∑Swap (λ j k → W i j ·r (V j k ·r x k)) ⟩
      ∑ (λ k → ∑ (λ j → W i j ·r (V j k ·r x k)))   ≡⟨ ∑Ext (λ k → ∑Ext (λ j → ·Assoc (W i j) (V j k) (x k))) ⟩
      ∑ (λ k → ∑ (λ j → (W i j ·r V j k) ·r x k))   ≡⟨ ∑Ext (λ k → sym (∑MulR (λ j → W i j ·r V j k) (x k))) ⟩
      ∑ (λ k → ∑ (λ j → W i j ·r V j k) ·r x k)     ∎

-- An affine layer after an affine layer is one affine layer.
affineCompose : (W₂ : Matrix l m) (b₂ : Vector l) (W₁ : Matrix m n) (b₁ : Vector m)
              → affine W₂ b₂ ∘ affine W₁ b₁ ≡ affine (W₂ *ₘ W₁) (affine W₂ b₂ b₁)
affineCompose W₂ b₂ W₁ b₁ = funExt λ x → funExt λ i →
  cong (_+r b₂ i) (distribute W₂ W₁ b₁ x i) ∙ sym (+Assoc _ _ _)

-- Depth without a nonlinearity (/neural-networks-1, «Quick intro»: «the two matrices could be collapsed»).
data AffineNet (n : ℕ) : ℕ → Type ℓR where
  layer : Matrix m n → Vector m → AffineNet n m
  _then_,_ : AffineNet n m → Matrix l m → Vector l → AffineNet n l

runAffine : AffineNet n m → Vector n → Vector m
runAffine (layer W b)    x = affine W b x
runAffine (N then W , b) x = affine W b (runAffine N x)

isAffine : (Vector n → Vector m) → Type ℓR
isAffine T = Σ[ W ∈ Matrix _ _ ] Σ[ b ∈ Vector _ ] T ≡ affine W b

-- A stack of affine layers, of any depth and widths, is one affine layer, so depth without a nonlinearity adds nothing.
affineNetIsAffine : (N : AffineNet n m) → isAffine (runAffine N)
affineNetIsAffine (layer W b) = W , b , refl
affineNetIsAffine (N then W , b) with affineNetIsAffine N
... | V , c , p = W *ₘ V , affine W b c , (λ i x → affine W b (p i x)) ∙ affineCompose W b V c

-- Renaming the classes renames the scores, for any map π of class names.
permuteClasses : (π : Fin l → Fin m) (W : Matrix m n) (b : Vector m)
               → affine (W ∘ π) (b ∘ π) ≡ (λ scores → scores ∘ π) ∘ affine W b
permuteClasses π W b = refl

-- /linear-classify, «Multiclass Support Vector Machine loss»: the sum over all classes but the right
-- one of ρ (s_j − s_y + Δ).
hinge : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (Δ : ⟨ R ⟩) (y : Fin n) → Vector n → ⟨ R ⟩
hinge ρ Δ y s = ∑ (λ j → if j == y then 0r else ρ ((s j - s y) +r Δ))

raise : ⟨ R ⟩ → Vector n → Vector n
raise c s j = s j +r c

-- A number added to all scores changes no SVM loss, whatever ρ and Δ.
hingeShift : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (Δ : ⟨ R ⟩) (y : Fin n) (s : Vector n) (c : ⟨ R ⟩)
           → hinge ρ Δ y (raise c s) ≡ hinge ρ Δ y s
hingeShift ρ Δ y s c =
  ∑Ext (λ j → cong (λ d → if j == y then 0r else ρ (d +r Δ)) (differenceCancels (s j) (s y) c))

-- A permutation of the classes, of scores and label alike, changes no SVM loss, whatever ρ and Δ.
hingePermute : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (Δ : ⟨ R ⟩) (π : Iso (Fin n) (Fin n)) (y : Fin n) (s : Vector n)
             → hinge ρ Δ y (s ∘ fun π) ≡ hinge ρ Δ (fun π y) s
hingePermute ρ Δ π y s =
  ∑Ext (λ j → cong (λ same → if same then 0r else term (fun π j)) (renamed j))
  ∙ ∑Permute π (λ i → if i == fun π y then 0r else term i)
  where
  term : Fin _ → ⟨ R ⟩
  term i = ρ ((s i - s (fun π y)) +r Δ)

  renamed : ∀ j → (j == y) ≡ (fun π j == fun π y)
  renamed j = sameAnswer j y (fun π j) (fun π y) (cong (fun π)) (isoFunInjective π j y)
