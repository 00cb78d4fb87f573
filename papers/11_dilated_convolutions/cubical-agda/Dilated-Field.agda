{-# OPTIONS --safe #-}
{-
  Yu and Koltun, receptive fields along one axis (section 2, «without loss of resolution or coverage», and Table 1).

  paper                           here
  ------------------------------  --------------------------------------------------------------------------
  dilations of a stack            ladder : List ℕ, the last layer first
  a 3 × 3 filter along one axis   taps 0, 1 and 2; under dilation l they are 0, l and 2 l apart from the first
  an element modifies the output  Seen ladder x: x is its distance from the edge of the field
  size of the receptive field     width ladder

  A field is a square, the same along both axes: a path through the layers chooses its tap along each axis by itself.
-}
module Dilated-Field where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Sigma
open import Cubical.Data.Unit
open import Cubical.Data.List.Base using (List ; [] ; _∷_ ; _++_ ; length)
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Nat.Order
open import Cubical.Data.Sum.Base using (_⊎_ ; inl ; inr)
open import Cubical.Relation.Nullary using (¬_)
import Cubical.Data.Empty.Base as ⊥
open import S30.Powers using (≤-· ; <2^)
open import S30.BitStrings using (2^n+2^n)

private
  variable
    d e x : ℕ
    ds : List ℕ

-- One less than the width: each layer of dilation d adds 2 d.
span : List ℕ → ℕ
span []       = 0
span (d ∷ ds) = 2 · d + span ds

width : List ℕ → ℕ
width ds = suc (span ds)

Seen : List ℕ → ℕ → Type₀
Seen []       x = x ≡ 0
Seen (d ∷ ds) x = Σ[ t ∈ ℕ ] Σ[ y ∈ ℕ ] (t ≤ 2) × Seen ds y × (x ≡ t · d + y)

-- What an output sees lies within the width of the field, whatever the dilations.
seenInside : (ds : List ℕ) → Seen ds x → x < width ds
seenInside []       seen                         = subst (_< 1) (sym seen) (0 , refl)
seenInside (d ∷ ds) (t , y , t≤2 , seen , place) = suc-≤-suc (subst (_≤ 2 · d + span ds) (sym place)
  (≤-+-≤ (≤-· {t} {2} {d} {d} t≤2 ≤-refl) (pred-≤-pred (seenInside ds seen))))

-- No layer's dilation exceeds the width of the field before it.
NoGap : List ℕ → Type₀
NoGap []       = Unit
NoGap (d ∷ ds) = (d ≤ width ds) × NoGap ds

private
  cancel : ∀ {k m} w → k + w ≤ k + m → w ≤ m
  cancel {k} w = ≤-k+-cancel {k}

  -- x is d more than some w, if d ≤ x.
  less : d ≤ x → Σ[ w ∈ ℕ ] (x ≡ d + w)
  less {d} (w , p) = w , sym p ∙ +-comm w d

-- If no dilation exceeds the width before it, an output sees every entry of its field: dilation loses no coverage.
seenAll : (ds : List ℕ) → NoGap ds → ∀ x → x < width ds → Seen ds x
seenAll []       _          x x<1 = ≤-antisym (pred-≤-pred x<1) zero-≤
seenAll (d ∷ ds) (d≤ , gap) x x<  = first (splitℕ-≤ x (span ds))
  where
  more : ∀ {w} → span ds < w → Σ[ v ∈ ℕ ] (w ≡ d + v)
  more beyond = less (≤-trans d≤ beyond)

  0+ : ∀ n → 1 · d + n ≡ d + n
  0+ n = cong (_+ n) (+-zero d)

  second : ∀ w → x ≡ d + w → (w ≤ span ds) ⊎ (span ds < w) → Seen (d ∷ ds) x
  second w p (inl w≤) = 1 , w , ≤-suc ≤-refl , seenAll ds gap w (suc-≤-suc w≤) , p ∙ sym (0+ w)
  second w p (inr w>) = let v , q = more w> in
    2 , v , ≤-refl , seenAll ds gap v (suc-≤-suc (cancel {d + d} v (subst2 _≤_ (p ∙ cong (d +_) q ∙ +-assoc d d v)
      (cong (λ z → (d + z) + span ds) (+-zero d)) (pred-≤-pred x<)))) ,
    p ∙ cong (d +_) q ∙ +-assoc d d v ∙ cong (λ z → (d + z) + v) (sym (+-zero d))

  first : (x ≤ span ds) ⊎ (span ds < x) → Seen (d ∷ ds) x
  first (inl x≤) = 0 , x , zero-≤ , seenAll ds gap x (suc-≤-suc x≤) , refl
  first (inr x>) = let w , p = more x> in second w p (splitℕ-≤ w (span ds))

-- All dilations of a list exceed w.
Exceed : ℕ → List ℕ → Type₀
Exceed w []       = Unit
Exceed w (e ∷ es) = (w < e) × Exceed w es

-- The entry just beyond a field stays unseen however many layers follow, if the dilations of all of them exceed its width.
gapStays : (es ds : List ℕ) → Exceed (width ds) es → ¬ Seen (es ++ ds) (width ds)
gapStays []       ds _             seen                          = ¬m<m (seenInside ds seen)
gapStays (e ∷ es) ds (_ , more)    (zero , y , _ , seen , place) =
  gapStays es ds more (subst (Seen (es ++ ds)) (sym place) seen)
gapStays (e ∷ es) ds (wide , more) (suc t , y , _ , _ , place)   = ¬m<m (≤-trans wide (subst (e ≤_) (sym place)
  ((t · e + y) , +-comm (t · e + y) e ∙ +-assoc e (t · e) y)))

-- If a dilation exceeds the width before it, the layer does not see the entry just beyond that width.
gapMissed : (ds : List ℕ) → width ds < d → ¬ Seen (d ∷ ds) (width ds)
gapMissed {d} ds wide = gapStays (d ∷ []) ds (wide , tt)

-- The order of two layers makes no difference to what is seen.
seenSwap : (d e : ℕ) (ds : List ℕ) → Seen (d ∷ e ∷ ds) x → Seen (e ∷ d ∷ ds) x
seenSwap d e ds (t , z , t≤ , (u , y , u≤ , seen , p) , q) = u , t · d + y , u≤ , (t , y , t≤ , seen , refl) ,
  q ∙ cong (t · d +_) p ∙ +-assoc (t · d) (u · e) y ∙ cong (_+ y) (+-comm (t · d) (u · e)) ∙ sym (+-assoc (u · e) (t · d) y)

-- A later layer may fill a gap: dilations 1, 4 and 1 see all 13 entries, though 4 exceeds the width of 3 before it.
gapFilled : (x : ℕ) → x < 13 → Seen (1 ∷ 4 ∷ 1 ∷ []) x
gapFilled x x< = seenSwap 4 1 (1 ∷ []) (seenAll (4 ∷ 1 ∷ 1 ∷ []) ((1 , refl) , (2 , refl) , (0 , refl) , tt) x x<)

-- Where no dilation exceeds the width before it, a layer at most triples the field: n layers see at most 3^n entries.
widest : (ds : List ℕ) → NoGap ds → width ds ≤ 3 ^ length ds
widest []       _          = ≤-refl
widest (d ∷ ds) (d≤ , gap) = ≤-trans
  (subst (_≤ 3 · width ds) (cong suc (+-comm (span ds) (2 · d))) (≤-+-≤ (≤-refl {width ds}) (≤-· {2} {2} ≤-refl d≤)))
  (≤-· {3} {3} ≤-refl (widest ds gap))

-- Dilations 1, 3, 9, …, 3^(n − 1).
tripled : ℕ → List ℕ
tripled zero    = []
tripled (suc n) = 3 ^ n ∷ tripled n

-- Dilations 1, 3, 9, … have the widest field that there is without a gap: 3^n entries after n layers.
tripledWidth : (n : ℕ) → width (tripled n) ≡ 3 ^ n
tripledWidth zero    = refl
tripledWidth (suc n) = cong suc (+-comm (2 · 3 ^ n) (span (tripled n))) ∙ cong (_+ 2 · 3 ^ n) (tripledWidth n)

-- Dilations 1, 3, 9, … leave no gap.
tripledNoGap : (n : ℕ) → NoGap (tripled n)
tripledNoGap zero    = tt
tripledNoGap (suc n) = subst (3 ^ n ≤_) (sym (tripledWidth n)) ≤-refl , tripledNoGap n

-- Equation 3: dilations 1, 2, 4, …, 2^(n − 1).
exponential : ℕ → List ℕ
exponential zero    = []
exponential (suc n) = 2 ^ n ∷ exponential n

-- After n layers under dilations 1, 2, 4, … the field is 2^(n + 1) − 1 wide.
exponentialWidth : (n : ℕ) → suc (width (exponential n)) ≡ 2 ^ suc n
exponentialWidth zero    = refl
exponentialWidth (suc n) =
  suc (suc (2 ^ suc n + span (exponential n)))   ≡⟨ sym (+-suc-suc (2 ^ suc n) (span (exponential n))) ⟩
  2 ^ suc n + suc (width (exponential n))        ≡⟨ cong (2 ^ suc n +_) (exponentialWidth n) ⟩
  2 ^ suc n + 2 ^ suc n                          ≡⟨ 2^n+2^n (suc n) ⟩
  2 ^ suc (suc n)                                ∎
  where
  +-suc-suc : ∀ a b → a + suc (suc b) ≡ suc (suc (a + b))
  +-suc-suc a b = +-suc a (suc b) ∙ cong suc (+-suc a b)

-- Doubling leaves no gap: 2^n is not more than the width 2^(n + 1) − 1 before it.
exponentialNoGap : (n : ℕ) → NoGap (exponential n)
exponentialNoGap zero    = tt
exponentialNoGap (suc n) = pred-≤-pred (subst (suc (2 ^ n) ≤_) (2^n+2^n n ∙ sym (exponentialWidth n))
  (≤-+k {k = 2 ^ n} (≤-trans (suc-≤-suc zero-≤) (<2^ n)))) , exponentialNoGap n

-- «The size of the receptive field … is (2^(i+2) − 1) × (2^(i+2) − 1)»: under n = i + 1 exponential layers an output sees
-- an entry exactly if it is one of 2^(n + 1) − 1.
exponentialField : (n x : ℕ) → (Seen (exponential n) x → suc x < 2 ^ suc n) × (suc x < 2 ^ suc n → Seen (exponential n) x)
exponentialField n x =
  (λ seen → subst (suc x <_) (exponentialWidth n) (suc-≤-suc (seenInside (exponential n) seen))) ,
  (λ x<   → seenAll (exponential n) (exponentialNoGap n) x (pred-≤-pred (subst (suc x <_) (sym (exponentialWidth n)) x<)))

-- Table 1, the last layer first: 1, 16, 8, 4, 2, 1, 1.
table1 : List ℕ
table1 = 1 ∷ 16 ∷ 8 ∷ 4 ∷ 2 ∷ 1 ∷ 1 ∷ []

table1NoGap : NoGap table1
table1NoGap = (64 , refl) , (17 , refl) , (9 , refl) , (5 , refl) , (3 , refl) , (2 , refl) , (0 , refl) , tt

-- Table 1's «67 × 67»: an output of the context module sees an entry exactly if it is one of 67.
table1Field : (x : ℕ) → (Seen table1 x → x < 67) × (x < 67 → Seen table1 x)
table1Field x = seenInside table1 , seenAll table1 table1NoGap x
