{-# OPTIONS --safe #-}
{-
  Identity Mappings in Deep Residual Networks, equations 3, 4, 5 and 9 (arXiv:1603.05027), without any activation behind the
  addition. Signals are elements of an abelian group: numbers, or whole volumes, added entry by entry.

  paper                             here
  --------------------------------  ------------------------------------------------------
  x_{l+1} = x_l + F(x_l)            unit F
  a stack of units                  Units, a list of residuals F; run, the first unit first
  F(x_l), …, F(x_{L−1})             residuals Fs x
  Σ F(x_i)                          total
  Π (1 + ∂F/∂x), of matrices        run of additive maps, which are Operators
  its terms                         paths: which F are passed; along a path, those alone
  weights W_1, …, activation f      plain nets: post σ Ws and pre σ Ws
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.AbGroup.Base

module IdentityMap-Units {ℓ : Level} (A : AbGroup ℓ) where

open import Cubical.Data.List.Base
open import Cubical.Data.List.Properties using (length++ ; length-map)
open import Cubical.Data.Nat.Base using (_^_) renaming (_+_ to _+ℕ_ ; _·_ to _·ℕ_)
open import Cubical.Data.Nat.Properties using (+-zero)
open import Cubical.Data.Sigma.Base using (Σ-syntax ; _,_ ; fst ; snd)

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

-- What a Jacobian is: a map that keeps sums. Two of them need not commute.
Operator : Type ℓ
Operator = Σ[ F ∈ (Signal → Signal) ] ((x y : Signal) → F (x ⊕ y) ≡ F x ⊕ F y)

maps : List Operator → Units
maps = map fst

-- Of a stack of units each path either passes a unit's F or goes by.
paths : Units → List Units
paths []       = [] ∷ []
paths (F ∷ Fs) = paths Fs ++ map (F ∷_) (paths Fs)

along : Units → Signal → Signal
along []       x = x
along (F ∷ Fs) x = along Fs (F x)

private
  exchange : (a b c d : Signal) → (a ⊕ b) ⊕ (c ⊕ d) ≡ (a ⊕ c) ⊕ (b ⊕ d)
  exchange a b c d = sym (+Assoc a b (c ⊕ d))
    ∙ cong (a ⊕_) (+Assoc b c d ∙ cong (_⊕ d) (+Comm b c) ∙ sym (+Assoc c b d)) ∙ +Assoc a c (b ⊕ d)

  runAdds : (Os : List Operator) (x y : Signal) → run (maps Os) (x ⊕ y) ≡ run (maps Os) x ⊕ run (maps Os) y
  runAdds []                x y = refl
  runAdds ((F , adds) ∷ Os) x y = cong (run (maps Os)) (cong ((x ⊕ y) ⊕_) (adds x y) ∙ exchange x y (F x) (F y))
    ∙ runAdds Os (x ⊕ F x) (y ⊕ F y)

  totalAppend : (xs ys : List Signal) → total (xs ++ ys) ≡ total xs ⊕ total ys
  totalAppend []       ys = sym (+Comm 0g (total ys) ∙ +IdR (total ys))
  totalAppend (x ∷ xs) ys = cong (x ⊕_) (totalAppend xs ys) ∙ +Assoc x (total xs) (total ys)

  mapAppend : (f : Units → Signal) (ps qs : List Units) → map f (ps ++ qs) ≡ map f ps ++ map f qs
  mapAppend f []       qs = refl
  mapAppend f (p ∷ ps) qs = cong (f p ∷_) (mapAppend f ps qs)

  passing : (F : Signal → Signal) (x : Signal) (ps : List Units)
    → map (λ p → along p (F x)) ps ≡ map (λ p → along p x) (map (F ∷_) ps)
  passing F x []       = refl
  passing F x (p ∷ ps) = cong (along p (F x) ∷_) (passing F x ps)

-- The unravelled view: where residuals are additive, as Jacobians are, a stack is the sum over all paths of what each makes
-- of the signal. The path that passes no F is the «1» of equation 5. Nothing is asked to commute.
unravelled : (Os : List Operator) (x : Signal) → run (maps Os) x ≡ total (map (λ p → along p x) (paths (maps Os)))
unravelled []                x = sym (+IdR x)
unravelled ((F , adds) ∷ Os) x =
  run Fs (x ⊕ F x)                                ≡⟨ runAdds Os x (F x) ⟩
  run Fs x ⊕ run Fs (F x)                         ≡⟨ cong₂ _⊕_ (unravelled Os x) (unravelled Os (F x)) ⟩
  total (from x) ⊕ total (from (F x))             ≡⟨ sym (totalAppend (from x) (from (F x))) ⟩
  total (from x ++ from (F x))                    ≡⟨ cong (λ ys → total (from x ++ ys)) (passing F x (paths Fs)) ⟩
  total (from x ++ map (λ p → along p x) passed)  ≡⟨ cong total (sym (mapAppend (λ p → along p x) (paths Fs) passed)) ⟩
  total (map (λ p → along p x) (paths Fs ++ passed)) ∎
  where
  Fs = maps Os
  passed = map (F ∷_) (paths Fs)
  from : Signal → List Signal
  from y = map (λ p → along p y) (paths Fs)

-- n units have 2 to the n paths.
pathsCount : (Fs : Units) → length (paths Fs) ≡ 2 ^ length Fs
pathsCount []       = refl
pathsCount (F ∷ Fs) = length++ (paths Fs) (map (F ∷_) (paths Fs))
  ∙ cong (length (paths Fs) +ℕ_) (length-map (F ∷_) (paths Fs) ∙ sym (+-zero (length (paths Fs))))
  ∙ cong (2 ·ℕ_) (pathsCount Fs)
