"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Arrays, Bars, Figure, Heatmap, Lines, Panels, sibling

dates = sibling(__file__, "dates.py")

LABELS = {
    "whole": "whole model",
    "encoder_positions": "positions in encoder",
    "decoder_positions": "positions in decoder",
    "no_positions": "no positions",
    "no_mask": "no mask",
    "shuffled": "shuffled targets",
}
COLOURS = {label: place for place, label in enumerate([*LABELS.values(), "unscaled"])} | {"scaled": 0}
STRETCH = 10  # minibatches whose losses are averaged in a curve


def drawn(
    metrics: Mapping[str, float | Sequence[float]], losses: Mapping[str, Sequence[Array]], floor: float, widths: Sequence[int],
    statistics: Arrays, held_out: Arrays, cross_attention: Array,
) -> dict[str, Figure]:  # fmt: skip
    """losses (update,) by net and seed; statistics (d_k, scaled or not, query); cross_attention of the whole model on
    held_out, (date, layer, head, target, source)."""
    return {
        "exact_match": exact_match(metrics),
        "learning_curves": learning_curves(losses, floor, metrics["loss_of_bags"]),
        "alignment": alignment(held_out, cross_attention),
        "scaling": scaling(widths, statistics, metrics["entropy_expected"]),
    }


def exact_match(metrics: Mapping[str, float | Sequence[float]]) -> Bars:
    found = {LABELS[net]: metrics[f"exact_match_{net}"] for net in LABELS if f"exact_match_{net}" in metrics}
    return Bars(
        "Held-out dates written without an error", "exact match",
        {label.replace(" ", "\n"): float(np.mean(values)) for label, values in found.items()},
        {label.replace(" ", "\n"): float(np.ptp(values)) / 2 for label, values in found.items()},
        y_limits=(0, 1.08), colours={label.replace(" ", "\n"): place for label, place in COLOURS.items()},
        references={"ceiling of bags": metrics["exact_match_of_bags"]},
        caption="Without positions in the encoder a source is a bag of tokens, and no reader of bags gets above the dashed line. "
        "Positions in the encoder alone get most dates right. Without the mask nothing can be written.",
    )  # fmt: skip


def learning_curves(losses: Mapping[str, Sequence[Array]], floor: float, limit: float) -> Lines:
    def curve(rows: Sequence[Array]) -> tuple[list[float], list[float]]:
        mean = np.mean(rows, 0)
        means = mean[: len(mean) // STRETCH * STRETCH].reshape(-1, STRETCH).mean(1) - floor
        return [STRETCH * (n + 0.5) for n in range(len(means))], means.tolist()

    return Lines(
        f"Training loss above its floor, means of {STRETCH} updates", "update", "nats per token",
        {LABELS[net]: curve(rows) for net, rows in losses.items()},
        log_y=True, colours=COLOURS, references={"least of bags": limit},
        caption="Models whose "
        "encoder has no positions stay above what a bag of tokens leaves open; the model without the mask copies its next token, and the "
        "one with shuffled targets learns what targets look like.",
    )  # fmt: skip


def alignment(batch: Arrays, cross_attention: Array) -> Panels:
    """The last layer's cross-attention, averaged over heads, for the first held-out date with a month's name and with a slash."""
    panels = []
    for mark in ",/":
        row = int(np.argmax((batch["source"] == dates.IDS[mark]).any(1)))
        words = [dates.TOKENS[token] for token in batch["source"][row] if token]
        target = [dates.TOKENS[token] for token in batch["target_output"][row]]
        weights = cross_attention[row, -1].mean(0)[:, : len(words)]  # (target, source)
        panels.append(Heatmap(" ".join(words), weights, target, words, "source", "target", limits=(0, 1)))
    return Panels(
        "Where the decoder looks while it writes each token", panels,
        caption="Cross-attention, averaged over heads. Most digits are read where they stand, and the month's second digit from its "
        "name.",
    )  # fmt: skip


def scaling(widths: Sequence[int], statistics: Arrays, expected: float) -> Panels:
    means = {"entropy": statistics["entropy"].mean(-1), "score_gradient": np.median(statistics["score_gradient"], -1)}

    def series(name: str) -> dict[str, tuple[list[int], list[float]]]:
        return {how: (list(widths), means[name][:, row].tolist()) for row, how in enumerate(("scaled", "unscaled"))}

    entropy = Lines(
        "mean entropy", "d_k", "nats", series("entropy"), log_x=True, markers=True, colours=COLOURS,
        references={"ln 32": float(np.log(32)), "scores of variance 1": expected},
    )  # fmt: skip
    gradient = Lines(
        "median gradient by the scores", "d_k", "Frobenius norm", series("score_gradient"), log_x=True, log_y=True, markers=True,
        colours=COLOURS,
    )  # fmt: skip
    return Panels(
        "Softmax over 32 keys, standard normal queries and keys", [entropy, gradient],
        caption="Divided by the root of d_k, scores keep variance 1 and the softmax stays as it is at any width; as they are, it "
        "hardens towards one key, and for nearly half of the queries its gradient vanishes.",
    )  # fmt: skip
