r"""What follows from the formulas of «The Unreasonable Effectiveness of Recurrent Neural Networks» (A. Karpathy, 2015).

step         h_t = tanh(W h_{t-1} + a_t), a_t = W_xh x_t + b: what the character brings       RNN computation
loss         L = Σ_t g_t · h_t to first order: g_t is what the readout sends back to h_t     Character-Level Language Models
softmax      p_k = exp(y_k) / Σ_j exp(y_j);  at temperature τ = 1/β: exp(β y_k) / Σ_j exp(β y_j)   Temperature

post         code
h_t          hidden(t), or states[t]
a_t, g_t     given[t], sent[t]
y, τ         scores, tau
"""

import sympy as sp

from s30.room import Bridge, Identity, sibling

COMPUTATION, MODELS = "RNN computation", "Character-Level Language Models"
TEMPERATURE = "Paul Graham generator: Temperature"


def _slopes(h):
    """diag(1 - h²): tanh' in terms of tanh."""
    return sp.diag(*(1 - y**2 for y in h))


def _unrolled(weight, start, given):
    """h_1, …, h_T as expressions in h_0."""
    states = [start]
    for a in given:
        states.append((weight * states[-1] + a).applyfunc(sp.tanh))
    return states


def identities() -> list[Identity]:
    return [*_jacobians(), *_backpropagation(), *_truncation(), *_softmax(), *_temperature()]


def _jacobians() -> list[Identity]:
    weight, start = sp.Matrix(2, 2, sp.symbols("W_1:3_1:3", real=True)), sp.Matrix(sp.symbols("h_1:3", real=True))
    given = [sp.Matrix(sp.symbols(f"{name}_1:3", real=True)) for name in "abc"]
    states = _unrolled(weight, start, given)
    product = sp.eye(2)
    for h in states[1:]:
        product = _slopes(h) * weight * product
    x, y, u, v = *sp.symbols("x y", positive=True), *sp.symbols("u v", real=True)
    h = sp.Matrix([(x - 1) / (x + 1), (y - 1) / (y + 1)])  # tanh, with x, y = exp(2a)
    moved, shrunk = sp.Matrix([u, v]), _slopes(h) * sp.Matrix([u, v])
    return [
        Identity(
            "state_jacobian",
            "∂h_3/∂h_0 = diag(1 - h_3²) W diag(1 - h_2²) W diag(1 - h_1²) W",
            states[-1].jacobian(start),
            product,
            "two units, three steps; every T and size in the Agda theorem rateSplits, of which this is the second part",
            f"{COMPUTATION}: h_t = tanh(W_hh h_(t-1) + W_xh x_t)",
            proof=("expand",),
        ),
        Identity(
            "slopes_shrink",
            "|diag(1 - h²) v| <= |v|, entry by entry: of what a step sends back, tanh keeps no more than W gives it",
            moved.applyfunc(lambda entry: entry**2),
            shrunk.applyfunc(lambda entry: entry**2),
            "two units; tanh(a) = (x - 1) / (x + 1) with x = exp(2a) > 0; real v",
            f"{COMPUTATION}: tanh «squashes the activations»",
            relation=">=",
            proof=("factor",),
        ),
    ]


def _backpropagation() -> list[Identity]:
    weight, start = sp.Matrix(2, 2, sp.symbols("W_1:3_1:3", real=True)), sp.Matrix(sp.symbols("h_1:3", real=True))
    given = [sp.Matrix(sp.symbols(f"{name}_1:3", real=True)) for name in "abc"]
    sent = [sp.Matrix(sp.symbols(f"{name}_1:3", real=True)) for name in ("g", "k", "l")]
    states = _unrolled(weight, start, given)
    loss = sum((g.T * h)[0] for g, h in zip(sent, states[1:], strict=True))
    delta, by_weight = sp.zeros(2, 1), sp.zeros(2, 2)
    for g, h, before in zip(reversed(sent), reversed(states[1:]), reversed(states[:-1]), strict=True):
        # δ_t = (1 - h_t²) (g_t + Wᵀ δ_{t+1})
        delta = _slopes(h) * (g + weight.T * delta)
        by_weight += delta * before.T
    return [
        Identity(
            "backpropagation_through_time",
            "∂L/∂W = Σ_t δ_t h_(t-1)ᵀ with δ_t = (1 - h_t²) (g_t + Wᵀ δ_(t+1)): the recurrence, walked back once, is the"
            " derivative of three unrolled steps",
            sp.Matrix(2, 2, [sp.diff(loss, entry) for entry in weight]),
            by_weight,
            "two units, three steps; L linear in the states, g_t = ∂L/∂h_t",
            "Character-Level Language Models and the gist min-char-rnn: the backward pass of lossFun",
            proof=("expand",),
        )
    ]


