{-# OPTIONS --safe #-}
{-
  CS231n: Convolutional Neural Networks for Visual Recognition (Stanford course notes).
  Pages meant below: /convolutional-networks, /neural-networks-1, /linear-classify of cs231n.github.io.
  CS231n-Grid reads these statements on the pixels of an image; CS231n-Sizes has the arithmetic of
  output sizes.

  notes                         here
  ----------------------------  -------------------------------------------------------------------
  real numbers                  the elements of a commutative ring R; +r and ·r are its operations
  pixel position, displacement  the elements of a monoid G; ⊕ adds a displacement (ℤ × ℤ, a torus, ℕ, …)
  input or activation volume    f : Signal (Vector channels), a vector at each position
  filter, bias (W, b)           ConvLayer: weight out in tap, offset tap, bias out
  CONV                          conv        (written, as in the notes, as a correlation)
  RELU                          pointwise σ (any function σ of one entry)
  POOL, stride                  sliding φ   (φ multiplies positions by the stride)
  dL/dW of a CONV               correlate at upstream  (upstream: dL by the outputs at finitely many positions)
  f(x) = W x + b                affine W b
  L_i = Σ_{j≠y} max(0, …)       hinge ρ Δ y (ρ stands for max(0, −))

  Positions have no border: what zero padding does at the edge of an image is outside these
  statements, as it is outside equivariance itself.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.Monoid.Base
open import Cubical.Algebra.CommRing.Base

module CS231n {ℓR ℓG : Level} (R : CommRing ℓR) (G : Monoid ℓG) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Foundations.Isomorphism
open import Cubical.Foundations.HLevels
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Bool.Base using (true ; false ; if_then_else_)
open import Cubical.Data.Bool.Properties using (false≢true)
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc ; FinVec ; _==_)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Sum
open import S30.Ring R using (differenceCancels ; 0·Absorbs)

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open MonoidStr (snd G) using (ε) renaming (_·_ to _⊕_ ; ·Assoc to ⊕Assoc ; ·IdL to ⊕IdL ; ·IdR to ⊕IdR)
open Sum R
open Iso

private
  variable
    ℓA ℓB ℓC ℓT ℓU : Level
    T : Type ℓT
    U : Type ℓU
    A : Type ℓA
    B : Type ℓB
    C : Type ℓC
    k l m n : ℕ

Vector : ℕ → Type ℓR
Vector n = FinVec ⟨ R ⟩ n

-- 1. Shifts ---------------------------------------------------------------------------------------

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

-- /convolutional-networks, «Pooling Layer» and «Parameter Sharing»: any sliding window, whatever
-- its readout (weights, max, mean), turns shifts by a multiple of the stride into shifts.
slidingIsStrided : (φ : ⟨ G ⟩ → ⟨ G ⟩) → isAdditive φ → (offset : T → ⟨ G ⟩) (ρ : (T → A) → B)
                 → isStridedBy φ (sliding φ offset ρ)
slidingIsStrided φ φHom offset ρ s = funExt λ f → funExt λ x → cong ρ (funExt λ t → cong f
  (φ s ⊕ (φ x ⊕ offset t)   ≡⟨ ⊕Assoc (φ s) (φ x) (offset t) ⟩
   (φ s ⊕ φ x) ⊕ offset t   ≡⟨ cong (_⊕ offset t) (sym (φHom s x)) ⟩
   φ (s ⊕ x) ⊕ offset t     ∎))

-- «Prefer a stack of small filter CONV to one large receptive field CONV layer»: two windows, one after the
-- other, are one window as functions, whatever their readouts. Its taps are the pairs (u , t), at the
-- offsets φ (p u) ⊕ o t; CS231n-Sizes computes which offsets these are.
slidingCompose : (φ ψ : ⟨ G ⟩ → ⟨ G ⟩) → isAdditive φ → (o : T → ⟨ G ⟩) (p : U → ⟨ G ⟩)
                 (ρ : (T → A) → B) (τ : (U → B) → C)
               → sliding ψ p τ ∘ sliding φ o ρ
               ≡ sliding (φ ∘ ψ) (λ (u , t) → φ (p u) ⊕ o t) (λ patch → τ (λ u → ρ (λ t → patch (u , t))))
slidingCompose φ ψ φHom o p ρ τ = funExt λ f → funExt λ x → cong τ (funExt λ u → cong ρ (funExt λ t → cong f
  (φ (ψ x ⊕ p u) ⊕ o t         ≡⟨ cong (_⊕ o t) (φHom (ψ x) (p u)) ⟩
   (φ (ψ x) ⊕ φ (p u)) ⊕ o t   ≡⟨ sym (⊕Assoc (φ (ψ x)) (φ (p u)) (o t)) ⟩
   φ (ψ x) ⊕ (φ (p u) ⊕ o t)   ∎)))

-- Layers with strides φ and ψ, one after the other, have the stride φ ∘ ψ.
stridedCompose : {φ ψ : ⟨ G ⟩ → ⟨ G ⟩} {F : Signal A → Signal B} {H : Signal B → Signal C}
               → isStridedBy φ F → isStridedBy ψ H → isStridedBy (φ ∘ ψ) (H ∘ F)
stridedCompose {ψ = ψ} {F = F} {H = H} p q s = (λ i f → H (p (ψ s) i f)) ∙ (λ i f → q s i (F f))

-- /neural-networks-1, «Commonly used activation functions»: an activation function acts entry by entry.
pointwise : (A → B) → Signal A → Signal B
pointwise σ f x = σ (f x)

pointwiseShift : (σ : A → B) → isShiftEquivariant (pointwise σ)
pointwiseShift σ s = refl

-- /convolutional-networks, «Parameter Sharing», as an equivalence: to give a shift-equivariant
-- operator is to give one readout of the whole signal, used at every position. (B is a set, as
-- numbers are, so that equivariance is a property and not further data.)
EquivariantOperator : Type ℓA → Type ℓB → Type _
EquivariantOperator A B = Σ[ T ∈ (Signal A → Signal B) ] isShiftEquivariant T

readout : EquivariantOperator A B → Signal A → B
readout (T , _) f = T f ε

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

-- In particular two equivariant operators that agree at one position agree everywhere.
equivariantDetermined : isSet B → (T U : EquivariantOperator A B) → readout T ≡ readout U → T ≡ U
equivariantDetermined isSetB = isoFunInjective (sharedReadout isSetB)

-- Multiples of the stride are the most one can say: keeping every second entry of a sequence does not
-- commute with the shift by one.
shiftℕ : ℕ → (ℕ → ℕ) → (ℕ → ℕ)
shiftℕ s f x = f (s + x)

everySecond : (ℕ → ℕ) → (ℕ → ℕ)
everySecond f x = f (2 · x)

subsampleNotShiftEquivariant : ¬ (everySecond ∘ shiftℕ 1 ≡ shiftℕ 1 ∘ everySecond)
subsampleNotShiftEquivariant p = znots (injSuc (λ i → p i (λ x → x) 0))

-- 2. Convolution ----------------------------------------------------------------------------------

record ConvLayer (ins outs taps : ℕ) : Type (ℓ-max ℓR ℓG) where
  field
    weight : Fin outs → Fin ins → Fin taps → ⟨ R ⟩
    offset : Fin taps → ⟨ G ⟩
    bias   : Fin outs → ⟨ R ⟩

open ConvLayer

-- /convolutional-networks, «Convolutional Layer»: at each position, for each filter o, the dot
-- product with the local patch through all input channels, plus a bias.
conv : ConvLayer k l m → Signal (Vector k) → Signal (Vector l)
conv L f x o = ∑ (λ c → ∑ (λ t → weight L o c t ·r f (x ⊕ offset L t) c)) +r bias L o

-- Convolution commutes with every shift: it is the sliding window of stride one whose readout is the
-- weighted sum.
convShift : (L : ConvLayer k l m) (s : ⟨ G ⟩) → conv L ∘ shift s ≡ shift s ∘ conv L
convShift L = slidingIsStrided (λ x → x) (λ _ _ → refl) (offset L)
  (λ patch o → ∑ (λ c → ∑ (λ t → weight L o c t ·r patch t c)) +r bias L o)

-- /convolutional-networks, «Layer Patterns»: INPUT -> [[CONV -> RELU]*N], of any depth and widths.
data ConvNet (k : ℕ) : ℕ → Type (ℓ-max ℓR ℓG) where
  input : ConvNet k k
  CONV  : ConvNet k l → ConvLayer l m n → ConvNet k m
  RELU  : ConvNet k l → (⟨ R ⟩ → ⟨ R ⟩) → ConvNet k l

run : ConvNet k l → Signal (Vector k) → Signal (Vector l)
run input      f = f
run (CONV N L) f = conv L (run N f)
run (RELU N σ) f = pointwise (σ ∘_) (run N f)

-- The whole stack commutes with every shift, by induction on its layers.
convNetShift : (N : ConvNet k l) (s : ⟨ G ⟩) → run N ∘ shift s ≡ shift s ∘ run N
convNetShift input      s = refl
convNetShift (CONV N L) s = (λ i f → conv L (convNetShift N s i f)) ∙ (λ i f → convShift L s i (run N f))
convNetShift (RELU N σ) s = λ i f → pointwise (σ ∘_) (convNetShift N s i f)

-- /convolutional-networks, «Backpropagation»: move the weights by V. To what L sees at the positions at,
-- weighted with upstream, this adds the product of V with the correlation of input and upstream. So that
-- correlation is the gradient of the filters, for every number of filters, channels, taps and positions.
Filters : ℕ → ℕ → ℕ → Type ℓR
Filters l k m = Fin l → Fin k → Fin m → ⟨ R ⟩

moveWeights : ConvLayer k l m → Filters l k m → ConvLayer k l m
weight (moveWeights L V) o c t = weight L o c t +r V o c t
offset (moveWeights L V)       = offset L
bias   (moveWeights L V)       = bias L

seenBy : (at : Fin n → ⟨ G ⟩) (upstream : Fin n → Vector l) → ConvLayer k l m → Signal (Vector k) → ⟨ R ⟩
seenBy at upstream L f = ∑ (λ p → ∑ (λ o → upstream p o ·r conv L f (at p) o))

correlate : (at : Fin n → ⟨ G ⟩) (upstream : Fin n → Vector l) (offset : Fin m → ⟨ G ⟩)
          → Signal (Vector k) → Filters l k m
correlate at upstream offset f o c t = ∑ (λ p → upstream p o ·r f (at p ⊕ offset t) c)

filterGradient : (at : Fin n → ⟨ G ⟩) (upstream : Fin n → Vector l) (L : ConvLayer k l m) (V : Filters l k m)
  (f : Signal (Vector k)) → seenBy at upstream (moveWeights L V) f
  ≡ seenBy at upstream L f +r ∑ (λ o → ∑ (λ c → ∑ (λ t → V o c t ·r correlate at upstream (offset L) f o c t)))
filterGradient {n} {l} {k} {m} at upstream L V f =
  ∑ (λ p → ∑ (λ o → upstream p o ·r conv (moveWeights L V) f (at p) o))
    ≡⟨ ∑Ext (λ p → ∑Ext (λ o →
       cong (upstream p o ·r_) (linear p o) ∙ ·DistR+ (upstream p o) (before p o) (response p o))) ⟩
  ∑ (λ p → ∑ (λ o → upstream p o ·r before p o +r upstream p o ·r response p o))
    ≡⟨ ∑Ext (λ p → ∑Add (λ o → upstream p o ·r before p o) (λ o → upstream p o ·r response p o)) ⟩
  ∑ (λ p → ∑ (λ o → upstream p o ·r before p o) +r ∑ (λ o → upstream p o ·r response p o))
    ≡⟨ ∑Add (λ p → ∑ (λ o → upstream p o ·r before p o)) (λ p → ∑ (λ o → upstream p o ·r response p o)) ⟩
  seenBy at upstream L f +r ∑ (λ p → ∑ (λ o → upstream p o ·r response p o))
    ≡⟨ cong (seenBy at upstream L f +r_) (∑Swap (λ p o → upstream p o ·r response p o) ∙ ∑Ext adjoint) ⟩
  seenBy at upstream L f +r ∑ (λ o → ∑ (λ c → ∑ (λ t → V o c t ·r correlate at upstream (offset L) f o c t))) ∎
  where
  patch : Fin n → Fin k → Fin m → ⟨ R ⟩
  patch p c t = f (at p ⊕ offset L t) c

  before response : Fin n → Fin l → ⟨ R ⟩
  before   p o = conv L f (at p) o
  response p o = ∑ (λ c → ∑ (λ t → V o c t ·r patch p c t))

  linear : ∀ p o → conv (moveWeights L V) f (at p) o ≡ before p o +r response p o
  linear p o =
    ∑ (λ c → ∑ (λ t → (weight L o c t +r V o c t) ·r patch p c t)) +r bias L o
      ≡⟨ cong (_+r bias L o) (∑Ext (λ c → ∑Ext (λ t → ·DistL+ (weight L o c t) (V o c t) (patch p c t))
         ∙ ∑Add (λ t → weight L o c t ·r patch p c t) (λ t → V o c t ·r patch p c t))) ⟩
    ∑ (λ c → old c +r ∑ (λ t → V o c t ·r patch p c t)) +r bias L o
      ≡⟨ cong (_+r bias L o) (∑Add old (λ c → ∑ (λ t → V o c t ·r patch p c t))) ⟩
    (∑ old +r response p o) +r bias L o
      ≡⟨ sym (+Assoc (∑ old) (response p o) (bias L o)) ⟩
    ∑ old +r (response p o +r bias L o)
      ≡⟨ cong (∑ old +r_) (+Comm (response p o) (bias L o)) ∙ +Assoc (∑ old) (bias L o) (response p o) ⟩
    before p o +r response p o ∎
    where
    old : Fin k → ⟨ R ⟩
    old c = ∑ (λ t → weight L o c t ·r patch p c t)

  -- Σ_p g_p Σ_c Σ_t v x = Σ_c Σ_t v Σ_p g_p x: the sums and the factors v and g_p change places.
  adjoint : ∀ o → ∑ (λ p → upstream p o ·r response p o)
                ≡ ∑ (λ c → ∑ (λ t → V o c t ·r correlate at upstream (offset L) f o c t))
  adjoint o =
    ∑ (λ p → upstream p o ·r response p o)
      ≡⟨ ∑Ext (λ p → ∑MulL (upstream p o) (λ c → ∑ (λ t → V o c t ·r patch p c t))
         ∙ ∑Ext (λ c → ∑MulL (upstream p o) (λ t → V o c t ·r patch p c t))) ⟩
    ∑ (λ p → ∑ (λ c → ∑ (λ t → upstream p o ·r (V o c t ·r patch p c t))))
      ≡⟨ ∑Swap (λ p c → ∑ (λ t → upstream p o ·r (V o c t ·r patch p c t))) ⟩
    ∑ (λ c → ∑ (λ p → ∑ (λ t → upstream p o ·r (V o c t ·r patch p c t))))
      ≡⟨ ∑Ext (λ c → ∑Swap (λ p t → upstream p o ·r (V o c t ·r patch p c t))) ⟩
    ∑ (λ c → ∑ (λ t → ∑ (λ p → upstream p o ·r (V o c t ·r patch p c t))))
      ≡⟨ ∑Ext (λ c → ∑Ext (λ t → ∑Ext (λ p → inFront (upstream p o) (V o c t) (patch p c t)))) ⟩
    ∑ (λ c → ∑ (λ t → ∑ (λ p → V o c t ·r (upstream p o ·r patch p c t))))
      ≡⟨ ∑Ext (λ c → ∑Ext (λ t → sym (∑MulL (V o c t) (λ p → upstream p o ·r patch p c t)))) ⟩
    ∑ (λ c → ∑ (λ t → V o c t ·r correlate at upstream (offset L) f o c t)) ∎
    where
    inFront : ∀ a b c → a ·r (b ·r c) ≡ b ·r (a ·r c)
    inFront a b c = ·Assoc a b c ∙∙ cong (_·r c) (·Comm a b) ∙∙ sym (·Assoc b a c)

-- The Kronecker delta, and what it selects from a sum.
δ : Fin n → Fin n → ⟨ R ⟩
δ i j = if i == j then 1r else 0r

∑δ : (j : Fin n) (v : Vector n) → ∑ (λ i → δ i j ·r v i) ≡ v j
∑δ {suc n} zero    v = cong₂ _+r_ (·IdL (v zero)) (∑Ext (λ i → 0·Absorbs (v (suc i))) ∙ ∑Zero n) ∙ +IdR _
∑δ         (suc j) v = cong₂ _+r_ (0·Absorbs (v zero)) (∑δ j (v ∘ suc)) ∙ +IdL _

-- «Parameter Sharing», the converse of convShift: an equivariant operator whose readout is a linear
-- function of the entries at finitely many offsets is a convolution.
isLinear : ((Fin m → Vector k) → Vector l) → Type ℓR
isLinear ℒ = (∀ p q o → ℒ (λ t c → p t c +r q t c) o ≡ ℒ p o +r ℒ q o)
           × (∀ r p o → ℒ (λ t c → r ·r p t c) o ≡ r ·r ℒ p o)

module _ {ℒ : (Fin m → Vector k) → Vector l} ((additive , homogeneous) : isLinear ℒ) where
  private
    linear∑ : (V : Fin n → Fin m → Vector k) → ∀ o → ℒ (λ t c → ∑ (λ i → V i t c)) o ≡ ∑ (λ i → ℒ (V i) o)
    linear∑ {zero}  V o =
      (λ i → ℒ (λ _ _ → 0·Absorbs 0r (~ i)) o) ∙∙ homogeneous 0r (λ _ _ → 0r) o ∙∙ 0·Absorbs _
    linear∑ {suc n} V o =
      additive (V zero) (λ t c → ∑ (λ i → V (suc i) t c)) o ∙ cong (ℒ (V zero) o +r_) (linear∑ (V ∘ suc) o)

    unit : Fin k → Fin m → Fin m → Vector k
    unit c' t' t c = δ t' t ·r δ c' c

    expand : (p : Fin m → Vector k) → ∀ t c → ∑ (λ c' → ∑ (λ t' → p t' c' ·r unit c' t' t c)) ≡ p t c
    expand p t c =
      ∑ (λ c' → ∑ (λ t' → p t' c' ·r (δ t' t ·r δ c' c)))
        ≡⟨ ∑Ext (λ c' → ∑Ext (λ t' → ·Comm (p t' c') _ ∙ sym (·Assoc (δ t' t) (δ c' c) (p t' c')))) ⟩
      ∑ (λ c' → ∑ (λ t' → δ t' t ·r (δ c' c ·r p t' c')))
        ≡⟨ ∑Ext (λ c' → ∑δ t (λ t' → δ c' c ·r p t' c')) ⟩
      ∑ (λ c' → δ c' c ·r p t c')
        ≡⟨ ∑δ c (p t) ⟩
      p t c ∎

  linearIsWeightedSum : ∀ p o → ℒ p o ≡ ∑ (λ c → ∑ (λ t → ℒ (unit c t) o ·r p t c))
  linearIsWeightedSum p o =
    ℒ p o
      ≡⟨ (λ i → ℒ (λ t c → expand p t c (~ i)) o) ⟩
    ℒ (λ t c → ∑ (λ c' → ∑ (λ t' → p t' c' ·r unit c' t' t c))) o
      ≡⟨ linear∑ (λ c' t c → ∑ (λ t' → p t' c' ·r unit c' t' t c)) o ⟩
    ∑ (λ c' → ℒ (λ t c → ∑ (λ t' → p t' c' ·r unit c' t' t c)) o)
      ≡⟨ ∑Ext (λ c' → linear∑ (λ t' t c → p t' c' ·r unit c' t' t c) o) ⟩
    ∑ (λ c' → ∑ (λ t' → ℒ (λ t c → p t' c' ·r unit c' t' t c) o))
      ≡⟨ ∑Ext (λ c' → ∑Ext (λ t' → homogeneous (p t' c') (unit c' t') o ∙ ·Comm (p t' c') _)) ⟩
    ∑ (λ c → ∑ (λ t → ℒ (unit c t) o ·r p t c)) ∎

