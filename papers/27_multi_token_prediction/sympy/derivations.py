r"""What follows from the equations of multi-token prediction, derived and proved: paper 27 (Gloeckle et al., 2024).

    equation (3)   H(X) + H(Y) = H(X|Y) + 2 I(X;Y) + H(Y|X), each from its own definition over a joint table
    lemma L.3      H(p_X, q_X) = H(p_{X|Y}, q_{X|Y}) + I_{p||q}(X;Y), and both sides symmetrised
    L.3            n-token prediction has n (n + 1) / 2 loss terms of a choice point, and n of a transition without consequence
    equation (2)   d L_n / d logits = p - y for each head; the norm before them, and what a head writes last
    section 3.2    what a draft is worth: tokens in a call, where each proposal is right with probability a

    symbol          name here            symbol      name here
    p(x, y)         p[x, y]              n, i, s     heads, a head, a place
    q(x, y)         q[x, y]              z           logits

The tables have two rows and three columns of positive symbols that need not sum to 1: no step uses that they do. In Agda the same
holds for tables of any size (`MTP-Information`).
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")

ROWS, COLUMNS = 2, 3
p, q = (sp.Matrix(ROWS, COLUMNS, lambda x, y: sp.Symbol(f"{name}_{x}{y}", positive=True)) for name in ("p", "q"))  # noqa: B023
CELLS = [(x, y) for x in range(ROWS) for y in range(COLUMNS)]


def row(table: sp.Matrix, x: int) -> sp.Expr:
    """The marginal of X."""
    return sum(table[x, y] for y in range(COLUMNS))


def column(table: sp.Matrix, y: int) -> sp.Expr:
    """The marginal of Y."""
    return sum(table[x, y] for x in range(ROWS))


def cross_x(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    """H(p_X, q_X) = - sum_x p(x) log q(x)"""
    return -sum(row(p, x) * sp.log(row(q, x)) for x in range(ROWS))


def cross_y(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    return -sum(column(p, y) * sp.log(column(q, y)) for y in range(COLUMNS))


def cross_x_given_y(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    """Definition L.1: the expectation under y of the cross-entropy of p(. | y) and q(. | y)."""
    return sum(
        column(p, y) * -sum(p[x, y] / column(p, y) * sp.log(q[x, y] / column(q, y)) for x in range(ROWS))
        for y in range(COLUMNS)
    )


def cross_y_given_x(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    return sum(
        row(p, x) * -sum(p[x, y] / row(p, x) * sp.log(q[x, y] / row(q, x)) for y in range(COLUMNS)) for x in range(ROWS)
    )


def divergence(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    """D(p || q) = sum p log p / q"""
    return sum(p[at] * sp.log(p[at] / q[at]) for at in CELLS)


def relative_information(p: sp.Matrix, q: sp.Matrix) -> sp.Expr:
    """Definition L.2: D(p || q_X q_Y) - D(p || q)."""
    return divergence(p, sp.Matrix(ROWS, COLUMNS, lambda x, y: row(q, x) * column(q, y))) - divergence(p, q)


def information(p: sp.Matrix) -> sp.Expr:
    """I(X;Y) = sum p(x, y) log p(x, y) / (p(x) p(y))"""
    return sum(p[x, y] * sp.log(p[x, y] / (row(p, x) * column(p, y))) for x, y in CELLS)


def identities() -> list[Identity]:
    return [*decompositions(), *weights(), *gradients(), *drafts()]


def decompositions() -> list[Identity]:
    tables = "tables of positive entries, two values of X and three of Y; conditioning on a context is a table for each context"
    logs = ("expand_log", "cancel")
    return [
        Identity(
            "next_token", "H(X) = H(X|Y) + I(X;Y): what one head is trained on", cross_x(p, p), cross_x_given_y(p, p) + information(p),
            tables, "section 5.2", proof=logs,
        ),
        Identity(
            "two_tokens", "H(X) + H(Y) = H(X|Y) + 2 I(X;Y) + H(Y|X): what two heads are trained on counts the information twice",
            cross_x(p, p) + cross_y(p, p), cross_x_given_y(p, p) + 2 * information(p) + cross_y_given_x(p, p), tables, "equation (3)",
            proof=logs,
        ),
        Identity(
            "lemma_L3", "H(p_X, q_X) = H(p_{X|Y}, q_{X|Y}) + I_{p||q}(X;Y), for the model's q", cross_x(p, q),
            cross_x_given_y(p, q) + relative_information(p, q), tables, "lemma L.3", proof=logs,
        ),
        Identity(
            "two_tokens_relative", "H(p_X, q_X) + H(p_Y, q_Y) = H(p_{X|Y}, q_{X|Y}) + 2 I_{p||q}(X;Y) + H(p_{Y|X}, q_{Y|X})",
            cross_x(p, q) + cross_y(p, q), cross_x_given_y(p, q) + 2 * relative_information(p, q) + cross_y_given_x(p, q), tables,
            "appendix L.2, below lemma L.3", proof=logs,
        ),
        Identity(
            "relative_information", "I_{p||q} = H(p_X, q_X) + H(p_Y, q_Y) - H(p, q)", relative_information(p, q),
            cross_x(p, q) + cross_y(p, q) + sum(p[at] * sp.log(q[at]) for at in CELLS), tables,
            "appendix L.2, below definition L.2", proof=logs,
        ),
        Identity(
            "parallel_heads_are_blind", "a model of independent heads has I_{p||q} = 0: with q = q_X q_Y it loses H(p_X, q_X) + H(p_Y, "
            "q_Y) = "
            "H(p, q) on the pair", relative_information(p, product()), sp.Integer(0),
            "q(x, y) = a_x b_y with sums of a and of b equal to 1", "section 2: n independent heads", proof=("expand_log", "expand",
            "simplify"),
        ),
    ]  # fmt: skip


def product() -> sp.Matrix:
    """q(x, y) = a_x b_y, normalised."""
    a, b = (sp.symbols(f"{name}:{size}", positive=True) for name, size in (("a", ROWS), ("b", COLUMNS)))
    return sp.Matrix(ROWS, COLUMNS, lambda x, y: a[x] / sum(a) * b[y] / sum(b))


def weights() -> list[Identity]:
    n = sp.Symbol("n", integer=True, positive=True)
    i, s = sp.symbols("i s", integer=True, positive=True)
    h = sp.Symbol("H", positive=True)
    return [
        Identity(
            "weight_of_a_choice", "the places t - n + i, i = 1 ... n, have i predictions behind a choice at t: n (n + 1) / 2 terms of L_n",
            sp.Sum(sp.Sum(1, (s, 1, i)), (i, 1, n)), n * (n + 1) / 2, "any number of heads", "sections 5.1 and L.3", proof=("doit",
            "expand"),
        ),
        Identity(
            "importance_of_a_choice", "n (n + 1) / 2 over the n of a transition without consequence is (n + 1) / 2",
            sp.Sum(i, (i, 1, n)) / sp.Sum(1, (i, 1, n)), (n + 1) / 2, "any number of heads", "section L.3", proof=("doit", "simplify"),
        ),
        Identity(
            "heads_of_the_source",
            "heads 1, 2, 3 of the room's source lose i H / 4 a token, together what n (n + 1) / 2 choices a word cost",
            4 * sp.Sum(i * h / 4, (i, 1, 3)), 6 * h, "one choice of entropy H in a word of four tokens", "source.py",
            proof=("doit", "expand"),
        ),
    ]  # fmt: skip


def gradients() -> list[Identity]:
    j, k, m = sp.symbols("j k m", integer=True, nonnegative=True)
    z, l = sp.IndexedBase("z", real=True), sp.Symbol("l", integer=True, nonnegative=True)
    total = sp.Sum(sp.exp(z[l]), (l, 0, j + k + m))
    a = sp.Symbol("a", real=True)
    x, gain, back, eps = (
        sp.symbols("x:3", real=True),
        sp.symbols("g:3", real=True),
        sp.symbols("b:3", real=True),
        sp.Symbol("eps", positive=True),
    )
    loss = sum(b * g * v for b, g, v in zip(back, gain, normalised(x, eps)))
    return [
        Identity(
            "loss_gradient", "d L / d z_k = p_k - [k is the token]", sp.Derivative(-(z[j] - sp.log(total)), z[k]),
            sp.exp(z[k]) / total - sp.KroneckerDelta(j, k), "any number of tokens, logits z of one head", "equation (2)",
            proof=("doit", "doit", "expand"),
        ),
        Identity(
            "norm_gradient", "through x / r * g, r = sqrt(mean x^2 + eps), a slope b comes back as (b g - x mean(b g x) / r^2) / r",
            sp.Derivative(loss, x[0]), by_norm(x, gain, back, eps)[0], "three features; the same for each", "RMSNorm of Llama's layer",
            proof=("doit", "simplify"),
        ),
        Identity(
            "silu_gradient", "silu'(a) = sigma(a) (1 + a (1 - sigma(a)))", sp.Derivative(a / (1 + sp.exp(-a)), a),
            1 / (1 + sp.exp(-a)) * (1 + a * (1 - 1 / (1 + sp.exp(-a)))), "real a", "Llama's layer", proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def normalised(x: tuple, eps: sp.Expr) -> list[sp.Expr]:
    r = sp.sqrt(sum(v**2 for v in x) / len(x) + eps)
    return [v / r for v in x]


def by_norm(x: tuple, gain: tuple, back: tuple, eps: sp.Expr) -> list[sp.Expr]:
    """What comes back through RMSNorm."""
    r = sp.sqrt(sum(v**2 for v in x) / len(x) + eps)
    along = sum(b * g * v for b, g, v in zip(back, gain, x)) / len(x) / r**2
    return [(b * g - v * along) / r for b, g, v in zip(back, gain, x)]


def drafts() -> list[Identity]:
    a = sp.Symbol("a", positive=True)
    n, k = sp.symbols("n k", integer=True, positive=True)
    return [
        Identity(
            "tokens_in_a_call", "sum_{k < n} a^k = (1 - a^n) / (1 - a): the tokens that a call writes in the mean, its own and each "
            "proposal "
            "behind right ones", (1 - a) * sp.Sum(a ** (k - 1), (k, 1, n)), 1 - a**n,
            "each of n - 1 proposals right with probability a, whatever the others are; a > 0", "section 3.2", proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return [
        Bridge("loss", "log sum exp less the target's logit, over all heads and targets, by the number of next tokens", "output:loss",
               summed_loss, "equation (2)"),
        Bridge("unembedding", "p - y of all heads add up in the matrix that they share", "gradient:unembedding.weight",
               lambda problem: np.einsum("bntv,bntd->vd", by_logits(problem), normed(problem)), "section 2: a shared unembedding"),
        Bridge("norm", "(p - y) U times what the norm gives, of all heads", "gradient:norm.weight",
               lambda problem: (by_logits(problem) @ problem.params["unembedding.weight"] * normed(problem)
                                / problem.params["norm.weight"]).sum((0, 1, 2)), "section 2"),
        Bridge("head_2",
        "(p - y) U through the norm, times silu(W_1 y) W_3 y: the matrix with which head 2 writes, from its own targets alone",
               "gradient:heads.1.feed_forward.outer.weight", last_matrix, "section 2, equation (2)"),
    ]  # fmt: skip


def normed(problem: Problem) -> Array:
    """RMSNorm of the heads, (batch, future, time, model)."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    return checks.rms_norm(found["heads"], problem.params["norm.weight"])


