r"""What the notes report of classifiers, measured on 1,797 real digits: data, starts, what is asked, metrics, figures.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's network     convolutional-networks.md
    control       the two-layer network on labels in random order
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against backpropagation           neural-networks-3.md, «Gradient checks»

Both frameworks start from the same weights and see the examples in the same order, by Adam with a rate that falls linearly
to zero. Pixels are 2 x - 1, grey values around zero.
"""

from collections.abc import Mapping

import numpy as np

from s30.room import (
    Array,
    Arrays,
    Bars,
    Experiment,
    Figure,
    Framework,
    Images,
    Lines,
    Metric,
    Training,
    digits_split,
    linear_decay,
    minibatches,
    sibling,
)

checks = sibling(__file__, "numpy_checks.py")

SEEDS, CLASSES, NEIGHBOURS, FEW = 5, 10, 5, 20
SIZES = {"quick": {"epochs": 10, "filters": 16, "hidden": 48}, "full": {"epochs": 40, "filters": 32, "hidden": 128}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.05, "two_layer": 0.02, "convnet": 0.03}
STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient
PRECISIONS = {"double": 5e-5, "single": 1e-3}  # and the h of the gradient check

METRICS = {
    **{
        f"knn_l{norm}_accuracy": Metric(f"test digits that {NEIGHBOURS} neighbours by L{norm} name", "share", good="high")
        for norm in (1, 2)
    },
    **{
        f"knn_l{norm}_disagreements": Metric(
            f"test digits on which they and scikit-learn's classifier differ, L{norm}", "images", good="low"
        )
        for norm in (1, 2)
    },
    **{
        f"{net}_accuracy": Metric("test digits that the network names", "share", "seeds", net, "high", spread=0.004)
        for net in RATES
    },
    "shuffled_accuracy": Metric(
        "the same of the two-layer network that was trained on labels in random order: chance is 0.1",
        "share", "seeds", "shuffled", "high", control=True, spread=0.02,
    ),
    "initial_cross_entropy": Metric("softmax loss of the convnet with weights near zero: ln 10 is chance", "nats"),
    "initial_hinge": Metric("SVM loss of the same net: 9 is chance", "score units"),
    "overfit_loss": Metric(
        f"cross-entropy of the convnet on the {FEW} images on which it was trained", "nats", good="low", spread=1e-6
    ),
    "overfit_accuracy": Metric("share of them that it names", "share", good="high"),
    "gradient_error": Metric(
        "largest relative error of the numerical gradient in double precision", "share of the gradient", spread=1e-8
    ),
    "gradient_error_single": Metric("the same in single precision", "share of the gradient", spread=1.0),
    "forward_difference_order": Metric("order in h of the one-sided difference's error", "power of h", spread=1e-3),
    "central_difference_order": Metric("order in h of the centred difference's error", "power of h", spread=1e-3),
}  # fmt: skip


def initial(rng: np.random.Generator, filters: int, hidden: int) -> dict[str, dict[str, Array]]:
    """By network: weights drawn from N(0, 2/n), n the fan-in (neural-networks-2.md), and biases of zero."""
    shapes = {
        "softmax": {"fc1": (CLASSES, 64)},
        "two_layer": {"fc1": (hidden, 64), "fc2": (CLASSES, hidden)},
        "convnet": {"conv": (filters, 1, 3, 3), "fc": (CLASSES, filters * 16)},
    }
    networks: dict[str, dict[str, Array]] = {name: {} for name in shapes}
    for name, layers in shapes.items():
        for layer, shape in layers.items():
            networks[name][f"{layer}.weight"] = rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
            networks[name][f"{layer}.bias"] = np.zeros(shape[0])
    return networks


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """scores (example, class), unnormalised log-probabilities in nats."""
    images = inputs["images"]
    if net == "convnet":
        batch = {"images": images, "labels": np.zeros(len(images), int)}
        return {"scores": checks.forward(params, batch, **checks.CONFIG)["scores"]}
    hidden = images.reshape(len(images), -1)  # (example, pixel)
    *inner, last = sorted({name.split(".")[0] for name in params})
    for name in inner:
        hidden = np.maximum(0.0, hidden @ params[f"{name}.weight"].T + params[f"{name}.bias"])
    return {"scores": hidden @ params[f"{last}.weight"].T + params[f"{last}.bias"]}


