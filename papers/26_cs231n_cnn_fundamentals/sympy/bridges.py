r"""The formulas of `derivations.py`, differentiated by SymPy and evaluated on the room's digits (CS231n).

    cross_entropy, hinge      the two losses, from the scores
    d L/d fc.bias             mean(p - y)
    d L/d fc.weight           mean((p - y) x) + lambda W
    d L/d conv.weight         the correlation of padded input and upstream, plus lambda w

The upstream of CONV is led through FC, POOL and RELU in NumPy; what is derived here is the filter's gradient.
"""

import itertools
from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

t, u = sp.symbols("t u", integer=True)
g, x = sp.IndexedBase("g"), sp.IndexedBase("x")
CLASSES = checks.CONFIG["classes"]
SCORES, TARGET = sp.symbols(f"f:{CLASSES}"), sp.symbols(f"y:{CLASSES}")  # TARGET is 1 at the label and 0 elsewhere
SOFTMAX_LOSS = -sum(target * sp.log(sp.exp(score) / sum(map(sp.exp, SCORES))) for score, target in zip(SCORES, TARGET))


def _examples(problem: Problem) -> tuple[dict[str, Array], tuple, tuple]:
    """The forward pass, and per class a column of scores and of targets over the examples."""
    out = checks.forward(problem.params, problem.batch, **problem.config)
    return out, tuple(out["scores"].T), tuple(np.eye(CLASSES)[problem.batch["labels"]].T)


def _cross_entropy(problem: Problem) -> Array:
    _, scores, target = _examples(problem)
    return np.mean(sp.lambdify([SCORES, TARGET], SOFTMAX_LOSS, cse=True)(scores, target))


def _hinge(problem: Problem) -> Array:
    _, scores, target = _examples(problem)
    delta = sp.Symbol("Delta")
    correct = sum(a * b for a, b in zip(SCORES, TARGET))
    loss = sum((1 - b) * sp.Max(0, a - correct + delta) for a, b in zip(SCORES, TARGET))
    return np.mean(sp.lambdify([SCORES, TARGET, delta], loss, cse=True)(scores, target, problem.config["margin"]))


def _score_gradients(problem: Problem) -> Array:
    """dL_i/df_k by SymPy, at every example: (batch, class)."""
    _, scores, target = _examples(problem)
    derivatives = [sp.diff(SOFTMAX_LOSS, score) for score in SCORES]
    return np.stack(sp.lambdify([SCORES, TARGET], derivatives, cse=True)(scores, target), axis=1)


def _fc_bias_gradient(problem: Problem) -> Array:
    # dL/db = 1/N sum_i (p - y)
    return _score_gradients(problem).mean(axis=0)


def _fc_weight_gradient(problem: Problem) -> Array:
    # L(W_kl) = upstream_k W_kl x_l + 1/2 lambda W_kl^2 to first order, so dL/dW_kl = upstream_k x_l + lambda W_kl
    upstream, feature, strength, weight = sp.symbols("g x lambda W")
    derivative = sp.diff(upstream * weight * feature + strength * weight**2 / 2, weight)
    out, _, _ = _examples(problem)
    features = out["pooled"].reshape(len(out["pooled"]), 1, -1)  # (batch, 1, feature)
    arguments = _score_gradients(problem)[:, :, None], features, problem.config["strength"], problem.params["fc.weight"]
    return sp.lambdify([upstream, feature, strength, weight], derivative)(*arguments).mean(axis=0)


@cache
def _filter_gradient(height: int, width: int, kernel: int) -> Callable[[Array, Array], Array]:
    """The identity `filter_gradient` in two dimensions: the derivatives of sum_{t,u} g[t,u] y[t,u] by each tap."""
    taps = sp.symbols(f"w:{kernel * kernel}")
    offsets = itertools.product(range(kernel), repeat=2)
    output = sum(tap * x[t + a, u + b] for tap, (a, b) in zip(taps, offsets))
    change = sp.Sum(g[t, u] * output, (t, 0, height - 1), (u, 0, width - 1))
    return sp.lambdify([g, x], [sp.diff(change, tap) for tap in taps])


def _conv_weight_gradient(problem: Problem) -> Array:
    # dL/dw[a, b] = sum_{t, u} g[t, u] x[t + a, u + b], plus lambda w
    out, _, _ = _examples(problem)
    count, filters, height, width = out["convolved"].shape
    kernel, pool, padding = (problem.config[name] for name in ("kernel", "pool", "padding"))
    correlation = _filter_gradient(height, width, kernel)
    # The upstream: through W, then to the largest entry of each window, and only where it is positive.
    pooled = (_score_gradients(problem) @ problem.params["fc.weight"]).reshape(out["pooled"].shape) / count
    spread = pooled.repeat(pool, axis=2).repeat(pool, axis=3)
    largest = out["activation"] == out["pooled"].repeat(pool, axis=2).repeat(pool, axis=3)
    upstream = np.where(largest & (out["convolved"] > 0), spread, 0.0)  # (batch, filter, height, width)
    border = [(padding, padding), (padding, padding)]
    gradient = [
        sum(np.array(correlation(upstream[e, q], np.pad(problem.batch["images"][e, 0], border))) for e in range(count))
        for q in range(filters)
    ]
    return (
        np.reshape(gradient, (filters, 1, kernel, kernel)) + problem.config["strength"] * problem.params["conv.weight"]
    )


def bridges() -> list[Bridge]:
    linear, case = "linear-classify.md", "neural-networks-case-study.md"
    return [
        Bridge("cross_entropy", "the mean of -log p_y", "output:cross_entropy", _cross_entropy, linear),
        Bridge("hinge", "the mean of sum_{j != y} max(0, f_j - f_y + Delta)", "output:hinge", _hinge, linear),
        Bridge("fc_bias_gradient", "dL/db = mean(p - y)", "gradient:fc.bias", _fc_bias_gradient, case),
        Bridge(
            "fc_weight_gradient", "dL/dW = mean((p - y) x) + lambda W", "gradient:fc.weight", _fc_weight_gradient, case
        ),
        Bridge(
            "conv_weight_gradient",
            "dL/dw is the correlation of padded input and upstream, plus lambda w",
            "gradient:conv.weight",
            _conv_weight_gradient,
            "convolutional-networks.md, «Backpropagation»",
        ),
    ]
