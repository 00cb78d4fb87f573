r"""Other ways to the numbers of the NumPy layer (paper 11): equation 2 as it is printed, SciPy, fifty digits, and scikit-learn."""

import itertools
import math

import mpmath
import numpy as np
from scipy import signal

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")
task = sibling(__file__, "task.py")

SHAPES = ("one example", "Table 1", "large", "wide filters", "reflection")
EXTREMES = ("loud maps", "low scores")


def as_printed(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Equation 2 on Z^2, sums over s + l t = p, with k(t) = weight[-t]; F is zero beyond the buffer or is its reflection.

    One layer from the maps: the first, under its own dilation.
    """
    config, weight, bias = problem.config, problem.params["layer1.weight"], problem.params["layer1.bias"]
    r, dilation = config["kernel"] // 2, config["dilations"][0]
    inside = checks.framed(problem.batch["maps"], config["dilations"], config["kernel"], config["padding"])
    border = dilation * r if config["padding"] == "layers" else 0
    ours = forward(problem.params, problem.batch)["layer1"]
    theirs = np.zeros_like(ours)
    first = dilation * r - border  # the place p of the layer's first output, counted in `inside`
    for n, b, y, x in np.ndindex(*ours.shape):
        total = []
        for t in itertools.product(range(-r, r + 1), repeat=2):
            s = (y + first - dilation * t[0], x + first - dilation * t[1])  # s + l t = p
            if 0 <= s[0] < inside.shape[2] and 0 <= s[1] < inside.shape[3]:  # F is zero elsewhere
                mirrored = weight[b, :, r - t[0], r - t[1]]  # k(t) = weight[-t]
                total += (inside[n, :, s[0], s[1]] * mirrored).tolist()
        theirs[n, b, y, x] = max(0.0, math.fsum(total) + bias[b])
    return ours, theirs


def correlation(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Every layer from the one before it, by SciPy, with the filter whose holes are written out."""
    out, config = forward(problem.params, problem.batch), problem.config
    before = checks.framed(problem.batch["maps"], config["dilations"], config["kernel"], config["padding"])
    ours, theirs = [], []
    for number, dilation in enumerate(config["dilations"], 1):
        weight, bias = problem.params[f"layer{number}.weight"], problem.params[f"layer{number}.bias"]
        holes = np.zeros((*weight.shape[:2], *(dilation * (config["kernel"] - 1) + 1,) * 2))
        holes[:, :, ::dilation, ::dilation] = weight
        mode = "same" if config["padding"] == "layers" else "valid"
        found = [
            [
                sum(signal.correlate2d(x, w, mode=mode) for x, w in zip(maps, filters)) + c
                for filters, c in zip(holes, bias)
            ]
            for maps in before
        ]
        before = out[f"layer{number}"]
        ours.append(before.ravel())
        theirs.append(np.maximum(0.0, found).ravel())
    return np.concatenate(ours), np.concatenate(theirs)


def fifty_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    out, labels = forward(problem.params, problem.batch), problem.batch["labels"]
    with mpmath.workdps(50):
        losses = []
        for n, y, x in zip(*np.nonzero(labels != problem.config["ignored"])):
            row = [mpmath.mpf(float(value)) for value in out["scores"][n, :, y, x]]
            losses.append(mpmath.log(mpmath.fsum(map(mpmath.exp, row))) - row[labels[n, y, x]])
        return out["loss"], np.asarray(float(mpmath.fsum(losses) / len(losses)))


def intersection_over_union(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The experiment's measure, on what the scores name, against the labels; pixels without a label count for nothing."""
    from sklearn.metrics import jaccard_score

    classes, ignored = problem.config["channels"], problem.config["ignored"]
    named, labels = forward(problem.params, problem.batch)["scores"].argmax(1), problem.batch["labels"]
    known = labels != ignored
    every = [label for label in range(classes) if (labels[known] == label).any() or (named[known] == label).any()]
    theirs = jaccard_score(labels[known], named[known], labels=every, average=None)
    return task.intersections(task.confusion(labels, named, classes, ignored)), theirs


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equation 2 as printed", "the first layer is the dilated convolution by the mirrored filter, truncated",
            "sums over s + l t = p, without rounding", as_printed, ("wide filters", "reflection", "one example"),
        ),
        Oracle(
            "correlate2d", "every layer is the correlation with the filter that has holes",
            "scipy.signal.correlate2d, channel by channel", correlation, SHAPES,
        ),
        Oracle(
            "fifty digits", "the loss is accurate where exp overflows and underflows",
            "mpmath with 50 digits, straight from exp and log", fifty_digits, ("one example", *EXTREMES),
        ),
        Oracle(
            "jaccard", "the intersection over union of every class, absent ones and pixels without a label left out",
            "sklearn.metrics.jaccard_score", intersection_over_union, SHAPES,
        ),
    ]  # fmt: skip
