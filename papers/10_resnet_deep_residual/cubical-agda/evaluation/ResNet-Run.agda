{-
ResNet's definitions on the room's numbers: doubles, one entry of a volume at a time where a block adds, the values of one
channel in a row where BN normalises.

  numpy_checks.py                here
  -----------------------------  ---------------------------------------------------------------
  block1, block2                 blocks, plains: a branch that returns what NumPy's branch returned
  residual2 from convolved2      normalised, channel after channel
  sizes of the parameters        stages, counts
-}
module ResNet-Run where

open import Cubical.Foundations.Prelude using (Type ; ℓ-zero)
open import Cubical.Algebra.AbGroup.Base using (AbGroup ; makeAbGroup)
open import Cubical.Data.Bool.Base using (Bool ; true ; false ; if_then_else_)
open import S30.Evaluation.Float
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
open import ResNet-Tables using (parameters)
open import ResNet-Counts parameters public using (stage ; cifar ; layers ; same ; perBlock ; plain ; A ; B)
import ResNet-Blocks
import ResNet-Norm

group : AbGroup ℓ-zero
group = makeAbGroup 0.0 _+_ -_ unproved unproved unproved unproved unproved

open ResNet-Blocks group hiding (plain)

blocks plains : List Float → List Float → List Float
blocks = zipWith (λ F x → residual relu (λ _ → F) x)
plains = zipWith (λ F x → ResNet-Blocks.plain group relu (λ _ → F) x)

-- A branch w · x + b.
linear : List Float → Float → Float
linear (w ∷ b ∷ _) x = w · x + b
linear _           x = x

-- A stack of such branches, the same with `more` zero blocks behind each, and those alone.
stacks : ℕ → List (List Float) → List Float → List (List Float)
stacks more rows = map λ x →
  let Fs = map linear rows in run relu Fs x ∷ run relu (deepen more Fs) x ∷ run relu (zeros more) x ∷ residual relu zeroBranch x ∷ []

-- What the product of masks and 1 + w makes of a difference of 1, and where the affine pieces lead.
pieces : List (List Float) → Float → List Float
pieces rows x = slope (map piece rows) 1.0 ∷ runPieces (map piece rows) x ∷ []
  where
  piece : List Float → Piece
  piece (m ∷ w ∷ b ∷ _) = record { σ = m ·_ ; F = λ y → w · y + b ; mask = m ·_ ; jacobian = w ·_
                                 ; maskMoves = unproved ; branchMoves = unproved }
  piece _ = record { σ = λ y → y ; F = λ y → y ; mask = λ y → y ; jacobian = λ y → y
                   ; maskMoves = unproved ; branchMoves = unproved }

module Channel (n : ℕ) where

  open ResNet-Norm float n (1.0 / fromℕ n) public

  root : Float → List Float → Float
  root ε h = 1.0 / sqrt (variance (vector 0.0 h) + ε)

  -- scale · ĥ + shift
  normalised : Float → Float → Float → List Float → List Float
  normalised ε scale shift h = list {n = n} (λ j → scale · normal (root ε h) (vector 0.0 h) j + shift)

  -- The mean, and what BN hands down of the upstream g.
  pulled : Float → List Float → List Float → List Float
  pulled ε h g = mean (vector 0.0 h) ∷ list {n = n} (pull (root ε h) (shared (normal (root ε h) (vector 0.0 h))) (vector 0.0 g))

channels : (n : ℕ) → Float → List Float → List Float → List (List Float) → List (List Float)
channels n ε scales shifts = zipWith (λ f h → f h) (zipWith (Channel.normalised n ε) scales shifts)

pulls : (n : ℕ) → Float → List (List Float) → List (List Float) → List (List Float)
pulls n ε = zipWith (Channel.pulled n ε)

-- Parameters of the room's two blocks, and of the paper's nets.
stages : (c d : ℕ) → List ℕ
stages c d = stage plain false c c 0 ∷ stage A true c d 0 ∷ stage B true c d 0 ∷ []

counts : List ℕ → List (List ℕ)
counts = map (λ n → cifar A n ∷ cifar plain n ∷ layers (suc n) ∷ same perBlock n ∷ [])
