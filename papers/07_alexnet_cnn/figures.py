r"""The figures of the experiment (`task.py`). A model has one colour in all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels

COLOURS = {"ReLU": 0, "tanh": 1, "logistic": 2, "3 x 3": 0, "2 x 2": 3, "one crop": 0, "four crops": 4, "shuffled": 5}
NAMES = {"relu": "ReLU", "tanh": "tanh", "logistic": "logistic"}
SMOOTH = 4  # updates in one point of a curve


def drawn(metrics: Mapping, losses: Mapping[str, Sequence[Array]], cap: int) -> dict[str, Figure]:
    """losses: by kind of neuron a list over seeds of (update,), each as long as it trained."""
    return {
        "neurons": Panels(
            "Four-layer networks of three kinds of neurons on digits",
            [
                Bars(
                    "updates to 25 % training error",
                    "updates",
                    {label: round(float(np.mean(metrics[f"{name}_updates"])), 1) for name, label in NAMES.items()},
                    {label: float(np.std(metrics[f"{name}_updates"])) for name, label in NAMES.items()},
                    colours=COLOURS,
                    references={f"given up, {cap}": float(cap)},
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
            caption="Means over five starts, rates chosen for each kind. The paper's order of ReLU and logistic neurons holds: "
            "these stay at chance until they are given up. Its six-fold lead over tanh does not: in so shallow a network tanh "
            "is not the slower one. Curves end where the first start arrives.",
        ),
        "pooling_and_crops": Panels(
            "Test error, 200 training digits",
            [
                _errors("pooling, where digits stand", metrics, {"3 x 3": "overlapping_error", "2 x 2": "apart_error"}),
                _errors(
                    "pooling, moved by a pixel",
                    metrics,
                    {"3 x 3": "overlapping_moved_error", "2 x 2": "apart_moved_error"},
                ),
                _errors("crops", metrics, {"one crop": "overlapping_error", "four crops": "crops_error"}),
            ],
            columns=3,
            caption="Means and standard deviations over five starts. Where digits stand as in training, pooling that overlaps is "
            "not better; moved by a pixel, it names more. Training on four crops and averaging their predictions errs less than "
            "one crop.",
        ),
    }


def _errors(title: str, metrics: Mapping, names: Mapping[str, str]) -> Bars:
    values = {label: round(float(np.mean(metrics[name])), 3) for label, name in names.items()}
    return Bars(
        title, "error", values, {label: float(np.std(metrics[name])) for label, name in names.items()}, colours=COLOURS
    )


def _curve(runs: Sequence[Array]) -> tuple[list[float], list[float]]:
    """The mean over starts, as far as all of them trained."""
    length = min(map(len, runs)) // SMOOTH * SMOOTH
    means = np.mean([run[:length] for run in runs], axis=0).reshape(-1, SMOOTH).mean(1)
    return [SMOOTH * (place + 0.5) for place in range(len(means))], means.tolist()
