r"""How the networks of `task.py` are trained and asked in JAX.

    nets       this room's `forward`, by its number of rounds and its readout
    training   one compiled update for each minibatch; Adam on all parameters in one vector

Arrays arrive in the precision in which they are to be used.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init

model = sibling(__file__, "model.py")
task = sibling(__file__, "../task.py")


def settings(net: str) -> tuple:
    """What of a net's configuration `forward` reads, in a form that `jit` can hash; nets of one kind are compiled once."""
    return tuple(sorted((name, task.switches(net)[name]) for name in ("hidden", "rounds", "steps", "readout")))


@partial(jax.jit, static_argnames="on")
def update(theta: Array, state: tuple, params: dict, batch: dict, rate: Array, on: tuple) -> tuple:
    """One step of Adam on theta, which holds all parameters in one vector, as `params` has them by name."""
    _, unravel = ravel_pytree(params)
    loss, gradient = jax.value_and_grad(lambda at: model.forward(unravel(at), batch, **dict(on))["loss"])(theta)
    return *adam(theta, gradient, state, rate, *task.BETAS, task.EPSILON), loss


def train(training: Training) -> Trained:
    start = {name: jnp.asarray(value) for name, value in training.start.items()}
    theta, unravel = ravel_pytree(start)
    state, losses, on = adam_init(theta), [], settings(training.net)
    for index, rate in zip(training.order, training.rates, strict=True):
        batch = {name: value[index] for name, value in training.data.items()}
        theta, state, loss = update(theta, state, start, batch, rate, on)
        losses.append(loss)
    return Trained(unravel(theta), np.array(losses))


@partial(jax.jit, static_argnames="on")
def asked(params: dict, inputs: dict, on: tuple) -> Array:
    target = jnp.zeros((len(inputs["atoms"]), 1), inputs["atoms"].dtype)  # for the loss, which is not asked for
    return model.forward(params, {**inputs, "target": target}, **dict(on))["prediction"]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"prediction": asked(dict(params), dict(inputs), settings(net))}
