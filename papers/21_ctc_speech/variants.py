"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

TODO: every key of `config` changed, every axis of every array of a second size, an extreme, and ties where the object has any.
"""

import numpy as np

from s30.room import Problem, Variant


def _drawn(seed: int, examples: int, features: int, outputs: int, size: float = 1.0) -> Problem:
    """Numbers of this size, under a configuration of its own."""
    rng = np.random.default_rng(seed)
    return Problem(
        config={"features": features, "outputs": outputs},
        params={"weight": size * rng.normal(size=(outputs, features)), "bias": size * rng.normal(size=outputs)},
        batch={"inputs": rng.normal(size=(examples, features)), "targets": rng.normal(size=(examples, outputs))},
    )


def variants() -> list[Variant]:
    return [
        Variant("one example", "TODO: an axis that is squeezed away, a sum in place of a mean", _drawn(1, 1, 4, 3)),
        Variant("large numbers", "TODO: what overflows or underflows here", _drawn(2, 3, 2, 2, 1e8), "extreme"),
    ]
