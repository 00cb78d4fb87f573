{-# OPTIONS --safe #-}
{-
  Deep Residual Learning, its nets' parameters in numbers. Printed in the paper are the rounded counts of Table 6; the counts
  of ImageNet's nets, 11,689,512 and so on, are torchvision's, with option B.

  a convolution of side k from c to d channels: k² c d weights, and BN's 2 d
-}
module ResNet-Tables where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base
open import Cubical.Data.List.Base

parameters : (k c d : ℕ) → ℕ
parameters k c d = k · k · c · d + 2 · d

open import ResNet-Counts parameters

-- Of ImageNet's nets: the blocks behind the first of each stage.
shallow : (blocks : List ℕ) → ℕ
shallow (m ∷ n ∷ p ∷ q ∷ _) = imagenet B m n p q
shallow _                   = 0

bottlenecked : (blocks : List ℕ) → ℕ
bottlenecked (m ∷ n ∷ p ∷ q ∷ _) = deep m n p q
bottlenecked _                   = 0

-- Derived: with n blocks in each stage, of 6n + 2 layers, 97,216 n − 21,926; here n − 1 blocks behind the first.
affine : cifar A 0 ∷ perBlock ∷ [] ≡ 75290 ∷ 97216 ∷ []
affine = refl

-- ResNet-20, 32, 44, 56, 110 and 1202: Table 6 prints 0.27M, 0.46M, 0.66M, 0.85M, 1.7M and 19.4M.
table6 : map (cifar A) (2 ∷ 4 ∷ 6 ∷ 8 ∷ 17 ∷ 199 ∷ []) ≡ 269722 ∷ 464154 ∷ 658586 ∷ 853018 ∷ 1727962 ∷ 19421274 ∷ []
table6 = refl

-- torchvision's counts of resnet18, 34, 50, 101 and 152.
torchvision : shallow (1 ∷ 1 ∷ 1 ∷ 1 ∷ []) ∷ shallow (2 ∷ 3 ∷ 5 ∷ 2 ∷ []) ∷ bottlenecked (2 ∷ 3 ∷ 5 ∷ 2 ∷ [])
            ∷ bottlenecked (2 ∷ 3 ∷ 22 ∷ 2 ∷ []) ∷ bottlenecked (2 ∷ 7 ∷ 35 ∷ 2 ∷ []) ∷ []
            ≡ 11689512 ∷ 21797672 ∷ 25557032 ∷ 44549160 ∷ 60192808 ∷ []
torchvision = refl
