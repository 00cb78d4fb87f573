{-# OPTIONS --safe #-}
{-
  Deep Residual Learning, building blocks (arXiv:1512.03385, equation 1, sections 1 and 3).

  paper                               here
  ----------------------------------  ------------------------------------------------------------------
  F, σ, x' = σ (F x + x)              residual σ F; a block without a shortcut is plain σ F
  a stack of blocks                   Stack, a list of branches F; run σ, first block first
  «the added layers are identity      deepen: blocks whose branch is zero, put between the others
   mapping, and the other layers
   are copied»
  ∂x_L/∂x_l                           slope: the product of σ's slopes and 1 + ∂F, of blocks that are
                                      affine (Piece), which a block is between its kinks

  Signals are elements of an abelian group: numbers, or whole volumes, added entry by entry.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.AbGroup.Base

module ResNet-Blocks {ℓ : Level} (A : AbGroup ℓ) where

open import Cubical.Foundations.Function
open import Cubical.Data.List.Base
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc ; _·_) renaming (_+_ to _⊹_)

open AbGroupStr (snd A) renaming (_+_ to _⊕_ ; -_ to neg)

Branch : Type ℓ
Branch = ⟨ A ⟩ → ⟨ A ⟩

plain residual : (σ : Branch) → Branch → Branch
plain    σ F x = σ (F x)
residual σ F x = σ (F x ⊕ x)

Stack : Type ℓ
Stack = List Branch

-- The blocks one after another, the head of the list first.
run : (σ : Branch) → Stack → Branch
run σ []       x = x
run σ (F ∷ Fs) x = run σ Fs (residual σ F x)

zeroBranch : Branch
zeroBranch _ = 0g

-- Composition: running one stack behind another is running them in turn.
runAppend : (σ : Branch) (Fs Gs : Stack) (x : ⟨ A ⟩) → run σ (Fs ++ Gs) x ≡ run σ Gs (run σ Fs x)
runAppend σ []       Gs x = refl
runAppend σ (F ∷ Fs) Gs x = runAppend σ Fs Gs (residual σ F x)

-- A block whose branch is zero applies the activation and nothing else.
zeroBranchActivates : (σ : Branch) (x : ⟨ A ⟩) → residual σ zeroBranch x ≡ σ x
zeroBranchActivates σ x = cong σ (+IdL x)

-- So it is the identity where σ keeps its input: with ReLU on what is no less than zero, and not elsewhere.
zeroBranchIsIdentity : (σ : Branch) (x : ⟨ A ⟩) → σ x ≡ x → residual σ zeroBranch x ≡ x
zeroBranchIsIdentity σ x kept = zeroBranchActivates σ x ∙ kept

-- n blocks whose branch is zero.
zeros : ℕ → Stack
zeros zero    = []
zeros (suc n) = zeroBranch ∷ zeros n

-- Any number of blocks whose branch is zero keeps what the activation keeps.
zerosKeep : (σ : Branch) (n : ℕ) (x : ⟨ A ⟩) → σ x ≡ x → run σ (zeros n) x ≡ x
zerosKeep σ zero    x kept = refl
zerosKeep σ (suc n) x kept = cong (run σ (zeros n)) (zeroBranchIsIdentity σ x kept) ∙ zerosKeep σ n x kept

-- Behind each block of a stack as many zero blocks as `more` says.
deepen : (more : ℕ) → Stack → Stack
deepen more []       = []
deepen more (F ∷ Fs) = F ∷ zeros more ++ deepen more Fs

-- The solution by construction of section 1: a deeper residual net that copies a shallower one, zero blocks between its
-- blocks, computes the same function, if the activation is idempotent as ReLU is.
deeperCopies : (σ : Branch) → (∀ x → σ (σ x) ≡ σ x) → (more : ℕ) (Fs : Stack) (x : ⟨ A ⟩)
             → run σ (deepen more Fs) x ≡ run σ Fs x
deeperCopies σ idempotent more []       x = refl
deeperCopies σ idempotent more (F ∷ Fs) x =
  run σ (zeros more ++ deepen more Fs) y        ≡⟨ runAppend σ (zeros more) (deepen more Fs) y ⟩
  run σ (deepen more Fs) (run σ (zeros more) y) ≡⟨ cong (run σ (deepen more Fs)) (zerosKeep σ more y (idempotent _)) ⟩
  run σ (deepen more Fs) y                      ≡⟨ deeperCopies σ idempotent more Fs y ⟩
  run σ Fs y                                    ∎
  where
  y = residual σ F x

-- And it is deeper indeed: each block has become 1 + more.
deeperBy : (more : ℕ) (Fs : Stack) → length (deepen more Fs) ≡ length Fs · suc more
deeperBy more []       = refl
deeperBy more (F ∷ Fs) = cong suc (behind more ∙ cong (more ⊹_) (deeperBy more Fs))
  where
  behind : (n : ℕ) → length (zeros n ++ deepen more Fs) ≡ n ⊹ length (deepen more Fs)
  behind zero    = refl
  behind (suc n) = cong suc (behind n)

-- Without a shortcut a block is the identity where its branch gives back what σ keeps. That BN behind a delta filter can be
-- such a branch, on the values whose mean and deviation it holds, is `undone` of ResNet-Norm.
plainIdentity : (σ F : Branch) (x : ⟨ A ⟩) → F x ≡ x → σ x ≡ x → plain σ F x ≡ x
plainIdentity σ F x same kept = cong σ same ∙ kept

private
  -- (a + b) − (c + d) = (a − c) + (b − d)
  difference : (a b c d : ⟨ A ⟩) → (a ⊕ b) ⊕ neg (c ⊕ d) ≡ (a ⊕ neg c) ⊕ (b ⊕ neg d)
  difference a b c d =
    (a ⊕ b) ⊕ neg (c ⊕ d)      ≡⟨ cong ((a ⊕ b) ⊕_) (sym negSum) ⟩
    (a ⊕ b) ⊕ (neg c ⊕ neg d)  ≡⟨ interchange a b (neg c) (neg d) ⟩
    (a ⊕ neg c) ⊕ (b ⊕ neg d)  ∎
    where
    interchange : (p q r s : ⟨ A ⟩) → (p ⊕ q) ⊕ (r ⊕ s) ≡ (p ⊕ r) ⊕ (q ⊕ s)
    interchange p q r s =
      (p ⊕ q) ⊕ (r ⊕ s)  ≡⟨ sym (+Assoc p q (r ⊕ s)) ⟩
      p ⊕ (q ⊕ (r ⊕ s))  ≡⟨ cong (p ⊕_) (+Assoc q r s ∙∙ cong (_⊕ s) (+Comm q r) ∙∙ sym (+Assoc r q s)) ⟩
      p ⊕ (r ⊕ (q ⊕ s))  ≡⟨ +Assoc p r (q ⊕ s) ⟩
      (p ⊕ r) ⊕ (q ⊕ s)  ∎

    negSum : neg c ⊕ neg d ≡ neg (c ⊕ d)
    negSum =
      neg c ⊕ neg d                              ≡⟨ sym (+IdR _) ⟩
      (neg c ⊕ neg d) ⊕ 0g                       ≡⟨ cong ((neg c ⊕ neg d) ⊕_) (sym (+InvR (c ⊕ d))) ⟩
      (neg c ⊕ neg d) ⊕ ((c ⊕ d) ⊕ neg (c ⊕ d))  ≡⟨ +Assoc _ _ _ ⟩
      ((neg c ⊕ neg d) ⊕ (c ⊕ d)) ⊕ neg (c ⊕ d)  ≡⟨ cong (_⊕ neg (c ⊕ d)) (interchange (neg c) (neg d) c d) ⟩
      ((neg c ⊕ c) ⊕ (neg d ⊕ d)) ⊕ neg (c ⊕ d)  ≡⟨ cong (_⊕ neg (c ⊕ d)) (cong₂ _⊕_ (+InvL c) (+InvL d) ∙ +IdR 0g) ⟩
      0g ⊕ neg (c ⊕ d)                           ≡⟨ +IdL _ ⟩
      neg (c ⊕ d)                                ∎

-- A block between its kinks: two maps that keep differences. `mask` is σ's slope, an entry kept or dropped; `jacobian` is
-- ∂F. What they do to a difference of inputs is what the block does.
record Piece : Type ℓ where
  field
    σ F mask jacobian : Branch
    maskMoves : (x y : ⟨ A ⟩) → σ x ⊕ neg (σ y) ≡ mask (x ⊕ neg y)
    branchMoves : (x y : ⟨ A ⟩) → F x ⊕ neg (F y) ≡ jacobian (x ⊕ neg y)

open Piece

runPieces : List Piece → Branch
runPieces []       x = x
runPieces (p ∷ ps) x = runPieces ps (residual (σ p) (F p) x)

-- mask (1 + jacobian), block after block.
slope : List Piece → Branch
slope []       v = v
slope (p ∷ ps) v = slope ps (mask p (jacobian p v ⊕ v))

-- The gradient of a stack with the activation behind the addition is a product of masks times 1 + ∂F: a mask that drops
-- an entry drops what came along the shortcut too.
gradientIsAProduct : (ps : List Piece) (x y : ⟨ A ⟩) → runPieces ps x ⊕ neg (runPieces ps y) ≡ slope ps (x ⊕ neg y)
gradientIsAProduct []       x y = refl
gradientIsAProduct (p ∷ ps) x y = gradientIsAProduct ps _ _ ∙ cong (slope ps)
  (maskMoves p (F p x ⊕ x) (F p y ⊕ y)
   ∙ cong (mask p) (difference (F p x) x (F p y) y ∙ cong (_⊕ (x ⊕ neg y)) (branchMoves p x y)))
