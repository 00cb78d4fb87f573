{-# OPTIONS --safe #-}
{-
The working example («Character-Level Language Models»): a vocabulary of four
letters, the training sequence "hello". «The first time the character "l" is input,
the target is "l", but the second time the target is "o". The RNN therefore cannot
rely on the input alone and must use its recurrent connection.»
-}
module CharRNN-Hello where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.Bool.Properties using (true≢false)
open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.Relation.Nullary using (¬_)
open import CharRNN-Machine using (outputs)

data Letter : Type where
  h e l o : Letter

inputs targets : List Letter
inputs  = h ∷ e ∷ l ∷ l ∷ []
targets = e ∷ l ∷ l ∷ o ∷ []

private
  variable
    ℓ : Level
    A : Type ℓ

  -- Element number n, or a given one where the list is too short.
  third fourth : A → List A → A
  third d (_ ∷ _ ∷ x ∷ _)      = x
  third d _                    = d
  fourth d (_ ∷ _ ∷ _ ∷ x ∷ _) = x
  fourth d _                   = d

  isL : Letter → Bool
  isL l = true
  isL _ = false

-- No function of the input alone names the next letter of "hello" throughout: whatever it says to "l" is wrong once.
inputAloneFails : (f : Letter → Letter) → ¬ (map f inputs ≡ targets)
inputAloneFails f p = true≢false (cong isL (sym (cong (third h) p) ∙ cong (fourth h) p))

-- Nor does a reader whose state forgets everything but the last letter, whatever it emits.
lastLetterFails : (S : Type) (step : S → Letter → S) (emit : S → Letter) (s : S)
  → ((s t : S) (x : Letter) → step s x ≡ step t x) → ¬ (outputs step emit inputs s ≡ targets)
lastLetterFails S step emit s forgets p =
  true≢false (cong isL (sym (cong (third h) p) ∙ cong emit (forgets _ _ l) ∙ cong (fourth h) p))

-- One bit of state is enough: whether the letter before the last one was an "l".
remember : Letter × Bool → Letter → Letter × Bool
remember (x , seen) y = y , isL x

emitted : Letter × Bool → Letter
emitted (h , _)     = e
emitted (e , _)     = l
emitted (l , false) = l
emitted (l , true)  = o
emitted (o , _)     = o
