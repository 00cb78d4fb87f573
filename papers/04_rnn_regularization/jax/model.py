r"""Paper 04: Zaremba, Sutskever, Vinyals, «Recurrent Neural Network Regularization» (2014), in JAX: the stack is a step.

    step : params, state, (word, masks) -> state        lax.scan(step): a text
    i, f, o, g = sigm, sigm, sigm, tanh of T (D(h_t^{l-1}), h_{t-1}^l);   c_t = f ⊙ c_{t-1} + i ⊙ g;   h_t = o ⊙ tanh(c_t)
    y_t from D(h_t^L);   D(x) = m ⊙ x / (1 - p), the masks m handed in

Written for one text: a word is (unit,), hidden and cell (layer, unit); `vmap` adds the batch.

    paper             here
    h_t^0             embedding.weight[inputs]
    h_0^l, c_0^l      hidden, cell (batch, layer, unit)
    m                 masks (batch, time, layer + 1, unit); of the rivals recurrent_masks (batch, time, layer, 2, unit)
    T_{2n,4n}         lstm.weight_ih_l*, lstm.weight_hh_l*, two biases; rows i, f, g, o
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, sigmoid

Params = dict[str, Array]
Trace = dict[str, Array]


class Dropout(NamedTuple):
    """The rate, and whether the rivals' recurrent connections are dropped."""

    rate: float
    hidden: bool
    cell: bool


def dropped(x: Array, mask: Array, rate: float) -> Array:
    # D(x) = m ⊙ x / (1 - p)
    return jnp.where(mask, x, 0.0) / (1 - rate)


def step(
    params: Params, dropout: Dropout, hidden: Array, cell: Array, x: Array, masks: Array, recurrent_masks: Array
) -> Trace:
    """One word through all layers: each name (layer, unit)."""
    found: list[Trace] = []
    for layer, (h, c, kept) in enumerate(zip(hidden, cell, recurrent_masks, strict=True)):
        h = dropped(h, kept[0], dropout.rate) if dropout.hidden else h
        c = dropped(c, kept[1], dropout.rate) if dropout.cell else c
        # T_{2n,4n} (D(h_t^{l-1}), h_{t-1}^l)
        names = [f"lstm.{name}_l{layer}" for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]
        given, bias, recurrent, recurrent_bias = (params[name] for name in names)
        i, f, g, o = jnp.split(
            given @ dropped(x, masks[layer], dropout.rate) + bias + recurrent @ h + recurrent_bias, 4
        )
        i, f, g, o = sigmoid(i), sigmoid(f), jnp.tanh(g), sigmoid(o)
        # c_t = f ⊙ c_{t-1} + i ⊙ g,  h_t = o ⊙ tanh(c_t)
        c = f * c + i * g
        x = o * jnp.tanh(c)
        found.append({"input_gate": i, "forget_gate": f, "candidate": g, "cell": c, "output_gate": o, "hidden": x})
    return {name: jnp.stack([layer[name] for layer in found]) for name in found[0]}


def read(
    params: Params, dropout: Dropout, words: Array, hidden: Array, cell: Array, masks: Array, recurrent_masks: Array
) -> Trace:
    """One text: words (time, unit) -> each name (time, layer, unit)."""

    def advance(state: tuple[Array, Array], given: tuple[Array, ...]) -> tuple[tuple[Array, Array], Trace]:
        seen = step(params, dropout, *state, *given)
        return (seen["hidden"], seen["cell"]), seen

    return lax.scan(advance, (hidden, cell), (words, masks, recurrent_masks))[1]


def forward(
    params: Params,
    batch: dict[str, Array],
    vocabulary: int,
    hidden: int,
    layers: int,
    dropout: float,
    drop_hidden: bool,
    drop_cell: bool,
) -> dict[str, Array]:
    """inputs, targets (batch, time) -> gates and states (batch, time, layer, unit), logits, loss in nats."""
    if not 0 <= dropout < 1:
        raise ValueError(f"a dropout rate is at least 0 and below 1, not {dropout}")
    words, masks = params["embedding.weight"][batch["inputs"]], batch["masks"]
    reader = jax.vmap(partial(read, params, Dropout(dropout, drop_hidden, drop_cell)))
    trace = reader(words, batch["hidden"], batch["cell"], masks, batch["recurrent_masks"])
    # y_t from D(h_t^L)
    last = dropped(trace["hidden"][:, :, -1], masks[:, :, -1], dropout)
    logits = last @ params["readout.weight"].T + params["readout.bias"]  # (batch, time, vocabulary)
    loss = -jnp.mean(jnp.take_along_axis(log_softmax(logits), batch["targets"][..., None], axis=2))
    return {**trace, "logits": logits, "loss": loss}
