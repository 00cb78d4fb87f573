{-# OPTIONS --safe #-}
{-
  Krizhevsky, Sutskever and Hinton: groups (section 3.2), response normalisation (3.3) and dropout (4.2), at one position.

  paper                                here
  -----------------------------------  -----------------------------------------------------------------------
  real numbers                         the elements of a commutative ring R
  maps of GPU j under a kernel's taps  x j : FinVec c, the numbers that a kernel of that GPU sees
  kernels of GPU j                     w j o : FinVec c
  a^i, n maps «adjacent» to it         a : FinVec n, near i j, 1 or 0
  (k + …)^−β                           ρ, any function of one number
  set to zero with probability 1/2     every mask of zeros and ones, all of them once
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base

module AlexNet-Layers {ℓR : Level} (R : CommRing ℓR) where

open import Cubical.Foundations.Function
open import Cubical.Foundations.Structure
open import Cubical.Data.Nat.Base using (ℕ ; zero ; suc)
open import Cubical.Data.Bool.Base using (if_then_else_)
open import Cubical.Data.FinData.Base using (Fin ; zero ; suc ; FinVec ; _==_)
open import S30.Sum
open import S30.Ring R using (0·Absorbs ; ·-R ; -Involutive ; +Interchange)

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_ ; -_ to -r_)
open Sum R

private
  variable
    c g k n : ℕ

δ : Fin n → Fin n → ⟨ R ⟩
δ i j = if i == j then 1r else 0r

private
  ∑δ : (j : Fin n) (v : FinVec ⟨ R ⟩ n) → ∑ (λ i → δ i j ·r v i) ≡ v j
  ∑δ {suc n} zero    v = cong₂ _+r_ (·IdL (v zero)) (∑Ext (λ i → 0·Absorbs (v (suc i))) ∙ ∑Zero n) ∙ +IdR _
  ∑δ         (suc j) v = cong₂ _+r_ (0·Absorbs (v zero)) (∑δ j (v ∘ suc)) ∙ +IdL _

Grouped : ℕ → ℕ → Type ℓR
Grouped g c = Fin g → FinVec ⟨ R ⟩ c

-- Each group's kernels see the maps of that group.
grouped : (Fin g → Fin k → FinVec ⟨ R ⟩ c) → Grouped g c → Grouped g k
grouped w x j o = ∑ (λ t → w j o t ·r x j t)

-- Every kernel sees all maps.
whole : (Fin g → Fin k → Fin g → FinVec ⟨ R ⟩ c) → Grouped g c → Grouped g k
whole W x j o = ∑ (λ i → ∑ (λ t → W j o i t ·r x i t))

-- Groups are one layer whose kernels are zero on the maps of the other groups.
groupedIsWhole : (w : Fin g → Fin k → FinVec ⟨ R ⟩ c) (x : Grouped g c)
               → whole (λ j o i t → δ i j ·r w j o t) x ≡ grouped w x
groupedIsWhole w x = funExt λ j → funExt λ o →
  ∑Ext (λ i → ∑Ext (λ t → sym (·Assoc (δ i j) (w j o t) (x i t))) ∙ sym (∑MulL (δ i j) (λ t → w j o t ·r x i t)))
  ∙ ∑δ j (λ i → ∑ (λ t → w j o t ·r x i t))

-- What the maps of one group are makes no difference to the kernels of another.
groupsApart : (w : Fin g → Fin k → FinVec ⟨ R ⟩ c) (x y : Grouped g c) (j : Fin g) → x j ≡ y j → grouped w x j ≡ grouped w y j
groupsApart w x y j same i o = ∑ (λ t → w j o t ·r same i t)

-- Section 3.3, at one position: b^i = a^i ρ(k + α Σ_j near i j (a^j)²).
normalised : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (κ α : ⟨ R ⟩) (near : Fin n → Fin n → ⟨ R ⟩) → FinVec ⟨ R ⟩ n → FinVec ⟨ R ⟩ n
normalised ρ κ α near a i = a i ·r ρ (κ +r α ·r ∑ (λ j → near i j ·r (a j ·r a j)))

private
  -- The square of a negative.
  squareNegates : (x : ⟨ R ⟩) → (-r x) ·r (-r x) ≡ x ·r x
  squareNegates x = ·-R (-r x) x ∙ cong -r_ (·Comm (-r x) x ∙ ·-R x x) ∙ -Involutive (x ·r x)

-- Normalisation keeps signs: negative activities, such as those of tanh, give the negatives.
normalisedOdd : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (κ α : ⟨ R ⟩) (near : Fin n → Fin n → ⟨ R ⟩) (a : FinVec ⟨ R ⟩ n) (i : Fin n)
              → normalised ρ κ α near (λ j → -r a j) i ≡ -r normalised ρ κ α near a i
normalisedOdd ρ κ α near a i =
  cong (λ s → (-r a i) ·r ρ (κ +r α ·r s)) (∑Ext (λ j → cong (near i j ·r_) (squareNegates (a j))))
  ∙ ·Comm (-r a i) factor ∙ ·-R factor (a i) ∙ cong -r_ (·Comm factor (a i))
  where
  factor : ⟨ R ⟩
  factor = ρ (κ +r α ·r ∑ (λ j → near i j ·r (a j ·r a j)))

-- Maps that are not near, near i j = 0, make no difference: inhibition is lateral and local.
normalisedLocal : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (κ α : ⟨ R ⟩) (near : Fin n → Fin n → ⟨ R ⟩) (a b : FinVec ⟨ R ⟩ n) (i : Fin n)
                → a i ≡ b i → (∀ j → near i j ·r (a j ·r a j) ≡ near i j ·r (b j ·r b j))
                → normalised ρ κ α near a i ≡ normalised ρ κ α near b i
normalisedLocal ρ κ α near a b i here same = cong₂ (λ x s → x ·r ρ (κ +r α ·r s)) here (∑Ext same)

-- The sum of f over all masks of zeros and ones.
overMasks : (n : ℕ) → (FinVec ⟨ R ⟩ n → ⟨ R ⟩) → ⟨ R ⟩
overMasks zero    f = f (λ ())
overMasks (suc n) f = overMasks n (f ∘ cons 0r) +r overMasks n (f ∘ cons 1r)
  where
  cons : ⟨ R ⟩ → FinVec ⟨ R ⟩ n → FinVec ⟨ R ⟩ (suc n)
  cons b m zero    = b
  cons b m (suc i) = m i

-- As many masks as there are: 2^n.
masks : ℕ → ⟨ R ⟩
masks zero    = 1r
masks (suc n) = masks n +r masks n

private
  overMasksAdd : (n : ℕ) (r : ⟨ R ⟩) (f : FinVec ⟨ R ⟩ n → ⟨ R ⟩) → overMasks n (λ m → r +r f m) ≡ masks n ·r r +r overMasks n f
  overMasksAdd zero    r f = cong (_+r f (λ ())) (sym (·IdL r))
  overMasksAdd (suc n) r f =
    cong₂ _+r_ (overMasksAdd n r _) (overMasksAdd n r _)
    ∙ +Interchange (masks n ·r r) _ (masks n ·r r) _
    ∙ cong (_+r overMasks (suc n) f) (sym (·DistL+ (masks n) (masks n) r))

-- Dropout (section 4.2) in front of a linear readout: the sum over all masks of what it reads is half of their number times
-- what it reads of all neurons, so «multiply their outputs by 0.5» is its mean, exactly.
dropoutMean : (n : ℕ) (v : FinVec ⟨ R ⟩ n)
            → overMasks n (λ m → ∑ (λ i → m i ·r v i)) +r overMasks n (λ m → ∑ (λ i → m i ·r v i)) ≡ masks n ·r ∑ v
dropoutMean zero    v = +IdR 0r ∙ sym (·IdL 0r)
dropoutMean (suc n) v =
  cong₂ _+r_ kept kept
  ∙ +Interchange (masks n ·r v zero) (S +r S) (masks n ·r v zero) (S +r S)
  ∙ cong₂ _+r_ (sym (·DistL+ (masks n) (masks n) (v zero)))
      (cong₂ _+r_ (dropoutMean n (v ∘ suc)) (dropoutMean n (v ∘ suc)) ∙ sym (·DistL+ (masks n) (masks n) (∑ (v ∘ suc))))
  ∙ sym (·DistR+ (masks (suc n)) (v zero) (∑ (v ∘ suc)))
  where
  S : ⟨ R ⟩
  S = overMasks n (λ m → ∑ (λ i → m i ·r v (suc i)))

  -- The two halves: without the first neuron, and with it.
  kept : overMasks (suc n) (λ m → ∑ (λ i → m i ·r v i)) ≡ masks n ·r v zero +r (S +r S)
  kept =
    cong₂ _+r_
      (cong (overMasks n) (funExt λ m → cong (_+r ∑ (λ i → m i ·r v (suc i))) (0·Absorbs (v zero)) ∙ +IdL _))
      (cong (overMasks n) (funExt λ m → cong (_+r ∑ (λ i → m i ·r v (suc i))) (·IdL (v zero)))
       ∙ overMasksAdd n (v zero) (λ m → ∑ (λ i → m i ·r v (suc i))))
    ∙ +Assoc S (masks n ·r v zero) S ∙ cong (_+r S) (+Comm S (masks n ·r v zero)) ∙ sym (+Assoc (masks n ·r v zero) S S)
