r"""What follows from the formulas of Yu and Koltun (arXiv:1511.07122), derived and proved.

field     a layer of dilation l adds 2 l r to the side of the receptive field        section 2, Table 1
paths     prod_i (1 + x^{l_i} + x^{2 l_i}): its coefficients count paths by offset    section 2, Figure 1
gradients of a dilated layer, in one dimension                                        equation 2
start     k^b(t, a) = C / c_{i+1} within a group                                      equations 4 and 5
weights   9 c_i c_{i+1} of a 3 x 3 layer, c_i c_{i+1} of the last                     section 3, Table 1
ceiling   what a segmentation can reach that does not see what decides                ours; `task.py` uses it

paper        | code
F, k, l      | x[t], w[i], dilation
C, c_i       | C, multiples of it by layer
i of 2^{i+2} | n = i + 1, the number of layers
"""

import itertools

import sympy as sp

from s30.room import Bridge, Identity, sibling

i, k, m, n, s, t = sp.symbols("i k m n s t", integer=True, nonnegative=True)
dilation = sp.Symbol("l", integer=True, positive=True)
w, x, g = (sp.IndexedBase(name) for name in ("w", "x", "g"))
COUNT = k + m + 1  # a number of taps that is greater than k

LADDER = (1, 1, 2, 4, 8, 16, 1)  # Table 1, the dilations of its 3 x 3 layers
SEVEN, TEN = (1, 1, 2, 4, 8, 1), (1, 1, 2, 4, 8, 16, 32, 64, 1)  # appendix A: without layer 6; with two layers after it
FIELDS = (3, 5, 9, 17, 33, 65, 67, 67)  # Table 1, «Receptive field»
BASIC, LARGE = (1,) * 9, (1, 2, 2, 4, 8, 16, 32, 32, 1)  # maps in, then Table 1, «Output channels», in units of C


def identities() -> list[Identity]:
    return [*_fields(), *_paths(), *_gradients(), *_start(), *_ceiling()]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()


def _fields() -> list[Identity]:
    r = sp.Symbol("r", integer=True, positive=True)
    multiples = sp.symbols("c:9")
    weights = (
        sum(9 * before * after for before, after in itertools.pairwise(multiples[:-1])) + multiples[-2] * multiples[-1]
    )
    C = sp.Symbol("C", positive=True)
    reach, layers = sp.Symbol("r"), sp.symbols("l_1:8")
    formula = 1 + sum(2 * reach * l for l in layers)  # the last layer of Table 1 is 1 x 1: r = 0, and it adds nothing
    stacks = [(*LADDER[:number], *(0 for _ in LADDER[number:])) for number in (1, 2, 3, 4, 5, 6, 7, 7)]
    return [
        Identity(
            "exponential_field",
            "under dilations 1, 2, 4, ..., 2^{n-1} the field is 2^{n+1} - 1 wide: (2^{i+2} - 1) x (2^{i+2} - 1) for F_{i+1}",
            1 + sp.Sum(2 * 2**i, (i, 0, n - 1)),
            2 ** (n + 1) - 1,
            "n = i + 1 layers of 3 x 3 taps, any n; by induction",
            "section 2, below equation 3",
            proof=("doit", "simplify"),
            induction=n,
        ),
        Identity(
            "linear_field",
            "under dilation 1 throughout it is 2 r n + 1 wide: linear in the number of layers",
            1 + sp.Sum(2 * r, (i, 1, n)),
            2 * r * n + 1,
            "n layers of (2r + 1) x (2r + 1) taps",
            "section 2 (what dilation is compared with)",
            proof=("doit", "simplify"),
        ),
        Identity(
            "table_of_fields",
            "the fields that Table 1 prints: 3, 5, 9, 17, 33, 65, 67 and 67",
            sp.Matrix([sp.Subs(formula, (reach, *layers), (1, *stack)) for stack in stacks]),
            sp.Matrix(FIELDS),
            "1 + sum of 2 r l over the layers so far, r = 1, and 0 for the last",
            "Table 1, «Receptive field»",
            proof=("doit",),
        ),
        Identity(
            "appendix_ladders",
            "Dilation7, 8 and 10 see 35, 67 and 259 entries along an axis with 55 C^2, 64 C^2 and 82 C^2 weights (all derived: "
            "appendix A gives layers and dilations)",
            sp.Matrix(
                [[_field(ladder), sp.Subs(9 * n * C**2 + C**2, n, len(ladder))] for ladder in (SEVEN, LADDER, TEN)]
            ),
            sp.Matrix([[35, 55 * C**2], [67, 64 * C**2], [259, 82 * C**2]]),
            "r = 1; «Basic»: C maps throughout, 3 x 3 layers and one of 1 x 1",
            "appendix A",
            proof=("doit",),
        ),
        Identity(
            "weights",
            "the basic module has exactly 64 C^2 weights (printed: about 64 C^2) and the large one 15,422 C^2 (derived: the paper "
            "gives no number)",
            sp.Matrix([sp.Subs(weights, multiples, [a * C for a in counts]) for counts in (BASIC, LARGE)]),
            sp.Matrix([64 * C**2, 15_422 * C**2]),
            "without biases, of which the basic module has 8 C and the large one 98 C",
            "section 3 and Table 1, «Output channels»",
            proof=("doit",),
        ),
    ]


