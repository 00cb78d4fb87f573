r"""A. Krizhevsky, I. Sutskever, G. E. Hinton, «ImageNet Classification with Deep Convolutional Neural Networks» (NIPS 2012).

Every kind of layer of the paper once, on two small images in the place of 224 x 224 pixels:

    a        = f(w * x + b), f = max(0, .)                        section 3.1; tanh and the logistic function beside it
    b^i      = a^i / (k + alpha sum_{j near i} (a^j)^2)^beta      section 3.3, local response normalisation over maps
    pooled   = max over z x z neighbourhoods, s apart, s < z      section 3.4, overlapping pooling
    grouped  = f(w^g * pooled^g + b), g = 1, 2                    section 3.2, kernels that see the maps of their own GPU
    hidden   = f(W grouped + b) * mask                            section 4.2, dropout; 0.5 f(W grouped + b) at test time
    p        = softmax(W hidden + b)                              section 3.5, the 1000-way softmax
    loss     = mean of -log p_y                                   section 3.5, the objective that is maximised, negated

    paper                  | code                  | shape in the checked problem
    image                  | images                | (batch 2, channel 2, height 11, width 11)
    class                  | labels                | (batch,): integers in 0..9
    dropped or not         | mask                  | (batch, hidden): 1 where a neuron is kept, 0 where it is dropped
    first kernels          | conv1.weight, .bias   | (kernel 6, channel 2, 3, 3), (6,)
    second kernels         | conv2.weight, .bias   | (kernel 8, channel 6 / groups = 3, 3, 3), (8,)
    fully-connected        | fc1.*, fc2.*          | (hidden 7, 8 * 2 * 2), (7,); (class 10, 7), (10,)
    stride of layer 1      | stride, padding       | 2 and 0; the paper's is 4. The second layer has stride 1 and padding 1
    z, s                   | pool, apart           | 3, 2
    k, n, alpha, beta      | k, near, alpha, beta  | 2, 5, 0.8, 0.75; the paper's alpha is 1e-4 on activities of another size
    f                      | activation            | «relu», «tanh», «logistic»
    0.5                    | keep, training        | the share of neurons that are kept; whether the mask applies or the factor
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG = dict(
    channels=2, height=11, width=11, kernels1=6, kernels2=8, kernel=3, stride=2, padding=0, pool=3, apart=2
) | dict(
    groups=2, hidden=7, classes=10, k=2.0, near=5, alpha=0.8, beta=0.75, activation="relu", keep=0.5, training=True
)


def forward(
    params: Arrays, batch: Arrays, *, stride: int, padding: int, pool: int, apart: int, groups: int, k: float, near: int,
    alpha: float, beta: float, activation: str, keep: float, training: bool, **sizes,
) -> dict[str, Array]:  # fmt: skip
    """Every intermediate quantity of the network; the loss is a mean over the batch, in nats.

    Raises ValueError where the maps of the first layer or the kernels of the second do not divide into the groups.
    """
    squash = ACTIVATIONS[activation]
    # a^i = f(w_i * x + b_i)
    convolved = convolve(batch["images"], params["conv1.weight"], stride, padding) + params["conv1.bias"][:, None, None]
    conv1 = squash(convolved)  # (batch, kernel, height, width)
    # b^i = a^i / (k + alpha sum_{j = max(0, i - n/2)}^{min(N - 1, i + n/2)} (a^j)^2)^beta
    norm1 = conv1 / (k + alpha * near_squares(conv1, near)) ** beta
    # pooled = the largest of z x z entries, every s-th neighbourhood that fits
    windows = sliding_window_view(norm1, (pool, pool), axis=(2, 3))[:, :, ::apart, ::apart]
    pooled = windows.max(axis=(4, 5))  # (batch, kernel, rows, columns)
    # each group's kernels see the maps of that group
    parts = [
        convolve(maps, weight, 1, 1)
        for maps, weight in zip(
            divided(pooled, groups, 1, "maps"), divided(params["conv2.weight"], groups, 0, "kernels")
        )
    ]
    conv2 = squash(
        np.concatenate(parts, axis=1) + params["conv2.bias"][:, None, None]
    )  # (batch, kernel, rows, columns)
    # hidden = f(W x + b), then dropped neurons are zero; at test time all are kept and multiplied by 0.5
    neurons = squash(conv2.reshape(len(conv2), -1) @ params["fc1.weight"].T + params["fc1.bias"])  # (batch, hidden)
    hidden = neurons * (batch["mask"] if training else keep)
    logits = hidden @ params["fc2.weight"].T + params["fc2.bias"]  # (batch, class)
    # log p_c = logits_c - log sum_j exp(logits_j), the largest being subtracted first against overflow
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_probabilities[np.arange(len(logits)), batch["labels"]].mean()
    return {
        "conv1": conv1,
        "norm1": norm1,
        "pooled": pooled,
        "conv2": conv2,
        "hidden": hidden,
        "logits": logits,
        "loss": np.asarray(loss),
    }


def relu(x: Array) -> Array:
    return np.maximum(0.0, x)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), by the exponential that does not overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


ACTIVATIONS = {"relu": relu, "tanh": np.tanh, "logistic": logistic}


def convolve(maps: Array, weight: Array, stride: int, padding: int) -> Array:
    """sum_{c,i,j} weight[k, c, i, j] maps[c, S t + i - P, S u + j - P], maps being zero outside."""
    padded = np.pad(maps, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nctuij,kcij->nktu", windows, weight, optimize=True)


def near_squares(maps: Array, near: int) -> Array:
    """sum of (a^j)^2 over the `near` maps around map i, fewer at both ends: (batch, map, height, width)."""
    padded = np.pad(maps**2, [(0, 0), (near // 2, near // 2), (0, 0), (0, 0)])
    return sliding_window_view(padded, 2 * (near // 2) + 1, axis=1).sum(axis=-1)


def divided(array: Array, groups: int, axis: int, what: str) -> list[Array]:
    """The groups' parts of an axis. Raises ValueError where it does not divide."""
    if array.shape[axis] % groups:
        raise ValueError(f"{array.shape[axis]} {what} do not divide into {groups} groups")
    return np.split(array, groups, axis=axis)


