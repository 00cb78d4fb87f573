"""Runs a job in worker processes of this machine.

A worker that dies or exceeds its time costs the paper it was working on; the job's remaining papers go on in a new process.
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
from dataclasses import replace
from pathlib import Path
from typing import IO

from s30 import clean
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence import store
from s30.evidence.store import Evidence
from s30.layers import catalogue
from s30.layers.catalogue import Layer
from s30.sweep import kin
from s30.sweep.plan import Event, Job, Listener, Options, Slot
from s30.sweep.worker import CANNOT_STORE, GO_ON_ELSEWHERE

MARK = "S30_JOB"  # a worker and all that it starts bear it in their environment

KEPT_CHARACTERS = 1 << 16  # of what a worker says on its standard error


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
    """The worker's variables. Nor does anything reach it from the working directory (-P below) or the user's packages (-s)."""
    return clean.variables() | catalogue.process_flags(job.layer, job.task)


def _command(job: Job, options: Options) -> list[str]:
    command = [sys.executable, "-P", "-s", "-m", "s30.sweep.worker", job.layer.name, *(p.id for p in job.papers)]
    command += ["--root", str(options.root), "--cache", str(options.cache), "--task", job.task, "--tied"]
    command += ["--profile", options.profile, "--seed", str(options.seed)]
    return [*command, "--parts", *options.parts] if options.parts != catalogue.PARTS else command


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
    """Ends the worker and whatever it started, which may outlive it and hold its output open; a child that made a session of
    its own is known by its descent (the worker adopts orphans), or else by the mark that it inherited."""
    started = kin.descendants(process.pid) if process.poll() is None else []  # one that has ended did so itself
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kin.end(started)
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
