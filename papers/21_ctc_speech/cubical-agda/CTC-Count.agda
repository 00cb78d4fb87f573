{-# OPTIONS --safe #-}
{-
How many alignments a label has, and which labels have none: of T frames, a label of U symbols with r adjacent repeats has
C(T + U − r, 2U) of them, none exactly where T < U + r.

  formula            here
  -----------------  ------------------------------------------
  C(n, k)            binomial n k, by Pascal's rule
  U, r               length l, repeats l
  U − r              runs l: maximal blocks of equal symbols
-}
open import Cubical.Foundations.Prelude hiding (Path)
open import Cubical.Relation.Nullary using (¬_; yes; no; Discrete)

module CTC-Count {A : Type} (_≟_ : Discrete A) where

open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; length)
open import Cubical.Data.List.Properties using (length++)
open import Cubical.Data.Maybe using (just; nothing)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_; _·_; _∸_)
open import Cubical.Data.Nat.Properties
open import Cubical.Data.Nat.Order using
  (_≤_; _<_; <-+k; pred-≤-pred; suc-≤-suc; ¬-<-zero; ≤-+k; ≤-refl; ≤-suc; ≤-trans; ≤SumRight)
open import Cubical.Data.Sigma using (_,_)
open import S30.Lists using (lengthMap)
open import CTC-Collapse _≟_
open import CTC-Semiring
import CTC-Forward

private
  variable
    X : Type

binomial : ℕ → ℕ → ℕ
binomial n       zero    = 1
binomial zero    (suc k) = 0
binomial (suc n) (suc k) = binomial n (suc k) + binomial n k

binomialAbove : (n k : ℕ) → n < k → binomial n k ≡ 0
binomialAbove n       zero    n<k = ⊥.rec (¬-<-zero n<k)
binomialAbove zero    (suc k) n<k = refl
binomialAbove (suc n) (suc k) n<k =
  cong₂ _+_ (binomialAbove n (suc k) (≤-trans (pred-≤-pred n<k) (≤-suc ≤-refl))) (binomialAbove n k (pred-≤-pred n<k))

binomialPositive : (n k : ℕ) → k ≤ n → 1 ≤ binomial n k
binomialPositive n       zero    _   = ≤-refl
binomialPositive zero    (suc k) k≤n = ⊥.rec (¬-<-zero k≤n)
binomialPositive (suc n) (suc k) k≤n = ≤-trans (binomialPositive n k (pred-≤-pred k≤n)) ≤SumRight

twice : ℕ → ℕ
twice zero    = 0
twice (suc u) = suc (suc (twice u))

twiceIsSum : (u : ℕ) → twice u ≡ u + u
twiceIsSum zero    = refl
twiceIsSum (suc u) = cong suc (cong suc (twiceIsSum u) ∙ sym (+-suc u u))

----------------------------------------------------------------------
-- Repeats and runs of a label

runsAfter repeatsAfter : A → Label → ℕ
runsAfter a []      = 0
runsAfter a (c ∷ l) = choose (a ≟ c) (runsAfter c l) (suc (runsAfter c l))

repeatsAfter a []      = 0
repeatsAfter a (c ∷ l) = choose (a ≟ c) (suc (repeatsAfter c l)) (repeatsAfter c l)

runs repeats : Label → ℕ
runs []      = 0
runs (a ∷ l) = suc (runsAfter a l)

repeats []      = 0
repeats (a ∷ l) = repeatsAfter a l

-- Each symbol but the first begins a run or repeats the one before.
runsAndRepeats : (l : Label) → runs l + repeats l ≡ length l
runsAndRepeats []      = refl
runsAndRepeats (a ∷ l) = cong suc (after a l)
  where
  after : (a : A) (l : Label) → runsAfter a l + repeatsAfter a l ≡ length l
  after a []      = refl
  after a (c ∷ l) with a ≟ c
  ... | yes _ = +-suc _ _ ∙ cong suc (after c l)
  ... | no _  = cong suc (after c l)

runsAfterBound : (a : A) (l : Label) → runsAfter a l ≤ twice (length l)
runsAfterBound a []      = ≤-refl
runsAfterBound a (c ∷ l) with a ≟ c
... | yes _ = ≤-suc (≤-suc (runsAfterBound c l))
... | no _  = suc-≤-suc (≤-suc (runsAfterBound c l))

