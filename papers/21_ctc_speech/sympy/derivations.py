r"""What follows from the equations of connectionist temporal classification, derived and proved: paper 21.

Graves et al. 4.1   the recursion is the sum over all paths that collapse to the label
                    y_t(k) d p / d y_t(k) = sum_{s: l'_s = k} alpha_t(s) beta_t(s)
         4.2        d (-log p) / d a_t(k) = y_t(k) - occupancy_t(k), a the logits
section 3.2         B does not see a factor or a shift of its argument where eps = 0

symbol          name here
y_t(k)          y[t][k], k = 0 the blank
c_k             what the other frames give the paths with symbol k in this one: p = sum_k y_k c_k
"""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

SYMBOLS = 3


def frames(time: int) -> list[list[sp.Symbol]]:
    return [[sp.Symbol(f"y_{t}_{k}", positive=True) for k in range(SYMBOLS)] for t in range(time)]


def paths(y: list[list[sp.Symbol]], label: list[int]) -> sp.Expr:
    """The sum over all paths that collapse to the label."""
    chosen = (p for p in product(range(SYMBOLS), repeat=len(y)) if [k for k, _ in groupby(p) if k] == label)
    return sp.Add(*(sp.Mul(*(row[k] for row, k in zip(y, path))) for path in chosen))


def alphas(y: list[list[sp.Symbol]], label: list[int]) -> tuple[list[int], list[list[sp.Expr]]]:
    """l' and alpha_t(s), t = 0 being before the first frame."""
    l = [0, *(k for symbol in label for k in (symbol, 0))]
    rows = [[sp.Integer(s == 0) for s in range(len(l))]]
    for row in y:
        past = [sp.Integer(0), sp.Integer(0), *rows[-1]]
        leap = [s > 1 and l[s] not in (0, l[s - 2]) for s in range(len(l))]
        rows.append([(past[s + 2] + past[s + 1] + int(leap[s]) * past[s]) * row[l[s]] for s in range(len(l))])
    return l, rows


def betas(y: list[list[sp.Symbol]], label: list[int]) -> list[list[sp.Expr]]:
    """beta_t(s), by the recursion in reverse: of a reversed label in reversed frames, without frame t."""
    _, rows = alphas(y[::-1], label[::-1])
    l = [0, *(k for symbol in label for k in (symbol, 0))]
    return [[sp.cancel(x / row[k]) for x, k in zip(found[::-1], l)] for found, row in zip(rows[:0:-1], y)]


def recursion(y: list[list[sp.Symbol]], label: list[int]) -> sp.Expr:
    found = alphas(y, label)[1][-1]
    return sp.Add(*found[-2:])


def identities() -> list[Identity]:
    cases = {"two": (4, [1, 2]), "repeat": (4, [1, 1]), "one": (5, [1]), "three": (5, [1, 1, 2])}
    any_weights = "three symbols, any positive weights, not only probabilities"
    found = [
        Identity(
            f"recursion_sums_paths_{name}",
            f"alpha_T(2U) + alpha_T(2U - 1) is the sum over all {SYMBOLS}^{time} paths that collapse to {label}",
            recursion(frames(time), label), paths(frames(time), label), any_weights, "Graves et al., 4.1", proof=("expand",),
        )
        for name, (time, label) in cases.items()
    ]  # fmt: skip
    y, label, t = frames(4), [1, 2], 1
    (l, ahead), back = alphas(y, label), betas(y, label)
    pairs = [ahead[t + 1][s] * back[t][s] for s in range(len(l))]
    a, c = (sp.symbols(f"{name}_0:{SYMBOLS}", positive=True) for name in ("a", "c"))
    softmax = [sp.exp(x) / sp.Add(*map(sp.exp, a)) for x in a]
    p = sp.Add(*(x * w for x, w in zip(softmax, c)))
    x1, x2, x3, by, shift = sp.symbols("x_1:4 b d", positive=True)
    mean = lambda xs: sp.Add(*xs) / 3
    normal = lambda xs: (xs[0] - mean(xs)) / sp.sqrt(mean([(x - mean(xs)) ** 2 for x in xs]))
    return [
        *found,
        Identity(
            "pairing", "sum_s alpha_t(s) beta_t(s) is p at an inner frame", sp.Add(*pairs), paths(y, label), any_weights + "; T = 4, t = 2",
            "Graves et al., 4.1", proof=("expand",),
        ),
        Identity(
            "occupancy", "y_t(k) d p / d y_t(k) = sum over s with l'_s = k of alpha_t(s) beta_t(s), here for a symbol",
            y[t][1] * sp.Derivative(paths(y, label), y[t][1]), pairs[1], any_weights + "; T = 4, t = 2", "Graves et al., 4.1",
            proof=("doit", "expand"),
        ),
        Identity(
            "logit_gradient", "d (-log sum_k y_k c_k) / d a_1 = y_1 - y_1 c_1 / sum_k y_k c_k", sp.Derivative(-sp.log(p), a[1]),
            softmax[1] - softmax[1] * c[1] / p, "three symbols, c does not depend on this frame", "Graves et al., 4.2",
            proof=("doit", "factor"),
        ),
        Identity(
            "normalised_factor", "B(b x + d) = B(x) for b > 0", normal([by * x + shift for x in (x1, x2, x3)]), normal([x1, x2, x3]),
            "three frames, eps = 0, gamma = 1, beta = 0", "section 3.2", proof=("simplify",),
        ),
    ]  # fmt: skip


def slope(problem: Problem) -> tuple[Array, Array]:
    """(y - occupancy) / examples with an alignment, zero where there is none, with the states of the same frames."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    real = problem.batch["frame_mask"][:, :: problem.config["stride"]] & found["possible"][:, None]
    y = np.exp(checks.log_softmax(found["logits"]))
    return np.where(real[..., None], y - found["occupancy"], 0.0) / found["possible"].sum(), found["hidden"]


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "bias_gradient", "d loss / d b_o = sum over frames of y - occupancy; nothing from an example without alignment",
            "gradient:output.bias", lambda p: slope(p)[0].sum((0, 1)), "Graves et al., 4.2",
        ),
        Bridge(
            "output_gradient", "d loss / d W_o = sum over frames of (y - occupancy) h^T", "gradient:output.weight",
            lambda p: np.einsum("btk,bth->kh", *slope(p)), "Graves et al., 4.2",
        ),
    ]  # fmt: skip
