r"""What follows from the formulas of Krizhevsky, Sutskever and Hinton (NIPS 2012), derived and proved.

    sizes       (W - F + 2P) / S + 1, parameters K F F D / groups + K, neurons W H D        section 3.5, figure 2
    fields      r + (F - 1) j pixels, j S apart, from r and j of the layer below            section 3.5, «receptive field centers»
    neurons     max(0, x), tanh x, 1 / (1 + exp(-x))                                        section 3.1
    norm        b^i = a^i / (k + alpha sum (a^j)^2)^beta                                    section 3.3
    crops       224 x 224 patches of 256 x 256 images, and their reflections                section 4.1
    dropout     masks of 0 and 1, each with probability 1/2                                 section 4.2
    update      v <- 0.9 v - 0.0005 eps w - eps g,  w <- w + v                              section 5

What the paper prints, what is derived from it and what a library has is said of every number; the table of the paper's layers
is `architecture.py`.
"""

import itertools

import sympy as sp

from s30.room import Bridge, Identity, sibling

architecture = sibling(__file__, "../architecture.py")
PARAMETERS = (34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000)  # derived
PRINTED = (253_440, 186_624, 64_896, 64_896, 43_264, 4096, 4096, 1000)  # figure 2's caption, the neurons of every layer
SIDES = (55, 27, 27, 13, 13, 13, 13, 6)  # figure 2, of every CONV and POOL
FIELDS = (11, 19, 51, 67, 99, 131, 163, 195)  # derived, as are the strides
STRIDES = (4, 8, 8, 16, 16, 16, 16, 32)
PAPER = (2, sp.Rational(1, 10_000), sp.Rational(3, 4))  # k, alpha, beta of section 3.3


def identities() -> list[Identity]:
    return [*_sizes(), *_neurons(), *_normalisation(), *_dropout(), *_learning()]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()


