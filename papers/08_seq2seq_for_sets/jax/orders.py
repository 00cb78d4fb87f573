r"""Sets as outputs in JAX, paper 08, section 5: the chain rule in any order, and the search over orders.

    (8)    P(y_1, ..., y_T) = prod_t P(y_t | y_1, ..., y_{t-1}), where y_t is a pair of a variable and its value
    (9)    theta* = argmax sum_i max over orders pi of log p(Y_pi; theta); 5.2: pi is drawn left to right

    paper   name here                    paper           name here
    y, pi   values, order                p(y_t | ...)    joint_probability
    h_t     known

One softmax over all pairs of variables that are left; where the order is `told`, over the values of its variable alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import sigmoid

Params = dict[str, Array]


def joint(params: Params, values: Array, order: Array, *, variables: int, symbols: int, told: Any) -> dict[str, Array]:
    """The outputs of `orders.joint` in NumPy. `told` may be traced. Raises ValueError where an order names a variable twice."""
    known, log_p = jax.vmap(partial(chain, params, variables=variables, symbols=symbols, told=told))(values, order)
    if not isinstance(order, jax.core.Tracer) and (jnp.sort(order, 1) != jnp.arange(variables)).any():
        raise ValueError("an order names a variable twice")
    # -mean over examples of sum_t log p(y_t | y_1, ..., y_{t-1})
    said = jax.vmap(of_pairs)(log_p, values, order)  # (batch, step)
    return {"known": known, "joint_probability": jnp.exp(log_p), "loss": -said.sum(1).mean()}


def chain(
    params: Params, values: Array, order: Array, *, variables: int, symbols: int, told: Any
) -> tuple[Array, Array]:
    """h_t (step, hidden), and the logarithms of the probabilities (step, variable, symbol), of one example."""
    written = params["joint.embedding.weight"][order * symbols + values[order]]  # (step, hidden)
    zero = jnp.zeros_like(params["joint.start"])
    given = jnp.concatenate([params["joint.start"][None], written[:-1]])
    _, known = lax.scan(partial(step, params), (zero, zero), given)
    logits = known @ params["joint.readout.weight"].T + params["joint.readout.bias"]  # (step, pair)
    chosen = jax.nn.one_hot(order, variables, dtype=int)
    left = jnp.where(told, chosen == 1, jnp.cumsum(chosen, 0) == chosen)  # (step, variable)
    log_p = jax.nn.log_softmax(jnp.where(jnp.repeat(left, symbols, 1), logits, -jnp.inf))
    return known, log_p.reshape(*left.shape, symbols)


def of_pairs(log_p: Array, values: Array, order: Array) -> Array:
    """log p(y_t | y_1, ..., y_{t-1}) of the pairs that are written, (step,)."""
    return log_p[jnp.arange(len(order)), order, values[order]]


def drawn_order(params: Params, symbols: int, values: Array, noise: Array) -> Array:
    """An order for one example, left to right: of the variables that are left the argmax of log p + noise; see `orders.py`."""
    own = jnp.arange(len(values)) * symbols + values  # the pair of each variable's own value

    def choose(carry: tuple, given: Array) -> tuple[tuple, Array]:
        state, left, x = carry
        state, known = step(params, state, x)
        logits = params["joint.readout.weight"][own] @ known + params["joint.readout.bias"][own] + given
        chosen = jnp.argmax(jnp.where(left, logits, -jnp.inf))
        return (state, left.at[chosen].set(False), params["joint.embedding.weight"][own[chosen]]), chosen

    zero = jnp.zeros_like(params["joint.start"])
    _, order = lax.scan(choose, ((zero, zero), jnp.ones(len(values), bool), params["joint.start"]), noise)
    return order


def step(params: Params, state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Array]:
    """One step of the LSTM: its state, and h_t."""
    hidden, cell = state
    gates = params["joint.lstm.weight_ih_l0"] @ x + params["joint.lstm.bias_ih_l0"]
    gates = gates + params["joint.lstm.weight_hh_l0"] @ hidden + params["joint.lstm.bias_hh_l0"]
    i, f, g, o = jnp.split(gates, 4)  # each (hidden,)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g),  h_t = σ(o) * tanh(c_t)
    cell = sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g)
    hidden = sigmoid(o) * jnp.tanh(cell)
    return (hidden, cell), hidden
