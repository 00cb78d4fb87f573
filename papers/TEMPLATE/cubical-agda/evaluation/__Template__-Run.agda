{-
  __TITLE__: its definitions on numbers.

  TODO: open the paper's modules on doubles, and give functions from lists to lists of numbers.
-}
module __Template__-Run where

open import S30.Evaluation.Float
open import S30.Evaluation.Lists
