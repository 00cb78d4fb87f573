"""The experiment's figures: what is drawn from which arrays, and what is to be seen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Heatmap, Lines, Panels, Scatter, sibling

sources = sibling(__file__, "sources.py")

Drawn = dict[str, Figure]
COLOURS = {"order 0": 0, "order 1": 1, "order 2": 2, "zlib": 3, "bz2": 4, "lzma": 5, "bytes": 6, "bigrams": 0}


def learning(weights: Mapping[int, Array], shares: Sequence[float]) -> Drawn:
    """weights (expert,) after so many steps."""
    steps = list(weights)
    return {
        "learning": Lines(
            "Weights learned by gradient descent", "step", "weight",
            {f"order {k}": (steps, [float(w[k]) for w in weights.values()]) for k in range(len(shares))},
            caption="The weights end near the shares of the sources that made the strings (dashed).",
            colours=COLOURS, references={f"share of order {k}": share for k, share in enumerate(shares)},
        )
    }  # fmt: skip


def regret(lengths: Array, own: Sequence[Array], mixed: Sequence[Array]) -> Drawn:
    """Mean bits above the best parameters in hindsight, (length,) for each order of the source."""
    x = lengths.tolist()
    series = {}
    for order, (bits, mixture) in enumerate(zip(own, mixed, strict=True)):
        series |= {f"order {order}": (x, bits.tolist()), f"order {order}, mixture": (x, mixture.tolist())}
        start = float(bits[2] - 2**order / 2 * np.log2(x[2]))
        series[f"order {order}, predicted"] = (x, [start + 2**order / 2 * float(np.log2(n)) for n in x])
    return {
        "regret": Lines(
            "What it costs not to know the parameters", "length n", "bits above the best in hindsight", series,
            log_x=True,
            caption="Each parameter costs half a bit per doubling of the length (dots: that slope through n = 64); a "
            "source of order k has 2^k. The mixture pays a constant more than the right expert.",
            colours=COLOURS,
        )
    }  # fmt: skip


def machine(complexity: Array, minus_log_mass: Array, at: Mapping[int, slice], tapes: Array, zeros_gap: Array) -> Drawn:
    """K and -log2 m by machine.index, `at` the slices of the lengths; C of all that short tapes describe; K + log2 m of 0^n."""
    gap = complexity - minus_log_mass
    nibbles = [f"{value:04b}" for value in range(16)]
    lengths, powers = range(1, len(at)), [2**j for j in range(1, len(zeros_gap).bit_length())]
    levels = list(range(1, 18))
    below = [int((tapes < k).sum()) for k in levels]
    return {
        "complexity": Heatmap(
            "K(x) of every string of 8 bits", complexity[at[8]].reshape(16, 16), nibbles, nibbles,
            "last four bits", "first four bits",
            caption="212 of 256 strings have no program shorter than the literal one, of 19 bits; eight equal bits take 13.",
        ),
        "coding": Scatter(
            "K(x) against -log2 m(x)", "-log2 m(x)", "K(x)",
            {f"{n} bits": (minus_log_mass[at[n]].tolist(), complexity[at[n]].tolist()) for n in (2, 4, 6, 8)},
            diagonal=True,
            caption="K cannot lie below the line. Strings of many programs lie above it, at most 3.62 bits up to 8 bits.",
        ),
        "gap": Lines(
            "K(x) + log2 m(x) is not bounded", "length n", "bits",
            {
                "largest of n bits": (list(lengths), [float(gap[at[n]].max()) for n in lengths]),
                "mean of n bits": (list(lengths), [float(gap[at[n]].mean()) for n in lengths]),
                "zeros, n = 2^j": (powers, [float(zeros_gap[n]) for n in powers]),
                "proved for zeros": (powers, [(np.log2(n) - 1) * float(np.log2(1.5)) for n in powers]),
            },
            log_x=True, markers=True,
            caption="On an optimal machine all of this would stay below one constant. Here zeros leave every constant "
            "behind: (log2 n - 1) log2 1.5 is proved, in Agda for every n = 2^j.",
        ),
        "counting": Lines(
            "How many strings have C(x) < k", "k", "number of strings",
            {"2^k, the bound": (levels, [2.0**k for k in levels]), "strings": (levels, [float(n) for n in below])},
            log_y=True, markers=True,
            caption="In the plain reading a quarter of the descriptions shorter than k describe a string of their own.",
        ),
    }  # fmt: skip


def neighbours(
    distance: Array, labels: Array, corpus: Mapping[str, float], among: Mapping[str, float], *chance: float
) -> Drawn:
    """zlib's distances (document, document); accuracies by distance, of corpora and of modules, and what chance gives."""
    names = [
        sources.CORPORA[label] if place == 0 or labels[place - 1] != label else "" for place, label in enumerate(labels)
    ]
    titles = ("same corpus of three", "same module of Python source")
    return {
        "distance": Heatmap(
            "Normalised compression distance, zlib", distance, names, names,
            caption="Digits against text exceed 1: one table of codes has to serve two kinds of bytes.",
        ),
        "neighbours": Panels(
            "Whose nearest neighbour is of the same kind?",
            [
                Bars(title, "share", dict(found), y_limits=(0.0, 1.15), colours=COLOURS, references={"chance": by_chance})
                for title, found, by_chance in zip(titles, (corpus, among), chance, strict=True)
            ],
            caption="Corpora are told apart by how often each byte occurs, modules are not. But how often each pair of "
            "bytes occurs tells modules apart about as well as three compressors do.",
        ),
    }  # fmt: skip
