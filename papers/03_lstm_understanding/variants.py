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
            "half of the units with preactivations near -1000 and 1000, where exp(-a) overflows and a gate's derivative is 0,"
            " forget gates whose product underflows, and logits of some hundreds",
            _saturated(),
            kind="extreme",
        ),
    ]


def _saturated() -> Problem:
    problem = checks.draw(np.random.default_rng(2), examples=3, time=2, features=4, hidden=4, classes=5)
    params, units = dict(problem.params), np.arange(problem.config["hidden"])
    for name, bias in problem.params.items():
        if name.endswith("bias_ih_l0"):
            # units 0 and 1 of every gate and candidate lie far out, each on its own side; 2 and 3 do not
            block = np.where(units < 2, np.where(units == 0, -1000.0, 1000.0), 0.0)
            params[name] = bias + np.tile(block, len(bias) // len(units))
    # unit 2 forgets: f = 1e-200 at both steps, and 1e-400 is below the smallest double
    params["lstm.bias_hh_l0"] = problem.params["lstm.bias_hh_l0"] - 460.0 * (np.arange(16) == 4 + 2)
    params["readout.weight"] = 400.0 * problem.params["readout.weight"]
    return Problem(problem.config, params, problem.batch, problem.learning_rate)
