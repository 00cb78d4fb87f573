r"""How the networks of `task.py` are trained and asked in JAX.

    training     a whole run is one `lax.while_loop` over minibatches; the cells are those of this room's model, scanned
    answers      `vmap` over the sequences
    gradients    ∂C_t/∂C_0 and ∂h_t/∂h_0 by forward mode, over all networks at once

Sequences are padded to one of a few lengths and read out at their own lag, so that many lags share a program: to compile
one takes longer than to run it.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init, clip_by_global_norm

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")
Params = dict[str, Array]
# Of sequences. RNNs do too little on short ones for a program of their own.
LENGTHS = {"lstm": (11, 101), "rnn": (101,)}


def compiled(function: Callable, level: int = 0) -> Callable:
    """A program for each cell. LLVM's level 0 compiles in a third of the time of 1, to what runs a third as fast."""
    return jax.jit(function, static_argnums=0, compiler_options={"xla_backend_optimization_level": level})


def padded(tokens: Array, length: int) -> Array:
    """tokens (example, time) with noise behind them up to that length."""
    return np.pad(tokens, [(0, 0), (0, length - tokens.shape[1])], constant_values=task.SYMBOLS)


def run(cell: str, params: Params, tokens: Array, start: Array) -> dict[str, Array]:
    """tokens (time,) from C_0, h_0 in the RNN, = start -> every gate and state of one example, (time, unit)."""
    zero = jnp.zeros_like(start)
    inputs = jax.nn.one_hot(tokens, task.FEATURES, dtype=start.dtype)  # (time, feature)
    return model.run(model.STEPS[cell], params, inputs, start if cell == "rnn" else zero, start)


def read(params: Params, hidden: Array) -> Array:
    return hidden @ params["readout.weight"].T + params["readout.bias"]


def updates(
    cell: str, params: Params, data: Params, order: Array, rates: Array, lag: int, limit: float, window: int
) -> tuple[Params, Array, Array]:
    """Adam until `window` minibatches in a row were named without an error, or the order (update, example) is at its end.

    The trained parameters, the losses (update,), and how many of them there are.
    """
    theta, named = ravel_pytree(params)  # one vector of all parameters, so that Adam is compiled once and not per name
    zero = jnp.zeros(task.UNITS[cell], theta.dtype)

    def loss(theta: Array, tokens: Array, target: Array) -> tuple[Array, Array]:
        seen = jax.vmap(lambda sequence: run(cell, named(theta), sequence, zero))(tokens)
        # one-hot sums stand for indexing, whose gradient is a scatter and slow to compile
        hidden = jnp.einsum("eth,t->eh", seen["hidden"], jax.nn.one_hot(lag, tokens.shape[1], dtype=theta.dtype))
        logits = read(named(theta), hidden)  # (example, symbol)
        picked = jnp.sum(jax.nn.log_softmax(logits) * jax.nn.one_hot(target, task.SYMBOLS, dtype=theta.dtype), axis=1)
        return -picked.mean(), jnp.all(logits.argmax(1) == target)

    def learning(carry: tuple) -> Array:
        _, state, _, row = carry
        return (state.step < len(order)) & (row < window)

    def update(carry: tuple) -> tuple:
        theta, state, losses, row = carry
        index, rate = order[state.step], rates[state.step]
        (value, right), gradient = jax.value_and_grad(loss, has_aux=True)(
            theta, data["tokens"][index], data["target"][index]
        )
        losses = losses.at[state.step].set(value)
        theta, state = adam(theta, clip_by_global_norm(gradient, limit), state, rate)
        return theta, state, losses, jnp.where(right, row + 1, 0)

    begin = (theta, adam_init(theta), jnp.zeros(len(order), theta.dtype), 0)
    theta, state, losses, _ = lax.while_loop(learning, update, begin)
    return named(theta), losses, state.step


# Short sequences, and the first updates in float64, take less time than a better program takes to compile.
quickly, thoroughly = compiled(updates), compiled(updates, level=1)


def train(training: Training) -> Trained:
    tokens, lag = training.data["tokens"], training.data["tokens"].shape[1] - 1
    length = min(length for length in LENGTHS[training.net] if length > lag)
    data = {**training.data, "tokens": padded(tokens, length)}
    asked = (training.order, training.rates, lag, training.clip, training.settings["stop"])
    program = thoroughly if length > task.LONGEST and training.rates.dtype == np.float32 else quickly
    params, losses, count = program(training.net, dict(training.start), data, *asked)
    return Trained(params, np.asarray(losses)[: int(count)])


@compiled
def seen(cell: str, params: Params, tokens: Array) -> dict[str, Array]:
    zero = jnp.zeros(task.UNITS[cell], params["readout.bias"].dtype)
    return jax.vmap(lambda sequence: run(cell, params, sequence, zero))(tokens)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    length = inputs["tokens"].shape[1]
    tokens = padded(inputs["tokens"], task.LONGEST + 1)
    found = {name: value[:, :length] for name, value in seen(net, dict(params), tokens).items()}
    answers = {"logits": read(params, found["hidden"][:, -1])}
    if net == "lstm":
        answers |= {name: found[name][: task.SHOWN] for name in ("forget_gate", "input_gate")}
        answers["kept"] = found["forget_gate"].prod(axis=1)
    return answers


@compiled
def norms(cell: str, params: Params, tokens: Array) -> Array:
    zero = jnp.zeros(task.UNITS[cell], params["readout.bias"].dtype)

    def states(start: Array, sequence: Array) -> Array:
        return run(cell, params, sequence, start)["hidden" if cell == "rnn" else "cell"]

    jacobian = jax.vmap(partial(jax.jacfwd(states), zero))(tokens)  # (example, time, unit, unit)
    return jnp.sqrt(jnp.square(jacobian).sum((2, 3)).mean(0))  # (time,)


def state_gradient(cell: str, nets: list[Arrays], tokens: Array) -> Array:
    """Frobenius norm of ∂C_t/∂C_0, of ∂h_t/∂h_0 in the RNN: (net, time), root mean square over tokens (example, time)."""
    stacked = {name: jnp.stack([params[name] for params in nets]) for name in nets[0]}
    return jax.vmap(partial(norms, cell), in_axes=(0, None))(stacked, tokens)
