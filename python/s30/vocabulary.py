"""The words in which papers speak to the engine.

Nothing here computes: these are the types that a paper's files build and that the engine reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np

from s30.problem import Array as Array
from s30.problem import Arrays as Arrays
from s30.problem import Problem as Problem


class Outcome(StrEnum):
    """What became of a check. The default is `NOT_RUN`: nothing passes without having run."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"
    WAIVED = "waived"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Tolerance:
    """`observed` agrees with `expected` when |observed - expected| <= atol + rtol * |expected|, entry by entry.

    `reason` says why a paper has a tolerance of its own.
    """

    rtol: float
    atol: float
    reason: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"rtol {self.rtol:g}, atol {self.atol:g}"


EXACT = Tolerance(0.0, 0.0)

# By kind of check, and by layer where one differs; all for float64.
TOLERANCES: dict[tuple[str, str | None], Tolerance] = {
    ("forward", None): Tolerance(1e-10, 1e-12),
    ("forward", "tinygrad"): Tolerance(1e-9, 1e-12),
    ("gradient", None): Tolerance(1e-8, 1e-10),
    ("difference", None): Tolerance(1e-5, 1e-7),
    ("trajectory", None): Tolerance(1e-8, 1e-10),
    ("bridge", None): Tolerance(1e-9, 1e-11),
    ("invariant", None): Tolerance(1e-9, 1e-11),
}


class Forward(Protocol):
    """One layer's forward pass on NumPy arrays, whatever framework computes it.

    `overrides` replace entries of the problem's configuration for this call.
    """

    def __call__(self, params: Arrays, batch: Arrays, **overrides: Any) -> dict[str, Array]: ...


@dataclass(frozen=True)
class Invariant:
    """A property that every executable layer must have.

    `sides(forward, problem, rng)` returns the two arrays that `relation` must hold between, entry by entry:
    `==` within `tolerance` (the engine's default for invariants when None), `<=`, `<`, `>=` or `>` without any.
    """

    name: str
    statement: str
    source: str
    sides: Callable[[Forward, Problem, np.random.Generator], tuple[Array, Array]]
    relation: str = "=="
    tolerance: Tolerance | None = None


@dataclass(frozen=True)
class Identity:
    """A statement `lhs relation rhs` between SymPy expressions (or matrices), proved and never sampled.

    The engine forms lhs - rhs, applies the SymPy functions named in `proof` in their order, and accepts only the
    literal zero (`==`), or an expression that SymPy's assumptions decide to be nonnegative (`>=`) or positive (`>`).
    An identity whose sides are the same expression before any step proves nothing, and fails. `induction` names a
    symbol: the engine then proves the base case at `base` and the step n -> n + 1.
    """

    name: str
    statement: str
    lhs: Any
    rhs: Any
    assumptions: str
    source: str
    relation: str = "=="
    proof: Sequence[str] = ("simplify",)
    induction: Any = None
    base: int = 0


@dataclass(frozen=True)
class Bridge:
    """A formula derived in SymPy, evaluated on a Problem, that must equal what the executable layers compute.

    `target` is `output:NAME` or `gradient:NAME`, the latter meaning the derivative of the loss alone.
    """

    name: str
    statement: str
    target: str
    value: Callable[[Problem], Array]
    source: str


@dataclass(frozen=True)
class Lines:
    """Curves over a common horizontal axis: `series` maps a label to its (x, y) values; points alone unless `joined`."""

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log_x: bool = False
    log_y: bool = False
    markers: bool = False
    joined: bool = True


@dataclass(frozen=True)
class Images:
    """A grid of small images, each (height, width), with a caption over each.

    Each has its own scale of greys; with `signed` all share one scale of colours whose middle, white, is zero.
    """

    title: str
    images: Sequence[Array]
    captions: Sequence[str] = ()
    columns: int = 8
    signed: bool = False


@dataclass(frozen=True)
class Bars:
    """One bar per label, or one point where `y_limits` leave zero out, since a bar's length would then mislead.

    `errors` are half-lengths of the whiskers, in the units of the values.
    """

    title: str
    y_label: str
    values: Mapping[str, float]
    errors: Mapping[str, float] = field(default_factory=dict)
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Heatmap:
    """A matrix with named rows and columns, such as an alignment. A cell that is None stays blank."""

    title: str
    values: Array | Sequence[Sequence[float | None]]
    rows: Sequence[str]
    columns: Sequence[str]
    x_label: str = ""
    y_label: str = ""
    annotate: bool = False
    limits: tuple[float, float] | None = None  # of the colours; the values' own when None


Figure = Lines | Images | Bars | Heatmap


@dataclass(frozen=True)
class Experiment:
    """What an experiment measured. A metric is a number, or one number per seed; claims are held against its mean."""

    metrics: Mapping[str, float | Sequence[float]]
    figures: Mapping[str, Figure] = field(default_factory=dict)
