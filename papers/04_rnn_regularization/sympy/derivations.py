r"""What follows from the equations of «Recurrent Neural Network Regularization» (Zaremba, Sutskever, Vinyals, 2014).

D(x) = m x / (1 - p), m = 1 with probability 1 - p and else 0                     section 3.2
c_t = f_t c_{t-1} + i_t g_t, the gates from D(h_t^{l-1}) and h_{t-1}^l            section 3.2

paper        code
p            p = r / (1 + r), r > 0: every rate in (0, 1), and 1 / (1 - p) = 1 + r
m            the index of a sum over its outcomes, or symbols m_1, m_2, m_3
"""

import itertools

import sympy as sp

from s30.room import Bridge, Identity, sibling

SECTION, DEPTH = "section 3.2", "section 3.2, figure 3"
r, x = sp.Symbol("r", positive=True), sp.Symbol("x", real=True)
rate, scale = r / (1 + r), 1 + r  # p and 1 / (1 - p)


def _mean(function, masks=1):
    """The mean of a function of so many independent masks, outcome by outcome."""
    outcomes = itertools.product((0, 1), repeat=masks)
    return sum(sp.prod([1 - rate if m else rate for m in ms]) * function(*ms) for ms in outcomes)


def identities() -> list[Identity]:
    return [*_moments(), *_noise(), *_memory(), *_penalty(), *sibling(__file__, "counts.py").identities()]


def _moments() -> list[Identity]:
    k = sp.Symbol("k", integer=True, positive=True)
    survives, value = (1 - rate) ** k, x * scale**k
    return [
        Identity(
            "dropout_mean", "E[m x / (1 - p)] = x: without dropout the layers above see what they saw on average",
            _mean(lambda m: m * scale * x), x, "0 < p < 1; m x / (1 - p) summed over the two outcomes", SECTION,
        ),
        Identity(
            "dropout_variance", "Var[m x / (1 - p)] = p / (1 - p) x²",
            _mean(lambda m: (m * scale * x) ** 2) - _mean(lambda m: m * scale * x) ** 2, rate / (1 - rate) * x**2,
            "0 < p < 1", SECTION,
        ),
        Identity(
            "variance_after_many", "Through k independent dropouts one after the other the variance is ((1 - p)^(-k) - 1) x²: for L + 1"
            " of them it is the same however long ago x was read, for one more a step it grows without bound",
            survives * value**2 - (survives * value) ** 2, (scale**k - 1) * x**2,
            "0 < p < 1; all k masks must be 1, which has probability (1 - p)^k", DEPTH, proof=("simplify", "expand", "simplify"),
        ),
        Identity(
            "mean_square_of_three", "the same outcome by outcome, for the three dropouts of two layers",
            _mean(lambda a, b, c: (a * b * c * scale**3 * x) ** 2, 3) - x**2, (scale**3 - 1) * x**2, "0 < p < 1", DEPTH,
        ),
        Identity(
            "what_a_dropped_memory_keeps", "if each step drops the memory, the chance that a unit's is still there after k steps goes"
            " to 0; dropout on non-recurrent connections alone leaves it at (1 - p)^(L + 1)",
            sp.Limit((1 + r) ** (-k), k, sp.oo), sp.Integer(0), "1 / (1 + r) = 1 - p", SECTION, proof=("doit",),
        ),
    ]  # fmt: skip


def _variance(function, masks):
    return _mean(lambda *ms: function(*ms) ** 2, masks) - _mean(function, masks) ** 2


