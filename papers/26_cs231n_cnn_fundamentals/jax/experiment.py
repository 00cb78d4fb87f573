r"""How the classifiers of `task.py` are trained and asked in JAX.

    softmax, two-layer    `dense`, on the pixels in one vector
    convnet               this room's `forward`
    training              `lax.scan` over the minibatches between two moments at which the parameters are kept
    gradients             `jax.grad`, against the loss with one parameter displaced after another, by `lax.map`

One program is compiled for each network and length of such a stretch.
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


def dense(params: dict, batch: dict, strength: Array) -> dict[str, Array]:
    """FC layers with ReLU between them and the loss of the room's `forward`: a softmax classifier when there is one."""
    hidden = batch["images"].reshape(len(batch["images"]), -1)  # (batch, feature)
    *inner, last = sorted({name.split(".")[0] for name in params})
    for name in inner:
        hidden = jax.nn.relu(hidden @ params[f"{name}.weight"].T + params[f"{name}.bias"])
    scores = hidden @ params[f"{last}.weight"].T + params[f"{last}.bias"]  # (batch, class)
    # 1/N sum_i -log p_{y_i} + 1/2 lambda ||W||^2
    data_loss = -(jax.nn.log_softmax(scores) * jax.nn.one_hot(batch["labels"], task.CLASSES)).sum(1).mean()
    regularisation = 0.5 * strength * sum(jnp.sum(params[f"{name}.weight"] ** 2) for name in (*inner, last))
    return {"scores": scores, "loss": data_loss + regularisation}


def convnet(params: dict, batch: dict, strength: Array) -> dict[str, Array]:
    return forward(params, batch, **{**task.checks.CONFIG, "strength": strength})


NETWORKS = {"softmax": dense, "two_layer": dense, "convnet": convnet}


@partial(jax.jit, static_argnums=0)
def updates(net: str, params: dict, state: tuple, data: dict, order: Array, rates: Array, strength: Array) -> tuple:
    """Parameters and Adam's state after the minibatches of `order`, (update, size), and the losses, (update,)."""
    theta, unravel = ravel_pytree(params)  # one vector, so that Adam is compiled once and not per name

    def update(carry: tuple, asked: tuple) -> tuple:
        theta, state = carry
        index, rate = asked
        batch = {name: value[index] for name, value in data.items()}
        loss, gradient = jax.value_and_grad(lambda theta: NETWORKS[net](unravel(theta), batch, strength)["loss"])(theta)
        return adam(theta, gradient, state, rate), loss

    (theta, state), losses = lax.scan(update, (theta, state), (order, rates))
    return unravel(theta), state, losses


def train(training: Training) -> Trained:
    params, losses, kept, here = dict(training.start), [], {}, 0
    state = adam_init(ravel_pytree(params)[0])
    for end in sorted({*training.keep, len(training.order)}):
        part = (training.data, training.order[here:end], training.rates[here:end], training.settings["strength"])
        params, state, found = updates(training.net, params, state, *part)
        losses, here = [*losses, *found.tolist()], end
        if end in training.keep:
            kept[end] = params
    return Trained(params, np.array(losses), kept)


@partial(jax.jit, static_argnums=0)
def scores(net: str, params: dict, images: Array) -> Array:
    labels = jnp.zeros(len(images), int)  # the networks ask for some
    return NETWORKS[net](params, {"images": images, "labels": labels}, 0.0)["scores"]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    return {"scores": scores(net, params, inputs["images"])}


@partial(jax.jit, static_argnames="norm")
def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label.

    known (train, pixel) and asked (test, pixel) hold grey levels, the integers 0..16, so that distances are integers too.
    """
    near, far = known.astype(jnp.float32), asked.astype(jnp.float32)
    # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
    squares = (far**2).sum(1)[:, None] - 2 * far @ near.T + (near**2).sum(1)  # (test, train)
    distances = squares if norm == 2 else jnp.abs(far[:, None] - near).sum(2)  # (test, train)
    _, nearest = lax.top_k(-distances, task.NEIGHBOURS)  # (test, k); of equal entries top_k takes the first
    votes = jax.nn.one_hot(labels[nearest], task.CLASSES).sum(1)  # (test, class)
    return (votes * task.CLASSES - jnp.arange(task.CLASSES)).argmax(1)


def losses(config: dict, params: Arrays, batch: Arrays, displaced: Arrays, precision: str) -> dict[str, Array]:
    """The room's loss after each displacement of the parameters, (displacement,), and its gradient without any."""
    dtype = {"double": jnp.float64, "single": jnp.float32}[precision]
    cast = partial(jax.tree.map, lambda value: value.astype(dtype) if value.dtype.kind == "f" else value)
    start, known = cast(params), cast(batch)

    def loss(params: dict) -> Array:
        return forward(params, known, **config)["loss"]

    # It runs for milliseconds, so what counts is the time to compile it.
    @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
    def evaluate(displaced: dict) -> tuple[Array, dict]:
        return lax.map(lambda step: loss(jax.tree.map(jnp.add, start, step)), displaced), jax.grad(loss)(start)

    values, gradient = evaluate(cast(displaced))
    return {"loss": values, **gradient}
