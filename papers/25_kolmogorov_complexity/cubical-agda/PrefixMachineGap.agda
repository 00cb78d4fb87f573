{-# OPTIONS --safe #-}
{-
The coding theorem fails on the machine: K(x) + log₂ m(x) is not bounded, so the machine cannot read the code of
its own a priori probability, at the price of any number of bits.

2^(i + 1) zeros are written by WRITE 0 and REPEATs by the factors 2^k₁, 2^k₂, … with k₁ + k₂ + … = i + 1: one
program for each way to cut i + 1 into parts, that is, for each string c of i bits (a one is a cut). It has
9 + 2i bits and one more for each cut, and K = 9 + 2i; the sum over all c is (3/2)^i 2^(-9-2i).

  parts n c          the parts less one, when n + 1 stand before the next possible cut
  cuts c             the number of ones
-}
module PrefixMachineGap where

open import Cubical.Foundations.Prelude using (_≡_; refl; sym; _∙_; cong; cong₂; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (true; false)
open import Cubical.Data.Sum using () renaming (rec to ⊎-rec)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_)
open import Cubical.Data.Maybe using (just)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _∸_; _·_; _^_; +-zero; +-suc; +-comm; +-assoc; ·-comm; ·-assoc; ·-distribʳ; ·-identityʳ; ∸+
        ; injSuc; znots; snotz; m+n≡n→m≡0)
open import Cubical.Data.Nat.Order using (_≤_; zero-≤; suc-≤-suc; ≤-refl; ≤-trans; ≤-k+; ≤SumLeft; ¬m<m; _<_; ≤-suc)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; length++; ++-assoc; ++-unit-r)
open import Cubical.Relation.Nullary using (¬_)
open import S30.Pigeonhole
open import S30.BitStrings
open import S30.Counting
open import S30.Powers
open import KolmogorovComplexity
open import KolmogorovInvariance using (Simulates)
open import PrefixCode using (comparable; cancelPrefix)
open import PrefixComplexity
open import AprioriProbability
open import CodingTheorem
open import PrefixMachine
open import PrefixMachineGrammar
open import PrefixMachineCosts

parts : ℕ → BitString → List ℕ
parts n []          = n ∷ []
parts n (false ∷ c) = parts (suc n) c
parts n (true ∷ c)  = n ∷ parts 0 c

cuts : BitString → ℕ
cuts []          = 0
cuts (false ∷ c) = cuts c
cuts (true ∷ c)  = suc (cuts c)

repeats : List ℕ → List Instruction
repeats = map (λ n → repeating (ones n))

cutInstructions : BitString → List Instruction
cutInstructions c = writing [] (false ∷ []) ∷ repeats (parts 0 c)

-------------------------------------------------------------------------------
-- They write zeros
-------------------------------------------------------------------------------

