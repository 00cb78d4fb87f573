"""Compares the experiments' evidence: each framework against the NumPy reference and against the other. Pure NumPy.

And holds what a card claims of metrics to what makes such a claim worth having: a control that stays at chance, and a rival
that has learnt something before it fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import TOLERANCES, Array, Outcome, Tolerance
from s30.evidence.store import Evidence
from s30.layers.catalogue import TRAINING
from s30.layers.frame import ASKED, SINGLE
from s30.verdict.parity import Check, Evidences, compare

KIND = "experiment"
ROUNDING = 1e-9  # of a metric that two frameworks compute from predictions of their own, as a share of it
UPPER, LOWER = ("at_most", "below"), ("at_least", "above")


def check_experiments(paper: Paper, experiments: Evidences) -> list[Check]:
    """Every check that the evidence of these experiments allows."""
    whole = {name: e for name, e in experiments.items() if e.outcome is Outcome.PASSED}
    checks = [check for name, evidence in whole.items() for check in _held(paper, name, evidence)]
    for one, other in itertools.combinations([name for name in TRAINING if name in whole], 2):
        checks += _pair(paper, (one, other), whole[one], whole[other])
    return checks


def unfit_claims(paper: Paper, experiments: Mapping[str, Evidence]) -> list[str]:
    """What the claims on metrics lack so that a wrong experiment would refute one of them, one line each."""
    described: dict[str, Mapping[str, Any]] = {}
    for evidence in experiments.values():
        described |= evidence.facts.get("described", {})
    if not described:
        return []
    claimed = [e for claim in paper.card["claims"] for e in claim.get("evidence", ()) if "metric" in e]
    known = [entry for entry in claimed if entry["metric"] in described]
    lines = []
    if not any(described[e["metric"]]["control"] and _stays(e, described[e["metric"]]["good"]) for e in known):
        lines.append(
            f"paper {paper.id}: no claim says that a control stays at chance: measure a metric with control=True, "
            f"and claim a bound that it meets only where nothing could be learnt"
        )
    shown = {described[e["metric"]]["model"] for e in known if _does_well(e, described[e["metric"]]["good"])}
    for name in dict.fromkeys(name for entry in known for name in _said_to_fail(entry, described)):
        model = described[name]["model"]
        if not model:
            lines.append(
                f"paper {paper.id}: {name} is claimed to be bad, but METRICS does not say of which model it is"
            )
        elif model not in shown:
            lines.append(
                f"paper {paper.id}: {name} is claimed to be bad, but no claim shows that the model {model} has learnt "
                f"anything: bound a metric of it on the good side, on an easier case"
            )
    return lines


def _said_to_fail(entry: Mapping[str, Any], described: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The metrics that a piece of evidence bounds on the bad side: its own, or the rival that it is said to beat."""
    for relation in (*UPPER, *LOWER):
        if relation not in entry:
            continue
        bound, side = entry[relation], "high" if relation in UPPER else "low"
        if described[entry["metric"]]["good"] == side and not described[entry["metric"]]["control"]:
            yield entry["metric"]
        rival = described.get(bound["metric"], {}) if isinstance(bound, Mapping) else {}
        if rival and not rival["control"] and rival["good"] == ("low" if side == "high" else "high"):
            yield bound["metric"]


def _does_well(entry: Mapping[str, Any], good: str) -> bool:
    return "equals" in entry or any(relation in entry for relation in {"high": LOWER, "low": UPPER}.get(good, ()))


def _stays(entry: Mapping[str, Any], good: str) -> bool:
    """Whether a bound keeps a control from being good; one whose good side is not said needs an upper one."""
    return "equals" in entry or any(relation in entry for relation in (LOWER if good == "low" else UPPER))


def _held(paper: Paper, layer: str, evidence: Evidence) -> Iterator[Check]:
    """What the frame held against `task.py` in the experiment's own process."""
    for quantity, found in evidence.facts["compared"].items():
        numbers = {name: found[name] for name in ("compared", "total", "error", "relative", "worst")}
        tolerance, problem = Tolerance(*found["tolerance"]), found["problem"]
        if own := paper.tolerance(KIND, layer, quantity):
            problem, numbers["worst"] = _by_its_own(found, tolerance, own)
            tolerance = own
        outcome = Outcome.FAILED if problem else Outcome.PASSED
        where = f"paper {paper.id}, layer {layer} against numpy, {KIND} {quantity}"
        message = f"{where}: {problem} ({tolerance})" if problem else ""
        layers = (layer, "numpy")
        yield Check(paper.id, KIND, layers, quantity, outcome, message, tolerance=tolerance, **numbers)