localLinearIsConv : (E : EquivariantOperator (Vector k) (Vector l)) (offset : Fin m → ⟨ G ⟩)
  (ℒ : (Fin m → Vector k) → Vector l) → isLinear ℒ → readout E ≡ (λ f → ℒ (f ∘ offset))
  → Σ[ L ∈ ConvLayer k l m ] E .fst ≡ conv L
localLinearIsConv (E , equivariant) at ℒ linear local = layer , funExt λ f → funExt λ x →
  cong (E f) (sym (⊕IdR x)) ∙ (λ i → equivariant x (~ i) f ε) ∙ (λ i → local i (shift x f)) ∙ funExt λ o →
  linearIsWeightedSum linear (λ t → f (x ⊕ at t)) o ∙ sym (+IdR _)
  where
  layer : ConvLayer _ _ _
  weight layer o c t = ℒ (λ t' c' → δ t t' ·r δ c c') o
  offset layer       = at
  bias   layer o     = 0r

-- 3. Affine layers and the hinge loss -------------------------------------------------------------

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

-- /neural-networks-1, «Quick intro»: an affine layer after an affine layer is one affine layer.
affineCompose : (W₂ : Matrix l m) (b₂ : Vector l) (W₁ : Matrix m n) (b₁ : Vector m)
              → affine W₂ b₂ ∘ affine W₁ b₁ ≡ affine (W₂ *ₘ W₁) (affine W₂ b₂ b₁)
