{-# OPTIONS --safe #-}
{-
  CS231n: Convolutional Neural Networks for Visual Recognition (Stanford course notes, cs231n.github.io).
  Shifts, and operators that treat all positions alike (/convolutional-networks). The other modules build on this one:
  -Pool and -Pixels (images), -Conv and -Sharing (CONV), -Border (zero padding), -Backward and -Backprop (gradients),
  -Affine (scores and the hinge loss), -Sizes and -Reads (arithmetic of sizes).

  notes                         here
  ----------------------------  -------------------------------------------------------------------
  pixel position, displacement  the elements of a monoid G; ⊕ adds a displacement (ℤ × ℤ, a torus, ℕ, …)
  input or activation volume    f : Signal A, a value (such as a vector of channels) at each position
  layer with a stride           sliding φ offset ρ: φ multiplies positions by the stride, ρ reads the taps

  Positions have no border here. CS231n-Border says what zero padding makes of these statements.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.Monoid.Base

module CS231n-Shift {ℓG : Level} (G : Monoid ℓG) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Foundations.Isomorphism
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma

open MonoidStr (snd G) using (ε) renaming (_·_ to _⊕_ ; ·Assoc to ⊕Assoc ; ·IdL to ⊕IdL ; ·IdR to ⊕IdR)

private
  variable
    ℓA ℓB ℓC ℓT ℓU : Level
    T : Type ℓT
    U : Type ℓU
    A : Type ℓA
    B : Type ℓB
    C : Type ℓC

Signal : Type ℓA → Type (ℓ-max ℓG ℓA)
Signal A = ⟨ G ⟩ → A

-- Look at the same signal from s onwards.
shift : ⟨ G ⟩ → Signal A → Signal A
shift s f x = f (s ⊕ x)

-- T turns a shift by φ s of its input into a shift by s of its output.
isStridedBy : (φ : ⟨ G ⟩ → ⟨ G ⟩) → (Signal A → Signal B) → Type _
isStridedBy φ T = ∀ s → T ∘ shift (φ s) ≡ shift s ∘ T

isShiftEquivariant : (Signal A → Signal B) → Type _
isShiftEquivariant T = ∀ s → T ∘ shift s ≡ shift s ∘ T

-- φ carries displacements to displacements, as multiplication by a stride does.
isAdditive : (⟨ G ⟩ → ⟨ G ⟩) → Type ℓG
isAdditive φ = ∀ s x → φ (s ⊕ x) ≡ φ s ⊕ φ x

-- A window slides over the input, and one readout ρ is applied to what it sees; its taps sit at
-- the given offsets from position φ x. The taps are any type: Fin k, or pairs for a window of windows.
sliding : (φ : ⟨ G ⟩ → ⟨ G ⟩) (offset : T → ⟨ G ⟩) (ρ : (T → A) → B) → Signal A → Signal B
sliding φ offset ρ f x = ρ (λ t → f (φ x ⊕ offset t))

-- Any sliding window of additive stride φ, whatever its taps and its readout (weights, max, mean), turns a shift by φ s
-- of its input into a shift by s of its output.
slidingIsStrided : (φ : ⟨ G ⟩ → ⟨ G ⟩) → isAdditive φ → (offset : T → ⟨ G ⟩) (ρ : (T → A) → B)
                 → isStridedBy φ (sliding φ offset ρ)
slidingIsStrided φ φHom offset ρ s = funExt λ f → funExt λ x → cong ρ (funExt λ t → cong f
  (φ s ⊕ (φ x ⊕ offset t)   ≡⟨ ⊕Assoc (φ s) (φ x) (offset t) ⟩
   (φ s ⊕ φ x) ⊕ offset t   ≡⟨ cong (_⊕ offset t) (sym (φHom s x)) ⟩
   φ (s ⊕ x) ⊕ offset t     ∎))

-- Two sliding windows, one after the other, are as functions one window, if the first stride φ is additive, whatever
-- their readouts: its taps are the pairs (u , t) of both, at the offsets φ (p u) ⊕ o t.
slidingCompose : (φ ψ : ⟨ G ⟩ → ⟨ G ⟩) → isAdditive φ → (o : T → ⟨ G ⟩) (p : U → ⟨ G ⟩)
                 (ρ : (T → A) → B) (τ : (U → B) → C)
               → sliding ψ p τ ∘ sliding φ o ρ
               ≡ sliding (φ ∘ ψ) (λ (u , t) → φ (p u) ⊕ o t) (λ patch → τ (λ u → ρ (λ t → patch (u , t))))
slidingCompose φ ψ φHom o p ρ τ = funExt λ f → funExt λ x → cong τ (funExt λ u → cong ρ (funExt λ t → cong f
  (φ (ψ x ⊕ p u) ⊕ o t         ≡⟨ cong (_⊕ o t) (φHom (ψ x) (p u)) ⟩
   (φ (ψ x) ⊕ φ (p u)) ⊕ o t   ≡⟨ sym (⊕Assoc (φ (ψ x)) (φ (p u)) (o t)) ⟩
   φ (ψ x) ⊕ (φ (p u) ⊕ o t)   ∎)))

-- Operators of strides φ and ψ, one after the other, have the stride φ ∘ ψ.
stridedCompose : {φ ψ : ⟨ G ⟩ → ⟨ G ⟩} {F : Signal A → Signal B} {H : Signal B → Signal C}
               → isStridedBy φ F → isStridedBy ψ H → isStridedBy (φ ∘ ψ) (H ∘ F)
stridedCompose {ψ = ψ} {F = F} {H = H} p q s = (λ i f → H (p (ψ s) i f)) ∙ (λ i f → q s i (F f))

-- /neural-networks-1, «Commonly used activation functions»: an activation function acts entry by entry.
pointwise : (A → B) → Signal A → Signal B
pointwise σ f x = σ (f x)

-- An activation function commutes with every shift.
pointwiseShift : (σ : A → B) → isShiftEquivariant (pointwise σ)
pointwiseShift σ s = refl

-- «Parameter Sharing», as an equivalence. (B is a set, as numbers are, so that equivariance is a property and not
-- further data.)
EquivariantOperator : Type ℓA → Type ℓB → Type _
EquivariantOperator A B = Σ[ T ∈ (Signal A → Signal B) ] isShiftEquivariant T

readout : EquivariantOperator A B → Signal A → B
readout (T , _) f = T f ε

-- To give an operator that commutes with every shift is to give one readout of the whole signal, used at every
-- position, where outputs form a set.
sharedReadout : isSet B → Iso (EquivariantOperator A B) (Signal A → B)
sharedReadout {B = B} {A = A} isSetB = iso readout share readoutShare shareReadout
  where
  share : (Signal A → B) → EquivariantOperator A B
  share ρ .fst f x = ρ (shift x f)
  share ρ .snd s = funExt λ f → funExt λ x → cong ρ (funExt λ y → cong f (⊕Assoc s x y))

  readoutShare : ∀ ρ → readout (share ρ) ≡ ρ
  readoutShare ρ = funExt λ f → cong ρ (funExt λ y → cong f (⊕IdL y))

  shareReadout : ∀ T → share (readout T) ≡ T
  shareReadout (T , p) = Σ≡Prop
    (λ _ → isPropΠ λ _ → isSet→ (isSet→ isSetB) _ _)
    (funExt λ f → funExt λ x → (λ i → p x i f ε) ∙ cong (T f) (⊕IdR x))