def _field(ladder: tuple[int, ...]) -> sp.Expr:
    """1 + the sum of 2 r l, not yet evaluated, at r = 1."""
    reach, layers = sp.Symbol("r"), sp.symbols(f"l_1:{len(ladder) + 1}")
    return sp.Subs(1 + sum(2 * reach * l for l in layers), (reach, *layers), (1, *ladder))


def _product(dilations, variable):
    return sp.prod([1 + variable**l + variable ** (2 * l) for l in dilations])


def _paths() -> list[Identity]:
    z = sp.Symbol("z")
    coefficients = sp.symbols("c:6")
    polynomial = sum(c * z**power for power, c in enumerate(coefficients))
    doubled = sum(
        c * (z ** (2 * power) + z ** (2 * power + 1) + z ** (2 * power + 2)) for power, c in enumerate(coefficients)
    )
    scale = sp.Symbol("q", positive=True)
    return [
        Identity(
            "stern",
            "one more layer under doubled dilations: the entry at 2 j is reached by the paths of j and of j - 1, that at 2 j + 1 by "
            "those of j alone, which is the rule of Stern's diatomic sequence",
            (1 + z + z**2) * polynomial.subs(z, z**2),
            doubled,
            "any six numbers of paths; one axis, offsets counted from the edge of the field",
            "section 2, equation 3 and Figure 1 (ours)",
            proof=("expand",),
        ),
        Identity(
            "tripling",
            "under dilations 1, 3, 9 every entry of the field is reached by exactly one path: (1 - q^27) / (1 - q) in all",
            _product((1, 3, 9), scale) * (1 - scale),
            1 - scale**27,
            "one axis; three layers of three taps reach 27 entries",
            "section 2 (the widest field without a gap; ours)",
            proof=("expand",),
        ),
        Identity(
            "gap",
            "under dilations 1 and 4 the third entry from the edge is reached by no path: four exceeds the field of 3",
            sp.Matrix([_count((1, 4), 3), _count((1, 2), 3)]),
            sp.Matrix([0, 1]),
            "one axis; rows: dilations 1 and 4, and for comparison 1 and 2",
            "section 2, «without loss of coverage» (its limit; ours)",
            proof=("doit",),
        ),
        Identity(
            "paths_beyond_five",
            "of all paths along one axis 42/243 go to offsets of 6 to 9 under dilations 1, 1, 2, 4, 1, and 422/19,683 under nine "
            "plain layers, whose field is as wide: 17 in 100 against 2",
            sp.Matrix(
                [2 * sum(_count(ladder, place) for place in range(4)) / 3 ** len(ladder) for ladder in SAME_FIELD]
            ),
            sp.Matrix([sp.Rational(42, 243), sp.Rational(422, 19_683)]),
            "three taps a layer; the four entries at each edge of a field of 19",
            "section 2 (why the field alone does not say how much of it is used; ours)",
            proof=("doit",),
        ),
    ]


SAME_FIELD = ((1, 1, 2, 4, 1), (1,) * 9)


def _count(dilations, place) -> sp.Expr:
    """How many paths lead from an entry of the field, counted from its edge, to the output: a coefficient, by Taylor."""
    z = sp.Symbol("z")
    return sp.Subs(sp.Derivative(_product(dilations, z), (z, place)), z, 0) / sp.factorial(place)


def _gradients() -> list[Identity]:
    steps = sp.Symbol("T", integer=True, positive=True)
    # sum_t g[t] y[t], with y[t] = sum_i w[i] x[t + l i]
    change = sp.Sum(g[t] * sp.Sum(w[i] * x[t + dilation * i], (i, 0, COUNT - 1)), (t, 0, steps - 1))
    return [
        Identity(
            "filter_gradient",
            "the gradient of tap k of an l-dilated filter is sum_t g[t] x[t + l k]: input and upstream correlated at l k",
            sp.Derivative(change, w[k]),
            sp.Sum(g[t] * x[t + dilation * k], (t, 0, steps - 1)),
            "one dimension; any number of taps, any dilation, any number T of outputs",
            "equation 2 (ours)",
            proof=("doit", "simplify"),
        ),
        Identity(
            "input_gradient",
            "the gradient of entry s is sum_t g[t] w[i] over the taps that read it, t + l i = s: upstream convolved by the filter "
            "under the same dilation",
            sp.Derivative(sp.Sum(g[t] * w[i] * x[t + dilation * i], (t, 0, steps - 1)), x[s]),
            sp.Sum(g[t] * w[i] * sp.KroneckerDelta(s, t + dilation * i), (t, 0, steps - 1)),
            "one dimension; one tap i of any, since gradients of sums are sums; any dilation, any number T of outputs",
            "equation 2 (ours)",
            proof=("doit", "simplify"),
        ),
    ]


