r"""Sets as outputs (paper 08, section 5): the chain rule in any order, and the search over orders.

    (8)    P(y_1, ..., y_T) = prod_t P(y_t | y_1, ..., y_{t-1})
    5.2.1  a sequence is the set of its pairs (value, position), which can be written in T! orders
    (9)    theta* = argmax sum_i max over orders pi of log p(Y_pi; theta)
    5.2    pi is drawn «proportional to p(Y_pi)», left to right: pi_t among the variables that are left, by its probability

    paper    name here    shape                      paper         name here            shape
    y        values       (batch, variable)          pi            order                (batch, variable), from 0
    h_t      known        (batch, step, hidden)      p(y_t | ...)  joint_probability    (batch, step, variable, symbol)

An LSTM reads the pairs written so far; one softmax over all pairs of variables that are left writes the next. So the probability of a
step is that of its variable times that of its value. Where the order is `told`, the softmax is over the values of its variable alone.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from s30.room import Array, Arrays, sibling

checks = sibling(__file__, "numpy_checks.py")


def joint(
    params: Arrays, values: Array, order: Array, *, variables: int, symbols: int, told: bool, **_: Any
) -> dict[str, Array]:
    """`known`, `joint_probability`, and `loss` = -mean over examples of log p(Y_pi), in nats.

    Raises ValueError where an order names a variable twice.
    """
    known, log_p = chain(params, values, order, variables=variables, symbols=symbols, told=told)
    if np.take_along_axis(used_before(order), order[..., None], -1).any():
        raise ValueError("an order names a variable twice")
    said = of_pairs(log_p, values, order)
    # -mean over examples of sum_t log p(y_t | y_1, ..., y_{t-1})
    return {"known": known, "joint_probability": np.exp(log_p), "loss": np.asarray(-said.sum(1).mean())}


def chain(
    params: Arrays, values: Array, order: Array, *, variables: int, symbols: int, told: bool
) -> tuple[Array, Array]:
    """h_t (batch, step, hidden), and the logarithms of the probabilities (batch, step, variable, symbol)."""
    written = params["joint.embedding.weight"][pairs(values, order, symbols)]  # (batch, step, hidden)
    first = np.broadcast_to(params["joint.start"], written[:, :1].shape)
    zero = np.zeros((len(values), written.shape[2]))
    known, _ = checks.run(params, "joint.lstm", np.concatenate([first, written[:, :-1]], 1), (zero, zero))
    logits = known @ params["joint.readout.weight"].T + params["joint.readout.bias"]  # (batch, step, pair)
    left = order[..., None] == np.arange(variables) if told else ~used_before(order)  # (batch, step, variable)
    log_p = checks.log_softmax(np.where(np.repeat(left, symbols, -1), logits, -np.inf))
    return known, log_p.reshape(*left.shape, symbols)


def pairs(values: Array, order: Array, symbols: int) -> Array:
    """The number of each pair (variable, value), in the order in which it is written: (batch, step)."""
    return order * symbols + np.take_along_axis(values, order, 1)


def used_before(order: Array) -> Array:
    """Whether a variable was written before step t, (batch, step, variable)."""
    chosen = order[..., None] == np.arange(order.shape[1])
    result: Array = np.cumsum(chosen, 1) > chosen
    return result


def of_pairs(log_p: Array, values: Array, order: Array) -> Array:
    """log p(y_t | y_1, ..., y_{t-1}) of the pairs that are written, (batch, step)."""
    at = pairs(values, order, log_p.shape[-1])
    result: Array = np.take_along_axis(log_p.reshape(*order.shape, -1), at[..., None], -1)[..., 0]
    return result


def all_orders(variables: int) -> Array:
    """(variables!, variables), in lexicographic order."""
    return np.array(list(permutations(range(variables))))


def drawn_orders(params: Arrays, values: Array, noise: Array, *, symbols: int) -> Array:
    """An order for each example, drawn left to right: the next variable is the argmax over those that are left of
    log p(variable, its value | what is written) + noise, which is a draw from them where the noise is standard Gumbel.

    noise (batch, step, variable) -> (batch, step).
    """
    batch, variables = values.shape
    rows, zero = np.arange(batch), np.zeros((batch, params["joint.start"].shape[0]))
    state, given = (zero, zero), np.broadcast_to(params["joint.start"], zero.shape)
    left, order = np.ones((batch, variables), bool), np.zeros((batch, variables), int)
    for t in range(variables):
        state = checks.lstm(params, "joint.lstm", given, state)
        logits = state[0] @ params["joint.readout.weight"].T + params["joint.readout.bias"]  # (batch, pair)
        own = np.take_along_axis(logits, np.arange(variables) * symbols + values, 1)  # of each variable's own value
        order[:, t] = np.where(left, own + noise[:, t], -np.inf).argmax(1)
        left[rows, order[:, t]] = False
        given = params["joint.embedding.weight"][order[:, t] * symbols + values[rows, order[:, t]]]
    return order
