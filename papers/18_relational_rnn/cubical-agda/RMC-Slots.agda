{-# OPTIONS --safe #-}
{-
Paper 18: A. Santoro et al., «Relational recurrent neural networks» (2018), arXiv:1806.01822

The memory core as a map on its slots. Attention, norms, MLP and gates are given functions, the same for every slot («shared for
each m_i», Section 3.3): a block sees the multiset of all rows and maps one of them, a gate sees the input, a slot and what is
proposed for it. Nothing else is assumed of them.

  paper                                      here
  [M; x], the rows that are attended to      x ◂ toMultiset M, a finite multiset
  g_ψ(A_θ([M; x])), one block                block rows row, for each row
  M̃, after all blocks                        propose blocks x M; the input's own row is dropped
  m_{i,t} from m̃_{i,t}, equation (7)         gate x m m̃
  M_T from M_0 and x_1, …, x_T               run step us M
  a permutation of the slots                 M ↭ N
-}
open import Cubical.Foundations.Prelude
open import Cubical.HITs.FiniteMultiset.Base using (FMSet) renaming (_∷_ to _◂_)
open import Cubical.Data.List.Base using (List; []; _∷_; map)

module RMC-Slots {ℓ : Level} {Input Slot : Type ℓ} (embed : Input → Slot)
  (blocks : List (FMSet Slot → Slot → Slot)) (gate : Slot → Slot → Slot → Slot) where

open import Cubical.Data.Maybe.Base using (Maybe; nothing; just; map-Maybe)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Relation.Nullary.Base using (¬_)
open import S30.Fold using (run)
open import S30.Lists using (mapComp; mapId; zipWith; zipWithMap)
open import S30.Multiset

Block : Type ℓ
Block = FMSet Slot → Slot → Slot

-- M̃: every block maps all rows, that of the input as well, each with knowledge of all.
propose : List Block → Slot → List Slot → List Slot
propose []       x M = M
propose (b ∷ bs) x M = propose bs (b rows x) (map (b rows) M)
  where rows = x ◂ toMultiset M

-- M_t from M_{t−1} and x_t
step : List Slot → Input → List Slot
step M u = zipWith (gate (embed u)) M (propose blocks (embed u) M)

----------------------------------------------------------------------
-- The same for one slot m that is among others, of which the multiset M is known

proposeSlot : List Block → Slot → FMSet Slot → Slot → Slot
proposeSlot []       x M m = m
proposeSlot (b ∷ bs) x M m = proposeSlot bs (b (x ◂ M) x) (mapMultiset (b (x ◂ M)) M) (b (x ◂ M) m)

stepSlot : Input → FMSet Slot → Slot → Slot
stepSlot u M m = gate (embed u) m (proposeSlot blocks (embed u) M m)

runSlot : List Input → FMSet Slot → Slot → Slot
runSlot []       M m = m
runSlot (u ∷ us) M m = runSlot us (mapMultiset (stepSlot u M) M) (stepSlot u M m)

-- What is proposed for a slot depends on this slot and on the multiset of all, by one function for all slots.
proposeIsSlotwise : (bs : List Block) (x : Slot) (M : List Slot)
                  → propose bs x M ≡ map (proposeSlot bs x (toMultiset M)) M
proposeIsSlotwise []       x M = sym (mapId M)
proposeIsSlotwise (b ∷ bs) x M =
  proposeIsSlotwise bs (b rows x) (map (b rows) M)
  ∙ cong (λ N → map (proposeSlot bs (b rows x) N) (map (b rows) M)) (toMultisetMap (b rows) M)
  ∙ mapComp (proposeSlot bs (b rows x) (mapMultiset (b rows) (toMultiset M))) (b rows) M
  where rows = x ◂ toMultiset M

-- One step maps every slot by one and the same function.
stepIsSlotwise : (M : List Slot) (u : Input) → step M u ≡ map (stepSlot u (toMultiset M)) M
stepIsSlotwise M u =
  cong (zipWith (gate (embed u)) M) (proposeIsSlotwise blocks (embed u) M)
  ∙ zipWithMap (gate (embed u)) (proposeSlot blocks (embed u) (toMultiset M)) M

-- So does a run over any inputs: what becomes of a slot depends on its first value and on the multiset of all first values.
runIsSlotwise : (us : List Input) (M : List Slot) → run step us M ≡ map (runSlot us (toMultiset M)) M
runIsSlotwise []       M = sym (mapId M)
runIsSlotwise (u ∷ us) M =
  cong (run step us) (stepIsSlotwise M u)
  ∙ runIsSlotwise us (map f M)
  ∙ cong (λ N → map (runSlot us N) (map f M)) (toMultisetMap f M)
  ∙ mapComp (runSlot us (mapMultiset f (toMultiset M))) f M
  where f = stepSlot u (toMultiset M)

----------------------------------------------------------------------
-- Equivariance, and what follows for equal slots

-- From permuted slots every slot becomes what it would have become without the permutation: each keeps its own future.
slotKeepsItsFuture : (us : List Input) {M N : List Slot} → M ↭ N
                   → run step us N ≡ map (runSlot us (toMultiset M)) N
slotKeepsItsFuture us {M} {N} p =
  runIsSlotwise us N ∙ cong (λ B → map (runSlot us B) N) (sym (permutationToPath p))

-- The memory core is equivariant: permuted first slots give last slots that are permuted alike.
runEquivariant : (us : List Input) {M N : List Slot} → M ↭ N → run step us M ↭ run step us N
runEquivariant us {M} {N} p =
  subst2 _↭_ (sym (runIsSlotwise us M)) (sym (slotKeepsItsFuture us p)) (↭map (runSlot us (toMultiset M)) p)

-- Slot number i, if there is one.
slotAt : List Slot → ℕ → Maybe Slot
slotAt []       _       = nothing
slotAt (m ∷ M)  zero    = just m
slotAt (m ∷ M)  (suc i) = slotAt M i

slotAtMap : (f : Slot → Slot) (M : List Slot) (i : ℕ) → slotAt (map f M) i ≡ map-Maybe f (slotAt M i)
slotAtMap f []      _       = refl
slotAtMap f (m ∷ M) zero    = refl
slotAtMap f (m ∷ M) (suc i) = slotAtMap f M i

-- Slots that are equal at the start are equal after any inputs, whatever the other slots are.
equalSlotsStayEqual : (us : List Input) (M : List Slot) (i j : ℕ)
                    → slotAt M i ≡ slotAt M j → slotAt (run step us M) i ≡ slotAt (run step us M) j
equalSlotsStayEqual us M i j same = becomes i ∙ cong (map-Maybe f) same ∙ sym (becomes j)
  where
  f = runSlot us (toMultiset M)
  becomes : (k : ℕ) → slotAt (run step us M) k ≡ map-Maybe f (slotAt M k)
  becomes k = cong (λ N → slotAt N k) (runIsSlotwise us M) ∙ slotAtMap f M k

-- Slots that ever differ differed at the start: nothing but the initial memory breaks the symmetry.
onlyTheStartBreaksTheSymmetry : (us : List Input) (M : List Slot) (i j : ℕ)
  → ¬ (slotAt (run step us M) i ≡ slotAt (run step us M) j) → ¬ (slotAt M i ≡ slotAt M j)
onlyTheStartBreaksTheSymmetry us M i j differ same = differ (equalSlotsStayEqual us M i j same)

-- So many copies of one slot.
copies : ℕ → Slot → List Slot
copies zero    m = []
copies (suc n) m = m ∷ copies n m

-- If all slots start equal the memory is one vector, repeated, after any inputs.
allEqualStayEqual : (us : List Input) (n : ℕ) (m : Slot)
                  → run step us (copies n m) ≡ copies n (runSlot us (toMultiset (copies n m)) m)
allEqualStayEqual us n m = runIsSlotwise us (copies n m) ∙ mapCopies (runSlot us (toMultiset (copies n m))) n
  where
  mapCopies : (f : Slot → Slot) (k : ℕ) → map f (copies k m) ≡ copies k (f m)
  mapCopies f zero    = refl
  mapCopies f (suc k) = cong (f m ∷_) (mapCopies f k)
