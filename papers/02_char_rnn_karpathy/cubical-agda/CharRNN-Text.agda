{-# OPTIONS --safe #-}
{-
A model of the next character is a model of whole texts («Character-Level Language
Models»: «model the probability distribution of the next character in the sequence
given a sequence of previous characters. This will then allow us to generate new
text one character at a time»).

The numbers are an abstract commutative ring R; p s c is the probability of the
character c in the state s, of k characters.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.FinData.Base using (Fin)

module CharRNN-Text {ℓ : Level} (R' : CommRing ℓ) {ℓ' : Level} {S : Type ℓ'} {k : ℕ}
  (step : S → Fin k → S) (p : S → Fin k → fst R') where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_)
open import S30.Fold using (run)
import S30.Sum

open CommRingStr (snd R') using (1r; _·_; ·Assoc; ·IdR; ·IdL)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑MulL)

private
  R = fst R'

-- The probability of a text: one factor a character, each in the state that the text before it has left.
probability : List (Fin k) → S → R
probability []       s = 1r
probability (c ∷ cs) s = p s c · probability cs (step s c)

-- The sum over all texts of n characters.
overTexts : ℕ → (List (Fin k) → R) → R
overTexts zero    f = f []
overTexts (suc n) f = ∑ (λ c → overTexts n (λ cs → f (c ∷ cs)))

-- Chain rule: the probability of xs ++ ys is that of xs times that of ys in the state after xs.
chainRule : (xs ys : List (Fin k)) (s : S) → probability (xs ++ ys) s ≡ probability xs s · probability ys (run step xs s)
chainRule []       ys s = sym (·IdL _)
chainRule (x ∷ xs) ys s = cong (p s x ·_) (chainRule xs ys (step s x)) ∙ ·Assoc _ _ _

overTextsFactor : (n : ℕ) (a : R) (f : List (Fin k) → R) → overTexts n (λ cs → a · f cs) ≡ a · overTexts n f
overTextsFactor zero    a f = refl
overTextsFactor (suc n) a f =
  ∑Ext (λ c → overTextsFactor n a (λ cs → f (c ∷ cs))) ∙ sym (∑MulL a (λ c → overTexts n (λ cs → f (c ∷ cs))))

-- If the probabilities of the next character sum to one in every state, those of all texts of n characters do, for every n
-- and from every state: sampling character by character draws from a distribution over texts.
textsSumToOne : ((s : S) → ∑ (p s) ≡ 1r) → (n : ℕ) (s : S) → overTexts n (λ cs → probability cs s) ≡ 1r
textsSumToOne isOne zero    s = refl
textsSumToOne isOne (suc n) s =
  ∑Ext (λ c → overTextsFactor n (p s c) (λ cs → probability cs (step s c))
            ∙ cong (p s c ·_) (textsSumToOne isOne n (step s c)) ∙ ·IdR (p s c))
  ∙ isOne s
