{-# OPTIONS --safe #-}
{-
  CS231n, the backward pass of CONV (/convolutional-networks, «Backpropagation»: «also a convolution (but with
  spatially-flipped filters)», which the notes do not derive).

  notes                          here
  -----------------------------  --------------------------------------------------------------------------
  dL by the outputs              g : Volume p l; to first order the loss changes by pair g (change of the outputs)
  gradient by z                  what stands beside the change of z in such a pairing
  dL/dW and dL/db of a CONV      correlate at g offset f and total g
  dL/dx of a CONV                padded (flipped L) to from g
  «spatially-flipped filters»    flipped L: offsets negated; input and output channels change their roles

  CONV is linear in its parameters and, up to the bias, in its input, so all this holds exactly, not to first order only.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Algebra.Group.Base
open import Cubical.Relation.Nullary

module CS231n-Backward {ℓR ℓG : Level} (R : CommRing ℓR) (G : Group ℓG) (_≟_ : Discrete ⟨ G ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)
open import S30.Sum
open import S30.Ring R using (+Interchange)
open import CS231n-Delta R using (Vector)
open import CS231n-Shift (Group→Monoid G) using (Signal)
open import CS231n-Conv R (Group→Monoid G)
open import CS231n-Border R G _≟_

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open GroupStr (snd G) using (inv)
  renaming (_·_ to _⊕_ ; ·Assoc to ⊕Assoc ; ·IdR to ⊕IdR ; ·InvL to ⊕InvL ; ·InvR to ⊕InvR)
open Sum R
open ConvLayer

private
  variable
    k l m n p : ℕ

infixl 6 _⊞_

_⊞_ : Volume n k → Volume n k → Volume n k
(f ⊞ v) i c = f i c +r v i c

pair : Volume n k → Volume n k → ⟨ R ⟩
pair g y = ∑ (λ q → ∑ (λ o → g q o ·r y q o))

pairAdd : (g y z : Volume n k) → pair g (y ⊞ z) ≡ pair g y +r pair g z
pairAdd g y z =
  ∑Ext (λ q → ∑Ext (λ o → ·DistR+ (g q o) (y q o) (z q o)) ∙ ∑Add (λ o → g q o ·r y q o) (λ o → g q o ·r z q o))
  ∙ ∑Add (λ q → ∑ (λ o → g q o ·r y q o)) (λ q → ∑ (λ o → g q o ·r z q o))

-- The gradient by the parameters ------------------------------------------------------------------

-- The layer whose parameters are V and β, and L with its own moved by them.
replaced : ConvLayer k l m → Filters l k m → (Fin l → ⟨ R ⟩) → ConvLayer k l m
weight (replaced L V β) = V
offset (replaced L V β) = offset L
bias   (replaced L V β) = β

move : ConvLayer k l m → Filters l k m → (Fin l → ⟨ R ⟩) → ConvLayer k l m
move L V β = replaced L (λ o c t → weight L o c t +r V o c t) (λ o → bias L o +r β o)

correlate : (at : Fin p → ⟨ G ⟩) (g : Volume p l) (offset : Fin m → ⟨ G ⟩) → Signal (Vector k) → Filters l k m
correlate at g offset f o c t = ∑ (λ q → g q o ·r f (at q ⊕ offset t) c)

total : Volume p l → Fin l → ⟨ R ⟩
total g o = ∑ (λ q → g q o)

parameterPair : ConvLayer k l m → (at : Fin p → ⟨ G ⟩) → Volume p l → Signal (Vector k) → Filters l k m → (Fin l → ⟨ R ⟩) → ⟨ R ⟩
parameterPair L at g f V β =
  ∑ (λ o → ∑ (λ c → ∑ (λ t → V o c t ·r correlate at g (offset L) f o c t))) +r ∑ (λ o → β o ·r total g o)

-- conv (move L V β) = conv L + conv (replaced L V β)
convMoves : (L : ConvLayer k l m) (V : Filters l k m) (β : Fin l → ⟨ R ⟩) (f : Signal (Vector k))
          → ∀ x o → conv (move L V β) f x o ≡ conv L f x o +r conv (replaced L V β) f x o
convMoves L V β f x o =
  cong (_+r (bias L o +r β o))
    (∑Ext (λ c → ∑Ext (λ t → ·DistL+ (weight L o c t) (V o c t) (at t c))
                 ∙ ∑Add (λ t → weight L o c t ·r at t c) (λ t → V o c t ·r at t c))
     ∙ ∑Add (λ c → ∑ (λ t → weight L o c t ·r at t c)) (λ c → ∑ (λ t → V o c t ·r at t c)))
  ∙ +Interchange _ _ (bias L o) (β o)
  where
  at : Fin _ → Fin _ → ⟨ R ⟩
  at t c = f (x ⊕ offset L t) c

-- Σ_q Σ_o g (Σ_c Σ_t V x + β) = Σ_o Σ_c Σ_t V (Σ_q g x) + Σ_o β (Σ_q g): the sums and the factors change places.
filterAdjoint : (at : Fin p → ⟨ G ⟩) (g : Volume p l) (L : ConvLayer k l m) (V : Filters l k m) (β : Fin l → ⟨ R ⟩)
                (f : Signal (Vector k)) → pair g (conv (replaced L V β) f ∘ at) ≡ parameterPair L at g f V β
filterAdjoint {p = p} {k = k} {m = m} at g L V β f =
  pairAdd g (λ q o → response q o) (λ _ → β)
  ∙ cong₂ _+r_ (∑Swap (λ q o → g q o ·r response q o) ∙ ∑Ext filter)
               (∑Swap (λ q o → g q o ·r β o) ∙ ∑Ext (λ o → sym (∑MulR (λ q → g q o) (β o)) ∙ ·Comm _ (β o)))
  where
  patch : Fin p → Fin k → Fin m → ⟨ R ⟩
  patch q c t = f (at q ⊕ offset L t) c

  response : Fin p → Fin _ → ⟨ R ⟩
  response q o = ∑ (λ c → ∑ (λ t → V o c t ·r patch q c t))

  filter : ∀ o → ∑ (λ q → g q o ·r response q o) ≡ ∑ (λ c → ∑ (λ t → V o c t ·r correlate at g (offset L) f o c t))
  filter o =
    ∑ (λ q → g q o ·r response q o)
      ≡⟨ ∑Ext (λ q → ∑MulL (g q o) (λ c → ∑ (λ t → V o c t ·r patch q c t))
         ∙ ∑Ext (λ c → ∑MulL (g q o) (λ t → V o c t ·r patch q c t))) ⟩
    ∑ (λ q → ∑ (λ c → ∑ (λ t → g q o ·r (V o c t ·r patch q c t))))
      ≡⟨ ∑Swap (λ q c → ∑ (λ t → g q o ·r (V o c t ·r patch q c t))) ⟩
    ∑ (λ c → ∑ (λ q → ∑ (λ t → g q o ·r (V o c t ·r patch q c t))))
      ≡⟨ ∑Ext (λ c → ∑Swap (λ q t → g q o ·r (V o c t ·r patch q c t))) ⟩
    ∑ (λ c → ∑ (λ t → ∑ (λ q → g q o ·r (V o c t ·r patch q c t))))
      ≡⟨ ∑Ext (λ c → ∑Ext (λ t → ∑Ext (λ q → inFront (g q o) (V o c t) (patch q c t)))) ⟩
    ∑ (λ c → ∑ (λ t → ∑ (λ q → V o c t ·r (g q o ·r patch q c t))))
      ≡⟨ ∑Ext (λ c → ∑Ext (λ t → sym (∑MulL (V o c t) (λ q → g q o ·r patch q c t)))) ⟩
    ∑ (λ c → ∑ (λ t → V o c t ·r correlate at g (offset L) f o c t)) ∎
    where
    inFront : ∀ a b c → a ·r (b ·r c) ≡ b ·r (a ·r c)
    inFront a b c = ·Assoc a b c ∙∙ cong (_·r c) (·Comm a b) ∙∙ sym (·Assoc b a c)

-- Moving the filters of a CONV by V and its biases by β adds, to what upstream g makes of the outputs, the product of V
-- with the correlation of input and g, and of β with the sums of g: these are the gradients of the parameters, for any
-- number of filters, channels, taps and positions. Nothing is flipped.
filterGradient : (at : Fin p → ⟨ G ⟩) (g : Volume p l) (L : ConvLayer k l m) (V : Filters l k m) (β : Fin l → ⟨ R ⟩)
  (f : Signal (Vector k))
  → pair g (conv (move L V β) f ∘ at) ≡ pair g (conv L f ∘ at) +r parameterPair L at g f V β
filterGradient at g L V β f =
  cong (pair g) (λ i q o → convMoves L V β f (at q) o i)
  ∙∙ pairAdd g (conv L f ∘ at) (conv (replaced L V β) f ∘ at)
  ∙∙ cong (pair g (conv L f ∘ at) +r_) (filterAdjoint at g L V β f)

-- The gradient by the input -----------------------------------------------------------------------

noBias : Fin l → ⟨ R ⟩
noBias _ = 0r

transpose : Weights p l n k → Weights n k p l
transpose K i c q o = K q o i c

denseMoves : (K : Weights p l n k) (b : Fin l → ⟨ R ⟩) (f v : Volume n k)
           → dense K b (f ⊞ v) ≡ dense K b f ⊞ dense K noBias v
denseMoves K b f v = funExt λ q → funExt λ o →
  cong₂ _+r_
    (∑Ext (λ i → ∑Ext (λ c → ·DistR+ (K q o i c) (f i c) (v i c))
                 ∙ ∑Add (λ c → K q o i c ·r f i c) (λ c → K q o i c ·r v i c))
     ∙ ∑Add (λ i → ∑ (λ c → K q o i c ·r f i c)) (λ i → ∑ (λ c → K q o i c ·r v i c)))
    (sym (+IdR (b o)))
  ∙ +Interchange _ _ (b o) 0r

-- FC: the gradient by the input is the upstream times the transposed matrix («dX = W.T.dot(dD)»).
denseAdjoint : (K : Weights p l n k) (g : Volume p l) (v : Volume n k)
             → pair g (dense K noBias v) ≡ pair (dense (transpose K) noBias g) v
denseAdjoint {p = p} {l = l} {n = n} {k = k} K g v =
  ∑ (λ q → ∑ (λ o → g q o ·r (∑ (λ i → ∑ (λ c → K q o i c ·r v i c)) +r 0r)))
    ≡⟨ ∑Ext (λ q → ∑Ext (λ o → cong (g q o ·r_) (+IdR _) ∙ ∑MulL (g q o) (λ i → ∑ (λ c → K q o i c ·r v i c))
       ∙ ∑Ext (λ i → ∑MulL (g q o) (λ c → K q o i c ·r v i c)))) ⟩
  ∑ (λ q → ∑ (λ o → ∑ (λ i → ∑ (λ c → g q o ·r (K q o i c ·r v i c)))))
    ≡⟨ ∑Ext (λ q → ∑Swap (λ o i → ∑ (λ c → term q o i c)) ∙ ∑Ext (λ i → ∑Swap (λ o c → term q o i c))) ⟩
  ∑ (λ q → ∑ (λ i → ∑ (λ c → ∑ (λ o → term q o i c))))
    ≡⟨ ∑Swap (λ q i → ∑ (λ c → ∑ (λ o → term q o i c))) ∙ ∑Ext (λ i → ∑Swap (λ q c → ∑ (λ o → term q o i c))) ⟩
  ∑ (λ i → ∑ (λ c → ∑ (λ q → ∑ (λ o → g q o ·r (K q o i c ·r v i c)))))
    ≡⟨ ∑Ext (λ i → ∑Ext (λ c → ∑Ext (λ q → ∑Ext (λ o → ·Assoc (g q o) (K q o i c) (v i c)
         ∙ cong (_·r v i c) (·Comm (g q o) (K q o i c))) ∙ sym (∑MulR (λ o → K q o i c ·r g q o) (v i c)))
       ∙ sym (∑MulR (λ q → ∑ (λ o → K q o i c ·r g q o)) (v i c)) ∙ cong (_·r v i c) (sym (+IdR _)))) ⟩
  ∑ (λ i → ∑ (λ c → (∑ (λ q → ∑ (λ o → K q o i c ·r g q o)) +r 0r) ·r v i c)) ∎
  where
  term : Fin p → Fin l → Fin n → Fin k → ⟨ R ⟩
  term q o i c = g q o ·r (K q o i c ·r v i c)

-- The filter flipped: its taps on the other side of the position, from output channels to input channels.
flipped : ConvLayer k l m → ConvLayer l k m
weight (flipped L) c o t = weight L o c t
offset (flipped L) t     = inv (offset L t)
bias   (flipped L)       = noBias

unbiased : ConvLayer k l m → ConvLayer k l m
unbiased L = replaced L (weight L) noBias

paddedMoves : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) (f v : Volume n k)
            → padded L from to (f ⊞ v) ≡ padded L from to f ⊞ padded (unbiased L) from to v
paddedMoves L from to f v =
  convIsDense L from to (f ⊞ v) ∙∙ denseMoves (blocks L from to) (bias L) f v
  ∙∙ λ i → convIsDense L from to f (~ i) ⊞ convIsDense (unbiased L) from to v (~ i)

paddedAdjoint : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) (g : Volume p l) (v : Volume n k)
              → pair g (padded (unbiased L) from to v) ≡ pair (padded (flipped L) to from g) v
