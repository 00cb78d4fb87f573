{-# OPTIONS --safe #-}
{-
Paper 08: O. Vinyals, S. Bengio, M. Kudlur, «Order Matters: Sequence to sequence for sets» (2015), arXiv:1511.06391

Read, process, write (Section 4.3) as a function of a list of memories, and why the list's order does not matter to it:
whatever the networks are, it is an instance of the universal property of finite multisets.

  paper                                      here
  q_t = LSTM(q*_{t-1}), q*_t = [q_t r_t]     the state lstm s r, its query, and what is read with it (equations 3 to 7)
  q*_P                                       process P ms
  the writing LSTM, from W₀ q*_P             begin, next
  the glimpse g_j                            readList (ask d) ms
  exp(u_j)                                   pointer d g m
  p(C_1, …, C_m | X)                         written P ms ys, for the memories ys that are pointed at
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Sets-Process {ℓ : Level} (R' : CommRing ℓ) {Query Memory Feature State Decoder : Type ℓ}
  (weight : Query → Memory → fst R') (value : Memory → Feature → fst R') (divide : fst R' → fst R' → fst R')
  (first : State) (unread : Feature → fst R') (lstm : State → (Feature → fst R') → State) (query : State → Query)
  (begin : State → (Feature → fst R') → Decoder) (next : Decoder → Memory → Decoder) (ask : Decoder → Query)
  (pointer : Decoder → (Feature → fst R') → Memory → fst R') where

open import Cubical.Foundations.HLevels using (isSetΠ; isSetΣ)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.List.Base using (List; []; _∷_; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Multiset
open import Sets-Read R' weight value divide

open CommRingStr (snd R') using (1r; _·_; is-set)
open import S30.Ring R' using (sumList)
open import S30.WeightedSum R' using (sumOver; sumOverList)

-- A state, and what was read with its query: q*.
Context : Type ℓ
Context = State × (Feature → R)

-- Equations (3) to (7), for any way to read.
step : (Query → Feature → R) → Context → Context
step reading (s , r) = seen (lstm s r)
  where
  seen : State → Context
  seen s′ = s′ , reading (query s′)

process : ℕ → List Memory → Context
process zero    ms = first , unread
process (suc P) ms = step (λ q → readList q ms) (process P ms)

processSet : ℕ → FMSet Memory → Context
processSet zero    M = first , unread
processSet (suc P) M = step (λ q → read q M) (processSet P M)

processOfList : (P : ℕ) (ms : List Memory) → processSet P (toMultiset ms) ≡ process P ms
processOfList zero    ms = refl
processOfList (suc P) ms = cong₂ step (funExt λ q → readOfList q ms) (processOfList P ms)

-- After any number of steps q* is a function of the multiset of memories, in exactly one way, if states form a set, as numbers do.
processFactorsUniquely : isSet State → (P : ℕ) → isContr (Factorisation (process P))
processFactorsUniquely isSetState P = factorsUniquely (isSetΣ isSetState λ _ → isSetΠ λ _ → is-set) (process P)
  (factorisationRespectsSwaps (process P) (processSet P , processOfList P))

----------------------------------------------------------------------
-- Writing

-- p(C_j | …): the pointer at one memory over the sum of the pointers at all of them, after a glimpse.
pointed : List Memory → Decoder → Memory → R
pointed ms d m = at (readList (ask d) ms)
  where
  at : (Feature → R) → R
  at g = divide (pointer d g m) (sumList (map (pointer d g) ms))

pointedSet : FMSet Memory → Decoder → Memory → R
pointedSet M d m = divide (pointer d (read (ask d) M) m) (sumOver (pointer d (read (ask d) M)) M)

pointedOfList : (ms : List Memory) (d : Decoder) (m : Memory) → pointedSet (toMultiset ms) d m ≡ pointed ms d m
pointedOfList ms d m =
  cong (divide (pointer d (read (ask d) (toMultiset ms)) m)) (sumOverList (pointer d (read (ask d) (toMultiset ms))) ms)
  ∙ cong (λ g → divide (pointer d g m) (sumList (map (pointer d g) ms))) (readOfList (ask d) ms)

-- The product of p(C_j | …) over a sequence of memories.
likelihood : (Decoder → Memory → R) → Decoder → List Memory → R
likelihood p d []       = 1r
likelihood p d (y ∷ ys) = p d y · likelihood p (next d y) ys

written : ℕ → List Memory → List Memory → R
written P ms ys = likelihood (pointed ms) (begin (fst (process P ms)) (snd (process P ms))) ys

writtenSet : ℕ → FMSet Memory → List Memory → R
writtenSet P M ys = likelihood (pointedSet M) (begin (fst (processSet P M)) (snd (processSet P M))) ys

writtenOfList : (P : ℕ) (ms ys : List Memory) → writtenSet P (toMultiset ms) ys ≡ written P ms ys
writtenOfList P ms ys = cong₂ (λ p (c : Context) → likelihood p (begin (fst c) (snd c)) ys)
  (funExt λ d → funExt λ m → pointedOfList ms d m) (processOfList P ms)

-- The probability that a sequence of elements is written is a function of the multiset that is read, in exactly one
-- way: whatever the networks are, for any number of steps of processing, with a glimpse before every pointer. No pointer
-- is masked: an element may be pointed at again.
writtenFactorsUniquely : (P : ℕ) (ys : List Memory) → isContr (Factorisation (λ ms → written P ms ys))
writtenFactorsUniquely P ys = factorsUniquely is-set (λ ms → written P ms ys)
  (factorisationRespectsSwaps (λ ms → written P ms ys) ((λ M → writtenSet P M ys) , (λ ms → writtenOfList P ms ys)))

-- No permutation of the set that is read changes that probability.
writtenPermutationInvariant : (P : ℕ) {ms ns : List Memory} → ms ↭ ns → (ys : List Memory) → written P ms ys ≡ written P ns ys
writtenPermutationInvariant P {ms} {ns} p ys =
  sym (writtenOfList P ms ys) ∙ cong (λ M → writtenSet P M ys) (permutationToPath p) ∙ writtenOfList P ns ys
