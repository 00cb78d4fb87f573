"""A record measured again: its commit in a worktree of its own, by that commit's engine in that commit's environment, from an
empty cache; then the two records are compared.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s30.corpus import repository
from s30.errors import Interrupted, S30Error, UsageError
from s30.evidence import environment
from s30.layers.catalogue import ENGINE
from s30.record import comparison, telemetry

Tell = Callable[[str], None]
Answer = Callable[..., tuple[int, str, str]]  # a command -> its exit code, last line and output

PATIENCE = 15.0  # seconds that an interrupted sweep has to end its own workers


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
        if (root / ".git").exists():
            raise
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


def prepare(root: Path, tree: Path, fresh: bool, kind: str | None, tell: Tell) -> Place:
    """The environment of the commit in `tree`: the present one if its locks are the same, else Nix, else `make setup`.

    A record that was made with Nix (`kind`) asks for Nix before the present one, unless that is Nix's too.
    """
    locks = environment.lock_digests(tree)
    if not locks:
        if fresh:
            raise S30Error("the commit pins no environment (no requirements/*.txt, no flake.lock): none can be built")
        return Place((), sys.executable, "the present one, since the commit pins none", True)
    other = kind == "nix" and environment.kind() != "nix"
    present = "" if fresh else _same_locks(root, tree)
    if present and not other:
        return Place((), sys.executable, f"the present one: {present}", True)
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
    elif other:
        notes = ("the record was made with Nix, which is not on the PATH: another environment measures here",)
    if present:
        return Place((), sys.executable, f"the present one: {present}", True, notes)
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
    if not (tree / "python" / "s30" / "__init__.py").is_file():
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


def _variables(place: Place | None = None) -> dict[str, str]:
    """This process's variables, without those that would lead another repository or environment astray."""
    dropped = {"S30_ROOT", "S30_CACHE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    if place is None or not place.present:
        dropped |= {"S30_ENVIRONMENT", "IN_NIX_SHELL"}
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
