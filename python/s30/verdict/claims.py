"""Evaluates what a paper's card claims. A claim holds only if all its evidence was measured and holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, EXECUTABLE, TRAINING
from s30.verdict.parity import Check

Metrics = Mapping[str, Mapping[str, list[float]]]  # by training layer, then by name, a list of values

PROVED = ("identity", "theorem")
WIDEST_SPREAD = 0.5  # of a share, between two frameworks
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


def unresolved_names(paper: Paper, evidences: Mapping[str, Evidence], experiments: Mapping[str, Evidence]) -> list[str]:
    """Names in the card that nothing carries, each as one line: of the equations, the coverage and the controls.

    A kind of name is judged once a layer that could carry it has finished; one that has not is a failure of its own.
    """
    known = _known(paper, evidences, experiments)
    places = [(f"equation {entry['id']}", entry["carried_by"]) for entry in paper.card["equations"]]
    places += [
        (f"coverage of {entry['item']}", entry["carried_by"])
        for entry in paper.card.get("coverage", ())
        if "carried_by" in entry
    ]
    bounded = {e["metric"] for claim in paper.card["claims"] for e in claim.get("evidence", ()) if "metric" in e}
    return [
        f"paper {paper.id}, {place}: no {kind} is named {name!r}"
        for place, carried_by in places
        for kind, listed in carried_by.items()
        for name in names_of(listed)
        if not (_is_file(paper, name) if kind == "file" else name in known.get(kind, (name,)))
    ] + [
        f"paper {paper.id}, claim {claim['id']}: its control {name!r} is no metric that a claim bounds"
        for claim in paper.card["claims"]
        for name in names_of(claim.get("control", ()))
        if name not in bounded
    ]


def _is_file(paper: Paper, name: str) -> bool:
    """Whether a file of that name lies in the room."""
    path = (paper.folder / name).resolve()
    return path.is_file() and path.is_relative_to(paper.folder.resolve())


def _known(paper: Paper, evidences: Mapping[str, Evidence], experiments: Mapping[str, Evidence]) -> dict[str, set[str]]:
    """The names there are, by kind, of those kinds that can be judged. A claim that is out of scope carries nothing."""
    known: dict[str, set[str]] = {"claim": {c["id"] for c in paper.card["claims"] if c["kind"] != "out_of_scope"}}

    def add(kind: str, names: Iterable[str]) -> None:
        known.setdefault(kind, set()).update(names)

    for layer, evidence in evidences.items():
        if evidence.outcome is not Outcome.PASSED:
            continue
        if layer in EXECUTABLE:
            add("output", evidence.group("seed0/output"))
            add("invariant", (asked["name"] for asked in evidence.facts.get("invariants", ())))
            add("variant", _stated(evidence, "variants"))
        if layer in AUTODIFF:
            add("parameter", evidence.group("seed0/gradient"))
        if layer == "sympy":
            add("identity", evidence.facts["identities"])
            add("bridge", evidence.facts["bridges"])
        if layer == "agda":
            add("theorem", [*evidence.facts["theorems"], *evidence.facts.get("unfolded", ())])
            add("evaluation", _stated(evidence, "evaluations"))
    finished = [e for layer, e in evidences.items() if layer in EXECUTABLE and e.outcome is Outcome.PASSED]
    if len(finished) == len(EXECUTABLE):  # an oracle may be one layer's own
        add("oracle", (name for evidence in finished for name in _stated(evidence, "oracles")))
    for evidence in experiments.values():
        if evidence.outcome is Outcome.PASSED:
            add("metric", evidence.facts["metrics"])
    return known


def _stated(evidence: Evidence, fact: str) -> set[str]:
    """The names of what a fact lists, as a mapping by name or as entries that have one."""
    return {str(entry["name"]) if isinstance(entry, Mapping) else str(entry) for entry in evidence.facts.get(fact, ())}


def idle_bounds(paper: Paper, experiments: Mapping[str, Evidence]) -> list[str]:
    """Bounds of shares, which lie between 0 and 1, that no share could miss, and spreads that hardly two would, one line each."""
    unit = {
        name: about["unit"]
        for evidence in experiments.values()
        for name, about in evidence.facts.get("described", {}).items()
    }
    spread = {n: a["spread"] for e in experiments.values() for n, a in e.facts.get("described", {}).items()}
    lines = [
        f"paper {paper.id}: two frameworks whose {name} lie {number(spread[name])} apart would agree: it is a share"
        for name in unit
        if unit[name] == "share" and spread[name] >= WIDEST_SPREAD
    ]
    for claim in paper.card["claims"]:
        for piece in claim.get("evidence", ()):
            if unit.get(piece.get("metric")) == "share" and (limits := _limits(piece, unit)) and _idle(piece, *limits):
                lines.append(
                    f"paper {paper.id}, claim {claim['id']}: {piece['metric']} {bound_of(piece)} cannot be missed: "
                    "it is a share, and lies between 0 and 1"
                )
            elif (mean := _farthest(piece, experiments)) is not None:
                lines.append(
                    f"paper {paper.id}, claim {claim['id']}: {piece['metric']} {bound_of(piece)} is more than {FAR:g} times "
                    f"as far from 0 as what was measured, {number(mean)}: give a `reason`"
                )
    return lines


FAR = 10.0  # times what was measured: a bound beyond says nothing, unless the card gives a reason


def _farthest(piece: Mapping[str, Any], experiments: Mapping[str, Evidence]) -> float | None:
    """The mean that was measured, of a bound that lies far beyond it on the side where it cannot be missed."""
    relation = next((word for word in RELATIONS if word in piece), "equals")
    if "metric" not in piece or "reason" in piece or relation == "equals" or isinstance(piece[relation], Mapping):
        return None
    bound = float(piece[relation])
    means = [
        fmean(e.facts["metrics"][piece["metric"]])
        for e in experiments.values()
        if piece["metric"] in e.facts.get("metrics", {})
    ]
    if not means or abs(bound) <= FAR * max(map(abs, means)) or abs(bound) <= 1.0:
        return None
    easy = bound < 0 if relation in ("at_least", "above") else bound > 0
    return max(means, key=abs) if easy else None


def _limits(piece: Mapping[str, Any], unit: Mapping[str, str]) -> tuple[float, float] | None:
    """Between what the limit of a bound lies, where that is known."""
    bound = piece[next(word for word in RELATIONS if word in piece)]
    if not isinstance(bound, Mapping):
        return float(bound), float(bound)
    if unit.get(bound["metric"]) != "share":
        return None
    plus, times = bound.get("plus", 0.0), bound.get("times", 1.0)
    return min(plus, plus + times), max(plus, plus + times)


def _idle(piece: Mapping[str, Any], low: float, high: float) -> bool:
    within = float(piece.get("within", 0.0))
    return {
        "at_least": high <= 0,
        "above": high < 0,
        "at_most": low >= 1,
        "below": low > 1,
        "equals": high - within <= 0 and low + within >= 1,
    }[next(word for word in RELATIONS if word in piece)]


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
