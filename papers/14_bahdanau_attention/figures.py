"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Arrays, Figure, Heatmap, Lines, Panels, sibling

numerals = sibling(__file__, "numerals.py")

LABELS = {"search": "search", "fixed": "fixed vector", "search_short": "search, short"}
COLOURS = {"search": 0, "fixed vector": 1, "search, short": 2}


def drawn(
    by_length: Mapping[str, Sequence[Sequence[float]]], bins: Sequence[tuple[int, int]], short: int, batch: Arrays,
    alignment: Array, places: Array,
) -> dict[str, Figure]:  # fmt: skip
    """by_length: exact match (seed, bin) of each net; alignment (number, target, source) of the net that searches on `batch`."""
    return {"lengths": lengths(by_length, bins, short), "alignment": aligned(batch, alignment, places)}


def lengths(by_length: Mapping[str, Sequence[Sequence[float]]], bins: Sequence[tuple[int, int]], short: int) -> Lines:
    at = [(low + high) / 2 for low, high in bins]
    rows = {LABELS[net]: np.array(values) for net, values in by_length.items()}
    return Lines(
        "Numbers written without an error, by the words of the source", "words", "exact match",
        {label: (at, values.mean(0).tolist()) for label, values in rows.items()}, markers=True, colours=COLOURS,
        bands={label: (values.min(0).tolist(), values.max(0).tolist()) for label, values in rows.items()},
        x_references={f"trained on {short} words": short + 0.5},
        caption="The paper's figure 2 at small size. A fixed vector loses what a long sentence says; the model that searches keeps most of "
        "it, and trained on short sentences alone it still beats the fixed vector that was trained on all, until its own limit is far.",
    )  # fmt: skip


def aligned(batch: Arrays, alignment: Array, places: Array) -> Panels:
    """Two held-out numbers: the first whose every digit has a word, among those of seven digits or more, and one with zeros."""
    count = batch["target_mask"].sum(1) - 1  # digits
    zeros = ((places < 0) & (np.arange(places.shape[1]) < count[:, None])).sum(1)
    panels = []
    for here in (zeros == 0, zeros >= 2):
        row = int(np.argmax(here & (count >= 7)))
        words = [numerals.WORDS[word] for word in batch["source"][row] if word]
        signs = [numerals.SIGNS[sign] for sign in batch["target_output"][row] if sign]
        panels.append(
            Heatmap(
                "".join(signs[:-1]),
                alignment[row, : len(signs), : len(words)],
                signs,
                words,
                "source",
                "target",
                limits=(0, 1),
            )
        )
    return Panels(
        "Where the model looks while it writes each digit", panels,
        caption="The paper's figure 3 at small size: each row is one alignment and sums to one. A digit is mostly read at its own "
        "word, in the order of the words; a zero has none.",
    )  # fmt: skip
