r"""How the networks of `task.py` are trained and asked in JAX: this room's `forward`, by the update rule of section 5.

    v <- 0.9 v - lambda eps w - eps g,  w <- w + v

Updates run in stretches of three, one compiled program for each network, between which the training error is looked at.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.room import Arrays, Trained, Training, sibling

forward = sibling(__file__, "model.py").forward
task = sibling(__file__, "../task.py")


def ask(net: str, params: dict, images: Array, labels: Array) -> dict[str, Array]:
    return forward(params, {"images": images, "labels": labels, "mask": jnp.ones(())}, **task.config(net))


@partial(jax.jit, static_argnums=0)
def stretch(net: str, params: dict, velocity: Array, data: dict, order: Array, rates: Array, decay: Array) -> tuple:
    """Parameters and velocity after the minibatches of `order`, (update, size), and their losses."""
    theta, unravel = ravel_pytree(params)

    def update(carry: tuple, asked: tuple) -> tuple:
        theta, velocity = carry
        index, rate = asked
        images, labels = data["images"][index], data["labels"][index]
        loss, gradient = jax.value_and_grad(lambda theta: ask(net, unravel(theta), images, labels)["loss"])(theta)
        # v <- 0.9 v - lambda eps w - eps g;  w <- w + v
        velocity = (0.9 * velocity - decay * rate * theta - rate * gradient).astype(theta.dtype)
        return (theta + velocity, velocity), loss

    (theta, velocity), losses = lax.scan(update, (theta, velocity), (order, rates))
    return unravel(theta), velocity, losses


def train(training: Training) -> Trained:
    params, losses = dict(training.start), []
    velocity = jnp.zeros_like(ravel_pytree(params)[0])
    for here in range(0, len(training.order), task.STRETCH):
        part = training.order[here : here + task.STRETCH], training.rates[here : here + task.STRETCH]
        params, velocity, found = stretch(
            training.net, params, velocity, training.data, *part, training.settings["decay"]
        )
        losses += found.tolist()
        if "stop" in training.settings and error(training.net, params, training.data) <= training.settings["stop"]:
            break
    return Trained(params, np.array(losses))


def error(net: str, params: dict, data: dict) -> Array:
    """Share of the first training examples that are named wrongly."""
    images, labels = (data[name][: task.EXAMINED] for name in ("images", "labels"))
    return (answers(net, params, images)["logits"].argmax(1) != labels).mean()


@partial(jax.jit, static_argnums=0)
def answers(net: str, params: dict, images: Array) -> dict[str, Array]:
    out = ask(net, params, images, jnp.zeros(len(images), int))  # the network asks for some labels
    return {"logits": out["logits"], "length": jnp.sqrt((out["norm1"] ** 2).sum((1, 2, 3)))}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return dict(answers(net, params, inputs["images"]))
