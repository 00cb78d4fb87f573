r"""Paper 03: C. Olah, «Understanding LSTM Networks» (2015), in JAX: a cell is a function, a layer is its scan.

    step : params, (hidden, cell), x  ->  what happened at this time, by name
    lax.scan(step)                    ->  the unrolled chain of the post

    LSTM     C_t = f_t * C_{t-1} + i_t * C̃_t,   h_t = o_t * tanh(C_t)
    peephole the same, with gates that look at the cell: f_t and i_t at C_{t-1}, o_t at C_t
    coupled  C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    GRU      h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t,   h̃_t = tanh(W·[r_t * h_{t-1}, x_t])
    RNN      h_t = tanh(W·[h_{t-1}, x_t] + b)

Each step is written for one example: x (features,), hidden and cell (hidden,); `vmap` adds the batch.

    post                 in a step         in its trace
    x_t, h_t, C_t        x, hidden, cell   hidden, cell
    f_t, i_t, C̃_t, o_t   f, i, g, o        forget_gate, input_gate, candidate, output_gate
    z_t, r_t, h̃_t        z, r, n           update, reset, candidate

    parameters           rows of the weights, in blocks of `hidden`
    lstm.*, peephole.*   i, f, g, o; peephole.weight_ch_l0, which reads C, has i, f, o
    coupled.*            f, g, o
    gru.*                r, 1 - z, n
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.nn import log_softmax, sigmoid

Params = dict[str, Array]
Trace = dict[str, Array]
Step = Callable[[Params, Array, Array, Array], Trace]


def affine(params: Params, cell: str, x: Array, hidden: Array) -> tuple[Array, Array]:
    # W·[h_{t-1}, x_t] + b is the sum of these two
    from_input = params[f"{cell}.weight_ih_l0"] @ x + params[f"{cell}.bias_ih_l0"]  # (gates·hidden,)
    from_hidden = params[f"{cell}.weight_hh_l0"] @ hidden + params[f"{cell}.bias_hh_l0"]  # (gates·hidden,)
    return from_input, from_hidden


def rnn(params: Params, x: Array, hidden: Array, cell: Array) -> Trace:
    # h_t = tanh(W·[h_{t-1}, x_t] + b)
    return {"hidden": jnp.tanh(sum(affine(params, "rnn", x, hidden)))}


def lstm(params: Params, x: Array, hidden: Array, cell: Array) -> Trace:
    i, f, g, o = jnp.split(sum(affine(params, "lstm", x, hidden)), 4)
    # i_t = σ(…), f_t = σ(…), C̃_t = tanh(…), o_t = σ(…)
    i, f, g, o = sigmoid(i), sigmoid(f), jnp.tanh(g), sigmoid(o)
    # C_t = f_t * C_{t-1} + i_t * C̃_t
    cell = f * cell + i * g
    # h_t = o_t * tanh(C_t)
    hidden = o * jnp.tanh(cell)
    return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def peephole(params: Params, x: Array, hidden: Array, cell: Array) -> Trace:
    i, f, g, o = jnp.split(sum(affine(params, "peephole", x, hidden)), 4)
    w_i, w_f, w_o = jnp.split(params["peephole.weight_ch_l0"], 3)  # each (hidden, hidden)
    # i_t = σ(… + W_iC·C_{t-1}), f_t = σ(… + W_fC·C_{t-1}), C̃_t = tanh(…), which sees no cell
    i, f, g = sigmoid(i + w_i @ cell), sigmoid(f + w_f @ cell), jnp.tanh(g)
    # C_t = f_t * C_{t-1} + i_t * C̃_t
    cell = f * cell + i * g
    # o_t = σ(… + W_oC·C_t): the cell that was just written
    o = sigmoid(o + w_o @ cell)
    # h_t = o_t * tanh(C_t)
    hidden = o * jnp.tanh(cell)
    return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def coupled(params: Params, x: Array, hidden: Array, cell: Array) -> Trace:
    f, g, o = jnp.split(sum(affine(params, "coupled", x, hidden)), 3)
    f, g, o = sigmoid(f), jnp.tanh(g), sigmoid(o)
    # C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    cell = f * cell + (1 - f) * g
    # h_t = o_t * tanh(C_t)
    hidden = o * jnp.tanh(cell)
    return {"forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def gru(params: Params, x: Array, hidden: Array, cell: Array, after: bool = False) -> Trace:
    from_input, from_hidden = affine(params, "gru", x, hidden)
    (r_x, z_x, n_x), (r_h, z_h, n_h) = jnp.split(from_input, 3), jnp.split(from_hidden, 3)
    # r_t = σ(W_r·[h_{t-1}, x_t]),  z_t = σ(W_z·[h_{t-1}, x_t]), whose negated weights are stored
    r, z = sigmoid(r_x + r_h), sigmoid(-(z_x + z_h))
    # the post: h̃_t = tanh(W·[r_t * h_{t-1}, x_t]);  nn.GRU: h̃_t = tanh(W_x·x_t + b_x + r_t * (W_h·h_{t-1} + b_h))
    n = jnp.tanh(n_x + (r * n_h if after else jnp.split(affine(params, "gru", x, r * hidden)[1], 3)[2]))
    # h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t
    return {"update": z, "reset": r, "candidate": n, "hidden": (1 - z) * hidden + z * n}


STEPS: dict[str, Step] = {
    "rnn": rnn,
    "lstm": lstm,
    "peephole": peephole,
    "coupled": coupled,
    "gru": gru,
    "gru_after": partial(gru, after=True),
}


def run(step: Step, params: Params, inputs: Array, hidden: Array, cell: Array) -> Trace:
    """One example: inputs (time, features), initial hidden and cell (hidden,) -> each name (time, hidden)."""

    def advance(state: tuple[Array, Array], x: Array) -> tuple[tuple[Array, Array], Trace]:
        seen = step(params, x, *state)
        return (seen["hidden"], seen.get("cell", state[1])), seen

    return lax.scan(advance, (hidden, cell), inputs)[1]


def forward(params: Params, batch: dict[str, Array], features: int, hidden: int, classes: int) -> dict[str, Array]:
    """inputs (batch, time, features), hidden and cell (batch, hidden), target (batch,) -> named outputs, loss in nats."""
    traces = {
        "" if name == "lstm" else f"{name}_": jax.vmap(partial(run, step, params))(
            batch["inputs"], batch["hidden"], batch["cell"]
        )
        for name, step in STEPS.items()
    }
    # logits = V h_T + b, the same readout for every cell
    last = jnp.stack([trace["hidden"][:, -1] for trace in traces.values()], axis=1)  # (batch, cells, hidden)
    logits = last @ params["readout.weight"].T + params["readout.bias"]  # (batch, cells, classes)
    # loss = -mean log softmax(logits)_target, over examples and cells
    loss = -jnp.mean(jnp.take_along_axis(log_softmax(logits), batch["target"][:, None, None], axis=2))
    outputs = {prefix + name: value for prefix, trace in traces.items() for name, value in trace.items()}
    return {**outputs, "logits": logits, "loss": loss}
