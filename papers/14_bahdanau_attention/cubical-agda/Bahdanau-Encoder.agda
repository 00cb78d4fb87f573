{-# OPTIONS --safe #-}
{-
Paper 14: D. Bahdanau, K. Cho, Y. Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate» (2014),
arXiv:1409.0473

The bidirectional encoder (Section 3.2, equation 7), whatever its two recurrences compute.

  paper                                here
  →f, ←f and the zeros they start at   f from s, g from t
  →h_1, …, →h_T                        scan f s xs
  ←h_1, …, ←h_T                        scanBack g t xs
  h_j = [→h_j ; ←h_j]                  annotate f s g t xs, a list of pairs
  ←h_1, of which s_0 is made           firstOr t (scanBack g t xs)
-}
module Bahdanau-Encoder where

open import Cubical.Foundations.Prelude
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; [_]; map; rev)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run; runConcat)
open import S30.Lists using (zipWith)

private
  variable
    ℓ : Level
    A S T : Type ℓ

-- The states after each word, read from the left.
scan : (S → A → S) → S → List A → List S
scan f s []       = []
scan f s (x ∷ xs) = f s x ∷ scan f (f s x) xs

firstOr : T → List T → T
firstOr t []      = t
firstOr t (x ∷ _) = x

-- One more word in front, from the state of the word behind it.
before : (T → A → T) → T → A → List T → List T
before g t x states = g (firstOr t states) x ∷ states

-- The states at each word, read from the right.
scanBack : (T → A → T) → T → List A → List T
scanBack g t []       = []
scanBack g t (x ∷ xs) = before g t x (scanBack g t xs)

annotate : (S → A → S) → S → (T → A → T) → T → List A → List (S × T)
annotate f s g t xs = zipWith _,_ (scan f s xs) (scanBack g t xs)

-- The backward state of the first word, of which s_0 is made, has read the whole sentence, from its last word to its first.
firstBackward : (g : T → A → T) (t : T) (xs : List A) → firstOr t (scanBack g t xs) ≡ run g (rev xs) t
firstBackward g t []       = refl
firstBackward g t (x ∷ xs) = cong (λ u → g u x) (firstBackward g t xs) ∙ λ i → runConcat g (rev xs) [ x ] (~ i) t

firstConcat : (g : T → A → T) (t : T) (xs zs : List A)
  → firstOr t (scanBack g t (xs ++ zs)) ≡ firstOr (run g (rev zs) t) (scanBack g (run g (rev zs) t) xs)
firstConcat g t []       zs = firstBackward g t zs
firstConcat g t (x ∷ xs) zs = cong (λ u → g u x) (firstConcat g t xs zs)

-- A sentence in two parts: of the first part the second sees its last forward state, and the first sees of the second its first
-- backward state, and nothing else.
annotateConcat : (f : S → A → S) (s : S) (g : T → A → T) (t : T) (xs zs : List A)
  → annotate f s g t (xs ++ zs) ≡ annotate f s g (run g (rev zs) t) xs ++ annotate f (run f xs s) g t zs
annotateConcat f s g t []       zs = refl
annotateConcat f s g t (x ∷ xs) zs =
  cong₂ _∷_ (cong (λ u → f s x , g u x) (firstConcat g t xs zs)) (annotateConcat f (f s x) g t xs zs)

-- The annotation of a word: its forward half has read the words up to it, its backward half those from the last back to it.
annotationOfWord : (f : S → A → S) (s : S) (g : T → A → T) (t : T) (xs : List A) (x : A) (ys : List A)
  → annotate f s g t (xs ++ x ∷ ys)
  ≡ annotate f s g (run g (rev (x ∷ ys)) t) xs
    ++ (run f (xs ++ [ x ]) s , run g (rev (x ∷ ys)) t) ∷ annotate f (run f (xs ++ [ x ]) s) g t ys
annotationOfWord f s g t xs x ys =
  annotateConcat f s g t xs (x ∷ ys)
  ∙ cong (annotate f s g (run g (rev (x ∷ ys)) t) xs ++_)
      (cong₂ (λ u v → (u , v) ∷ annotate f u g t ys) (λ i → runConcat f xs [ x ] (~ i) s) (firstBackward g t (x ∷ ys)))

exchange : S × T → T × S
exchange h = snd h , fst h

-- Both directions: a sentence read in reverse by exchanged recurrences has its annotations in reverse, their halves exchanged.
reversal : (f : S → A → S) (s : S) (g : T → A → T) (t : T) (xs : List A)
  → annotate g t f s (rev xs) ≡ rev (map exchange (annotate f s g t xs))
reversal f s g t []       = refl
reversal f s g t (x ∷ xs) =
  annotateConcat g t f s (rev xs) [ x ]
  ∙ cong₂ (λ front u → front ++ [ g u x , f s x ]) (reversal f (f s x) g t xs) (sym (firstBackward g t xs))