affineCompose W₂ b₂ W₁ b₁ = funExt λ x → funExt λ i →
  cong (_+r b₂ i) (distribute W₂ W₁ b₁ x i) ∙ sym (+Assoc _ _ _)

-- Hence depth without a nonlinearity adds nothing (the notes: «the two matrices could be collapsed»): a
-- stack of affine layers, of any depth and widths, is one affine layer.
data AffineNet (n : ℕ) : ℕ → Type ℓR where
  layer : Matrix m n → Vector m → AffineNet n m
  _then_,_ : AffineNet n m → Matrix l m → Vector l → AffineNet n l

runAffine : AffineNet n m → Vector n → Vector m
runAffine (layer W b)    x = affine W b x
runAffine (N then W , b) x = affine W b (runAffine N x)

isAffine : (Vector n → Vector m) → Type ℓR
isAffine T = Σ[ W ∈ Matrix _ _ ] Σ[ b ∈ Vector _ ] T ≡ affine W b

affineNetIsAffine : (N : AffineNet n m) → isAffine (runAffine N)
affineNetIsAffine (layer W b) = W , b , refl
affineNetIsAffine (N then W , b) with affineNetIsAffine N
... | V , c , p = W *ₘ V , affine W b c , (λ i x → affine W b (p i x)) ∙ affineCompose W b V c

