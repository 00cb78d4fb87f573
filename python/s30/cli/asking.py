"""What the commands ask of the engine, from what the user named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from s30.corpus import registry
from s30.corpus.registry import Corpus, Paper
from s30.errors import S30Error, UsageError
from s30.evidence.environment import cache_folder
from s30.evidence.store import Evidence
from s30.layers import catalogue
from s30.layers.catalogue import LAYERS, Layer
from s30.sweep.cluster import DaskExecutor
from s30.sweep.plan import Executor, Options, Slot, slots_for
from s30.sweep.run import LocalExecutor, sweep
from s30.verdict.judge import Verification, judge, load_waivers
from s30.view import display
from s30.view.display import errors


def verified(
    chosen: Corpus,
    papers: list[Paper],
    names: Sequence[str],
    claims: bool,
    progress: display.Progress | None = None,
    executor: Executor | None = None,
    **settings: Any,
) -> Verification:
    """The verdict on these papers in these layers, swept with a progress display; `settings` go to `options_of`."""
    load_waivers(chosen.root)  # a malformed file is said before the work rather than after it
    for paper in papers:
        if paper.built:
            _ = paper.card
    progress = progress or display.Progress()
    slots = slots_for([p for p in papers if p.built], names, claims)
    results = swept(slots, options_of(chosen, **settings), progress, executor)
    errors.print(f"  {progress.measured} measured, {progress.cached} from the cache")
    return judge(chosen, papers, names, results, claims)


def swept(
    slots: Sequence[tuple[Paper, Layer, str]],
    options: Options,
    progress: display.Progress,
    executor: Executor | None = None,
) -> dict[Slot, Evidence]:
    """The evidence of these slots, while the progress is shown."""
    with progress:
        return sweep(slots, options, progress, executor)


def executor_of(name: str | None, scheduler: str | None, workers: int | None) -> Executor:
    """Where jobs run. Raises UsageError for options that contradict each other."""
    if name not in (None, "local", "dask"):
        raise UsageError(f"no executor {name!r}: choose local or dask")
    if scheduler and name == "local":
        raise UsageError("--scheduler names a Dask cluster: leave out --executor local")
    if scheduler and workers is not None:
        raise UsageError("--scheduler names a cluster that has its own workers: leave out --workers")
    return DaskExecutor(scheduler) if scheduler or name == "dask" else LocalExecutor()


def options_of(chosen: Corpus, workers: int | None = None, **settings: Any) -> Options:
    """The sweep's options. Raises UsageError for a limit or a number of workers that is not positive."""
    if not settings.get("time_limit", 1.0) > 0:
        raise UsageError("--time-limit must be positive")
    if workers is not None and workers < 1:
        raise UsageError("--workers must be at least 1")
    options = Options(chosen.root, cache_folder(chosen.root), **settings)
    return replace(options, workers=workers) if workers else options


def select(chosen: Corpus, papers: list[str] | None) -> list[Paper]:
    """The papers that are named, all that have a room when none is. Raises S30Error when there are none."""
    selected = chosen.select(papers or [])
    if not selected:
        raise S30Error(f"no paper in {chosen.root / registry.REGISTRY} has a room yet: `s30 new` lays one out")
    return selected


def built(paper: Paper) -> Paper:
    """The paper, if it has a room. Raises UsageError with what lays one out."""
    if not paper.built:
        raise UsageError(f"paper {paper.id} ({paper.slug}) has no room yet: `s30 new {paper.id}` lays it out")
    return paper


def names_among(chosen: list[str] | None, among: Sequence[str] = tuple(LAYERS)) -> list[str]:
    """The layers that are named, in the order of the six; all of `among` when none is. Raises UsageError."""
    for name in chosen or ():
        catalogue.get(name)
        if name not in among:
            raise UsageError(f"layer {name!r} has no experiment: choose from {', '.join(among)}")
    return [name for name in LAYERS if name in (chosen or among)]


def with_reference(names: Sequence[str]) -> list[str]:
    """The layers, and NumPy with those that are compared with it."""
    compared = any(LAYERS[name].executable or name == "sympy" for name in names)
    return [name for name in LAYERS if name in names or (name == "numpy" and compared)]


def profile_of(profile: str) -> str:
    """The profile, if it is one that a user may name. Raises UsageError."""
    if profile not in ("quick", "full"):
        raise UsageError(f"no profile {profile!r}: choose quick or full")
    return profile
