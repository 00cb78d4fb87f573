"""Further small problems (paper 08): other sizes, each switch, one place left, equal elements, and extreme scores.

The mistakes that they are for, each easily made: a step of processing too many or too few; attention to padding; a glimpse that is
left out or never asked for; the rival's state taken at the padding; exp without the maximum subtracted; -1e9 in place of -inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_of_each", "one set of one number, one unit, one step, one variable: axes of size one",
            drawn(1, [1], [[0]], features=1, hidden=1, steps=1, variables=1, symbols=3),
        ),
        Variant(
            "blind", "no step of processing and no glimpse: the writing starts from zero", drawn(2, [3, 4], [[2, 0], [1, 0, 3]], steps=0,
                                                                                                glimpse=False),
        ),
        Variant(
            "rival", "Ptr-Net: an LSTM reads the set in the order given, and the writing starts from its last real state",
            drawn(3, [4, 2], [[3, 0, 1], [0, 1]], ordered=True),
        ),
        Variant(
            "long", "five elements, pointed at four times, one of them twice, after three steps; a set whose mask leaves one place; orders "
            "that are told", drawn(4, [5, 1, 3], [[4, 0, 3, 0], [0], [2, 1, 0]], features=1, hidden=4, steps=3, reuse=True, variables=2,
                                   told=True),
        ),
        Variant(
            "duplicates", "three equal elements beside another: each is an element of its own, with the same pointer",
            duplicates(checks.problem(3)),
        ),
        Variant(
            "large_scores", "scores of plus and minus some thousands in every softmax: exp overflows unless the row's maximum is "
            "subtracted, and the log of a softmax is log 0", large_scores(checks.problem(4)), kind="extreme",
        ),
        Variant(
            "below_minus_1e9", "all scores of attention and of pointers are below -2^33: a forbidden score is -inf, and no large "
            "negative number is", below_minus_1e9(checks.problem(5)),
        ),
    ]  # fmt: skip


def drawn(seed: int, lengths: list[int], targets: list[list[int]], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([8, 100 + seed]), lengths, targets, {**checks.CONFIG, **config})


def duplicates(problem: Problem) -> Problem:
    points = problem.batch["points"].copy()
    points[1, [1, 3]] = points[1, 0]
    return Problem(problem.config, problem.params, {**problem.batch, "points": points})


def large_scores(problem: Problem) -> Problem:
    sizes = {"read.2.weight": 1e3, "score.weight": 3e3, "joint.readout.weight": 1e4, "joint.readout.bias": 1e3}
    return Problem(
        problem.config, {name: sizes.get(name, 1.0) * value for name, value in problem.params.items()}, problem.batch
    )


def below_minus_1e9(problem: Problem) -> Problem:
    """All memories are the same, 2^35 in unit 0 and zero elsewhere, where every query q_t is at most -tanh(1), and pointers read
    tanh(45) = 1."""
    params: dict[str, Array] = {name: value.copy() for name, value in problem.params.items()}
    params["read.2.weight"][:] = params["read.2.bias"][:] = 0
    params["read.2.bias"][0] = 2.0**35
    hidden = problem.config["hidden"]
    # Unit 0 of the process: all gates open, a candidate of -1.
    params["process.weight"][::hidden] = 0
    params["process.bias"][[0, hidden, 2 * hidden, 3 * hidden]] = 60, 60, -60, 60
    # What has 2^35 in unit 0 is read by nothing but attention and the pointers' first unit.
    for name, column in (("process.weight", hidden), ("context.weight", hidden), ("write.weight_ih_l0", 0)):
        params[name][:, column] = 0
    for name in ("key.weight", "query.weight", "glimpse.weight"):
        params[name][0] = 0
    params["key.weight"][0, 0], params["score.weight"][0] = 45 / 2.0**35, 0
    params["score.weight"][0, 0] = -(2.0**33)
    return Problem(problem.config, params, problem.batch)
