"""The figures of the experiment (`task.py`). A net has one colour in all of them."""

from collections.abc import Mapping

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels

NAMES = {"plain_8": "plain-8", "plain_32": "plain-32", "res_8": "res-8", "res_32": "res-32"}
COLOURS = {name: place for place, name in enumerate(NAMES.values())}
CHANCE = {"chance, ln 10": float(np.log(10.0))}


def drawn(metrics: Mapping, curves: Mapping[str, list[float]], changes: Mapping[str, Array]) -> dict[str, Figure]:
    """curves (update,) of minibatch losses, changes (net, block)."""
    return {
        "training": Lines(
            "Loss of each minibatch",
            "update",
            "nats",
            {NAMES[net]: (list(range(1, len(loss) + 1)), _smooth(loss)) for net, loss in curves.items()},
            colours=COLOURS,
            references=CHANCE,
            caption="Mean over the nets, smoothed over five updates. Without shortcuts the deeper net learns more slowly than "
            "the shallower one; with them faster than either.",
        ),
        "depth": Panels(
            "8 and 32 layers, with and without shortcuts",
            [
                _bars("training loss", "nats", metrics, "loss", CHANCE),
                _bars("test error", "share misnamed", metrics, "test_error", {"chance": 0.9}),
            ],
            caption="Means and standard deviations over the nets after training. The plain net of 32 layers is worse than that "
            "of 8, in training too, though it could copy it: the order that shortcuts reverse.",
        ),
        "changes": Lines(
            "By how much a trained block moves its input",
            "depth, as a share of the net",
            "|block - input| / |input|",
            {
                NAMES[net]: (
                    (np.arange(1, value.shape[1] + 1) / value.shape[1]).tolist(),
                    value.mean(0).round(2).tolist(),
                )
                for net, value in changes.items()
            },
            markers=True,
            colours=COLOURS,
            caption="Means over the nets. A plain block replaces its input; a residual one adds to it, in the sum of all "
            f"before it, which grows: the less, the more blocks there are. Before training the residual nets' means are "
            f"{_mean(metrics, 'res_8_change_before')} and {_mean(metrics, 'res_32_change_before')}, after it "
            f"{_mean(metrics, 'res_8_change')} and {_mean(metrics, 'res_32_change')}.",
        ),
    }


def _mean(metrics: Mapping, name: str) -> str:
    return f"{np.mean(metrics[name]):.2f}"


def _smooth(losses: list[float]) -> list[float]:
    return [float(np.mean(losses[max(0, end - 5) : end])) for end in range(1, len(losses) + 1)]


def _bars(title: str, unit: str, metrics: Mapping, kind: str, references: Mapping[str, float]) -> Bars:
    found = {name: metrics[f"{net}_{kind}"] for net, name in NAMES.items()}
    return Bars(
        title,
        unit,
        {name: round(float(np.mean(value)), 2) for name, value in found.items()},
        {name: round(float(np.std(value)), 2) for name, value in found.items()},
        colours=COLOURS,
        references=references,
    )
