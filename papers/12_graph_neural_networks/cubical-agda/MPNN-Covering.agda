{-# OPTIONS --safe #-}
{-
Paper 12: J. Gilmer et al., «Neural Message Passing for Quantum Chemistry» (2017), arXiv:1704.01212

What no message passing network can see. A map of vertices that keeps features, and takes the edges at each vertex to those at its
image, need not be an equivalence: it may fold a graph onto a smaller one, as a ring onto one vertex with a loop. States go along with
it all the same. So two graphs that fold onto one, equally often onto each vertex, have the same readout, isomorphic or not.

  paper                                        here
  h_v^t, R                                     states, predict of MPNN-Graph
  a map of vertices that keeps N(v) and x_v    covers f G H
  benzene; two rings of three atoms            hexagon; triangles, on the same six vertices
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing)

module MPNN-Covering (R' : CommRing ℓ-zero) {State Feature Bond Channel Answer : Type}
  (send : State → State → Bond → Channel → fst R') (update : State → (Channel → fst R') → State) (initial : Feature → State) where

open import Cubical.Data.Bool.Base using (Bool; true; false; not)
open import Cubical.Data.FinData.Base using (Fin; zero; suc)
open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; trunc; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Multiset
open import S30.WeightedSum R' using (sumOver; sumOverMap)
open import MPNN-Graph R' {Answer = Answer} send update initial hiding (R)

private
  variable
    U V W : Type

  mapCompose : {A B C : Type} (g : B → C) (f : A → B) (M : FMSet A) → mapMultiset g (mapMultiset f M) ≡ mapMultiset (λ x → g (f x)) M
  mapCompose g f = ElimProp.f (trunc _ _) refl (λ x IH → cong (g (f x) ◂_) IH)

covers : (V → W) → Graph V → Graph W → Type
covers {V} f G H =
    ((v : V) → fst (snd G) v ≡ fst (snd H) (f v))
  × ((v : V) → mapMultiset (λ edge → f (fst edge) , snd edge) (snd (snd G) v) ≡ snd (snd H) (f v))

-- A vertex has after any number of rounds the state of its image.
statesOfCovering : (f : V → W) (G : Graph V) (H : Graph W) → covers f G H → (t : ℕ) (v : V) → states G t v ≡ states H t (f v)
statesOfCovering f G H c zero    v = cong initial (fst c v)
statesOfCovering f G H c (suc t) v = cong₂ update (same v) (funExt λ channel →
  (λ i → sumOver (λ edge → send (same v i) (same (fst edge) i) (snd edge) channel) (snd (snd G) v))
  ∙ sym (sumOverMap (λ edge → send (states H t (f v)) (states H t (fst edge)) (snd edge) channel) _ (snd (snd G) v))
  ∙ cong (sumOver (λ edge → send (states H t (f v)) (states H t (fst edge)) (snd edge) channel)) (snd c v))
  where
  same : (u : _) → states G t u ≡ states H t (f u)
  same = statesOfCovering f G H c t

-- Two graphs that cover a third one, equally often over each of its vertices, have the same readout after any number of rounds,
-- whatever send, update and readout are.
readoutOfCovering : (readout : FMSet (State × Feature) → Answer) (t : ℕ) (H : Graph W)
  (f : U → W) (F : Graph U) → covers f F H → (g : V → W) (G : Graph V) → covers g G H
  → mapMultiset f (fst F) ≡ mapMultiset g (fst G) → predict readout t F ≡ predict readout t G
readoutOfCovering {W} readout t H f F c g G d alike =
  cong readout (below f F c ∙ cong (mapMultiset (λ w → states H t w , fst (snd H) w)) alike ∙ sym (below g G d))
  where
  below : {X : Type} (k : X → W) (K : Graph X) → covers k K H
    → result t K ≡ mapMultiset (λ w → states H t w , fst (snd H) w) (mapMultiset k (fst K))
  below k K e =
    (λ i → mapMultiset (λ v → statesOfCovering k K H e t v i , fst e v i) (fst K))
    ∙ sym (mapCompose (λ w → states H t w , fst (snd H) w) k (fst K))

----------------------------------------------------------------------
-- Six vertices of one kind, joined to a ring or to two rings: a step to the next one changes both coordinates, or one.

turn : Fin 3 → Fin 3
turn zero             = suc zero
turn (suc zero)       = suc (suc zero)
turn (suc (suc zero)) = zero

Six : Type
Six = Bool × Fin 3

six : List Six
six = (true , zero) ∷ (true , suc zero) ∷ (true , suc (suc zero)) ∷ (false , zero) ∷ (false , suc zero) ∷ (false , suc (suc zero)) ∷ []

-- Each vertex has the next one and the one before as neighbours, along edges d that come in and edges e that go out.
ringed : (Bool → Bool) → Feature → Bond → Bond → Graph Six
ringed side x d e = toMultiset six , (λ _ → x) , λ (b , i) →
  ((side b , turn i) , d) ◂ ((side b , turn i) , e) ◂ ((side b , turn (turn i)) , d) ◂ ((side b , turn (turn i)) , e) ◂ ∅

hexagon triangles : Feature → Bond → Bond → Graph Six
hexagon   = ringed not
triangles = ringed (λ b → b)

-- No message passing network tells a ring of six equal atoms from two rings of three, whatever its functions and the number of its
-- rounds are: both cover one vertex with two loops.
hexagonAsTriangles : (readout : FMSet (State × Feature) → Answer) (t : ℕ) (x : Feature) (d e : Bond)
  → predict readout t (hexagon x d e) ≡ predict readout t (triangles x d e)
hexagonAsTriangles readout t x d e =
  readoutOfCovering readout t loop (λ _ → true) (hexagon x d e) ((λ _ → refl) , λ _ → refl)
    (λ _ → true) (triangles x d e) ((λ _ → refl) , λ _ → refl) refl
  where
  loop : Graph Bool
  loop = toMultiset (true ∷ []) , (λ _ → x) , λ _ → (true , d) ◂ (true , e) ◂ (true , d) ◂ (true , e) ◂ ∅
