{-# OPTIONS --safe #-}
{-
  Yu and Koltun, the identity initialisation (section 3, equations 4 and 5).

  paper                        here
  ---------------------------  ------------------------------------------------------------------------
  t = 0                        the tap `centre`, whose offset no scale moves from the output's own position
  1[a = b]                     δ a b
  equation 4                   identity
  groups of maps, ⌊a C / c_i⌋  group : Fin c_i → Fin C, any assignment of maps to groups
  C / c_{i+1}                  share, so that the shares within a group sum to 1
  equation 5 without its noise sharing
-}
open import Cubical.Foundations.Prelude
open import Cubical.Foundations.Structure
open import Cubical.Algebra.CommRing.Base
open import Cubical.Algebra.Monoid.Base
open import Cubical.Data.Nat.Base using (ℕ)
open import Cubical.Data.FinData.Base using (Fin)

module Dilated-Start {ℓR ℓG ℓS : Level} (R : CommRing ℓR) (G : Monoid ℓG) (Scale : Type ℓS)
  (_•_ : Scale → ⟨ G ⟩ → ⟨ G ⟩) {taps : ℕ} (offset : Fin taps → ⟨ G ⟩) (centre : Fin taps)
  (stays : (d : Scale) (x : ⟨ G ⟩) → MonoidStr._·_ (snd G) x (d • offset centre) ≡ x) where

open import Cubical.Foundations.Function
open import Cubical.Data.Bool.Base using (true ; false ; if_then_else_)
open import Cubical.Data.Bool.Properties using (false≢true)
open import Cubical.Data.List.Base using (List ; [] ; _∷_)
import Cubical.Data.Empty.Base as ⊥
open import Cubical.Data.FinData.Base using (FinVec ; zero ; suc ; _==_)
open import Cubical.Data.Nat.Base using (zero ; suc)
open import S30.Sum
open import S30.Ring R using (0·Absorbs)
open import Dilated-Module R G Scale _•_ offset

open CommRingStr (snd R) renaming (_+_ to _+r_ ; _·_ to _·r_)
open Sum R
open Layer

private
  variable
    k l n : ℕ

δ : Fin n → Fin n → ⟨ R ⟩
δ i j = if i == j then 1r else 0r

private
  ∑δ : (j : Fin n) (v : FinVec ⟨ R ⟩ n) → ∑ (λ i → δ i j ·r v i) ≡ v j
  ∑δ {suc n} zero    v = cong₂ _+r_ (·IdL (v zero)) (∑Ext (λ i → 0·Absorbs (v (suc i))) ∙ ∑Zero n) ∙ +IdR _
  ∑δ         (suc j) v = cong₂ _+r_ (0·Absorbs (v zero)) (∑δ j (v ∘ suc)) ∙ +IdL _

  -- Beside δ i j an i may be written for a j.
  δReplaces : (i j : Fin n) (v : Fin n → ⟨ R ⟩) → δ i j ·r v i ≡ δ i j ·r v j
  δReplaces zero    zero    v = refl
  δReplaces zero    (suc j) v = 0·Absorbs (v zero) ∙ sym (0·Absorbs (v (suc j)))
  δReplaces (suc i) zero    v = 0·Absorbs (v (suc i)) ∙ sym (0·Absorbs (v zero))
  δReplaces (suc i) (suc j) v = δReplaces i j (v ∘ suc)

-- A layer whose filters are numbers at the centre and zero beside it, without bias.
central : (Fin l → Fin k → ⟨ R ⟩) → Layer k l
weight (central w) o c t = δ t centre ·r w o c
bias   (central w) o     = 0r

-- Equation 4: k^b(t, a) = 1[t = 0] 1[a = b].
identity : Layer k k
identity = central (λ b a → δ a b)

-- Equation 5 without its noise, for groups of the maps before and after.
sharing : (Fin k → Fin n) → (Fin l → Fin n) → ⟨ R ⟩ → Layer k l
sharing group group' share = central (λ b a → δ (group a) (group' b) ·r share)

-- A layer with numbers at the centre alone mixes the maps of each position and reads no other, under any dilation.
centralMixes : (d : Scale) (w : Fin l → Fin k → ⟨ R ⟩) (f : Signal k) (x : ⟨ G ⟩) (o : Fin l)
             → conv d (central w) f x o ≡ ∑ (λ c → w o c ·r f x c)
centralMixes d w f x o = +IdR _ ∙ ∑Ext (λ c →
  ∑Ext (λ t → sym (·Assoc (δ t centre) (w o c) (f (place t) c)))
  ∙ ∑δ centre (λ t → w o c ·r f (place t) c)
  ∙ cong (λ y → w o c ·r f y c) (stays d x))
  where
  place : Fin taps → ⟨ G ⟩
  place t = MonoidStr._·_ (snd G) x (d • offset t)

