r"""How the networks of `task.py` are trained and asked in JAX.

training   one compiled update: a window of every stream scanned, Adam on all parameters as one vector; the state goes from
           update to update as a value, so that no gradient flows through it: truncated back-propagation through time
answers    `lax.scan` over the characters of all texts
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree
from jax.nn import log_softmax, sigmoid, softmax

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import AdamState, adam, adam_init, clip_by_global_norm

task = sibling(__file__, "../task.py")
Params = dict[str, Array]
State = tuple[Array, ...]
# LLVM's first level compiles in half of the time, and what it compiles runs as fast.
compiled = partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 1})


def start(cell: str, count: int, dtype: jnp.dtype) -> State:
    """The zero state: h, and the cell of an LSTM; each (reader, unit)."""
    return (jnp.zeros((count, task.UNITS[cell]), dtype),) * (2 if cell == "lstm" else 1)


def step(cell: str, params: Params, state: State, given: Array) -> State:
    """One more character, of which `given` is W_xh x + b for every reader."""
    rows = given + state[0] @ params[f"{cell}.weight_hh_l0"].T
    if cell == "rnn":
        return (jnp.tanh(rows),)
    i, f, g, o = jnp.split(rows, 4, axis=1)
    new = sigmoid(f) * state[1] + sigmoid(i) * jnp.tanh(g)
    return sigmoid(o) * jnp.tanh(new), new


def columns(cell: str, params: Params, x: Array) -> Array:
    # W_xh x + b: 1-of-k picks a column
    return params[f"{cell}.weight_ih_l0"].T[x] + params[f"{cell}.bias_ih_l0"] + params[f"{cell}.bias_hh_l0"]


def read(cell: str, params: Params, text: Array, state: State) -> tuple[State, Array]:
    """text (reader, time) -> the state after it, and h after every character, (time, reader, unit)."""

    def advance(state: State, given: Array) -> tuple[State, Array]:
        state = step(cell, params, state, given)
        return state, state[0]

    return lax.scan(advance, state, columns(cell, params, text.T))


def readout(params: Params, hidden: Array) -> Array:
    return hidden @ params["readout.weight"].T + params["readout.bias"]


def train(training: Training) -> Trained:
    cell, data = training.net, {name: jnp.asarray(value) for name, value in training.data.items()}
    theta, named = ravel_pytree({name: jnp.asarray(value) for name, value in training.start.items()})
    state = start(cell, training.order.shape[1], theta.dtype)

    def loss(theta: Array, state: State, inputs: Array, targets: Array) -> tuple[Array, State]:
        params = named(theta)
        after, hidden = read(cell, params, inputs, state)
        shares = log_softmax(readout(params, hidden))  # (time, stream, character)
        return -jnp.mean(jnp.take_along_axis(shares, targets.T[..., None], axis=2)), after

    @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 1})
    def update(
        theta: Array, memory: AdamState, state: State, data: Params, index: Array, rate: Array, limit: float
    ) -> tuple[Array, AdamState, State, Array]:
        # what was carried here; zeros where the text begins anew
        state = tuple(jnp.where(data["fresh"][index][:, None], 0.0, part) for part in state)
        (value, state), gradient = jax.value_and_grad(loss, has_aux=True)(
            theta, state, data["inputs"][index], data["targets"][index]
        )
        theta, memory = adam(theta, clip_by_global_norm(gradient, limit), memory, rate)
        return theta, memory, state, value

    memory, losses, kept = adam_init(theta), [], {}
    for number, (index, rate) in enumerate(zip(training.order, training.rates, strict=True), 1):
        theta, memory, state, value = update(theta, memory, state, data, index, rate, training.clip)
        losses.append(value)
        if number in training.keep:
            kept[number] = named(theta)
    return Trained(named(theta), np.array(losses), kept)


@compiled
def seen(cell: str, params: Params, text: Array) -> Array:
    return jnp.moveaxis(read(cell, params, text, start(cell, len(text), params["readout.bias"].dtype))[1], 0, 1)


def states(cell: str, params: Arrays, text: Array) -> Array:
    return seen(cell, dict(params), text)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    windows, streams = inputs["inputs"], int(inputs["fresh"].sum())
    logits = readout(dict(params), seen(net, dict(params), windows.reshape(streams, -1)))
    return {"logits": logits.reshape(*windows.shape, -1)}


@compiled
def after(cell: str, params: Params, text: Array) -> Array:
    state, _ = read(cell, params, text, start(cell, len(text), params["readout.bias"].dtype))
    return readout(params, state[0])


@jax.jit
def sample(params: Params, chances: Array, temperature: float, first: int) -> Array:
    def write(carry: tuple[State, Array], chance: Array) -> tuple[tuple[State, Array], Array]:
        state, x = carry
        state = step("rnn", params, state, columns("rnn", params, x))
        shares = softmax(readout(params, state[0]) / temperature)
        x = jnp.sum(jnp.cumsum(shares, axis=1) <= chance[:, None], axis=1).clip(max=shares.shape[1] - 1)
        return (state, x), x

    begin = start("rnn", len(chances), params["readout.bias"].dtype), jnp.full(len(chances), first)
    return lax.scan(write, begin, chances.T)[1].T
