"""What one paper's measurement may touch: it reads no file that is not part of its evidence's key, and it leaves the
process as it found it, since the next paper is measured there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from s30.errors import S30Error

# Modules whose public functions rooms call, by the framework that brings them. Only those that are imported are looked at.
PATCHABLE = (
    *("math", "random", "numpy", "numpy.linalg", "numpy.random", "sympy", "s30.room"),
    *(
        "s30.corpus.problem",
        "s30.corpus.registry",
        "s30.corpus.data",
        "s30.corpus.vocabulary",
        "s30.training.schedules",
    ),
    *("torch", "torch.nn", "torch.nn.functional", "torch.autograd", "torch.optim", "torch.linalg", "torch.special"),
    *("jax", "jax.numpy", "jax.nn", "jax.lax", "jax.random", "tinygrad", "tinygrad.tensor", "tinygrad.nn"),
)
# What the system and its libraries read, outside the repository: of no paper, and stated in the key as far as it matters.
SYSTEM = (
    "/bin/",
    "/dev/",
    "/etc/",
    "/lib/",
    "/lib32/",
    "/lib64/",
    "/nix/store/",
    "/opt/",
    "/proc/",
    "/run/",
    "/sbin/",
    "/sys/",
    "/usr/",
)
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SET_BY_IMPORT = ("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK")  # by scikit-learn
CLASSES = (("torch", "Tensor"), ("torch.nn", "Module"), ("tinygrad", "Tensor"))  # whose methods rooms call


class ForeignFileError(S30Error):
    """A file on which the evidence would depend without its key saying so."""


class Reads:
    """Refuses, while a paper is measured, to open a file that the paper's evidence is not keyed by.

    Python tells of every file that is opened through it (an audit hook, which cannot be taken out again): `open`, `os.open`,
    NumPy's readers. Installed packages, the cache and byte code are no sources; outside the repository nor is what belongs
    to the system, nor what this process wrote itself. A room that catches the error is found out by `refused` all the same.
    """

    def __init__(self, root: Path, *own: Path) -> None:
        """`own` are the engine's folders: its code, and the cache."""
        self._root = os.path.realpath(root) + os.sep
        self._outside = tuple(os.path.realpath(str(folder)) + os.sep for folder in (sys.prefix, sys.base_prefix, *own))
        self._allowed: frozenset[str] | None = None
        self._written: set[str] = set()  # outside the repository
        self.refused: list[str] = []
        sys.addaudithook(self._hear)

    @contextmanager
    def limited_to(self, files: Collection[Path]) -> Iterator[None]:
        """Within it, of the repository's files only these may be opened."""
        self.refused.clear()
        self._allowed = frozenset(os.path.realpath(path) for path in files)
        try:
            yield
        finally:
            self._allowed = None

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or self._allowed is None or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        allowed, self._allowed = self._allowed, None  # what is looked up here is not heard
        try:
            path = os.path.realpath(os.fsdecode(arguments[0]))
            if path.startswith(self._outside) or path in allowed or "__pycache__" in path or os.path.isdir(path):
                return
            if not path.startswith(self._root):
                if _writes(*arguments[1:]):
                    self._written.add(path)
                    return
                packages = tuple(os.path.realpath(folder) + os.sep for folder in sys.path if folder)
                if path.startswith((*SYSTEM, *packages)) or path in self._written or not os.path.isfile(path):
                    return
            name = path.removeprefix(self._root)
            self.refused.append(name)
        finally:
            self._allowed = allowed
        raise ForeignFileError(
            f"it opens {name}, on which its evidence would depend without saying so: "
            "a layer reads the Python files of its room and of its own folder, and no other file"
        )


def _writes(mode: Any = None, flags: Any = 0) -> bool:
    """Whether a file is opened so that it may be made or changed, by what an audit event tells of it."""
    return (isinstance(mode, str) and not {*mode}.isdisjoint("wax+")) or bool(isinstance(flags, int) and flags & WRITES)


def unkeyed_modules(engine: Path, keyed: Collection[str]) -> list[str]:
    """Modules of the engine that are imported though the key of the evidence does not hold them."""
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(str(engine) + os.sep):
            name = os.path.relpath(file, engine)
            if name not in keyed:
                found.append(name)
    return sorted(set(found))


def state(framework: Mapping[str, Any]) -> dict[str, Any]:
    """What a paper could leave changed for the next one in this process; `framework` is its adaptor's own part of it."""
    found: dict[str, Any] = {
        "the environment": {name: value for name, value in os.environ.items() if name not in SET_BY_IMPORT},
        "the working directory": os.getcwd(),
        "sys.path": list(sys.path),
        "NumPy's error handling": np.geterr(),
        "NumPy's global random numbers": _digest(np.random.get_state()),
        **framework,
    }
    for name in PATCHABLE:
        if (module := sys.modules.get(name)) is not None:
            found |= {f"{name}.{key}": value for key, value in vars(module).items() if _is_code(key, value)}
    for name, kind in CLASSES:
        if (module := sys.modules.get(name)) is not None and (cls := vars(module).get(kind)) is not None:
            methods = {key: value for base in reversed(cls.__mro__) for key, value in vars(base).items()}
            found |= {f"{name}.{kind}.{key}": value for key, value in methods.items() if callable(value)}
    return found


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs; a function that came to a module later (many are loaded when first asked for) is no change."""
    plain = (dict, list, tuple, str, int, bool)
    return [
        name
        for name, value in before.items()
        if after.get(name) is not value and not (isinstance(value, plain) and after.get(name) == value)
    ]


def _is_code(key: str, value: Any) -> bool:
    return not key.startswith("_") and callable(value) and not isinstance(value, ModuleType)


def _digest(random_state: Any) -> int:
    return hash(tuple(part.tobytes() if isinstance(part, np.ndarray) else part for part in random_state))
