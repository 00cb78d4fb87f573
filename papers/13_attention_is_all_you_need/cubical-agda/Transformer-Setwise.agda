{-# OPTIONS --safe #-}
{-
Paper 13: A. Vaswani et al., «Attention Is All You Need» (2017), arXiv:1706.03762

Operators that see a set: the encoder without positions. «Since our model contains no recurrence and no convolution»
(Section 3.5), order must be injected by positional encodings; here is what holds without them.

  paper                                  here
  the set of key–value pairs (3.2)       FMSet, a finite multiset
  a token attends to all tokens          setwise f: each token is mapped with knowledge of the multiset of all
  a permutation of the tokens            xs ↭ ys
-}
module Transformer-Setwise where

open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function using (_∘_)
open import Cubical.Data.List.Base using (List; map)
open import Cubical.Data.Sigma.Base using (_×_; _,_; Σ-syntax)
open import Cubical.HITs.FiniteMultiset.Base using (FMSet)
open import S30.Lists using (mapComp; zipWith; zipWithMap)
open import S30.Multiset
open import Transformer-Causal using (residual)

private
  variable
    ℓ ℓ' : Level
    A B C : Type ℓ

-- Every token is mapped with knowledge of the multiset of all tokens.
setwise : (FMSet A → A → B) → List A → List B
setwise f xs = map (f (toMultiset xs)) xs

-- On permuted tokens a setwise operator is the same function token by token, so each token keeps its output.
setwiseSameTokenSameOutput : (f : FMSet A → A → B) {xs ys : List A} → xs ↭ ys
                           → setwise f ys ≡ map (f (toMultiset xs)) ys
setwiseSameTokenSameOutput f {ys = ys} p i = map (f (permutationToPath p (~ i))) ys

setwiseEquivariant : (f : FMSet A → A → B)
                   → {xs ys : List A} → xs ↭ ys → setwise f xs ↭ setwise f ys
setwiseEquivariant f {xs} {ys} p =
  subst (map (f (toMultiset xs)) xs ↭_) (sym (setwiseSameTokenSameOutput f p))
    (↭map (f (toMultiset xs)) p)

-- Such layers stack, and so do residual sums of them.
setwiseComp : (g : FMSet B → B → C) (f : FMSet A → A → B) (xs : List A)
            → setwise g (setwise f xs) ≡ setwise (λ M x → g (mapMultiset (f M) M) (f M x)) xs
setwiseComp g f xs =
  cong (λ N → map (g N) (setwise f xs)) (toMultisetMap (f (toMultiset xs)) xs)
  ∙ mapComp (g (mapMultiset (f (toMultiset xs)) (toMultiset xs))) (f (toMultiset xs)) xs

setwiseResidual : (_+_ : A → A → A) (f : FMSet A → A → A) (xs : List A)
                → residual _+_ (setwise f) xs ≡ setwise (λ M x → x + f M x) xs
setwiseResidual _+_ f xs = zipWithMap _+_ (f (toMultiset xs)) xs

-- «F is setwise»: such an f is given with F.
IsSetwise : {A : Type ℓ} {B : Type ℓ'} → (List A → List B) → Type (ℓ-max ℓ ℓ')
IsSetwise {A = A} {B = B} F = Σ[ f ∈ (FMSet A → A → B) ] ((xs : List A) → F xs ≡ setwise f xs)

isSetwiseComp : (G : List B → List C) (F : List A → List B)
              → IsSetwise G → IsSetwise F → IsSetwise (G ∘ F)
isSetwiseComp G F (g , G-is) (f , F-is) =
    (λ M x → g (mapMultiset (f M) M) (f M x))
  , (λ xs → G-is (F xs) ∙ cong (setwise g) (F-is xs) ∙ setwiseComp g f xs)

residualIsSetwise : (_+_ : A → A → A) (F : List A → List A) → IsSetwise F → IsSetwise (residual _+_ F)
residualIsSetwise _+_ F (f , F-is) =
    (λ M x → x + f M x)
  , (λ xs → cong (zipWith _+_ xs) (F-is xs) ∙ setwiseResidual _+_ f xs)

isSetwise→Equivariant : (F : List A → List B) → IsSetwise F
                      → {xs ys : List A} → xs ↭ ys → F xs ↭ F ys
isSetwise→Equivariant F (f , F-is) {xs} {ys} p =
  subst (_↭ F ys) (sym (F-is xs)) (subst (setwise f xs ↭_) (sym (F-is ys)) (setwiseEquivariant f p))
