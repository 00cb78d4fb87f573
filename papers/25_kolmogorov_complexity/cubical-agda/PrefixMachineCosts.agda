{-# OPTIONS --safe #-}
{-
What the machine's programs cost: those of n bits of output have at least 2 log₂ n + 6 bits; for n = 2^j at least 2j + 7,
and 2^j zeros have a program of that length.

  a number with a digits after its first costs 2a + 1 bits:
    REPEAT 3 + 2a, HOLD 5 + 2a, WRITE 3 + 2a and its block     cost
  and is at most 2^(a + 1) - 1                                 value<
-}
module PrefixMachineCosts where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst; subst2)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Unit using (tt)
open import Cubical.Data.Bool using (Bool; true; false; not)
open import Cubical.Data.Sigma using (Σ-syntax; _,_; snd)
open import Cubical.Data.Maybe using (just)
open import Cubical.Data.Nat
  using (ℕ; zero; suc; _+_; _·_; _^_; +-zero; +-suc; +-comm; +-assoc; ·-comm; ·-assoc; ·-suc; ·-identityˡ; ·-identityʳ; znots)
open import Cubical.Data.Nat.Order
  using (_≤_; _<_; zero-≤; suc-≤-suc; pred-≤-pred; ≤-refl; ≤-trans; ≤-+-≤; ≤-k+; ≤SumLeft; ¬m<m)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; rev; length-map; length++; ++-assoc; ++-unit-r)
open import S30.BitStrings
open import S30.Powers
open import KolmogorovComplexity
open import PrefixComplexity using (code)
open import PrefixMachine
open import PrefixMachineGrammar

-------------------------------------------------------------------------------
-- What a program costs
-------------------------------------------------------------------------------

-- A number with a digits after its first is less than 2^(a + 1).
value< : (ds : BitString) → suc (value ds) ≤ 2 ^ suc (length ds)
value< = below 1
  where
  below : (n : ℕ) (ds : BitString) → suc (extended n ds) ≤ suc n · 2 ^ length ds
  below n []       = subst (suc n ≤_) (sym (·-identityʳ (suc n))) ≤-refl
  below n (d ∷ ds) = ≤-trans (below (double n d) ds) (subst (suc (double n d) · 2 ^ length ds ≤_)
    (sym (·-assoc (suc n) 2 (2 ^ length ds))) (≤-· {m = 2 ^ length ds} (digit d) ≤-refl))
    where
    two : suc n · 2 ≡ suc (suc (n + n))
    two = ·-comm (suc n) 2 ∙ cong (suc n +_) (+-zero (suc n)) ∙ cong suc (+-suc n n)
    digit : (d : Bool) → suc (double n d) ≤ suc n · 2
    digit false = subst (suc (n + n) ≤_) (sym two) (1 , refl)
    digit true  = subst (suc (suc (n + n)) ≤_) (sym two) ≤-refl

-- γ takes 2a + 1 bits.
lengthγ : (ds : BitString) → length (γ ds) ≡ suc (length ds + length ds)
lengthγ ds = length++ (zeros (length ds)) (true ∷ ds) ∙ cong (_+ suc (length ds)) (lengthZeros (length ds))
           ∙ +-suc (length ds) (length ds)

private
  lengthRev : (y : BitString) → length (rev y) ≡ length y
  lengthRev []      = refl
  lengthRev (b ∷ y) = length++ (rev y) (b ∷ []) ∙ +-comm (length (rev y)) 1 ∙ cong suc (lengthRev y)

  lengthTimes : (r : ℕ) (y : BitString) → length (times r y) ≡ r · length y
  lengthTimes zero    y = refl
  lengthTimes (suc r) y = length++ y (times r y) ∙ cong (length y +_) (lengthTimes r y)

  lengthLastBit : (b : Bool) (y : BitString) → length (lastBit b y) ≡ 1
  lengthLastBit b []      = refl
  lengthLastBit _ (b ∷ y) = lengthLastBit b y

-- An instruction on a y that is not empty multiplies its length by at most 1 + v, where v < 2^(a + 1), and costs at
-- least 3 + 2a bits.
record Cost (i : Instruction) (y : BitString) : Type where
  field
    v a    : ℕ
    factor : length (effect i y) ≤ length y · suc v
    v<     : suc v ≤ 2 ^ suc a
    cost   : 3 + (a + a) ≤ length (bits i)

