"""Problems beyond the checked one: other sizes and orders, an empty string, and numbers at which a naive exp or log fails."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Problem, Variant


def case(
    seed: int, orders: tuple[int, ...], lengths: tuple[int, ...], log_weights: Array, log_pseudo: Array
) -> Problem:
    """Fair bits; strings of the given lengths in one batch."""
    rng, steps = np.random.default_rng([2500, seed]), max(lengths)
    batch = {
        "strings": rng.integers(0, 2, (len(lengths), steps)),
        "mask": np.arange(steps) < np.array(lengths)[:, None],
    }
    return Problem({"orders": orders}, {"log_weights": log_weights, "log_pseudo": log_pseudo}, batch, learning_rate=0.1)


def drawn(seed: int, orders: tuple[int, ...], lengths: tuple[int, ...]) -> Problem:
    """As `case`, with weights and pseudo-counts away from symmetry."""
    rng = np.random.default_rng([2501, seed])
    return case(seed, orders, lengths, rng.normal(0, 0.7, len(orders)), rng.normal(0, 0.5, (len(orders), 2)))


def variants() -> list[Variant]:
    even = np.zeros((3, 2))
    return [
        Variant("one_bit", "one string of one bit: no step has a past", drawn(1, (0, 1, 2), (1,))),
        Variant("one_expert", "a single expert, of order 0: the mixture is that expert", drawn(2, (0,), (6, 4))),
        Variant(
            "orders_3_0",
            "orders that are neither consecutive nor ascending, and an empty string between two others",
            drawn(3, (3, 0), (9, 0, 5)),
        ),
        Variant(
            "long_string",
            "1,200 bits: 2^(-bits) is 0 in double precision, so a sum of exponentials has no logarithm",
            drawn(4, (1, 2), (1200, 400)),
            "extreme",
        ),
        Variant(
            "far_weights",
            "log-weights (800, 0, -800), the second expert as good as impossible: exp(800) overflows, and its prior is 0",
            case(5, (0, 1, 2), (12, 7), np.array([800.0, 0.0, -800.0]), even),
            "extreme",
        ),
        Variant(
            "far_pseudo_counts",
            "log-pseudo-counts of 150 and -150: bits that cost 0 and 433, and products that underflow",
            case(6, (0, 1, 2), (10, 10), np.array([0.2, 0.0, -0.3]), 150.0 * np.array([[1, -1], [-1, 1], [-1, -1]])),
            "extreme",
        ),
    ]
