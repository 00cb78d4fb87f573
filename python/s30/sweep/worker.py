"""One job: `python -m s30.sweep.worker LAYER NN... --cache FOLDER`, the only process in which a framework is imported.

It imports its framework once, writes one entry of evidence per paper as soon as that is measured, and reports on
standard output, one JSON object a line:

    {"event": "start" | "stage" | "done" | "failed", "paper": "26", ...}

Whatever else the layer prints goes to standard error. The flags of the process are set by whoever starts it.
"""

from __future__ import annotations

import argparse
import gc
import importlib.abc
import importlib.machinery
import json
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from s30.corpus.registry import Paper, executed, lines_reached, load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, one_line, place
from s30.evidence import environment, store
from s30.evidence.store import Evidence, UnfitEvidenceError, digest_of
from s30.layers import catalogue, provenance
from s30.layers.catalogue import CHECKS, EXPERIMENT, Layer
from s30.sweep import isolation, kin

T = TypeVar("T")
Report = Callable[..., None]
CANNOT_STORE = "cannot store"  # the event that ends a worker whose cache takes no entry
GO_ON_ELSEWHERE = 104  # exit code when a paper left the process changed, so that the next one needs another


class ForeignFrameworks(importlib.abc.MetaPathFinder):
    """Refuses the import of another layer's framework, so that a layer stands on its own."""

    def __init__(self, layer: Layer) -> None:
        self._title = layer.title
        self._refused = catalogue.FRAMEWORKS - catalogue.allowed_frameworks(layer)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        if fullname in self._refused:
            raise ModuleNotFoundError(f"the {self._title} layer may not import {fullname}", name=fullname)
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every paper was measured, 1 when one failed or the cache takes no entry, GO_ON_ELSEWHERE when
    papers are left and this process is no longer fit for them."""
    parser = argparse.ArgumentParser(
        prog="python -m s30.sweep.worker", description="Measures one layer of some papers."
    )
    parser.add_argument("layer", choices=list(catalogue.LAYERS))
    parser.add_argument("papers", nargs="+", metavar="NN")
    parser.add_argument("--root", type=Path, default=None, help="folder of papers.yaml")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the evidence")
    parser.add_argument("--task", choices=(CHECKS, EXPERIMENT), default=CHECKS)
    parser.add_argument("--profile", choices=catalogue.PROFILES, default="quick")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--parts", nargs="+", choices=catalogue.PARTS, default=catalogue.PARTS, help="what to measure")
    parser.add_argument(
        "--tied", action="store_true", help="end when standard input does: its other end holds the starter"
    )
    options = parser.parse_args(arguments)
    kin.adopt_orphans()
    if options.tied:
        _end_with_starter()
    report = _reporter()
    layer = catalogue.get(options.layer)
    sys.meta_path.insert(0, ForeignFrameworks(layer))
    corpus = load_corpus(options.root)
    papers = [corpus.paper(name) for name in options.papers]

    def ingredients(paper: Paper) -> dict[str, Any]:
        return provenance.ingredients(paper, layer, options.task, options.profile, options.seed, options.parts)

    parts = {paper.id: ingredients(paper) for paper in papers}
    keys = {number: digest_of(known) for number, known in parts.items()}
    reads = isolation.Reads(corpus.root, catalogue.ENGINE, options.cache)
    failures = 0
    spent = environment.cpu_seconds()
    for paper, started, result in _results(layer, papers, options, report, reads, parts):
        found = result if isinstance(result, Evidence) else _failure(paper, layer, result)
        if (
            found.outcome is Outcome.PASSED and tuple(options.parts) == catalogue.PARTS
        ):  # else much is not reached by design
            found = replace(found, facts={**found.facts, "lines": lines_reached(paper.folder)})
        stated = parts[paper.id]
        read = {name: digest for name, digest in executed(paper.folder).items() if name in stated["room"]}
        as_read = {**stated, "room": stated["room"] | read}
        if change := provenance.differing(stated, as_read) or provenance.differing(stated, ingredients(paper)):
            found = _failure(
                paper, layer, S30Error(f"its sources changed while it was measured ({change}): run it again")
            )
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        before, spent = spent, environment.cpu_seconds()
        run: dict[str, Any] = {"seconds": round(time.monotonic() - started, 3), "cpu_seconds": round(spent - before, 3)}
        run |= {"host": platform.node(), "finished": finished}
        try:
            try:
                store.save(replace(found, run={**found.run, **run}), options.cache, keys[paper.id])
            except UnfitEvidenceError as error:
                found = _failure(paper, layer, error)
                store.save(replace(found, run={**found.run, **run}), options.cache, keys[paper.id])
        except S30Error as error:
            report(event=CANNOT_STORE, paper=paper.id, error=str(error))
            return 1
        failures += found.outcome != Outcome.PASSED
        report(event="done" if not found.error else "failed", paper=paper.id, key=keys[paper.id], error=found.error)
        if isinstance(result, LeftChangedError) and paper is not papers[-1]:
            return GO_ON_ELSEWHERE
    return 1 if failures else 0


class LeftChangedError(S30Error):
    """A paper that leaves this process other than it found it: the next one would be measured in what is left."""


def _results(
    layer: Layer,
    papers: list[Paper],
    options: argparse.Namespace,
    report: Report,
    reads: isolation.Reads,
    parts: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[Paper, float, Evidence | BaseException]]:
    """Each paper with the moment its measurement began and what came of it."""
    current = papers[0]

    def progress(text: str) -> None:
        report(event="stage", paper=current.id, text=text)

    if layer.name == "agda":
        report(event="start", paper=current.id)
        started = time.monotonic()
        from s30.layers.agda import run_all
        from s30.layers.agda.questions import FILE, Question, questions

        left: dict[str, LeftChangedError] = {}

        def asks(paper: Paper) -> list[Question]:
            """What the room's Python code asks Agda, which alone may change this process."""
            found = _watched(paper, reads, parts[paper.id], dict, lambda: questions(paper, progress))
            if isinstance(found, LeftChangedError):
                left[paper.id] = found
            return [Question(FILE, failed=one_line(found))] if isinstance(found, Exception) else found

        for paper, result in run_all(papers, progress, asks):
            yield paper, started, left.get(paper.id, result)
            started = time.monotonic()
            following = papers[papers.index(paper) + 1 :]
            if following:
                current = following[0]
                report(event="start", paper=current.id)
        return
    for current in papers:
        report(event="start", paper=current.id)
        started = time.monotonic()
        yield current, started, _measured(current, layer, options, progress, reads, parts[current.id])


