{-# OPTIONS --safe #-}
{-
  CS231n, zero padding (/convolutional-networks, «Spatial arrangement») and the conversion between CONV and FC layers
  («Converting FC layers to CONV layers»).

  notes                          here
  -----------------------------  -----------------------------------------------------------------------------
  input volume [n × k]           f : Volume n k, a vector of k channels at each of n pixels
  where its pixels lie           from : Fin n → ⟨ G ⟩; the outputs lie at to : Fin p → ⟨ G ⟩. G is any group, such as ℤ × ℤ
  zero-padding                   zeroExtend from f : the signal that is f at those pixels and zero everywhere else
  CONV with P and S              padded L from to: extend by zeros, CONV without border, keep the outputs at `to`.
                                 P stands in the offsets (−P, …), S in the outputs' positions (multiples of S)
  FC                             dense K b
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Algebra.Group.Base
open import Cubical.Relation.Nullary

module CS231n-Border {ℓR ℓG : Level} (R : CommRing ℓR) (G : Group ℓG) (_≟_ : Discrete ⟨ G ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Bool.Base using (true ; false ; if_then_else_)
open import Cubical.Data.Bool.Properties using (true≢false ; false≢true)
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.FinData.Base using (Fin ; zero ; _==_)
open import S30.Sum
open import S30.Ring R using (0·Absorbs)
open import CS231n-Delta R
open import CS231n-Shift (Group→Monoid G)
open import CS231n-Conv R (Group→Monoid G)

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open GroupStr (snd G) using (1g) renaming (_·_ to _⊕_ ; ·IdL to ⊕IdL)
open Sum R
open ConvLayer

private
  variable
    ℓP ℓQ : Level
    k l m n p : ℕ

Volume : ℕ → ℕ → Type ℓR
Volume n k = Fin n → Vector k

-- One where a decision says yes, and zero where it says no.
hit : {P : Type ℓP} → Dec P → ⟨ R ⟩
hit (yes _) = 1r
hit (no  _) = 0r

hitIff : {P : Type ℓP} {Q : Type ℓQ} → (P → Q) → (Q → P) → (d : Dec P) (e : Dec Q) → hit d ≡ hit e
hitIff to from (yes p) (yes q) = refl
hitIff to from (no ¬p) (no ¬q) = refl
hitIff to from (yes p) (no ¬q) = ⊥.rec (¬q (to p))
hitIff to from (no ¬p) (yes q) = ⊥.rec (¬p (from q))

zeroExtend : (from : Fin n → ⟨ G ⟩) → Volume n k → Signal (Vector k)
zeroExtend from f x c = ∑ (λ i → hit (x ≟ from i) ·r f i c)

-- Where no pixel lies, an image extended by zeros is zero.
zeroOutside : (from : Fin n → ⟨ G ⟩) (f : Volume n k) (x : ⟨ G ⟩) → (∀ i → ¬ (x ≡ from i)) → ∀ c → zeroExtend from f x c ≡ 0r
zeroOutside {n = n} from f x outside c =
  ∑Ext (λ i → cong (_·r f i c) (missed i (x ≟ from i)) ∙ 0·Absorbs (f i c)) ∙ ∑Zero n
  where
  missed : ∀ i (d : Dec (x ≡ from i)) → hit d ≡ 0r
  missed i (yes q) = ⊥.rec (outside i q)
  missed i (no ¬q) = refl

-- At its own pixels, if no two of them coincide, an image extended by zeros is the image.
unchangedInside : (from : Fin n → ⟨ G ⟩) → (∀ i j → from i ≡ from j → i ≡ j) → (f : Volume n k)
                → ∀ i → zeroExtend from f (from i) ≡ f i
unchangedInside from apart f i = funExt λ c →
  ∑Ext (λ j → cong (_·r f j c) (same j (from i ≟ from j) (j == i) refl)) ∙ ∑δ i (λ j → f j c)
  where
  same : ∀ j (d : Dec (from i ≡ from j)) b → (j == i) ≡ b → hit d ≡ (if b then 1r else 0r)
  same j (yes q) true  _ = refl
  same j (yes q) false e = ⊥.rec (false≢true (sym e ∙ ==Complete (sym (apart i j q))))
  same j (no ¬q) true  e = ⊥.rec (¬q (cong from (sym (==Sound j i e))))
  same j (no ¬q) false _ = refl

padded : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) → Volume n k → Volume p l
padded L from to f = conv L (zeroExtend from f) ∘ to

-- Zero padding keeps what of equivariance there can be: if an image extended by zeros is another one moved by s, then
-- each output of a zero-padded CONV whose position moved by s is an output as well is moved like the image, at the
-- border too.
paddedShift : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) (f f' : Volume n k) (s : ⟨ G ⟩)
            → zeroExtend from f' ≡ shift s (zeroExtend from f)
            → ∀ q q' → to q' ≡ s ⊕ to q → padded L from to f' q ≡ padded L from to f q'
paddedShift L from to f f' s moved q q' at =
  (λ i → conv L (moved i) (to q)) ∙ (λ i → convShift L s i (zeroExtend from f) (to q)) ∙ cong (conv L (zeroExtend from f)) (sym at)

-- «Converting FC layers to CONV layers» ------------------------------------------------------------

-- An FC layer on volumes: output o of pixel q weighs channel c of pixel i by K q o i c.
Weights : (p l n k : ℕ) → Type ℓR
Weights p l n k = Fin p → Fin l → Fin n → Fin k → ⟨ R ⟩

dense : Weights p l n k → (Fin l → ⟨ R ⟩) → Volume n k → Volume p l
dense K b f q o = ∑ (λ i → ∑ (λ c → K q o i c ·r f i c)) +r b o

-- «mostly zero except for at certain blocks (due to local connectivity) where the weights in many of the blocks are
-- equal (due to parameter sharing)»
blocks : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) → Weights p l n k
blocks L from to q o i c = ∑ (λ t → weight L o c t ·r hit ((to q ⊕ offset L t) ≟ from i))

-- Every zero-padded CONV layer, of any padding and stride, is an FC layer.
convIsDense : (L : ConvLayer k l m) (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) (f : Volume n k)
            → padded L from to f ≡ dense (blocks L from to) (bias L) f
convIsDense {k = k} {m = m} {n = n} L from to f = funExt λ q → funExt λ o → cong (_+r bias L o)
  (∑ (λ c → ∑ (λ t → w o c t ·r ∑ (λ i → at q t i ·r f i c)))
     ≡⟨ ∑Ext (λ c → ∑Ext (λ t → ∑MulL (w o c t) (λ i → at q t i ·r f i c) ∙ ∑Ext (λ i → ·Assoc (w o c t) (at q t i) (f i c)))) ⟩
   ∑ (λ c → ∑ (λ t → ∑ (λ i → (w o c t ·r at q t i) ·r f i c)))
     ≡⟨ ∑Ext (λ c → ∑Swap (λ t i → (w o c t ·r at q t i) ·r f i c)) ⟩
   ∑ (λ c → ∑ (λ i → ∑ (λ t → (w o c t ·r at q t i) ·r f i c)))
     ≡⟨ ∑Swap (λ c i → ∑ (λ t → (w o c t ·r at q t i) ·r f i c)) ⟩
   ∑ (λ i → ∑ (λ c → ∑ (λ t → (w o c t ·r at q t i) ·r f i c)))
     ≡⟨ ∑Ext (λ i → ∑Ext (λ c → sym (∑MulR (λ t → w o c t ·r at q t i) (f i c)))) ⟩
   ∑ (λ i → ∑ (λ c → blocks L from to q o i c ·r f i c)) ∎)
  where
  w = weight L
  at : Fin _ → Fin m → Fin n → ⟨ R ⟩
  at q t i = hit ((to q ⊕ offset L t) ≟ from i)

-- An FC layer is a CONV layer without padding, whose filters are as large as the whole input and fit at one place.
wholeFilter : (from : Fin n → ⟨ G ⟩) → Weights 1 l n k → (Fin l → ⟨ R ⟩) → ConvLayer k l n
weight (wholeFilter from K b) o c i = K zero o i c
offset (wholeFilter from K b)       = from
bias   (wholeFilter from K b)       = b

-- Every FC layer with one pixel of outputs, on pixels of which no two coincide, is a CONV layer.
denseIsConv : (from : Fin n → ⟨ G ⟩) → (∀ i j → from i ≡ from j → i ≡ j) → (K : Weights 1 l n k) (b : Fin l → ⟨ R ⟩)
            → padded (wholeFilter from K b) from (λ _ → 1g) ≡ dense K b
denseIsConv from apart K b = funExt λ f → funExt λ { zero → funExt λ o → cong (_+r b o)
  (∑Ext (λ c → ∑Ext (λ i → cong (K zero o i c ·r_)
     (cong (λ x → zeroExtend from f x c) (⊕IdL (from i)) ∙ λ j → unchangedInside from apart f i j c)))
   ∙ ∑Swap (λ c i → K zero o i c ·r f i c)) }
