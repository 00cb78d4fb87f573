r"""Residual units with their activations in five orders, in JAX (arXiv:1603.05027, figure 4).

x_{l+1} = f(lambda x_l + F(x_l))     equations 1, 2 and 6
x_{l+1} = x_l + F(f^(x_l))           equation 9

paper          | code                               | shape
x_l            | stem, block1, block2, block3       | (batch, filter, height, width)
F              | residual1, residual2, residual3    | as the unit's output
h(x)           | shortcut3, of the unit that changes shapes
lambda         | shortcut_scale; residual_scale is on F
(a) to (e)     | unit: original, bn_after, relu_before, relu_only, full
"""

from functools import partial

import jax
from jax import Array, lax

UNITS = ("original", "bn_after", "relu_before", "relu_only", "full")
ENDS_WITH_NORM = ("original", "relu_before", "relu_only")  # BN behind the second convolution, and behind W_s


def convolve(params: dict, name: str, x: Array, stride: int = 1) -> Array:
    """Cross-correlation without a bias, zeros around: x (batch, channel, h, w)."""
    weight = params[f"{name}.weight"]
    pad = weight.shape[-1] // 2
    return lax.conv_general_dilated(x, weight, (stride, stride), [(pad, pad)] * 2)


def batch_norm(params: dict, eps: float, name: str, h: Array) -> Array:
    """By the batch's own mean and variance, of every channel: h (batch, channel, h, w)."""
    normal = jax.nn.standardize(h, axis=(0, 2, 3), epsilon=eps, variance=h.var(axis=(0, 2, 3), keepdims=True))
    return params[f"{name}.weight"][:, None, None] * normal + params[f"{name}.bias"][:, None, None]


def forward(
    params: dict,
    batch: dict,
    *,
    unit: str,
    stride: int,
    shortcut_scale: float,
    residual_scale: float,
    eps: float,
    **sizes: int,
) -> dict[str, Array]:
    """batch: images (batch, channel, height, width), labels (batch,) integers. The loss is a mean in nats."""
    if unit not in UNITS:
        raise ValueError(f"no unit {unit!r}: the units are {', '.join(UNITS)}")
    norm, conv, relu = partial(batch_norm, params, eps), partial(convolve, params), jax.nn.relu

    def active(name: str, x: Array) -> Array:
        """f^(x): what stands before the first convolution."""
        if unit == "full":
            return relu(norm(f"{name}.norm1", x))
        return relu(x) if unit == "relu_only" else x

    def residual(name: str, active: Array, step: int = 1) -> Array:
        # F = W2 sigma(BN(W1 .)), with BN and ReLU behind it or not
        middle = "norm2" if unit == "full" else "norm1"
        found = conv(f"{name}.conv2", relu(norm(f"{name}.{middle}", conv(f"{name}.conv1", active, step))))
        if unit in ENDS_WITH_NORM:
            found = norm(f"{name}.norm2", found)
        return relu(found) if unit == "relu_before" else found

    def after(name: str, y: Array) -> Array:
        """f(y): what stands behind the addition."""
        if unit == "bn_after":
            y = norm(f"{name}.norm2", y)
        return relu(y) if unit in ("original", "bn_after") else y

    # «right after conv1 and before splitting into two paths»
    stem = relu(norm("stem.norm", conv("stem.conv", batch["images"])))
    # x' = f(lambda x + F(f^(x)))
    residual1 = residual("block1", stem)
    block1 = after("block1", shortcut_scale * stem + residual_scale * residual1)
    residual2 = residual("block2", active("block2", block1))
    block2 = after("block2", shortcut_scale * block1 + residual_scale * residual2)
    # where shapes change both paths read the activated signal
    shared = active("block3", block2)
    shortcut3, residual3 = conv("block3.projection", shared, stride), residual("block3", shared, stride)
    if unit in ENDS_WITH_NORM:
        shortcut3 = norm("block3.norm_projection", shortcut3)
    block3 = after("block3", shortcut3 + residual3)
    # «an extra activation right after its element-wise addition»
    activated = relu(norm("norm", block3) if unit == "full" else block3)
    pooled = activated.mean(axis=(2, 3))  # (batch, widened)
    scores = pooled @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    chosen = jax.nn.one_hot(batch["labels"], scores.shape[1], dtype=scores.dtype)  # (batch, class)
    return {
        "stem": stem,
        "residual1": residual1,
        "block1": block1,
        "residual2": residual2,
        "block2": block2,
        "shortcut3": shortcut3,
        "residual3": residual3,
        "block3": block3,
        "activated": activated,
        "pooled": pooled,
        "scores": scores,
        "loss": -(jax.nn.log_softmax(scores) * chosen).sum(1).mean(),
    }
