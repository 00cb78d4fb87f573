{-# OPTIONS --safe #-}
{-
Paper 08: O. Vinyals, S. Bengio, M. Kudlur, «Order Matters: Sequence to sequence for sets» (2015), arXiv:1511.06391

Sets as outputs (Section 5): the chain rule, with numbers from an abstract commutative ring, and the n! orders of a set.

  paper                                        here
  P(y_t | y_1, …, y_{t-1})                     conditional past y; the latest of the past stands first
  what may be written next                     choices past: values of the next variable, or pairs of all that are left
  Π P(y_t | y_1, …, y_{t-1})  (equation 8)     probability past ys
  «there are n! possible outputs» (5.1.3)      orders ys, each a permutation of ys, and length (orders ys) ≡ n !
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Sets-Orders {ℓ : Level} (R' : CommRing ℓ) {Symbol : Type ℓ} where

open import Cubical.Data.Nat.Base using (ℕ; zero; suc) renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; length)
open import Cubical.Data.List.Properties using (length++)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.Data.Unit using (Unit)
open import S30.Lists using (All; lengthMap; mapComp; mapConcat)
open import S30.Multiset

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +Assoc; +IdL; ·IdR; ·DistR+)
open import S30.Ring R' using (sumList; times; ·0Absorbs)

R : Type ℓ
R = fst R'

concatMap : {A B : Type ℓ} → (A → List B) → List A → List B
concatMap f []       = []
concatMap f (x ∷ xs) = f x ++ concatMap f xs

----------------------------------------------------------------------
-- The chain rule

module Chain (conditional : List Symbol → Symbol → R) (choices : List Symbol → List Symbol) where

  -- Equation (8), after a past.
  probability : List Symbol → List Symbol → R
  probability past []       = 1r
  probability past (y ∷ ys) = conditional past y · probability (y ∷ past) ys

  -- All sequences of n symbols that may follow a past.
  sequences : ℕ → List Symbol → List (List Symbol)
  sequences zero    past = [] ∷ []
  sequences (suc n) past = concatMap (λ y → map (y ∷_) (sequences n (y ∷ past))) (choices past)

  total : List Symbol → List (List Symbol) → R
  total past yss = sumList (map (probability past) yss)

  -- In each of the next n steps, whatever symbols are written until then, the conditional probabilities of the choices sum to one.
  Normalised : ℕ → List Symbol → Type ℓ
  Normalised zero    past = Lift Unit
  Normalised (suc n) past = (sumList (map (conditional past) (choices past)) ≡ 1r) × ((y : Symbol) → Normalised n (y ∷ past))

  private
    totalConcat : (past : List Symbol) (xss yss : List (List Symbol)) → total past (xss ++ yss) ≡ total past xss + total past yss
    totalConcat past []         yss = sym (+IdL (total past yss))
    totalConcat past (xs ∷ xss) yss =
      cong (probability past xs +_) (totalConcat past xss yss) ∙ +Assoc (probability past xs) (total past xss) (total past yss)

    totalFrom : (past : List Symbol) (y : Symbol) (yss : List (List Symbol))
      → total past (map (y ∷_) yss) ≡ conditional past y · total (y ∷ past) yss
    totalFrom past y []         = sym (·0Absorbs (conditional past y))
    totalFrom past y (ys ∷ yss) =
      cong (probability past (y ∷ ys) +_) (totalFrom past y yss)
      ∙ sym (·DistR+ (conditional past y) (probability (y ∷ past) ys) (total (y ∷ past) yss))

  -- If at each of the next n steps the conditional probabilities of the choices sum to one, whatever is written until then,
  -- the probabilities of all sequences of n symbols do: the choices may follow any order of variables.
  sequencesSumToOne : (n : ℕ) (past : List Symbol) → Normalised n past → total past (sequences n past) ≡ 1r
  sequencesSumToOne zero    past _ = +IdR' 1r
    where
    +IdR' : (x : R) → x + 0r ≡ x
    +IdR' = CommRingStr.+IdR (snd R')
  sequencesSumToOne (suc n) past (one , normal) = over (choices past) ∙ one
    where
    over : (ys : List Symbol)
      → total past (concatMap (λ y → map (y ∷_) (sequences n (y ∷ past))) ys) ≡ sumList (map (conditional past) ys)
    over []       = refl
    over (y ∷ ys) =
      totalConcat past (map (y ∷_) (sequences n (y ∷ past))) _
      ∙ cong₂ _+_
          (totalFrom past y (sequences n (y ∷ past)) ∙ cong (conditional past y ·_) (sequencesSumToOne n (y ∷ past) (normal y))
            ∙ ·IdR (conditional past y))
          (over ys)

----------------------------------------------------------------------
-- The orders of a set

-- x in each place among ys.
insert : Symbol → List Symbol → List (List Symbol)
insert x []       = (x ∷ []) ∷ []
insert x (y ∷ ys) = (x ∷ y ∷ ys) ∷ map (y ∷_) (insert x ys)

orders : List Symbol → List (List Symbol)
orders []       = [] ∷ []
orders (x ∷ xs) = concatMap (insert x) (orders xs)

