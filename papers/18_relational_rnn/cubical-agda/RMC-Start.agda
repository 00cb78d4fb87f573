{-# OPTIONS --safe #-}
{-
Paper 18: A. Santoro et al., «Relational recurrent neural networks» (2018), arXiv:1806.01822

The initial memory of the authors' module: the identity, cut or filled with zeros to (slots, size), so that each row is unique. It
is, as long as there are at most size + 1 slots; further ones start equal, and by RMC-Slots they stay so.

  reference                     here
  row i of the initial memory   row size i, a list of length size
  initial_state                 initial slots size
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module RMC-Start {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.Empty.Base using (⊥) renaming (rec to absurd)
open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Maybe.Base using (Maybe; just; nothing)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_)
open import Cubical.Data.Nat.Properties using (+-zero; +-suc)
open import Cubical.Data.Nat.Order using (_≤_; _<_; pred-≤-pred; ¬-<-zero)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import Cubical.Relation.Nullary.Base using (¬_)
open import S30.Fold using (run)
import RMC-Slots

open CommRingStr (snd R') using (0r; 1r)

R : Type ℓ
R = fst R'

-- A row of zeros.
zeros : ℕ → List R
zeros zero    = []
zeros (suc s) = 0r ∷ zeros s

-- Row i of the identity, cut after `size` features.
row : ℕ → ℕ → List R
row zero    _       = []
row (suc s) zero    = 1r ∷ zeros s
row (suc s) (suc i) = 0r ∷ row s i

upFrom : ℕ → ℕ → List ℕ
upFrom i zero    = []
upFrom i (suc n) = i ∷ upFrom (suc i) n

initial : ℕ → ℕ → List (List R)
initial slots size = map (row size) (upFrom 0 slots)

private
  headOr : R → List R → R
  headOr d []      = d
  headOr d (x ∷ _) = x

  tailOf : List R → List R
  tailOf []       = []
  tailOf (_ ∷ xs) = xs

-- A row below the number of features is different from every other, where 1 and 0 are: so size + 1 rows are all different.
rowsDiffer : ¬ (1r ≡ 0r) → (size i k : ℕ) → i < size → ¬ (i ≡ k) → ¬ (row size i ≡ row size k)
rowsDiffer 1≢0 zero    i       k       i< _   _    = ¬-<-zero i<
rowsDiffer 1≢0 (suc s) zero    zero    _  i≢k _    = i≢k refl
rowsDiffer 1≢0 (suc s) zero    (suc k) _  _   same = 1≢0 (cong (headOr 0r) same)
rowsDiffer 1≢0 (suc s) (suc i) zero    _  _   same = 1≢0 (sym (cong (headOr 0r) same))
rowsDiffer 1≢0 (suc s) (suc i) (suc k) i< i≢k same =
  rowsDiffer 1≢0 s i k (pred-≤-pred i<) (λ p → i≢k (cong suc p)) (cong tailOf same)

-- Rows from the number of features on are zero.
rowsBeyondAreZero : (size i : ℕ) → size ≤ i → row size i ≡ zeros size
rowsBeyondAreZero zero    i       _     = refl
rowsBeyondAreZero (suc s) zero    below = absurd (¬-<-zero below)
rowsBeyondAreZero (suc s) (suc i) below = cong (0r ∷_) (rowsBeyondAreZero s i (pred-≤-pred below))

module Slots {Input : Type ℓ} (embed : Input → List R) (blocks : List (FMSet (List R) → List R → List R))
  (gate : List R → List R → List R → List R) where

  open RMC-Slots embed blocks gate using (step; slotAt; equalSlotsStayEqual)

  private
    slotAtRows : (size a n i : ℕ) → i < n → slotAt (map (row size) (upFrom a n)) i ≡ just (row size (a + i))
    slotAtRows size a zero    i       i< = absurd (¬-<-zero i<)
    slotAtRows size a (suc n) zero    _  = cong (λ k → just (row size k)) (sym (+-zero a))
    slotAtRows size a (suc n) (suc i) i< =
      slotAtRows size (suc a) n i (pred-≤-pred i<) ∙ cong (λ k → just (row size k)) (sym (+-suc a i))

  -- With more slots than features the memory core started from its cut identity keeps the slots beyond the features equal for ever.
  slotsBeyondStayEqual : (us : List Input) (slots size i k : ℕ) → i < slots → k < slots → size ≤ i → size ≤ k
    → slotAt (run step us (initial slots size)) i ≡ slotAt (run step us (initial slots size)) k
  slotsBeyondStayEqual us slots size i k i< k< beyond beyond′ =
    equalSlotsStayEqual us (initial slots size) i k
      ( slotAtRows size 0 slots i i< ∙ cong just (rowsBeyondAreZero size i beyond ∙ sym (rowsBeyondAreZero size k beyond′))
      ∙ sym (slotAtRows size 0 slots k k<))
