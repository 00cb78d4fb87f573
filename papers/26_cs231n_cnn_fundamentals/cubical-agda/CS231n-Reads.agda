{-# OPTIONS --safe #-}
{-
  CS231n, receptive fields: what an output sees through layer after layer (/convolutional-networks, «Spatial arrangement»
  and «Prefer a stack of small filter CONV to one large receptive field CONV layer»). Geometry as in CS231n-Sizes.
-}
module CS231n-Reads where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Nat.Order
open import Cubical.Data.Sum.Base using (_⊎_ ; inl ; inr)
import Cubical.Data.Empty.Base as ⊥
open import CS231n-Sizes

open Geometry

-- Receptive fields. Output x of a window reads entry i of its input at the tap t: i = S·x + t − P.
Reads : Geometry → ℕ → ℕ → Type₀
Reads g i x = Σ[ t ∈ ℕ ] (t ≤ reach g) × (i + pad g ≡ stride g · x + t)

-- An entry that one window reads through another lies in the composed window g ⨾ h, for any strides and paddings.
readsCompose : ∀ g h {i m x} → Reads g i m → Reads h m x → Reads (g ⨾ h) i x
readsCompose (geometry r P S) (geometry r' P' S') {i} {m} {x} (t , t≤ , e) (u , u≤ , e') =
  t + S · u , ≤-+-≤ t≤ (·mono {S} u≤) ,
  (i + (P + S · P')              ≡⟨ +-assoc i P (S · P') ∙ cong (_+ S · P') e ⟩
   (S · m + t) + S · P'          ≡⟨ sym (+-assoc (S · m) t (S · P')) ∙ cong (S · m +_) (+-comm t (S · P')) ⟩
   S · m + (S · P' + t)          ≡⟨ +-assoc (S · m) (S · P') t ∙ cong (_+ t) (·-distribˡ S m P' ∙ cong (S ·_) e') ⟩
   S · (S' · x + u) + t          ≡⟨ split· S S' x u t ⟩
   (S · S') · x + (t + S · u)    ∎)
  where
  split· : ∀ S S' x u t → S · (S' · x + u) + t ≡ (S · S') · x + (t + S · u)
  split· S S' x u t =
    cong (_+ t) (sym (·-distribˡ S (S' · x) u) ∙ cong (_+ S · u) (·-assoc S S' x))
    ∙ sym (+-assoc ((S · S') · x) (S · u) t) ∙ cong ((S · S') · x +_) (+-comm (S · u) t)

-- Every entry of the composed window is read through the two, if the first stride leaves no gaps (S₁ ≤ F₁) and no zeros
-- are put between the two (P₂ = 0).
readsAll : ∀ r P S r' S' {i x} → S ≤ suc r → Reads (geometry r P S ⨾ geometry r' 0 S') i x
         → Σ[ m ∈ ℕ ] Reads (geometry r P S) i m × Reads (geometry r' 0 S') m x
readsAll r P S r' S' {i} {x} S≤F (v , v≤ , e) with taps r' v v≤
  where
  -- Every v ≤ r + S·r' is t + S·u with t ≤ r and u ≤ r'.
  taps : ∀ r' v → v ≤ r + S · r' → Σ[ u ∈ ℕ ] Σ[ t ∈ ℕ ] (u ≤ r') × (t ≤ r) × (v ≡ t + S · u)
  taps r' v v≤ with splitℕ-≤ v r
  taps r' v v≤ | inl v≤r = 0 , v , zero-≤ , v≤r , sym (cong (v +_) (sym (0≡m·0 S)) ∙ +-zero v)
  taps zero    v v≤ | inr r<v = ⊥.rec (¬m<m (≤-trans r<v (subst (v ≤_) (cong (r +_) (sym (0≡m·0 S)) ∙ +-zero r) v≤)))
  taps (suc q) v v≤ | inr r<v with ≤-trans S≤F r<v
  ... | (w , w+S≡v) with taps q w (cancel w≤)
    where
    w≤ : w + S ≤ (r + S · q) + S
    w≤ = subst2 _≤_ (sym w+S≡v) (cong (r +_) (·-suc S q ∙ +-comm S (S · q)) ∙ +-assoc r (S · q) S) v≤

    cancel : ∀ {a b c} → a + c ≤ b + c → a ≤ b
    cancel {a} {b} {c} (k , p) = k , inj-+m {k + a} {c} {b} (sym (+-assoc k a c) ∙ p)
  ... | (u , t , u≤ , t≤ , w≡) = suc u , t , suc-≤-suc u≤ , t≤ ,
    (v                   ≡⟨ sym w+S≡v ∙ cong (_+ S) w≡ ⟩
     (t + S · u) + S     ≡⟨ sym (+-assoc t (S · u) S) ∙ cong (t +_) (+-comm (S · u) S ∙ sym (·-suc S u)) ⟩
     t + S · suc u       ∎)
... | (u , t , u≤ , t≤ , v≡) = S' · x + u , (t , t≤ , first) , (u , u≤ , +-zero (S' · x + u))
  where
  first : i + P ≡ S · (S' · x + u) + t
  first =
    i + P                          ≡⟨ cong (i +_) (sym (+-zero P) ∙ cong (P +_) (0≡m·0 S)) ∙ e ⟩
    (S · S') · x + v               ≡⟨ cong ((S · S') · x +_) (v≡ ∙ +-comm t (S · u)) ⟩
    (S · S') · x + (S · u + t)     ≡⟨ +-assoc ((S · S') · x) (S · u) t ⟩
    ((S · S') · x + S · u) + t     ≡⟨ cong (_+ t) (cong (_+ S · u) (sym (·-assoc S S' x)) ∙ ·-distribˡ S (S' · x) u) ⟩
    S · (S' · x + u) + t           ∎

-- Output x sees the entry i through n stacked windows of size 3, without zeros between them.
SeenThrough : ℕ → ℕ → ℕ → Type₀
SeenThrough zero    i x = Reads (geometry 0 0 1) i x
SeenThrough (suc n) i x = Σ[ m ∈ ℕ ] Reads (geometry 2 0 1) i m × SeenThrough n m x

private
  stack : ℕ → Geometry
  stack n = iter n (geometry 2 0 1 ⨾_) (geometry 0 0 1)

-- What an output sees through n stacked windows of size 3 lies in the one window of size 2n + 1.
stackReads : ∀ n {i x} → SeenThrough n i x → Reads (geometry (2 · n) 0 1) i x
stackReads n {i} {x} = subst (λ g → Reads g i x) (stackOf3x3 n) ∘ through n
  where
  through : ∀ n {i x} → SeenThrough n i x → Reads (stack n) i x
  through zero    seen               = seen
  through (suc n) (m , reads , seen) = readsCompose (geometry 2 0 1) (stack n) reads (through n seen)

-- An output sees through n stacked windows of size 3, without zeros between them, every entry of the window of size 2n + 1.
stackReadsAll : ∀ n {i x} → Reads (geometry (2 · n) 0 1) i x → SeenThrough n i x
stackReadsAll zero    reads = reads
stackReadsAll (suc n) {i} {x} reads =
  let m , first , rest = readsAll 2 0 1 (2 · n) 1 (2 , refl) (subst (λ g → Reads g i x) (sym grow) reads)
  in  m , first , stackReadsAll n rest
  where
  grow : geometry 2 0 1 ⨾ geometry (2 · n) 0 1 ≡ geometry (2 · suc n) 0 1
  grow = cong (geometry 2 0 1 ⨾_) (sym (stackOf3x3 n)) ∙ stackOf3x3 (suc n)