def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """scikit-learn's answer: the labels of `asked` by the votes of the nearest of `known`, (asked,)."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(NEIGHBOURS, algorithm="brute", p=norm)
    return classifier.fit(known.astype(np.float32), labels).predict(asked.astype(np.float32))


def cross_entropy(scores: Array, labels: Array) -> float:
    """Mean of -log p_y = log sum_j exp(f_j - f_y), in nats."""
    return float(np.log(np.exp(scores - _correct(scores, labels)).sum(-1)).mean())


def hinge(scores: Array, labels: Array) -> float:
    """Mean of sum_{j != y} max(0, f_j - f_y + 1); the right class would add 1."""
    return float(np.maximum(0.0, scores - _correct(scores, labels) + 1.0).sum(-1).mean() - 1.0)


def accuracy(scores: Array, labels: Array) -> float:
    return float((scores.argmax(-1) == labels).mean())


def _correct(scores: Array, labels: Array) -> Array:
    return scores[np.arange(len(labels)), labels][:, None]  # (example, 1)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    train, test = digits_split()
    count, grey = len(train.labels), [(16 * part.images).round().astype(int).reshape(-1, 64) for part in (train, test)]
    images, unseen = (2 * part.images[:, None] - 1 for part in (train, test))  # (example, 1, 8, 8)
    metrics: dict[str, float | list[float]] = {}

    for norm in (1, 2):
        framework.progress(0.05 * norm, f"nearest neighbours, L{norm}")
        labels = framework.ask("nearest_neighbours", grey[0], train.labels, grey[1], norm)
        library = nearest_neighbours(grey[0], train.labels, grey[1], norm)
        metrics[f"knn_l{norm}_accuracy"] = float((labels == test.labels).mean())
        metrics[f"knn_l{norm}_disagreements"] = float((labels != library).sum())

    metrics |= {f"{name}_accuracy": [] for name in (*RATES, "shuffled")}
    steps = count // BATCH
    ends = [steps * epoch for epoch in range(1, epochs + 1)]
    curves: dict[str, list[float]] = {}
    for s in range(SEEDS):
        framework.progress(0.2 + 0.5 * s / SEEDS, f"training, seed {s}")
        rng = np.random.default_rng([seed, s])
        start = initial(rng, **sizes)
        order = np.concatenate(
            [np.stack(list(minibatches(rng, count, BATCH))) for _ in range(epochs)]
        )  # (update, BATCH)
        data = {"images": images, "labels": train.labels}
        for net, rate in RATES.items():
            rates = linear_decay(rate, len(order))
            trained = framework.train(
                Training(net, start[net], data, order, rates, settings={"strength": STRENGTH}, keep=ends)
            )
            scores = framework.predict(net, trained.params, {"images": unseen})["scores"]
            metrics[f"{net}_accuracy"].append(accuracy(scores, test.labels))
            if s == 0:
                kept = [framework.predict(net, trained.kept[end], {"images": unseen})["scores"] for end in ends]
                curves[f"{net}, train"] = trained.losses.reshape(epochs, steps).mean(1).tolist()
                curves[f"{net}, test"] = [cross_entropy(scores, test.labels) for scores in kept]
        shuffled = {**data, "labels": rng.permutation(train.labels)}
        rates, settings = linear_decay(RATES["two_layer"], len(order)), {"strength": STRENGTH}
        control = framework.train(
            Training("two_layer", start["two_layer"], shuffled, order, rates, settings=settings, keep=ends)
        )
        scores = framework.predict("two_layer", control.params, {"images": unseen})["scores"]
        metrics["shuffled_accuracy"].append(accuracy(scores, test.labels))
        if s == SEEDS - 1:
            filters = trained.params["conv.weight"][:16, 0]

    framework.progress(0.75, "sanity checks")
    # From weights shrunk to almost nothing, on the first FEW images, without regularisation.
    small = {name: 0.01 * value for name, value in start["convnet"].items()}
    few, labels = {"images": images[:FEW]}, train.labels[:FEW]
    scores = framework.predict("convnet", small, few, seen=True)["scores"]
    metrics |= {"initial_cross_entropy": cross_entropy(scores, labels), "initial_hinge": hinge(scores, labels)}
    rates, settings = linear_decay(RATES["convnet"], len(order)), {"strength": 0.0}
    trained = framework.train(Training("convnet", small, data, order % FEW, rates, settings=settings, keep=ends))
    scores = framework.predict("convnet", trained.params, few, seen=True)["scores"]
    metrics |= {"overfit_loss": cross_entropy(scores, labels), "overfit_accuracy": accuracy(scores, labels)}

    framework.progress(0.9, "gradient check")
    worst, errors = check_gradients(seed, framework)
    metrics |= {"gradient_error": worst["double"], "gradient_error_single": worst["single"]}
    metrics["forward_difference_order"] = order_of(errors["double"][:, 0], 1e-5, 1e-2)
    metrics["central_difference_order"] = order_of(errors["double"][:, 1], 1e-3, 4e-2)
    return Experiment(metrics, figures(metrics, curves, filters, errors))


def check_gradients(seed: int, framework: Framework) -> tuple[dict[str, float], dict[str, Array]]:
    """By precision, in which both sides are computed: the largest relative error |n - a| / max(|n|, |a|) over up to 60
    entries of each parameter of the room's Problem; and the errors (step, [one-sided, centred]) of the derivative along
    a direction of the last layer."""
    problem, rng = checks.problem(seed), np.random.default_rng(seed)
    entries = [(name, at) for name, value in problem.params.items() for at in rng.permutation(value.size)[:60]]
    direction = rng.standard_normal(problem.params["fc.weight"].shape)
    worst, errors = {}, {}
    for precision, h in PRECISIONS.items():
        # Rows: +h at each entry, -h at each entry, nothing, +STEPS and -STEPS along the direction. In the scores the loss
        # has no kink, so a direction of the last layer shows the order of the formula alone.
        above, below, here = len(entries), 2 * len(entries), 2 * len(entries) + 1
        displaced = {name: np.zeros((here + 2 * len(STEPS), *v.shape)) for name, v in problem.params.items()}
        for row, (name, at) in enumerate(entries):
            displaced[name][row].flat[at], displaced[name][above + row].flat[at] = h, -h
        displaced["fc.weight"][here:] = np.concatenate([STEPS, -STEPS])[:, None, None] * direction
        found = framework.ask("losses", problem.config, problem.params, problem.batch, displaced, precision)
        values, gradient = found.pop("loss").astype(float), found
        numerical = (values[:above] - values[above:below]) / (2 * h)
        analytic = np.array([gradient[name].flat[at] for name, at in entries])
        scale = np.maximum(np.maximum(np.abs(numerical), np.abs(analytic)), 1e-300)
        worst[precision] = float(np.max(np.abs(numerical - analytic) / scale))
        plus, minus = np.split(values[here:], 2)
        slopes = np.stack([(plus - values[below]) / STEPS, (plus - minus) / (2 * STEPS)], axis=1)
        errors[precision] = np.abs(slopes - (gradient["fc.weight"] * direction).sum())
    return worst, errors


def order_of(errors: Array, low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (low <= STEPS) & (high >= STEPS)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(errors[inside]), 1)[0])


def figures(metrics: Mapping, curves: Mapping[str, list[float]], filters: Array, errors: Arrays) -> dict[str, Figure]:
    """curves (epoch,) by network and part, filters (filter, 3, 3), errors (step, [one-sided, centred]) by precision."""
    neighbours = {f"{NEIGHBOURS}-NN, L{norm}": metrics[f"knn_l{norm}_accuracy"] for norm in (1, 2)}
    trained = {name.replace("_", "-"): metrics[f"{name}_accuracy"] for name in RATES}
    return {
        "learning_curves": Lines(
            "Loss of each epoch's minibatches, and cross-entropy on the test digits, first seed", "epoch", "nats",
            {label.replace("_", "-"): (list(range(1, len(y) + 1)), y) for label, y in curves.items()}, log_y=True,
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
