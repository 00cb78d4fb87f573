r"""What CS231n reports of its classifiers, measured on 1,797 real digits in JAX.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's `forward`   convolutional-networks.md
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against `jax.grad`                neural-networks-3.md, «Gradient checks»

All training is one compiled function, `lax.scan` over minibatches inside `lax.scan` over epochs, with the order of the
examples as an argument. The three networks share no parameter, so the gradient of the sum of their losses is the
gradient of each, and one vector of parameters with one Adam trains all three.
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
from s30.problem import Problem
from s30.training.jax import adam, adam_init
from s30.vocabulary import Bars, Experiment, Images, Lines

forward = sibling(__file__, "model.py").forward
checks = sibling(__file__, "../numpy_checks.py")

SEEDS, CLASSES, NEIGHBOURS, FEW = 3, 10, 5, 20
SIZES = {"quick": {"epochs": 6, "filters": 16, "hidden": 48}, "full": {"epochs": 40, "filters": 32, "hidden": 128}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.05, "two_layer": 0.02, "convnet": 0.03}
STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient


def dense(params: dict, batch: dict, strength: Array) -> dict[str, Array]:
    """FC layers with ReLU between them and the loss of the room's `forward`: a softmax classifier when there is one."""
    hidden = batch["images"].reshape(len(batch["images"]), -1)  # (batch, feature)
    *inner, last = sorted({name.split(".")[0] for name in params})
    for name in inner:
        hidden = jax.nn.relu(hidden @ params[f"{name}.weight"].T + params[f"{name}.bias"])
    scores = hidden @ params[f"{last}.weight"].T + params[f"{last}.bias"]  # (batch, class)
    # 1/N sum_i -log p_{y_i} + 1/2 lambda ||W||^2
    data_loss = -(jax.nn.log_softmax(scores) * jax.nn.one_hot(batch["labels"], CLASSES)).sum(1).mean()
    regularisation = 0.5 * strength * sum(jnp.sum(params[f"{name}.weight"] ** 2) for name in (*inner, last))
    return {"scores": scores, "loss": data_loss + regularisation}


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
            params[name][f"{layer}.weight"] = weight.astype(np.float32)
            params[name][f"{layer}.bias"] = np.zeros(shape[0], np.float32)
    return params


def arrays(data: Digits) -> dict[str, np.ndarray]:
    """Grey values around zero, at most 1 in size. images (count, 1, 8, 8), labels (count,)."""
    return {"images": (2 * data.images[:, None] - 1).astype(np.float32), "labels": data.labels.astype(np.int32)}


@jax.jit
def train(start: dict, order: Array, strength: Array, data: dict, test: dict) -> tuple[dict, dict]:
    """Adam with rates that fall linearly to zero; `order` (epoch, step, size) says which examples each minibatch holds.

    Returns the final parameters, and each network's scores: on every minibatch before its step, (epoch, step, size,
    class), and on the test set after every epoch, (epoch, count, class). `judge` reads the losses off them.
    """
    total = order.shape[0] * order.shape[1]
    theta, unravel = ravel_pytree(start)
    rates, _ = ravel_pytree(
        {name: jax.tree.map(partial(jnp.full_like, fill_value=RATES[name]), start[name]) for name in start}
    )

    def losses(theta: Array, batch: dict) -> tuple[Array, dict]:
        out = {name: NETWORKS[name](params, batch, strength) for name, params in unravel(theta).items()}
        return sum(o["loss"] for o in out.values()), {name: o["scores"] for name, o in out.items()}

    def step(carry: tuple, index: Array) -> tuple:
        theta, state = carry
        batch = {name: value[index] for name, value in data.items()}
        grads, scores = jax.grad(losses, has_aux=True)(theta, batch)
        return adam(theta, grads, state, rates * (1 - state.step / total)), scores

    def epoch(carry: tuple, indices: Array) -> tuple:
        carry, scores = lax.scan(step, carry, indices)
        return carry, {"train": scores, "test": losses(carry[0], test)[1]}

    (theta, _), scores = lax.scan(epoch, (theta, adam_init(theta)), order)
    return unravel(theta), scores


def judge(scores: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Mean cross-entropy in nats, mean SVM loss with Delta = 1, and accuracy. scores (..., example, class), labels (..., example)."""
    scores, chosen = scores.astype(float), np.eye(CLASSES)[labels]
    correct = (scores * chosen).sum(-1, keepdims=True)
    return {
        "cross_entropy": np.log(np.exp(scores - correct).sum(-1)).mean(-1),
        "hinge": (np.maximum(0.0, scores - correct + 1.0) * (1 - chosen)).sum(-1).mean(-1),
        "accuracy": (scores.argmax(-1) == labels).mean(-1),
    }


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


def loss_at(displaced: dict, dtype: type, problem: Problem) -> tuple[np.ndarray, dict]:
    """The room's loss after each displacement of the parameters, (displacement,), and, in double precision, its gradient."""
    with jax.enable_x64(dtype is np.float64):

        def cast(value: np.ndarray) -> np.ndarray:
            return value.astype(dtype) if value.dtype == np.float64 else value

        start, batch, displaced = jax.tree.map(cast, (dict(problem.params), dict(problem.batch), displaced))

        def loss(params: dict) -> Array:
            return forward(params, batch, **problem.config)["loss"]

        value = jax.value_and_grad(loss) if dtype is np.float64 else lambda params: (loss(params), {})

        # It runs for a few milliseconds, so what counts is the time to compile it.
        @partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
        def evaluate(displaced: dict) -> tuple[Array, dict]:
            return lax.map(lambda step: value({name: start[name] + step[name] for name in start}), displaced)

        return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), evaluate(displaced))


