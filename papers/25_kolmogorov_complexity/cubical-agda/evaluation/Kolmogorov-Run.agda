{-
The definitions of room 25 on its strings and numbers. A bit string goes in as a list of booleans; what comes out is
the number whose binary digits are 1 and the string, 0 for nothing.

  numpy_checks.py, machine.py, complexity.py    here
  --------------------------------------------  ---------------------------------------------------------
  predictive, and M of each string              predictives, mixtures   (`adaptive`, doubles)
  read(tape)                                    outputs                 (`machine`)
  programs by instructions                      runs                    (`program`, `output`)
  K, m in units of 2^(-N)                       complexities, masses
  the requests of the coding theorem            askedFor, codewords     (for a decompressor of four descriptions)
-}
module Kolmogorov-Run where

open import Cubical.Foundations.Prelude using (Type)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import Cubical.Data.Maybe.Base using (Maybe; nothing; just)
open import Cubical.Data.Nat.Base using (_+_) renaming (_·_ to _×ℕ_)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)
open import Cubical.Data.Sum.Base using (inl; inr)
open import Cubical.Data.List.Base using (_++_; length)
open import S30.BitStrings using (BitString; stringsOf)
open import S30.Evaluation.Float using (Float; float; _/_)
open import S30.Evaluation.Lists
open import KolmogorovComplexity using (Decompressor)
open import KolmogorovInvariance using (universal)
open import KolmogorovUncomputable using (naming; berry)
open import PrefixCode using (kraftSum)
open import PrefixTree
open import Allocation using (answer)
open import KraftConverse using (request)
open import AprioriProbability using (Enumerable; stage; decided; mass)
open import CodingTheorem using (asked; coding)
open import PrefixMachine using (machine)
open import PrefixMachineGrammar
open import PrefixMachineLiteral using (literal; K)
open import MixtureCode float using (Prediction; probability; adaptive; mixture)

number : Maybe BitString → ℕ
number nothing  = 0
number (just y) = value y

-------------------------------------------------------------------------------
-- The mixture
-------------------------------------------------------------------------------

-- The expert of order k with pseudo-counts a₀, a₁.
expert : ℕ → List Float → Prediction
expert k a = adaptive k (λ b → entry 0.0 a (if b then 1 else 0)) (λ x → 1.0 / x)

-- p of each bit, from the past, its newest bit first; a bit outside of the string has probability one.
steps : List Prediction → BitString → BitString → List Bool → List (List Float)
steps ps y (b ∷ x) (true ∷ inside)  = map (λ p → p y b) ps ∷ steps ps (b ∷ y) x inside
steps ps y (b ∷ x) (false ∷ inside) = map (λ _ → 1.0) ps ∷ steps ps y x inside
steps ps y _       _                = []

predictives : List ℕ → List (List Float) → List BitString → List (List Bool) → List (List (List Float))
predictives orders pseudo = zipWith (steps (zipWith expert orders pseudo) [])

within : BitString → List Bool → BitString
within (b ∷ x) (true ∷ inside) = b ∷ within x inside
within _       _               = []

mixtures : List Float → List ℕ → List (List Float) → List BitString → List (List Bool) → List Float
mixtures weights orders pseudo = zipWith λ x inside →
  mixture (zipWith _,_ weights (zipWith expert orders pseudo)) (within x inside)

-------------------------------------------------------------------------------
-- The machine
-------------------------------------------------------------------------------

outputs universals : List BitString → List ℕ
outputs    = map (λ p → number (machine p))
universals = map (λ p → number (universal (λ { zero → just ; (suc _) → machine }) p))

runs : List (List Instruction) → List (List ℕ)
runs = map (λ is → value (program is) ∷ value (output is []) ∷ [])

literals complexities zeroStrings : _
literals     = map (λ x → value (literal x))
complexities = map K
zeroStrings  = map (λ n → value (zeros n))

masses : ℕ → List BitString → List ℕ
masses N = map (mass (decided machine) N)

-- A small prefix-free decompressor: 0 describes Λ, 10 and 110 describe 1, 111 describes 0.
small : Decompressor
small (false ∷ [])                = just []
small (true ∷ false ∷ [])         = just (true ∷ [])
small (true ∷ true ∷ false ∷ [])  = just (true ∷ [])
small (true ∷ true ∷ true ∷ [])   = just (false ∷ [])
small _                           = nothing

askedFor : ℕ → List (List ℕ)
askedFor N = map (λ (d , x) → d ∷ value x ∷ []) (asked (decided small) N)

codewords : ℕ → List BitString → List ℕ
codewords N = map (λ p → number (stage (coding (decided small)) N p))

-------------------------------------------------------------------------------
-- Berry's names
-------------------------------------------------------------------------------

twiceOnes : BitString → ℕ
twiceOnes []      = 0
twiceOnes (b ∷ x) = (if b then 2 else 0) + twiceOnes x

named : List BitString → List ℕ
named = map (λ p → number (naming (berry twiceOnes) p))

-------------------------------------------------------------------------------
-- Codes
-------------------------------------------------------------------------------

-- The string given away for each length, and what was asked for.
answers : List ℕ → List (List ℕ)
answers ds = map (λ w → value (fst w) ∷ fst (request w) ∷ snd (request w) ∷ []) (answer (map (λ d → d , d) ds))

kraft : ℕ → List (List ℕ) → List ℕ
kraft N = map (kraftSum N)

leaves : (t : CodeTree) → List (Leaf t)
leaves unused       = []
leaves leaf         = _ ∷ []
leaves (branch l r) = map inl (leaves l) ++ map inr (leaves r)

-- Height, the two sums, the number of symbols, and the message of all symbols, coded and read back.
tree : ℕ → (l r : CodeTree) → List ℕ
tree N l r = height t ∷ treeSum N t ∷ treeSum N (complement t) ∷ length (leaves t)
           ∷ value (encode t (leaves t)) ∷ again (decode l r (encode t (leaves t))) ∷ []
  where
  t : CodeTree
  t = branch l r

  again : Maybe (List (Leaf t)) → ℕ
  again nothing   = 0
  again (just xs) = value (encode t xs)
