r"""Formulas derived in SymPy, evaluated on a problem's numbers: gradients by back-propagation through time, by hand.

δ_t^k = ∂loss/∂a_k at step t, k among i, f, g, o: SymPy's derivatives of the two functions of a step, C_t(a_i, a_f, a_g,
C_{t-1}) and h_t(a_o, C_t), carried from the last step to the first by the matrices; those of peepholes are 0 in the LSTM
"""

from functools import cache

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
properties = sibling(__file__, "../properties.py")
formulas = sibling(__file__, "formulas.py")
WALK, VARIANTS = formulas.WALK, formulas.VARIANTS


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "readout_bias",
            "∂loss/∂b = mean of softmax(logits) - onehot(target)",
            "gradient:readout.bias",
            lambda p: _errors(p).sum((0, 1)),
            "Problem's readout",
        ),
        Bridge(
            "readout_weight",
            "∂loss/∂V = mean of (softmax(logits) - onehot(target)) h_Tᵀ",
            "gradient:readout.weight",
            lambda p: np.einsum("bck,bch->kh", _errors(p), _last(p)),
            "Problem's readout",
        ),
        Bridge("cells", "C_t = (Π f) C_0 + Σ_s (Π_{r>s} f_r) i_s C̃_s at every t", "output:cell", _cells, WALK),
        Bridge(
            "backward_bias",
            "back-propagation through time with SymPy's local derivatives: Σ_t δ_t",
            "gradient:lstm.bias_hh_l0",
            lambda p: _deltas(p, "lstm").sum((0, 1)),
            WALK,
        ),
        Bridge(
            "backward_recurrent",
            "and Σ_t δ_t h_(t-1)ᵀ",
            "gradient:lstm.weight_hh_l0",
            lambda p: np.einsum("tbg,tbh->gh", _deltas(p, "lstm"), _before(p, "hidden")),
            WALK,
        ),
        Bridge(
            "backward_peephole",
            "the gates' weights on the cell: Σ_t δ_t^i C_(t-1)ᵀ, Σ_t δ_t^f C_(t-1)ᵀ and Σ_t δ_t^o C_tᵀ",
            "gradient:peephole.weight_ch_l0",
            _peepholes,
            f"{VARIANTS}: peephole connections",
        ),
    ]


@cache
def _error_formula(classes: int):
    """The derivative of log Σ_k exp(f_k) - f_y by every f_k, y given by its one-hot vector."""
    scores, target = sp.symbols(f"f_0:{classes}"), sp.symbols(f"y_0:{classes}")
    loss = sp.log(sum(map(sp.exp, scores))) - sum(f * y for f, y in zip(scores, target, strict=True))
    return sp.lambdify([scores, target], [sp.diff(loss, f) for f in scores])


@cache
def _local_derivatives():
    """Of C_t by a_i, a_f, a_g and C_{t-1}, and of h_t by a_o and C_t: two functions that return lists."""
    written, shown = sp.symbols("a_i a_f a_g C", real=True), sp.symbols("a_o C", real=True)
    return (
        sp.lambdify(written, [sp.diff(formulas.written(*written), x) for x in written]),
        sp.lambdify(shown, [sp.diff(formulas.shown(*shown), x) for x in shown]),
    )


@cache
def _closed_form(steps: int):
    symbols = [sp.symbols(f"{name}_1:{steps + 1}") for name in "fig"]
    at = {
        base[k]: symbol[k - 1]
        for base, symbol in zip((formulas.forget, formulas.input_, formulas.candidate), symbols, strict=True)
        for k in range(1, steps + 1)
    }
    return sp.lambdify([formulas.start, *symbols], formulas.closed_form(steps).doit().subs(at))


def _forward(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def _last(problem: Problem) -> Array:
    outputs = _forward(problem)
    return np.stack([outputs[name][:, -1] for name in properties.HIDDEN], axis=1)  # (batch, cells, hidden)


def _before(problem: Problem, name: str) -> Array:
    """What the step at time t finds: the initial state, then the states of all times but the last."""
    start = problem.batch[name.rpartition("_")[2]][:, None]
    return np.swapaxes(np.concatenate([start, _forward(problem)[name][:, :-1]], axis=1), 0, 1)  # (time, batch, hidden)


def _errors(problem: Problem) -> Array:
    """∂loss/∂logits: (batch, cells, classes)."""
    logits = _forward(problem)["logits"]
    onehot = np.eye(logits.shape[2])[problem.batch["target"]][:, None] * np.ones_like(logits)
    by_class = _error_formula(logits.shape[2])(np.moveaxis(logits, 2, 0), np.moveaxis(onehot, 2, 0))
    return np.stack(by_class, axis=2) / logits[..., 0].size


def _cells(problem: Problem) -> Array:
    outputs = _forward(problem)
    f, i, g = (np.moveaxis(outputs[name], 1, 0) for name in ("forget_gate", "input_gate", "candidate"))
    return np.stack([_closed_form(k)(problem.batch["cell"], f[:k], i[:k], g[:k]) for k in range(1, len(f) + 1)], axis=1)


def _deltas(problem: Problem, kind: str) -> Array:
    """δ_t of `lstm` or `peephole`, from the last step to the first: (time, batch, 4·hidden) in the order i, f, g, o."""
    params, units, prefix = problem.params, problem.config["hidden"], "" if kind == "lstm" else f"{kind}_"
    w_i, w_f, w_o = np.split(params.get(f"{kind}.weight_ch_l0", np.zeros((3 * units, units))), 3)
    x = np.swapaxes(problem.batch["inputs"], 0, 1)
    hidden, cell = _before(problem, f"{prefix}hidden"), _before(problem, f"{prefix}cell")  # h_{t-1}, C_{t-1}
    new = np.swapaxes(_forward(problem)[f"{prefix}cell"], 0, 1)  # C_t, (time, batch, hidden)
    written, shown = _local_derivatives()
    to_hidden = _errors(problem)[:, checks.CELLS.index(kind)] @ params["readout.weight"]  # ∂loss/∂h_T, (batch, hidden)
    to_cell, deltas = np.zeros_like(to_hidden), []
    for t in reversed(range(len(x))):
        i, f, g, o = np.split(sum(checks.affine(params, kind, x[t], hidden[t])), 4, axis=1)
        by_gate, by_cell = shown(o + new[t] @ w_o.T, new[t])
        delta_o = to_hidden * by_gate
        to_cell = to_cell + to_hidden * by_cell + delta_o @ w_o
        *gates, to_cell = [to_cell * by for by in written(i + cell[t] @ w_i.T, f + cell[t] @ w_f.T, g, cell[t])]
        to_cell = to_cell + gates[0] @ w_i + gates[1] @ w_f
        deltas.insert(0, np.concatenate([*gates, delta_o], axis=1))
        to_hidden = deltas[0] @ params[f"{kind}.weight_hh_l0"]
    return np.stack(deltas)


def _peepholes(problem: Problem) -> Array:
    i, f, _, o = np.split(_deltas(problem, "peephole"), 4, axis=2)  # each (time, batch, hidden)
    old, new = _before(problem, "peephole_cell"), np.swapaxes(_forward(problem)["peephole_cell"], 0, 1)
    return np.concatenate([np.einsum("tbg,tbh->gh", delta, cell) for delta, cell in ((i, old), (f, old), (o, new))])
