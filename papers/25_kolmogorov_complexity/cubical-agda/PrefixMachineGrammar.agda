{-# OPTIONS --safe #-}
{-
The programs of the machine are the sequences of instructions of spec.md that are allowed where they stand,
followed by HALT: the machine of PrefixMachine, which reads bit by bit, accepts these and no others.

  spec.md                   here
  γ(n)                      γ ds                    (ds: the binary digits of n after the first)
  n                         value ds
  an instruction            Instruction             (a number is given by its digits)
  its bits                  bits i
  what it does to y         effect i y
  allowed when              Allowed i y
-}
module PrefixMachineGrammar where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; _∙_; cong; subst)
open import Cubical.Data.Empty as ⊥ using (⊥)
open import Cubical.Data.Unit using (Unit; tt)
open import Cubical.Data.Bool using (true; false; not)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_; snd)
open import Cubical.Data.Sum using (_⊎_; inl; inr)
open import Cubical.Data.Maybe using (nothing; just; just-inj; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_; +-zero; +-suc; injSuc; znots)
open import Cubical.Data.Nat.Order using (_≤_; suc-≤-suc; pred-≤-pred; ≤-refl; ≤-trans; ≤SumRight; ¬-<-zero)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; length; rev; length++; ++-assoc)
open import S30.BitStrings
open import PrefixComplexity using (code)
open import PrefixMachine

-------------------------------------------------------------------------------
-- Instructions
-------------------------------------------------------------------------------

zeros : ℕ → BitString
zeros zero    = []
zeros (suc n) = false ∷ zeros n

lengthZeros : (n : ℕ) → length (zeros n) ≡ n
lengthZeros zero    = refl
lengthZeros (suc n) = cong suc (lengthZeros n)

-- The number whose binary digits are those of n, followed by ds.
extended : ℕ → BitString → ℕ
extended n []       = n
extended n (d ∷ ds) = extended (double n d) ds

value : BitString → ℕ
value = extended 1

valuePositive : (ds : BitString) → Σ[ l ∈ ℕ ] (value ds ≡ suc l)
valuePositive = positive 0
  where
  positive : (n : ℕ) (ds : BitString) → Σ[ l ∈ ℕ ] (extended (suc n) ds ≡ suc l)
  positive n []           = n , refl
  positive n (false ∷ ds) = positive (n + suc n) ds
  positive n (true ∷ ds)  = positive (suc (n + suc n)) ds

γ : BitString → BitString
γ ds = zeros (length ds) ++ true ∷ ds

data Instruction : Type where
  writing          : (ds block : BitString) → Instruction
  repeating holding : (ds : BitString) → Instruction
  inverting mirroring : Instruction

bits : Instruction → BitString
bits (writing ds b) = false ∷ false ∷ γ ds ++ b
bits (repeating ds) = false ∷ true ∷ γ ds
bits inverting      = true ∷ true ∷ false ∷ []
bits mirroring      = true ∷ true ∷ true ∷ false ∷ []
bits (holding ds)   = true ∷ true ∷ true ∷ true ∷ γ ds

effect : Instruction → BitString → BitString
effect (writing ds b) y       = y ++ b
effect (repeating ds) y       = y ++ times (value ds) y
effect inverting      y       = y ++ map not y
effect mirroring      y       = y ++ rev y
effect (holding ds)   []      = []
effect (holding ds)   (b ∷ y) = (b ∷ y) ++ times (value ds) (lastBit b y)

NotEmpty : BitString → Type
NotEmpty []      = ⊥
NotEmpty (_ ∷ _) = Unit

Allowed : Instruction → BitString → Type
Allowed (writing ds b) _ = length b ≡ value ds
Allowed (repeating _)  y = NotEmpty y
Allowed inverting      y = NotEmpty y
Allowed mirroring      y = NotEmpty y
Allowed (holding _)    y = NotEmpty y

-- The program of a list of instructions, what it writes when y has been written, and whether each is allowed.
program : List Instruction → BitString
program is = code bits is ++ true ∷ false ∷ []

output : List Instruction → BitString → BitString
output []       y = y
output (i ∷ is) y = output is (effect i y)

AllAllowed : List Instruction → BitString → Type
AllAllowed []       y = Unit
AllAllowed (i ∷ is) y = Allowed i y × AllAllowed is (effect i y)

