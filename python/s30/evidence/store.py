"""What one layer measured about one paper: named arrays and facts, stored under the digest of all they depend on.

An entry is two files, KEY.npz and KEY.json. The npz holds one array per dtype, in which the named arrays lie end to end,
since a thousand members take a quarter of a second to open; the json tells their names and shapes in that order. The
json is written last, by an atomic rename, and holds the digest of the arrays: an entry is either whole or absent, and a
damaged one is noticed when it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from s30.corpus.vocabulary import Array, Outcome
from s30.errors import S30Error, one_line

VERSION = 3  # of the layout of an entry
SUFFIXES = (".npz", ".json")  # of an entry's files, in the order in which they are written


@dataclass(frozen=True)
class Evidence:
    """arrays   named NumPy arrays (`seed0/output/scores`, ...)
    facts    JSON values that two runs on the same sources and environment share
    run      JSON values that may differ from run to run: seconds, host
    error    why the layer did not finish, in one line; empty when it did
    outcome  PASSED when the layer finished, FAILED when it raised, NOT_RUN when it could not start
    key      under which the entry was stored: the digest of all that it depends on; empty when it was not
    """

    paper: str
    layer: str
    arrays: Mapping[str, Array] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    outcome: Outcome = Outcome.PASSED
    key: str = field(default="", compare=False)

    @cached_property
    def digest(self) -> str:
        """sha256 over names, dtypes, shapes, bytes and facts: equal digests mean equal results."""
        sha = hashlib.sha256(canonical({"facts": self.facts, "error": self.error, "outcome": self.outcome}).encode())
        for name in sorted(self.arrays):
            array = np.ascontiguousarray(self.arrays[name])
            sha.update(f"{name}|{array.dtype.str}|{self.arrays[name].shape}|".encode())
            sha.update(array.tobytes())
        return sha.hexdigest()

    def group(self, prefix: str) -> dict[str, Array]:
        """The arrays under `prefix/`, by the rest of their names."""
        return {name[len(prefix) + 1 :]: a for name, a in self.arrays.items() if name.startswith(prefix + "/")}


class UnfitEvidenceError(S30Error):
    """Evidence that no entry can hold: an array of Python objects, a NaN among the facts."""


class DamagedEntryError(S30Error):
    """A cache entry that does not hold what was written."""


def canonical(value: Any) -> str:
    """JSON text that depends on the value alone."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def digest_of(parts: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of `parts`."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


