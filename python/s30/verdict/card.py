"""What a paper's card names and bounds: names that nothing carries, and bounds that nothing measured could miss."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, EXECUTABLE
from s30.verdict.claims import RELATIONS, bound_of, names_of, number

WIDEST_SPREAD = 0.5  # of a share, between two frameworks
FAR = 10.0  # times what was measured: a bound beyond says nothing, unless the card gives a reason


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
