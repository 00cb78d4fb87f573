r"""The pointer network's formulas, derived and proved: paper 06 (Vinyals, Fortunato, Jaitly, 2015).

    section 2.3    d(-log p_c) / d u_j = p_j - [j = c] for any number of inputs, and through u = v^T tanh(W_1 e + W_2 d) to v, W_1,
                   W_2 and e
    section 4.4    a mask of -infinity renormalises what is left; restricted so, all orders of 3 cities have probability one together
    equation (1)   with an end as well: all sequences without repetition over 2 points
    section 2.1    where scores do not depend on what was chosen, the greedy order beats every exchange of neighbours
    section 4.2    the shoelace formula: twice the area is a sum of cross products, blind to shifts

    symbol    name here      symbol    name here
    u_j       score          e, d      key, query
    p_j       pointer        [j = c]   KroneckerDelta

The softmax has any number of inputs; the additive score has three units, and the bridges have the room's five.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

UNITS = 3


def pointer(score: sp.IndexedBase, index: sp.Expr, count: sp.Expr) -> sp.Expr:
    """p_index = exp(u_index) / sum_l exp(u_l), of `count` inputs."""
    l = sp.Symbol("l", integer=True, nonnegative=True)
    return sp.exp(score[index]) / sp.Sum(sp.exp(score[l]), (l, 0, count - 1))


def slope(v, inner):
    """d u / d (W_1 e + W_2 d), unit by unit, where `inner` is the tanh of it: v (1 - tanh^2)."""
    return v * (1 - inner**2)


def identities() -> list[Identity]:
    return [*pointers(), *additive(), *masks(), *areas()]


def pointers() -> list[Identity]:
    c, j, m, l = sp.symbols("c j m l", integer=True, nonnegative=True)
    count = c + j + m + 1  # any number of inputs, c and j among them
    u = sp.IndexedBase("u", real=True)
    loss = sp.log(sp.Sum(sp.exp(u[l]), (l, 0, count - 1))) - u[c]
    return [
        Identity(
            "pointer_gradient", "d(-log p_c) / d u_j = p_j - [j = c]: the pointers, less one at the target",
            sp.Derivative(loss, u[j]), pointer(u, j, count) - sp.KroneckerDelta(c, j), "any number of inputs, c and j among them",
            "section 2.3", proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "pointers_sum_to_one", "sum_j p_j = 1 for any number of inputs: the dictionary grows with the input",
            sp.Sum(pointer(u, l, m + 1), (l, 0, m)), sp.S.One, "any number of inputs with real scores", "section 2.3",
        ),
    ]  # fmt: skip


def additive() -> list[Identity]:
    first, second = (sp.MatrixSymbol(name, UNITS, UNITS).as_explicit() for name in ("W_1", "W_2"))
    v, key, query = (sp.MatrixSymbol(name, UNITS, 1).as_explicit() for name in ("v", "e", "d"))
    inner = (first * key + second * query).applyfunc(sp.tanh)
    u = (v.T * inner)[0]
    back = sp.Matrix([slope(weight, value) for weight, value in zip(v, inner, strict=True)])
    units = f"{UNITS} units, any entries"

    def by(variable: sp.Matrix) -> sp.Matrix:
        return variable.applyfunc(lambda entry: sp.Derivative(u, entry))

    return [
        Identity("score_by_v", "du / dv = tanh(W_1 e + W_2 d)", by(v), inner, units, "section 2.3", proof=("doit", "expand")),
        Identity(
            "score_by_key_weight", "du / dW_1 = (v * (1 - tanh^2)) e^T", by(first), back * key.T, units, "section 2.3",
            proof=("doit", "expand"),
        ),
        Identity(
            "score_by_query_weight", "du / dW_2 = (v * (1 - tanh^2)) d^T", by(second), back * query.T, units, "section 2.3",
            proof=("doit", "expand"),
        ),
        Identity(
            "score_by_key", "du / de = W_1^T (v * (1 - tanh^2))", by(key), first.T * back, units, "section 2.3",
            proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def masks() -> list[Identity]:
    j, m, k, l = sp.symbols("j m k l", integer=True, nonnegative=True)
    left, count = j + m + 1, j + m + k + 1  # so many inputs are left, the first ones; k are forbidden
    u, t = sp.IndexedBase("u", real=True), sp.Symbol("t", real=True)
    kept = sp.Sum(pointer(u, l, count), (l, 0, left - 1))
    a, b, r, more = sp.symbols("a b r t", positive=True)

    def exchanged(one: sp.Expr, other: sp.Expr) -> sp.Expr:
        """The probability of `one`, then `other`, of a + b + r that are left."""
        return one / (a + b + r) * other / (a + b + r - one)

    return [
        Identity(
            "mask_renormalises", "softmax over the inputs that are left is p_j over the sum of their p: no other ratio changes",
            pointer(u, j, left), pointer(u, j, count) / kept, "any numbers of inputs left and forbidden", "section 4.4",
            proof=("doit", "simplify"),
        ),
        Identity(
            "mask_is_a_limit", "a score that goes to -infinity leaves the softmax of the others",
            sp.Limit(sp.exp(u[0]) / (sp.exp(u[0]) + sp.exp(u[1]) + sp.exp(t)), t, -sp.oo), sp.exp(u[0]) / (sp.exp(u[0]) + sp.exp(u[1])),
            "two other inputs", "section 4.4", proof=("doit", "simplify"),
        ),
        Identity(
            "orders_sum_to_one", "restricted to unused cities, the probabilities of all 6 orders of 3 cities sum to one, whatever the "
            "scores are after each prefix",
            sum(in_order(order) for order in permutations("abc")), sp.S.One, "3 cities; positive weights exp(u) that depend on the prefix",
            "equation (1), section 4.4", proof=("factor",),
        ),
        Identity(
            "endings_sum_to_one", "with an end that may come at any time, so do those of the 5 sequences without repetition over 2 points",
            sum(in_order(order, "end") for order in ((), ("a",), ("b",), ("a", "b"), ("b", "a"))), sp.S.One,
            "2 points; positive weights that depend on the prefix", "equation (1)", proof=("factor",),
        ),
        Identity(
            "greedy_beats_exchange", "where scores do not depend on what was chosen, «a, then b» is more probable than «b, then a»",
            exchanged(a, b).subs(a, b + more), exchanged(b, a).subs(a, b + more), "positive weights exp(u), a = b + t, t > 0, any r left",
            "section 2.1", relation=">", proof=("factor",),
        ),
    ]  # fmt: skip


def in_order(order: tuple[str, ...], end: str = "") -> sp.Expr:
    """prod_i p(C_i | C_1, ..., C_{i-1}) of a sequence, its choices restricted to what is unused, with weights of their own."""
    names, probability = "ab" if end else "abc", sp.S.One
    for step, chosen in enumerate([*order, end] if end else order):
        prefix = "".join(order[:step])
        weights = {
            name: sp.Symbol(f"w_{prefix}_{name}", positive=True)
            for name in [*names, end]
            if name and name not in prefix
        }
        probability *= weights[chosen] / sum(weights.values())
    return probability


def shoelace(corners: list[sp.Matrix]) -> sp.Expr:
    """sum over edges of x_i y_{i+1} - x_{i+1} y_i, which is twice the signed area."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return sum(p[0] * q[1] - q[0] * p[1] for p, q in pairs)


