r"""What follows from the formulas of CS231n (course notes, cs231n.github.io), derived and proved.

    softmax      p_k = exp(f_k) / sum_j exp(f_j),  L = -log p_y         linear-classify.md, «Softmax classifier»
    SVM          L = sum_{j != y} max(0, f_j - f_y + Delta)             linear-classify.md, «Multiclass SVM loss»
    convolution  y[t] = sum_i w[i] x[t + i]                             convolutional-networks.md, in one dimension
    size         (W - F + 2P) / S + 1                                   convolutional-networks.md, «Spatial arrangement»
    check        (f(x + h) - f(x - h)) / 2h                             neural-networks-3.md, «Gradient checks»

    notes            | code
    f_k, y, C        | scores f[k], label, number of classes
    w, x, F, W       | filter w[i] of F taps, input x[t] of W entries
    S, P             | stride, zeros added at each side
    dL/dy[t]         | upstream g[t], so that L changes by sum_t g[t] y[t] to first order

The numbers of classes, taps and positions are symbols: each index k is given with k + m + 1 terms, m >= 0, which is
every length that has an index k. Derivatives stand unevaluated in `lhs`; the proof's step `doit` takes them.
"""

import itertools

import sympy as sp

from s30.room import Bridge, Identity, sibling

i, j, k, label, m, n, s, t = sp.symbols("i j k y m n s t", integer=True, nonnegative=True)
f, w, x, g = (sp.IndexedBase(name) for name in ("f", "w", "x", "g"))
COUNT = k + m + 1  # a number of classes or of taps that is greater than k
ANY_COUNT = "any number of classes; k and y are two of them"


def softmax(scores, index, count):
    """p_index = exp(f_index) / sum_j exp(f_j)."""
    return sp.exp(scores(index)) / sp.Sum(sp.exp(scores(j)), (j, 0, count - 1))


def cross_entropy(scores, count):
    """-log p_y = -f_y + log sum_j exp(f_j), in nats."""
    return -scores(label) + sp.log(sp.Sum(sp.exp(scores(j)), (j, 0, count - 1)))


def hinge(scores, correct, margin, count):
    """The sum of max(0, f_j - f_y + Delta) over the wrong classes, numbered from 1; `correct` is f_y."""
    return sp.Sum(sp.Max(0, scores(j) - correct + margin), (j, 1, count - 1))


def size(width, kernel, padding, stride):
    """Outputs along one side: (W - F + 2P) / S + 1."""
    return (width - kernel + 2 * padding) / stride + 1


def identities() -> list[Identity]:
    return [
        *_losses(),
        *_convolution(),
        *_sizes(),
        *sibling(__file__, "printed.py").identities(size),
        *_gradient_check(),
    ]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()


