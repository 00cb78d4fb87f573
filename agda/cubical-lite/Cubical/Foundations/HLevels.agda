{-# OPTIONS --safe #-}
-- h-levels (contractible, proposition, set, …) and their closure under Σ, Π and paths.
module Cubical.Foundations.HLevels where

open import Agda.Builtin.Nat using (zero ; suc) renaming (Nat to ℕ)
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Function
open import Cubical.Foundations.GroupoidLaws
open import Cubical.Foundations.Structure
open import Cubical.Foundations.Isomorphism
open import Cubical.Data.Sigma

private
  variable
    ℓ ℓ' ℓ'' : Level
    A : Type ℓ
    B : A → Type ℓ
    C : (x : A) → B x → Type ℓ

HLevel : Type₀
HLevel = ℕ

isOfHLevel : HLevel → Type ℓ → Type ℓ
isOfHLevel 0 A = isContr A
isOfHLevel 1 A = isProp A
isOfHLevel (suc (suc n)) A = (x y : A) → isOfHLevel (suc n) (x ≡ y)

TypeOfHLevel : ∀ ℓ → HLevel → Type (ℓ-suc ℓ)
TypeOfHLevel ℓ n = TypeWithStr ℓ (isOfHLevel n)

hProp hSet : ∀ ℓ → Type (ℓ-suc ℓ)
hProp ℓ = TypeOfHLevel ℓ 1
hSet  ℓ = TypeOfHLevel ℓ 2

-- The hierarchy is cumulative.

isOfHLevelSuc : (n : HLevel) → isOfHLevel n A → isOfHLevel (suc n) A
isOfHLevelSuc 0 = isContr→isProp
isOfHLevelSuc 1 = isProp→isSet
isOfHLevelSuc (suc (suc n)) h x y = isOfHLevelSuc (suc n) (h x y)

isProp→isContrPath : isProp A → (x y : A) → isContr (x ≡ y)
isProp→isContrPath h x y = h x y , isProp→isSet h x y (h x y)

isOfHLevelPath' : (n : HLevel) → isOfHLevel (suc n) A → (x y : A) → isOfHLevel n (x ≡ y)
isOfHLevelPath' 0 = isProp→isContrPath
isOfHLevelPath' (suc n) h = h

isPropIsOfHLevel : (n : HLevel) → isProp (isOfHLevel n A)
isPropIsOfHLevel 0 = isPropIsContr
isPropIsOfHLevel 1 = isPropIsProp
isPropIsOfHLevel (suc (suc n)) h h' i x y = isPropIsOfHLevel (suc n) (h x y) (h' x y) i

isPropIsSet : isProp (isSet A)
isPropIsSet = isPropIsOfHLevel 2

-- A retract of a type of h-level n has h-level n; so has an isomorphic type.

private
  roundTrip : {a b : A} (r : a ≡ b) → sym r ∙∙ refl ∙∙ r ≡ refl
  roundTrip = J (λ _ r → sym r ∙∙ refl ∙∙ r ≡ refl) (sym (rUnit refl))

