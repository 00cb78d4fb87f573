{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Self-attention over tokens of a type A (Section 3.2.3), with and without the causal mask.

  paper                              here
  Q, K, V of a token                 query x, key x, value x
  encoder self-attention             selfAttention: each token attends to all tokens
  decoder self-attention             maskedSelfAttention: the token at position t scores all positions, those after t
                                     with weight exp(−∞) = 0
  a masked position, padding         hide x; a position that may be attended to: show x
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Transformer-SelfAttention {ℓ : Level} (R' : CommRing ℓ) {A Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R')
  (query : A → Query) (key : A → Key) (value : A → Feature → fst R') where

open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.List.Base using (List; []; _∷_; [_]; _++_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Lists
open import S30.Multiset
open import Transformer-Causal
open import Transformer-Setwise
import Transformer-Attention
import Transformer-Stack

open CommRingStr (snd R') using (0r; _+_; _·_; +IdL; +IdR; +Assoc; +InvL; -_)
open import S30.Ring R' using (0·Absorbs)
open import S30.WeightedSum R' using (sumOver)

R : Type ℓ
R = fst R'

-- A masked score is −∞, its weight exp(−∞) = 0. The mask is the Bool: true may be attended.
maskedWeight : Query → Bool × Key → R
maskedWeight q (true  , k) = weight q k
maskedWeight q (false , k) = 0r

module Plain  = Transformer-Attention R' {Query} {Key} {Feature} weight divide
module Masked = Transformer-Attention R' {Query} {Bool × Key} {Feature} maskedWeight divide

keyValue : A → Plain.KeyValue
keyValue x = key x , value x

show hide : A → Masked.KeyValue
show x = (true  , key x) , value x
hide x = (false , key x) , value x

-- Encoder self-attention: each token attends to all tokens.
attendToTokens : FMSet A → A → Feature → R
attendToTokens M x = Plain.attend (query x) (mapMultiset keyValue M)

selfAttention : List A → List (Feature → R)
selfAttention = setwise attendToTokens

-- Unmasked self-attention without positions sends a permutation of its tokens to some permutation of its outputs.
selfAttentionEquivariant : {xs ys : List A} → xs ↭ ys → selfAttention xs ↭ selfAttention ys
selfAttentionEquivariant = setwiseEquivariant attendToTokens

-- Without the mask self-attention is causal only where it has nothing to tell: if numerator = denominator · attention,
-- and weights may be cancelled (for reals, exp(…) > 0 gives both), then all tokens have one and the same value.
unmaskedCausalOnlyIfConstant :
    ((q : Query) (M : FMSet Plain.KeyValue) (j : Feature)
      → Plain.denominator q M · Plain.attend q M j ≡ Plain.numerator q M j)
  → ((q : Query) (k : Key) (a b : R) → weight q k · a ≡ weight q k · b → a ≡ b)
  → IsCausal selfAttention → (x y : A) (j : Feature) → value x j ≡ value y j
unmaskedCausalOnlyIfConstant undoes cancel (_ , commutes) x y j =
  sym (cancel _ _ _ _ atX) ∙ cancel _ _ _ _ atY
  where
  open CommRingStr (snd R') using (·DistL+)
  a wx wy : R
  a  = attendToTokens (x ◂ ∅) x j
  wx = weight (query x) (key x)
  wy = weight (query x) (key y)
  -- With y behind it x reads what it reads alone.
  same : attendToTokens (x ◂ y ◂ ∅) x j ≡ a
  same = cong (λ f → f j) (cong (lastOr (attendToTokens (x ◂ ∅) x)) (commutes 1 (x ∷ y ∷ [])))
  atX : wx · a ≡ wx · value x j
  atX = cong (_· a) (sym (+IdR wx)) ∙ undoes (query x) (keyValue x ◂ ∅) j ∙ +IdR (wx · value x j)
  both : wx · a + wy · a ≡ wx · a + wy · value y j
  both =
    wx · a + wy · a                         ≡⟨ sym (·DistL+ wx wy a) ⟩
    (wx + wy) · a                           ≡⟨ cong (_· a) (cong (wx +_) (sym (+IdR wy))) ⟩
    (wx + (wy + 0r)) · a                    ≡⟨ cong ((wx + (wy + 0r)) ·_) (sym same) ⟩
    (wx + (wy + 0r)) · attendToTokens (x ◂ y ◂ ∅) x j
      ≡⟨ undoes (query x) (keyValue x ◂ keyValue y ◂ ∅) j ⟩
    wx · value x j + (wy · value y j + 0r)  ≡⟨ cong₂ _+_ (sym atX) (+IdR (wy · value y j)) ⟩
    wx · a + wy · value y j                 ∎
  cancelLeft : {u v w : R} → u + v ≡ u + w → v ≡ w
  cancelLeft {u} {v} {w} p =
    sym (+IdL v) ∙ cong (_+ v) (sym (+InvL u)) ∙ sym (+Assoc (- u) u v)
    ∙ cong (- u +_) p
    ∙ +Assoc (- u) u w ∙ cong (_+ w) (+InvL u) ∙ +IdL w
  atY : wy · a ≡ wy · value y j
  atY = cancelLeft both

private
  sumWithHidden : (f : Masked.KeyValue → R) (g : Plain.KeyValue → R)
    → ((x : A) → f (show x) ≡ g (keyValue x)) → ((x : A) → f (hide x) ≡ 0r) → (xs ys : List A)
    → sumOver f (toMultiset (map show xs ++ map hide ys)) ≡ sumOver g (toMultiset (map keyValue xs))
  sumWithHidden f g shown hidden (x ∷ xs) ys       =
    cong₂ _+_ (shown x) (sumWithHidden f g shown hidden xs ys)
  sumWithHidden f g shown hidden []       (y ∷ ys) =
    cong (_+ sumOver f (toMultiset (map hide ys))) (hidden y)
    ∙ +IdL (sumOver f (toMultiset (map hide ys)))
    ∙ sumWithHidden f g shown hidden [] ys
  sumWithHidden f g shown hidden []       []       = refl

-- Attention with hidden tokens behind the others is attention without them: later tokens under the causal mask,
-- padding at the end of a source sentence.
hiddenTokensChangeNothing : (q : Query) (xs ys : List A)
  → Masked.attend q (toMultiset (map show xs ++ map hide ys)) ≡ Plain.attend q (toMultiset (map keyValue xs))
hiddenTokensChangeNothing q xs ys = funExt λ j → cong₂ divide
  (sumWithHidden (Masked.weighted q j) (Plain.weighted q j)
    (λ x → refl) (λ x → 0·Absorbs (value x j)) xs ys)
  (sumWithHidden (Masked.weightOf q) (Plain.weightOf q) (λ x → refl) (λ x → refl) xs ys)

-- Each prefix of a sequence with the rest of the sequence.
cuts : List A → List (List A × List A)
cuts []       = []
cuts (x ∷ xs) = ([ x ] , xs) ∷ map (λ (p , s) → (x ∷ p , s)) (cuts xs)

cutsArePrefixes : (xs : List A) → map fst (cuts xs) ≡ prefixes xs
cutsArePrefixes []       = refl
cutsArePrefixes (x ∷ xs) = cong ([ x ] ∷_)
  ( mapComp fst (λ (p , s) → (x ∷ p , s)) (cuts xs)
  ∙ sym (mapComp (x ∷_) fst (cuts xs))
  ∙ cong (map (x ∷_)) (cutsArePrefixes xs))

-- Masked self-attention as the paper computes it: the token at position t, the last of its prefix, scores all
-- positions, and those after t are hidden. (`start` is never looked at; it stands in for the last token of an empty
-- prefix.)
maskedSelfAttention : A → List A → List (Feature → R)
maskedSelfAttention start xs = map row (cuts xs)
  where
  row : List A × List A → Feature → R
  row (p , s) = Masked.attend (query (lastOr start p)) (toMultiset (map show p ++ map hide s))

-- Masking by weight zero is attention to the prefix alone.
maskedSelfAttentionIsPrefixAttention : (start : A) (xs : List A)
  → maskedSelfAttention start xs
  ≡ causal (λ p → Plain.attend (query (lastOr start p)) (toMultiset (map keyValue p))) xs
maskedSelfAttentionIsPrefixAttention start xs =
  mapCong (λ (p , s) → hiddenTokensChangeNothing (query (lastOr start p)) p s) (cuts xs)
  ∙ sym (mapComp _ fst (cuts xs))
  ∙ cong (map _) (cutsArePrefixes xs)

-- So masked self-attention is causal.
maskedSelfAttentionIsCausal : (start : A) → IsCausal (maskedSelfAttention start)
maskedSelfAttentionIsCausal start =
  subst IsCausal (sym (funExt (maskedSelfAttentionIsPrefixAttention start))) (causalIsCausal _)

-- The decoder's first sub-layer, LayerNorm(x + W^O MaskedAttention(x)), is causal for any norm, any addition and any W^O.
maskedSublayerIsCausal : (_⊕_ : A → A → A) (layerNorm : A → A) (output : (Feature → R) → A) (start : A)
  → IsCausal (Transformer-Stack.sublayer _⊕_ layerNorm (map output ∘ maskedSelfAttention start))
maskedSublayerIsCausal _⊕_ layerNorm output start =
  Transformer-Stack.sublayerIsCausal _⊕_ layerNorm (map output ∘ maskedSelfAttention start)
    (isCausalComp (map output) (maskedSelfAttention start)
      (mapIsCausal output) (maskedSelfAttentionIsCausal start))
