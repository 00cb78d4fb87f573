"""From probabilities of symbols to a label: greedily, and by a beam of prefixes. And how far a label is from the right one.

greedy        the most probable path, collapsed
prefix_beam   the most probable label among the `width` prefixes that are kept: each prefix has the probability of all its paths that
              end in a blank, and of those that end in its last symbol (Graves, 2012; Hannun et al., 2014)
edits         substitutions, insertions and deletions, the fewest
"""

from __future__ import annotations

from itertools import groupby

import numpy as np

from s30.room import Array

Beam = dict[
    tuple[int, ...], tuple[float, float]
]  # prefix: log p of its paths that end in a blank, and of those that do not


def greedy(log_y: Array) -> list[int]:
    """The label of one example, log_y (time, symbols)."""
    return [int(k) for k, _ in groupby(log_y.argmax(-1)) if k]


def prefix_beam(log_y: Array, width: int, least: float = -9.0) -> list[int]:
    """The label of one example, log_y (time, symbols). Symbols below `least` in a frame are passed over there."""
    beam: Beam = {(): (0.0, -np.inf)}
    for row in log_y:
        found: Beam = {}
        for prefix, (blank, symbol) in beam.items():
            whole = np.logaddexp(blank, symbol)
            add(found, prefix, whole + row[0], symbol + row[prefix[-1]] if prefix else -np.inf)
            for k in np.flatnonzero(row[1:] > least) + 1:
                # a repeat is a new symbol behind a blank only
                add(found, (*prefix, int(k)), -np.inf, (blank if prefix and prefix[-1] == k else whole) + row[k])
        kept = sorted(found, key=lambda prefix: np.logaddexp(*found[prefix]), reverse=True)[:width]
        beam = {prefix: found[prefix] for prefix in kept}
    return list(max(beam, key=lambda prefix: np.logaddexp(*beam[prefix])))


def add(found: Beam, prefix: tuple[int, ...], blank: float, symbol: float) -> None:
    """More paths for a prefix, in logarithms."""
    old = found.get(prefix, (-np.inf, -np.inf))
    found[prefix] = (np.logaddexp(old[0], blank), np.logaddexp(old[1], symbol))


def edits(written: list[int], wanted: list[int]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(wanted) + 1))
    for i, a in enumerate(written, 1):
        past, row[0] = row[:], i
        for j, b in enumerate(wanted, 1):
            row[j] = min(past[j] + 1, row[j - 1] + 1, past[j - 1] + (a != b))
    return row[-1]


def label_error_rate(written: list[list[int]], wanted: list[list[int]]) -> float:
    """All edits over the length of all labels."""
    return sum(map(edits, written, wanted)) / sum(map(len, wanted))
