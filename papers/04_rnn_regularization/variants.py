"""Further problems: other sizes, the rivals switched on, and numbers at which a naive exponential overflows.

A mask is no kink: where it is false the gradient is zero on both sides. There are no ties.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one of each",
            "one text of one word, one layer of one unit, two words in all, a third dropped: a squeeze, a sum over the wrong"
            " axis and a second layer that is taken for granted show",
            checks.draw(
                np.random.default_rng(1), examples=1, time=1, vocabulary=2, hidden=1, layers=1, dropout=1 / 3
            ),
        ),
        Variant(
            "small",
            "one text of two words out of three, two layers of two units, both rivals on: a recurrent mask that is read from"
            " the wrong place shows",
            checks.draw(
                np.random.default_rng(2), examples=1, time=2, vocabulary=3, hidden=2, layers=2, dropout=0.25,
                drop_hidden=True, drop_cell=True,
            ),
        ),
        Variant(
            "saturated",
            "some units with preactivations near -1000 and 1000, where exp(-a) overflows, a forget gate whose product underflows,"
            " and confidences of some hundreds",
            _saturated(),
            kind="extreme",
        ),
    ]  # fmt: skip


def _saturated() -> Problem:
    """Of the shapes of `problem(0)`, so that a layer that compiles does not compile for it."""
    problem = checks.problem(9)
    params, far = dict(problem.params), np.zeros(problem.config["hidden"])
    far[:2] = -1000.0, 1000.0
    forgets = np.zeros((4, problem.config["hidden"]))
    forgets[1, 2] = -250.0  # f is about 1e-108, and 1e-432 after four steps is below the smallest double
    for layer in range(problem.config["layers"]):
        bias = params[f"lstm.bias_hh_l{layer}"]
        params[f"lstm.bias_hh_l{layer}"] = bias + np.tile(far, 4) + forgets.ravel()
    params["readout.weight"] = 400.0 * params["readout.weight"]
    return Problem(problem.config, params, problem.batch, problem.learning_rate)