private
  zeros++ : (m n : ℕ) → zeros m ++ zeros n ≡ zeros (m + n)
  zeros++ zero    n = refl
  zeros++ (suc m) n = cong (false ∷_) (zeros++ m n)

  timesZeros : (r m : ℕ) → times r (zeros m) ≡ zeros (r · m)
  timesZeros zero    m = refl
  timesZeros (suc r) m = cong (zeros m ++_) (timesZeros r m) ∙ zeros++ m (r · m)

  -- REPEAT by 2^(n + 1).
  repeated : (n m : ℕ) → effect (repeating (ones n)) (zeros m) ≡ zeros (2 ^ suc n · m)
  repeated n m = cong (zeros m ++_) (timesZeros (value (ones n)) m) ∙ zeros++ m _ ∙ cong (λ v → zeros (v · m)) (valueOnes n)

  doubled : (e n m : ℕ) → 2 ^ e · (2 ^ n · m) ≡ 2 ^ (n + e) · m
  doubled e n m = ·-assoc (2 ^ e) (2 ^ n) m ∙ cong (_· m) (sym (2^+ e n) ∙ cong (2 ^_) (+-comm e n))

  writeZeros : (n : ℕ) (c : BitString) (m : ℕ) → NotEmpty (zeros m)
    → AllAllowed (repeats (parts n c)) (zeros m) × (output (repeats (parts n c)) (zeros m) ≡ zeros (2 ^ (suc n + length c) · m))
  writeZeros n []          m some = (some , tt) , repeated n m ∙ cong (λ e → zeros (2 ^ suc e · m)) (sym (+-zero n))
  writeZeros n (false ∷ c) m some = let (all , e) = writeZeros (suc n) c m some in
    all , e ∙ cong (λ e → zeros (2 ^ suc e · m)) (sym (+-suc n (length c)))
  writeZeros n (true ∷ c)  m some =
    let (all , e) = writeZeros 0 c (2 ^ suc n · m) (more m some) in
      (some , subst (AllAllowed (repeats (parts 0 c))) (sym (repeated n m)) all)
    , cong (output (repeats (parts 0 c))) (repeated n m) ∙ e ∙ cong zeros (doubled (suc (length c)) (suc n) m)
    where
    more : (m : ℕ) → NotEmpty (zeros m) → NotEmpty (zeros (2 ^ suc n · m))
    more (suc m) _ = positive (2 ^ suc n) (≤-trans (suc-≤-suc zero-≤) (<2^ (suc n)))
      where
      positive : (k : ℕ) → 1 ≤ k → NotEmpty (zeros (k · suc m))
      positive zero    0<0 = ⊥.rec (¬m<m 0<0)
      positive (suc k) _   = tt

cutProgramRuns : (c : BitString) → machine (program (cutInstructions c)) ≡ just (zeros (2 ^ suc (length c)))
cutProgramRuns c = let (all , e) = writeZeros 0 c 1 tt in
  programRuns (cutInstructions c) (refl , all) ∙ cong just (e ∙ cong zeros (·-comm (2 ^ suc (length c)) 1 ∙ +-zero _))

-------------------------------------------------------------------------------
-- Their lengths, and that they are different
-------------------------------------------------------------------------------

