{-
The message passing network's definitions on the room's numbers. A vector is a list of doubles; vertices are Fin n.

  numpy_checks.py                       here
  ------------------------------------  --------------------------------------------------------------
  source, target_vertex, bonds          a list for each vertex: (neighbour , comes in? , A(e))
  messages, states, from the states     messagesOf, statesAfter: message and round
  one round from the features           first, renamed, both: states
  embedding                             embedded: process
  prediction                            predicted: predict
-}
module MPNN-Run where

open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.FinData.Base using (Fin; suc)
open import Cubical.Data.List.Base using (_++_; foldr)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.Data.Sum.Base using (_⊎_; inl; inr)
open import Cubical.Foundations.Equiv using (_≃_)
open import Cubical.Foundations.Isomorphism using (iso; isoToEquiv)
open import Cubical.Foundations.Prelude using (Type)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Evaluation.Float hiding (_-_) renaming (_+_ to _+F_)
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
open import S30.Multiset using (mapMultiset; toMultiset)
open import S30.Permutation using (positions)
import S30.WeightedSum
import MPNN-Components
import MPNN-Covering
import MPNN-Graph
import MPNN-Set2set

open S30.WeightedSum float using (sumOver)

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

add : Vector → Vector → Vector
add = zipWith _+F_

record Affine : Type where
  constructor affine
  field
    W : Matrix
    b : Vector

apply : Affine → Vector → Vector
apply a x = add (map (λ row → dot row x) (Affine.W a)) (Affine.b a)

times : Matrix → Vector → Vector
times W x = map (λ row → dot row x) W

record Net : Type where
  constructor net
  field
    z r new : Affine
    Uz Ur U : Matrix

record Reader : Type where
  constructor reader
  field
    project i f g o first second : Affine

----------------------------------------------------------------------
-- set2set, p features of a memory

module Reading (p : ℕ) (gates : Reader) where

  open Reader gates

  lstm : Vector × (Fin p → Float) → Vector → Vector × Vector
  lstm (q , reading) cell = zipWith _·_ (map sigmoid (apply o star)) (map tanh new) , new
    where
    star new : Vector
    star = q ++ list reading
    new  = add (zipWith _·_ (map sigmoid (apply f star)) cell) (zipWith _·_ (map sigmoid (apply i star)) (map tanh (apply g star)))

  zeros : Vector
  zeros = list {n = p} (λ _ → 0.0)

  open MPNN-Set2set float {Vector} {Vector} {Fin p} {Vector} (λ q n → exp (dot q n)) (vector 0.0) _/_ lstm
    ((zeros , λ _ → 0.0) , zeros) using (process; reading) public

  star : ℕ → FMSet Vector → Vector
  star t M = fst (fst (process t M)) ++ list (snd (fst (process t M)))

  embedded : ℕ → Matrix → Vector
  embedded t memories = star t (toMultiset memories)

  answer : ℕ → FMSet (Vector × Vector) → Vector
  answer t M = apply second (map relu (apply first (star t (mapMultiset (λ both → apply project (fst both ++ snd both)) M))))

----------------------------------------------------------------------
-- Message passing, states of d entries

