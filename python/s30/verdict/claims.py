"""Evaluates what a paper's card claims. A claim holds only if all its evidence was measured and holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import TRAINING
from s30.verdict.parity import Check

Metrics = Mapping[str, Mapping[str, list[float]]]  # by training layer, then by name, a list of values

PROVED = ("identity", "theorem")
RELATIONS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "="}


@dataclass(frozen=True)
class Finding:
    """One piece of evidence: what was looked at, what came out, in words that hold the measured values.

    `values` are those of a metric that was held against its bound: `value`, `relation`, `limit`, `within` where the card
    allows a margin, and `limit_from`, the card's own words, where the limit is another metric's and so measured as well.
    """

    subject: str
    outcome: Outcome
    measured: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """One claim of a card with what its evidence showed. `message` is empty when it holds."""

    paper: str
    claim: str
    kind: str
    statement: str
    source: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    reason: str = ""

    @property
    def id(self) -> str:
        return f"{self.paper}/claim/{self.claim}"

    @property
    def message(self) -> str:
        unmet = [f for f in self.findings if f.outcome is not Outcome.PASSED]
        return (
            f"paper {self.paper}, claim {self.claim}: " + "; ".join(f"{f.subject}: {f.measured}" for f in unmet)
            if unmet
            else ""
        )


def check_claims(paper: Paper, checks: Iterable[Check], experiments: Mapping[str, Evidence]) -> list[Verdict]:
    """A verdict for each claim of the card, from the floor's checks and from the experiments by training layer."""
    by_subject: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        by_subject.setdefault((check.kind, check.subject), []).append(check)
    metrics = {name: e.facts["metrics"] for name, e in experiments.items() if e.outcome is Outcome.PASSED}
    why_not = {name: (e.outcome, e.error) for name, e in experiments.items() if e.outcome is not Outcome.PASSED}
    described: dict[str, Any] = {}
    for experiment in experiments.values():
        described |= experiment.facts.get("described", {})
    verdicts = []
    for claim in paper.card["claims"]:
        findings: list[Finding] = []
        for evidence in claim.get("evidence", ()):
            if "metric" in evidence:
                over = described.get(evidence["metric"], {}).get("over", "seeds")
                named = evidence.get("layers", TRAINING)
                findings += [_metric(evidence, layer, metrics, why_not, over) for layer in named]
            else:
                ((kind, name),) = evidence.items()
                findings.append(_checked(kind, name, by_subject.get((kind, name), [])))
        outcome = Outcome.NOT_APPLICABLE if claim["kind"] == "out_of_scope" else _joint(findings)
        verdicts.append(
            Verdict(
                paper.id,
                claim["id"],
                claim["kind"],
                claim["statement"],
                claim["source"],
                outcome,
                tuple(findings),
                claim.get("reason", ""),
            )
        )
    return verdicts


@dataclass(frozen=True)
class Coverage:
    """Which numbered items of the paper something carries, and which the card leaves out, each with its reason."""

    carried: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def items(self) -> int:
        return len(self.carried) + len(self.left_out)

    def __str__(self) -> str:
        left = f", {len(self.left_out)} left out" if self.left_out else ""
        return f"{len(self.carried)} of {self.items}{left}"


def coverage(paper: Paper) -> Coverage:
    """What the card says of each item; empty where it says nothing yet."""
    entries = paper.card.get("coverage", ())
    return Coverage(
        tuple(entry["item"] for entry in entries if "carried_by" in entry),
        {entry["item"]: entry["left_out"] for entry in entries if "left_out" in entry},
    )


def names_of(listed: str | Sequence[str]) -> tuple[str, ...]:
    """The names in a card, where one may stand without a list."""
    return (listed,) if isinstance(listed, str) else tuple(listed)


def cell(values: Sequence[float]) -> str:
    """Values in few characters: their mean, and their range where they differ."""
    if not values:
        return "-"
    spread = f" ({number(min(values), 4)} to {number(max(values), 4)})" if len(set(values)) > 1 else ""
    return number(fmean(values), 4) + spread