def _start() -> list[Identity]:
    before, after, C, value = sp.symbols("c_i c_{i+1} C v", positive=True)
    members = before / C  # maps of one group in the layer before
    counts = sp.IndexedBase("c", positive=True)
    j = sp.Symbol("j", integer=True, positive=True)
    return [
        Identity(
            "start_gain",
            "equation 5 without noise sends maps that are all v in a group to v c_i / c_{i+1}: it keeps a group's sum, (c_i / C) v, "
            "and not its values, unless c_i = c_{i+1}",
            sp.Matrix(
                [sp.Sum(C / after * value, (j, 1, members)), after / C * sp.Sum(C / after * value, (j, 1, members))]
            ),
            sp.Matrix([value * before / after, before / C * value]),
            "C divides both numbers of maps; rows: a map of the next layer, and the sum of its group",
            "section 3, equation 5",
            proof=("doit", "simplify"),
        ),
        Identity(
            "start_restores",
            "the gains c_i / c_{i+1} of n layers multiply to c_0 / c_n, which is 1 as the module takes and gives C maps",
            sp.Sum(sp.log(counts[i]) - sp.log(counts[i + 1]), (i, 0, n - 1)),
            sp.log(counts[0]) - sp.log(counts[n]),
            "as logarithms; any numbers of maps, any number n of layers",
            "section 3, equation 5",
            proof=("doit", "simplify"),
            induction=n,
        ),
        Identity(
            "large_gains",
            "layer by layer equation 5 scales the maps of the large module by 1/2, 1, 1/2, 1/2, 1/2, 1/2, 1 and, at the end, 32",
            sp.Matrix([sp.Subs(before / after, (before, after), pair) for pair in itertools.pairwise(LARGE)]),
            sp.Matrix([sp.Rational(*pair) for pair in ((1, 2), (1, 1), *((1, 2),) * 4, (1, 1), (32, 1))]),
            "Table 1, «Output channels», in units of C",
            "section 3, equation 5 and Table 1",
            proof=("doit",),
        ),
        Identity(
            "start_truncates",
            "layer after layer the start of equation 4 is max(0, v): once is as good as seven times, and v itself if v is not "
            "negative. A negative map is lost",
            sp.Matrix([_truncated(v, 7) for v in _signs()]),
            sp.Matrix([sp.Symbol("u", positive=True), 0, 0]),
            "rows: v = u, v = 0 and v = -u, with u > 0",
            "section 3, equation 4",
            proof=("doit",),
        ),
    ]


def _signs() -> tuple[sp.Expr, ...]:
    u = sp.Symbol("u", positive=True)
    return u, sp.Integer(0), -u


def _truncated(v: sp.Expr, layers: int) -> sp.Expr:
    """max(0, max(0, ... v)), not yet evaluated."""
    found = v
    for _ in range(layers):
        found = sp.Max(0, found, evaluate=False)
    return found


def _ceiling() -> list[Identity]:
    more, rest = sp.symbols("d e", nonnegative=True)
    count, q = sp.symbols("N q", positive=True)
    one, other = 1 / (2 + more + rest), (1 + more) / (2 + more + rest)  # the smaller and the greater of the two shares
    both = [first / (1 + first) + second / (1 + second) for first, second in ((one, other), (other, one))]
    return [
        Identity(
            "blind_ceiling",
            "where pairs of scenes look alike and differ in what vehicles are, naming the share q of them boats and p cars, the two "
            "intersections over unions sum to at most q / (1 + q) + p / (1 + p) <= 2/3",
            sp.Matrix([sp.Rational(2, 3)] * 2),
            sp.Matrix(both),
            "q + p <= 1, both positive: one is 1 / (2 + d + e), the other (1 + d) / (2 + d + e), d, e >= 0; rows: q is the "
            "smaller, q is the greater. False positives are counted among the pair alone; more only lower it",
            "the measure of section 4, intersection over union (ours)",
            relation=">=",
            proof=("factor",),
        ),
        Identity(
            "blind_ceiling_attained",
            "naming half of the vehicles boats and half cars attains it, so the mean over five classes is at most 11/15 and over "
            "three 5/9",
            sp.Matrix(
                [
                    sp.Subs((count - 2 + 2 * q / (1 + q)) / count, (count, q), (number, sp.Rational(1, 2)))
                    for number in (5, 3)
                ]
            ),
            sp.Matrix([sp.Rational(11, 15), sp.Rational(5, 9)]),
            "all other classes named rightly",
            "the measure of section 4, intersection over union (ours)",
            proof=("doit",),
        ),
    ]
