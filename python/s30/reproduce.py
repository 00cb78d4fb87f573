"""A record measured again: its commit in a worktree of its own, by that commit's engine in that commit's environment, from an
empty cache; then the two records are compared.

| must be equal                                          | may differ, and is told as information               |
|--------------------------------------------------------|------------------------------------------------------|
| every outcome, which check, proof and claim there is    | the environment                                      |
| statements, sources, proofs, depths, scope              | the bits of the evidence (its digests)               |
| tolerances, how many entries were compared              | an observed error, while both are within tolerance   |
| the summary's counts                                    | a metric's value, while its bound decides the same   |

An error beyond its tolerance (the row failed or was waived) must come back as well: within twice the tolerance, since either
of the two values that it is the difference of may move by one. What a record says must also fit together: a row that passed
lies within its tolerance, a metric that passed meets its bound. `run` is ignored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s30 import environment, repository, telemetry
from s30.errors import S30Error, UsageError
from s30.layers import ENGINE

Tell = Callable[[str], None]
Answer = Callable[..., tuple[int, str, str]]  # a command -> its exit code, last line and output

ABSENT = "absent"
ROWS = ("parity", "bridges", "invariants")
ERRORS = ("error", "relative", "worst")
FROM_CLAIMS = ("outcome", "claims", "metrics", "problems", "failures")  # of a paper: they depend on its experiments
MEASURED = re.compile(r"(\S+)(?: \(.*\))?; claimed (>=|<=|>|<|=) (\S+?)(?: within (\S+))?")
ROUNDING = 1e-5  # of a number that a finding prints with six digits
PATIENCE = 15.0  # seconds that an interrupted sweep has to end its own workers


class Interrupted(S30Error):  # noqa: N818 - it is no error of anyone
    """Ctrl-C: the worktree is gone, and nothing is kept, since a reproduction begins without a cache."""

    exit_code = 130


@dataclass(frozen=True)
class Difference:
    """One place where the records differ. What does not fail is information."""

    at: str
    recorded: Any
    measured: Any
    why: str
    fails: bool = True


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
    differences: tuple[Difference, ...]
    seconds: float

    @property
    def reproduced(self) -> bool:
        return not any(difference.fails for difference in self.differences)

    def as_dict(self) -> dict[str, Any]:
        """The report for machines: failing differences apart from information."""
        told: dict[str, Any] = {"reproduced": self.reproduced, **asdict(self)}
        both = [{k: v for k, v in d.items() if k != "fails"} for d in told.pop("differences")]
        told["differences"] = [d for d, own in zip(both, self.differences, strict=True) if own.fails]
        told["information"] = [d for d, own in zip(both, self.differences, strict=True) if not own.fails]
        return told


# Comparison


def compare_records(
    old: Mapping[str, Any], new: Mapping[str, Any], papers: Sequence[str] | None = None, claims: bool = True
) -> list[Difference]:
    """Where the record `new` differs from `old`, which was made earlier from the same commit.

    With `papers` only these are compared, and without `claims` nothing that rests on experiments; `new` may then lack
    what describes the whole: outcome, summary and problems.
    """
    found = []
    if not telemetry.intact(old):
        why = "the record was edited after it was generated: its record_digest does not match"
        found.append(Difference("record_digest", old["record_digest"], ABSENT, why))
    whole = papers is None and claims
    for key in ("checked_commit", "source_digest", "profile", *(("outcome", "summary", "problems") if whole else ())):
        found += [Difference(_name(at), a, b, "must be equal") for at, a, b in _unequal(old[key], new[key], (key,))]
    for number in sorted(old["papers"].keys() | new["papers"].keys()) if papers is None else papers:
        one, other = (chosen(side["papers"].get(number, {}), claims) for side in (old, new))
        found += _compare_paper(one, other, number)
        for side, entry in (("record", one), ("new measurement", other)):
            found += _contradictions(entry, number, side)
    environments = old["environment"], new.get("environment", {})
    found += [
        Difference(_name(at), a, b, "another environment", fails=False)
        for at, a, b in (_unequal(*environments, ("environment",)) if environments[1] else ())
    ]
    return sorted(found, key=lambda difference: not difference.fails)


def chosen(entry: Mapping[str, Any], claims: bool) -> Mapping[str, Any]:
    """The part of a paper's entry that is compared."""
    if claims or "layers" not in entry:
        return entry
    layers = {
        name: {key: value for key, value in layer.items() if key != "experiment_evidence"}
        for name, layer in entry["layers"].items()
    }
    return {key: value for key, value in entry.items() if key not in FROM_CLAIMS} | {"layers": layers}


