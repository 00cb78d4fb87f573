r"""How the nets of `task.py` are trained and asked in JAX: all starts side by side by `jax.vmap`.

    y = F + x, x' = sigma(y)     `res_8`, `res_32`: identity shortcuts (equation 1)
    x' = sigma(F)                `plain_8`, `plain_32`
    blocks                       `lax.scan`: one block is compiled, however many there are
    training                     SGD with momentum and weight decay (section 4.2)

Whether there are shortcuts is a number, 1 or 0, so that a plain net and a residual one of the same depth are one program.
On maps of 3 x 3 a convolution is a small matrix, which XLA multiplies faster than it convolves.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from s30.room import Arrays, Trained, Training, sibling

task = sibling(__file__, "../task.py")

# Which of the 9 taps of a filter stands between which two of the 9 places: (tap, from, to).
READS = task.matrices(np.eye(9).reshape(9, 1, 1, 3, 3)).reshape(9, 9, 9)


def matrix(weight: Array) -> Array:
    """weight (filter, channel, 3, 3) as (channel * 9, filter * 9), to be multiplied from the right."""
    filters, channels = weight.shape[:2]
    taps = weight.reshape(filters, channels, 9)
    return jnp.einsum("kct,tpq->cpkq", taps, READS.astype(weight.dtype)).reshape(channels * 9, filters * 9)


def conv_norm(x: Array, weight: Array, scale: Array, shift: Array, known: int) -> Array:
    """BN(W * x) by the statistics of the first `known` examples: x (example, channel, 9)."""
    h = (x.reshape(len(x), -1) @ matrix(weight)).reshape(len(x), -1, 9)
    return batch_norm(h, scale, shift, known)


def batch_norm(h: Array, scale: Array, shift: Array, known: int) -> Array:
    mean = h[:known].mean((0, 2), keepdims=True)
    variance = jnp.square(h[:known] - mean).mean((0, 2), keepdims=True)
    return scale[:, None] * ((h - mean) * lax.rsqrt(variance + task.EPS)) + shift[:, None]


def forward(params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    """Of one net: scores (example, class), and by how much each block changes its input, (block,)."""
    scales, shifts = params["norm.weight"], params["norm.bias"]
    stem = lax.conv_general_dilated(images, params["stem.weight"], (task.STRIDE,) * 2, [(1, 1)] * 2)
    x = jax.nn.relu(batch_norm(stem.reshape(len(images), -1, 9), scales[0], shifts[0], known))

    def block(x: Array, layers: tuple) -> tuple[Array, Array]:
        weight, scale, shift = layers  # each of two layers
        # F = BN(W2 * sigma(BN(W1 * x)))
        inner = jax.nn.relu(conv_norm(x, weight[0], scale[0], shift[0], known))
        residual = conv_norm(inner, weight[1], scale[1], shift[1], known)
        # x' = sigma(F + x), or sigma(F)
        after = jax.nn.relu(residual + shortcut * x)
        return after, jnp.sqrt(jnp.square(after - x).sum() / jnp.square(x).sum())

    def pairs(value: Array) -> Array:
        return value.reshape(-1, 2, *value.shape[1:])

    x, changes = lax.scan(block, x, (pairs(params["conv.weight"]), pairs(scales[1:]), pairs(shifts[1:])))
    return x.mean(2) @ params["fc.weight"].T + params["fc.bias"], changes


@jax.jit
def update(params: dict, velocity: dict, batch: dict, rate: Array, settings: dict) -> tuple[dict, dict, Array]:
    """One step of SGD with momentum for every net, and the mean of their losses before it."""

    def loss(params: dict) -> Array:
        scores, _ = forward(params, batch["images"], settings["shortcut"], len(batch["images"]))
        chosen = jax.nn.one_hot(batch["labels"], task.CLASSES, dtype=scores.dtype)
        return -(jax.nn.log_softmax(scores) * chosen).sum(1).mean()

    losses, gradient = jax.vmap(jax.value_and_grad(loss))(params)
    # v <- momentum v + gradient + decay p,  p <- p - rate v
    velocity = jax.tree.map(
        lambda v, g, p: settings["momentum"] * v + g + settings["decay"] * p, velocity, gradient, params
    )
    return jax.tree.map(lambda p, v: p - rate * v, params, velocity), velocity, losses.mean()


def shortcuts(net: str, dtype: np.dtype) -> np.ndarray:
    return np.asarray(net.startswith("res"), dtype)


def train(training: Training) -> Trained:
    params = {name: jnp.asarray(value) for name, value in training.start.items()}
    dtype = params["fc.bias"].dtype
    settings = {"shortcut": shortcuts(training.net, dtype)}
    settings |= {name: np.asarray(value, dtype) for name, value in training.settings.items()}
    velocity, losses, kept = jax.tree.map(jnp.zeros_like, params), [], {}
    for number, (index, rate) in enumerate(zip(training.order, training.rates.astype(dtype)), 1):
        batch = {name: value[index] for name, value in training.data.items()}
        params, velocity, loss = update(params, velocity, batch, rate, settings)
        losses.append(loss)
        if number in training.keep:
            kept[number] = params
    return Trained(params, np.array(losses), kept)


@partial(jax.jit, static_argnums=3)
def answers(params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    return jax.vmap(lambda params: forward(params, images, shortcut, known))(params)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known = len(inputs["known"])
    images = task.rows(inputs)
    scores, changes = answers(params, images, shortcuts(net, images.dtype), known)
    return {"scores": scores[:, known if "images" in inputs else 0 :], "changes": changes}
