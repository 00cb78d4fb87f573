r"""The Transformer's formulas, derived and proved: paper 13 (Vaswani et al., 2017).

What is proved, and where the paper says it:

    footnote 4     q.k of independent entries with mean 0 and variance 1 has mean 0 and variance d_k
    equation (1)   d softmax(s) / ds = diag(a) - a a^T, which vanishes where one weight is 1
    section 3.1    LayerNorm: mean 0, variance 1 up to eps, blind to shift and scale, and its derivative
    section 3.5    PE(pos + k) = R(k) PE(pos), where the rotation R(k) does not depend on pos
    section 5.4    the label-smoothed loss is least where softmax(z) is the smoothed target, and there equals its entropy
    equation (3)   the learning rate rises until the warm-up step and falls after it
    table 3        the parameter counts of the base and the big model, from the architecture

    symbol        name here       symbol        name here
    d_k, h        d_k, heads      lrate, w      rate, warm_up
    eps_ls        epsilon         d_ff, N       d_ff, layers

The softmax has any number of keys, and the vocabulary any number of words, but for the convexity of the loss; the norm has
four features in the identities, and the room's twelve in a bridge.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

WORDS = 3  # in the identities on convexity alone
FEATURES = 4  # in the identities on the norm


def expectation(polynomial: sp.Expr, moments: dict[sp.Symbol, tuple[sp.Expr, ...]]) -> sp.Expr:
    """E of a polynomial in independent variables: each monomial gives the product of its variables' moments."""
    terms = sp.Poly(sp.expand(polynomial), *moments).terms()
    return sum(c * sp.prod(m[power] for m, power in zip(moments.values(), powers, strict=True)) for powers, c in terms)


def softmax(score: Callable[[sp.Expr], sp.Expr], index: sp.Expr, count: sp.Expr) -> sp.Expr:
    """a_index = exp(s_index) / sum_l exp(s_l), of `count` scores."""
    l = sp.Symbol("l", integer=True, nonnegative=True)
    return sp.exp(score(index)) / sp.Sum(sp.exp(score(l)), (l, 0, count - 1))


def smoothed_loss(logits: sp.Matrix, target: sp.Matrix) -> sp.Expr:
    """-sum_k q_k log p_k with log p_k = z_k - log sum_j exp z_j."""
    log_sum = sp.log(sum(sp.exp(z) for z in logits))
    return -sum(q * (z - log_sum) for q, z in zip(target, logits, strict=True))


def smoothed(right: sp.Expr, epsilon: sp.Expr, words: sp.Expr) -> sp.Expr:
    """q = (1 - epsilon) [right] + epsilon / words, for the right word or another."""
    return (1 - epsilon) * right + epsilon / words


def normalised(x: sp.Matrix, epsilon: sp.Expr) -> tuple[sp.Matrix, sp.Expr]:
    """(x - mean) / sqrt(variance + eps), without gain and bias, and that root."""
    mean = sum(x) / len(x)
    root = sp.sqrt(sum((entry - mean) ** 2 for entry in x) / len(x) + epsilon)
    return sp.Matrix([(entry - mean) / root for entry in x]), root


def norm_jacobian(normed: sp.Matrix, root: sp.Expr) -> sp.Matrix:
    """d normed / d x = (1 - 1 1^T / n - normed normed^T / n) / root."""
    n = len(normed)
    return (sp.eye(n) - sp.ones(n, n) / n - normed * normed.T / n) / root


def softmax_jacobian(a: sp.Matrix) -> sp.Matrix:
    """d softmax / d scores = diag(a) - a a^T."""
    return sp.diag(*a) - a * a.T


def parameter_count(vocabulary: sp.Expr, d_model: sp.Expr, d_ff: sp.Expr, layers: sp.Expr) -> sp.Expr:
    """The sizes of all arrays, added up block by block as `numpy_checks.shapes` lists them."""
    attention = 4 * d_model * d_model  # W^Q, W^K, W^V of all heads side by side, and W^O
    feed_forward = (d_model * d_ff + d_ff) + (d_ff * d_model + d_model)  # W_1, b_1, W_2, b_2
    norm = d_model + d_model  # gain and bias
    encoder = (attention + norm) + (feed_forward + norm)
    decoder = (attention + norm) + (attention + norm) + (feed_forward + norm)
    return vocabulary * d_model + layers * (encoder + decoder)


