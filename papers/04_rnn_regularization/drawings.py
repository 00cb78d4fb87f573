"""The figures of the experiments, drawn from what `task.py` measured; one colour per arm in all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Lines, Panels

TITLES = {
    "none": "none",
    "non_recurrent": "non-recurrent",
    "hidden": "and h",
    "cell": "and c",
}
COLOURS = {title: number for number, title in enumerate(TITLES.values())}
Values = Mapping[str, float | Sequence[float]]


def figures(values: Values, curves: Mapping[str, Array]) -> dict[str, Figure]:
    return {"text": _text(values, curves), "recall": _recall(values), "noise": _noise(curves)}


def _text(values: Values, curves: Mapping[str, Array]) -> Lines:
    at, found = curves["updates"].tolist(), np.split(curves["bits"], len(TITLES), axis=1)  # arms side by side
    series = {title: (at, part.mean(1).tolist()) for title, part in zip(TITLES.values(), found, strict=True)}
    bands = {t: (part.min(1).tolist(), part.max(1).tolist()) for t, part in zip(TITLES.values(), found, strict=True)}
    return Lines(
        "Dropout, and reading 1,500 characters again and again", "updates", "bits per character, held-out text", series, colours=COLOURS,
        bands=bands, references={"frequencies of characters": float(values["text_frequency_bits"])},
        caption="Without dropout held-out text becomes harder to predict the longer the net trains: it overfits. With dropout on"
        " non-recurrent connections it does not, nor where h or c are dropped as well. Bands: from the best net to the worst.",
    )  # fmt: skip


def _recall(values: Values) -> Bars:
    found = {title: np.array(values[f"recall_{arm}_accuracy"]) for arm, title in TITLES.items()}
    return Bars(
        "Dropout, and recall after 20 steps", "accuracy (chance 0.25)",
        {title: float(runs.mean()) for title, runs in found.items()},
        {title: float((runs.max() - runs.min()) / 2) for title, runs in found.items()},
        colours=COLOURS,
        caption="The first symbol, asked for after 20 steps of noise. Nets with dropout on non-recurrent connections, and on h as"
        " well, learn to recall; nets whose cells are dropped do not. Whiskers: half of the range over nets.",
    )  # fmt: skip


def _noise(curves: Mapping[str, Array]) -> Panels:
    def lines(title: str, y_label: str, found: Array, references: Mapping[str, float]) -> Lines:
        parts = dict(zip(list(TITLES.values())[1:], np.split(found, len(TITLES) - 1), strict=True))
        steps = list(range(found.shape[1]))
        return Lines(
            title, "steps after the symbol", y_label,
            {name: (steps, np.exp(np.log(part).mean(0)).tolist()) for name, part in parts.items()}, log_y=True,
            colours=COLOURS, bands={name: (part.min(0).tolist(), part.max(0).tolist()) for name, part in parts.items()},
            references=references,
        )  # fmt: skip

    return Panels(
        "What masks do to a memory, step by step",
        [
            lines("First layer's cells: variance over masks", "variance", curves["variance"], {}),
            lines("Second layer's cells: first symbol against noise", "signal / noise", curves["signal"], {"as much noise as signal": 1.0}),
        ],
        caption="Nets that were trained without dropout, read under masks. With dropout on non-recurrent connections each step adds"
        " to the variance, and the first symbol stays above the noise. Where c is dropped as well each step multiplies it, and the"
        " symbol drowns. Bands: from the least net to the greatest.",
    )  # fmt: skip
