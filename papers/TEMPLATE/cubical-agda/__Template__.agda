{-# OPTIONS --safe #-}
{-
  __TITLE__ (__LINK__).

  TODO: theorems about the paper's object, each named for what it says and listed in paper.yaml.
-}
module __Template__ where
