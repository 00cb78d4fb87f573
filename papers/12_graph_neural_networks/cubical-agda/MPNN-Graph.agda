{-# OPTIONS --safe #-}
{-
Paper 12: J. Gilmer, S. S. Schoenholz, P. F. Riley, O. Vinyals, G. E. Dahl, «Neural Message Passing for Quantum Chemistry» (2017),
arXiv:1704.01212

Message passing (equations 1 and 2) and readout (equation 3) on finite graphs, and what another choice of vertices does to them:
nothing. Vertices are any type; messages are added in an abstract commutative ring, channel by channel.

  paper                                        here
  V, x_v, N(v) with e_vw                       Graph V = (vertices, features, neighbours)
  multigraph                                   a vertex may stand in N(v) several times: neighbours v is a finite multiset
  M_t(h_v, h_w, e_vw), one channel of it       send h_v h_w e c
  m_v^{t+1} (1)                                message G h v
  U_t (2), the same for all t                  update
  h_v^0 from x_v                               initial
  R (3)                                        readout, on the finite multiset of the tuples (h_v^T, x_v)
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing)

module MPNN-Graph (R' : CommRing ℓ-zero) {State Feature Bond Channel Answer : Type}
  (send : State → State → Bond → Channel → fst R') (update : State → (Channel → fst R') → State) (initial : Feature → State) where

open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd; Σ-syntax)
open import Cubical.Foundations.Equiv using (_≃_; equivFun; invEq; secEq; retEq)
open import Cubical.Foundations.Univalence using (ua; uaβ)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet; trunc; module ElimProp) renaming ([] to ∅; _∷_ to _◂_)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Multiset
open import S30.WeightedSum R' using (sumOver; sumOverMap)

R : Type
R = fst R'

private
  variable
    V W : Type

Graph : Type → Type
Graph V = FMSet V × (V → Feature) × (V → FMSet (V × Bond))

-- m_v (equation 1), from states of all vertices.
message : Graph V → (V → State) → V → Channel → R
message (_ , _ , neighbours) h v c = sumOver (λ edge → send (h v) (h (fst edge)) (snd edge) c) (neighbours v)

-- One round (equation 2), and h_v^t.
round : Graph V → (V → State) → V → State
round G h v = update (h v) (message G h v)

states : Graph V → ℕ → V → State
states G zero    v = initial (fst (snd G) v)
states G (suc t) = round G (states G t)

-- {(h_v^T, x_v)}, and y = R of it (equation 3).
result : ℕ → Graph V → FMSet (State × Feature)
result t G = mapMultiset (λ v → states G t v , fst (snd G) v) (fst G)

predict : (FMSet (State × Feature) → Answer) → ℕ → Graph V → Answer
predict readout t G = readout (result t G)

----------------------------------------------------------------------
-- Univalence

-- Whatever is defined for graphs on any type of vertices takes the same value after transport along an equivalence of
-- vertices. Nothing about graphs or the function is used but that it is defined for all types.
transportKeeps : {Y : Type} (f : (V : Type) → Graph V → Y) (e : V ≃ W) (G : Graph V) → f W (subst Graph (ua e) G) ≡ f V G
transportKeeps f e G i = f (ua e (~ i)) (transport-filler (cong Graph (ua e)) G (~ i))

-- A graph transported along an equivalence of its vertices has the same readout after any number of rounds, whatever send,
-- update and readout are.
readoutOfTransported : (readout : FMSet (State × Feature) → Answer) (t : ℕ) (e : V ≃ W) (G : Graph V)
  → predict readout t (subst Graph (ua e) G) ≡ predict readout t G
readoutOfTransported readout t = transportKeeps (λ V → predict readout t)

----------------------------------------------------------------------
-- The same by hand: vertices renamed by f, with g to look a new name up.

private
  mapIdentity : {A : Type} (M : FMSet A) → mapMultiset (λ x → x) M ≡ M
  mapIdentity = ElimProp.f (trunc _ _) refl (λ x IH → cong (x ◂_) IH)

  mapCompose : {A B C : Type} (g : B → C) (f : A → B) (M : FMSet A)
    → mapMultiset g (mapMultiset f M) ≡ mapMultiset (λ x → g (f x)) M
  mapCompose g f = ElimProp.f (trunc _ _) refl (λ x IH → cong (g (f x) ◂_) IH)

rename : (V → W) → (W → V) → Graph V → Graph W
rename f g (vertices , features , neighbours) =
    mapMultiset f vertices
  , (λ w → features (g w))
  , (λ w → mapMultiset (λ edge → f (fst edge) , snd edge) (neighbours (g w)))

relabel : V ≃ W → Graph V → Graph W
relabel e = rename (equivFun e) (invEq e)

-- The state of a vertex with a new name is that of the vertex with its old name.
statesOfRelabelled : (e : V ≃ W) (G : Graph V) (t : ℕ) (w : W) → states (relabel e G) t w ≡ states G t (invEq e w)
statesOfRelabelled e G zero    w = refl
statesOfRelabelled {V} {W} e G (suc t) w = cong₂ update (statesOfRelabelled e G t w) (funExt same)
  where
  old : V → State
  old = states G t
  same : (c : Channel) → message (relabel e G) (states (relabel e G) t) w c ≡ message G old (invEq e w) c
  same c =
    (λ i → message (relabel e G) (λ u → statesOfRelabelled e G t u i) w c)
    ∙ sumOverMap (λ edge → send (old (invEq e w)) (old (invEq e (fst edge))) (snd edge) c) _ (snd (snd G) (invEq e w))
    ∙ (λ i → sumOver (λ edge → send (old (invEq e w)) (old (retEq e (fst edge) i)) (snd edge) c) (snd (snd G) (invEq e w)))

