{-# OPTIONS --safe #-}
{-
The coding theorem (chapter 4): K(x) = -log₂ m(x) + O(1), for a prefix-free mode that can run the code of its
own a priori probability.

While m(x) is approached from below, whenever m_N(x) ≥ 2^(-d) is seen for the first time, d + 1 bits are asked
for, for x. The requests of one string sum to less than twice half of m(x), those of all strings to at
most 1, so that all are answered, on line, by codewords none of which is a prefix of another one.

  here
  candidates E N     every (d , x) with 2^(-d) ≤ m_N(x) and l(x) ≤ N
  asked E N          those that were seen before N, in the order in which they were first seen
  requests E N       for each a request of d + 1 bits, for x
  coding E           the mode that reads the codewords: enumerable, for E is
-}
module CodingTheorem where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (_≟_)
open import Cubical.Data.Sum using (inl; inr) renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _∸_; _^_; +-suc; discreteℕ; ∸+)
open import Cubical.Data.Nat.Order
  using ( _≤_; _<_; zero-≤; suc-≤-suc; pred-≤-pred; ≤-refl; ≤-suc; ≤-trans; ≤-k+; ≤-+-≤
        ; ≤SumLeft)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; discreteList; ++-unit-r)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no; Discrete)
open import S30.Pigeonhole
open import S30.BitStrings
open import S30.Counting
open import S30.Lists using (mapConcat)
open import KolmogorovComplexity
open import KolmogorovInvariance using (Simulates)
open import PrefixComplexity
open import Allocation using (answer; answersStand)
open import KraftConverse using (request; kraftConverse)
open import AprioriProbability

-------------------------------------------------------------------------------
-- Different powers of two
-------------------------------------------------------------------------------

module _ (N m : ℕ) where

  -- The depths d with 2^(N - d) ≤ m, from d on.
  depths : ℕ → ℕ → List ℕ
  depths d k = keep (λ e → decide≤ (2 ^ (N ∸ e)) m) (range d k)

  private
    last : (d k : ℕ) → d + suc k ≡ suc N → 2 ^ (N ∸ d) ≡ 2 ^ k
    last d k e = cong (2 ^_) (cong (λ M → (M ∸ 1) ∸ d) (sym e ∙ +-suc d k) ∙ ∸+ k d)

    next : {d k : ℕ} → d + suc k ≡ suc N → suc d + k ≡ suc N
    next {d} {k} e = sym (+-suc d k) ∙ e

    -- Each power of two exceeds the sum of all smaller ones …
    depthsBelow : (d k : ℕ) → d + k ≡ suc N → sumOver (λ e → 2 ^ (N ∸ e)) (depths d k) < 2 ^ k
    depthsBelow d zero    _ = ≤-refl
    depthsBelow d (suc k) e with decide≤ (2 ^ (N ∸ d)) m
    ... | no _  = ≤-trans (depthsBelow (suc d) k (next e)) ≤SumLeft
    ... | yes _ = subst2 _<_ (cong (_+ rest′) (sym (last d k e))) (2^n+2^n k)
      (subst (_≤ 2 ^ k + 2 ^ k) (+-suc (2 ^ k) rest′) (≤-k+ {k = 2 ^ k} (depthsBelow (suc d) k (next e))))
      where
      rest′ : ℕ
      rest′ = sumOver (λ e → 2 ^ (N ∸ e)) (depths (suc d) k)

  -- … so those that are at most m sum to at most 2m.
  depthsSum : (d k : ℕ) → d + k ≡ suc N → sumOver (λ e → 2 ^ (N ∸ e)) (depths d k) ≤ m + m
  depthsSum d zero    _ = zero-≤
  depthsSum d (suc k) e with decide≤ (2 ^ (N ∸ d)) m
  ... | no _    = depthsSum (suc d) k (next e)
  ... | yes d≤m = ≤-+-≤ d≤m (≤-trans
    (subst (sumOver (λ e → 2 ^ (N ∸ e)) (depths (suc d) k) ≤_) (sym (last d k e)) (≤-trans (≤-suc ≤-refl) (depthsBelow (suc d) k (next e)))) d≤m)

-------------------------------------------------------------------------------
-- The requests
-------------------------------------------------------------------------------

Pair : Type
Pair = ℕ × BitString

