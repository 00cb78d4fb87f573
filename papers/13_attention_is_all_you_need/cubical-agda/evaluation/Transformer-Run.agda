{-
The Transformer's definitions on the room's numbers. A vector is a list of doubles.

  numpy_checks.py                      here
  -----------------------------------  ------------------------------------------------------------------------
  query, key of one head, by position  Head: for each position whether it is real, its query and its key
  encoder_attention, decoder_attention weightsOfEncoder, weightsOfDecoder: attention whose values are the unit vectors
  W^Q, W^K, W^V, W^O; W_1, b_1, …      Projections, Inner: rows of weights and biases as literals
  encode, decode                       memory, decoded: stacks of layers from x = √d_model E[token] + PE
-}
module Transformer-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.List.Base using (_++_; length; foldr)
open import Cubical.Data.Nat.Base using () renaming (_·_ to _·ℕ_)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.Data.Vec.Base as Vec using (Vec)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Evaluation.Float hiding (_-_) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Lists using (lastOr)
open import S30.Multiset using (toMultiset; mapMultiset)
open import Transformer-Causal using (causal)
open import Transformer-Setwise using (setwise)
open import Transformer-Heads using (splitHeads; joinHeads; perHead)
import Transformer-Attention
import Transformer-SelfAttention
import Transformer-Stack

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

sum : Vector → Float
sum = foldr _+F_ 0.0

dot : Vector → Vector → Float
dot x y = sum (zipWith _·_ x y)

-- W x, where W holds a row for each output.
apply : Matrix → Vector → Vector
apply W x = map (λ row → dot row x) W

add : Vector → Vector → Vector
add = zipWith _+F_

-- exp(q·k/√d_k)
score : Float → Vector → Vector → Float
score scale q k = exp (dot q k · scale)

----------------------------------------------------------------------
-- One head's weights: attention whose values are the unit vectors.

-- A position: its query, its key, and its unit vector.
Position : Type
Position = Vector × (Vector × Vector)

module Weights (n : ℕ) (scale : Float) where

  open Transformer-SelfAttention float {Position} {Vector} {Vector} {Fin n} (score scale) _/_
    fst (λ p → fst (snd p)) (λ p → vector 0.0 (snd (snd p)))

  -- Each query of the encoder sees the real positions; the others are hidden behind them.
  encoderRows : List Position → List Position → Matrix
  encoderRows real padding =
    map (λ p → list (Masked.attend (fst p) (toMultiset (map show real ++ map hide padding)))) (real ++ padding)

  -- Each query of the decoder sees the positions up to its own.
  decoderRows : List Position → Matrix
  decoderRows [] = []
  decoderRows (p ∷ ps) = map list (maskedSelfAttention p (p ∷ ps))

  -- Attention to all positions, with the given values in the places of unit vectors.
  plainRows : List Position → Matrix
  plainRows ps = map list (selfAttention ps)

positions : Matrix → Matrix → Matrix → List Position
positions qs ks vs = zipWith (λ q kv → q , kv) qs (zipWith (λ k v → k , v) ks vs)

----------------------------------------------------------------------
-- Whole stacks, for h heads of width d.

-- W^Q, W^K, W^V, W^O; gain and bias of the norm after it.
record Projections : Type where
  constructor projections
  field
    query key value output : Matrix
    gain bias              : Vector

-- W_1, b_1, W_2, b_2; gain and bias of the norm after it.
record Inner : Type where
  constructor inner
  field
    W₁ : Matrix
    b₁ : Vector
    W₂ : Matrix
    b₂ : Vector
    gain bias : Vector

feedForward : Inner → Vector → Vector
feedForward p x = add (apply (W₂ p) (map relu (add (apply (W₁ p) x) (b₁ p)))) (b₂ p)
  where open Inner

-- (x − mean) / √(variance + ε) · gain + bias
layerNorm : Vector → Vector → Vector → Vector
layerNorm gain bias x = normed (map (λ z → z +F (- mean)) x)
  where
  size mean : Float
  size = fromℕ (length x)
  mean = sum x / size
  normed : Vector → Vector
  normed c = add (zipWith _·_ (map (λ z → z / sqrt (dot c c / size +F 1.0e-5)) c) gain) bias

toVec : (n : ℕ) → Vector → Vec Float n
toVec zero    _        = Vec.[]
toVec (suc n) []       = 0.0 Vec.∷ toVec n []
toVec (suc n) (x ∷ xs) = x Vec.∷ toVec n xs

fromVec : {n : ℕ} → Vec Float n → Vector
fromVec Vec.[]       = []
fromVec (x Vec.∷ xs) = x ∷ fromVec xs

tabulate : {n : ℕ} {A : Type} → (Fin n → A) → Vec A n
tabulate {zero}  f = Vec.[]
tabulate {suc n} f = f zero Vec.∷ tabulate (λ i → f (suc i))

module Stacks (h d : ℕ) (scale : Float) where

  open Transformer-Stack add using (encoder; decoder)
    renaming (module EncoderLayer to E; EncoderLayer to EncoderLayer; DecoderLayer to DecoderLayer)

  -- A token's keys and values, one of each for each head.
  KeysValues : Type
  KeysValues = Vec (Vec Float d) h × Vec (Vec Float d) h

  heads : Matrix → Vector → Vec (Vec Float d) h
  heads W x = splitHeads h d (toVec (h ·ℕ d) (apply W x))

  project : Projections → Vector → KeysValues
  project p y = heads (Projections.key p) y , heads (Projections.value p) y

  open Transformer-Attention float {Vec Float d} {Vec Float d} {Fin d}
    (λ q k → score scale (fromVec q) (fromVec k)) _/_ using (attend)

  -- Head i: from its query to its result.
  head : FMSet KeysValues → Fin h → Vec Float d → Vec Float d
  head M i q = tabulate (attend q (mapMultiset (λ (ks , vs) → Vec.lookup i ks , (λ j → Vec.lookup j (Vec.lookup i vs))) M))

  -- Concat(head_1, …, head_h) W^O
  attention : Projections → FMSet KeysValues → Vector → Vector
  attention p M x =
    apply (Projections.output p) (fromVec (perHead (tabulate (head M)) (toVec (h ·ℕ d) (apply (Projections.query p) x))))

  norm : Projections → Vector → Vector
  norm p = layerNorm (Projections.gain p) (Projections.bias p)

  normInner : Inner → Vector → Vector
  normInner p = layerNorm (Inner.gain p) (Inner.bias p)

  memory : List (Projections × Inner) → Matrix → Matrix
  memory ls = encoder (map layer ls)
    where
    layer : Projections × Inner → EncoderLayer
    layer (p , f) = record
      { attention = λ M → attention p (mapMultiset (project p) M)
      ; feedForward = feedForward f
      ; attentionNorm = norm p ; feedForwardNorm = normInner f }

  decoded : Matrix → List (Projections × (Projections × Inner)) → Matrix → Matrix
  decoded z ls = decoder (map layer ls)
    where
    layer : Projections × (Projections × Inner) → DecoderLayer
    layer (s , (c , f)) = record
      { maskedAttention = λ prefix → attention s (toMultiset (map (project s) prefix)) (lastOr [] prefix)
      ; crossAttention = attention c (toMultiset (map (project c) z))
      ; feedForward = feedForward f
      ; attentionNorm = norm s ; crossNorm = norm c ; feedForwardNorm = normInner f }