isOfHLevelRetract : {A : Type ℓ} (n : HLevel) {B : Type ℓ'}
                    (f : A → B) (g : B → A) (h : (x : A) → g (f x) ≡ x)
                  → isOfHLevel n B → isOfHLevel n A
isOfHLevelRetract 0 f g h (b , c) = g b , λ a → cong g (c (f a)) ∙ h a
isOfHLevelRetract 1 f g h k x y = sym (h x) ∙∙ cong g (k (f x) (f y)) ∙∙ h y
isOfHLevelRetract (suc (suc n)) f g h k x y =
  isOfHLevelRetract (suc n) (cong f) (λ q → sym (h x) ∙∙ cong g q ∙∙ h y)
    (J (λ y p → sym (h x) ∙∙ cong (g ∘ f) p ∙∙ h y ≡ p) (roundTrip (h x)))
    (k (f x) (f y))

isOfHLevelRetractFromIso : {A : Type ℓ} {B : Type ℓ'} (n : HLevel) → Iso A B → isOfHLevel n B → isOfHLevel n A
isOfHLevelRetractFromIso n e = isOfHLevelRetract n (Iso.fun e) (Iso.inv e) (Iso.leftInv e)

-- Paths over a line of types.

isOfHLevelPathP' : {A : I → Type ℓ} (n : HLevel) → isOfHLevel (suc n) (A i1)
                 → (x : A i0) (y : A i1) → isOfHLevel n (PathP A x y)
isOfHLevelPathP' {A = A} n h x y =
  subst (isOfHLevel n)
    (λ i → PathP (λ j → A (~ i ∨ j)) (transport-filler (λ j → A j) x (~ i)) y)
    (isOfHLevelPath' n h _ y)

isOfHLevelDep : HLevel → {A : Type ℓ} (B : A → Type ℓ') → Type (ℓ-max ℓ ℓ')
isOfHLevelDep 0 {A = A} B =
  {a : A} → Σ[ b ∈ B a ] ({a' : A} (b' : B a') (p : a ≡ a') → PathP (λ i → B (p i)) b b')
isOfHLevelDep 1 {A = A} B =
  {a0 a1 : A} (b0 : B a0) (b1 : B a1) (p : a0 ≡ a1) → PathP (λ i → B (p i)) b0 b1
isOfHLevelDep (suc (suc n)) {A = A} B =
  {a0 a1 : A} (b0 : B a0) (b1 : B a1) → isOfHLevelDep (suc n) {A = a0 ≡ a1} (λ p → PathP (λ i → B (p i)) b0 b1)

isOfHLevel→isOfHLevelDep : (n : HLevel) {A : Type ℓ} {B : A → Type ℓ'}
                           (h : (a : A) → isOfHLevel n (B a)) → isOfHLevelDep n {A = A} B
isOfHLevel→isOfHLevelDep 0 h {a} = h a .fst , λ b' p → isProp→PathP (λ i → isContr→isProp (h (p i))) _ b'
isOfHLevel→isOfHLevelDep 1 h b0 b1 p = isProp→PathP (λ i → h (p i)) b0 b1
isOfHLevel→isOfHLevelDep (suc (suc n)) h b0 b1 =
  isOfHLevel→isOfHLevelDep (suc n) (λ p → isOfHLevelPathP' (suc n) (h (p i1)) b0 b1)

-- Σ.

isPropΣ : isProp A → ((x : A) → isProp (B x)) → isProp (Σ A B)
isPropΣ hA hB u v = Σ≡Prop hB (hA (fst u) (fst v))

isOfHLevelΣ : ∀ n → isOfHLevel n A → ((x : A) → isOfHLevel n (B x)) → isOfHLevel n (Σ A B)
isOfHLevelΣ 0 (a , h) k =
  (a , k a .fst) , λ u → ΣPathP (h (fst u) , isProp→PathP (λ i → isContr→isProp (k (h (fst u) i))) _ (snd u))
isOfHLevelΣ 1 = isPropΣ
isOfHLevelΣ {B = B} (suc (suc n)) hA hB u v =
  subst (isOfHLevel (suc n)) ΣPath≡PathΣ
    (isOfHLevelΣ (suc n) (hA _ _) (λ p → isOfHLevelPathP' {A = λ i → B (p i)} (suc n) (hB (p i1)) (snd u) (snd v)))

isSetΣ : isSet A → ((x : A) → isSet (B x)) → isSet (Σ A B)
isSetΣ = isOfHLevelΣ 2

isSetΣSndProp : isSet A → ((x : A) → isProp (B x)) → isSet (Σ A B)
isSetΣSndProp h k = isSetΣ h (λ x → isProp→isSet (k x))

isProp× : {A : Type ℓ} {B : Type ℓ'} → isProp A → isProp B → isProp (A × B)
isProp× h k = isPropΣ h (λ _ → k)

isSet× : {A : Type ℓ} {B : Type ℓ'} → isSet A → isSet B → isSet (A × B)
isSet× h k = isSetΣ h (λ _ → k)

-- Π.

isOfHLevelΠ : ∀ n → ((x : A) → isOfHLevel n (B x)) → isOfHLevel n ((x : A) → B x)
isOfHLevelΠ 0 h = (λ x → h x .fst) , λ f i x → h x .snd (f x) i
isOfHLevelΠ 1 h f g i x = h x (f x) (g x) i
isOfHLevelΠ (suc (suc n)) h f g =
  isOfHLevelRetract (suc n) funExt⁻ funExt (λ _ → refl) (isOfHLevelΠ (suc n) (λ x → h x (f x) (g x)))

isPropΠ : ((x : A) → isProp (B x)) → isProp ((x : A) → B x)
isPropΠ = isOfHLevelΠ 1

isPropΠ2 : ((x : A) (y : B x) → isProp (C x y)) → isProp ((x : A) (y : B x) → C x y)
isPropΠ2 h = isPropΠ (λ x → isPropΠ (h x))

isProp→ : {A : Type ℓ} {B : Type ℓ'} → isProp B → isProp (A → B)
isProp→ h = isPropΠ (λ _ → h)

isSetΠ : ((x : A) → isSet (B x)) → isSet ((x : A) → B x)
isSetΠ = isOfHLevelΠ 2

isSetΠ2 : ((x : A) (y : B x) → isSet (C x y)) → isSet ((x : A) (y : B x) → C x y)
isSetΠ2 h = isSetΠ (λ x → isSetΠ (h x))

isSet→ : {A' : Type ℓ} {A : Type ℓ'} → isSet A' → isSet (A → A')
isSet→ h = isSetΠ (λ _ → h)