def _losses() -> list[Identity]:
    linear, layers = "linear-classify.md", "optimization-1.md, «Computing the gradient analytically»"
    shift, x_ = sp.symbols("c x", real=True)
    real_scores = sp.IndexedBase("f", real=True)
    sigma = 1 / (1 + sp.exp(-x_))
    kronecker = sp.KroneckerDelta(label, k)
    slope, moved = sp.IndexedBase("s"), sp.IndexedBase("f'")
    return [
        Identity(
            "softmax_gradient",
            "the derivative of the cross-entropy by a score is p_k - 1(k = y)",
            sp.Derivative(cross_entropy(lambda index: f[index], COUNT), f[k]),
            softmax(lambda index: f[index], k, COUNT) - kronecker,
            ANY_COUNT,
            "neural-networks-case-study.md, «Computing the Analytic Gradient with Backpropagation»",
            proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "softmax_shift",
            "adding one number to every score leaves each probability as it is",
            softmax(lambda index: f[index] + shift, k, COUNT),
            softmax(lambda index: f[index], k, COUNT),
            ANY_COUNT,
            f"{linear}, «Practical issues: Numeric stability»",
        ),
        Identity(
            "softmax_positive",
            "every class probability is positive",
            softmax(lambda index: real_scores[index], k, COUNT),
            sp.Integer(0),
            f"{ANY_COUNT}; real scores",
            f"{linear}, «Softmax classifier»",
            relation=">",
            proof=("doit",),
        ),
        Identity(
            "softmax_sums_to_one",
            "the class probabilities sum to one",
            sp.Sum(softmax(lambda index: f[index], j, COUNT), (j, 0, COUNT - 1)),
            sp.Integer(1),
            ANY_COUNT,
            f"{linear}, «Softmax classifier»",
        ),
        Identity(
            "hinge_gradient",
            "away from kinks dL/df_j = 1(margin_j > 0), and dL/df_y = -(number of classes that violate the margin)",
            *_hinge_derivatives(),
            "four classes, every combination of violated (margin > 0) and kept (margin < 0) margins",
            layers,
            proof=("doit",),
        ),
        Identity(
            "hinge_subgradient",
            "max(0, b) >= max(0, a) + s (b - a), with s = 1 if a > 0, s = 0 if a < 0, and any s in [0, 1] at the kink a = 0",
            *_tangents(),
            "rows: a = d > 0, a = -d < 0, and a = 0 with s = 0, s = 1 and s = d / (1 + d), which is all of (0, 1); "
            "each with b = e and b = -e, e >= 0",
            "optimization-1.md, «Non-differentiable loss functions»",
            relation=">=",
            proof=("factor",),
        ),
        Identity(
            "max_subgradient",
            "at a tie, max(x', y') >= max(x, y) + s (x' - x) + (1 - s) (y' - y) for any s in [0, 1]: the whole gradient to "
            "the first of two equal entries (s = 1), to the second (s = 0), or a share to each",
            *_shares(),
            "x = y = a; rows: s = 1, s = 0 and s = d / (1 + d), which is all of (0, 1); each with x' = y' + e and y' = x' + e, "
            "e >= 0",
            "optimization-2.md, «Patterns in backward flow»",
            relation=">=",
            proof=("simplify", "factor"),
        ),
        Identity(
            "max_to_both",
            "the whole gradient to both is no subgradient: 1 (x' - x) + 1 (y' - y) exceeds the change of max(x, y) from a tie at "
            "0 to x' = y' = b > 0. So 1(x >= y) and 1(y >= x), taken together, are wrong at ties",
            *_both(),
            "b > 0",
            "optimization-2.md, «Simple expressions and interpretation of the gradient»",
            relation=">",
            proof=("simplify",),
        ),
        Identity(
            "hinge_subgradient_in_scores",
            "slopes s_j at the margins are the vector g with g_j = s_j and g_y = -sum_j s_j at the scores: "
            "sum_j s_j (margin_j' - margin_j) = <g, f' - f>; summing hinge_subgradient over j, L(f') >= L(f) + <g, f' - f>",
            sp.Sum(slope[j] * ((moved[j] - moved[label]) - (f[j] - f[label])), (j, 0, COUNT - 1)),
            sp.Sum(slope[j] * (moved[j] - f[j]), (j, 0, COUNT - 1))
            - sp.Sum(slope[j], (j, 0, COUNT - 1)) * (moved[label] - f[label]),
            f"{ANY_COUNT}; the term j = y is zero on both sides, so s_y = 0 leaves it out",
            "optimization-1.md, «Non-differentiable loss functions»",
            proof=("expand", "simplify"),
        ),
        Identity(
            "cross_entropy_at_chance",
            "with all scores zero the cross-entropy is log C, so ln 10 = 2.302 for ten classes",
            cross_entropy(lambda index: sp.Integer(0), COUNT),
            sp.log(COUNT),
            "any number of classes C",
            "neural-networks-3.md, «Look for correct loss at chance performance»",
            proof=("doit", "simplify"),
        ),
        Identity(
            "hinge_at_chance",
            "while all margins are violated the SVM loss is (C - 1) Delta + sum_{j != y} (f_j - f_y), "
            "so (C - 1) Delta with equal scores: 9 for ten classes and Delta = 1",
            *_hinge_near_chance(),
            "any number of classes C; rows: f_j = f_y - Delta + d_j with any d_j > 0, and all scores equal; Delta > 0",
            "neural-networks-3.md, «Look for correct loss at chance performance»",
            proof=("doit", "simplify"),
        ),
        Identity(
            "sigmoid_derivative",
            "sigma' = (1 - sigma) sigma",
            sp.Derivative(sigma, x_),
            (1 - sigma) * sigma,
            "real x",
            "optimization-2.md, «Sigmoid example»",
            proof=("doit", "simplify"),
        ),
    ]


