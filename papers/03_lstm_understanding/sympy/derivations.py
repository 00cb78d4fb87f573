r"""What follows from the formulas of «Understanding LSTM Networks» (C. Olah, 2015), derived and proved.

    RNN      h_t = tanh(W·[h_{t-1}, x_t] + b)                          LSTM Networks
    cell     C_t = f_t C_{t-1} + i_t C̃_t,  h_t = o_t tanh(C_t)         Step-by-Step LSTM Walk Through
    coupled  C_t = f_t C_{t-1} + (1 - f_t) C̃_t                         Variants on Long Short Term Memory
    GRU      h_t = (1 - z_t) h_{t-1} + z_t h̃_t                         Variants on Long Short Term Memory
    peephole f_t, i_t = σ(w C_{t-1} + a),  o_t = σ(w C_t + a)          Variants on Long Short Term Memory

    post            code
    f_t, i_t, C̃_t   forget[t], input_[t], candidate[t], numbers; σ(a) where a gate's derivative is taken
    C_T             unrolled(T), closed_form(T)
    W·[h, x] + b    the preactivations a = (a_i, a_f, a_g, a_o)

All operations between vectors are elementwise, so one hidden unit is enough for what concerns the cell with its gates
given. What mixes units, the matrices, enters in the Jacobians of whole steps, of two units each, and in `bridges.py`, which
carries SymPy's local derivatives backwards through whole layers.
"""

import sympy as sp

from s30.room import Bridge, Identity, sibling

formulas = sibling(__file__, "formulas.py")
s, t, T, a, start = formulas.s, formulas.t, formulas.T, formulas.a, formulas.start
forget, WALK, VARIANTS = formulas.forget, formulas.WALK, formulas.VARIANTS
sigmoid, unrolled, closed_form = formulas.sigmoid, formulas.unrolled, formulas.closed_form


def _gate(x):
    """σ(x) = (1 + tanh(x/2)) / 2 (`sigmoid_is_tanh`), whose derivatives are polynomials in tanh(x/2)."""
    return (1 + sp.tanh(x / 2)) / 2


def _gate_slope(y):
    """σ' in terms of y = σ."""
    return y * (1 - y)


def _tanh_slope(y):
    """tanh' in terms of y = tanh."""
    return 1 - y**2


def _diagonal(vector, function=lambda y: y):
    return sp.diag(*vector.applyfunc(function))


def identities() -> list[Identity]:
    return [*_gates(), *_cell(), *_peepholes(), *_jacobians(), *_coupled(), *_gru()]


def _gates() -> list[Identity]:
    sigma, cell = sigmoid(a), sp.Symbol("C", real=True)
    tanh = (sp.exp(a) - sp.exp(-a)) / (sp.exp(a) + sp.exp(-a))
    return [
        Identity(
            "sigmoid_derivative",
            "σ' = σ (1 - σ)",
            sp.Derivative(sigma, a),
            sigma * (1 - sigma),
            "real a",
            WALK,
            proof=("doit", "simplify"),
        ),
        Identity(
            "tanh_derivative",
            "tanh' = 1 - tanh²",
            sp.Derivative(tanh, a),
            1 - sp.tanh(a) ** 2,
            "real a; on the left tanh by its exponentials",
            WALK,
            proof=("doit", "rewrite:exp", "simplify"),
        ),
        Identity(
            "sigmoid_inside",
            "0 < σ(a) < 1: a gate is never quite open and never quite shut",
            sp.Matrix([1, sigma]),
            sp.Matrix([sigma, 0]),
            "real a",
            "The Core Idea Behind LSTMs",
            relation=">",
            proof=("together", "cancel", "factor"),
        ),
        Identity(
            "sigmoid_is_tanh",
            "a gate is a tanh layer moved to (0, 1): σ(a) = (1 + tanh(a/2)) / 2",
            sigma,
            (1 + sp.tanh(a / 2)) / 2,
            "real a",
            "The Core Idea Behind LSTMs",
            proof=("rewrite:exp", "simplify"),
        ),
        Identity(
            "hidden_bounded",
            "-1 < o tanh(C) < 1",
            sp.Matrix([1, sigma * sp.tanh(cell)]),
            sp.Matrix([sigma * sp.tanh(cell), -1]),
            "o = σ(a), real a and C",
            f"{WALK}: h_t = o_t * tanh(C_t)",
            relation=">",
            proof=("rewrite:exp", "cancel", "factor"),
        ),
    ]


