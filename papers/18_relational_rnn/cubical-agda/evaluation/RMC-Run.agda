{-
The memory core's definitions on the room's numbers. A vector is a list of doubles.

  numpy_checks.py                        here
  -------------------------------------  ----------------------------------------------------------------------------
  the parameters of a block, of the MLP  Block, a list of Affine
  heads, key_size, head_size             h, k, v
  a row after LayerNorm(R W + b)         its heads one after the other, each query, key and value
  memories of one sequence               memoryAfter: run of the step from rows of the identity, or from given ones
-}
module RMC-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.FinData.Base using (Fin)
open import Cubical.Data.List.Base using (_++_; foldr; length; take)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat.Base using () renaming (_+_ to _+ℕ_; _·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Evaluation.Float hiding (_-_) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Fold using (run)
open import S30.Multiset using (toMultiset; mapMultiset; _∪_)
open import RMC-Gate float using (Gates; gates; update; kept; written)
open import RMC-Start float public using (initial; row; zeros)
import RMC-Attention
import RMC-Slots

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

sum : Vector → Float
sum = foldr _+F_ 0.0

dot : Vector → Vector → Float
dot x y = sum (zipWith _·_ x y)

add : Vector → Vector → Vector
add = zipWith _+F_

drop : ℕ → Vector → Vector
drop zero    x       = x
drop (suc n) []      = []
drop (suc n) (_ ∷ x) = drop n x

record Affine : Type where
  constructor affine
  field
    W : Matrix
    b : Vector

-- W x + b
apply : Affine → Vector → Vector
apply a x = add (map (λ row → dot row x) (Affine.W a)) (Affine.b a)

record Norm : Type where
  constructor norm
  field gain bias : Vector

-- (x − mean) / √(variance + 10⁻⁵) · gain + bias
layerNorm : Norm → Vector → Vector
layerNorm n x = centred (sum x / fromℕ (length x))
  where
  scaled : Vector → Float → Vector
  scaled c root = add (zipWith _·_ (map (λ z → z / root) c) (Norm.gain n)) (Norm.bias n)
  normed : Vector → Vector
  normed c = scaled c (sqrt (dot c c / fromℕ (length c) +F 1.0e-5))
  centred : Float → Vector
  centred mean = normed (map (λ z → z +F (- mean)) x)

-- Affine maps with a ReLU between each two.
mlp : List Affine → Vector → Vector
mlp []             x = x
mlp (a ∷ [])       x = apply a x
mlp (a ∷ (b ∷ as)) x = mlp (b ∷ as) (map relu (apply a x))

record BlockOf : Type where
  constructor block
  field
    project                 : Affine
    projectNorm atNorm mlpN : Norm

-- Gates of an entry: of the input x̂ and of tanh M. `slot` spreads the one gate of a slot over its entries.
record GatesOf : Type where
  constructor gatesOf
  field
    ofInput : Affine
    ofMemory : Matrix
    inputBias forgetBias : Float

-- h heads with keys of k and values of v features.
module Core (h k v : ℕ) (scale : Float) (embed : Affine) (layers : List Affine) (bs : List BlockOf) where

  -- exp(q·k/√d_k)
  open RMC-Attention float {Vector} {Vector} {Fin v} (λ q x → exp (dot q x · scale)) _/_ public

  each : ℕ
  each = (k +ℕ k) +ℕ v

  -- A head's key and value in a projected row.
  rowOf : ℕ → Vector → Row
  rowOf i p = take k (drop (i ·ℕ each +ℕ k) p) , vector 0.0 (drop (i ·ℕ each +ℕ (k +ℕ k)) p)

  mixed : ℕ → FMSet Vector → Vector → Vector
  mixed zero    rows p = []
  mixed (suc n) rows p = mixed n rows p ++ list (attend (take k (drop (n ·ℕ each) p)) (mapMultiset (rowOf n) rows))

  through : BlockOf → FMSet Vector → Vector → Vector
  through b rows m = second (layerNorm (BlockOf.atNorm b) (add m (mixed h (mapMultiset project rows) (project m))))
    where
    project : Vector → Vector
    project x = layerNorm (BlockOf.projectNorm b) (apply (BlockOf.project b) x)
    second : Vector → Vector
    second r = layerNorm (BlockOf.mlpN b) (add r (mlp layers r))

  module Gated (gate : Vector → Vector → Vector → Vector) where

    open RMC-Slots (apply embed) (map through bs) gate public

    memoryAfter : Matrix → Matrix → Matrix
    memoryAfter us M = run step us M

    -- What becomes of the first slot among all.
    firstSlot : Matrix → Matrix → Vector
    firstSlot us []      = []
    firstSlot us (m ∷ M) = runSlot us (toMultiset (m ∷ M)) m

    slotsAt : List ℕ → Matrix → Matrix
    slotsAt []       M = []
    slotsAt (i ∷ is) M with slotAt M i
    ... | nothing = slotsAt is M
    ... | just m  = m ∷ slotsAt is M

-- M_t = f M_{t−1} + i tanh(M̃), entry by entry
gated : GatesOf → (Vector → Vector) → Vector → Vector → Vector → Vector
gated g spread x m proposed = from (add (apply (GatesOf.ofInput g) x) (map (λ row → dot row (map tanh m)) (GatesOf.ofMemory g)))
  where
  half : ℕ → ℕ
  half zero          = zero
  half (suc zero)    = zero
  half (suc (suc n)) = suc (half n)
  entries : Vector → Vector → Vector
  entries i f = zipWith (λ y z → update y z) m
    (zipWith (λ (a , b) c → gates (sigmoid (b +F GatesOf.forgetBias g)) (sigmoid (a +F GatesOf.inputBias g)) (tanh c))
      (zipWith _,_ i f) proposed)
  from : Vector → Vector
  from a = entries (spread (take (half (length a)) a)) (spread (drop (half (length a)) a))

perEntry : Vector → Vector
perEntry a = a

-- The one gate of a slot, for n entries.
perSlot : ℕ → Vector → Vector
perSlot zero    a       = []
perSlot (suc n) []      = []
perSlot (suc n) (a ∷ _) = a ∷ perSlot n (a ∷ [])

noGate : Vector → Vector → Vector → Vector
noGate x m proposed = proposed

----------------------------------------------------------------------
-- One entry's gates, from what NumPy computed

gatesFrom : Matrix → List Gates
gatesFrom []                          = []
gatesFrom ((f ∷ (i ∷ (c ∷ _))) ∷ rows) = gates f i c ∷ gatesFrom rows
gatesFrom (_ ∷ rows)                  = gatesFrom rows

-- By steps and in closed form.
entryAfter : Float → Matrix → Vector
entryAfter m rows = run update (gatesFrom rows) m ∷ (kept (gatesFrom rows) · m) +F written (gatesFrom rows) ∷ []
