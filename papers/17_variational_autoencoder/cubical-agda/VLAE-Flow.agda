{-# OPTIONS --safe #-}
{-
Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), arXiv:1611.02731

Autoregressive flows over an abstract commutative ring, section 3.2. A code is a list of units, the latest first, so that behind each
unit stand those before it. Logarithms are numbers of the same ring.

  paper                     here
  μ_i(y_{1:i−1})            shift f before
  σ_i(y_{1:i−1}), its log   scale f before, logScale f before
  1 / σ_i                   over f before
  ε = f⁻¹(z)                whiten f z
  z = f(ε)                  generate f ε
  log det dε/dz             logDet f z
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module VLAE-Flow {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open CommRingStr (snd R')
  using (0r; 1r; _+_; _·_; -_; +Assoc; +Comm; +IdR; +IdL; +InvR; +InvL; ·Assoc; ·Comm; ·IdR; ·IdL; ·DistR+; ·DistL+)
open import S30.Ring R' using (-Dist+; ·-R; -Involutive; +Interchange)

R : Type ℓ
R = fst R'

record Flow : Type ℓ where
  constructor flow
  field
    shift scale over logScale : List R → R
    isOver : (before : List R) → scale before · over before ≡ 1r

open Flow public

-- ε_i = (y_i − μ_i) / σ_i
whiten : Flow → List R → List R
whiten f []           = []
whiten f (y ∷ before) = (y + - shift f before) · over f before ∷ whiten f before

-- y_i = ε_i σ_i + μ_i
extend : Flow → R → List R → List R
extend f e before = e · scale f before + shift f before ∷ before

generate : Flow → List R → List R
generate f []       = []
generate f (e ∷ es) = extend f e (generate f es)

-- − Σ log σ_i
logDet : Flow → List R → R
logDet f []           = 0r
logDet f (y ∷ before) = logDet f before + - logScale f before

private
  cancelShift : (a b : R) → (a + b) + - b ≡ a
  cancelShift a b = sym (+Assoc a b (- b)) ∙ cong (a +_) (+InvR b) ∙ +IdR a

  cancelBack : (a b : R) → (a + - b) + b ≡ a
  cancelBack a b = sym (+Assoc a (- b) b) ∙ cong (a +_) (+InvL b) ∙ +IdR a

  scaled : (f : Flow) (before : List R) (a : R) → (a · scale f before) · over f before ≡ a
  scaled f before a = sym (·Assoc a _ _) ∙ cong (a ·_) (isOver f before) ∙ ·IdR a

  unscaled : (f : Flow) (before : List R) (a : R) → (a · over f before) · scale f before ≡ a
  unscaled f before a = sym (·Assoc a _ _) ∙ cong (a ·_) (·Comm (over f before) (scale f before) ∙ isOver f before) ∙ ·IdR a

-- Generating undoes whitening: the flow is inverted unit after unit, each with those before it known.
generateWhiten : (f : Flow) (z : List R) → generate f (whiten f z) ≡ z
generateWhiten f []           = refl
generateWhiten f (y ∷ before) =
  cong (extend f e) (generateWhiten f before) ∙ cong (_∷ before) (cong (_+ shift f before) (unscaled f before _) ∙ cancelBack y _)
  where e = (y + - shift f before) · over f before

-- Whitening undoes generating.
whitenGenerate : (f : Flow) (ε : List R) → whiten f (generate f ε) ≡ ε
whitenGenerate f []       = refl
whitenGenerate f (e ∷ es) =
  cong₂ _∷_ (cong (_· over f ys) (cancelShift (e · scale f ys) (shift f ys)) ∙ scaled f ys e) (whitenGenerate f es)
  where ys = generate f es

dropLatest : ℕ → List R → List R
dropLatest zero    ys       = ys
dropLatest (suc n) []       = []
dropLatest (suc n) (y ∷ ys) = dropLatest n ys

-- Triangular: without the latest n units the whitened code is that of the code without them.
whitenIsTriangular : (f : Flow) (n : ℕ) (z : List R) → dropLatest n (whiten f z) ≡ whiten f (dropLatest n z)
whitenIsTriangular f zero    z       = refl
whitenIsTriangular f (suc n) []      = refl
whitenIsTriangular f (suc n) (y ∷ z) = whitenIsTriangular f n z

-- First f, then g, as one flow.
infixr 9 _⨾_
_⨾_ : Flow → Flow → Flow
shift    (f ⨾ g) before = shift g (whiten f before) · scale f before + shift f before
scale    (f ⨾ g) before = scale f before · scale g (whiten f before)
over     (f ⨾ g) before = over f before · over g (whiten f before)
logScale (f ⨾ g) before = logScale f before + logScale g (whiten f before)
isOver   (f ⨾ g) before = swap (scale f before) _ (over f before) _
  ∙ cong₂ _·_ (isOver f before) (isOver g (whiten f before)) ∙ ·IdL 1r
  where
  swap : (a b c d : R) → (a · b) · (c · d) ≡ (a · c) · (b · d)
  swap a b c d = sym (·Assoc a b (c · d)) ∙ cong (a ·_) (·Assoc b c d ∙ cong (_· d) (·Comm b c) ∙ sym (·Assoc c b d)) ∙ ·Assoc a c (b · d)

-- Triangular maps compose: whitening by f and then by g is whitening by one flow.
whitenCompose : (f g : Flow) (z : List R) → whiten (f ⨾ g) z ≡ whiten g (whiten f z)
whitenCompose f g []           = refl
whitenCompose f g (y ∷ before) = cong₂ _∷_ unit (whitenCompose f g before)
  where
  μ = shift f before
  σ = scale f before
  τ = over f before
  μ' = shift g (whiten f before)
  τ' = over g (whiten f before)
  unit : (y + - (μ' · σ + μ)) · (τ · τ') ≡ ((y + - μ) · τ + - μ') · τ'
  unit =
    (y + - (μ' · σ + μ)) · (τ · τ')
      ≡⟨ ·Assoc _ τ τ' ⟩
    ((y + - (μ' · σ + μ)) · τ) · τ'
      ≡⟨ cong (λ w → ((y + w) · τ) · τ') (-Dist+ (μ' · σ) μ ∙ +Comm (- (μ' · σ)) (- μ)) ⟩
    ((y + (- μ + - (μ' · σ))) · τ) · τ'
      ≡⟨ cong (λ w → (w · τ) · τ') (+Assoc y (- μ) (- (μ' · σ))) ⟩
    (((y + - μ) + - (μ' · σ)) · τ) · τ'
      ≡⟨ cong (_· τ') (·DistL+ (y + - μ) (- (μ' · σ)) τ) ⟩
    ((y + - μ) · τ + (- (μ' · σ)) · τ) · τ'
      ≡⟨ cong (λ w → ((y + - μ) · τ + w) · τ') (·Comm (- (μ' · σ)) τ ∙ ·-R τ (μ' · σ) ∙ cong -_ (·Comm τ (μ' · σ)) ∙ cong -_ (scaled f before μ')) ⟩
    ((y + - μ) · τ + - μ') · τ' ∎

-- Generating by g and then by f undoes both.
generateCompose : (f g : Flow) (ε : List R) → generate (f ⨾ g) ε ≡ generate f (generate g ε)
generateCompose f g ε =
  cong (generate (f ⨾ g)) (sym whitened) ∙ generateWhiten (f ⨾ g) (generate f (generate g ε))
  where
  whitened : whiten (f ⨾ g) (generate f (generate g ε)) ≡ ε
  whitened = whitenCompose f g _ ∙ cong (whiten g) (whitenGenerate f (generate g ε)) ∙ whitenGenerate g ε

-- Log-determinants add: that of both flows is the first one's, and the second one's at what the first has made.
logDetCompose : (f g : Flow) (z : List R) → logDet (f ⨾ g) z ≡ logDet f z + logDet g (whiten f z)
logDetCompose f g []           = sym (+IdR 0r)
logDetCompose f g (y ∷ before) =
  cong₂ _+_ (logDetCompose f g before) (-Dist+ (logScale f before) (logScale g (whiten f before)))
  ∙ +Interchange (logDet f before) (logDet g (whiten f before)) (- logScale f before) (- logScale g (whiten f before))

-- Two bounds, (12) and (14): the flow in the prior of z, and the flow in the posterior of ε.
priorBound posteriorBound : (likelihood logU logDeterminant logQ : R) → R
priorBound     likelihood logU logDeterminant logQ = (likelihood + (logU + logDeterminant)) + - logQ
posteriorBound likelihood logU logDeterminant logQ = (likelihood + logU) + - (logQ + - logDeterminant)

-- An autoregressive prior is an inverse autoregressive posterior: the two bounds are one number, wherever the decoder reads f(ε).
afPriorIsIafPosterior : (likelihood : List R → R) (logU : List R → R) (f : Flow) (logQ : R) (z : List R)
  → priorBound (likelihood z) (logU (whiten f z)) (logDet f z) logQ
  ≡ posteriorBound (likelihood (generate f (whiten f z))) (logU (whiten f z)) (logDet f z) logQ
afPriorIsIafPosterior likelihood logU f logQ z =
  moved (likelihood z) u d logQ ∙ cong (λ w → posteriorBound (likelihood w) u d logQ) (sym (generateWhiten f z))
  where
  u = logU (whiten f z)
  d = logDet f z
  moved : (a b c e : R) → priorBound a b c e ≡ posteriorBound a b c e
  moved a b c e =
    cong (_+ - e) (+Assoc a b c) ∙ sym (+Assoc (a + b) c (- e))
    ∙ cong ((a + b) +_) (+Comm c (- e) ∙ cong (- e +_) (sym (-Involutive c)) ∙ sym (-Dist+ e (- c)))