def _cell() -> list[Identity]:
    other = sp.Symbol("C_0'", real=True)
    return [
        Identity(
            "carousel",
            "∂C_T/∂C_0 = Π f_t with the gates held fixed",
            sp.Derivative(closed_form(T), start),
            sp.Product(forget[s], (s, 1, T)),
            "every T >= 1; no gate depends on C_(t-1), directly or through h_(t-1); C_T by its closed form",
            WALK,
            proof=("doit", "simplify"),
        ),
        Identity(
            "cell_closed_form",
            "C_T = (Π f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t",
            unrolled(3),
            closed_form(3),
            "T = 3; every T in the Agda theorem cellClosedForm",
            WALK,
            proof=("doit", "expand"),
        ),
        Identity(
            "cell_difference",
            "two runs under the same gates differ by (Π f_t)(C_0 - C_0')",
            unrolled(3) - unrolled(3).subs(start, other),
            sp.Product(forget[t], (t, 1, 3)) * (start - other),
            "T = 3",
            WALK,
            proof=("doit", "expand"),
        ),
    ]


def _peepholes() -> list[Identity]:
    """One unit whose gates look at the cell, f and i at the old one, o at the new one; a candidate does not."""
    candidate, *looks = sp.symbols("C̃ w_f w_i w_o", real=True)
    w_f, w_i, w_o = looks
    f, i = (_gate(w * start + sp.Symbol(f"a_{k}", real=True)) for k, w in (("f", w_f), ("i", w_i)))
    new = f * start + i * candidate
    o = _gate(w_o * new + sp.Symbol("a_o", real=True))
    direct = f + w_f * _gate_slope(f) * start + w_i * _gate_slope(i) * candidate
    return [
        Identity(
            "peephole_derivative",
            "∂C_1/∂C_0 = f + w_f f' C_0 + w_i i' C̃ and ∂h_1/∂C_0 = (o (1 - tanh² C_1) + tanh(C_1) w_o o') ∂C_1/∂C_0: each"
            " gate that looks at the cell adds a term, the output gate through the new cell",
            sp.Matrix([sp.diff(new, start), sp.diff(o * sp.tanh(new), start)]),
            sp.Matrix([direct, (o * _tanh_slope(sp.tanh(new)) + sp.tanh(new) * w_o * _gate_slope(o)) * direct]),
            "one unit; f' = f (1 - f) and likewise i', o'; what else the gates read stands in a_f, a_i, a_o",
            f"{VARIANTS}: peephole connections",
            proof=("expand",),
        ),
    ]


def _jacobians() -> list[Identity]:
    """Derivatives of whole steps, of two hidden units; what x_t and the biases contribute stands in the vectors a_k."""
    source, odds = "The Problem of Long-Term Dependencies", sp.Symbol("x", positive=True)
    hidden, cell, shift, later = (sp.Matrix(sp.symbols(f"{name}_1:3", real=True)) for name in ("h", "C", "b", "c"))
    weight, *weights = (sp.Matrix(2, 2, sp.symbols(f"W{k}_1:3_1:3", real=True)) for k in ("", *"ifgo"))
    w_i, w_f, w_g, w_o = weights
    i, f, g, o = (
        (w * hidden + sp.Matrix(sp.symbols(f"a{k}_1:3", real=True))).applyfunc(layer)
        for k, w, layer in zip("ifgo", weights, (_gate, _gate, sp.tanh, _gate), strict=True)
    )
    new = _diagonal(f) * cell + _diagonal(i) * g
    shown = new.applyfunc(sp.tanh)
    through = (
        _diagonal(cell) * _diagonal(f, _gate_slope) * w_f
        + _diagonal(g) * _diagonal(i, _gate_slope) * w_i
        + _diagonal(i) * _diagonal(g, _tanh_slope) * w_g
    )
    show = _diagonal(o) * _diagonal(shown, _tanh_slope)
    blocks = [
        [_diagonal(f), through],
        [show * _diagonal(f), show * through + _diagonal(shown) * _diagonal(o, _gate_slope) * w_o],
    ]
    first = (weight * hidden + shift).applyfunc(sp.tanh)
    second = (weight * first + later).applyfunc(sp.tanh)
    return [
        Identity(
            "lstm_jacobian",
            "∂(C_t, h_t)/∂(C_(t-1), h_(t-1)) = [[diag f, G], [D diag f, D G + diag(tanh(C_t) o') W_o]], where"
            " G = diag(C_(t-1) f') W_f + diag(C̃ i') W_i + diag(i C̃') W_C and D = diag(o (1 - tanh² C_t))",
            sp.Matrix([new, _diagonal(o) * shown]).jacobian([*cell, *hidden]),
            sp.Matrix.vstack(*(sp.Matrix.hstack(*row) for row in blocks)),
            "two hidden units; f' = f (1 - f) and likewise i', o'; C̃' = 1 - C̃²; W_k the columns that read h_(t-1)",
            WALK,
            proof=("expand",),
        ),
        Identity(
            "rnn_jacobian",
            "∂h_2/∂h_0 = diag(1 - h_2²) W diag(1 - h_1²) W",
            second.jacobian(hidden),
            _diagonal(second, _tanh_slope) * weight * _diagonal(first, _tanh_slope) * weight,
            "two hidden units, two steps of the tanh RNN; every T and every size in the Agda theorem gradientIsProduct",
            source,
            proof=("expand",),
        ),
        Identity(
            "rnn_slope_bounded",
            "0 <= 1 - tanh² <= 1: what |∂h_T/∂h_0| <= |W|^T asks of tanh (Agda theorem gradientWithin)",
            sp.Matrix([1, _tanh_slope((odds - 1) / (odds + 1))]),
            sp.Matrix([_tanh_slope((odds - 1) / (odds + 1)), 0]),
            "tanh(a) = (x - 1) / (x + 1) with x = exp(2a) > 0",
            source,
            relation=">=",
            proof=("together", "factor"),
        ),
    ]


