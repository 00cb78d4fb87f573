r"""Derivatives of the states by the initial state, from step to step, by the blocks that `sympy/derivations.py` proves:

    LSTM   ∂C_t = f ∂C_{t-1} + (C_{t-1} f' W_f + C̃ i' W_i + i C̃' W_C) ∂h_{t-1}
           ∂h_t = o (1 - tanh² C_t) ∂C_t + tanh(C_t) o' W_o ∂h_{t-1}
    RNN    ∂h_t = (1 - h_t²) W ∂h_{t-1}

`seen` holds gates and states by name, (example, time, unit); a derivative is (example, unit, by what).
"""

from collections.abc import Iterator

import numpy as np

from s30.room import Array, Arrays


def lstm(weight: Array, start: Array, seen: Arrays, by_cell: Array, by_hidden: Array) -> Iterator[tuple[Array, Array]]:
    """∂C_t and ∂h_t for t = 1, 2, …; weight_hh (4·unit, unit), C_0 (example, unit), and ∂C_0 and ∂h_0, (unit, by what)."""
    w_i, w_f, w_g, w_o = np.split(weight, 4)
    names, before = ("input_gate", "forget_gate", "candidate", "output_gate", "cell"), start[..., None]
    for i, f, g, o, cell in zip(*(np.moveaxis(seen[name], 1, 0)[..., None] for name in names), strict=True):
        through = before * f * (1 - f) * w_f + g * i * (1 - i) * w_i + i * (1 - g**2) * w_g  # (example, unit, unit)
        by_cell = f * by_cell + through @ by_hidden
        by_hidden = o * (1 - np.tanh(cell) ** 2) * by_cell + np.tanh(cell) * o * (1 - o) * (w_o @ by_hidden)
        before = cell
        yield by_cell, by_hidden


def rnn(weight: Array, hidden: Array) -> Iterator[Array]:
    """∂h_t/∂h_0 for t = 1, 2, …, from the hidden states (example, time, unit)."""
    total = np.eye(len(weight))
    for h in np.moveaxis(hidden, 1, 0):  # (example, unit)
        total = (1 - h**2)[..., None] * (weight @ total)
        yield total


def of_states(params: Arrays, start: Array, outputs: Arrays) -> Array:
    """∂(C_T, h_T)/∂(C_0, h_0) of the LSTM and ∂h_T/∂h_0 of the RNN in one row: (example, entries)."""
    first, second = np.split(np.eye(2 * start.shape[1]), 2)
    *_, states = lstm(params["lstm.weight_hh_l0"], start, outputs, first, second)
    *_, hidden = rnn(params["rnn.weight_hh_l0"], outputs["rnn_hidden"])
    return np.concatenate([found.reshape(len(start), -1) for found in (*states, hidden)], axis=1)
