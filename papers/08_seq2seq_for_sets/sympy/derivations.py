r"""What follows from the formulas of paper 08 (Vinyals, Bengio, Kudlur, 2015), derived and proved.

(4)-(6)  a readout computed from the first memory to the last does not depend on their order: both exchanges of neighbours of three
         dr / de_j = a_j (m_j - r);  dr / dm_j = a_j (1 + (m_j - r) q^T), since a memory is both key and value
         an element that stands twice moves the readout towards itself: what is read is a multiset
4.3      d(-log p_c) / d u_j = p_j - [j = c]
(8)      leaves of a star are dependent where the head is not known: the order matters to the model, if not to the law
5.1.3    a uniform choice between two orders costs ln 2 at the least, and ln 2 where none is preferred
(9)      following an order drawn by p(Y_pi) / sum p(Y_pi) follows the gradient of log sum_pi p(Y_pi), not that of the maximum
5.2      drawing left to right among the elements of Y draws from that distribution only where conditionals are symmetric

symbol   name here      symbol    name here      symbol   name here
e_i      score          m_i       memory         q        query
exp e_i  weight         a_i       share          l_pi     the logarithm of p(Y_pi)
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")


def identities() -> list[Identity]:
    return [*reading(), *gradients(), *pointing(), *orders()]


def running(elements: list[tuple[sp.Expr, sp.Expr]]) -> sp.Expr:
    """The readout of pairs (weight, memory) from the first to the last: r <- r + w / (W + w) (m - r), W <- W + w."""
    (total, readout), *rest = elements
    for weight, memory in rest:
        total = total + weight
        readout = readout + weight / total * (memory - readout)
    return readout


def reading() -> list[Identity]:
    w = sp.symbols("w_1:4", positive=True)
    m = sp.symbols("m_1:4", real=True)
    a, b, c = zip(w, m, strict=True)
    mean = sum(weight * memory for weight, memory in (a, b, c)) / sum(w)
    l, n = sp.symbols("l n", integer=True, positive=True)
    e, same = sp.IndexedBase("e", real=True), sp.Symbol("m", real=True)
    three = "three memories with positive weights exp(e_i)"
    return [
        Identity("running_readout", "the running readout of three memories is equation (6)", running([a, b, c]), mean, three,
                 "equations (4) to (6)", proof=("together", "expand", "simplify")),
        Identity("first_exchange", "exchanging the first two memories changes no readout", running([b, a, c]), running([a, b, c]), three,
                 "section 4.2", proof=("together", "expand", "simplify")),
        Identity("second_exchange", "exchanging the last two changes none: together, none of the 6 orders does", running([a, c, b]),
                 running([a, b, c]), three, "section 4.2", proof=("together", "expand", "simplify")),
        Identity("equal_memories", "of any number of equal memories the readout is that memory",
                 sp.Sum(sp.exp(e[l]) * same, (l, 1, n)) / sp.Sum(sp.exp(e[l]), (l, 1, n)), same, "any number of real scores",
                 "equation (6)"),
        Identity("stands_twice", "a memory that stands twice moves the readout by w (m - r) / (W + w)", running([a, b, c, a]) - mean,
                 w[0] * (m[0] - mean) / (sum(w) + w[0]), three, "equations (5) and (6)", proof=("together", "expand", "simplify")),
    ]  # fmt: skip


def gradients() -> list[Identity]:
    e = sp.symbols("e_1:4", real=True)
    m = sp.symbols("m_1:4", real=True)
    shares = [sp.exp(score) / sum(map(sp.exp, e)) for score in e]
    readout = sum(share * memory for share, memory in zip(shares, m, strict=True))
    keys = sp.Matrix(3, 2, sp.symbols("k_(1:4)(1:3)", real=True))
    query = sp.Matrix(sp.symbols("q_1:3", real=True))
    weights = (keys * query).applyfunc(sp.exp)
    drawn = (keys.T * weights) / sum(weights)
    first = keys[0, :].T
    return [
        Identity("readout_by_score", "dr / de_j = a_j (m_j - r)", sp.Matrix([sp.Derivative(readout, score) for score in e]),
                 sp.Matrix([a * (memory - readout) for a, memory in zip(shares, m, strict=True)]), "three memories",
                 "equations (5) and (6)",
                 proof=("doit", "together", "expand", "simplify")),
        Identity("readout_by_memory", "dr / dm_1 = a_1 (1 + (m_1 - r) q^T): a memory is key and value at once",
                 sp.Matrix(2, 2, lambda i, j: sp.Derivative(drawn[i], first[j])),
                 weights[0] / sum(weights) * (sp.eye(2) + (first - drawn) * query.T), "three memories of two units, e_i = m_i . q",
                 "equations (4) to (6)", proof=("doit", "together", "expand", "simplify")),
    ]  # fmt: skip


def pointing() -> list[Identity]:
    c, j, m, l = sp.symbols("c j m l", integer=True, nonnegative=True)
    count = c + j + m + 1  # any number of elements, c and j among them
    u = sp.IndexedBase("u", real=True)
    total = sp.Sum(sp.exp(u[l]), (l, 0, count - 1))
    return [
        Identity("pointer_gradient", "d(-log p_c) / d u_j = p_j - [j = c]", sp.Derivative(sp.log(total) - u[c], u[j]),
                 sp.exp(u[j]) / total - sp.KroneckerDelta(c, j), "any number of elements, c and j among them", "section 4.3",
                 proof=("doit", "doit", "simplify")),
    ]  # fmt: skip


def orders() -> list[Identity]:
    head, a0, a1, b0, b1, q = sp.symbols("h a_0 a_1 b_0 b_1 q", positive=True)
    leaf_a, leaf_b = (head * one + (1 - head) * zero for zero, one in ((a0, a1), (b0, b1)))
    both = head * a1 * b1 + (1 - head) * a0 * b0
    t = sp.Symbol("theta", real=True)
    logs = [sp.Function(f"l_{k}", real=True)(t) for k in (1, 2, 3)]
    total = sum(map(sp.exp, logs))
    p_a, p_b, b_after_a, a_after_b = sp.symbols("p_a p_b p_ba p_ab", positive=True)
    left_to_right = p_a / (p_a + p_b)
    proportional = p_a * b_after_a / (p_a * b_after_a + p_b * a_after_b)
    return [
        Identity("leaves_depend", "p(y_1, y_2) - p(y_1) p(y_2) = h (1 - h) (a_1 - a_0) (b_1 - b_0): leaves say something of each other "
                 "until the head is known", both - leaf_a * leaf_b, head * (1 - head) * (a1 - a0) * (b1 - b0),
                 "a binary head, probabilities of one value of each of two leaves", "section 5.1.4", proof=("expand",)),
        Identity("two_orders_cost", "1 - 4 q (1 - q) = (1 - 2 q)^2 >= 0: the mean of -log q and -log(1 - q) over two orders is at least "
                 "ln 2, and ln 2 at q = 1/2 alone", 1 - 4 * q * (1 - q), (1 - 2 * q) ** 2, "q the probability of one of two orders",
                 "section 5.1.3", proof=("expand",)),
        Identity("drawn_order_gradient", "d log sum_pi p(Y_pi) = sum_pi p(pi | Y) d log p(Y_pi)", sp.Derivative(sp.log(total), t),
                 sum(sp.exp(l) / total * sp.Derivative(l, t) for l in logs), "three orders, any dependence on the parameter",
                 "equation (9), section 5.2", proof=("doit", "simplify")),
        Identity("left_to_right", "drawing left to right differs from drawing by p(Y_pi) by p_a p_b (p(a | b) - p(b | a)) over a positive "
                 "number", left_to_right - proportional,
                 p_a * p_b * (a_after_b - b_after_a) / ((p_a + p_b) * (p_a * b_after_a + p_b * a_after_b)), "a set of two elements",
                 "section 5.2", proof=("together", "expand", "simplify")),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    rules = [
        (
            "score_gradient",
            "dL/dv = mean over examples of sum_ij (p_ij - [i = C_j]) tanh(W_1 m_i + W_2 d_j + W_3 g_j)",
            "score.weight",
        ),
        ("glimpse_gradient", "dL/dW_3 = the same of (v * (1 - tanh^2)) g_j^T", "glimpse.weight"),
        (
            "readout_gradient",
            "dL/db of the joint's readout = mean over examples of sum_t (p_t - the pair written)",
            "joint.readout.bias",
        ),
    ]
    return [
        Bridge(
            name,
            text,
            f"gradient:{target}",
            lambda problem, target=target: gradient(problem, target),
            "section 4.3; equation (8)",
        )
        for name, text, target in rules
    ]


def gradient(problem: Problem, target: str) -> Array:
    """The gradients that the identities above give, from the states of the forward pass."""
    params, batch = problem.params, problem.batch
    out = checks.forward(params, batch, **problem.config)
    if target == "joint.readout.bias":
        pair = batch["order"] * problem.config["symbols"] + np.take_along_axis(batch["values"], batch["order"], 1)
        p = out["joint_probability"].reshape(*pair.shape, -1)
        return (p - (pair[..., None] == np.arange(p.shape[-1]))).sum(1).mean(0)
    hit = batch["target"][..., None] == np.arange(out["probability"].shape[-1])
    by_score = (out["probability"] - hit) * batch["target_mask"][..., None] / len(hit)  # (batch, output, input)
    memory, decoded, (w1, w2, w3) = (
        out["memory"],
        out["decoded"],
        (params[f"{name}.weight"] for name in ("key", "query", "glimpse")),
    )
    weights = np.exp(decoded @ memory.transpose(0, 2, 1)) * batch["point_mask"][:, None]
    glimpsed = weights @ memory / weights.sum(-1, keepdims=True)  # (batch, output, hidden)
    inner = np.tanh((memory @ w1.T)[:, None] + (decoded @ w2.T + glimpsed @ w3.T)[:, :, None])
    if target == "score.weight":
        return np.einsum("bji,bjih->h", by_score, inner)[None]
    return np.einsum("bji,bjih,bjk->hk", by_score, params["score.weight"][0] * (1 - inner**2), glimpsed)