def _sizes() -> list[Identity]:
    width, kernel, padding, stride, maps, kernels = sp.symbols("W F P S D K")
    size = (width - kernel + 2 * padding) / stride + 1
    weights, symbols = kernels * kernel**2 * maps, (kernels, kernel, maps)
    volume = width**2 * kernels
    spatial = architecture.LAYERS[:8]  # CONV and POOL
    widths = (architecture.SIDE, *SIDES)
    layers, ungrouped, library = (
        _weighted(*which)
        for which in ((architecture.LAYERS, True), (architecture.LAYERS, False), (architecture.LIBRARY, False))
    )
    shape = "section 3.5"
    return [
        Identity(
            "sides",
            "from an input of 227 the sides are 55, 27, 27, 13, 13, 13, 13 and 6, each division without remainder",
            sp.Matrix([
                sp.Subs(size, (width, kernel, padding, stride), (below, layer.kernel, layer.padding, layer.stride))
                for below, layer in zip(widths, spatial)
            ]),
            sp.Matrix(SIDES),
            "CONV and POOL in the order of the network; paddings 2, 1, 1, 1 of layers 2 to 5 are not printed but forced by the sizes",
            shape,
            proof=("doit",),
        ),
        Identity(
            "printed_input",
            "the printed input of 224 would give 54 1/4 places: 55 need 227 pixels, three more",
            sp.Matrix([sp.Subs(size, (width, kernel, padding, stride), (224, 11, 0, 4)),
                       sp.Subs(kernel + stride * 54 - width, (width, kernel, stride), (224, 11, 4))]),
            sp.Matrix([sp.Rational(217, 4), 3]),
            "a filter of 11 with stride 4 and no padding",
            f"{shape} and figure 2 (a correction of their 224)",
            proof=("doit",),
        ),
        Identity(
            "parameters",
            "weights and biases of the eight layers, derived from the printed sizes, and their sum 60,965,224: «60 million»",
            sp.Matrix([*(sp.Subs(weights + kernels, symbols, layer) for layer in layers),
                       sum(sp.Subs(weights + kernels, symbols, layer) for layer in layers)]),
            sp.Matrix([*PARAMETERS, 60_965_224]),
            "derived; the paper prints 60 million",
            "abstract and section 3.5",
            proof=("doit",),
        ),
        Identity(
            "groups_halve",
            "without groups layers 2, 4 and 5 would have twice the weights and all together 62,378,344 parameters",
            sum(sp.Subs(weights + kernels, symbols, layer) for layer in ungrouped),
            sp.Integer(62_378_344),
            "derived",
            "section 3.2",
            proof=("doit",),
        ),
        Identity(
            "library_parameters",
            "torchvision's AlexNet, without groups and with 64, 192, 384, 256 and 256 kernels, has 61,100,840 parameters",
            sum(sp.Subs(weights + kernels, symbols, layer) for layer in library),
            sp.Integer(61_100_840),
            "a library's number, of another network",
            "torchvision.models.alexnet (not the paper's)",
            proof=("doit",),
        ),
        Identity(
            "one_percent",
            "the fourth layer, and so the larger third, holds more than the printed «no more than 1%» of the parameters",
            100 * sp.Subs(weights + kernels, symbols, layers[3]),
            sp.Integer(60_965_224),
            "663,936 and 885,120 of 60,965,224; layers 1, 2 and 5 hold less than 1 %",
            "section 1 (a correction of its 1%)",
            relation=">",
            proof=("doit",),
        ),
        Identity(
            "printed_neurons",
            "figure 2's 186,624, 64,896, 64,896 and 43,264 are W H D of layers 2 to 5; its 253,440 is 48 x 55 x 96 and not "
            "55 x 55 x 96 = 290,400; its input of 150,528 numbers is 224 x 224 x 3",
            sp.Matrix([
                sp.Subs(48 * width * kernels, (width, kernels), (55, 96)),
                *(sp.Subs(volume, (width, kernels), pair)
                  for pair in ((27, 256), (13, 384), (13, 384), (13, 256), (55, 96), (224, 3))),
            ]),
            sp.Matrix([*PRINTED[:5], 290_400, 150_528]),
            "the caption's numbers, and the one that 55 x 55 maps of 96 kernels give",
            "figure 2, caption (a correction of its first number)",
            proof=("doit",),
        ),
        Identity(
            "neuron_sum",
            "the caption's neurons sum to 622,312, and with 290,400 in the first layer to 659,272: neither is the "
            "printed 650,000, to which the second is nearer",
            sp.Matrix([sp.Subs(first * width * kernels, (width, kernels), (55, 96))
                       + sum(sp.Subs(volume, (width, kernels), (side, count)) for side, count in (
                           (27, 256), (13, 384), (13, 384), (13, 256), (1, 4096), (1, 4096), (1, 1000)))
                       for first in (48, 55)]),
            sp.Matrix([622_312, 659_272]),
            "derived; printed are 650,000",
            "abstract and figure 2",
            proof=("doit",),
        ),
        Identity(
            "fields",
            "an entry of the eight CONV and POOL layers sees 11, 19, 51, 67, 99, 131, 163 and 195 pixels, its neighbour is 4, 8, 8, "
            "16, 16, 16, 16 and 32 pixels away: 1 + sum (F_i - 1) S_1 ... S_(i-1), and S_1 ... S_i",
            sp.Matrix([[1 + sum((layer.kernel - 1) * sp.Mul(*(below.stride for below in spatial[:i]), evaluate=False)
                                for i, layer in enumerate(spatial[: n + 1])),
                        sp.Mul(*(layer.stride for layer in spatial[: n + 1]), evaluate=False)] for n in range(8)]),
            sp.Matrix([[field, apart] for field, apart in zip(FIELDS, STRIDES)]),
            "derived; only the first stride, 4, is printed. A fully-connected layer sees 355 pixels, more than the image has",
            f"{shape}, «the distance between the receptive field centers»",
            proof=("doit",),
        ),
        Identity(
            "crops",
            "32 x 32 x 2 = 2048 is the printed factor; the offsets 0 to 32 along each axis are 33, so 2 x 33 x 33 = 2178 patches",
            sp.Matrix([sp.Subs(2 * (width - kernel + more) ** 2, (width, kernel), (256, 224)) for more in (0, 1)]),
            sp.Matrix([2048, 2178]),
            "patches of 224 in images of 256, with their reflections",
            "section 4.1 (a correction of its 2048)",
            proof=("doit",),
        ),
    ]  # fmt: skip