def _noise() -> list[Identity]:
    """Of a memory c_t = f c_(t-1) + w D(x), its gates given, after three steps, with both placements of dropout."""
    f, w, start, d = (
        sp.Symbol("f", positive=True),
        sp.Symbol("w", real=True),
        sp.Symbol("c_0", real=True),
        sp.Symbol("d", positive=True),
    )
    read = lambda *ms: sum(f ** (2 - t) * w * m * scale * x for t, m in enumerate(ms))
    kept = lambda *ms: start * sp.prod([f * m * scale for m in ms])
    return [
        Identity(
            "noise_of_what_is_read", "with D on what is read every step adds p / (1 - p) w² x² to the variance of the memory and the forget"
            " gate takes some away: p / (1 - p) w² x² (1 + f² + f⁴), three times the first where nothing is forgotten",
            sp.Matrix([_variance(read, 3), _variance(read, 3).subs(f, 1)]),
            sp.Matrix([r * w**2 * x**2 * (1 + f**2 + f**4), 3 * r * w**2 * x**2]),
            "0 < p < 1, three independent masks, one unit, gates and words the same at every step", DEPTH,
        ),
        Identity(
            "noise_of_a_dropped_memory", "with D on the memory each step multiplies: after three the variance is f⁶ ((1 - p)⁻³ - 1) c_0²",
            _variance(kept, 3), f**6 * (scale**3 - 1) * start**2, "the same, D on c_(t-1)", DEPTH,
        ),
        Identity(
            "where_a_dropped_memory_explodes", "and its mean square grows at each step if f² > 1 - p: by f² / (1 - p)",
            _mean(lambda m: (f * m * scale * start) ** 2).subs(f, sp.sqrt(1 - rate + d)) - start**2, d * (1 + r) * start**2,
            "f² = 1 - p + d; at p = 0.2, f above 0.895", DEPTH,
        ),
    ]  # fmt: skip


def _gate(a):
    """σ(a) = (1 + tanh(a/2)) / 2."""
    return (1 + sp.tanh(a / 2)) / 2


def _memory() -> list[Identity]:
    start, w, b, v = sp.symbols("c_0 w b v", real=True)
    words, masks, kept = (sp.symbols(f"{name}_1:4", real=True) for name in ("x", "m", "k"))
    forget = [_gate(w * m * scale * word + b) for word, m in zip(words, masks, strict=True)]
    write = [_gate(w * m * scale * word) * sp.tanh(v * m * scale * word) for word, m in zip(words, masks, strict=True)]
    plain = dropped = start
    for f, new, m in zip(forget, write, kept, strict=True):
        plain, dropped = f * plain + new, f * (m * scale * dropped) + new
    return [
        Identity(
            "cell_path", "∂c_3/∂c_0 = f_1 f_2 f_3: the masks are in the gates, as what was read is, and none stands between",
            sp.Derivative(plain, start), sp.prod(forget), "one unit, three steps; gates read D(x_t), not h; every T in the Agda theorem"
            " cellPath", SECTION, proof=("doit", "expand"),
        ),
        Identity(
            "cell_path_of_the_rival", "where the memory is dropped ∂c_3/∂c_0 = Π f_t m_t / (1 - p): one mask of three that is 0 erases it",
            sp.Derivative(dropped, start), sp.prod([f * m * scale for f, m in zip(forget, kept, strict=True)]),
            "one unit, three steps", f"{SECTION}: «standard dropout perturbs the recurrent connections»", proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def _penalty() -> list[Identity]:
    target, w_1, w_2, x_1, x_2 = sp.symbols("y w_1 w_2 x_1 x_2", real=True)
    error = lambda a, b: (target - w_1 * a * scale * x_1 - w_2 * b * scale * x_2) ** 2
    return [
        Identity(
            "dropout_is_a_penalty", "E (y - w·D(x))² = (y - w·x)² + p / (1 - p) Σ_k w_k² x_k²: for a linear unit dropout is weight"
            " decay, in proportion to what each input carries",
            _mean(error, 2), (target - w_1 * x_1 - w_2 * x_2) ** 2 + rate / (1 - rate) * (w_1**2 * x_1**2 + w_2**2 * x_2**2),
            "two inputs, squared error; not in the paper", SECTION,
        )
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()
