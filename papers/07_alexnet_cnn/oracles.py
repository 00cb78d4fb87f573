r"""Other ways to the numbers of the NumPy layer (paper 07): loops over the printed formulas, SciPy, fifty digits, finite dropout nets."""

import math

import mpmath
import numpy as np
from scipy import signal, special

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

SHAPES = ("test time", "other sizes", "tanh", "logistic", "no overlap", "far apart", "raw images")


def as_printed(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Section 3.3 with its limits max(0, i - n/2) and min(N - 1, i + n/2), and section 3.4 neighbourhood by neighbourhood."""
    out, config = forward(problem.params, problem.batch), problem.config
    norm, pooled = np.empty_like(out["norm1"]), np.empty_like(out["pooled"])
    count, half = norm.shape[1], config["near"] // 2
    for n, i, y, x in np.ndindex(*norm.shape):
        near = range(max(0, i - half), min(count - 1, i + half) + 1)
        total = math.fsum(float(out["conv1"][n, j, y, x]) ** 2 for j in near)
        norm[n, i, y, x] = out["conv1"][n, i, y, x] / (config["k"] + config["alpha"] * total) ** config["beta"]
    for n, i, t, u in np.ndindex(*pooled.shape):
        corner = np.s_[config["apart"] * t : config["apart"] * t + config["pool"]]
        rows = out["norm1"][n, i, corner]
        pooled[n, i, t, u] = max(max(row[config["apart"] * u : config["apart"] * u + config["pool"]]) for row in rows)
    return np.append(out["norm1"], out["pooled"]), np.append(norm, pooled)


def correlation(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Both convolutions by SciPy, channel by channel, the second from the maps of each kernel's group alone."""
    out, config, params = forward(problem.params, problem.batch), problem.config, problem.params
    squash, stride, groups = checks.ACTIVATIONS[config["activation"]], config["stride"], config["groups"]
    ours, theirs = [], []
    for layer, maps, border, apart, parts in (
        ("conv1", problem.batch["images"], config["padding"], stride, 1), ("conv2", out["pooled"], 1, 1, groups),
    ):  # fmt: skip
        weight, bias = params[f"{layer}.weight"], params[f"{layer}.bias"]
        padded = np.pad(maps, [(0, 0), (0, 0), (border, border), (border, border)])
        seen = weight.shape[1]
        found = [
            [
                sum(
                    signal.correlate2d(image[seen * (k * parts // len(weight)) + c], kernel[c], mode="valid")[
                        ::apart, ::apart
                    ]
                    for c in range(seen)
                )
                + bias[k]
                for k, kernel in enumerate(weight)
            ]
            for image in padded
        ]
        ours.append(out[layer].ravel())
        theirs.append(squash(np.array(found)).ravel())
    return np.concatenate(ours), np.concatenate(theirs)


def own_functions(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The loss by SciPy's softmax, and the logistic function by SciPy's at what the layer gave for it."""
    out = forward(problem.params, problem.batch)
    chosen = special.log_softmax(out["logits"], axis=1)[np.arange(len(out["logits"])), problem.batch["labels"]]
    x = np.linspace(-800.0, 800.0, 41)
    return np.append(checks.logistic(x), out["loss"]), np.append(special.expit(x), -chosen.mean())


def fifty_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch)
    with mpmath.workdps(50):
        losses = []
        for row, label in zip(out["logits"], problem.batch["labels"]):
            total = mpmath.fsum(mpmath.exp(mpmath.mpf(float(f))) for f in row)
            losses.append(mpmath.log(total) - mpmath.mpf(float(row[label])))
        return out["loss"], np.asarray(float(mpmath.fsum(losses) / len(losses)))


def geometric_mean(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Section 4.2: the normalised geometric mean of the predictions of all 2^n dropout networks, and test time's prediction."""
    count, config = len(problem.batch["labels"]), problem.config
    tested = forward(problem.params, problem.batch, training=False, keep=0.5)["logits"]
    total = np.zeros_like(tested)
    for kept in np.ndindex(*(2,) * config["hidden"]):
        batch = {**problem.batch, "mask": np.tile(np.array(kept, float), (count, 1))}
        total += special.log_softmax(forward(problem.params, batch, training=True)["logits"], axis=1)
    return special.softmax(tested, axis=1), special.softmax(total / 2 ** config["hidden"], axis=1)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "as printed", "the normalised and the pooled maps are what sections 3.3 and 3.4 print, entry by entry",
            "loops over Python's numbers, summed without rounding", as_printed, (*SHAPES, "ties"),
        ),
        Oracle(
            "correlate2d", "both convolutions are correlations, the second group by group",
            "scipy.signal.correlate2d, channel by channel", correlation, SHAPES,
        ),
        Oracle(
            "softmax and expit", "the loss, and the logistic function far out", "scipy.special.log_softmax and expit",
            own_functions, ("low logits", "far out", "loud images"),
        ),
        Oracle(
            "fifty digits", "the loss is accurate where exp underflows", "mpmath with 50 digits, straight from exp and log",
            fifty_digits, ("low logits", "loud images"),
        ),
        Oracle(
            "all dropout networks", "test time is the normalised geometric mean of all 128 networks: exact for one layer",
            "softmax of the mean log-probabilities over all masks", geometric_mean,
        ),
    ]  # fmt: skip