def _by_its_own(found: Mapping[str, Any], tolerance: Tolerance, own: Tolerance) -> tuple[str, float | None]:
    """The problem and the largest share of what is allowed, by a tolerance of the card's own. The frame knew the engine's alone,
    by which it tells the largest share; what differs in another way than by numbers stays a problem."""
    worst, wider = found["worst"], min(own.rtol / tolerance.rtol, own.atol / tolerance.atol)
    if worst is None or found["compared"] != found["total"]:
        return found["problem"], worst
    if found["problem"] and 1 < worst <= wider:
        return "", worst / wider
    return found["problem"] or (f"{worst / wider:.3g} times what is allowed" if worst > wider else ""), worst / wider


def _pair(paper: Paper, pair: tuple[str, str], one: Evidence, other: Evidence) -> Iterator[Check]:
    yield _questions(paper, pair, one, other)
    for prefix, name in (("updates/", "updates "), ("asked/", "ask ")):
        here, there = ({n: array for n, array in e.arrays.items() if n.startswith(prefix)} for e in (one, other))
        for key in dict.fromkeys([*here, *there]):
            left, right = here.get(key), there.get(key)
            tolerance = TOLERANCES["trajectory", None] if prefix == "updates/" else _asked(left)
            quantity = name + key.removeprefix(prefix).replace("/", " ").strip()
            yield compare(paper, KIND, pair, quantity, left, right, tolerance)
    for name, about in (one.facts["described"] | other.facts["described"]).items():
        if about["unit"].startswith("share") and about["spread"] >= 1:
            continue  # a share may then lie anywhere: what cannot fail is no check
        yield _metric(paper, pair, name, [e.facts["metrics"].get(name, []) for e in (one, other)], about["spread"])


def _metric(paper: Paper, pair: tuple[str, str], name: str, values: Sequence[Sequence[float]], spread: float) -> Check:
    """Whether the means of the two frameworks lie no further apart than METRICS says they may."""
    problem, apart = "is missing from one of them", None
    if all(values):
        left, right = map(fmean, values)
        apart = abs(left - right)
        allowed = spread + ROUNDING * abs(right)
        problem = f"{left:.6g} against {right:.6g}, with a spread of {spread:g}" if apart > allowed else ""
    message = f"paper {paper.id}, layer {pair[0]} against {pair[1]}, {KIND} metric {name}: {problem}" if problem else ""
    outcome = Outcome.FAILED if problem else Outcome.PASSED
    tolerance = Tolerance(ROUNDING, float(spread), "the spread that METRICS gives, and rounding")
    counted = int(apart is not None)
    return Check(
        paper.id,
        KIND,
        pair,
        f"metric {name}",
        outcome,
        message,
        tolerance=tolerance,
        error=apart,
        compared=counted,
        total=1,
    )


def _asked(answer: Array | None) -> Tolerance:
    return SINGLE if answer is not None and answer.dtype == np.float32 else ASKED


def _questions(paper: Paper, pair: tuple[str, str], one: Evidence, other: Evidence) -> Check:
    """Whether both frameworks were asked the same: the same data, starts, minibatches and rates, in the same order."""
    here, there = one.facts["questions"], other.facts["questions"]
    problem = ""
    for number, (left, right) in enumerate(itertools.zip_longest(here, there), 1):
        if left != right:
            problem = f"question {number}: {_difference(left, right, pair)}"
            break
    where = f"paper {paper.id}, layer {pair[0]} against {pair[1]}, {KIND} questions"
    message = f"{where}: {problem}" if problem else ""
    outcome = Outcome.FAILED if problem else Outcome.PASSED
    return Check(paper.id, KIND, pair, "questions", outcome, message, compared=len(here), total=len(here))


def _difference(left: Any, right: Any, pair: tuple[str, str]) -> str:
    if left is None or right is None or left[0] != right[0]:
        told = [
            f"{layer} is asked to {question[0]}" if question else f"{layer} no more"
            for layer, question in zip(pair, (left, right), strict=True)
        ]
        return ", ".join(told)
    argument = next(name for name in dict.fromkeys([*left[1], *right[1]]) if left[1].get(name) != right[1].get(name))
    return f"{left[0]}: its {argument} is {left[1].get(argument)} against {right[1].get(argument)}"
