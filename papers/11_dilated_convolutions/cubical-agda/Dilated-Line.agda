{-# OPTIONS --safe #-}
{-
  Yu and Koltun: the receptive field of the context module along one axis, as a statement about its outputs (Table 1).

  paper                        here
  ---------------------------  ----------------------------------------------------------------------
  positions along one axis     ℕ; an output is counted by the first entry that it may read
  dilation                     a number, which multiplies the offsets 0, 1, 2 of the taps
  a module's dilations         ladder M, the last layer first
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base

module Dilated-Line {ℓR : Level} (R : CommRing ℓR) where

open import Cubical.Data.Sigma
open import Cubical.Data.List.Base using (List ; [] ; _∷_)
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Nat.Order
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc)
open import Cubical.Algebra.Monoid.Base
open import Dilated-Field

Line : Monoid ℓ-zero
Line = makeMonoid 0 _+_ isSetℕ +-assoc +-zero (λ _ → refl)

number : {n : ℕ} → Fin n → ℕ
number zero    = 0
number (suc i) = suc (number i)

open import Dilated-Module R Line ℕ _·_ {3} number public

private
  variable
    k l : ℕ

ladder : Module k l → List ℕ
ladder maps                   = []
ladder (M then L dilatedBy d) = d ∷ ladder M

private
  atMostTwo : (t : Fin 3) → number t ≤ 2
  atMostTwo zero             = zero-≤
  atMostTwo (suc zero)       = 1 , refl
  atMostTwo (suc (suc zero)) = 0 , refl

  tap : (t : ℕ) → t ≤ 2 → Σ[ i ∈ Fin 3 ] (number i ≡ t)
  tap zero                _  = zero , refl
  tap (suc zero)          _  = suc zero , refl
  tap (suc (suc zero))    _  = suc (suc zero) , refl
  tap (suc (suc (suc t))) t≤ = ⊥.rec (¬-<-zero (pred-≤-pred (pred-≤-pred t≤)))

-- An entry of the line that an output reads is at a distance that the ladder sees.
readsSeen : (M : Module k l) (y x : ℕ) → Reads M y x → Σ[ z ∈ ℕ ] Seen (ladder M) z × (y ≡ x + z)
readsSeen maps                   y x p = 0 , refl , p ∙ sym (+-zero x)
readsSeen (M then L dilatedBy d) y x (t , reads) = let z , seen , p = readsSeen M y (x + d · number t) reads in
  d · number t + z , (number t , z , atMostTwo t , seen , cong (_+ z) (·-comm d (number t))) ,
  p ∙ sym (+-assoc x (d · number t) z)

-- An output reads every entry at a distance that its ladder sees.
seenReads : (M : Module k l) (z x : ℕ) → Seen (ladder M) z → Reads M (x + z) x
seenReads maps                   z x seen = cong (x +_) seen ∙ +-zero x
seenReads (M then L dilatedBy d) z x (t , y , t≤ , seen , place) = let i , p = tap t t≤ in
  i , subst (λ w → Reads M w (x + d · number i))
        (sym (+-assoc x (d · number i) y) ∙ cong (x +_) (cong (_+ y) (·-comm d (number i) ∙ cong (_· d) p) ∙ sym place))
        (seenReads M y (x + d · number i) seen)

-- An output of any module is decided by the entries of its field: from its own on, as many as `width` says.
fieldDecides : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (M : Module k l) (f g : Signal k) (x : ℕ)
             → ((z : ℕ) → z < width (ladder M) → f (x + z) ≡ g (x + z)) → run ρ M f x ≡ run ρ M g x
fieldDecides ρ M f g x same = seesOnly ρ M f g x λ y reads →
  let z , seen , p = readsSeen M y x reads in subst (λ w → f w ≡ g w) (sym p) (same z (seenInside (ladder M) seen))

-- Where no dilation exceeds the width before it, every entry of the field is read: no coverage is lost.
fieldCovered : (M : Module k l) → NoGap (ladder M) → (x z : ℕ) → z < width (ladder M) → Reads M (x + z) x
fieldCovered M gap x z z< = seenReads M z x (seenAll (ladder M) gap z z<)
