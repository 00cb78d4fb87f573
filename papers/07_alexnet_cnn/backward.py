r"""The backward pass of the small AlexNet, layer by layer (paper 07).

    d loss/d logits      (p - y) / N
    through dropout      times the mask; through f, times f' : 1(a > 0), 1 - a^2, a (1 - a)
    through pooling      each pooled entry's gradient to the largest of its neighbourhood, of equal ones the first;
                         neighbourhoods overlap, so an entry may get several
    through normalisation
        db^i/da^j = 1(i = j) D_i^-beta - 2 alpha beta a^i a^j D_i^(-beta - 1) 1(j near i),  D_i = k + alpha sum (a^j)^2
    d loss/d kernel      correlates a layer's input and what flows back to it, group by group

At a pre-activation of exactly 0, relu'(0) = 0.
"""

import numpy as np

from s30.room import Array, Arrays, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

SLOPES = {"relu": lambda a: (a > 0) * 1.0, "tanh": lambda a: 1 - a**2, "logistic": lambda a: a * (1 - a)}


def gradients(problem: Problem) -> Arrays:
    """d loss by each parameter, under its name, by the `images`, and by what stands before each activation."""
    config, params, batch = problem.config, problem.params, problem.batch
    out, slope = checks.forward(params, batch, **config), SLOPES[config["activation"]]
    # d loss/d logits = (p - y) / N
    shifted = np.exp(out["logits"] - out["logits"].max(axis=1, keepdims=True))
    target = np.eye(config["classes"])[batch["labels"]]
    logits = (shifted / shifted.sum(axis=1, keepdims=True) - target) / len(target)
    features = out["conv2"].reshape(len(target), -1)
    neurons = checks.ACTIVATIONS[config["activation"]](features @ params["fc1.weight"].T + params["fc1.bias"])
    kept = batch["mask"] if config["training"] else config["keep"]
    hidden = (logits @ params["fc2.weight"]) * kept * slope(neurons)  # (batch, hidden), before f
    second = (hidden @ params["fc1.weight"]).reshape(out["conv2"].shape) * slope(out["conv2"])
    parts = [
        through(maps, upstream, weight, 1, 1)
        for maps, upstream, weight in zip(
            *(np.split(array, config["groups"], axis) for array, axis in (
                (out["pooled"], 1), (second, 1), (params["conv2.weight"], 0)))
        )
    ]  # fmt: skip
    pooled = np.concatenate([by_maps for _, by_maps in parts], axis=1)
    norm1 = unpooled(out["norm1"], pooled, config["pool"], config["apart"])
    first = unnormalised(out["conv1"], norm1, config) * slope(out["conv1"])
    weight, images = through(batch["images"], first, params["conv1.weight"], config["stride"], config["padding"])
    return {
        "conv1.weight": weight,
        "conv1.bias": first.sum(axis=(0, 2, 3)),
        "conv2.weight": np.concatenate([by_weight for by_weight, _ in parts]),
        "conv2.bias": second.sum(axis=(0, 2, 3)),
        "fc1.weight": hidden.T @ features,
        "fc1.bias": hidden.sum(axis=0),
        "fc2.weight": logits.T @ out["hidden"],
        "fc2.bias": logits.sum(axis=0),
        "images": images,
        "conv1": first,
        "norm1": norm1,
    }


def through(maps: Array, upstream: Array, weight: Array, stride: int, padding: int) -> tuple[Array, Array]:
    """The gradients by a layer's kernels and by its maps, from that by its outputs, (batch, kernel, height, width)."""
    padded = np.pad(maps, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    by_weight, by_maps = np.zeros_like(weight), np.zeros_like(padded)
    height, width = upstream.shape[2:]
    for i, j in np.ndindex(*weight.shape[2:]):
        read = np.s_[:, :, i : i + stride * (height - 1) + 1 : stride, j : j + stride * (width - 1) + 1 : stride]
        by_weight[:, :, i, j] = np.einsum("nktu,nctu->kc", upstream, padded[read])
        by_maps[read] += np.einsum("nktu,kc->nctu", upstream, weight[:, :, i, j])
    return by_weight, by_maps[:, :, padding : by_maps.shape[2] - padding, padding : by_maps.shape[3] - padding]


def unpooled(maps: Array, upstream: Array, pool: int, apart: int) -> Array:
    """What flows back through pooling, (batch, map, height, width)."""
    found = np.zeros_like(maps)
    for n, k, t, u in np.ndindex(*upstream.shape):
        window = np.s_[n, k, apart * t : apart * t + pool, apart * u : apart * u + pool]
        place = np.unravel_index(maps[window].argmax(), (pool, pool))  # argmax takes the first
        found[window][place] += upstream[n, k, t, u]
    return found


def unnormalised(a: Array, upstream: Array, config) -> Array:
    """What flows back through response normalisation: sum_i g_i db^i/da^j, in both terms."""
    alpha, beta, near = config["alpha"], config["beta"], config["near"]
    divisor = config["k"] + alpha * checks.near_squares(a, near)
    shares = upstream * a * divisor ** (-beta - 1)  # (batch, map, height, width)
    half = near // 2
    padded = np.pad(shares, [(0, 0), (half, half), (0, 0), (0, 0)])
    sums = sum(padded[:, shift : shift + a.shape[1]] for shift in range(2 * half + 1))  # j is near i as i is near j
    return upstream * divisor**-beta - 2 * alpha * beta * a * sums
