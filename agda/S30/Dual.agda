{-# OPTIONS --safe #-}
{-
Dual numbers x + ẋε with ε² = 0 over a commutative ring, which form a
commutative ring again. x is a value and ẋ its rate of change: what is computed
on dual numbers has in its ε-part the derivative of what is computed on values.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr; makeCommRing)

module S30.Dual {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Foundations.HLevels using (isSet×)
open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Ring R' using (+Interchange; 0·Absorbs; ·0Absorbs)
import S30.Sum

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; -_; is-set; +Assoc; +IdR; +IdL; +InvR; +Comm; ·Assoc; ·IdR; ·IdL; ·Comm; ·DistR+; ·DistL+)
open S30.Sum.Sum R' using (∑)

private
  R = fst R'

-- (x + ẋε) (y + ẏε) = x y + (x ẏ + ẋ y) ε
dual : CommRing ℓ
dual = makeCommRing {R = R × R}
  (0r , 0r) (1r , 0r)
  (λ (x , ẋ) (y , ẏ) → x + y , ẋ + ẏ)
  (λ (x , ẋ) (y , ẏ) → x · y , x · ẏ + ẋ · y)
  (λ (x , ẋ) → - x , - ẋ)
  (isSet× is-set is-set)
  (λ (x , ẋ) (y , ẏ) (z , ż) i → +Assoc x y z i , +Assoc ẋ ẏ ż i)
  (λ (x , ẋ) i → +IdR x i , +IdR ẋ i)
  (λ (x , ẋ) i → +InvR x i , +InvR ẋ i)
  (λ (x , ẋ) (y , ẏ) i → +Comm x y i , +Comm ẋ ẏ i)
  (λ (x , ẋ) (y , ẏ) (z , ż) i → ·Assoc x y z i , productOfThree x ẋ y ẏ z ż i)
  (λ (x , ẋ) i → ·IdR x i , (cong₂ _+_ (·0Absorbs x) (·IdR ẋ) ∙ +IdL ẋ) i)
  (λ (x , ẋ) (y , ẏ) (z , ż) i → ·DistR+ x y z i ,
    (cong₂ _+_ (·DistR+ x ẏ ż) (·DistR+ ẋ y z) ∙ +Interchange (x · ẏ) (x · ż) (ẋ · y) (ẋ · z)) i)
  (λ (x , ẋ) (y , ẏ) i → ·Comm x y i , (+Comm (x · ẏ) (ẋ · y) ∙ cong₂ _+_ (·Comm ẋ y) (·Comm x ẏ)) i)
  where
  productOfThree : (x ẋ y ẏ z ż : R)
    → x · (y · ż + ẏ · z) + ẋ · (y · z) ≡ (x · y) · ż + (x · ẏ + ẋ · y) · z
  productOfThree x ẋ y ẏ z ż =
    x · (y · ż + ẏ · z) + ẋ · (y · z)
      ≡⟨ cong (_+ ẋ · (y · z)) (·DistR+ x (y · ż) (ẏ · z)) ⟩
    (x · (y · ż) + x · (ẏ · z)) + ẋ · (y · z)
      ≡⟨ sym (+Assoc (x · (y · ż)) (x · (ẏ · z)) (ẋ · (y · z))) ⟩
    x · (y · ż) + (x · (ẏ · z) + ẋ · (y · z))
      ≡⟨ cong₂ _+_ (·Assoc x y ż) (cong₂ _+_ (·Assoc x ẏ z) (·Assoc ẋ y z)) ⟩
    (x · y) · ż + ((x · ẏ) · z + (ẋ · y) · z)
      ≡⟨ cong ((x · y) · ż +_) (sym (·DistL+ (x · ẏ) (ẋ · y) z)) ⟩
    (x · y) · ż + (x · ẏ + ẋ · y) · z ∎

-- What does not move.
fixed : R → R × R
fixed x = x , 0r

-- What does not move passes a rate on as a factor.
fixedTimes : (w x ẋ : R) → w · ẋ + 0r · x ≡ w · ẋ
fixedTimes w x ẋ = cong (w · ẋ +_) (0·Absorbs x) ∙ +IdR (w · ẋ)

-- A sum of dual numbers, part by part.
sumOfDuals : {n : ℕ} (v : Fin n → R × R)
           → S30.Sum.Sum.∑ dual v ≡ (∑ (λ k → fst (v k)) , ∑ (λ k → snd (v k)))
sumOfDuals {n = zero}  v = refl
sumOfDuals {n = suc n} v i = fst (v zero) + fst (rest i) , snd (v zero) + snd (rest i)
  where rest = sumOfDuals (λ k → v (suc k))
