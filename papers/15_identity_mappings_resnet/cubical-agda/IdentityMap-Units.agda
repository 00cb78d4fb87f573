{-# OPTIONS --safe #-}
{-
  Identity Mappings in Deep Residual Networks, equations 3, 4 and 9 (arXiv:1603.05027), without any activation behind the
  addition. Signals are elements of an abelian group: numbers, or whole volumes, added entry by entry.

  paper                             here
  --------------------------------  ------------------------------------------------------
  x_{l+1} = x_l + F(x_l)            unit F
  a stack of units                  Units, a list of residuals F; run, the first unit first
  F(x_l), …, F(x_{L−1})             residuals Fs x
  Σ F(x_i)                          total
  weights W_1, …, activation f      plain nets: post σ Ws and pre σ Ws
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.AbGroup.Base

module IdentityMap-Units {ℓ : Level} (A : AbGroup ℓ) where

open import Cubical.Data.List.Base

open AbGroupStr (snd A) renaming (_+_ to _⊕_)

Signal : Type ℓ
Signal = ⟨ A ⟩

Units : Type ℓ
Units = List (Signal → Signal)

unit : (Signal → Signal) → Signal → Signal
unit F x = x ⊕ F x

run : Units → Signal → Signal
run []       x = x
run (F ∷ Fs) x = run Fs (unit F x)

-- What each unit adds, at the signal that reaches it.
residuals : Units → Signal → List Signal
residuals []       x = []
residuals (F ∷ Fs) x = F x ∷ residuals Fs (unit F x)

total : List Signal → Signal
total = foldr _⊕_ 0g

-- Equation 4: x_L = x_l + Σ F(x_i), whatever the residual functions.
telescope : (Fs : Units) (x : Signal) → run Fs x ≡ x ⊕ total (residuals Fs x)
telescope []       x = sym (+IdR x)
telescope (F ∷ Fs) x = telescope Fs (x ⊕ F x) ∙ sym (+Assoc x (F x) (total (residuals Fs (x ⊕ F x))))

-- Running one stack behind another is running them in turn.
runAppend : (Fs Gs : Units) (x : Signal) → run (Fs ++ Gs) x ≡ run Gs (run Fs x)
runAppend []       Gs x = refl
runAppend (F ∷ Fs) Gs x = runAppend Fs Gs (unit F x)

-- «For any deeper unit L and any shallower unit l»: from where Fs has led, what Gs adds is the sum of its own residuals.
betweenAnyTwo : (Fs Gs : Units) (x : Signal) → run (Fs ++ Gs) x ≡ run Fs x ⊕ total (residuals Gs (run Fs x))
betweenAnyTwo Fs Gs x = runAppend Fs Gs x ∙ telescope Gs (run Fs x)

-- A unit whose residual is zero is the identity on every signal; with ReLU behind the addition it was so on x ≥ 0 alone.
zeroResidual : (x : Signal) → unit (λ _ → 0g) x ≡ x
zeroResidual x = +IdR x

-- A plain net with its activations behind the weights, and before them.
post pre : (Signal → Signal) → Units → Signal → Signal
post σ []       x = x
post σ (W ∷ Ws) x = post σ Ws (σ (W x))
pre  σ []       x = x
pre  σ (W ∷ Ws) x = pre σ Ws (W (σ x))

-- «For a plain network … it does not matter whether we think of them as post- or pre-activations»: moving them changes
-- nothing but which activation stands at the ends.
plainIndifferent : (σ : Signal → Signal) (Ws : Units) (x : Signal) → post σ Ws (σ x) ≡ σ (pre σ Ws x)
plainIndifferent σ []       x = refl
plainIndifferent σ (W ∷ Ws) x = plainIndifferent σ Ws (W (σ x))

-- Post-activation y ↦ f(y) + F(f(y)) whose activation is kept off the shortcut: y ↦ y + F(f(y)).
asymmetric : (f F : Signal → Signal) → Signal → Signal
asymmetric f F y = y ⊕ F (f y)

-- Equation 9: it is a unit whose residual starts with the activation, so all that is said of units holds of it.
asymmetricIsPreactivation : (f : Signal → Signal) (Fs : Units) (x : Signal)
  → foldl (λ y F → asymmetric f F y) x Fs ≡ run (map (λ F y → F (f y)) Fs) x
asymmetricIsPreactivation f []       x = refl
asymmetricIsPreactivation f (F ∷ Fs) x = asymmetricIsPreactivation f Fs (x ⊕ F (f x))
