{-# OPTIONS --safe #-}
{-
  CS231n, the chain rule through a stack of layers (/optimization-2, «Compound expressions with chain rule» and «Patterns
  in backward flow»).

  notes                          here
  -----------------------------  --------------------------------------------------------------------------
  CONV, RELU, POOL, FC           Net; FC is CONV with a filter as large as its input (CS231n-Border, denseIsConv)
  forward and backward pass      forward N f, backward N f g
  max(0, x) and its slope        RELU ρ slope: any two functions of one number
  max gate, «the switches»       POOL switch: which pixel each output copies, from all pixels of one channel
  no kink is crossed             Straight N f v: from f to f + v each RELU moves along its slope, no switch changes

  Where no kink is crossed a net is affine in its input, so its gradient says exactly, and not only to first order, how
  far the outputs move.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Algebra.Group.Base
open import Cubical.Relation.Nullary

module CS231n-Backprop {ℓR ℓG : Level} (R : CommRing ℓR) (G : Group ℓG) (_≟_ : Discrete ⟨ G ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Sigma
open import Cubical.Data.Unit
open import Cubical.Data.FinData.Base using (Fin)
open import S30.Sum
open import CS231n-Delta R
open import CS231n-Conv R (Group→Monoid G)
open import CS231n-Border R G _≟_
open import CS231n-Backward R G _≟_

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open Sum R
open ConvLayer

private
  variable
    k l m n p q s : ℕ

infixr 6 _⨾_

-- From n pixels with k channels to p pixels with l channels.
data Net : (n k p l : ℕ) → Type (ℓ-max ℓR ℓG) where
  CONV : ConvLayer k l m → (from : Fin n → ⟨ G ⟩) (to : Fin p → ⟨ G ⟩) → Net n k p l
  RELU : (ρ slope : ⟨ R ⟩ → ⟨ R ⟩) → Net n k n k
  POOL : (switch : Vector n → Fin p → Fin n) → Net n k p k
  _⨾_  : Net n k p l → Net p l q s → Net n k q s

forward : Net n k p l → Volume n k → Volume p l
forward (CONV L from to) f     = padded L from to f
forward (RELU ρ slope)   f i c = ρ (f i c)
forward (POOL switch)    f j c = f (switch (λ i → f i c) j) c
forward (M ⨾ N)          f     = forward N (forward M f)

-- How the outputs move when the input moves from f by v: local derivatives, first layer first.
push : Net n k p l → Volume n k → Volume n k → Volume p l
push (CONV L from to) f v     = padded (unbiased L) from to v
push (RELU ρ slope)   f v i c = slope (f i c) ·r v i c
push (POOL switch)    f v j c = v (switch (λ i → f i c) j) c
push (M ⨾ N)          f v     = push N (forward M f) (push M f v)

-- The gradient by the input from the gradient g by the outputs: last layer first. CONV by the flipped filter, RELU by
-- its slope; POOL routes what each output gets to the pixel that it copied.
backward : Net n k p l → Volume n k → Volume p l → Volume n k
backward (CONV L from to) f g     = padded (flipped L) to from g
backward (RELU ρ slope)   f g i c = slope (f i c) ·r g i c
backward (POOL switch)    f g i c = ∑ (λ j → δ i (switch (λ i' → f i' c) j) ·r g j c)
backward (M ⨾ N)          f g     = backward M f (backward N (forward M f) g)

Straight : Net n k p l → Volume n k → Volume n k → Type ℓR
Straight (CONV L from to) f v = Lift Unit
Straight (RELU ρ slope)   f v = ∀ i c → ρ (f i c +r v i c) ≡ ρ (f i c) +r slope (f i c) ·r v i c
Straight (POOL switch)    f v = ∀ c → Lift {j = ℓR} (switch (λ i → f i c +r v i c) ≡ switch (λ i → f i c))
Straight (M ⨾ N)          f v = Straight M f v × Straight N (forward M f) (push M f v)

forwardMoves : (N : Net n k p l) (f v : Volume n k) → Straight N f v → forward N (f ⊞ v) ≡ forward N f ⊞ push N f v
forwardMoves (CONV L from to) f v _                   = paddedMoves L from to f v
forwardMoves (RELU ρ slope)   f v straight            = funExt λ i → funExt λ c → straight i c
forwardMoves (POOL switch)    f v straight            = funExt λ j → funExt λ c i → (f ⊞ v) (straight c .Lift.lower i j) c
forwardMoves (M ⨾ N)          f v (first , then)      =
  cong (forward N) (forwardMoves M f v first) ∙ forwardMoves N (forward M f) (push M f v) then

-- The chain rule: what upstream g makes of the outputs' move is what the backward pass of g makes of the input's move,
-- through any stack of CONV, RELU and POOL layers (FC among them), whatever the slopes and switches.
chainRule : (N : Net n k p l) (f v : Volume n k) (g : Volume p l) → pair g (push N f v) ≡ pair (backward N f g) v
chainRule (CONV L from to) f v g = paddedAdjoint L from to g v
chainRule (RELU ρ slope)   f v g = ∑Ext (λ i → ∑Ext (λ c →
  ·Assoc (g i c) (slope (f i c)) (v i c) ∙ cong (_·r v i c) (·Comm (g i c) (slope (f i c)))))
chainRule {k = k} (POOL switch) f v g =
  ∑ (λ j → ∑ (λ c → g j c ·r v (at c j) c))
    ≡⟨ ∑Ext (λ j → ∑Ext (λ c → cong (g j c ·r_) (sym (∑δ (at c j) (λ i → v i c))) ∙ ∑MulL (g j c) (λ i → δ i (at c j) ·r v i c))) ⟩
  ∑ (λ j → ∑ (λ c → ∑ (λ i → term j c i)))
    ≡⟨ ∑Ext (λ j → ∑Swap (λ c i → term j c i)) ∙ ∑Swap (λ j i → ∑ (λ c → term j c i)) ⟩
  ∑ (λ i → ∑ (λ j → ∑ (λ c → term j c i)))
    ≡⟨ ∑Ext (λ i → ∑Swap (λ j c → term j c i) ∙ ∑Ext (λ c →
       ∑Ext (λ j → ·Assoc (g j c) (δ i (at c j)) (v i c) ∙ cong (_·r v i c) (·Comm (g j c) (δ i (at c j))))
       ∙ sym (∑MulR (λ j → δ i (at c j) ·r g j c) (v i c)))) ⟩
  ∑ (λ i → ∑ (λ c → ∑ (λ j → δ i (at c j) ·r g j c) ·r v i c)) ∎
  where
  at : Fin k → Fin _ → Fin _
  at c = switch (λ i → f i c)

  term : Fin _ → Fin k → Fin _ → ⟨ R ⟩
  term j c i = g j c ·r (δ i (at c j) ·r v i c)
chainRule (M ⨾ N) f v g = chainRule N (forward M f) (push M f v) g ∙ chainRule M f v (backward N (forward M f) g)

-- Backpropagation is exact between kinks: if no RELU leaves its slope and no switch changes between f and f + v, then
-- what upstream g makes of the outputs changes by exactly the product of v with the backward pass of g.
backpropagation : (N : Net n k p l) (f v : Volume n k) (g : Volume p l) → Straight N f v
                → pair g (forward N (f ⊞ v)) ≡ pair g (forward N f) +r pair (backward N f g) v
backpropagation N f v g straight =
  cong (pair g) (forwardMoves N f v straight) ∙∙ pairAdd g (forward N f) (push N f v)
  ∙∙ cong (pair g (forward N f) +r_) (chainRule N f v g)

-- Moving the filters of a CONV between layers M and N of a stack by V, and its biases by β, changes what upstream g makes
-- of the outputs by exactly the product of V with the correlation of the CONV's input and the backward pass of g through
-- N, and of β with the sums of that pass, if no kink of N is crossed.
parameterGradient : (M : Net n k p l) (L : ConvLayer l s m) (from : Fin p → ⟨ G ⟩) {r : ℕ} (to : Fin r → ⟨ G ⟩)
  {u : ℕ} (N : Net r s q u) (V : Filters s l m) (β : Fin s → ⟨ R ⟩) (f : Volume n k) (g : Volume q u)
  → Straight N (padded L from to (forward M f)) (padded (replaced L V β) from to (forward M f))
  → pair g (forward (M ⨾ CONV (move L V β) from to ⨾ N) f)
  ≡ pair g (forward (M ⨾ CONV L from to ⨾ N) f)
    +r parameterPair L to (backward N (padded L from to (forward M f)) g) (zeroExtend from (forward M f)) V β
parameterGradient M L from to N V β f g straight =
  cong (pair g) (cong (forward N) moved ∙ forwardMoves N y v straight) ∙∙ pairAdd g (forward N y) (push N y v)
  ∙∙ cong (pair g (forward N y) +r_) (chainRule N y v g ∙ filterAdjoint to (backward N y g) L V β (zeroExtend from x))
  where
  x = forward M f
  y = padded L from to x
  v = padded (replaced L V β) from to x

  moved : padded (move L V β) from to x ≡ y ⊞ v
  moved = funExt λ j → funExt λ o → convMoves L V β (zeroExtend from x) (to j) o
