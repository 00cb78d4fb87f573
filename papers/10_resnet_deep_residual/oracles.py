r"""Other ways to the numbers of the NumPy layer (arXiv:1512.03385): loops, fifty digits, and the figures that libraries give."""

import math

import mpmath
import numpy as np

from s30.room import Array, Forward, Oracle, Problem

SHAPES = ("one image", "colours", "plain")


def _convolved(x: Array, weight: Array, stride: int) -> Array:
    """Entry by entry, by Python's own numbers, summed without rounding."""
    pad = weight.shape[-1] // 2
    count, _, height, width = x.shape
    rows, columns = ((side - 1) // stride + 1 for side in (height, width))
    found = np.empty((count, len(weight), rows, columns))
    for e, k, t, u in np.ndindex(*found.shape):
        found[e, k, t, u] = math.fsum(
            weight[k, c, i, j] * x[e, c, stride * t + i - pad, stride * u + j - pad]
            for c, i, j in np.ndindex(*weight.shape[1:])
            if 0 <= stride * t + i - pad < height and 0 <= stride * u + j - pad < width
        )
    return found


def _normalised(h: Array, scale: Array, shift: Array, eps: float) -> Array:
    found = np.empty_like(h)
    for k in range(h.shape[1]):
        values = h[:, k].ravel().tolist()
        mean = math.fsum(values) / len(values)
        root = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values) + eps)
        found[:, k] = scale[k] * (h[:, k] - mean) / root + shift[k]
    return found


def _by_loops(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Each stage from what our layer gave the one before: block 2 whole, and its shortcut under every option."""
    out, config, params = forward(problem.params, problem.batch), problem.config, problem.params

    def layer(conv: str, norm: str, x: Array, stride: int) -> Array:
        h = _convolved(x, params[f"block2.{conv}.weight"], stride)
        return _normalised(h, params[f"block2.{norm}.weight"], params[f"block2.{norm}.bias"], config["eps"])

    x, stride = out["block1"], config["stride"]
    residual = layer("conv2", "norm2", np.maximum(0.0, layer("conv1", "norm1", x, stride)), 1)
    added = np.zeros_like(residual)
    if config["option"] in ("B", "C"):
        added = layer("projection", "norm_projection", x, stride)
    elif config["option"] == "A":
        for e, k, t, u in np.ndindex(*added.shape):
            added[e, k, t, u] = x[e, k, stride * t, stride * u] if k < x.shape[1] else 0.0
    theirs = (residual, added, np.maximum(0.0, residual + added))
    ours = [out[name].ravel() for name in ("residual2", "shortcut2", "block2")]
    return np.concatenate(ours), np.concatenate([value.ravel() for value in theirs])


def _fifty_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """BN of what our layer convolved, its variance as E[h^2] - E[h]^2, which needs the digits; and the loss."""
    out = forward(problem.params, problem.batch)
    scale, shift = (problem.params[f"block1.norm2.{kind}"] for kind in ("weight", "bias"))
    with mpmath.workdps(50):
        residual = np.empty_like(out["residual1"])
        for k in range(len(scale)):
            values = [mpmath.mpf(float(h)) for h in out["convolved1"][:, k].ravel()]
            mean = mpmath.fsum(values) / len(values)
            root = mpmath.sqrt(mpmath.fsum(h * h for h in values) / len(values) - mean**2 + problem.config["eps"])
            normal = [float(float(scale[k]) * (h - mean) / root + float(shift[k])) for h in values]
            residual[:, k] = np.reshape(normal, residual[:, k].shape)
        losses = [
            mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(f))) for f in row)) - mpmath.mpf(float(row[label]))
            for row, label in zip(out["scores"], problem.batch["labels"])
        ]
        loss = float(mpmath.fsum(losses) / len(losses))
    return np.append(out["residual1"], out["loss"]), np.append(residual, loss)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "by loops",
            "the second block's residual, shortcut and output are what the formulas say, under options A, B, C and none",
            "loops over Python's numbers, summed without rounding",
            _by_loops,
            SHAPES,
        ),
        Oracle(
            "fifty digits",
            "the first block's residual and the loss are accurate where variances are tiny and scores large",
            "mpmath with 50 digits, the variance as a difference of squares",
            _fifty_digits,
            ("bright images", "faint weights", "high scores"),
        ),
    ]
