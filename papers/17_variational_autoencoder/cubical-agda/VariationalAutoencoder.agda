{-# OPTIONS --safe #-}
{-
Variational Lossy Autoencoder (https://arxiv.org/abs/1611.02731).

TODO: the paper's object over an abstract ring, and theorems about it: a sentence stands directly above each, and
paper.yaml lists it.
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)

module VariationalAutoencoder {ℓ : Level} (R : CommRing ℓ) where

open import Cubical.Foundations.Structure using (⟨_⟩)
open import Cubical.Data.List.Base using (List; []; _∷_)
open CommRingStr (snd R) using (0r; _+_; _·_; +IdL)

weighted : List ⟨ R ⟩ → List ⟨ R ⟩ → ⟨ R ⟩
weighted (w ∷ ws) (x ∷ xs) = w · x + weighted ws xs
weighted _        _        = 0r

affine : List ⟨ R ⟩ → ⟨ R ⟩ → List ⟨ R ⟩ → ⟨ R ⟩
affine ws b xs = weighted ws xs + b

-- TODO: Without inputs the map is its bias.
withoutInputs : (b : ⟨ R ⟩) → affine [] b [] ≡ b
withoutInputs b = +IdL b
