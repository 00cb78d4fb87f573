r"""The relation network's formulas, derived and proved: paper 16 (Santoro et al., 2017).

section 2       n^2 ordered pairs, of which n are of an object with itself; one object more adds 2 n + 1; costs of g
equation (1)    sums over pairs of polynomials are polynomials in power sums: what a sum over single objects would do as well,
                and what it takes to see a distance; for any number of objects where g is linear
section 3.2     how often a guess is right that knows a scene and not which object is asked about: 11/16 with five objects
equation (1)    the first layer of g can be applied to objects, and a last linear layer of g to the sum
supplement D    the gradient by the logits, and through f, the sum and g to every pair alike

symbol    name here      symbol    name here
x_i       objects        p_k       power: sum_i x_i^k
g, f      relation, readout
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

OBJECTS = 4


def identities() -> list[Identity]:
    return [*numbers(), *symmetric(), *guesses(), *layers(), *slopes()]


def over_pairs(term: sp.Expr, i: sp.Symbol, j: sp.Symbol, n: sp.Expr) -> sp.Sum:
    """sum_{i,j} term, over all ordered pairs."""
    return sp.Sum(term, (j, 1, n), (i, 1, n))


def operations(n: sp.Expr, wide: sp.Expr, deep: sp.Expr) -> sp.Expr:
    """Multiplications in g for n objects: `wide` in the first layer, as a map of a pair, `deep` in those behind it."""
    return n**2 * (wide + deep)


def numbers() -> list[Identity]:
    i, j, n = sp.symbols("i j n", integer=True, positive=True)
    features, bits, units, deep = sp.symbols("m b h d", integer=True, positive=True)
    wide = (2 * features + bits) * units
    shared = 2 * n * features * units + bits * units + n**2 * deep
    return [
        Identity(
            "ordered_pairs", "a set of n objects has n^2 ordered pairs, an object with itself included", over_pairs(sp.S.One, i, j, n),
            n**2, "any number of objects", "equation (1), section 2", proof=("doit", "expand"),
        ),
        Identity(
            "pairs_by_growth", "one object more adds 2 n + 1 pairs: sum of 2 k + 1 for k < n is n^2", sp.Sum(2 * i - 1, (i, 1, n)), n**2,
            "any number of objects", "equation (1)", proof=("doit", "expand"), induction=n, base=1,
        ),
        Identity(
            "unordered_pairs", "without a direction and without the object itself n (n - 1) / 2 are left",
            sp.Sum(sp.Sum(sp.S.One, (j, i + 1, n)), (i, 1, n)), n * (n - 1) / 2, "any number of objects", "section 2",
            proof=("doit", "expand"),
        ),
        Identity(
            "first_layer_by_objects", "applied to objects and to the question once, the first layer saves this many multiplications",
            operations(n, wide, deep) - shared, units * (2 * features * n * (n - 1) + bits * (n**2 - 1)),
            "any sizes; d multiplications a pair in the layers behind the first", "section 2", proof=("expand",),
        ),
        Identity(
            "list_grows", "the rival's first layer grows by m h weights with every object of the list; g does not",
            ((n + 1) * features + bits) * units - (n * features + bits) * units, features * units, "any sizes", "section 2",
            proof=("expand",),
        ),
    ]  # fmt: skip


def symmetric() -> list[Identity]:
    x, y = sp.symbols(f"x1:{OBJECTS + 1}", real=True), sp.symbols(f"y1:{OBJECTS + 1}", real=True)
    a, b, c = sp.symbols("a b c", real=True)
    any_numbers = f"{OBJECTS} objects with any coordinates"

    def power(k: int, values: tuple = x) -> sp.Expr:
        return sum(value**k for value in values)

    def pairs(g) -> sp.Expr:
        return sum(g(p, q) for p in range(OBJECTS) for q in range(OBJECTS))

    i, j, n = sp.symbols("i j n", integer=True, positive=True)
    u, v = sp.IndexedBase("u", real=True), sp.IndexedBase("v", real=True)
    return [
        Identity(
            "products", "sum over pairs of x_i x_j is p_1^2", pairs(lambda p, q: x[p] * x[q]), power(1) ** 2, any_numbers, "equation (1)",
            proof=("expand",),
        ),
        Identity(
            "elementary", "half of it without the diagonal is the second elementary symmetric function, (p_1^2 - p_2) / 2",
            pairs(lambda p, q: x[p] * x[q] if p < q else 0), (power(1) ** 2 - power(2)) / 2, any_numbers, "equation (1)",
            proof=("expand",),
        ),
        Identity(
            "squared_distances", "sum over pairs of the squared distances is 2 n p_2 - 2 p_1^2 in each coordinate: it tells how far apart "
            "all are, and not which are close", pairs(lambda p, q: (x[p] - x[q]) ** 2 + (y[p] - y[q]) ** 2),
            2 * OBJECTS * (power(2) + power(2, y)) - 2 * power(1) ** 2 - 2 * power(1, y) ** 2, any_numbers, "equation (1)",
            proof=("expand",),
        ),
        Identity(
            "fourth_powers", "of their squares 2 n p_4 - 8 p_1 p_3 + 6 p_2^2, in one coordinate: higher powers ask for higher sums",
            pairs(lambda p, q: (x[p] - x[q]) ** 4), 2 * OBJECTS * power(4) - 8 * power(1) * power(3) + 6 * power(2) ** 2, any_numbers,
            "equation (1)", proof=("expand",),
        ),
        Identity(
            "differences_vanish", "sum over pairs of x_i - x_j is zero: what changes its sign with the direction leaves no trace",
            pairs(lambda p, q: a * (x[p] - x[q]) ** 3 + b * (x[p] - x[q])), sp.S.Zero, any_numbers, "equation (1)", proof=("expand",),
        ),
        Identity(
            "linear_relates_nothing", "of a linear g the sum is n (sum of u + sum of v) + c n^2: two sums over single objects",
            over_pairs(u[i] + v[j] + c, i, j, n).subs(n, OBJECTS),
            (n * (sp.Sum(u[i], (i, 1, n)) + sp.Sum(v[i], (i, 1, n))) + c * n**2).subs(n, OBJECTS), any_numbers, "equation (1)",
            proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def guesses() -> list[Identity]:
    k = sp.Symbol("k", integer=True, nonnegative=True)

    def commonest(n: int) -> sp.Sum:
        """How often the commoner of two shapes is the shape of an object taken at random, shapes drawn independently."""
        return sp.Sum(sp.binomial(n, k) * sp.Max(k, n - k) / (n * 2**n), (k, 0, n))

    def larger(n: int) -> sp.Sum:
        """How often the larger number of a shape is that of objects like one taken at random: it is among the more, or both are equal."""
        right = sp.Piecewise((1, sp.Eq(2 * k, n)), (sp.Max(k, n - k) / sp.Integer(n), True))
        return sp.Sum(sp.binomial(n, k) * right / 2**n, (k, 0, n))

    fair = "shapes of 5 objects drawn independently, each as often"
    return [
        Identity("guess_of_five", "the commonest shape of five is that of one taken at random with 11/16", commonest(5),
                 sp.Rational(11, 16), fair, "section 3.2", proof=("doit", "simplify")),
        Identity("guess_of_four_others", "the commonest shape of four others is that of one of them with 11/16", commonest(4),
                 sp.Rational(11, 16), fair, "section 3.2", proof=("doit", "simplify")),
        Identity("guess_of_a_count", "the larger number of a shape is right with 11/16 where there are five objects", larger(5),
                 sp.Rational(11, 16), fair, "section 3.2", proof=("doit", "simplify")),
        Identity("guess_of_a_count_of_six", "and with 13/16 where there are six, of which both shapes may be equally many", larger(6),
                 sp.Rational(13, 16), "shapes of 6 objects drawn independently", "section 3.2", proof=("doit", "simplify")),
    ]  # fmt: skip


def layers() -> list[Identity]:
    first, second, third = (sp.MatrixSymbol(name, 3, 2).as_explicit() for name in ("W_1", "W_2", "W_q"))
    things, q = (
        [sp.MatrixSymbol(f"o_{k}", 2, 1).as_explicit() for k in range(OBJECTS)],
        sp.MatrixSymbol("q", 2, 1).as_explicit(),
    )
    whole = sp.Matrix.hstack(first, second, third)
    stacked = sum((whole * sp.Matrix.vstack(o, p, q) for o in things for p in things), sp.zeros(3, 1))
    outer, bias = sp.MatrixSymbol("V", 2, 3).as_explicit(), sp.MatrixSymbol("c", 2, 1).as_explicit()
    hidden = [sp.MatrixSymbol(f"h_{k}", 3, 1).as_explicit() for k in range(OBJECTS)]
    return [
        Identity(
            "first_layer_splits", "sum over pairs of W [o_i, o_j, q] = n W_1 sum o + n W_2 sum o + n^2 W_q q", stacked,
            OBJECTS * (first + second) * sum(things, sp.zeros(2, 1)) + OBJECTS**2 * third * q,
            f"{OBJECTS} objects of 2 features, 3 units, 2 bits; any entries", "section 4", proof=("expand",),
        ),
        Identity(
            "last_layer_leaves", "a linear layer behind the last ReLU of g can be applied to the sum: sum (V h + c) = V sum h + pairs c",
            sum((outer * h + bias for h in hidden), sp.zeros(2, 1)), outer * sum(hidden, sp.zeros(3, 1)) + OBJECTS * bias,
            f"{OBJECTS} pairs, 3 units; any entries", "section 4", proof=("expand",),
        ),
    ]  # fmt: skip


def slopes() -> list[Identity]:
    c, j, m, l = sp.symbols("c j m l", integer=True, nonnegative=True)
    count = c + j + m + 1  # any number of answers, c and j among them
    s = sp.IndexedBase("s", real=True)
    loss = sp.log(sp.Sum(sp.exp(s[l]), (l, 0, count - 1))) - s[c]
    softmax = sp.exp(s[j]) / sp.Sum(sp.exp(s[l]), (l, 0, count - 1))
    # one unit of g and of f, two objects: f(sum over four pairs of g), any differentiable f and g
    f, g, w = sp.Function("f"), sp.Function("g"), sp.Symbol("w", real=True)
    o = sp.symbols("o1 o2", real=True)
    total = sum(g(w, one, other) for one in o for other in o)
    t, z = sp.symbols("t z", real=True)
    behind = sp.Subs(sp.Derivative(f(t), t), t, total)
    return [
        Identity(
            "gradient_by_logits", "d(-log p_c) / d s_j = p_j - [j = c]", sp.Derivative(loss, s[j]), softmax - sp.KroneckerDelta(c, j),
            "any number of answers, c and j among them", "supplement D", proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "every_pair_gets_the_same", "df / dw = f'(sum) times the sum over pairs of dg / dw: what comes back is the same for every pair",
            sp.Derivative(f(total), w),
            behind * sum(sp.Subs(sp.Derivative(g(z, one, other), z), z, w) for one in o for other in o),
            "two objects, any differentiable f and g", "equation (1)", proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    rules = [
        ("readout_gradient", "dL/d(last bias of f) = mean over questions of p - [a = target]", "readout.1.bias"),
        ("sum_gradient", "dL/d(first weights of f) = slopes of f times the sum over pairs", "readout.0.weight"),
        ("pair_gradient", "dL/d(last weights of g) = sum over pairs of what comes back, the same for all, times what the pair had there",
         "relation.1.weight"),
    ]  # fmt: skip
    found = [
        Bridge(name, text, f"gradient:{target}", lambda problem, target=target: gradient(problem)[target], source)
        for (name, text, target), source in zip(rules, ("supplement D", "equation (1)", "equation (1)"), strict=True)
    ]
    return [
        *found,
        Bridge("split_total", "the sum, the first layer of g applied to objects: W_1 o_i + W_2 o_j + W_q q", "output:total", split,
               "section 4"),
    ]  # fmt: skip


def gradient(problem: Problem) -> dict[str, Array]:
    """The gradients that the identities above give, for g of two layers and f of one hidden layer."""
    params, batch = problem.params, problem.batch
    found = checks.forward(params, batch, **problem.config)
    hit = batch["target"][:, None] == np.arange(problem.config["answers"])
    by_logits = (np.exp(checks.log_softmax(found["logits"])) - hit) / len(hit)  # (batch, answer)
    inner = found["total"] @ params["readout.0.weight"].T + params["readout.0.bias"]  # (batch, unit)
    by_inner = by_logits @ params["readout.1.weight"] * (inner > 0)
    by_total = by_inner @ params["readout.0.weight"]  # (batch, relation)
    x, _ = checks.tuples(batch, "pairs")
    before = np.maximum(x @ params["relation.0.weight"].T + params["relation.0.bias"], 0)  # (batch, pair, unit)
    by_pair = by_total[:, None] * (found["relations"] > 0)  # (batch, pair, relation)
    return {
        "readout.1.bias": by_logits.sum(0),
        "readout.0.weight": by_inner.T @ found["total"],
        "relation.1.weight": np.einsum("bpr,bpu->ru", by_pair, before),
    }


def split(problem: Problem) -> Array:
    """The sum over pairs by `first_layer_splits`, pair by pair."""
    params, batch, config = problem.params, problem.batch, problem.config
    first, second, third = np.split(params["relation.0.weight"], [config["features"], 2 * config["features"]], 1)
    totals = np.zeros((len(batch["target"]), config["relation"][-1]))
    for b, i, j in np.argwhere(batch["edges"] & batch["mask"][:, :, None] & batch["mask"][:, None]):
        read = first @ batch["objects"][b, i] + second @ batch["objects"][b, j] + third @ batch["question"][b]
        hidden = np.maximum(read + params["relation.0.bias"], 0)
        totals[b] += np.maximum(params["relation.1.weight"] @ hidden + params["relation.1.bias"], 0)
    return totals