def targets(problem: Problem) -> tuple[Array, Array]:
    """x_{t+i} and whether it is real, each (batch, future, time)."""
    tokens, mask, n = problem.batch["tokens"], problem.batch["mask"], problem.config["future"]
    shift = lambda value, i: np.concatenate([value[:, i:], np.zeros_like(value[:, :i])], 1)
    return tuple(np.stack([shift(value, i) for i in range(1, n + 1)], 1) for value in (tokens, mask))  # type: ignore[return-value]


def symbols_of(problem: Problem) -> list[sp.Symbol]:
    return list(sp.symbols(f"z:{problem.config['vocabulary']}", real=True))


def summed_loss(problem: Problem) -> Array:
    z = symbols_of(problem)
    log_sum = sp.lambdify([z], sp.log(sum(map(sp.exp, z))), "numpy")
    logits = checks.forward(problem.params, problem.batch, **problem.config)["logits"]
    tokens, real = targets(problem)
    right = np.take_along_axis(logits, tokens[..., None], -1)[..., 0]
    return (log_sum(list(np.moveaxis(logits, -1, 0))) - right)[real].sum() / real[:, 0].sum()


def by_logits(problem: Problem) -> Array:
    """d loss / d logits (batch, future, time, vocabulary): p - y over the number of next tokens, zero where there is no target."""
    z = symbols_of(problem)
    slope = sp.lambdify([z], [sp.diff(sp.log(sum(map(sp.exp, z))), one) for one in z], "numpy")
    logits = checks.forward(problem.params, problem.batch, **problem.config)["logits"]
    share = np.stack(slope(list(np.moveaxis(logits, -1, 0))), -1)
    tokens, real = targets(problem)
    return (share - np.eye(len(z))[tokens]) * real[..., None] / real[:, 0].sum()


