{-# OPTIONS --safe #-}
{-
The forward recursion sums exactly the fibre: for every semiring of weights, every alphabet with decidable equality, every label and
every number of frames (Graves et al., 2006, section 4.1; the loss of Deep Speech 2, section 3.1).

  paper                            here
  -------------------------------  ------------------------------------------------------------------
  y_t                              a frame: a weight for each symbol
  Π_t y_t(π_t)                     weight ys π
  l' = blank l_1 blank … l_U blank  a State: the first blank's value, and for each l_u the values of l_u and of the blank behind it
  α_t(s)                           forwardStates ys l, after the frames ys; step takes it over one frame
  [l'_s ≠ blank, l'_s ≠ l'_{s-2}]  gate: without a blank in between only another symbol may follow
  β_t(s)                           suffix ys p l: over the frames ys that are left, from a frame that held p, with l left to say
  Σ_s α_t(s) β_t(s)                pairing
  p(l | x) = α_T(2U) + α_T(2U+1)   forward ys l

α_0 is 1 at the first blank and 0 elsewhere; one step makes of it what the paper starts with (firstFrame).
-}
open import Cubical.Foundations.Prelude hiding (Path)
open import Cubical.Relation.Nullary using (yes; no; Discrete)
open import CTC-Semiring

module CTC-Forward {A : Type} (_≟_ : Discrete A) (S : Semiring) where

open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; length)
open import Cubical.Data.List.Properties using (++-unit-r)
open import Cubical.Data.Maybe using (Maybe; just; nothing)
open import Cubical.Data.Sigma using (_×_; _,_; fst; snd)
open import Cubical.Data.Unit using (Unit; tt)
open import S30.Fold using (run)
open import S30.Multiset using (_↭_)
open import S30.Pigeonhole using (_∈_; Distinct)
open import CTC-Collapse _≟_

open Semiring S
open Sums S

Frame : Type
Frame = Symbol → Carrier

-- Π_t y_t(π_t); the path has a symbol for each frame.
weight : List Frame → Path → Carrier
weight []       π       = 1#
weight (y ∷ ys) []      = 1#
weight (y ∷ ys) (p ∷ π) = y p · weight ys π

----------------------------------------------------------------------
-- From the end: β

suffix : List Frame → Symbol → Label → Carrier
stay enter : Frame → List Frame → Symbol → Label → Carrier

suffix []       p []      = 1#
suffix []       p (_ ∷ _) = 0#
suffix (y ∷ ys) p l       = y nothing · suffix ys nothing l + (stay y ys p l + enter y ys p l)

stay y ys nothing  l = 0#
stay y ys (just a) l = y (just a) · suffix ys (just a) l

enter y ys p []      = 0#
enter y ys p (c ∷ l) = gate 0# p c (y (just c) · suffix ys (just c) l)

sumOfGate : (f : Path → Carrier) (p : Symbol) (c : A) (ps : List Path)
          → sumOf f (gate [] p c ps) ≡ gate 0# p c (sumOf f ps)
sumOfGate f nothing  c ps = refl
sumOfGate f (just a) c ps with a ≟ c
... | yes _ = refl
... | no _  = refl

-- β sums the weights of the rest of every alignment.
suffixSumsFibre : (ys : List Frame) (p : Symbol) (l : Label) → suffix ys p l ≡ sumOf (weight ys) (alignments (length ys) p l)
suffixSumsFibre []       p []      = sym (+IdR 1#)
suffixSumsFibre []       p (_ ∷ _) = refl
suffixSumsFibre (y ∷ ys) p l       = sym
  (sumOfConcat (weight (y ∷ ys)) (map (nothing ∷_) (alignments T nothing l)) _ ∙ cong₂ _+_ (behind nothing l)
    (sumOfConcat (weight (y ∷ ys)) (stays T p l) _ ∙ cong₂ _+_ (staying p) (entering l)))
  where
  T = length ys

  behind : (q : Symbol) (m : Label) → sumOf (weight (y ∷ ys)) (map (q ∷_) (alignments T q m)) ≡ y q · suffix ys q m
  behind q m = sumOfMap (weight (y ∷ ys)) (q ∷_) (weight ys) (y q) (λ _ → refl) (alignments T q m)
             ∙ cong (y q ·_) (sym (suffixSumsFibre ys q m))

  staying : (p : Symbol) → sumOf (weight (y ∷ ys)) (stays T p l) ≡ stay y ys p l
  staying nothing  = refl
  staying (just a) = behind (just a) l

  entering : (l : Label) → sumOf (weight (y ∷ ys)) (enters T p l) ≡ enter y ys p l
  entering []      = refl
  entering (c ∷ l) = sumOfGate (weight (y ∷ ys)) p c _ ∙ cong (gate 0# p c) (behind (just c) l)

----------------------------------------------------------------------
-- From the beginning: α over the label with its blanks

Columns : Label → Type
Columns []      = Unit
Columns (_ ∷ l) = (Carrier × Carrier) × Columns l

State : Label → Type
State l = Carrier × Columns l

-- α_t(s) = (α_{t-1}(s) + α_{t-1}(s-1) + [l'_s ≠ blank, l'_s ≠ l'_{s-2}] α_{t-1}(s-2)) y_t(l'_s), from l_u on; s, b are α_{t-1} before it.
advance : Frame → Symbol → Carrier → Carrier → (l : Label) → Columns l → Columns l
advance y p s b []      tt               = tt
advance y p s b (c ∷ l) ((s₁ , b₁) , xs) =
  ((s₁ + (b + gate 0# p c s)) · y (just c) , (b₁ + s₁) · y nothing) , advance y (just c) s₁ b₁ l xs

step : (l : Label) → State l → Frame → State l
step l (b , xs) y = b · y nothing , advance y nothing 0# b l xs

zeros : (l : Label) → Columns l
zeros []      = tt
zeros (_ ∷ l) = (0# , 0#) , zeros l

start : (l : Label) → State l
start l = 1# , zeros l

-- α_T(2U) + α_T(2U+1); s, b are the values before.
ends : Carrier → Carrier → (l : Label) → Columns l → Carrier
ends s b []      tt               = s + b
ends s b (c ∷ l) ((s₁ , b₁) , xs) = ends s₁ b₁ l xs

forwardStates : List Frame → (l : Label) → State l
forwardStates ys l = run (step l) ys (start l)

forward : List Frame → Label → Carrier
forward ys l = ends 0# (forwardStates ys l .fst) l (forwardStates ys l .snd)

nothingAdvances : (y : Frame) (p : Symbol) (l : Label) → advance y p 0# 0# l (zeros l) ≡ zeros l
nothingAdvances y p []      = refl
nothingAdvances y p (c ∷ l) i =
  ( (cong (_· y (just c)) (+IdL _ ∙ +IdL _ ∙ shut p) ∙ 0· _) i , (cong (_· y nothing) (+IdR 0#) ∙ 0· _) i )
  , nothingAdvances y (just c) l i
  where
  shut : (p : Symbol) → gate 0# p c 0# ≡ 0#
  shut nothing  = refl
  shut (just a) with a ≟ c
  ... | yes _ = refl
  ... | no _  = refl

-- After the first frame the first blank and the first symbol have that frame's weights, and all else is zero, as Graves et al. begin.
firstFrame : (y : Frame) (c : A) (l : Label) → forwardStates (y ∷ []) (c ∷ l) ≡ (y nothing , ((y (just c) , 0#) , zeros l))
firstFrame y c l i =
  ·IdL (y nothing) i
  , ( ( (cong (_· y (just c)) (+IdL _ ∙ +IdR 1#) ∙ ·IdL _) i , (cong (_· y nothing) (+IdR 0#) ∙ 0· _) i )
    , nothingAdvances y (just c) l i )

----------------------------------------------------------------------
-- Σ_s α(s) β(s) does not change from frame to frame

pairColumns : (l : Label) → Columns l → List Frame → Carrier
pairColumns []      tt             ys = 0#
pairColumns (c ∷ l) ((s , b) , xs) ys = (s · suffix ys (just c) l + b · suffix ys nothing l) + pairColumns l xs ys

pairing : (l : Label) → State l → List Frame → Carrier
pairing l (b , xs) ys = b · suffix ys nothing l + pairColumns l xs ys

gateFactor : (p : Symbol) (c : A) (s x : Carrier) → gate 0# p c s · x ≡ s · gate 0# p c x
gateFactor nothing  c s x = refl
gateFactor (just a) c s x with a ≟ c
... | yes _ = 0· x ∙ sym (·0 s)
... | no _  = refl

inflow : Frame → List Frame → Symbol → Carrier → Carrier → Label → Carrier
inflow y ys p s b []      = 0#
inflow y ys p s b (c ∷ l) = (b + gate 0# p c s) · (y (just c) · suffix ys (just c) l)

inflowSplits : (y : Frame) (ys : List Frame) (p : Symbol) (s b : Carrier) (l : Label)
             → inflow y ys p s b l ≡ s · enter y ys p l + b · enter y ys nothing l
inflowSplits y ys p s b []      = sym (cong₂ _+_ (·0 s) (·0 b) ∙ +IdR 0#)
inflowSplits y ys p s b (c ∷ l) = ·DistL+ b _ _ ∙ +Comm _ _ ∙ cong (_+ b · E) (gateFactor p c s E)
  where E = y (just c) · suffix ys (just c) l

private
  arrange : (s g E b B e₁ e₀ D : Carrier)
          → ((s + g) · E + (b + s) · B) + ((s · e₁ + b · e₀) + D)
          ≡ g · E + ((s · (B + (E + e₁)) + b · (B + (0# + e₀))) + D)
  arrange s g E b B e₁ e₀ D =
    ((s + g) · E + (b + s) · B) + ((m + n) + D)   ≡⟨ cong (_+ ((m + n) + D)) (cong₂ _+_ (·DistL+ s g E ∙ +Comm a h) (·DistL+ b s B ∙ +Comm u v)) ⟩
    ((h + a) + (v + u)) + ((m + n) + D)           ≡⟨ cong (_+ ((m + n) + D)) (sym (+Assoc h a (v + u)) ∙ cong (h +_) (+Assoc a v u ∙ cong (_+ u) (+Comm a v))) ⟩
    (h + ((v + a) + u)) + ((m + n) + D)           ≡⟨ sym (+Assoc h _ _) ∙ cong (h +_) (+Assoc _ (m + n) D) ⟩
    h + ((((v + a) + u) + (m + n)) + D)           ≡⟨ cong (λ z → h + (z + D)) (+Interchange (v + a) u m n ∙ cong (_+ (u + n)) (sym (+Assoc v a m))) ⟩
    h + (((v + (a + m)) + (u + n)) + D)           ≡⟨ cong (λ z → h + (z + D)) (cong₂ _+_ both one) ⟩
    h + ((s · (B + (E + e₁)) + b · (B + (0# + e₀))) + D) ∎
    where
    a = s · E
    h = g · E
    u = b · B
    v = s · B
    m = s · e₁
    n = b · e₀
    both : v + (a + m) ≡ s · (B + (E + e₁))
    both = sym (·DistR+ s B (E + e₁) ∙ cong (v +_) (·DistR+ s E e₁))
    one : u + n ≡ b · (B + (0# + e₀))
    one = sym (cong (λ z → b · (B + z)) (+IdL e₀) ∙ ·DistR+ b B e₀)

pairAdvance : (y : Frame) (ys : List Frame) (p : Symbol) (s b : Carrier) (l : Label) (xs : Columns l)
            → pairColumns l (advance y p s b l xs) ys ≡ inflow y ys p s b l + pairColumns l xs (y ∷ ys)
pairAdvance y ys p s b []      tt               = sym (+IdR 0#)
pairAdvance y ys p s b (c ∷ l) ((s₁ , b₁) , xs) =
    cong₂ _+_ (cong₂ _+_ (sym (·Assoc _ _ _)) (sym (·Assoc _ _ _)))
      (pairAdvance y ys (just c) s₁ b₁ l xs ∙ cong (_+ pairColumns l xs (y ∷ ys)) (inflowSplits y ys (just c) s₁ b₁ l))
  ∙ arrange s₁ (b + gate 0# p c s) (y (just c) · suffix ys (just c) l) b₁ (y nothing · suffix ys nothing l)
      (enter y ys (just c) l) (enter y ys nothing l) (pairColumns l xs (y ∷ ys))

-- A frame may be counted with α or with β.
pairStep : (y : Frame) (ys : List Frame) (l : Label) (x : State l) → pairing l (step l x y) ys ≡ pairing l x (y ∷ ys)
pairStep y ys l (b , xs) =
    cong₂ _+_ (sym (·Assoc b _ _)) (pairAdvance y ys nothing 0# b l xs)
  ∙ +Assoc (b · B) _ _
  ∙ cong (_+ pairColumns l xs (y ∷ ys))
      (cong (b · B +_) (inflowSplits y ys nothing 0# b l ∙ cong (_+ b · e) (0· _) ∙ +IdL _)
      ∙ sym (·DistR+ b B e) ∙ cong (λ z → b · (B + z)) (sym (+IdL e)))
  where
  B = y nothing · suffix ys nothing l
  e = enter y ys nothing l

pairRun : (ys zs : List Frame) (l : Label) (x : State l) → pairing l (run (step l) ys x) zs ≡ pairing l x (ys ++ zs)
pairRun []       zs l x = refl
pairRun (y ∷ ys) zs l x = pairRun ys zs l (step l x y) ∙ pairStep y (ys ++ zs) l x

pairStart : (ys : List Frame) (l : Label) → pairing l (start l) ys ≡ suffix ys nothing l
pairStart ys l = cong₂ _+_ (·IdL _) (nought l) ∙ +IdR _
  where
  nought : (l : Label) → pairColumns l (zeros l) ys ≡ 0#
  nought []      = refl
  nought (c ∷ l) = cong₂ _+_ (cong₂ _+_ (0· _) (0· _) ∙ +IdR 0#) (nought l) ∙ +IdR 0#

pairEnds : (l : Label) (x : State l) → pairing l x [] ≡ ends 0# (x .fst) l (x .snd)
pairEnds l (b , xs) = cong (_+ pairColumns l xs []) (sym (cong (_+ b · suffix [] nothing l) (0· _) ∙ +IdL _)) ∙ last nothing 0# b l xs
  where
  last : (p : Symbol) (s b : Carrier) (l : Label) (xs : Columns l)
       → (s · suffix [] p l + b · suffix [] nothing l) + pairColumns l xs [] ≡ ends s b l xs
  last p s b []      tt               = +IdR _ ∙ cong₂ _+_ (·IdR s) (·IdR b)
  last p s b (c ∷ l) ((s₁ , b₁) , xs) =
    cong (_+ pairColumns (c ∷ l) ((s₁ , b₁) , xs) []) (cong₂ _+_ (·0 s) (·0 b) ∙ +IdR 0#) ∙ +IdL _ ∙ last (just c) s₁ b₁ l xs

----------------------------------------------------------------------
-- What follows

-- Forward and backward agree at every frame: wherever the frames are cut, Σ_s α(s) β(s) is the sum over all alignments.
forwardBackward : (ys zs : List Frame) (l : Label)
                → pairing l (forwardStates ys l) zs ≡ sumOf (weight (ys ++ zs)) (alignments (length (ys ++ zs)) nothing l)
forwardBackward ys zs l = pairRun ys zs l (start l) ∙ pairStart (ys ++ zs) l ∙ suffixSumsFibre (ys ++ zs) nothing l

-- The forward recursion sums the weights of the alignments of the label, each exactly once.
forwardSumsFibre : (ys : List Frame) (l : Label) → forward ys l ≡ sumOf (weight ys) (alignments (length ys) nothing l)
forwardSumsFibre ys l =
    sym (pairEnds l (forwardStates ys l)) ∙ pairRun ys [] l (start l) ∙ cong (pairing l (start l)) (++-unit-r ys)
  ∙ pairStart ys l ∙ suffixSumsFibre ys nothing l

-- It is the sum over any list without repetition that holds the paths of T frames which collapse to the label, and no others.
forwardSumsAnyFibre : (ys : List Frame) (l : Label) (ps : List Path) → Distinct ps
                    → ((π : Path) → π ∈ ps → (length π ≡ length ys) × (collapse π ≡ l))
                    → ((π : Path) → length π ≡ length ys → collapse π ≡ l → π ∈ ps)
                    → forward ys l ≡ sumOf (weight ys) ps
forwardSumsAnyFibre ys l ps distinct inside all = forwardSumsFibre ys l ∙ sumOfPermuted (weight ys)
  (sameMembers (alignments (length ys) nothing l) ps (alignmentsDistinct (length ys) l) distinct
    (λ π m → let (length≡ , collapse≡) = alignmentsSound (length ys) l π m in all π length≡ collapse≡)
    (λ π m → let (length≡ , collapse≡) = inside π m in alignmentsComplete (length ys) l π length≡ collapse≡))
