"""Holds two arrays against each other, entry by entry. Pure NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s30.corpus.vocabulary import Tolerance

LARGEST = 1e300  # stands for every larger number, since JSON has no infinity


@dataclass(frozen=True)
class Agreement:
    """How far two arrays agree; `problem` says in words where they do not, and is empty when they do.

    error    largest absolute difference; `relative` is that over the largest expected magnitude
    worst    largest |difference| / (atol + rtol |expected|): at most 1 when they agree
    """

    problem: str = ""
    compared: int = 0
    total: int = 0
    error: float | None = None
    relative: float | None = None
    worst: float | None = None

    def joined(self, other: Agreement) -> Agreement:
        """Of two pairs of arrays together: the first problem, the largest errors, the sum of the entries."""
        largest = {
            name: max(values)
            for name in ("error", "relative", "worst")
            if (values := [v for v in (getattr(self, name), getattr(other, name)) if v is not None])
        }
        counts = {name: getattr(self, name) + getattr(other, name) for name in ("compared", "total")}
        return replace(self, problem=self.problem or other.problem, **counts, **largest)


def hold(observed: Any, expected: Any, tolerance: Tolerance, sides: tuple[str, str]) -> Agreement:
    """Shape, then dtype, then finiteness, then values. `sides` names whose `observed` and `expected` are."""
    if observed is None or expected is None:
        lacking = sides[0] if observed is None else sides[1]
        return Agreement(f"missing from {lacking}", total=int(np.size(expected if observed is None else observed)))
    observed, expected = np.asarray(observed), np.asarray(expected)
    total = int(expected.size)
    if observed.shape != expected.shape:
        return Agreement(f"shape {observed.shape}, expected {expected.shape}", total=total)
    if observed.dtype != expected.dtype:
        return Agreement(f"dtype {observed.dtype}, expected {expected.dtype}", total=total)
    if not total:
        return Agreement("no entry to compare")
    if expected.dtype.kind != "f":
        wrong = np.argwhere(observed != expected)
        if len(wrong):
            at = tuple(int(i) for i in wrong[0])
            return Agreement(values(at, observed[at], expected[at]), compared=total, total=total)
        return Agreement("", total, total, 0.0, 0.0, 0.0)
    for side, array in zip(sides, (observed, expected), strict=True):
        if not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            return Agreement(f"{side} is {array[at]} at index {index(at)}", total=total)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        difference = np.abs(observed - expected)
        allowed = tolerance.atol + tolerance.rtol * np.abs(expected)
        ratio = np.where(difference == 0, 0.0, difference / allowed)
    error, scale, worst = float(difference.max()), float(np.abs(expected).max()), float(ratio.max())
    numbers = [min(n, LARGEST) for n in (error, error / scale if scale else error, worst)]
    if (ratio <= 1.0).all():
        return Agreement("", total, total, *numbers)
    at = tuple(int(i) for i in np.unravel_index(int(ratio.argmax()), ratio.shape))
    return Agreement(values(at, observed[at], expected[at]), total, total, *numbers)


def values(at: tuple[int, ...], observed: Any, expected: Any) -> str:
    """`at index [0, 2]: 1.5 against 1.0`."""
    return f"at index {index(at)}: {observed!s} against {expected!s}"


def index(at: tuple[int, ...]) -> str:
    """`[0, 2]`."""
    return "[" + ", ".join(map(str, at)) + "]"
