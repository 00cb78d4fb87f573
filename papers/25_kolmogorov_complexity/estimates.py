r"""What the measurements are held against.

hindsight    sum_c n_c h(n_c1 / n_c), h the binary entropy: the bits of the parameters that fit a string best
weights      w = mean over strings of w_k 2^(-l_k) / sum_j w_j 2^(-l_j): the mixture of fewest bits
distance     of the two texts that are most alike
"""

from __future__ import annotations

import math

import numpy as np

from s30.room import Array, sibling

checks = sibling(__file__, "numpy_checks.py")


def best_weights(expert_bits: Array) -> Array:
    """The weights (expert,) under which code lengths (string, expert) are mixed to the fewest bits.

    Where dL/d log w = (w - mean posterior) / ln 2 vanishes, w is the mean posterior. Iterating that is EM.
    """
    weights = np.full(expert_bits.shape[1], 1 / expert_bits.shape[1])
    for _ in range(200):
        weights = checks.softmax(np.log(weights) - expert_bits * math.log(2)).mean(0)
    return weights


def hindsight_bits(strings: Array, order: int, lengths: Array) -> Array:
    """Code length under the parameters that fit each prefix best, sum_c n_c h(n_c1 / n_c): (count, length)."""
    past = np.pad(strings, ((0, 0), (order, 0)))
    cell = sum(past[:, back : back + strings.shape[1]] << (order - back) for back in range(order + 1))  # 2 c + x_t
    counts = np.cumsum(cell[..., None] == np.arange(2 ** (order + 1)), axis=1)[:, lengths - 1]  # (count, length, cell)
    counts = counts.reshape(*counts.shape[:2], 2**order, 2)
    share = np.maximum(counts, 1) / np.maximum(counts.sum(-1, keepdims=True), 1)
    return -(counts * np.log2(share)).sum((-1, -2))


def closest(distance: Array) -> float:
    """The smallest distance between two different texts: near 0 where one repeats the other."""
    return float(distance[~np.eye(len(distance), dtype=bool)].min())
