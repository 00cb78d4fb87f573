r"""What both experiments share: settings, starts, the order of the examples, what is measured, and the figures.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's network     convolutional-networks.md
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against backpropagation           neural-networks-3.md, «Gradient checks»

Both frameworks start from the same weights and see the examples in the same order. A framework brings four functions:

    nearest_neighbours(known, labels, asked, norm)   labels of the images `asked`, (asked,)
    train(start, order, strength, data, judged)      trained parameters, and scores (epoch, judged, class) by network
    outputs(params, batch)                           what the convnet computes without regularisation, by name
    losses(problem, displaced, dtype)                the loss after each displacement (displacement,), and its gradient
"""

from collections.abc import Callable, Mapping

import numpy as np

from s30.corpus import sibling
from s30.data import Digits, digits_split, minibatches
from s30.problem import Problem
from s30.vocabulary import Array, Arrays, Bars, Experiment, Figure, Images, Lines

checks = sibling(__file__, "numpy_checks.py")

SEEDS, CLASSES, NEIGHBOURS, FEW = 5, 10, 5, 20
SIZES = {"quick": {"epochs": 10, "filters": 16, "hidden": 48}, "full": {"epochs": 40, "filters": 32, "hidden": 128}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.05, "two_layer": 0.02, "convnet": 0.03}
STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient
PRECISIONS = {"double": (np.float64, 5e-5), "single": (np.float32, 1e-3)}  # and the h of the gradient check
Networks = dict[str, dict[str, Array]]  # the parameters of each network


def initial(rng: np.random.Generator, filters: int, hidden: int) -> Networks:
    """Weights are drawn from N(0, 2/n), n the fan-in (neural-networks-2.md); biases are zero. float32."""
    shapes = {
        "softmax": {"fc1": (CLASSES, 64)},
        "two_layer": {"fc1": (hidden, 64), "fc2": (CLASSES, hidden)},
        "convnet": {"conv": (filters, 1, 3, 3), "fc": (CLASSES, filters * 16)},
    }
    networks: Networks = {name: {} for name in shapes}
    for name, layers in shapes.items():
        for layer, shape in layers.items():
            weight = rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
            networks[name][f"{layer}.weight"] = weight.astype(np.float32)
            networks[name][f"{layer}.bias"] = np.zeros(shape[0], np.float32)
    return networks


def minibatch_order(rng: np.random.Generator, epochs: int, count: int) -> Array:
    """Which examples each minibatch holds: (epoch, step, BATCH)."""
    return np.stack([np.stack(list(minibatches(rng, count, BATCH))) for _ in range(epochs)])


def batch_of(*parts: Digits) -> dict[str, Array]:
    """Grey values around zero, at most 1 in size. images (count, 1, 8, 8) float32, labels (count,)."""
    images, labels = (np.concatenate(values) for values in zip(*parts))
    return {"images": (2 * images[:, None] - 1).astype(np.float32), "labels": labels}


def grey_levels(part: Digits) -> Array:
    """(count, pixel), the integers 0..16, so that distances are integers too, which float32 holds exactly."""
    return (16 * part.images).round().reshape(-1, 64).astype(np.float32)


def library_neighbours(train: Digits, test: Digits, norm: int) -> Array:
    """scikit-learn's answer to the question of `nearest_neighbours`."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(NEIGHBOURS, algorithm="brute", p=norm)
    return classifier.fit(grey_levels(train), train.labels).predict(grey_levels(test))


def judge(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Mean cross-entropy in nats, and accuracy. scores (..., example, class), labels (example,)."""
    # -log p_y = log sum_j exp(f_j - f_y)
    differences = scores.astype(float) - scores[..., np.arange(len(labels)), labels][..., None]
    return np.log(np.exp(differences).sum(-1)).mean(-1), (scores.argmax(-1) == labels).mean(-1)


def check_gradients(seed: int, losses: Callable) -> tuple[dict[str, float], dict[str, Array]]:
    """By precision, in which both sides are computed: the largest relative error |n - a| / max(|n|, |a|) over up to 60
    entries of each parameter of the room's Problem; and the errors (step, [one-sided, centred]) of the derivative along
    a direction of the last layer."""
    problem, rng = checks.problem(seed), np.random.default_rng(seed)
    entries = [(name, at) for name, value in problem.params.items() for at in rng.permutation(value.size)[:60]]
    direction = rng.standard_normal(problem.params["fc.weight"].shape)
    worst, errors = {}, {}
    for precision, (dtype, h) in PRECISIONS.items():
        # Rows: +h at each entry, -h at each entry, nothing, +STEPS and -STEPS along the direction. In the scores the loss
        # has no kink, so a direction of the last layer shows the order of the formula alone.
        above, below, here = len(entries), 2 * len(entries), 2 * len(entries) + 1
        displaced = {name: np.zeros((here + 2 * len(STEPS), *v.shape), dtype) for name, v in problem.params.items()}
        for row, (name, at) in enumerate(entries):
            displaced[name][row].flat[at], displaced[name][above + row].flat[at] = h, -h
        displaced["fc.weight"][here:] = np.concatenate([STEPS, -STEPS])[:, None, None] * direction
        values, gradient = losses(problem, displaced, dtype)
        numerical = (values[:above] - values[above:below]) / (2 * h)
        analytic = np.array([gradient[name].flat[at] for name, at in entries])
        scale = np.maximum(np.maximum(np.abs(numerical), np.abs(analytic)), 1e-300)
        worst[precision] = float(np.max(np.abs(numerical - analytic) / scale))
        plus, minus = np.split(values[here:], 2)
        slopes = np.stack([(plus - values[below]) / STEPS, (plus - minus) / (2 * STEPS)], axis=1)
        errors[precision] = np.abs(slopes - (gradient["fc.weight"] * direction).sum())
    return worst, errors


