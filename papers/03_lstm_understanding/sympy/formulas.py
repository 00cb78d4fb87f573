"""The formulas of the post in SymPy, which derivations and bridges share."""

import sympy as sp

s, t = sp.symbols("s t", integer=True, nonnegative=True)
T = sp.Symbol("T", integer=True, positive=True)
a, start = sp.symbols("a C_0", real=True)
forget, input_, candidate = (sp.IndexedBase(name) for name in ("f", "i", "g"))
WALK, VARIANTS = "Step-by-Step LSTM Walk Through", "Variants on Long Short Term Memory"


def sigmoid(x):
    """σ(x) = 1 / (1 + exp(-x))."""
    return 1 / (1 + sp.exp(-x))


def written(i, f, g, cell):
    """C_t from the preactivations of its gates and candidate and from C_{t-1}."""
    return sigmoid(f) * cell + sigmoid(i) * sp.tanh(g)


def shown(o, cell):
    """h_t from the preactivation of its gate and from C_t."""
    return sigmoid(o) * sp.tanh(cell)


def unrolled(steps, gate=lambda k: forget[k], write=lambda k: input_[k] * candidate[k]):
    """C_T after `steps` updates C <- gate(t) C + write(t), t = 1, …, steps."""
    cell = start
    for k in range(1, steps + 1):
        cell = gate(k) * cell + write(k)
    return cell


def closed_form(steps):
    """(Π_t f_t) C_0 + Σ_t (Π_{s>t} f_s) i_t C̃_t."""
    weight = sp.Product(forget[s], (s, t + 1, steps))
    return sp.Product(forget[s], (s, 1, steps)) * start + sp.Sum(weight * input_[t] * candidate[t], (t, 1, steps))
