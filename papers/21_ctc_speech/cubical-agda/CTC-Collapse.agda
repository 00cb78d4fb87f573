{-# OPTIONS --safe #-}
{-
Paths and labels of connectionist temporal classification (Graves et al., 2006, section 3.1; Deep Speech 2, section 3.1).
The alphabet is any type with decidable equality, finite or not.

  paper                      here
  -------------------------  --------------------------------------------------------------------
  blank, a symbol            nothing, just a
  path π                     a list of symbols, one for each frame
  B(π)                       collapse π: repeats are removed, then blanks
  B⁻¹(l), of length T        alignments T nothing l: a list, written without searching all paths
  (rest after a symbol p)    spoken p π, alignments T p l: what remains when the frame before held p
-}
open import Cubical.Foundations.Prelude hiding (Path)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no; Discrete)

module CTC-Collapse {A : Type} (_≟_ : Discrete A) where

open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; map; length)
open import Cubical.Data.Maybe using (Maybe; just; nothing; just-inj; ¬nothing≡just; ¬just≡nothing)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc)
open import Cubical.Data.Nat.Properties using (injSuc; snotz; znots)
open import Cubical.Data.Sigma using (_×_; _,_; fst; snd)
open import Cubical.Data.Sum using (inl; inr)
open import Cubical.Data.Unit using (tt)
open import S30.Pigeonhole using (_∈_; Distinct; ∈Map; map∈; distinctMap; ∈Concat; ∈ConcatLeft; ∈ConcatRight; distinctConcat)

Symbol Path Label : Type
Symbol = Maybe A
Path   = List Symbol
Label  = List A

private
  variable
    X : Type

----------------------------------------------------------------------
-- Collapse

-- The first where the proposition holds, the second where it does not.
choose : {P : Type} → Dec P → X → X → X
choose (yes _) x y = x
choose (no _)  x y = y

-- q in front of a path, unless it repeats p.
unlessRepeated : Symbol → Symbol → Path → Path
unlessRepeated nothing  nothing  π = π
unlessRepeated nothing  (just c) π = just c ∷ π
unlessRepeated (just a) nothing  π = nothing ∷ π
unlessRepeated (just a) (just c) π = choose (a ≟ c) π (just c ∷ π)

removeRepeatsAfter : Symbol → Path → Path
removeRepeatsAfter p []      = []
removeRepeatsAfter p (q ∷ π) = unlessRepeated p q (removeRepeatsAfter q π)

removeRepeats : Path → Path
removeRepeats []      = []
removeRepeats (p ∷ π) = p ∷ removeRepeatsAfter p π

removeBlanks : Path → Label
removeBlanks []            = []
removeBlanks (nothing ∷ π) = removeBlanks π
removeBlanks (just a ∷ π)  = a ∷ removeBlanks π

collapse : Path → Label
collapse π = removeBlanks (removeRepeats π)

-- What a path adds to the label when the frame before it held p.
spoken : Symbol → Path → Label
spoken p π = removeBlanks (removeRepeatsAfter p π)

-- At the beginning it is as if a blank had come before.
collapseAfterBlank : (π : Path) → collapse π ≡ spoken nothing π
collapseAfterBlank []            = refl
collapseAfterBlank (nothing ∷ π) = refl
collapseAfterBlank (just a ∷ π)  = refl

spokenBlank : (p : Symbol) (π : Path) → spoken p (nothing ∷ π) ≡ spoken nothing π
spokenBlank nothing  π = refl
spokenBlank (just a) π = refl

spokenRepeat : (a : A) (π : Path) → spoken (just a) (just a ∷ π) ≡ spoken (just a) π
spokenRepeat a π with a ≟ a
... | yes _  = refl
... | no a≢a = ⊥.rec (a≢a refl)

spokenNew : (p : Symbol) (c : A) (π : Path) → ¬ (p ≡ just c) → spoken p (just c ∷ π) ≡ c ∷ spoken (just c) π
spokenNew nothing  c π _   = refl
spokenNew (just a) c π p≢c with a ≟ c
... | yes a≡c = ⊥.rec (p≢c (cong just a≡c))
... | no _    = refl

-- The label with a blank behind each symbol.
spaced : Label → Path
spaced []      = []
spaced (c ∷ l) = just c ∷ nothing ∷ spaced l

