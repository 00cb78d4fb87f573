"""The figures of the experiment (`task.py`). A unit has one colour in all of them."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels

NAMES = {
    "original_slow": "identity",
    "half_slow": "half",
    "convolution_slow": "1x1 conv",
    "full_slow": "pre-activation",
    "original_fast": "identity, 0.4",
    "full_fast": "pre-activation, 0.4",
}
COLOURS = {"identity": 0, "half": 1, "1x1 conv": 2, "pre-activation": 3}
CHANCE = {"chance, ln 10": float(np.log(10.0))}


def drawn(metrics: Mapping, curves: Mapping[str, list[float]], norms: Mapping[str, Array]) -> dict[str, Figure]:
    """curves (update,) of minibatch losses, norms (net, unit) of the gradient before training."""
    return {
        "training": Panels(
            "Loss of each minibatch, 12 units",
            [
                _lines("Shortcuts, at a rate of 0.02", curves, ("original_slow", "half_slow", "convolution_slow")),
                _lines(
                    "Activations, at 0.02 and 0.4", curves, ("original_slow", "full_slow", "original_fast", "full_fast")
                ),
            ],
            caption="Means over the nets, smoothed over five updates. Left: a shortcut that is halved or convolved in each unit "
            "leaves the net near chance. Right: pre-activation learns less than the original unit at the low rate, and at the "
            "high one it alone learns.",
        ),
        "losses": Bars(
            "Training loss after 48 updates",
            "nats",
            {name: round(float(np.mean(metrics[f"{run}_loss"])), 2) for run, name in NAMES.items()},
            {name: round(float(np.std(metrics[f"{run}_loss"])), 2) for run, name in NAMES.items()},
            colours=COLOURS,
            references=CHANCE,
            caption="Means and standard deviations over the nets; a rate of 0.02 where nothing is said of it.",
        ),
        "gradients": Lines(
            "The gradient before training, unit by unit",
            "unit",
            "norm, over the last unit's",
            {
                NAMES[f"{net}_slow"]: (
                    list(range(1, value.shape[1] + 1)),
                    (value / value[:, -1:]).mean(0).round(3).tolist(),
                )
                for net, value in norms.items()
            },
            log_y=True,
            markers=True,
            colours=COLOURS,
            caption="By each unit's first filters, means over the nets. Where the shortcut is the identity the gradient of the "
            "first unit is some times the last's; where it is not, the signal has to pass through the weights, and grows.",
        ),
    }


def _lines(title: str, curves: Mapping[str, list[float]], runs: tuple[str, ...]) -> Lines:
    series = {
        NAMES[run]: (list(range(1, len(curves[run]) + 1)), [round(float(np.mean(curves[run][max(0, end - 5) : end])), 3)
                                                            for end in range(1, len(curves[run]) + 1)])
        for run in runs
    }  # fmt: skip
    return Lines(title, "update", "nats", series, colours=COLOURS, references=CHANCE)
