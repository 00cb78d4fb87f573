r"""The figures of the experiment (`task.py`). A model has one colour in all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels

COLOURS = {
    "ReLU": 0, "tanh": 1, "logistic": 2, "3 x 3": 0, "2 x 2": 3, "one crop": 0, "four crops": 4, "without": 0, "with": 5,
    "alone": 5, "five equal": 2,
}  # fmt: skip
NAMES = {"relu": "ReLU", "tanh": "tanh", "logistic": "logistic"}
SMOOTH = 3  # updates in one point of a curve


def drawn(metrics: Mapping, losses: Mapping[str, Sequence[Array]]) -> dict[str, Figure]:
    """losses: by kind of neuron a list over seeds of (update,), each as long as it trained."""
    return {
        "neurons": Panels(
            "Four-layer networks of three kinds of neurons on digits",
            [
                _bars(
                    "updates to 25 % training error",
                    "updates",
                    metrics,
                    {label: f"{name}_updates" for name, label in NAMES.items()},
                    digits=1,
                ),
                Lines(
                    "loss of the minibatches",
                    "update",
                    "nats",
                    {label: _curve(losses[name]) for name, label in NAMES.items()},
                    colours=COLOURS,
                    references={"chance, ln 10": float(np.log(10.0))},
                ),
            ],
            caption="Means and standard deviations over five starts, rates and starts chosen for each kind. Against logistic "
            "neurons the paper's «several times faster» holds. Its six-fold lead over tanh does not: tanh arrives first. "
            "Curves end where the first start arrives.",
        ),
        "normalisation": Panels(
            "What response normalisation changes",
            [
                _responses(),
                _bars(
                    "growth of responses to a doubled image",
                    "ratio",
                    metrics,
                    {"without": "plain_growth", "with": "norm_growth"},
                    digits=2,
                ),
                _bars("test error", "error", metrics, {"without": "plain_error", "with": "norm_error"}),
            ],
            columns=3,
            caption="Left: the formula with the paper's constants. A map that is active alone answers most at 200 and less "
            "beyond. Middle and right: trained networks, five starts. Doubling an image doubles the first layer's "
            "responses without normalisation, and raises them by some four tenths with it; the errors differ by less than the starts do.",
        ),
        "pooling_and_crops": Panels(
            "Test error, 100 training digits",
            [
                _bars(
                    "pooling, where digits stand", "error", metrics, {"3 x 3": "plain_error", "2 x 2": "apart_error"}
                ),
                _bars(
                    "pooling, moved by a pixel",
                    "error",
                    metrics,
                    {"3 x 3": "plain_moved_error", "2 x 2": "apart_moved_error"},
                ),
                _bars("crops, averaged", "error", metrics, {"one crop": "plain_error", "four crops": "crops_error"}),
                _bars(
                    "crops, moved by a pixel",
                    "error",
                    metrics,
                    {"one crop": "plain_moved_error", "four crops": "crops_moved_error"},
                ),
            ],
            columns=4,
            caption="Means and standard deviations over five starts. Where digits stand as in training, pooling that overlaps is "
            "not better; moved by a pixel, it misnames fewer. Training on four crops and averaging their predictions errs less "
            "than one crop, and of digits that have moved far fewer are misnamed.",
        ),
    }


def _bars(title: str, unit: str, metrics: Mapping, names: Mapping[str, str], digits: int = 3) -> Bars:
    values = {label: round(float(np.mean(metrics[name])), digits) for label, name in names.items()}
    return Bars(
        title, unit, values, {label: float(np.std(metrics[name])) for label, name in names.items()}, colours=COLOURS
    )


def _responses() -> Lines:
    """b for a map that is active alone, for five near maps that are equally active, and a / k^beta; k = 2, alpha = 1e-4."""
    a = np.linspace(0.0, 600.0, 61)
    kinds = {label: a / (2.0 + 1e-4 * maps * a**2) ** 0.75 for label, maps in {"alone": 1, "five equal": 5}.items()}
    kinds["without"] = a[:21] / 2.0**0.75
    return Lines(
        "response b, the paper's constants",
        "activity a",
        "b",
        {label: (a[: len(b)].tolist(), b.tolist()) for label, b in kinds.items()},
        colours=COLOURS,
    )


def _curve(runs: Sequence[Array]) -> tuple[list[float], list[float]]:
    """The mean over starts, as far as all of them trained."""
    length = min(map(len, runs)) // SMOOTH * SMOOTH
    means = np.mean([run[:length] for run in runs], axis=0).reshape(-1, SMOOTH).mean(1)
    return [SMOOTH * (place + 0.5) for place in range(len(means))], means.tolist()