-- Collapse is a retraction: a label, spaced by blanks, collapses to itself, whatever repeats it has.
collapseRetracts : (l : Label) → collapse (spaced l) ≡ l
collapseRetracts l = collapseAfterBlank (spaced l) ∙ again l
  where
  again : (l : Label) → spoken nothing (spaced l) ≡ l
  again []      = refl
  again (c ∷ l) = cong (c ∷_) (again l)

----------------------------------------------------------------------
-- The fibre

-- x if the symbol c may follow p without a blank in between as a new one, and else z.
gate : X → Symbol → A → X → X
gate z nothing  c x = x
gate z (just a) c x = choose (a ≟ c) z x

alignments stays enters : ℕ → Symbol → Label → List Path
alignments zero    p []      = [] ∷ []
alignments zero    p (_ ∷ _) = []
alignments (suc T) p l       = map (nothing ∷_) (alignments T nothing l) ++ (stays T p l ++ enters T p l)

stays T nothing  l = []
stays T (just a) l = map (just a ∷_) (alignments T (just a) l)

enters T p []      = []
enters T p (c ∷ l) = gate [] p c (map (just c ∷_) (alignments T (just c) l))

∈Gate : (p : Symbol) (c : A) (xs : List X) {x : X} → x ∈ gate [] p c xs → (¬ (p ≡ just c)) × (x ∈ xs)
∈Gate nothing  c xs m = ¬nothing≡just , m
∈Gate (just a) c xs m with a ≟ c
... | yes _  = ⊥.rec m
... | no a≢c = (λ e → a≢c (just-inj a c e)) , m

distinctGate : (p : Symbol) (c : A) (xs : List X) → Distinct xs → Distinct (gate [] p c xs)
distinctGate nothing  c xs d = d
distinctGate (just a) c xs d with a ≟ c
... | yes _ = tt
... | no _  = d

soundFrom : (T : ℕ) (p : Symbol) (l : Label) (π : Path) → π ∈ alignments T p l → (length π ≡ T) × (spoken p π ≡ l)
soundFrom zero    p [] π (inl e) = cong length e , cong (spoken p) e
soundFrom (suc T) p l  π m with ∈Concat (map (nothing ∷_) (alignments T nothing l)) _ m
... | inl blank = let (ρ , ρ∈ , e) = ∈Map _ _ blank ; (length≡ , spoken≡) = soundFrom T nothing l ρ ρ∈
  in cong length e ∙ cong suc length≡ , cong (spoken p) e ∙ spokenBlank p ρ ∙ spoken≡
... | inr other with ∈Concat (stays T p l) _ other
soundFrom (suc T) (just a) l π m | inr _ | inl stay =
  let (ρ , ρ∈ , e) = ∈Map _ _ stay ; (length≡ , spoken≡) = soundFrom T (just a) l ρ ρ∈
  in cong length e ∙ cong suc length≡ , cong (spoken (just a)) e ∙ spokenRepeat a ρ ∙ spoken≡
soundFrom (suc T) p (c ∷ l) π m | inr _ | inr enter =
  let (p≢c , enter′) = ∈Gate p c _ enter
      (ρ , ρ∈ , e) = ∈Map _ _ enter′ ; (length≡ , spoken≡) = soundFrom T (just c) l ρ ρ∈
  in cong length e ∙ cong suc length≡ , cong (spoken p) e ∙ spokenNew p c ρ p≢c ∙ cong (c ∷_) spoken≡

completeFrom : (p : Symbol) (π : Path) → π ∈ alignments (length π) p (spoken p π)
completeFrom p        []            = inl refl
completeFrom nothing  (nothing ∷ π) = ∈ConcatLeft _ _ (map∈ _ _ (completeFrom nothing π))
completeFrom (just a) (nothing ∷ π) = ∈ConcatLeft _ _ (map∈ _ _ (completeFrom nothing π))
completeFrom nothing  (just c ∷ π)  =
  ∈ConcatRight (map (nothing ∷_) (alignments (length π) nothing (c ∷ spoken (just c) π))) _
    (map∈ _ _ (completeFrom (just c) π))
completeFrom (just a) (just c ∷ π) with a ≟ c
... | yes a≡c = ∈ConcatRight (map (nothing ∷_) (alignments (length π) nothing (spoken (just c) π))) _
  (∈ConcatLeft _ _ (subst (λ b → (just c ∷ π) ∈ map (just b ∷_) (alignments (length π) (just b) (spoken (just c) π))) (sym a≡c)
    (map∈ _ _ (completeFrom (just c) π))))
