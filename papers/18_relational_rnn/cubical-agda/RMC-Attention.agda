{-# OPTIONS --safe #-}
{-
Paper 18: A. Santoro et al., «Relational recurrent neural networks» (2018), arXiv:1806.01822

Attention of one row to all rows, slots and input, in one head (Section 3.1, equations (1) and (2)), with numbers from an abstract
commutative ring.

  paper                            here
  exp(q·k/√d_k)                    weight q k, any function
  the rows of [M; x]               a finite multiset of pairs of key and value
  softmax(…)[M; x]W^v, one row     attend q rows, feature by feature: numerator / denominator

Division is a given function; what a theorem needs of it is a hypothesis of that theorem.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module RMC-Attention {ℓ : Level} (R' : CommRing ℓ) {Query Key Feature : Type ℓ}
  (weight : Query → Key → fst R') (divide : fst R' → fst R' → fst R') where

open import Cubical.Data.List.Base using (List)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Multiset
open import S30.Ring R' using (0·Absorbs) renaming (times to _fold_)
open import S30.WeightedSum R' using (sumOver; sumOverUnion)
import S30.Attention

open CommRingStr (snd R') using (1r; _+_; _·_; ·Assoc; ·IdL; ·DistL+)

R : Type ℓ
R = fst R'

Row : Type ℓ
Row = Key × (Feature → R)

private
  module Shared = S30.Attention R' {Query} {Row} {Feature} (λ q r → weight q (fst r)) snd divide

open Shared public using (numerator; denominator)

-- softmax(q Kᵀ/√d_k) V
attend : Query → FMSet Row → Feature → R
attend = Shared.average

-- What a row reads does not depend on the order of the rows.
attendOfPermuted : (q : Query) {xs ys : List Row} → xs ↭ ys → attend q (toMultiset xs) ≡ attend q (toMultiset ys)
attendOfPermuted = Shared.averageOfPermuted

-- n copies of a row.
times : ℕ → Row → FMSet Row
times zero    r = ∅
times (suc n) r = r ◂ times n r

-- n as a number: 1 + … + 1
number : ℕ → R
number n = n fold 1r

private
  sumOfCopies : (f : Row → R) (n : ℕ) (r : Row) → sumOver f (times n r) ≡ number n · f r
  sumOfCopies f zero    r = sym (0·Absorbs (f r))
  sumOfCopies f (suc n) r =
    cong₂ _+_ (sym (·IdL (f r))) (sumOfCopies f n r) ∙ sym (·DistL+ 1r (number n) (f r))

-- n equal slots beside other rows are attended to as one slot of n times the weight: all that n equal slots can tell is their number.
equalSlotsActAsOne : (q : Query) (n : ℕ) (k : Key) (v : Feature → R) (rest : FMSet Row) (j : Feature)
  → attend q (times n (k , v) ∪ rest) j
  ≡ divide ((number n · weight q k) · v j + numerator q rest j) (number n · weight q k + denominator q rest)
equalSlotsActAsOne q n k v rest j = cong₂ divide
  ( sumOverUnion _ (times n (k , v)) rest
  ∙ cong (_+ numerator q rest j) (sumOfCopies _ n (k , v) ∙ ·Assoc (number n) (weight q k) (v j)))
  ( sumOverUnion _ (times n (k , v)) rest
  ∙ cong (_+ denominator q rest) (sumOfCopies _ n (k , v)))

-- If all rows hold the same value, slots and input, attention returns this value, where dividing by its denominator undoes multiplying
-- by it.
attendOfEqual : (q : Query) (v : Feature → R) (j : Feature) (keys : FMSet Key)
  → let rows = mapMultiset (λ k → k , v) keys in
    ((y : R) → divide (denominator q rows · y) (denominator q rows) ≡ y) → attend q rows j ≡ v j
attendOfEqual q v j = Shared.averageOfEqual q (λ k → k , v) j (v j) (λ _ → refl)
