r"""What CS231n reports of its classifiers, measured on 1,797 real digits in JAX.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's `forward`   convolutional-networks.md
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against `jax.grad`                neural-networks-3.md, «Gradient checks»

All training is one compiled function: `lax.scan` over minibatches inside `lax.scan` over epochs inside `lax.map` over
seeds, with the order of the examples as an argument. The three networks share no parameter, so the gradient of the sum
of their losses is the gradient of each, and one vector of parameters with one Adam trains all three.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.flatten_util import ravel_pytree

from s30.corpus import sibling
from s30.data import Digits, digits_split, minibatches
from s30.training.jax import adam, adam_init
from s30.vocabulary import Bars, Experiment, Images, Lines

forward = sibling(__file__, "model.py").forward
checks = sibling(__file__, "../numpy_checks.py")

SEEDS, CLASSES, NEIGHBOURS, FEW = 3, 10, 5, 20
SIZES = {"quick": {"epochs": 8, "filters": 24, "hidden": 48}, "full": {"epochs": 60, "filters": 64, "hidden": 256}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.02, "two_layer": 0.01, "convnet": 0.02}
STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient


def cross_entropy(scores: Array, labels: Array) -> Array:
    """-log p_y for each example, in nats: (batch,)."""
    return -(jax.nn.log_softmax(scores) * jax.nn.one_hot(labels, CLASSES)).sum(1)


def dense(params: dict, batch: dict, strength: Array) -> dict[str, Array]:
    """FC layers with ReLU between them and the losses of the room's `forward`: a softmax classifier when there is one."""
    hidden = batch["images"].reshape(len(batch["images"]), -1)  # (batch, feature)
    *inner, last = sorted({name.split(".")[0] for name in params})
    for name in inner:
        hidden = jax.nn.relu(hidden @ params[f"{name}.weight"].T + params[f"{name}.bias"])
    scores = hidden @ params[f"{last}.weight"].T + params[f"{last}.bias"]  # (batch, class)
    loss = cross_entropy(scores, batch["labels"]).mean()
    regularisation = 0.5 * strength * sum(jnp.sum(params[f"{name}.weight"] ** 2) for name in (*inner, last))
    return {"scores": scores, "cross_entropy": loss, "loss": loss + regularisation}


def convnet(params: dict, batch: dict, strength: Array) -> dict[str, Array]:
    return forward(params, batch, **{**checks.CONFIG, "strength": strength})


NETWORKS = {"softmax": dense, "two_layer": dense, "convnet": convnet}


def build(rng: np.random.Generator, filters: int, hidden: int) -> dict[str, dict[str, np.ndarray]]:
    """Weights are drawn from N(0, 2/n), n the fan-in (neural-networks-2.md); biases are zero."""
    shapes = {
        "softmax": {"fc1": (CLASSES, 64)},
        "two_layer": {"fc1": (hidden, 64), "fc2": (CLASSES, hidden)},
        "convnet": {"conv": (filters, 1, 3, 3), "fc": (CLASSES, filters * 16)},
    }
    params: dict[str, dict[str, np.ndarray]] = {name: {} for name in shapes}
    for name, layers in shapes.items():
        for layer, shape in layers.items():
            weight = rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
            params[name] |= {f"{layer}.weight": weight.astype(np.float32), f"{layer}.bias": np.zeros(shape[0], np.float32)}
    return params


def arrays(data: Digits) -> dict[str, np.ndarray]:
    """Grey values around zero, at most 1 in size. images (count, 1, 8, 8), labels (count,)."""
    return {"images": (2 * data.images[:, None] - 1).astype(np.float32), "labels": data.labels.astype(np.int32)}


@jax.jit
def train(starts: dict, orders: Array, strengths: Array, data: dict, test: dict) -> tuple[dict, dict]:
    """Adam with rates that fall linearly to zero, once for each start (run, ...) and order (run, epoch, step, size).

    Returns the final parameters and the history: per run, network and epoch, the cross-entropy of the minibatches before
    their steps, and the cross-entropy and accuracy on the test set.
    """
    total = orders.shape[1] * orders.shape[2]

    def one(start: dict, order: Array, strength: Array) -> tuple[dict, dict]:
        theta, unravel = ravel_pytree(start)
        rates, _ = ravel_pytree({name: jax.tree.map(lambda leaf, r=RATES[name]: jnp.full_like(leaf, r), start[name]) for name in start})

        def losses(theta: Array, batch: dict) -> tuple[Array, dict]:
            out = {name: NETWORKS[name](params, batch, strength) for name, params in unravel(theta).items()}
            return sum(o["loss"] for o in out.values()), out

        def step(carry: tuple, index: Array) -> tuple:
            theta, state = carry
            batch = {name: value[index] for name, value in data.items()}
            grads, out = jax.grad(losses, has_aux=True)(theta, batch)
            return adam(theta, grads, state, rates * (1 - state.step / total)), {name: o["cross_entropy"] for name, o in out.items()}

        def epoch(carry: tuple, indices: Array) -> tuple:
            carry, seen = lax.scan(step, carry, indices)
            _, out = losses(carry[0], test)
            return carry, {
                name: {
                    "train": seen[name].mean(),
                    "test": o["cross_entropy"],
                    "accuracy": (o["scores"].argmax(1) == test["labels"]).mean(),
                }
                for name, o in out.items()
            }

        (theta, _), history = lax.scan(epoch, (theta, adam_init(theta)), order)
        return unravel(theta), history

    return lax.map(lambda run: one(*run), (starts, orders, strengths))


