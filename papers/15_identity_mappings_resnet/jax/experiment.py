r"""How the nets of `task.py` are trained and asked in JAX: five starts side by side by `jax.vmap`.

    x' = ReLU(lambda x + F)     `original` (lambda = 1), `half` (1/2): equation 6, f = ReLU
    x' = ReLU(W_s x + F)        `convolution`
    x' = x + F(f^(x))           `full`: equation 9, f^ being BN and ReLU
    units                       `lax.scan`: one is compiled, however many there are
    training                    SGD with momentum and weight decay

lambda is a number that the program is given, so that `original` and `half` are one program. On maps of 3 x 3 a convolution
is a small matrix, which XLA multiplies faster than it convolves.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from s30.room import Arrays, Trained, Training, sibling

task = sibling(__file__, "../task.py")

# Which tap of a filter stands between which two of the 9 places, by the filter's side: (tap, from, to).
READS = {side: task.matrices(np.eye(side**2).reshape(side**2, 1, 1, side, side)).reshape(-1, 9, 9) for side in (1, 3)}


def convolve(x: Array, weight: Array) -> Array:
    """x (example, channel, 9), weight (filter, channel, k, k), as a matrix."""
    filters, channels, side = weight.shape[:3]
    taps, reads = weight.reshape(filters, channels, -1), READS[side].astype(weight.dtype)
    matrix = jnp.einsum("kct,tpq->cpkq", taps, reads).reshape(channels * 9, filters * 9)
    return (x.reshape(len(x), -1) @ matrix).reshape(len(x), filters, 9)


def batch_norm(h: Array, known: int, scale: Array, shift: Array) -> Array:
    mean = h[:known].mean((0, 2), keepdims=True)
    variance = jnp.square(h[:known] - mean).mean((0, 2), keepdims=True)
    return scale[:, None] * ((h - mean) * lax.rsqrt(variance + task.EPS)) + shift[:, None]


def forward(pre: bool, params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    """Of one net, pre-activated or not: scores (example, class), and of each unit the share of negative sums y."""
    scales, shifts, relu = params["norm.weight"], params["norm.bias"], jax.nn.relu
    stem = lax.conv_general_dilated(images, params["stem.weight"], (task.STRIDE,) * 2, [(1, 1)] * 2)
    x = relu(batch_norm(stem.reshape(len(images), -1, 9), known, scales[0], shifts[0]))

    def unit(x: Array, layers: dict) -> tuple[Array, Array]:
        weight, one, other = layers["weight"], *zip(layers["scale"], layers["shift"])
        if pre:
            # F = W2 sigma(BN(W1 sigma(BN(x))))
            residual = convolve(relu(batch_norm(x, known, *one)), weight[0])
            residual = convolve(relu(batch_norm(residual, known, *other)), weight[1])
        else:
            # F = BN(W2 sigma(BN(W1 x)))
            residual = relu(batch_norm(convolve(x, weight[0]), known, *one))
            residual = batch_norm(convolve(residual, weight[1]), known, *other)
        # y = h(x) + F, x' = f(y)
        y = (convolve(x, layers["path"]) if "path" in layers else shortcut * x) + residual
        return (y if pre else relu(y)), (y < 0).astype(y.dtype).mean()

    def pairs(value: Array) -> Array:
        return value.reshape(-1, 2, *value.shape[1:])

    count = len(params["conv.weight"])
    layers = {
        "weight": pairs(params["conv.weight"]),
        "scale": pairs(scales[1 : count + 1]),
        "shift": pairs(shifts[1 : count + 1]),
    }
    if "shortcut.weight" in params:
        layers["path"] = params["shortcut.weight"]
    x, negative = lax.scan(unit, x, layers)
    x = relu(batch_norm(x, known, scales[-1], shifts[-1])) if pre else x
    return x.mean(2) @ params["fc.weight"].T + params["fc.bias"], negative


@partial(jax.jit, static_argnums=0)
def update(
    pre: bool, params: dict, velocity: dict, batch: dict, rate: Array, settings: dict
) -> tuple[dict, dict, Array]:
    """One step of SGD with momentum for every net, and the mean of their losses before it."""

    def loss(params: dict) -> Array:
        scores, _ = forward(pre, params, batch["images"], settings["shortcut"], len(batch["images"]))
        chosen = jax.nn.one_hot(batch["labels"], task.CLASSES, dtype=scores.dtype)
        return -(jax.nn.log_softmax(scores) * chosen).sum(1).mean()

    losses, gradient = jax.vmap(jax.value_and_grad(loss))(params)
    # v <- momentum v + gradient + decay p,  p <- p - rate v
    velocity = jax.tree.map(
        lambda v, g, p: settings["momentum"] * v + g + settings["decay"] * p, velocity, gradient, params
    )
    return jax.tree.map(lambda p, v: p - rate * v, params, velocity), velocity, losses.mean()


def train(training: Training) -> Trained:
    params = {name: jnp.asarray(value) for name, value in training.start.items()}
    dtype = params["fc.bias"].dtype
    known = {**training.settings, "shortcut": task.SHORTCUTS[training.net]}
    settings = {name: np.asarray(value, dtype) for name, value in known.items()}
    velocity, losses, kept = jax.tree.map(jnp.zeros_like, params), [], {}
    for number, (index, rate) in enumerate(zip(training.order, training.rates.astype(dtype)), 1):
        batch = {name: value[index] for name, value in training.data.items()}
        params, velocity, loss = update(training.net == "full", params, velocity, batch, rate, settings)
        losses.append(loss)
        if number in training.keep:
            kept[number] = params
    return Trained(params, np.array(losses), kept)


@partial(jax.jit, static_argnums=(0, 4))
def answers(pre: bool, params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    return jax.vmap(lambda params: forward(pre, params, images, shortcut, known))(params)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known, images = len(inputs["known"]), task.rows(inputs)
    scores, negative = answers(net == "full", params, images, np.asarray(task.SHORTCUTS[net], images.dtype), known)
    return {"scores": scores[:, known if "images" in inputs else 0 :], "negative": negative}
