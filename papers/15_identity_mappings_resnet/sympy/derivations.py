r"""What follows from the formulas of arXiv:1603.05027, derived and proved.

    x_{l+1} = x_l + F_l(x_l)                 equation 3
    x_{l+1} = lambda_l x_l + F_l(x_l)        equation 6
    1 - g(x), g = sigma(W x + b)             section 3.1, gates; dropout keeps each entry with probability 1/2

    paper      | code
    x_l, F_l   | x[l], and F_l, an unknown function of one number
    lambda_l   | l_l
    depth      | counts.py has the nets' layers and parameters

Four units stand for any number where a product is written out; sums over units are proved by induction.
"""

import itertools

import sympy as sp

from s30.room import Bridge, Identity, sibling

n = sp.Symbol("n", integer=True, nonnegative=True)
i = sp.Symbol("i", integer=True)
t, x = sp.symbols("t x", real=True)
BRANCHES = [sp.Function(f"F_{number}") for number in range(4)]
SCALES = sp.symbols("l_0:4", real=True)


def signals(start, scales) -> list:
    """x_0, ..., x_4 by equation 6."""
    found = [start]
    for scale, branch in zip(scales, BRANCHES):
        found.append(scale * found[-1] + branch(found[-1]))
    return found


def identities() -> list[Identity]:
    return [*_forward(), *_backward(), *_shortcuts(), *sibling(__file__, "counts.py").identities()]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()


def _product(values) -> sp.Expr:
    return sp.prod(list(values))


def _forward() -> list[Identity]:
    signal = sp.IndexedBase("x")
    scaled = signals(x, SCALES)
    return [
        Identity(
            "telescoping",
            "x_L - x_0 is the sum of what each unit adds, for any number of units",
            sp.Sum(signal[i + 1] - signal[i], (i, 0, n - 1)),
            signal[n] - signal[0],
            "F(x_i) = x_{i+1} - x_i; induction over the number of units",
            "equation 4",
            proof=("expand", "doit", "simplify"),
            induction=n,
        ),
        Identity(
            "scaled_shortcuts",
            "x_L = (prod lambda_i) x_0 + sum (prod of the later lambda) F_i(x_i)",
            scaled[4],
            _product(SCALES) * x + sum(_product(SCALES[at + 1 :]) * BRANCHES[at](scaled[at]) for at in range(4)),
            "four units; F_l any functions",
            "equation 7",
            proof=("expand", "simplify"),
        ),
    ]