private
  repeatBits : ℕ → BitString
  repeatBits n = bits (repeating (ones n))

  codeRepeats : (ns : List ℕ) → code bits (repeats ns) ≡ code repeatBits ns
  codeRepeats []       = refl
  codeRepeats (n ∷ ns) = cong (repeatBits n ++_) (codeRepeats ns)

  lengthRepeat : (n : ℕ) → length (repeatBits n) ≡ 3 + (n + n)
  lengthRepeat n = cong (2 +_) (lengthγ (ones n) ∙ cong (λ m → suc (m + m)) (lengthOnes n))

  lengthOfCuts : (n : ℕ) (c : BitString)
               → length (code bits (repeats (parts n c))) ≡ 3 + ((n + n) + ((length c + length c) + cuts c))
  lengthOfCuts n [] = cong length (++-unit-r (repeatBits n)) ∙ lengthRepeat n ∙ cong (3 +_) (sym (+-zero (n + n)))
  lengthOfCuts n (false ∷ c) = lengthOfCuts (suc n) c ∙ cong (λ h → 4 + (h + s)) (+-suc n n)
    ∙ cong (3 +_) (sym (+-suc (n + n) (suc s) ∙ cong suc (+-suc (n + n) s)))
    ∙ cong (λ h → 3 + ((n + n) + (suc h + cuts c))) (sym (+-suc (length c) (length c)))
    where
    s : ℕ
    s = (length c + length c) + cuts c
  lengthOfCuts n (true ∷ c) = length++ (repeatBits n) _ ∙ cong₂ _+_ (lengthRepeat n) (lengthOfCuts 0 c)
    ∙ cong (3 +_) (cong ((n + n) +_) (cong suc (cong suc (sym (+-suc (length c + length c) (cuts c)))
      ∙ cong (_+ suc (cuts c)) (sym (+-suc (length c) (length c))))))

  -- 9 + 2i bits and one more for each cut.
  lengthOfProgram : (c : BitString)
                  → length (program (cutInstructions c)) ≡ 9 + ((length c + length c) + cuts c)
  lengthOfProgram c = cong (4 +_) (length++ (code bits (repeats (parts 0 c))) (true ∷ false ∷ [])
    ∙ cong (_+ 2) (lengthOfCuts 0 c) ∙ +-comm (3 + ((length c + length c) + cuts c)) 2)

  -- Different cuts of one number have different parts …
  firstPart : (n : ℕ) (c : BitString) → Σ[ h ∈ ℕ ] Σ[ t ∈ List ℕ ] (parts n c ≡ h ∷ t) × (n ≤ h)
  firstPart n []          = n , [] , refl , ≤-refl
  firstPart n (false ∷ c) = let (h , t , e , n<h) = firstPart (suc n) c in h , t , e , ≤-trans (≤-suc ≤-refl) n<h
  firstPart n (true ∷ c)  = n , parts 0 c , refl , ≤-refl

  headOr0 : List ℕ → ℕ
  headOr0 []      = 0
  headOr0 (n ∷ _) = n

  tail : List ℕ → List ℕ
  tail []       = []
  tail (_ ∷ ns) = ns

  longer : (n : ℕ) (c : BitString) (ns : List ℕ) → ¬ (parts (suc n) c ≡ n ∷ ns)
  longer n c ns e = let (h , t , e′ , n<h) = firstPart (suc n) c in
    ¬m<m (subst (n <_) (cong headOr0 (sym e′ ∙ e)) n<h)

  partsInjective : (n : ℕ) (c c′ : BitString) → length c ≡ length c′ → parts n c ≡ parts n c′ → c ≡ c′
  partsInjective n []          []           _ _ = refl
  partsInjective n []          (_ ∷ _)      l _ = ⊥.rec (znots l)
  partsInjective n (_ ∷ _)     []           l _ = ⊥.rec (znots (sym l))
  partsInjective n (false ∷ c) (false ∷ c′) l e = cong (false ∷_) (partsInjective (suc n) c c′ (injSuc l) e)
  partsInjective n (true ∷ c)  (true ∷ c′)  l e = cong (true ∷_) (partsInjective 0 c c′ (injSuc l) (cong tail e))
  partsInjective n (false ∷ c) (true ∷ c′)  _ e = ⊥.rec (longer n c _ e)
  partsInjective n (true ∷ c)  (false ∷ c′) _ e = ⊥.rec (longer n c′ _ (sym e))

  -- … and so different programs: γ is a prefix code.
  repeatPrefix : {m n : ℕ} → repeatBits m ⊑ repeatBits n → m ≡ n
  repeatPrefix {m} {n} (v , e) = sym (lengthOnes m) ∙ equal (length (ones m)) (length (ones n)) _ _
      (sym (++-assoc (zeros (length (ones m))) (true ∷ ones m) v) ∙ cong (λ w → rest (rest w)) e) ∙ lengthOnes n
    where
    equal : (a b : ℕ) (u w : BitString) → zeros a ++ true ∷ u ≡ zeros b ++ true ∷ w → a ≡ b
    equal zero    zero    u w _ = refl
    equal zero    (suc b) u w e = ⊥.rec (0≢1 (sym e))
    equal (suc a) zero    u w e = ⊥.rec (0≢1 e)
    equal (suc a) (suc b) u w e = cong suc (equal a b u w (cong rest e))

  withoutEnd : (u v w : BitString) → u ++ w ≡ v ++ w → u ≡ v
  withoutEnd u v w e = ⊎-rec (extends u v e) (λ v⊑u → sym (extends v u (sym e) v⊑u)) (comparable u v e)
    where
    empty : (z : BitString) → z ++ w ≡ w → z ≡ []
    empty []      _ = refl
    empty (b ∷ z) e = ⊥.rec (snotz (m+n≡n→m≡0 (sym (length++ (b ∷ z) w) ∙ cong length e)))

    extends : (u v : BitString) → u ++ w ≡ v ++ w → u ⊑ v → u ≡ v
    extends u v e (z , p) = sym (++-unit-r u) ∙ cong (u ++_) (sym (empty z (cancelPrefix u
      (sym (++-assoc u z w) ∙ cong (_++ w) p ∙ sym e)))) ∙ p

  programInjective : (c c′ : BitString) → length c ≡ length c′
                   → program (cutInstructions c) ≡ program (cutInstructions c′) → c ≡ c′
  programInjective c c′ l e = partsInjective 0 c c′ l (codeInjective repeatBits repeatPrefix (λ n e → snotz (cong length e))
    (parts 0 c) (parts 0 c′) (sym (codeRepeats (parts 0 c)) ∙ withoutEnd _ _ (true ∷ false ∷ [])
      (cong (λ p → rest (rest (rest (rest p)))) e) ∙ codeRepeats (parts 0 c′)))