-------------------------------------------------------------------------------
-- The machine runs them
-------------------------------------------------------------------------------

private
  State : Type
  State = Control × BitString

  runs : Step State → BitString → _
  runs = run next

  readDigits : (i : Numbered) (z n : ℕ) (y ds p : BitString) → length ds ≡ suc z
             → runs (on (digits i z n , y)) (ds ++ p) ≡ runs (perform i (extended n ds) y) p
  readDigits i z       n y []           p e = ⊥.rec (znots e)
  readDigits i zero    n y (d ∷ [])     p e = refl
  readDigits i zero    n y (_ ∷ _ ∷ _)  p e = ⊥.rec (znots (sym (injSuc e)))
  readDigits i (suc z) n y (d ∷ ds)     p e = readDigits i z (double n d) y ds p (injSuc e)

  readOne : (i : Numbered) (z : ℕ) (y ds p : BitString) → length ds ≡ z
          → runs (on (count i z , y)) (true ∷ ds ++ p) ≡ runs (perform i (value ds) y) p
  readOne i zero    y []       p e = refl
  readOne i zero    y (_ ∷ _)  p e = ⊥.rec (znots (sym e))
  readOne i (suc z) y ds       p e = readDigits i z 1 y ds p e

  readZeros : (i : Numbered) (z k : ℕ) (y ds p : BitString) → length ds ≡ z + k
            → runs (on (count i z , y)) (zeros k ++ true ∷ ds ++ p) ≡ runs (perform i (value ds) y) p
  readZeros i z zero    y ds p e = readOne i z y ds p (e ∙ +-zero z)
  readZeros i z (suc k) y ds p e = readZeros i (suc z) k y ds p (e ∙ +-suc z k)

  -- γ(n) is read, and then the instruction is performed with n.
  readNumber : (i : Numbered) (y ds p : BitString)
             → runs (on (count i 0 , y)) (γ ds ++ p) ≡ runs (perform i (value ds) y) p
  readNumber i y ds p = cong (runs (on (count i 0 , y))) (++-assoc (zeros (length ds)) (true ∷ ds) p)
                      ∙ readZeros i 0 (length ds) y ds p refl

  readBlock : (l : ℕ) (y b p : BitString) → length b ≡ suc l
            → runs (on (block l , y)) (b ++ p) ≡ runs (on (start , y ++ b)) p
  readBlock l       y []          p e = ⊥.rec (znots e)
  readBlock zero    y (a ∷ [])    p e = refl
  readBlock zero    y (_ ∷ _ ∷ _) p e = ⊥.rec (znots (sym (injSuc e)))
  readBlock (suc l) y (a ∷ b)     p e = readBlock l (y ++ a ∷ []) b p (injSuc e)
                                      ∙ cong (λ z → runs (on (start , z)) p) (++-assoc y (a ∷ []) b)

  runInstruction : (i : Instruction) (y p : BitString) → Allowed i y
                 → runs (on (start , y)) (bits i ++ p) ≡ runs (on (start , effect i y)) p
  runInstruction (writing ds b) y p b≡ = let (l , e) = valuePositive ds in
      cong (runs (on (count write 0 , y))) (++-assoc (γ ds) b p) ∙ readNumber write y ds (b ++ p)
    ∙ cong (λ v → runs (perform write v y) (b ++ p)) e ∙ readBlock l y b p (b≡ ∙ e)
  runInstruction (repeating ds) (c ∷ y) p _ = readNumber repeat (c ∷ y) ds p
  runInstruction (holding ds)   (c ∷ y) p _ = readNumber hold (c ∷ y) ds p
  runInstruction inverting      (c ∷ y) p _ = refl
  runInstruction mirroring      (c ∷ y) p _ = refl

  runAll : (is : List Instruction) (y : BitString) → AllAllowed is y
         → runs (on (start , y)) (program is) ≡ just (output is y)
  runAll []       y _             = refl
  runAll (i ∷ is) y (allowed , r) = cong (runs (on (start , y))) (++-assoc (bits i) (code bits is) _)
                                  ∙ runInstruction i y (program is) allowed ∙ runAll is (effect i y) r

-- A sequence of instructions, each allowed where it stands, followed by HALT is a program of what the instructions
-- write.
programRuns : (is : List Instruction) → AllAllowed is [] → machine (program is) ≡ just (output is [])
programRuns is = runAll is []

