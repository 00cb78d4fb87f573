"""What a run of the tests, or all of CI, spent its CPU seconds on, for the end of a log: the steps, and the ten dearest of the
sweep's cells (as each worker measured its own), of the tests and of the mutants. Called by ci/run_tests.py.

CI_TIMES names the folder in which .ci/run keeps these: `begun`, whose age tells which entries of the cache were measured since;
`steps`, lines of `CPU seconds<TAB>seconds<TAB>name`; and `tests`, to which each run of the tests adds what it spent.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST, WIDTH = 10, 120
Spent = tuple[float, str, str]  # CPU seconds, kind, name


def cells(cache: Path, begun: float) -> list[Spent]:
    """The entries of a cache that were measured since, by paper, layer and task."""
    found = []
    for path in cache.glob("*.json"):
        if path.stat().st_mtime >= begun:
            entry = json.loads(path.read_text(encoding="utf-8"))
            task = "experiment" if "profile" in entry["facts"] else "checks"
            found.append((float(entry["run"]["cpu_seconds"]), "cell", f"{entry['paper']} {entry['layer']} {task}"))
    return found


def tests(text: str) -> list[Spent]:
    """What `cpu_times` wrote: `seconds<TAB>name`, a line each."""
    found = []
    for line in text.splitlines():
        seconds, _, name = line.partition("\t")
        found.append((float(seconds), "mutant" if "test_mutants.py::" in name else "test", name))
    return found


def closing(own: str, step: tuple[float, float]) -> list[str]:
    """The lines that close a log: the steps of CI, of which this one has taken `step` CPU seconds and seconds so far; and the
    dearest of all that was measured, `own` being what `cpu_times` wrote of the tests that just ran, and is kept for later."""
    lines, spent = [], tests(own)
    if named := os.environ.get("CI_TIMES"):
        folder = Path(named)
        rows = [line.split("\t") for line in _text(folder / "steps").splitlines()]
        steps = [(float(cpu), float(wall), name) for cpu, wall, name in rows]
        lines += ["--- steps, in CPU seconds (and seconds)"]
        lines += [
            f"{cpu:9.1f} {f'({wall:.0f})':>6}  {name}" for cpu, wall, name in [*steps, (*step, "this one, so far")]
        ]
        spent += tests(_text(folder / "tests"))
        with (folder / "tests").open("a", encoding="utf-8") as file:
            file.write(own)
        cache = Path(os.environ.get("S30_CACHE") or ROOT / ".s30" / "cache")
        spent += cells(cache, (folder / "begun").stat().st_mtime)
    dearest = sorted(spent, reverse=True)[:MOST]
    if dearest:
        lines += [f"--- the {len(dearest)} dearest of {len(spent)} cells, tests and mutants, in CPU seconds"]
    return [*lines, *(f"{seconds:9.1f}  {kind:<6}  {name[:WIDTH]}" for seconds, kind, name in dearest)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
