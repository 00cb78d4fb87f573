{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

What the architecture guarantees whatever its weights are: the decoder is causal,
the encoder without positions is permutation equivariant, attention reads a set,
heads do not mix. Tokens, queries, keys and layers are of any type, numbers from an
abstract commutative ring R.

  paper                                        here
  decoder: «predictions for position i can     causal f, IsCausal
    depend only on the known outputs at
    positions less than i» (3.1)
  masking out, setting to −∞ (3.2.3)           hide: the weight exp(−∞) = 0
  exp(q·k/√d_k)                                weight q k (any function)
  softmax(QKᵀ/√d_k)V (eq. 1), one row          attend q M = numerator q M / denominator q M
  the set of key–value pairs (3.2)             M : FMSet KeyValue, a finite multiset
  LayerNorm(x + Sublayer(x)) (3.1)             sublayer
  Concat(head_1, …, head_h) (3.2.2)            joinHeads, with splitHeads its inverse
  h, d_k                                       heads h, width d

  outputs shifted right (3.1, Figure 1)        the input list: output t reads inputs 1 … t,
                                               which are the known outputs 0 … t − 1

Division is an arbitrary function `divide`, so nothing is assumed about it.
-}
module Transformer where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Foundations.Isomorphism using (Iso; iso; isoToPath)
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.Empty.Base using (⊥)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (List; []; _∷_; [_]; _++_; map; take; length)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc) renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd; Σ-syntax)
open import Cubical.Data.Vec.Base as Vec using (Vec; []; _∷_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import S30.Lists
open import S30.Multiset
import S30.Ring
import S30.WeightedSum

private
  variable
    ℓ ℓ' : Level
    A B C : Type ℓ

------------------------------------------------------------------------
-- 1. The decoder is causal (Sections 3.1 and 3.2.3)

-- The non-empty prefixes of a sequence: [x₁], [x₁, x₂], …
prefixes : List A → List (List A)
prefixes []       = []
prefixes (x ∷ xs) = [ x ] ∷ map (x ∷_) (prefixes xs)

-- The operator y_t = f(x_1 … x_t).
causal : (List A → B) → List A → List B
causal f xs = map f (prefixes xs)

takePrefixes : (n : ℕ) (xs : List A) → take n (prefixes xs) ≡ prefixes (take n xs)
takePrefixes zero    xs       = refl
takePrefixes (suc n) []       = refl
takePrefixes (suc n) (x ∷ xs) =
  cong ([ x ] ∷_) (takeMap (x ∷_) n (prefixes xs) ∙ cong (map (x ∷_)) (takePrefixes n xs))

-- Mapping over prefixes commutes with `take`: the first n outputs are the outputs of
-- the first n inputs.
causalTake : (f : List A → B) (n : ℕ) (xs : List A) → take n (causal f xs) ≡ causal f (take n xs)
causalTake f n xs = takeMap f n (prefixes xs) ∙ cong (map f) (takePrefixes n xs)

-- Sequences that agree up to position n have outputs that agree up to position n.
futureCannotChangePast : (f : List A → B) (n : ℕ) (xs ys : List A)
  → take n xs ≡ take n ys → take n (causal f xs) ≡ take n (causal f ys)
futureCannotChangePast f n xs ys p =
  causalTake f n xs ∙ cong (causal f) p ∙ sym (causalTake f n ys)

prefixesLength : (xs : List A) → length (prefixes xs) ≡ length xs
prefixesLength []       = refl
prefixesLength (x ∷ xs) = cong suc (lengthMap (x ∷_) (prefixes xs) ∙ prefixesLength xs)

prefixesSnoc : (xs : List A) (x : A) → prefixes (xs ++ [ x ]) ≡ prefixes xs ++ [ xs ++ [ x ] ]
prefixesSnoc []       x = refl
prefixesSnoc (y ∷ xs) x =
  cong ([ y ] ∷_)
    (cong (map (y ∷_)) (prefixesSnoc xs x) ∙ mapConcat (y ∷_) (prefixes xs) [ xs ++ [ x ] ])

-- A new token adds one output and leaves the others as they were: decoding token by
-- token («auto-regressive», Section 3) gives what one parallel pass gives.
causalAppend : (f : List A → B) (xs : List A) (x : A)
             → causal f (xs ++ [ x ]) ≡ causal f xs ++ [ f (xs ++ [ x ]) ]
causalAppend f xs x = cong (map f) (prefixesSnoc xs x) ∙ mapConcat f (prefixes xs) [ xs ++ [ x ] ]

-- Causality as a property of any operator on sequences.
IsCausal : {A : Type ℓ} {B : Type ℓ'} → (List A → List B) → Type (ℓ-max ℓ ℓ')
IsCausal {A = A} F =
  ((xs : List A) → length (F xs) ≡ length xs) × ((n : ℕ) (xs : List A) → take n (F xs) ≡ F (take n xs))

causalIsCausal : (f : List A → B) → IsCausal (causal f)
causalIsCausal f = (λ xs → lengthMap f (prefixes xs) ∙ prefixesLength xs) , causalTake f

-- The numbers 1, …, n, and the prefixes as the first 1, …, n elements.
oneTo : ℕ → List ℕ
oneTo zero    = []
oneTo (suc n) = 1 ∷ map suc (oneTo n)

prefixesByTake : (xs : List A) → prefixes xs ≡ map (λ n → take n xs) (oneTo (length xs))
prefixesByTake []       = refl
prefixesByTake (x ∷ xs) = cong ([ x ] ∷_)
  ( cong (map (x ∷_)) (prefixesByTake xs)
  ∙ mapComp (x ∷_) (λ n → take n xs) (oneTo (length xs))
  ∙ sym (mapComp (λ n → take n (x ∷ xs)) suc (oneTo (length xs))))

-- A causal operator applied to each prefix gives the prefixes of its output.
causalPrefixes : (F : List A → List B) → IsCausal F
               → (xs : List A) → prefixes (F xs) ≡ map F (prefixes xs)
causalPrefixes F (keepsLength , commutes) xs =
  prefixes (F xs)
    ≡⟨ prefixesByTake (F xs) ⟩
  map (λ n → take n (F xs)) (oneTo (length (F xs)))
    ≡⟨ cong (λ l → map (λ n → take n (F xs)) (oneTo l)) (keepsLength xs) ⟩
  map (λ n → take n (F xs)) (oneTo (length xs))
    ≡⟨ mapCong (λ n → commutes n xs) (oneTo (length xs)) ⟩
  map (λ n → F (take n xs)) (oneTo (length xs))
    ≡⟨ sym (mapComp F (λ n → take n xs) (oneTo (length xs))) ⟩
  map F (map (λ n → take n xs) (oneTo (length xs)))
    ≡⟨ cong (map F) (sym (prefixesByTake xs)) ⟩
  map F (prefixes xs) ∎

lastOfPrefixes : (b : B) (ys : List B) → map (lastOr b) (prefixes ys) ≡ ys
lastOfPrefixes b []       = refl
lastOfPrefixes b (y ∷ ys) =
  cong (y ∷_) (mapComp (lastOr b) (y ∷_) (prefixes ys) ∙ lastOfPrefixes y ys)

-- Characterisation: an operator that keeps lengths and commutes with `take` is the map
-- over prefixes of «run it on the prefix and look at the last output». (b is never
-- looked at; it stands in for the last element of an empty list.)
causalCharacterisation : (b : B) (F : List A → List B) → IsCausal F → F ≡ causal (lastOr b ∘ F)
causalCharacterisation b F F-causal = funExt λ xs →
  F xs                                  ≡⟨ sym (lastOfPrefixes b (F xs)) ⟩
  map (lastOr b) (prefixes (F xs))      ≡⟨ cong (map (lastOr b)) (causalPrefixes F F-causal xs) ⟩
  map (lastOr b) (map F (prefixes xs))  ≡⟨ mapComp (lastOr b) F (prefixes xs) ⟩
  causal (lastOr b ∘ F) xs              ∎

-- So a causal operator can be run token by token: a new token appends the last output of
-- the longer run and keeps the others.
isCausalAppend : (b : B) (F : List A → List B) → IsCausal F → (xs : List A) (x : A)
               → F (xs ++ [ x ]) ≡ F xs ++ [ lastOr b (F (xs ++ [ x ])) ]
isCausalAppend b F F-causal xs x =
  F (xs ++ [ x ])                                         ≡⟨ cong (λ G → G (xs ++ [ x ])) F-is ⟩
  causal (lastOr b ∘ F) (xs ++ [ x ])                     ≡⟨ causalAppend (lastOr b ∘ F) xs x ⟩
  causal (lastOr b ∘ F) xs ++ [ lastOr b (F (xs ++ [ x ])) ]
    ≡⟨ cong (λ G → G xs ++ [ lastOr b (F (xs ++ [ x ])) ]) (sym F-is) ⟩
  F xs ++ [ lastOr b (F (xs ++ [ x ])) ]                  ∎
  where
  F-is : F ≡ causal (lastOr b ∘ F)
  F-is = causalCharacterisation b F F-causal

lastOfMap : (f : A → B) (a : A) (xs : List A) → lastOr (f a) (map f xs) ≡ f (lastOr a xs)
lastOfMap f a []       = refl
lastOfMap f a (x ∷ xs) = lastOfMap f x xs

lastPrefix : (xs : List A) → lastOr [] (prefixes xs) ≡ xs
lastPrefix []       = refl
lastPrefix (x ∷ xs) = lastOfMap (x ∷_) [] (prefixes xs) ∙ cong (x ∷_) (lastPrefix xs)

-- …and f is recovered from `causal f` on every non-empty sequence, so it is unique there.
causalDetermines : (b : B) (f : List A → B) (x : A) (xs : List A)
                 → lastOr b (causal f (x ∷ xs)) ≡ f (x ∷ xs)
causalDetermines b f x xs =
  lastOfMap f [ x ] (map (x ∷_) (prefixes xs)) ∙ cong f (lastPrefix (x ∷ xs))

-- Layers stack: the composite of causal operators is causal, explicitly and as a property.
causalComp : (g : List B → C) (f : List A → B) (xs : List A)
           → causal g (causal f xs) ≡ causal (λ p → g (causal f p)) xs
causalComp g f xs =
  cong (map g) (causalPrefixes (causal f) (causalIsCausal f) xs) ∙ mapComp g (causal f) (prefixes xs)

isCausalComp : (G : List B → List C) (F : List A → List B)
             → IsCausal G → IsCausal F → IsCausal (G ∘ F)
isCausalComp G F (G-length , G-take) (F-length , F-take) =
    (λ xs → G-length (F xs) ∙ F-length xs)
  , (λ n xs → G-take n (F xs) ∙ cong G (F-take n xs))

-- A position-wise layer (Section 3.3) is causal.
mapIsCausal : (f : A → B) → IsCausal (map f)
mapIsCausal f = lengthMap f , takeMap f

-- x + Sublayer(x) at every position (Section 3.1) is causal where the sublayer is.
residual : (A → A → A) → (List A → List A) → List A → List A
residual _+_ F xs = zipWith _+_ xs (F xs)

residualIsCausal : (_+_ : A → A → A) (F : List A → List A) → IsCausal F → IsCausal (residual _+_ F)
residualIsCausal _+_ F (keepsLength , commutes) =
    (λ xs → lengthZipWith _+_ xs (F xs) (keepsLength xs))
  , (λ n xs → takeZipWith _+_ n xs (F xs) ∙ cong (zipWith _+_ (take n xs)) (commutes n xs))

------------------------------------------------------------------------
-- 2. Operators that see a set: the encoder without positions (Section 3.5)

-- Every token is mapped with knowledge of the multiset of all tokens.
setwise : (FMSet A → A → B) → List A → List B
setwise f xs = map (f (toMultiset xs)) xs

-- Equivariance: on permuted tokens the operator is the same function token by token, so
-- each token keeps its output. («Since our model contains no recurrence and no
-- convolution», order must be injected by positional encodings.)
setwiseSameTokenSameOutput : (f : FMSet A → A → B) {xs ys : List A} → xs ↭ ys
                           → setwise f ys ≡ map (f (toMultiset xs)) ys
setwiseSameTokenSameOutput f {ys = ys} p i = map (f (permutationToPath p (~ i))) ys

setwiseEquivariant : (f : FMSet A → A → B)
                   → {xs ys : List A} → xs ↭ ys → setwise f xs ↭ setwise f ys
setwiseEquivariant f {xs} {ys} p =
  subst (map (f (toMultiset xs)) xs ↭_) (sym (setwiseSameTokenSameOutput f p))
    (↭map (f (toMultiset xs)) p)

-- Such layers stack, and so do residual sums of them.
setwiseComp : (g : FMSet B → B → C) (f : FMSet A → A → B) (xs : List A)
            → setwise g (setwise f xs) ≡ setwise (λ M x → g (mapMultiset (f M) M) (f M x)) xs
setwiseComp g f xs =
  cong (λ N → map (g N) (setwise f xs)) (toMultisetMap (f (toMultiset xs)) xs)
  ∙ mapComp (g (mapMultiset (f (toMultiset xs)) (toMultiset xs))) (f (toMultiset xs)) xs

setwiseResidual : (_+_ : A → A → A) (f : FMSet A → A → A) (xs : List A)
                → residual _+_ (setwise f) xs ≡ setwise (λ M x → x + f M x) xs
setwiseResidual _+_ f xs = zipWithMap _+_ (f (toMultiset xs)) xs

-- «F is setwise»: such an f is given with F.
IsSetwise : {A : Type ℓ} {B : Type ℓ'} → (List A → List B) → Type (ℓ-max ℓ ℓ')
IsSetwise {A = A} {B = B} F = Σ[ f ∈ (FMSet A → A → B) ] ((xs : List A) → F xs ≡ setwise f xs)

isSetwiseComp : (G : List B → List C) (F : List A → List B)
              → IsSetwise G → IsSetwise F → IsSetwise (G ∘ F)
isSetwiseComp G F (g , G-is) (f , F-is) =
    (λ M x → g (mapMultiset (f M) M) (f M x))
  , (λ xs → G-is (F xs) ∙ cong (setwise g) (F-is xs) ∙ setwiseComp g f xs)

residualIsSetwise : (_+_ : A → A → A) (F : List A → List A) → IsSetwise F → IsSetwise (residual _+_ F)
residualIsSetwise _+_ F (f , F-is) =
    (λ M x → x + f M x)
  , (λ xs → cong (zipWith _+_ xs) (F-is xs) ∙ setwiseResidual _+_ f xs)

isSetwise→Equivariant : (F : List A → List B) → IsSetwise F
                      → {xs ys : List A} → xs ↭ ys → F xs ↭ F ys
isSetwise→Equivariant F (f , F-is) {xs} {ys} p =
  subst (_↭ F ys) (sym (F-is xs)) (subst (setwise f xs ↭_) (sym (F-is ys)) (setwiseEquivariant f p))

------------------------------------------------------------------------
-- 3. Stacks of layers (Section 3.1, Figure 1)

module Stack {A : Type ℓ} (_+_ : A → A → A) (layerNorm : A → A) where

  -- LayerNorm(x + Sublayer(x))
  sublayer : (List A → List A) → List A → List A
  sublayer F = map layerNorm ∘ residual _+_ F

  sublayerIsCausal : (F : List A → List A) → IsCausal F → IsCausal (sublayer F)
  sublayerIsCausal F F-causal =
    isCausalComp (map layerNorm) (residual _+_ F) (mapIsCausal layerNorm) (residualIsCausal _+_ F F-causal)

  sublayerIsSetwise : (F : List A → List A) → IsSetwise F → IsSetwise (sublayer F)
  sublayerIsSetwise F F-setwise =
    isSetwiseComp (map layerNorm) (residual _+_ F)
      ((λ _ → layerNorm) , (λ _ → refl)) (residualIsSetwise _+_ F F-setwise)

  -- A decoder layer: self-attention as any map over prefixes, attention to the encoder's
  -- output and the feed-forward net as any position-wise maps.
  record DecoderLayer : Type ℓ where
    field
      maskedAttention : List A → A
      crossAttention  : A → A
      feedForward     : A → A

  decoderLayer : DecoderLayer → List A → List A
  decoderLayer l =
    sublayer (map feedForward) ∘ sublayer (map crossAttention) ∘ sublayer (causal maskedAttention)
    where open DecoderLayer l

  decoder : List DecoderLayer → List A → List A
  decoder []       xs = xs
  decoder (l ∷ ls) xs = decoder ls (decoderLayer l xs)

  decoderLayerIsCausal : (l : DecoderLayer) → IsCausal (decoderLayer l)
  decoderLayerIsCausal l =
    isCausalComp _ _ (sublayerIsCausal _ (mapIsCausal feedForward))
      (isCausalComp _ _ (sublayerIsCausal _ (mapIsCausal crossAttention))
        (sublayerIsCausal _ (causalIsCausal maskedAttention)))
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

  -- An encoder layer: self-attention as any setwise map, and a feed-forward net.
  record EncoderLayer : Type ℓ where
    field
      attention   : FMSet A → A → A
      feedForward : A → A

  encoderLayer : EncoderLayer → List A → List A
  encoderLayer l = sublayer (map feedForward) ∘ sublayer (setwise attention)
    where open EncoderLayer l

  encoder : List EncoderLayer → List A → List A
  encoder []       xs = xs
  encoder (l ∷ ls) xs = encoder ls (encoderLayer l xs)

  encoderIsSetwise : (ls : List EncoderLayer) → IsSetwise (encoder ls)
  encoderIsSetwise []       = (λ _ x → x) , (λ xs → sym (mapId xs))
  encoderIsSetwise (l ∷ ls) = isSetwiseComp (encoder ls) (encoderLayer l) (encoderIsSetwise ls)
    (isSetwiseComp (sublayer (map feedForward)) (sublayer (setwise attention))
      (sublayerIsSetwise (map feedForward) ((λ _ → feedForward) , (λ _ → refl)))
      (sublayerIsSetwise (setwise attention) (attention , (λ _ → refl))))
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

------------------------------------------------------------------------
-- 4. Attention (Section 3.2, equation 1)

module Attention (R' : CommRing ℓ) {Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R') where

  open CommRingStr (snd R') using (0r; _+_; _·_)
  open S30.Ring R' using (0·Absorbs)
  open S30.WeightedSum R' using (sumOver; sumOverUnion; sumOverNeutral; sumOverMap; sumOverFactorL; sumOverFactorR)

  R : Type ℓ
  R = fst R'

  KeyValue : Type ℓ
  KeyValue = Key × (Feature → R)

  weightedValue : Query → Feature → KeyValue → R
  weightedValue q j (k , v) = weight q k · v j

  weightOf : Query → KeyValue → R
  weightOf q (k , v) = weight q k

  -- Σ exp(q·k/√d_k) v  and  Σ exp(q·k/√d_k), over the multiset of key–value pairs.
  numerator : Query → FMSet KeyValue → Feature → R
  numerator q M j = sumOver (weightedValue q j) M

  denominator : Query → FMSet KeyValue → R
  denominator q M = sumOver (weightOf q) M

  -- softmax(qKᵀ/√d_k)V
  attend : Query → FMSet KeyValue → Feature → R
  attend q M j = divide (numerator q M j) (denominator q M)

  -- Attention reads a multiset, so no permutation of the key–value pairs changes it.
  attentionPermutationInvariant : (q : Query) {xs ys : List KeyValue} → xs ↭ ys
                                → attend q (toMultiset xs) ≡ attend q (toMultiset ys)
  attentionPermutationInvariant q p = cong (attend q) (permutationToPath p)

  -- In particular two blocks of keys may be exchanged.
  attentionConcatComm : (q : Query) (xs ys : List KeyValue)
                      → attend q (toMultiset (xs ++ ys)) ≡ attend q (toMultiset (ys ++ xs))
  attentionConcatComm q xs ys = attentionPermutationInvariant q (↭concatComm xs ys)

  -- Numerator and denominator of two blocks add: they can be accumulated block by block,
  -- and a new key is one more term.
  numeratorUnion : (q : Query) (M N : FMSet KeyValue) (j : Feature)
                 → numerator q (M ∪ N) j ≡ numerator q M j + numerator q N j
  numeratorUnion q M N j = sumOverUnion (weightedValue q j) M N

  denominatorUnion : (q : Query) (M N : FMSet KeyValue)
                   → denominator q (M ∪ N) ≡ denominator q M + denominator q N
  denominatorUnion q M N = sumOverUnion (weightOf q) M N

  -- A key of weight 0 (a masked key, a padded source token) changes nothing, whatever its
  -- value. In a multiset «adding» is at any place.
  maskedKeyChangesNothing : (q : Query) (k : Key) (v : Feature → R) (M : FMSet KeyValue)
                          → weight q k ≡ 0r → attend q ((k , v) ◂ M) ≡ attend q M
  maskedKeyChangesNothing q k v M masked = funExt λ j → cong₂ divide
    (sumOverNeutral (weightedValue q j) (k , v) M (cong (_· v j) masked ∙ 0·Absorbs (v j)))
    (sumOverNeutral (weightOf q) (k , v) M masked)

  -- Where all keys carry the same value v, the numerator is the denominator times v …
  attentionOfEqualValues : (q : Query) (keys : FMSet Key) (v : Feature → R) (j : Feature)
    → numerator q (mapMultiset (λ k → k , v) keys) j ≡ denominator q (mapMultiset (λ k → k , v) keys) · v j
  attentionOfEqualValues q keys v j =
    sumOverMap (weightedValue q j) (λ k → k , v) keys
    ∙ sumOverFactorR (weight q) (v j) keys
    ∙ cong (_· v j) (sym (sumOverMap (weightOf q) (λ k → k , v) keys))

  -- … so attention returns v where division by this denominator undoes multiplication by it:
  -- the weights of a row sum to 1.
  attendOfEqualValues : (q : Query) (keys : FMSet Key) (v : Feature → R)
    → let den = denominator q (mapMultiset (λ k → k , v) keys) in
      ((y : R) → divide (den · y) den ≡ y) → attend q (mapMultiset (λ k → k , v) keys) ≡ v
  attendOfEqualValues q keys v cancels = funExt λ j →
    cong (λ n → divide n (denominator q (mapMultiset (λ k → k , v) keys)))
      (attentionOfEqualValues q keys v j)
    ∙ cancels (v j)

-- A common factor of all weights, such as exp(−max) of a stable softmax, appears once in
-- the numerator and once in the denominator, so that division cancels it.
module CommonFactor (R' : CommRing ℓ) {Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R') (factor : Query → fst R') where

  open CommRingStr (snd R') using (_·_; ·Assoc)
  open S30.WeightedSum R' using (sumOver; sumOverFactorL)

  private
    module Plain  = Attention R' {Query} {Key} {Feature} weight divide
    module Scaled = Attention R' {Query} {Key} {Feature} (λ q k → factor q · weight q k) divide

  scaledDenominator : (q : Query) (M : FMSet Plain.KeyValue)
                    → Scaled.denominator q M ≡ factor q · Plain.denominator q M
  scaledDenominator q = sumOverFactorL (factor q) (Plain.weightOf q)

  scaledNumerator : (q : Query) (M : FMSet Plain.KeyValue) (j : Feature)
                  → Scaled.numerator q M j ≡ factor q · Plain.numerator q M j
  scaledNumerator q M j =
    cong (λ f → sumOver f M) (funExt λ (k , v) → sym (·Assoc (factor q) (weight q k) (v j)))
    ∙ sumOverFactorL (factor q) (Plain.weightedValue q j) M

  -- (The hypothesis is about this factor alone: for reals it says factor q ≠ 0.)
  attentionCommonFactor : (q : Query) → ((x y : fst R') → divide (factor q · x) (factor q · y) ≡ divide x y)
    → (M : FMSet Plain.KeyValue) → Scaled.attend q M ≡ Plain.attend q M
  attentionCommonFactor q cancels M = funExt λ j →
    cong₂ divide (scaledNumerator q M j) (scaledDenominator q M)
    ∙ cancels (Plain.numerator q M j) (Plain.denominator q M)

-- Self-attention over tokens of a type A.
module SelfAttention (R' : CommRing ℓ) {A Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R')
  (query : A → Query) (key : A → Key) (value : A → Feature → fst R') where

  open CommRingStr (snd R') using (0r; _+_; +IdL)
  open S30.Ring R' using (0·Absorbs)
  open S30.WeightedSum R' using (sumOver)

  R : Type ℓ
  R = fst R'

  -- A masked score is −∞, its weight exp(−∞) = 0. The mask is the Bool: true may be attended.
  maskedWeight : Query → Bool × Key → R
  maskedWeight q (true  , k) = weight q k
  maskedWeight q (false , k) = 0r

  private
    module Plain  = Attention R' {Query} {Key} {Feature} weight divide
    module Masked = Attention R' {Query} {Bool × Key} {Feature} maskedWeight divide

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

  selfAttentionByLists : (xs : List A)
    → selfAttention xs ≡ map (λ x → Plain.attend (query x) (toMultiset (map keyValue xs))) xs
  selfAttentionByLists xs i = map (λ x → Plain.attend (query x) (toMultisetMap keyValue xs (~ i))) xs

  -- Without positional encodings self-attention is permutation equivariant.
  selfAttentionEquivariant : {xs ys : List A} → xs ↭ ys → selfAttention xs ↭ selfAttention ys
  selfAttentionEquivariant = setwiseEquivariant attendToTokens

  -- Without a mask it is not causal where a second token changes what the first one reads.
  selfAttentionIsNotCausal : (x y : A)
    → (attendToTokens (x ◂ y ◂ ∅) x ≡ attendToTokens (x ◂ ∅) x → ⊥) → IsCausal selfAttention → ⊥
  selfAttentionIsNotCausal x y differs (_ , commutes) =
    differs (cong (lastOr (attendToTokens (x ◂ ∅) x)) (commutes 1 (x ∷ y ∷ [])))

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

  -- Attention with hidden tokens is attention without them: later tokens under the causal
  -- mask, padding at the end of a source sentence.
  hiddenTokensChangeNothing : (q : Query) (xs ys : List A)
    → Masked.attend q (toMultiset (map show xs ++ map hide ys)) ≡ Plain.attend q (toMultiset (map keyValue xs))
  hiddenTokensChangeNothing q xs ys = funExt λ j → cong₂ divide
    (sumWithHidden (Masked.weightedValue q j) (Plain.weightedValue q j)
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

  -- Masked self-attention as the paper computes it: the token at position t, the last of
  -- its prefix, scores all positions, and those after t are hidden. (`start` is never
  -- looked at; it stands in for the last token of an empty prefix.)
  maskedSelfAttention : A → List A → List (Feature → R)
  maskedSelfAttention start xs = map row (cuts xs)
    where
    row : List A × List A → Feature → R
    row (p , s) = Masked.attend (query (lastOr start p)) (toMultiset (map show p ++ map hide s))

  -- It is the map over prefixes that attends to the prefix alone, so masking by weight 0
  -- makes the layer causal.
  maskedSelfAttentionIsPrefixAttention : (start : A) (xs : List A)
    → maskedSelfAttention start xs
    ≡ causal (λ p → Plain.attend (query (lastOr start p)) (toMultiset (map keyValue p))) xs
  maskedSelfAttentionIsPrefixAttention start xs =
    mapCong (λ (p , s) → hiddenTokensChangeNothing (query (lastOr start p)) p s) (cuts xs)
    ∙ sym (mapComp _ fst (cuts xs))
    ∙ cong (map _) (cutsArePrefixes xs)

  maskedSelfAttentionIsCausal : (start : A) → IsCausal (maskedSelfAttention start)
  maskedSelfAttentionIsCausal start =
    subst IsCausal (sym (funExt (maskedSelfAttentionIsPrefixAttention start))) (causalIsCausal _)

  -- The decoder's first sub-layer, LayerNorm(x + W^O MaskedAttention(x)), is causal.
  maskedSublayerIsCausal : (_⊕_ : A → A → A) (layerNorm : A → A) (output : (Feature → R) → A) (start : A)
    → IsCausal (Stack.sublayer _⊕_ layerNorm (map output ∘ maskedSelfAttention start))
  maskedSublayerIsCausal _⊕_ layerNorm output start =
    Stack.sublayerIsCausal _⊕_ layerNorm (map output ∘ maskedSelfAttention start)
      (isCausalComp (map output) (maskedSelfAttention start)
        (mapIsCausal output) (maskedSelfAttentionIsCausal start))

-- Uniform attention over numbers: all weights are 1, and each token's value is itself. In a
-- ring with 1 ≠ 0 in which division by 1 and by 2 means what it says, the first token reads 0
-- alone, but 1/2 when the token 1 follows it: without the mask self-attention is not causal.
module UniformAttention (R' : CommRing ℓ) (divide : fst R' → fst R' → fst R') where

  open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +IdL; +IdR; ·IdL)
  open S30.Ring R' using (·0Absorbs)
  open SelfAttention R' {fst R'} {fst R'} {fst R'} {fst R'} (λ _ _ → 1r) divide (λ x → x) (λ x → x) (λ x _ → x)

  unmaskedSelfAttentionIsNotCausal : (1r ≡ 0r → ⊥)
    → ((x : fst R') → divide x 1r ≡ x) → ((x : fst R') → (1r + 1r) · divide x (1r + 1r) ≡ x)
    → IsCausal selfAttention → ⊥
  unmaskedSelfAttentionIsNotCausal 1≢0 byOne byTwo =
    selfAttentionIsNotCausal 0r 1r λ same → 1≢0
      ( sym (byTwo 1r)
      ∙ cong ((1r + 1r) ·_) (sym readsBoth ∙ cong (λ row → row 0r) same ∙ readsItself)
      ∙ ·0Absorbs (1r + 1r))
    where
    readsBoth : attendToTokens (0r ◂ 1r ◂ ∅) 0r 0r ≡ divide 1r (1r + 1r)
    readsBoth = cong₂ divide
      (cong₂ _+_ (·IdL 0r) (+IdR (1r · 1r) ∙ ·IdL 1r) ∙ +IdL 1r)
      (cong (1r +_) (+IdR 1r))
    readsItself : attendToTokens (0r ◂ ∅) 0r 0r ≡ 0r
    readsItself = cong₂ divide (+IdR (1r · 0r) ∙ ·IdL 0r) (+IdR 1r) ∙ byOne 0r

------------------------------------------------------------------------
-- 5. Heads (Section 3.2.2)

-- The first m components and the others.
splitAt : (m : ℕ) {n : ℕ} → Vec A (m +ℕ n) → Vec A m × Vec A n
splitAt zero    xs       = [] , xs
splitAt (suc m) (x ∷ xs) = x ∷ fst (splitAt m xs) , snd (splitAt m xs)

splitAtConcat : {m n : ℕ} (xs : Vec A m) (ys : Vec A n) → splitAt m (xs Vec.++ ys) ≡ (xs , ys)
splitAtConcat []       ys = refl
splitAtConcat (x ∷ xs) ys i = x ∷ fst (splitAtConcat xs ys i) , snd (splitAtConcat xs ys i)

concatSplitAt : (m : ℕ) {n : ℕ} (xs : Vec A (m +ℕ n)) → fst (splitAt m xs) Vec.++ snd (splitAt m xs) ≡ xs
concatSplitAt zero    xs       = refl
concatSplitAt (suc m) (x ∷ xs) = cong (x ∷_) (concatSplitAt m xs)

-- The reshape of h · d features into h heads of width d, and Concat(head_1, …, head_h).
splitHeads : (h d : ℕ) → Vec A (h ·ℕ d) → Vec (Vec A d) h
splitHeads zero    d xs = []
splitHeads (suc h) d xs = fst (splitAt d xs) ∷ splitHeads h d (snd (splitAt d xs))

joinHeads : {h d : ℕ} → Vec (Vec A d) h → Vec A (h ·ℕ d)
joinHeads []             = []
joinHeads (head ∷ heads) = head Vec.++ joinHeads heads

splitJoin : (h d : ℕ) (heads : Vec (Vec A d) h) → splitHeads h d (joinHeads heads) ≡ heads
splitJoin zero    d []             = refl
splitJoin (suc h) d (head ∷ heads) =
  cong (λ (xs , ys) → xs ∷ splitHeads h d ys) (splitAtConcat head (joinHeads heads))
  ∙ cong (head ∷_) (splitJoin h d heads)

joinSplit : (h d : ℕ) (xs : Vec A (h ·ℕ d)) → joinHeads (splitHeads h d xs) ≡ xs
joinSplit zero    d [] = refl
joinSplit (suc h) d xs =
  cong (fst (splitAt d xs) Vec.++_) (joinSplit h d (snd (splitAt d xs))) ∙ concatSplitAt d xs

-- Splitting and joining are inverse, so both shapes are the same type.
headsIso : (A : Type ℓ) (h d : ℕ) → Iso (Vec A (h ·ℕ d)) (Vec (Vec A d) h)
headsIso A h d = iso (splitHeads h d) joinHeads (splitJoin h d) (joinSplit h d)

headsPath : (A : Type ℓ) (h d : ℕ) → Vec A (h ·ℕ d) ≡ Vec (Vec A d) h
headsPath A h d = isoToPath (headsIso A h d)

-- One map for each head, conjugated by the reshape.
perHead : {h d e : ℕ} → Vec (Vec A d → Vec B e) h → Vec A (h ·ℕ d) → Vec B (h ·ℕ e)
perHead {h = h} {d} fs xs = joinHeads (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs))

private
  lookupZipWith : {h : ℕ} (_∗_ : A → B → C) (k : Fin h) (xs : Vec A h) (ys : Vec B h)
                → Vec.lookup k (Vec.zipWith _∗_ xs ys) ≡ (Vec.lookup k xs ∗ Vec.lookup k ys)
  lookupZipWith _∗_ Fin.zero    (x ∷ xs) (y ∷ ys) = refl
  lookupZipWith _∗_ (Fin.suc k) (x ∷ xs) (y ∷ ys) = lookupZipWith _∗_ k xs ys

  zipWithComp : {h : ℕ} (gs : Vec (B → C) h) (fs : Vec (A → B) h) (xs : Vec A h)
    → Vec.zipWith (λ g y → g y) gs (Vec.zipWith (λ f x → f x) fs xs)
    ≡ Vec.zipWith (λ f x → f x) (Vec.zipWith (λ g f → g ∘ f) gs fs) xs
  zipWithComp []       []       []       = refl
  zipWithComp (g ∷ gs) (f ∷ fs) (x ∷ xs) = cong (g (f x) ∷_) (zipWithComp gs fs xs)

-- Heads do not mix: output head k depends on input head k alone.
headsDoNotMix : {h d e : ℕ} (fs : Vec (Vec A d → Vec B e) h) (k : Fin h) (xs : Vec A (h ·ℕ d))
  → Vec.lookup k (splitHeads h e (perHead fs xs)) ≡ Vec.lookup k fs (Vec.lookup k (splitHeads h d xs))
headsDoNotMix {h = h} {d} {e} fs k xs =
  cong (Vec.lookup k) (splitJoin h e (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs)))
  ∙ lookupZipWith (λ f x → f x) k fs (splitHeads h d xs)

-- Maps for each head compose head by head.
perHeadComp : {h d e c : ℕ} (gs : Vec (Vec B e → Vec C c) h) (fs : Vec (Vec A d → Vec B e) h)
  (xs : Vec A (h ·ℕ d)) → perHead gs (perHead fs xs) ≡ perHead (Vec.zipWith (λ g f → g ∘ f) gs fs) xs
perHeadComp {h = h} {d} {e} gs fs xs =
  cong joinHeads
    ( cong (Vec.zipWith (λ g y → g y) gs) (splitJoin h e (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs)))
    ∙ zipWithComp gs fs (splitHeads h d xs))

-- h = 8 heads of width d_k = d_v = d_model / h = 64 (Section 3.2.2).
baseModelWidth : 8 ·ℕ 64 ≡ 512
baseModelWidth = refl
