r"""Other ways to the numbers of the NumPy layer (arXiv:1603.05027): loops without rounding, and fifty digits."""

import math

import mpmath
import numpy as np

from s30.room import Array, Forward, Oracle, Problem

SHAPES = ("one image", "original unit", "ReLU only", "BN after", "ReLU before")


def _telescoped_exactly(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """block2 of the pre-activated unit, entry by entry from x_0 and the residuals (equation 7), without rounding."""
    out = forward(problem.params, problem.batch)
    scale, by = problem.config["shortcut_scale"], problem.config["residual_scale"]
    theirs = np.empty_like(out["block2"])
    for at in np.ndindex(*theirs.shape):
        terms = (scale**2 * out["stem"][at], scale * by * out["residual1"][at], by * out["residual2"][at])
        theirs[at] = math.fsum(terms)
    return out["block2"], theirs


def _convolved(x: Array, weight: Array, stride: int) -> Array:
    pad = weight.shape[-1] // 2
    count, _, height, width = x.shape
    found = np.empty((count, len(weight), (height - 1) // stride + 1, (width - 1) // stride + 1))
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


def _last_unit(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The third unit from what our layer gave the second, each order of figure 4 spelled out as a list of gates."""
    out, params, config = forward(problem.params, problem.batch), problem.params, problem.config
    stride = config["stride"]

    def gates(x: Array, *names: str) -> Array:
        for name in names:
            if name == "relu":
                x = np.where(x > 0, x, 0.0)
            elif "norm" in name:
                x = _normalised(x, params[f"block3.{name}.weight"], params[f"block3.{name}.bias"], config["eps"])
            else:
                x = _convolved(x, params[f"block3.{name}.weight"], 1 if name == "conv2" else stride)
        return x

    before, branch, path, behind = {
        "original": ((), ("conv1", "norm1", "relu", "conv2", "norm2"), ("projection", "norm_projection"), ("relu",)),
        "bn_after": ((), ("conv1", "norm1", "relu", "conv2"), ("projection",), ("norm2", "relu")),
        "relu_before": (
            (),
            ("conv1", "norm1", "relu", "conv2", "norm2", "relu"),
            ("projection", "norm_projection"),
            (),
        ),
        "relu_only": (("relu",), ("conv1", "norm1", "relu", "conv2", "norm2"), ("projection", "norm_projection"), ()),
        "full": (("norm1", "relu"), ("conv1", "norm2", "relu", "conv2"), ("projection",), ()),
    }[config["unit"]]
    active = gates(out["block2"], *before)
    residual, shortcut = gates(active, *branch), gates(active, *path)
    theirs = (residual, shortcut, gates(residual + shortcut, *behind))
    ours = [out[name].ravel() for name in ("residual3", "shortcut3", "block3")]
    return np.concatenate(ours), np.concatenate([value.ravel() for value in theirs])


def _fifty_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The last activation, BN's variance as E[h^2] - E[h]^2, which needs the digits; and the loss."""
    out = forward(problem.params, problem.batch)
    scale, shift = problem.params["norm.weight"], problem.params["norm.bias"]
    with mpmath.workdps(50):
        activated = np.empty_like(out["activated"])
        for k in range(len(scale)):
            values = [mpmath.mpf(float(h)) for h in out["block3"][:, k].ravel()]
            mean = mpmath.fsum(values) / len(values)
            root = mpmath.sqrt(mpmath.fsum(h * h for h in values) / len(values) - mean**2 + problem.config["eps"])
            normal = [max(0.0, float(float(scale[k]) * (h - mean) / root + float(shift[k]))) for h in values]
            activated[:, k] = np.reshape(normal, activated[:, k].shape)
        losses = [
            mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(float(f))) for f in row)) - mpmath.mpf(float(row[label]))
            for row, label in zip(out["scores"], problem.batch["labels"])
        ]
        loss = float(mpmath.fsum(losses) / len(losses))
    return np.append(out["activated"], out["loss"]), np.append(activated, loss)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "telescoped",
            "x_2 is the sum of x_0 and the residuals with the products of lambda before them",
            "math.fsum of the three terms, entry by entry",
            _telescoped_exactly,
            ("one image", "bright images"),
        ),
        Oracle(
            "gate by gate",
            "the third unit's residual, shortcut and output in each of the five orders",
            "a list of gates for each order of figure 4, by loops over Python's numbers",
            _last_unit,
            SHAPES,
        ),
        Oracle(
            "fifty digits",
            "the last activation and the loss are accurate where scores are large",
            "mpmath with 50 digits, the variance as a difference of squares",
            _fifty_digits,
            ("bright images", "high scores"),
        ),
    ]
