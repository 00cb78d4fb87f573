{-# OPTIONS --safe #-}
{-
Paper 06: O. Vinyals, M. Fortunato, N. Jaitly, «Pointer Networks» (2015), arXiv:1506.03134

The pointer (Section 2.3) and the attention that it came from (equation 3), one decoder state at a time, with numbers from an
abstract commutative ring: share and average of S30.Attention, over the encoder's states.

  paper                                   here
  exp(u_j), u_j = vᵀ tanh(W₁e_j + W₂d)    weight d e (any function)
  p(C = j | …) = softmax(u)_j             point d M e, where M is the finite multiset of all encoder states
  the distribution over the inputs        pointers d es, one number for each of the list es
  d′ = Σ a_j e_j                          attend d M
  padding                                 an encoder state of weight 0

Division by the sum is multiplication by `inverse` of it: what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Pointer-Attention {ℓ : Level} (R' : CommRing ℓ) {Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (feature : Key → Feature → fst R') (inverse : fst R' → fst R') where

open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming (_∷_ to _◂_)
open import S30.Multiset
import S30.Attention

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; ·Assoc; ·Comm; ·DistL+)
open import S30.Ring R' using (0·Absorbs; sumList)
open import S30.WeightedSum R' using (sumOver; sumOverFactorR; sumOverList)

R : Type ℓ
R = fst R'

private
  module Shared = S30.Attention R' weight feature (λ a b → a · inverse b)

-- Σ_j exp(u_j)
open Shared public using () renaming (denominator to total)

-- softmax(u) at the encoder state e
point : Query → FMSet Key → Key → R
point = Shared.share

-- p(C = j | …) for every input, in their order
pointers : Query → List Key → List R
pointers d es = map (point d (toMultiset es)) es

-- d′ = Σ_j a_j e_j, feature by feature
attend : Query → FMSet Key → Feature → R
attend d M f = sumOver (λ e → point d M e · feature e f) M

-- However the encoder's states are arranged, each of them is pointed at with the same probability.
pointPermutationInvariant : (d : Query) {es fs : List Key} → es ↭ fs → point d (toMultiset es) ≡ point d (toMultiset fs)
pointPermutationInvariant d p = cong (point d) (permutationToPath p)

-- So permuting the encoder's states permutes the pointers: every probability moves with the state that it belongs to.
pointersEquivariant : (d : Query) {es fs : List Key} → es ↭ fs
  → map (λ e → e , point d (toMultiset es) e) es ↭ map (λ e → e , point d (toMultiset fs) e) fs
pointersEquivariant d {es} {fs} p = subst (λ q → map (λ e → e , q e) es ↭ map (λ e → e , point d (toMultiset fs) e) fs)
  (sym (pointPermutationInvariant d p)) (↭map (λ e → e , point d (toMultiset fs) e) p)

-- The rival's attention, which sums over the encoder's states, does not tell in which order they stand.
attendPermutationInvariant : (d : Query) {es fs : List Key} → es ↭ fs → attend d (toMultiset es) ≡ attend d (toMultiset fs)
attendPermutationInvariant d p = cong (attend d) (permutationToPath p)

-- It is the states' average, the sum of weight times state over the sum of weights: one division, not one for each input.
attendIsAverage : (d : Query) (M : FMSet Key) (f : Feature)
  → attend d M f ≡ sumOver (λ e → weight d e · feature e f) M · inverse (total d M)
attendIsAverage d M f = sym (Shared.averageIsExpectation d M f (0·Absorbs (inverse (total d M)))
  (λ a b → ·DistL+ a b (inverse (total d M))) exchange)
  where
  exchange : (a b : R) → (a · b) · inverse (total d M) ≡ (a · inverse (total d M)) · b
  exchange a b = sym (·Assoc a b _) ∙ cong (a ·_) (·Comm b _) ∙ ·Assoc a _ b

-- Padding, which has weight 0, gets probability 0 …
paddingIsNotPointedAt : (d : Query) (M : FMSet Key) (e : Key) → weight d e ≡ 0r → point d M e ≡ 0r
paddingIsNotPointedAt d M e none = cong (_· inverse (total d M)) none ∙ 0·Absorbs (inverse (total d M))

-- … and changes no other probability: a longer dictionary leaves the shorter one's distribution as it is.
paddingChangesNothing : (d : Query) (M : FMSet Key) (e : Key) → weight d e ≡ 0r → point d (e ◂ M) ≡ point d M
paddingChangesNothing d M e none = Shared.weightlessTakesNoShare d e M none

-- For every number of inputs the pointers sum to one, where the sum of the weights has an inverse.
pointersSumToOne : (d : Query) (es : List Key) → total d (toMultiset es) · inverse (total d (toMultiset es)) ≡ 1r
  → sumList (pointers d es) ≡ 1r
pointersSumToOne d es inverts =
  sym (sumOverList (point d (toMultiset es)) es)
  ∙ sumOverFactorR (weight d) (inverse (total d (toMultiset es))) (toMultiset es)
  ∙ inverts
