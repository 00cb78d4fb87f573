r"""What CS231n reports of its classifiers, measured on 1,797 real digits in PyTorch.

Each row: what is measured, the model or method, and the page of the notes.

    k-NN          L1 or L2 distances to all training images, k = 5 votes       classification.md
    softmax       INPUT -> FC                                                  linear-classify.md
    two-layer     INPUT -> FC -> RELU -> FC                                    neural-networks-1.md
    convnet       INPUT -> CONV -> RELU -> POOL -> FC, this room's `Model`     convolutional-networks.md
    sanity        loss at chance, a subset of 20 images overfitted             neural-networks-3.md, «Sanity checks»
    gradients     (L(w + h) - L(w - h)) / 2h against backpropagation           neural-networks-3.md, «Gradient checks»
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from s30.corpus import sibling
from s30.data import Digits, digits_split, minibatches
from s30.vocabulary import Bars, Experiment, Images, Lines

Model = sibling(__file__, "model.py").Model
checks = sibling(__file__, "../numpy_checks.py")

SEEDS, CLASSES, NEIGHBOURS, FEW = 3, 10, 5, 20
SIZES = {"quick": {"epochs": 6, "filters": 16, "hidden": 48}, "full": {"epochs": 40, "filters": 32, "hidden": 128}}
BATCH, STRENGTH, RATES = 64, 1e-3, {"softmax": 0.05, "two_layer": 0.02, "convnet": 0.03}
STEPS = np.logspace(-1, -10, 19)  # h of the numerical gradient


class Dense(nn.Module):
    """FC layers with ReLU between them and the loss of the room's Model: a softmax classifier when there is one layer."""

    def __init__(self, *sides: int, strength: float):
        super().__init__()
        self.strength = strength
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sides, sides[1:]))

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        hidden = batch["images"].flatten(1)  # (batch, feature)
        for layer in self.layers[:-1]:
            hidden = F.relu(layer(hidden))
        scores = self.layers[-1](hidden)  # (batch, class)
        regularisation = 0.5 * self.strength * sum(layer.weight.square().sum() for layer in self.layers)
        return {"scores": scores, "loss": F.cross_entropy(scores, batch["labels"]) + regularisation}


def build(name: str, strength: float, filters: int, hidden: int, scale: float = 1.0) -> nn.Module:
    """Weights are drawn from N(0, 2/n), n the fan-in, times `scale` (neural-networks-2.md); biases are zero."""
    model = {
        "softmax": lambda: Dense(64, CLASSES, strength=strength),
        "two_layer": lambda: Dense(64, hidden, CLASSES, strength=strength),
        "convnet": lambda: Model(**{**checks.CONFIG, "filters": filters, "strength": strength}),
    }[name]()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=scale * (2.0 / parameter[0].numel()) ** 0.5)
        else:
            nn.init.zeros_(parameter)
    return model


def tensors(data: Digits) -> dict[str, Tensor]:
    """Grey values around zero, at most 1 in size. images (count, 1, 8, 8), labels (count,)."""
    return {
        "images": torch.tensor(2 * data.images[:, None] - 1, dtype=torch.float32),
        "labels": torch.tensor(data.labels),
    }


@torch.no_grad()
def evaluate(model: nn.Module, batch: dict[str, Tensor]) -> tuple[float, float]:
    """Cross-entropy in nats and accuracy."""
    scores = model(batch)["scores"]
    accuracy = (scores.argmax(1) == batch["labels"]).double().mean()
    return F.cross_entropy(scores, batch["labels"]).item(), accuracy.item()


