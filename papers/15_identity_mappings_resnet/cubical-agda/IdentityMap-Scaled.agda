{-# OPTIONS --safe #-}
{-
  Identity Mappings in Deep Residual Networks, equations 5 to 8 (arXiv:1603.05027): shortcuts that are scaled. Numbers are of
  any commutative ring, so pointwise also volumes; slopes are of units that act on one number.

  paper                               here
  ----------------------------------  --------------------------------------------------------
  x_{l+1} = λ_l x_l + F(x_l)          step (λ , F); run of a list of such
  Π λ_i                               product of the list
  Σ F̂(x_i), the λ absorbed            absorbed: each F(x_i) times the λ of all later units
  ∂x_{L}/∂x_l, of slopes λ_i + F'     slope: the product of λ_i + j_i
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base

module IdentityMap-Scaled {ℓ : Level} (R : CommRing ℓ) where

open import Cubical.Data.List.Base
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)
open import Cubical.Data.Sigma.Base using (_×_ ; _,_ ; fst ; snd)
open import S30.Ring R

open CommRingStr (snd R) hiding (_-_)

private
  Number : Type ℓ
  Number = ⟨ R ⟩

Unit : Type ℓ
Unit = Number × (Number → Number)

step : Unit → Number → Number
step (l , F) x = l · x + F x

run : List Unit → Number → Number
run []       x = x
run (u ∷ us) x = run us (step u x)

product : List Number → Number
product = foldr _·_ 1r

scales : List Unit → List Number
scales = map fst

-- Σ F̂: what each unit adds, times the scales of all units behind it.
absorbed : List Unit → Number → Number
absorbed []             x = 0r
absorbed ((l , F) ∷ us) x = product (scales us) · F x + absorbed us (step (l , F) x)

-- Equation 7: x_L = (Π λ_i) x_l + Σ F̂(x_i).
scaledTelescope : (us : List Unit) (x : Number) → run us x ≡ product (scales us) · x + absorbed us x
scaledTelescope []             x = sym (+IdR (1r · x) ∙ ·IdL x)
scaledTelescope ((l , F) ∷ us) x =
  run us (l · x + F x)                                  ≡⟨ scaledTelescope us (l · x + F x) ⟩
  P · (l · x + F x) + rest                              ≡⟨ cong (_+ rest) (·DistR+ P (l · x) (F x)) ⟩
  (P · (l · x) + P · F x) + rest                        ≡⟨ sym (+Assoc (P · (l · x)) (P · F x) rest) ⟩
  P · (l · x) + (P · F x + rest)                        ≡⟨ cong (_+ (P · F x + rest)) (·Assoc P l x ∙ cong (_· x) (·Comm P l)) ⟩
  (l · P) · x + (P · F x + rest)                        ∎
  where
  P = product (scales us)
  rest = absorbed us (l · x + F x)

power : Number → ℕ → Number
power l zero    = 1r
power l (suc n) = l · power l n

alike : ℕ → Unit → List Unit
alike zero    u = []
alike (suc n) u = u ∷ alike n u

-- n units of one scale multiply what goes along the shortcuts by its power.
scalesMultiply : (n : ℕ) (u : Unit) → product (scales (alike n u)) ≡ power (fst u) n
scalesMultiply zero    u = refl
scalesMultiply (suc n) u = cong (fst u ·_) (scalesMultiply n u)

-- Units that are affine between kinks: the scale λ and the slope j of F.
slope : List (Number × Number) → Number
slope = foldr (λ (l , j) s → (l + j) · s) 1r

throughWeights : List (Number × Number) → Number
throughWeights []             = 0r
throughWeights ((l , j) ∷ us) = j · slope us + l · throughWeights us

-- Equation 8: the slope of a stack is Π λ_i, along the shortcuts alone, plus what passes through at least one F. With all
-- λ_i = 1 the first term is 1: equation 5.
twoTerms : (us : List (Number × Number)) → slope us ≡ product (map fst us) + throughWeights us
twoTerms []             = sym (+IdR 1r)
twoTerms ((l , j) ∷ us) =
  (l + j) · slope us                        ≡⟨ ·DistL+ l j (slope us) ⟩
  l · slope us + j · slope us               ≡⟨ cong (_+ j · slope us) (cong (l ·_) (twoTerms us) ∙ ·DistR+ l P T) ⟩
  (l · P + l · T) + j · slope us            ≡⟨ sym (+Assoc (l · P) (l · T) (j · slope us)) ⟩
  l · P + (l · T + j · slope us)            ≡⟨ cong (l · P +_) (+Comm (l · T) (j · slope us)) ⟩
  l · P + (j · slope us + l · T)            ∎
  where
  P = product (map fst us)
  T = throughWeights us
