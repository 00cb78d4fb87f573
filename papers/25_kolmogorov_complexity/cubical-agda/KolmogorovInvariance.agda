{-# OPTIONS --safe #-}
{-
Optimal modes (chapter 1, Theorem 1, Solomonoff and Kolmogorov).

  book                               here
  U(ep) = D(p) wherever D(p) is      Interprets U M e
    defined
  C_U(x) ≤ C_M(x) + c for all x      Simulates U M c           (each description, not only a shortest one)
  optimal decompressor               OptimalAmong Ms U         (in a family Ms of modes, not of all computable ones)
  the decompressor that reads        universal D               (for a sequence D 0, D 1, …)
    which one to run

That there is ONE sequence of all computable decompressors, which makes `universal` optimal among
all of them, is recursion theory and stays an assumption: the sequence D.
-}
module KolmogorovInvariance where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Bool using (true; false)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_)
open import Cubical.Data.Maybe using (nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_)
open import Cubical.Data.Nat.Order using (_≤_; ≤-trans; ≤-k+)
open import Cubical.Data.List using (List; []; _∷_; _++_; length; length++)
open import S30.BitStrings using (BitString)
open import PrefixCode using (cancelPrefix)
open import KolmogorovComplexity

-- Each description by M has one by U that is at most c bits longer.
Simulates : DescriptionMode → DescriptionMode → ℕ → Type
Simulates U M c = (p x : BitString) → describes M p x
                → Σ[ q ∈ BitString ] (length q ≤ c + length p) × describes U q x

-- If U simulates M up to c bits, then C_U(x) ≤ C_M(x) + c wherever both are defined.
complexityOfSimulation : (U M : DescriptionMode) (c : ℕ) → Simulates U M c
                       → (x : BitString) (k l : ℕ) → IsComplexity U x k → IsComplexity M x l → k ≤ c + l
complexityOfSimulation U M c simulates x k l (_ , k≤) ((p , p≡l , Mp) , _) =
  let (q , q≤ , Uq) = simulates p x Mp in
  subst (λ n → k ≤ c + n) p≡l (≤-trans (k≤ q Uq) q≤)

-- U runs M on the rest of its input once it has read e.
Interprets : DescriptionMode → DescriptionMode → BitString → Type
Interprets U M e = (p x : BitString) → describes M p x → describes U (e ++ p) x

interpretsSimulates : (U M : DescriptionMode) (e : BitString) → Interprets U M e → Simulates U M (length e)
interpretsSimulates U M e interprets p x Mp = e ++ p , (0 , length++ e p) , interprets p x Mp

-- Invariance: if U interprets M after reading e, then C_U(x) ≤ C_M(x) + l(e) for every x that has both.
invariance : (U M : DescriptionMode) (e : BitString) → Interprets U M e
           → (x : BitString) (k l : ℕ) → IsComplexity U x k → IsComplexity M x l
           → k ≤ length e + l
invariance U M e interprets = complexityOfSimulation U M (length e) (interpretsSimulates U M e interprets)

-- The mode that runs M behind e, and does nothing else.
behind : BitString → DescriptionMode → DescriptionMode
behind e M .describes q x = Σ[ p ∈ BitString ] (q ≡ e ++ p) × describes M p x
behind e M .singleValued (p , q≡ep , Mp) (p′ , q≡ep′ , Mp′) =
  singleValued M Mp
    (subst (λ r → describes M r _) (cancelPrefix e (sym q≡ep′ ∙ q≡ep)) Mp′)

behindInterprets : (e : BitString) (M : DescriptionMode) → Interprets (behind e M) M e
behindInterprets e M p x Mp = p , refl , Mp

-- For every prefix e, mode M and string x with a complexity, the constant l(e) is reached: by the mode
-- that runs M behind e.
invarianceReached : (e : BitString) (M : DescriptionMode) (x : BitString) (l : ℕ)
                  → IsComplexity M x l → IsComplexity (behind e M) x (length e + l)
