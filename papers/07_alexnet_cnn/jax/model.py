r"""AlexNet's layers once each, on two small images (Krizhevsky, Sutskever, Hinton, NIPS 2012), as a pure function in JAX.

Each quantity, its formula and the call of JAX that computes it:

    conv1  = f(w * x + b)                                       lax.conv_general_dilated                   section 3.1
    norm1  = a / (k + alpha sum of near squares)^beta           lax.reduce_window over maps, with lax.add  section 3.3
    pooled = max over z x z, s apart                            lax.reduce_window with lax.max             section 3.4
    conv2  = f(w^g * pooled^g + b)                              feature_group_count                        section 3.2
    hidden = f(W x + b) * mask, or times `keep` at test time                                               section 4.2
    loss   = mean of -log softmax(logits)_y                     jax.nn.log_softmax, one-hot labels         section 3.5

    paper          | code                        | shape
    image, class   | images, labels              | (batch, channel, height, width), (batch,) integers
    dropped or not | mask                        | (batch, hidden), 1 or 0
    kernels        | conv1.*, conv2.*            | (kernel, channel / groups, F, F), (kernel,)
    4096, 1000     | fc1.*, fc2.*                | (hidden, feature), (class, hidden)
"""

import jax
import jax.numpy as jnp
from jax import Array, lax

ACTIVATIONS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "logistic": jax.nn.sigmoid}


def convolve(maps: Array, weight: Array, bias: Array, stride: int, padding: int, groups: int = 1) -> Array:
    """w * x + b: cross-correlation, `stride` apart, with a border of zeros; each group's kernels see its maps alone."""
    for count, what in ((maps.shape[1], "maps"), (weight.shape[0], "kernels")):
        if count % groups:
            raise ValueError(f"{count} {what} do not divide into {groups} groups")
    found = lax.conv_general_dilated(
        maps, weight, (stride, stride), [(padding, padding)] * 2, feature_group_count=groups
    )
    return found + bias[:, None, None]


def normalise(maps: Array, k: float, near: int, alpha: float, beta: float) -> Array:
    """b^i = a^i / (k + alpha sum of (a^j)^2 over the maps near i)^beta, maps (batch, map, height, width)."""
    if not alpha:
        return maps / k**beta  # without a sum, which would cost as much as a convolution
    half = near // 2
    around = [(0, 0), (half, half), (0, 0), (0, 0)]
    squares = lax.reduce_window(maps**2, 0.0, lax.add, (1, 2 * half + 1, 1, 1), (1, 1, 1, 1), around)
    return maps / (k + alpha * squares) ** beta


def max_pool(maps: Array, pool: int, apart: int) -> Array:
    """The largest entry of every z x z neighbourhood that fits, s apart. Of equal entries the first gets the gradient."""
    return lax.reduce_window(maps, -jnp.inf, lax.max, (1, 1, pool, pool), (1, 1, apart, apart), "VALID")


def forward(
    params: dict, batch: dict, *, stride: int, padding: int, pool: int, apart: int, groups: int, k: float, near: int,
    alpha: float, beta: float, activation: str, keep: float, training: bool, **sizes,
) -> dict[str, Array]:  # fmt: skip
    """batch: images, labels, mask. The loss is a mean over the batch, in nats."""
    squash = ACTIVATIONS[activation]
    conv1 = squash(convolve(batch["images"], params["conv1.weight"], params["conv1.bias"], stride, padding))
    norm1 = normalise(conv1, k, near, alpha, beta)  # (batch, kernel, height, width)
    pooled = max_pool(norm1, pool, apart)  # (batch, kernel, rows, columns)
    conv2 = squash(convolve(pooled, params["conv2.weight"], params["conv2.bias"], 1, 1, groups))
    # hidden = f(W x + b), dropped or, at test time, halved
    neurons = squash(conv2.reshape(len(conv2), -1) @ params["fc1.weight"].T + params["fc1.bias"])
    hidden = neurons * (batch["mask"] if training else keep)  # (batch, hidden)
    logits = hidden @ params["fc2.weight"].T + params["fc2.bias"]  # (batch, class)
    # mean of -log p_y
    chosen = jax.nn.one_hot(batch["labels"], logits.shape[1], dtype=logits.dtype)  # (batch, class)
    loss = -(chosen * jax.nn.log_softmax(logits)).sum(1).mean()
    return {
        "conv1": conv1,
        "norm1": norm1,
        "pooled": pooled,
        "conv2": conv2,
        "hidden": hidden,
        "logits": logits,
        "loss": loss,
    }
