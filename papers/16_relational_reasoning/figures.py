"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels, Scatter, sibling

scenes = sibling(__file__, "scenes.py")

LABELS = {
    "rn": "relation network",
    "mlp": "MLP, any order",
    "fixed": "MLP, fixed order",
    "guess": "guess",
    "pairs": "sum over pairs",
    "objects": "sum over points",
    "list": "MLP of the list",
}
COLOURS = {label: place for place, label in enumerate(LABELS.values())}
STRETCH = 20  # updates whose losses are averaged in a curve
Metrics = Mapping[str, float | Sequence[float]]


def drawn(metrics: Metrics, losses: Mapping[str, Array], new: tuple[Array, Array]) -> dict[str, Figure]:
    return {
        "questions": by_question(metrics),
        "links": links(metrics),
        "learning_curves": learning_curves(losses),
        "scenes": painted(*new),
    }


def by_question(metrics: Metrics) -> Bars:
    names = {
        f"{name}\n{LABELS[who]}": f"{name}_{who}"
        for name in scenes.QUESTIONS
        for who in ("rn", "mlp", "fixed", "guess")
    }
    return Bars(
        "Sort-of-CLEVR: held-out questions answered right", "share",
        {label: float(np.mean(metrics[name])) for label, name in names.items()}, y_limits=(0, 1),
        colours={label: COLOURS[label.split("\n")[1]] for label in names},
        caption="In any order the MLP of equal parameters is right about as often as the guess, which does not know the object asked for. "
        "The closest and the furthest are to be compared with the guess from the shapes of the others.",
    )  # fmt: skip


def links(metrics: Metrics) -> Bars:
    names = {LABELS[net]: f"links_{net}" for net in ("pairs", "objects", "list", "guess")}
    return Bars(
        "How many of 15 pairs of points are linked: held-out sets told right", "share",
        {label: float(np.mean(metrics[name])) for label, name in names.items()}, y_limits=(0, 1),
        colours={label: COLOURS[label] for label in names},
        caption="A link is a matter of two points. After as many updates, and with as many parameters, a sum over single points "
        "and an MLP of the list tell fewer.",
    )  # fmt: skip


def learning_curves(losses: Mapping[str, Array]) -> Lines:
    def curve(values: Array) -> tuple[list[float], list[float]]:
        means = values[: len(values) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1)
        return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()

    return Lines(
        f"Training loss on Sort-of-CLEVR, means of {STRETCH} updates", "update", "nats per question",
        {LABELS[model]: curve(np.asarray(losses[model])) for model in ("rn", "mlp", "fixed")}, colours=COLOURS,
        caption="All six kinds of questions together, of which three are about one object alone.",
    )  # fmt: skip


def painted(centres: Array, shapes: Array) -> Panels:
    panels = []
    for at, forms in zip(centres[:4], shapes, strict=False):
        series, names = {}, {}
        for form, label in enumerate(("squares", "circles")):
            those = np.flatnonzero(forms == form)
            series[label] = at[those, 0].tolist(), (scenes.SIZE - 1 - at[those, 1]).tolist()
            names[label] = [scenes.COLOURS[k] for k in those]
        panels.append(Scatter("", "x", "y", series, names=names))
    return Panels(
        "Four held-out scenes", panels, columns=4,
        caption="Five objects, squares and circles, one of each colour. The networks read colours, shapes and coordinates.",
    )  # fmt: skip