private
  discretePair : Discrete Pair
  discretePair (d , x) (e , y) with discreteℕ d e | discreteList _≟_ x y
  ... | yes d≡e | yes x≡y = yes (cong₂ _,_ d≡e x≡y)
  ... | no d≢e  | _       = no λ r → d≢e (cong fst r)
  ... | yes _   | no x≢y  = no λ r → x≢y (cong snd r)

  notIn : (rs : List Pair) (r : Pair) → Dec (¬ (r ∈ rs))
  notIn rs r with searchIn (discretePair r) rs
  ... | yes (s , m , r≡s) = no λ r∉ → r∉ (subst (_∈ rs) (sym r≡s) m)
  ... | no none           = yes λ m → none (r , m , refl)

module _ (E : Enumerable) where

  candidates : ℕ → List Pair
  candidates N = unions (λ x → map (_, x) (depths N (mass E N x) 0 (suc N))) (shorterThan (suc N))

  asked : ℕ → List Pair
  asked zero    = []
  asked (suc N) = asked N ++ keep (notIn (asked N)) (candidates N)

  requests : ℕ → List Pair
  requests N = map (λ (d , x) → suc d , x) (asked N)

  ∈Candidates : (N : ℕ) {d : ℕ} {x : BitString} → (d , x) ∈ candidates N → (length x ≤ N) × Reaches E N d x
  ∈Candidates N {d} {x} m =
    let (y , y∈ , n) = ∈Unions _ (shorterThan (suc N)) m
        (e , e∈ , r) = ∈Map (_, y) (depths N (mass E N y) 0 (suc N)) n
        (e∈range , reached) = ∈Keep _ (range 0 (suc N)) e∈
        x≡y = cong snd r ; d≡e = cong fst r
    in subst (λ z → length z ≤ N) (sym x≡y) (pred-≤-pred (lengthInShorterThan (suc N) y∈))
     , subst2 (Reaches E N) (sym d≡e) (sym x≡y) (pred-≤-pred (∈Range 0 (suc N) e∈range .snd) , reached)

  candidates∈ : (N : ℕ) {d : ℕ} {x : BitString} → length x ≤ N → Reaches E N d x → (d , x) ∈ candidates N
  candidates∈ N {d} {x} short (d≤N , reached) = unions∈ _ (shorterThan (suc N)) (inShorterThan (suc N) (suc-≤-suc short))
    (map∈ (_, x) _ (keep∈ _ (range 0 (suc N)) (range∈ 0 (suc N) zero-≤ (suc-≤-suc d≤N)) reached))

  distinctCandidates : (N : ℕ) → Distinct (candidates N)
  distinctCandidates N = distinctUnions _ (shorterThan (suc N)) (distinctShorterThan (suc N))
    (λ x → distinctMap (_, x) _ (λ _ _ → cong fst) (distinctKeep _ (range 0 (suc N)) (distinctRange 0 (suc N))))
    (λ x x′ y m m′ → let (_ , _ , e) = ∈Map (_, x) _ m ; (_ , _ , e′) = ∈Map (_, x′) _ m′ in
       sym (cong snd e) ∙ cong snd e′)

  asked⊆ : (N : ℕ) (r : Pair) → r ∈ asked (suc N) → r ∈ candidates N
  asked⊆ N r m with ∈Concat (asked N) _ m
  asked⊆ N       r m | inr new = ∈Keep _ (candidates N) new .fst
  asked⊆ (suc N) r m | inl old =
    let (short , reached) = ∈Candidates N (asked⊆ N r old) in
    candidates∈ (suc N) (≤-suc short) (reachesStays E 1 N reached)

  distinctAsked : (N : ℕ) → Distinct (asked N)
  distinctAsked zero    = tt
  distinctAsked (suc N) = distinctConcat (asked N) _
    (λ r old new → ∈Keep (notIn (asked N)) (candidates N) new .snd old)
    (distinctAsked N) (distinctKeep _ (candidates N) (distinctCandidates N))

  askedEventually : (N : ℕ) (r : Pair) → r ∈ candidates N → r ∈ asked (suc N)
  askedEventually N r m with searchIn (discretePair r) (asked N)
  ... | yes (s , old , r≡s) = ∈ConcatLeft (asked N) _ (subst (_∈ asked N) (sym r≡s) old)
  ... | no none = ∈ConcatRight (asked N) _ (keep∈ (notIn (asked N)) (candidates N) m (λ old → none (r , old , refl)))

  -- All requests together ask for no more than there is.
  requestsFit : IsPrefixFree (mode E) → (N : ℕ) → kraftSum (suc N) (map fst (requests (suc N))) ≤ 2 ^ suc N
  requestsFit free N = subst (_≤ 2 ^ suc N) (sym (kraftRequests (asked (suc N))))
    (≤-trans (subsetSum weight (asked (suc N)) (candidates N) (distinctAsked (suc N)) (asked⊆ N))
    (≤-trans (subst (_≤ sumOver (λ x → mass E N x + mass E N x) (shorterThan (suc N))) (sym candidatesSum)
      (sumMonotone (shorterThan (suc N)) (λ x _ → depthsSum N (mass E N x) 0 (suc N) refl)))
    (subst2 _≤_ (sumTwice (mass E N) (shorterThan (suc N))) (2^n+2^n N)
      (≤-+-≤ bound bound))))
    where
    weight : Pair → ℕ
    weight (d , _) = 2 ^ (N ∸ d)

    bound : sumOver (mass E N) (shorterThan (suc N)) ≤ 2 ^ N
    bound = massKraft E free N (shorterThan (suc N)) (distinctShorterThan (suc N))

    candidatesSum : sumOver weight (candidates N)
                  ≡ sumOver (λ x → sumOver (λ d → 2 ^ (N ∸ d)) (depths N (mass E N x) 0 (suc N))) (shorterThan (suc N))
    candidatesSum = sumUnions weight _ (shorterThan (suc N))
                  ∙ sumEqual (shorterThan (suc N)) (λ x _ → sumMap (_, x) weight (depths N (mass E N x) 0 (suc N)))

    kraftRequests : (rs : List Pair) → kraftSum (suc N) (map fst (map (λ (d , x) → suc d , x) rs)) ≡ sumOver weight rs
    kraftRequests []             = refl
    kraftRequests ((d , _) ∷ rs) = cong (2 ^ (N ∸ d) +_) (kraftRequests rs)

  answered : IsPrefixFree (mode E) → (N : ℕ)
    → (map request (answer (requests (suc N))) ≡ requests (suc N)) × PrefixFree (map fst (answer (requests (suc N))))
  answered free N = kraftConverse (suc N) (requests (suc N)) low (requestsFit free N)
    where
    low : (d : ℕ) → d ∈ map fst (requests (suc N)) → d ≤ suc N
    low d m = let ((e , x) , r∈ , d≡e) = ∈Map fst (requests (suc N)) m
                  ((f , y) , s∈ , e≡f) = ∈Map _ (asked (suc N)) r∈
              in subst (_≤ suc N) (sym (d≡e ∙ cong fst e≡f))
                   (suc-≤-suc (∈Candidates N (asked⊆ N (f , y) s∈) .snd .fst))

