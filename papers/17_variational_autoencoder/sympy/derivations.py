r"""What follows from the formulas of this paper, derived and proved:

Variational Lossy Autoencoder.

TODO: at least two identities that are the paper's own mathematics, and one bridge.
"""

import numpy as np
import sympy as sp

from s30.room import Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

prediction, target = sp.symbols("p t", real=True)
LOSS = (prediction - target) ** 2


def identities() -> list[Identity]:
    return [
        Identity(
            "squared_error_gradient",
            "the derivative of the squared error is twice the residual",
            sp.Derivative(LOSS, prediction),
            2 * (prediction - target),
            "real numbers",
            "TODO: source",
            proof=("doit", "expand"),
        )
    ]


def _bias_gradient(problem: Problem):
    out = checks.forward(problem.params, problem.batch, **problem.config)
    slope = sp.lambdify([prediction, target], sp.diff(LOSS, prediction))
    return np.mean(slope(out["prediction"], problem.batch["targets"]), axis=0)


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "bias_gradient", "dL/db = mean of 2 (prediction - target)", "gradient:bias", _bias_gradient, "TODO: source"
        )
    ]
