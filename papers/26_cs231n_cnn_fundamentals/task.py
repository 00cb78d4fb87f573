r"""What the notes report of classifiers, measured on 1,797 real digits: data, starts, what is asked, and what it means.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's network     convolutional-networks.md
    moved         each of them on the test digits moved by one pixel           convolutional-networks.md, «Parameter Sharing»
    control       the two-layer network on labels in random order
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against backpropagation           neural-networks-3.md, «Gradient checks»

Both frameworks start from the same weights and see the examples in the same order, by Adam with a rate that falls linearly
to zero. Networks see pixels as 2 x - 1, grey values around zero; distances are between grey levels, integers.
"""

import numpy as np

from s30.room import (
    Array,
    Arrays,
    Digits,
    Experiment,
    Framework,
    Metric,
    Trained,
    Training,
    digits_split,
    linear_decay,
    minibatches,
    sibling,
)

checks = sibling(__file__, "numpy_checks.py")
figures = sibling(__file__, "figures.py")
check_gradients = sibling(__file__, "gradient_check.py").check_gradients

SEEDS, CLASSES, NEIGHBOURS, FEW = 5, 10, 5, 20
SIZES = {"quick": {"epochs": 10, "filters": 16, "hidden": 48}, "full": {"epochs": 40, "filters": 32, "hidden": 128}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.05, "two_layer": 0.02, "convnet": 0.03}
MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0))  # by how many rows and columns
TRAINED = "of the test digits, the share that the network names"

METRICS = {
    "knn_l1_accuracy": Metric("share of the test digits that five neighbours by L1 name", "share", "", "knn", "high"),
    "knn_l2_accuracy": Metric("share of the test digits that five neighbours by L2 name", "share", "", "knn", "high"),
    "knn_l2_moved_accuracy": Metric("the same by L2, of test digits moved by one pixel", "share", "", "knn", "high"),
    **{f"{net}_accuracy": Metric(TRAINED, "share", "seeds", net, "high", spread=0.002) for net in RATES},
    **{
        f"{net}_moved_accuracy": Metric(f"{TRAINED} when they are moved by one pixel, mean of the four directions",
                                        "share", "seeds", net, "high", spread=0.005)
        for net in RATES
    },
    "convnet_train_accuracy": Metric("of the digits on which it was trained, the share that the convnet names", "share",
                                     "seeds", "convnet", "high", spread=0.002),
    "shuffled_accuracy": Metric("the same of the two-layer network trained on labels in random order: chance is 0.1",
                                "share", "seeds", "shuffled", "high", control=True, spread=0.01),
    "initial_cross_entropy": Metric("softmax loss of the convnet with weights near zero: ln 10 is chance", "nats"),
    "initial_hinge": Metric("SVM loss of the same net: 9 is chance", "score units"),
    "overfit_loss": Metric(f"cross-entropy of the convnet on the {FEW} images on which it was trained", "nats",
                           good="low", spread=1e-6),
    "overfit_accuracy": Metric("share of them that it names", "share", good="high"),
    "gradient_error": Metric("largest relative error of the numerical gradient in double precision",
                             "share of the gradient", spread=1e-7),
    "gradient_error_single": Metric("the same in single precision", "share of the gradient", spread=1.0),
    "forward_difference_order": Metric("order in h of the one-sided difference's error", "power of h", spread=1e-3),
    "central_difference_order": Metric("order in h of the centred difference's error", "power of h", spread=1e-3),
}  # fmt: skip


# --- Data ---


def pixels(part: Digits, by: tuple[int, int] = (0, 0)) -> Array:
    """(example, 1, 8, 8): grey values around zero, the digit moved by rows and columns, what enters being blank."""
    rows, columns = by
    padded = np.pad(part.images, [(0, 0), (1, 1), (1, 1)])
    return 2 * padded[:, None, 1 - rows : 9 - rows, 1 - columns : 9 - columns] - 1


def grey_levels(images: Array) -> Array:
    """(example, pixel), the integers 0..16, so that distances are integers too."""
    return np.rint(8 * (images + 1)).astype(np.int16).reshape(len(images), -1)


# --- References in NumPy of what the frameworks are asked ---


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
    """Labels by the votes of the nearest of `known`, (asked,): of equal distances the earlier, of equal votes the smaller."""
    answers = []
    for image in asked:
        distances = (np.abs(known - image) ** norm).sum(1)  # the root of L2 does not change the order
        nearest = np.argsort(distances, kind="stable")[:NEIGHBOURS]
        answers.append(np.bincount(labels[nearest], minlength=CLASSES).argmax())
    return np.array(answers)


