r"""The backward pass of the context module, layer by layer (paper 11), by the rules that room 26 proves for any spacing of taps.

    d loss/d scores      (p - y) / (number of labelled pixels), zero at the others
    through a truncation where the pre-activation is positive; nothing at exactly 0
    d loss/d k_i         correlates the layer's input and upstream: sum_p g_b(p) x_a(p + l t)
    d loss/d layer_{i-1} each entry that tap t read at p + l t gets weight[t] g(p) back: upstream convolved by the dilated filter
    through the buffer   dropped where it is zeros; where it is a reflection, added to the entry that was reflected

At the identity start pre-activations of exactly 0 are the rule and not an accident: a map that is zero somewhere stays so.
"""

import numpy as np

from s30.room import Array, Arrays, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")


def gradients(problem: Problem) -> Arrays:
    """d loss by each parameter, under its name, by the `scores`, by the `maps`, and by each layer's pre-activation."""
    config, params, labels = problem.config, problem.params, problem.batch["labels"]
    dilations, padding, r = config["dilations"], config["padding"], config["kernel"] // 2
    out = checks.forward(params, problem.batch, **config)
    inputs = [checks.framed(problem.batch["maps"], dilations, config["kernel"], padding)]
    inputs += [out[f"layer{number}"] for number, _ in enumerate(dilations, 1)]
    # d loss/d scores = (p - y) / N at labelled pixels
    exponentials = np.exp(out["scores"] - out["scores"].max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    labelled = labels != config["ignored"]  # (batch, height, width)
    target = np.eye(config["channels"])[np.where(labelled, labels, 0)].transpose(0, 3, 1, 2)
    upstream = (probabilities - target) * labelled[:, None] / max(1, labelled.sum())
    found: dict[str, Array] = {"scores": upstream}
    layers = [*((f"layer{number}", dilation) for number, dilation in enumerate(dilations, 1)), ("final", 1)]
    for (name, dilation), maps in reversed(list(zip(layers, inputs))):
        if name != "final":
            upstream = upstream * (out[name] > 0)  # out is positive exactly where its pre-activation is
        found[name] = upstream
        border = dilation * r if padding == "layers" and name != "final" else 0
        found[f"{name}.weight"], upstream = through(maps, upstream, params[f"{name}.weight"], dilation, border)
        found[f"{name}.bias"] = found[name].sum(axis=(0, 2, 3))
    return {**found, "maps": unframed(upstream, inputs[0].shape[2] - labels.shape[1], padding)}


def through(maps: Array, upstream: Array, weight: Array, dilation: int, border: int) -> tuple[Array, Array]:
    """The gradients by a layer's filters and by its input maps, from that by its outputs, (batch, filter, height, width)."""
    around = [(0, 0), (0, 0), (border, border), (border, border)]
    padded, by_weight = np.pad(maps, around), np.zeros_like(weight)
    by_maps = np.zeros_like(padded)
    height, width = upstream.shape[2:]
    for i, j in np.ndindex(*weight.shape[2:]):
        read = np.s_[:, :, dilation * i : dilation * i + height, dilation * j : dilation * j + width]
        by_weight[:, :, i, j] = np.einsum("nbyx,nayx->ba", upstream, padded[read])
        by_maps[read] += np.einsum("nbyx,ba->nayx", upstream, weight[:, :, i, j])
    return by_weight, by_maps[:, :, border : by_maps.shape[2] - border, border : by_maps.shape[3] - border]


def unframed(upstream: Array, buffers: int, padding: str) -> Array:
    """The gradient by the maps from that by the maps within their buffer, which is `buffers` / 2 wide on every side."""
    buffer = buffers // 2
    for axis in (2, 3):
        upstream = np.moveaxis(upstream, axis, 0)
        inside = upstream[buffer : len(upstream) - buffer].copy()
        if padding == "reflection":
            inside[1 : buffer + 1] += upstream[:buffer][::-1]
            inside[-buffer - 1 : -1] += upstream[len(upstream) - buffer :][::-1]
        upstream = np.moveaxis(inside, 0, axis)
    return upstream
