{-
The room's network on the room's numbers.

  numpy_checks.py                  here
  -------------------------------  -----------------------------------------------------------------
  weights and biases of a layer    Weights: W_xh, W_hh and the sum of both biases
  characters                       numbers, of which `letter` makes letters
  a state                          a list of numbers, so that each is computed once
-}
module CharRNN-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Evaluation.Float using (Float; float; tanh; exp) renaming (_+_ to _+ᶠ_; _-_ to _-ᶠ_; _·_ to _·ᶠ_; _/_ to _/ᶠ_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import CharRNN-Machine using (outputs; carried; text; stack)
open import CharRNN float
import CharRNN-Hello
import CharRNN-Text
import CharRNN-Truncation

Numbers Matrix : Type
Numbers = List Float
Matrix  = List Numbers

record Weights : Type where
  constructor weights
  field
    ih hh : Matrix
    b     : Numbers

made : {n m : ℕ} → Weights → Layer n m
made (weights ih hh b) = layer (matrix 0.0 ih) (matrix 0.0 hh) (vector 0.0 b)

letter : (k : ℕ) → ℕ → Fin (suc k)
letter k c = index c

-- n units, suc k characters.
module _ (n k : ℕ) where

  first : Weights → Numbers → Fin (suc k) → Numbers
  first w h c = list {n = n} (charStep tanh (made w) (vector 0.0 h) c)

  second : Weights → Numbers → Numbers → Numbers
  second w h x = list {n = n} (rnnStep tanh (made {n} {n} w) (vector 0.0 h) (vector 0.0 x))

  -- What the upper layer becomes, window by window; layer by layer; and what the lower one becomes.
  windowed layered lowest : (lower upper : Weights) → (start start′ : Numbers) → List (List ℕ) → Matrix
  windowed lower upper s t ws = carried (stack (first lower) (second upper)) snd (map (map (letter k)) ws) (s , t)
  layered  lower upper s t ws = outputs (second upper) (λ u → u) (lowest lower upper s t ws) t
  lowest   lower upper s t ws = outputs (first lower) (λ u → u) (text (map (map (letter k)) ws)) s

  -- The first layer's next state, its character read as a 1-of-k vector.
  multiplied : Weights → Numbers → ℕ → Numbers
  multiplied w h c = list {n = n} (rnnStep tanh (made w) (vector 0.0 h) (oneOfK (letter k c)))

  scores : Matrix → Numbers → Numbers → Numbers
  scores V c h = list {n = suc k} (confidences (matrix 0.0 V) (vector 0.0 c) (vector {n = n} 0.0 h))

  -- p = exp(y) / Σ exp(y)
  shares : Numbers → Numbers
  shares ys = map (λ y → exp y /ᶠ total ys) ys
    where
    total : Numbers → Float
    total []       = 0.0
    total (y ∷ ys) = exp y +ᶠ total ys

  -- Texts through both layers. A state is that of the layers, with the probabilities of the next character.
  module _ (lower upper : Weights) (V : Matrix) (c : Numbers) where

    State : Type
    State = (Numbers × Numbers) × Numbers

    seen : Numbers × Numbers → State
    seen hs = hs , shares (scores V c (snd hs))

    next : State → Fin (suc k) → State
    next (hs , _) x = seen (stack (first lower) (second upper) hs x)

    open CharRNN-Text float next (λ s → vector 0.0 (snd s)) using (probability; overTexts)

    -- How probable ys are, once x was read; and the same, ys cut in two.
    chain : (h h′ : Numbers) → ℕ → List ℕ → Numbers
    chain h h′ x ys = probability cs s ∷ product cs ∷ []
      where
      s = next (seen (h , h′)) (letter k x)
      cs = map (letter k) ys
      product : List (Fin (suc k)) → Float
      product []       = 1.0
      product (c ∷ cs) = probability (c ∷ []) s ·ᶠ probability cs (run next (c ∷ []) s)

    total : (h h′ : Numbers) → ℕ → Float
    total h h′ n = overTexts n (λ cs → probability cs (seen (h , h′)))

  -- The rate of the last state, the parameters moving at the rates of `rates` and the carried state at v: whole, truncated, and
  -- what is between them.
  module _ (w rates : Weights) where

    open CharRNN-Truncation float tanh (λ a → 1.0 -ᶠ tanh a ·ᶠ tanh a) {n} {suc k} (made w) (made rates)

    read : List ℕ → List (Vector (suc k))
    read = map (λ c → shared (oneOfK (letter k c)))

    split : (h v : Numbers) → List ℕ → Matrix
    split h v xs =
        list (rateAfter (read xs) (vector 0.0 h) (vector 0.0 v))
      ∷ list (rateAfter (read xs) (vector 0.0 h) origin ⊕ run tangent (slopeTrace (vector 0.0 h) (read xs)) (vector 0.0 v))
      ∷ []

    -- One step: h_1, and its rate from dual numbers and from its two parts.
    rate : (h v : Numbers) → ℕ → Matrix
    rate h v x = list (λ j → fst (moved j)) ∷ list (λ j → snd (moved j))
      ∷ list (tangent (vector 0.0 v) (slopes h′ x′) ⊕ own h′ x′) ∷ []
      where
      h′ = vector 0.0 h
      x′ = oneOfK (letter k x)
      moved = dualStep (λ j → h′ j , vector 0.0 v j) x′

-- "hell" through the reader of one bit, and the targets, as numbers of letters.
hello : List (List ℕ)
hello = map number (outputs remember emitted inputs (h , false)) ∷ map number targets ∷ []
  where
  open CharRNN-Hello
  number : Letter → ℕ
  number h = 0
  number e = 1
  number l = 2
  number o = 3
