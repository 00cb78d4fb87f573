{-# OPTIONS --safe #-}
{-
Paper 12: J. Gilmer et al., «Neural Message Passing for Quantum Chemistry» (2017), arXiv:1704.01212

Two graphs side by side, as one graph of two components: messages stay within a component, so that what is read out is the union of
both multisets; a sum over vertices adds. The message of Duvenaud et al. as an instance of equation (1), and what it confuses.

  paper                                        here
  a graph of two components                    beside G H, on the vertices V ⊎ W
  R = Σ_v of something, as in (4) and DTNN     sumOver f
  M = (h_w, e_vw), Duvenaud et al.             concatenated: channels of the state, then channels of the bond
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module MPNN-Components (R' : CommRing ℓ-zero) {State Feature Bond Channel : Type}
  (send : State → State → Bond → Channel → fst R') (update : State → (Channel → fst R') → State) (initial : Feature → State) where

open import Cubical.Data.List.Base using ([]; _∷_)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.Data.Sum.Base using (_⊎_; inl; inr)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; trunc; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import S30.Multiset
open import S30.WeightedSum R' using (sumOver; sumOverMap; sumOverUnion)
open import MPNN-Graph R' {Answer = fst R'} send update initial hiding (R)

open CommRingStr (snd R') using (_+_; +Assoc; +Comm; 0r)

R : Type
R = fst R'

private
  variable
    V W A B : Type

  mapUnion : (f : A → B) (X Y : FMSet A) → mapMultiset f (X ∪ Y) ≡ mapMultiset f X ∪ mapMultiset f Y
  mapUnion f X Y = ElimProp.f {B = λ Z → mapMultiset f (Z ∪ Y) ≡ mapMultiset f Z ∪ mapMultiset f Y}
    (trunc _ _) refl (λ x IH → cong (f x ◂_) IH) X

  mapCompose : {C : Type} (g : B → C) (f : A → B) (M : FMSet A) → mapMultiset g (mapMultiset f M) ≡ mapMultiset (λ x → g (f x)) M
  mapCompose g f = ElimProp.f (trunc _ _) refl (λ x IH → cong (g (f x) ◂_) IH)

beside : Graph V → Graph W → Graph (V ⊎ W)
beside (vs , x , M) (ws , y , N) =
    mapMultiset inl vs ∪ mapMultiset inr ws
  , (λ { (inl v) → x v ; (inr w) → y w })
  , (λ { (inl v) → mapMultiset (λ edge → inl (fst edge) , snd edge) (M v)
       ; (inr w) → mapMultiset (λ edge → inr (fst edge) , snd edge) (N w) })

-- A vertex has in two graphs side by side the states that it has in its own.
statesLeft : (G : Graph V) (H : Graph W) (t : ℕ) (v : V) → states (beside G H) t (inl v) ≡ states G t v
statesLeft G H zero    v = refl
statesLeft G H (suc t) v = cong₂ update (statesLeft G H t v) (funExt λ c →
  sumOverMap (λ edge → send (states (beside G H) t (inl v)) (states (beside G H) t (fst edge)) (snd edge) c)
    (λ edge → inl (fst edge) , snd edge) (snd (snd G) v)
  ∙ λ i → sumOver (λ edge → send (statesLeft G H t v i) (statesLeft G H t (fst edge) i) (snd edge) c) (snd (snd G) v))

statesRight : (G : Graph V) (H : Graph W) (t : ℕ) (w : W) → states (beside G H) t (inr w) ≡ states H t w
statesRight G H zero    w = refl
statesRight G H (suc t) w = cong₂ update (statesRight G H t w) (funExt λ c →
  sumOverMap (λ edge → send (states (beside G H) t (inr w)) (states (beside G H) t (fst edge)) (snd edge) c)
    (λ edge → inr (fst edge) , snd edge) (snd (snd H) w)
  ∙ λ i → sumOver (λ edge → send (statesRight G H t w i) (statesRight G H t (fst edge) i) (snd edge) c) (snd (snd H) w))

-- What is read out of two graphs side by side is the union of what is read out of each.
resultOfBeside : (G : Graph V) (H : Graph W) (t : ℕ) → result t (beside G H) ≡ result t G ∪ result t H
resultOfBeside G H t =
  mapUnion _ (mapMultiset inl (fst G)) (mapMultiset inr (fst H))
  ∙ cong₂ _∪_
    (mapCompose _ inl (fst G) ∙ λ i → mapMultiset (λ v → statesLeft G H t v i , fst (snd G) v) (fst G))
    (mapCompose _ inr (fst H) ∙ λ i → mapMultiset (λ w → statesRight G H t w i , fst (snd H) w) (fst H))

-- A readout that is a sum over vertices, as equation (4) is in each entry, adds over components, as an energy does.
sumOfBeside : (f : State × Feature → R) (G : Graph V) (H : Graph W) (t : ℕ)
  → predict (sumOver f) t (beside G H) ≡ predict (sumOver f) t G + predict (sumOver f) t H
sumOfBeside f G H t = cong (sumOver f) (resultOfBeside G H t) ∙ sumOverUnion f (result t G) (result t H)

-- The message of Duvenaud et al.: the neighbour's state, then the edge, each in channels of its own.
concatenated : {S E : Type} (state : State → S → R) (bond : Bond → E → R) → State → State → Bond → S ⊎ E → R
concatenated state bond _ h e (inl s) = state h s
concatenated state bond _ h e (inr c) = bond e c

-- It cannot tell which edge leads to which neighbour: with the edges of two neighbours exchanged the sum of the messages is the
-- same in every channel.
exchangedEdgesUnseen : {S E : Type} (state : State → S → R) (bond : Bond → E → R) (h a b : State) (d e : Bond) (c : S ⊎ E)
  → sumOver (λ edge → concatenated state bond h (fst edge) (snd edge) c) (toMultiset ((a , d) ∷ (b , e) ∷ []))
  ≡ sumOver (λ edge → concatenated state bond h (fst edge) (snd edge) c) (toMultiset ((a , e) ∷ (b , d) ∷ []))
exchangedEdgesUnseen state bond h a b d e (inl s) = refl
exchangedEdgesUnseen state bond h a b d e (inr c) =
  +Assoc (bond d c) (bond e c) 0r ∙ cong (_+ 0r) (+Comm (bond d c) (bond e c)) ∙ sym (+Assoc (bond e c) (bond d c) 0r)
