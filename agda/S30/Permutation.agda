{-# OPTIONS --safe #-}
{-
When a list is a permutation of another, and the list of all positions 0, …, n − 1, which is what an ordering of n things permutes.

  xs ↭ ys                  from S30.Multiset: one is the other by exchanges of neighbours
  distinctIsPermutation    no repetition, as long, and no other members: a permutation
  positions n              0, …, n − 1, each once
-}
module S30.Permutation where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.List using (List; []; _∷_; map; length)
open import Cubical.Data.Nat using (ℕ; zero; suc; injSuc; snotz)
open import Cubical.Data.Sigma using (_,_)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Relation.Nullary using (yes; no; Discrete)
open import S30.Lists using (lengthMap)
open import S30.Multiset using (_↭_; ↭refl; ↭swap; ↭prep; ↭trans)
open import S30.Pigeonhole using (_∈_; Distinct; remove; lengthRemove; remainsInRemove; ∈Map; map∈; distinctMap)

private
  variable
    A : Type
    n : ℕ

-- A permutation can be undone.
↭sym : {xs ys : List A} → xs ↭ ys → ys ↭ xs
↭sym ↭refl        = ↭refl
↭sym (↭swap x y)  = ↭swap y x
↭sym (↭prep x p)  = ↭prep x (↭sym p)
↭sym (↭trans p q) = ↭trans (↭sym q) (↭sym p)

-- It keeps the members.
∈Permutation : {x : A} {xs ys : List A} → xs ↭ ys → x ∈ xs → x ∈ ys
∈Permutation ↭refl        m             = m
∈Permutation (↭swap y z)  (inl e)       = inr (inl e)
∈Permutation (↭swap y z)  (inr (inl e)) = inl e
∈Permutation (↭swap y z)  (inr (inr m)) = inr (inr m)
∈Permutation (↭prep y p)  (inl e)       = inl e
∈Permutation (↭prep y p)  (inr m)       = inr (∈Permutation p m)
∈Permutation (↭trans p q) m             = ∈Permutation q (∈Permutation p m)

-- A member taken out and put in front.
removePermutation : {x : A} (ys : List A) (m : x ∈ ys) → x ∷ remove ys m ↭ ys
removePermutation {x = x} (y ∷ ys) (inl e) = subst (λ z → x ∷ ys ↭ z ∷ ys) e ↭refl
removePermutation {x = x} (y ∷ ys) (inr m) = ↭trans (↭swap x y) (↭prep y (removePermutation ys m))

-- A list without repetition, as long as another and with no other members, is a permutation of it.
distinctIsPermutation : (xs ys : List A) → Distinct xs → ((x : A) → x ∈ xs → x ∈ ys) → length xs ≡ length ys → xs ↭ ys
distinctIsPermutation []       []       _ _ _ = ↭refl
distinctIsPermutation []       (y ∷ ys) _ _ e = ⊥.rec (snotz (sym e))
distinctIsPermutation (x ∷ xs) ys (x∉xs , distinct) inside e =
  ↭trans (↭prep x (distinctIsPermutation xs (remove ys here) distinct others (injSuc (e ∙ sym (lengthRemove ys here)))))
    (removePermutation ys here)
  where
  here : x ∈ ys
  here = inside x (inl refl)
  others : (z : _) → z ∈ xs → z ∈ remove ys here
  others z m with remainsInRemove ys here (inside z (inr m))
  ... | inl z≡x = ⊥.rec (x∉xs (subst (_∈ xs) z≡x m))
  ... | inr k   = k

----------------------------------------------------------------------
-- The positions 0, …, n − 1

private
  isZero : Fin (suc n) → Type
  isZero zero    = Unit
  isZero (suc _) = ⊥

  before : Fin n → Fin (suc n) → Fin n
  before i zero    = i
  before i (suc j) = j

-- Whether two positions are one is decided.
discreteFin : Discrete (Fin n)
discreteFin zero    zero    = yes refl
discreteFin zero    (suc j) = no λ e → subst isZero e tt
discreteFin (suc i) zero    = no λ e → subst isZero (sym e) tt
discreteFin (suc i) (suc j) with discreteFin i j
... | yes e = yes (cong Fin.suc e)
... | no ne = no λ e → ne (cong (before i) e)

positions : (n : ℕ) → List (Fin n)
positions zero    = []
positions (suc n) = zero ∷ map suc (positions n)

positionsLength : (n : ℕ) → length (positions n) ≡ n
positionsLength zero    = refl
positionsLength (suc n) = cong ℕ.suc (lengthMap Fin.suc (positions n) ∙ positionsLength n)

positionsDistinct : (n : ℕ) → Distinct (positions n)
positionsDistinct zero    = tt
positionsDistinct (suc n) =
    (λ m → let (_ , _ , e) = ∈Map Fin.suc (positions n) m in subst isZero e tt)
  , distinctMap Fin.suc (positions n) (λ {i} _ _ e → cong (before i) e) (positionsDistinct n)

everyPosition : (i : Fin n) → i ∈ positions n
everyPosition zero    = inl refl
everyPosition (suc i) = inr (map∈ Fin.suc (positions _) (everyPosition i))