runsAfterBelow : (a c : A) (l : Label) → runsAfter a (c ∷ l) < twice (length (c ∷ l))
runsAfterBelow a c l with a ≟ c
... | yes _ = suc-≤-suc (≤-suc (runsAfterBound c l))
... | no _  = suc-≤-suc (suc-≤-suc (runsAfterBound c l))

----------------------------------------------------------------------
-- The count, by the state in which the frames before have ended

countBlank  : (T : ℕ) (l : Label) → length (alignments T nothing l) ≡ binomial (T + runs l) (twice (length l))
countSymbol : (T : ℕ) (a : A) (l : Label)
            → length (alignments T (just a) l) ≡ binomial (T + suc (runsAfter a l)) (suc (twice (length l)))
countEnters : (T : ℕ) (a : A) (l : Label)
            → length (alignments T nothing l) + length (enters T (just a) l) ≡ binomial (T + suc (runsAfter a l)) (twice (length l))

countBlank zero    []      = refl
countBlank zero    (c ∷ l) = sym (binomialAbove _ _ (suc-≤-suc (suc-≤-suc (runsAfterBound c l))))
countBlank (suc T) []      = length++ (map (nothing ∷_) (alignments T nothing [])) []
  ∙ +-zero _ ∙ lengthMap _ (alignments T nothing []) ∙ countBlank T []
countBlank (suc T) (c ∷ l) = length++ (map (nothing ∷_) (alignments T nothing (c ∷ l))) _
  ∙ cong₂ _+_ (lengthMap _ (alignments T nothing (c ∷ l)) ∙ countBlank T (c ∷ l))
      (lengthMap _ (alignments T (just c) l) ∙ countSymbol T c l)

countSymbol zero    a []      = refl
countSymbol zero    a (c ∷ l) = sym (binomialAbove _ _ (suc-≤-suc (runsAfterBelow a c l)))
countSymbol (suc T) a l       =
    length++ (map (nothing ∷_) (alignments T nothing l)) _
  ∙ cong₂ _+_ (lengthMap _ (alignments T nothing l))
      (length++ (map (just a ∷_) (alignments T (just a) l)) _ ∙ cong (_+ e) (lengthMap _ (alignments T (just a) l)))
  ∙ +-assoc b s e ∙ cong (_+ e) (+-comm b s) ∙ sym (+-assoc s b e)
  ∙ cong₂ _+_ (countSymbol T a l) (countEnters T a l)
  where
  b = length (alignments T nothing l)
  s = length (alignments T (just a) l)
  e = length (enters T (just a) l)

countEnters T a []      = +-zero _ ∙ countBlank T []
countEnters T a (c ∷ l) with a ≟ c
... | yes _ = +-zero _ ∙ countBlank T (c ∷ l)
... | no _  = cong₂ _+_ (countBlank T (c ∷ l)) (lengthMap _ (alignments T (just c) l) ∙ countSymbol T c l)
  ∙ cong (λ n → binomial n (twice (length (c ∷ l)))) (sym (+-suc T _))

runsAreDifference : (T : ℕ) (l : Label) → (T + length l) ∸ repeats l ≡ T + runs l
runsAreDifference T l =
    cong (λ u → (T + u) ∸ repeats l) (sym (runsAndRepeats l))
  ∙ cong (_∸ repeats l) (+-assoc T (runs l) (repeats l)) ∙ +∸ (T + runs l) (repeats l)

----------------------------------------------------------------------
-- What follows

-- A label of U symbols with r adjacent repeats has C(T + U − r, 2U) alignments in T frames.
alignmentCount : (T : ℕ) (l : Label)
               → length (alignments T nothing l) ≡ binomial ((T + length l) ∸ repeats l) (length l + length l)
alignmentCount T l = countBlank T l ∙ cong₂ binomial (sym (runsAreDifference T l)) (twiceIsSum (length l))

