"""What git says about the sources that are verified."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from s30.errors import S30Error

RECORD = "verification.yaml"


def git(root: Path, *arguments: str) -> str:
    """The output of a git command. Raises S30Error with git's own reason."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise S30Error(f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        reason = done.stderr.strip().splitlines()
        raise S30Error(f"git {arguments[0]} in {root}: {reason[-1] if reason else f'exit code {done.returncode}'}")
    return done.stdout


def head(root: Path) -> str:
    """The full name of the commit that is checked out."""
    return git(root, "rev-parse", "HEAD").strip()


def changed_files(root: Path) -> list[str]:
    """Files that differ from HEAD or are untracked, the record itself left out."""
    lines = git(root, "status", "--porcelain=v1", "--untracked-files=all").splitlines()
    return sorted(name for line in lines if (name := line[3:].strip('"')) != RECORD)


def source_digest(root: Path, commit: str = "HEAD") -> str:
    """sha256 over the path, mode and blob of every file of a commit, without the record: the same after any rewrite of history."""
    entries = git(root, "ls-tree", "-r", "--full-tree", commit).splitlines()
    sources = sorted(entry for entry in entries if not entry.endswith(f"\t{RECORD}"))
    return hashlib.sha256("\n".join(sources).encode()).hexdigest()


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
