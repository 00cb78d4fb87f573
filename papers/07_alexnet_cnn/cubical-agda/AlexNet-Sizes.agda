{-# OPTIONS --safe #-}
{-
  Krizhevsky, Sutskever and Hinton, sizes and parameters (section 3.5), and pooling that overlaps (section 3.4).

  paper                               here
  ----------------------------------  --------------------------------------------------------------------
  kernels, side, maps that each sees  Kernels: number, side, depth
  s, z                                apart, size: neighbourhood t holds entries s t to s t + z − 1
  55 from 227, 11 and 4               Fits side padding kernel stride outputs, without remainder
  what an entry sees, pixels          Holds again: neighbourhoods of neighbourhoods, counted from the border's first entry
-}
module AlexNet-Sizes where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Nat.Order
open import Cubical.Data.List.Base using (List ; [] ; _∷_)
open import Cubical.Data.Sum.Base using (_⊎_ ; inl ; inr)
open import Cubical.Relation.Nullary using (¬_)

record Kernels : Type₀ where
  constructor kernels
  field
    number side depth : ℕ

open Kernels

-- Weights, and biases.
parameters : Kernels → ℕ
parameters K = number K · (side K · side K · depth K) + number K

total : List Kernels → ℕ
total []       = 0
total (K ∷ Ks) = parameters K + total Ks

-- The eight layers as section 3.5 prints them; a fully-connected layer has kernels as large as its input.
alexNet : List Kernels
alexNet = kernels 96 11 3 ∷ kernels 256 5 48 ∷ kernels 384 3 256 ∷ kernels 384 3 192 ∷ kernels 256 3 192
        ∷ kernels 4096 6 256 ∷ kernels 4096 1 4096 ∷ kernels 1000 1 4096 ∷ []

-- «60 million parameters», derived from the printed sizes.
sixtyMillion : total alexNet ≡ 60965224
sixtyMillion = refl

-- Figure 2's neurons of layer 1 are 48 · 55 · 96; 96 maps of 55 · 55 have 290,400.
figureTwo : (48 · (55 · 96) ≡ 253440) × (96 · (55 · 55) ≡ 290400)
figureTwo = refl , refl

-- W + 2P = F + S (O − 1): a kernel fits at O places without remainder.
Fits : (side padding kernel stride outputs : ℕ) → Type₀
Fits W P F S O = Σ[ n ∈ ℕ ] (O ≡ suc n) × (W + 2 · P ≡ F + S · n)

-- 227 → 55 → 27 → 27 → 13 → 13 → 13 → 13 → 6, as CONV and POOL alternate in section 3.5.
pipeline : Fits 227 0 11 4 55 × Fits 55 0 3 2 27 × Fits 27 2 5 1 27 × Fits 27 0 3 2 13
         × Fits 13 1 3 1 13 × Fits 13 0 3 2 6
pipeline = (54 , refl , refl) , (26 , refl , refl) , (26 , refl , refl) , (12 , refl , refl) , (12 , refl , refl) , (5 , refl , refl)

-- Two groups, each kernel seeing half of the maps, have half of the weights: any number of groups has one of as many parts.
groupsDivide : (groups number side depth : ℕ)
             → groups · (number · (side · side · depth)) ≡ number · (side · side · (groups · depth))
groupsDivide g k f d =
  g · (k · (f · f · d))       ≡⟨ ·-assoc g k (f · f · d) ∙ cong (_· (f · f · d)) (·-comm g k) ∙ sym (·-assoc k g (f · f · d)) ⟩
  k · (g · (f · f · d))       ≡⟨ cong (k ·_) (·-assoc g (f · f) d ∙ cong (_· d) (·-comm g (f · f)) ∙ sym (·-assoc (f · f) g d)) ⟩
  k · (f · f · (g · d))       ∎

-- Neighbourhood t of size z, s apart, holds entry i.
Holds : (size apart t i : ℕ) → Type₀
Holds z s t i = Σ[ u ∈ ℕ ] (u < z) × (i ≡ s · t + u)

-- If neighbourhoods are not farther apart than they are wide, each entry up to the end of the last one is in one of them:
-- overlapping pooling, s < z, and pooling side by side, s = z, leave nothing out in between.
pooledAll : (z s n : ℕ) → s ≤ z → ∀ i → i < s · n + z → Σ[ t ∈ ℕ ] (t ≤ n) × Holds z s t i
pooledAll z s zero    s≤z i i< = 0 , zero-≤ , i , subst (i <_) (cong (_+ z) (sym (0≡s·0 s))) i< , cong (_+ i) (0≡s·0 s)
  where
  0≡s·0 : ∀ s → 0 ≡ s · 0
  0≡s·0 zero    = refl
  0≡s·0 (suc s) = 0≡s·0 s
pooledAll z s (suc n) s≤z i i< = cases (splitℕ-≤ (s · suc n) i)
  where
  before : i < s · suc n → i < s · n + z
  before i<s = ≤-trans i<s (subst (_≤ s · n + z) (+-comm (s · n) s ∙ sym (·-suc s n)) (≤-k+ {k = s · n} s≤z))

  cases : (s · suc n ≤ i) ⊎ (i < s · suc n) → Σ[ t ∈ ℕ ] (t ≤ suc n) × Holds z s t i
  cases (inl (u , p)) = suc n , ≤-refl , u ,
    ≤-k+-cancel {k = s · suc n} (subst (_≤ s · suc n + z) (cong suc (sym p ∙ +-comm u (s · suc n)) ∙ sym (+-suc (s · suc n) u)) i<) ,
    sym p ∙ +-comm u (s · suc n)
  cases (inr i<s)     = let t , t≤ , held = pooledAll z s n s≤z i (before i<s) in t , ≤-suc t≤ , held

-- If they are farther apart, the entry just after the first is in none: no s > z.
pooledGap : (z s : ℕ) → z < s → ∀ t → ¬ Holds z s t z
pooledGap z s farther zero (u , u<z , p) = ¬m<m (subst (_< z) (sym (p ∙ cong (_+ u) (zeroProduct s))) u<z)
  where
  zeroProduct : ∀ s → s · 0 ≡ 0
  zeroProduct zero    = refl
  zeroProduct (suc s) = zeroProduct s
pooledGap z s farther (suc t) (u , _ , p) = ¬m<m (≤-trans farther (subst (s ≤_) (sym p)
  ((s · t + u) , +-comm (s · t + u) s ∙ +-assoc s (s · t) u ∙ cong (_+ u) (sym (·-suc s t)))))

-- A layer's entry sees suc n entries, s′ apart, of the layer below, whose entries see z, s apart: then it sees no more than
-- s n + z of them, and its neighbours are s s′ apart.
fieldsCompose : (z s n s′ t m i : ℕ) → Holds (suc n) s′ t m → Holds z s m i → Holds (s · n + z) (s · s′) t i
fieldsCompose z s n s′ t m i (u , u≤n , p) (v , v<z , q) = s · u + v , within , sum
  where
  scaled : s · u ≤ s · n
  scaled = let k , r = pred-≤-pred u≤n in s · k , ·-distribˡ s k u ∙ cong (s ·_) r

  within : s · u + v < s · n + z
  within = ≤-trans (subst (_≤ s · u + z) (+-suc (s · u) v) (≤-k+ {k = s · u} v<z))
                   (≤-+k {k = z} scaled)

  sum : i ≡ s · s′ · t + (s · u + v)
  sum = q ∙ cong (λ m → s · m + v) p ∙ cong (_+ v) (sym (·-distribˡ s (s′ · t) u) ∙ cong (_+ s · u) (·-assoc s s′ t))
      ∙ sym (+-assoc (s · s′ · t) (s · u) v)

-- And it sees all of them, unless the layer below leaves gaps: the receptive field has no holes.
fieldsCovered : (z s n s′ t i : ℕ) → s ≤ z → Holds (s · n + z) (s · s′) t i
              → Σ[ m ∈ ℕ ] Holds (suc n) s′ t m × Holds z s m i
fieldsCovered z s n s′ t i s≤z (w , w< , p) =
  let u , u≤n , v , v<z , q = pooledAll z s n s≤z w w<
  in s′ · t + u , (u , suc-≤-suc u≤n , refl) , v , v<z ,
     p ∙ cong (s · s′ · t +_) q ∙ +-assoc (s · s′ · t) (s · u) v
     ∙ cong (_+ v) (cong (_+ s · u) (sym (·-assoc s s′ t)) ∙ ·-distribˡ s (s′ · t) u)

-- Of each layer what an entry sees and how far neighbours are apart, in pixels, from that of the layer below: suc n is the
-- side of its kernels or neighbourhoods, s′ its stride. A kernel without a side sees nothing, and no layer comes after it.
fields : (z s : ℕ) → List (ℕ × ℕ) → List (ℕ × ℕ)
fields z s []                  = []
fields z s ((suc n , s′) ∷ Ls) = (s · n + z , s · s′) ∷ fields (s · n + z) (s · s′) Ls
fields z s ((zero , _)   ∷ _)  = []

-- CONV and POOL of section 3.5 in their order, sides and strides.
windows : List (ℕ × ℕ)
windows = (11 , 4) ∷ (3 , 2) ∷ (5 , 1) ∷ (3 , 2) ∷ (3 , 1) ∷ (3 , 1) ∷ (3 , 1) ∷ (3 , 2) ∷ []

-- The last pooled entry sees 195 pixels, 32 apart; its six and their fully-connected layer see 355, more than the image has.
receptiveFields : fields 1 1 windows
                ≡ (11 , 4) ∷ (19 , 8) ∷ (51 , 8) ∷ (67 , 16) ∷ (99 , 16) ∷ (131 , 16) ∷ (163 , 16) ∷ (195 , 32) ∷ []
receptiveFields = refl
