r"""The context module of Yu and Koltun (arXiv:1511.07122, section 3), as a pure function in JAX.

Each quantity, its formula and the call of JAX that computes it:

    layer_i = max(0, layer_{i-1} *_{d_i} k_i + b_i)   lax.conv_general_dilated(rhs_dilation=(d_i, d_i)), jax.nn.relu
    scores  = 1 x 1 layer                             jnp.einsum over channels
    loss    = mean of -log softmax(scores)_y          jax.nn.log_softmax, one-hot labels, a mask of the labelled pixels

    paper               | code                  | shape
    F_0                 | maps                  | (batch, channel, height, width)
    ground truth        | labels                | (batch, height, width) integers
    k_i (mirrored), b_i | layerI.weight, .bias  | (width_i, width_{i-1}, kernel, kernel), (width_i,)
    l                   | dilations             | one for each layer
    the buffer          | padding               | «zeros», «reflection» around the maps, or «layers» around each layer's

`rhs_dilation` is the dilation of the right-hand side, the filter: no filter with holes is built.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax


def convolve(maps: Array, weight: Array, dilation: int, border: int) -> Array:
    """sum_{a,t} weight[b, a, t] maps_a(p + l t), with a border of zeros: (batch, filter, height, width)."""
    return lax.conv_general_dilated(
        maps, weight, window_strides=(1, 1), padding=[(border, border)] * 2, rhs_dilation=(dilation, dilation)
    )


def frame(maps: Array, buffer: int, padding: str) -> Array:
    """The maps within a buffer of that width. Raises ValueError where it cannot be reflected."""
    height, width = maps.shape[2:]
    if padding == "reflection" and buffer >= min(height, width):
        raise ValueError(f"a buffer of {buffer} cannot be reflected from maps of {height} x {width}")
    around = [(0, 0), (0, 0), (buffer, buffer), (buffer, buffer)]
    return jnp.pad(maps, around, mode="reflect" if padding == "reflection" else "constant")


def forward(
    params: dict, batch: dict, *, dilations: tuple[int, ...], kernel: int, padding: str, ignored: int, **sizes
) -> dict[str, Array]:
    """Every layer, the scores and the loss, a mean over the labelled pixels, in nats."""
    r, layered = kernel // 2, padding == "layers"
    hidden = frame(batch["maps"], 0 if layered else sum(dilations) * r, padding)
    outputs = {}
    for number, dilation in enumerate(dilations, 1):
        # layer_i = max(0, layer_{i-1} *_{d_i} k_i + b_i)
        before = convolve(hidden, params[f"layer{number}.weight"], dilation, dilation * r if layered else 0)
        hidden = jax.nn.relu(before + params[f"layer{number}.bias"][:, None, None])
        outputs[f"layer{number}"] = hidden  # (batch, width_i, height + rest of the buffer, width + the same)
    # scores_b(p) = sum_a k^b(a) layer_a(p) + bias_b
    scores = jnp.einsum("nayx,ba->nbyx", hidden, params["final.weight"][:, :, 0, 0])
    scores = scores + params["final.bias"][:, None, None]  # (batch, channel, height, width)
    # mean of -log softmax(scores)_y over the labelled pixels; without any it is 0
    labelled = batch["labels"] != ignored  # (batch, height, width)
    chosen = jax.nn.one_hot(batch["labels"], scores.shape[1], axis=1, dtype=scores.dtype) * labelled[:, None]
    total = -jnp.vdot(chosen, jax.nn.log_softmax(scores, axis=1))
    return {**outputs, "scores": scores, "loss": total / jnp.maximum(1, labelled.sum())}
