r"""The backward pass of the room's network, gate after gate (CS231n, optimization-2.md and convolutional-networks.md).

    d loss/d scores      (p - y) / N                                     neural-networks-case-study.md
    d loss/d fc.weight   upstream x^T + lambda W                         optimization-2.md, «Gradients for vectorized operations»
    through POOL         to the switch, the largest entry of a window    convolutional-networks.md, «Pooling Layer»
    through RELU         where the pre-activation is positive            optimization-2.md, «Patterns in backward flow»
    d loss/d conv.weight the correlation of input and upstream           convolutional-networks.md, «Backpropagation»
    d loss/d images      upstream CONV the flipped filter                the same

Where the notes leave a choice: of equal entries of a window the first in reading order is the switch, since the max gate
routes the gradient «to exactly one of its inputs»; and RELU passes nothing at a pre-activation of exactly 0.
"""

import numpy as np

from s30.room import Array, Arrays, Problem, sibling

forward = sibling(__file__, "numpy_checks.py").forward


def through(out: Arrays, scores: Array, weight: Array, pool: int) -> Array:
    """The gradient by CONV's outputs, (batch, filter, height, width), from that by the scores, (batch, class).

    `out` is what forward computed, `weight` is fc.weight: back through FC, POOL and RELU.
    """
    pooled = (scores @ weight).reshape(out["pooled"].shape)  # (batch, filter, rows, columns)
    convolved = np.zeros_like(out["convolved"])  # (batch, filter, height, width)
    for example, filter_, t, u in np.ndindex(*pooled.shape):
        window = np.s_[example, filter_, pool * t : pool * (t + 1), pool * u : pool * (u + 1)]
        switch = np.unravel_index(out["activation"][window].argmax(), (pool, pool))  # argmax takes the first
        if out["convolved"][window][switch] > 0:
            convolved[window][switch] = pooled[example, filter_, t, u]
    return convolved


def gradients(problem: Problem) -> Arrays:
    """d loss by each parameter, under its name, by `scores`, by `convolved` and by the `images`."""
    params, labels, strength = problem.params, problem.batch["labels"], problem.config["strength"]
    out, padding = forward(params, problem.batch, **problem.config), problem.config["padding"]
    # d L/d f = (p - y) / N
    scores = (out["probabilities"] - np.eye(len(params["fc.bias"]))[labels]) / len(labels)  # (batch, class)
    convolved = through(out, scores, params["fc.weight"], problem.config["pool"])
    padded = np.pad(problem.batch["images"], [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    weight, images = np.zeros_like(params["conv.weight"]), np.zeros_like(padded)
    height, width = convolved.shape[2:]
    for i, j in np.ndindex(*weight.shape[2:]):
        # d L/d w_kcij = sum_{t,u} g_k[t, u] x_c[t+i-P, u+j-P]; each pixel read by the tap gets w_kcij g_k[t, u] back
        read = np.s_[:, :, i : i + height, j : j + width]
        weight[:, :, i, j] = np.einsum("nktu,nctu->kc", convolved, padded[read])
        images[read] += np.einsum("nktu,kc->nctu", convolved, params["conv.weight"][:, :, i, j])
    inside = np.s_[:, :, padding : images.shape[2] - padding, padding : images.shape[3] - padding]
    return {
        "conv.weight": weight + strength * params["conv.weight"],
        "conv.bias": convolved.sum(axis=(0, 2, 3)),
        "fc.weight": scores.T @ out["pooled"].reshape(len(labels), -1) + strength * params["fc.weight"],
        "fc.bias": scores.sum(axis=0),
        "scores": scores,
        "convolved": convolved,
        "images": images[inside],
    }
