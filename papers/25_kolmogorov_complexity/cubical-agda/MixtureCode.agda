{-# OPTIONS --safe #-}
{-
The mixture of adaptive codes as a measure on the binary tree (chapter 5), over any commutative ring.

  numpy_checks.py                   here
  the past x_<t                     y : BitString, its newest bit first
  p_kt, for both symbols            p y b                       (p : Prediction)
  n_cs, c the k bits before x_t     seen k (context k y) s y
  a_k, 1 / (n_c0 + n_c1 + …)        a, inverse                  (what inverts the total is a parameter)
  P_k(x)                            probability p [] x
  (w_k, P_k), M(x)                  ps, mixture ps x
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module MixtureCode {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.Bool using (Bool; true; false; not; _and_; if_then_else_)
open import Cubical.Data.Sigma using (_×_; _,_; fst; snd)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.List using (List; []; _∷_; _++_; map)
open import S30.BitStrings using (BitString; stringsOf)
open import S30.Lists using (All; mapConcat)
open import S30.Ring R' using (sumList; +Interchange; ·0Absorbs)

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +Assoc; +IdR; +IdL; ·IdR; ·DistR+; ·DistL+)

private
  R : Type ℓ
  R = fst R'

-- What is expected of the next bit, for each past.
Prediction : Type ℓ
Prediction = BitString → Bool → R

IsFair : Prediction → Type ℓ
IsFair p = (y : BitString) → p y false + p y true ≡ 1r

-- The probability of x after the past y, by the chain rule.
probability : Prediction → BitString → BitString → R
probability p y []      = 1r
probability p y (b ∷ x) = p y b · probability p (b ∷ y) x

mixture : List (R × Prediction) → BitString → R
mixture []             x = 0r
mixture ((w , p) ∷ ps) x = w · probability p [] x + mixture ps x

AllFair : List (R × Prediction) → Type ℓ
AllFair = All (λ (_ , p) → IsFair p)

-------------------------------------------------------------------------------
-- Measures on the tree
-------------------------------------------------------------------------------

-- P(x 0) + P(x 1) = P(x), after any past, for predictions whose two values sum to one.
probabilitySplits : (p : Prediction) → IsFair p → (y x : BitString)
  → probability p y (x ++ false ∷ []) + probability p y (x ++ true ∷ []) ≡ probability p y x
probabilitySplits p fair y []      = cong₂ _+_ (·IdR (p y false)) (·IdR (p y true)) ∙ fair y
probabilitySplits p fair y (b ∷ x) = sym (·DistR+ (p y b) _ _) ∙ cong (p y b ·_) (probabilitySplits p fair (b ∷ y) x)

-- M(x 0) + M(x 1) = M(x), for a mixture of fair predictions with any weights: a measure on the binary tree.
mixtureSplits : (ps : List (R × Prediction)) → AllFair ps → (x : BitString)
  → mixture ps (x ++ false ∷ []) + mixture ps (x ++ true ∷ []) ≡ mixture ps x
mixtureSplits []             _             x = +IdR 0r
mixtureSplits ((w , p) ∷ ps) (fair , fairs) x =
    +Interchange (w · probability p [] (x ++ false ∷ [])) (mixture ps (x ++ false ∷ [])) _ _
  ∙ cong₂ _+_ (sym (·DistR+ w _ _) ∙ cong (w ·_) (probabilitySplits p fair [] x)) (mixtureSplits ps fairs x)

private
  sum++ : (xs zs : List R) → sumList (xs ++ zs) ≡ sumList xs + sumList zs
  sum++ []       zs = sym (+IdL _)
  sum++ (x ∷ xs) zs = cong (x +_) (sum++ xs zs) ∙ +Assoc x _ _

module _ (p : Prediction) (fair : IsFair p) where

  private
    -- Strings that begin with b share p y b among them.
    beginning : (b : Bool) (y : BitString) (xs : List BitString)
      → sumList (map (probability p y) (map (b ∷_) xs)) ≡ p y b · sumList (map (probability p (b ∷ y)) xs)
    beginning b y []       = sym (·0Absorbs (p y b))
    beginning b y (x ∷ xs) = cong (p y b · probability p (b ∷ y) x +_) (beginning b y xs) ∙ sym (·DistR+ (p y b) _ _)

  -- The probabilities of all strings of n bits sum to one, for every n and after every past, for a fair prediction.
  allStringsSumToOne : (n : ℕ) (y : BitString) → sumList (map (probability p y) (stringsOf n)) ≡ 1r
  allStringsSumToOne zero    y = +IdR 1r
  allStringsSumToOne (suc n) y =
      cong sumList (mapConcat (probability p y) (map (false ∷_) (stringsOf n)) (map (true ∷_) (stringsOf n)))
    ∙ sum++ (map (probability p y) (map (false ∷_) (stringsOf n))) _
    ∙ cong₂ _+_ (beginning false y (stringsOf n) ∙ cong (p y false ·_) (allStringsSumToOne n (false ∷ y)) ∙ ·IdR _)
                (beginning true y (stringsOf n) ∙ cong (p y true ·_) (allStringsSumToOne n (true ∷ y)) ∙ ·IdR _)
    ∙ fair y

-------------------------------------------------------------------------------
-- The adaptive code of order k
-------------------------------------------------------------------------------

-- The k newest bits; before its first bit a string holds zeros.
context : ℕ → BitString → BitString
context zero    y       = []
context (suc k) []      = false ∷ context k []
context (suc k) (b ∷ y) = b ∷ context k y

same : Bool → Bool → Bool
same false b = not b
same true  b = b

sameString : BitString → BitString → Bool
sameString []      []      = true
sameString (b ∷ u) (c ∷ v) = same b c and sameString u v
sameString _       _       = false

-- How often the symbol s followed the context c.
seen : ℕ → BitString → Bool → BitString → ℕ
seen k c s []      = zero
seen k c s (b ∷ y) = if same s b and sameString c (context k y) then suc (seen k c s y) else seen k c s y

fromℕ : ℕ → R
fromℕ zero    = 0r
fromℕ (suc n) = 1r + fromℕ n

module _ (k : ℕ) (a : Bool → R) (inverse : R → R) where

  -- n_cs + a_s, and their sum over both symbols.
  weight : BitString → Bool → R
  weight y s = fromℕ (seen k (context k y) s y) + a s

  total : BitString → R
  total y = weight y false + weight y true

  -- p = (n_cx + a_x) / (n_c0 + n_c1 + a_0 + a_1)
  adaptive : Prediction
  adaptive y b = weight y b · inverse (total y)

  -- The adaptive code of order k with pseudo-counts a is fair, if `inverse` inverts every total.
  adaptiveIsFair : ((y : BitString) → total y · inverse (total y) ≡ 1r) → IsFair adaptive
  adaptiveIsFair inverts y = sym (·DistL+ (weight y false) (weight y true) (inverse (total y))) ∙ inverts y