def train(
    model: nn.Module, data: dict[str, Tensor], rate: float, epochs: int, rng: np.random.Generator
) -> Iterator[nn.Module]:
    """Adam with a rate that falls linearly to zero; yields the model after each epoch."""
    size = min(BATCH, len(data["labels"]))
    steps = epochs * (len(data["labels"]) // size)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, steps)
    for _ in range(epochs):
        for index in map(torch.from_numpy, minibatches(rng, len(data["labels"]), size)):
            optimizer.zero_grad()
            model({name: value[index] for name, value in data.items()})["loss"].backward()
            optimizer.step()
            schedule.step()
        yield model


def nearest_neighbours(train: Digits, test: Digits, norm: int) -> Tensor:
    """Labels by the votes of the nearest training images. Equal distances: the earlier image; equal votes: the smaller label."""
    # Grey levels are the integers 0..16, so all distances are integers that float32 holds exactly.
    known, asked = (torch.tensor(16 * part.images).round().float().flatten(1) for part in (train, test))
    if norm == 2:
        # ||a - b||^2 = ||a||^2 - 2 a.b + ||b||^2; the root does not change the order
        distances = asked.square().sum(1)[:, None] - 2 * asked @ known.T + known.square().sum(1)  # (test, train)
    else:
        distances = torch.cdist(asked, known, p=1)  # (test, train)
    nearest = distances.sort(dim=1, stable=True).indices[:, :NEIGHBOURS]  # (test, k)
    votes = F.one_hot(torch.tensor(train.labels)[nearest], CLASSES).sum(1)  # (test, class)
    return (votes * CLASSES - torch.arange(CLASSES)).argmax(1)


def library_neighbours(train: Digits, test: Digits, norm: int) -> np.ndarray:
    """scikit-learn's answer to the same question."""
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(NEIGHBOURS, algorithm="brute", p=norm)
    return classifier.fit(train.images.reshape(-1, 64), train.labels).predict(test.images.reshape(-1, 64))


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def check_gradients(seed: int, dtype: torch.dtype) -> tuple[float, Callable[[float], tuple[float, float]]]:
    """The notes' relative error |n - a| / max(|n|, |a|), the largest over the entries of the room's Problem,
    and the errors (forward, centred) of the derivative along one direction of the last layer as a function of h."""
    problem = checks.problem(seed)
    with default_dtype(dtype):
        model = Model(**problem.config)
    model.load_state_dict({name: torch.tensor(value) for name, value in problem.params.items()})
    batch = {
        name: torch.tensor(value, dtype=dtype if value.dtype == np.float64 else None)
        for name, value in problem.batch.items()
    }
    model(batch)["loss"].backward()
    rng, h, worst = np.random.default_rng(seed), 1e-5 if dtype == torch.float64 else 1e-3, 0.0
    with torch.no_grad():
        for parameter in model.parameters():
            flat, gradient = parameter.view(-1), parameter.grad.view(-1)
            for entry in rng.permutation(len(flat))[:60].tolist():
                centre = flat[entry].item()
                flat[entry] = centre + h
                above = model(batch)["loss"].item()
                flat[entry] = centre - h
                numerical, analytic = (above - model(batch)["loss"].item()) / (2 * h), gradient[entry].item()
                flat[entry] = centre
                worst = max(worst, abs(numerical - analytic) / max(abs(numerical), abs(analytic), 1e-300))
    return worst, difference_errors(model, batch, rng)


@torch.no_grad()
def difference_errors(
    model: nn.Module, batch: dict[str, Tensor], rng: np.random.Generator
) -> Callable[[float], tuple[float, float]]:
    # In the scores the loss has no kink, so a direction of the last layer shows the order of the formula alone.
    weight, gradient = model.fc.weight, model.fc.weight.grad
    direction = torch.tensor(rng.standard_normal(weight.shape), dtype=weight.dtype)
    slope, centre = (gradient * direction).sum().item(), weight.clone()

    @torch.no_grad()
    def errors(h: float) -> tuple[float, float]:
        values = []
        for offset in (0.0, h, -h):
            weight.copy_(centre + offset * direction)
            values.append(model(batch)["loss"].item())
        weight.copy_(centre)
        here, above, below = values
        return abs((above - here) / h - slope), abs((above - below) / (2 * h) - slope)

    return errors


def order(errors: list[float], low: float, high: float) -> float:
    """Slope of log error against log h for low <= h <= high: the order of a difference formula."""
    inside = (low <= STEPS) & (high >= STEPS)
    return float(np.polyfit(np.log(STEPS[inside]), np.log(np.array(errors)[inside]), 1)[0])


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    torch.set_num_threads(1)
    sizes = dict(SIZES[profile])
    epochs = sizes.pop("epochs")
    split = digits_split()
    data, test = tensors(split.train), tensors(split.test)
    metrics: dict[str, float | list[float]] = {}

    for norm in (1, 2):
        progress(0.05 * norm, f"nearest neighbours, L{norm}")
        labels = nearest_neighbours(split.train, split.test, norm).numpy()
        metrics[f"knn_l{norm}_accuracy"] = float((labels == split.test.labels).mean())
        theirs = library_neighbours(split.train, split.test, norm)
        metrics[f"knn_l{norm}_disagreements"] = float((labels != theirs).sum())

    progress(0.2, "sanity checks")
    # From weights shrunk to almost nothing, on the first FEW images, without regularisation.
    few = {name: value[:FEW] for name, value in data.items()}
    torch.manual_seed(1000 * seed)
    model = build("convnet", 0.0, **sizes, scale=0.01)
    with torch.no_grad():
        metrics |= {f"initial_{kind}": model(few)[kind].item() for kind in ("cross_entropy", "hinge")}
    *_, model = train(model, few, RATES["convnet"], 60, np.random.default_rng(seed))
    metrics["overfit_loss"], metrics["overfit_accuracy"] = evaluate(model, few)

    curves: dict[str, tuple[list[float], list[float]]] = {}
    for position, name in enumerate(RATES):
        histories = []
        for s in range(SEEDS):
            progress(0.3 + 0.2 * position + 0.2 * s / SEEDS, f"{name}, seed {s}")
            torch.manual_seed(1000 * seed + s)
            model, rng = build(name, STRENGTH, **sizes), np.random.default_rng([seed, s])
            histories.append(
                [(*evaluate(m, data), *evaluate(m, test)) for m in train(model, data, RATES[name], epochs, rng)]
            )
        metrics[f"{name}_accuracy"] = [history[-1][3] for history in histories]
        mean = np.mean(histories, axis=0)  # (epoch, [train loss, train accuracy, test loss, test accuracy])
        for part, column in (("train", 0), ("test", 2)):
            curves[f"{name.replace('_', '-')}, {part}"] = (list(range(1, epochs + 1)), mean[:, column].tolist())

    progress(0.9, "gradient check")
    worst, errors = check_gradients(seed, torch.float64)
    metrics["gradient_error"] = worst
    metrics["gradient_error_single"], single = check_gradients(seed, torch.float32)
    forward, centred = map(list, zip(*map(errors, STEPS.tolist())))
    metrics |= {
        "forward_difference_order": order(forward, 1e-5, 1e-2),
        "central_difference_order": order(centred, 1e-3, 1e-1),
    }
    steps, filters = STEPS.tolist(), model.conv.weight.detach()[:, 0].numpy()
    accuracies = {f"{NEIGHBOURS}-NN, L{norm}": metrics[f"knn_l{norm}_accuracy"] for norm in (1, 2)}
    trained = {name.replace("_", "-"): metrics[f"{name}_accuracy"] for name in RATES}
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
            "filters": Images("Filters of the convnet's first layer", list(filters[:16])),
            "gradient_check": Lines(
                "Error of the numerical gradient",
                "step h",
                "absolute error",
                {
                    "one-sided, double": (steps, forward),
                    "centred, double": (steps, centred),
                    "centred, single": (steps, [single(h)[1] for h in steps]),
                },
                log_x=True,
                log_y=True,
            ),
        },
    )
