{-# OPTIONS --safe #-}
{-
Codewords given away on line: each request is a length, with what it is for, and is answered
before the next one is known.

What is still free is a list of strings f₁, f₂, … of increasing lengths, none a prefix of
another one; everything that begins with one of them may be given away. A request for d
bits takes the longest of them that is not longer than d, gives away its first extension
of d bits, and leaves one free string of each length between:

  given f k, siblings f k   f 0…0 (k zeros) is given away; f 1, f 0 1, f 0 0 1, … stay free
  place d fs                the string given away, and what is free afterwards
  allocate fs rs            the requests rs, one by one
  answer rs                 the same, everything being free at first

`KraftConverse` proves that all requests are answered while Σ 2^(-d) ≤ 1.
-}
module Allocation where

open import Cubical.Foundations.Prelude using (Type; _≡_; refl; cong)
open import Cubical.Data.Bool using (false; true)
open import Cubical.Data.Sum using (_⊎_; inl; inr)
open import Cubical.Data.Sigma using (Σ-syntax; _×_; _,_)
open import Cubical.Data.Maybe using (Maybe; nothing; just)
open import Cubical.Data.Nat using (ℕ; zero; suc; _∸_)
open import Cubical.Data.Nat.Order using (_≤_; _<_; splitℕ-≤)
open import Cubical.Data.List using (List; []; _∷_; _++_; length)
open import S30.BitStrings using (BitString)

_0̂ _1̂ : BitString → BitString
f 0̂ = f ++ (false ∷ [])
f 1̂ = f ++ (true ∷ [])

given : BitString → ℕ → BitString
given f zero    = f
given f (suc k) = given (f 0̂) k

siblings : BitString → ℕ → List BitString
siblings f zero    = []
siblings f (suc k) = f 1̂ ∷ siblings (f 0̂) k

-- The first free string, f, is split unless a later one, which is longer, can serve as well.
choose : (d : ℕ) (f : BitString) (fs : List BitString) → (length f ≤ d) ⊎ (d < length f)
       → Maybe (BitString × List BitString) → Maybe (BitString × List BitString)
choose d f fs (inl _) (just (w , left)) = just (w , f ∷ left)
choose d f fs (inl _) nothing           = just (given f (d ∸ length f) , siblings f (d ∸ length f) ++ fs)
choose d f fs (inr _) _                 = nothing

place : ℕ → List BitString → Maybe (BitString × List BitString)
place d []       = nothing
place d (f ∷ fs) = choose d f fs (splitℕ-≤ (length f) d) (place d fs)

module _ {A : Type} where

  allocate : List BitString → List (ℕ × A) → List (BitString × A)
  give     : A → List (ℕ × A) → Maybe (BitString × List BitString) → List (BitString × A)

  allocate fs []             = []
  allocate fs ((d , a) ∷ rs) = give a rs (place d fs)

  give a rs nothing           = []
  give a rs (just (w , left)) = (w , a) ∷ allocate left rs

  answer : List (ℕ × A) → List (BitString × A)
  answer = allocate ([] ∷ [])

  -- On line: the answer to the first requests is the beginning of the answer to all of them, whatever is asked for
  -- later.
  answersStand : (rs ss : List (ℕ × A)) → Σ[ more ∈ List (BitString × A) ] (answer rs ++ more ≡ answer (rs ++ ss))
  answersStand = stand ([] ∷ [])
    where
    stand : (fs : List BitString) (rs ss : List (ℕ × A))
          → Σ[ more ∈ List (BitString × A) ] (allocate fs rs ++ more ≡ allocate fs (rs ++ ss))
    stand fs []             ss = allocate fs ss , refl
    stand fs ((d , a) ∷ rs) ss with place d fs
    ... | nothing         = [] , refl
    ... | just (w , left) = let (more , e) = stand left rs ss in more , cong ((w , a) ∷_) e
