"""Runs a room's experiment in one framework, and turns what it measured into evidence:

facts   questions    every question with a digest of each argument, in order: equal in both frameworks
        trainings    of each the network, the number of updates, the number of examples seen
        compared     answers in float64 against the NumPy reference, by quantity
        updates      labels of the trainings whose first updates were repeated in float64 (more of the first)
        metrics, described, figures
arrays  updates/LABEL/...                  losses and parameters of those first updates
        asked/FUNCTION/COUNT/OUTPUT        answers for which task.py has no reference
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import is_dataclass
from typing import Any

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Experiment, Figure, Metric
from s30.errors import S30Error, one_line, place
from s30.evidence.store import Evidence, canonical
from s30.layers.catalogue import TRIAL
from s30.layers.frame import Frame


def measure(
    paper: Paper,
    layer: str,
    double: Callable[[bool], AbstractContextManager[None]],
    profile: str,
    seed: int,
    report: Callable[[str], None],
) -> Evidence:
    """The evidence of one framework. Raises S30Error where task.py or experiment.py do not keep to their contract."""
    task, module, trial = paper.module("task.py"), paper.module(f"{layer}/experiment.py"), profile == TRIAL
    frame = Frame(layer, module, task, double, trial, report)
    result = task.run("quick" if trial else profile, seed, frame)
    if not isinstance(result, Experiment):
        raise S30Error(f"task.run must return an Experiment, not {type(result).__name__}")
    frame.finish()
    metrics = {} if trial else metrics_of(result)
    facts = {
        "profile": profile,
        "seed": seed,
        "questions": [[kind, arguments] for kind, arguments in frame.questions],
        "trainings": frame.trainings,
        "updates": frame.updates,
        "compared": {
            quantity: {**vars(found), "tolerance": [tolerance.rtol, tolerance.atol]}
            for quantity, (found, tolerance) in frame.compared.items()
        },
        "metrics": metrics,
        "described": {} if trial else described(meanings(paper), metrics),
        "figures": {} if trial else figures_of(result),
    }
    return Evidence(paper.id, layer, frame.arrays, facts)


def meanings(paper: Paper) -> dict[str, Metric]:
    """`task.METRICS` of a room, by name. Raises S30Error, in one line, when it cannot be had."""
    try:
        found = dict(paper.module("task.py").METRICS)
    except Exception as error:  # whatever a room's file raises while it is executed
        raise S30Error(f"{place(error, paper.folder, paper.root)}{one_line(error)}") from None
    for name, metric in found.items():
        if not isinstance(metric, Metric):
            raise S30Error(f"METRICS of task.py holds {type(metric).__name__} as {name!r}, not a Metric")
    return found


def metrics_of(result: Experiment) -> dict[str, list[float]]:
    """Every metric as a list of numbers. Raises S30Error when one is not finite."""
    metrics = {}
    for name, value in result.metrics.items():
        values = [float(v) for v in value] if isinstance(value, Sequence) else [float(value)]
        if not values or not all(v == v and abs(v) != float("inf") for v in values):
            raise S30Error(f"the metric {name!r} is not finite: {values}")
        metrics[name] = values
    return metrics


def described(meanings: Mapping[str, Metric], metrics: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """What `task.METRICS` says of each. Raises S30Error unless these are the metrics that were measured."""
    if absent := [name for name in metrics if name not in meanings]:
        raise S30Error(f"METRICS of task.py does not say what {absent[0]!r} is")
    if absent := [name for name in meanings if name not in metrics]:
        raise S30Error(f"METRICS of task.py holds {absent[0]!r}, which was not measured")
    for name, values in metrics.items():
        if len(values) > 1 and not meanings[name].over:
            raise S30Error(f"METRICS of task.py says that {name!r} is one number: it has {len(values)} values")
    return {name: dict(vars(meanings[name])) for name in metrics}


def figures_of(result: Experiment) -> dict[str, dict[str, Any]]:
    """Every figure as JSON. Raises S30Error when one holds a NaN or an infinity."""
    figures = {name: _plain(figure) for name, figure in result.figures.items()}
    for name, figure in figures.items():
        try:
            canonical(figure)
        except ValueError:
            raise S30Error(f"the figure {name!r} holds a NaN or an infinity") from None
    return figures


def _plain(figure: Figure) -> dict[str, Any]:
    """A figure as JSON: its kind and its fields, arrays as nested lists rounded to seven digits."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, str) or value is None or isinstance(value, bool):
            return value
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        if is_dataclass(value):  # a panel
            return _plain(value)  # type: ignore[arg-type]
        if hasattr(value, "tolist"):
            return plain(value.tolist())
        return float(f"{float(value):.7g}") if isinstance(value, float) else value

    return {"kind": type(figure).__name__, **{name: plain(value) for name, value in vars(figure).items()}}
