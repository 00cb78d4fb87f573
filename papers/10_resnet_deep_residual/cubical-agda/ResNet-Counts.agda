{-# OPTIONS --safe #-}
{-
  Deep Residual Learning, how many parameters and layers its nets have (arXiv:1512.03385, sections 3.3 and 4.2, Tables 1
  and 6), for any way to count a convolution; ResNet-Tables has the numbers.

  paper                          here
  -----------------------------  ----------------------------------------------------------------------
  a convolution of side k        conv k c d, from c to d channels, with its BN: parameters, say
  n blocks of two 3×3 layers     stage: the first from c to d channels, the others from d to d
  options A and B                shortcut A c d = 0; shortcut B c d = a projection where c and d differ
-}
open import Cubical.Data.Nat.Base using (ℕ)

module ResNet-Counts (conv : (k c d : ℕ) → ℕ) where

open import Cubical.Foundations.Prelude
open import Cubical.Data.Nat.Base
open import Cubical.Data.Nat.Properties
open import Cubical.Data.Bool.Base using (Bool ; true ; false)

data Option : Type₀ where
  plain A B : Option

-- A projection is a 1×1 convolution; it is asked for where the number of channels changes.
shortcut : Option → Bool → (c d : ℕ) → ℕ
shortcut B true c d = conv 1 c d
shortcut _ _    c d = 0

-- The blocks behind a stage's first: n of them, from d to d channels.
same : (block : ℕ) (n : ℕ) → ℕ
same block zero    = 0
same block (suc n) = block + same block n

-- A stage of n + 1 blocks of two 3×3 layers.
stage : Option → Bool → (c d n : ℕ) → ℕ
stage o widens c d n = (conv 3 c d + conv 3 d d + shortcut o widens c d) + same (conv 3 d d + conv 3 d d) n

-- Section 4.2, with n + 1 blocks in each of three stages.
cifar : Option → ℕ → ℕ
cifar o n = conv 3 3 16 + stage o false 16 16 n + stage o true 16 32 n + stage o true 32 64 n + (64 · 10 + 10)

-- Of ImageNet's 18- and 34-layer nets: the blocks behind the first of each stage.
imagenet : Option → (m n p q : ℕ) → ℕ
imagenet o m n p q = conv 7 3 64 + stage o false 64 64 m + stage o true 64 128 n + stage o true 128 256 p
  + stage o true 256 512 q + (512 · 1000 + 1000)

-- A stage of n + 1 bottleneck blocks (figure 5): 1×1 to w channels, 3×3, 1×1 to 4w, from c.
bottlenecks : (c w n : ℕ) → ℕ
bottlenecks c w n = (conv 1 c w + conv 3 w w + conv 1 w (4 · w) + conv 1 c (4 · w))
  + same (conv 1 (4 · w) w + conv 3 w w + conv 1 w (4 · w)) n

deep : (m n p q : ℕ) → ℕ
deep m n p q = conv 7 3 64 + bottlenecks 64 64 m + bottlenecks 256 128 n + bottlenecks 512 256 p + bottlenecks 1024 512 q
  + (2048 · 1000 + 1000)

-- n like blocks cost n times one.
sameIsMultiple : (block n : ℕ) → same block n ≡ n · block
sameIsMultiple block zero    = refl
sameIsMultiple block (suc n) = cong (block +_) (sameIsMultiple block n)

-- Option A adds no parameter to a plain stage: «identity shortcut connections add neither extra parameter nor
-- computational complexity».
identityShortcutsAreFree : (widens : Bool) (c d n : ℕ) → stage A widens c d n ≡ stage plain widens c d n
identityShortcutsAreFree true  c d n = refl
identityShortcutsAreFree false c d n = refl

-- Option B adds to a stage that widens one projection with its BN, whatever the number of blocks.
projectionCosts : (c d n : ℕ) → stage B true c d n ≡ conv 1 c d + stage A true c d n
projectionCosts c d n =
  (inner + conv 1 c d) + rest   ≡⟨ cong (_+ rest) (+-comm inner (conv 1 c d)) ⟩
  (conv 1 c d + inner) + rest   ≡⟨ sym (+-assoc (conv 1 c d) inner rest) ⟩
  conv 1 c d + (inner + rest)   ≡⟨ cong (λ x → conv 1 c d + (x + rest)) (sym (+-zero inner)) ⟩
  conv 1 c d + stage A true c d n ∎
  where
  inner = conv 3 c d + conv 3 d d
  rest  = same (conv 3 d d + conv 3 d d) n

-- What one more block in each of three stages costs, behind their first blocks.
perBlock : ℕ
perBlock = (conv 3 16 16 + conv 3 16 16) + (conv 3 32 32 + conv 3 32 32) + (conv 3 64 64 + conv 3 64 64)

private
  middle : (p x q y : ℕ) → (p + x) + (q + y) ≡ (p + q) + (x + y)
  middle p x q y = sym (+-assoc p x (q + y)) ∙∙ cong (p +_) (+-assoc x q y ∙∙ cong (_+ y) (+-comm x q) ∙∙ sym (+-assoc q x y))
    ∙∙ +-assoc p q (x + y)

  collect : (a b c d x y z w : ℕ)
          → (((a + (b + x)) + (c + y)) + (d + z)) + w ≡ ((((a + b) + c) + d) + w) + ((x + y) + z)
  collect a b c d x y z w =
    (((a + (b + x)) + (c + y)) + (d + z)) + w
      ≡⟨ cong (λ t → ((t + (c + y)) + (d + z)) + w) (+-assoc a b x) ⟩
    ((((a + b) + x) + (c + y)) + (d + z)) + w
      ≡⟨ cong (λ t → (t + (d + z)) + w) (middle (a + b) x c y) ⟩
    ((((a + b) + c) + (x + y)) + (d + z)) + w
      ≡⟨ cong (_+ w) (middle ((a + b) + c) (x + y) d z) ⟩
    ((((a + b) + c) + d) + ((x + y) + z)) + w
      ≡⟨ sym (+-assoc (((a + b) + c) + d) ((x + y) + z) w) ∙∙ cong ((((a + b) + c) + d) +_) (+-comm ((x + y) + z) w)
         ∙∙ +-assoc (((a + b) + c) + d) w ((x + y) + z) ⟩
    ((((a + b) + c) + d) + w) + ((x + y) + z) ∎

-- The count of section 4.2's net is affine in its depth: that of three blocks, and n times what a block in each stage costs.
cifarIsAffine : (n : ℕ) → cifar A n ≡ cifar A 0 + n · perBlock
cifarIsAffine n =
  cifar A n                                       ≡⟨ collect a b c d (same x n) (same y n) (same z n) w ⟩
  base + ((same x n + same y n) + same z n)       ≡⟨ cong (base +_) multiples ⟩
  base + n · perBlock                             ≡⟨ cong (_+ n · perBlock) (sym (collect a b c d 0 0 0 w ∙ +-zero base)) ⟩
  cifar A 0 + n · perBlock                        ∎
  where
  a = conv 3 3 16
  b = conv 3 16 16 + conv 3 16 16 + 0
  c = conv 3 16 32 + conv 3 32 32 + 0
  d = conv 3 32 64 + conv 3 64 64 + 0
  w = 64 · 10 + 10
  x = conv 3 16 16 + conv 3 16 16
  y = conv 3 32 32 + conv 3 32 32
  z = conv 3 64 64 + conv 3 64 64
  base = (((a + b) + c) + d) + w

  multiples : (same x n + same y n) + same z n ≡ n · perBlock
  multiples = cong₂ _+_ (cong₂ _+_ (sameIsMultiple x n) (sameIsMultiple y n)) (sameIsMultiple z n)
    ∙ cong (_+ n · z) (·-distribˡ n x y) ∙ ·-distribˡ n (x + y) z

-- Weighted layers of section 4.2 with n blocks in each of three stages: one, three times n twos, and one.
layers : ℕ → ℕ
layers n = 1 + (same 2 n + (same 2 n + same 2 n)) + 1

-- Printed in section 4.2: «totally 6n + 2 stacked weighted layers».
layersPrinted : (n : ℕ) → layers n ≡ 6 · n + 2
layersPrinted n =
  (1 + (same 2 n + (same 2 n + same 2 n))) + 1
    ≡⟨ cong (λ x → (1 + (x + (x + x))) + 1) (sameIsMultiple 2 n) ⟩
  (1 + (n · 2 + (n · 2 + n · 2))) + 1
    ≡⟨ cong (λ x → (1 + x) + 1) (cong (n · 2 +_) (·-distribˡ n 2 2) ∙ ·-distribˡ n 2 4 ∙ ·-comm n 6) ⟩
  (1 + 6 · n) + 1
    ≡⟨ cong (_+ 1) (+-comm 1 (6 · n)) ∙ sym (+-assoc (6 · n) 1 1) ⟩
  6 · n + 2 ∎