def sizes(config: dict) -> tuple[int, int, int, int]:
    """Rows and columns of the first layer's maps, then of the pooled ones: floor((W - F + 2P) / S) + 1."""
    first = [
        (config[side] - config["kernel"] + 2 * config["padding"]) // config["stride"] + 1
        for side in ("height", "width")
    ]
    return (*first, *((side - config["pool"]) // config["apart"] + 1 for side in first))


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter."""
    first, second, kernel, hidden, classes = (
        config[n] for n in ("kernels1", "kernels2", "kernel", "hidden", "classes")
    )
    *_, rows, columns = sizes(config)
    return {
        "conv1.weight": (first, config["channels"], kernel, kernel),
        "conv1.bias": (first,),
        "conv2.weight": (second, first // config["groups"], 3, 3),
        "conv2.bias": (second,),
        "fc1.weight": (hidden, second * rows * columns),
        "fc1.bias": (hidden,),
        "fc2.weight": (classes, hidden),
        "fc2.bias": (classes,),
    }


def problem(seed: int = 0) -> Problem:
    """Two random images and weights, redrawn until no kink or tie lies within 1e-4 and every map and neuron is alive."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = draw(rng, CONFIG, 2)
        out = forward(drawn.params, drawn.batch, **drawn.config)
        alive = (out["conv1"].max((0, 2, 3)) > 0).all() and (out["hidden"].max(0) > 0).mean() > 0.5
        if alive and distance_to_kinks(drawn) > 1e-4:
            return drawn


def draw(rng: np.random.Generator, config: dict, count: int) -> Problem:
    """Normal weights of deviation sqrt(2 / fan-in), biases around 0.2, a mask in which no example keeps all or none."""
    params = {
        name: rng.normal(0.2, 0.2, shape)
        if "bias" in name
        else rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
        for name, shape in shapes(config).items()
    }
    order = rng.random((count, config["hidden"])).argsort(axis=1)
    batch = {
        "images": rng.normal(size=(count, config["channels"], config["height"], config["width"])),
        "labels": rng.choice(config["classes"], count, replace=count > config["classes"]),
        "mask": (order < round(config["keep"] * config["hidden"])).astype(float),
    }
    return Problem(config, params, batch)


def distance_to_kinks(drawn: Problem) -> float:
    """The least distance of a pre-activation of ReLU to 0, and of the two largest entries of a positive pooling window."""
    config, params = drawn.config, drawn.params
    out = forward(params, drawn.batch, **{**config, "activation": "relu"})
    before = convolve(drawn.batch["images"], params["conv1.weight"], config["stride"], config["padding"])
    parts = zip(np.split(out["pooled"], config["groups"], 1), np.split(params["conv2.weight"], config["groups"], 0))
    second = np.concatenate([convolve(maps, weight, 1, 1) for maps, weight in parts], axis=1)
    neurons = out["conv2"].reshape(len(second), -1) @ params["fc1.weight"].T + params["fc1.bias"]
    pre = (before + params["conv1.bias"][:, None, None], second + params["conv2.bias"][:, None, None], neurons)
    windows = sliding_window_view(out["norm1"], (config["pool"],) * 2, axis=(2, 3))[
        :, :, :: config["apart"], :: config["apart"]
    ]
    ordered = np.sort(windows.reshape(*windows.shape[:4], -1), axis=-1)
    gaps = (ordered[..., -1] - ordered[..., -2])[ordered[..., -1] > 0]
    return min(*(np.abs(values).min() for values in pre), gaps.min(initial=1.0))


def invariants() -> list[Invariant]:
    """What every executable layer must have: `invariants.py`."""
    return sibling(__file__, "invariants.py").invariants()
