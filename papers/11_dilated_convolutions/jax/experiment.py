r"""How the modules of `task.py` are trained and asked in JAX: this room's `forward`, all updates in one `lax.scan`.

One program is compiled for each ladder of dilations; both starts of the dilated module share theirs.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling
from s30.training.jax import adam, adam_init

forward = sibling(__file__, "model.py").forward
task = sibling(__file__, "../task.py")


@partial(jax.jit, static_argnums=0)
def updates(net: str, params: dict, data: dict, order: Array, rates: Array) -> tuple[dict, Array]:
    """Parameters after the minibatches of `order`, (update, size), and their losses, (update,)."""
    theta, unravel = ravel_pytree(params)  # one vector, so that Adam is compiled once and not per name
    config = task.config(net)

    def update(carry: tuple, asked: tuple) -> tuple:
        theta, state = carry
        index, rate = asked
        batch = {name: value[index] for name, value in data.items()}
        loss, gradient = jax.value_and_grad(lambda theta: forward(unravel(theta), batch, **config)["loss"])(theta)
        return adam(theta, gradient, state, rate), loss

    (theta, _), losses = lax.scan(update, (theta, adam_init(theta)), (order, rates))
    return unravel(theta), losses


@partial(jax.jit, static_argnums=0)
def scores(net: str, params: dict, maps: Array) -> Array:
    labels = jnp.zeros((len(maps), *maps.shape[2:]), int)  # the module asks for some
    return forward(params, {"maps": maps, "labels": labels}, **task.config(net))["scores"]


def train(training: Training) -> Trained:
    params, losses = updates(training.net, training.start, training.data, training.order, training.rates)
    return Trained(params, np.array(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"scores": scores(net, params, inputs["maps"])}
