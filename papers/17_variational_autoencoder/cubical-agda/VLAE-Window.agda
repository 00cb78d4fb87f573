{-# OPTIONS --safe #-}
{-
Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), arXiv:1611.02731

Which pixels a decoder can read, section 3.1: maps that see windows, their composition, and masked convolutions over a commutative ring
whose places form an abelian group.

  paper                  here
  x_WindowAround(i)      Window: W p q holds if the output at p may read the input at q
  p depends on W alone   Sees W f
  mask A, then mask B    a window of earlier places, after windows of places that are earlier or the same
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Algebra.AbGroup.Base using (AbGroup; AbGroupStr)

module VLAE-Window {ℓ : Level} (R' : CommRing ℓ) (G' : AbGroup ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Sigma.Base using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Sum.Base using (_⊎_; inl; inr)
open CommRingStr (snd R') using (0r; _+_; _·_)
open AbGroupStr (snd G') using () renaming (_+_ to _⊹_)
open import S30.Lists using (All)

R Place : Type ℓ
R     = fst R'
Place = fst G'

Map : Type ℓ → Type ℓ
Map A = Place → A

Window : Type (ℓ-suc ℓ)
Window = Place → Place → Type ℓ

-- Inputs that agree on the window of p have equal outputs at p.
Sees : {A B : Type ℓ} → Window → (Map A → Map B) → Type ℓ
Sees {A} W f = (p : Place) (u v : Map A) → ((q : Place) → W p q → u q ≡ v q) → f u p ≡ f v p

-- Through the window V, and from there through W.
_through_ : Window → Window → Window
(W through V) p r = Σ[ q ∈ Place ] V p q × W q r

-- What follows a map sees the first one's window through its own.
seesCompose : {A B C : Type ℓ} {W V : Window} (f : Map A → Map B) (g : Map B → Map C)
  → Sees W f → Sees V g → Sees (W through V) (λ u → g (f u))
seesCompose f g seesW seesV p u v agree = seesV p (f u) (f v) (λ q near → seesW q u v (λ r far → agree r (q , near , far)))

-- A function of each place's own value sees no further, so it leaves the window as it is.
seesPointwise : {A B C : Type ℓ} {W : Window} (f : Map A → Map B) (h : B → C) → Sees W f → Sees W (λ u p → h (f u p))
seesPointwise f h sees p u v agree = cong h (sees p u v agree)

-- What sees a small window sees a larger one.
seesMore : {A B : Type ℓ} {W V : Window} (f : Map A → Map B) → ((p q : Place) → W p q → V p q) → Sees W f → Sees V f
seesMore f larger sees p u v agree = sees p u v (λ q near → agree q (larger p q near))

module Earlier (_<_ : Window) (<-trans : (p q r : Place) → q < p → r < q → r < p) where

  -- mask B: earlier places and the place itself; mask A: earlier places alone
  maskA maskB : Window
  maskA p q = q < p
  maskB p q = (q < p) ⊎ (p ≡ q)

  -- Mask A below mask B still reads earlier places alone.
  stillEarlier : (p q : Place) → (maskA through maskB) p q → maskA p q
  stillEarlier p r (q , inl q<p , r<q) = <-trans p q r q<p r<q
  stillEarlier p r (q , inr p≡q , r<q) = subst (r <_) (sym p≡q) r<q

  stack : {A : Type ℓ} → List (Map A → Map A) → Map A → Map A
  stack []       u = u
  stack (g ∷ gs) u = g (stack gs u)

  SeeAll : {A : Type ℓ} → List (Map A → Map A) → Type ℓ
  SeeAll = All (Sees maskB)

  -- However many layers of mask B follow one of mask A: the output at a place depends on earlier places alone, as an
  -- autoregressive decoder must.
  stackIsAutoregressive : {A B : Type ℓ} (f : Map A → Map B) (gs : List (Map B → Map B)) → Sees maskA f → SeeAll gs
    → Sees maskA (λ u → stack gs (f u))
  stackIsAutoregressive f []       first _               = first
  stackIsAutoregressive f (g ∷ gs) first (here , others) =
    seesMore (λ u → g (stack gs (f u))) stillEarlier
      (seesCompose (λ u → stack gs (f u)) g (stackIsAutoregressive f gs first others) here)

Taps : Type ℓ
Taps = List (Place × R)

-- Σ_t w_t u(p + t)
conv : Taps → Map R → Map R
conv []             u p = 0r
conv ((t , w) ∷ ts) u p = w · u (p ⊹ t) + conv ts u p

Among : Taps → Window
Among []             p q = Lift {j = ℓ} Nowhere
  where open import Cubical.Data.Empty.Base using () renaming (⊥ to Nowhere)
Among ((t , _) ∷ ts) p q = (p ⊹ t ≡ q) ⊎ Among ts p q

-- A convolution sees the places of its taps, and no other.
convSees : (ts : Taps) → Sees (Among ts) (conv ts)
convSees []             p u v agree = refl
convSees ((t , w) ∷ ts) p u v agree =
  cong₂ _+_ (cong (w ·_) (agree (p ⊹ t) (inl refl))) (convSees ts p u v (λ q near → agree q (inr near)))
