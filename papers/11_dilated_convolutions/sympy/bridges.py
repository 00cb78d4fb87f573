r"""The formulas of `derivations.py`, evaluated on the room's problem (paper 11).

    layer1                 equation 2, summed over s + l t = p with the mirrored filter, truncated
    d loss/d final.bias    the sum over labelled pixels of p - y, divided by their number
    d loss/d final.weight  the same times the maps of the last dilated layer
    d loss/d layer4.weight sum_p g[p] x[p + 4 t]: the identity `filter_gradient` in two dimensions

What flows back to layer 4 is led there in NumPy (`backward.py`); what is derived here is the filter's gradient.
"""

import itertools

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
backward = sibling(__file__, "../backward.py")

y, x = sp.symbols("y x", integer=True)
g, F = sp.IndexedBase("g"), sp.IndexedBase("F")
CLASSES = checks.CONFIG["channels"]
SCORES, TARGET = sp.symbols(f"f:{CLASSES}"), sp.symbols(f"y:{CLASSES}")  # TARGET is 1 at the label and 0 elsewhere
LOSS = -sum(target * sp.log(sp.exp(score) / sum(map(sp.exp, SCORES))) for score, target in zip(SCORES, TARGET))


def _layer1(problem: Problem) -> Array:
    config, weight = problem.config, problem.params["layer1.weight"]
    dilation = config["dilations"][0]
    inside = checks.framed(problem.batch["maps"], config["dilations"], config["kernel"], config["padding"])
    taps = list(itertools.product((-1, 0, 1), repeat=2))
    k = sp.symbols("k:9")  # k(t), in the order of `taps`
    total = sum(symbol * F[y - dilation * t[0], x - dilation * t[1]] for symbol, t in zip(k, taps))  # s = p - l t
    evaluate = sp.lambdify([F, k, y, x], total)
    height, width = (side - 2 * dilation for side in inside.shape[2:])
    rows, columns = np.indices((height, width)) + dilation
    found = np.zeros((len(inside), len(weight), height, width))
    for n, b, a in np.ndindex(*found.shape[:2], weight.shape[1]):
        mirrored = [weight[b, a, 1 - t[0], 1 - t[1]] for t in taps]  # k(t) = weight[-t]
        found[n, b] += evaluate(inside[n, a], mirrored, rows, columns)
    return np.maximum(0.0, found + problem.params["layer1.bias"][:, None, None])


def _score_gradients(problem: Problem) -> tuple[Array, Array]:
    """d(-log p_y)/d score by SymPy at every labelled pixel, (pixel, class), and the last layer's maps there, (pixel, map)."""
    out = checks.forward(problem.params, problem.batch, **problem.config)
    labels = problem.batch["labels"]
    labelled = labels != problem.config["ignored"]
    scores, maps = (
        out[name].transpose(0, 2, 3, 1)[labelled] for name in ("scores", f"layer{len(problem.config['dilations'])}")
    )
    target = np.eye(CLASSES)[labels[labelled]]
    derivatives = sp.lambdify([SCORES, TARGET], [sp.diff(LOSS, score) for score in SCORES], cse=True)
    return np.stack(derivatives(scores.T, target.T), axis=1), maps


def _final_bias_gradient(problem: Problem) -> Array:
    # dL/db = mean over labelled pixels of p - y
    return _score_gradients(problem)[0].mean(axis=0)


def _final_weight_gradient(problem: Problem) -> Array:
    # L(w_ba) = g_b w_ba x_a to first order, so dL/dw_ba = g_b x_a
    upstream, entry, weight = sp.symbols("g x w")
    gradients, maps = _score_gradients(problem)
    slope = sp.lambdify([upstream, entry], sp.diff(upstream * weight * entry, weight))
    return slope(gradients[:, :, None], maps[:, None, :]).mean(axis=0)[:, :, None, None]


def _layer4_weight_gradient(problem: Problem) -> Array:
    # dL/dw[t] = sum_p g[p] x[p + l t], l = 4
    known = backward.gradients(problem)["layer4"]  # (batch, filter, height, width)
    maps = checks.forward(problem.params, problem.batch, **problem.config)["layer3"]
    dilation, (height, width) = problem.config["dilations"][3], known.shape[2:]
    taps = sp.symbols("w:9")
    offsets = itertools.product(range(3), repeat=2)
    output = sum(tap * F[y + dilation * a, x + dilation * b] for tap, (a, b) in zip(taps, offsets))
    change = sp.Sum(g[y, x] * output, (y, 0, height - 1), (x, 0, width - 1))
    correlation = sp.lambdify([g, F], [sp.diff(change, tap) for tap in taps])
    found = [
        [sum(np.array(correlation(known[n, b], maps[n, a])) for n in range(len(known))) for a in range(maps.shape[1])]
        for b in range(known.shape[1])
    ]
    return np.reshape(found, problem.params["layer4.weight"].shape)


def bridges() -> list[Bridge]:
    return [
        Bridge("first_layer", "max(0, sum over s + l t = p of F(s) k(t) + b)", "output:layer1", _layer1, "equation 2"),
        Bridge(
            "final_bias_gradient", "dL/db = mean of p - y over the labelled pixels", "gradient:final.bias",
            _final_bias_gradient, "section 3, Table 1, last layer",
        ),
        Bridge(
            "final_weight_gradient", "dL/dw = mean of (p - y) x over the labelled pixels", "gradient:final.weight",
            _final_weight_gradient, "section 3, Table 1, last layer",
        ),
        Bridge(
            "dilated_filter_gradient", "dL/dw[t] = sum_p g[p] x[p + 4 t]", "gradient:layer4.weight",
            _layer4_weight_gradient, "equation 2 (ours)",
        ),
    ]  # fmt: skip
