"""Further problems: other sizes, and numbers at which a naive exponential or logarithm overflows or underflows.

The model has no ties and no kinks: every function in it is smooth.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one of each",
            "one text of one character, one layer of one unit, two characters in all, at temperature 2: a squeeze, a sum over"
            " the wrong axis, a second layer that is taken for granted and a temperature in the loss show",
            checks.draw(
                np.random.default_rng(1), examples=1, time=1, vocabulary=2, hidden=1, layers=1, temperature=2.0
            ),
        ),
        Variant(
            "small",
            "one text of two characters out of three, two layers of two units: sizes that are taken for those of the checked"
            " problem show",
            checks.draw(
                np.random.default_rng(2), examples=1, time=2, vocabulary=3, hidden=2, layers=2, temperature=1.0
            ),
        ),
        Variant(
            "certain",
            "units with activations near -1000 and 1000, where tanh' is 0, and confidences of some thousands at a temperature"
            " of 0.01, so that exp overflows and probabilities underflow",
            _certain(),
            kind="extreme",
        ),
    ]


def _certain() -> Problem:
    """Of the shapes of `problem(0)`, so that a layer that compiles does so for the temperature alone."""
    problem = checks.problem(9)
    params, far = dict(problem.params), np.zeros(problem.config["hidden"])
    far[:2] = -1000.0, 1000.0
    for layer in range(problem.config["layers"]):
        params[f"rnn.bias_hh_l{layer}"] = params[f"rnn.bias_hh_l{layer}"] + far
    params["readout.weight"] = 2000.0 * params["readout.weight"]
    return Problem({**problem.config, "temperature": 0.01}, params, problem.batch, problem.learning_rate)