def _compare_paper(one: Mapping[str, Any], other: Mapping[str, Any], number: str) -> Iterator[Difference]:
    rows, others = dict(_rows(one, (number,))), dict(_rows(other, (number,)))
    findings, theirs = dict(_findings(one, (number,))), dict(_findings(other, (number,)))
    judged = set()
    for at, recorded, measured in _unequal(one, other, (number,)):
        place, part, fails, why = at, at[:-1], True, "must be equal"
        if ABSENT in (recorded, measured):
            why = "only one of the two has it"
        elif at[-1] in ERRORS and part in rows and part in others:
            if part in judged:  # one line for a row's three numbers
                continue
            judged.add(part)
            place, recorded, measured = (*part, "error"), rows[part]["error"], others[part]["error"]
            why = _moved(rows[part], others[part])
            fails, why = bool(why), why or "both within tolerance"
        elif at[-1] == "measured" and part in findings and part in theirs:
            why = _decides_otherwise(findings[part], theirs[part])
            fails, why = bool(why), why or "the same outcome"
        elif at[1] == "metrics":
            fails, why = False, "a metric's value: its bounds decide, under claims"
        elif at[1] == "failures" or (at[1] == "layers" and at[-1] == "message"):
            fails, why = False, "words: the outcomes decide"
        elif at[1] == "layers" and at[-1] in ("evidence", "experiment_evidence"):
            fails, why = False, "other bits"
        yield Difference(_name(place), recorded, measured, why, fails)


