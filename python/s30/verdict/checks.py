"""One check: two arrays held against each other, or the two sides of a relation. Pure NumPy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from s30.corpus.entries import Agreement, hold, index
from s30.corpus.registry import Paper, unfit_tolerance
from s30.corpus.vocabulary import EXACT, TOLERANCES, Array, Outcome, Tolerance

KINDS = (  # of comparisons, in the order in which they are told
    *("forward", "gradient", "difference", "trajectory", "variant", "conduct", "start"),
    *("invariant", "bridge", "oracle", "evaluation", "experiment"),
)
GRAVEST = (Outcome.FAILED, Outcome.WAIVED, Outcome.NOT_RUN, Outcome.PASSED)  # which of several outcomes is told


@dataclass(frozen=True)
class Check:
    """layers   the layer under test, then what it is held against, if that is another layer
    name     what was compared: an output, a parameter, an invariant; `seed` or `variant`: on which problem, if on one
    error    largest absolute difference; `relative` is that over the largest expected magnitude
    worst    largest |difference| / (atol + rtol |expected|): at most 1 when the check passes
    """

    paper: str
    kind: str
    layers: tuple[str, ...]
    name: str
    outcome: Outcome
    message: str = ""
    seed: int | None = None
    tolerance: Tolerance | None = None
    error: float | None = None
    relative: float | None = None
    worst: float | None = None
    compared: int = 0
    total: int = 0
    variant: str = ""

    @property
    def quantity(self) -> str:
        return _quantity(self.seed, self.name, self.variant)

    @property
    def subject(self) -> str:
        """What a claim names: of `NAME: scores` the variant NAME, and else the name itself."""
        return self.name.partition(": ")[0] if self.kind == "variant" else self.name

    @property
    def row(self) -> str:
        """The row of the record under which it is counted: what is of one variant, say, shares one."""
        head, _, part = self.name.partition(": ")
        if self.kind == "start":
            return "new model"
        if self.kind == "gradient":
            return self.name.removeprefix("loss:")
        if self.kind == "difference":  # the parameters by name have their rows of gradients
            return "along all parameters" if self.name.startswith("joint ") else "along one parameter"
        if self.kind == "trajectory":
            return "parameters" if self.name.startswith("parameter ") else self.name
        if self.kind == "experiment":  # `metric NAME`, `ask FUNCTION 2 OUTPUT`, `updates NET, SETTINGS parameter NAME`
            what, _, rest = self.name.partition(" ")
            own = {"metric": "metrics", "ask": f"ask {rest.partition(' ')[0]}"}
            return own.get(what, re.split(r", | (?:losses$|parameter |after \d+ )", self.name)[0])
        if self.kind == "variant" and " " in part:  # NAME: gradient PARAM
            return f"{head}, {part.rpartition(' ')[0]}"
        return head if self.kind in ("variant", "conduct") else self.name

    @property
    def id(self) -> str:
        return f"{self.paper}/{'~'.join(self.layers)}/{self.kind}/{self.quantity}"


def pair_rows(checks: Iterable[Check]) -> dict[str, list[dict[str, Any]]]:
    """By kind of comparison, one row per pair of layers and quantity, with its largest errors and its tolerance."""
    kinds: dict[str, dict[tuple[str, str], list[Check]]] = {kind: {} for kind in KINDS}
    for check in checks:
        if check.kind in kinds and (check.total or check.kind != "experiment"):  # whether it ran to its end is none
            kinds[check.kind].setdefault((" ~ ".join(check.layers), check.row), []).append(check)
    found: dict[str, list[dict[str, Any]]] = {}
    for kind, groups in kinds.items():
        found[kind] = []
        for (pair, quantity), members in sorted(groups.items()):
            outcomes, tolerance = {check.outcome for check in members}, members[0].tolerance
            numbers = {
                name: max(values) if (values := [v for c in members if (v := getattr(c, name)) is not None]) else None
                for name in ("error", "relative", "worst")
            }
            row = {
                "id": f"{pair}: {quantity}",
                "outcome": str(next(outcome for outcome in GRAVEST if outcome in outcomes)),
                **numbers,
                "tolerance": {"rtol": tolerance.rtol, "atol": tolerance.atol} if tolerance else None,
                "compared": sum(check.compared for check in members),
                "total": sum(check.total for check in members),
            }
            found[kind].append(row)
    return found


def compare(
    paper: Paper,
    kind: str,
    layers: tuple[str, ...],
    name: str,
    observed: Any,
    expected: Any,
    tolerance: Tolerance,
    seed: int | None = None,
    variant: str = "",
) -> Check:
    """Holds `observed` against `expected`, entry by entry: shape, then dtype, then finiteness, then values.

    A tolerance of the paper's own, by kind, layer and name, stands in for `tolerance`.
    """
    own = next((t for layer in layers if (t := paper.tolerance(kind, layer, name)) is not None), None)
    tolerance = own or tolerance

    found = hold(observed, expected, tolerance, (layers[0], layers[1] if len(layers) > 1 else "the reference"))
    judged = observed is not None and expected is not None and kind != "experiment"  # whose margins METRICS gives
    if judged and (unfit := unfit_tolerance(kind, tolerance)):
        found = Agreement(f"its tolerance {unfit}", total=int(np.size(expected)))
    against = f" against {layers[1]}" if len(layers) > 1 else ""
    where = f"paper {paper.id}, layer {layers[0]}{against}, {kind} {_quantity(seed, name, variant)}"
    message = f"{where}: {found.problem} ({tolerance})" if found.problem else ""
    outcome = Outcome.FAILED if found.problem else Outcome.PASSED
    numbers = {key: value for key, value in vars(found).items() if key != "problem"}
    return Check(paper.id, kind, layers, name, outcome, message, seed, tolerance, variant=variant, **numbers)


def relate(
    paper: Paper,
    layer: str,
    name: str,
    relation: str,
    left: Any,
    right: Any,
    tolerance: Tolerance | None,
    seed: int | None = None,
) -> Check:
    """An invariant's two sides: equal within tolerance, or ordered at every entry."""
    if relation == "==":
        chosen = TOLERANCES["invariant", None] if tolerance is None else tolerance
        return compare(paper, "invariant", (layer,), name, left, right, chosen, seed)
    orders: dict[str, Callable[[Array, Array], Array]] = {
        "<=": np.less_equal,
        "<": np.less,
        ">=": np.greater_equal,
        ">": np.greater,
    }

    def check(outcome: Outcome, message: str = "", compared: int = 0) -> Check:
        text = f"paper {paper.id}, layer {layer}, invariant {_quantity(seed, name)}: {message}" if message else ""
        total = 0 if right is None else int(np.size(right))
        return Check(paper.id, "invariant", (layer,), name, outcome, text, seed, EXACT, compared=compared, total=total)

    if left is None or right is None:
        return check(Outcome.FAILED, f"missing from {layer}")
    left, right = np.asarray(left), np.asarray(right)
    if relation not in orders:
        return check(Outcome.FAILED, f"unknown relation {relation!r}")
    if left.shape != right.shape:
        return check(Outcome.FAILED, f"sides of shapes {left.shape} and {right.shape}")
    if left.size == 0:
        return check(Outcome.FAILED, "no entry to compare")
    for side, array in (("left", left), ("right", right)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            return check(Outcome.FAILED, f"the {side} side is {array[at]} at index {index(at)}")
    holds = orders[relation](left, right)
    if holds.all():
        return check(Outcome.PASSED, compared=int(left.size))
    at = tuple(int(i) for i in np.argwhere(~holds)[0])
    return check(Outcome.FAILED, f"at index {index(at)}: {left[at]} is not {relation} {right[at]}", int(left.size))


def folded(checks: Iterable[Check]) -> list[str]:
    """The failures in one line each. Of a layer's outputs, which come in the order of computation, the first that disagrees
    is told in full and the later ones in a line together, since they are made of it."""
    groups: dict[tuple[object, ...], list[Check]] = {}
    for number, check in enumerate(c for c in checks if c.outcome is Outcome.FAILED):
        at = (check.kind, check.layers) if check.kind in ("forward", "variant") else (number,)
        groups.setdefault(at, []).append(check)
    return [line for group in groups.values() for line in (group[0].message, *_later(*group))]


def _later(first: Check, *others: Check, shown: int = 6) -> list[str]:
    """`paper 26, layer torch against numpy, forward: and 7 later: pooled, scores, ...; seeds 0, 1, 2`, if there are any."""
    if not others:
        return []
    names = [name for name in dict.fromkeys(check.name for check in others) if name != first.name]
    seeds = sorted({check.seed for check in others if check.seed is not None})
    listed = ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")
    where = f"paper {first.paper}, layer {' against '.join(first.layers)}, {first.kind}"
    at = f"; seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}" if seeds else ""
    return [f"{where}: and {len(names)} later: {listed}{at}" if names else f"{where}: and the same{at}"]


def _quantity(seed: int | None, name: str, variant: str = "") -> str:
    if variant:
        return f"variant {variant} {name}"
    return name if seed is None else f"seed {seed} {name}"
