"""How long each slot took when it was last measured: what a plan goes by, and no result depends on."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from s30.errors import S30Error
from s30.evidence.store import Evidence, write_atomically
from s30.layers.catalogue import EXPERIMENT

FILE = "durations"  # beside the entries of the cache
LARGEST = 1 << 20  # bytes of it that are read
# Processor seconds of a slot that was never measured here, and of what a process does before its first paper.
FIRST = {"agda": 8.0, "tinygrad": 8.0, "jax": 6.0, "torch": 1.0, "sympy": 2.0, "numpy": 0.3, EXPERIMENT: 8.0}
START = {"agda": 5.0, "tinygrad": 0.4, "jax": 1.5, "torch": 3.0, "sympy": 0.7, "numpy": 0.2}


class Durations:
    """Processor seconds of slots of one profile, remembered in a folder. What cannot be read there is as if never measured."""

    def __init__(self, folder: Path, profile: str) -> None:
        self._path, self._profile = folder / FILE, profile
        self._known = _read(self._path)

    def of(self, paper: str, layer: str, task: str) -> float:
        """What it took last; else what such a slot may take."""
        return self._known.get(self._name(paper, layer, task), FIRST[task if task == EXPERIMENT else layer])

    def learn(self, measured: Mapping[tuple[str, str, str], Evidence]) -> None:
        """Remembers what these took, beside what another sweep has remembered meanwhile."""
        took = {self._name(*slot): found.run.get("cpu_seconds") for slot, found in measured.items() if not found.error}
        new = {name: seconds for name, seconds in took.items() if isinstance(seconds, int | float)}
        if new:
            self._known = _read(self._path) | new
            with contextlib.suppress(S30Error):  # a full disk costs the next plan its balance, and no result
                write_atomically(self._path, json.dumps(self._known, sort_keys=True, indent=0).encode())

    def _name(self, paper: str, layer: str, task: str) -> str:
        return f"{paper} {layer} {task}{f' {self._profile}' if task == EXPERIMENT else ''}"


def spread(seconds: Iterable[tuple[str, float]], parts: int) -> list[list[str]]:
    """The names in so many groups of nearly equal seconds: the longest first, each to the group that has least."""
    groups: list[tuple[float, list[str]]] = [(0.0, []) for _ in range(parts)]
    for name, took in sorted(seconds, key=lambda item: (-item[1], item[0])):
        least = min(range(parts), key=lambda i: (groups[i][0], i))
        groups[least] = (groups[least][0] + took, [*groups[least][1], name])
    return [names for _, names in groups if names]


def _read(path: Path) -> dict[str, float]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {name: float(value) for name, value in items if isinstance(value, int | float) and 0 <= value < math.inf}