private
  -- Appending v bits, or v times as many as there are.
  adding : (b : Bool) (y w : BitString) {v : ℕ} → length w ≡ v → length ((b ∷ y) ++ w) ≤ length (b ∷ y) · suc v
  adding b y w {v} w≡ = subst2 _≤_ (sym (length++ (b ∷ y) w ∙ cong (length (b ∷ y) +_) w≡))
    (sym (·-suc (length (b ∷ y)) v)) (≤-k+ {k = length (b ∷ y)} (≤SumLeft {n = v}))

  multiplying : (b : Bool) (y w : BitString) {v : ℕ} → length w ≡ v · length (b ∷ y)
              → length ((b ∷ y) ++ w) ≤ length (b ∷ y) · suc v
  multiplying b y w {v} w≡ = 0 , length++ (b ∷ y) w ∙ cong (length (b ∷ y) +_) w≡ ∙ ·-comm (suc v) (length (b ∷ y))

costOf : (i : Instruction) (b : Bool) (y : BitString) → Allowed i (b ∷ y) → Cost i (b ∷ y)
costOf (writing ds w) b y w≡ = record
  { v = value ds ; a = length ds ; v< = value< ds ; factor = adding b y w w≡
  ; cost = subst (3 + (length ds + length ds) ≤_)
      (sym (cong (2 +_) (length++ (γ ds) w ∙ cong (_+ length w) (lengthγ ds)))) ≤SumLeft }
costOf (repeating ds) b y _ = record
  { v = value ds ; a = length ds ; v< = value< ds
  ; factor = multiplying b y (times (value ds) (b ∷ y)) (lengthTimes (value ds) (b ∷ y))
  ; cost = 0 , cong (2 +_) (sym (lengthγ ds)) }
costOf (holding ds) b y _ = record
  { v = value ds ; a = length ds ; v< = value< ds
  ; factor = adding b y (times (value ds) (lastBit b y))
      (lengthTimes (value ds) (lastBit b y) ∙ cong (value ds ·_) (lengthLastBit b y) ∙ ·-identityʳ (value ds))
  ; cost = 2 , cong (4 +_) (sym (lengthγ ds)) }
costOf inverting b y _ = record
  { v = 1 ; a = 0 ; v< = ≤-refl ; cost = 0 , refl
  ; factor = multiplying b y (map not (b ∷ y)) (length-map not (b ∷ y) ∙ sym (+-zero _)) }
costOf mirroring b y _ = record
  { v = 1 ; a = 0 ; v< = ≤-refl ; cost = 1 , refl
  ; factor = multiplying b y (rev (b ∷ y)) (lengthRev (b ∷ y) ∙ sym (+-zero _)) }

