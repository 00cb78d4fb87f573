"""Numbers as Agda writes them: NumPy arrays as terms, and the terms that Agda prints as numbers again.

An array is a list, of lists where it has more axes:  `1.5 ∷ (-2.0) ∷ []`. The type follows from that of the entries:
doubles are `Float`, booleans `Bool`, integers `ℕ`, or `Int` on request.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from s30.errors import S30Error

_TOKEN = re.compile(r"[()]|[^\s()]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")
_NAMES = {"true": True, "false": False, "[]": []}


def literal(values: ArrayLike, signed: bool = False) -> str:
    """The Agda term for an array or a number, in parentheses where an argument needs them.

    Integers are natural numbers, or with `signed` of type `Int`. Raises S30Error for what has no literal: a NaN, an
    infinity, a negative natural number, an array that is not of numbers.
    """
    array = np.asarray(values)
    kind = array.dtype.kind
    if kind not in "fiub":
        raise S30Error(f"an array of {array.dtype} has no literal in Agda")
    if kind == "f" and not np.isfinite(array).all():
        raise S30Error("a NaN or an infinity has no literal in Agda")
    if kind == "i" and not signed and (array < 0).any():
        raise S30Error(f"{array.min()} is no natural number: ask for `signed` literals, of type Int")
    return _term(array.tolist(), signed and kind in "iu")


def _term(value: Any, signed: bool) -> str:
    if isinstance(value, list):
        return "(" + " ∷ ".join([*(_term(inner, signed) for inner in value), "[]"]) + ")" if value else "[]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        mantissa, e, exponent = repr(value).partition("e")  # Agda wants a point in every double
        text = mantissa + ("" if "." in mantissa else ".0") + e + exponent
        return f"({text})" if text.startswith("-") else text
    if signed:
        return f"(pos {value})" if value >= 0 else f"(negsuc {-value - 1})"
    return str(value)


def numbers(text: str) -> np.ndarray[Any, np.dtype[Any]]:
    """The array that a printed term stands for: float64, int64 or bool. A double without a fraction prints as an integer.

    Raises S30Error, with the place, when it is no list of numbers: it did not compute to one, or its rows are unequal.
    """
    tokens = _TOKEN.findall(text)
    value = _value(tokens)
    try:
        array = np.array(value)
    except ValueError:
        raise S30Error("the term computes to lists of unequal lengths") from None
    if array.dtype.kind not in "fib":
        raise S30Error(f"the term computes to no array of doubles, 64-bit integers or booleans, but to {array.dtype}")
    return array


def _value(tokens: list[str]) -> Any:
    """A number, or a list `a ∷ b ∷ []` with or without parentheses around its tails; names may bear their modules."""
    heads: list[list[Any]] = [[]]  # of the lists that are open, the outermost first
    last: list[Any] = [None]  # what was read behind them
    for place, token in enumerate([*tokens, ""]):
        name = token if _NUMBER.fullmatch(token) else token.rpartition(".")[2]
        if token == "(" and last[-1] is None:
            heads.append([])
            last.append(None)
        elif name == "∷" and last[-1] is not None:
            heads[-1].append(last[-1])
            last[-1] = None
        elif (token == ")" and len(heads) > 1) or (token == "" and len(heads) == 1):
            items, item = heads.pop(), last.pop()
            if item is None or (items and not isinstance(item, list)):
                raise _stuck(tokens[place:])
            if not heads:
                return [*items, *item] if items else item
            last[-1] = [*items, *item] if items else item
        elif name in ("pos", "negsuc") and last[-1] is None:
            last[-1] = name
        elif _NUMBER.fullmatch(token) and last[-1] in (None, "pos", "negsuc"):
            number = float(token) if "." in token or "e" in token else int(token)
            last[-1] = -number - 1 if last[-1] == "negsuc" else number
        elif name in ("NaN", "Infinity", "-Infinity"):
            raise S30Error(f"the term computes to {name}")
        elif name in _NAMES and last[-1] is None:
            last[-1] = _NAMES[name]
        else:
            raise _stuck(tokens[place:])
    raise _stuck([])


def _stuck(rest: list[str]) -> S30Error:
    text = " ".join(rest)
    shown = f"«{text[:120]}{' …' if len(text) > 120 else ''}»" if rest else "its end"
    return S30Error(f"the term does not compute to numbers, but stops at {shown}")
