"""Brings the evidence of many papers and layers up to date: finds what is cached, runs the rest in worker processes.

Slots that lack an entry are grouped into jobs, one process each, so that a framework is imported at most once per job.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence import locks, store
from s30.evidence.store import DamagedEntryError, Evidence
from s30.layers import catalogue, provenance
from s30.layers.catalogue import Layer
from s30.sweep.durations import Durations
from s30.sweep.plan import Event, Executor, Job, Listener, Options, Slot, Wanted, plan
from s30.sweep.processes import JobRunner

ROOM = 1 << 20  # bytes that must be free in the cache before work begins


def sweep(
    slots: Sequence[Wanted], options: Options, listen: Listener, executor: Executor | None = None
) -> dict[Slot, Evidence]:
    """The evidence of every slot. A layer that is missing here yields `not_run` evidence with the remedy."""
    results: dict[Slot, Evidence] = {}
    stale: list[Wanted] = []
    for paper, layer, task in slots:
        slot = (paper.id, layer.name, task)
        lacking = catalogue.missing(layer)
        if lacking:
            results[slot] = Evidence(paper.id, layer.name, error=lacking, outcome=Outcome.NOT_RUN)
            listen(Event("not_run", slot, lacking))
        elif not options.fresh and (found := _cached(paper, layer, task, options, listen)):
            results[slot] = found
            listen(Event("cached", slot))
        else:
            stale.append((paper, layer, task))
    if stale:
        measured = (executor or LocalExecutor()).run(stale, options, listen)
        Durations(options.cache, options.profile).learn(measured)
        results |= measured
    return results


def _cached(paper: Paper, layer: Layer, task: str, options: Options, listen: Listener) -> Evidence | None:
    key = provenance.key(paper, layer, task, options.profile, options.seed, options.parts)
    try:
        found = store.load(options.cache, key)
    except DamagedEntryError as error:
        listen(Event("damaged", (paper.id, layer.name, task), f"{error}; it is measured again"))
        store.discard(options.cache, key)
        return None
    return found if found is not None and found.outcome is Outcome.PASSED else None


class LastWord:
    """A listener for events from many threads. Once closed it tells nothing more: the last word is the interrupter's."""

    def __init__(self, listen: Listener) -> None:
        self._listen = listen
        self._guard = threading.Lock()
        self._closed = False

    def __call__(self, event: Event) -> None:
        with self._guard:
            if not self._closed:
                self._listen(event)

    def close(self) -> None:
        with self._guard:
            self._closed = True


class LocalExecutor:
    """Worker processes on this machine, `options.workers` at a time. Interrupting it ends them all."""

    def __init__(self) -> None:
        self.runner = JobRunner()

    def run(self, slots: Sequence[Wanted], options: Options, listen: Listener) -> dict[Slot, Evidence]:
        try_writing(options.cache)
        jobs = plan(slots, options.workers, Durations(options.cache, options.profile))
        results: dict[Slot, Evidence] = {}
        pool = ThreadPoolExecutor(max_workers=options.workers)
        tell = LastWord(listen)
        try:
            pending: set[Future[dict[Slot, Evidence]]] = {pool.submit(self._job, job, options, tell) for job in jobs}
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_COMPLETED)
                for future in done:
                    results |= future.result()
        except BaseException:
            tell.close()
            self.runner.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
        return results

    def _job(self, job: Job, options: Options, listen: Listener) -> dict[Slot, Evidence]:
        results: dict[Slot, Evidence] = {}
        with only_one(options.cache, job, listen, lambda: self.runner.stopping):
            if not options.fresh:  # another sweep may have done it while this one waited
                for paper in job.papers:
                    if found := _cached(paper, job.layer, job.task, options, listen):
                        results[job.slot(paper)] = found
                        listen(Event("cached", job.slot(paper)))
            remaining = tuple(paper for paper in job.papers if job.slot(paper) not in results)
            return results | self.runner.run(replace(job, papers=remaining), options, listen)


def only_one(
    cache: Path, job: Job, listen: Listener, stopping: Callable[[], bool]
) -> contextlib.AbstractContextManager[None]:
    """Lets one sweep at a time run a job of this name beside this cache; another waits, then finds the results."""
    numbers = ", ".join(paper.id for paper in job.papers)
    text = f"waits for another sweep that measures {'it' if len(job.papers) == 1 else f'papers {numbers}'}"

    def waiting() -> None:
        listen(Event("waiting", job.slot(job.papers[0]), text))

    return locks.held(cache / "locks" / f"{job.name}.lock", waiting, stopping)


def try_writing(cache: Path) -> None:
    """A folder that takes no file, or a disk without room, is said here, in one line, rather than by every worker."""
    probe = cache / f"writable-{os.getpid()}"
    store.write_atomically(probe, bytes(ROOM))
    probe.unlink(missing_ok=True)
