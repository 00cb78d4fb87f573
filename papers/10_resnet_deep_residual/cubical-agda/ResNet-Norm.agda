{-# OPTIONS --safe #-}
{-
  Deep Residual Learning, batch normalisation «right after each convolution» (arXiv:1512.03385, section 3.4, after Ioffe
  and Szegedy 2015, algorithm 1), of the n values of one channel.

  [16]                          here
  ----------------------------  ----------------------------------------------------------------------
  1/n                           share, with n · share = 1 (Shares)
  mean μ, variance              mean h, variance h
  1/√(variance + ε)             r, any number with r · r · (variance h + ε) = 1 (Inverse)
  ĥ = (h − μ)/√(variance + ε)   normal r h
  ∂ĥ, and its transpose         pull r z g = r (g − mean g − z mean (g z)), which is both
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)

module ResNet-Norm {ℓ : Level} (R : CommRing ℓ) (n : ℕ) (share : ⟨ R ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc)
open import S30.Sum
open import S30.Ring R

open CommRingStr (snd R) hiding (_-_)
open Sum R

Values : Type ℓ
Values = Fin n → ⟨ R ⟩

mean : Values → ⟨ R ⟩
mean h = share · ∑ h

centred : Values → Values
centred h j = h j - mean h

variance : Values → ⟨ R ⟩
variance h = mean (λ j → centred h j · centred h j)

normal : ⟨ R ⟩ → Values → Values
normal r h j = r · centred h j

Shares : Type ℓ
Shares = (x : ⟨ R ⟩) → mean (λ _ → x) ≡ x

Inverse : ⟨ R ⟩ → ⟨ R ⟩ → ⟨ R ⟩ → Type ℓ
Inverse ε r v = (r · r) · (v + ε) ≡ 1r

private
  meanAdd : (f g : Values) → mean (λ j → f j + g j) ≡ mean f + mean g
  meanAdd f g = cong (share ·_) (∑Add f g) ∙ ·DistR+ share (∑ f) (∑ g)

  meanMul : (x : ⟨ R ⟩) (f : Values) → mean (λ j → x · f j) ≡ x · mean f
  meanMul x f = cong (share ·_) (sym (∑MulL x f)) ∙ ·Assoc share x (∑ f)
    ∙∙ cong (_· ∑ f) (·Comm share x) ∙∙ sym (·Assoc x share (∑ f))

  meanNeg : (f : Values) → mean (λ j → - f j) ≡ - mean f
  meanNeg f = -Unique (mean f) (mean (λ j → - f j))
    (sym (meanAdd f (λ j → - f j)) ∙ cong (share ·_) (∑Ext (λ j → +InvR (f j)) ∙ ∑Zero n) ∙ ·0Absorbs share)

  meanSub : (f g : Values) → mean (λ j → f j - g j) ≡ mean f - mean g
  meanSub f g = meanAdd f (λ j → - g j) ∙ cong (mean f +_) (meanNeg g)

  meanCentred : Shares → (h : Values) → mean (centred h) ≡ 0r
  meanCentred shares h = meanSub h (λ _ → mean h) ∙∙ cong (λ x → mean h - x) (shares (mean h)) ∙∙ +InvR (mean h)

-- What BN returns before scale and shift has mean zero.
normalMean : Shares → (r : ⟨ R ⟩) (h : Values) → mean (normal r h) ≡ 0r
normalMean shares r h = meanMul r (centred h) ∙∙ cong (r ·_) (meanCentred shares h) ∙∙ ·0Absorbs r

private
  fourFactors : (a b c d : ⟨ R ⟩) → (a · b) · (c · d) ≡ (a · c) · (b · d)
  fourFactors a b c d = sym (·Assoc a b (c · d)) ∙∙ cong (a ·_) (·Assoc b c d ∙∙ cong (_· d) (·Comm b c) ∙∙ sym (·Assoc c b d))
    ∙∙ ·Assoc a c (b · d)

  scaledSquare : (r : ⟨ R ⟩) (h : Values) → mean (λ j → normal r h j · normal r h j) ≡ (r · r) · variance h
  scaledSquare r h = cong (share ·_) (∑Ext (λ j → fourFactors r (centred h j) r (centred h j)))
    ∙ meanMul (r · r) (λ j → centred h j · centred h j)

-- And its mean square is 1 less r² ε: the variance is 1 up to ε.
normalVariance : (ε r : ⟨ R ⟩) (h : Values) → Inverse ε r (variance h)
               → mean (λ j → normal r h j · normal r h j) + (r · r) · ε ≡ 1r
normalVariance ε r h inverse = cong (_+ (r · r) · ε) (scaledSquare r h) ∙∙ sym (·DistR+ (r · r) (variance h) ε) ∙∙ inverse

-- With a scale s that undoes r, the deviation, and the mean as its shift BN gives back what it normalised: the identity
-- layer of a plain net, for these very values.
undone : (s r : ⟨ R ⟩) (h : Values) → s · r ≡ 1r → (j : Fin n) → s · normal r h j + mean h ≡ h j
undone s r h inverse j = cong (_+ mean h) (·Assoc s r (centred h j) ∙∙ cong (_· centred h j) inverse ∙∙ ·IdL (centred h j))
  ∙∙ +Comm (centred h j) (mean h) ∙∙ +Complement (mean h) (h j)

-- A number added to all values, such as a convolution's bias, changes nothing.
biasIsVoid : Shares → (r c : ⟨ R ⟩) (h : Values) → normal r (λ j → h j + c) ≡ normal r h
biasIsVoid shares r c h = funExt λ j → cong (r ·_)
  (cong (λ x → (h j + c) - x) (meanAdd h (λ _ → c) ∙ cong (mean h +_) (shares c)) ∙ differenceCancels (h j) (mean h) c)

-- Values multiplied by a, with a root r' for which r' a = r, are normalised to the same: filters may be scaled.
scaleIsVoid : (r r' a : ⟨ R ⟩) (h : Values) → r' · a ≡ r → normal r' (λ j → a · h j) ≡ normal r h
scaleIsVoid r r' a h same = funExt λ j →
  r' · (a · h j - mean (λ i → a · h i))   ≡⟨ cong (λ x → r' · (a · h j - x)) (meanMul a h) ⟩
  r' · (a · h j - a · mean h)             ≡⟨ cong (r' ·_) (sym (·DistR- a (h j) (mean h))) ⟩
  r' · (a · centred h j)                  ≡⟨ ·Assoc r' a (centred h j) ⟩
  (r' · a) · centred h j                  ≡⟨ cong (_· centred h j) same ⟩
  r · centred h j                         ∎

-- And such a root is the inverse root of a² variance + a² ε, where r is that of variance + ε: with ε → 0 the scale is void.
rootScales : (ε r r' a : ⟨ R ⟩) (h : Values) → r' · a ≡ r → Inverse ε r (variance h)
           → Inverse ((a · a) · ε) r' (variance (λ j → a · h j))
rootScales ε r r' a h same inverse =
  (r' · r') · (variance (λ j → a · h j) + (a · a) · ε)  ≡⟨ cong (λ v → (r' · r') · (v + (a · a) · ε)) varianceScales ⟩
  (r' · r') · ((a · a) · variance h + (a · a) · ε)      ≡⟨ cong ((r' · r') ·_) (sym (·DistR+ (a · a) (variance h) ε)) ⟩
  (r' · r') · ((a · a) · (variance h + ε))              ≡⟨ ·Assoc (r' · r') (a · a) (variance h + ε) ⟩
  ((r' · r') · (a · a)) · (variance h + ε)              ≡⟨ cong (_· (variance h + ε)) (fourFactors r' r' a a ∙ cong₂ _·_ same same) ⟩
  (r · r) · (variance h + ε)                            ≡⟨ inverse ⟩
  1r                                                    ∎
  where
  varianceScales : variance (λ j → a · h j) ≡ (a · a) · variance h
  varianceScales = cong (share ·_) (∑Ext λ j → cong₂ _·_ (scaled j) (scaled j) ∙ fourFactors a (centred h j) a (centred h j))
    ∙ meanMul (a · a) (λ j → centred h j · centred h j)
    where
    scaled : ∀ j → centred (λ i → a · h i) j ≡ a · centred h j
    scaled j = cong (λ x → a · h j - x) (meanMul a h) ∙ sym (·DistR- a (h j) (mean h))

-- BN's derivative at normalised values z, as `pullIsDerivative` says, and by `pullSelfAdjoint` its backward pass as well.
pull : ⟨ R ⟩ → Values → Values → Values
pull r z g j = r · ((g j - mean g) - z j · mean (λ i → g i · z i))

-- The gradient that BN hands down has mean zero, z having mean zero: a bias before BN gets none.
pullMean : Shares → (r : ⟨ R ⟩) (z g : Values) → mean z ≡ 0r → mean (pull r z g) ≡ 0r
pullMean shares r z g centre =
  mean (pull r z g)                                         ≡⟨ meanMul r _ ⟩
  r · mean (λ j → (g j - mean g) - z j · along)             ≡⟨ cong (r ·_) (meanSub (centred g) (λ j → z j · along)) ⟩
  r · (mean (centred g) - mean (λ j → z j · along))         ≡⟨ cong (r ·_) (cong₂ _-_ (meanCentred shares g) right) ⟩
  r · (0r - 0r)                                             ≡⟨ cong (r ·_) (+InvR 0r) ∙ ·0Absorbs r ⟩
  0r                                                        ∎
  where
  along = mean (λ i → g i · z i)

  right : mean (λ j → z j · along) ≡ 0r
  right = cong (share ·_) (∑Ext (λ j → ·Comm (z j) along)) ∙∙ meanMul along z ∙∙ cong (along ·_) centre ∙ ·0Absorbs along

-- BN's derivative is its own transpose: the mean of v with the pulled g is that of the pulled v with g, whatever z and r.
pullSelfAdjoint : (r : ⟨ R ⟩) (z g v : Values)
                → mean (λ j → pull r z g j · v j) ≡ mean (λ j → pull r z v j · g j)
pullSelfAdjoint r z g v = half g v ∙∙ cong (r ·_) middle ∙∙ sym (half v g)
  where
  half : (g v : Values) → mean (λ j → pull r z g j · v j)
       ≡ r · ((mean (λ j → g j · v j) - mean g · mean v) - mean (λ j → g j · z j) · mean (λ j → v j · z j))
  half g v =
    mean (λ j → pull r z g j · v j)
      ≡⟨ cong (share ·_) (∑Ext λ j → sym (·Assoc r (inner j) (v j))) ∙ meanMul r (λ j → inner j · v j) ⟩
    r · mean (λ j → inner j · v j)
      ≡⟨ cong (r ·_) (cong (share ·_) (∑Ext spread) ∙ meanSub _ _ ∙ cong₂ _-_ (meanSub _ _) refl) ⟩
    r · ((mean (λ j → g j · v j) - mean (λ j → mean g · v j)) - mean (λ j → along · (v j · z j)))
      ≡⟨ cong (r ·_) (cong₂ (λ a b → (mean (λ j → g j · v j) - a) - b) (meanMul (mean g) v) (meanMul along _)) ⟩
    r · ((mean (λ j → g j · v j) - mean g · mean v) - along · mean (λ j → v j · z j)) ∎
    where
    along = mean (λ i → g i · z i)
    inner : Values
    inner j = (g j - mean g) - z j · along

    minusTimes : (a b c : ⟨ R ⟩) → (a - b) · c ≡ a · c - b · c
    minusTimes a b c = ·Comm (a - b) c ∙∙ ·DistR- c a b ∙∙ cong₂ _-_ (·Comm c a) (·Comm c b)

    spread : ∀ j → inner j · v j ≡ (g j · v j - mean g · v j) - along · (v j · z j)
    spread j = minusTimes (g j - mean g) (z j · along) (v j) ∙ cong₂ _-_ (minusTimes (g j) (mean g) (v j))
      (cong (_· v j) (·Comm (z j) along) ∙∙ sym (·Assoc along (z j) (v j)) ∙∙ cong (along ·_) (·Comm (z j) (v j)))

  middle : (mean (λ j → g j · v j) - mean g · mean v) - mean (λ j → g j · z j) · mean (λ j → v j · z j)
         ≡ (mean (λ j → v j · g j) - mean v · mean g) - mean (λ j → v j · z j) · mean (λ j → g j · z j)
  middle = cong₂ _-_ (cong₂ _-_ (cong (share ·_) (∑Ext λ j → ·Comm (g j) (v j))) (·Comm (mean g) (mean v))) (·Comm _ _)

-- d/dt of values that depend on t, say: additive, and with the product rule.
record Derivation : Type ℓ where
  field
    D : ⟨ R ⟩ → ⟨ R ⟩
    sums : (x y : ⟨ R ⟩) → D (x + y) ≡ D x + D y
    products : (x y : ⟨ R ⟩) → D (x · y) ≡ x · D y + D x · y

private
  module Rates (shares : Shares) (d : Derivation) (fixedShare : Derivation.D d share ≡ 0r) where
    open Derivation d

    none : D 0r ≡ 0r
    none = doubleIsZero (D 0r) (sym (sums 0r 0r) ∙ cong D (+IdR 0r))

    one : D 1r ≡ 0r
    one = doubleIsZero (D 1r) (sym (cong₂ _+_ (·IdL (D 1r)) (·IdR (D 1r))) ∙ sym (products 1r 1r) ∙ cong D (·IdR 1r))

    ofDifference : (x y : ⟨ R ⟩) → D (x - y) ≡ D x - D y
    ofDifference x y = sums x (- y)
      ∙ cong (D x +_) (-Unique (D y) (D (- y)) (sym (sums y (- y)) ∙∙ cong D (+InvR y) ∙∙ none))

    ofSum : {m : ℕ} (v : Fin m → ⟨ R ⟩) → D (∑ v) ≡ ∑ (λ i → D (v i))
    ofSum {zero}  v = none
    ofSum {suc m} v = sums (v zero) (∑ (λ i → v (suc i))) ∙ cong (D (v zero) +_) (ofSum (λ i → v (suc i)))

    ofMean : (f : Values) → D (mean f) ≡ mean (λ i → D (f i))
    ofMean f = products share (∑ f) ∙∙ cong₂ _+_ (cong (share ·_) (ofSum f)) (cong (_· ∑ f) fixedShare ∙ 0·Absorbs (∑ f)) ∙∙ +IdR _

    module At (halves : (x : ⟨ R ⟩) → x + x ≡ 0r → x ≡ 0r) (ε r : ⟨ R ⟩) (h : Values) (fixedε : D ε ≡ 0r)
              (inverse : Inverse ε r (variance h)) where
      g z : Values
      g i = D (h i)
      z = normal r h

      along S W : ⟨ R ⟩
      along = mean (λ i → g i · z i)
      S = mean (λ i → centred h i · centred g i)
      W = variance h + ε

      ofCentred : (j : Fin n) → D (centred h j) ≡ centred g j
      ofCentred j = ofDifference (h j) (mean h) ∙ cong (λ x → g j - x) (ofMean h)

      ofVariance : D W ≡ S + S
      ofVariance = sums (variance h) ε ∙∙ cong₂ _+_ (ofMean _ ∙ cong (share ·_) (∑Ext each) ∙ meanAdd _ _) fixedε ∙∙ +IdR _
        where
        each : (i : Fin n) → D (centred h i · centred h i) ≡ centred h i · centred g i + centred h i · centred g i
        each i = products (centred h i) (centred h i) ∙ cong₂ _+_ (cong (centred h i ·_) (ofCentred i))
          (cong (_· centred h i) (ofCentred i) ∙ ·Comm (centred g i) (centred h i))

      alongIs : r · S ≡ along
      alongIs =
        r · S                                                   ≡⟨ cong (r ·_) (cong (share ·_) (∑Ext λ i → ·DistR- (centred h i) (g i) (mean g)) ∙ meanSub _ _) ⟩
        r · (mean (λ i → centred h i · g i) - mean (λ i → centred h i · mean g))
          ≡⟨ cong (λ x → r · (mean (λ i → centred h i · g i) - x)) vanishing ⟩
        r · (mean (λ i → centred h i · g i) - 0r)               ≡⟨ cong (r ·_) (subZero _) ⟩
        r · mean (λ i → centred h i · g i)                      ≡⟨ sym (meanMul r _) ⟩
        mean (λ i → r · (centred h i · g i))
          ≡⟨ cong (share ·_) (∑Ext λ i → ·Assoc r (centred h i) (g i) ∙ ·Comm (z i) (g i)) ⟩
        along ∎
        where
        vanishing : mean (λ i → centred h i · mean g) ≡ 0r
        vanishing = cong (share ·_) (∑Ext λ i → ·Comm (centred h i) (mean g))
          ∙∙ meanMul (mean g) (centred h) ∙∙ cong (mean g ·_) (meanCentred shares h) ∙ ·0Absorbs (mean g)
        subZero : (x : ⟨ R ⟩) → x - 0r ≡ x
        subZero x = cong (x +_) (sym (-Unique 0r 0r (+IdR 0r))) ∙ +IdR x

      -- r r W = 1, so 2 r' r W + r r W' = 0, of which r times is twice what is to vanish.
      rootMoves : (r · r) · along + D r ≡ 0r
      rootMoves = halves _ (
        ((r · r) · along + D r) + ((r · r) · along + D r)        ≡⟨ +Interchange _ _ _ _ ⟩
        ((r · r) · along + (r · r) · along) + (D r + D r)        ≡⟨ cong₂ _+_ left right ⟩
        r · ((r · r) · D W) + r · (D (r · r) · W)                ≡⟨ sym (·DistR+ r _ _) ⟩
        r · ((r · r) · D W + D (r · r) · W)                      ≡⟨ cong (r ·_) (sym (products (r · r) W) ∙∙ cong D inverse ∙∙ one) ⟩
        r · 0r                                                   ≡⟨ ·0Absorbs r ⟩
        0r                                                       ∎)
        where
        left : (r · r) · along + (r · r) · along ≡ r · ((r · r) · D W)
        left =
          (r · r) · along + (r · r) · along      ≡⟨ sym (·DistR+ (r · r) along along) ⟩
          (r · r) · (along + along)              ≡⟨ cong ((r · r) ·_) (sym (cong₂ _+_ alongIs alongIs) ∙ sym (·DistR+ r S S)) ⟩
          (r · r) · (r · (S + S))                ≡⟨ cong (λ x → (r · r) · (r · x)) (sym ofVariance) ⟩
          (r · r) · (r · D W)                    ≡⟨ ·Assoc (r · r) r (D W) ∙∙ cong (_· D W) (·Comm (r · r) r) ∙∙ sym (·Assoc r (r · r) (D W)) ⟩
          r · ((r · r) · D W)                    ∎

        right : D r + D r ≡ r · (D (r · r) · W)
        right =
          D r + D r                              ≡⟨ sym (·IdR _) ∙ cong ((D r + D r) ·_) (sym inverse) ⟩
          (D r + D r) · ((r · r) · W)            ≡⟨ ·Assoc _ _ W ∙ cong (_· W) (·Comm (D r + D r) (r · r) ∙ sym (·Assoc r r (D r + D r))) ⟩
          (r · (r · (D r + D r))) · W            ≡⟨ cong (λ x → (r · x) · W) (·DistR+ r (D r) (D r) ∙ cong (r · D r +_) (·Comm r (D r)) ∙ sym (products r r)) ⟩
          (r · D (r · r)) · W                    ≡⟨ sym (·Assoc r (D (r · r)) W) ⟩
          r · (D (r · r) · W)                    ∎

-- The derivative of what BN returns, before scale and shift, by anything that its values depend on: the rates of the
-- values, pulled. 1/n and ε do not move; no number but zero is its own negative.
pullIsDerivative : Shares → ((x : ⟨ R ⟩) → x + x ≡ 0r → x ≡ 0r) → (d : Derivation) (let open Derivation d) → D share ≡ 0r
                 → (ε r : ⟨ R ⟩) (h : Values) → D ε ≡ 0r → Inverse ε r (variance h)
                 → (j : Fin n) → D (normal r h j) ≡ pull r (normal r h) (λ i → D (h i)) j
pullIsDerivative shares halves d fixedShare ε r h fixedε inverse j =
  D (r · centred h j)                              ≡⟨ products r (centred h j) ⟩
  r · D (centred h j) + D r · centred h j          ≡⟨ cong₂ _+_ (cong (r ·_) (ofCentred j)) root ⟩
  r · centred g j - r · (z j · along)              ≡⟨ sym (·DistR- r (centred g j) (z j · along)) ⟩
  pull r z g j                                     ∎
  where
  open Derivation d
  open Rates shares d fixedShare
  open At halves ε r h fixedε inverse

  root : D r · centred h j ≡ - (r · (z j · along))
  root =
    D r · centred h j                              ≡⟨ cong (_· centred h j) (-Unique ((r · r) · along) (D r) rootMoves) ⟩
    (- ((r · r) · along)) · centred h j            ≡⟨ ·Comm _ _ ∙ ·-R (centred h j) ((r · r) · along) ⟩
    - (centred h j · ((r · r) · along))            ≡⟨ cong -_ (·Assoc (centred h j) (r · r) along
                                                      ∙∙ cong (_· along) (·Comm (centred h j) (r · r) ∙ sym (·Assoc r r (centred h j)))
                                                      ∙∙ sym (·Assoc r (z j) along)) ⟩
    - (r · (z j · along))                          ∎
