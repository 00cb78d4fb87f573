{-# OPTIONS --safe #-}
{-
Paper 14: D. Bahdanau, K. Cho, Y. Bengio, «Neural Machine Translation by Jointly Learning to Align and Translate» (2014),
arXiv:1409.0473

The gated hidden unit's update (Section A.1.1), in the paper's convention: z = 1 takes the proposed state, z = 0 keeps the old.

  paper                                  here
  z_i, s̃_i                               a Proposal: a pair (z , n)
  s_i = (1 − z_i) s_{i−1} + z_i s̃_i      update s (z , n)
  s_T after such steps                   run update us s_0
  Π (1 − z_i)                            kept us
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module Bahdanau-Gate {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run; runOfIdentities)
open import S30.Lists using (All)

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; -_; +Assoc; +Comm; +IdR; +IdL; +InvR; ·Assoc; ·Comm; ·IdL; ·IdR; ·DistR+; ·DistL+)
open import S30.Ring R' using (_-_; 0·Absorbs; ·0Absorbs; +Complement)

R : Type ℓ
R = fst R'

Proposal : Type ℓ
Proposal = R × R

update : R → Proposal → R
update s (z , n) = (1r - z) · s + z · n

-- Shut, z = 0, an update keeps the state.
shutKeeps : (s n : R) → update s (0r , n) ≡ s
shutKeeps s n =
  cong₂ _+_ (cong (_· s) (oneLessZero) ∙ ·IdL s) (0·Absorbs n) ∙ +IdR s
  where
  oneLessZero : 1r - 0r ≡ 1r
  oneLessZero = sym (+IdL (1r - 0r)) ∙ +Complement 0r 1r

-- Open, z = 1, it takes the proposed one.
openTakes : (s n : R) → update s (1r , n) ≡ n
openTakes s n = cong₂ _+_ (cong (_· s) (+InvR 1r) ∙ 0·Absorbs s) (·IdL n) ∙ +IdL n

-- Units that stay shut carry their state through any number of steps.
shutCarries : (us : List Proposal) → All (λ u → fst u ≡ 0r) us → (s : R) → run update us s ≡ s
shutCarries []             _          s = refl
shutCarries ((z , n) ∷ us) (shut , rest) s =
  cong (run update us) (cong (λ g → update s (g , n)) shut ∙ shutKeeps s n) ∙ shutCarries us rest s

-- What is left of the first state, of all proposals, and the weight of these.
kept : List Proposal → R
kept []             = 1r
kept ((z , n) ∷ us) = kept us · (1r - z)

taken : List Proposal → R
taken []             = 0r
taken ((z , n) ∷ us) = kept us · (z · n) + taken us

weight : List Proposal → R
weight []             = 0r
weight ((z , n) ∷ us) = kept us · z + weight us

-- After any number of steps the state is Π(1 − z) of the first, and each proposal by its z times what later steps keep.
unrolled : (us : List Proposal) (s : R) → run update us s ≡ kept us · s + taken us
unrolled []             s = sym (+IdR (1r · s) ∙ ·IdL s)
unrolled ((z , n) ∷ us) s =
  run update us ((1r - z) · s + z · n)                       ≡⟨ unrolled us ((1r - z) · s + z · n) ⟩
  kept us · ((1r - z) · s + z · n) + taken us                ≡⟨ cong (_+ taken us) (·DistR+ (kept us) ((1r - z) · s) (z · n)) ⟩
  (kept us · ((1r - z) · s) + kept us · (z · n)) + taken us
    ≡⟨ cong (λ a → (a + kept us · (z · n)) + taken us) (·Assoc (kept us) (1r - z) s) ⟩
  (kept us · (1r - z) · s + kept us · (z · n)) + taken us    ≡⟨ sym (+Assoc (kept us · (1r - z) · s) (kept us · (z · n)) (taken us)) ⟩
  kept us · (1r - z) · s + (kept us · (z · n) + taken us)    ∎

-- These weights add up to 1: a state is a mixture of the first one and of all that was proposed.
weightsSumToOne : (us : List Proposal) → kept us + weight us ≡ 1r
weightsSumToOne []             = +IdR 1r
weightsSumToOne ((z , n) ∷ us) =
  kept us · (1r - z) + (kept us · z + weight us)    ≡⟨ +Assoc (kept us · (1r - z)) (kept us · z) (weight us) ⟩
  (kept us · (1r - z) + kept us · z) + weight us    ≡⟨ cong (_+ weight us) (sym (·DistR+ (kept us) (1r - z) z)) ⟩
  kept us · ((1r - z) + z) + weight us
    ≡⟨ cong (λ a → kept us · a + weight us) (+Comm (1r - z) z ∙ +Complement z 1r) ⟩
  kept us · 1r + weight us                          ≡⟨ cong (_+ weight us) (·IdR (kept us)) ⟩
  kept us + weight us                               ≡⟨ weightsSumToOne us ⟩
  1r                                                ∎