# --- What metrics are made of ---


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


# --- The experiment ---


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


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    train, test = digits_split()
    data, count, steps = (
        {"images": pixels(train), "labels": train.labels},
        len(train.labels),
        len(train.labels) // BATCH,
    )
    unmoved, moved = pixels(test), [pixels(test, by) for by in MOVES]
    ends = [steps * epoch for epoch in range(1, epochs + 1)]
    metrics: dict[str, float | list[float]] = _neighbours(framework, data, unmoved, moved, test.labels)
    metrics |= {
        f"{name}_accuracy": [] for name in (*RATES, *(f"{net}_moved" for net in RATES), "convnet_train", "shuffled")
    }
    curves: dict[str, list[float]] = {}

    def ask_training(net: str, start: Arrays, data: Arrays, order: Array, strength: float) -> Trained:
        rates = linear_decay(RATES[net], len(order))
        return framework.train(Training(net, start, data, order, rates, settings={"strength": strength}, keep=ends))

    def scores_of(net: str, params: Arrays, images: Array, seen: bool = False) -> Array:
        return framework.predict(net, params, {"images": images}, seen)["scores"]

    for s in range(SEEDS):
        framework.progress(0.2 + 0.5 * s / SEEDS, f"training, seed {s}")
        rng = np.random.default_rng([seed, s])
        start = initial(rng, **sizes)
        # Which examples each minibatch holds: (update, BATCH).
        order = np.concatenate([np.stack(list(minibatches(rng, count, BATCH))) for _ in range(epochs)])
        for net in RATES:
            trained = ask_training(net, start[net], data, order, STRENGTH)
            still, *elsewhere = (scores_of(net, trained.params, images) for images in (unmoved, *moved))
            metrics[f"{net}_accuracy"].append(accuracy(still, test.labels))
            metrics[f"{net}_moved_accuracy"].append(
                accuracy(np.concatenate(elsewhere), np.tile(test.labels, len(MOVES)))
            )
            if s == 0:
                curves[f"{net}, train"] = trained.losses.reshape(epochs, steps).mean(1).tolist()
                kept = [scores_of(net, trained.kept[end], unmoved) for end in ends]
                curves[f"{net}, test"] = [cross_entropy(scores, test.labels) for scores in kept]
        learnt = scores_of("convnet", trained.params, data["images"], seen=True)
        metrics["convnet_train_accuracy"].append(accuracy(learnt, train.labels))
        shuffled = {**data, "labels": rng.permutation(train.labels)}
        control = ask_training("two_layer", start["two_layer"], shuffled, order, STRENGTH)
        metrics["shuffled_accuracy"].append(accuracy(scores_of("two_layer", control.params, unmoved), test.labels))

    framework.progress(0.75, "sanity checks")
    filters = trained.params["conv.weight"][:16, 0]
    # From weights shrunk to almost nothing, on the first FEW images, without regularisation.
    small = {name: 0.01 * value for name, value in start["convnet"].items()}
    few, labels = data["images"][:FEW], train.labels[:FEW]
    scores = scores_of("convnet", small, few, seen=True)
    metrics |= {"initial_cross_entropy": cross_entropy(scores, labels), "initial_hinge": hinge(scores, labels)}
    trained = ask_training("convnet", small, data, order % FEW, 0.0)
    scores = scores_of("convnet", trained.params, few, seen=True)
    metrics |= {"overfit_loss": cross_entropy(scores, labels), "overfit_accuracy": accuracy(scores, labels)}

    framework.progress(0.9, "gradient check")
    found, errors = check_gradients(seed, framework)
    metrics |= found
    return Experiment(metrics, figures.drawn(metrics, curves, filters, errors))


def _neighbours(
    framework: Framework, data: Arrays, unmoved: Array, moved: list[Array], labels: Array
) -> dict[str, float]:
    known, asked = grey_levels(data["images"]), grey_levels(np.concatenate([unmoved, *moved]))
    count = len(labels)
    framework.progress(0.05, "nearest neighbours")
    by_l1 = framework.ask("nearest_neighbours", known, data["labels"], asked[:count], 1)
    by_l2 = framework.ask("nearest_neighbours", known, data["labels"], asked, 2)
    return {
        "knn_l1_accuracy": float((by_l1 == labels).mean()),
        "knn_l2_accuracy": float((by_l2[:count] == labels).mean()),
        "knn_l2_moved_accuracy": float((by_l2[count:] == np.tile(labels, len(MOVES))).mean()),
    }