... | no a≢c = ∈ConcatRight (map (nothing ∷_) (alignments (length π) nothing (c ∷ spoken (just c) π))) _
  (∈ConcatRight (stays (length π) (just a) (c ∷ spoken (just c) π)) _ opened)
  where
  opened : (just c ∷ π) ∈ gate [] (just a) c (map (just c ∷_) (alignments (length π) (just c) (spoken (just c) π)))
  opened with a ≟ c
  ... | yes a≡c = ⊥.rec (a≢c a≡c)
  ... | no _    = map∈ _ _ (completeFrom (just c) π)

private
  headOf : Path → Symbol
  headOf []      = nothing
  headOf (p ∷ _) = p

  tailOf : Path → Path
  tailOf []      = []
  tailOf (_ ∷ π) = π

  headOfMap : (q : Symbol) (ps : List Path) {π : Path} → π ∈ map (q ∷_) ps → headOf π ≡ q
  headOfMap q ps m = let (_ , _ , e) = ∈Map _ ps m in cong headOf e

  distinctBehind : (q : Symbol) (ps : List Path) → Distinct ps → Distinct (map (q ∷_) ps)
  distinctBehind q ps = distinctMap (q ∷_) ps (λ _ _ e → cong tailOf e)

distinctFrom : (T : ℕ) (p : Symbol) (l : Label) → Distinct (alignments T p l)
distinctFrom zero    p []      = (λ m → m) , tt
distinctFrom zero    p (_ ∷ _) = tt
distinctFrom (suc T) p l       = distinctConcat _ _ blankOrNot
  (distinctBehind nothing _ (distinctFrom T nothing l))
  (distinctConcat _ _ (stayOrEnter p l) (distinctStays p) (distinctEnters l))
  where
  distinctStays : (p : Symbol) → Distinct (stays T p l)
  distinctStays nothing  = tt
  distinctStays (just a) = distinctBehind (just a) _ (distinctFrom T (just a) l)

  distinctEnters : (l : Label) → Distinct (enters T p l)
  distinctEnters []      = tt
  distinctEnters (c ∷ l) = distinctGate p c _ (distinctBehind (just c) _ (distinctFrom T (just c) l))

  stayOrEnter : (p : Symbol) (l : Label) (π : Path) → π ∈ stays T p l → ¬ (π ∈ enters T p l)
  stayOrEnter (just a) (c ∷ l) π stay enter = let (p≢c , enter′) = ∈Gate (just a) c _ enter in
    p≢c (sym (headOfMap (just a) _ stay) ∙ headOfMap (just c) _ enter′)

  notStay : (p : Symbol) (π : Path) → headOf π ≡ nothing → ¬ (π ∈ stays T p l)
  notStay (just a) π e m = ¬nothing≡just (sym e ∙ headOfMap (just a) _ m)

  notEnter : (l : Label) (π : Path) → headOf π ≡ nothing → ¬ (π ∈ enters T p l)
  notEnter (c ∷ l) π e m = ¬nothing≡just (sym e ∙ headOfMap (just c) _ (∈Gate p c _ m .snd))

  blankOrNot : (π : Path) → π ∈ map (nothing ∷_) (alignments T nothing l) → ¬ (π ∈ (stays T p l ++ enters T p l))
  blankOrNot π blank other with ∈Concat (stays T p l) _ other
  ... | inl stay  = notStay p π (headOfMap nothing _ blank) stay
  ... | inr enter = notEnter l π (headOfMap nothing _ blank) enter

----------------------------------------------------------------------
-- The alignments of a label are its fibre under collapse.

-- Every path that is listed for a label has T frames and collapses to this label.
alignmentsSound : (T : ℕ) (l : Label) (π : Path) → π ∈ alignments T nothing l → (length π ≡ T) × (collapse π ≡ l)
alignmentsSound T l π m = let (length≡ , spoken≡) = soundFrom T nothing l π m in length≡ , collapseAfterBlank π ∙ spoken≡

-- Every path of T frames that collapses to a label is listed for it.
alignmentsComplete : (T : ℕ) (l : Label) (π : Path) → length π ≡ T → collapse π ≡ l → π ∈ alignments T nothing l
alignmentsComplete T l π length≡ collapse≡ =
  subst (λ n → π ∈ alignments n nothing l) length≡
    (subst (λ m → π ∈ alignments (length π) nothing m) (sym (collapseAfterBlank π) ∙ collapse≡) (completeFrom nothing π))

-- No path is listed twice.
alignmentsDistinct : (T : ℕ) (l : Label) → Distinct (alignments T nothing l)
alignmentsDistinct T l = distinctFrom T nothing l
