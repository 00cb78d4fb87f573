"""Further problems: other sizes, and numbers at which a naive sigmoid, logarithm or product overflows or underflows.

The cells have no ties and no kinks: every function in them is smooth.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one of each",
            "one example, one step, one feature, one hidden unit, two classes: a squeeze or a sum over the wrong axis, and a"
            " state that is carried but never read, show",
            checks.draw(np.random.default_rng(1), examples=1, time=1, features=1, hidden=1, classes=2),
        ),
        Variant(
            "saturated",
            "some units with preactivations near -1000 and 1000, where exp(-a) overflows and a gate's derivative is 0, a forget"
            " gate whose product underflows, and logits of some hundreds",
            _saturated(),
            kind="extreme",
        ),
    ]


def _saturated() -> Problem:
    """Of the shapes of `problem(0)`, so that a layer that compiles does not compile for it."""
    problem = checks.problem(9)
    params, units = dict(problem.params), problem.config["hidden"]
    # units 0 and 1 of every gate and candidate lie far out, each on its own side; the others do not
    far = np.zeros(units)
    far[:2] = -1000.0, 1000.0
    for name, bias in problem.params.items():
        if name.endswith("bias_ih_l0"):
            params[name] = bias + np.tile(far, len(bias) // units)
    # the LSTM's unit 2 forgets: f is about 1e-113, and 1e-339 after three steps is below the smallest double
    forgets = np.zeros((4, units))
    forgets[1, 2] = -260.0
    params["lstm.bias_hh_l0"] = problem.params["lstm.bias_hh_l0"] + forgets.ravel()
    params["readout.weight"] = 400.0 * problem.params["readout.weight"]
    return Problem(problem.config, params, problem.batch, problem.learning_rate)
