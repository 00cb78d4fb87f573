r"""Paper 02: A. Karpathy, «The Unreasonable Effectiveness of Recurrent Neural Networks» (2015), in JAX.

    step : params, h, x -> h        h_t = tanh(W_hh h_{t-1} + W_xh x_t + b), layer upon layer
    lax.scan(step)                  a window of text;   y_t = W_hy h_t + b_y;   p_t = softmax(y_t / τ)

Written for one text: x is the index of a character, h (layer, unit); `vmap` adds the batch.

    post              here
    x_t, target       inputs, targets (batch, time)
    h                 hidden (batch, layer, unit) on the way in, (batch, time, layer, unit) on the way out
    W_xh, W_hh, b     rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0 + rnn.bias_hh_l0; _l1 of the second layer
    W_hy, b_y         readout.weight, readout.bias
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, softmax

Params = dict[str, Array]


def step(params: Params, hidden: Array, x: Array) -> Array:
    """The state (layer, unit) after one more character."""
    new: list[Array] = []
    for layer, before in enumerate(hidden):
        given, recurrent = (params[f"rnn.weight_{name}_l{layer}"] for name in ("ih", "hh"))
        # W_xh x_t: 1-of-k picks a column; the second layer receives the first one's state
        from_below = given @ new[-1] if new else given[:, x]  # (unit,)
        bias = params[f"rnn.bias_ih_l{layer}"] + params[f"rnn.bias_hh_l{layer}"]
        # h_t = tanh(W_hh h_{t-1} + W_xh x_t + b)
        new.append(jnp.tanh(recurrent @ before + from_below + bias))
    return jnp.stack(new)


def read(params: Params, inputs: Array, hidden: Array) -> Array:
    """One text: inputs (time,), hidden (layer, unit) -> every state, (time, layer, unit)."""

    def advance(hidden: Array, x: Array) -> tuple[Array, Array]:
        hidden = step(params, hidden, x)
        return hidden, hidden

    return lax.scan(advance, hidden, inputs)[1]


def confidences(params: Params, hidden: Array) -> Array:
    # y_t = W_hy h_t + b_y, of the last layer's state
    return hidden[..., -1, :] @ params["readout.weight"].T + params["readout.bias"]


def forward(
    params: Params, batch: dict[str, Array], vocabulary: int, hidden: int, layers: int, temperature: float
) -> dict[str, Array]:
    """inputs, targets (batch, time), hidden (batch, layer, unit), fresh (batch,) -> named outputs, loss in nats."""
    if not temperature > 0:
        raise ValueError(f"a temperature is positive, not {temperature}")
    # the state that was carried here, or zeros where the text begins anew
    start = jnp.where(batch["fresh"][:, None, None], 0.0, batch["hidden"])
    states = jax.vmap(read, in_axes=(None, 0, 0))(params, batch["inputs"], start)
    logits = confidences(params, states)  # (batch, time, vocabulary)
    # loss = mean of -log p_t[target_t] at temperature 1
    loss = -jnp.mean(jnp.take_along_axis(log_softmax(logits), batch["targets"][..., None], axis=2))
    # p_t = softmax(y_t / τ)
    return {"hidden": states, "logits": logits, "probabilities": softmax(logits / temperature), "loss": loss}
