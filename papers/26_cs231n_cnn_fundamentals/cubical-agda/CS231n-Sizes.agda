{-# OPTIONS --safe #-}
{-
  CS231n, output sizes (cs231n.github.io/convolutional-networks, «Spatial arrangement» and after).

  A window of size F with padding P and stride S on an input of size W has (W − F + 2P)/S + 1 outputs,
  where that division leaves no remainder.

  notes                  here
  ---------------------  --------------------------------------------------------------
  F, P, S                Geometry: reach = F − 1, pad = P, stride = S
  (W − F + 2P)/S + 1     OutputSize g W O: O = n + 1 for an n with W + 2P = F + S·n
  a place of the filter  Fits g W n: it starts at S·n and ends inside the padded input
  layer after layer      g ⨾ h
  receptive field        Reads g i x: output x reads entry i of the input
-}
module CS231n-Sizes where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Foundations.Isomorphism
open import Cubical.Data.Sigma
open import Cubical.Data.Nat hiding (elim)
open import Cubical.Data.Nat.Order
open import Cubical.Data.Sum.Base using (_⊎_ ; inl ; inr)
open import Cubical.Relation.Nullary using (¬_)
import Cubical.Data.Empty.Base as ⊥

record Geometry : Type₀ where
  constructor geometry
  field
    reach pad stride : ℕ   -- F − 1, P, S

open Geometry

OutputSize : Geometry → ℕ → ℕ → Type₀
OutputSize g W O = Σ[ n ∈ ℕ ] (O ≡ suc n) × (W + 2 · pad g ≡ suc (reach g) + stride g · n)

private
  split : ∀ a b → (a ≤ b) ⊎ (b < a)
  split zero    b    = inl zero-≤
  split (suc a) zero = inr (suc-≤-suc zero-≤)
  split (suc a) (suc b) with split a b
  ... | inl a≤b = inl (suc-≤-suc a≤b)
  ... | inr b<a = inr (suc-≤-suc b<a)

  ·mono : ∀ {S a b} → a ≤ b → S · a ≤ S · b
  ·mono {S} {a} (k , q) = S · k , ·-distribˡ S k a ∙ cong (S ·_) q

  -- S·m < S·(m + 1), if S is not zero.
  ·grows : ∀ s m → suc s · m < suc s · suc m
  ·grows s m = s , +-suc s (suc s · m) ∙ sym (·-suc (suc s) m)

-- The size of the output is determined, if the stride is not zero.
outputSizeUnique : ∀ {r p s W O O'} → OutputSize (geometry r p (suc s)) W O
                 → OutputSize (geometry r p (suc s)) W O' → O ≡ O'
outputSizeUnique {r} {s = s} (m , o , e) (n , o' , e') =
  o ∙∙ cong suc (inj-sm· {s} {m} {n} (inj-m+ {suc r} (sym e ∙ e'))) ∙∙ sym o'

-- It counts the places of the window: the one that starts at S·n fits into the padded input if and only
-- if n is one of 0, …, O − 1.
Fits : Geometry → ℕ → ℕ → Type₀
Fits g W n = suc (reach g) + stride g · n ≤ W + 2 · pad g

placeCounted : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O → ∀ n → Fits (geometry r p (suc s)) W n → n < O
placeCounted {r} {p} {s} {W} (m , O≡ , e) n fits with split (suc m) n
... | inr n<O = subst (n <_) (sym O≡) n<O
... | inl O≤n = ⊥.rec (¬m<m (≤<-trans (subst (F + S · n ≤_) e fits) later))
  where
  F = suc r
  S = suc s

  -- The place after the last starts S ≥ 1 further on.
  later : F + S · m < F + S · n
  later = subst (_≤ F + S · n) (+-suc F (S · m)) (≤-k+ {k = F} (≤-trans (·grows s m) (·mono {S} O≤n)))

countedPlace : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O → ∀ n → n < O → Fits (geometry r p (suc s)) W n
countedPlace {r} {s = s} (m , O≡ , e) n n<O =
  subst (suc r + suc s · n ≤_) (sym e) (≤-k+ {k = suc r} (·mono {suc s} (pred-≤-pred (subst (n <_) O≡ n<O))))

-- So the places, as a type, are the numbers below O: the type with O elements.
placesOf : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O
         → Iso (Σ[ n ∈ ℕ ] Fits (geometry r p (suc s)) W n) (Σ[ n ∈ ℕ ] n < O)
placesOf {r} {p} {s} {W} size = iso
  (λ (n , fits) → n , placeCounted {r} {p} {s} {W} size n fits)
  (λ (n , below) → n , countedPlace {r} {p} {s} {W} size n below)
  (λ _ → Σ≡Prop (λ _ → isProp≤) refl)
  (λ _ → Σ≡Prop (λ _ → isProp≤) refl)

-- «Use of zero-padding»: with stride 1 and P = (F − 1)/2 the output is as large as the input.
samePadding : ∀ P n → OutputSize (geometry (2 · P) P 1) (suc n) (suc n)
samePadding P n = n , refl , cong suc (+-comm n (2 · P) ∙ cong (2 · P +_) (sym (+-zero n)))

-- One window after another is one window: its size is F₁ + (F₂ − 1)·S₁, its stride S₁·S₂, and the
-- second padding counts S₁ times.
infixr 6 _⨾_

_⨾_ : Geometry → Geometry → Geometry
reach  (g ⨾ h) = reach g + stride g · reach h
pad    (g ⨾ h) = pad g + stride g · pad h
stride (g ⨾ h) = stride g · stride h

private
  nest : ∀ a S b T c → a + S · (b + T · c) ≡ (a + S · b) + (S · T) · c
  nest a S b T c =
    a + S · (b + T · c)         ≡⟨ cong (a +_) (sym (·-distribˡ S b (T · c))) ⟩
    a + (S · b + S · (T · c))   ≡⟨ +-assoc a (S · b) (S · (T · c)) ⟩
    (a + S · b) + S · (T · c)   ≡⟨ cong ((a + S · b) +_) (·-assoc S T c) ⟩
    (a + S · b) + (S · T) · c   ∎

outputSizeCompose : ∀ g h {W M O} → OutputSize g W M → OutputSize h M O → OutputSize (g ⨾ h) W O
outputSizeCompose (geometry r P S) (geometry r' P' S') {W} {M} (m , M≡ , e) (n , O≡ , e') = n , O≡ ,
  (W + 2 · (P + S · P')            ≡⟨ cong (W +_) (sym (·-distribˡ 2 P (S · P'))) ⟩
   W + (2 · P + 2 · (S · P'))      ≡⟨ cong (λ z → W + (2 · P + z)) doublePad ⟩
   W + (2 · P + S · (2 · P'))      ≡⟨ +-assoc W (2 · P) (S · (2 · P')) ⟩
   (W + 2 · P) + S · (2 · P')      ≡⟨ cong (_+ S · (2 · P')) e ⟩
   (suc r + S · m) + S · (2 · P')  ≡⟨ sym (+-assoc (suc r) (S · m) (S · (2 · P'))) ⟩
   suc r + (S · m + S · (2 · P'))  ≡⟨ cong (suc r +_) (·-distribˡ S m (2 · P')) ⟩
   suc r + S · (m + 2 · P')        ≡⟨ cong (λ z → suc r + S · z) middle ⟩
   suc r + S · (r' + S' · n)       ≡⟨ nest (suc r) S r' S' n ⟩
   suc (r + S · r') + (S · S') · n ∎)
  where
  doublePad : 2 · (S · P') ≡ S · (2 · P')
  doublePad = ·-assoc 2 S P' ∙∙ cong (_· P') (·-comm 2 S) ∙∙ sym (·-assoc S 2 P')

  middle : m + 2 · P' ≡ r' + S' · n
  middle = injSuc (cong (_+ 2 · P') (sym M≡) ∙ e')

⨾Assoc : ∀ g h j → g ⨾ (h ⨾ j) ≡ (g ⨾ h) ⨾ j
⨾Assoc (geometry r P S) (geometry r' P' S') (geometry r'' P'' S'') i =
  geometry (nest r S r' S' r'' i) (nest P S P' S' P'' i) (·-assoc S S' S'' i)

-- The arithmetic of n stacked 3×3 layers is that of one (2n + 1)×(2n + 1) layer. What they see follows.
stackOf3x3 : ∀ n → iter n (geometry 2 0 1 ⨾_) (geometry 0 0 1) ≡ geometry (2 · n) 0 1
stackOf3x3 zero    = refl
stackOf3x3 (suc n) = cong (geometry 2 0 1 ⨾_) (stackOf3x3 n) ∙ cong (λ r → geometry r 0 1) grow
  where
  grow : 2 + 1 · (2 · n) ≡ 2 · suc n
  grow = cong suc (cong suc (+-zero (2 · n)) ∙ sym (+-suc n (n + 0)))

-- Receptive fields. Output x of a window reads entry i of its input at the tap t: i = S·x + t − P.
Reads : Geometry → ℕ → ℕ → Type₀
Reads g i x = Σ[ t ∈ ℕ ] (t ≤ reach g) × (i + pad g ≡ stride g · x + t)

-- What the second window sees through the first lies in the window g ⨾ h, …
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

-- … and when the first leaves no gaps (S₁ ≤ F₁), and no zeros are put between the two, all of it is seen.
readsAll : ∀ r P S r' S' {i x} → S ≤ suc r → Reads (geometry r P S ⨾ geometry r' 0 S') i x
         → Σ[ m ∈ ℕ ] Reads (geometry r P S) i m × Reads (geometry r' 0 S') m x
readsAll r P S r' S' {i} {x} S≤F (v , v≤ , e) with taps r' v v≤
  where
  -- Every v ≤ r + S·r' is t + S·u with t ≤ r and u ≤ r'.
  taps : ∀ r' v → v ≤ r + S · r' → Σ[ u ∈ ℕ ] Σ[ t ∈ ℕ ] (u ≤ r') × (t ≤ r) × (v ≡ t + S · u)
  taps r' v v≤ with split v r
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

-- «Prefer a stack of small filter CONV to one large receptive field CONV layer»: through n stacked 3×3
-- layers without borders, output x sees the entry i if and only if one (2n + 1)×(2n + 1) layer reads it.
SeenThrough : ℕ → ℕ → ℕ → Type₀
SeenThrough zero    i x = Reads (geometry 0 0 1) i x
SeenThrough (suc n) i x = Σ[ m ∈ ℕ ] Reads (geometry 2 0 1) i m × SeenThrough n m x

private
  stack : ℕ → Geometry
  stack n = iter n (geometry 2 0 1 ⨾_) (geometry 0 0 1)

stackReads : ∀ n {i x} → SeenThrough n i x → Reads (geometry (2 · n) 0 1) i x
stackReads n {i} {x} = subst (λ g → Reads g i x) (stackOf3x3 n) ∘ through n
  where
  through : ∀ n {i x} → SeenThrough n i x → Reads (stack n) i x
  through zero    seen               = seen
  through (suc n) (m , reads , seen) = readsCompose (geometry 2 0 1) (stack n) reads (through n seen)

stackReadsAll : ∀ n {i x} → Reads (geometry (2 · n) 0 1) i x → SeenThrough n i x
stackReadsAll zero    reads = reads
stackReadsAll (suc n) {i} {x} reads
  with readsAll 2 0 1 (2 · n) 1 (2 , refl) (subst (λ g → Reads g i x) (sym (grow n)) reads)
  where
  grow : ∀ n → geometry 2 0 1 ⨾ geometry (2 · n) 0 1 ≡ geometry (2 · suc n) 0 1
  grow n = cong (geometry 2 0 1 ⨾_) (sym (stackOf3x3 n)) ∙ stackOf3x3 (suc n)
... | (m , first , rest) = m , first , stackReadsAll n rest

-- «Real-world example»: 227 wide, F = 11, S = 4, P = 0 gives 55. This paper's own object: digits 8 wide
-- stay 8 under 3×3 with P = 1, and 2×2 pooling makes them 4.
sizeAlexNet : OutputSize (geometry 10 0 4) 227 55
sizeAlexNet = 54 , refl , refl

sizeDigitConv : OutputSize (geometry 2 1 1) 8 8
sizeDigitConv = samePadding 1 7

sizeDigitPool : OutputSize (geometry 1 0 2) 8 4
sizeDigitPool = 3 , refl , refl

sizeDigitNet : OutputSize (geometry 2 1 1 ⨾ geometry 1 0 2) 8 4
sizeDigitNet = outputSizeCompose (geometry 2 1 1) (geometry 1 0 2) {8} {8} sizeDigitConv sizeDigitPool

-- «Constraints on strides»: W = 10, P = 0, F = 3 admits no output size with S = 2 (the notes: 4.5).
strideDoesNotFit : ∀ O → ¬ OutputSize (geometry 2 0 2) 10 O
strideDoesNotFit O (n , _ , e) = odd≢double 3 n (inj-m+ {3} (e ∙ cong (λ z → 3 + (n + z)) (+-zero n)))
  where
  odd≢double : ∀ a b → ¬ (suc (a + a) ≡ b + b)
  odd≢double a       zero    q = snotz q
  odd≢double zero    (suc b) q = znots (injSuc q ∙ +-suc b b)
  odd≢double (suc a) (suc b) q =
    odd≢double a b (injSuc (cong suc (sym (+-suc a a)) ∙∙ injSuc q ∙∙ +-suc b b))
