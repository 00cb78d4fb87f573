{-# OPTIONS --safe #-}
{-
Paper 20: A. Graves, G. Wayne, I. Danihelka, «Neural Turing Machines» (2014), arXiv:1410.5401

Reading and writing (Sections 3.1 and 3.2), with numbers from an abstract commutative ring.

  paper                                    here
  N rows, vectors of size M                Fin n, a type J of features
  M_t(i)                                   M i : J → R
  w_t, e_t, a_t of a write head            a Head: weight, erased, added
  equation (2)                             read w M
  equations (3) and (4), one head          erase h M, add h M, write h M
  several heads                            writeAll hs M: all erasures, then all additions
  a weighting all on row i                 oneHot i
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module NTM-Memory {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; FinVec; _==_)
open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import S30.Multiset using (_↭_; ↭refl; ↭swap; ↭prep; ↭trans)
open import S30.Ring R' using (_-_; 0·Absorbs; ·0Absorbs; ·DistR-; ·-R; +Interchange)
import S30.Sum

open CommRingStr (snd R') using
  (0r; 1r; _+_; _·_; -_; +Assoc; +Comm; +IdL; +IdR; +InvR; ·Assoc; ·Comm; ·IdL; ·IdR; ·DistR+; ·DistL+)
open S30.Sum.Sum R' using (∑; ∑Ext; ∑Zero; ∑MulR)

R : Type ℓ
R = fst R'

private
  variable
    n : ℕ

module Rows {J : Type ℓ} where

  Memory : ℕ → Type ℓ
  Memory n = Fin n → J → R

  record Head (n : ℕ) : Type ℓ where
    constructor head
    field
      weight : FinVec R n
      erased added : J → R
  open Head public

  -- r = Σ_i w(i) M(i)
  read : FinVec R n → Memory n → J → R
  read w M j = ∑ (λ i → w i · M i j)

  -- M(i) [1 − w(i) e]
  erase : Head n → Memory n → Memory n
  erase h M i j = M i j · (1r - weight h i · erased h j)

  -- M(i) + w(i) a
  add : Head n → Memory n → Memory n
  add h M i j = M i j + weight h i · added h j

  write : Head n → Memory n → Memory n
  write h M = add h (erase h M)

  erases adds : List (Head n) → Memory n → Memory n
  erases []       M = M
  erases (h ∷ hs) M = erases hs (erase h M)
  adds []       M = M
  adds (h ∷ hs) M = adds hs (add h M)

  writeAll : List (Head n) → Memory n → Memory n
  writeAll hs M = adds hs (erases hs M)

  ----------------------------------------------------------------------
  -- The order of heads

  -- Two erasures can be performed in either order.
  erasuresCommute : (h k : Head n) (M : Memory n) → erase h (erase k M) ≡ erase k (erase h M)
  erasuresCommute h k M = funExt λ i → funExt λ j →
    let x = 1r - weight h i · erased h j ; y = 1r - weight k i · erased k j in
    sym (·Assoc (M i j) y x) ∙ cong (M i j ·_) (·Comm y x) ∙ ·Assoc (M i j) x y

  -- So can two additions.
  additionsCommute : (h k : Head n) (M : Memory n) → add h (add k M) ≡ add k (add h M)
  additionsCommute h k M = funExt λ i → funExt λ j →
    let x = weight h i · added h j ; y = weight k i · added k j in
    sym (+Assoc (M i j) y x) ∙ cong (M i j +_) (+Comm y x) ∙ +Assoc (M i j) x y

  private
    erasesPermuted : {hs ks : List (Head n)} → hs ↭ ks → (M : Memory n) → erases hs M ≡ erases ks M
    erasesPermuted ↭refl            M = refl
    erasesPermuted (↭swap h k {hs}) M = cong (erases hs) (erasuresCommute k h M)
    erasesPermuted (↭prep h p)      M = erasesPermuted p (erase h M)
    erasesPermuted (↭trans p q)     M = erasesPermuted p M ∙ erasesPermuted q M

    addsPermuted : {hs ks : List (Head n)} → hs ↭ ks → (M : Memory n) → adds hs M ≡ adds ks M
    addsPermuted ↭refl            M = refl
    addsPermuted (↭swap h k {hs}) M = cong (adds hs) (additionsCommute k h M)
    addsPermuted (↭prep h p)      M = addsPermuted p (add h M)
    addsPermuted (↭trans p q)     M = addsPermuted p M ∙ addsPermuted q M

  -- What any number of heads write does not depend on their order.
  writeAllOfPermuted : {hs ks : List (Head n)} → hs ↭ ks → (M : Memory n) → writeAll hs M ≡ writeAll ks M
  writeAllOfPermuted {hs = hs} {ks} p M = cong (adds hs) (erasesPermuted p M) ∙ addsPermuted p (erases ks M)

  -- Erasing and adding do not commute: erasing after adding leaves w² e a less.
  addingFirst : (h : Head n) (M : Memory n) (i : Fin n) (j : J)
    → erase h (add h M) i j ≡ write h M i j - (weight h i · added h j) · (weight h i · erased h j)
  addingFirst h M i j =
    ·DistL+ (M i j) (w · a) (1r - w · e)
    ∙ cong (M i j · (1r - w · e) +_) (·DistR- (w · a) 1r (w · e) ∙ cong (_- (w · a) · (w · e)) (·IdR (w · a)))
    ∙ +Assoc (M i j · (1r - w · e)) (w · a) (- ((w · a) · (w · e)))
    where
    w = weight h i
    a = added h j
    e = erased h j

  ----------------------------------------------------------------------
  -- Rows with weight 0, and weightings all on one row

  -- A row of weight 0 is left as it was, whatever is erased and added.
  weightlessRowStays : (h : Head n) (M : Memory n) (i : Fin n) → weight h i ≡ 0r → write h M i ≡ M i
  weightlessRowStays h M i none = funExt λ j →
    cong₂ (λ x y → M i j · (1r - x) + y) (cong (_· erased h j) none ∙ 0·Absorbs (erased h j))
      (cong (_· added h j) none ∙ 0·Absorbs (added h j))
    ∙ +IdR (M i j · (1r - 0r)) ∙ cong (M i j ·_) one ∙ ·IdR (M i j)
    where
    one : 1r - 0r ≡ 1r
    one = cong (1r +_) (sym (+IdL (- 0r)) ∙ +InvR 0r) ∙ +IdR 1r

  oneHot : Fin n → FinVec R n
  oneHot i k = if i == k then 1r else 0r

  private
    itself : (i : Fin n) → (i == i) ≡ true
    itself zero    = refl
    itself (suc i) = itself i

  oneHotHere : (i : Fin n) → oneHot i i ≡ 1r
  oneHotHere i = cong (λ b → if b then 1r else 0r) (itself i)

  oneHotElsewhere : (i k : Fin n) → (i == k) ≡ false → oneHot i k ≡ 0r
  oneHotElsewhere i k other = cong (λ b → if b then 1r else 0r) other

  -- All on one row, reading returns that row.
  readOneHot : (i : Fin n) (M : Memory n) → read (oneHot i) M ≡ M i
  readOneHot {n = suc n} zero M = funExt λ j →
    cong₂ _+_ (·IdL (M zero j)) (∑Ext (λ k → 0·Absorbs (M (suc k) j)) ∙ ∑Zero n) ∙ +IdR (M zero j)
  readOneHot (suc i) M = funExt λ j →
    cong₂ _+_ (0·Absorbs (M zero j)) (λ t → readOneHot i (λ k → M (suc k)) t j) ∙ +IdL (M (suc i) j)

  -- The head that overwrites row i by x: e = 1, all on row i.
  put : Fin n → (J → R) → Memory n → Memory n
  put i x = write (head (oneHot i) (λ _ → 1r) x)

  -- There it holds x.
  putHere : (i : Fin n) (x : J → R) (M : Memory n) → put i x M i ≡ x
  putHere i x M = funExt λ j →
    cong₂ (λ u y → M i j · (1r - u) + y) (·IdR (oneHot i i) ∙ oneHotHere i) (cong (_· x j) (oneHotHere i) ∙ ·IdL (x j))
    ∙ cong (_+ x j) (cong (M i j ·_) (+InvR 1r) ∙ ·0Absorbs (M i j)) ∙ +IdL (x j)

  -- A full erasure on one row, then an addition: reading there returns what was written, whatever was there.
  writeThenRead : (i : Fin n) (x : J → R) (M : Memory n) → read (oneHot i) (put i x M) ≡ x
  writeThenRead i x M = readOneHot i (put i x M) ∙ putHere i x M

  -- Every other row is untouched.
  othersUntouched : (i k : Fin n) (x : J → R) (M : Memory n) → (i == k) ≡ false → put i x M k ≡ M k
  othersUntouched i k x M other =
    weightlessRowStays (head (oneHot i) (λ _ → 1r) x) M k (oneHotElsewhere i k other)

  -- A weighting that sums to 1 reads from equal rows what they hold.
  readOfEqualRows : (w : FinVec R n) (v : J → R) → ∑ w ≡ 1r → read w (λ _ → v) ≡ v
  readOfEqualRows w v one = funExt λ j → sym (∑MulR w (v j)) ∙ cong (_· v j) one ∙ ·IdL (v j)
