r"""Other ways to the numbers of the NumPy layer (CS231n): loops, SciPy, fifty digits, and the notes' own worked examples."""

import math

import mpmath
import numpy as np
from scipy import signal, special

from s30.room import Array, Forward, Oracle, Problem, digits_split, sibling

task = sibling(__file__, "task.py")

SHAPES = ("one image", "colours", "single pixels", "whole images")
EXTREMES = ("high and low scores", "low scores", "bright images")


def _asked(forward: Forward, problem: Problem) -> dict[str, Array]:
    return forward(problem.params, problem.batch)


def _entry_by_entry(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """All outputs from pixels by Python's own numbers, each entry by its formula, sums without rounding (math.fsum)."""
    out = _asked(forward, problem)
    images, labels = problem.batch["images"], problem.batch["labels"]
    weight, bias, matrix, offset = (
        problem.params[f"{layer}.{kind}"] for layer in ("conv", "fc") for kind in ("weight", "bias")
    )
    padding, pool, strength, margin = (problem.config[name] for name in ("padding", "pool", "strength", "margin"))
    height, width = images.shape[2:]
    convolved = np.empty_like(out["convolved"])
    for e, k, t, u in np.ndindex(*convolved.shape):
        # V[t, u, k] = np.sum(X[t:t+F, u:u+F, :] * W_k) + b_k, where X is zero outside the image
        convolved[e, k, t, u] = bias[k] + math.fsum(
            weight[k, c, i, j] * images[e, c, t + i - padding, u + j - padding]
            for c, i, j in np.ndindex(*weight.shape[1:])
            if 0 <= t + i - padding < height and 0 <= u + j - padding < width
        )
    pooled = np.empty_like(out["pooled"])
    for e, k, t, u in np.ndindex(*pooled.shape):
        pooled[e, k, t, u] = max(0.0, *(convolved[e, k, pool * t + i, pool * u + j] for i, j in np.ndindex(pool, pool)))
    scores = np.array(
        [[math.fsum(a * x for a, x in zip(row, maps.ravel())) + b for row, b in zip(matrix, offset)] for maps in pooled]
    )
    hinges = [sum(max(0.0, f - row[y] + margin) for j, f in enumerate(row) if j != y) for row, y in zip(scores, labels)]
    squares = math.fsum(float(w) ** 2 for values in (weight, matrix) for w in values.ravel())
    theirs = (convolved, pooled, scores, np.mean(hinges), strength * squares / 2)
    names = ("convolved", "pooled", "scores", "hinge", "regularisation")
    return np.concatenate([np.ravel(out[name]) for name in names]), np.concatenate(
        [np.ravel(value) for value in theirs]
    )


def _correlation(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    border = [(problem.config["padding"],) * 2] * 2
    theirs = [
        [
            sum(signal.correlate2d(np.pad(x, border), w, mode="valid") for x, w in zip(image, filters)) + bias
            for filters, bias in zip(problem.params["conv.weight"], problem.params["conv.bias"])
        ]
        for image in problem.batch["images"]
    ]
    return _asked(forward, problem)["convolved"], np.array(theirs)


def _softmax(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    out = _asked(forward, problem)
    chosen = np.take_along_axis(special.log_softmax(out["scores"], axis=1), problem.batch["labels"][:, None], axis=1)
    return (
        np.append(out["probabilities"], out["cross_entropy"]),
        np.append(special.softmax(out["scores"], axis=1), -chosen.mean()),
    )


def _fifty_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    out = _asked(forward, problem)
    with mpmath.workdps(50):
        losses = []
        for row, label in zip(out["scores"], problem.batch["labels"]):
            total = mpmath.fsum(mpmath.exp(mpmath.mpf(float(f))) for f in row)
            losses.append(mpmath.log(total) - mpmath.mpf(float(row[label])))
        return out["cross_entropy"], np.asarray(float(mpmath.fsum(losses) / len(losses)))


def _worked_examples(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The scores stand in fc.bias, and all else is zero."""

    def answer(scores: list[float], label: int, margin: float) -> dict[str, Array]:
        params = {"conv.weight": np.zeros((1, 1, 1, 1)), "conv.bias": np.zeros(1), "fc.weight": np.zeros((3, 1))}
        batch = {"images": np.zeros((1, 1, 1, 1)), "labels": np.array([label])}
        return forward({**params, "fc.bias": np.array(scores)}, batch, padding=0, pool=1, margin=margin)

    indifferent = [float(answer([10.0, *others], 0, 1.0)["hinge"]) for others in ([-2, 3], [-100, -100], [9, 9])]
    confident, diffuse = (answer([c, -2 * c, 0.0], 0, 1.0)["probabilities"][0] for c in (1.0, 0.5))
    ours = [float(answer([13.0, -7.0, 11.0], 0, 10.0)["hinge"]), *indifferent, *confident, *diffuse]
    printed = ["8", "0", "0", "0", "0.7", "0.04", "0.26", "0.55", "0.12", "0.33"]
    digits = [len(text.partition(".")[2]) for text in printed]
    return np.array([round(value, places) for value, places in zip(ours, digits)]), np.array(
        [float(text) for text in printed]
    )


def _neighbours(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The experiment's rule on all test digits, by L1 and by L2; it has nothing to do with the problem."""
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import KNeighborsClassifier

    train, test = digits_split()
    known, asked = (task.grey_levels(task.pixels(part)) for part in (train, test))
    ours, theirs = [], []
    for norm, metric in ((1, "manhattan"), (2, "sqeuclidean")):
        ours.append(task.nearest_neighbours(known, train.labels, asked, norm))
        # Distances are integers. Of equal ones the earlier image's is made the smaller, so that no ties are left.
        distances = np.rint(pairwise_distances(asked, known, metric)) * len(known) + np.arange(len(known))
        library = KNeighborsClassifier(task.NEIGHBOURS, metric="precomputed")
        theirs.append(library.fit(np.zeros((len(known), len(known))), train.labels).predict(distances))
    return np.concatenate(ours), np.concatenate(theirs)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "entry by entry",
            "every entry of the volumes, the scores, the hinge and the regularisation is what its formula says",
            "loops over Python's numbers, summed without rounding",
            _entry_by_entry,
            SHAPES,
        ),
        Oracle(
            "correlate2d", "CONV is a correlation", "scipy.signal.correlate2d, channel by channel", _correlation, SHAPES
        ),
        Oracle(
            "softmax",
            "the probabilities and the cross-entropy of the scores",
            "scipy.special.softmax and log_softmax",
            _softmax,
            EXTREMES,
        ),
        Oracle(
            "fifty digits",
            "the cross-entropy is accurate where exp overflows and underflows",
            "mpmath with 50 digits, straight from exp and log",
            _fifty_digits,
            EXTREMES,
        ),
        Oracle(
            "worked examples",
            "the numbers that linear-classify.md works out: an SVM loss of 8, three of 0, and two softmaxes to two digits",
            "the notes' own figures, to the digits that they print",
            _worked_examples,
        ),
        Oracle(
            "nearest neighbours",
            "five neighbours by L1 and by L2, of equal distances the earlier, name every test digit alike",
            "sklearn.neighbors.KNeighborsClassifier on sklearn.metrics.pairwise_distances",
            _neighbours,
        ),
    ]
