"""Brings the evidence of many papers and layers up to date: finds what is cached, runs the rest in worker processes.

A slot is one (paper, layer, task). Slots that lack an entry are grouped into jobs, one process each, so that a framework
is imported at most once per job. A worker that dies or exceeds its time costs the paper it was working on; the job's
remaining papers go on in a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from s30 import environment, layers, locks
from s30 import evidence as store
from s30.corpus import Paper
from s30.errors import S30Error
from s30.evidence import DamagedEntryError, Evidence
from s30.layers import CHECKS, EXPERIMENT, Layer
from s30.vocabulary import Outcome
from s30.worker import CANNOT_STORE, GO_ON_ELSEWHERE

Slot = tuple[str, str, str]  # paper, layer, task

KEPT = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
    "PYTHONFAULTHANDLER",
)  # of Python's variables: no result depends on them
MARK = "S30_JOB"  # a worker and all that it starts bear it in their environment
KEPT_CHARACTERS = 1 << 16  # of what a worker says on its standard error
ROOM = 1 << 20  # bytes that must be free in the cache before work begins
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
    parts: tuple[str, ...] = layers.PARTS  # of what an executable layer is asked


class Executor(Protocol):
    """Where jobs run. `run` yields each job's results as they come."""

    def run(self, jobs: Sequence[Job], options: Options, listen: Listener) -> dict[Slot, Evidence]: ...


def sweep(
    slots: Sequence[tuple[Paper, Layer, str]], options: Options, listen: Listener, executor: Executor | None = None
) -> dict[Slot, Evidence]:
    """The evidence of every slot. A layer that is missing here yields `not_run` evidence with the remedy."""
    results: dict[Slot, Evidence] = {}
    stale: list[tuple[Paper, Layer, str]] = []
    for paper, layer, task in slots:
        slot = (paper.id, layer.name, task)
        lacking = layers.missing(layer)
        if lacking:
            results[slot] = Evidence(paper.id, layer.name, error=lacking, outcome=Outcome.NOT_RUN)
            listen(Event("not_run", slot, lacking))
        elif not options.fresh and (found := _cached(paper, layer, task, options, listen)):
            results[slot] = found
            listen(Event("cached", slot))
        else:
            stale.append((paper, layer, task))
    return results | (executor or LocalExecutor()).run(plan(stale), options, listen) if stale else results


def plan(slots: Sequence[tuple[Paper, Layer, str]]) -> list[Job]:
    """One job per layer for the checks, since importing dominates; one per paper where the work does: the experiments
    and tinygrad, whose long scheduling then spreads over the cores."""
    groups: dict[tuple[str, str, str], list[Paper]] = {}
    for paper, layer, task in slots:
        groups.setdefault((layer.name, task, paper.id if _alone(layer, task) else ""), []).append(paper)
    jobs = [Job(layers.get(name), task, tuple(papers)) for (name, task, _), papers in groups.items()]
    return sorted(jobs, key=lambda job: (LAYER_COST[job.layer.name], job.task, job.papers[0].id))


def _alone(layer: Layer, task: str) -> bool:
    return layer.job_per_paper or task == EXPERIMENT


def _cached(paper: Paper, layer: Layer, task: str, options: Options, listen: Listener) -> Evidence | None:
    key = layers.key(paper, layer, task, options.profile, options.seed, options.parts)
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

    def run(self, jobs: Sequence[Job], options: Options, listen: Listener) -> dict[Slot, Evidence]:
        try_writing(options.cache)
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


class JobRunner:
    """Runs jobs in worker processes of this machine, from any number of threads, until it is stopped."""

    def __init__(self) -> None:
        self.processes: dict[subprocess.Popen[str], str] = {}  # and their marks
        self.stopping = False
        self._guard = threading.Lock()

    def stop(self) -> None:
        """Ends the processes that run, and those that are about to."""
        with self._guard:
            self.stopping = True
            for process, mark in self.processes.items():
                _kill(process, mark)

    def run(self, job: Job, options: Options, listen: Listener) -> dict[Slot, Evidence]:
        """Each paper's evidence, which also lies in `options.cache` unless the process died over it."""
        results: dict[Slot, Evidence] = {}
        while not self.stopping:
            remaining = tuple(paper for paper in job.papers if job.slot(paper) not in results)
            if not remaining:
                break
            results |= self._process(replace(job, papers=remaining), options, listen)
        return results

    def _process(self, job: Job, options: Options, listen: Listener) -> dict[Slot, Evidence]:
        """Runs one worker to its end. The papers it did not get to are absent from the result."""
        results: dict[Slot, Evidence] = {}
        mark = uuid.uuid4().hex
        process = subprocess.Popen(
            _command(job, options),
            env=_environment(job) | {MARK: mark},
            stdin=subprocess.PIPE,  # its end tells the worker that this process is gone
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        said = _Tail(process.stderr)
        with self._guard:
            self.processes[process] = mark
            if self.stopping:  # it was started while the others were being ended
                _kill(process, mark)
        watch = _Watch(process, mark, options.time_limit)
        current, stage = job.papers[0], "starting"
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line)
                current = next(p for p in job.papers if p.id == event["paper"])
                slot = job.slot(current)
                if event["event"] == CANNOT_STORE:  # nor could any other worker
                    raise S30Error(event["error"])
                if event["event"] in ("start", "stage"):
                    if event["event"] == "start":
                        watch.restart()
                    stage = event.get("text", "starting")
                    listen(Event(event["event"], slot, stage))
                    continue
                found = store.load(options.cache, event["key"])
                if found is None:
                    raise S30Error(
                        f"{job.layer.title} reported paper {current.id} as {event['event']}, but {options.cache} has no entry"
                    )
                results[slot] = found
                listen(Event(event["event"], slot, found.error, found.run.get("seconds", 0.0)))
            code = process.wait()
        finally:
            watch.stop()
            _kill(process, mark)
            for pipe in (process.stdin, process.stdout):  # the tail reads the third to its end
                if pipe is not None:
                    pipe.close()
            with self._guard:
                self.processes.pop(process, None)
        unreported = [p for p in job.papers if job.slot(p) not in results]
        if unreported and not self.stopping and not (code == GO_ON_ELSEWHERE and results):
            victim = current if current in unreported else unreported[0]
            slot = job.slot(victim)
            error = _death(job.layer, code, watch, stage, options, said.last_line())
            results[slot] = Evidence(victim.id, job.layer.name, error=error, outcome=Outcome.FAILED)
            listen(Event("failed", slot, error))
        return results