@jax.jit
def sanity(starts: dict, finals: dict, few: dict) -> dict[str, Array]:
    """The convnet's losses when its weights are shrunk to almost nothing, and what a training on `few` alone has reached."""

    def one(pair: tuple) -> dict[str, Array]:
        small, final = convnet(jax.tree.map(lambda leaf: 0.01 * leaf, pair[0]), few, 0.0), convnet(pair[1], few, 0.0)
        return {
            "initial_cross_entropy": small["cross_entropy"],
            "initial_hinge": small["hinge"],
            "overfit_loss": final["cross_entropy"],
            "overfit_accuracy": (final["scores"].argmax(1) == few["labels"]).mean(),
        }

    return lax.map(one, (starts, finals))


def order_of(rng: np.random.Generator, epochs: int, count: int) -> np.ndarray:
    """Which examples each minibatch holds: (epoch, step, BATCH)."""
    return np.stack([np.stack(list(minibatches(rng, count, BATCH))) for _ in range(epochs)])


@partial(jax.jit, static_argnames="norm")
def nearest_neighbours(known: Array, labels: Array, asked: Array, norm: int) -> Array:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label.

    known (train, pixel) and asked (test, pixel) hold grey levels, the integers 0..16: float32 holds all distances exactly.
    """
    if norm == 2:
        # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
        distances = (asked**2).sum(1)[:, None] - 2 * asked @ known.T + (known**2).sum(1)  # (test, train)
    else:
        distances = jnp.abs(asked[:, None] - known).sum(2)  # (test, train)
    _, nearest = lax.top_k(-distances, NEIGHBOURS)  # (test, k); of equal entries top_k takes the first
    votes = jax.nn.one_hot(labels[nearest], CLASSES).sum(1)  # (test, class)
    return (votes * CLASSES - jnp.arange(CLASSES)).argmax(1)


def library_neighbours(train: Digits, test: Digits, norm: int) -> np.ndarray:
    """scikit-learn's answer to the same question."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(NEIGHBOURS, algorithm="brute", p=norm)
    return classifier.fit(train.images.reshape(-1, 64), train.labels).predict(test.images.reshape(-1, 64))


def check_gradients(seed: int, dtype: type) -> tuple[float, np.ndarray]:
    """The notes' relative error |n - a| / max(|n|, |a|), the largest over the entries of the room's Problem,
    and the errors (step, [one-sided, centred]) of the derivative along one direction of the last layer."""
    problem = checks.problem(seed)
    h = 1e-5 if dtype is np.float64 else 1e-3
    with jax.enable_x64(dtype is np.float64):
        batch = {name: jnp.asarray(value, dtype if value.dtype == np.float64 else None) for name, value in problem.batch.items()}
        start = {name: jnp.asarray(value, dtype) for name, value in problem.params.items()}

        rng, entries = np.random.default_rng(seed), []
        for name, value in problem.params.items():
            entries += [(name, at) for at in rng.permutation(value.size)[:60]]
        direction = rng.standard_normal(problem.params["fc.weight"].shape)
        displaced = {name: np.zeros((2 * len(entries) + 1 + 2 * len(STEPS), *v.shape), dtype) for name, v in problem.params.items()}
        for row, (name, at) in enumerate(entries):
            displaced[name][2 * row].flat[at], displaced[name][2 * row + 1].flat[at] = h, -h
        rest = 2 * len(entries)
        for row, step in enumerate(STEPS):
            displaced["fc.weight"][rest + 1 + 2 * row] = step * direction
            displaced["fc.weight"][rest + 2 + 2 * row] = -step * direction

        def loss(params: dict) -> Array:
            return forward(params, batch, **problem.config)["loss"]

        @jax.jit
        def evaluate(displaced: dict) -> tuple[dict, Array]:
            return jax.grad(loss)(start), lax.map(lambda step: loss({name: start[name] + step[name] for name in start}), displaced)

        gradient, values = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), evaluate(displaced))
    numerical = (values[0:rest:2] - values[1:rest:2]) / (2 * h)
    analytic = np.array([gradient[name].flat[at] for name, at in entries])
    worst = np.max(np.abs(numerical - analytic) / np.maximum(np.maximum(np.abs(numerical), np.abs(analytic)), 1e-300))
    # In the scores the loss has no kink, so a direction of the last layer shows the order of the formula alone.
    slope, here, above, below = (gradient["fc.weight"] * direction).sum(), values[rest], values[rest + 1 :: 2], values[rest + 2 :: 2]
    return float(worst), np.abs(np.stack([(above - here) / STEPS, (above - below) / (2 * STEPS)], axis=1) - slope)


