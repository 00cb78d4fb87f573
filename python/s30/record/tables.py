"""Whether the table of metrics in a room's README is the record's: it is written when figures are drawn, and read by people."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from s30.corpus import documents
from s30.layers.catalogue import LAYERS
from s30.verdict.claims import cell

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
SHOWN = 2e-3  # of a value: what four digits of one and five of the other may differ by


def contradictions(root: Path, record: Mapping[str, Any]) -> list[str]:
    """Each number in a room's table that is not the record's, by file and line; of tables of the record's own profile."""
    found: list[str] = []
    for number, entry in record["papers"].items():
        for path in sorted(root.glob(f"papers/{number}_*/README.md")):
            name = path.relative_to(root)
            found += [f"{name}:{line}: {why}" for line, why in _differences(documents.text_of(path), record, entry)]
    return found


def _differences(text: str, record: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    measured: Mapping[str, Mapping[str, Any]] = entry.get("metrics", {})
    layers: Sequence[str] = ()
    shown: set[str] = set()
    lines = text.splitlines()
    if not measured or not any(line.startswith(f"Profile {record['profile']}, seed 0;") for line in lines):
        return
    for at, line in enumerate(lines, 1):
        cells = [one.strip() for one in line.strip("|").split("|")]
        if line.startswith("| metric |"):
            layers = [name for name, layer in LAYERS.items() if layer.title in cells]
        elif layers and (named := re.match(r"\| `([^`]+)` \|", line)):
            name = named[1]
            shown.add(name)
            for layer, says in zip(layers, cells[-len(layers) :], strict=True):
                values = measured.get(name, {}).get(layer, [])
                if not _agree(says, cell(values), float(measured.get(name, {}).get("spread", 0.0))):
                    yield (
                        at,
                        f"{name} is {says} in {LAYERS[layer].title}, and {cell(values)} in the record: make figures",
                    )
    for name in measured.keys() - shown if layers else ():
        yield 1, f"{name}, which the record holds, is not in the table: make figures"


def _agree(says: str, measured: str, spread: float) -> bool:
    """Whether two cells are one: their means within the spread, and the ends of their ranges, single values, within twice it."""
    cells = [[float(one) for one in NUMBER.findall(text)] for text in (says, measured)]
    if any(len(numbers) not in (1, 3) for numbers in cells):
        return says == measured
    whole = [numbers if len(numbers) == 3 else numbers * 3 for numbers in cells]  # one value is its own range
    return all(
        math.isclose(one, other, rel_tol=SHOWN, abs_tol=most)
        for one, other, most in zip(*whole, (spread, 2 * spread, 2 * spread), strict=True)
    )
