r"""Deep Speech 2: End-to-End Speech Recognition in English and Mandarin as a pure function in JAX.

prediction = W x + b; loss = 1/N sum_i |prediction_i - target_i|^2. TODO: the paper's object.
"""

import jax
import jax.numpy as jnp
from jax import Array


def predict(params: dict, example: Array) -> Array:
    # prediction = W x + b
    return params["weight"] @ example + params["bias"]  # (output,)


def forward(params: dict, batch: dict, **sizes: int) -> dict[str, Array]:
    """batch: inputs (batch, feature), targets (batch, output). The loss is a mean over the batch."""
    prediction = jax.vmap(predict, in_axes=(None, 0))(params, batch["inputs"])  # (batch, output)
    # 1/N sum_i |prediction_i - target_i|^2
    return {"prediction": prediction, "loss": jnp.square(prediction - batch["targets"]).sum(1).mean()}
