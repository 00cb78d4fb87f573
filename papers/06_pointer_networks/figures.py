"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels, sibling

geometry = sibling(__file__, "geometry.py")

LABELS = {
    "hull": "hulls",
    "rival": "dictionary of four",
    "tour": "tours",
    "order": "orders",
    "shuffled": "shuffled orders",
}
COLOURS = {label: place for place, label in enumerate(LABELS.values())}
STRETCH = 20  # minibatches whose losses are averaged in a curve

Metrics = Mapping[str, float | Sequence[float]]


def drawn(
    metrics: Metrics, losses: Mapping[str, Sequence[Array]], shown: Mapping[str, tuple[Array, Array]]
) -> dict[str, Figure]:
    """losses (update,) by net and seed; shown: point sets (set, point, 2) and what was written of them, by net and size."""
    return {
        "exact": exact(metrics),
        "learning_curves": learning_curves(losses),
        "hulls": written("Hulls of 8 points, written by a network that has seen 3 to 5", *shown["hull_8"], closed=True),
        "tours": written(
            "Tours of 8 cities, written by a network that has seen 3 to 6", *shown["tour_8"], closed=False
        ),
    }


def exact(metrics: Metrics) -> Bars:
    names = {
        f"{label}\n{size} points": f"exact_{net}_{size}_greedy"
        for net, label in LABELS.items() for size in range(3, 9) if f"exact_{net}_{size}_greedy" in metrics
    }  # fmt: skip
    return Bars(
        "Held-out sets answered exactly, by greedy decoding", "share",
        {label: float(np.mean(metrics[name])) for label, name in names.items()},
        {label: float(np.ptp(metrics[name])) / 2 for label, name in names.items()},
        y_limits=(0, 1), colours={label: COLOURS[label.split("\n")[0]] for label in names},
        caption="Pointers go on beyond the lengths of their training (hulls 5, tours and orders 6), and orders best of all. A "
        "dictionary of four orders four points, and cannot name a fifth.",
    )  # fmt: skip


def learning_curves(losses: Mapping[str, Sequence[Array]]) -> Lines:
    def curve(rows: Sequence[Array]) -> tuple[list[float], list[float]]:
        mean = np.mean(rows, 0)
        means = mean[: len(mean) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
        return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()

    return Lines(
        f"Training loss, means of {STRETCH} updates", "update", "nats per sequence",
        {LABELS[net]: curve(rows) for net, rows in losses.items()}, log_y=True, colours=COLOURS,
        caption="Sorting is learnt at once, tours and hulls after a plateau; what belongs to other point sets is never learnt.",
    )  # fmt: skip


def written(title: str, points: Array, choices: Array, closed: bool) -> Panels:
    panels = []
    for corners, row in zip(points[:4], choices, strict=False):
        sequence = [int(choice) for choice in row]
        sequence = sequence[: sequence.index(0)] if 0 in sequence else sequence
        ring = corners[np.array(sequence if closed else [*sequence, *sequence[:1]], int) - 1] / geometry.SIDE
        dots = corners / geometry.SIDE
        panels.append(
            Lines(
                "", "", "", {"written": (ring[:, 0].tolist(), ring[:, 1].tolist()), "points": (dots[:, 0].tolist(), dots[:, 1].tolist())},
                markers=True, joined=True,
            )
        )  # fmt: skip
    return Panels(
        title,
        panels,
        columns=4,
        caption="The first four held-out sets. The line is what was written, from point to point.",
    )
