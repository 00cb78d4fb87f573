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

·mono : ∀ {S a b} → a ≤ b → S · a ≤ S · b
·mono {S} {a} (k , q) = S · k , ·-distribˡ S k a ∙ cong (S ·_) q

private
  -- S·m < S·(m + 1), if S is not zero.
  ·grows : ∀ s m → suc s · m < suc s · suc m
  ·grows s m = s , +-suc s (suc s · m) ∙ sym (·-suc (suc s) m)

-- F, P, S and W determine the size of the output, if the stride is not zero.
outputSizeUnique : ∀ {r p s W O O'} → OutputSize (geometry r p (suc s)) W O
                 → OutputSize (geometry r p (suc s)) W O' → O ≡ O'
outputSizeUnique {r} {s = s} (m , o , e) (n , o' , e') =
  o ∙∙ cong suc (inj-sm· {s} {m} {n} (inj-m+ {suc r} (sym e ∙ e'))) ∙∙ sym o'

-- The window that starts at S·n of the padded input ends inside it.
Fits : Geometry → ℕ → ℕ → Type₀
Fits g W n = suc (reach g) + stride g · n ≤ W + 2 · pad g

-- A place at which the filter fits into the padded input has a number below the output size, if the stride is not zero.
placeCounted : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O → ∀ n → Fits (geometry r p (suc s)) W n → n < O
placeCounted {r} {p} {s} {W} (m , O≡ , e) n fits with splitℕ-≤ (suc m) n
... | inr n<O = subst (n <_) (sym O≡) n<O
... | inl O≤n = ⊥.rec (¬m<m (≤<-trans (subst (F + S · n ≤_) e fits) later))
  where
  F = suc r
  S = suc s

  -- The place after the last starts S ≥ 1 further on.
  later : F + S · m < F + S · n
  later = subst (_≤ F + S · n) (+-suc F (S · m)) (≤-k+ {k = F} (≤-trans (·grows s m) (·mono {S} O≤n)))

-- At every number below the output size the filter fits into the padded input.
countedPlace : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O → ∀ n → n < O → Fits (geometry r p (suc s)) W n
countedPlace {r} {s = s} (m , O≡ , e) n n<O =
  subst (suc r + suc s · n ≤_) (sym e) (≤-k+ {k = suc r} (·mono {suc s} (pred-≤-pred (subst (n <_) O≡ n<O))))

-- The places of the filter and the numbers below the output size are the same type, if the stride is not zero.
placesOf : ∀ {r p s W O} → OutputSize (geometry r p (suc s)) W O
         → Iso (Σ[ n ∈ ℕ ] Fits (geometry r p (suc s)) W n) (Σ[ n ∈ ℕ ] n < O)
placesOf {r} {p} {s} {W} size = iso
  (λ (n , fits) → n , placeCounted {r} {p} {s} {W} size n fits)
  (λ (n , below) → n , countedPlace {r} {p} {s} {W} size n below)
  (λ _ → Σ≡Prop (λ _ → isProp≤) refl)
  (λ _ → Σ≡Prop (λ _ → isProp≤) refl)

-- With stride 1, an odd F and padding P = (F − 1)/2 the output is as large as the input.
samePadding : ∀ P n → OutputSize (geometry (2 · P) P 1) (suc n) (suc n)
samePadding P n = n , refl , cong suc (+-comm n (2 · P) ∙ cong (2 · P +_) (sym (+-zero n)))

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

-- The size after two windows is the size after one, with F = F₁ + (F₂ − 1)·S₁, S = S₁·S₂ and P = P₁ + S₁·P₂.
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

-- That composition of sizes, strides and paddings is associative.
⨾Assoc : ∀ g h j → g ⨾ (h ⨾ j) ≡ (g ⨾ h) ⨾ j
⨾Assoc (geometry r P S) (geometry r' P' S') (geometry r'' P'' S'') i =
  geometry (nest r S r' S' r'' i) (nest P S P' S' P'' i) (·-assoc S S' S'' i)

-- The composition of n windows of size 3 has the size 2n + 1, stride 1 and no padding (arithmetic; CS231n-Reads says
-- what they see).
stackOf3x3 : ∀ n → iter n (geometry 2 0 1 ⨾_) (geometry 0 0 1) ≡ geometry (2 · n) 0 1
stackOf3x3 zero    = refl
stackOf3x3 (suc n) = cong (geometry 2 0 1 ⨾_) (stackOf3x3 n) ∙ cong (λ r → geometry r 0 1) grow
  where
  grow : 2 + 1 · (2 · n) ≡ 2 · suc n
  grow = cong suc (cong suc (+-zero (2 · n)) ∙ sym (+-suc n (n + 0)))

-- An input 227 wide under F = 11, S = 4, P = 0 gives 55 («Real-world example»).
sizeAlexNet : OutputSize (geometry 10 0 4) 227 55
sizeAlexNet = 54 , refl , refl

sizeDigitConv : OutputSize (geometry 2 1 1) 8 8
sizeDigitConv = samePadding 1 7

sizeDigitPool : OutputSize (geometry 1 0 2) 8 4
sizeDigitPool = 3 , refl , refl

-- Digits 8 wide leave this room's CONV and POOL 4 wide.
sizeDigitNet : OutputSize (geometry 2 1 1 ⨾ geometry 1 0 2) 8 4
sizeDigitNet = outputSizeCompose (geometry 2 1 1) (geometry 1 0 2) {8} {8} sizeDigitConv sizeDigitPool

-- No output size exists for W = 10, F = 3, P = 0 and S = 2 (the notes: 4.5, which is no integer).
strideDoesNotFit : ∀ O → ¬ OutputSize (geometry 2 0 2) 10 O
strideDoesNotFit O (n , _ , e) = odd≢double 3 n (inj-m+ {3} (e ∙ cong (λ z → 3 + (n + z)) (+-zero n)))
  where
  odd≢double : ∀ a b → ¬ (suc (a + a) ≡ b + b)
  odd≢double a       zero    q = snotz q
  odd≢double zero    (suc b) q = znots (injSuc q ∙ +-suc b b)
  odd≢double (suc a) (suc b) q =
    odd≢double a b (injSuc (cong suc (sym (+-suc a a)) ∙∙ injSuc q ∙∙ +-suc b b))