def digest_files(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """sha256 of each file by its path relative to `root`. Raises S30Error for what is no plain file (a pipe would hang)."""
    chosen = sorted(set(paths))
    for path in chosen:
        if path.exists() and not path.is_file():
            raise S30Error(f"{path} is no file: remove it, or give it another name")
    try:
        return {os.path.relpath(path, root): hashlib.sha256(path.read_bytes()).hexdigest() for path in chosen}
    except OSError as error:
        raise S30Error(f"{error.filename}: cannot be read: {error.strerror}") from None


def check_target(path: Path) -> None:
    """Raises S30Error where something stands that is no plain file: work is not begun whose result would find no place."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise S30Error(f"cannot write {path}: it is no plain file; choose another name")


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file that is whole or absent. Raises S30Error, with the reason, when the folder does not take it, and where
    something stands that is no plain file: a device, a pipe or a link is not replaced."""
    check_target(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise S30Error(f"cannot write {path}: {error.strerror or error}; free space or choose another folder") from None


def save(evidence: Evidence, folder: Path, key: str) -> None:
    """Writes an entry: the arrays first, then the json that makes it valid.

    Raises UnfitEvidenceError for what is not plain numbers and JSON, S30Error when the folder does not take it.
    """
    for name, array in evidence.arrays.items():
        if array.dtype.hasobject:
            raise UnfitEvidenceError(f"{name} holds Python objects, not numbers")
    try:
        digest = evidence.digest
    except (TypeError, ValueError) as error:
        raise UnfitEvidenceError(f"its facts do not fit into JSON: {error}") from None
    buffer = io.BytesIO()
    # «=» makes every name one that no parameter of `savez` has.
    np.savez(buffer, allow_pickle=False, **{f"={dtype}": flat for dtype, flat in _packed(evidence.arrays).items()})
    write_atomically(folder / f"{key}.npz", buffer.getvalue())
    document = {
        "version": VERSION,
        "key": key,
        "digest": digest,
        "paper": evidence.paper,
        "layer": evidence.layer,
        "outcome": evidence.outcome,
        "error": evidence.error,
        "arrays": {name: [array.dtype.str, array.shape] for name, array in evidence.arrays.items()},
        "facts": evidence.facts,
        "run": evidence.run,
    }
    write_atomically(folder / f"{key}.json", json.dumps(document, indent=1, ensure_ascii=False).encode())


def _packed(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays of each dtype end to end."""
    flat: dict[str, list[Array]] = {}
    for array in arrays.values():
        flat.setdefault(array.dtype.str, []).append(array.ravel())
    return {dtype: np.concatenate(parts) for dtype, parts in flat.items()}


def _unpacked(flat: Mapping[str, Array], index: Mapping[str, tuple[str, list[int]]]) -> dict[str, Array]:
    """The named arrays of an index of dtypes and shapes; what an edited index makes of them has another digest."""
    arrays, used = {}, dict.fromkeys(flat, 0)
    for name, (dtype, shape) in index.items():
        start, used[dtype] = used[dtype], used[dtype] + math.prod(shape)
        arrays[name] = flat[dtype][start : used[dtype]].reshape(shape)
    return arrays


def load(folder: Path, key: str) -> Evidence | None:
    """The entry, or None when there is none. Raises DamagedEntryError, naming the file, when it is not what was written."""
    path = folder / f"{key}.json"
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        content = io.BytesIO((folder / f"{key}.npz").read_bytes())
        with zipfile.ZipFile(
            content
        ) as archive:  # none is written compressed: a small file would be read into a large one
            if packed := [
                member.filename for member in archive.infolist() if member.compress_type != zipfile.ZIP_STORED
            ]:
                raise ValueError(f"{packed[0]} is compressed")
        with np.load(content, allow_pickle=False) as stored:
            arrays = _unpacked({name[1:]: stored[name] for name in stored.files}, document["arrays"])
        evidence = Evidence(
            paper=document["paper"],
            layer=document["layer"],
            arrays=arrays,
            facts=document["facts"],
            run=document["run"],
            error=document["error"],
            outcome=Outcome(document["outcome"]),
            key=key,
        )
        whole = document["digest"] == evidence.digest and document["key"] == key and document["version"] == VERSION
    except Exception as error:  # a flipped byte surfaces anywhere in numpy, zipfile or json, as any of their errors
        raise DamagedEntryError(f"cache entry {path} is damaged ({one_line(error)})") from None
    if not whole:
        raise DamagedEntryError(f"cache entry {path} is damaged (its digest does not match)")
    return evidence


def pack(folder: Path, key: str) -> dict[str, bytes] | None:
    """An entry's two files by their suffixes, in the order in which they are written, to be carried elsewhere."""
    paths = [folder / f"{key}{suffix}" for suffix in SUFFIXES]
    return {path.suffix: path.read_bytes() for path in paths} if all(path.is_file() for path in paths) else None


def unpack(packed: Mapping[str, bytes], folder: Path, key: str) -> Evidence:
    """Stores an entry that was packed elsewhere. Raises DamagedEntryError when it is not what was written there."""
    for suffix in SUFFIXES:
        write_atomically(folder / f"{key}{suffix}", packed[suffix])
    try:
        found = load(folder, key)
        assert found is not None, "both files were just written"
    except DamagedEntryError:
        discard(folder, key)
        raise
    return found


def discard(folder: Path, key: str) -> None:
    """Removes an entry, if it is there. A folder that keeps it is no fault here: writing there will say so."""
    for suffix in reversed(SUFFIXES):
        with contextlib.suppress(OSError):
            (folder / f"{key}{suffix}").unlink(missing_ok=True)
