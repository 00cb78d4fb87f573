r"""The figures of the experiment (`task.py`)."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Arrays, Bars, Figure, Images, Lines, sibling

STEPS = sibling(__file__, "gradient_check.py").STEPS
NETS = {"softmax": "softmax", "two_layer": "two-layer", "convnet": "convnet"}


def drawn(metrics: Mapping, curves: Mapping[str, list[float]], filters: Array, errors: Arrays) -> dict[str, Figure]:
    """curves (epoch,) by network and part, filters (filter, 3, 3), errors (step, [one-sided, centred]) by precision."""
    values, spread = {}, {}
    for name, title in {"knn_l2": "5-NN, L2", **NETS}.items():
        for part, of in (("", ""), ("_moved", ", moved")):
            found = np.atleast_1d(metrics[f"{name}{part}_accuracy"])
            values[f"{title}{of}"], spread[f"{title}{of}"] = float(found.mean()), float(found.std())
    return {
        "accuracy": Bars("Accuracy on 539 test digits, as they are and moved by one pixel", "accuracy", values, spread),
        "learning_curves": Lines(
            "Loss of each epoch's minibatches, and cross-entropy on the test digits, first seed", "epoch", "nats",
            {_readable(label): (list(range(1, len(y) + 1)), y) for label, y in curves.items()}, log_y=True,
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


def _readable(label: str) -> str:
    net, part = label.split(", ")
    return f"{NETS[net]}, {part}"
