"""A record measured again: its commit in a worktree of its own, by that commit's engine in that commit's environment, from an
empty cache; then the two records are compared.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s30.corpus import repository
from s30.errors import Interrupted, S30Error, UsageError
from s30.layers.catalogue import ENGINE
from s30.record import comparison, telemetry
from s30.record.past import Found, find_record
from s30.record.places import Place, Tell, cut_off, prepare, run, variables, worktree

Answer = Callable[..., tuple[int, str, str]]  # a command -> its exit code, last line and output


@dataclass(frozen=True)
class Request:
    """What to measure again. No `target` is the repository's verification.yaml; no `papers` are all of the record's."""

    root: Path
    target: str | None = None
    papers: tuple[str, ...] = ()
    claims: bool = True
    offline: bool = False
    fresh_environment: bool = False
    time_limit: float | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Report:
    """What came out. `values` is how many values of the record were compared."""

    record: str
    checked_commit: str
    papers: tuple[str, ...]
    claims: bool
    profile: str
    environment: str
    network: str
    notes: tuple[str, ...]
    values: int
    differences: tuple[comparison.Difference, ...]
    seconds: float

    @property
    def reproduced(self) -> bool:
        return not any(difference.fails for difference in self.differences)

    def as_dict(self) -> dict[str, Any]:
        """The report for machines: failing differences apart from information."""
        facts = {name: value for name, value in vars(self).items() if name != "differences"}
        return {"reproduced": self.reproduced, **facts, **comparison.told(self.differences, "recorded", "measured")}


def reproduce(request: Request, tell: Tell) -> Report:
    """Measures a record's commit again and compares. `tell` gets a line for each step. The worktree is always removed."""
    started = time.monotonic()
    found = find_record(request.root, request.target)
    numbers = _numbers(request, found)
    network, words = cut_off() if request.offline else ((), "open: --offline cuts it off")
    commit = found.record["checked_commit"]
    try:
        with worktree(request.root, commit) as tree:
            tell(f"{found.name}: commit {commit[:12]} is checked out in {tree}")
            place = prepare(
                request.root, tree, request.fresh_environment, found.record["environment"].get("kind"), tell
            )
            tell(f"environment: {place.why}")
            new, whole = _sweep(request, found.record, numbers, tree, place, network, tell)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted: the worktree is removed, and nothing is kept, since a reproduction begins without a cache"
        ) from None
    papers = None if whole else numbers
    differences = comparison.measured_again(found.record, new, papers, request.claims)
    parts = (comparison.chosen(found.record["papers"][number], request.claims) for number in numbers)
    values = sum(1 for part in parts for _ in comparison.leaves(part))
    return Report(
        found.name,
        commit,
        tuple(numbers),
        request.claims,
        found.record["profile"],
        place.why,
        words,
        (*found.notes, *place.notes),
        values,
        tuple(differences),
        round(time.monotonic() - started, 1),
    )


def _numbers(request: Request, found: Found) -> list[str]:
    """The papers to compare: those named, or all that were verified. Raises UsageError when there is nothing to compare."""
    papers = found.record["papers"]
    verified = [number for number, entry in papers.items() if "layers" in entry]
    for name in request.papers:
        if name.zfill(2) not in papers:
            raise UsageError(f"{found.name} has no paper {name!r}: it has {', '.join(verified)}")
        if name.zfill(2) not in verified:
            raise UsageError(f"{found.name} says not_run of paper {name.zfill(2)}: there is nothing to compare")
    if not verified:
        raise UsageError(f"{found.name} says not_run of every paper: there is nothing to compare")
    return [number for number in verified if not request.papers or number in {n.zfill(2) for n in request.papers}]


def _sweep(
    request: Request,
    record: Mapping[str, Any],
    numbers: Sequence[str],
    tree: Path,
    place: Place,
    network: Sequence[str],
    tell: Tell,
) -> tuple[Mapping[str, Any], bool]:
    """What the commit's own engine measures, and whether it is a whole record."""
    if not (tree / "python" / "s30" / "__init__.py").is_file():
        raise S30Error(f"commit {record['checked_commit'][:12]} holds no engine (python/s30): it cannot be swept")
    folder, engine = tree.parent, tree / "python"
    settings = variables(place) | {
        "PYTHONPATH": str(engine),
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written beside the sources
        "S30_ROOT": str(tree),
        "S30_CACHE": str(folder / "cache"),
    }

    def answer(*command: str, **more: str) -> tuple[int, str, str]:
        file = folder / "answer"
        code, last = run([*place.prefix, *command], tree, settings | more, file, tell)
        return code, last, file.read_text(encoding="utf-8")

    code, last, said = answer(place.python, "-P", "-c", "import s30; print(s30.__file__)")
    if code or not Path(said.strip()).is_relative_to(engine):
        raise S30Error(f"the environment does not run the commit's own engine: {last or said.strip()}")
    s30 = (*network, place.python, "-P", "-m", "s30.cli")
    code, last, said = answer(*s30, "list", "--json")
    if code:
        raise S30Error(f"the commit's engine cannot list its papers: {last}")
    built = {paper["id"] for paper in json.loads(said) if paper["built"]}
    whole = not request.papers and request.claims
    options = ["--profile", record["profile"]]
    options += ["--time-limit", f"{request.time_limit:g}"] if request.time_limit else []
    options += ["--workers", str(request.workers)] if request.workers else []
    if whole:
        tell("every paper is swept without a cache")
        made = folder / "record.yaml"
        code, last, _ = answer(*s30, "verify", "--record", str(made), *options)
        if not made.is_file():
            raise S30Error(f"the sweep made no record: {last or f'it ended with code {code}'}")
        return telemetry.read(made), True
    there = [number for number in numbers if number in built]
    papers = {}
    if there:
        tell(f"{'papers' if len(there) > 1 else 'paper'} {', '.join(there)}: swept without a cache")
        options += [] if request.claims else ["--no-claims"]
        code, last, said = answer(*s30, "verify", *there, "--json", *options)
        try:
            papers = json.loads(said)["papers"]
        except (ValueError, KeyError):
            raise S30Error(f"the sweep gave no result: {last or f'it ended with code {code}'}") from None
    return {
        "checked_commit": repository.head(tree),
        "source_digest": repository.source_digest(tree),
        "profile": record["profile"],
        "environment": _measured_environment(answer, place, tree, tell),
        "papers": papers,
    }, False


def _measured_environment(answer: Answer, place: Place, tree: Path, tell: Tell) -> Mapping[str, Any]:
    """The fingerprint of the environment of a part's sweep, which gives no record; taken by this engine's own code."""
    asked = "import importlib.util as u, json, sys; from importlib import import_module; from pathlib import Path; "
    asked += "name = 's30.layers.catalogue'; "  # which commits from before the engine's wings do not have
    asked += (
        "print(json.dumps(import_module(name if u.find_spec(name) else 's30.layers').fingerprint(Path(sys.argv[1]))))"
    )
    code, last, said = answer(place.python, "-P", "-c", asked, str(tree), PYTHONPATH=str(ENGINE.parent))
    if code:
        tell(f"the environment cannot be compared: {last}")
        return {}
    found: dict[str, Any] = json.loads(said)
    return found
