"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Arrays, Figure, Heatmap, Lines

COLOURS = {"ntm": 0, "lstm": 1, "random": 3, "blind": 2}


def drawn(errors: Mapping[str, Array], lengths: Sequence[int], longest: int, losses: Mapping[str, Array], answer: tuple[Array, Array],
          data: Arrays) -> dict[str, Figure]:  # fmt: skip
    """errors (length, net) by model, losses (update,), and what the machines answer to the longest sequences."""
    return {
        "lengths": by_length(errors, lengths, longest),
        "learning": learning(losses),
        "memory": path(errors, answer, data),
    }


def by_length(errors: Mapping[str, Array], lengths: Sequence[int], longest: int) -> Lines:
    return Lines(
        "Wrong bits by the length of the sequence", "vectors", "share of bits",
        {net: (list(lengths), error.mean(1).tolist()) for net, error in errors.items()}, markers=True, colours=COLOURS,
        bands={net: (error.min(1).tolist(), error.max(1).tolist()) for net, error in errors.items() if net in ("ntm", "lstm")},
        references={"chance": 0.5}, x_references={"longest trained": longest},
        caption="Means over the nets, and from the best to the worst of machine and LSTM. Right of the line no length was trained.",
    )  # fmt: skip


def learning(losses: Mapping[str, Array]) -> Lines:
    stretch = max(1, max(map(len, losses.values())) // 50)
    series = {}
    for net, values in losses.items():
        means = values[: len(values) // stretch * stretch].reshape(-1, stretch).mean(1) / np.log(2)
        series[net.replace("lstm ", "lstm, ")] = ([stretch * (n + 0.5) for n in range(len(means))], means.tolist())
    return Lines(
        f"Training cost, means over the nets and {stretch} updates", "update", "bits per sequence", series, colours=COLOURS,
        caption="The paper's figure 3 in small: the machines of kind ntm, and the LSTM, whose curves are named by their learning rates.",
    )  # fmt: skip


def path(errors: Mapping[str, Array], answer: tuple[Array, Array], data: Arrays) -> Heatmap:
    """The paper's figure 6, of the machine that answers best."""
    best = int(errors["ntm"][-1].argmin())
    logits, weighting = (part[0, best] for part in answer)  # (time, bit), (time, head, row)
    asked, delimiter = data["asked"][0, best], int(data["lengths"][0, best])
    shown = {
        "inputs": data["inputs"][0, best], "targets": data["targets"][0, best],
        "outputs": (1 / (1 + np.exp(-logits))) * asked[:, None],
        "write head": weighting[:, 0], "read head": weighting[:, 1],
    }  # fmt: skip
    values: list[list[float | None]] = []
    names: list[str] = []
    for name, image in shown.items():
        if values:  # a blank row between two images
            values.append([None] * len(image))
            names.append("")
        values += image.T.tolist()
        names += [name if row == image.shape[1] // 2 else "" for row in range(image.shape[1])]
    columns = ["delimiter" if time == delimiter else "" for time in range(len(asked))]
    return Heatmap(
        "A sequence longer than any that was trained", values, names, columns, limits=(0, 1),
        caption="Time from left to right, rows of the memory downwards; zero is dark, one is bright. The write head moves on by a row with "
        "each vector; after the delimiter the read head takes the same way.",
    )  # fmt: skip
