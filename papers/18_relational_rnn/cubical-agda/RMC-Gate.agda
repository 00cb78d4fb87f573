{-# OPTIONS --safe #-}
{-
Paper 18: A. Santoro et al., «Relational recurrent neural networks» (2018), arXiv:1806.01822

The gates of one entry of one slot, equation (7), over an abstract commutative ring. Forget and input gate are independent numbers:
their sum is not 1.

  paper                      here
  σ(f_{i,t} + b̃^f)           forget
  σ(i_{i,t})                 input
  g_ψ(m̃_{i,t}), tanh of it   candidate
  m_{i,t}                    update m_{i,t−1}
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module RMC-Gate {ℓ : Level} (R' : CommRing ℓ) where

open import Cubical.Data.List.Base using (List; []; _∷_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import S30.Fold using (run)
open import S30.Lists using (All)
open import S30.Ring R' using (0·Absorbs)
import S30.Convex

open CommRingStr (snd R') using (0r; 1r; _+_; _·_; +Assoc; +IdR; +IdL; ·Assoc; ·IdR; ·IdL; ·DistR+; ·DistL+)

R : Type ℓ
R = fst R'

record Gates : Type ℓ where
  constructor gates
  field
    forget input candidate : R

open Gates public

-- m_t = f m_{t−1} + i m̃, equation (7)
update : R → Gates → R
update m g = forget g · m + input g · candidate g

-- Π f_t
kept : List Gates → R
kept []       = 1r
kept (g ∷ gs) = kept gs · forget g

-- Σ_t (Π_{s>t} f_s) i_t m̃_t
written : List Gates → R
written []       = 0r
written (g ∷ gs) = kept gs · (input g · candidate g) + written gs

-- The affine law, for any number of steps: m_T = (Π f_t) m_0 + Σ_t (Π_{s>t} f_s) i_t m̃_t.
affineLaw : (gs : List Gates) (m : R) → run update gs m ≡ kept gs · m + written gs
affineLaw []       m = sym (+IdR (1r · m) ∙ ·IdL m)
affineLaw (g ∷ gs) m =
  run update gs (update m g)
    ≡⟨ affineLaw gs (update m g) ⟩
  kept gs · (forget g · m + w) + written gs
    ≡⟨ cong (_+ written gs) (·DistR+ (kept gs) (forget g · m) w) ⟩
  (kept gs · (forget g · m) + kept gs · w) + written gs
    ≡⟨ sym (+Assoc _ _ _) ⟩
  kept gs · (forget g · m) + (kept gs · w + written gs)
    ≡⟨ cong (_+ (kept gs · w + written gs)) (·Assoc (kept gs) (forget g) m) ⟩
  (kept gs · forget g) · m + (kept gs · w + written gs) ∎
  where w = input g · candidate g

-- f = 1 and i = 0 keep the memory, over any number of steps.
shutInputKeeps : (gs : List Gates) → All (λ g → (forget g ≡ 1r) × (input g ≡ 0r)) gs → (m : R) → run update gs m ≡ m
shutInputKeeps []       _                m = refl
shutInputKeeps (g ∷ gs) ((open1 , shut0) , ks) m = cong (run update gs) stays ∙ shutInputKeeps gs ks m
  where
  stays : update m g ≡ m
  stays = cong₂ (λ a b → a · m + b · candidate g) open1 shut0
        ∙ cong₂ _+_ (·IdL m) (0·Absorbs (candidate g)) ∙ +IdR m

-- f = 0 and i = 1 leave the candidate alone.
shutForgetOverwrites : (g : Gates) → forget g ≡ 0r → input g ≡ 1r → (m : R) → update m g ≡ candidate g
shutForgetOverwrites g shut0 open1 m =
  cong₂ (λ a b → a · m + b · candidate g) shut0 open1 ∙ cong₂ _+_ (0·Absorbs m) (·IdL (candidate g)) ∙ +IdL (candidate g)

-- With both gates open a step adds the candidate, so one that equals the memory doubles it: no convex combination.
openGatesAdd : (g : Gates) → forget g ≡ 1r → input g ≡ 1r → (m : R) → update m g ≡ m + candidate g
openGatesAdd g open1 open1′ m =
  cong₂ (λ a b → a · m + b · candidate g) open1 open1′ ∙ cong₂ _+_ (·IdL m) (·IdL (candidate g))

-- A step mixes memory and candidate with weights of sum f + i: where both are c it gives (f + i) c.
updateOfEqual : (f i c : R) → update c (gates f i c) ≡ (f + i) · c
updateOfEqual f i c = sym (·DistL+ f i c)

-- If every step from c with candidate c gives c, as any mean of the two would, then f + i = 1.
meansAreTied : (f i : R) → ((c : R) → update c (gates f i c) ≡ c) → f + i ≡ 1r
meansAreTied f i mean = sym (·IdR (f + i)) ∙ sym (updateOfEqual f i 1r) ∙ mean 1r

-- And if f + i = 1 every such step gives c.
tiedIsMean : (f i : R) → f + i ≡ 1r → (c : R) → update c (gates f i c) ≡ c
tiedIsMean f i tied c = updateOfEqual f i c ∙ cong (_· c) tied ∙ ·IdL c

-- From the same gates the distance of two memories is multiplied by Π f_t, whatever is written.
sameGates : (gs : List Gates) (m d : R) → run update gs (m + d) ≡ run update gs m + kept gs · d
sameGates gs m d =
  affineLaw gs (m + d)
  ∙ cong (_+ written gs) (·DistR+ (kept gs) m d)
  ∙ exchange (kept gs · m) (kept gs · d) (written gs)
  ∙ cong (_+ kept gs · d) (sym (affineLaw gs m))
  where
  open CommRingStr (snd R') using (+Comm)
  exchange : (a b c : R) → (a + b) + c ≡ (a + c) + b
  exchange a b c = sym (+Assoc a b c) ∙ cong (a +_) (+Comm b c) ∙ +Assoc a c b

module Ordered {ℓ' : Level} (_≤_ : R → R → Type ℓ')
  (+Mono : (a b c d : R) → a ≤ b → c ≤ d → (a + c) ≤ (b + d))
  (·Mono : (f a b : R) → 0r ≤ f → a ≤ b → (f · a) ≤ (f · b)) where

  open S30.Convex R' _≤_ +Mono ·Mono using (IsBetween)

  -- Tied gates are convex: with f, i ≥ 0 and f + i = 1 what lies between two bounds stays there.
  tiedStaysBetween : (f i low high m c : R) → 0r ≤ f → 0r ≤ i → f + i ≡ 1r
    → IsBetween low high m → IsBetween low high c → IsBetween low high (update m (gates f i c))
  tiedStaysBetween f i low high m c 0≤f 0≤i tied (l≤m , m≤h) (l≤c , c≤h) =
      subst (_≤ update m (gates f i c)) (tiedIsMean f i tied low)
        (+Mono _ _ _ _ (·Mono f low m 0≤f l≤m) (·Mono i low c 0≤i l≤c))
    , subst (update m (gates f i c) ≤_) (tiedIsMean f i tied high)
        (+Mono _ _ _ _ (·Mono f m high 0≤f m≤h) (·Mono i c high 0≤i c≤h))

  -- Independent gates do not stay there: from 1 with candidate 1 both open gates give 1 + 1, so no number below it bounds them.
  openGatesLeave : (high : R) → update 1r (gates 1r 1r 1r) ≤ high → (1r + 1r) ≤ high
  openGatesLeave high = subst (_≤ high) (openGatesAdd (gates 1r 1r 1r) refl refl 1r)