-------------------------------------------------------------------------------
-- Their mass
-------------------------------------------------------------------------------

  -- The sum over all c of i bits of 2^(i + M - cuts c) is 3^i 2^M.
  sumOfCuts : (i M : ℕ) → sumOver (λ c → 2 ^ ((i + M) ∸ cuts c)) (stringsOf i) ≡ 3 ^ i · 2 ^ M
  sumOfCuts zero    M = refl
  sumOfCuts (suc i) M =
      sumConcat _ (map (false ∷_) (stringsOf i)) _
    ∙ cong₂ _+_
        (sumMap (false ∷_) _ (stringsOf i) ∙ cong (λ e → sumOver (λ c → 2 ^ (e ∸ cuts c)) (stringsOf i)) (sym (+-suc i M))
          ∙ sumOfCuts i (suc M))
        (sumMap (true ∷_) _ (stringsOf i) ∙ sumOfCuts i M)
    ∙ cong (_+ 3 ^ i · 2 ^ M) (·-assoc (3 ^ i) 2 (2 ^ M) ∙ cong (_· 2 ^ M) (·-comm (3 ^ i) 2))
    ∙ ·-distribʳ (2 · 3 ^ i) (3 ^ i) (2 ^ M) ∙ cong (_· 2 ^ M) (+-comm (2 · 3 ^ i) (3 ^ i))

-- m(0^(2^(i + 1))) ≥ (3/2)^i 2^(-9-2i) on the machine, for every i: at N = 9 + 3i + M, in units of 2^(-N).
massOfZeros : (i M : ℕ) → 3 ^ i · 2 ^ M ≤ mass (decided machine) ((9 + (i + i)) + (i + M)) (zeros (2 ^ suc i))
massOfZeros i M = subst (_≤ mass (decided machine) N x) (sumMap prog weight (stringsOf i)
    ∙ sumEqual (stringsOf i) (λ c m → cong (2 ^_) (exponent c (lengthInStringsOf i m))) ∙ sumOfCuts i M)
  (subsetSum weight (map prog (stringsOf i)) (programs (decided machine) N x)
    (distinctMap prog (stringsOf i)
      (λ {c} {c′} m m′ → programInjective c c′ (lengthInStringsOf i m ∙ sym (lengthInStringsOf i m′)))
      (distinctStringsOf i))
    λ p m → let (c , c∈ , p≡) = ∈Map prog (stringsOf i) m ; l = lengthInStringsOf i c∈ in
      subst (_∈ programs (decided machine) N x) (sym p≡) (programs∈ (decided machine) N
        (subst (_≤ N) (sym (lengthOfProgram c)) (fits c l))
        (cutProgramRuns c ∙ cong (λ n → just (zeros (2 ^ suc n))) l)))
  where
  N : ℕ
  N = (9 + (i + i)) + (i + M)

  x : BitString
  x = zeros (2 ^ suc i)

  prog : BitString → BitString
  prog c = program (cutInstructions c)

  weight : BitString → ℕ
  weight p = 2 ^ (N ∸ length p)

  cuts≤ : (c : BitString) → cuts c ≤ length c
  cuts≤ []          = ≤-refl
  cuts≤ (false ∷ c) = ≤-suc (cuts≤ c)
  cuts≤ (true ∷ c)  = suc-≤-suc (cuts≤ c)

  fits : (c : BitString) → length c ≡ i → 9 + ((length c + length c) + cuts c) ≤ N
  fits c l = subst (_≤ N) (cong (λ n → 9 + ((n + n) + cuts c)) (sym l))
    (≤-k+ {k = 9 + (i + i)} (≤-trans (subst (cuts c ≤_) l (cuts≤ c)) ≤SumLeft))

  exponent : (c : BitString) → length c ≡ i → N ∸ length (prog c) ≡ (i + M) ∸ cuts c
  exponent c l = cong (N ∸_) (lengthOfProgram c ∙ cong (λ n → 9 + ((n + n) + cuts c)) l)
               ∙ cancel (9 + (i + i)) (i + M) (cuts c)
    where
    cancel : (a b c : ℕ) → (a + b) ∸ (a + c) ≡ b ∸ c
    cancel zero    b c = refl
    cancel (suc a) b c = cancel a b c

