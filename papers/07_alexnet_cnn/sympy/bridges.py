r"""The formulas of `derivations.py`, evaluated on the room's problem (paper 07).

    norm1                  b^i from the maps of layer 1, the sum over max(0, i - n/2) to min(N - 1, i + n/2)
    d loss/d fc2.bias      mean(p - y)
    d loss/d fc2.weight    mean((p - y) hidden)
    d loss/d conv1.bias    through the normalisation by the derivative db^i/da^j, then where a > 0, summed over pixels

What flows back to the normalisation is led there in NumPy (`backward.py`).
"""

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
backward = sibling(__file__, "../backward.py")

K, ALPHA, BETA = sp.symbols("k alpha beta", positive=True)
CLASSES, MAPS, NEAR = (checks.CONFIG[name] for name in ("classes", "kernels1", "near"))
ACTIVE = sp.symbols(f"a:{MAPS}", real=True)
SCORES, TARGET = sp.symbols(f"f:{CLASSES}"), sp.symbols(f"y:{CLASSES}")
LOSS = -sum(target * sp.log(sp.exp(score) / sum(map(sp.exp, SCORES))) for score, target in zip(SCORES, TARGET))
# Section 3.3, with its limits of the sum.
NORMALISED = [
    ACTIVE[i]
    / (K + ALPHA * sum(ACTIVE[j] ** 2 for j in range(max(0, i - NEAR // 2), min(MAPS - 1, i + NEAR // 2) + 1))) ** BETA
    for i in range(MAPS)
]


def _constants(problem: Problem) -> list[float]:
    return [problem.config[name] for name in ("k", "alpha", "beta")]


def _outputs(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def _norm1(problem: Problem) -> Array:
    formula = sp.lambdify([ACTIVE, K, ALPHA, BETA], NORMALISED)
    return np.stack(formula(np.moveaxis(_outputs(problem)["conv1"], 1, 0), *_constants(problem)), axis=1)


def _score_gradients(problem: Problem) -> Array:
    target = np.eye(CLASSES)[problem.batch["labels"]]
    derivatives = sp.lambdify([SCORES, TARGET], [sp.diff(LOSS, score) for score in SCORES], cse=True)
    return np.stack(derivatives(_outputs(problem)["logits"].T, target.T), axis=1)


def _fc2_bias_gradient(problem: Problem) -> Array:
    return _score_gradients(problem).mean(axis=0)


def _fc2_weight_gradient(problem: Problem) -> Array:
    gradients, hidden = _score_gradients(problem), _outputs(problem)["hidden"]
    return (gradients[:, :, None] * hidden[:, None, :]).mean(axis=0)


def _conv1_bias_gradient(problem: Problem) -> Array:
    conv1, upstream = _outputs(problem)["conv1"], backward.gradients(problem)["norm1"]
    jacobian = sp.lambdify([ACTIVE, K, ALPHA, BETA], [[sp.diff(b, a) for a in ACTIVE] for b in NORMALISED], cse=True)
    rows = jacobian(
        np.moveaxis(conv1, 1, 0), *_constants(problem)
    )  # [i][j], each (batch, height, width), or the number 0
    by_map = [sum(upstream[:, i] * rows[i][j] for i in range(MAPS)) * (conv1[:, j] > 0) for j in range(MAPS)]
    return np.stack([entry.sum() for entry in by_map])


def bridges() -> list[Bridge]:
    return [
        Bridge("normalisation", "a^i / (k + alpha sum of near squares)^beta", "output:norm1", _norm1, "section 3.3"),
        Bridge("fc2_bias_gradient", "dL/db = mean(p - y)", "gradient:fc2.bias", _fc2_bias_gradient, "section 3.5"),
        Bridge(
            "fc2_weight_gradient", "dL/dW = mean((p - y) hidden)", "gradient:fc2.weight", _fc2_weight_gradient, "section 3.5"
        ),
        Bridge(
            "normalisation_gradient", "the sum over pixels of sum_i g_i db^i/da^j where a^j > 0", "gradient:conv1.bias",
            _conv1_bias_gradient, "section 3.3 (ours)",
        ),
    ]  # fmt: skip
