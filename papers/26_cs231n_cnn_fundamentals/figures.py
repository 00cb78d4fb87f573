r"""The figures of the experiment (`task.py`). A model has one colour in all of them."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Arrays, Bars, Figure, Images, Lines, Panels, sibling

gradient_check = sibling(__file__, "gradient_check.py")

NETS = {"softmax": "softmax", "two_layer": "two-layer", "convnet": "convnet"}
COLOURS = {"softmax": 0, "two-layer": 1, "convnet": 2, "5-NN": 3}


def drawn(metrics: Mapping, curves: Mapping[str, list[float]], filters: Array, errors: Arrays) -> dict[str, Figure]:
    """curves (epoch,) by network and part, filters (filter, 3, 3), errors (step, [one-sided, centred]) by precision."""
    return {
        "accuracy": Panels(
            "Test digits, where they stand and moved by one pixel",
            [
                _accuracies("where they stand", "", metrics, (0.9, 1.0), {}),
                _accuracies("moved by one pixel", "_moved", metrics, None, {"chance": 0.1}),
            ],
            caption="Share of 539 test digits that each classifier names, to two digits; of networks the mean and the "
            "standard deviation over five starts. Where digits stand as in training, all are nearly alike. Moved by one "
            "pixel in any of the four directions, the networks whose weights know each pixel by its place lose most; the "
            "convnet and five nearest neighbours by L2 keep more.",
        ),
        "learning_curves": Lines(
            "Loss of each epoch's minibatches, and on the test digits",
            "epoch",
            "nats",
            {_readable(label): (list(range(1, len(y) + 1)), y) for label, y in curves.items()},
            log_y=True,
            colours=COLOURS,
            references={"chance, ln 10": float(np.log(10.0))},
            caption="One start. Train: mean cross-entropy with regularisation over the minibatches of each epoch. Test: "
            "cross-entropy after it. Before training it is at chance.",
        ),
        "filters": Images(
            "Filters of the convnet's first layer",
            list(filters),
            signed=True,
            caption="The first sixteen of one trained network, red positive, blue negative: edges and blobs of 3 x 3 pixels.",
        ),
        "gradient_check": Lines(
            "Error of the numerical gradient",
            "step h",
            "absolute error",
            {
                f"{name}, {precision}": (gradient_check.STEPS.tolist(), errors[precision][:, column].tolist())
                for name, column, precision in (
                    ("one-sided", 0, "double"),
                    ("centred", 1, "double"),
                    ("centred", 1, "single"),
                )
            },
            log_x=True,
            log_y=True,
            colours={"one-sided": 4, "centred": 5},
            x_references={"h of the check": gradient_check.PRECISIONS["double"]},
            caption="Along one direction of the last layer. From right to left the error falls with h (one-sided) and with h "
            "squared (centred) until rounding takes over, in single precision at once.",
        ),
    }


def _accuracies(title: str, part: str, metrics: Mapping, limits: tuple | None, references: Mapping[str, float]) -> Bars:
    found = {name: metrics[f"{net}{part}_accuracy"] for net, name in {"knn_l2": "5-NN", **NETS}.items()}
    values = {name: round(float(np.mean(value)), 2) for name, value in found.items()}
    spread = {name: float(np.std(value)) for name, value in found.items()}
    return Bars(title, "accuracy", values, spread, limits, colours=COLOURS, references=references)


def _readable(label: str) -> str:
    net, part = label.split(", ")
    return f"{NETS[net]}, {part}"
