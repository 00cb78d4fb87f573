r"""The formulas of `derivations.py` evaluated on the room's digits (arXiv:1512.03385).

    d L/d fc.bias             mean(p - y)
    d L/d block2.norm2        sum g z and sum g: what BN's scale and shift multiply
    d L/d block2.conv2        the correlation of its input with what BN's backward pass makes of g

SymPy gives the derivatives; the upstream g is led through the linear layer, the pooling and the last ReLU in NumPy.
"""

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
backward = sibling(__file__, "../backward.py")

CLASSES = checks.CONFIG["classes"]
SCORES, TARGET = sp.symbols(f"f:{CLASSES}"), sp.symbols(f"y:{CLASSES}")  # TARGET is 1 at the label and 0 elsewhere
LOSS = sp.log(sum(map(sp.exp, SCORES))) - sum(a * b for a, b in zip(SCORES, TARGET))
# One value h and its upstream g; of the others BN knows sums alone: their number, and those of h, h^2, g, g h.
h, g, scale, shift, count, total, squares, upstream, product, eps = sp.symbols("h g scale shift n H H2 G GH eps")


def _score_gradients(problem: Problem) -> Array:
    """dL_i/df_k by SymPy, at every example: (batch, class)."""
    scores = checks.forward(problem.params, problem.batch, **problem.config)["scores"]
    slopes = sp.lambdify([SCORES, TARGET], [sp.diff(LOSS, score) for score in SCORES], cse=True)
    return np.stack(slopes(tuple(scores.T), tuple(np.eye(CLASSES)[problem.batch["labels"]].T)), axis=1)


def _fc_bias(problem: Problem) -> Array:
    return _score_gradients(problem).mean(axis=0)


def _fc_weight(problem: Problem) -> Array:
    # f_k = sum_l W_kl x_l + b_k, so dL/dW_kl = dL/df_k x_l
    weight, feature, slope = sp.symbols("W x s")
    derivative = sp.lambdify([slope, feature], sp.diff(slope * weight * feature, weight))
    pooled = checks.forward(problem.params, problem.batch, **problem.config)["pooled"]
    return derivative(_score_gradients(problem)[:, :, None], pooled[:, None]).mean(axis=0)


def _upstream(problem: Problem) -> tuple[Array, Array]:
    """block2.conv2's output, and the gradient by block 2's residual: through fc, pooling and ReLU."""
    out = checks.forward(problem.params, problem.batch, **problem.config)
    spread = _score_gradients(problem) @ problem.params["fc.weight"] / len(out["scores"])
    shares = np.broadcast_to(spread[:, :, None, None], out["block2"].shape) / np.prod(out["block2"].shape[2:])
    return out["convolved2"], shares * (out["block2"] > 0)


def _normal() -> sp.Expr:
    """z = (h - mean)/sqrt(var + eps), from the sums."""
    return (h - total / count) / sp.sqrt(squares / count - (total / count) ** 2 + eps)


def _sums(values: Array) -> Array:
    return values.sum(axis=(0, 2, 3), keepdims=True)


def _norm_scale(problem: Problem) -> Array:
    # d/dscale of sum g (scale z + shift)
    derivative = sp.lambdify([h, g, total, squares, count, eps], sp.diff(g * (scale * _normal() + shift), scale))
    values, slopes = _upstream(problem)
    known = (_sums(values), _sums(values**2), values[:, 0].size, problem.config["eps"])
    return _sums(derivative(values, slopes, *known)).ravel()


def _norm_shift(problem: Problem) -> Array:
    derivative = sp.lambdify([g], sp.diff(g * (scale * _normal() + shift), shift))
    return _sums(derivative(_upstream(problem)[1])).ravel()


def _conv_weight(problem: Problem) -> Array:
    # moving one h moves z itself, and every z by way of the sums: dH = 1, dH2 = 2 h, and sum_j g_j z_j holds G and GH
    everyone = scale * (product - upstream * total / count) / sp.sqrt(squares / count - (total / count) ** 2 + eps)
    own = sp.diff(scale * g * _normal(), h)
    derivative = own + sp.diff(everyone, total) + 2 * h * sp.diff(everyone, squares)
    pulled = sp.lambdify([h, g, scale, total, squares, upstream, product, count, eps], derivative)
    values, slopes = _upstream(problem)
    known = [_sums(values), _sums(values**2), _sums(slopes), _sums(slopes * values)]
    scales = problem.params["block2.norm2.weight"][:, None, None]
    back = pulled(values, slopes, scales, *known, values[:, 0].size, problem.config["eps"])
    inner = np.maximum(0.0, backward.pre_activations(problem)["block2.inner"])
    padded = np.pad(inner, [(0, 0), (0, 0), (1, 1), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    # dL/dw[a, b] = sum_{t, u} g[t, u] x[t + a, u + b]
    return np.einsum("nktu,nctuij->kcij", back, windows, optimize=True)


def bridges() -> list[Bridge]:
    norm = "section 3.4; Ioffe and Szegedy 2015"
    return [
        Bridge("fc_bias_gradient", "dL/db = mean(p - y)", "gradient:fc.bias", _fc_bias, "section 3.3"),
        Bridge("fc_weight_gradient", "dL/dW = mean((p - y) x)", "gradient:fc.weight", _fc_weight, "section 3.3"),
        Bridge("norm_scale_gradient", "dL/dscale = sum g z", "gradient:block2.norm2.weight", _norm_scale, norm),
        Bridge("norm_shift_gradient", "dL/dshift = sum g", "gradient:block2.norm2.bias", _norm_shift, norm),
        Bridge(
            "conv_weight_gradient",
            "dL/dW2 correlates the layer's input with what BN's derivative makes of the upstream",
            "gradient:block2.conv2.weight",
            _conv_weight,
            norm,
        ),
    ]
