{-# OPTIONS --safe #-}
{-
Paper 16: A. Santoro et al., «A simple neural network module for relational reasoning» (2017), arXiv:1706.01427

Double sums over a finite multiset: the sum of equation (1) for one feature of g, whatever g is.

  paper                                   here
  O = {o_1, …, o_n}                       FMSet Object, or List Object where an order is to be forgotten
  all ordered pairs (o_i, o_j)            pairs os
  Σ_{i,j} g(o_i, o_j)                     pairSum g M; over a list of pairs sumOfPairs g os
  «n² feedforward passes per object set»  lengthPairs
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Relation-Sum {ℓ : Level} (R' : CommRing ℓ) {Object : Type ℓ} where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; length)
open import Cubical.Data.List.Properties using (length++)
open import Cubical.Data.Nat.Base using () renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Lists using (lengthMap)
open import S30.Multiset

open CommRingStr (snd R') using (0r; _+_; is-set; +Assoc; +IdL)
open import S30.Ring R' using (sumList; times; +Interchange)
open import S30.WeightedSum R' using (sumOver; sumOverConstant)

R : Type ℓ
R = fst R'

-- Every ordered pair, an object with itself included.
pairsWith : List Object → List Object → List (Object × Object)
pairsWith []       ys = []
pairsWith (x ∷ xs) ys = map (λ y → x , y) ys ++ pairsWith xs ys

pairs : List Object → List (Object × Object)
pairs os = pairsWith os os

sumOfPairs : (Object → Object → R) → List Object → R
sumOfPairs g os = sumList (map (λ (x , y) → g x y) (pairs os))

-- Σ_x Σ_y g(x, y)
pairSum : (Object → Object → R) → FMSet Object → R
pairSum g M = sumOver (λ x → sumOver (g x) M) M

----------------------------------------------------------------------
-- Sums of sums

sumOverAdd : (f g : Object → R) (M : FMSet Object) → sumOver (λ x → f x + g x) M ≡ sumOver f M + sumOver g M
sumOverAdd f g = ElimProp.f (is-set _ _) (sym (+IdL 0r))
  (λ x {M} IH → cong (f x + g x +_) IH ∙ +Interchange (f x) (g x) (sumOver f M) (sumOver g M))

sumOverZero : (M : FMSet Object) → sumOver (λ _ → 0r) M ≡ 0r
sumOverZero = ElimProp.f (is-set _ _) refl (λ _ IH → cong (0r +_) IH ∙ +IdL 0r)

exchange : (g : Object → Object → R) (M N : FMSet Object)
  → sumOver (λ x → sumOver (g x) N) M ≡ sumOver (λ y → sumOver (λ x → g x y) M) N
exchange g M N = ElimProp.f {B = λ M → sumOver (λ x → sumOver (g x) N) M ≡ sumOver (λ y → sumOver (λ x → g x y) M) N}
  (is-set _ _) (sym (sumOverZero N))
  (λ x {M} IH → cong (sumOver (g x) N +_) IH ∙ sym (sumOverAdd (g x) (λ y → sumOver (λ z → g z y) M) N)) M

----------------------------------------------------------------------
-- A list of pairs, and what its sum forgets

private
  sumListConcat : (f : Object → R) (x : Object) (g : Object × Object → R) (ys : List Object) (zs : List (Object × Object))
    → ((y : Object) → g (x , y) ≡ f y)
    → sumList (map g (map (λ y → x , y) ys ++ zs)) ≡ sumOver f (toMultiset ys) + sumList (map g zs)
  sumListConcat f x g []       zs e = sym (+IdL _)
  sumListConcat f x g (y ∷ ys) zs e = cong₂ _+_ (e y) (sumListConcat f x g ys zs e) ∙ +Assoc _ _ _

  sumOfPairsWith : (g : Object → Object → R) (xs ys : List Object)
    → sumList (map (λ (x , y) → g x y) (pairsWith xs ys)) ≡ sumOver (λ x → sumOver (g x) (toMultiset ys)) (toMultiset xs)
  sumOfPairsWith g []       ys = refl
  sumOfPairsWith g (x ∷ xs) ys =
    sumListConcat (g x) x (λ (x , y) → g x y) ys (pairsWith xs ys) (λ _ → refl)
    ∙ cong (sumOver (g x) (toMultiset ys) +_) (sumOfPairsWith g xs ys)

  lengthPairsWith : (xs ys : List Object) → length (pairsWith xs ys) ≡ length xs ·ℕ length ys
  lengthPairsWith []       ys = refl
  lengthPairsWith (x ∷ xs) ys =
    length++ (map (λ y → x , y) ys) (pairsWith xs ys)
    ∙ cong₂ _+ℕ_ (lengthMap (λ y → x , y) ys) (lengthPairsWith xs ys)

-- The sum over the list of all ordered pairs is a double sum over the multiset of objects.
sumOfPairsIsDouble : (g : Object → Object → R) (os : List Object) → sumOfPairs g os ≡ pairSum g (toMultiset os)
sumOfPairsIsDouble g os = sumOfPairsWith g os os

-- Of n objects there are n · n ordered pairs: so many times g is computed.
lengthPairs : (os : List Object) → length (pairs os) ≡ length os ·ℕ length os
lengthPairs os = lengthPairsWith os os

-- The sum over all pairs is the same for every order of the objects, whatever g is.
sumOfPairsPermutationInvariant : (g : Object → Object → R) {os ps : List Object} → os ↭ ps → sumOfPairs g os ≡ sumOfPairs g ps
sumOfPairsPermutationInvariant g {os} {ps} p =
  sumOfPairsIsDouble g os ∙ cong (pairSum g) (permutationToPath p) ∙ sym (sumOfPairsIsDouble g ps)

-- One object more adds its pair with itself, and two pairs with each of the others.
pairSumCons : (g : Object → Object → R) (x : Object) (M : FMSet Object)
  → pairSum g (x ◂ M) ≡ (g x x + sumOver (g x) M) + (sumOver (λ y → g y x) M + pairSum g M)
pairSumCons g x M = cong (g x x + sumOver (g x) M +_) (sumOverAdd (λ y → g y x) (λ y → sumOver (g y) M) M)

-- An object all of whose relations are zero may be left out, as padding is.
unrelatedChangesNothing : (g : Object → Object → R) (e : Object) (M : FMSet Object)
  → ((y : Object) → g e y ≡ 0r) → ((y : Object) → g y e ≡ 0r) → pairSum g (e ◂ M) ≡ pairSum g M
unrelatedChangesNothing g e M to from =
  pairSumCons g e M
  ∙ cong₂ _+_ (cong₂ _+_ (to e) (cong (λ f → sumOver f M) (funExt to) ∙ sumOverZero M) ∙ +IdL 0r)
              (cong (_+ pairSum g M) (cong (λ f → sumOver f M) (funExt from) ∙ sumOverZero M) ∙ +IdL _)
  ∙ +IdL _

----------------------------------------------------------------------
-- What the sum cannot see

-- The sum does not see a direction: g with its arguments exchanged has the same sum over every set of objects.
directionUnseen : (g : Object → Object → R) (M : FMSet Object) → pairSum g M ≡ pairSum (λ x y → g y x) M
directionUnseen g M = exchange g M M

-- Twice the sum is that of g(x, y) + g(y, x): only the symmetric part of g counts.
onlySymmetricPart : (g : Object → Object → R) (M : FMSet Object)
  → pairSum g M + pairSum g M ≡ pairSum (λ x y → g x y + g y x) M
onlySymmetricPart g M =
  cong (pairSum g M +_) (directionUnseen g M)
  ∙ sym (sumOverAdd (λ x → sumOver (g x) M) (λ x → sumOver (λ y → g y x) M) M)
  ∙ cong (λ f → sumOver f M) (funExt λ x → sym (sumOverAdd (g x) (λ y → g y x) M))

-- Twice the sum of a relation that changes its sign with the direction, such as «how far to the left of», is zero.
antisymmetricUnseen : (g : Object → Object → R) → ((x y : Object) → g x y + g y x ≡ 0r) → (M : FMSet Object)
  → pairSum g M + pairSum g M ≡ 0r
antisymmetricUnseen g opposite M =
  onlySymmetricPart g M
  ∙ cong (λ f → pairSum f M) (funExt λ x → funExt (opposite x))
  ∙ cong (λ f → sumOver f M) (funExt λ _ → sumOverZero M)
  ∙ sumOverZero M

-- Where only zero is its own negative, the sum itself is: such a relation leaves no trace.
antisymmetricVanishes : ((r : R) → r + r ≡ 0r → r ≡ 0r) → (g : Object → Object → R) → ((x y : Object) → g x y + g y x ≡ 0r)
  → (M : FMSet Object) → pairSum g M ≡ 0r
antisymmetricVanishes halves g opposite M = halves (pairSum g M) (antisymmetricUnseen g opposite M)

-- A g that adds what it reads of either object relates nothing: the sum is n times two sums over single objects.
additiveUnrelated : (a b : Object → R) (os : List Object) → pairSum (λ x y → a x + b y) (toMultiset os)
  ≡ times (length os) (sumOver a (toMultiset os)) + times (length os) (sumOver b (toMultiset os))
additiveUnrelated a b os =
  cong (λ f → sumOver f M) (funExt λ x → sumOverAdd (λ _ → a x) b M)
  ∙ sumOverAdd (λ x → sumOver (λ _ → a x) M) (λ _ → sumOver b M) M
  ∙ cong₂ _+_ (exchange (λ x _ → a x) M M ∙ sumOverConstant (sumOver a M) os) (sumOverConstant (sumOver b M) os)
  where
  M : FMSet Object
  M = toMultiset os