def identities() -> list[Identity]:
    return [*variance(), *attention(), *norm(), *positions(), *smoothing(), *schedule(), *counts()]


def variance() -> list[Identity]:
    q, k = sp.symbols("q k", real=True)
    mean_q, mean_k = sp.symbols("mu_q mu_k", real=True)
    var_q, var_k = sp.symbols("v_q v_k", positive=True)
    d_k, i, j = sp.symbols("d_k i j", integer=True, positive=True)

    def of_dot_product(moments: dict[sp.Symbol, tuple[sp.Expr, ...]]) -> sp.Expr:
        # E (sum_i q_i k_i)^2 has d_k equal pairs and d_k (d_k - 1) unequal ones, whose factors are independent.
        equal, unequal = expectation((q * k) ** 2, moments), expectation(q * k, moments) ** 2
        square = sp.Sum(equal, (i, 1, d_k)) + sp.Sum(unequal, (j, 1, d_k - 1), (i, 1, d_k))
        return square - sp.Sum(expectation(q * k, moments), (i, 1, d_k)) ** 2

    unit = dict.fromkeys((q, k), (sp.S.One, sp.S.Zero, sp.S.One))  # E 1, E x, E x^2
    general = {q: (sp.S.One, mean_q, var_q + mean_q**2), k: (sp.S.One, mean_k, var_k + mean_k**2)}
    independent = "entries of q and k independent; their first two moments are used, not their distribution"
    alike = independent + "; these are the same for all entries of q, and for all of k"
    return [
        Identity(
            "dot_product_mean", "E q.k = d_k mu_q mu_k, which is 0 where a mean is 0",
            sp.Sum(expectation(q * k, general), (i, 1, d_k)), d_k * mean_q * mean_k, alike, "section 3.2.1, footnote 4", proof=("doit",),
        ),
        Identity(
            "dot_product_variance", "Var(q.k) = E (sum_i q_i k_i)^2 - (E q.k)^2 = d_k, summed over all pairs of entries",
            of_dot_product(unit), d_k, independent + "; mean 0, variance 1", "section 3.2.1, footnote 4", proof=("doit",),
        ),
        Identity(
            "scaled_variance", "Var(q.k / sqrt(d_k)) = 1: the scores keep unit variance whatever the width",
            of_dot_product(unit) / sp.sqrt(d_k) ** 2, sp.S.One, independent + "; mean 0, variance 1", "section 3.2.1", proof=("doit",),
        ),
        Identity(
            "general_variance", "Var(q.k) = d_k (v_q v_k + v_q mu_k^2 + v_k mu_q^2): linear in d_k for any means and variances",
            of_dot_product(general), d_k * (var_q * var_k + var_q * mean_k**2 + var_k * mean_q**2), alike,
            "section 3.2.1, footnote 4", proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def attention() -> list[Identity]:
    i, j, l, m = sp.symbols("i j l m", integer=True, nonnegative=True)
    count = i + j + m + 1  # any number of keys, i and j among them
    scores, shift = sp.IndexedBase("s", real=True), sp.Symbol("c", real=True)

    def a(index: sp.Expr) -> sp.Expr:
        return softmax(lambda at: scores[at], index, count)

    total = sp.Sum(a(l), (l, 0, count - 1))
    keys = "any number of keys with real scores"
    return [
        Identity(
            "softmax_jacobian", "d a_i / d s_j = a_i ([i = j] - a_j), which is diag(a) - a a^T",
            sp.Derivative(a(i), scores[j]), a(i) * (sp.KroneckerDelta(i, j) - a(j)), keys + ", i and j among them", "equation (1)",
            proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "softmax_shift", "softmax(s + c) = softmax(s): subtracting the maximum changes nothing",
            softmax(lambda at: scores[at] + shift, i, count), a(i), keys, "equation (1)",
        ),
        Identity(
            "softmax_rows_sum_to_one", "sum_i a_i = 1", total, sp.S.One, keys, "equation (1)",
        ),
        Identity(
            "softmax_gradient_vanishes",
            "sum_j |d a_i / d s_j| = a_i (1 - a_i) + sum_{j != i} a_i a_j = 2 a_i (1 - a_i): zero where a_i is 0 or 1",
            a(i) * (1 - a(i)) + a(i) * (total - a(i)), 2 * a(i) * (1 - a(i)), keys, "section 3.2.1",
        ),
    ]  # fmt: skip


def norm() -> list[Identity]:
    x = sp.Matrix(sp.symbols(f"x:{FEATURES}", real=True))
    epsilon, scale, shift = (
        sp.Symbol("epsilon", positive=True),
        sp.Symbol("a", positive=True),
        sp.Symbol("b", real=True),
    )
    normed, root = normalised(x, epsilon)
    variance = root**2 - epsilon
    moved, _ = normalised(scale * x + shift * sp.ones(FEATURES, 1), scale**2 * epsilon)
    four = f"{FEATURES} real features, eps > 0, gain 1 and bias 0"
    return [
        Identity(
            "norm_mean_zero", "the mean of LayerNorm(x) over the features is 0",
            sum(normed), sp.S.Zero, four, "section 3.1",
        ),
        Identity(
            "norm_variance", "the variance of LayerNorm(x) is variance / (variance + eps): 1 but for eps",
            normed.dot(normed) / FEATURES, variance / (variance + epsilon), four, "section 3.1",
        ),
        Identity(
            "norm_invariance", "LayerNorm(a x + b) with a^2 eps is LayerNorm(x) with eps: shift and scale leave no trace but eps",
            moved, normed, four + "; a > 0, any b", "section 3.1",
        ),
        Identity(
            "norm_jacobian", "d normed / d x = (1 - 1 1^T / n - normed normed^T / n) / sqrt(variance + eps)",
            normed.jacobian(x), norm_jacobian(normed, root), four, "section 3.1",
        ),
    ]  # fmt: skip


def positions() -> list[Identity]:
    position, offset, further, i, d_model = sp.symbols("pos k l i d_model", real=True)
    omega = sp.Symbol("10000", positive=True) ** (-2 * i / d_model)

    def encoding(at: sp.Expr) -> sp.Matrix:
        return sp.Matrix([sp.sin(at * omega), sp.cos(at * omega)])

    def rotation(by: sp.Expr) -> sp.Matrix:
        cosine, sine = sp.cos(by * omega), sp.sin(by * omega)
        return sp.Matrix([[cosine, sine], [-sine, cosine]])

    pairs = sp.Symbol("n", integer=True, positive=True)  # d_model / 2
    anywhere = "real positions; the pair (2i, 2i + 1) of any frequency, with any base in place of 10000"
    return [
        Identity(
            "position_rotation", "the pair of entries (2i, 2i + 1) of PE(pos + k) is R(k) times that of PE(pos)",
            encoding(position + offset), rotation(offset) * encoding(position), anywhere, "section 3.5",
            proof=("expand", "expand_trig", "simplify"),
        ),
        Identity(
            "rotation_is_orthogonal", "R(k)^T R(k) = 1: the linear map keeps lengths",
            rotation(offset).T * rotation(offset), sp.eye(2), anywhere, "section 3.5", proof=("trigsimp",),
        ),
        Identity(
            "rotations_compose", "R(k) R(l) = R(k + l): a step of k and a step of l are a step of k + l",
            rotation(offset) * rotation(further), rotation(offset + further), anywhere, "section 3.5",
            proof=("expand", "expand_trig", "expand"),
        ),
        Identity(
            "position_kernel", "PE(pos).PE(pos + k) = sum_i cos(k / 10000^(2i / d_model)): the dot product knows the offset alone",
            sp.Sum(encoding(position).dot(encoding(position + offset)), (i, 0, pairs - 1)),
            sp.Sum(sp.cos(offset * omega), (i, 0, pairs - 1)),
            "real positions; any number of frequencies, with any base in place of 10000", "section 3.5", proof=("trigsimp", "simplify"),
        ),
    ]  # fmt: skip


def smoothing() -> list[Identity]:
    label, k, l, m = sp.symbols("y k l m", integer=True, nonnegative=True)
    z, epsilon, shift = sp.IndexedBase("z", real=True), sp.Symbol("epsilon", positive=True), sp.Symbol("c", real=True)
    count = label + k + m + 1  # any number of words, the label and k among them

    # -sum_k q_k log p_k = -(1 - epsilon) log p_label - epsilon / vocabulary sum_l log p_l
    log_sum = sp.log(sp.Sum(sp.exp(z[l]), (l, 0, count - 1)))
    loss = -(1 - epsilon) * (z[label] - log_sum) - epsilon / count * sp.Sum(z[l] - log_sum, (l, 0, count - 1))
    q = smoothed(sp.KroneckerDelta(k, label), epsilon, count)

    # At the target all words but the label have one logit. 0 < epsilon < 1 has the form t / (1 + t) with t > 0.
    t, others = sp.Symbol("t", positive=True), sp.Symbol("others", integer=True, positive=True)
    label_q, other_q = (sp.together(smoothed(right, t / (1 + t), others + 1)) for right in (sp.S.One, sp.S.Zero))
    label_z, other_z = sp.log(label_q) + shift, sp.log(other_q) + shift
    norm = sp.exp(label_z) + sp.Sum(sp.exp(other_z), (l, 1, others))
    at_target = -label_q * (label_z - sp.log(norm)) - sp.Sum(other_q * (other_z - sp.log(norm)), (l, 1, others))
    entropy = -label_q * sp.log(label_q) - sp.Sum(other_q * sp.log(other_q), (l, 1, others))

    logits, v, weights = (sp.Matrix(sp.symbols(f"{name}:{WORDS}", real=True)) for name in ("z", "v", "q"))
    p = sp.Matrix([sp.exp(logit) for logit in logits]) / sum(sp.exp(logit) for logit in logits)
    few = smoothed_loss(logits, sp.Matrix([*weights[1:], 1 - sum(weights[1:])]))  # any target that sums to one
    curvature = (v.T * sp.hessian(few, list(logits)) * v)[0]
    squares = sum(p[i] * p[j] * (v[i] - v[j]) ** 2 for i in range(WORDS) for j in range(i))
    words, three = "any number of words, real logits", f"{WORDS} words, real logits, any direction v"
    return [
        Identity(
            "smoothed_gradient", "d loss / d z_k = p_k - q_k, q = (1 - epsilon) onehot(label) + epsilon / vocabulary",
            sp.Derivative(loss, z[k]), softmax(lambda at: z[at], k, count) - q, words, "section 5.4", proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "smoothed_stationary", "softmax(log q + c) = q for every c, at the label and at any other word: there the gradient vanishes",
            sp.Matrix([sp.exp(label_z), sp.exp(other_z)]) / norm, sp.Matrix([label_q, other_q]),
            words + ", 0 < epsilon < 1, written t / (1 + t)", "section 5.4", proof=("doit", "simplify"),
        ),
        Identity(
            "smoothed_minimum_value", "the loss at z = log q + c is -sum_k q_k log q_k, the entropy of the target",
            at_target, entropy, words + ", 0 < epsilon < 1, written t / (1 + t)", "section 5.4",
        ),
        Identity(
            "smoothed_curvature", "v^T (d^2 loss / dz^2) v = sum_{i<j} p_i p_j (v_i - v_j)^2",
            curvature, squares, three, "section 5.4", proof=("factor",),
        ),
        Identity(
            "smoothed_convex", "that sum of squares is nonnegative, so the stationary point is the minimum",
            squares, sp.S.Zero, three, "section 5.4", relation=">=", proof=("doit",),
        ),
    ]  # fmt: skip


def schedule() -> list[Identity]:
    step, warm_up, d_model, t = sp.symbols("step warm_up d_model t", positive=True)
    rising = step * warm_up ** sp.Rational(-3, 2) / sp.sqrt(d_model)
    falling = 1 / sp.sqrt(step * d_model)
    peak = rising.subs(step, warm_up)
    # Every earlier step is warm_up / (1 + t)^2 and every later one warm_up (1 + t)^2, for one t > 0.
    early, late = {step: warm_up / (1 + t) ** 2}, {step: warm_up * (1 + t) ** 2}
    facts = [
        (
            "noam_rising_branch", "before the warm-up step the rising branch is the smaller: falling / rising > 1",
            (falling / rising).subs(early), sp.S.One,
        ),
        (
            "noam_falling_branch", "after the warm-up step the falling branch is the smaller: rising / falling > 1",
            (rising / falling).subs(late), sp.S.One,
        ),
        ("noam_peak_before", "every earlier step has a smaller rate than the warm-up step", peak, rising.subs(early)),
        ("noam_peak_after", "every later step has a smaller rate than the warm-up step", peak, falling.subs(late)),
    ]  # fmt: skip
    where = "real steps > 0: warm_up / (1 + t)^2 or warm_up (1 + t)^2 with t > 0"
    steps = ("simplify", "expand", "factor")
    return [Identity(*fact, where, "equation (3)", relation=">", proof=steps) for fact in facts]


def counts() -> list[Identity]:
    vocabulary, d_model, d_ff, layers, heads, i = sp.symbols("V d_model d_ff N heads i", integer=True, positive=True)
    d_k = d_model / heads
    base = parameter_count(sp.Integer(37000), sp.Integer(512), sp.Integer(2048), sp.Integer(6))
    big = parameter_count(sp.Integer(37000), sp.Integer(1024), sp.Integer(4096), sp.Integer(6))
    five = sp.Rational(5, 100)
    return [
        Identity(
            "parameter_count", "V d_model + 2 N (2 d_model (3 d_model + d_ff) + 6 d_model + d_ff) parameters",
            parameter_count(vocabulary, d_model, d_ff, layers),
            vocabulary * d_model + 2 * layers * (2 * d_model * (3 * d_model + d_ff) + 6 * d_model + d_ff),
            "one embedding for source, target and output; no bias in attention", "table 3", proof=("expand",),
        ),
        Identity(
            "heads_are_free", "sum over heads of (3 d_model d_k + d_k d_model) = 4 d_model^2: the number of heads costs no parameters",
            sp.Sum(3 * d_model * d_k + d_k * d_model, (i, 1, heads)), 4 * d_model**2, "d_k = d_v = d_model / heads", "section 3.2.2",
            proof=("doit",),
        ),
        Identity(
            "base_parameters", f"|{int(base):,} - 65,000,000| is at most 5 % of 65,000,000", five * 65 * 10**6, abs(base - 65 * 10**6),
            "a vocabulary of 37,000", "table 3, base", relation=">=", proof=("doit",),
        ),
        Identity(
            "big_parameters", f"|{int(big):,} - 213,000,000| is at most 5 % of 213,000,000", five * 213 * 10**6, abs(big - 213 * 10**6),
            "a vocabulary of 37,000", "table 3, big", relation=">=", proof=("doit",),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    words = checks.CONFIG["vocabulary"]
    z, q = (sp.Matrix(sp.symbols(f"{name}:{words}", real=True)) for name in ("z", "q"))
    loss = smoothed_loss(z, q)
    evaluate = sp.lambdify([list(z), list(q)], loss, "numpy")
    differentiate = sp.lambdify([list(z), list(q)], [sp.diff(loss, logit) for logit in z], "numpy")

    def real_tokens(problem: Problem) -> tuple[list[Array], list[Array]]:
        """Logits and smoothed targets of the tokens that count, by word: each a list of (token,)."""
        real, epsilon = problem.batch["target_mask"], problem.config["smoothing"]
        logits = checks.forward(problem.params, problem.batch, **problem.config)["logits"][real]  # (token, vocabulary)
        target = (1 - epsilon) * np.eye(words)[problem.batch["target_output"][real]] + epsilon / words
        return list(logits.T), list(target.T)

    def mean_loss(problem: Problem) -> Array:
        return np.asarray(evaluate(*real_tokens(problem)).mean())

    def by_logits(problem: Problem) -> Array:
        """d loss / d logits, (batch, target, vocabulary): zero at padding, (p - q) / tokens elsewhere."""
        real = problem.batch["target_mask"]
        slope = np.zeros((*real.shape, words))
        slope[real] = np.stack(np.broadcast_arrays(*differentiate(*real_tokens(problem))), -1) / real.sum()
        return slope

    def last_bias(problem: Problem) -> Array:
        # The last norm's bias is added to x in logits = x E^T, so its gradient is sum over tokens of (d loss / dz) E.
        return by_logits(problem).sum((0, 1)) @ problem.params["embedding.weight"]

    return [
        Bridge(
            "label_smoothed_loss", "the mean over real tokens of -sum_k q_k log p_k", "output:loss", mean_loss, "section 5.4",
        ),
        Bridge(
            "logits_gradient", "mean over tokens of d loss / dz, carried through logits = x E^T to the last norm's bias",
            "gradient:decoder.1.feed_forward_norm.bias", last_bias, "sections 3.4 and 5.4",
        ),
        Bridge(
            "query_gradient", "d loss / dz carried on through two norms, the feed-forward net, W^O and the softmax to the last W^Q",
            "gradient:decoder.1.cross_attention.query.weight", lambda problem: last_query(problem, by_logits(problem)),
            "sections 3.1 and 3.2, equations (1) and (2)",
        ),
    ]  # fmt: skip


def last_query(problem: Problem, slope: Array) -> Array:
    """d loss / d W^Q of the last cross-attention, from d loss / d logits: the chain rule with the Jacobians that are proved."""
    params, outputs = problem.params, checks.forward(problem.params, problem.batch, **problem.config)
    _, steps = checks.trace(params, problem.batch, **problem.config)
    layer, heads, keys = "decoder.1", problem.config["heads"], problem.batch["source"].shape[1]
    width, root = problem.config["d_model"], sp.Symbol("root", positive=True)
    x, n, a = (sp.Matrix(sp.symbols(f"{name}:{m}", real=True)) for name, m in (("x", width), ("n", width), ("a", keys)))
    entries, divisor = normalised(x, sp.Float(checks.EPSILON, 30))
    normed = sp.lambdify([list(x)], [*entries, divisor], "numpy", cse=True)
    by_features = sp.lambdify([[*n, root]], norm_jacobian(n, root), "numpy")
    by_scores = sp.lambdify([list(a)], softmax_jacobian(a), "numpy")

    def through_norm(name: str, slope: Array) -> Array:
        slope = slope * params[f"{name}.weight"]
        return np.stack([[by_features(normed(x)) @ g for x, g in zip(*rows)] for rows in zip(steps[name], slope)])

    slope = slope @ params["embedding.weight"]  # (batch, target, model): logits = x E^T
    slope = through_norm(f"{layer}.feed_forward_norm", slope)
    # x + max(0, x W_1 + b_1) W_2 + b_2
    open_units = steps[f"{layer}.feed_forward.inner"] > 0
    slope = (
        slope
        + (slope @ params[f"{layer}.feed_forward.outer.weight"] * open_units)
        @ params[f"{layer}.feed_forward.inner.weight"]
    )
    slope = through_norm(f"{layer}.cross_attention_norm", slope)
    # Concat(head_1, ..., head_h) W^O,  head = A V,  A = softmax(Q K^T / sqrt(d_k)),  Q = x W^Q
    query, key, value = (steps[f"{layer}.cross_attention.{part}"] for part in ("query", "key", "value"))
    by_weights = checks.split_heads(slope @ params[f"{layer}.cross_attention.output.weight"], heads) @ value.swapaxes(
        -1, -2
    )
    jacobians = np.stack([by_scores(a) for a in outputs["cross_attention"][:, 1].reshape(-1, keys)])  # (row, key, key)
    by_score = (jacobians @ by_weights.reshape(-1, keys, 1)).reshape(by_weights.shape)  # (batch, head, target, key)
    by_query = checks.join_heads(by_score @ key / np.sqrt(query.shape[-1]))  # (batch, target, model)
    norm = f"{layer}.self_attention_norm"
    entered = checks.layer_norm(steps[norm], params[f"{norm}.weight"], params[f"{norm}.bias"])
    return np.einsum("bto,bti->oi", by_query, entered)
