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
open import Cubical.Data.Bool.Base using (if_then_else_)
open import Cubical.Data.FinData.Base using (Fin ; FinVec ; _==_)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Sum

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open MonoidStr (snd G) using (ε) renaming (_·_ to _⊕_ ; ·Assoc to ⊕Assoc ; ·IdL to ⊕IdL ; ·IdR to ⊕IdR)
open Sum R

private
  variable
    ℓA ℓB ℓC : Level
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
-- the given offsets from position φ x.
sliding : (φ : ⟨ G ⟩ → ⟨ G ⟩) (offset : Fin k → ⟨ G ⟩) (ρ : FinVec A k → B) → Signal A → Signal B
sliding φ offset ρ f x = ρ (λ t → f (φ x ⊕ offset t))

-- /convolutional-networks, «Pooling Layer» and «Parameter Sharing»: any sliding window, whatever
-- its readout (weights, max, mean), turns shifts by a multiple of the stride into shifts.
slidingIsStrided : (φ : ⟨ G ⟩ → ⟨ G ⟩) → isAdditive φ → (offset : Fin k → ⟨ G ⟩) (ρ : FinVec A k → B)
                 → isStridedBy φ (sliding φ offset ρ)
slidingIsStrided φ φHom offset ρ s = funExt λ f → funExt λ x → cong ρ (funExt λ t → cong f
  (φ s ⊕ (φ x ⊕ offset t)   ≡⟨ ⊕Assoc (φ s) (φ x) (offset t) ⟩
   (φ s ⊕ φ x) ⊕ offset t   ≡⟨ cong (_⊕ offset t) (sym (φHom s x)) ⟩
   φ (s ⊕ x) ⊕ offset t     ∎))

-- Layers with strides φ and ψ, one after the other, have the stride φ ∘ ψ.
stridedCompose : {φ ψ : ⟨ G ⟩ → ⟨ G ⟩} {T : Signal A → Signal B} {U : Signal B → Signal C}
               → isStridedBy φ T → isStridedBy ψ U → isStridedBy (φ ∘ ψ) (U ∘ T)
stridedCompose {ψ = ψ} {T = T} {U = U} p q s = (λ i f → U (p (ψ s) i f)) ∙ (λ i f → q s i (T f))

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
  ∑Ext (λ j → cong (λ d → if j == y then 0r else ρ (d +r Δ)) (sameDifference (s j) (s y)))
  where
  cancel : ∀ b → c +r (- (b +r c)) ≡ - b
  cancel b =
    c +r d                     ≡⟨ sym (+IdL _) ⟩
    0r +r (c +r d)             ≡⟨ cong (_+r (c +r d)) (sym (+InvL b)) ⟩
    (- b +r b) +r (c +r d)     ≡⟨ sym (+Assoc (- b) b (c +r d)) ⟩
    - b +r (b +r (c +r d))     ≡⟨ cong (- b +r_) (+Assoc b c d ∙ +InvR (b +r c)) ⟩
    - b +r 0r                  ≡⟨ +IdR (- b) ⟩
    - b                        ∎
    where
    d = - (b +r c)

  sameDifference : ∀ a b → (a +r c) - (b +r c) ≡ a - b
  sameDifference a b = sym (+Assoc a c (- (b +r c))) ∙ cong (a +r_) (cancel b)
