{-# OPTIONS --safe #-}
{-
Paper 17: X. Chen et al., «Variational Lossy Autoencoder» (2016), arXiv:1611.02731

Bits-back coding, section 2.2, with any coder whose reading undoes its writing, and whose writing can be undone by reading.

  paper                 here
  p(z), p(x|z), q(z|x)  prior, likelihood z, posterior x
  a message             Message; push writes a symbol on it, pop reads one off
  −log of a probability cost
  (5), (6)              naiveCost, netCost
-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base using (CommRing; CommRingStr)
open import Cubical.Data.Sigma.Base using (_×_; _,_; fst; snd)

module VLAE-BitsBack {ℓ : Level} (Message Image Code : Type ℓ) (Law : Type ℓ → Type ℓ)
  (push : {S : Type ℓ} → Law S → S → Message → Message)
  (pop : {S : Type ℓ} → Law S → Message → S × Message)
  (popPush : {S : Type ℓ} (p : Law S) (s : S) (m : Message) → pop p (push p s m) ≡ (s , m))
  (pushPop : {S : Type ℓ} (p : Law S) (m : Message) → push p (fst (pop p m)) (snd (pop p m)) ≡ m)
  (prior : Law Code) (likelihood : Code → Law Image) (posterior : Image → Law Code) where

open import Cubical.Data.List.Base using (List; []; _∷_)

-- What the sender does: read a code off the message, write the image by it, write the code.
writeBy : Image → Code × Message → Message
writeBy x (z , m) = push prior z (push (likelihood z) x m)

send : Image → Message → Message
send x m = writeBy x (pop (posterior x) m)

-- What the receiver does: read the code, read the image by it, write the code back.
giveBack : Code → Image × Message → Image × Message
giveBack z (x , m) = x , push (posterior x) z m

readBy : Code × Message → Image × Message
readBy (z , m) = giveBack z (pop (likelihood z) m)

receive : Message → Image × Message
receive m = readBy (pop prior m)

-- The receiver gets the image, and the message as it was before: the bits that the code was read from are there again.
receiveSend : (x : Image) (m : Message) → receive (send x m) ≡ (x , m)
receiveSend x m =
  cong readBy (popPush prior z _) ∙ cong (giveBack z) (popPush (likelihood z) x rest) ∙ cong (x ,_) (pushPop (posterior x) m)
  where
  z = fst (pop (posterior x) m)
  rest = snd (pop (posterior x) m)

sendAll : List Image → Message → Message
sendAll []       m = m
sendAll (x ∷ xs) m = send x (sendAll xs m)

consTo : Image → List Image × Message → List Image × Message
consTo x (xs , m) = x ∷ xs , m

mutual
  receiveAll : List Image → Message → List Image × Message
  receiveAll []       m = [] , m
  receiveAll (_ ∷ xs) m = further xs (receive m)

  further : List Image → Image × Message → List Image × Message
  further xs (x , m) = consTo x (receiveAll xs m)

-- Any number of images in one message come back, the last one first, and the message with them; the list tells their number alone.
receiveAllSendAll : (xs : List Image) (m : Message) → receiveAll xs (sendAll xs m) ≡ (xs , m)
receiveAllSendAll []       m = refl
receiveAllSendAll (x ∷ xs) m =
  cong (further xs) (receiveSend x (sendAll xs m)) ∙ cong (consTo x) (receiveAllSendAll xs m)

module Lengths {ℓ' : Level} (R' : CommRing ℓ') (size : Message → fst R') (cost : {S : Type ℓ} → Law S → S → fst R')
  (sizePush : {S : Type ℓ} (p : Law S) (s : S) (m : Message)
    → size (push p s m) ≡ CommRingStr._+_ (snd R') (size m) (cost p s)) where

  open CommRingStr (snd R') using (_+_; -_; 0r; +Assoc; +Comm; +IdR; +InvR)

  -- (5)
  naiveCost : Image → Code → fst R'
  naiveCost x z = cost prior z + cost (likelihood z) x

  -- (6)
  netCost : Image → Code → fst R'
  netCost x z = naiveCost x z + - cost (posterior x) z

  codeOf : Image → Message → Code
  codeOf x m = fst (pop (posterior x) m)

  private
    cancel : (a b : fst R') → a ≡ (a + b) + - b
    cancel a b = sym (+IdR a) ∙ cong (a +_) (sym (+InvR b)) ∙ +Assoc a b (- b)

    order : (a b c d : fst R') → ((a + d) + b) + c ≡ a + ((c + b) + d)
    order a b c d =
      sym (+Assoc (a + d) b c) ∙ sym (+Assoc a d (b + c)) ∙ cong (a +_) (+Comm d (b + c) ∙ cong (_+ d) (+Comm b c))

  -- Reading a symbol takes its cost off the message.
  sizePop : {S : Type ℓ} (p : Law S) (m : Message) → size (snd (pop p m)) ≡ size m + - cost p (fst (pop p m))
  sizePop p m =
    cancel (size (snd (pop p m))) (cost p (fst (pop p m)))
    ∙ cong (_+ - cost p (fst (pop p m))) (sym (sizePush p (fst (pop p m)) (snd (pop p m))) ∙ cong size (pushPop p m))

  -- An image makes the message longer by the two-part code less what was read back: equation (6).
  sizeSend : (x : Image) (m : Message) → size (send x m) ≡ size m + netCost x (codeOf x m)
  sizeSend x m =
    sizePush prior z _ ∙ cong (_+ cost prior z) (sizePush (likelihood z) x rest)
    ∙ cong (λ w → (w + cost (likelihood z) x) + cost prior z) (sizePop (posterior x) m)
    ∙ order (size m) (cost (likelihood z) x) (cost prior z) (- cost (posterior x) z)
    where
    z = codeOf x m
    rest = snd (pop (posterior x) m)

  netCosts : List Image → Message → fst R'
  netCosts []       m = 0r
  netCosts (x ∷ xs) m = netCosts xs m + netCost x (codeOf x (sendAll xs m))

  -- Over all images in one message their net costs add.
  sizeSendAll : (xs : List Image) (m : Message) → size (sendAll xs m) ≡ size m + netCosts xs m
  sizeSendAll []       m = sym (+IdR (size m))
  sizeSendAll (x ∷ xs) m =
    sizeSend x (sendAll xs m) ∙ cong (_+ netCost x (codeOf x (sendAll xs m))) (sizeSendAll xs m)
    ∙ sym (+Assoc (size m) (netCosts xs m) _)

  -- What bits-back saves against the two-part code with the same code is the cost of the code under q.
  saved : (x : Image) (z : Code) → naiveCost x z + - netCost x z ≡ cost (posterior x) z
  saved x z = cong (_+ - netCost x z) (back (naiveCost x z) (cost (posterior x) z)) ∙ swap (netCost x z) (cost (posterior x) z)
    where
    back : (a b : fst R') → a ≡ (a + - b) + b
    back a b = sym (+IdR a) ∙ cong (a +_) (sym (+InvR b) ∙ +Comm b (- b)) ∙ +Assoc a (- b) b
    swap : (a b : fst R') → (a + b) + - a ≡ b
    swap a b = cong (_+ - a) (+Comm a b) ∙ sym (cancel b a)