-- Renaming the classes renames the scores (for any map π of class names; it holds by definition).
permuteClasses : (π : Fin l → Fin m) (W : Matrix m n) (b : Vector m)
               → affine (W ∘ π) (b ∘ π) ≡ (λ scores → scores ∘ π) ∘ affine W b
permuteClasses π W b = refl

-- /linear-classify, «Multiclass Support Vector Machine loss»: the sum over all classes but the right
-- one of ρ (s_j − s_y + Δ).
hinge : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (Δ : ⟨ R ⟩) (y : Fin n) → Vector n → ⟨ R ⟩
hinge ρ Δ y s = ∑ (λ j → if j == y then 0r else ρ ((s j - s y) +r Δ))

-- Only differences of scores count: a constant added to all of them changes no loss.
raise : ⟨ R ⟩ → Vector n → Vector n
raise c s j = s j +r c

hingeShift : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (Δ : ⟨ R ⟩) (y : Fin n) (s : Vector n) (c : ⟨ R ⟩)
           → hinge ρ Δ y (raise c s) ≡ hinge ρ Δ y s
hingeShift ρ Δ y s c =
  ∑Ext (λ j → cong (λ d → if j == y then 0r else ρ (d +r Δ)) (differenceCancels (s j) (s y) c))

-- Renaming the classes by a permutation, labels and scores alike, changes no loss.
private
  ==Complete : {i j : Fin n} → i ≡ j → (i == j) ≡ true
  ==Complete {i = i} p = subst (λ j → (i == j) ≡ true) p (itself i)
    where
    itself : ∀ {n} (i : Fin n) → (i == i) ≡ true
    itself zero    = refl
    itself (suc i) = itself i

  ==Sound : (i j : Fin n) → (i == j) ≡ true → i ≡ j
  ==Sound zero    zero    _ = refl
  ==Sound zero    (suc j) q = ⊥.rec (false≢true q)
  ==Sound (suc i) zero    q = ⊥.rec (false≢true q)
  ==Sound (suc i) (suc j) q = cong suc (==Sound i j q)

  sameAnswer : (i j i' j' : Fin n) → (i ≡ j → i' ≡ j') → (i' ≡ j' → i ≡ j) → (i == j) ≡ (i' == j')
  sameAnswer i j i' j' to from = both _ _ (==Complete ∘ to ∘ ==Sound i j) (==Complete ∘ from ∘ ==Sound i' j')
    where
    both : ∀ a b → (a ≡ true → b ≡ true) → (b ≡ true → a ≡ true) → a ≡ b
    both true  b     f g = sym (f refl)
    both false true  f g = g refl
    both false false f g = refl

