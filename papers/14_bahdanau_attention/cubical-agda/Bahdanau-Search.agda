{-# OPTIONS --safe #-}
{-
Paper 14: D. Bahdanau, K. Cho, Y. Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate» (2014),
arXiv:1409.0473

The decoder (Sections 3.1 and A.2.2) under teacher forcing, whatever its state, alignment model and readout compute.

  paper                                        here
  c_i from s_{i−1} and the annotations         context s M
  s_i = f(s_{i−1}, y_{i−1}, c_i)               step s y (context s M)
  s_1, …, s_T                                  states M s_0 ys, ys = y_0, …, y_{T−1}
  p(y_i) from s_{i−1}, y_{i−1}, c_i (A.2.2)    readout s y (context s M), all of them: predictions M s_0 ys
-}
open import Cubical.Foundations.Prelude
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)

module Bahdanau-Search {ℓ : Level} {State Word Context Annotation Prediction : Type ℓ}
  (context : State → FMSet Annotation → Context)
  (step : State → Word → Context → State) (readout : State → Word → Context → Prediction) where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_; [_]; take)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Multiset
open import Bahdanau-Encoder using (scan)

states : FMSet Annotation → State → List Word → List State
states M = scan (λ s y → step s y (context s M))

predictions : FMSet Annotation → State → List Word → List Prediction
predictions M s []       = []
predictions M s (y ∷ ys) = readout s y (context s M) ∷ predictions M (step s y (context s M)) ys

-- The decoder that is given one vector for the whole sentence.
fixedStates : Context → State → List Word → List State
fixedStates c = scan (λ s y → step s y c)

-- Given s_0, a whole translation is a map out of the multiset of annotations: in whatever order they come, states and
-- predictions are the same. What order the words had is told by the annotations and s_0 alone.
translationOfPermuted : {hs ks : List Annotation} → hs ↭ ks → (s : State) (ys : List Word)
  → (states (toMultiset hs) s ys ≡ states (toMultiset ks) s ys)
  × (predictions (toMultiset hs) s ys ≡ predictions (toMultiset ks) s ys)
translationOfPermuted p s ys =
  (λ i → states (permutationToPath p i) s ys) , (λ i → predictions (permutationToPath p i) s ys)

-- Words that come later in the translation change nothing before them.
statesOfPrefix : (M : FMSet Annotation) (n : ℕ) (s : State) (ys : List Word) → take n (states M s ys) ≡ states M s (take n ys)
statesOfPrefix M zero    s ys       = refl
statesOfPrefix M (suc n) s []       = refl
statesOfPrefix M (suc n) s (y ∷ ys) = cong (s′ ∷_) (statesOfPrefix M n s′ ys)
  where
  s′ : State
  s′ = step s y (context s M)

-- The word y_{i−1} reaches the prediction of y_i by the readout's own y alone, since it reads s_{i−1}, which has not seen it:
-- if the readout takes two words for the same, so do the predictions.
lastWordByReadout : (M : FMSet Annotation) (y z : Word) → ((s : State) (c : Context) → readout s y c ≡ readout s z c)
  → (s : State) (ys : List Word) → predictions M s (ys ++ [ y ]) ≡ predictions M s (ys ++ [ z ])
lastWordByReadout M y z same s []       = cong [_] (same s (context s M))
lastWordByReadout M y z same s (x ∷ xs) =
  cong (readout s x (context s M) ∷_) (lastWordByReadout M y z same (step s x (context s M)) xs)

-- Where the context is one and the same at every state (a sentence of one word, annotations all equal), search is the
-- decoder with a fixed vector.
searchOfConstant : (M : FMSet Annotation) (c : Context) → ((s : State) → context s M ≡ c)
  → (s : State) (ys : List Word) → states M s ys ≡ fixedStates c s ys
searchOfConstant M c constant s ys = λ i → scan (λ s y → step s y (constant s i)) s ys