private
  allConcat : {A : Type ℓ} {P : A → Type ℓ} (xs ys : List A) → All P xs → All P ys → All P (xs ++ ys)
  allConcat []       ys _        q = q
  allConcat (x ∷ xs) ys (px , p) q = px , allConcat xs ys p q

  allMap : {A B : Type ℓ} {P : A → Type ℓ} {Q : B → Type ℓ} (f : A → B) → ((x : A) → P x → Q (f x))
    → (xs : List A) → All P xs → All Q (map f xs)
  allMap f g []       _        = lift _
  allMap f g (x ∷ xs) (px , p) = g x px , allMap f g xs p

  allConcatMap : {A B : Type ℓ} {P : A → Type ℓ} {Q : B → Type ℓ} (f : A → List B) → ((x : A) → P x → All Q (f x))
    → (xs : List A) → All P xs → All Q (concatMap f xs)
  allConcatMap f g []       _        = lift _
  allConcatMap f g (x ∷ xs) (px , p) = allConcat (f x) (concatMap f xs) (g x px) (allConcatMap f g xs p)

  insertPermutes : (x : Symbol) (ys : List Symbol) → All (λ zs → x ∷ ys ↭ zs) (insert x ys)
  insertPermutes x []       = ↭refl , lift _
  insertPermutes x (y ∷ ys) = ↭refl , allMap (y ∷_) (λ zs p → ↭trans (↭swap x y) (↭prep y p)) (insert x ys) (insertPermutes x ys)

-- Each of these orders is a permutation of the list.
ordersPermute : (xs : List Symbol) → All (λ ys → xs ↭ ys) (orders xs)
ordersPermute []       = ↭refl , lift _
ordersPermute (x ∷ xs) = allConcatMap (insert x)
  (λ ys p → allMap′ (λ zs q → ↭trans (↭prep x p) q) (insert x ys) (insertPermutes x ys)) (orders xs) (ordersPermute xs)
  where
  allMap′ : {P Q : List Symbol → Type ℓ} → ((zs : List Symbol) → P zs → Q zs) → (zss : List (List Symbol)) → All P zss → All Q zss
  allMap′ g []         _        = lift _
  allMap′ g (zs ∷ zss) (pz , p) = g zs pz , allMap′ g zss p

_! : ℕ → ℕ
zero !  = 1
suc n ! = suc n ·ℕ n !

private
  lengthInsert : (x : Symbol) (ys : List Symbol) → length (insert x ys) ≡ suc (length ys)
  lengthInsert x []       = refl
  lengthInsert x (y ∷ ys) = cong suc (lengthMap (y ∷_) (insert x ys) ∙ lengthInsert x ys)

  -- Permutations have the same length.
  length↭ : {xs ys : List Symbol} → xs ↭ ys → length xs ≡ length ys
  length↭ ↭refl        = refl
  length↭ (↭swap x y)  = refl
  length↭ (↭prep x p)  = cong suc (length↭ p)
  length↭ (↭trans p q) = length↭ p ∙ length↭ q

  lengthConcat : (x : Symbol) (n : ℕ) (yss : List (List Symbol)) → All (λ ys → Lift {j = ℓ} (n ≡ length ys)) yss
    → length (concatMap (insert x) yss) ≡ length yss ·ℕ suc n
  lengthConcat x n []         _             = refl
  lengthConcat x n (ys ∷ yss) (lift e , es) =
    length++ (insert x ys) (concatMap (insert x) yss)
    ∙ cong₂ _+ℕ_ (lengthInsert x ys ∙ cong suc (sym e)) (lengthConcat x n yss es)

-- A list of n elements has n! of them, equal elements told apart.
ordersCount : (xs : List Symbol) → length (orders xs) ≡ length xs !
ordersCount []       = refl
ordersCount (x ∷ xs) =
  lengthConcat x (length xs) (orders xs) (lengths (orders xs) (ordersPermute xs))
  ∙ cong (_·ℕ suc (length xs)) (ordersCount xs) ∙ ·-comm (length xs !) (suc (length xs))
  where
  open import Cubical.Data.Nat.Properties using (·-comm)
  lengths : (yss : List (List Symbol)) → All (λ ys → xs ↭ ys) yss → All (λ ys → Lift {j = ℓ} (length xs ≡ length ys)) yss
  lengths []         _        = lift _
  lengths (ys ∷ yss) (p , ps) = lift (length↭ p) , lengths yss ps

-- If a model gives every order of a set the same probability c, it gives the set n! times that: ln n! is the difference
-- between the code length of one order and that of the set.
equalOrders : (p : List Symbol → R) (c : R) (xs : List Symbol) → All (λ ys → p ys ≡ c) (orders xs)
            → sumList (map p (orders xs)) ≡ times (length xs !) c
equalOrders p c xs same = summed (orders xs) same ∙ cong (λ n → times n c) (ordersCount xs)
  where
  summed : (yss : List (List Symbol)) → All (λ ys → p ys ≡ c) yss → sumList (map p yss) ≡ times (length yss) c
  summed []         _        = refl
  summed (ys ∷ yss) (e , es) = cong₂ _+_ e (summed yss es)
