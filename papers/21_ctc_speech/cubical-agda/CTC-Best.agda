{-# OPTIONS --safe #-}
{-
The best alignment of a label. Where the sum of two weights is always one of them, as the greater of two probabilities is, the same
forward recursion gives the weight of an alignment, and no alignment is above it: what is called the Viterbi recursion.

  paper                              here
  ---------------------------------  ---------------------------------------------------------------
  max(a, b) is a or b                chooses: a + b ≡ a or a + b ≡ b
  a ≤ b                              a + b ≡ b
-}
open import Cubical.Foundations.Prelude hiding (Path)
open import Cubical.Relation.Nullary using (Discrete)
open import Cubical.Data.Sum using (_⊎_; inl; inr)
open import CTC-Semiring

module CTC-Best {A : Type} (_≟_ : Discrete A) (S : Semiring)
  (chooses : (a b : Semiring.Carrier S) → (Semiring._+_ S a b ≡ a) ⊎ (Semiring._+_ S a b ≡ b)) where

open import Cubical.Data.List.Base using (List; []; _∷_; length)
open import Cubical.Data.Maybe using (nothing)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_)
open import S30.Pigeonhole using (_∈_)
open import CTC-Collapse _≟_
open import CTC-Forward _≟_ S using (Frame; weight; forward; forwardSumsFibre)

open Semiring S
open Sums S

twice : (a : Carrier) → a + a ≡ a
twice a with chooses a a
... | inl e = e
... | inr e = e

attained : {X : Type} (f : X → Carrier) (xs : List X) → (sumOf f xs ≡ 0#) ⊎ (Σ[ x ∈ X ] (x ∈ xs) × (sumOf f xs ≡ f x))
attained f []       = inl refl
attained f (x ∷ xs) with chooses (f x) (sumOf f xs)
... | inl e = inr (x , inl refl , e)
... | inr e with attained f xs
...   | inl z             = inl (e ∙ z)
...   | inr (y , y∈ , e′) = inr (y , inr y∈ , e ∙ e′)

above : {X : Type} (f : X → Carrier) (x : X) (xs : List X) → x ∈ xs → f x + sumOf f xs ≡ sumOf f xs
above f x (y ∷ ys) (inl e) = cong (λ z → f z + (f y + sumOf f ys)) e ∙ +Assoc _ _ _ ∙ cong (_+ sumOf f ys) (twice (f y))
above f x (y ∷ ys) (inr m) =
  +Assoc _ _ _ ∙ cong (_+ sumOf f ys) (+Comm _ _) ∙ sym (+Assoc _ _ _) ∙ cong (f y +_) (above f x ys m)

-- Where a sum is one of its terms, the forward recursion gives the weight of an alignment of the label, or zero.
bestIsAttained : (ys : List Frame) (l : Label)
  → (forward ys l ≡ 0#) ⊎ (Σ[ π ∈ Path ] (length π ≡ length ys) × (collapse π ≡ l) × (forward ys l ≡ weight ys π))
bestIsAttained ys l with attained (weight ys) (alignments (length ys) nothing l)
... | inl z            = inl (forwardSumsFibre ys l ∙ z)
... | inr (π , m , e)  = let (length≡ , collapse≡) = alignmentsSound (length ys) l π m
  in inr (π , length≡ , collapse≡ , forwardSumsFibre ys l ∙ e)

-- And no alignment of the label is above it.
noneIsBetter : (ys : List Frame) (l : Label) (π : Path) → length π ≡ length ys → collapse π ≡ l
             → weight ys π + forward ys l ≡ forward ys l
noneIsBetter ys l π length≡ collapse≡ = cong (weight ys π +_) (forwardSumsFibre ys l)
  ∙ above (weight ys) π _ (alignmentsComplete (length ys) l π length≡ collapse≡) ∙ sym (forwardSumsFibre ys l)
