{-# OPTIONS --safe #-}
{-
State machines: a step function `state → input → state` run over a list of
inputs. A recurrent network is such a machine, whatever its gates compute.
-}
module S30.Fold where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_; idfun)
open import Cubical.Data.List.Base using (List; []; _∷_; _++_; foldl)
open import Cubical.Data.Sigma.Base using (_,_)
open import S30.Lists using (All)

private
  variable
    ℓ ℓ' ℓ'' : Level
    S A : Type ℓ

-- The state transformer of a list of inputs, read from the left.
run : (S → A → S) → List A → S → S
run step xs s = foldl step s xs

-- Running xs ++ ys is running ys from the state after xs.
runConcat : (step : S → A → S) (xs ys : List A)
          → run step (xs ++ ys) ≡ run step ys ∘ run step xs
runConcat step []       ys = refl
runConcat step (x ∷ xs) ys i s = runConcat step xs ys i (step s x)

-- If every step of the list is the identity, so is the run.
runOfIdentities : (step : S → A → S) (xs : List A)
                → All (λ x → (s : S) → step s x ≡ s) xs
                → run step xs ≡ idfun S
runOfIdentities step []       _        = refl
runOfIdentities step (x ∷ xs) (p , ps) =
  funExt λ s → cong (run step xs) (p s) ∙ (λ i → runOfIdentities step xs ps i s)

-- A property of states that each step of the list keeps holds after the run.
runKeeps : (P : S → Type ℓ'') (step : S → A → S) (xs : List A)
         → All (λ x → (s : S) → P s → P (step s x)) xs
         → (s : S) → P s → P (run step xs s)
runKeeps P step []       _        s Ps = Ps
runKeeps P step (x ∷ xs) (k , ks) s Ps = runKeeps P step xs ks (step s x) (k s Ps)
