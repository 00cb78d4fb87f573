"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines

SORTS = {
    "blind": "blind", "process": "1 step", "deep": "5 steps", "glimpse": "glimpse", "both": "1 step,\nglimpse",
    "shuffled": "control",
}  # fmt: skip
COLOURS = {label: place for place, label in enumerate(SORTS.values())}
STRETCH = 10  # minibatches whose losses are averaged in a curve

Metrics = Mapping[str, Sequence[float]]


def drawn(metrics: Metrics, losses: Mapping[str, Sequence[Array]]) -> dict[str, Figure]:
    """losses (update,) by net and seed."""
    return {
        "sorting": sorting(metrics),
        "stars": stars(metrics),
        "orders": orders(metrics),
        "learning_curves": curves(losses),
    }


def bars(title: str, unit: str, metrics: Metrics, names: Mapping[str, str], caption: str, **how: object) -> Bars:
    mean = {label: float(np.mean(metrics[name])) for label, name in names.items()}
    half = {label: float(np.ptp(metrics[name])) / 2 for label, name in names.items()}
    return Bars(title, unit, mean, half, caption=caption, **how)  # type: ignore[arg-type]


def sorting(metrics: Metrics) -> Bars:
    return bars(
        "Five numbers sorted exactly, held-out sets", "share", metrics, {label: f"exact_{net}_5" for net, label in SORTS.items()},
        "One step of processing lifts the share above that of a writer that sees nothing of the set before it points; a glimpse alone "
        "does so later in some runs, and five steps learn more slowly than one. The control was trained on the orders of other sets.",
        y_limits=(0, 1), colours=COLOURS,
    )  # fmt: skip


def stars(metrics: Metrics) -> Bars:
    names = {
        f"{name},\nhead {which}": f"excess_{name}_{which}"
        for name in ("small", "large", "peaky")
        for which in ("first", "last")
    }
    return bars(
        "Stars: code length beyond that of the star itself", "nats", metrics, names,
        "Head first is learnt better than head last; less depends on it with many examples, and where leaves almost follow from the head.",
    )  # fmt: skip


def orders(metrics: Metrics) -> Bars:
    names = {"head first,\ntold": "excess_small_first", "head last,\ntold": "excess_small_last", "any order,\nless ln n!": "excess_any",
             "any order": "whole_any"}  # fmt: skip
    return bars(
        "500 examples, in an order that is told or in any: code length beyond the star's", "nats", metrics, names,
        "A random order for every example looks some fifteen nats worse than one that is told: that is ln 10!, the price of the order. "
        "In the full profile random orders have four times the updates of those that are told.",
    )  # fmt: skip


def curves(losses: Mapping[str, Sequence[Array]]) -> Lines:
    def curve(rows: Sequence[Array]) -> tuple[list[float], list[float]]:
        mean = np.mean(rows, 0)
        means = mean[: len(mean) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
        return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()

    return Lines(
        f"Sorting: training loss, means of {STRETCH} updates", "update", "nats per set",
        {label.replace("\n", " "): curve(losses[net]) for net, label in SORTS.items()},
        colours={label.replace("\n", " "): place for label, place in COLOURS.items()},
        caption="Every update has new sets, so this is the loss on sets never seen. The control does not even learn to point at each "
        "element once: that would leave ln 5!, the price of an order.",
        references={"ln 5!": float(np.log(120))},
    )  # fmt: skip