def _measured(
    paper: Paper,
    layer: Layer,
    options: argparse.Namespace,
    progress: Callable[[str], None],
    reads: isolation.Reads,
    stated: Mapping[str, Any],
) -> Evidence | Exception:
    """What came of measuring one paper, which reads nothing but its key's files and leaves the process as it was."""
    try:
        adaptor = _adaptor(layer)
        adaptor.prepare(options.task)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        return error

    def measure() -> Evidence:
        if options.task == EXPERIMENT:
            return _experiment(paper, layer, adaptor, options, progress)
        evidence: Evidence = adaptor.run(paper, progress, options.parts)
        return evidence

    # An experiment has its process to itself, and imports optimisers that patch their framework.
    return _watched(paper, reads, stated, adaptor.state if options.task == CHECKS else None, measure)


def _watched(
    paper: Paper,
    reads: isolation.Reads,
    stated: Mapping[str, Any],
    state: Callable[[], Mapping[str, Any]] | None,
    measure: Callable[[], T],
) -> T | Exception:
    """What the room's code gives or raises, while it reads what its key holds; a LeftChangedError when this process is
    not as it was, the framework's own `state` included, where that is told."""
    before = isolation.state(state()) if state else {}
    result: T | Exception
    told = ""
    try:
        with reads.limited_to([paper.folder / name for name in stated["room"]]):
            result = measure()
        _require_key(reads, stated)
    except SystemExit as error:  # a room's own `sys.exit` costs that room alone
        result = S30Error(f"{place(error, paper.folder, paper.root)}it calls sys.exit({error.code!r})")
        told = f"{result}; "
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        result, told = error, f"{place(error, paper.folder, paper.root)}{one_line(error)}; "
    if state and (left := isolation.changed(before, isolation.state(state()))):
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        where = "changed in its process, where the next paper is measured: put it back"
        return LeftChangedError(f"{told}it leaves {', '.join(left[:3])}{more} {where}")
    return result


def _require_key(reads: isolation.Reads, stated: Mapping[str, Any]) -> None:
    """Raises S30Error when what was measured depends on more than its key says."""
    if reads.refused:
        raise S30Error(f"it opens {reads.refused[0]}, on which its evidence would depend without saying so")
    if foreign := isolation.unkeyed_modules(catalogue.ENGINE, stated["engine"]):
        raise S30Error(f"it imports the engine's {foreign[0]}, which is not part of its key: import s30.room alone")


def _adaptor(layer: Layer) -> ModuleType:
    """Imports the framework. What it leaves behind lives as long as the process, so the collector never looks at it:
    that takes a sixth off the import of PyTorch."""
    gc.disable()
    try:
        return layer.adaptor()
    finally:
        gc.freeze()
        gc.enable()


def _experiment(
    paper: Paper, layer: Layer, adaptor: ModuleType, options: argparse.Namespace, progress: Callable[[str], None]
) -> Evidence:
    from s30.layers import experiments

    return experiments.measure(paper, layer.name, adaptor.double, options.profile, options.seed, progress)


def _failure(paper: Paper, layer: Layer, error: BaseException) -> Evidence:
    where = place(error, paper.folder, paper.root)
    return Evidence(paper.id, layer.name, error=f"{where}{one_line(error)}"[:800], outcome=Outcome.FAILED)


def _end_with_starter() -> None:
    """Ends this process, and all that it started, as soon as standard input closes: whoever holds its other end is then
    gone, however it died. The layers find standard input empty."""
    leash = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)

    def watch() -> None:
        while os.read(leash, 1):
            pass
        kin.end(kin.descendants(os.getpid()))
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def _reporter() -> Report:
    """Reports go to the original standard output; everything that is printed from now on goes to standard error."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def report(**event: Any) -> None:
        channel.write(json.dumps(event, ensure_ascii=False) + "\n")
        channel.flush()

    return report


if __name__ == "__main__":
    try:
        code = main()
    except S30Error as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    # All is stored and said: the second in which the interpreter would take PyTorch apart is not waited for.
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kin.end(kin.descendants(os.getpid()))
    os._exit(code)
