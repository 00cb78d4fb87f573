"""What the pointer writes by greedy decoding (paper 08, section 4.4). Of equal scores the earlier place is taken."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, sibling

checks = sibling(__file__, "numpy_checks.py")


def written(
    params: Arrays, points: Array, mask: Array, *, steps: int, glimpse: bool, ordered: bool, reuse: bool
) -> tuple[Array, Array]:
    """As many places as the set has elements, from 0, then -1: (example, input); and the logarithm of their probability."""
    count, size = mask.shape
    rows, lengths = np.arange(count), mask.sum(1)
    memory, _, state, _ = checks.encode(params, points, mask, steps=steps, ordered=ordered)
    given, total = checks.start(params, memory)[:, 0], np.zeros(count)
    used, found = np.zeros((count, size), bool), np.full((count, size), -1)
    for j in range(size):
        state = checks.lstm(params, "write", given, state)
        scores = checks.pointers(params, memory, state[0][:, None], mask, glimpse=glimpse)[:, 0]
        here = j < lengths
        may = mask & (~used | reuse | ~here[:, None])  # behind the end all elements, as in training
        log_p = checks.log_softmax(np.where(may, scores, -np.inf))
        place = log_p.argmax(1)
        total += np.where(here, log_p[rows, place], 0)
        found[:, j] = np.where(here, place, -1)
        used[rows, place] = True
        given = memory[rows, place]
    return found, total
