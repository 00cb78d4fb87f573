r"""What follows from the equations of the memory core, derived and proved: paper 18 (Santoro et al., 2018).

    equations (1), (2)  d r / d s_k = a_k (v_k - r), r what a row reads; s equal slots are one whose score is higher by ln s
    equation (7)        the affine law; what constant gates converge to; convex only if f = 1 - i; the derivatives of a step
    section 3.3         parameters: another slot adds columns to the readout, and nothing to the core
    section 4.1         who reads no vector is right in 2 / N of the cases: the plateau
    section 5.1         2 / 8 = 0.25 is what lies just below the 30 % that LSTM and DNC do not surpass

    symbol        name here        symbol     name here
    q k^T         s                f, i       f, i
    softmax       a                m, m~      m, c
    [M; x] W^v    v                N, n       N, n

The softmax has any number of rows, and the answers any number; the gates are those of one entry, the affine law of three steps (Agda
has it for any number), the norm of four features.
"""

from __future__ import annotations

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Identity, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
rates = sibling(__file__, "rates.py")

j, k, l, rest = sp.symbols("j k l rest", integer=True, nonnegative=True)
s, v = sp.IndexedBase("s", real=True), sp.IndexedBase("v", real=True)


def total(count: sp.Expr, weigh: bool = False) -> sp.Expr:
    """sum_l exp(s_l), or sum_l exp(s_l) v_l."""
    return sp.Sum(sp.exp(s[l]) * (v[l] if weigh else 1), (l, 0, count - 1))


def sigma(a: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-a))


def update(m: sp.Expr, f: sp.Expr, i: sp.Expr, c: sp.Expr) -> sp.Expr:
    """Equation (7) for one entry."""
    return f * m + i * c


def identities() -> list[Identity]:
    return [*attention(), *norm(), *gates(), *convexity(), *slots(), *plateau(), *prediction()]


def attention() -> list[Identity]:
    count = j + k + rest + 1  # any number of rows, j and k among them
    a, r = (lambda at: sp.exp(s[at]) / total(count)), total(count, weigh=True) / total(count)
    own, other, u, w = sp.symbols("s_slot s_input u w", real=True)
    n = sp.Symbol("n", integer=True, positive=True)
    many = "any number of rows, real scores"
    of_slots, of_input = n * sp.exp(own), sp.exp(other)
    share = sigma(own + sp.log(n) - other)
    return [
        Identity(
            "softmax_jacobian", "d a_j / d s_k = a_j ([j = k] - a_k)",
            sp.Derivative(a(j), s[k]), a(j) * (sp.KroneckerDelta(j, k) - a(k)), many, "equation (1)", proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "reading_gradient", "d r / d s_k = a_k (v_k - r): a score moves what is read towards its row, by its weight",
            sp.Derivative(r, s[k]), a(k) * (v[k] - r), many + "; one feature of v", "equation (1)", proof=("doit", "doit", "simplify"),
        ),
        Identity(
            "equal_slots_are_one", "n equal slots and the input: r = sigma(s_slot + ln n - s_input) v_slot + (1 - sigma) v_input",
            (of_slots * u + of_input * w) / (of_slots + of_input), share * u + (1 - share) * w, "real scores and values, any n >= 1",
            "equation (2)",
        ),
    ]  # fmt: skip


def norm() -> list[Identity]:
    x, epsilon = sp.Matrix(sp.symbols("x:4", real=True)), sp.Symbol("epsilon", positive=True)
    mean = sum(x) / 4
    root = sp.sqrt(sum((entry - mean) ** 2 for entry in x) / 4 + epsilon)
    normed = sp.Matrix([(entry - mean) / root for entry in x])
    p, q = sp.symbols("p q", real=True)
    return [
        Identity(
            "norm_jacobian", "d normed / d x = (1 - 1 1^T / n - normed normed^T / n) / sqrt(variance + eps)",
            normed.jacobian(x), (sp.eye(4) - sp.ones(4, 4) / 4 - normed * normed.T / 4) / root, "four real features, eps > 0",
            "section 3.3, the norms in g_psi and of [q, k, v]",
        ),
        Identity(
            "norm_length", "|normed|^2 = n variance / (variance + eps): the heads' queries, keys and values, normed together, share a "
            "length",
            normed.dot(normed), 4 * (root**2 - epsilon) / root**2, "four real features, eps > 0", "the reference's projection",
        ),
        Identity(
            "score_is_bounded", "q k <= (q^2 + k^2) / 2, so no score exceeds half the sum of the squared lengths that the norm bounds",
            (p**2 + q**2) / 2 - p * q, (p - q) ** 2 / 2, "one feature of a query and a key", "equation (1)", proof=("expand",),
        ),
    ]  # fmt: skip


