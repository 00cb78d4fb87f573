r"""The formulas of `derivations.py` evaluated on the room's digits (arXiv:1603.05027).

block2                    (prod lambda) x_0 + sum of the absorbed residuals, equation 7
d L/d fc.bias             mean(p - y)
d L/d norm                sum g z and sum g: what the last BN's scale and shift multiply
"""

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

CLASSES = checks.CONFIG["classes"]
SCORES, TARGET = sp.symbols(f"f:{CLASSES}"), sp.symbols(f"y:{CLASSES}")  # TARGET is 1 at the label and 0 elsewhere
LOSS = sp.log(sum(map(sp.exp, SCORES))) - sum(a * b for a, b in zip(SCORES, TARGET))
h, g, scale, shift, mean, variance, eps = sp.symbols("h g scale shift mean variance eps")


def _outputs(problem: Problem):
    return checks.forward(problem.params, problem.batch, **problem.config)


def _telescoped(problem: Problem) -> Array:
    """The recursion of equation 6, expanded by SymPy for two units."""
    start, first, second, factor, by = sp.symbols("x F_0 F_1 l b")
    signal = sp.expand(factor * (factor * start + by * first) + by * second)
    out, config = _outputs(problem), problem.config
    arguments = out["stem"], out["residual1"], out["residual2"], config["shortcut_scale"], config["residual_scale"]
    return sp.lambdify([start, first, second, factor, by], signal)(*arguments)


def _score_gradients(problem: Problem) -> Array:
    """dL_i/df_k by SymPy, at every example: (batch, class)."""
    scores = _outputs(problem)["scores"]
    slopes = sp.lambdify([SCORES, TARGET], [sp.diff(LOSS, score) for score in SCORES], cse=True)
    return np.stack(slopes(tuple(scores.T), tuple(np.eye(CLASSES)[problem.batch["labels"]].T)), axis=1)


def _fc_bias(problem: Problem) -> Array:
    return _score_gradients(problem).mean(axis=0)


def _norm(problem: Problem, by: sp.Symbol) -> Array:
    """The derivative of sum g (scale z + shift), z = (h - mean)/sqrt(variance + eps), by scale or shift."""
    out, over = _outputs(problem), (0, 2, 3)
    spread = _score_gradients(problem) @ problem.params["fc.weight"] / len(out["scores"])
    shares = np.broadcast_to(spread[:, :, None, None], out["activated"].shape) / np.prod(out["activated"].shape[2:])
    upstream, values = shares * (out["activated"] > 0), out["block3"]
    known = values.mean(axis=over, keepdims=True), values.var(axis=over, keepdims=True), problem.config["eps"]
    derivative = sp.diff(g * (scale * (h - mean) / sp.sqrt(variance + eps) + shift), by)
    return sp.lambdify([h, g, mean, variance, eps], derivative)(values, upstream, *known).sum(axis=over)


def bridges() -> list[Bridge]:
    last = "appendix, the extra activation behind the last unit"
    return [
        Bridge("telescoped", "x_2 = lambda^2 x_0 + b (lambda F_0 + F_1)", "output:block2", _telescoped, "equation 7"),
        Bridge("fc_bias_gradient", "dL/db = mean(p - y)", "gradient:fc.bias", _fc_bias, "section 3.1"),
        Bridge("norm_scale_gradient", "dL/dscale = sum g z", "gradient:norm.weight", lambda p: _norm(p, scale), last),
        Bridge("norm_shift_gradient", "dL/dshift = sum g", "gradient:norm.bias", lambda p: _norm(p, shift), last),
    ]