def areas() -> list[Identity]:
    a, b, c, d, shift = (sp.Matrix(sp.symbols(f"{name}_x {name}_y", real=True)) for name in "abcds")
    turn = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
    return [
        Identity(
            "triangle_is_a_turn", "of a triangle it is (b - a) x (c - a): the sign that tells a left turn is that of the area",
            shoelace([a, b, c]), turn, "real coordinates", "section 4.2", proof=("expand",),
        ),
        Identity(
            "area_is_shift_free", "shifting all corners changes no area", shoelace([p + shift for p in (a, b, c, d)]),
            shoelace([a, b, c, d]), "four corners with real coordinates", "section 4.2", proof=("expand",),
        ),
        Identity(
            "area_of_four", "of four corners it is the cross product of the diagonals, (c - a) x (d - b)", shoelace([a, b, c, d]),
            (c - a)[0] * (d - b)[1] - (c - a)[1] * (d - b)[0], "four corners with real coordinates", "section 4.2", proof=("expand",),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    rules = [
        (
            "score_gradient",
            "dL/dv = mean over examples of sum_ij (p_ij - [j = C_i]) tanh(W_1 e_j + W_2 d_i)",
            "score.weight",
        ),
        ("key_gradient", "dL/dW_1 = the same of (v * (1 - tanh^2)) e_j^T", "key.weight"),
        ("query_gradient", "dL/dW_2 = the same of (v * (1 - tanh^2)) d_i^T", "query.weight"),
        ("stop_gradient", "dL/d<= = that of W_1^T (v * (1 - tanh^2)) at the choice of the end alone", "stop"),
    ]
    return [
        Bridge(
            name, text, f"gradient:{target}", lambda problem, target=target: gradient(problem, target), "section 2.3"
        )
        for name, text, target in rules
    ]


def gradient(problem: Problem, target: str) -> Array:
    """The gradients that the identities above give, from the states e_j and d_i of the forward pass."""
    params, batch = problem.params, problem.batch
    out = checks.forward(params, batch, **problem.config)
    hit = batch["target"][..., None] == np.arange(out["probability"].shape[-1])
    by_score = (out["probability"] - hit) * batch["target_mask"][..., None] / len(hit)  # (batch, output, choice)
    keys, queries = checks.candidates(params, out["encoded"]), out["decoded"]
    inner = np.tanh((keys @ params["key.weight"].T)[:, None] + (queries @ params["query.weight"].T)[:, :, None])
    back = slope(params["score.weight"][0], inner)  # (batch, output, choice, hidden)
    if target == "score.weight":
        return np.einsum("bij,bijh->h", by_score, inner)[None]
    if target == "key.weight":
        return np.einsum("bij,bijh,bjk->hk", by_score, back, keys)
    if target == "query.weight":
        return np.einsum("bij,bijh,bik->hk", by_score, back, queries)
    return np.einsum("bi,bih->h", by_score[..., 0], back[..., 0, :]) @ params["key.weight"]
