"""How much room the bounds of a card leave, over several seeds of its experiments and in every framework that ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import LAYERS, TRAINING
from s30.verdict.claims import Finding, bound_of, check_claims

Run = tuple[int, str]  # seed, training layer


@dataclass(frozen=True)
class Margin:
    """One bound of one claim, over all runs.

    `low` and `high` are the least and the greatest mean; `room` is how far the run at `seed` in `layer`, which comes closest,
    lies on the good side of its limit, in the metric's unit, and `spread` by how much this differs between runs.
    """

    claim: str
    metric: str
    bound: str
    low: float
    high: float
    room: float
    spread: float
    seed: int
    layer: str
    missed: int  # runs that miss the bound
    runs: int

    @property
    def told(self) -> str:
        """Where the bound is closest, in words."""
        return f"seed {self.seed}, {LAYERS[self.layer].title}"


def margins(paper: Paper, experiments: Mapping[int, Mapping[str, Evidence]]) -> list[Margin]:
    """Of each bound on a metric, in the card's order; `experiments` are by seed and training layer."""
    found: dict[tuple[str, str, str], dict[Run, Finding]] = {}
    for seed, of_seed in experiments.items():
        verdicts = check_claims(paper, (), of_seed)
        for claim, verdict in zip(paper.card["claims"], verdicts, strict=True):
            for piece, layer, finding in _bounds(claim, verdict.findings):
                at = (claim["id"], piece["metric"], bound_of(piece))
                if finding.values:
                    found.setdefault(at, {})[seed, layer] = finding
    return [_margin(at, runs) for at, runs in found.items()]


def _bounds(
    claim: Mapping[str, Any], findings: tuple[Finding, ...]
) -> Iterator[tuple[Mapping[str, Any], str, Finding]]:
    """Each bound on a metric with the layer and the finding that it has there, in the order in which `check_claims` gives them."""
    rest = iter(findings)
    for piece in claim.get("evidence", ()):
        layers = piece.get("layers", TRAINING) if "metric" in piece else ("",)
        for layer in layers:
            finding = next(rest)
            if layer:
                yield piece, layer, finding


def _margin(at: tuple[str, str, str], runs: Mapping[Run, Finding]) -> Margin:
    rooms = {run: room(finding.values) for run, finding in runs.items()}
    seed, layer = closest = min(rooms, key=lambda run: rooms[run])
    values = [finding.values["value"] for finding in runs.values()]
    spread = max(rooms.values()) - rooms[closest]
    missed = sum(finding.outcome is not Outcome.PASSED for finding in runs.values())
    return Margin(*at, min(values), max(values), rooms[closest], spread, seed, layer, missed, len(runs))


def room(values: Mapping[str, Any]) -> float:
    """How far a measured value lies on the good side of its limit; negative on the other."""
    value, limit = float(values["value"]), float(values["limit"])
    if values["relation"] == "equals":
        return float(values.get("within", 0.0)) - abs(value - limit)
    return value - limit if values["relation"] in ("at_least", "above") else limit - value
