r"""What CS231n reports of its classifiers, measured on 1,797 real digits in JAX. `classifiers.py` says what is measured.

    softmax, two-layer    `dense`, on the pixels in one vector
    convnet               this room's `forward`
    training              one compiled function: `lax.scan` over minibatches inside `lax.scan` over epochs
    gradients             `jax.grad`, against the loss with one parameter displaced after another, by `lax.map`

The three networks share no parameter, so the gradient of the sum of their losses is the gradient of each, and one vector
of parameters with one Adam trains all three.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.corpus import sibling
from s30.problem import Problem
from s30.training.jax import adam, adam_init
from s30.vocabulary import Arrays, Experiment

forward = sibling(__file__, "model.py").forward
task = sibling(__file__, "../classifiers.py")


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


@jax.jit
def train(start: dict, order: Array, strength: Array, data: dict, judged: dict) -> tuple[dict, dict]:
    """Adam with rates that fall linearly to zero; `order` (epoch, step, size) says which examples each minibatch holds.

    Returns the trained parameters, and the scores of all `judged` images after every epoch, (epoch, count, class).
    """
    total = order.shape[0] * order.shape[1]
    theta, unravel = ravel_pytree(start)
    rates, _ = ravel_pytree(
        {name: jax.tree.map(partial(jnp.full_like, fill_value=task.RATES[name]), start[name]) for name in start}
    )

    def run_all(theta: Array, batch: dict) -> tuple[Array, dict]:
        out = {name: NETWORKS[name](params, batch, strength) for name, params in unravel(theta).items()}
        return sum(o["loss"] for o in out.values()), {name: o["scores"] for name, o in out.items()}

    def step(carry: tuple, index: Array) -> tuple:
        theta, state = carry
        grads, _ = jax.grad(run_all, has_aux=True)(theta, {name: value[index] for name, value in data.items()})
        return adam(theta, grads, state, rates * (1 - state.step / total)), None

    def epoch(carry: tuple, indices: Array) -> tuple:
        carry, _ = lax.scan(step, carry, indices)
        return carry, run_all(carry[0], judged)[1]

    (theta, _), scores = lax.scan(epoch, (theta, adam_init(theta)), order)
    return unravel(theta), scores


def trained(*arguments: Arrays) -> tuple[dict, dict]:
    return jax.tree.map(np.asarray, train(*arguments))


@partial(jax.jit, static_argnames="norm")
def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label.

    known (train, pixel) and asked (test, pixel) hold grey levels, the integers 0..16.
    """
    if norm == 2:
        # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
        distances = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)  # (test, train)
    else:
        distances = jnp.abs(asked[:, None] - known).sum(2)  # (test, train)
    _, nearest = lax.top_k(-distances, task.NEIGHBOURS)  # (test, k); of equal entries top_k takes the first
    votes = jax.nn.one_hot(labels[nearest], task.CLASSES).sum(1)  # (test, class)
    return (votes * task.CLASSES - jnp.arange(task.CLASSES)).argmax(1)


@jax.jit
def outputs(params: dict, batch: dict) -> dict[str, Array]:
    """What the convnet computes, without regularisation."""
    return convnet(params, batch, 0.0)


def losses(problem: Problem, displaced: Arrays, dtype: type) -> tuple[np.ndarray, Arrays]:
    """The room's loss after each displacement of the parameters, (displacement,), and its gradient without any."""
    with jax.enable_x64(dtype is np.float64):

        def cast(value: np.ndarray) -> np.ndarray:
            return value.astype(dtype) if value.dtype == np.float64 else value

        start, batch = jax.tree.map(cast, (dict(problem.params), dict(problem.batch)))

        def loss(params: dict) -> Array:
            return forward(params, batch, **problem.config)["loss"]

        # It runs for a few milliseconds, so what counts is the time to compile it.
        @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
        def evaluate(displaced: dict) -> tuple[Array, dict]:
            return lax.map(lambda step: loss(jax.tree.map(jnp.add, start, step)), displaced), jax.grad(loss)(start)

        return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), evaluate(displaced))


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    return task.measure(
        profile, seed, progress, nearest_neighbours=nearest_neighbours, train=trained, outputs=outputs, losses=losses
    )
