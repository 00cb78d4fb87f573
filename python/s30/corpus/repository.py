"""What git says about the sources that are verified; or, where they came without git, what S30_COMMIT says.

A Nix build and a container hold the tracked files and no repository. There the commit is stated from outside and cannot be
checked on the spot; the digest of the sources is computed from the files themselves, so that whoever has the repository can
check it: `s30 telemetry check` does.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from s30.corpus import documents
from s30.errors import S30Error

RECORD = "verification.yaml"
SOURCES = (".py", ".agda", ".agda-lib", ".yaml", ".json", ".npz", ".npy")  # what a layer can read


def git(root: Path, *arguments: str) -> str:
    """The output of a git command. Raises S30Error with git's own reason, and with the remedy where git is not to be had or
    does not trust a checkout that is another user's."""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
        )
    except OSError as error:
        raise S30Error(f"git cannot be run ({error.strerror}): install it (Debian: apt-get install git)") from None
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        if "dubious ownership" in done.stderr:
            trust = f"git config --global --add safe.directory {root}"
            raise S30Error(
                f"{root} belongs to another user, and git does not trust it: `{trust}`, or work as its owner"
            )
        raise S30Error(f"git {arguments[0]} in {root}: {reason[-1] if reason else f'exit code {done.returncode}'}")
    return done.stdout


def stated(root: Path) -> str | None:
    """S30_COMMIT (a commit, or `COMMIT-dirty`), for sources without git; None where git is asked.

    Raises S30Error when it names no commit, or when git is there and disagrees.
    """
    commit = os.environ.get("S30_COMMIT")
    if not commit:
        return None
    if not re.fullmatch("[0-9a-f]{40}(-dirty)?", commit):
        raise S30Error(f"S30_COMMIT={commit} names no commit: build from a git checkout whose changes are committed")
    if not (root / ".git").exists():
        return commit
    if (actual := git(root, "rev-parse", "HEAD").strip()) != commit.removesuffix("-dirty"):
        raise S30Error(f"S30_COMMIT={commit}, but {root} has commit {actual} checked out: unset S30_COMMIT")
    return None


def head(root: Path) -> str:
    """The full name of the commit that is checked out, or that S30_COMMIT states."""
    commit = stated(root)
    return commit.removesuffix("-dirty") if commit else git(root, "rev-parse", "HEAD").strip()


def changed_files(root: Path) -> list[str]:
    """Files that differ from HEAD or are untracked, the record itself left out.

    Without git no file can be named, and the one entry says why the sources are not those of the commit.
    """
    if commit := stated(root):
        wanted = os.environ.get("S30_SOURCE_DIGEST")
        if commit.endswith("-dirty"):
            return ["unnamed files: S30_COMMIT says that the tree was dirty"]
        if wanted and wanted != files_digest(root):
            return ["unnamed files: the sources differ from S30_SOURCE_DIGEST"]
        return []
    lines = git(root, "status", "--porcelain=v1", "--untracked-files=all").splitlines()
    found = {name for line in lines if (name := line[3:].strip('"')) != RECORD}
    return sorted(found | set(_unlooked_at(root)))


def _unlooked_at(root: Path) -> Iterator[str]:
    """What `git status` passes over though a layer may read it: files that git was told to take for unchanged, links that
    lead out of the tree, and source files that .gitignore hides in a room, in the engine or among the proofs."""
    for line in git(root, "ls-files", "-v").splitlines():
        tag, _, name = line.partition(" ")
        if (tag.islower() or tag == "S") and name != RECORD:  # assume-unchanged, skip-worktree
            yield name
    for line in git(root, "ls-files", "--stage").splitlines():
        facts, _, name = line.partition("\t")
        if facts.startswith("120000") and not (root / name).resolve().is_relative_to(root.resolve()):
            yield f"{name} (a link out of the tree)"
    hidden = git(root, "ls-files", "--others", "--ignored", "--exclude-standard", "--", "papers", "python/s30", "agda")
    yield from (name for name in hidden.splitlines() if name.endswith(SOURCES))


def source_digest(root: Path, commit: str = "HEAD") -> str:
    """sha256 over the path, mode and blob of every file of a commit, without the record: the same after any rewrite of history."""
    if commit == "HEAD" and stated(root):
        return files_digest(root)
    return _digest(git(root, "ls-tree", "-rz", "--full-tree", commit).split("\0"))


def files_digest(root: Path) -> str:
    """The source digest that a commit of all files here would have; git is not asked."""
    return _digest(_files(root))


def _digest(entries: Iterable[str]) -> str:
    sources = sorted(entry for entry in entries if entry and not entry.endswith(f"\t{RECORD}"))
    return hashlib.sha256("\n".join(sources).encode()).hexdigest()


def _files(root: Path) -> Iterator[str]:
    """What `git ls-tree` would print if all files here were committed, those left out that .gitignore names.

    Of .gitignore's language it knows names, `name/` for folders alone, and paths, whose slash ties them to the root.
    """
    lines = documents.text_of(root / ".gitignore").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    def matches(path: Path, pattern: str) -> bool:
        steps = pattern.strip("/").split("/")
        parts = path.relative_to(root).parts if "/" in pattern.rstrip("/") else (path.name,)
        return len(steps) == len(parts) and all(map(fnmatch, parts, steps))

    def ignored(path: Path, folder: bool) -> bool:
        return any(matches(path, p) for p in patterns if folder or not p.endswith("/"))

    for place, folders, files in os.walk(root):
        links = [name for name in folders if Path(place, name).is_symlink()]  # which git takes for files
        folders[:] = [name for name in folders if not ignored(Path(place, name), True)]
        for path in (Path(place, name) for name in (*files, *links)):
            if ignored(path, False):
                continue
            linked = path.is_symlink()
            content = os.readlink(path).encode() if linked else path.read_bytes()
            mode = "120000" if linked else "100755" if path.stat().st_mode & 0o100 else "100644"
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            yield f"{mode} blob {blob}\t{path.relative_to(root).as_posix()}"


def files_between(root: Path, old: str, new: str) -> list[str]:
    """Files that differ between two commits, the record left out."""
    names = git(root, "diff", "--name-only", old, new).splitlines()
    return [name for name in names if name != RECORD]


def has_commit(root: Path, commit: str) -> bool:
    """Whether this clone holds the commit."""
    try:
        git(root, "cat-file", "-e", f"{commit}^{{commit}}")
    except S30Error:
        return False
    return True
