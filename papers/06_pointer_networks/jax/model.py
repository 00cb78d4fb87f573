r"""Pointer Networks as pure functions of one example in JAX, paper 06 (Vinyals, Fortunato, Jaitly, 2015).

    (1)    p(C | P) = prod_i p(C_i | C_1, ..., C_{i-1}, P)
    (2)    loss = -mean over examples of log p(C | P)
    2.3    u^i_j = v^T tanh(W_1 e_j + W_2 d_i),   p(C_i | ...) = softmax(u^i)
    (3)    the rival: a^i = softmax(u^i),  d'_i = sum_j a^i_j e_j,  logits from (d_i, d'_i) over a fixed dictionary

    paper   name here                        paper   name here
    e, d    encoded, decoded                 =>, <=  start, which is read; stop, which is pointed at: both choice 0
    W_1     key.weight                       W_2, v  query.weight, score.weight

`vmap` carries a function of one point set over a batch, `scan` the LSTM's cell over time. `reuse` and `stop` may be traced, so
that a hull and a tour share one program.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import sigmoid

Params = dict[str, Array]
State = tuple[Array, Array]  # hidden and cell, each (hidden,)


def forward(params: Params, batch: dict[str, Array], *, features: int, hidden: int, dictionary: int = 0,
            reuse: Any = True, stop: Any = True) -> dict[str, Array]:  # fmt: skip
    """The outputs that `numpy_checks.forward` names. Raises ValueError where a target is no choice and where an input has no
    point, once that can be seen; traced, the loss is infinite."""
    names = ("points", "point_mask", "target", "target_mask")
    one = partial(example, params, dictionary=dictionary, reuse=reuse, stop=stop)
    outputs = jax.vmap(one)(*(batch[name] for name in names))
    log_p, target = outputs.pop("log_p"), batch["target"]  # (batch, output, choice)
    # log p(C_i | C_1, ..., C_{i-1}, P), -infinity for what is no choice
    known = (target >= 0) & (target < log_p.shape[-1])
    said = jnp.where(known, jnp.take_along_axis(log_p, jnp.where(known, target, 0)[..., None], -1)[..., 0], -jnp.inf)
    said = jnp.where(batch["target_mask"] | ~known, said, 0)  # (batch, output)
    some = batch["point_mask"].any(1)  # (batch,)
    if not isinstance(said, jax.core.Tracer):
        if not some.all():
            raise ValueError("an input without any point: nothing can be pointed at")
        if jnp.isneginf(said).any():
            raise ValueError("a target is no choice: it names no point, padding, a used point, or a forbidden end")
    # -mean over examples of sum_i log p(C_i | ...)
    loss = -jnp.where(some, said.sum(1), -jnp.inf).mean()
    return {**outputs, "probability": jnp.exp(log_p), "loss": loss}


def example(params: Params, points: Array, mask: Array, target: Array, real: Array, *, dictionary: int, reuse: Any,
            stop: Any) -> dict[str, Array]:  # fmt: skip
    """points (input, feature), target (output,) -> the outputs of one example, and the logarithms of its probabilities."""
    encoded, state = encode(params, points, mask)  # (input, hidden)
    # C_{i-1}, where C_0 is =>
    previous = jnp.concatenate([jnp.zeros_like(target[:1]), target[:-1]])
    _, decoded = lax.scan(partial(step, params), state, read(params, points, mask, previous))  # (output, hidden)
    keys = candidates(params, encoded)  # (1 + input, hidden)
    scores = jax.vmap(lambda query: additive(params, keys, query))(decoded)  # (output, 1 + input)
    if dictionary:
        logits = jax.vmap(partial(from_dictionary, params, encoded, mask))(decoded, scores)
    else:
        used = used_before(target, len(mask)) & jnp.logical_not(reuse)  # (output, input)
        may = jax.vmap(choices, in_axes=(None, 0, 0, None))(mask, used, real, stop)  # (output, 1 + input)
        logits = jnp.where(may, scores, -jnp.inf)
    return {"encoded": encoded, "decoded": decoded, "scores": scores, "log_p": jax.nn.log_softmax(logits)}


def encode(params: Params, points: Array, mask: Array) -> tuple[Array, State]:
    """e_j (input, hidden), zero at padding, and the state after the last real point."""

    def advance(state: State, seen: tuple[Array, Array]) -> tuple[State, Array]:
        x, here = seen
        new = lstm(params, "encoder", state, x)
        kept = tuple(jnp.where(here, after, before) for after, before in zip(new, state, strict=True))
        return kept, jnp.where(here, new[0], 0)

    zero = jnp.zeros_like(params["stop"])
    state, encoded = lax.scan(advance, (zero, zero), (points, mask))
    return encoded, state


def step(params: Params, state: State, x: Array) -> tuple[State, Array]:
    """One step of the decoder: its state, and d_i."""
    state = lstm(params, "decoder", state, x)
    return state, state[0]


def lstm(params: Params, name: str, state: State, x: Array) -> State:
    hidden, cell = state
    gates = params[f"{name}.weight_ih_l0"] @ x + params[f"{name}.bias_ih_l0"]
    gates = gates + params[f"{name}.weight_hh_l0"] @ hidden + params[f"{name}.bias_hh_l0"]
    i, f, g, o = jnp.split(gates, 4)  # each (hidden,)
    # c_t = σ(f) * c_{t-1} + σ(i) * tanh(g),  h_t = σ(o) * tanh(c_t)
    cell = sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(cell), cell


def read(params: Params, points: Array, mask: Array, choice: Array) -> Array:
    """What the decoder reads: => for choice 0, the point itself for the others, zeros for a name of no point of the input."""
    table = jnp.concatenate([params["start"][None], jnp.where(mask[:, None], points, 0)])  # (1 + input, feature)
    return table.at[choice].get(mode="fill", fill_value=0)


def candidates(params: Params, encoded: Array) -> Array:
    """<= and the encoded points, (1 + input, hidden)."""
    return jnp.concatenate([params["stop"][None], encoded])


def additive(params: Params, keys: Array, query: Array) -> Array:
    # u_j = v^T tanh(W_1 e_j + W_2 d)
    return jnp.tanh(keys @ params["key.weight"].T + params["query.weight"] @ query) @ params["score.weight"][0]


def used_before(target: Array, count: int) -> Array:
    """Whether a point was pointed at before step i, (output, input)."""
    chosen = jax.nn.one_hot(target - 1, count, dtype=int)  # -1, which is <=, is no point
    return jnp.cumsum(chosen, 0) > chosen


def choices(mask: Array, used: Array, real: Array, stop: Any) -> Array:
    """What may be pointed at, (1 + input,). Behind the end of a target it is <= alone."""
    end = jnp.logical_or(stop, jnp.logical_not(real))
    return jnp.concatenate([end[None], mask & ~used & real])


def from_dictionary(params: Params, encoded: Array, mask: Array, decoded: Array, scores: Array) -> Array:
    # a = softmax(u) over the points alone,  d' = sum_j a_j e_j
    weights = jax.nn.softmax(jnp.where(mask, scores[1:], -jnp.inf))  # (input,)
    return params["readout.weight"] @ jnp.concatenate([decoded, weights @ encoded]) + params["readout.bias"]