def gates() -> list[Identity]:
    m0, f, i, c, a = sp.symbols("m_0 f i c a", real=True)
    fs, is_, cs = (sp.symbols(f"{name}_1:4", real=True) for name in ("f", "i", "c"))
    m = m0
    for at in range(3):
        m = update(m, fs[at], is_[at], cs[at])
    written = sum(sp.prod(fs[at + 1 :]) * is_[at] * cs[at] for at in range(3))
    n, t = sp.symbols("n t", integer=True, positive=True)
    lost = sp.Symbol("e", positive=True)
    step = update(m0, sigma(a), i, c)
    return [
        Identity(
            "affine_law", "m_3 = f_1 f_2 f_3 m_0 + sum_t (prod_{s>t} f_s) i_t c_t", m, sp.prod(fs) * m0 + written, "three steps",
            "equation (7)",
            proof=("expand",),
        ),
        Identity(
            "path_of_the_memory", "d m_3 / d m_0 = f_1 f_2 f_3, gates and candidates held fixed", sp.Derivative(m, m0), sp.prod(fs),
            "three steps", "equation (7)", proof=("doit", "expand"),
        ),
        Identity(
            "constant_gates", "constant gates write i c (1 - f^n) / (1 - f) in n steps", sp.Sum((1 - lost) ** (n - t) * i * c, (t, 1, n)),
            i * c * (1 - (1 - lost) ** n) / lost, "f = 1 - e with e > 0, any number of steps", "equation (7)", proof=("doit", "simplify"),
        ),
        Identity(
            "forget_gate_slope", "d m / d a_f = f (1 - f) m_0, a_f what the sigmoid reads", sp.Derivative(step, a),
            sigma(a) * (1 - sigma(a)) * m0, "one entry", "equations (4) and (7)", proof=("doit", "simplify"),
        ),
        Identity(
            "candidate_slope", "d m / d m~ = i (1 - tanh^2 m~)", sp.Derivative(update(m0, f, i, sp.tanh(a)), a), i * (1 - sp.tanh(a) ** 2),
            "one entry, m~ = a", "equation (7) as the reference has it", proof=("doit", "simplify"),
        ),
    ]  # fmt: skip


def convexity() -> list[Identity]:
    f, i, c, low = sp.symbols("f i c low", real=True)
    above, excess, gate = sp.symbols("x d i", positive=True)
    p, q, a, b = sp.symbols("p q a b", positive=True)
    return [
        Identity(
            "weights_of_a_step", "from c with candidate c a step gives (f + i) c: a mean only if f + i = 1", update(c, f, i, c),
            (f + i) * c,
            "one entry", "equation (7)", proof=("expand",),
        ),
        Identity(
            "no_convexity", "if f + i = 1 + d with d > 0, the step from x > 0 with candidate x ends above both", update(above,
            1 + excess - gate,
            gate, above), above, "x, d > 0", "equation (7), independent gates", relation=">", proof=("expand",),
        ),
        Identity(
            "where_it_converges", "a constant c is approached as i c / (1 - f), which is c exactly where f + i = 1",
            i * c / (1 - f) - c, (f + i - 1) * c / (1 - f), "f is not 1", "equation (7)",
        ),
        Identity(
            "tied_gates_are_convex", "with f = 1 - i what lies above a bound stays there", update(low + a, q / (p + q), p / (p + q),
            low + b), low,
            "i = p / (p + q), p, q > 0, memory and candidate above low", "equation (7)", relation=">", proof=("simplify", "together",
            "factor"),
        ),
    ]  # fmt: skip


def core_parameters(
    features: sp.Expr, size: sp.Expr, heads: sp.Expr, key: sp.Expr, layers: sp.Expr, blocks: sp.Expr
) -> sp.Expr:
    """Numbers in the embedding, projections, norms, MLP and unit gates; head_size = size / heads."""
    projected = heads * (2 * key) + size
    return (
        (features + 1) * size
        + blocks * ((size + 1) * projected + 2 * projected + 4 * size)
        + layers * (size + 1) * size
        + 2 * size * (2 * size + 1)
    )


