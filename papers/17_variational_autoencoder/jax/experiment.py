"""How the networks of `task.py` are trained and asked in JAX. TODO: the paper's.

Variational Lossy Autoencoder.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from s30.room import Array, Arrays, Trained, Training, sibling

forward = sibling(__file__, "model.py").forward


def train(training: Training) -> Trained:
    def update(params: dict, asked: tuple) -> tuple:
        index, rate = asked
        batch = {name: jnp.asarray(value)[index] for name, value in training.data.items()}
        loss, gradient = jax.value_and_grad(lambda params: forward(params, batch)["loss"])(params)
        return jax.tree.map(lambda value, slope: value - rate * slope, params, gradient), loss

    params, losses = lax.scan(update, dict(training.start), (training.order, training.rates))
    return Trained(params, np.asarray(losses))


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    unknown = jnp.zeros((len(inputs["inputs"]), len(params["bias"])))  # the loss of which is not asked
    return {"prediction": forward(params, {"inputs": inputs["inputs"], "targets": unknown})["prediction"]}
