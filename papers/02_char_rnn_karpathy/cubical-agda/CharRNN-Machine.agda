{-# OPTIONS --safe #-}
{-
A reader of texts: a step function that is called once a character, and what is
emitted after each («RNN computation»: rnn = RNN(); y = rnn.step(x)). What is said
here holds for every such reader, whatever its step computes: tanh RNN or LSTM.

  post                              here
  self.h                            a state s
  step(x)                           step s x, then emit
  a text                            a list of characters
  windows of a text                 a list of lists, whose concatenation it is
  y1 = rnn1.step(x); rnn2.step(y1)  Stack
-}
module CharRNN-Machine where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; take)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run; runConcat)

private
  variable
    ℓ ℓ' ℓ'' : Level
    S T A B : Type ℓ

-- What is emitted after every character.
outputs : (S → A → S) → (S → B) → List A → S → List B
outputs step emit []       s = []
outputs step emit (x ∷ xs) s = emit (step s x) ∷ outputs step emit xs (step s x)

-- All windows of a text, one after the other.
text : List (List A) → List A
text []       = []
text (w ∷ ws) = w ++ text ws

-- Window by window, each from the state that the one before it has left.
carried : (S → A → S) → (S → B) → List (List A) → S → List B
carried step emit []       s = []
carried step emit (w ∷ ws) s = outputs step emit w s ++ carried step emit ws (run step w s)

-- Reading xs ++ ys is reading ys in the state after xs: the state is all that is left of what was read.
stateIsHistory : (step : S → A → S) (xs ys : List A) → run step (xs ++ ys) ≡ run step ys ∘ run step xs
stateIsHistory = runConcat

-- What is emitted on xs ++ ys is what is emitted on xs, then what is emitted on ys from the state after xs.
outputsConcat : (step : S → A → S) (emit : S → B) (xs ys : List A) (s : S)
  → outputs step emit (xs ++ ys) s ≡ outputs step emit xs s ++ outputs step emit ys (run step xs s)
outputsConcat step emit []       ys s = refl
outputsConcat step emit (x ∷ xs) ys s = cong (emit (step s x) ∷_) (outputsConcat step emit xs ys (step s x))

-- Windows with a carried state compute the full forward pass, however the text is cut into them.
windowsAreTheText : (step : S → A → S) (emit : S → B) (ws : List (List A)) (s : S)
  → carried step emit ws s ≡ outputs step emit (text ws) s
windowsAreTheText step emit []       s = refl
windowsAreTheText step emit (w ∷ ws) s =
  cong (outputs step emit w s ++_) (windowsAreTheText step emit ws (run step w s))
  ∙ sym (outputsConcat step emit w (text ws) s)

-- What is emitted on the first n characters depends on them alone.
causal : (step : S → A → S) (emit : S → B) (n : ℕ) (xs : List A) (s : S)
  → take n (outputs step emit xs s) ≡ outputs step emit (take n xs) s
causal step emit zero    xs       s = refl
causal step emit (suc n) []       s = refl
causal step emit (suc n) (x ∷ xs) s = cong (emit (step s x) ∷_) (causal step emit n xs (step s x))

-- Two readers, the second of which receives what the first has become, character by character.
stack : (S → A → S) → (T → S → T) → S × T → A → S × T
stack lower upper (s , t) x = lower s x , upper t (lower s x)

-- Character by character through both layers, or the whole text through the first and then through the second, is the same:
-- «neither of these RNNs know or care».
layerByLayer : (lower : S → A → S) (upper : T → S → T) (xs : List A) (s : S) (t : T)
  → outputs (stack lower upper) snd xs (s , t) ≡ outputs upper (λ u → u) (outputs lower (λ u → u) xs s) t
layerByLayer lower upper []       s t = refl
layerByLayer lower upper (x ∷ xs) s t =
  cong (upper t (lower s x) ∷_) (layerByLayer lower upper xs (lower s x) (upper t (lower s x)))
