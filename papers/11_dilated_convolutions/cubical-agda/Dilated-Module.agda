{-# OPTIONS --safe #-}
{-
  Yu and Koltun, the dilated convolution (section 2, equation 2) and the context module (section 3).

  paper                          here
  -----------------------------  -----------------------------------------------------------------------
  ℤ²                             the elements of a monoid G of positions; ⊕ adds a displacement
  l t                            d • offset t: a scale acts on displacements, as a number on ℤ²
  F : ℤ² → ℝ, C maps             f : Signal k, a vector of k numbers at each position
  k_i with its bias              Layer: weight out in tap, bias out
  F *_l k                        conv d L      (a correlation: weight at t is equation 2's k(−t))
  pointwise truncation           ρ, any function of one number
  the context module             Module: layers, each under a scale of its own

  The buffer of section 5 lies around the maps alone, so a module on a framed image is a module on such a signal.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Algebra.Monoid.Base
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin ; FinVec)

module Dilated-Module {ℓR ℓG ℓS : Level} (R : CommRing ℓR) (G : Monoid ℓG) (Scale : Type ℓS)
                      (_•_ : Scale → ⟨ G ⟩ → ⟨ G ⟩) {taps : ℕ} (offset : Fin taps → ⟨ G ⟩) where

open import Cubical.Foundations.Function
open import Cubical.Data.Sigma
open import S30.Sum

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open MonoidStr (snd G) using (ε) renaming (_·_ to _⊕_ ; ·Assoc to ⊕Assoc)
open Sum R

private
  variable
    k l n : ℕ

Signal : ℕ → Type (ℓ-max ℓG ℓR)
Signal k = ⟨ G ⟩ → FinVec ⟨ R ⟩ k

record Layer (ins outs : ℕ) : Type ℓR where
  field
    weight : Fin outs → Fin ins → Fin taps → ⟨ R ⟩
    bias   : Fin outs → ⟨ R ⟩

open Layer

-- Equation 2 with a bias, over all maps: the filter is as it was, and its taps lie d times as far apart.
conv : Scale → Layer k l → Signal k → Signal l
conv d L f x o = ∑ (λ c → ∑ (λ t → weight L o c t ·r f (x ⊕ (d • offset t)) c)) +r bias L o

data Module (k : ℕ) : ℕ → Type (ℓ-max ℓR ℓS) where
  maps             : Module k k
  _then_dilatedBy_ : Module k l → Layer l n → Scale → Module k n

-- Each layer is truncated by ρ.
run : (ρ : ⟨ R ⟩ → ⟨ R ⟩) → Module k l → Signal k → Signal l
run ρ maps                  f     = f
run ρ (M then L dilatedBy d) f x o = ρ (conv d L (run ρ M f) x o)

-- Other dilations, the filters and biases as they are.
rescale : (Scale → Scale) → Module k l → Module k l
rescale s maps                  = maps
rescale s (M then L dilatedBy d) = rescale s M then L dilatedBy s d

private
  convCong : (d : Scale) (L : Layer k l) {f g : Signal k} {x y : ⟨ G ⟩}
           → (∀ t c → f (x ⊕ (d • offset t)) c ≡ g (y ⊕ (d • offset t)) c) → ∀ o → conv d L f x o ≡ conv d L g y o
  convCong d L h o = cong (_+r bias L o) (∑Ext (λ c → ∑Ext (λ t → cong (weight L o c t ·r_) (h t c))))

-- «The same filter at different ranges»: seen through x ↦ a ⊕ ψ x, such as every second row and column from a on, a
-- module whose dilations are multiplied by ψ is the module without that factor, on what is seen of its input.
sublattice : (ψ : ⟨ G ⟩ → ⟨ G ⟩) → (∀ x y → ψ (x ⊕ y) ≡ ψ x ⊕ ψ y)
           → (s : Scale → Scale) → (∀ d y → s d • y ≡ ψ (d • y))
           → (ρ : ⟨ R ⟩ → ⟨ R ⟩) (M : Module k l) (a : ⟨ G ⟩) (f : Signal k)
           → run ρ (rescale s M) f ∘ (λ x → a ⊕ ψ x) ≡ run ρ M (f ∘ (λ x → a ⊕ ψ x))
sublattice ψ ψHom s sψ ρ maps                   a f = refl
sublattice ψ ψHom s sψ ρ (M then L dilatedBy d) a f = funExt λ x → funExt λ o → cong ρ
  (cong (_+r bias L o) (∑Ext (λ c → ∑Ext (λ t → cong (weight L o c t ·r_)
    ((λ i → run ρ (rescale s M) f (place x t i) c) ∙ (λ i → sublattice ψ ψHom s sψ ρ M a f i (x ⊕ (d • offset t)) c))))))
  where
  place : ∀ x t → (a ⊕ ψ x) ⊕ (s d • offset t) ≡ a ⊕ ψ (x ⊕ (d • offset t))
  place x t = sym (⊕Assoc a (ψ x) (s d • offset t))
    ∙ cong (a ⊕_) (cong (ψ x ⊕_) (sψ d (offset t)) ∙ sym (ψHom x (d • offset t)))

-- A module commutes with every shift, whatever its dilations: with the buffer around the maps alone, at borders too.
moduleShift : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (M : Module k l) (a : ⟨ G ⟩) (f : Signal k)
            → run ρ M (f ∘ (a ⊕_)) ≡ run ρ M f ∘ (a ⊕_)
moduleShift ρ maps                   a f = refl
moduleShift ρ (M then L dilatedBy d) a f = funExt λ x → funExt λ o → cong ρ (convCong d L
  {run ρ M (f ∘ (a ⊕_))} {run ρ M f} {x} {a ⊕ x}
  (λ t c → (λ i → moduleShift ρ M a f i (x ⊕ (d • offset t)) c) ∙ (λ i → run ρ M f (⊕Assoc a x (d • offset t) i) c)) o)

-- Output x reads entry y: through each layer by one of its taps.
Reads : Module k l → ⟨ G ⟩ → ⟨ G ⟩ → Type ℓG
Reads maps                   y x = y ≡ x
Reads (M then L dilatedBy d) y x = Σ[ t ∈ Fin taps ] Reads M y (x ⊕ (d • offset t))

-- «The set of elements in F_0 that modify the value»: inputs that agree on what an output reads give it one value.
seesOnly : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (M : Module k l) (f g : Signal k) (x : ⟨ G ⟩)
         → (∀ y → Reads M y x → f y ≡ g y) → run ρ M f x ≡ run ρ M g x
seesOnly ρ maps                   f g x same = same x refl
seesOnly ρ (M then L dilatedBy d) f g x same = funExt λ o → cong ρ (convCong d L {run ρ M f} {run ρ M g} {x} {x}
  (λ t c i → seesOnly ρ M f g (x ⊕ (d • offset t)) (λ y reads → same y (t , reads)) i c) o)
