"""A job as a task on a Dask worker: it is refused where something else would be measured than was asked, run as a local sweep
runs it, and answered with the entries of evidence as bytes.
"""

from __future__ import annotations

import contextlib
import platform
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from s30.corpus.registry import Paper, default_root, load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence import store
from s30.evidence.environment import cache_folder
from s30.evidence.store import Evidence
from s30.layers import catalogue, provenance
from s30.sweep.plan import Event, Job, Options
from s30.sweep.processes import JobRunner
from s30.sweep.run import only_one

TOPIC = "s30"  # of the events that workers send while they work
SHOWN = 3  # differences that a refusal names
AT_WORK = ("running", "paused")  # the states of a Dask worker that keeps its tasks


def measure(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The task, on a Dask worker: a reply per paper, in the request's order. Raises S30Error naming the worker."""
    from distributed import get_worker

    worker = get_worker()
    where = f"the Dask worker {worker.address} on {platform.node()}"
    try:
        return _measure(request, worker, where)
    except S30Error as error:
        raise S30Error(f"{where}: {error}") from None


def _measure(request: Mapping[str, Any], worker: Any, where: str) -> list[dict[str, Any]]:
    from distributed import Reschedule

    if differing := _differences(request["protocol"], protocol()):
        raise S30Error(_refusal(differing))
    layer = catalogue.get(request["layer"])
    if lacking := catalogue.missing(layer):
        told = f"{where}: {lacking}"
        return [unmeasured(paper, lacking, Outcome.NOT_RUN, told) for paper in request["expected"]]
    corpus = load_corpus(default_root())
    job = Job(layer, request["task"], tuple(corpus.paper(number) for number in request["expected"]))
    runner = JobRunner()
    with tempfile.TemporaryDirectory(prefix="s30-", dir=worker.local_directory) as scratch:
        options = Options(
            corpus.root,
            Path(scratch),
            profile=request["profile"],
            seed=request["seed"],
            time_limit=request["time_limit"],
            parts=tuple(request["parts"]),
        )
        for paper in job.papers:
            if differing := _differences(request["expected"][paper.id], ingredients(job, paper, options)):
                raise S30Error(_refusal(differing))

        def tell(event: Event) -> None:
            if event.kind in ("start", "waiting", "stage"):
                said = {"sweep": request["sweep"], "kind": event.kind, "slot": list(event.slot), "text": event.text}
                worker.log_event(TOPIC, said)

        with (
            _while_wanted(worker, runner),
            only_one(cache_folder(corpus.root), job, tell, lambda: runner.stopping),
        ):
            results = runner.run(job, options, tell)
        if runner.stopping:
            raise Reschedule  # by a worker that goes on, if anyone still wants it
        return [_reply(request, options, paper, results[job.slot(paper)]) for paper in job.papers]


def _reply(request: Mapping[str, Any], options: Options, paper: Paper, found: Evidence) -> dict[str, Any]:
    packed = store.pack(options.cache, store.digest_of(request["expected"][paper.id]))
    if packed is not None:
        return {"entry": packed}
    if not found.error:
        raise S30Error(f"its sources of paper {paper.id} changed while it worked: run the sweep again")
    return unmeasured(paper.id, found.error, found.outcome)


def unmeasured(paper: str, error: str, outcome: Outcome, told: str = "") -> dict[str, Any]:
    """A reply without an entry. `told` is what the listener hears instead of the error, which goes on record: it may
    name the worker, and the record is the same whichever that was."""
    return {"paper": paper, "error": error, "outcome": str(outcome), "told": told or error}


@contextlib.contextmanager
def _while_wanted(worker: Any, runner: JobRunner) -> Iterator[None]:
    """Stops the job when the task is no longer wanted: its client cancelled it or is gone, or the worker is closing.

    A worker that is short of memory is paused: it takes no other task, and goes on with this one.
    """
    key = worker.get_current_task()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            task = worker.state.tasks.get(key)
            if task is None or task.state == "cancelled" or worker.status.name not in AT_WORK:
                runner.stop()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def ingredients(job: Job, paper: Paper, options: Options) -> dict[str, Any]:
    """All that a paper's evidence depends on."""
    return provenance.ingredients(paper, job.layer, job.task, options.profile, options.seed, options.parts)


def protocol() -> dict[str, str]:
    """The files through which client and worker understand each other; those behind the evidence are its ingredients."""
    return store.digest_files(
        [catalogue.ENGINE / f"sweep/{name}.py" for name in ("cluster", "plan", "processes", "task")], catalogue.ENGINE
    )


def _differences(expected: Mapping[str, Any], own: Mapping[str, Any]) -> list[str]:
    """What differs, by name, with both values where they are readable: files by digest alone."""
    found = []
    for name in sorted(expected.keys() | own.keys()):
        asked, here = expected.get(name), own.get(name)
        if asked == here:
            continue
        if isinstance(asked, Mapping) and isinstance(here, Mapping):
            found += _differences(asked, here)
        elif name.endswith((".py", ".agda", ".yaml")):
            found.append(name)
        else:
            found.append(f"{name} ({here} there, {asked} here)")
    return found


def _refusal(differing: Sequence[str]) -> str:
    shown = ", ".join(differing[:SHOWN]) + (f" and {len(differing) - SHOWN} more" if len(differing) > SHOWN else "")
    return (
        f"it would not measure what was asked, since it differs in {shown}: "
        "bring both machines to the same commit and environment, or stop that worker"
    )
