"""What is to be measured, and in which jobs: a slot is one (paper, layer, task), a job one process for some papers of a layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from s30.corpus.registry import Paper
from s30.evidence import environment
from s30.evidence.store import Evidence
from s30.layers import catalogue
from s30.layers.catalogue import CHECKS, EXPERIMENT, Layer
from s30.sweep.durations import START, Durations, spread

Slot = tuple[str, str, str]  # paper, layer, task
Wanted = tuple[Paper, Layer, str]  # what a slot names

TIME_LIMIT = 300.0  # seconds that a worker may spend on one paper

SHORTEST = 10.0  # processor seconds below which a job is not split: it would import its framework twice
LONGEST = 60.0  # processor seconds of a job that could be several: it is as long as that, and its process keeps as much memory


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
    whole: bool = True  # whether it is all that the sweep asks of this layer and task

    @property
    def name(self) -> str:
        """What no two jobs of a sweep share."""
        return f"{self.layer.name}-{self.task}-{'' if self.whole else self.papers[0].id}"

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
    """Where jobs run. It plans for as many workers as it has."""

    def run(self, slots: Sequence[Wanted], options: Options, listen: Listener) -> dict[Slot, Evidence]: ...


def plan(slots: Sequence[Wanted], workers: int, durations: Durations) -> list[Job]:
    """The jobs for so many workers, the longest first, by what each slot took when it was last measured.

    Checks of one layer share a process, since importing dominates: as many processes as keep each below a worker's fair
    share of the whole and below LONGEST, but none below SHORTEST. An experiment has a process of its own, and so has a
    paper in tinygrad, which imports in no time and works for long. Agda checks all papers in one process, since they share
    its libraries.
    """
    groups: dict[tuple[str, str], list[Paper]] = {}
    for paper, layer, task in slots:
        groups.setdefault((layer.name, task), []).append(paper)
    seconds = {
        group: {paper.id: durations.of(paper.id, *group) for paper in papers} for group, papers in groups.items()
    }
    fair = sum(START[name] + sum(seconds[name, task].values()) for name, task in groups) / workers
    jobs: list[tuple[float, Job]] = []
    for (name, task), papers in groups.items():
        layer, took = catalogue.get(name), seconds[name, task]
        parts = 1 if name == "agda" else math.ceil(sum(took.values()) / min(max(fair, SHORTEST), LONGEST))
        alone = layer.job_per_paper or task == EXPERIMENT
        for numbers in spread(took.items(), len(papers) if alone else max(1, min(parts, len(papers)))):
            chosen = tuple(paper for paper in papers if paper.id in numbers)
            job = Job(layer, task, chosen, whole=not alone and len(chosen) == len(papers))
            jobs.append((START[name] + sum(took[paper.id] for paper in chosen), job))
    return [job for _, job in sorted(jobs, key=lambda item: (-item[0], item[1].name))]


def slots_for(papers: Sequence[Paper], names: Sequence[str], experiments: bool) -> list[tuple[Paper, Layer, str]]:
    """The checks of each paper in each named layer, and its experiments in those of them that train."""
    chosen = [catalogue.get(name) for name in names]
    slots = [(paper, layer, CHECKS) for layer in chosen for paper in papers]
    return slots + [(paper, layer, EXPERIMENT) for layer in chosen if experiments and layer.trains for paper in papers]
