"""Where a record lies: in a file, or in the repository's history, which one that describes a commit."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s30.corpus import repository
from s30.errors import S30Error, UsageError
from s30.record import telemetry


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