-- «Each layer simply passes the input directly to the next»: equation 4 under any dilation is the identity.
identityPasses : (d : Scale) (f : Signal k) → conv d identity f ≡ f
identityPasses d f = funExt λ x → funExt λ o → centralMixes d (λ b a → δ a b) f x o ∙ ∑δ o (f x)

-- A module that starts from equation 4 in every layer.
starts : List Scale → Module k k
starts []       = maps
starts (d ∷ ds) = starts ds then identity dilatedBy d

-- With truncations in it, a module that starts from equation 4 passes on what they leave unchanged, such as maps that are
-- not negative, whatever its depth and dilations.
startPasses : (ρ : ⟨ R ⟩ → ⟨ R ⟩) (ds : List Scale) (f : Signal k) → (∀ x c → ρ (f x c) ≡ f x c) → run ρ (starts ds) f ≡ f
startPasses ρ []       f fixed = refl
startPasses ρ (d ∷ ds) f fixed = funExt λ x → funExt λ c →
  cong ρ ((λ i → conv d identity (startPasses ρ ds f fixed i) x c) ∙ (λ i → identityPasses d f i x c)) ∙ fixed x c

-- Otherwise it truncates them, once for all: max(0, f) in place of f, which is no identity where f is negative.
startTruncates : (ρ : ⟨ R ⟩ → ⟨ R ⟩) → (∀ r → ρ (ρ r) ≡ ρ r) → (d : Scale) (ds : List Scale) (f : Signal k)
               → run ρ (starts (d ∷ ds)) f ≡ (λ x c → ρ (f x c))
startTruncates ρ twice d []       f = funExt λ x → funExt λ c → cong ρ (λ i → identityPasses d f i x c)
startTruncates ρ twice d (e ∷ ds) f = funExt λ x → funExt λ c →
  cong ρ ((λ i → conv d identity (startTruncates ρ twice e ds f i) x c) ∙ (λ i → identityPasses d (λ y b → ρ (f y b)) i x c))
  ∙ twice (f x c)

-- The sum of the maps of one group at a position.
groupSum : (Fin k → Fin n) → Signal k → ⟨ G ⟩ → Fin n → ⟨ R ⟩
groupSum group f x j = ∑ (λ a → δ (group a) j ·r f x a)

-- Equation 5 gives each map of the next layer its share of the sum of its group.
sharingIsShare : (d : Scale) (group : Fin k → Fin n) (group' : Fin l → Fin n) (share : ⟨ R ⟩) (f : Signal k) (x : ⟨ G ⟩) (b : Fin l)
              → conv d (sharing group group' share) f x b ≡ share ·r groupSum group f x (group' b)
sharingIsShare d group group' share f x b =
  centralMixes d (λ b a → δ (group a) (group' b) ·r share) f x b
  ∙ ∑Ext (λ a → cong (_·r f x a) (·Comm (δ (group a) (group' b)) share) ∙ sym (·Assoc share (δ (group a) (group' b)) (f x a)))
  ∙ sym (∑MulL share (λ a → δ (group a) (group' b) ·r f x a))

-- Equation 5 keeps the sum of every group whose shares sum to 1, under any dilation; it does not keep values: a map that
-- becomes two is halved.
sharingKeepsSums : (d : Scale) (group : Fin k → Fin n) (group' : Fin l → Fin n) (share : ⟨ R ⟩) (f : Signal k) (x : ⟨ G ⟩) (j : Fin n)
                → ∑ (λ b → δ (group' b) j ·r share) ≡ 1r
                → groupSum group' (conv d (sharing group group' share) f) x j ≡ groupSum group f x j
sharingKeepsSums d group group' share f x j whole =
  ∑ (λ b → δ (group' b) j ·r conv d (sharing group group' share) f x b)
    ≡⟨ ∑Ext (λ b → cong (δ (group' b) j ·r_) (sharingIsShare d group group' share f x b)) ⟩
  ∑ (λ b → δ (group' b) j ·r (share ·r sum (group' b)))
    ≡⟨ ∑Ext (λ b → δReplaces (group' b) j (λ i → share ·r sum i) ∙ ·Assoc (δ (group' b) j) share (sum j)) ⟩
  ∑ (λ b → (δ (group' b) j ·r share) ·r sum j)
    ≡⟨ sym (∑MulR (λ b → δ (group' b) j ·r share) (sum j)) ⟩
  ∑ (λ b → δ (group' b) j ·r share) ·r sum j
    ≡⟨ cong (_·r sum j) whole ∙ ·IdL (sum j) ⟩
  sum j ∎
  where
  sum : Fin _ → ⟨ R ⟩
  sum = groupSum group f x
