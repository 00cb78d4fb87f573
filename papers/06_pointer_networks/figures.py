"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Graph, Lines, Panels, sibling

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
        "lengths": lengths(metrics),
        "hulls": hulls(*shown["hull_8"]),
        "tours": tours(*shown["tour_8"]),
    }


def exact(metrics: Metrics) -> Bars:
    names = {
        f"{label.replace(' ', chr(10), 1)}\n{size} points": (net, f"exact_{net}_{size}_greedy")
        for net, label in LABELS.items() for size in range(3, 9) if f"exact_{net}_{size}_greedy" in metrics
    }  # fmt: skip
    return Bars(
        "Held-out sets answered exactly, by greedy decoding", "share",
        {label: float(np.mean(metrics[name])) for label, (_, name) in names.items()},
        {label: float(np.ptp(metrics[name])) / 2 for label, (_, name) in names.items()},
        y_limits=(0, 1.08), colours={label: COLOURS[LABELS[net]] for label, (net, _) in names.items()},
        caption="Pointers go on beyond the lengths of their training (hulls 5, tours and orders 6), and orders best of all. A "
        "dictionary of four orders four points, and cannot name a fifth. Whiskers span the seeds.",
    )  # fmt: skip


def learning_curves(losses: Mapping[str, Sequence[Array]]) -> Lines:
    def curve(rows: Sequence[Array]) -> tuple[list[float], list[float]]:
        mean = np.mean(rows, 0)
        means = mean[: len(mean) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
        return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()

    return Lines(
        f"Training loss, means of {STRETCH} updates", "update", "nats per sequence",
        {LABELS[net]: curve(rows) for net, rows in losses.items()}, log_y=True, colours=COLOURS,
        caption="Orders are learnt soonest, hulls and tours take longer; of what belongs to other point sets nothing is learnt.",
    )  # fmt: skip


def lengths(metrics: Metrics) -> Bars:
    ways = {"greedy": "written\ngreedily", "beam": "written\nby a beam", "unordered": "as given\n"}
    names = {f"{label}\n{size} cities": f"length_{size}_{way}" for size in (6, 8) for way, label in ways.items()}
    return Bars(
        "Tours against the shortest of all", "length over the shortest",
        {label: float(np.mean(metrics[name])) for label, name in names.items()},
        {label: float(np.ptp(metrics[name])) / 2 for label, name in names.items()},
        y_limits=(0.95, 1.75), references={"shortest": 1.0},
        colours={label: COLOURS["tours"] if "written" in label else len(COLOURS) for label in names},
        caption="Brute force gives the shortest tour. Trained on 3 to 6 cities, masked in the search alone; whiskers span the seeds.",
    )  # fmt: skip


def hulls(points: Array, choices: Array) -> Panels:
    panels = []
    for corners, row in zip(points[:4], choices, strict=False):
        size, truth = len(corners), geometry.corners(geometry.hulls(corners[None])[0], len(corners))
        one = geometry.corners(row, size)
        share, word = geometry.covered(corners, one, truth), "no simple polygon"
        if share is not None:
            word = "the hull" if geometry.same_polygon(one, truth) else f"{share:.3f} of the area"
        panels.append(drawing(word, corners, row, marked=truth))
    return Panels(
        "Hulls of 8 points, written by a network that has seen 3 to 5", panels,
        caption="The first four held-out sets. Arrows are what was written, greedily; doubly ringed are the corners of the hull.",
    )  # fmt: skip


def tours(points: Array, choices: Array) -> Panels:
    size = points.shape[1]
    order = choices[:4, :size]
    ratio = geometry.lengths(points[:4], order - 1) / geometry.tours(points[:4])[1]
    return Panels(
        "Tours of 8 cities, written by a network that has seen 3 to 6",
        [
            drawing(f"{r:.3f} times the shortest", corners, [*row, row[0], 0])
            for corners, row, r in zip(points, order, ratio, strict=False)
        ],
        caption="The first four held-out sets, by greedy decoding with the mask. The title is the length over that of the shortest.",
    )


def drawing(title: str, corners: Array, choices: Sequence[int], marked: Sequence[int] = ()) -> Graph:
    """The points by number, and arrows from each that is written to the next, up to the end."""
    sequence = [int(choice) for choice in choices]
    sequence = sequence[: sequence.index(0)] if 0 in sequence else sequence
    places = 2.6 * corners / geometry.SIDE
    return Graph(
        title,
        {str(number): (float(x), float(y)) for number, (x, y) in enumerate(places, 1)},
        [(str(one), str(other), "") for one, other in zip(sequence, sequence[1:], strict=False)],
        marked=[str(number) for number in marked],
    )