def _moved(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is wrong with two unequal errors of a row; empty when nothing is."""
    if any((one[name] is None) != (other[name] is None) for name in ERRORS):
        return "a number on one side only"
    if one["outcome"] == other["outcome"] == "passed":
        return ""  # both within tolerance, or else a contradiction, which is told as such
    tolerance = one["tolerance"] or {"rtol": 0.0, "atol": 0.0}
    scale = one["error"] / one["relative"] if one["relative"] else 0.0  # the largest expected magnitude
    allowed = 2 * (tolerance["atol"] + tolerance["rtol"] * scale)
    moved = abs(other["error"] - one["error"])
    return "" if moved <= allowed else f"an error beyond its tolerance moved by {moved:.3g}, more than {allowed:.3g}"


def _decides_otherwise(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """What is wrong with two unequal findings of a claim; empty when nothing is."""
    bounds = [MEASURED.fullmatch(side["measured"]) for side in (one, other)]
    if bounds[0] and bounds[1]:
        return "" if bounds[0].group(2, 4) == bounds[1].group(2, 4) else "another bound"
    if one["outcome"] == other["outcome"] != "passed":
        return ""  # the words of a failure
    return "must be equal"


def _contradictions(entry: Mapping[str, Any], number: str, side: str) -> Iterator[Difference]:
    """What cannot be as one record says it."""

    def difference(at: tuple[str, ...], value: Any, why: str) -> Difference:
        recorded, measured = (value, "") if side == "record" else ("", value)
        return Difference(_name(at), recorded, measured, f"the {side} contradicts itself: {why}")

    for at, row in _rows(entry, (number,)):
        if row["outcome"] == "passed" and row["worst"] is not None and not row["worst"] <= 1.0:
            yield difference((*at, "worst"), row["worst"], "passed, beyond its tolerance (worst > 1)")
    for at, finding in _findings(entry, (number,)):
        bound = MEASURED.fullmatch(finding["measured"])
        if bound and not _fits(bound, finding["outcome"] == "passed"):
            yield difference((*at, "measured"), finding["measured"], f"it {finding['outcome']}")


def _fits(bound: re.Match[str], passed: bool) -> bool:
    """Whether a finding's outcome can be true of its numbers, which are rounded."""
    try:
        value, limit, within = float(bound[1]), float(bound[3]), float(bound[4] or 0.0)
    except ValueError:
        return False
    above = value - limit if bound[2] in (">=", ">") else limit - value  # how far on the right side of the bound
    if bound[2] == "=":
        above = within - abs(value - limit)
    slack = ROUNDING * max(abs(value), abs(limit))
    return above >= -slack if passed else not above > slack


def _rows(entry: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every row of numbers of a paper with the way to it."""
    for section in ROWS:
        groups = entry.get(section, {})
        for kind, rows in groups.items() if isinstance(groups, Mapping) else (("", groups),):
            for row in rows:
                yield (*at, section, *([kind] if kind else []), row["id"]), row


def _findings(entry: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Every finding of a paper's claims with the way to it."""
    for claim in entry.get("claims", ()):
        for index, finding in enumerate(claim["evidence"]):
            yield (*at, "claims", claim["id"], "evidence", str(index)), finding


def _unequal(one: Any, other: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Where two parts differ, with both values. What only one of them has is told once, at its highest place."""
    sides = [dict(telemetry.leaves(side, at)) for side in (one, other)]
    within = [{path[:n] for path in side for n in range(1, len(path) + 1)} for side in sides]
    told = set()
    for path in sorted(sides[0].keys() | sides[1].keys()):
        values = [side.get(path, ABSENT) for side in sides]
        if path in sides[0] and path in sides[1]:
            if values[0] != values[1]:
                yield path, *values
            continue
        lacking = within[path in sides[0]]
        top = next((path[:n] for n in range(1, len(path)) if path[:n] not in lacking), path)
        if top not in told:
            told.add(top)
            one_value, other_value = (v if top == path or v == ABSENT else "present" for v in values)
            yield top, one_value, other_value


def _name(at: tuple[str, ...]) -> str:
    return "/".join(at)


# The record


@dataclass(frozen=True)
class Found:
    """A record, where it was found, and what should be known about it."""

    record: Mapping[str, Any]
    name: str
    notes: tuple[str, ...] = ()


def find_record(root: Path, target: str | None) -> Found:
    """The record that `target` names: a file, or a commit that one describes; None is the repository's own.

    Raises UsageError for what is neither, S30Error for a record that no commit holds or that describes none.
    """
    _require_repository(root)
    path = root / repository.RECORD if target is None else Path(target)
    found = _from_file(root, path) if target is None or path.is_file() else _from_history(root, target)
    record = found.record
    if record["tree"]["state"] != "clean":
        changed = ", ".join(record["tree"]["changed"][:3])
        raise S30Error(f"{found.name} was made from a dirty tree ({changed}): no commit holds what it describes")
    commit = record["checked_commit"]
    if not repository.has_commit(root, commit):
        raise S30Error(f"{found.name} describes commit {commit[:12]}, which is not in this {_how_to_get(root)}")
    return found


def _require_repository(root: Path) -> None:
    try:
        top = repository.git(root, "rev-parse", "--show-toplevel").strip()
    except S30Error as error:
        raise S30Error(f"{root} is no git repository, and a commit can only be checked out of one ({error})") from None
    if Path(top).resolve() != root.resolve():
        raise S30Error(f"{root} is not the top of its git repository, which is {top}")


def _how_to_get(root: Path) -> str:
    if repository.git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        return "shallow clone: `git fetch --unshallow` brings the whole history"
    return "clone: `git fetch` it from where the record was made"


def _from_file(root: Path, path: Path) -> Found:
    record = telemetry.read(path)
    if path.resolve() != (root / repository.RECORD).resolve():
        return Found(record, str(path), (f"{path} was named as a file: whether it is in a commit was not asked",))
    state = repository.git(root, "status", "--porcelain=v1", "--untracked-files=all", "--", repository.RECORD)
    if state:
        what = "is in no commit" if state.startswith("??") else "differs from the one in the last commit"
        raise S30Error(f"{repository.RECORD} {what}: commit it, or undo the change with `git checkout`, and try again")
    return Found(record, repository.RECORD)


def _from_history(root: Path, target: str) -> Found:
    """The newest record whose checked commit is the named one, or that was made from the very same sources."""
    try:
        commit = repository.git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{target}^{{commit}}")
    except S30Error:
        if re.fullmatch("[0-9a-f]{4,40}", target):
            raise UsageError(f"commit {target} is not in this {_how_to_get(root)}") from None
        raise UsageError(f"{target}: no such file, and no commit, tag or branch of that name") from None
    commit = commit.strip()
    sources = repository.source_digest(root, commit)
    same = None
    here = repository.git(root, "log", "-1", "--format=%H", "--", repository.RECORD).split()  # before other branches'
    for version in [*here, *repository.git(root, "log", "--all", "--format=%H", "--", repository.RECORD).split()]:
        try:
            text = repository.git(root, "show", f"{version}:{repository.RECORD}")
        except S30Error:  # it was removed in that commit
            continue
        named = re.search(r"^checked_commit: '?([0-9a-f]{40})'?$", text, re.MULTILINE)
        digest = re.search(r"^source_digest: '?([0-9a-f]{64})'?$", text, re.MULTILINE)
        if named and named[1] == commit:
            return Found(_parse(text), f"{repository.RECORD} of commit {version[:12]}")
        if same is None and digest and digest[1] == sources:
            same = (text, version)
    if same is None:
        raise S30Error(
            f"no {repository.RECORD} in the history describes commit {commit[:12]}:"
            " `make verification-status` makes one of the commit that is checked out"
        )
    note = f"it was made from the same sources as commit {commit[:12]}"
    return Found(_parse(same[0]), f"{repository.RECORD} of commit {same[1][:12]}", (note,))


def _parse(text: str) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / repository.RECORD
        path.write_text(text, encoding="utf-8")
        return telemetry.read(path)


# The measurement


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
            place = prepare(request.root, tree, request.fresh_environment, tell)
            tell(f"environment: {place.why}")
            new, whole = _sweep(request, found.record, numbers, tree, place, network, tell)
    except KeyboardInterrupt:
        raise Interrupted(
            "interrupted: the worktree is removed, and nothing is kept, since a reproduction begins without a cache"
        ) from None
    papers = None if whole and request.claims else numbers
    differences = compare_records(found.record, new, papers, request.claims)
    values = sum(
        1 for number in numbers for _ in telemetry.leaves(chosen(found.record["papers"][number], request.claims))
    )
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


@contextlib.contextmanager
def worktree(root: Path, commit: str) -> Iterator[Path]:
    """The commit in a temporary folder, removed afterwards whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="s30-reproduce-")).resolve()
    tree = folder / "tree"
    try:
        repository.git(root, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        yield tree
    finally:
        with _undisturbed():
            with contextlib.suppress(S30Error):  # it may not have been made
                repository.git(root, "worktree", "remove", "--force", "--force", str(tree))
            shutil.rmtree(folder, ignore_errors=True)
            with contextlib.suppress(S30Error):
                repository.git(root, "worktree", "prune")


@dataclass(frozen=True)
class Place:
    """An environment: the command that enters it, its Python, and how it came about."""

    prefix: tuple[str, ...]
    python: str
    why: str
    present: bool = False
    notes: tuple[str, ...] = ()


def prepare(root: Path, tree: Path, fresh: bool, tell: Tell) -> Place:
    """The environment of the commit in `tree`: the present one if its locks are the same, else Nix, else `make setup`."""
    locks = environment.lock_digests(tree)
    if not locks:
        if fresh:
            raise S30Error("the commit pins no environment (no requirements/*.txt, no flake.lock): none can be built")
        return Place((), sys.executable, "the present one, since the commit pins none", True)
    if not fresh and (why := _same_locks(root, tree)):
        return Place((), sys.executable, f"the present one: {why}", True)
    notes: tuple[str, ...] = ()
    if "flake.lock" in locks and shutil.which("nix"):
        nix = ("nix", "--extra-experimental-features", "nix-command flakes")
        tell("Nix fetches what the flake is built from")
        code, last = _run([*nix, "flake", "archive", str(tree)], tree, _variables(), tree.parent / "nix", tell)
        if code == 0:
            enter = (*nix, "develop", str(tree), "--command")
            code, last = _run([*enter, "python3", "-c", ""], tree, _variables(), tree.parent / "nix", tell)
            if code:
                raise S30Error(f"the commit's environment cannot be built: nix develop: {last}")
            return Place(enter, "python3", "the commit's own, by `nix develop` on its flake.lock")
        notes = (f"Nix cannot have the flake's inputs here ({last}), so that the requirements' lock was used",)
    if not any(name.startswith("requirements/") for name in locks):
        why = notes[0] if notes else "it has only a flake.lock, and nix is not on the PATH"
        raise S30Error(f"the commit's environment cannot be built: {why}")
    code, last = _run(["make", "setup"], tree, _variables(), tree.parent / "setup", tell)
    python = tree / ".venv" / "bin" / "python"
    if code or not python.exists():
        raise S30Error(f"the commit's environment cannot be built: make setup: {last or f'ended with code {code}'}")
    return Place((), str(python), "the commit's own, by `make setup` from its requirements", notes=notes)


def _same_locks(root: Path, tree: Path) -> str:
    """Why the environment that runs is what the commit's locks describe; empty when it may not be.

    ci/setup.sh stamps what it made with the digest of the interpreter and of the requirements.
    """
    stamp = Path(sys.prefix) / ".s30-setup"
    if stamp.is_file():
        texts = [path.read_text() for path in sorted((tree / "requirements").glob("*.txt"))]
        made_of = hashlib.sha256("\0".join([sys.version, *texts]).encode()).hexdigest()
        return "it was set up from the same requirements" if stamp.read_text().strip() == made_of else ""
    same = environment.lock_digests(root) == environment.lock_digests(tree)
    return "its repository's lock files equal the commit's (it carries no stamp of its own)" if same else ""


def cut_off() -> tuple[tuple[str, ...], str]:
    """The command that takes the network from another, tried out. Raises S30Error where the system does not allow it."""
    said = []
    for options in (("-n",), ("-rn",)):  # as root; in a user namespace
        command = ("unshare", *options)
        try:
            done = subprocess.run(
                [*command, "cat", "/proc/self/net/route"], capture_output=True, text=True, check=False
            )
        except OSError as error:
            said.append(f"unshare: {error.strerror}")
            break
        if done.returncode:
            said.append(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"code {done.returncode}")
        elif len(done.stdout.splitlines()) > 1:
            said.append(f"{' '.join(command)} leaves a route out")
        else:
            return command, f"cut off with `{' '.join(command)}`: no route led out of the sweep"
    raise S30Error(f"the network cannot be cut off here ({'; '.join(said)}): leave out --offline")


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
    if not (tree / "python" / "s30" / "cli.py").is_file():
        raise S30Error(f"commit {record['checked_commit'][:12]} holds no engine (python/s30): it cannot be swept")
    folder, engine = tree.parent, tree / "python"
    variables = _variables(place) | {
        "PYTHONPATH": str(engine),
        "PYTHONDONTWRITEBYTECODE": "1",  # nothing is written beside the sources
        "S30_ROOT": str(tree),
        "S30_CACHE": str(folder / "cache"),
    }

    def answer(*command: str, **more: str) -> tuple[int, str, str]:
        file = folder / "answer"
        code, last = _run([*place.prefix, *command], tree, variables | more, file, tell)
        return code, last, file.read_text(encoding="utf-8")

    code, last, said = answer(place.python, "-P", "-c", "import s30; print(s30.__file__)")
    if code or not Path(said.strip()).is_relative_to(engine):
        raise S30Error(f"the environment does not run the commit's own engine: {last or said.strip()}")
    s30 = (*network, place.python, "-P", "-m", "s30.cli")
    code, last, said = answer(*s30, "list", "--json")
    if code:
        raise S30Error(f"the commit's engine cannot list its papers: {last}")
    built = {paper["id"] for paper in json.loads(said) if paper["built"]}
    whole = not request.papers and request.claims and {p["id"] for p in json.loads(said)} == record["papers"].keys()
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
        with _announced(folder / "cache", tell):
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
    asked = "import json, sys; from pathlib import Path; from s30 import layers; "
    asked += "print(json.dumps(layers.fingerprint(Path(sys.argv[1]))))"
    code, last, said = answer(place.python, "-P", "-c", asked, str(tree), PYTHONPATH=str(ENGINE.parent))
    if code:
        tell(f"the environment cannot be compared: {last}")
        return {}
    found: dict[str, Any] = json.loads(said)
    return found


def _variables(place: Place | None = None) -> dict[str, str]:
    """This process's variables, without those that would lead another repository or environment astray."""
    dropped = {"S30_ROOT", "S30_CACHE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    if place is None or not place.present:
        dropped.add("S30_ENVIRONMENT")
    return {name: v for name, v in os.environ.items() if name not in dropped and not name.startswith("GIT_")}


def _run(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], output: Path, tell: Tell
) -> tuple[int, str]:
    """Runs a command to its end: its output goes to a file, what it says is passed on. Returns its code, and its last
    error or else last line.

    Whatever interrupts this ends the command too, and waits until it has ended its own processes.
    """
    fault = last = ""
    try:
        with output.open("w") as file:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(variables),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    assert process.stderr is not None
    try:
        with process.stderr:
            for line in process.stderr:
                words = " ".join(line.split())
                if words.lower().startswith("error: "):
                    fault = words[len("error: ") :]
                elif words and not words.startswith("make"):  # which says no more than that its recipe failed
                    last = words
                if words:
                    tell(line.rstrip())
        return process.wait(), fault or last
    except BaseException:
        with _undisturbed():
            _end(process)
        raise


def _end(process: subprocess.Popen[str]) -> None:
    """Asks a command to end, as s30 does with its workers, and then makes it."""
    for how, patience in ((signal.SIGTERM, PATIENCE), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Puts off a second Ctrl-C while the first one's consequences are cleared away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _announced(cache: Path, tell: Tell) -> Iterator[None]:
    """Tells what the sweep has measured so far, by the entries of its cache: with --json it says nothing itself."""
    done = threading.Event()

    def watch() -> None:
        known: set[Path] = set()
        while not done.wait(0.5):
            for path in sorted(set(cache.glob("*.json")) - known):
                known.add(path)
                with contextlib.suppress(OSError, ValueError, KeyError):
                    entry = json.loads(path.read_text(encoding="utf-8"))
                    tell(f"  measured  {entry['paper']} {entry['layer']} in {entry['run'].get('seconds', 0.0):.1f} s")

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
