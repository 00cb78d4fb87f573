{-# OPTIONS --safe #-}
-- Paths: reflexivity, inverse, composition, congruence, transport, function extensionality, J;
-- contractible types, propositions, sets; lifting of universe levels.
module Cubical.Foundations.Prelude where

open import Cubical.Core.Primitives public

infixr 30 _∙_
infix  3 _∎
infixr 2 step-≡ _≡⟨⟩_

private
  variable
    ℓ ℓ' ℓ'' : Level
    A : Type ℓ
    B : A → Type ℓ
    x y z w : A

-- Reflexivity, inverse, action of functions.

refl : x ≡ x
refl {x = x} _ = x

sym : x ≡ y → y ≡ x
sym p i = p (~ i)

cong : (f : (a : A) → B a) (p : x ≡ y) → PathP (λ i → B (p i)) (f x) (f y)
cong f p i = f (p i)

cong₂ : {C : (a : A) → B a → Type ℓ''} (f : (a : A) (b : B a) → C a b)
        (p : x ≡ y) {u : B x} {v : B y} (q : PathP (λ i → B (p i)) u v)
      → PathP (λ i → C (p i) (q i)) (f x u) (f y v)
cong₂ f p q i = f (p i) (q i)

-- Composition: fill the open box with sides p⁻¹ and r and base q.

_∙∙_∙∙_ : x ≡ y → y ≡ z → z ≡ w → x ≡ w
(p ∙∙ q ∙∙ r) i = hcomp (λ j → λ { (i = i0) → p (~ j) ; (i = i1) → r j }) (q i)

_∙_ : x ≡ y → y ≡ z → x ≡ z
p ∙ q = refl ∙∙ p ∙∙ q

hfill : {φ : I} (u : I → Partial φ A) (u0 : Sub A φ (u i0)) → I → A
hfill {φ = φ} u u0 i =
  hcomp (λ j → λ { (φ = i1) → u (i ∧ j) 1=1 ; (i = i0) → outS u0 }) (outS u0)

compPath-filler : (p : x ≡ y) (q : y ≡ z) → PathP (λ j → x ≡ q j) p (p ∙ q)
compPath-filler p q j i =
  hfill (λ k → λ { (i = i0) → p i0 ; (i = i1) → q k }) (inS (p i)) j

-- Chains of equations.

step-≡ : (x : A) → y ≡ z → x ≡ y → x ≡ z
step-≡ _ q p = p ∙ q

syntax step-≡ x q p = x ≡⟨ p ⟩ q

_≡⟨⟩_ : (x : A) → x ≡ y → x ≡ y
_ ≡⟨⟩ p = p

_∎ : (x : A) → x ≡ x
x ∎ = refl

-- Transport.

transport : {A B : Type ℓ} → A ≡ B → A → B
transport p = transp (λ i → p i) i0

transportRefl : (x : A) → transport refl x ≡ x
transportRefl {A = A} x i = transp (λ _ → A) i x

transport-filler : {A B : Type ℓ} (p : A ≡ B) (x : A) → PathP (λ i → p i) x (transport p x)
transport-filler p x i = transp (λ j → p (i ∧ j)) (~ i) x

subst : (B : A → Type ℓ') → x ≡ y → B x → B y
subst B p = transport (λ i → B (p i))

substRefl : {B : A → Type ℓ} {x : A} (b : B x) → subst B refl b ≡ b
substRefl b = transportRefl b

-- A path over A is a path, in the last fibre, from what the start is transported to.

toPathP : {A : I → Type ℓ} {x : A i0} {y : A i1} → transport (λ i → A i) x ≡ y → PathP A x y
toPathP {A = A} {x = x} p i =
  hcomp (λ j → λ { (i = i0) → x ; (i = i1) → p j }) (transport-filler (λ k → A k) x i)

fromPathP : {A : I → Type ℓ} {x : A i0} {y : A i1} → PathP A x y → transport (λ i → A i) x ≡ y
fromPathP {A = A} p i = transp (λ j → A (i ∨ j)) i (p i)

-- Function extensionality.

funExt : {B : A → I → Type ℓ'} {f : (x : A) → B x i0} {g : (x : A) → B x i1}
       → ((x : A) → PathP (B x) (f x) (g x)) → PathP (λ i → (x : A) → B x i) f g
funExt h i x = h x i

funExt⁻ : {B : A → I → Type ℓ'} {f : (x : A) → B x i0} {g : (x : A) → B x i1}
        → PathP (λ i → (x : A) → B x i) f g → (x : A) → PathP (B x) (f x) (g x)
funExt⁻ p x i = p i x

-- Path induction: contract the path to its start.

J : {A : Type ℓ} {x : A} (P : ∀ y → x ≡ y → Type ℓ') (d : P x refl) {y : A} (p : x ≡ y) → P y p
J P d p = transport (λ i → P (p i) (λ j → p (i ∧ j))) d

JRefl : (P : ∀ y → x ≡ y → Type ℓ') (d : P x refl) → J P d refl ≡ d
JRefl P d = transportRefl d

-- Contractible types, propositions, sets.

isContr : Type ℓ → Type ℓ
isContr A = Σ[ c ∈ A ] ((a : A) → c ≡ a)

isProp : Type ℓ → Type ℓ
isProp A = (x y : A) → x ≡ y

isSet : Type ℓ → Type ℓ
isSet A = (x y : A) → isProp (x ≡ y)

isGroupoid : Type ℓ → Type ℓ
isGroupoid A = (x y : A) → isSet (x ≡ y)

singl : A → Type _
singl {A = A} a = Σ[ x ∈ A ] (a ≡ x)

isContrSingl : (a : A) → isContr (singl a)
isContrSingl a = (a , refl) , λ (x , p) i → p i , λ j → p (i ∧ j)

isContr→isProp : isContr A → isProp A
isContr→isProp (c , h) x y = sym (h x) ∙ h y

isProp→isSet : isProp A → isSet A
isProp→isSet h x y p q j i =
  hcomp (λ k → λ { (i = i0) → h x x k ; (i = i1) → h x y k
                 ; (j = i0) → h x (p i) k ; (j = i1) → h x (q i) k }) x

isProp→PathP : {B : I → Type ℓ} → ((i : I) → isProp (B i)) → (b0 : B i0) (b1 : B i1) → PathP B b0 b1
isProp→PathP h b0 b1 = toPathP (h i1 _ b1)

isPropIsContr : isProp (isContr A)
isPropIsContr (c , h) (c' , h') i =
  h c' i , λ a → isProp→PathP (λ j → isProp→isSet (isContr→isProp (c , h)) (h c' j) a) (h a) (h' a) i

isPropIsProp : isProp (isProp A)
isPropIsProp h h' i x y = isProp→isSet h x y (h x y) (h' x y) i

-- A type in a higher universe.

record Lift {i j} (A : Type i) : Type (ℓ-max i j) where
  constructor lift
  field
    lower : A

open Lift public

subst2 : ∀ {ℓ ℓ' ℓ''} {A : Type ℓ} {B : Type ℓ'} (C : A → B → Type ℓ'') {x y : A} {z w : B}
       → x ≡ y → z ≡ w → C x z → C y w
subst2 C p q = transport (λ i → C (p i) (q i))
