r"""ResNet's first layer, two building blocks, global average pooling and linear layer, in JAX (arXiv:1512.03385).

F  = BN(W2 * sigma(BN(W1 * x)))      sections 3.2 and 3.4
y  = F + x  or  F + W_s x            equations 1 and 2
x' = sigma(y)                        section 3.2

paper        | code                             | shape
x            | stem, block1                     | (batch, filter, height, width)
F            | residual1, residual2             | as the block's output
x, W_s x     | shortcut1, shortcut2             | as the block's output
W1, W2, W_s  | conv1.weight, conv2.weight, projection.weight
A, B, C      | option; "plain" has no shortcuts
"""

import jax
import jax.numpy as jnp
from jax import Array, lax

OPTIONS = ("plain", "A", "B", "C")


def convolve(x: Array, weight: Array, stride: int = 1) -> Array:
    """Cross-correlation without a bias, zeros around: x (batch, channel, h, w), weight (filter, channel, k, k)."""
    pad = weight.shape[-1] // 2
    return lax.conv_general_dilated(x, weight, (stride, stride), [(pad, pad)] * 2)


def batch_norm(h: Array, scale: Array, shift: Array, eps: float) -> Array:
    """By the batch's own mean and variance, of every channel: h (batch, channel, h, w)."""
    if h[:, 0].size < 2:
        raise ValueError("batch normalisation needs more than one value per channel")
    normal = jax.nn.standardize(h, axis=(0, 2, 3), epsilon=eps, variance=h.var(axis=(0, 2, 3), keepdims=True))
    return scale[:, None, None] * normal + shift[:, None, None]


def conv_norm(params: dict, conv: str, norm: str, x: Array, eps: float, stride: int = 1) -> tuple[Array, Array]:
    """BN «right after each convolution» (section 3.4): the convolution, and what BN makes of it."""
    convolved = convolve(x, params[f"{conv}.weight"], stride)
    return convolved, batch_norm(convolved, params[f"{norm}.weight"], params[f"{norm}.bias"], eps)


def shortcut(params: dict, name: str, x: Array, residual: Array, option: str, eps: float, stride: int) -> Array:
    if option == "plain":
        return jnp.zeros_like(residual)
    if f"{name}.projection.weight" in params:
        # W_s x
        return conv_norm(params, f"{name}.projection", f"{name}.norm_projection", x, eps, stride)[1]
    # x, subsampled, «with extra zero entries padded for increasing dimensions»
    kept = x[:, :, ::stride, ::stride]
    return jnp.pad(kept, [(0, 0), (0, residual.shape[1] - x.shape[1]), (0, 0), (0, 0)])


def block(params: dict, name: str, x: Array, option: str, eps: float, stride: int) -> tuple[Array, ...]:
    """The building block of figure 2: W2's convolution, residual, shortcut and output."""
    # F = BN(W2 * sigma(BN(W1 * x)))
    inner = jax.nn.relu(conv_norm(params, f"{name}.conv1", f"{name}.norm1", x, eps, stride)[1])
    convolved, residual = conv_norm(params, f"{name}.conv2", f"{name}.norm2", inner, eps)
    # y = F + x or F + W_s x; x' = sigma(y)
    added = shortcut(params, name, x, residual, option, eps, stride)
    return convolved, residual, added, jax.nn.relu(residual + added)


def forward(params: dict, batch: dict, *, stride: int, option: str, eps: float, **sizes: int) -> dict[str, Array]:
    """batch: images (batch, channel, height, width), labels (batch,) integers. The loss is a mean in nats."""
    if option not in OPTIONS:
        raise ValueError(f"no option {option!r}: the options are plain, A, B and C")
    # the first layer: sigma(BN(W * images))
    stem = jax.nn.relu(conv_norm(params, "stem.conv", "stem.norm", batch["images"], eps)[1])
    convolved1, residual1, shortcut1, block1 = block(params, "block1", stem, option, eps, 1)
    convolved2, residual2, shortcut2, block2 = block(params, "block2", block1, option, eps, stride)
    # global average pooling, a linear layer, softmax
    pooled = block2.mean(axis=(2, 3))  # (batch, widened)
    scores = pooled @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    chosen = jax.nn.one_hot(batch["labels"], scores.shape[1], dtype=scores.dtype)  # (batch, class)
    return {
        "stem": stem,
        "convolved1": convolved1,
        "residual1": residual1,
        "shortcut1": shortcut1,
        "block1": block1,
        "convolved2": convolved2,
        "residual2": residual2,
        "shortcut2": shortcut2,
        "block2": block2,
        "pooled": pooled,
        "scores": scores,
        "loss": -(jax.nn.log_softmax(scores) * chosen).sum(1).mean(),
    }