private
  shorter : (T : ℕ) (l : Label) → T < length l + repeats l → T + runs l < twice (length l)
  shorter T l T< = subst (T + runs l <_)
    ( sym (+-assoc (length l) (repeats l) (runs l))
    ∙ cong (length l +_) (+-comm (repeats l) (runs l) ∙ runsAndRepeats l) ∙ sym (twiceIsSum (length l)) )
    (<-+k T<)

  longer : (T : ℕ) (l : Label) → length l + repeats l ≤ T → twice (length l) ≤ T + runs l
  longer T l ≤T = subst (_≤ T + runs l)
    ( sym (+-assoc (length l) (repeats l) (runs l))
    ∙ cong (length l +_) (+-comm (repeats l) (runs l) ∙ runsAndRepeats l) ∙ sym (twiceIsSum (length l)) )
    (≤-+k ≤T)

  noElements : (xs : List X) → length xs ≡ 0 → xs ≡ []
  noElements []       _ = refl
  noElements (x ∷ xs) e = ⊥.rec (snotz e)

-- Fewer frames than symbols and repeats together: there is no alignment.
noAlignment : (T : ℕ) (l : Label) → T < length l + repeats l → alignments T nothing l ≡ []
noAlignment T l T< = noElements _ (countBlank T l ∙ binomialAbove _ _ (shorter T l T<))

-- As many frames as symbols and repeats together, or more: there is one.
someAlignment : (T : ℕ) (l : Label) → length l + repeats l ≤ T → 1 ≤ length (alignments T nothing l)
someAlignment T l ≤T = subst (1 ≤_) (sym (countBlank T l)) (binomialPositive _ _ (longer T l ≤T))

module Impossible (S : Semiring) where
  open Semiring S using (0#)
  open CTC-Forward _≟_ S using (Frame; forward; weight; forwardSumsFibre)
  open Sums S using (sumOf)

  -- With fewer frames than symbols and repeats the forward recursion gives zero, whatever the weights are: log p is −∞.
  impossibleIsZero : (ys : List Frame) (l : Label) → length ys < length l + repeats l → forward ys l ≡ 0#
  impossibleIsZero ys l T< = forwardSumsFibre ys l ∙ cong (sumOf (weight ys)) (noAlignment (length ys) l T<)

----------------------------------------------------------------------
-- All weights one, in the natural numbers

natural : Semiring
natural = record
  { Carrier = ℕ ; 0# = 0 ; 1# = 1 ; _+_ = _+_ ; _·_ = _·_
  ; +Assoc = +-assoc ; +Comm = +-comm ; +IdR = +-zero
  ; ·Assoc = ·-assoc ; ·IdR = ·-identityʳ ; ·IdL = ·-identityˡ
  ; ·DistR+ = λ a b c → sym (·-distribˡ a b c) ; ·DistL+ = λ a b c → sym (·-distribʳ a b c)
  ; ·0 = λ a → sym (0≡m·0 a) ; 0· = λ _ → refl }

open CTC-Forward _≟_ natural using (Frame; forward; weight; forwardSumsFibre)
open Sums natural using (sumOf)

ones : ℕ → List Frame
ones zero    = []
ones (suc T) = (λ _ → 1) ∷ ones T

-- Where all weights are one the forward recursion counts the alignments: C(T + U − r, 2U).
forwardCounts : (T : ℕ) (l : Label) → forward (ones T) l ≡ binomial ((T + length l) ∸ repeats l) (length l + length l)
forwardCounts T l = forwardSumsFibre (ones T) l ∙ allOnes T (alignments (length (ones T)) nothing l)
  ∙ cong (λ n → length (alignments n nothing l)) (frames T) ∙ alignmentCount T l
  where
  frames : (T : ℕ) → length (ones T) ≡ T
  frames zero    = refl
  frames (suc T) = cong suc (frames T)

  isOne : (T : ℕ) (π : Path) → weight (ones T) π ≡ 1
  isOne zero    π       = refl
  isOne (suc T) []      = refl
  isOne (suc T) (p ∷ π) = +-zero _ ∙ isOne T π

  allOnes : (T : ℕ) (ps : List Path) → sumOf (weight (ones T)) ps ≡ length ps
  allOnes T []       = refl
  allOnes T (π ∷ ps) = cong₂ _+_ (isOne T π) (allOnes T ps)
