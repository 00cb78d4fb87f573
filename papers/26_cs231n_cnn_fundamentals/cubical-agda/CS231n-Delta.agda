{-# OPTIONS --safe #-}
{-
  CS231n, vectors over a commutative ring R, the Kronecker delta, and what it selects from a sum.
  A help for the modules on CONV and on losses; nothing here is a statement of the notes.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base

module CS231n-Delta {ℓR : Level} (R : CommRing ℓR) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Foundations.Isomorphism
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)
open import Cubical.Data.Bool.Base using (true ; false ; if_then_else_)
open import Cubical.Data.Bool.Properties using (false≢true)
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc ; FinVec ; _==_)
open import S30.Sum
open import S30.Ring R using (0·Absorbs)

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open Sum R
open Iso

private
  variable
    n : ℕ

Vector : ℕ → Type ℓR
Vector n = FinVec ⟨ R ⟩ n

-- The Kronecker delta, and what it selects from a sum.
δ : Fin n → Fin n → ⟨ R ⟩
δ i j = if i == j then 1r else 0r

∑δ : (j : Fin n) (v : Vector n) → ∑ (λ i → δ i j ·r v i) ≡ v j
∑δ {suc n} zero    v = cong₂ _+r_ (·IdL (v zero)) (∑Ext (λ i → 0·Absorbs (v (suc i))) ∙ ∑Zero n) ∙ +IdR _
∑δ         (suc j) v = cong₂ _+r_ (0·Absorbs (v zero)) (∑δ j (v ∘ suc)) ∙ +IdL _

-- The Boolean test of equality tells equality, …
==Complete : {i j : Fin n} → i ≡ j → (i == j) ≡ true
==Complete {i = i} p = subst (λ j → (i == j) ≡ true) p (itself i)
  where
  itself : ∀ {n} (i : Fin n) → (i == i) ≡ true
  itself zero    = refl
  itself (suc i) = itself i

==Sound : (i j : Fin n) → (i == j) ≡ true → i ≡ j
==Sound zero    zero    _ = refl
==Sound zero    (suc j) q = ⊥.rec (false≢true q)
==Sound (suc i) zero    q = ⊥.rec (false≢true q)
==Sound (suc i) (suc j) q = cong suc (==Sound i j q)

-- … so a one-to-one map keeps its answers.
sameAnswer : (i j i' j' : Fin n) → (i ≡ j → i' ≡ j') → (i' ≡ j' → i ≡ j) → (i == j) ≡ (i' == j')
sameAnswer i j i' j' to from = both _ _ (==Complete ∘ to ∘ ==Sound i j) (==Complete ∘ from ∘ ==Sound i' j')
  where
  both : ∀ a b → (a ≡ true → b ≡ true) → (b ≡ true → a ≡ true) → a ≡ b
  both true  b     f g = sym (f refl)
  both false true  f g = g refl
  both false false f g = refl

-- A sum does not depend on the order of its terms.
∑Permute : (π : Iso (Fin n) (Fin n)) (v : Vector n) → ∑ (v ∘ fun π) ≡ ∑ v
∑Permute π v =
  ∑ (λ j → v (fun π j))                       ≡⟨ ∑Ext (λ j → sym (∑δ (fun π j) v)) ⟩
  ∑ (λ j → ∑ (λ i → δ i (fun π j) ·r v i))    ≡⟨ ∑Swap (λ j i → δ i (fun π j) ·r v i) ⟩
  ∑ (λ i → ∑ (λ j → δ i (fun π j) ·r v i))    ≡⟨ ∑Ext (λ i → ∑Ext (λ j → cong (_·r v i) (turn i j))) ⟩
  ∑ (λ i → ∑ (λ j → δ j (inv π i) ·r v i))    ≡⟨ ∑Ext (λ i → ∑δ (inv π i) (λ _ → v i)) ⟩
  ∑ v                                         ∎
  where
  turn : ∀ i j → δ i (fun π j) ≡ δ j (inv π i)
  turn i j = cong (if_then 1r else 0r) (sameAnswer i (fun π j) j (inv π i)
    (λ p → sym (leftInv π j) ∙ cong (inv π) (sym p)) (λ p → sym (rightInv π i) ∙ cong (fun π) (sym p)))
