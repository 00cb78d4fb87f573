{-
The flows, the coder and the masked decoder on the room's numbers.

  numpy_checks.py, coder.py        here
  -------------------------------  -----------------------------------------------------------------------------
  a code                           a list of units, the latest first
  made_masks, shift_and_scale      made: masked weights come as literals, a unit reads those that stand behind it
  an image                         a row of pixels with zeros between its rows; a place is an integer
  push, pop with their total       push, pop, total, on natural numbers
  frequencies                      Law: where the span of a symbol begins and how long it is, and which one holds a place
-}
module VLAE-Run where

open import Cubical.Foundations.Prelude using (Type; _,_; fst; snd)
open import Cubical.Data.List.Base using (_++_; foldr; length; rev)
open import Cubical.Data.Sigma.Base using (_×_)
open import Cubical.Data.Unit using (Unit)
open import Agda.Builtin.Nat using (_<_; div-helper; mod-helper) renaming (_+_ to _+ℕ_; _*_ to _*ℕ_; _-_ to _∸_)
open import Cubical.Data.Bool.Base using (Bool; true; false; if_then_else_)
open import S30.Evaluation.Float renaming (_+_ to _+F_; _-_ to _-F_) hiding (_<ᵇ_)
open import S30.Evaluation.Integer public using (Int; pos; negsuc)
open import S30.Evaluation.Integer using (integerGroup)
open import S30.Evaluation.Lists
open import S30.Evaluation.Unproved using (unproved)
import VLAE-BitsBack
open import VLAE-Flow float public
open import VLAE-Window float integerGroup public using (conv; Taps; module Earlier)

Vector Matrix : Type
Vector = List Float
Matrix = List Vector

dot : Vector → Vector → Float
dot x y = foldr _+F_ 0.0 (zipWith _·_ x y)

-- Row i of the output layer, of what the hidden layer makes of the units before: rows shorter than the code read those alone.
made : Matrix → Vector → Matrix → Vector → ℕ → Vector → Float
made W₁ b₁ W₂ b₂ row before = dot (entry [] W₂ row) hidden +F entry 0.0 b₂ row
  where
  hidden : Vector
  hidden = zipWith (λ w b → tanh (dot w (rev before) +F b)) W₁ b₁

flowOf : ℕ → Matrix → Vector → Matrix → Vector → Flow
flowOf latent W₁ b₁ W₂ b₂ = flow (λ y → f (length y) y) (λ y → exp (g y)) (λ y → exp (- g y)) g unproved
  where
  f : ℕ → Vector → Float
  f = made W₁ b₁ W₂ b₂
  g : Vector → Float
  g y = f (latent +ℕ length y) y

through : (Vector → Vector) → Matrix → Matrix
through f = map (λ z → rev (f (rev z)))

whitened generated : Flow → Matrix → Matrix
whitened f = through (whiten f)
generated f = through (generate f)

logDets : Flow → Matrix → Vector
logDets f = map (λ z → logDet f (rev z))

-- The latest unit taken off: what is left of a whitened code.
earlier : Flow → Matrix → Matrix
earlier f = through (λ z → dropLatest 1 (whiten f z))

-- Both bounds from log p(x|z), log u, the log-determinant and log q.
bounds : Vector → Vector → Vector → Vector → Matrix
bounds l u d q = zipWith both (zipWith _,_ l u) (zipWith _,_ d q)
  where
  both : Float × Float → Float × Float → Vector
  both (a , b) (c , e) = priorBound a b c e ∷ posteriorBound a b c e ∷ []

-- Masked convolutions: taps of one layer for each output channel, over one map of pixels.
tapsOf : List Int → Vector → Taps
tapsOf offsets weights = zipWith _,_ offsets weights

-- tanh(A * x + told), then the weighted sum over the channels, at each place.
logit : List Int → Matrix → Vector → Vector → Float → Int × Vector → Float
logit offsets A image w b (p , told) =
  dot w (zipWith (λ weights t → tanh (conv (tapsOf offsets weights) (onLine 0.0 image) p +F t)) A told) +F b

logits : List Int → Matrix → Vector → Vector → Float → List Int → Matrix → Vector
logits offsets A image w b places told = map (logit offsets A image w b) (zipWith _,_ places told)

-- One map through a layer of mask A and layers of mask B, each of one channel.
open Earlier (λ _ _ → Unit) unproved public using (stack)

stacked : List Int → List Int → Vector → Matrix → Vector → List Int → Vector
stacked before same a layers image = map (stack (map (λ w → conv (tapsOf same w)) layers) (conv (tapsOf before a) (onLine 0.0 image)))

total : ℕ
total = 4294967296

quotient remainder : ℕ → ℕ → ℕ
quotient m n = div-helper 0 (n ∸ 1) m (n ∸ 1)
remainder m n = mod-helper 0 (n ∸ 1) m (n ∸ 1)

record Law (S : Type) : Type where
  constructor law
  field
    from size : S → ℕ
    at : ℕ → S

open Law

push : {S : Type} → Law S → S → ℕ → ℕ
push p s m = (quotient m (size p s) *ℕ total +ℕ from p s) +ℕ remainder m (size p s)

pop : {S : Type} → Law S → ℕ → S × ℕ
pop p m = s , (size p s *ℕ quotient m total +ℕ remainder m total) ∸ from p s
  where s = at p (remainder m total)

-- Symbols 0, 1, … of these frequencies.
table : List ℕ → Law ℕ
table sizes = law (begins sizes) (entry 1 sizes) (holds sizes)
  where
  begins : List ℕ → ℕ → ℕ
  begins []       _       = 0
  begins (n ∷ ns) zero    = 0
  begins (n ∷ ns) (suc s) = n +ℕ begins ns s
  holds : List ℕ → ℕ → ℕ
  holds []       _ = 0
  holds (n ∷ ns) m = if m < n then 0 else suc (holds ns (m ∸ n))

module Coding (prior : List ℕ) (likelihood posterior : List (List ℕ)) where
  open VLAE-BitsBack ℕ ℕ ℕ Law push pop unproved unproved (table prior) (λ z → table (entry [] likelihood z))
    (λ x → table (entry [] posterior x)) public

  bitsOf : ℕ → Float
  bitsOf n = log (fromℕ n) / log 2.0

  cost : {S : Type} → Law S → S → Float
  cost p s = bitsOf total -F bitsOf (size p s)

  open Lengths float bitsOf cost unproved public

  sent : List ℕ → ℕ → List ℕ
  sent xs m = sendAll xs m ∷ send (entry 0 xs 0) m ∷ []

  received : List ℕ → ℕ → List ℕ
  received xs m = snd back ∷ snd one ∷ fst one ∷ fst back
    where
    back = receiveAll xs m
    one = receive m

  -- net, naive and read back for the first image, and the net costs of all.
  costs : List ℕ → ℕ → Vector
  costs xs m = netCosts xs m ∷ netCost x z ∷ naiveCost x z ∷ []
    where
    x = entry 0 xs 0
    z = codeOf x m
