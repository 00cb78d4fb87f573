"""Further small problems of paper 21: other sizes and switches, one frame, an empty label, extremes, and f at its kink.

The mistakes that they are for: exp of sums of logarithms in place of log-sum-exp; -1e9 for log 0; a gradient of NaN behind a mask; a
statistic over padding; a stride that is ignored; a label read beyond its end; relu'(0) = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_frame", "one example of one frame and one symbol: the normalisation has a variance of zero", drawn(1, [1], [[1]],
            frequency=2, channels=3, kernel=1, stride=1, hidden=2, symbols=3),
        ),
        Variant(
            "streaming", "one direction and a row convolution over two frames to come; stride 1 and 3 frames; an empty label",
            drawn(2, [3, 3], [[2, 2], []], frequency=3, channels=4, kernel=5, stride=1, hidden=3, symbols=4, bidirectional=False,
                  context=2),
        ),
        Variant(
            "low_ceiling", "a ceiling of 0.4, which cuts many states; stride 3", drawn(3, [8, 4], [[1, 2], [3]], stride=3, ceiling=0.4,
            symbols=5),
        ),
        Variant(
            "counted_as_zero", "an example without alignment counts in the mean, with 0; labels as long as their frames, without repeat",
            drawn(4, [7, 5, 3], [[1, 1, 1], [2, 3, 1], [4, 5]], impossible="zero"),
        ),
        Variant(
            "local", "no recurrence: each frame sees its window alone",
            drawn(6, [7, 5, 3], [[1, 2, 1], [2, 2], [5, 3]], recurrence=False),
        ),
        Variant(
            "large_logits", "logits of thousands: path probabilities of e^-1000 and less, whose product is 0 in doubles and whose sum is "
            "below a stand-in of -1e3 or so for log 0", scaled(5, {"output.weight": 3e3}), kind="extreme",
        ),
        Variant(
            "silent", "w and its bias are zero, so that f stands at its kink in every frame", silent(), kind="tie",
            convention="f'(0) = 0: nothing reaches w and its bias",
            gradient={"conv.weight": np.zeros(checks.problem(7).params["conv.weight"].shape), "conv.bias": np.zeros(8)},
        ),
    ]  # fmt: skip


def drawn(seed: int, lengths: list[int], labels: list[list[int]], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([21, 100 + seed]), lengths, labels, {**checks.CONFIG, **config})


def scaled(seed: int, factors: dict[str, float]) -> Problem:
    problem = checks.problem(seed)
    return Problem(problem.config, {n: v * factors.get(n, 1.0) for n, v in problem.params.items()}, problem.batch)


def silent() -> Problem:
    problem = checks.problem(7)
    return Problem(
        problem.config,
        {n: np.zeros_like(v) if n.startswith("conv") else v for n, v in problem.params.items()},
        problem.batch,
    )