module Molecule (d : ℕ) (N : Net) where

  open Net N

  Bond Channel : Type
  Bond    = Bool × Matrix
  Channel = Bool × Fin d

  -- A(e) h; the matrix of an edge is NumPy's.
  send : Vector → Vector → Bond → Channel → Float
  send _ h (true  , A) (true  , k) = dot (vector [] A k) h
  send _ h (false , A) (false , k) = dot (vector [] A k) h
  send _ h (true  , A) (false , k) = 0.0
  send _ h (false , A) (true  , k) = 0.0

  flat : (Channel → Float) → Vector
  flat m = list (λ k → m (true , k)) ++ list (λ k → m (false , k))

  gru : Vector → (Channel → Float) → Vector
  gru h m = cell (flat m)
    where
    cell : Vector → Vector
    cell m = add (zipWith _·_ keep h) (zipWith _·_ (map (λ a → 1.0 +F (- a)) keep) (map tanh (add (apply new m) (times U (zipWith _·_ reset h)))))
      where
      keep reset : Vector
      keep  = map sigmoid (add (apply z m) (times Uz h))
      reset = map sigmoid (add (apply r m) (times Ur h))

  -- [x; 0]
  padded : Vector → Vector
  padded x = list {n = d} (vector 0.0 x)

  open MPNN-Graph float {Answer = Vector} send gru padded
  open MPNN-Components float send gru padded using (beside; concatenated)
  open MPNN-Covering float {Answer = Vector} send gru padded using (Six; six; hexagon; triangles)

  Lists : ℕ → Type
  Lists n = Matrix × List (List (Fin (suc n) × Bond))

  listed : {n : ℕ} → Lists n → ListGraph (Fin (suc n))
  listed {n} (atoms , near) = positions (suc n) , vector [] atoms , vector [] near

  graph : {n : ℕ} → Lists n → Graph (Fin (suc n))
  graph L = forget (listed L)

  -- From states before each round: messages, and states after it.
  messagesOf statesAfter : {n : ℕ} → Lists n → List Matrix → List Matrix
  messagesOf L = map (λ h → list (λ v → flat (message (graph L) (vector [] h) v)))
  statesAfter L = map (λ h → list (round (graph L) (vector [] h)))

  -- One round from the features, with vertices as they are, renamed, and beside those of another graph.
  first : {n : ℕ} → Lists n → Matrix
  first L = list (states (graph L) 1)

  renaming′ : {n : ℕ} → List (Fin (suc n)) → List (Fin (suc n)) → Fin (suc n) ≃ Fin (suc n)
  renaming′ new old = isoToEquiv (iso (vector Fin.zero new) (vector Fin.zero old) unproved unproved)

  renamed : {n : ℕ} → List (Fin (suc n)) → List (Fin (suc n)) → Lists n → Matrix
  renamed new old L = list (states (relabel (renaming′ new old) (graph L)) 1)

  both : {m n : ℕ} → Lists m → Lists n → Matrix
  both K L = list (λ v → states (beside (graph K) (graph L)) 1 (inl v)) ++ list (λ w → states (beside (graph K) (graph L)) 1 (inr w))

  firstOne : {n : ℕ} → Lists n → Vector
  firstOne L with firstListed _ (listed L)
  ... | nothing = []
  ... | just x  = x

  -- The messages of Duvenaud et al. from features: the sums of neighbours' `f` features and of the first `b` entries of the edges.
  fingerprints : {n : ℕ} → (f b : ℕ) → Lists n → Matrix
  fingerprints {n} f b (atoms , near) = list λ (v : Fin (suc n)) → list (λ s → total v (inl s)) ++ list (λ c → total v (inr c))
    where
    total : Fin (suc n) → Fin f ⊎ Fin b → Float
    total v c = sumOver
      (λ edge → concatenated (vector 0.0) (λ e → vector 0.0 (vector {n = 1} [] (snd e) Fin.zero)) [] (vector [] atoms (fst edge)) (snd edge) c)
      (toMultiset (vector [] near v))

  -- Messages at six vertices, in the order of `six`, from states that are given for each: a ring of six, then two of three.
  ringMessages : Matrix → Matrix → Matrix → Matrix
  ringMessages A B h = each (hexagon [] (true , A) (false , B)) ++ each (triangles [] (true , A) (false , B))
    where
    given : Six → Vector
    given (true  , i) = vector {n = 3} [] h i
    given (false , i) = vector {n = 6} [] h (suc (suc (suc i)))
    each : Graph Six → Matrix
    each G = map (λ v → flat (message G given v)) six

  predicted : {n : ℕ} → (p rounds steps : ℕ) → Reader → Lists n → Vector
  predicted p rounds steps R L = predict (Reading.answer p R steps) rounds (relabel (renaming′ (positions _) (positions _)) (graph L))
