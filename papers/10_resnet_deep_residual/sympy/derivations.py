r"""What follows from the formulas of arXiv:1512.03385, derived and proved.

    BN        z_j = (h_j - mean) / sqrt(var + eps)            section 3.4, its reference [16]
    block     x_{l+1} = sigma(x_l + F_l(x_l))                 equation 1 and section 3.2
    counts    `counts.py`

    paper          | code
    h_j, g_j       | h[j], g[j]: what is normalised, and the upstream gradient by z_j
    F_l, sigma     | F_l, an unknown function of one number; sigma's slope at what it is applied to is m_l, 1 or 0

The number of values in a batch is a symbol: each index k is given with k + m + 1 terms, m >= 0.
"""

import sympy as sp

from s30.room import Bridge, Identity, sibling

i, j, k, m = sp.symbols("i j k m", integer=True, nonnegative=True)
COUNT = k + m + 1
eps, factor = sp.symbols("epsilon a", positive=True)
c = sp.Symbol("c", real=True)
h, g = sp.IndexedBase("h", real=True), sp.IndexedBase("g", real=True)


def mean(values) -> sp.Expr:
    return sp.Sum(values(i), (i, 0, COUNT - 1)) / COUNT


def normalised(values, index, constant) -> sp.Expr:
    """(h - mean) / sqrt(var + eps), the variance being the mean square of h - mean, so mean square less squared mean."""
    variance = mean(lambda at: values(at) ** 2) - mean(values) ** 2
    return (values(index) - mean(values)) / sp.sqrt(variance + constant)


def identities() -> list[Identity]:
    return [*_normalisation(), *_blocks(), *_start(), *sibling(__file__, "counts.py").identities()]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()


def _normalisation() -> list[Identity]:
    source = "section 3.4; Ioffe and Szegedy 2015, algorithm 1"
    root = sp.Symbol("s", positive=True)
    values = sp.symbols("h:3", real=True)
    upstream = sp.symbols("g:3", real=True)
    spread = sum(value**2 for value in values) / 3 - (sum(values) / 3) ** 2
    return [
        Identity(
            "variance_by_moments",
            "the mean square of h - mean is the mean of squares less the square of the mean",
            mean(lambda at: (h[at] - mean(lambda at: h[at])) ** 2),
            mean(lambda at: h[at] ** 2) - mean(lambda at: h[at]) ** 2,
            "any number of values",
            source,
            proof=("expand", "doit", "simplify"),
        ),
        Identity(
            "normalised_mean",
            "what BN returns before scale and shift has mean 0",
            mean(lambda at: (h[at] - mean(lambda at: h[at])) / root),
            sp.Integer(0),
            "any number of values, divided by any root",
            source,
            proof=("expand", "doit", "simplify"),
        ),
        Identity(
            "normalised_variance",
            "and variance v/(v + eps): 1 up to eps",
            sum(value**2 for value in _three(lambda value: value, values, eps)) / 3,
            spread / (spread + eps),
            "three values, v their variance",
            source,
            proof=("simplify",),
        ),
        Identity(
            "weight_scale",
            "BN of a h with eps is BN of h with eps/a^2, so as eps -> 0 filters may be multiplied by any positive number",
            normalised(lambda at: factor * h[at], k, eps),
            normalised(lambda at: h[at], k, eps / factor**2),
            "a > 0; any number of values",
            source,
            proof=("simplify", "radsimp", "simplify"),
        ),
        Identity(
            "bias_is_void",
            "BN of a h + c with eps is BN of h with eps/a^2: a bias in the convolution before it would do nothing",
            _three(lambda value: factor * value + c, values, eps),
            _three(lambda value: value, values, eps / factor**2),
            "a > 0; three values",
            source,
            proof=("simplify",),
        ),
        Identity(
            "backward_through_norm",
            "sum_j g_j dz_j/dh_k = (g_k - mean(g) - z_k mean(g z)) / sqrt(var + eps): BN takes from the gradient its mean and "
            "its part along z",
            sp.Matrix([_pulled(values, upstream, value) for value in values]),
            sp.Matrix(_pulled_formula(values, upstream)),
            "three values",
            source,
            proof=("doit", "simplify"),
        ),
    ]