-------------------------------------------------------------------------------
-- The mode that reads the codewords
-------------------------------------------------------------------------------

private
  lookupIf : {P : Type} → Dec P → BitString → Maybe BitString → Maybe BitString
  lookupIf (yes _) x _    = just x
  lookupIf (no _)  _ else = else

lookup : BitString → List (BitString × BitString) → Maybe BitString
lookup p []             = nothing
lookup p ((w , x) ∷ ws) = lookupIf (discreteList _≟_ p w) x (lookup p ws)

private
  lookup∈ : (p : BitString) (ws : List (BitString × BitString)) {x : BitString} → lookup p ws ≡ just x → p ∈ map fst ws
  lookup∈ p [] found = ⊥.rec (¬nothing≡just found)
  lookup∈ p ((w , y) ∷ ws) found with discreteList _≟_ p w
  ... | yes p≡w = inl p≡w
  ... | no _    = inr (lookup∈ p ws found)

  ∈Lookup : (p : BitString) (ws : List (BitString × BitString)) {x : BitString} → PrefixFree (map fst ws)
          → (p , x) ∈ ws → lookup p ws ≡ just x
  ∈Lookup p ((w , y) ∷ ws) (apart , free) m with discreteList _≟_ p w
  ∈Lookup p ((w , y) ∷ ws) (apart , free) (inl e) | yes _   = cong just (sym (cong snd e))
  ∈Lookup p ((w , y) ∷ ws) (apart , free) (inr m) | yes p≡w =
    ⊥.rec (apart p (map∈ fst ws m) .fst ([] , ++-unit-r w ∙ sym p≡w))
  ∈Lookup p ((w , y) ∷ ws) (apart , free) (inl e) | no p≢w  = ⊥.rec (p≢w (cong fst e))
  ∈Lookup p ((w , y) ∷ ws) (apart , free) (inr m) | no _    = ∈Lookup p ws free m

  lookup++ : (p : BitString) (ws more : List (BitString × BitString)) {x : BitString}
           → lookup p ws ≡ just x → lookup p (ws ++ more) ≡ just x
  lookup++ p []             more found = ⊥.rec (¬nothing≡just found)
  lookup++ p ((w , y) ∷ ws) more found with discreteList _≟_ p w
  ... | yes _ = found
  ... | no _  = lookup++ p ws more found

  -- In a prefix-free list no string is a prefix of a different one.
  samePrefix : (ws : List BitString) → PrefixFree ws → {p q : BitString} → p ∈ ws → q ∈ ws → p ⊑ q → p ≡ q
  samePrefix (w ∷ ws) _           (inl p≡w) (inl q≡w) _   = p≡w ∙ sym q≡w
  samePrefix (w ∷ ws) (apart , _) {p} {q} (inl p≡w) (inr m) p⊑q = ⊥.rec (apart q m .fst (subst (_⊑ q) p≡w p⊑q))
  samePrefix (w ∷ ws) (apart , _) {p} {q} (inr m) (inl q≡w) p⊑q = ⊥.rec (apart p m .snd (subst (p ⊑_) q≡w p⊑q))
  samePrefix (w ∷ ws) (_ , free)  (inr m)   (inr n)   p⊑q = samePrefix ws free m n p⊑q

  -- Every request was answered by a codeword that is looked up.
  givenTo : (rs : List Pair) (ws : List (BitString × BitString)) → map request ws ≡ rs → PrefixFree (map fst ws)
          → {d : ℕ} {x : BitString} → (d , x) ∈ rs → Σ[ w ∈ BitString ] (length w ≡ d) × (lookup w ws ≡ just x)
  givenTo rs ws requested apart {d} {x} wanted =
    let ((w , y) , w∈ , e) = ∈Map request ws (subst ((d , x) ∈_) (sym requested) wanted)
    in w , sym (cong fst e) , ∈Lookup w ws apart (subst (λ z → (w , z) ∈ ws) (sym (cong snd e)) w∈)