invarianceReached e M x l ((p , p≡l , Mp) , l≤) =
  (e ++ p , length++ e p ∙ cong (length e +_) p≡l , p , refl , Mp) ,
  λ q (p′ , q≡ep′ , Mp′) → subst (length e + l ≤_)
    (sym (length++ e p′) ∙ cong length (sym q≡ep′)) (≤-k+ {k = length e} (l≤ p′ Mp′))

-- C_U(x) ≤ l(x) + l(e) for every mode U that interprets the identity after reading e, and every x with
-- a complexity.
complexityAtMostLength : (U : DescriptionMode) (e : BitString) → Interprets U (graph just) e
                       → (x : BitString) (k : ℕ) → IsComplexity U x k → k ≤ length e + length x
complexityAtMostLength U e interprets x k (_ , k≤) =
  subst (k ≤_) (length++ e x) (k≤ (e ++ x) (interprets x x refl))

-------------------------------------------------------------------------------
-- Optimal in a family
-------------------------------------------------------------------------------

-- U simulates every mode of the family, each up to a constant of its own.
OptimalAmong : {I : Type} → (I → DescriptionMode) → DescriptionMode → Type
OptimalAmong {I} Ms U = (i : I) → Σ[ c ∈ ℕ ] Simulates U (Ms i) c

-- Two modes of one family, both optimal in it, assign complexities within a constant of each other.
optimalModesAgree : {I : Type} (Ms : I → DescriptionMode) (i j : I)
  → OptimalAmong Ms (Ms i) → OptimalAmong Ms (Ms j)
  → Σ[ c ∈ ℕ ] Σ[ d ∈ ℕ ] ((x : BitString) (k l : ℕ)
      → IsComplexity (Ms i) x k → IsComplexity (Ms j) x l → (k ≤ c + l) × (l ≤ d + k))
optimalModesAgree Ms i j optimal optimal′ =
  let (c , simulates) = optimal j ; (d , simulates′) = optimal′ i in
  c , d , λ x k l Ux Vx → complexityOfSimulation (Ms i) (Ms j) c simulates x k l Ux Vx
                        , complexityOfSimulation (Ms j) (Ms i) d simulates′ x l k Vx Ux

-- One decompressor interprets all of a sequence. It reads 1…10, where the number of ones says which
-- one to run, and gives it the rest.
universal : (ℕ → Decompressor) → Decompressor
universal D []          = nothing
universal D (false ∷ p) = D 0 p
universal D (true ∷ p)  = universal (λ i → D (suc i)) p

selector : ℕ → BitString
selector zero    = false ∷ []
selector (suc i) = true ∷ selector i

-- After 1…10 with i ones, `universal D` runs the i-th decompressor of the sequence D.
universalInterprets : (D : ℕ → Decompressor) (i : ℕ)
                    → Interprets (graph (universal D)) (graph (D i)) (selector i)
universalInterprets D zero    p x Dp≡x = Dp≡x
universalInterprets D (suc i) p x Dp≡x = universalInterprets (λ j → D (suc j)) i p x Dp≡x

-- For every sequence D of decompressors, `universal D` simulates the i-th of them up to i + 1 bits.
universalSimulates : (D : ℕ → Decompressor) (i : ℕ) → Simulates (graph (universal D)) (graph (D i)) (suc i)
universalSimulates D i p x Dp≡x =
  let (q , q≤ , Uq) = interpretsSimulates (graph (universal D)) (graph (D i)) (selector i)
                        (universalInterprets D i) p x Dp≡x in
  q , subst (λ c → length q ≤ c + length p) (selectorLength i) q≤ , Uq
  where
  selectorLength : (i : ℕ) → length (selector i) ≡ suc i
  selectorLength zero    = refl
  selectorLength (suc i) = cong suc (selectorLength i)

-- Existence in Theorem 1, for the family of a sequence of decompressors: `universal D` is optimal among them.
universalIsOptimal : (D : ℕ → Decompressor) → OptimalAmong (λ i → graph (D i)) (graph (universal D))
universalIsOptimal D i = suc i , universalSimulates D i