def _hinge_derivatives() -> tuple[sp.Matrix, sp.Matrix]:
    """Rows: signs of the three margins; columns: classes y, 1, 2, 3. Left SymPy's derivatives, right the notes' counts."""
    delta, correct = sp.Symbol("Delta", positive=True), sp.Symbol("f_y", real=True)
    others, margins = sp.symbols("f_1:4", real=True), sp.symbols("d_1:4", positive=True)
    loss = sum(sp.Max(0, other - correct + delta) for other in others)
    left, right = [], []
    for signs in itertools.product((1, -1), repeat=len(others)):
        point = [correct - delta + sign * margin for sign, margin in zip(signs, margins)]
        left.append([sp.Subs(sp.diff(loss, score), others, point) for score in (correct, *others)])
        violated = [int(sign > 0) for sign in signs]
        right.append([-sum(violated), *violated])
    return sp.Matrix(left), sp.Matrix(right)


def _hinge_near_chance() -> tuple[sp.Matrix, sp.Matrix]:
    """The SVM loss where every wrong class violates its margin, and where all scores are equal."""
    delta, correct = sp.Symbol("Delta", positive=True), sp.Symbol("f_y", real=True)
    violations = sp.IndexedBase("d", positive=True)
    near = hinge(lambda index: correct - delta + violations[index], correct, delta, COUNT)
    excess = sp.Sum(violations[j] - delta, (j, 1, COUNT - 1))  # f_j - f_y
    equal = hinge(lambda index: correct, correct, delta, COUNT)
    return sp.Matrix([near, equal]), sp.Matrix([(COUNT - 1) * delta + excess, (COUNT - 1) * delta])


def _tangents() -> tuple[sp.Matrix, sp.Matrix]:
    """max(0, b), and the line through (a, max(0, a)) of slope s, at every combination of signs."""
    d, e = sp.Symbol("d", positive=True), sp.Symbol("e", nonnegative=True)
    zero, one = sp.Integer(0), sp.Integer(1)
    slopes = ((d, one), (-d, zero), (zero, zero), (zero, d / (1 + d)), (zero, one))
    cases = [(a, s, b) for a, s in slopes for b in (e, -e)]
    return sp.Matrix([sp.Max(0, b) for _, _, b in cases]), sp.Matrix([sp.Max(0, a) + s * (b - a) for a, s, b in cases])


def _shares() -> tuple[sp.Matrix, sp.Matrix]:
    """max(x', y'), and the plane through the tie x = y = a that gives the share s to x, at both orders of x' and y'."""
    d, e = sp.Symbol("d", positive=True), sp.Symbol("e", nonnegative=True)
    a, low = sp.symbols("a b", real=True)
    cases = [(share, ends) for share in (1, 0, d / (1 + d)) for ends in ((low + e, low), (low, low + e))]
    planes = [a + share * (x_ - a) + (1 - share) * (y_ - a) for share, (x_, y_) in cases]
    return sp.Matrix([sp.Max(*ends) for _, ends in cases]), sp.Matrix(planes)


def _both() -> tuple:
    b = sp.Symbol("b", positive=True)
    return b + b, sp.Max(b, b)