private
  programBits : (i : Instruction) (is : List Instruction)
              → 2 ^ length (bits i) · 2 ^ length (program is) ≡ 2 ^ length (program (i ∷ is))
  programBits i is = sym (2^+ (length (bits i)) (length (program is)))
    ∙ cong (2 ^_) (sym (length++ (bits i) (program is)) ∙ cong length (sym (++-assoc (bits i) (code bits is) _)))

  swap : (a b c : ℕ) → a · (b · c) ≡ b · (a · c)
  swap a b c = ·-assoc a b c ∙ cong (_· c) (·-comm a b) ∙ sym (·-assoc b a c)

  -- 2 L² ≤ n² 2^c, for each such instruction that makes L bits of n and costs c bits.
  instructionPays : (i : Instruction) (b : Bool) (y : BitString) → Allowed i (b ∷ y)
    → 2 · square (length (effect i (b ∷ y))) ≤ square (length (b ∷ y)) · 2 ^ length (bits i)
  instructionPays i b y allowed = ≤-trans (≤-· {2} ≤-refl (square-≤ factor)) (subst (_≤ square n · 2 ^ length (bits i))
      (sym (cong (2 ·_) (square-· n (suc v)) ∙ swap 2 (square n) (square (suc v))))
      (≤-· {square n} ≤-refl (≤-trans (≤-· {2} ≤-refl (square-≤ v<)) (subst (_≤ 2 ^ length (bits i)) powers (2^-≤ cost)))))
    where
    open Cost (costOf i b y allowed)
    n : ℕ
    n = length (b ∷ y)

    powers : 2 ^ (3 + (a + a)) ≡ 2 · square (2 ^ suc a)
    powers = cong (λ e → 2 ^ (2 + e)) (sym (+-suc a a)) ∙ cong (2 ·_) (2^+ (suc a) (suc a))

  nonEmpty : (i : Instruction) (b : Bool) (y : BitString) → Σ[ c ∈ Bool ] Σ[ z ∈ BitString ] (effect i (b ∷ y) ≡ c ∷ z)
  nonEmpty (writing _ w) b y = b , _ , refl
  nonEmpty (repeating _) b y = b , _ , refl
  nonEmpty (holding _)   b y = b , _ , refl
  nonEmpty inverting     b y = b , _ , refl
  nonEmpty mirroring     b y = b , _ , refl

  -- The instructions after the first, and HALT, from a y of n ≥ 1 bits: 2^m 4 L² ≤ n² 2^c for m of them.
  allPay : (is : List Instruction) (b : Bool) (y : BitString) → AllAllowed is (b ∷ y)
    → 2 ^ length is · (4 · square (length (output is (b ∷ y)))) ≤ square (length (b ∷ y)) · 2 ^ length (program is)
  allPay [] b y _ = 0 , +-zero _ ∙ ·-comm 4 (square (length (b ∷ y)))
  allPay (i ∷ is) b y (allowed , all) = subst2 _≤_
      (·-assoc 2 (2 ^ length is) (4 · square (length (output is (effect i (b ∷ y))))))
      (sym (·-assoc (square (length (b ∷ y))) (2 ^ length (bits i)) (2 ^ length (program is)))
        ∙ cong (square (length (b ∷ y)) ·_) (programBits i is))
      (≤-trans (≤-· {2} ≤-refl (rest′ (effect i (b ∷ y)) (nonEmpty i b y) all))
      (subst (_≤ square (length (b ∷ y)) · 2 ^ length (bits i) · 2 ^ length (program is))
        (sym (·-assoc 2 (square (length (effect i (b ∷ y)))) (2 ^ length (program is))))
        (≤-· (instructionPays i b y allowed) (≤-refl {m = 2 ^ length (program is)}))))
    where
    rest′ : (z : BitString) → Σ[ c ∈ Bool ] Σ[ w ∈ BitString ] (z ≡ c ∷ w) → AllAllowed is z
      → 2 ^ length is · (4 · square (length (output is z))) ≤ square (length z) · 2 ^ length (program is)
    rest′ []      (c , w , e) _   = ⊥.rec (znots (cong length e))
    rest′ (c ∷ w) _           all = allPay is c w all

  sixteen : (l : ℕ) → 16 · square l ≤ square (suc l) · 2 ^ suc l
  sixteen zero          = zero-≤
  sixteen (suc zero)    = ≤-refl
  sixteen (suc (suc zero)) = 8 , refl
  sixteen l@(suc (suc (suc w))) = subst (_≤ square (suc l) · 2 ^ suc l) (·-comm (square l) 16)
    (≤-· (square-≤ {l} {suc l} (1 , refl)) (2^-≤ {4} (w , +-comm w 4)))

  -- The first instruction writes l bits, and costs at least 4 + 2 log₂ l.
  firstPays : (ds b : BitString) → length b ≡ value ds → 16 · square (length b) ≤ 2 ^ length (bits (writing ds b))
  firstPays ds b b≡ = ≤-trans (sixteen (length b)) (subst (square (suc (length b)) · 2 ^ suc (length b) ≤_) powers
    (≤-· (square-≤ (subst (λ l → suc l ≤ 2 ^ suc (length ds)) (sym b≡) (value< ds))) ≤-refl))
    where
    a : ℕ
    a = length ds

    powers : square (2 ^ suc a) · 2 ^ suc (length b) ≡ 2 ^ length (bits (writing ds b))
    powers = cong (_· 2 ^ suc (length b)) (sym (2^+ (suc a) (suc a))) ∙ sym (2^+ (suc a + suc a) (suc (length b)))
      ∙ cong (2 ^_) (+-suc (suc a + suc a) (length b) ∙ cong (λ n → suc (suc n + length b)) (+-suc a a)
        ∙ cong (2 +_) (cong (_+ length b) (sym (lengthγ ds)) ∙ sym (length++ (γ ds) b)))