def order(errors: Array, low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (low <= STEPS) & (high >= STEPS)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(errors[inside]), 1)[0])


def measure(
    profile: str,
    seed: int,
    progress: Callable[[float, str], None],
    *,
    nearest_neighbours: Callable[..., Array],
    train: Callable[..., tuple[Networks, Mapping[str, Array]]],
    outputs: Callable[..., Arrays],
    losses: Callable[[Problem, Arrays, type], tuple[Array, Arrays]],
) -> Experiment:
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    split = digits_split()
    count = len(split.train.labels)
    data, everything = batch_of(split.train), batch_of(*split)
    metrics: dict[str, float | list[float]] = {}

    for norm in (1, 2):
        progress(0.05 * norm, f"nearest neighbours, L{norm}")
        labels = nearest_neighbours(grey_levels(split.train), split.train.labels, grey_levels(split.test), norm)
        metrics[f"knn_l{norm}_accuracy"] = float((labels == split.test.labels).mean())
        metrics[f"knn_l{norm}_disagreements"] = float((labels != library_neighbours(*split, norm)).sum())

    curves: dict[str, list[Array]] = {}
    metrics |= {f"{name}_accuracy": [] for name in RATES}
    for s in range(SEEDS):
        progress(0.2 + 0.6 * s / SEEDS, f"training, seed {s}")
        start = initial(np.random.default_rng([seed, s]), **sizes)
        examples = minibatch_order(np.random.default_rng([seed, s]), epochs, count)
        params, scores = train(start, examples, STRENGTH, data, everything)
        for name in RATES:
            for part, inside in (("train", slice(count)), ("test", slice(count, None))):
                loss, accuracy = judge(scores[name][:, inside], everything["labels"][inside])  # (epoch,) each
                curves.setdefault(f"{name.replace('_', '-')}, {part}", []).append(loss)
            metrics[f"{name}_accuracy"].append(float(accuracy[-1]))
    filters = params["convnet"]["conv.weight"][:16, 0]

    progress(0.8, "sanity checks")
    # From weights shrunk to almost nothing, on the first FEW images, without regularisation.
    start = {name: {key: np.float32(0.01) * value for key, value in network.items()} for name, network in start.items()}
    few = {name: value[:FEW] for name, value in data.items()}
    found = outputs(start["convnet"], few)
    metrics |= {f"initial_{kind}": float(found[kind]) for kind in ("cross_entropy", "hinge")}
    _, scores = train(start, examples % FEW, 0.0, data, everything)
    loss, accuracy = judge(scores["convnet"][-1, :FEW], few["labels"])
    metrics |= {"overfit_loss": float(loss), "overfit_accuracy": float(accuracy)}

    progress(0.9, "gradient check")
    worst, errors = check_gradients(seed, losses)
    metrics |= {"gradient_error": worst["double"], "gradient_error_single": worst["single"]}
    metrics["forward_difference_order"] = order(errors["double"][:, 0], 1e-5, 1e-2)
    metrics["central_difference_order"] = order(errors["double"][:, 1], 1e-3, 4e-2)
    return Experiment(metrics, figures(metrics, curves, filters, errors))


def figures(metrics: Mapping, curves: Mapping[str, list[Array]], filters: Array, errors: Arrays) -> dict[str, Figure]:
    """curves (seed, epoch) by network and part, filters (filter, 3, 3), errors (step, [one-sided, centred]) by precision."""
    neighbours = {f"{NEIGHBOURS}-NN, L{norm}": metrics[f"knn_l{norm}_accuracy"] for norm in (1, 2)}
    trained = {name.replace("_", "-"): metrics[f"{name}_accuracy"] for name in RATES}
    means = {label: np.mean(losses, axis=0).tolist() for label, losses in curves.items()}
    return {
        "learning_curves": Lines(
            f"Cross-entropy after each epoch, mean of {SEEDS} seeds", "epoch", "nats",
            {label: (list(range(1, len(mean) + 1)), mean) for label, mean in means.items()}, log_y=True,
        ),
        "accuracy": Bars(
            "Accuracy on 539 test digits", "accuracy",
            neighbours | {name: float(np.mean(values)) for name, values in trained.items()},
            {name: float(np.std(values)) for name, values in trained.items()}, (0.9, 1.0),
        ),
        "filters": Images("Filters of the convnet's first layer", list(filters), signed=True),
        "gradient_check": Lines(
            "Error of the numerical gradient", "step h", "absolute error",
            {
                "one-sided, double": (STEPS.tolist(), errors["double"][:, 0].tolist()),
                "centred, double": (STEPS.tolist(), errors["double"][:, 1].tolist()),
                "centred, single": (STEPS.tolist(), errors["single"][:, 1].tolist()),
            },
            log_x=True, log_y=True,
        ),
    }  # fmt: skip
