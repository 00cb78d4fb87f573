{-
The Turing machine's definitions on the room's numbers: rows are lists of doubles, the memory a ring of suc n rows.

  numpy_checks.py                     here
  content of one head, one step       contentOf
  weighting from content, gate, …     weightingOf
  memories, reads of one step         memoryOf, readOf
-}
module NTM-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.FinData.Base using (Fin; toℕ)
open import Cubical.Data.List.Base using (_++_; foldr; length)
open import Cubical.Data.Sigma.Base using (_×_)
open import S30.Evaluation.Float hiding (_-_) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import NTM-Ring using (back; next)
import NTM-Content
import NTM-Copy
import NTM-Head
import NTM-Memory
import NTM-Shift

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

-- K[u, v], and 0 where a norm is 0
cosine : Vector → Vector → Float
cosine u v = over (sqrt (dot u u) · sqrt (dot v v))
  where
  open import Cubical.Data.Bool.Base using (if_then_else_)
  over : Float → Float
  over lengths = if lengths ≤ᵇ 0.0 then 0.0 else dot u v / lengths

-- A memory of suc n rows of so many entries.
module Machine (n size : ℕ) where

  open NTM-Head float {suc n} back _^_ _/_ public
  open NTM-Memory.Rows float {Fin size} public
  open NTM-Shift float {Fin (suc n)} back public using (Shares; shift; convolve; combine)
  module Copy = NTM-Copy float {Fin size} {suc n} next
  module Content = NTM-Content float {Vector × Float} {Fin size} (λ (k , β) row → exp (β · cosine k (list row))) _/_

  rowsOf : Matrix → List (Fin size → Float)
  rowsOf = map (vector 0.0)

  contentOf : Matrix → Vector → Float → Vector
  contentOf M k β = Content.weightings (k , β) (rowsOf M)

  foundOf : Matrix → Vector → Float → Vector
  foundOf M k β = list (Content.found (k , β) (rowsOf M))

  emissionOf : Vector → Float → List ℕ → Vector → Float → Emission
  emissionOf c g ks s γ = emission (vector 0.0 c) g (zipWith _,_ ks s) γ

  weightingOf : Vector → Emission → Vector
  weightingOf w e = list (move (vector 0.0 w) e)

  headsOf : Matrix → Matrix → Matrix → List (Head (suc n))
  headsOf []       _        _        = []
  headsOf _        []       _        = []
  headsOf _        _        []       = []
  headsOf (w ∷ ws) (e ∷ es) (a ∷ as) = head (vector 0.0 w) (vector 0.0 e) (vector 0.0 a) ∷ headsOf ws es as

  memoryOf : Matrix → Matrix → Matrix → Matrix → Matrix
  memoryOf M ws es as = lists (writeAll {suc n} (headsOf ws es as) (matrix 0.0 M))

  -- One head after the other, by `write`.
  oneByOne : Matrix → Matrix → Matrix → Matrix → Matrix
  oneByOne M ws es as = lists (foldr (write {suc n}) (matrix 0.0 M) (headsOf ws es as))

  readOf : Matrix → Vector → Vector
  readOf M w = list (read {suc n} (vector 0.0 w) (matrix 0.0 M))

  convolved : List ℕ → Vector → List ℕ → Vector → Vector → Vector
  convolved ks s ms t w = list (convolve (combine (zipWith _,_ ks s) (zipWith _,_ ms t)) (vector 0.0 w))

  -- The path of a head that starts on row q: its rotations, and the rotation by their sum.
  path : Fin (suc n) → List ℕ → Float → Matrix
  path q ks γ =
      list (run move (map (λ k → emission (oneHot {suc n} next0) 0.0 ((k , 1.0) ∷ []) γ) ks) (oneHot q))
    ∷ list (shift (sumOf ks) (oneHot q)) ∷ []
    where
    next0 : Fin (suc n)
    next0 = next (index 0)

  -- Two heads side by side, at the same shifts.
  together : Fin (suc n) → Fin (suc n) → Vector → Float → Matrix
  together p q c γ = list (after 0) ∷ list (after 1) ∷ []
    where
    after : ℕ → Fin (suc n) → Float
    after = run moveAll ((λ h → emission (vector 0.0 c) 0.0 ((suc h , 1.0) ∷ []) γ) ∷ []) (λ { zero → oneHot p ; (suc _) → oneHot q })

  -- Stored from row q and recalled from there: at most n + 1 vectors come back.
  copied : ℕ → Matrix → Matrix → Matrix
  copied q xs M = map list (Copy.recalled (index q) (length xs) (Copy.stored (index q) (rowsOf xs) (matrix 0.0 M)))

  visitedFrom : ℕ → ℕ → List ℕ
  visitedFrom q k = map toℕ (Copy.visited (index q) k)

  overwritten : ℕ → Vector → Matrix → Matrix
  overwritten q x M = lists (put {suc n} (index q) (vector 0.0 x) (matrix 0.0 M))

-- The row before each of n + 1 rows, and the row after it.
around : (n : ℕ) → List (List ℕ)
around n = list {n = suc n} (λ i → toℕ (back i)) ∷ list {n = suc n} (λ i → toℕ (next i)) ∷ []