paddedAdjoint L from to g v =
  cong (pair g) (convIsDense (unbiased L) from to v) ∙∙ denseAdjoint (blocks L from to) g v
  ∙∙ cong (λ z → pair z v) ((λ i → dense (otherSide i) noBias g) ∙ sym (convIsDense (flipped L) to from g))
  where
  -- x ⊕ o = y exactly when y ⊕ o⁻¹ = x.
  there : ∀ x o y → x ⊕ o ≡ y → y ⊕ inv o ≡ x
  there x o y q = cong (_⊕ inv o) (sym q) ∙∙ sym (⊕Assoc x o (inv o)) ∙∙ cong (x ⊕_) (⊕InvR o) ∙ ⊕IdR x

  back : ∀ x o y → y ⊕ inv o ≡ x → x ⊕ o ≡ y
  back x o y q = cong (_⊕ o) (sym q) ∙∙ sym (⊕Assoc y (inv o) o) ∙∙ cong (y ⊕_) (⊕InvL o) ∙ ⊕IdR y

  otherSide : transpose (blocks L from to) ≡ blocks (flipped L) to from
  otherSide i' i c q o = ∑Ext (λ t → cong (weight L o c t ·r_)
    (hitIff (there (to q) (offset L t) (from i)) (back (to q) (offset L t) (from i))
            ((to q ⊕ offset L t) ≟ from i) ((from i ⊕ inv (offset L t)) ≟ to q))) i'

-- Moving the input of a zero-padded CONV by v adds, to what upstream g makes of the outputs, the product of v with the
-- zero-padded CONV of g by the flipped filter: this is the gradient of the input, for any number of filters, channels
-- and taps, any padding and any stride, wherever pixels and outputs lie.
inputGradient : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) (g : Volume p l) (f v : Volume n k)
  → pair g (padded L from to (f ⊞ v)) ≡ pair g (padded L from to f) +r pair (padded (flipped L) to from g) v
inputGradient L from to g f v =
  cong (pair g) (paddedMoves L from to f v)
  ∙∙ pairAdd g (padded L from to f) (padded (unbiased L) from to v)
  ∙∙ cong (pair g (padded L from to f) +r_) (paddedAdjoint L from to g v)
