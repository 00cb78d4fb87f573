"""Further small pointer networks (paper 06): other sizes, each way to restrict the choice, the rival, and extreme scores.

The mistakes that they are for, each easily made: a mean over steps in place of the sum over a sequence; a used point that stays
open because the mask lags by a step; the state at padding taken for the last real one; exp without the maximum subtracted; -1e9
in place of -inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")

# Lengths and targets; variants that share them share a program.
TOURS = [4, 1, 3], [[1, 4, 2, 3], [1], [1, 3, 2]]
NAMED = [2, 4], [[2, 3, 0], [5, 0]]  # 3 and 5 are words for no point of their inputs


def variants() -> list[Variant]:
    return [
        Variant(
            "one_of_each", "one point set of one number, one unit, a target that ends at once: axes of size one",
            drawn(1, [1], [[0]], features=1, hidden=1),
        ),
        Variant(
            "tours", "three tours, of 4 cities, 1 and 3: a used city and the end are forbidden, so the last step has one choice",
            drawn(2, *TOURS, features=3, hidden=4, reuse=False, stop=False),
        ),
        Variant(
            "partial", "no point twice, but the end may come at any time: after all of two points, after one of four",
            drawn(3, [2, 4], [[2, 1, 0], [3, 0]], reuse=False),
        ),
        Variant(
            "closed", "a hull as the paper writes it, which returns to its first point before it ends; no end is offered earlier",
            drawn(4, [3], [[2, 1, 2]], stop=False),
        ),
        Variant(
            "dictionary", "the rival of equation 3: it attends to two or four points and has names for five, whether they are there or not",
            drawn(5, *NAMED, dictionary=5, hidden=3),
        ),
        Variant(
            "large_scores", "scores of plus and minus some thousands: exp overflows unless the row's maximum is subtracted, and the "
            "log of a softmax is log 0",
            Problem(checks.CONFIG, large_scores(checks.problem(4)), checks.problem(4).batch), kind="extreme",
        ),
        Variant(
            "large_dictionary", "logits of some thousands in the rival, and attention to one point alone",
            large_dictionary(drawn(6, *NAMED, dictionary=5, hidden=3)), kind="extreme",
        ),
        Variant(
            "below_minus_1e9", "all scores are -2^33: a forbidden score is -inf, and no large negative number is",
            below_minus_1e9(drawn(7, *TOURS, features=3, hidden=4, reuse=False, stop=False)),
        ),
        Variant(
            "equal_scores", "v is zero, so all scores are equal: what may be pointed at is equally probable, and a search writes the first",
            Problem(checks.CONFIG, undecided(checks.problem(5)), checks.problem(5).batch),
        ),
    ]  # fmt: skip


def drawn(seed: int, lengths: list[int], targets: list[list[int]], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([6, 100 + seed]), lengths, targets, {**checks.CONFIG, **config})


def undecided(problem: Problem) -> dict[str, Array]:
    return {**problem.params, "score.weight": 0 * problem.params["score.weight"]}


def large_scores(problem: Problem) -> dict[str, Array]:
    return {**problem.params, "score.weight": 3e3 * problem.params["score.weight"]}


def large_dictionary(problem: Problem) -> Problem:
    sizes = {"score.weight": 1e3, "readout.weight": 1e4, "readout.bias": 1e3}
    params = {name: sizes.get(name, 1.0) * value for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch)


def below_minus_1e9(problem: Problem) -> Problem:
    """Every score is -2^33 to the bit: v reads unit 0 alone, where tanh(W_1 e) = tanh(45) = 1."""
    params = {name: value.copy() for name, value in problem.params.items()}
    # The encoder's unit 0 has all its gates open and a candidate of 1: it is tanh(1) = 0.76 at the first point, then grows.
    for row in range(0, 4 * problem.config["hidden"], problem.config["hidden"]):
        for name in ("encoder.weight_ih_l0", "encoder.weight_hh_l0", "encoder.bias_hh_l0"):
            params[name][row] = 0
        params["encoder.bias_ih_l0"][row] = 60
    params["key.weight"][0] = params["query.weight"][0] = params["score.weight"][0] = 0
    params["key.weight"][0, 0], params["score.weight"][0, 0] = 60, -(2.0**33)
    return Problem(problem.config, params, problem.batch)
