{-# OPTIONS --safe #-}
{-
Berry's paradox (chapter 1): «the first string whose complexity is at least m» names that string by the few
bits that m takes. So no mode that can run that name has such a complexity: nothing that can be
computed tells complexities, or even finds strings of arbitrarily large complexity, and no theory
proves large lower bounds.

  naming find      the decompressor p ↦ find (2^l(p)): n bits name find (2^n)
  T i ≡ just (x , k)   the i-th theorem of a theory says that C_U(x) ≥ k
  Simulates U M c  U can run M, at the price of c bits (KolmogorovInvariance): this is what «computable» is
                   needed for, and all that is used of it
-}
module KolmogorovUncomputable where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Bool using (false)
open import Cubical.Data.Sum using (_⊎_; inl; inr) renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; fst; snd)
open import Cubical.Data.Maybe using (Maybe; nothing; just; just-inj; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; _^_)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; suc-≤-suc; ≤-refl; ≤-trans; ≤<-trans; ≤-+-≤; ¬m<m; ¬-<-zero; <-split; splitℕ-≤)
open import Cubical.Data.List using (List; []; _∷_; length)
open import Cubical.Relation.Nullary using (¬_; Dec; yes; no; decRec)
open import S30.Pigeonhole using (_∈_; searchIn)
open import S30.BitStrings
open import S30.Counting using (decide≤)
open import S30.Powers using (<2^)
open import KolmogorovComplexity
open import KolmogorovInvariance using (Simulates)

private
  zeros : ℕ → BitString
  zeros zero    = []
  zeros (suc n) = false ∷ zeros n

  lengthZeros : (n : ℕ) → length (zeros n) ≡ n
  lengthZeros zero    = refl
  lengthZeros (suc n) = cong suc (lengthZeros n)

  -- What n = c + 1 bits name is not described by n + c bits or fewer, if that takes 2^n bits.
  shortName : (c : ℕ) → c + suc c < 2 ^ suc c
  shortName c = subst (suc c + suc c ≤_) (2^n+2^n c) (≤-+-≤ (<2^ c) (<2^ c))

  -- If U simulates M up to c bits and M describes x by c + 1 bits, then U describes x by fewer than 2^(c + 1).
  named : (U M : DescriptionMode) (c : ℕ) → Simulates U M c
        → (x : BitString) → describes M (zeros (suc c)) x → DescribedBelow U (2 ^ suc c) x
  named U M c simulates x Mx =
    let (q , q≤ , Uq) = simulates (zeros (suc c)) x Mx in
    q , ≤<-trans (subst (λ n → length q ≤ c + n) (lengthZeros (suc c)) q≤) (shortName c) , Uq

-------------------------------------------------------------------------------
-- Nothing that U can run tells its complexities
-------------------------------------------------------------------------------

-- The decompressor that takes its input's length n for the name of find (2^n).
naming : (ℕ → BitString) → Decompressor
naming find p = just (find (2 ^ length p))

-- Strings of unbounded complexity cannot be found: if U describes find m by no fewer than m bits, for every m,
-- then U does not simulate `naming find`, up to any constant.
noComplexStringsFound : (U : DescriptionMode) (find : ℕ → BitString)
  → ((m : ℕ) → ¬ DescribedBelow U m (find m))
  → (c : ℕ) → ¬ Simulates U (graph (naming find)) c
noComplexStringsFound U find complex c simulates = complex (2 ^ suc c)
  (named U (graph (naming find)) c simulates (find (2 ^ suc c))
    (cong (λ n → just (find (2 ^ n))) (lengthZeros (suc c))))

-- The first string of m bits whose value under K is at least m (Λ if there is none).
berry : (BitString → ℕ) → ℕ → BitString
berry K m = decRec fst (λ _ → []) (searchIn (λ x → decide≤ m (K x)) (stringsOf m))

-- Complexity is not computable: if K is the complexity for U of every string, then U does not simulate
-- `naming (berry K)`, which needs nothing but K, up to any constant. So a mode that is optimal for a class
-- has a complexity from which some mode outside of the class can be computed.
complexityNotComputable : (U : DescriptionMode) (K : BitString → ℕ) → ((x : BitString) → IsComplexity U x (K x))
                        → (c : ℕ) → ¬ Simulates U (graph (naming (berry K))) c