-- Relabelling leaves the readout as it is: the statement in elementary terms, by induction on the rounds.
readoutOfRelabelled : (readout : FMSet (State × Feature) → Answer) (t : ℕ) (e : V ≃ W) (G : Graph V)
  → predict readout t (relabel e G) ≡ predict readout t G
readoutOfRelabelled readout t e G = cong readout
  ( mapCompose _ (equivFun e) (fst G)
  ∙ (λ i → mapMultiset
      (λ v → (statesOfRelabelled e G t (equivFun e v) ∙ cong (states G t) (retEq e v)) i , fst (snd G) (retEq e v i)) (fst G)))

private
  transportBack : (p : V ≡ W) (v : V) → transport (sym p) (transport p v) ≡ v
  transportBack {V} = J (λ W p → (v : V) → transport (sym p) (transport p v) ≡ v)
    (λ v → transportRefl (transport refl v) ∙ transportRefl v)

  uaBack : (e : V ≃ W) (w : W) → transport (sym (ua e)) w ≡ invEq e w
  uaBack e w = cong (transport (sym (ua e))) (sym (uaβ e (invEq e w) ∙ secEq e w)) ∙ transportBack (ua e) (invEq e w)

  renameIdentity : (G : Graph V) → rename (transport refl) (transport refl) G ≡ G
  renameIdentity (vertices , features , neighbours) i =
      ((λ j → mapMultiset (λ v → transportRefl v j) vertices) ∙ mapIdentity vertices) i
    , (λ v → features (transportRefl v i))
    , (λ v → ((λ j → mapMultiset (λ edge → transportRefl (fst edge) j , snd edge) (neighbours (transportRefl v j)))
             ∙ mapIdentity (neighbours v)) i)

  substIsRename : (p : V ≡ W) (G : Graph V) → subst Graph p G ≡ rename (transport p) (transport (sym p)) G
  substIsRename p G = J (λ W p → subst Graph p G ≡ rename (transport p) (transport (sym p)) G)
    (substRefl {B = Graph} G ∙ sym (renameIdentity G)) p

-- Transport along an equivalence is relabelling, vertex by vertex and edge by edge.
transportIsRelabelling : (e : V ≃ W) (G : Graph V) → subst Graph (ua e) G ≡ relabel e G
transportIsRelabelling e G = substIsRename (ua e) G ∙ λ i → rename (funExt (uaβ e) i) (funExt (uaBack e) i) G

----------------------------------------------------------------------
-- What univalence does not give. A program has its vertices and edges in lists.

ListGraph : Type → Type
ListGraph V = List V × (V → Feature) × (V → List (V × Bond))

forget : ListGraph V → Graph V
forget (vertices , features , neighbours) = toMultiset vertices , features , (λ v → toMultiset (neighbours v))

-- Another enumeration of the same vertices, and of each vertex's edges, gives the same readout. This rests on the
-- commutativity of addition and on a readout defined on finite multisets, and on no equivalence of types.
readoutOfEnumerated : (readout : FMSet (State × Feature) → Answer) (t : ℕ) (features : V → Feature) {vs ws : List V} → vs ↭ ws
  → (M N : V → List (V × Bond)) → ((v : V) → M v ↭ N v)
  → predict readout t (forget (vs , features , M)) ≡ predict readout t (forget (ws , features , N))
readoutOfEnumerated readout t features p M N q i =
  predict readout t (permutationToPath p i , features , λ v → permutationToPath (q v) i)

-- The features of the vertex that is listed first: a readout by position.
firstListed : (V : Type) → ListGraph V → Maybe Feature
firstListed V ([]    , _)            = nothing
firstListed V (v ∷ _ , features , _) = just (features v)

-- It too is the same after every transport along an equivalence of vertices …
firstOfTransported : (e : V ≃ W) (G : ListGraph V) → firstListed W (subst ListGraph (ua e) G) ≡ firstListed V G
firstOfTransported e G i = firstListed (ua e (~ i)) (transport-filler (cong ListGraph (ua e)) G (~ i))

-- … and yet it tells two enumerations of one graph apart, if there are two different features: invariance under
-- equivalences of types is not independence of the enumeration.
firstDependsOnEnumeration : {x y : Feature} → ¬ (just x ≡ just y)
  → Σ[ G ∈ ListGraph Bool ] Σ[ H ∈ ListGraph Bool ]
    (fst G ↭ fst H) × (snd G ≡ snd H) × (¬ (firstListed Bool G ≡ firstListed Bool H))
firstDependsOnEnumeration {x} {y} x≢y =
  (true ∷ false ∷ [] , two) , (false ∷ true ∷ [] , two) , ↭swap true false , refl , x≢y
  where
  two : (Bool → Feature) × (Bool → List (Bool × Bond))
  two = (λ { true → x ; false → y }) , λ _ → []
