"""Where a commit is measured again: a worktree of its own, an environment that fits its locks, and the commands that run there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from s30.corpus import repository
from s30.errors import S30Error
from s30.evidence import environment

Tell = Callable[[str], None]

PATIENCE = 15.0  # seconds that an interrupted sweep has to end its own workers


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
        code, last = run([*nix, "flake", "archive", str(tree)], tree, variables(), tree.parent / "nix", tell)
        if code == 0:
            enter = (*nix, "develop", str(tree), "--command")
            code, last = run([*enter, "python3", "-c", ""], tree, variables(), tree.parent / "nix", tell)
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
    code, last = run(["make", "setup"], tree, variables(), tree.parent / "setup", tell)
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


def variables(place: Place | None = None) -> dict[str, str]:
    """This process's variables, without those that would lead another repository or environment astray."""
    dropped = {"S30_ROOT", "S30_CACHE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    if place is None or not place.present:
        dropped |= {"S30_ENVIRONMENT", "IN_NIX_SHELL"}
    return {name: v for name, v in os.environ.items() if name not in dropped and not name.startswith("GIT_")}


def run(command: Sequence[str], folder: Path, settings: Mapping[str, str], output: Path, tell: Tell) -> tuple[int, str]:
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
                env=dict(settings),
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
