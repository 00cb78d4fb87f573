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
import queue
import re
import signal
import socket
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing import resource_tracker
from typing import Any

from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError, one_line
from s30.evidence import environment, store
from s30.evidence.store import Evidence
from s30.sweep.durations import Durations
from s30.sweep.plan import Event, Job, Listener, Options, Slot, Wanted, plan
from s30.sweep.run import LastWord, try_writing
from s30.sweep.task import TOPIC, ingredients, measure, protocol, unmeasured

ADDRESS = re.compile(r"tcp://(\[[0-9a-fA-F:]+\]|[^\s:/]+):(\d{1,5})")
CONNECT = 5.0  # seconds in which a scheduler must answer
NO_WORKER = 30.0  # seconds that a scheduler may be without any worker
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
            "expected": {paper.id: ingredients(job, paper, options) for paper in job.papers},
            "protocol": protocol(),
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
            replies = [unmeasured(paper.id, said, Outcome.FAILED, where) for paper in job.papers]
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
                key = store.digest_of(ingredients(job, paper, self._options))
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