def _backward() -> list[Identity]:
    ones, scaled = signals(x, (1, 1, 1, 1)), signals(x, SCALES)
    jacobians = sp.symbols("J_3 J_2 J_1 J_0", commutative=False)  # the last unit's first, as matrices are multiplied
    subsets = [chosen for size in range(5) for chosen in itertools.combinations(jacobians, size)]
    signs = sp.symbols("s_0:4")

    def mean(value: sp.Expr) -> sp.Expr:
        """Over all 2^4 choices of signs, each as likely."""
        choices = itertools.product((1, -1), repeat=len(signs))
        return sum(value.subs(dict(zip(signs, chosen))) for chosen in choices) / 2 ** len(signs)

    def product_of_slopes(at, scales) -> sp.Expr:
        return _product(
            scale + sp.Subs(sp.Derivative(branch(t), t), t, point) for scale, branch, point in zip(scales, BRANCHES, at)
        )

    def slopes_with(signs) -> sp.Expr:
        """dx_L/dx_0 of units s_i F_i: each F_i' at a signal that earlier signs have moved."""
        at, found = x, sp.Integer(1)
        for scale, sign, branch in zip(SCALES, signs, BRANCHES):
            found *= scale + sign * sp.Function(f"{branch.__name__}'")(at)
            at = scale * at + sign * branch(at)
        return found

    slopes = sp.symbols("j_0:4", real=True)
    return [
        Identity(
            "gradient_has_a_one",
            "dx_L/dx_0 = 1 + d/dx_0 sum F_i(x_i), which is the product of 1 + F_i'(x_i)",
            product_of_slopes(ones, (1, 1, 1, 1)),
            1 + sp.Derivative(sum(branch(at) for branch, at in zip(BRANCHES, ones)), x),
            "four units; F_l any differentiable functions",
            "equation 5",
            proof=("doit", "expand"),
        ),
        Identity(
            "scaled_gradient",
            "dx_L/dx_0 = prod lambda_i + d/dx_0 sum F^_i(x_i), the lambda absorbed in F^",
            product_of_slopes(scaled, SCALES),
            _product(SCALES)
            + sp.Derivative(sum(_product(SCALES[at + 1 :]) * BRANCHES[at](scaled[at]) for at in range(4)), x),
            "four units; F_l any differentiable functions",
            "equation 8",
            proof=("doit", "expand"),
        ),
        Identity(
            "paths",
            "the product of 1 + J_i is the sum over all 2^4 sets of units of the products of their J, in order",
            _product(1 + j for j in jacobians),
            sum(_product(chosen) for chosen in subsets),
            "four units; J_i matrices, which need not commute",
            "equation 5, unravelled (the reading of Veit et al., 2016)",
            proof=("expand",),
        ),
        Identity(
            "mean_gradient",
            "over random signs of the last weights of each unit dx_L/dx_0 has the mean prod lambda_i: on average the gradient is "
            "what came along the shortcuts",
            mean(slopes_with(signs)),
            _product(SCALES),
            "four units s_i F_i, s_i = 1 and -1 equally likely, so that F_i is linear in what is drawn symmetrically about zero",
            "equations 5 and 8, before training",
            proof=("expand",),
        ),
        Identity(
            "mean_square",
            "of slopes lambda_i + s_i j_i the square of the product has the mean prod (lambda_i^2 + j_i^2): with lambda = 1 no "
            "less than 1, and growing with each unit",
            mean(_product((scale + sign * j) ** 2 for scale, sign, j in zip(SCALES, signs, slopes))),
            _product(scale**2 + j**2 for scale, j in zip(SCALES, slopes)),
            "four units of slopes j_i that do not depend on the signs",
            "equation 8, before training",
            proof=("expand",),
        ),
    ]


def _shortcuts() -> list[Identity]:
    bias = sp.Symbol("b", real=True)
    keep, masks = sp.Symbol("p", positive=True), list(itertools.product((0, 1), repeat=3))
    gate = 1 / (1 + sp.exp(-bias))
    chance = [_product(keep if kept else 1 - keep for kept in mask) for mask in masks]
    return [
        Identity(
            "dropout_scales",
            "units whose shortcuts are kept with probability p multiply the signal by a number of mean p^L and variance "
            "p^L (1 - p^L)",
            sp.Matrix(
                [
                    sum(weight * (_product(mask) - x) for weight, mask in zip(chance, masks)),
                    sum(weight * (_product(mask) - keep**3) ** 2 for weight, mask in zip(chance, masks)),
                ]
            ),
            sp.Matrix([keep**3 - x, keep**3 * (1 - keep**3)]),
            "L = 3 units, independent masks, without rescaling; x is any number taken off",
            "section 3.1, «Dropout statistically imposes a scale of lambda with an expectation of 0.5»",
            proof=("expand",),
        ),
        Identity(
            "gate_bias",
            "the gated shortcut's factor is 1 - sigma(b) = sigma(-b) where the gate's weights are zero",
            1 - gate,
            1 / (1 + sp.exp(bias)),
            "any initial bias b",
            "section 3.1, gates",
            proof=("simplify",),
        ),
        Identity(
            "gates_over_54_units",
            "over the 54 units of ResNet-110 the shortcuts multiply by 2^-54 with b = 0, and with b = -6 by more than 0.87",
            sp.Matrix(
                [sp.Subs((1 - gate) ** 54, bias, 0) * 2**54, sp.Subs((1 - gate) ** 54, bias, -6) - sp.Rational(87, 100)]
            ),
            sp.Matrix([sp.Rational(1, 2), 0]),
            "W_g = 0; this is why the paper's b_g of -6 comes near the baseline and b_g = 0 does not",
            "table 1, shortcut-only gating: 12.86 % with b_g = 0, 6.91 % with b_g = -6, 6.61 % for the identity",
            relation=">",
            proof=("doit", "simplify"),
        ),
    ]