def all_parameters(slots_: sp.Expr, readout: sp.Expr, classes: sp.Expr, *sizes: sp.Expr) -> sp.Expr:
    return core_parameters(*sizes) + (slots_ * sizes[1] + 1) * readout + (readout + 1) * classes


def slots() -> list[Identity]:
    count, readout, classes, *sizes = sp.symbols("N r C F S h d L B", positive=True)
    return [
        Identity(
            "another_slot", "one slot more adds size * readout parameters, to the readout's first layer, and none to the core",
            all_parameters(count + 1, readout, classes, *sizes) - all_parameters(count, readout, classes, *sizes), sizes[1] * readout,
            "unit gates, any sizes", "section 3.3", proof=("expand",),
        ),
    ]  # fmt: skip


def plateau() -> list[Identity]:
    N, n = sp.symbols("N n", integer=True, positive=True)
    at_most = lambda known: sp.Sum(1 / (N - 1), (n, 1, N - 1)) / N + known / N
    others = sp.Symbol("M", integer=True, positive=True)
    return [
        Identity(
            "plateau", "of N questions n the last has m for its answer, and is right; each other is a guess among N - 1: 1/N + (1 - "
            "1/N)/(N - 1)",
            at_most(1), 1 / N + (1 - 1 / N) / (N - 1), "n uniform on 1 ... N, distances of the others exchangeable", "section 4.1",
            proof=("doit", "simplify"),
        ),
        Identity(
            "plateau_is_two_over_N", "1/N + (1 - 1/N)/(N - 1) = 2/N", 1 / N + (1 - 1 / N) / (N - 1), 2 / N, "N > 1", "section 4.1",
        ),
        Identity(
            "plateau_of_the_paper", "with the paper's eight vectors, question by question, it is 1/4", at_most(1).subs(N, 8),
            sp.Rational(1, 4), "N = 8",
            "section 5.1, A.1", proof=("doit",),
        ),
        Identity(
            "plateau_loss", "the least mean loss there is (1 - 1/N) ln(N - 1) nats", sp.Sum(-sp.log(1 / others), (n, 1,
            others)) / (others + 1),
            others * sp.log(others) / (others + 1), "N = M + 1; uniform on the M other labels, certain of m for n = N", "section 4.1",
            proof=("doit", "expand_log", "simplify"),
        ),
    ]  # fmt: skip


def prediction() -> list[Identity]:
    count = j + k + rest + 1
    loss = -(s[j] - sp.log(total(count)))
    return [
        Identity(
            "loss_gradient", "d loss / d logit_k = p_k - [k is the label]", sp.Derivative(loss, s[k]),
            sp.exp(s[k]) / total(count) - sp.KroneckerDelta(j, k), "any number of classes, logits s", "A.1", proof=("doit", "doit",
            "simplify"),
        ),
    ]  # fmt: skip


def bridges() -> list[Bridge]:
    return [
        Bridge("readout_output_bias", "the mean of p - y", "gradient:readout.output.bias", lambda p: rates.by_logits(p).sum(0), "A.1"),
        Bridge(
            "readout_hidden_weight", "p - y through W_2 and the ReLU, times all slots side by side", "gradient:readout.hidden.weight",
            lambda p: rates.by_hidden(p).T @ rates.last_memory(p), "A.1",
        ),
        Bridge(
            "memories", "every M_t by the affine law from M_0, the gates and the candidates", "output:memories", closed_form,
            "equation (7)",
        ),
        Bridge(
            "gate_bias", "d loss / d (biases of i and f) through gates, norms, attention, MLP and memories of all steps, carried on by the "
            "derivatives that are proved here", "gradient:gate.input.bias", rates.by_gate_bias, "equations (2), (4), (5) and (7)",
        ),
    ]  # fmt: skip


def closed_form(problem: Problem) -> Array:
    """The right side of `affine_law`, as a function of f, i, c and m_0, for as many steps as there are."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    gates_ = [found[name] for name in ("forget_gate", "input_gate", "candidate")]
    start, memories = checks.initial_memory(len(found["logits"]), **problem.config), []
    for t in range(1, gates_[0].shape[1] + 1):
        f, i, c = (sp.symbols(f"{name}_1:{t + 1}") for name in "fic")
        m = sp.Symbol("m_0")
        law = sp.prod(f) * m + sum(sp.prod(f[at + 1 :]) * i[at] * c[at] for at in range(t))
        value = sp.lambdify((m, *f, *i, *c), law, "numpy")
        memories.append(value(start, *(gate[:, at] for gate in gates_ for at in range(t))))
    return np.stack(memories, 1)
