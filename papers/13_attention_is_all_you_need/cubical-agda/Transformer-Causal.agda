{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Causal operators on sequences, of tokens of any type: «predictions for position i can depend only on the known outputs
at positions less than i» (Section 3.1).

  paper                                here
  outputs shifted right (Figure 1)     the input list: output t reads inputs 1 … t, which are the known outputs 0 … t − 1
  a map over prefixes                  causal f: y_t = f(x_1 … x_t)
  causality of any operator            IsCausal: it keeps lengths and commutes with `take`
  x + Sublayer(x) (3.1)                residual
-}
module Transformer-Causal where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.List.Base using (List; []; _∷_; [_]; _++_; map; take; length)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Lists

private
  variable
    ℓ ℓ' : Level
    A B C : Type ℓ

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

-- A map over prefixes after another is one map over prefixes.
causalComp : (g : List B → C) (f : List A → B) (xs : List A)
           → causal g (causal f xs) ≡ causal (λ p → g (causal f p)) xs
causalComp g f xs =
  cong (map g) (causalPrefixes (causal f) (causalIsCausal f) xs) ∙ mapComp g (causal f) (prefixes xs)

-- The composite of causal operators is causal, so causal layers stack.
isCausalComp : (G : List B → List C) (F : List A → List B)
             → IsCausal G → IsCausal F → IsCausal (G ∘ F)
isCausalComp G F (G-length , G-take) (F-length , F-take) =
    (λ xs → G-length (F xs) ∙ F-length xs)
  , (λ n xs → G-take n (F xs) ∙ cong G (F-take n xs))

-- A position-wise layer (Section 3.3) is causal.
mapIsCausal : (f : A → B) → IsCausal (map f)
mapIsCausal f = lengthMap f , takeMap f

-- x + Sublayer(x) at every position (Section 3.1).
residual : (A → A → A) → (List A → List A) → List A → List A
residual _+_ F xs = zipWith _+_ xs (F xs)

-- A residual sum is causal where the sublayer is.
residualIsCausal : (_+_ : A → A → A) (F : List A → List A) → IsCausal F → IsCausal (residual _+_ F)
residualIsCausal _+_ F (keepsLength , commutes) =
    (λ xs → lengthZipWith _+_ xs (F xs) (keepsLength xs))
  , (λ n xs → takeZipWith _+_ n xs (F xs) ∙ cong (zipWith _+_ (take n xs)) (commutes n xs))
