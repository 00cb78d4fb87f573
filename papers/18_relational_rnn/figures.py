"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines

COLOURS = {"core": 0, "lstm": 1, "blind": 2}
STRETCH = 10  # minibatches whose losses are averaged in a curve


def drawn(
    metrics: Mapping[str, float | Sequence[float]], losses: Mapping[str, Sequence[Array]], vectors: int
) -> dict[str, Figure]:
    """losses (update,) by net and seed; the LSTM's by its rate."""
    return {
        "accuracy": accuracy(metrics),
        "farthest": one_question(losses, vectors),
        "plateau": every_question(losses, vectors),
    }


def curve(rows: Sequence[Array]) -> tuple[list[float], list[float]]:
    mean = np.mean(rows, 0)
    means = mean[: len(mean) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
    return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()


def accuracy(metrics: Mapping[str, float | Sequence[float]]) -> Bars:
    named = {
        "core": "accuracy_core", "lstm": "accuracy_lstm", "lstm,\nleast rate": "accuracy_lstm_slow", "blind": "accuracy_blind",
        "core,\nevery n": "full_core", "lstm,\nevery n": "full_lstm",
    }  # fmt: skip
    return Bars(
        "New sequences that are answered right", "share",
        {label: float(np.mean(metrics[name])) for label, name in named.items()},
        {label: float(np.ptp(metrics[name])) / 2 for label, name in named.items()},
        y_limits=(0, 1.05), colours={label: COLOURS[label.split(",")[0]] for label in named},
        references={"no vector read": metrics["accuracy_by_guessing"], "every n, no vector read": metrics["full_without_vectors"],
                    "longest vector": float(np.mean(metrics["accuracy_by_length"]))},
        caption="Asked for the farthest vector from m both nets compare vectors, and the LSTM is no worse once its learning rate is its "
        "own. "
        "Asked for every n both are where one gets without reading any vector.",
    )  # fmt: skip


def one_question(losses: Mapping[str, Sequence[Array]], vectors: int) -> Lines:
    named = {
        net.replace("lstm ", "lstm, "): rows for net, rows in losses.items() if net == "core" or net.startswith("lstm ")
    }
    return Lines(
        f"Training loss, the farthest of {vectors} vectors from m, means of {STRETCH} updates", "update", "nats",
        {label: curve(rows) for label, rows in named.items()}, colours=COLOURS,
        references={"no vector read": float(np.log(vectors - 1))},
        caption="The LSTM's curve is named by its learning rate. At the least, the greatest that the paper tried, it hardly leaves what a "
        "guess "
        "among the other vectors costs; at the greatest it falls before the memory core's does.",
    )  # fmt: skip


def every_question(losses: Mapping[str, Sequence[Array]], vectors: int) -> Lines:
    named = {net.removesuffix("_full"): rows for net, rows in losses.items() if net.endswith("_full")}
    return Lines(
        f"Training loss, the n-th farthest of {vectors} vectors for every n, means of {STRETCH} updates", "update", "nats",
        {label: curve(rows) for label, rows in named.items()}, colours=COLOURS,
        references={"no vector read": float((1 - 1 / vectors) * np.log(vectors - 1))},
        caption="Both nets fall to the dashed line and stay: certain of m where n = N, a guess among the other vectors elsewhere.",
    )  # fmt: skip