def check_gradients(seed: int) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """By precision: the largest relative error |n - a| / max(|n|, |a|) over up to 60 entries of each parameter of the
    room's Problem; and the errors (step, [one-sided, centred]) of the derivative along a direction of the last layer."""
    problem, rng = checks.problem(seed), np.random.default_rng(seed)
    entries = [(name, at) for name, value in problem.params.items() for at in rng.permutation(value.size)[:60]]
    direction = rng.standard_normal(problem.params["fc.weight"].shape)
    worst, errors = {}, {}
    for precision, dtype, h in (("double", np.float64, 1e-5), ("single", np.float32, 1e-3)):
        rows = 2 * len(entries)
        count = rows + 1 + 2 * len(STEPS)
        displaced = {name: np.zeros((count, *value.shape)) for name, value in problem.params.items()}
        for row, (name, at) in enumerate(entries):
            displaced[name][row].flat[at], displaced[name][len(entries) + row].flat[at] = h, -h
        # In the scores the loss has no kink, so a direction of the last layer shows the order of the formula alone.
        displaced["fc.weight"][rows + 1 :] = np.concatenate([STEPS, -STEPS])[:, None, None] * direction
        values, gradients = loss_at(displaced, dtype, problem)
        if gradients:  # where nothing is displaced
            gradient = {name: value[rows] for name, value in gradients.items()}
        numerical = (values[: len(entries)] - values[len(entries) : rows]) / (2 * h)
        analytic = np.array([gradient[name].flat[at] for name, at in entries])
        scale = np.maximum(np.maximum(np.abs(numerical), np.abs(analytic)), 1e-300)
        worst[precision] = float(np.max(np.abs(numerical - analytic) / scale))
        here, (above, below) = values[rows], np.split(values[rows + 1 :], 2)
        slopes = np.stack([(above - here) / STEPS, (above - below) / (2 * STEPS)], axis=1)
        errors[precision] = np.abs(slopes - (gradient["fc.weight"] * direction).sum())
    return worst, errors


def order(errors: np.ndarray, low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (low <= STEPS) & (high >= STEPS)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(errors[inside]), 1)[0])


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    split = digits_split()
    data, test = jax.tree.map(jnp.asarray, (arrays(split.train), arrays(split.test)))
    metrics: dict[str, float | list[float]] = {}

    known, asked = ((16 * part.images).round().reshape(-1, 64).astype(np.float32) for part in (split.train, split.test))
    for norm in (1, 2):
        progress(0.05 * norm, f"nearest neighbours, L{norm}")
        labels = np.asarray(nearest_neighbours(known, data["labels"], asked, norm))
        metrics[f"knn_l{norm}_accuracy"] = float((labels == split.test.labels).mean())
        theirs = library_neighbours(split.train, split.test, norm)
        metrics[f"knn_l{norm}_disagreements"] = float((labels != theirs).sum())

    progress(0.3, "training")
    starts = [build(np.random.default_rng([seed, s]), **sizes) for s in range(SEEDS)]
    orders = [order_of(np.random.default_rng([seed, s]), epochs, len(split.train.labels)) for s in range(SEEDS)]
    runs = [train(start, indices, STRENGTH, data, test) for start, indices in zip(starts, orders)]
    params, scores = jax.tree.map(lambda *leaves: np.stack(leaves), *runs)
    curves = {}
    for name in NETWORKS:
        seen = judge(scores["train"][name], split.train.labels[np.stack(orders)])  # (seed, epoch, step) each
        unseen = judge(scores["test"][name], split.test.labels)  # (seed, epoch) each
        metrics[f"{name}_accuracy"] = unseen["accuracy"][:, -1].tolist()
        losses = {"train": seen["cross_entropy"].mean(axis=2), "test": unseen["cross_entropy"]}
        for part, values in losses.items():
            curves[f"{name.replace('_', '-')}, {part}"] = (list(range(1, epochs + 1)), values.mean(axis=0).tolist())

    progress(0.8, "sanity checks")
    # The same training from weights shrunk to almost nothing, shown only the first FEW images, without regularisation.
    few = orders[0] % FEW
    _, scores = train(jax.tree.map(lambda leaf: 0.01 * leaf, starts[0]), few, 0.0, data, test)
    found = judge(np.asarray(scores["train"]["convnet"]), split.train.labels[few])  # (epoch, step) each
    metrics |= {f"initial_{kind}": float(found[kind][0, 0]) for kind in ("cross_entropy", "hinge")}
    last = {"overfit_loss": found["cross_entropy"][-1], "overfit_accuracy": found["accuracy"][-1]}  # (step,) each
    metrics |= {kind: float(values.mean()) for kind, values in last.items()}

    progress(0.9, "gradient check")
    worst, errors = check_gradients(seed)
    double, single = errors["double"], errors["single"]
    metrics |= {"gradient_error": worst["double"], "gradient_error_single": worst["single"]}
    metrics["forward_difference_order"] = order(double[:, 0], 1e-5, 1e-2)
    metrics["central_difference_order"] = order(double[:, 1], 1e-3, 1e-1)
    steps, filters = STEPS.tolist(), (params["convnet"]["conv.weight"][-1, :16, 0])
    accuracies = {f"{NEIGHBOURS}-NN, L{norm}": metrics[f"knn_l{norm}_accuracy"] for norm in (1, 2)}
    trained = {name.replace("_", "-"): metrics[f"{name}_accuracy"] for name in NETWORKS}
    return Experiment(
        metrics,
        {
            "learning_curves": Lines("Cross-entropy in training, mean of 3 seeds", "epoch", "nats", curves, log_y=True),
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
