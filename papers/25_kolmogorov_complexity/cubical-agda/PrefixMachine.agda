{-# OPTIONS --safe #-}
{-
The prefix machine of spec.md, the one whose programs both experiments enumerate, as a
decompressor. It reads its tape bit by bit and halts by itself, so its programs are a
prefix-free set, and Kraft's inequality for prefix complexities speaks of its K.

  spec.md                        here
  the machine, D(p) = x          machine p ≡ just x
  what it has read so far        Control         (the instruction that is being read)
  γ(n), read so far              count, digits   (the zeros; the digits still to come)
  K(x) = k                       IsComplexity (graph machine) x k
-}
module PrefixMachine where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; sym; cong)
open import Cubical.Data.Empty as ⊥ using ()
open import Cubical.Data.Bool using (Bool; true; false; not)
open import Cubical.Data.Sigma using (_×_; _,_)
open import Cubical.Data.Maybe using (Maybe; nothing; just; ¬nothing≡just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _+_)
open import Cubical.Data.List using (List; []; _∷_; _++_; map; rev)
open import S30.Pigeonhole
open import S30.BitStrings
open import KolmogorovComplexity
open import PrefixComplexity

-------------------------------------------------------------------------------
-- Machines that read bit by bit and halt by themselves
-------------------------------------------------------------------------------

data Step (S : Type) : Type where
  on    : S → Step S
  halt  : BitString → Step S
  stuck : Step S

module _ {S : Type} (step : S → Bool → Step S) where

  -- A tape is a program if the machine halts on its last bit.
  run : Step S → BitString → Maybe BitString
  run (on s)   []      = nothing
  run (on s)   (b ∷ p) = run (step s b) p
  run (halt y) []      = just y
  run (halt y) (_ ∷ _) = nothing
  run stuck    _       = nothing

  -- For every machine that reads bit by bit and halts by itself, no program is a prefix of another one.
  runIsPrefixFree : (s : Step S) → IsPrefixFree (graph (run s))
  runIsPrefixFree stuck    p≡x _ _ = ⊥.rec (¬nothing≡just p≡x)
  runIsPrefixFree (on s) {[]}        p≡x _   _       = ⊥.rec (¬nothing≡just p≡x)
  runIsPrefixFree (on s) {_ ∷ _}     {[]}        _   q≡y _       = ⊥.rec (¬nothing≡just q≡y)
  runIsPrefixFree (on s) {false ∷ p} {false ∷ q} p≡x q≡y (v , e) =
    cong (false ∷_) (runIsPrefixFree (step s false) p≡x q≡y (v , cong rest e))
  runIsPrefixFree (on s) {true ∷ p}  {true ∷ q}  p≡x q≡y (v , e) =
    cong (true ∷_) (runIsPrefixFree (step s true) p≡x q≡y (v , cong rest e))
  runIsPrefixFree (on s) {false ∷ p} {true ∷ q}  _ _ (v , e) = ⊥.rec (0≢1 e)
  runIsPrefixFree (on s) {true ∷ p}  {false ∷ q} _ _ (v , e) = ⊥.rec (0≢1 (sym e))
  runIsPrefixFree (halt y) {[]}    {[]}    _   _   _ = refl
  runIsPrefixFree (halt y) {[]}    {_ ∷ _} _   q≡y _ = ⊥.rec (¬nothing≡just q≡y)
  runIsPrefixFree (halt y) {_ ∷ _}         p≡x _   _ = ⊥.rec (¬nothing≡just p≡x)

-------------------------------------------------------------------------------
-- The machine of the specification
-------------------------------------------------------------------------------

-- The three instructions that a number follows.
data Numbered : Type where
  write repeat hold : Numbered

data Control : Type where
  start read0 read1 read11 read111 : Control
  count  : Numbered → ℕ → Control       -- zeros of γ so far
  digits : Numbered → ℕ → ℕ → Control   -- digits still to come, value so far
  block  : ℕ → Control                  -- bits of a WRITE still to come, less one

times : ℕ → BitString → BitString
times zero    y = []
times (suc r) y = y ++ times r y

-- The last bit of b y, as a string.
lastBit : Bool → BitString → BitString
lastBit b []      = b ∷ []
lastBit _ (b ∷ y) = lastBit b y

-- Every instruction but WRITE and HALT asks for an output that is not empty.
ifWritten : BitString → Control → Step (Control × BitString)
ifWritten []         _ = stuck
ifWritten y@(_ ∷ _)  c = on (c , y)

perform : Numbered → ℕ → BitString → Step (Control × BitString)
perform write  zero    y       = stuck
perform write  (suc l) y       = on (block l , y)
perform repeat r       y       = on (start , y ++ times r y)
perform hold   r       []      = stuck
perform hold   r       (b ∷ y) = on (start , (b ∷ y) ++ times r (lastBit b y))

-- Twice n, and the bit.
double : ℕ → Bool → ℕ
double n false = n + n
double n true  = suc (n + n)

next : Control × BitString → Bool → Step (Control × BitString)
next (start   , y) false = on (read0 , y)
next (start   , y) true  = on (read1 , y)
next (read0   , y) false = on (count write 0 , y)                                 -- 00 WRITE
next (read0   , y) true  = ifWritten y (count repeat 0)                           -- 01 REPEAT
next (read1   , y) false = halt y                                                 -- 10 HALT
next (read1   , y) true  = ifWritten y read11
next (read11  , y) false = on (start , y ++ map not y)                            -- 110 INVERT
next (read11  , y) true  = on (read111 , y)
next (read111 , y) false = on (start , y ++ rev y)                                -- 1110 MIRROR
next (read111 , y) true  = on (count hold 0 , y)                                  -- 1111 HOLD
next (count i z , y) false               = on (count i (suc z) , y)
next (count i zero , y) true             = perform i 1 y
next (count i (suc z) , y) true          = on (digits i z 1 , y)
next (digits i zero n , y) b             = perform i (double n b) y
next (digits i (suc z) n , y) b          = on (digits i z (double n b) , y)
next (block zero , y) b                  = on (start , y ++ b ∷ [])
next (block (suc l) , y) b               = on (block l , y ++ b ∷ [])

machine : Decompressor
machine = run next (on (start , []))

-- No program of the machine is a prefix of a different one.
machineIsPrefixFree : IsPrefixFree (graph machine)
machineIsPrefixFree = runIsPrefixFree next (on (start , []))

-------------------------------------------------------------------------------
-- Values of the table, by computation
-------------------------------------------------------------------------------

private
  pattern O = false
  pattern I = true

-- The programs of spec.md: 00 1 0, 01 00111, 10 writes eight zeros …
zerosProgram : machine (O ∷ O ∷ I ∷ O ∷ O ∷ I ∷ O ∷ O ∷ I ∷ I ∷ I ∷ I ∷ O ∷ [])
             ≡ just (O ∷ O ∷ O ∷ O ∷ O ∷ O ∷ O ∷ O ∷ [])
zerosProgram = refl

-- … and 00 1 0, three times 110, 10 the Thue–Morse word.
thueMorseProgram : machine (O ∷ O ∷ I ∷ O ∷ I ∷ I ∷ O ∷ I ∷ I ∷ O ∷ I ∷ I ∷ O ∷ I ∷ O ∷ [])
                 ≡ just (O ∷ I ∷ I ∷ O ∷ I ∷ O ∷ O ∷ I ∷ [])
thueMorseProgram = refl