-- A program of n bits of output with m instructions after its first has at least 6 + m + 2 log₂ n bits:
-- 2^m 64 n² ≤ 2^l(p).
programPays : (ds b : BitString) (is : List Instruction) → AllAllowed (writing ds b ∷ is) []
  → 2 ^ length is · (64 · square (length (output is b))) ≤ 2 ^ length (program (writing ds b ∷ is))
programPays ds []      is (b≡ , _)   = ⊥.rec (znots (b≡ ∙ valuePositive ds .snd))
programPays ds (c ∷ b) is (b≡ , all) = subst2 _≤_
  (swap 16 (2 ^ length is) (4 · square L) ∙ cong (2 ^ length is ·_) (·-assoc 16 4 (square L)))
  (programBits (writing ds (c ∷ b)) is)
  (≤-trans (≤-· {16} ≤-refl (allPay is c b all))
    (subst (_≤ 2 ^ length (bits (writing ds (c ∷ b))) · 2 ^ length (program is))
      (sym (·-assoc 16 (square (length (c ∷ b))) (2 ^ length (program is))))
      (≤-· (firstPays ds (c ∷ b) b≡) (≤-refl {m = 2 ^ length (program is)}))))
  where
  L : ℕ
  L = length (output is (c ∷ b))

-- No program of n bits of output is shorter than 2 log₂ n + 6: 64 n² ≤ 2^l(p), and so 64 n² ≤ 2^K(x).
twoLogarithms : (p x : BitString) → machine p ≡ just x → 64 · square (length x) ≤ 2 ^ length p
twoLogarithms p x runs = let (is , all , p≡ , x≡) = programsAreInstructions p x runs in
  subst2 (λ q y → 64 · square (length y) ≤ 2 ^ length q) p≡ x≡ (bound is all)
  where
  bound : (is : List Instruction) → AllAllowed is [] → 64 · square (length (output is [])) ≤ 2 ^ length (program is)
  bound []                  _   = zero-≤
  bound (writing ds b ∷ is) all = ≤-trans
    (subst (_≤ 2 ^ length is · (64 · square (length (output is b)))) (·-identityˡ _)
      (≤-· {1} (≤-trans (suc-≤-suc zero-≤) (<2^ (length is))) ≤-refl))
    (programPays ds b is all)

-- No program of 2^(j + 1) bits of output is shorter than 2 (j + 1) + 7.
atPowersOfTwo : (j : ℕ) (p x : BitString) → length x ≡ 2 ^ suc j → machine p ≡ just x → 9 + (j + j) ≤ length p
atPowersOfTwo j p x n≡ runs = let (is , all , p≡ , x≡) = programsAreInstructions p x runs in
  subst (λ q → 9 + (j + j) ≤ length q) p≡ (bound is all (cong length x≡ ∙ n≡))
  where
  bound : (is : List Instruction) → AllAllowed is [] → length (output is []) ≡ 2 ^ suc j
        → 9 + (j + j) ≤ length (program is)
  bound [] _ e = ⊥.rec (¬m<m (subst (0 <_) (sym e) (≤-trans (suc-≤-suc zero-≤) (<2^ (suc j)))))
  -- A literal program: 2^(j + 1) < 2^(a + 1) for the a digits after the first.
  bound (writing ds b ∷ []) (b≡ , _) e = subst (9 + (j + j) ≤_) (sym total)
    (≤-k+ {k = 3} (≤-trans twoMore (≤-+-≤ (≤-+-≤ j<a j<a) (≤-refl {m = length b + 2}))))
    where
    a : ℕ
    a = length ds

    j<a : suc j ≤ a
    j<a = pred-≤-pred (exponents-< (subst (λ n → suc n ≤ 2 ^ suc a) (sym b≡ ∙ e) (value< ds)))

    twoMore : 6 + (j + j) ≤ (suc j + suc j) + (length b + 2)
    twoMore = subst (_≤ (suc j + suc j) + (length b + 2))
      (+-comm (suc j + suc j) 4 ∙ cong (5 +_) (+-suc j j))
      (≤-k+ {k = suc j + suc j} (≤-+-≤ (subst (2 ≤_) (sym e) (2^-≤ {1} {suc j} (suc-≤-suc zero-≤))) (≤-refl {m = 2})))

    total : length (program (writing ds b ∷ [])) ≡ 3 + ((a + a) + (length b + 2))
    total = cong length (++-assoc (bits (writing ds b)) [] (true ∷ false ∷ []))
      ∙ length++ (bits (writing ds b)) (true ∷ false ∷ [])
      ∙ cong (λ n → (2 + n) + 2) (length++ (γ ds) b ∙ cong (_+ length b) (lengthγ ds))
      ∙ sym (+-assoc (3 + (a + a)) (length b) 2)
  bound (writing ds b ∷ i ∷ is) all e = exponents-≤ (subst (_≤ 2 ^ length (program (writing ds b ∷ i ∷ is))) (sym power)
    (≤-trans (≤-· (2^-≤ {1} {suc (length is)} (suc-≤-suc zero-≤)) (0 , cong (λ n → 64 · square n) (sym e)))
      (programPays ds b (i ∷ is) all)))
    where
    power : 2 ^ (9 + (j + j)) ≡ 2 · (64 · square (2 ^ suc j))
    power = cong (λ n → 2 ^ (8 + n)) (sym (+-suc j j)) ∙ 2^+ 7 (suc j + suc j)
      ∙ cong (128 ·_) (2^+ (suc j) (suc j)) ∙ sym (·-assoc 2 64 (square (2 ^ suc j)))