def _weighted(layers, grouped: bool) -> list[tuple[int, int, int]]:
    """Kernels, their side and the maps that each sees, of the layers with weights."""
    found, maps = [], architecture.CHANNELS
    for layer in layers:
        if layer.kernels:
            found.append((layer.kernels, layer.kernel, maps // (layer.groups if grouped else 1)))
            maps = layer.kernels
    return found


def _neurons() -> list[Identity]:
    x, slope = sp.symbols("x s", real=True)
    logistic = 1 / (1 + sp.exp(-x))
    source = "section 3.1"
    return [
        Identity(
            "slopes",
            "tanh' = 1 - tanh^2 and the logistic function's is s (1 - s)",
            sp.Matrix([sp.Derivative(sp.tanh(x), x), sp.Derivative(logistic, x)]),
            sp.Matrix([1 - sp.tanh(x) ** 2, logistic * (1 - logistic)]),
            "real x",
            source,
            proof=("doit", "simplify"),
        ),
        Identity(
            "logistic_is_tanh",
            "the logistic function is tanh scaled: 2 / (1 + exp(-x)) - 1 = tanh(x / 2), a quarter of the slope around 1/2",
            2 * logistic - 1,
            sp.tanh(x / 2),
            "real x",
            source,
            proof=("rewrite:exp", "simplify"),
        ),
        Identity(
            "logistic_slope",
            "its slope is at most 1/4, so each layer of logistic neurons passes back a quarter at most, where tanh and ReLU pass "
            "back up to all",
            sp.Rational(1, 4),
            slope * (1 - slope),
            "s, the value of the neuron, real; attained at s = 1/2",
            f"{source}, «saturating nonlinearities» (ours)",
            relation=">=",
            proof=("factor",),
        ),
    ]


def _normalisation() -> list[Identity]:
    a, k, alpha, beta = sp.IndexedBase("a"), *sp.symbols("k alpha beta", positive=True)
    divisor = k + alpha * sum(a[j] ** 2 for j in range(5))  # maps 0 to 4 are near map 2, n = 5
    normalised = a[2] / divisor**beta
    total = sp.Symbol("T", positive=True)
    value, scale = sp.symbols("a c", positive=True)
    lone, paper = value / (k + alpha * value**2) ** beta, (value, k, alpha, beta)
    source = "section 3.3"
    return [
        Identity(
            "norm_gradient",
            "db^i/da^j = 1(i = j) / D^beta - 2 alpha beta a^i a^j / D^(beta + 1) for the maps near i, and 0 for others",
            sp.Matrix([sp.Derivative(normalised, a[j]) for j in range(7)]),
            sp.Matrix([
                (int(j == 2) / divisor**beta - 2 * alpha * beta * a[2] * a[j] / divisor ** (beta + 1)) * int(j < 5)
                for j in range(7)
            ]),
            "map i = 2 of seven, n = 5; D = k + alpha sum over the near maps",
            source,
            proof=("doit", "simplify"),
        ),
        Identity(
            "norm_peak",
            "a map that is active alone answers with slope (k + alpha (1 - 2 beta) a^2) / D^(beta + 1): with the paper's constants "
            "it answers most at a = 200, with 200 / 6^(3/4) = 52.2, and less beyond",
            sp.Matrix([sp.Derivative(lone, value), sp.Subs(sp.Derivative(lone, value), paper, (200, *PAPER)),
                       sp.Subs(lone, paper, (200, *PAPER))]),
            sp.Matrix([(k + alpha * (1 - 2 * beta) * value**2) / (k + alpha * value**2) ** (beta + 1), 0,
                       200 / sp.Integer(6) ** sp.Rational(3, 4)]),
            "a, k, alpha, beta positive; D = k + alpha a^2. A peak needs beta > 1/2",
            f"{source} (ours)",
            proof=("doit", "simplify"),
        ),
        Identity(
            "norm_brightness",
            "where k is negligible, activities c times as large give responses c^(1 - 2 beta) times as large: with 3/4, one over the "
            "root of c",
            (scale * value) / (alpha * scale**2 * total) ** beta,
            scale ** (1 - 2 * beta) * value / (alpha * total) ** beta,
            "a, c, alpha, beta, T positive; k = 0, T the sum of near squares, which grows by c^2",
            f"{source}, «brightness normalization» (ours)",
            proof=("simplify",),
        ),
        Identity(
            "norm_at_weak_alpha",
            "to first order in alpha b is a k^-beta (1 - alpha beta T / k): at 1e-4, 2 and 0.75, a change of 3.75e-5 for each unit "
            "of T, the sum of near squares",
            sp.Subs(sp.Derivative(value * (k + alpha * total) ** (-beta), alpha), alpha, 0),
            -value * k ** (-beta) * beta * total / k,
            "a, k, beta, T positive",
            f"{source} (why the small network takes a larger alpha)",
            proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def _dropout() -> list[Identity]:
    hidden, masks = sp.symbols("h_1:4", real=True), list(itertools.product((0, 1), repeat=3))
    rows = [sp.symbols(f"w_{c}1:4", real=True) for c in "ab"]

    def logits(kept):
        return [sum(w * m * h for w, m, h in zip(row, kept, hidden)) for row in rows]

    def odds(kept):
        first, second = logits(kept)
        total = sp.exp(first) + sp.exp(second)
        return sp.log((sp.exp(first) / total) / (sp.exp(second) / total))

    half = [sp.Rational(1, 2)] * 3
    source = "section 4.2"
    return [
        Identity(
            "dropout_geometric_mean",
            "for one softmax layer the normalised geometric mean of the predictions under all masks is the prediction with halved "
            "neurons: exact, not «a reasonable approximation»",
            sum(odds(mask) for mask in masks) / len(masks),
            logits(half)[0] - logits(half)[1],
            "two classes, three hidden neurons, all eight masks; a normalised mean of two classes is given by its log odds",
            source,
            proof=("simplify",),
        ),
        Identity(
            "dropout_is_not_exact_below",
            "below another ReLU it is no longer exact: one neuron, max(0, 2 m - 1) averages to 1/2 over m = 0 and 1, and gives 0 at "
            "m = 1/2",
            sp.Matrix([sum(_below(m) for m in (0, 1)) / 2, _below(sp.Rational(1, 2))]),
            sp.Matrix([sp.Rational(1, 2), 0]),
            "an example with bias -1; so the approximation is one, with two dropout layers",
            f"{source} (its limit; ours)",
            proof=("doit",),
        ),
    ]


def _below(m) -> sp.Expr:
    return sp.Max(0, sp.Integer(2) * m - 1, evaluate=False)


def _learning() -> list[Identity]:
    momentum, rate, decay, gradient, weight, velocity = sp.symbols("mu epsilon lambda g w v", real=True)
    n = sp.Symbol("n", integer=True, nonnegative=True)
    scores, target = sp.symbols("f_1:4", real=True), sp.symbols("y_1:4", real=True)
    loss = -sum(y * (f - sp.log(sum(map(sp.exp, scores)))) for y, f in zip(target, scores))

    def settled(steps):
        return -rate * gradient * (1 - momentum**steps) / (1 - momentum)

    source = "section 5"
    return [
        Identity(
            "momentum_gathers",
            "under a constant gradient v_n = -eps g (1 - mu^n) / (1 - mu): ten times a single step in the end, with mu = 0.9",
            momentum * settled(n) - rate * gradient,
            settled(n + 1),
            "no weight decay; v_0 = 0",
            source,
        ),
        Identity(
            "update_of_libraries",
            "with v = -eps u the printed rule is u <- mu u + g + lambda w, w <- w - eps u, as PyTorch has it, while eps is constant",
            momentum * (-rate * velocity) - decay * rate * weight - rate * gradient,
            -rate * (momentum * velocity + gradient + decay * weight),
            "u for the library's velocity; when eps changes, the printed v carries the old rate on",
            source,
            proof=("expand",),
        ),
        Identity(
            "softmax_gradient",
            "the derivative of -log p_y by the logits is p - y",
            sp.Matrix([sp.Derivative(loss, f) for f in scores]),
            sp.Matrix([sp.exp(f) / sum(map(sp.exp, scores)) * sum(target) - y for f, y in zip(scores, target)]),
            "three classes; y sums to 1",
            "section 3.5, «multinomial logistic regression objective»",
            proof=("doit", "simplify"),
        ),
    ]
