r"""What follows from the equations of the Neural Turing Machine, derived and proved: paper 20 (Graves, Wayne and Danihelka, 2014).

    (5), (6)   slopes of w^c by similarity, key strength and key; only the key's direction counts; a large beta leaves the most similar row
    (7)        a shut gate keeps, an open one replaces, and nothing else keeps the sum 1 for all weightings
    (8)        two shifts are one, whose distribution is their convolution; Fourier's transform; spread grows by that of each shift
    (9)        gamma = 1 is nothing, gamma -> oo halves between two equal greatest of three; slopes; the greatest of three gains
    (3), (4)   erasures commute; adding first is another thing; the law of the memory
    4.1        d loss / d logit; what a guess costs in bits;  4.4, (10)  the mean of a Beta posterior

    symbol          name here        symbol          name here
    K[k, M(i)]      K[i]             w^g, s          w, s
    beta, gamma     beta, gamma      e, a, M         e, a, m

Weightings have any number of rows where a sum is written out, four in (8), three in (9).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
rates = sibling(__file__, "rates.py")

i, j, l, rest = sp.symbols("i j l rest", integer=True, nonnegative=True)
K, v = sp.IndexedBase("K", real=True), sp.IndexedBase("v", real=True)
beta, gamma = sp.symbols("beta gamma", positive=True)
SLOPE = ("doit", "doit", "simplify")


def identities() -> list[Identity]:
    return [*content(), *cosine(), *gate(), *shifts(), *sharpening(), *writing(), *costs()]


def total(count: sp.Expr, weigh: sp.Expr | int = 1) -> sp.Expr:
    return sp.Sum(sp.exp(beta * K[l]) * weigh, (l, 0, count - 1))


def content() -> list[Identity]:
    count = i + j + rest + 1  # any number of rows, i and j among them
    w, mean = (lambda at: sp.exp(beta * K[at]) / total(count)), total(count, K[l]) / total(count)
    read = total(count, v[l]) / total(count)
    gap = sp.Symbol("d", positive=True)
    two = sp.exp(beta * (gap + v[0])) / (sp.exp(beta * (gap + v[0])) + sp.exp(beta * v[0]))
    rows = "any number of rows"
    return [
        Identity("content_by_similarity", "d w_i / d K_j = beta w_i ([i = j] - w_j)", sp.Derivative(w(i), K[j]),
                 beta * w(i) * (sp.KroneckerDelta(i, j) - w(j)), rows, "equation (5)", proof=SLOPE),
        Identity("content_by_strength", "d w_i / d beta = w_i (K_i - sum_j w_j K_j): weight goes to what is more similar than the mean",
                 sp.Derivative(w(i), beta), w(i) * (K[i] - mean), rows, "equation (5)", proof=SLOPE),
        Identity("read_by_similarity", "d r / d K_j = beta w_j (v_j - r): a similarity moves what is read towards its row",
                 sp.Derivative(read, K[j]), beta * w(j) * (v[j] - read), rows + "; one entry v of each", "equations (2) and (5)",
                 proof=SLOPE),
        Identity("large_strength", "of two rows beta -> oo leaves the one that is more similar by d > 0", sp.Limit(two, beta, sp.oo), 1,
                 "two rows, d > 0", "equation (5), «amplify the precision of the focus»", proof=("simplify", "doit")),
    ]  # fmt: skip


def cosine() -> list[Identity]:
    k, m = (sp.Matrix(sp.symbols(f"{name}:3", positive=True)) for name in "km")
    c = sp.Symbol("c", positive=True)
    similarity = lambda u: u.dot(m) / sp.sqrt(u.dot(u) * m.dot(m))
    slope = sp.Matrix([similarity(k)]).jacobian(k).T
    length = sp.sqrt(k.dot(k))
    wanted = (m / sp.sqrt(m.dot(m)) - similarity(k) * k / length) / length
    three = "three entries, neither vector zero"
    return [
        Identity("cosine_slope", "d K / d k = (M / |M| - K k / |k|) / |k|", slope, wanted, three, "equation (6)"),
        Identity("cosine_ignores_length", "K[c k, M] = K[k, M] for c > 0", similarity(c * k), similarity(k), three, "equation (6)"),
        Identity("slope_across_the_key", "the slope of K is orthogonal to the key: k d K / d k = 0", slope.dot(k), 0, three,
                 "equation (6)"),
        Identity("cosine_is_bounded", "1 - K^2 is a square over the squared lengths, so |K| <= 1",
                 k.dot(k) * m.dot(m) - k.dot(m) ** 2, k.cross(m).dot(k.cross(m)), "three entries", "equation (6)", proof=("expand",)),
    ]  # fmt: skip


def gate() -> list[Identity]:
    g, a, b = sp.symbols("g a b", real=True)
    w, u = (sp.symbols(f"{name}:3", real=True) for name in "wu")
    blend = sum(g * one + (1 - g) * other for one, other in zip(w, u))
    t, left = sp.Symbol("t", integer=True, positive=True), sp.Symbol("e", positive=True)
    return [
        Identity("gate_keeps_the_sum", "what the sum of g w^c + (1 - g) w_{t-1} is off 1 is the same blend of what theirs are", blend - 1,
                 g * (sum(w) - 1) + (1 - g) * (sum(u) - 1), "three rows, any g",
                 "equations (1) and (7)", proof=("expand",)),
        Identity("constant_gate", "with a constant gate and content, no shift and gamma = 1, w_t - w^c falls by 1 - g at each step",
                 (1 - left) * a + left * (left ** (t - 1) * (b - a) + a) - a, left**t * (b - a), "g = 1 - e, e > 0, w^c = a, w_0 = b",
                 "equation (7)", proof=("simplify",)),
    ]  # fmt: skip


def turned(w: sp.Matrix, s: sp.Matrix) -> sp.Matrix:
    """Equation (8): w~(i) = sum_j w(j) s(i - j), modulo N."""
    n = len(w)
    return sp.Matrix([sum(w[at] * s[(here - at) % n] for at in range(n)) for here in range(n)])


def shifts() -> list[Identity]:
    n = 4
    w, s, t = (sp.Matrix(sp.symbols(f"{name}:{n}", real=True)) for name in "wst")
    fourier = sp.Matrix(n, n, lambda a, b: sp.I ** (-a * b))  # exp(-2 pi i / 4) = -i
    p, q, here = sp.symbols("p q a", real=True)  # weights of the shifts -1 and 1; a row
    moved = {here - 1: p, here: 1 - p - q, here + 1: q}
    mean = sum(place * mass for place, mass in moved.items())
    second = sum((place - mean) ** 2 * mass for place, mass in moved.items())
    return [
        Identity("shifts_compose", "shifting by s and then by t is shifting by their convolution: (w * s) * t = w * (s * t)",
                 turned(turned(w, s), t), turned(w, turned(s, t)), "four rows", "equation (8)", proof=("expand",)),
        Identity("shifts_commute", "in which order does not matter", turned(turned(w, s), t), turned(turned(w, t), s), "four rows",
                 "equation (8)", proof=("expand",)),
        Identity("fourier", "Fourier's transform of w * s is the product of theirs", fourier * turned(w, s),
                 sp.matrix_multiply_elementwise(fourier * w, fourier * s), "four rows, powers of -i", "equation (8)", proof=("expand",)),
        Identity("mass_is_kept", "the sum of w * s is the product of the sums", sum(turned(w, s)), sum(w) * sum(s), "four rows",
                 "equations (1) and (8)", proof=("expand",)),
        Identity("spread_of_a_shift", "away from the ends a step adds p + q - (p - q)^2 to the variance of the row, p and q on -1 and 1",
                 second, p + q - (p - q) ** 2, "the row before is known: a", "section 3.3.2, leakage", proof=("expand",)),
    ]  # fmt: skip


def sharpening() -> list[Identity]:
    a, b, c = sp.symbols("a b c", positive=True)
    power = lambda top, *others: top**gamma / sum(other**gamma for other in (top, *others))
    x = sp.Symbol("x", positive=True)
    q, u, v = sp.symbols("q u v", positive=True)
    grown = 1 / (1 + sp.exp(-gamma * u) + sp.exp(-gamma * v))
    logs = lambda top, *others: sp.exp(gamma * sp.log(top)) / sum(sp.exp(gamma * sp.log(o)) for o in (top, *others))
    mean = sum(one**gamma * sp.log(one) for one in (a, b, c)) / sum(one**gamma for one in (a, b, c))
    return [
        Identity("gamma_of_one", "gamma -> 1 gives w~ over its sum, which is w~ where that is 1", sp.Limit(power(a, b, c), gamma, 1),
                 a / (a + b + c), "three rows of positive weight", "equation (9)", proof=("doit", "simplify")),
        Identity("as_a_softmax", "w = softmax(gamma log w~)", power(a, b, c), logs(a, b, c), "three rows of positive weight",
                 "equation (9)", proof=("simplify",)),
        Identity("sharpening_slope", "d w_a / d gamma = w_a (log w~_a - sum_j w_j log w~_j): it grows where w~ exceeds the geometric mean",
                 sp.Derivative(power(a, b, c), gamma), power(a, b, c) * (sp.log(a) - mean), "three rows of positive weight", "equation (9)",
                 proof=("doit", "simplify")),
        Identity("sharpening_by_weight", "d w_a / d w~_b = -gamma w_a w_b / w~_b", sp.Derivative(power(a, b, c), b),
                 -gamma * power(a, b, c) * power(b, a, c) / b, "three rows of positive weight", "equation (9)", proof=("doit", "simplify")),
        Identity("large_gamma", "gamma -> oo gives each of two greatest rows a half, and the lower one nothing",
                 sp.Matrix([sp.Limit(1 / (2 + (1 + x) ** (-gamma)), gamma, sp.oo),
                            sp.Limit((1 + x) ** (-gamma) / (2 + (1 + x) ** (-gamma)), gamma, sp.oo)]),
                 sp.Matrix([sp.Rational(1, 2), 0]), "w~ = (a, a, a / (1 + x)), x > 0, both sides divided by a^gamma", "equation (9)",
                 proof=("doit",)),
        Identity("limit_is_that_of_the_power", "what is divided by a^gamma there is equation (9)", power(a * q, a, a),
                 q**gamma / (2 + q**gamma), "w~ = (a, a, q a), q = 1 / (1 + x)", "equation (9)",
                 proof=("simplify",)),
        Identity("greatest_as_ratios", "the greatest row's weight by the logarithms u, v of how many times greater it is than the others",
                 power(a, a * sp.exp(-u), a * sp.exp(-v)), grown, "w~ = (a, a exp(-u), a exp(-v))", "equation (9)", proof=("simplify",)),
        Identity("greatest_grows", "of three rows the greatest gains weight as gamma grows", sp.Derivative(grown, gamma), 0,
                 "w~ = (a, a exp(-u), a exp(-v)), u, v > 0", "equation (9)", relation=">", proof=("doit", "factor")),
    ]  # fmt: skip


def written(m: sp.Expr, w: sp.Expr, e: sp.Expr, a: sp.Expr) -> sp.Expr:
    """Equations (3) and (4) for one entry and one head."""
    return m * (1 - w * e) + w * a


def writing() -> list[Identity]:
    m, w, e, a, u, f, b = sp.symbols("m w e a u f b", real=True)
    steps = [sp.symbols(f"w_{t} e_{t} a_{t}", real=True) for t in range(3)]
    found, law = m, m * sp.prod(1 - w_ * e_ for w_, e_, _ in steps)
    for t, step in enumerate(steps):
        found = written(found, *step)
        law += step[0] * step[2] * sp.prod(1 - w_ * e_ for w_, e_, _ in steps[t + 1 :])
    both = m * (1 - w * e) * (1 - u * f) + w * a + u * b
    return [
        Identity("adding_first_is_another", "adding before erasing leaves w^2 e a less", (m + w * a) * (1 - w * e),
                 written(m, w, e, a) - w**2 * e * a, "one entry", "section 3.2, erase then add", proof=("expand",)),
        Identity("one_head_after_the_other", "a second head after the first would erase what that has added: u f w a less",
                 written(written(m, w, e, a), u, f, b), both - u * f * w * a, "two heads, one entry",
                 "section 3.2, several heads", proof=("expand",)),
        Identity("memory_law", "m_3 = m prod_t (1 - w e) + sum_t w a prod_{s>t} (1 - w e)", found, law, "three steps, one head, one entry",
                 "equations (3) and (4)", proof=("expand",)),
        Identity("write_slope", "d m / d w = a - m e: what is to be written less what is to be erased",
                 sp.Derivative(written(m, w, e, a), w), a - m * e, "one entry", "equations (3) and (4)", proof=("doit", "expand")),
    ]  # fmt: skip


def costs() -> list[Identity]:
    z, y = sp.symbols("z y", real=True)
    loss = sp.log(1 + sp.exp(z)) - y * z
    ones, zeros = sp.symbols("N_1 N_0", integer=True, nonnegative=True)
    half = sp.Rational(1, 2)
    length, bits = sp.symbols("L b", integer=True, positive=True)
    beta_mean = (
        sp.gamma(ones + half + 1) / sp.gamma(ones + zeros + 2) * sp.gamma(ones + zeros + 1) / sp.gamma(ones + half)
    )
    return [
        Identity("loss_gradient", "d loss / d z = sigma(z) - y", sp.Derivative(loss, z), 1 / (1 + sp.exp(-z)) - y, "one output",
                 "section 4, cross-entropy", proof=("doit", "simplify")),
        Identity("guessing", "who knows nothing, z = 0, pays L b bits for a sequence",
                 sp.Sum(sp.Sum(loss.subs(z, 0), (l, 1, bits)), (i, 1, length)) / sp.log(2), length * bits, "any length, any number of bits",
                 "section 4, bits per sequence", proof=("doit", "simplify")),
        Identity("optimal_n_gram", "the mean of Beta(N_1 + 1/2, N_0 + 1/2) is (N_1 + 1/2) / (N_1 + N_0 + 1)", beta_mean,
                 (ones + half) / (ones + zeros + 1), "a Beta(1/2, 1/2) prior, N_1 ones and N_0 zeros seen", "equation (10)",
                 proof=("expand_func", "simplify")),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return [
        Bridge("shifted", "w~ by Fourier: the product of transforms, transformed back", "output:shifted", by_fourier, "equation (8)"),
        Bridge("weighting", "the greatest row's power over the sum of powers, as (9) is written", "output:weighting", by_powers,
               "equation (9)"),
        Bridge("memories", "every M_t by the law of the memory", "output:memories", by_law, "equations (3) and (4)"),
        Bridge("output_bias", "the mean of sigma(z) - y over sequences, summed over what is asked", "gradient:output.bias",
               lambda p: rates.by_logits(p).sum((0, 1)), "section 4"),
        Bridge("output_weight", "sigma(z) - y times what the controller says and what is read", "gradient:output.weight",
               rates.by_output_weight, "section 4"),
        Bridge("address_bias", "d loss / d (biases of all that addresses heads) through cosine, softmax, gate, shift, powers, erasing, "
               "adding and reading of all steps, carried on by the derivatives that are proved here", "gradient:address.bias",
               rates.by_address_bias, "equations (2) to (9)"),
    ]  # fmt: skip


def by_fourier(problem: Problem) -> Array:
    found, rows, reach = (
        checks.forward(problem.params, problem.batch, **problem.config),
        problem.config["rows"],
        problem.config["reach"],
    )
    root = sp.lambdify(l, sp.exp(-2 * sp.pi * sp.I / rows * l), "numpy")
    transform = root(np.outer(np.arange(rows), np.arange(rows)))
    of_shift = root(np.outer(np.arange(-reach, reach + 1), np.arange(rows)))  # (shift, frequency)
    product = (found["gated"] @ transform) * (found["shift"] @ of_shift)
    whole: Array = (product @ transform.conj() / rows).real
    return whole


def by_powers(problem: Problem) -> Array:
    found = checks.forward(problem.params, problem.batch, **problem.config)
    w = sp.symbols(f"w:{problem.config['rows']}", positive=True)
    value = sp.lambdify((w, gamma), [one**gamma / sum(other**gamma for other in w) for one in w], "numpy")
    return np.stack(value(np.moveaxis(found["shifted"], -1, 0), found["sharpening"][..., 0]), -1)


def by_law(problem: Problem) -> Array:
    """The right side of `memory_law`, with the heads' factors multiplied and their additions summed, for as many steps as there are."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    w = found["weighting"][:, :, : problem.config["write_heads"]]
    kept = (1 - w[..., None] * found["erase"][..., None, :]).prod(2)  # (batch, time, row, size)
    added = (w[..., None] * found["add"][..., None, :]).sum(2)
    memories = []
    for t in range(kept.shape[1]):
        m, k, a = sp.Symbol("m"), sp.symbols(f"k_:{t + 1}"), sp.symbols(f"a_:{t + 1}")
        law = m * sp.prod(k) + sum(a[s] * sp.prod(k[s + 1 :]) for s in range(t + 1))
        value = sp.lambdify((m, *k, *a), law, "numpy")
        parts = [part[:, s] for part in (kept, added) for s in range(t + 1)]
        memories.append(value(problem.params["start.memory"], *parts))
    return np.stack(memories, 1)