def _convolution() -> list[Identity]:
    steps = sp.Symbol("T", integer=True, positive=True)
    # sum_t g[t] y[t], with y[t] = sum_i w[i] x[t + i]
    change = sp.Sum(g[t] * sp.Sum(w[i] * x[t + i], (i, 0, COUNT - 1)), (t, 0, steps - 1))
    taps, inputs = sp.symbols("w:3"), sp.symbols("x:7")
    outputs = _correlate(inputs, taps)
    seconds = sp.symbols("v:3")
    merged = [sum(seconds[b] * taps[a] for a in range(3) for b in range(3) if a + b == shift) for shift in range(5)]
    source = "convolutional-networks.md, «Backpropagation» (stated there without a derivation)"
    return [
        Identity(
            "filter_gradient",
            "the gradient of a filter is the correlation of input and upstream: dL/dw[k] = sum_t g[t] x[t + k]",
            sp.Derivative(change, w[k]),
            sp.Sum(g[t] * x[t + k], (t, 0, steps - 1)),
            "one dimension, stride 1; any number of taps, any number T of outputs",
            source,
            proof=("doit", "simplify"),
        ),
        Identity(
            "input_gradient",
            "the gradient of the input is the convolution of upstream and filter, that is the correlation with the flipped "
            "filter: dL/dx[s] = sum_t g[t] w[s - t]",
            sp.Derivative(change, x[s]),
            sp.Sum(g[t] * sp.Piecewise((w[s - t], (s >= t) & (s - t <= COUNT - 1)), (0, True)), (t, 0, steps - 1)),
            "one dimension, stride 1; any number of taps, w being zero beside them, any number T of outputs",
            source,
            proof=("doit", "simplify"),
        ),
        Identity(
            "convolutions_compose",
            "without a nonlinearity between them, two filters are one filter: the convolution of the two, F1 + F2 - 1 taps long",
            sp.Matrix(_correlate(outputs, seconds)),
            sp.Matrix(_correlate(inputs, merged)),
            "one dimension, seven inputs, two filters of three taps",
            "convolutional-networks.md, «Prefer a stack of small filter CONV to one large receptive field CONV layer»",
            proof=("expand",),
        ),
    ]


def _correlate(values, taps) -> list:
    """y[t] = sum_i w[i] x[t + i], for every t at which the filter fits."""
    return [sum(tap * values[t_ + i_] for i_, tap in enumerate(taps)) for t_ in range(len(values) - len(taps) + 1)]


def _sizes() -> list[Identity]:
    width, f1, f2, p1, p2, s1, s2 = sp.symbols("W F1 F2 P1 P2 S1 S2", positive=True)
    source = "convolutional-networks.md, «Spatial arrangement»"
    return [
        Identity(
            "output_size",
            "a filter that fits exactly has (W - F + 2P)/S + 1 places: the starts 0, S, 2S, ... up to W + 2P - F",
            sp.Sum(1, (i, 0, n)),
            size(f1 + s1 * n - 2 * p1, f1, p1, s1),
            "W = F + S n - 2P, so that the last start is S n; induction over n",
            source,
            proof=("doit", "simplify"),
            induction=n,
        ),
        Identity(
            "output_size_composes",
            "two layers have the size of one with F = F1 + (F2 - 1) S1, P = P1 + P2 S1 and S = S1 S2",
            size(size(width, f1, p1, s1), f2, p2, s2),
            size(width, f1 + (f2 - 1) * s1, p1 + p2 * s1, s1 * s2),
            "W, F, P, S positive",
            source,
        ),
    ]


def _gradient_check() -> list[Identity]:
    a, b, c, d, x0, h = sp.symbols("a b c d x h", real=True)

    def cubic(point):
        return a + b * point + c * point**2 + d * point**3

    first, second, third = (sp.Derivative(cubic(x0), (x0, order)) for order in (1, 2, 3))
    source, assumptions = (
        "neural-networks-3.md, «Use the centered formula»",
        "a cubic: every term of higher order is absent",
    )
    return [
        Identity(
            "central_difference",
            "on a cubic the centred difference errs by h^2 f'''/6, the term of second order in h, and by no other",
            (cubic(x0 + h) - cubic(x0 - h)) / (2 * h),
            first + h**2 * third / 6,
            assumptions,
            source,
            proof=("doit", "simplify"),
        ),
        Identity(
            "forward_difference",
            "on a cubic the one-sided difference errs by h f''/2 + h^2 f'''/6: first order in h only",
            (cubic(x0 + h) - cubic(x0)) / h,
            first + h * second / 2 + h**2 * third / 6,
            assumptions,
            source,
            proof=("doit", "simplify"),
        ),
    ]
