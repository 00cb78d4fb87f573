r"""How the networks of `task.py` are trained and asked in JAX: one net is a scan, `vmap` makes it an ensemble.

training   one compiled update for all nets; the state goes from update to update as a value, so that no gradient flows
           through it
answers    the same scan without masks
noise      the same scan under masks, its cells shown
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.nn import log_softmax, sigmoid

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import AdamState, adam, adam_init

task = sibling(__file__, "../task.py")
Params = dict[str, Array]
State = tuple[Array, Array]  # hidden and cell, (layer, reader, unit)
OPTIONS = {"xla_backend_optimization_level": 1}  # LLVM's first level compiles in half of the time


def step(params: Params, state: State, x: Array, kept: Array) -> State:
    """One character of all readers, x (reader, unit), under m / (1 - p) of all places, (place, reader, unit)."""
    hiddens, cells = [], []
    for layer in range(task.LAYERS):
        hidden, cell = state[0][layer] * kept[3 + layer], state[1][layer] * kept[5 + layer]
        given, recurrent = (params[f"lstm.weight_{name}_l{layer}"] for name in ("ih", "hh"))
        bias = params[f"lstm.bias_ih_l{layer}"] + params[f"lstm.bias_hh_l{layer}"]
        i, f, g, o = jnp.split((x * kept[layer]) @ given.T + hidden @ recurrent.T + bias, 4, axis=1)
        cells.append(sigmoid(f) * cell + sigmoid(i) * jnp.tanh(g))
        hiddens.append(sigmoid(o) * jnp.tanh(cells[-1]))
        x = hiddens[-1]
    return jnp.stack(hiddens), jnp.stack(cells)


def read(params: Params, text: Array, state: State, kept: Array) -> tuple[State, tuple[Array, Array]]:
    """One net: text (reader, time) -> the state after it, D(h) of the last layer (time, reader, unit), and all cells.

    The cells are (time, layer, reader, unit).
    """

    def advance(state: State, given: tuple[Array, Array]) -> tuple[State, tuple[Array, Array]]:
        x, kept = given
        state = step(params, state, x, kept)
        return state, (state[0][-1] * kept[task.LAYERS], state[1])

    return lax.scan(advance, state, (params["embedding.weight"][text.T], kept))


def confidences(params: Params, hidden: Array) -> Array:
    return hidden @ params["readout.weight"].T + params["readout.bias"]


def unpacked(masks: Array, dtype: Any) -> Array:
    """(reader, time, place, unit / 8) bytes -> (time, place, reader, unit)"""
    return jnp.moveaxis(jnp.unpackbits(masks, axis=3), 0, 2).astype(dtype)


def keeping(drop: Array, scale: Array, masks: Array) -> Array:
    """m / (1 - p) where this net drops, else 1: (time, place, reader, unit)"""
    return jnp.where(drop[:, None, None], masks * scale[:, None, None], jnp.ones((), masks.dtype))


def begin(params: Params, readers: int) -> State:
    nets, _, units = params["readout.weight"].shape
    zero = jnp.zeros((nets, task.LAYERS, readers, units), params["readout.bias"].dtype)
    return zero, zero


def train(training: Training) -> Trained:
    net, data = training.net, {name: jnp.asarray(value) for name, value in training.data.items()}
    params = {name: jnp.asarray(value) for name, value in training.start.items()}
    dtype, nets = params["readout.bias"].dtype, len(params["readout.bias"])
    drop, scale = (jnp.asarray(part) for part in task.used(nets, task.RATE[net]))
    scale = scale.astype(dtype)

    def loss(
        params: Params, drop: Array, scale: Array, state: State, inputs: Array, targets: Array, masks: Array
    ) -> tuple:
        """Of one net."""
        state, (hidden, _) = read(params, inputs, state, keeping(drop, scale, masks))
        logits = confidences(params, hidden[-1:] if net == "recall" else hidden)  # (time, reader, character)
        return -jnp.mean(jnp.take_along_axis(log_softmax(logits), targets.T[..., None], axis=2)), state

    @partial(jax.jit, compiler_options=OPTIONS)
    def update(params: Params, memory: AdamState, state: State, data: Params, index: Array, rate: Array) -> tuple:
        # what was carried here; zeros where the text begins anew
        state = tuple(jnp.where(data["fresh"][index][None, None, :, None], 0.0, part) for part in state)
        masks = unpacked(data["masks"][index], dtype)
        examples = data["inputs"][index], data["targets"][index]

        def total(params: Params) -> tuple[Array, State]:
            each = jax.vmap(loss, in_axes=(0, 0, 0, 0, None, None, None))
            losses, after = each(params, drop, scale, state, *examples, masks)
            return losses.sum(), after

        (value, state), gradient = jax.value_and_grad(total, has_aux=True)(params)
        params, memory = adam(params, gradient, memory, rate)
        return params, memory, state, value / nets

    memory, state, losses, kept = adam_init(params), begin(params, training.order.shape[1]), [], {}
    for number, (index, rate) in enumerate(zip(training.order, training.rates, strict=True), 1):
        params, memory, state, value = update(params, memory, state, data, index, rate)
        losses.append(value)
        if number in training.keep:
            kept[number] = params
    return Trained(params, np.array(losses), kept)


@partial(jax.jit, static_argnums=0, compiler_options=OPTIONS)
def answers(net: str, params: Params, text: Array) -> Array:
    ones = jnp.ones((text.shape[1], task.PLACES, 1, 1), params["readout.bias"].dtype)

    def single(params: Params, state: State) -> Array:
        hidden = read(params, text, state, ones)[1][0]
        return jnp.moveaxis(confidences(params, hidden[-1:] if net == "recall" else hidden), 0, 1)

    return jax.vmap(single)(params, begin(params, len(text)))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    rows = inputs["inputs"]
    logits = answers(net, dict(params), rows.reshape(int(inputs["fresh"].sum()), -1))
    return {"logits": logits.reshape(len(logits), len(rows), -1, logits.shape[-1])}


@partial(jax.jit, compiler_options=OPTIONS)
def _cells(params: Params, text: Array, packed: Array, drop: Array, scale: Array) -> Array:
    masks = unpacked(packed, scale.dtype)

    def single(net: tuple[Params, State, Array, Array]) -> Array:
        params, state, drop, scale = net
        return read(params, text, state, keeping(drop, scale, masks))[1][1]

    # net after net, so that the masks of one alone are unpacked
    cells = lax.map(single, (params, begin(params, len(text)), drop, scale))
    return jnp.moveaxis(cells, 3, 1)


def noisy_cells(params: Arrays, text: Array, packed: Array) -> Array:
    """Of the nets of arm `none`, dropped where each arm drops: (net, reader, time, layer, unit)."""
    params = task.undropped(params)
    drop, scale = task.used(len(params["readout.bias"]), task.RATE["recall"])
    return _cells(params, text, packed, drop, scale)