-- K(x) + log₂ m(x) is not bounded on the machine: for every h there is a string x, 2^(2h + 1) zeros, with
-- m(x) ≥ 2^(-d) and K(x) = d + h.
gapUnbounded : (h : ℕ) → Σ[ x ∈ BitString ] Σ[ d ∈ ℕ ]
  (Σ[ N ∈ ℕ ] Reaches (decided machine) N d x) × IsComplexity (graph machine) x (d + h)
gapUnbounded h = zeros (2 ^ suc i) , 9 + (h + i)
  , (N , subst (9 + (h + i) ≤_) split ≤SumLeft , subst (λ e → 2 ^ e ≤ mass (decided machine) N (zeros (2 ^ suc i))) (sym difference)
      (≤-trans (subst (2 ^ (h + i) ≤_) (sym (·-identityʳ (3 ^ i))) (eightNinths h)) (massOfZeros i 0)))
  , subst (IsComplexity (graph machine) (zeros (2 ^ suc i))) complexity (zerosComplexity i)
  where
  i N : ℕ
  i = h + h
  N = (9 + (i + i)) + (i + 0)

  -- 8^h ≤ 9^h
  eightNinths : (h : ℕ) → 2 ^ (h + (h + h)) ≤ 3 ^ (h + h)
  eightNinths zero    = ≤-refl
  eightNinths (suc h) = subst2 _≤_ (sym (cong (2 ^_) three ∙ ·-assoc 2 2 (2 · 2 ^ (h + (h + h))) ∙ ·-assoc 4 2 (2 ^ (h + (h + h)))))
    (sym (·-assoc 3 3 (3 ^ (h + h))) ∙ cong (λ e → 3 · 3 ^ e) (sym (+-suc h h)))
    (≤-· {8} {9} (1 , refl) (eightNinths h))
    where
    three : suc h + (suc h + suc h) ≡ 3 + (h + (h + h))
    three = cong suc (cong (h +_) (cong suc (+-suc h h)) ∙ +-suc h _ ∙ cong suc (+-suc h (h + h)))

  split : (9 + (h + i)) + (h + i) ≡ N
  split = cong (9 +_) (interchange h i h i ∙ +-comm i (i + i) ∙ cong ((i + i) +_) (sym (+-zero i)))

  difference : N ∸ (9 + (h + i)) ≡ h + i
  difference = cong (_∸ (9 + (h + i))) (sym split) ∙ ∸+ (h + i) (9 + (h + i))

  complexity : 9 + (i + i) ≡ (9 + (h + i)) + h
  complexity = cong (9 +_) (sym (+-assoc h h i) ∙ +-comm h (h + i))

-- The machine does not simulate the mode that reads the codewords of its own m, up to any constant.
machineCannotCode : (c : ℕ) → ¬ Simulates (mode (decided machine)) (mode (coding (decided machine))) c
machineCannotCode c simulates =
  let (x , d , (N , reached) , (p , p≡ , runs) , minimal) = gapUnbounded (suc (suc c))
      (_ , bound) = codingTheorem (decided machine) (λ (_ , Mp) (_ , Mq) → machineIsPrefixFree Mp Mq) c simulates
                      x (d + suc (suc c)) ((p , p≡ , 0 , runs) , λ q (_ , Mq) → minimal q Mq)
  in ¬m<m (subst2 _≤_ (+-suc d (suc c)) (+-suc c d ∙ cong suc (+-comm c d) ∙ sym (+-suc d c)) (bound N d reached))