def _truncation() -> list[Identity]:
    w, h_0, *given = sp.symbols("w h_0 a_1:5", real=True)
    g_3, g_4 = sp.symbols("g_3 g_4", real=True)
    states = [h_0]
    for a in given:
        states.append(sp.tanh(w * states[-1] + a))
    _, h_1, h_2, h_3, h_4 = states
    loss = g_3 * h_3 + g_4 * h_4  # of the second window alone
    delta_4 = (1 - h_4**2) * g_4
    delta_3 = (1 - h_3**2) * (g_3 + w * delta_4)
    truncated = delta_3 * h_2 + delta_4 * h_3
    return [
        Identity(
            "truncation_gap",
            "truncated back-propagation leaves out w δ_3 ∂h_2/∂w: what the carried state owes to the weights, ∂h_2/∂w ="
            " (1 - h_2²) (h_1 + w (1 - h_1²) h_0)",
            sp.diff(loss, w) - truncated,
            w * delta_3 * (1 - h_2**2) * (h_1 + w * (1 - h_1**2) * h_0),
            "one unit, two windows of two steps, the loss that of the second",
            "Paul Graham generator: «truncated backpropagation through time of length 100 characters»",
            proof=("expand",),
        )
    ]


def _softmax() -> list[Identity]:
    scores = sp.symbols("y_1:4", real=True)
    total = sum(map(sp.exp, scores))
    shares = [sp.exp(y) / total for y in scores]
    surprise = -sp.log(shares[0])
    return [
        Identity(
            "surprise_gradient",
            "∂(-log p_target)/∂y = p - 1-of-k(target)",
            sp.Matrix([sp.diff(surprise, y) for y in scores]),
            sp.Matrix(shares) - sp.Matrix([1, 0, 0]),
            "three characters, the first of them the target",
            f"{MODELS}: «increase its confidence (green) and decrease the confidence of all other letters (red)»",
            proof=("simplify",),
        )
    ]


def _temperature() -> list[Identity]:
    beta, tau, gap = sp.symbols("beta tau d", positive=True)
    scores = sp.symbols("y_1:4", real=True)
    total = sum(sp.exp(beta * y) for y in scores)
    shares = [sp.exp(beta * y) / total for y in scores]
    mean = sum(p * y for p, y in zip(shares, scores, strict=True))
    variance = sum(p * y**2 for p, y in zip(shares, scores, strict=True)) - mean**2
    entropy = sp.log(total) - beta * mean  # -Σ p log p, since log p_k = β y_k - log Σ
    first = 1 / (1 + sp.exp(-gap / tau))
    return [
        Identity(
            "entropy_by_temperature",
            "dH/dβ = -β Var(y): the entropy of the next character rises with the temperature τ = 1/β, and stands still only"
            " where all confidences are equal",
            sp.diff(entropy, beta),
            -beta * variance,
            "three characters; H = log Σ exp(β y) - β mean(y), which is -Σ p log p",
            f"{TEMPERATURE}: «higher temperatures will give more diversity»",
            proof=("together", "expand", "simplify"),
        ),
        Identity(
            "temperature_limits",
            "at τ -> 0 the more likely character has probability 1, at τ -> ∞ both have 1/2",
            sp.Matrix([sp.Limit(first, tau, 0, "+"), sp.Limit(first, tau, sp.oo)]),
            sp.Matrix([1, sp.Rational(1, 2)]),
            "two characters whose confidences differ by d > 0",
            f"{TEMPERATURE}: «setting temperature very near zero will give the most likely thing»",
            proof=("doit",),
        ),
    ]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()
