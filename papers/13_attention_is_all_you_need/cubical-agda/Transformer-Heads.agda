{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Heads (Section 3.2.2): the reshape of h · d features into h heads of width d, and back.

  paper                            here
  h heads of width d_k = d_v       splitHeads h d: head i owns the i-th block of d features
  Concat(head_1, …, head_h)        joinHeads
  one map for each head            perHead
-}
module Transformer-Heads where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Foundations.Isomorphism using (Iso; iso; isoToPath)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc) renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.Data.Vec.Base as Vec using (Vec; []; _∷_)

private
  variable
    ℓ : Level
    A B C : Type ℓ

-- The first m components and the others.
splitAt : (m : ℕ) {n : ℕ} → Vec A (m +ℕ n) → Vec A m × Vec A n
splitAt zero    xs       = [] , xs
splitAt (suc m) (x ∷ xs) = x ∷ fst (splitAt m xs) , snd (splitAt m xs)

splitAtConcat : {m n : ℕ} (xs : Vec A m) (ys : Vec A n) → splitAt m (xs Vec.++ ys) ≡ (xs , ys)
splitAtConcat []       ys = refl
splitAtConcat (x ∷ xs) ys i = x ∷ fst (splitAtConcat xs ys i) , snd (splitAtConcat xs ys i)

concatSplitAt : (m : ℕ) {n : ℕ} (xs : Vec A (m +ℕ n)) → fst (splitAt m xs) Vec.++ snd (splitAt m xs) ≡ xs
concatSplitAt zero    xs       = refl
concatSplitAt (suc m) (x ∷ xs) = cong (x ∷_) (concatSplitAt m xs)

-- The reshape of h · d features into h heads of width d, and Concat(head_1, …, head_h).
splitHeads : (h d : ℕ) → Vec A (h ·ℕ d) → Vec (Vec A d) h
splitHeads zero    d xs = []
splitHeads (suc h) d xs = fst (splitAt d xs) ∷ splitHeads h d (snd (splitAt d xs))

joinHeads : {h d : ℕ} → Vec (Vec A d) h → Vec A (h ·ℕ d)
joinHeads []             = []
joinHeads (head ∷ heads) = head Vec.++ joinHeads heads

-- Splitting joined heads gives the heads.
splitJoin : (h d : ℕ) (heads : Vec (Vec A d) h) → splitHeads h d (joinHeads heads) ≡ heads
splitJoin zero    d []             = refl
splitJoin (suc h) d (head ∷ heads) =
  cong (λ (xs , ys) → xs ∷ splitHeads h d ys) (splitAtConcat head (joinHeads heads))
  ∙ cong (head ∷_) (splitJoin h d heads)

-- Joining split features gives the features.
joinSplit : (h d : ℕ) (xs : Vec A (h ·ℕ d)) → joinHeads (splitHeads h d xs) ≡ xs
joinSplit zero    d [] = refl
joinSplit (suc h) d xs =
  cong (fst (splitAt d xs) Vec.++_) (joinSplit h d (snd (splitAt d xs))) ∙ concatSplitAt d xs

-- Splitting and joining are inverse, so both shapes are the same type.
headsIso : (A : Type ℓ) (h d : ℕ) → Iso (Vec A (h ·ℕ d)) (Vec (Vec A d) h)
headsIso A h d = iso (splitHeads h d) joinHeads (splitJoin h d) (joinSplit h d)

headsPath : (A : Type ℓ) (h d : ℕ) → Vec A (h ·ℕ d) ≡ Vec (Vec A d) h
headsPath A h d = isoToPath (headsIso A h d)

-- One map for each head, conjugated by the reshape.
perHead : {h d e : ℕ} → Vec (Vec A d → Vec B e) h → Vec A (h ·ℕ d) → Vec B (h ·ℕ e)
perHead {h = h} {d} fs xs = joinHeads (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs))

private
  lookupZipWith : {h : ℕ} (_∗_ : A → B → C) (k : Fin h) (xs : Vec A h) (ys : Vec B h)
                → Vec.lookup k (Vec.zipWith _∗_ xs ys) ≡ (Vec.lookup k xs ∗ Vec.lookup k ys)
  lookupZipWith _∗_ Fin.zero    (x ∷ xs) (y ∷ ys) = refl
  lookupZipWith _∗_ (Fin.suc k) (x ∷ xs) (y ∷ ys) = lookupZipWith _∗_ k xs ys

  zipWithComp : {h : ℕ} (gs : Vec (B → C) h) (fs : Vec (A → B) h) (xs : Vec A h)
    → Vec.zipWith (λ g y → g y) gs (Vec.zipWith (λ f x → f x) fs xs)
    ≡ Vec.zipWith (λ f x → f x) (Vec.zipWith (λ g f → g ∘ f) gs fs) xs
  zipWithComp []       []       []       = refl
  zipWithComp (g ∷ gs) (f ∷ fs) (x ∷ xs) = cong (g (f x) ∷_) (zipWithComp gs fs xs)

-- Heads do not mix: output head k depends on input head k alone.
headsDoNotMix : {h d e : ℕ} (fs : Vec (Vec A d → Vec B e) h) (k : Fin h) (xs : Vec A (h ·ℕ d))
  → Vec.lookup k (splitHeads h e (perHead fs xs)) ≡ Vec.lookup k fs (Vec.lookup k (splitHeads h d xs))
headsDoNotMix {h = h} {d} {e} fs k xs =
  cong (Vec.lookup k) (splitJoin h e (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs)))
  ∙ lookupZipWith (λ f x → f x) k fs (splitHeads h d xs)

-- Maps for each head compose head by head.
perHeadComp : {h d e c : ℕ} (gs : Vec (Vec B e → Vec C c) h) (fs : Vec (Vec A d → Vec B e) h)
  (xs : Vec A (h ·ℕ d)) → perHead gs (perHead fs xs) ≡ perHead (Vec.zipWith (λ g f → g ∘ f) gs fs) xs
perHeadComp {h = h} {d} {e} gs fs xs =
  cong joinHeads
    ( cong (Vec.zipWith (λ g y → g y) gs) (splitJoin h e (Vec.zipWith (λ f x → f x) fs (splitHeads h d xs)))
    ∙ zipWithComp gs fs (splitHeads h d xs))

-- h = 8 heads of width d_k = d_v = d_model / h = 64 (Section 3.2.2).
baseModelWidth : 8 ·ℕ 64 ≡ 512
baseModelWidth = refl
