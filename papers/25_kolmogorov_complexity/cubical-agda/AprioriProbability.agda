{-# OPTIONS --safe #-}
{-
The a priori probability m(x) (chapter 4): the chance that a random tape describes x.

  book                                      here
  computable D, run for s steps             stage E s               (E : Enumerable; what is found stays)
  D(p) = x                                  describes (mode E) p x
  programs of x of at most N bits,          programs E N x
    seen to halt within N steps
  m_N(x) = Σ 2^(-l(p)) over them            mass E N x              (in units of 2^(-N))
  m(x) = lim m_N(x), from below             massGrows
  2^(-d) ≤ m_N(x)                           Reaches E N d x

A decompressor whose halting is decidable is one that needs no stages: `decided D`.
-}
module AprioriProbability where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Bool using (_≟_)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; just; just-inj; discreteMaybe)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-comm)
open import Cubical.Data.Nat.Order using (_≤_; suc-≤-suc; pred-≤-pred; ≤-suc; ≤-trans; ≤-+-≤; ≤SumLeft; ¬-<-zero)
open import Cubical.Data.List using (List; []; _∷_; map; length; discreteList)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole
open import S30.BitStrings
open import S30.Counting
open import KolmogorovComplexity
open import PrefixComplexity

-------------------------------------------------------------------------------
-- Modes that are enumerated
-------------------------------------------------------------------------------

-- A partial function of which more and more is found: what a computable function is when its halting is
-- not decidable.
record Enumerable : Type where
  field
    stage : ℕ → Decompressor
    grows : (s : ℕ) (p x : BitString) → stage s p ≡ just x → stage (suc s) p ≡ just x
open Enumerable public

-- What was found stays found.
stays : (E : Enumerable) (k s : ℕ) {p x : BitString} → stage E s p ≡ just x → stage E (k + s) p ≡ just x
stays E zero    s found = found
stays E (suc k) s found = grows E (k + s) _ _ (stays E k s found)

-- Two things that were found are both found at some stage.
together : (E : Enumerable) (s t : ℕ) {p q x y : BitString} → stage E s p ≡ just x → stage E t q ≡ just y
         → Σ[ u ∈ ℕ ] (stage E u p ≡ just x) × (stage E u q ≡ just y)
together E s t {q = q} {y = y} Ep Eq =
  t + s , stays E t s Ep , subst (λ u → stage E u q ≡ just y) (+-comm s t) (stays E s t Eq)

mode : Enumerable → DescriptionMode
mode E .describes p x = Σ[ s ∈ ℕ ] (stage E s p ≡ just x)
mode E .singleValued (s , Es) (t , Et) =
  let (u , Ep , Ep′) = together E s t Es Et in just-inj _ _ (sym Ep ∙ Ep′)

decided : Decompressor → Enumerable
decided D .stage _     = D
decided D .grows _ _ _ = λ found → found

-------------------------------------------------------------------------------
-- m, from below
-------------------------------------------------------------------------------

