"""Evaluates what a paper's card claims. A claim holds only if all its evidence was measured and holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from s30.corpus import Paper
from s30.evidence import Evidence
from s30.layers import EXECUTABLE, TRAINING
from s30.parity import Check
from s30.vocabulary import Outcome

Metrics = Mapping[str, Mapping[str, list[float]]]  # by training layer, then by name, one value per seed

RELATIONS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "="}


@dataclass(frozen=True)
class Finding:
    """One piece of evidence: what was looked at, what came out, in words that hold the measured values."""

    subject: str
    outcome: Outcome
    measured: str
    values: Mapping[str, float] = field(default_factory=dict)


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
        name = check.quantity.split(" ", 2)[-1] if check.kind in ("invariant", "bridge") else check.quantity
        by_subject.setdefault((check.kind, name), []).append(check)
    metrics = {name: e.facts["metrics"] for name, e in experiments.items() if e.outcome is Outcome.PASSED}
    why_not = {name: e.error for name, e in experiments.items() if e.error}
    verdicts = []
    for claim in paper.card["claims"]:
        findings: list[Finding] = []
        for evidence in claim.get("evidence", ()):
            if "metric" in evidence:
                findings += [_metric(evidence, layer, metrics, why_not) for layer in evidence.get("layers", TRAINING)]
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


def unresolved_names(paper: Paper, evidences: Mapping[str, Evidence], experiments: Mapping[str, Evidence]) -> list[str]:
    """Names in the card's equation map that nothing carries, each as one line."""
    known: dict[str, set[str]] = {
        kind: set() for kind in ("output", "parameter", "identity", "bridge", "invariant", "theorem", "metric")
    }
    executable = [evidences[name] for name in EXECUTABLE if name in evidences]
    for evidence in executable:
        known["output"] |= evidence.group("seed0/output").keys()
        known["parameter"] |= evidence.group("seed0/gradient").keys()
        known["invariant"] |= {name.rpartition("/")[0] for name in evidence.group("seed0/invariant")}
    if "sympy" in evidences:
        known["identity"] |= evidences["sympy"].facts.get("identities", {}).keys()
        known["bridge"] |= evidences["sympy"].facts.get("bridges", {}).keys()
    if "agda" in evidences:
        known["theorem"] |= evidences["agda"].facts.get("theorems", {}).keys()
    for evidence in experiments.values():
        known["metric"] |= evidence.facts.get("metrics", {}).keys()
    return [
        f"paper {paper.id}, equation {equation['id']}: no {kind} is named {name!r}"
        for equation in paper.card["equations"]
        for kind, name in equation["carried_by"].items()
        if known[kind] and name not in known[kind]
    ]


def _joint(findings: list[Finding]) -> Outcome:
    outcomes = {finding.outcome for finding in findings}
    if not findings or (Outcome.NOT_RUN in outcomes - {Outcome.FAILED} and Outcome.FAILED not in outcomes):
        return Outcome.NOT_RUN
    return Outcome.FAILED if Outcome.FAILED in outcomes else Outcome.PASSED


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
        f"holds in {', '.join(layers)} ({len(checks)} checks)" if kind in ("invariant", "bridge") else "proved",
    )


def _metric(evidence: Mapping[str, Any], layer: str, metrics: Metrics, why_not: Mapping[str, str]) -> Finding:
    name = evidence["metric"]
    relation = next(word for word in RELATIONS if word in evidence)
    bound = evidence[relation]
    subject = f"{layer} {name}"
    if layer not in metrics:
        return Finding(
            subject,
            Outcome.NOT_RUN if layer not in why_not else Outcome.FAILED,
            why_not.get(layer, "the experiment was not run"),
        )
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
    holds = {
        "at_least": observed >= limit,
        "at_most": observed <= limit,
        "above": observed > limit,
        "below": observed < limit,
        "equals": abs(observed - limit) <= within,
    }[relation]
    spread = metrics[layer][name]
    seeds = f" (mean of {len(spread)} seeds, {min(spread):.4g} to {max(spread):.4g})" if len(spread) > 1 else ""
    margin = f" within {within:g}" if within else ""
    words = f"{observed:.6g}{seeds}; claimed {RELATIONS[relation]} {limit:.6g}{margin}"
    return Finding(subject, Outcome.PASSED if holds else Outcome.FAILED, words, {**values, "limit": float(limit)})