def _environment(job: Job) -> dict[str, str]:
    """The worker's variables. It imports this very engine, and of the user's own customisation only S30_PYTHONPATH: nothing
    from the working directory (-P below), the user's site-packages (-s), PYTHONPATH and the `sitecustomize` there."""
    paths = [str(layers.ENGINE.parent), *filter(None, [os.environ.get("S30_PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name in KEPT}
    return kept | layers.process_flags(job.layer, job.task) | {"PYTHONPATH": os.pathsep.join(paths)}


def _command(job: Job, options: Options) -> list[str]:
    command = [sys.executable, "-P", "-s", "-m", "s30.worker", job.layer.name, *(p.id for p in job.papers)]
    command += ["--root", str(options.root), "--cache", str(options.cache), "--task", job.task, "--tied"]
    command += ["--profile", options.profile, "--seed", str(options.seed)]
    return [*command, "--parts", *options.parts] if options.parts != layers.PARTS else command


def _death(layer: Layer, code: int, watch: _Watch, stage: str, options: Options, said: str) -> str:
    if watch.expired:
        return f"{layer.title} exceeded its time limit of {options.time_limit:g} s at «{stage}»; raise it with --time-limit"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"the {layer.title} process was killed by {signal.Signals(-code).name} at «{stage}»"
    return f"the {layer.title} process ended with code {code} at «{stage}»{': ' + said if said else ''}"


class _Tail:
    """Reads what a worker says on its standard error, as fast as it says it, and keeps the end: a flood fills no disk."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        self._stream, self._kept = stream, ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(ValueError):  # it was closed
            while piece := self._stream.read(KEPT_CHARACTERS):
                self._kept = (self._kept + piece)[-KEPT_CHARACTERS:]
            self._stream.close()

    def last_line(self) -> str:
        """The last words of a worker that has ended."""
        self._thread.join(timeout=5.0)
        lines = [line.strip() for line in self._kept.splitlines() if line.strip()]
        return lines[-1].removeprefix("error: ")[:400] if lines else ""


def _kill(process: subprocess.Popen[str], mark: str) -> None:
    """Ends the worker and whatever it started, which may outlive it and hold its output open; a child that made a
    session of its own is known by the mark that it inherited."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    bearing = f"{MARK}={mark}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):  # where there is no /proc, there is nothing to look through
        with contextlib.suppress(OSError):
            if bearing in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)


class _Watch:
    """Kills a process that works on one paper for longer than the limit."""

    def __init__(self, process: subprocess.Popen[str], mark: str, limit: float) -> None:
        self.expired = False
        self._process, self._mark, self._limit = process, mark, limit
        self._since = time.monotonic()
        self._done = threading.Event()
        threading.Thread(target=self._loop, daemon=True).start()

    def restart(self) -> None:
        self._since = time.monotonic()

    def stop(self) -> None:
        self._done.set()

    def _loop(self) -> None:
        while not self._done.wait(min(1.0, self._limit / 4)):
            if time.monotonic() - self._since > self._limit:
                self.expired = True
                _kill(self._process, self._mark)
                return


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


def slots_for(papers: Sequence[Paper], names: Sequence[str], experiments: bool) -> list[tuple[Paper, Layer, str]]:
    """The checks of each paper in each named layer, and its experiments in those of them that train."""
    chosen = [layers.get(name) for name in names]
    slots = [(paper, layer, CHECKS) for layer in chosen for paper in papers]
    return slots + [(paper, layer, EXPERIMENT) for layer in chosen if experiments and layer.trains for paper in papers]
