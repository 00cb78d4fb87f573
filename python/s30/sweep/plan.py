"""What is to be measured, and in which jobs: a slot is one (paper, layer, task), a job one process for some papers of a layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from s30.corpus.registry import Paper
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers import catalogue
from s30.layers.catalogue import CHECKS, EXPERIMENT, Layer

Slot = tuple[str, str, str]  # paper, layer, task

TIME_LIMIT = 300.0  # seconds that a worker may spend on one paper

LAYER_COST = {"agda": 0, "tinygrad": 1, "jax": 2, "torch": 3, "sympy": 4, "numpy": 5}  # slowest first


@dataclass(frozen=True)
class Event:
    """What a display may show: `kind` is cached, start, waiting, stage, done, failed, not_run or damaged.

    `waiting` comes once for a job, with its first paper's slot, when another sweep measures the same.
    """

    kind: str
    slot: Slot
    text: str = ""
    seconds: float = 0.0


Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Job:
    """One process: a layer and a task on some papers."""

    layer: Layer
    task: str
    papers: tuple[Paper, ...]

    @property
    def name(self) -> str:
        """What no two jobs of a sweep share."""
        return f"{self.layer.name}-{self.task}-{self.papers[0].id if _alone(self.layer, self.task) else ''}"

    def slot(self, paper: Paper) -> Slot:
        return (paper.id, self.layer.name, self.task)


@dataclass(frozen=True)
class Options:
    """Where a sweep reads and writes, and how it runs. `time_limit` is in seconds per paper and layer."""

    root: Path
    cache: Path
    profile: str = "quick"
    seed: int = 0
    time_limit: float = TIME_LIMIT
    workers: int = field(default_factory=environment.cores)
    fresh: bool = False  # ignore what is cached
    parts: tuple[str, ...] = catalogue.PARTS  # of what an executable layer is asked


class Executor(Protocol):
    """Where jobs run. `run` yields each job's results as they come."""

    def run(self, jobs: Sequence[Job], options: Options, listen: Listener) -> dict[Slot, Evidence]: ...


def plan(slots: Sequence[tuple[Paper, Layer, str]]) -> list[Job]:
    """One job per layer for the checks, since importing dominates; one per paper where the work does: the experiments
    and tinygrad, whose long scheduling then spreads over the cores."""
    groups: dict[tuple[str, str, str], list[Paper]] = {}
    for paper, layer, task in slots:
        groups.setdefault((layer.name, task, paper.id if _alone(layer, task) else ""), []).append(paper)
    jobs = [Job(catalogue.get(name), task, tuple(papers)) for (name, task, _), papers in groups.items()]
    return sorted(jobs, key=lambda job: (LAYER_COST[job.layer.name], job.task, job.papers[0].id))


def _alone(layer: Layer, task: str) -> bool:
    return layer.job_per_paper or task == EXPERIMENT


def slots_for(papers: Sequence[Paper], names: Sequence[str], experiments: bool) -> list[tuple[Paper, Layer, str]]:
    """The checks of each paper in each named layer, and its experiments in those of them that train."""
    chosen = [catalogue.get(name) for name in names]
    slots = [(paper, layer, CHECKS) for layer in chosen for paper in papers]
    return slots + [(paper, layer, EXPERIMENT) for layer in chosen if experiments and layer.trains for paper in papers]
