r"""CS231n's `INPUT -> CONV -> RELU -> POOL -> FC` with softmax and SVM losses, as a pure function in JAX.

Each quantity, its formula and the call of JAX that computes it:

    convolved  = x * w + b                                        lax.conv_general_dilated
    activation = max(0, .)                                        jax.nn.relu
    pooled     = max of windows                                   lax.reduce_window
    f          = W pooled + b
    softmax    L_i = -log p_{y_i}                                 jax.nn.log_softmax
    SVM        L_i = sum_{j != y_i} max(0, f_j - f_{y_i} + Delta) one example, then vmap
    loss       1/N sum_i L_i (softmax) + 1/2 lambda ||W||^2

    notes        | code                     | shape
    x_i, y_i     | images, labels           | (batch, channel, height, width), (batch,)
    w, b of CONV | conv.weight, conv.bias   | (filter, channel, F, F), (filter,)
    W, b of FC   | fc.weight, fc.bias       | (class, filter * rows * columns), (class,)
    f, p         | scores, probabilities    | (batch, class)
    F, P         | kernel, padding          | scalars; the stride S of CONV is 1, that of POOL is `pool`
    lambda       | strength                 | scalar, on the weights of both layers
    Delta        | margin                   | scalar
"""

import jax
import jax.numpy as jnp
from jax import Array, lax


def convolve(images: Array, weight: Array, padding: int) -> Array:
    """Cross-correlation with stride 1 and a border of zeros: (batch, channel, h, w), (filter, channel, F, F)."""
    return lax.conv_general_dilated(images, weight, window_strides=(1, 1), padding=[(padding, padding)] * 2)


def max_pool(maps: Array, pool: int) -> Array:
    """The largest entry of each window of side `pool`; windows do not overlap. maps (batch, filter, height, width).

    Of equal entries the first in reading order gets the gradient. Raises ValueError where the windows do not fit.
    """
    height, width = maps.shape[2:]
    if height % pool or width % pool:
        raise ValueError(f"windows of side {pool} do not fit across {height} x {width} outputs")
    window = (1, 1, pool, pool)
    return lax.reduce_window(maps, -jnp.inf, lax.max, window_dimensions=window, window_strides=window, padding="VALID")


def softmax_loss(scores: Array, label: Array) -> Array:
    """-log p_y of one example, scores (class,), in nats."""
    chosen = jax.nn.one_hot(label, len(scores), dtype=scores.dtype)  # (class,), 1 at the label
    return -jnp.vdot(chosen, jax.nn.log_softmax(scores))


def svm_loss(scores: Array, label: Array, margin: float) -> Array:
    """sum_{j != y} max(0, f_j - f_y + Delta) of one example, scores (class,)."""
    chosen = jax.nn.one_hot(label, len(scores), dtype=scores.dtype)  # (class,), 1 at the label
    return jnp.vdot(1 - chosen, jax.nn.relu(scores - jnp.vdot(chosen, scores) + margin))


def forward(
    params: dict, batch: dict, *, padding: int, pool: int, strength: float, margin: float, **sizes: int
) -> dict[str, Array]:
    """batch: images (batch, channel, height, width), labels (batch,) integers. Losses are means over the batch."""
    images, labels = batch["images"], batch["labels"]
    # convolved_k[t, u] = sum_{c,i,j} w_kcij x_c[t+i-P, u+j-P] + b_k
    convolved = convolve(images, params["conv.weight"], padding) + params["conv.bias"][:, None, None]
    # activation = max(0, convolved)
    activation = jax.nn.relu(convolved)  # (batch, filter, height, width)
    # pooled = max over windows that do not overlap
    pooled = max_pool(activation, pool)  # (batch, filter, rows, columns)
    # f = W pooled + b
    scores = pooled.reshape(len(labels), -1) @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    # 1/N sum_i L_i for each of the two losses
    cross_entropy = jax.vmap(softmax_loss)(scores, labels).mean()
    hinge = jax.vmap(svm_loss, in_axes=(0, 0, None))(scores, labels, margin).mean()
    # 1/2 lambda ||W||^2, over the weights of both layers and no bias
    regularisation = 0.5 * strength * sum(jnp.sum(params[name] ** 2) for name in ("conv.weight", "fc.weight"))
    return {
        "convolved": convolved,
        "activation": activation,
        "pooled": pooled,
        "scores": scores,
        "probabilities": jax.nn.softmax(scores),  # (batch, class)
        "cross_entropy": cross_entropy,
        "hinge": hinge,
        "regularisation": regularisation,
        "loss": cross_entropy + regularisation,
    }