coding : Enumerable → Enumerable
coding E .stage s p = lookup p (answer (requests E s))
coding E .grows s p x found =
  let (more , e) = answersStand (requests E s) (map (λ (d , y) → suc d , y) (keep (notIn (asked E s)) (candidates E s))) in
  subst (λ ws → lookup p ws ≡ just x) (e ∙ cong answer (sym (mapConcat _ (asked E s) _))) (lookup++ p (answer (requests E s)) more found)

module _ (E : Enumerable) (free : IsPrefixFree (mode E)) where

  -- For a prefix-free enumerable mode E, the mode that reads the codewords of its m is prefix-free.
  codingPrefixFree : IsPrefixFree (mode (coding E))
  codingPrefixFree {p} {q} (s , Cp) (t , Cq) =
    let (u , Cp′ , Cq′) = together (coding E) s t Cp Cq
        words = answer (requests E (suc u))
    in samePrefix (map fst words) (answered E free u .snd)
         (lookup∈ p words (stays (coding E) 1 u Cp′)) (lookup∈ q words (stays (coding E) 1 u Cq′))

  -- For a prefix-free enumerable mode, if m_N(x) ≥ 2^(-d) at some N, then x has a codeword of d + 1 bits.
  codingDescribes : (N d : ℕ) (x : BitString) → Reaches E N d x
                  → Σ[ p ∈ BitString ] (length p ≡ suc d) × describes (mode (coding E)) p x
  codingDescribes N d x reached =
    let M = length x + N
        (requested , apart) = answered E free M
        (w , w≡ , found) = givenTo (requests E (suc M)) (answer (requests E (suc M))) requested apart
          (map∈ (λ (e , y) → suc e , y) (asked E (suc M)) (askedEventually E M (d , x)
            (candidates∈ E M ≤SumLeft (reachesStays E (length x) N reached))))
    in w , w≡ , suc M , found

  -- The coding theorem: if a prefix-free enumerable mode simulates the mode that reads the codewords of its own m, up
  -- to c bits, as one that is optimal in a class closed under `coding` does, then for every x that has a complexity,
  -- m(x) ≥ 2^(-K(x)), and K(x) ≤ d + 1 + c for every d with m(x) ≥ 2^(-d).
  codingTheorem : (c : ℕ) → Simulates (mode E) (mode (coding E)) c
    → (x : BitString) (k : ℕ) → IsComplexity (mode E) x k
    → (Σ[ N ∈ ℕ ] Reaches E N k x) × ((N d : ℕ) → Reaches E N d x → k ≤ c + suc d)
  codingTheorem c simulates x k ((p , p≡k , Ep) , k≤) =
    (let (N , reached) = descriptionReached E Ep in N , subst (λ l → Reaches E N l x) p≡k reached) ,
    λ N d reached → let (w , w≡ , Cw) = codingDescribes N d x reached
                        (q , q≤ , Eq) = simulates w x Cw
                    in subst (λ l → k ≤ c + l) w≡ (≤-trans (k≤ q Eq) q≤)
