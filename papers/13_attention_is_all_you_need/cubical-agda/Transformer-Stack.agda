{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Stacks of layers (Section 3.1, Figure 1), for tokens of any type A with any addition, whatever attention, feed-forward
net and norms compute: a decoder of any depth is causal, an encoder of any depth without positions is permutation
equivariant.

  paper                          here
  LayerNorm(x + Sublayer(x))     sublayer norm F
  a decoder layer                DecoderLayer: self-attention as any map over prefixes, attention to the encoder's
                                 output and the feed-forward net as any position-wise maps, each with a norm of its own
  an encoder layer               EncoderLayer: self-attention as any setwise map, and a feed-forward net
-}
open import Cubical.Foundations.Prelude

module Transformer-Stack {ℓ : Level} {A : Type ℓ} (_+_ : A → A → A) where

open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.List.Base using (List; []; _∷_; [_]; _++_; map; take)
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd; Σ-syntax)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Lists using (lastOr; mapId)
open import S30.Multiset
open import Transformer-Causal
open import Transformer-Setwise

-- LayerNorm(x + Sublayer(x))
sublayer : (A → A) → (List A → List A) → List A → List A
sublayer norm F = map norm ∘ residual _+_ F

sublayerIsCausal : (norm : A → A) (F : List A → List A) → IsCausal F → IsCausal (sublayer norm F)
sublayerIsCausal norm F F-causal =
  isCausalComp (map norm) (residual _+_ F) (mapIsCausal norm) (residualIsCausal _+_ F F-causal)

sublayerIsSetwise : (norm : A → A) (F : List A → List A) → IsSetwise F → IsSetwise (sublayer norm F)
sublayerIsSetwise norm F F-setwise =
  isSetwiseComp (map norm) (residual _+_ F) ((λ _ → norm) , (λ _ → refl)) (residualIsSetwise _+_ F F-setwise)

record DecoderLayer : Type ℓ where
  field
    maskedAttention                       : List A → A
    crossAttention feedForward            : A → A
    attentionNorm crossNorm feedForwardNorm : A → A

decoderLayer : DecoderLayer → List A → List A
decoderLayer l =
  sublayer feedForwardNorm (map feedForward)
  ∘ sublayer crossNorm (map crossAttention)
  ∘ sublayer attentionNorm (causal maskedAttention)
  where open DecoderLayer l

decoder : List DecoderLayer → List A → List A
decoder []       xs = xs
decoder (l ∷ ls) xs = decoder ls (decoderLayer l xs)

decoderLayerIsCausal : (l : DecoderLayer) → IsCausal (decoderLayer l)
decoderLayerIsCausal l =
  isCausalComp _ _ (sublayerIsCausal feedForwardNorm _ (mapIsCausal feedForward))
    (isCausalComp _ _ (sublayerIsCausal crossNorm _ (mapIsCausal crossAttention))
      (sublayerIsCausal attentionNorm _ (causalIsCausal maskedAttention)))
  where open DecoderLayer l

-- A decoder of any depth is causal.
decoderIsCausal : (ls : List DecoderLayer) → IsCausal (decoder ls)
decoderIsCausal []       = (λ xs → refl) , (λ n xs → refl)
decoderIsCausal (l ∷ ls) =
  isCausalComp (decoder ls) (decoderLayer l) (decoderIsCausal ls) (decoderLayerIsCausal l)

-- So in a whole decoder no later token changes an earlier output.
decoderFutureCannotChangePast : (ls : List DecoderLayer) (n : ℕ) (xs ys : List A)
  → take n xs ≡ take n ys → take n (decoder ls xs) ≡ take n (decoder ls ys)
decoderFutureCannotChangePast ls n xs ys p =
  snd (decoderIsCausal ls) n xs ∙ cong (decoder ls) p ∙ sym (snd (decoderIsCausal ls) n ys)

-- Auto-regressive decoding (Section 3): with one more token a decoder of any depth writes
-- one more output and keeps those it has written, so they need not be computed anew.
decoderAppend : (ls : List DecoderLayer) (b : A) (xs : List A) (x : A)
  → decoder ls (xs ++ [ x ]) ≡ decoder ls xs ++ [ lastOr b (decoder ls (xs ++ [ x ])) ]
decoderAppend ls b = isCausalAppend b (decoder ls) (decoderIsCausal ls)

record EncoderLayer : Type ℓ where
  field
    attention                     : FMSet A → A → A
    feedForward                   : A → A
    attentionNorm feedForwardNorm : A → A

encoderLayer : EncoderLayer → List A → List A
encoderLayer l = sublayer feedForwardNorm (map feedForward) ∘ sublayer attentionNorm (setwise attention)
  where open EncoderLayer l

encoder : List EncoderLayer → List A → List A
encoder []       xs = xs
encoder (l ∷ ls) xs = encoder ls (encoderLayer l xs)

encoderIsSetwise : (ls : List EncoderLayer) → IsSetwise (encoder ls)
encoderIsSetwise []       = (λ _ x → x) , (λ xs → sym (mapId xs))
encoderIsSetwise (l ∷ ls) = isSetwiseComp (encoder ls) (encoderLayer l) (encoderIsSetwise ls)
  (isSetwiseComp (sublayer feedForwardNorm (map feedForward)) (sublayer attentionNorm (setwise attention))
    (sublayerIsSetwise feedForwardNorm (map feedForward) ((λ _ → feedForward) , (λ _ → refl)))
    (sublayerIsSetwise attentionNorm (setwise attention) (attention , (λ _ → refl))))
  where open EncoderLayer l

-- An encoder of any depth, without positional encodings, is permutation equivariant.
encoderEquivariant : (ls : List EncoderLayer)
                   → {xs ys : List A} → xs ↭ ys → encoder ls xs ↭ encoder ls ys
encoderEquivariant ls = isSetwise→Equivariant (encoder ls) (encoderIsSetwise ls)

-- More than that: on permuted tokens it is one function g of the token, so each token takes
-- its output along. (A permutation of the outputs alone would also hold of `rev`.)
encoderSameTokenSameOutput : (ls : List EncoderLayer) {xs ys : List A} → xs ↭ ys
  → Σ[ g ∈ (A → A) ] (encoder ls xs ≡ map g xs) × (encoder ls ys ≡ map g ys)
encoderSameTokenSameOutput ls {xs} {ys} p =
  f (toMultiset xs) , is xs , is ys ∙ setwiseSameTokenSameOutput f p
  where
  f : FMSet A → A → A
  f = fst (encoderIsSetwise ls)
  is : (zs : List A) → encoder ls zs ≡ setwise f zs
  is = snd (encoderIsSetwise ls)