def number(value: float, digits: int = 6) -> str:
    """A number for readers: whole ones in full, others to some digits."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.{digits}g}"


def bound_of(evidence: Mapping[str, Any]) -> str:
    """What a card claims of a metric, such as `>= 0.95` or `< 0.8 updates_forget_bias_0`."""
    relation = next(word for word in RELATIONS if word in evidence)
    bound, within = evidence[relation], evidence.get("within")
    if isinstance(bound, dict):
        times, plus = bound.get("times", 1.0), bound.get("plus", 0.0)
        factor = f"{number(times)} " if times != 1 else ""
        shift = f" {'+' if plus > 0 else '-'} {number(abs(plus))}" if plus else ""
        words = f"{factor}`{bound['metric']}`{shift}"
    else:
        words = f"{number(bound)}"
    return f"{RELATIONS[relation]} {words}" + (f" within {number(within)}" if within else "")


def holds(relation: str, value: float, limit: float, within: float = 0.0) -> bool:
    """Whether a value meets its bound. `within` is the margin of `equals`."""
    return {
        "at_least": value >= limit,
        "at_most": value <= limit,
        "above": value > limit,
        "below": value < limit,
        "equals": abs(value - limit) <= within,
    }[relation]


def _joint(findings: list[Finding]) -> Outcome:
    outcomes = {finding.outcome for finding in findings}
    if Outcome.FAILED in outcomes:
        return Outcome.FAILED
    return Outcome.PASSED if outcomes == {Outcome.PASSED} else Outcome.NOT_RUN


def _checked(kind: str, name: str, checks: list[Check]) -> Finding:
    subject = f"{kind} {name}"
    if not checks:
        return Finding(subject, Outcome.NOT_RUN, "was not checked")
    failed = [check for check in checks if check.outcome is not Outcome.PASSED]
    if failed:
        return Finding(subject, Outcome.FAILED, failed[0].message)
    layers = sorted({name for check in checks for name in check.layers})
    return Finding(
        subject,
        Outcome.PASSED,
        f"holds in {', '.join(layers)} ({len(checks)} checks)" if kind not in PROVED else "proved",
    )


def _metric(
    evidence: Mapping[str, Any], layer: str, metrics: Metrics, why_not: Mapping[str, tuple[Outcome, str]], over: str
) -> Finding:
    name = evidence["metric"]
    relation = next(word for word in RELATIONS if word in evidence)
    bound = evidence[relation]
    subject = f"{layer} {name}"
    if layer not in metrics:
        return Finding(subject, *why_not.get(layer, (Outcome.NOT_RUN, "the experiment was not run")))
    needed = [name, *([bound["metric"]] if isinstance(bound, dict) else [])]
    absent = [n for n in needed if n not in metrics[layer]]
    if absent:
        return Finding(subject, Outcome.FAILED, f"the experiment measured no {absent[0]!r}")
    values = {n: fmean(metrics[layer][n]) for n in needed}
    observed = values[name]
    limit = (
        bound
        if not isinstance(bound, dict)
        else values[bound["metric"]] * bound.get("times", 1.0) + bound.get("plus", 0.0)
    )
    within = evidence.get("within", 0.0)
    outcome = Outcome.PASSED if holds(relation, observed, limit, within) else Outcome.FAILED
    spread = metrics[layer][name]
    several = f" (mean of {len(spread)} {over}, {min(spread):.4g} to {max(spread):.4g})" if len(spread) > 1 else ""
    margin = f" within {within:g}" if within else ""
    words = f"{observed:.6g}{several}; claimed {RELATIONS[relation]} {limit:.6g}{margin}"
    numbers: dict[str, Any] = {"value": observed, "relation": relation, "limit": float(limit)}
    numbers |= {"within": within} if within else {}
    numbers |= {"limit_from": dict(bound)} if isinstance(bound, dict) else {}
    return Finding(subject, outcome, words, numbers)
