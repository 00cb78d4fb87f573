r"""How the nets of `task.py` are trained and asked in JAX: five starts side by side by `jax.vmap`.

    x' = ReLU(lambda x + F)     `original` (lambda = 1), `half` (1/2): equation 6, f = ReLU
    x' = ReLU(W_s x + F)        `convolution`
    x' = ReLU(m x + F)          `dropout`: m keeps an entry, or does not
    x' = x + F(f^(x))           `full`: equation 9, f^ being BN and ReLU
    units                       `lax.scan`: one is compiled, however many there are
    training                    SGD with momentum and weight decay

lambda is an array that the program is given, so that `original`, `half` and `dropout` are one program. On maps of 3 x 3 a
convolution is a small matrix, which XLA multiplies faster than it convolves.
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


def matrices(weight: Array) -> Array:
    """Each filter bank as a matrix: weight (layer, filter, channel, k, k) -> (layer, channel * 9, filter * 9)."""
    layers, filters, channels, side = weight.shape[:4]
    taps, reads = weight.reshape(layers, filters, channels, -1), READS[side].astype(weight.dtype)
    return jnp.einsum("lkct,tpq->lcpkq", taps, reads).reshape(layers, channels * 9, filters * 9)


def convolve(x: Array, matrix: Array) -> Array:
    """x (example, channel, 9) -> (example, filter, 9)"""
    return (x.reshape(len(x), -1) @ matrix).reshape(len(x), -1, 9)


def batch_norm(h: Array, known: int, scale: Array, shift: Array) -> Array:
    mean = h[:known].mean((0, 2), keepdims=True)
    variance = jnp.square(h[:known] - mean).mean((0, 2), keepdims=True)
    return scale[:, None] * ((h - mean) * lax.rsqrt(variance + task.EPS)) + shift[:, None]


def stem(params: dict, images: Array, known: int) -> Array:
    """x_0 of one net: (example, filter, place)."""
    found = lax.conv_general_dilated(images, params["stem.weight"], (task.STRIDE,) * 2, [(1, 1)] * 2)
    return jax.nn.relu(
        batch_norm(found.reshape(len(images), -1, 9), known, params["norm.weight"][0], params["norm.bias"][0])
    )


def units(
    pre: bool, params: dict, shortcut: Array, x: Array, known: int, probes: Array | None = None
) -> tuple[Array, Array]:
    """The last signal, and of each unit the share of negative sums y. `shortcut` (unit, ...) scales; `probes` are added to
    what each unit reads, so that the gradient by them is that by the signals."""
    relu, count = jax.nn.relu, len(params["conv.weight"])

    def unit(x: Array, layers: dict) -> tuple[Array, Array]:
        weight, one, other = layers["weight"], *zip(layers["scale"], layers["shift"])
        x = x + layers["probe"] if "probe" in layers else x
        if pre:
            # F = W2 sigma(BN(W1 sigma(BN(x))))
            residual = convolve(relu(batch_norm(x, known, *one)), weight[0])
            residual = convolve(relu(batch_norm(residual, known, *other)), weight[1])
        else:
            # F = BN(W2 sigma(BN(W1 x)))
            residual = relu(batch_norm(convolve(x, weight[0]), known, *one))
            residual = batch_norm(convolve(residual, weight[1]), known, *other)
        # y = h(x) + F, x' = f(y)
        y = (convolve(x, layers["path"]) if "path" in layers else layers["shortcut"] * x) + residual
        return (y if pre else relu(y)), (y[:known] < 0).astype(y.dtype).mean()

    def pairs(value: Array) -> Array:
        return value.reshape(-1, 2, *value.shape[1:])

    layers = {
        "weight": pairs(matrices(params["conv.weight"])),
        "scale": pairs(params["norm.weight"][1 : count + 1]),
        "shift": pairs(params["norm.bias"][1 : count + 1]),
        "shortcut": shortcut,
    }
    if probes is not None:
        layers["probe"] = probes
    if "shortcut.weight" in params:
        layers["path"] = matrices(params["shortcut.weight"])
    return lax.scan(unit, x, layers)


def forward(pre: bool, params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    """Of one net, pre-activated or not: scores (example, class), and of each unit the share of negative sums y."""
    x, negative = units(pre, params, shortcut, stem(params, images, known), known)
    if pre:
        x = jax.nn.relu(batch_norm(x, known, params["norm.weight"][-1], params["norm.bias"][-1]))
    return x.mean(2) @ params["fc.weight"].T + params["fc.bias"], negative


@partial(jax.jit, static_argnums=0)
def update(
    pre: bool, params: dict, velocity: dict, batch: dict, rate: Array, settings: dict
) -> tuple[dict, dict, Array]:
    """One step of SGD with momentum for every net, and the mean of their losses before it."""

    def loss(params: dict) -> Array:
        scores, _ = forward(pre, params, batch["images"], batch["shortcut"], len(batch["images"]))
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
    settings = {name: np.asarray(value, dtype) for name, value in training.settings.items()}
    whole = np.full((training.order.shape[1], *masked(params)), task.SHORTCUTS[training.net])
    velocity, losses = jax.tree.map(jnp.zeros_like, params), []
    for index, rate in zip(training.order, training.rates.astype(dtype)):
        batch = {name: training.data[name][index] for name in ("images", "labels")}
        factor = training.data["kept"][index] if training.net == "dropout" else whole
        batch["shortcut"] = factor.swapaxes(0, 1).astype(dtype)
        params, velocity, loss = update(training.net == "full", params, velocity, batch, rate, settings)
        losses.append(loss)
    return Trained(params, np.array(losses))


def masked(params: dict) -> tuple[int, int, int]:
    """What a mask of one example covers: (unit, filter, place)."""
    return params["conv.weight"].shape[1] // 2, params["conv.weight"].shape[2], 9


@partial(jax.jit, static_argnums=(0, 4))
def answers(pre: bool, params: dict, images: Array, shortcut: Array, known: int) -> tuple[Array, Array]:
    return jax.vmap(lambda params: forward(pre, params, images, shortcut, known))(params)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known, images = len(inputs["known"]), task.rows(inputs)
    shortcut = np.full(masked(params)[0], task.SHORTCUTS[net], images.dtype)
    scores, negative = answers(net == "full", params, images, shortcut, known)
    return {"known_scores": scores[:, :known], "scores": scores[:, known:], "negative": negative}


@partial(jax.jit, static_argnums=0)
def pulled_back(pre: bool, shortcut: Array, params: dict, images: Array, at_last: Array) -> tuple[Array, Array]:
    def of_one(params: dict, last: Array) -> tuple[Array, Array]:
        count = len(images)
        start = stem(params, images, count)
        scales = jnp.broadcast_to(shortcut, masked({"conv.weight": params["conv.weight"][None]})[:1])

        def last_signal(probes: Array) -> Array:
            return units(pre, params, scales, start, count, probes)[0]

        _, back = jax.vjp(last_signal, jnp.zeros((len(scales), *start.shape), start.dtype))
        by_signal = jnp.concatenate([back(last)[0], last[None]])  # (signal, example, filter, place)
        size = jnp.sqrt(jnp.vdot(last, last))
        norms = jnp.sqrt(jnp.square(by_signal).sum((1, 2, 3))) / size
        return norms, jnp.einsum("lefp,efp->l", by_signal, last) / size**2

    return jax.vmap(of_one)(params, at_last)


def jacobians(net: str, shortcut: float, params: Arrays, images: Array, at_last: Array) -> dict[str, Array]:
    """See PyTorch's: the sizes and directions of the gradients by all signals, each (net, signal)."""
    norm, kept = pulled_back(net == "full", np.asarray(shortcut, images.dtype), params, images, at_last)
    return {"norm": norm, "kept": kept}
