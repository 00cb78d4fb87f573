r"""Formulas derived in SymPy, evaluated on a problem's numbers: back-propagation through time, by hand, through two layers.

δ_t of the last layer     tanh'(a_t) (Vᵀ (p - 1-of-k) / n + W_hhᵀ δ_{t+1})
δ_t of the layer below    tanh'(a_t) (W_xhᵀ δ_t of the layer above + W_hhᵀ δ_{t+1})
"""

from functools import cache

import numpy as np
import sympy as sp

from s30.room import Array, Bridge, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
SOURCE = "the gist min-char-rnn: the backward pass of lossFun"


def bridges() -> list[Bridge]:
    return [
        Bridge(
            "readout_bias", "∂loss/∂b_y = mean of p - 1-of-k(target)", "gradient:readout.bias",
            lambda p: _errors(p).sum((0, 1)), "Character-Level Language Models",
        ),
        Bridge(
            "readout_weight", "∂loss/∂W_hy = mean of (p - 1-of-k(target)) h_tᵀ", "gradient:readout.weight",
            lambda p: np.einsum("btk,bth->kh", _errors(p), _states(p)[:, :, -1]), SOURCE,
        ),
        Bridge(
            "recurrent_weight", "∂loss/∂W_hh = Σ_t δ_t h_(t-1)ᵀ in the second layer", "gradient:rnn.weight_hh_l1",
            lambda p: np.einsum("btg,bth->gh", _deltas(p)[1], _before(p)[:, :, 1]), SOURCE,
        ),
        Bridge(
            "recurrent_weight_below", "and in the first, to which the second sends back W_xhᵀ δ_t", "gradient:rnn.weight_hh_l0",
            lambda p: np.einsum("btg,bth->gh", _deltas(p)[0], _before(p)[:, :, 0]), SOURCE,
        ),
        Bridge(
            "input_weight", "∂loss/∂W_xh = Σ_t δ_t 1-of-k(x_t)ᵀ: each character moves its own column", "gradient:rnn.weight_ih_l0",
            lambda p: np.einsum("btg,btk->gk", _deltas(p)[0], _one_of_k(p, "inputs")), SOURCE,
        ),
        Bridge("bias", "∂loss/∂b = Σ_t δ_t", "gradient:rnn.bias_hh_l0", lambda p: _deltas(p)[0].sum((0, 1)), SOURCE),
    ]  # fmt: skip


@cache
def _error_formula(characters: int):
    """The derivative of -log p_target by every confidence, the target given by its 1-of-k vector."""
    scores, target = sp.symbols(f"y_0:{characters}"), sp.symbols(f"t_0:{characters}")
    loss = sp.log(sum(map(sp.exp, scores))) - sum(y * t for y, t in zip(scores, target, strict=True))
    return sp.lambdify([scores, target], [sp.diff(loss, y) for y in scores])


@cache
def _slope():
    """tanh' by the preactivation."""
    a = sp.Symbol("a", real=True)
    return sp.lambdify([a], sp.diff(sp.tanh(a), a))


def _states(problem: Problem) -> Array:
    return checks.read(problem.params, problem.batch["inputs"], checks.started(problem.batch))


def _before(problem: Problem) -> Array:
    """What each step finds: the state before the window, then all but the last."""
    return np.concatenate([checks.started(problem.batch)[:, None], _states(problem)[:, :-1]], axis=1)


def _one_of_k(problem: Problem, name: str) -> Array:
    return np.eye(problem.config["vocabulary"])[problem.batch[name]]  # (batch, time, vocabulary)


def _errors(problem: Problem) -> Array:
    """∂loss/∂logits: (batch, time, vocabulary)."""
    outputs, target = checks.forward(problem.params, problem.batch, **problem.config), _one_of_k(problem, "targets")
    logits = outputs["logits"]
    by_character = _error_formula(logits.shape[2])(np.moveaxis(logits, 2, 0), np.moveaxis(target, 2, 0))
    return np.stack(by_character, axis=2) / logits[..., 0].size


def _deltas(problem: Problem) -> list[Array]:
    """δ_t of every layer, each (batch, time, unit), from the last step to the first."""
    params, states, before = problem.params, _states(problem), _before(problem)
    above = _errors(problem) @ params["readout.weight"]  # what comes down to h_t, (batch, time, unit)
    deltas: list[Array] = []
    for layer in reversed(range(states.shape[2])):
        below = states[:, :, layer - 1] if layer else _one_of_k(problem, "inputs")
        recurrent = params[f"rnn.weight_hh_l{layer}"]
        bias = params[f"rnn.bias_ih_l{layer}"] + params[f"rnn.bias_hh_l{layer}"]
        preactivation = below @ params[f"rnn.weight_ih_l{layer}"].T + before[:, :, layer] @ recurrent.T + bias
        delta, trace = np.zeros_like(above[:, 0]), []
        for t in reversed(range(above.shape[1])):
            delta = _slope()(preactivation[:, t]) * (above[:, t] + delta @ recurrent)
            trace.insert(0, delta)
        deltas.insert(0, np.stack(trace, axis=1))
        above = deltas[0] @ params[f"rnn.weight_ih_l{layer}"]
    return deltas
