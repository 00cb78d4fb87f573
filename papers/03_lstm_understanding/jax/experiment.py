r"""What the post says of long-term dependencies, measured in JAX: recall of a symbol after a lag of noise.

    recall        LSTMs and tanh RNNs of equal size, each with two ways to start, trained from scratch at lags 10, 50, 100
    gradients     |∂C_t/∂C_0| of the LSTMs and |∂h_t/∂h_0| of the RNNs at lag 100, before and after training
    forget bias   updates until recall at lag 8, with forget-gate bias 0 and 1

The cells are those of this room's model, scanned over time. A whole training run is one `lax.while_loop`, compiled once
for all lags: a net reads sequences of the longest lag and is read out at its own; what comes later changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.corpus import sibling
from s30.training.jax import adam, adam_init, clip_by_global_norm
from s30.vocabulary import Experiment

model = sibling(__file__, "model.py")
task = sibling(__file__, "../recall.py")
Progress = Callable[[float, str], None]
Params = dict[str, Array]
# Compiling costs more than running here; LLVM's first level halves it and runs as fast.
compiled = partial(jax.jit, static_argnums=0, compiler_options={"xla_backend_optimization_level": 1})


def run_cell(cell: str, params: Params, tokens: Array, start: Array | float = 0.0) -> dict[str, Array]:
    """tokens (time,) from C_0 (h_0 for the RNN) = start -> every gate and state of one example, (time, hidden)."""
    zero = jnp.zeros(task.HIDDEN)
    hidden, state = (zero + start, zero) if cell == "rnn" else (zero, zero + start)
    return model.run(model.STEPS[cell], params, jax.nn.one_hot(tokens, task.FEATURES), hidden, state)


def cross_entropy(cell: str, params: Params, tokens: Array, lag: Array) -> tuple[Array, Array]:
    """Mean over tokens (example, time) in nats, and the accuracy beside it, read from the hidden states at time `lag`."""
    # one-hot sums stand for indexing, whose gradient is a scatter and slow to compile
    at_lag = jax.nn.one_hot(lag, tokens.shape[1])  # (time,)
    hidden = jnp.einsum("eth,t->eh", jax.vmap(partial(run_cell, cell, params))(tokens)["hidden"], at_lag)
    logits = hidden @ params["readout.weight"].T + params["readout.bias"]  # (example, symbol)
    picked = jnp.sum(jax.nn.log_softmax(logits) * jax.nn.one_hot(tokens[:, 0], task.SYMBOLS), axis=1)
    return -picked.mean(), jnp.mean(logits.argmax(1) == tokens[:, 0])


@compiled
def train(
    cell: str, rate: float, start: Params, lag: int, minibatches: Array, test: Array
) -> tuple[Params, Array, Array]:
    """Adam over minibatches (update, example, time) until the net has learnt.

    Returns the trained parameters, the number of updates, and the accuracy on `test`.
    """
    # one vector of all parameters, so that Adam is compiled once and not per name
    flat, named = ravel_pytree(start)
    Carry = tuple[Array, Any, Array]  # parameters, Adam's state, minibatches in a row without an error

    def learning(carry: Carry) -> Array:
        return (carry[1].step < len(minibatches)) & (carry[2] < task.WINDOW)

    def update(carry: Carry) -> Carry:
        flat, state, row = carry
        tokens = minibatches[state.step]
        grads, right = jax.grad(lambda p: cross_entropy(cell, named(p), tokens, lag), has_aux=True)(flat)
        flat, state = adam(flat, clip_by_global_norm(grads, task.LIMIT), state, rate)
        return flat, state, jnp.where(right == 1, row + 1, 0)

    flat, state, _ = lax.while_loop(learning, update, (flat, adam_init(flat), jnp.zeros((), jnp.int32)))
    return named(flat), state.step, cross_entropy(cell, named(flat), test, lag)[1]


@compiled
def state_gradient(cell: str, params: Params, tokens: Array) -> tuple[Array, dict[str, Array]]:
    """Frobenius norm of ∂C_t/∂C_0 (∂h_t/∂h_0 for the RNN), t = 1, 2, …, root mean square over the examples; and the gates."""

    def states(start: Array, tokens: Array) -> tuple[Array, dict[str, Array]]:
        seen = run_cell(cell, params, tokens, start)
        return seen["hidden" if cell == "rnn" else "cell"], seen

    jacobian, seen = jax.vmap(partial(jax.jacfwd(states, has_aux=True), jnp.zeros(task.HIDDEN)))(tokens)
    # (example, time, hidden, hidden); the largest entry is taken out before squaring, which float32 could not hold
    largest = jnp.abs(jacobian).max((0, 2, 3), keepdims=True) + task.SMALLEST
    return largest.ravel() * jnp.sqrt(jnp.square(jacobian / largest).sum((2, 3)).mean(0)), seen


def padded(tokens: Array) -> Array:
    """Tokens as long as those of the longest lag, so that all lags are one program."""
    missing = max(task.LAGS) + 1 - tokens.shape[-1]
    return np.pad(tokens, [*[(0, 0)] * (tokens.ndim - 1), (0, missing)], constant_values=task.SYMBOLS)


def run(profile: str, seed: int, progress: Progress) -> Experiment:
    found: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    updates: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    gradients: defaultdict[str, list[list[float]]] = defaultdict(list)
    gates: dict[str, Array] = {}
    runs = task.runs(profile)
    for done, (name, lag, k) in enumerate(runs):
        progress(done / len(runs), f"{name} at lag {lag}")
        cell, start = task.cell_of(name), task.initial(name, lag, seed, k)
        minibatches, test = map(padded, task.minibatches(lag, seed, k))
        params, count, right = train(cell, task.RATES[name], start, lag, minibatches, test)
        updates[name, lag].append(float(count))
        found[name, lag].append(float(right))
        if lag == max(task.LAGS):
            norms, seen = state_gradient(cell, params, test[:8])
            gradients[f"{name}_before"].append(state_gradient(cell, start, test[:8])[0].tolist())
            gradients[f"{name}_after"].append(norms.tolist())
            if name == "lstm" and k == 0:
                gates = {gate: np.asarray(value[0]) for gate, value in seen.items()}
            if name == "lstm_bias_1":
                start = task.initial("lstm_bias_0", lag, seed, k)
                gradients["lstm_bias_0_before"].append(state_gradient(cell, start, test[:8])[0].tolist())
    return Experiment(task.metrics(found, updates, gradients), task.figures(found, updates, gradients, gates))
