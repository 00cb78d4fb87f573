r"""Formulas derived in SymPy, evaluated on a problem's numbers: back-propagation through both layers and all masks, by hand.

δ_t^l = ∂loss/∂(preactivations of layer l at t), (batch, 4·unit), by SymPy's derivatives of c_t and h_t of one step
"""

from functools import cache

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
SECTION = "section 3.2"


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "readout_bias", "∂loss/∂b = mean of p - 1-of-k(target)", "gradient:readout.bias", lambda p: _errors(p).sum((0, 1)), SECTION,
        ),
        Bridge(
            "readout_weight", "∂loss/∂W = mean of (p - 1-of-k(target)) D(h_t^L)ᵀ: a dropped unit's column is not moved",
            "gradient:readout.weight",
            lambda p: np.einsum("btk,bth->kh", _errors(p), _dropped(p, _outputs(p)["hidden"][:, :, -1], -1)), SECTION,
        ),
        Bridge(
            "recurrent_weight", "∂loss/∂T, the columns that read h_(t-1): Σ_t δ_t h_(t-1)ᵀ, without any mask", "gradient:lstm.weight_hh_l0",
            lambda p: np.einsum("btg,bth->gh", _deltas(p)[0], _before(p, "hidden")[:, :, 0]), SECTION,
        ),
        Bridge(
            "input_weight", "and those that read D(h^(l-1)): Σ_t δ_t D(h_t^(l-1))ᵀ in the second layer", "gradient:lstm.weight_ih_l1",
            lambda p: np.einsum("btg,bth->gh", _deltas(p)[1], _dropped(p, _outputs(p)["hidden"][:, :, 0], 1)), SECTION,
        ),
        Bridge(
            "words", "∂loss/∂(a word's vector) = Σ m / (1 - p) ⊙ Tᵀ δ_t over its places", "gradient:embedding.weight", _words, SECTION,
        ),
    ]  # fmt: skip


@cache
def _error_formula(words: int):
    """The derivative of -log p_target by every confidence, the target given by its 1-of-k vector."""
    scores, target = sp.symbols(f"y_0:{words}"), sp.symbols(f"t_0:{words}")
    loss = sp.log(sum(map(sp.exp, scores))) - sum(y * t for y, t in zip(scores, target, strict=True))
    return sp.lambdify([scores, target], [sp.diff(loss, y) for y in scores])


@cache
def _local_derivatives():
    """Of c_t by a_i, a_f, a_g and c_{t-1}, and of h_t by a_o and c_t: two functions that return lists."""
    a_i, a_f, a_g, a_o, cell = sp.symbols("a_i a_f a_g a_o c", real=True)
    sigmoid = lambda a: 1 / (1 + sp.exp(-a))
    written, shown = sigmoid(a_f) * cell + sigmoid(a_i) * sp.tanh(a_g), sigmoid(a_o) * sp.tanh(cell)
    return (
        sp.lambdify([a_i, a_f, a_g, cell], [sp.diff(written, by) for by in (a_i, a_f, a_g, cell)]),
        sp.lambdify([a_o, cell], [sp.diff(shown, by) for by in (a_o, cell)]),
    )


def _outputs(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def _dropped(problem: Problem, value: Array, place: int) -> Array:
    """m / (1 - p) of that connection, times a value (batch, time, unit)."""
    return value * problem.batch["masks"][:, :, place] / (1 - problem.config["dropout"])


def _before(problem: Problem, name: str) -> Array:
    """The state that each step finds, (batch, time, layer, unit)."""
    return np.concatenate([problem.batch[name][:, None], _outputs(problem)[name][:, :-1]], axis=1)


def _errors(problem: Problem) -> Array:
    """∂loss/∂logits: (batch, time, vocabulary)."""
    logits = _outputs(problem)["logits"]
    target = np.eye(logits.shape[2])[problem.batch["targets"]]
    by_word = _error_formula(logits.shape[2])(np.moveaxis(logits, 2, 0), np.moveaxis(target, 2, 0))
    return np.stack(by_word, axis=2) / logits[..., 0].size


def _deltas(problem: Problem) -> list[Array]:
    """δ_t of every layer, (batch, time, 4·unit) in the order i, f, g, o."""
    params, outputs = problem.params, _outputs(problem)
    hidden, cell = _before(problem, "hidden"), _before(problem, "cell")
    written, shown = _local_derivatives()
    above = _dropped(problem, _errors(problem) @ params["readout.weight"], -1)  # what comes down to h_t
    deltas: list[Array] = []
    for layer in reversed(range(problem.config["layers"])):
        below = outputs["hidden"][:, :, layer - 1] if layer else params["embedding.weight"][problem.batch["inputs"]]
        given, recurrent = (params[f"lstm.weight_{name}_l{layer}"] for name in ("ih", "hh"))
        bias = params[f"lstm.bias_ih_l{layer}"] + params[f"lstm.bias_hh_l{layer}"]
        rows = _dropped(problem, below, layer) @ given.T + hidden[:, :, layer] @ recurrent.T + bias
        to_hidden, to_cell, trace = np.zeros_like(above[:, 0]), np.zeros_like(above[:, 0]), []
        for t in reversed(range(above.shape[1])):
            i, f, g, o = np.split(rows[:, t], 4, axis=1)
            by_gate, by_cell = shown(o, outputs["cell"][:, t, layer])
            to_hidden = to_hidden + above[:, t]
            to_cell = to_cell + to_hidden * by_cell
            *gates, to_cell = [to_cell * by for by in written(i, f, g, cell[:, t, layer])]
            trace.insert(0, np.concatenate([*gates, to_hidden * by_gate], axis=1))
            to_hidden = trace[0] @ recurrent
        deltas.insert(0, np.stack(trace, axis=1))
        above = _dropped(problem, deltas[0] @ given, layer)
    return deltas


def _words(problem: Problem) -> Array:
    sent = _dropped(problem, _deltas(problem)[0] @ problem.params["lstm.weight_ih_l0"], 0)
    places = np.eye(problem.config["vocabulary"])[problem.batch["inputs"]]
    return np.einsum("btk,bth->kh", places, sent)