module _ (E : Enumerable) where

  programs : ℕ → BitString → List BitString
  programs N x = keep (λ p → discreteMaybe (discreteList _≟_) (stage E N p) (just x)) (shorterThan (suc N))

  mass : ℕ → BitString → ℕ
  mass N x = sumOver (λ p → 2 ^ (N ∸ length p)) (programs N x)

  -- 2^(-d) is reached by m_N(x).
  Reaches : ℕ → ℕ → BitString → Type
  Reaches N d x = (d ≤ N) × (2 ^ (N ∸ d) ≤ mass N x)

  ∈Programs : (N : ℕ) {p x : BitString} → p ∈ programs N x → (length p ≤ N) × (stage E N p ≡ just x)
  ∈Programs N m = let (short , Ep) = ∈Keep _ (shorterThan (suc N)) m in
    pred-≤-pred (lengthInShorterThan (suc N) short) , Ep

  programs∈ : (N : ℕ) {p x : BitString} → length p ≤ N → stage E N p ≡ just x → p ∈ programs N x
  programs∈ N short Ep = keep∈ _ (shorterThan (suc N)) (inShorterThan (suc N) (suc-≤-suc short)) Ep

  distinctPrograms : (N : ℕ) (x : BitString) → Distinct (programs N x)
  distinctPrograms N x = distinctKeep _ (shorterThan (suc N)) (distinctShorterThan (suc N))

  -- 2^(N - d) for N + 1 is twice that for N.
  private
    oneMore : (N d : ℕ) → d ≤ N → 2 ^ (suc N ∸ d) ≡ 2 ^ (N ∸ d) + 2 ^ (N ∸ d)
    oneMore N       zero    _   = sym (2^n+2^n N)
    oneMore zero    (suc d) d<0 = ⊥.rec (¬-<-zero d<0)
    oneMore (suc N) (suc d) d≤N = oneMore N d (pred-≤-pred d≤N)

  -- m is approached from below: m_N(x) does not decrease with N, for any enumerable mode.
  massGrows : (N : ℕ) (x : BitString) → mass N x + mass N x ≤ mass (suc N) x
  massGrows N x = subst (_≤ mass (suc N) x) (sym twice)
    (subsetSum (λ p → 2 ^ (suc N ∸ length p)) (programs N x) (programs (suc N) x) (distinctPrograms N x)
      (λ p m → let (short , Ep) = ∈Programs N m in programs∈ (suc N) (≤-suc short) (grows E N p x Ep)))
    where
    twice : mass N x + mass N x ≡ sumOver (λ p → 2 ^ (suc N ∸ length p)) (programs N x)
    twice = sumTwice _ (programs N x)
          ∙ sumEqual (programs N x) (λ p m → sym (oneMore N (length p) (∈Programs N m .fst)))

  reachesStays : (k N : ℕ) {d : ℕ} {x : BitString} → Reaches N d x → Reaches (k + N) d x
  reachesStays zero    N         reached = reached
  reachesStays (suc k) N {d} {x} reached = let (d≤ , r) = reachesStays k N reached in
    ≤-suc d≤ , subst (_≤ mass (suc k + N) x) (sym (oneMore (k + N) d d≤)) (≤-trans (≤-+-≤ r r) (massGrows (k + N) x))

  -- -log₂ m(x) ≤ K(x): if p describes x for an enumerable mode, then m_N(x) ≥ 2^(-l(p)) at some N, and so from then on.
  descriptionReached : {p x : BitString} → describes (mode E) p x → Σ[ N ∈ ℕ ] Reaches N (length p) x
  descriptionReached {p} {x} (s , Ep) = length p + s , ≤SumLeft
    , memberSum (λ q → 2 ^ (length p + s ∸ length q)) (programs (length p + s) x)
        (programs∈ (length p + s) ≤SumLeft (stays E (length p) s Ep))

  -- m is a semimeasure: Σ m_N(x) ≤ 1 over every finite set of strings, for a prefix-free enumerable mode and every N.
  massKraft : IsPrefixFree (mode E) → (N : ℕ) (xs : List BitString) → Distinct xs → sumOver (mass N) xs ≤ 2 ^ N
  massKraft free N xs distinct = subst (_≤ 2 ^ N) (kraftSumOver every ∙ sumUnions _ (programs N) xs)
    (kraftPrefixFree N every
      (descriptionsPrefixFree (mode E) free every
        (distinctUnions (programs N) xs distinct (distinctPrograms N)
          (λ x x′ p m m′ → just-inj x x′ (sym (∈Programs N m .snd) ∙ ∈Programs N m′ .snd)))
        (λ p m → let (x , _ , n) = ∈Unions (programs N) xs m in x , N , ∈Programs N n .snd))
      (λ p m → let (_ , _ , n) = ∈Unions (programs N) xs m in ∈Programs N n .fst))
    where
    every : List BitString
    every = unions (programs N) xs

    kraftSumOver : (ps : List BitString) → kraftSum N (map length ps) ≡ sumOver (λ p → 2 ^ (N ∸ length p)) ps
    kraftSumOver []       = refl
    kraftSumOver (p ∷ ps) = cong (2 ^ (N ∸ length p) +_) (kraftSumOver ps)