∑Permute : (π : Iso (Fin n) (Fin n)) (v : Vector n) → ∑ (v ∘ fun π) ≡ ∑ v
∑Permute π v =
  ∑ (λ j → v (fun π j))                       ≡⟨ ∑Ext (λ j → sym (∑δ (fun π j) v)) ⟩
  ∑ (λ j → ∑ (λ i → δ i (fun π j) ·r v i))    ≡⟨ ∑Swap (λ j i → δ i (fun π j) ·r v i) ⟩
  ∑ (λ i → ∑ (λ j → δ i (fun π j) ·r v i))    ≡⟨ ∑Ext (λ i → ∑Ext (λ j → cong (_·r v i) (turn i j))) ⟩
  ∑ (λ i → ∑ (λ j → δ j (inv π i) ·r v i))    ≡⟨ ∑Ext (λ i → ∑δ (inv π i) (λ _ → v i)) ⟩
  ∑ v                                         ∎
  where
  turn : ∀ i j → δ i (fun π j) ≡ δ j (inv π i)
  turn i j = cong (if_then 1r else 0r) (sameAnswer i (fun π j) j (inv π i)
    (λ p → sym (leftInv π j) ∙ cong (inv π) (sym p)) (λ p → sym (rightInv π i) ∙ cong (fun π) (sym p)))

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