def order(errors: np.ndarray, low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (STEPS >= low) & (STEPS <= high)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(errors[inside]), 1)[0])


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    split = digits_split()
    data, test = arrays(split.train), arrays(split.test)
    metrics: dict[str, float | list[float]] = {}

    known, asked = ((16 * part.images).round().reshape(-1, 64).astype(np.float32) for part in (split.train, split.test))
    for norm in (1, 2):
        progress(0.05 * norm, f"nearest neighbours, L{norm}")
        labels = np.asarray(nearest_neighbours(known, data["labels"], asked, norm))
        metrics[f"knn_l{norm}_accuracy"] = float((labels == split.test.labels).mean())
        metrics[f"knn_l{norm}_disagreements"] = float((labels != library_neighbours(split.train, split.test, norm)).sum())

    progress(0.3, "training")
    starts = [build(np.random.default_rng([seed, s]), **sizes) for s in range(SEEDS)]
    orders = [order_of(np.random.default_rng([seed, s]), epochs, len(split.train.labels)) for s in range(SEEDS)]
    # Each start twice: on all the data, and again shown only the first FEW images, without regularisation.
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *starts, *starts)
    strengths = np.array([STRENGTH] * SEEDS + [0.0] * SEEDS, np.float32)
    params, history = train(stacked, np.stack(orders + [indices % FEW for indices in orders]), strengths, data, test)
    history = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64)[:SEEDS], history)  # (seed, epoch) each
    curves = {}
    for name, seen in history.items():
        metrics[f"{name}_accuracy"] = seen["accuracy"][:, -1].tolist()
        for part in ("train", "test"):
            curves[f"{name.replace('_', '-')}, {part}"] = (list(range(1, epochs + 1)), seen[part].mean(axis=0).tolist())

    progress(0.8, "sanity checks")
    few = {name: value[:FEW] for name, value in data.items()}
    halves = stacked["convnet"], params["convnet"]
    found = sanity(*(jax.tree.map(lambda leaf: leaf[SEEDS:], half) for half in halves), few)
    metrics |= {name: np.asarray(value, np.float64).tolist() for name, value in found.items()}

    progress(0.9, "gradient check")
    metrics["gradient_error"], double = check_gradients(seed, np.float64)
    metrics["gradient_error_single"], single = check_gradients(seed, np.float32)
    metrics["forward_difference_order"] = order(double[:, 0], 1e-5, 1e-2)
    metrics["central_difference_order"] = order(double[:, 1], 1e-3, 1e-1)
    steps, filters = STEPS.tolist(), np.asarray(params["convnet"]["conv.weight"][SEEDS - 1, :24, 0])
    accuracies = {f"{NEIGHBOURS}-NN, L{norm}": metrics[f"knn_l{norm}_accuracy"] for norm in (1, 2)}
    trained = {name.replace("_", "-"): metrics[f"{name}_accuracy"] for name in RATES}
    return Experiment(
        metrics,
        {
            "learning_curves": Lines("Cross-entropy while training, mean of 3 seeds", "epoch", "nats", curves, log_y=True),
            "accuracy": Bars(
                "Accuracy on 539 test digits",
                "accuracy",
                accuracies | {name: float(np.mean(values)) for name, values in trained.items()},
                {name: float(np.std(values)) for name, values in trained.items()},
                (0.9, 1.0),
            ),
            "filters": Images("Filters of the convnet's first layer", list(filters)),
            "gradient_check": Lines(
                "Error of the numerical gradient",
                "step h",
                "absolute error",
                {
                    "one-sided, double": (steps, double[:, 0].tolist()),
                    "centred, double": (steps, double[:, 1].tolist()),
                    "centred, single": (steps, single[:, 1].tolist()),
                },
                log_x=True,
                log_y=True,
            ),
        },
    )
