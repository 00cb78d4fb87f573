"""Runs a sweep's jobs on Dask Distributed: one scheduler, and workers on any number of machines.

    every machine    a checkout of one commit with its environment (`make setup`), as the working directory or S30_ROOT
    one of them      .venv/bin/dask scheduler
    each of them     .venv/bin/dask worker tcp://HOST:8786 --nthreads 1 --nworkers NUMBER
    this one         s30 verify --scheduler tcp://HOST:8786

A task is one job. The Dask worker runs it as a local sweep does, in a process of its own, on its own checkout, into a
scratch folder, and returns the entries of evidence as bytes: no file system is shared. A worker that would measure
something else than was asked, by its sources, versions or processor, refuses. Tasks of a worker that is gone go to
another one; what a task returned is in the cache here at once.
"""

from __future__ import annotations

import contextlib
import logging
import platform
import queue
import re
import signal
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from s30.corpus.registry import Paper, default_root, load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError, one_line
from s30.evidence import environment, store
from s30.evidence.environment import cache_folder
from s30.evidence.store import Evidence
from s30.layers import catalogue, provenance
from s30.sweep.durations import Durations
from s30.sweep.plan import Event, Job, Listener, Options, Slot, Wanted, plan
from s30.sweep.processes import JobRunner
from s30.sweep.run import LastWord, only_one, try_writing

ADDRESS = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[^\s:/]+):(\d{1,5})")
TOPIC = "s30"  # of the events that workers send while they work
CONNECT = 5.0  # seconds in which a scheduler must answer
NO_WORKER = 30.0  # seconds that a scheduler may be without any worker
SHOWN = 3  # differences that a refusal names
AT_WORK = ("running", "paused")  # the states of a Dask worker that keeps its tasks
NOBODY = (
    "no Dask scheduler answers at {address}: start one there with `.venv/bin/dask scheduler`, or correct --scheduler"
)
START = (
    "start one with `.venv/bin/dask worker {address} --nthreads 1` in a checkout; one that ended says why in its log"
)


class DaskExecutor:
    """The jobs as tasks of the cluster at `address`, or of one that is started on this machine with `options.workers`."""

    def __init__(self, address: str | None = None) -> None:
        if environment.missing_module("distributed"):
            raise S30Error(
                "Dask Distributed is not installed: run `make setup`, or leave out --scheduler and --executor"
            )
        if address is not None and not ADDRESS.fullmatch(address):
            other = (
                "" if "://" not in address or address.startswith("tcp:") else ", and no other protocol is spoken here"
            )
            raise UsageError(f"--scheduler {address} is no address like tcp://HOST:8786{other}")
        self._address = address

    def run(self, slots: Sequence[Wanted], options: Options, listen: Listener) -> dict[Slot, Evidence]:
        try_writing(options.cache)
        with _silence(), _local(options) if self._address is None else _connected(self._address) as client:
            threads = sum(client.nthreads().values()) or options.workers  # workers may still come
            jobs = plan(slots, threads, Durations(options.cache, options.profile))
            return _Sweep(client, self._address or "this machine", options, listen).run(jobs)


