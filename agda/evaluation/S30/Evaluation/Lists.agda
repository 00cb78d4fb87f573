{-
Between the lists in which numbers come and go and the functions on which the definitions work.

  literal                        function
  -----------------------------  -----------------------------------------------------------
  xs : List A                    vector d xs : FinVec A n         entry i of xs
  rows : List (List A)           matrix d rows : Fin m → Fin n → A
  xs : List A                    onLine d xs : Int → A            d outside: with 0.0, zero padding
  rows : List (List A)           onPlane d rows : Int × Int → A   (row , column); d outside

d stands where a list is too short. `list`, `lists`, `alongLine` and `alongPlane` lead back.

A function computes its values anew whenever it is asked; `shared` and its like compute each at most once,
which is what a second layer needs that reads the first one's outputs many times.
-}
module S30.Evaluation.Lists where

open import Cubical.Foundations.Prelude using (Type; Level)
open import Cubical.Data.FinData.Base using (Fin; zero; suc; FinVec)
open import Cubical.Data.List.Base public using (List; []; _∷_; map)
open import Cubical.Data.Nat.Base public using (ℕ; zero; suc)
open import Cubical.Data.Sigma.Base using (_×_; _,_)
open import S30.Lists public using (zipWith)
open import S30.Evaluation.Integer using (Int; pos; negsuc)

private
  variable
    ℓ : Level
    A : Type ℓ
    l m n : ℕ

-- Number i among 0, …, n; the last one where i is too large.
index : ℕ → Fin (suc n)
index {zero}  _       = zero
index {suc n} zero    = zero
index {suc n} (suc i) = suc (index i)

entry : A → List A → ℕ → A
entry d []       _       = d
entry d (x ∷ xs) zero    = x
entry d (x ∷ xs) (suc n) = entry d xs n

vector : A → List A → FinVec A n
vector d []       _       = d
vector d (x ∷ xs) zero    = x
vector d (x ∷ xs) (suc i) = vector d xs i

matrix : A → List (List A) → Fin m → FinVec A n
matrix d rows i = vector d (vector [] rows i)

volume : A → List (List (List A)) → Fin l → Fin m → FinVec A n
volume d blocks i j = vector d (vector [] (vector [] blocks i) j)

onLine : A → List A → Int → A
onLine d xs (pos n)    = entry d xs n
onLine d xs (negsuc _) = d

onPlane : A → List (List A) → Int × Int → A
onPlane d rows (y , x) = onLine d (onLine [] rows y) x

list : FinVec A n → List A
list {n = zero}  v = []
list {n = suc n} v = v zero ∷ list (λ i → v (suc i))

lists : (Fin m → FinVec A n) → List (List A)
lists M = list (λ i → list (M i))

-- 0, 1, …, n − 1
upTo : ℕ → List Int
upTo = from 0
  where
  from : ℕ → ℕ → List Int
  from i zero    = []
  from i (suc n) = pos i ∷ from (suc i) n

alongLine : ℕ → (Int → A) → List A
alongLine n f = map f (upTo n)

alongPlane : (height width : ℕ) → (Int × Int → A) → List (List A)
alongPlane height width f = alongLine height (λ y → alongLine width (λ x → f (y , x)))

shared : FinVec A n → FinVec A n
shared {n = zero}  v ()
shared {n = suc n} v = vector (v zero) (list v)

sharedOnLine : A → ℕ → (Int → A) → Int → A
sharedOnLine d n f = onLine d (alongLine n f)

sharedOnPlane : A → (height width : ℕ) → (Int × Int → A) → Int × Int → A
sharedOnPlane d height width f = onPlane d (alongPlane height width f)