complexityNotComputable U K complexity = noComplexStringsFound U (berry K) complex
  where
  below : (m : ℕ) (x : BitString) → (K x < m → DescribedBelow U m x) × (DescribedBelow U m x → K x < m)
  below m x = belowIffDescribedBelow U (complexity x) m

  complex : (m : ℕ) → ¬ DescribedBelow U m (berry K m)
  complex m with searchIn (λ x → decide≤ m (K x)) (stringsOf m)
  ... | yes (x , _ , m≤K) = λ described → ¬m<m (≤-trans (below m x .snd described) m≤K)
  ... | no none = λ _ → noModeCompressesAll U m λ x x≡m → below m x .fst
    (⊎-rec (λ m≤K → ⊥.rec (none (x , subst (λ n → x ∈ stringsOf n) x≡m (inStringsOf x) , m≤K))) (λ K<m → K<m)
      (splitℕ-≤ m (K x)))

-------------------------------------------------------------------------------
-- No theory proves large lower bounds (Chaitin)
-------------------------------------------------------------------------------

module _ (T : ℕ → Maybe (BitString × ℕ)) where

  -- The i-th theorem says of x that its complexity is at least some k ≥ m; no earlier one says the like.
  Says First : ℕ → ℕ → BitString → Type
  Says m i x  = Σ[ k ∈ ℕ ] (T i ≡ just (x , k)) × (m ≤ k)
  First m i x = Says m i x × ((j : ℕ) → j < i → (y : BitString) → ¬ Says m j y)

  -- The mode that reads m = 2^n off the length n of its input, and looks for the first such theorem.
  proofSearch : DescriptionMode
  proofSearch .describes p x = Σ[ i ∈ ℕ ] First (2 ^ length p) i x
  proofSearch .singleValued (i , says , first) (j , says′ , first′) with splitℕ-≤ i j
  ... | inr j<i = ⊥.rec (first j j<i _ says′)
  ... | inl i≤j with <-split (suc-≤-suc i≤j)
  ...   | inl i<j = ⊥.rec (first′ i i<j _ says)
  ...   | inr i≡j = cong fst (just-inj _ _ (sym (says .snd .fst) ∙ cong T i≡j ∙ says′ .snd .fst))

  private
    decideSays : (m i : ℕ) → Dec (Σ[ x ∈ BitString ] Says m i x)
    decideSays m i = decide (T i) refl
      where
      decide : (t : Maybe (BitString × ℕ)) → T i ≡ t → Dec (Σ[ x ∈ BitString ] Says m i x)
      decide nothing e = no λ (x , k , Ti , _) → ¬nothing≡just (sym e ∙ Ti)
      decide (just (x , k)) e = decRec (λ m≤k → yes (x , k , e , m≤k))
        (λ m≰k → no λ (y , l , Ti , m≤l) → m≰k (subst (m ≤_) (cong snd (just-inj _ _ (sym Ti ∙ e))) m≤l))
        (decide≤ m k)

    firstBelow : (m n : ℕ) → (Σ[ i ∈ ℕ ] Σ[ x ∈ BitString ] First m i x)
                           ⊎ ((j : ℕ) → j < n → (y : BitString) → ¬ Says m j y)
    firstBelow m zero    = inr λ j j<0 → ⊥.rec (¬-<-zero j<0)
    firstBelow m (suc n) with firstBelow m n
    ... | inl found = inl found
    ... | inr none with decideSays m n
    ...   | yes (x , says) = inl (n , x , says , none)
    ...   | no silent = inr λ j j<n+1 y says → ⊎-rec (λ j<n → none j j<n y says)
              (λ j≡n → silent (y , subst (λ h → Says m h y) j≡n says)) (<-split j<n+1)

  -- Chaitin: if all that the theory says of complexities for U is true, and U simulates the search for its
  -- theorems up to c bits, then it proves no lower bound of 2^(c + 1) or more, of any string.
  noLargeLowerBoundProved : (U : DescriptionMode)
    → ((i : ℕ) (x : BitString) (k : ℕ) → T i ≡ just (x , k) → ¬ DescribedBelow U k x)
    → (c : ℕ) → Simulates U proofSearch c
    → (i : ℕ) (x : BitString) (k : ℕ) → T i ≡ just (x , k) → k < 2 ^ suc c
  noLargeLowerBoundProved U true c simulates i x k Ti with splitℕ-≤ (2 ^ suc c) k
  ... | inr k<  = k<
  ... | inl ≤k with firstBelow (2 ^ suc c) (suc i)
  ...   | inr none = ⊥.rec (none i ≤-refl x (k , Ti , ≤k))
  ...   | inl (j , y , first@((l , Tj , ≤l) , _)) =
    let (q , q< , Uq) = named U proofSearch c simulates y
          (j , subst (λ n → First (2 ^ n) j y) (sym (lengthZeros (suc c))) first)
    in ⊥.rec (true j y l Tj (q , ≤-trans q< ≤l , Uq))
