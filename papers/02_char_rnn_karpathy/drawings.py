"""The figures of the experiment, drawn from what `task.py` measured; one colour per model in all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Figure, Heatmap, Lines, Panels

TITLES = {
    "rnn": "tanh RNN",
    "lstm": "LSTM",
    "memoryless": "RNN that sees one character",
    "shuffled": "RNN, shuffled text",
}
COLOURS = {title: number for number, title in enumerate(TITLES.values())}
Values = Mapping[str, float | Sequence[float]]


def figures(
    values: Values,
    losses: Mapping[str, Sequence[Array]],
    shown: Mapping[str, Array | str],
    written: Mapping[str, str],
    histories: Sequence[int],
    temperatures: Mapping[str, float],
) -> dict[str, Figure]:
    return {
        "learning": _learning(values, losses),
        "history": _history(values, histories),
        "quote_unit": _quote_unit(shown),
        "temperature": _temperature(values, temperatures),
        "written": _written(written),
    }


def _mean(values: Values, name: str) -> float:
    return float(np.mean(values[name]))


def _learning(values: Values, losses: Mapping[str, Sequence[Array]]) -> Lines:
    series, bands = {}, {}
    for net, title in TITLES.items():
        runs = np.array(losses[net])
        many = max(1, runs.shape[1] // 40)  # updates of which a point is the mean
        runs = runs[:, : runs.shape[1] // many * many].reshape(len(runs), -1, many).mean(2)
        at = [(n + 0.5) * many for n in range(runs.shape[1])]
        series[title] = (at, runs.mean(0).tolist())
        bands[title] = (runs.min(0).tolist(), runs.max(0).tolist())
    rivals = {"bigrams": "ngram_2_bits", "trigrams": "ngram_3_bits", "5-grams": "ngram_5_bits", "bz2": "bz2_bits"}
    return Lines(
        "Learning to predict the next character", "updates", "bits per character, training windows", series,
        colours=COLOURS, bands=bands, references={name: _mean(values, metric) for name, metric in rivals.items()},
        caption="Curves: windows that are trained on. Lines: what counts and bz2 make of held-out text, where the trained nets stay"
        " above the 5-grams. The nets pass pairs and triples; on shuffled text the RNN stops at the frequencies of characters,"
        " with one character to see at the pairs.",
    )  # fmt: skip


def _history(values: Values, histories: Sequence[int]) -> Lines:
    found = {net: [values[f"{net}_history_{n}_bits"] for n in histories] for net in ("rnn", "lstm")}
    counted = {n: _mean(values, f"ngram_{n + 1}_bits") for n in range(1, 7)}
    series = {TITLES[net]: (list(histories), [float(np.mean(runs)) for runs in of]) for net, of in found.items()}
    return Lines(
        "How much of the history is used", "true characters before the next one", "bits per character",
        {**series, "interpolated n-grams": (list(counted), list(counted.values()))},
        markers=True, log_x=True, colours={**COLOURS, "interpolated n-grams": len(COLOURS)},
        bands={TITLES[net]: ([float(np.min(r)) for r in of], [float(np.max(r)) for r in of]) for net, of in found.items()},
        caption="What stands before the true characters is another text's. The nets' memory ends after some ten characters:"
        " more of the true history changes little. Counts of as many characters predict better, up to five of them.",
    )  # fmt: skip


def _quote_unit(shown: Mapping[str, Array | str]) -> Panels:
    text, unit, inside = (shown[name] for name in ("text", "unit", "inside"))
    scale = float(np.abs(unit).max())
    rows, half = ["unit", "inside"], (len(text) + 1) // 2
    panels = []
    for at in (0, half):
        part = slice(at, at + half)
        letters = [{"\n": "↵", " ": "␣"}.get(c, c) for c in text[part]]
        panels.append(
            Heatmap(f"characters {at + 1} to {at + len(letters)}", np.stack([unit[part], scale * (2.0 * inside[part] - 1)]),
                    rows, letters, limits=(-scale, scale))
        )  # fmt: skip
    return Panels(
        "The unit of the LSTM that best tells quotations", panels, columns=1,
        caption="Held-out text, one character a column. Above, the unit that told inside from outside best on training text, by its"
        " rank among its values on all held-out text, -1 the lowest and 1 the highest; below, where a quotation is open.",
    )  # fmt: skip


def _temperature(values: Values, temperatures: Mapping[str, float]) -> Lines:
    kinds = {"words that occur in the training text": "known", "words not sampled before": "distinct"}
    found = {title: [values[f"{kind}_words_{name}"] for name in temperatures] for title, kind in kinds.items()}
    at = list(temperatures.values())
    return Lines(
        "Sampling at three temperatures", "temperature", "share of the sampled words",
        {title: (at, [float(np.mean(runs)) for runs in of]) for title, of in found.items()},
        markers=True, colours={t: len(COLOURS) + 1 + n for n, t in enumerate(found)},
        bands={t: ([float(np.min(r)) for r in of], [float(np.max(r)) for r in of]) for t, of in found.items()},
        caption="Colder sampling spells better and repeats itself; hotter sampling is more diverse and misspells.",
    )  # fmt: skip


def _written(written: Mapping[str, str]) -> Heatmap:
    """A table of what was written: its first line, and how many of its characters are letters and spaces."""
    line = {name: text.replace("\n", "↵")[:72] for name, text in written.items()}
    counts = [
        [100 * np.mean([c.isalpha() for c in text]), 100 * np.mean([c == " " for c in text])]
        for text in written.values()
    ]
    return Heatmap(
        "What the RNN writes", np.array(counts), [f"{name}: {text}" for name, text in line.items()], ["letters, %", "spaces, %"],
        annotate=True,
        caption="The first characters of a sample each: by temperature once trained, and at temperature 1 after few updates, where"
        " words are told from spaces before they are spelt.",
    )  # fmt: skip