-------------------------------------------------------------------------------
-- It runs no others
-------------------------------------------------------------------------------

private
  parseDigits : (i : Numbered) (z n : ℕ) (y p x : BitString) → runs (on (digits i z n , y)) p ≡ just x
    → Σ[ ds ∈ BitString ] Σ[ q ∈ BitString ]
      (p ≡ ds ++ q) × (length ds ≡ suc z) × (runs (perform i (extended n ds) y) q ≡ just x)
  parseDigits i z       n y []      x e = ⊥.rec (¬nothing≡just e)
  parseDigits i zero    n y (d ∷ p) x e = d ∷ [] , p , refl , refl , e
  parseDigits i (suc z) n y (d ∷ p) x e =
    let (ds , q , p≡ , l≡ , r) = parseDigits i z (double n d) y p x e in d ∷ ds , q , cong (d ∷_) p≡ , cong suc l≡ , r

  parseCount : (i : Numbered) (z : ℕ) (y p x : BitString) → runs (on (count i z , y)) p ≡ just x
    → Σ[ k ∈ ℕ ] Σ[ ds ∈ BitString ] Σ[ q ∈ BitString ]
      (p ≡ zeros k ++ true ∷ ds ++ q) × (length ds ≡ z + k) × (runs (perform i (value ds) y) q ≡ just x)
  parseCount i z       y []          x e = ⊥.rec (¬nothing≡just e)
  parseCount i zero    y (true ∷ p)  x e = 0 , [] , p , refl , refl , e
  parseCount i (suc z) y (true ∷ p)  x e =
    let (ds , q , p≡ , l≡ , r) = parseDigits i z 1 y p x e in
    0 , ds , q , cong (true ∷_) p≡ , l≡ ∙ cong suc (sym (+-zero z)) , r
  parseCount i z       y (false ∷ p) x e =
    let (k , ds , q , p≡ , l≡ , r) = parseCount i (suc z) y p x e in
    suc k , ds , q , cong (false ∷_) p≡ , l≡ ∙ sym (+-suc z k) , r

  parseNumber : (i : Numbered) (y p x : BitString) → runs (on (count i 0 , y)) p ≡ just x
    → Σ[ ds ∈ BitString ] Σ[ q ∈ BitString ] (p ≡ γ ds ++ q) × (runs (perform i (value ds) y) q ≡ just x)
  parseNumber i y p x e = let (k , ds , q , p≡ , l≡k , r) = parseCount i 0 y p x e in
    ds , q , p≡ ∙ cong (λ z → zeros z ++ true ∷ ds ++ q) (sym l≡k) ∙ sym (++-assoc (zeros (length ds)) (true ∷ ds) q) , r

  parseBlock : (l : ℕ) (y p x : BitString) → runs (on (block l , y)) p ≡ just x
    → Σ[ b ∈ BitString ] Σ[ q ∈ BitString ]
      (p ≡ b ++ q) × (length b ≡ suc l) × (runs (on (start , y ++ b)) q ≡ just x)
  parseBlock l       y []      x e = ⊥.rec (¬nothing≡just e)
  parseBlock zero    y (a ∷ p) x e = a ∷ [] , p , refl , refl , e
  parseBlock (suc l) y (a ∷ p) x e =
    let (b , q , p≡ , l≡ , r) = parseBlock l (y ++ a ∷ []) p x e in
    a ∷ b , q , cong (a ∷_) p≡ , cong suc l≡ , cong (λ z → runs (on (start , z)) q) (sym (++-assoc y (a ∷ []) b)) ∙ r

  -- A program is HALT, or begins with an instruction that is allowed.
  FirstOf : BitString → BitString → BitString → Type
  FirstOf y p x = ((p ≡ true ∷ false ∷ []) × (y ≡ x))
    ⊎ (Σ[ i ∈ Instruction ] Σ[ q ∈ BitString ]
        Allowed i y × (p ≡ bits i ++ q) × (runs (on (start , effect i y)) q ≡ just x))

  first : (y p x : BitString) → runs (on (start , y)) p ≡ just x → FirstOf y p x
  first y []                    x e = ⊥.rec (¬nothing≡just e)
  first y (false ∷ [])          x e = ⊥.rec (¬nothing≡just e)
  first y (true ∷ [])           x e = ⊥.rec (¬nothing≡just e)
  first y (false ∷ false ∷ p)   x e =
    let (ds , q , p≡ , r) = parseNumber write y p x e
        (l , v≡) = valuePositive ds
        (b , q′ , q≡ , b≡ , r′) = parseBlock l y q x (sym (cong (λ v → runs (perform write v y) q) v≡) ∙ r)
    in inr (writing ds b , q′ , b≡ ∙ sym v≡
           , cong (λ w → false ∷ false ∷ w) (p≡ ∙ cong (γ ds ++_) q≡ ∙ sym (++-assoc (γ ds) b q′)) , r′)
  first []      (false ∷ true ∷ p) x e = ⊥.rec (¬nothing≡just e)
  first (c ∷ y) (false ∷ true ∷ p) x e =
    let (ds , q , p≡ , r) = parseNumber repeat (c ∷ y) p x e in
    inr (repeating ds , q , tt , cong (λ w → false ∷ true ∷ w) p≡ , r)
  first y       (true ∷ false ∷ [])    x e = inl (refl , just-inj _ _ e)
  first y       (true ∷ false ∷ _ ∷ _) x e = ⊥.rec (¬nothing≡just e)
  first []      (true ∷ true ∷ p)         x e = ⊥.rec (¬nothing≡just e)
  first (c ∷ y) (true ∷ true ∷ [])        x e = ⊥.rec (¬nothing≡just e)
  first (c ∷ y) (true ∷ true ∷ false ∷ p) x e = inr (inverting , p , tt , refl , e)
  first (c ∷ y) (true ∷ true ∷ true ∷ [])        x e = ⊥.rec (¬nothing≡just e)
  first (c ∷ y) (true ∷ true ∷ true ∷ false ∷ p) x e = inr (mirroring , p , tt , refl , e)
  first (c ∷ y) (true ∷ true ∷ true ∷ true ∷ p)  x e =
    let (ds , q , p≡ , r) = parseNumber hold (c ∷ y) p x e in
    inr (holding ds , q , tt , cong (λ w → true ∷ true ∷ true ∷ true ∷ w) p≡ , r)

  bitsPositive : (i : Instruction) → Σ[ l ∈ ℕ ] (length (bits i) ≡ suc l)
  bitsPositive (writing _ _) = _ , refl
  bitsPositive (repeating _) = _ , refl
  bitsPositive inverting     = _ , refl
  bitsPositive mirroring     = _ , refl
  bitsPositive (holding _)   = _ , refl

  Parsed : BitString → BitString → BitString → Type
  Parsed y p x = Σ[ is ∈ List Instruction ] AllAllowed is y × (program is ≡ p) × (output is y ≡ x)

  parse : (n : ℕ) (y p x : BitString) → length p ≤ n → runs (on (start , y)) p ≡ just x → Parsed y p x
  parse n       y p x p≤n e with first y p x e
  parse n       y p x p≤n e | inl (p≡ , y≡x) = [] , tt , sym p≡ , y≡x
  parse zero    y p x p≤0 e | inr (i , q , _ , p≡ , _) =
    ⊥.rec (¬-<-zero (subst (_≤ 0) (cong length p≡ ∙ length++ (bits i) q ∙ cong (_+ length q) (bitsPositive i .snd)) p≤0))
  parse (suc n) y p x p≤n e | inr (i , q , allowed , p≡ , r) =
    let q<p  = subst (suc (length q) ≤_) (sym (cong length p≡ ∙ length++ (bits i) q ∙ cong (_+ length q) (bitsPositive i .snd)))
                 (suc-≤-suc ≤SumRight)
        (is , all , q≡ , out) = parse n (effect i y) q x (pred-≤-pred (≤-trans q<p p≤n)) r
    in i ∷ is , (allowed , all) , ++-assoc (bits i) (code bits is) _ ∙ cong (bits i ++_) q≡ ∙ sym p≡ , out

-- Every program of the machine is a sequence of instructions, each allowed where it stands, followed by HALT.
programsAreInstructions : (p x : BitString) → machine p ≡ just x
  → Σ[ is ∈ List Instruction ] AllAllowed is [] × (program is ≡ p) × (output is [] ≡ x)
programsAreInstructions p x = parse (length p) [] p x ≤-refl