def _coupled() -> list[Identity]:
    source, odds = f"{VARIANTS}: coupled gates", sp.Symbol("x", positive=True)
    bound, gate = sp.Symbol("M", positive=True), odds / (1 + odds)  # every number in (0, 1)
    p, q = sp.symbols("p q", nonnegative=True)  # how far C_{t-1} and C̃_t are from an end of [-M, M]
    return [
        Identity(
            "coupled_upper",
            "C_(t-1) <= M and C̃_t <= M give C_t <= M",
            bound,
            gate * (bound - p) + (1 - gate) * (bound - q),
            "0 < f < 1; C_(t-1) = M - p and C̃_t = M - q with p, q >= 0",
            source,
            relation=">=",
            proof=("factor",),
        ),
        Identity(
            "coupled_lower",
            "C_(t-1) >= -M and C̃_t >= -M give C_t >= -M",
            gate * (p - bound) + (1 - gate) * (q - bound),
            -bound,
            "0 < f < 1; C_(t-1) = -M + p and C̃_t = -M + q with p, q >= 0",
            source,
            relation=">=",
            proof=("factor",),
        ),
        Identity(
            "coupled_weights",
            "the weights of C_0 and of all candidates in C_T add up to 1: a convex combination",
            sp.Product(forget[s], (s, 1, 3))
            + sp.Sum(sp.Product(forget[s], (s, t + 1, 3)) * (1 - forget[t]), (t, 1, 3)),
            sp.Integer(1),
            "T = 3; every T in the Agda theorem coupledWeightsSumToOne",
            source,
            proof=("doit", "expand"),
        ),
    ]


def _gru() -> list[Identity]:
    source = f"{VARIANTS}: GRU"
    z, hidden, new = sp.symbols("z h h̃", real=True)
    (r_1, r_2), (b_1, b_2), (h_1, h_2) = (sp.symbols(f"{name}_1:3", real=True) for name in "rbh")
    reset, bias, state, weight = (
        sp.diag(r_1, r_2),
        sp.Matrix([b_1, b_2]),
        sp.Matrix([h_1, h_2]),
        sp.Matrix(2, 2, sp.symbols("W_1:3_1:3")),
    )
    crossed = sp.Matrix(
        [weight[0, 1] * (r_1 - r_2) * h_2 - (1 - r_1) * b_1, weight[1, 0] * (r_2 - r_1) * h_1 - (1 - r_2) * b_2]
    )
    return [
        Identity(
            "gru_convention",
            "1 - σ(a) = σ(-a): nn.GRU's update gate is 1 - z_t, by negated weights",
            1 - sigmoid(a),
            sigmoid(-a),
            "real a",
            source,
        ),
        Identity(
            "gru_step",
            "(1 - z) h + z h̃ moves h the fraction z of the way to h̃",
            (1 - z) * hidden + z * new,
            hidden + z * (new - hidden),
            "real z",
            source,
            proof=("expand",),
        ),
        Identity(
            "reset_placement",
            "r * (W h + b) and W (r * h) + b differ by W's entries between units reset differently, and by the bias",
            reset * (weight * state + bias) - (weight * reset * state + bias),
            crossed,
            "two hidden units",
            source,
            proof=("expand",),
        ),
    ]


def bridges() -> list[Bridge]:
    return sibling(__file__, "bridges.py").bridges()