-------------------------------------------------------------------------------
-- 2^j zeros
-------------------------------------------------------------------------------

ones : ℕ → BitString
ones zero    = []
ones (suc n) = true ∷ ones n

lengthOnes : (n : ℕ) → length (ones n) ≡ n
lengthOnes zero    = refl
lengthOnes (suc n) = cong suc (lengthOnes n)

-- n + 1 ones are the digits of 2^(n + 1) - 1.
valueOnes : (n : ℕ) → suc (value (ones n)) ≡ 2 ^ suc n
valueOnes = from 1
  where
  from : (m n : ℕ) → suc (extended m (ones n)) ≡ suc m · 2 ^ n
  from m zero    = sym (·-identityʳ (suc m))
  from m (suc n) = from (suc (m + m)) n
    ∙ cong (_· 2 ^ n) (cong suc (sym (+-suc m m)) ∙ cong (suc m +_) (sym (+-zero (suc m))) ∙ ·-comm 2 (suc m))
    ∙ sym (·-assoc (suc m) 2 (2 ^ n))

private
  timesZero : (r : ℕ) → times r (false ∷ []) ≡ zeros r
  timesZero zero    = refl
  timesZero (suc r) = cong (false ∷_) (timesZero r)

-- WRITE 0, REPEAT 2^(j + 1) - 1, HALT.
zerosInstructions : ℕ → List Instruction
zerosInstructions j = writing [] (false ∷ []) ∷ repeating (ones j) ∷ []

powerOfTwoZeros : (j : ℕ) → machine (program (zerosInstructions j)) ≡ just (zeros (2 ^ suc j))
powerOfTwoZeros j = programRuns (zerosInstructions j) (refl , tt , tt)
  ∙ cong just (cong (false ∷_) (timesZero (value (ones j))) ∙ cong zeros (valueOnes j))

-- K(0^(2^(j + 1))) = 2 (j + 1) + 7 on the machine, for every j.
zerosComplexity : (j : ℕ) → IsComplexity (graph machine) (zeros (2 ^ suc j)) (9 + (j + j))
zerosComplexity j = (program (zerosInstructions j) , bitsOfIt , powerOfTwoZeros j)
  , λ q runs → atPowersOfTwo j q _ (lengthZeros (2 ^ suc j)) runs
  where
  bitsOfIt : length (program (zerosInstructions j)) ≡ 9 + (j + j)
  bitsOfIt = cong (6 +_) (length++ (γ (ones j) ++ []) (true ∷ false ∷ []) ∙ cong (_+ 2) (cong length (++-unit-r (γ (ones j)))
    ∙ lengthγ (ones j) ∙ cong (λ n → suc (n + n)) (lengthOnes j)) ∙ +-comm (suc (j + j)) 2)