def _three(change, values, constant) -> sp.Matrix:
    """BN of three numbers after a change of each."""
    moved = [change(value) for value in values]
    centre = sum(moved) / 3
    root = sp.sqrt(sum((value - centre) ** 2 for value in moved) / 3 + constant)
    return sp.Matrix([(value - centre) / root for value in moved])


def _pulled(values, upstream, by) -> sp.Expr:
    return sp.Derivative(sum(a * b for a, b in zip(upstream, _three(lambda value: value, values, eps))), by)


def _pulled_formula(values, upstream) -> list[sp.Expr]:
    z = _three(lambda value: value, values, eps)
    centre = sum(values) / 3
    root = sp.sqrt(sum((value - centre) ** 2 for value in values) / 3 + eps)
    along = sum(a * b for a, b in zip(upstream, z)) / 3
    return [(a - sum(upstream) / 3 - b * along) / root for a, b in zip(upstream, z)]


def _blocks() -> list[Identity]:
    x, t, w = sp.symbols("x t w", real=True)
    slopes = sp.symbols(
        "m_1:4", integer=True
    )  # ReLU's slope at each sum: 1 where it is positive, 0 where it is negative
    branches = [sp.Function(f"F_{number}") for number in (1, 2, 3)]
    signal, product = x, sp.Integer(1)
    for slope, branch in zip(slopes, branches):
        product *= slope * (1 + sp.Subs(sp.Derivative(branch(t), t), t, signal))
        signal = slope * (signal + branch(signal))
    v = sp.Symbol("v", real=True)
    stacks = (1 + w) * (1 + v) ** (m + 1), w * v ** (m + 1)
    return [
        Identity(
            "gradient_is_a_product",
            "dx_L/dx_l is the product over blocks of ReLU's slope times 1 + F': a product, not yet the sum 1 + ... of paper "
            "15, since the activation stands after the addition",
            sp.Derivative(signal, x),
            product,
            "three blocks between kinks, where ReLU is its slope times its argument; F_l any differentiable functions",
            "equation 1 and section 3.2 (stated by us)",
            proof=("doit", "expand"),
        ),
        Identity(
            "preconditioning",
            "where all weights are zero a stack of residual layers has slope 1 by each of them, a plain stack slope 0",
            sp.Matrix([sp.Subs(sp.Derivative(stack, w), (w, v), (0, 0)) for stack in stacks]),
            sp.Matrix([1, 0]),
            "linear layers of one number without BN: one of weight w, m + 1 >= 1 others of weight v",
            "section 3.1: «it should be easier for the solver to find the perturbations with reference to an identity mapping»",
            proof=("doit", "simplify"),
        ),
        Identity(
            "single_layer",
            "a residual block of one layer is a linear layer: w x + x = (w + 1) x",
            w * x + x,
            (w + 1) * x,
            "one number",
            "section 3.2",
            proof=("expand",),
        ),
    ]


def _start() -> list[Identity]:
    z = sp.Symbol("z", real=True)
    density = sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)
    square, first, slope = (sp.Integral(power * density, (z, 0, sp.oo)) for power in (z**2, z, sp.Integer(1)))
    return [
        Identity(
            "plain_gradient_growth",
            "before training, one plain layer multiplies the mean square of the gradient by E[relu'^2]/Var[relu] = "
            "pi/(pi - 1) on its way down: the norm by 1.21, and by 260 over 29 layers",
            slope / (square - first**2),
            sp.pi / (sp.pi - 1),
            "wide layers and batches, BN's outputs normal and independent: BN divides by the deviation of what ReLU leaves, "
            "which is less than its root mean square",
            "ours, against section 4.1's «healthy norms»; the rate is known from mean-field theory (Yang et al., 2019)",
            proof=("doit", "simplify"),
        )
    ]