class _Sweep:
    """One sweep on one cluster."""

    def __init__(self, client: Any, address: str, options: Options, listen: Listener) -> None:
        self._client, self._address, self._options = client, address, options
        self._id = uuid.uuid4().hex
        self._tell = LastWord(listen)
        self._results: dict[Slot, Evidence] = {}
        self._worked = time.monotonic()  # when a worker was last seen

    def run(self, jobs: Sequence[Job]) -> dict[Slot, Evidence]:
        self._client.subscribe_topic(TOPIC, self._hear)
        arrived: queue.Queue[Any] = queue.Queue()
        pending: dict[Any, Job] = {}
        try:
            for number, job in enumerate(jobs):
                future = self._client.submit(
                    measure, self._request(job), key=f"{job.name}-{self._id}", priority=-number, pure=False
                )
                pending[future] = job
                future.add_done_callback(arrived.put)
            while pending:
                try:
                    future = arrived.get(timeout=1.0)
                except queue.Empty:
                    self._look_for_workers()
                else:
                    self._take(pending.pop(future), future)
        except BaseException:
            self._tell.close()
            with contextlib.suppress(Exception):  # whatever stands in the way, the first error is the one to be told
                if self._client.status == "running":
                    self._client.cancel(list(pending), force=True)
            raise
        return self._results

    def _request(self, job: Job) -> dict[str, Any]:
        options = self._options
        return {
            "sweep": self._id,
            "layer": job.layer.name,
            "task": job.task,
            "profile": options.profile,
            "seed": options.seed,
            "time_limit": options.time_limit,
            "parts": options.parts,
            "expected": {paper.id: _ingredients(job, paper, options) for paper in job.papers},
            "protocol": _protocol(),
        }

    def _hear(self, event: tuple[Any, Mapping[str, Any]]) -> None:
        """What a worker says while it works. It may come late, after the result itself."""
        said = event[1]
        slot = tuple(said["slot"])
        if said["sweep"] == self._id and slot not in self._results:
            self._tell(Event(said["kind"], slot, said["text"]))

    def _take(self, job: Job, future: Any) -> None:
        """Stores what a task returned, and tells it."""
        from distributed import KilledWorker

        try:
            if future.cancelled():
                raise self._lost()
            replies = future.result()
        except S30Error:
            raise
        except KilledWorker as error:
            died = f"{error.allowed_failures + 1} Dask workers died while they ran {job.layer.title}"
            said = f"{died}: their logs and their machines' memory may say why"
            where = f"{said}; the last was {error.last_worker.address}"
            replies = [_unmeasured(paper.id, said, Outcome.FAILED, where) for paper in job.papers]
        except Exception as error:
            if self._client.status != "running" or isinstance(error, OSError):
                raise self._lost() from None
            if "No module named 's30" in repr((error, error.__cause__)):
                raise S30Error(
                    f"the scheduler {self._address} or one of its workers cannot import s30: "
                    "start each with the `.venv/bin/dask` of a checkout of this commit"
                ) from None
            raise S30Error(f"the Dask task of {job.layer.title} failed: {one_line(error)}") from error
        for paper, reply in zip(job.papers, replies, strict=True):
            slot = job.slot(paper)
            if "entry" in reply:
                key = store.digest_of(_ingredients(job, paper, self._options))
                found = store.unpack(reply["entry"], self._options.cache, key)
            else:
                found = Evidence(paper.id, job.layer.name, error=reply["error"], outcome=Outcome(reply["outcome"]))
            self._results[slot] = found
            kind = {Outcome.PASSED: "done", Outcome.FAILED: "failed"}.get(found.outcome, "not_run")
            self._tell(Event(kind, slot, reply.get("told", found.error), found.run.get("seconds", 0.0)))

    def _look_for_workers(self) -> None:
        """Raises S30Error when there is nobody left to wait for."""
        try:
            workers = self._client.nthreads() if self._client.status == "running" else None
        except Exception:
            workers = None
        if workers is None:
            raise self._lost()
        if workers:
            self._worked = time.monotonic()
        elif time.monotonic() - self._worked > NO_WORKER:
            raise S30Error(
                f"the scheduler {self._address} has had no worker for {NO_WORKER:g} s: {START.format(address=self._address)}"
            )

    def _lost(self) -> S30Error:
        return S30Error(
            f"the scheduler {self._address} ended or let go of the work: what was finished is kept, "
            "so start it again and a rerun goes on from there"
        )


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Without the log and the tracebacks that Dask and its event loop print: what matters is said here, in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _greeted(address: str) -> None:
    """Raises S30Error unless something there speaks first, as Dask does; a web server would be waited for without end."""
    found = ADDRESS.fullmatch(address)
    assert found is not None, "the address was looked at before"
    try:
        with socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=CONNECT) as line:
            line.settimeout(CONNECT)
            first = line.recv(1)
    except TimeoutError:
        first = b""
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise S30Error(f"{NOBODY.format(address=address)} ({reason})") from None
    if not first:
        raise S30Error(f"what answers at {address} is no Dask scheduler: correct --scheduler")


@contextlib.contextmanager
def _connected(address: str) -> Iterator[Any]:
    from distributed import Client

    _greeted(address)
    client = None
    try:
        try:
            client = Client(address, timeout=CONNECT, set_as_default=False)
        except OSError:
            raise S30Error(NOBODY.format(address=address)) from None
        try:
            client.wait_for_workers(1, timeout=CONNECT)
        except TimeoutError:
            raise S30Error(f"the scheduler {address} has no worker: {START.format(address=address)}") from None
        yield client
    finally:
        if client is not None:
            client.close(timeout=2)


@contextlib.contextmanager
def _local(options: Options) -> Iterator[Any]:
    from distributed import Client, LocalCluster

    # A terminal interrupts all its processes. The cluster's inherit the blocked signal and are ended by this one, which
    # gets it after the start. Python would start its resource tracker with the first of them, and unblock it.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        cluster = LocalCluster(
            n_workers=options.workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
            env={"S30_ROOT": str(options.root), "S30_CACHE": str(options.cache)},
        )
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


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

    if differing := _differences(request["protocol"], _protocol()):
        raise S30Error(_refusal(differing))
    layer = catalogue.get(request["layer"])
    if lacking := catalogue.missing(layer):
        told = f"{where}: {lacking}"
        return [_unmeasured(paper, lacking, Outcome.NOT_RUN, told) for paper in request["expected"]]
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
            if differing := _differences(request["expected"][paper.id], _ingredients(job, paper, options)):
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
    return _unmeasured(paper.id, found.error, found.outcome)


def _unmeasured(paper: str, error: str, outcome: Outcome, told: str = "") -> dict[str, Any]:
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


def _ingredients(job: Job, paper: Paper, options: Options) -> dict[str, Any]:
    return provenance.ingredients(paper, job.layer, job.task, options.profile, options.seed, options.parts)


def _protocol() -> dict[str, str]:
    """The files through which client and worker understand each other; those behind the evidence are its ingredients."""
    return store.digest_files(
        [Path(__file__), *(catalogue.ENGINE / f"sweep/{name}.py" for name in ("plan", "processes"))], catalogue.ENGINE
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
