r"""What the post says of long-term dependencies, measured in JAX: recall of a symbol after a lag of noise.

    recall        an LSTM and a tanh RNN of equal size, each trained from scratch at lags 10, 50 and 100
    gradients     |∂C_t/∂C_0| of the LSTM and |∂h_t/∂h_0| of the RNN at lag 100, before and after training
    forget bias   updates until recall at lag 8, with forget-gate bias 0 and 1

The cells are those of this room's model, scanned over time. A whole training run is one `lax.scan` over its minibatches,
and `vmap` trains nets of all lags at once: each is read out at its own lag, and what comes later changes nothing.
"""

from __future__ import annotations

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
def train(cell: str, start: Params, lags: Array, minibatches: Array, test: Array) -> tuple[Params, Array, Array]:
    """Adam over minibatches (net, update, example, time), all nets at once, each with its lag.

    Returns the trained parameters, the accuracy on each minibatch before its update (net, update), and on `test` (net,).
    """

    def one_net(params: Params, lag: Array, minibatches: Array) -> tuple[Params, Array, Array]:
        flat, named = ravel_pytree(
            params
        )  # one vector of all parameters, so that Adam is compiled once and not per name

        def update(carry: tuple[Array, Any], tokens: Array) -> tuple[tuple[Array, Any], Array]:
            flat, state = carry
            grads, right = jax.grad(lambda p: cross_entropy(cell, named(p), tokens, lag), has_aux=True)(flat)
            return adam(flat, clip_by_global_norm(grads, task.LIMIT), state, task.RATES[cell]), right

        (flat, _), right = lax.scan(update, (flat, adam_init(flat)), minibatches)
        return named(flat), right, cross_entropy(cell, named(flat), test, lag)[1]

    return jax.vmap(one_net)(start, lags, minibatches)


@compiled
def state_gradient(cell: str, params: Params, tokens: Array) -> tuple[Array, dict[str, Array]]:
    """Frobenius norm of ∂C_t/∂C_0 (∂h_t/∂h_0 for the RNN), t = 1, 2, …, root mean square over the examples; and the gates."""

    def states(start: Array, tokens: Array) -> tuple[Array, dict[str, Array]]:
        seen = run_cell(cell, params, tokens, start)
        return seen["hidden" if cell == "rnn" else "cell"], seen

    jacobian, seen = jax.vmap(partial(jax.jacfwd(states, has_aux=True), jnp.zeros(task.HIDDEN)))(tokens)
    # (example, time, hidden, hidden); the largest entry is taken out before squaring, which float32 could not hold
    largest = jnp.abs(jacobian).max((0, 2, 3), keepdims=True) + 1e-38
    return largest.ravel() * jnp.sqrt(jnp.square(jacobian / largest).sum((2, 3)).mean(0)), seen


def stack(nets: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: np.stack([net[name] for net in nets]).astype(np.float32) for name in nets[0]}


def run(profile: str, seed: int, progress: Progress) -> Experiment:
    size, rng = task.SIZES[profile], np.random.default_rng((3, seed))
    lags, longest = np.repeat(task.LAGS, size["seeds"]), max(task.LAGS)
    found: dict[str, list[list[float]]] = {}
    gradients: dict[str, list[float]] = {}
    for part, cell in enumerate(("lstm", "rnn")):
        progress(0.4 * part, f"{cell} at lags {', '.join(map(str, task.LAGS))}")
        start = stack([task.lag_net(rng, cell, lag) for lag in lags])
        minibatches = task.sequences(rng, len(lags), size["updates"], task.EXAMPLES, lag=longest)
        test = task.sequences(rng, task.TEST_EXAMPLES, lag=longest)
        trained, _, right = train(cell, start, lags, minibatches, test)
        found[cell] = right.reshape(len(task.LAGS), -1).tolist()
        for when, nets in (("before", start), ("after", trained)):
            norms, seen = state_gradient(cell, {name: np.asarray(value)[-1] for name, value in nets.items()}, test[:8])
            gradients[f"{cell}_{when}"] = norms.tolist()
        if cell == "lstm":
            gates = {name: np.asarray(value)[0] for name, value in seen.items()}
    progress(0.8, "forget-gate bias 0 and 1")
    start = stack(task.bias_nets(rng, size["bias_seeds"]))
    nets = 2 * size["bias_seeds"]
    minibatches = task.sequences(rng, nets, size["bias_updates"], task.EXAMPLES, lag=task.BIAS_LAG)
    learning = np.asarray(train("lstm", start, np.full(nets, task.BIAS_LAG), minibatches, minibatches[0, 0])[1])
    return Experiment(task.metrics(found, gradients, learning), task.figures(found, gradients, learning, gates))