def last_matrix(problem: Problem) -> Array:
    params, name, found = problem.params, "heads.1", checks.forward(problem.params, problem.batch, **problem.config)
    width = problem.config["model"]
    x, gain, back = (sp.symbols(f"{letter}:{width}", real=True) for letter in "xgb")
    through = sp.lambdify(
        [list(x), list(gain), list(back)], by_norm(x, gain, back, sp.Float(checks.EPSILON, 30)), "numpy", cse=True
    )
    slope = by_logits(problem)[:, 1] @ params["unembedding.weight"]  # (batch, time, model)
    parts = [np.moveaxis(value, -1, 0) for value in (found["heads"][:, 1], slope)]
    by_head = np.stack(through(list(parts[0]), list(params["norm.weight"]), list(parts[1])), -1)
    after = found["trunk"] + checks.attend(
        params, f"{name}.attention", checks.rms_norm(found["trunk"], params[f"{name}.attention_norm.weight"]),
        problem.config["attention_heads"],
    )  # fmt: skip
    y = checks.rms_norm(after, params[f"{name}.feed_forward_norm.weight"])
    gate, inner = (y @ params[f"{name}.feed_forward.{part}.weight"].T for part in ("gate", "inner"))
    return np.einsum("btd,bti->di", by_head, gate * checks.sigmoid(gate) * inner)
