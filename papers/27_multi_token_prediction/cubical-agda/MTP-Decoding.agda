{-# OPTIONS --safe #-}
{-
Paper 27: F. Gloeckle, B. Youbi Idrissi, B. Rozière, D. Lopez-Paz, G. Synnaeve, «Better & Faster Large Language Models via
Multi-token Prediction» (2024), arXiv:2404.19737

Greedy self-speculative decoding (Section 2, «Inference»; Section 3.2), for any alphabet whose letters can be told apart.

  paper                                          here
  a context x_t, …, x_1                          a list, the latest token first
  the next-token head's most probable token      next, any function of the context
  what heads 2, …, n propose                     draft, any function of the context and of how many calls are left
  a forward pass that verifies and writes        verify: the proposals as long as they are right, and one token more

Nothing is assumed of `next` or of `draft`: a model, another model, a table, or what is drawn by lot.
-}
open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.List.Base using (List)
open import Cubical.Relation.Nullary using (Discrete)

module MTP-Decoding {A : Type} (_≟_ : Discrete A) (next : List A → A) where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Empty.Base as ⊥ using ()
open import Cubical.Data.List.Base using ([]; _∷_; _++_; length; take)
open import Cubical.Data.List.Properties using (length++)
open import Cubical.Data.Nat.Base using (ℕ; zero; suc; _+_; _·_)
open import Cubical.Data.Nat.Properties using (+-comm)
open import Cubical.Data.Nat.Order using (_≤_; zero-≤; suc-≤-suc; ≤-trans; ≤-refl; ≤SumLeft; ≤-+k; ≤-k+; pred-≤-pred)
open import Cubical.Data.Sigma.Base using (_,_)
open import Cubical.Relation.Nullary using (Dec; yes; no; ¬_)

-- Tokens read behind a context, one after the other.
onto : List A → List A → List A
onto []       c = c
onto (x ∷ xs) c = onto xs (x ∷ c)

-- Greedy decoding: so many tokens, each by a call of its own.
greedy : ℕ → List A → List A
greedy zero    c = []
greedy (suc k) c = next c ∷ greedy k (next c ∷ c)

judge : {P B : Type} → Dec P → B → B → B
judge (yes _) x y = x
judge (no _)  x y = y

-- What one call writes: the draft as long as each of its tokens is the one that `next` has there, then that of `next`.
verify : List A → List A → List A
verify []       c = next c ∷ []
verify (d ∷ ds) c = judge (d ≟ next c) (d ∷ verify ds (d ∷ c)) (next c ∷ [])

-- So many calls.
speculate : ℕ → (ℕ → List A → List A) → List A → List A
speculate zero    draft c = []
speculate (suc r) draft c = verify (draft r c) c ++ speculate r draft (onto (verify (draft r c) c) c)

-- How many tokens two lists have in common before they part.
agreement : List A → List A → ℕ
agreement []       ys       = 0
agreement (x ∷ xs) []       = 0
agreement (x ∷ xs) (y ∷ ys) = judge (x ≟ y) (suc (agreement xs ys)) 0

-- Greedy decoding of m + k tokens is that of m, and of k behind them.
greedyConcat : (m k : ℕ) (c : List A) → greedy (m + k) c ≡ greedy m c ++ greedy k (onto (greedy m c) c)
greedyConcat zero    k c = refl
greedyConcat (suc m) k c = cong (next c ∷_) (greedyConcat m k (next c ∷ c))

-- One call writes what greedy decoding writes, whatever was proposed.
verifyIsGreedy : (ds c : List A) → verify ds c ≡ greedy (length (verify ds c)) c
verifyIsGreedy []       c = refl
verifyIsGreedy (d ∷ ds) c = cases (d ≟ next c)
  where
  cases : (t : Dec (d ≡ next c)) → judge t (d ∷ verify ds (d ∷ c)) (next c ∷ [])
                                  ≡ greedy (length (judge t (d ∷ verify ds (d ∷ c)) (next c ∷ []))) c
  cases (yes p) = cong (d ∷_) (verifyIsGreedy ds (d ∷ c)) ∙ λ i → p i ∷ greedy (length (verify ds (d ∷ c))) (p i ∷ c)
  cases (no _)  = refl

-- Self-speculative decoding writes exactly the text of greedy decoding: for every draft, after any number of calls, of whatever
-- length the text has become.
speculativeIsGreedy : (r : ℕ) (draft : ℕ → List A → List A) (c : List A)
  → speculate r draft c ≡ greedy (length (speculate r draft c)) c
speculativeIsGreedy zero    draft c = refl
speculativeIsGreedy (suc r) draft c =
  w ++ s                                                          ≡⟨ cong (w ++_) (speculativeIsGreedy r draft (onto w c)) ⟩
  w ++ greedy (length s) (onto w c)                               ≡⟨ (λ i → e i ++ greedy (length s) (onto (e i) c)) ⟩
  greedy (length w) c ++ greedy (length s) (onto (greedy (length w) c) c)
                                                                  ≡⟨ sym (greedyConcat (length w) (length s) c) ⟩
  greedy (length w + length s) c                                  ≡⟨ cong (λ k → greedy k c) (sym (length++ w s)) ⟩
  greedy (length (w ++ s)) c                                      ∎
  where
  w s : List A
  w = verify (draft r c) c
  s = speculate r draft (onto w c)
  e : w ≡ greedy (length w) c
  e = verifyIsGreedy (draft r c) c

takeGreedy : (k n : ℕ) (c : List A) → k ≤ n → take k (greedy n c) ≡ greedy k c
takeGreedy zero    n       c _ = refl
takeGreedy (suc k) zero    c (j , p) = ⊥.rec (impossible j p)
  where
  open import Cubical.Data.Nat.Properties using (snotz; +-suc)
  impossible : (j : ℕ) → j + suc k ≡ 0 → ⊥.⊥
  impossible j p = snotz (sym (+-suc j k) ∙ p)
takeGreedy (suc k) (suc n) c le = cong (next c ∷_) (takeGreedy k n (next c ∷ c) (pred-≤-pred le))

-- Decoding stopped at k tokens is greedy decoding of k tokens, as soon as the calls have written so many.
stoppedIsGreedy : (k r : ℕ) (draft : ℕ → List A → List A) (c : List A) → k ≤ length (speculate r draft c)
  → take k (speculate r draft c) ≡ greedy k c
stoppedIsGreedy k r draft c le =
  cong (take k) (speculativeIsGreedy r draft c) ∙ takeGreedy k (length (speculate r draft c)) c le

verifyWrites : (ds c : List A) → 1 ≤ length (verify ds c)
verifyWrites []       c = ≤-refl
verifyWrites (d ∷ ds) c = cases (d ≟ next c)
  where
  cases : (t : Dec (d ≡ next c)) → 1 ≤ length (judge t (d ∷ verify ds (d ∷ c)) (next c ∷ []))
  cases (yes _) = suc-≤-suc zero-≤
  cases (no _)  = ≤-refl

-- A call never writes nothing: r calls write r tokens or more, so k tokens never take more than k calls.
callsAtMostTokens : (r : ℕ) (draft : ℕ → List A → List A) (c : List A) → r ≤ length (speculate r draft c)
callsAtMostTokens zero    draft c = zero-≤
callsAtMostTokens (suc r) draft c = subst (suc r ≤_) (sym (length++ w s))
  (≤-trans (≤-+k {k = r} (verifyWrites (draft r c) c)) (≤-k+ {k = length w} (callsAtMostTokens r draft (onto w c))))
  where
  w s : List A
  w = verify (draft r c) c
  s = speculate r draft (onto w c)

-- As many calls as tokens are always enough.
enoughCalls : (k : ℕ) (draft : ℕ → List A → List A) (c : List A) → take k (speculate k draft c) ≡ greedy k c
enoughCalls k draft c = stoppedIsGreedy k k draft c (callsAtMostTokens k draft c)

verifyAtMost : (ds c : List A) → length (verify ds c) ≤ suc (length ds)
verifyAtMost []       c = ≤-refl
verifyAtMost (d ∷ ds) c = cases (d ≟ next c)
  where
  cases : (t : Dec (d ≡ next c)) → length (judge t (d ∷ verify ds (d ∷ c)) (next c ∷ [])) ≤ suc (suc (length ds))
  cases (yes _) = suc-≤-suc (verifyAtMost ds (d ∷ c))
  cases (no _)  = suc-≤-suc zero-≤

-- With drafts of at most m tokens, those of m heads beside the first, r calls write at most r (m + 1) tokens: n heads save at
-- most a factor n.
tokensAtMost : (m r : ℕ) (draft : ℕ → List A → List A) → ((i : ℕ) (c : List A) → length (draft i c) ≤ m)
  → (c : List A) → length (speculate r draft c) ≤ r · suc m
tokensAtMost m zero    draft short c = ≤-refl
tokensAtMost m (suc r) draft short c = subst (_≤ suc m + r · suc m) (sym (length++ w s))
  (≤-trans (≤-+k {k = length s} (≤-trans (verifyAtMost (draft r c) c) (suc-≤-suc (short r c))))
           (≤-k+ {k = suc m} (tokensAtMost m r draft short (onto w c))))
  where
  w s : List A
  w = verify (draft r c) c
  s = speculate r draft (onto w c)

-- A call writes one token more than the draft has in common with greedy decoding from there.
acceptedIsAgreement : (ds c : List A) → length (verify ds c) ≡ suc (agreement ds (greedy (length ds) c))
acceptedIsAgreement []       c = refl
acceptedIsAgreement (d ∷ ds) c = cases (d ≟ next c)
  where
  cases : (t : Dec (d ≡ next c)) → length (judge t (d ∷ verify ds (d ∷ c)) (next c ∷ []))
    ≡ suc (judge t (suc (agreement ds (greedy (length ds) (next c ∷ c)))) 0)
  cases (yes p) = cong suc (acceptedIsAgreement ds (d ∷ c))
    ∙ λ i → suc (suc (agreement ds (greedy (length ds) (p i ∷ c))))
  cases (no _)  = refl

-- A draft that is greedy decoding itself is kept whole, and one token more is written.
rightDraft : (m : ℕ) (c : List A) → verify (greedy m c) c ≡ greedy (suc m) c
rightDraft zero    c = refl
rightDraft (suc m) c = cases (next c ≟ next c)
  where
  cases : (t : Dec (next c ≡ next c)) → judge t (next c ∷ verify (greedy m (next c ∷ c)) (next c ∷ c)) (next c ∷ []) ≡ greedy (suc (suc m)) c
  cases (yes _) = cong (next c ∷_) (rightDraft m (next c ∷ c))
  cases (no ne) = ⊥.rec (ne refl)

-- A draft whose first token is wrong costs nothing but itself: the call writes the token that greedy decoding writes.
wrongDraft : (d : A) (ds c : List A) → ¬ (d ≡ next c) → verify (d ∷ ds) c ≡ next c ∷ []
wrongDraft d ds c ne = cases (d ≟ next c)
  where
  cases : (t : Dec (d ≡ next c)) → judge t (d ∷ verify ds (d ∷ c)) (next c ∷ []) ≡ next c ∷ []
  cases (yes p) = ⊥.rec (ne p)
  cases (no _)  = refl
