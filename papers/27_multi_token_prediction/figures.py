"""The figures of the experiment. A model has one colour in all of them, by its place in COLOURS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from s30.room import Bars, Figure, Lines

LABELS = {"one": "one head", "three": "three heads"}
COLOURS = {"one head": 0, "three heads": 1}


def drawn(
    curves: Mapping[str, Sequence[Sequence[float]]], times: Sequence[int], metrics: Mapping[str, Any], entropy: float
) -> dict[str, Figure]:
    """curves: what head 1 loses above the source (seed, time) of each net."""
    return {"learning": learning(curves, times), "calls": calls(metrics), "entropies": entropies(metrics, entropy)}


def learning(curves: Mapping[str, Sequence[Sequence[float]]], times: Sequence[int]) -> Lines:
    rows = {LABELS[net]: np.array(values) for net, values in curves.items()}
    return Lines(
        "The next token, by one head and by three with as many parameters", "update", "nats above the source",
        {label: (list(times), values.mean(0).tolist()) for label, values in rows.items()}, log_y=True, colours=COLOURS,
        bands={label: (values.min(0).tolist(), values.max(0).tolist()) for label, values in rows.items()},
        caption="At this size the model with three heads learns the next token later than the one with one head and a deeper trunk, "
        "which has "
        "as many parameters: the side of figure 3 where models are small.",
    )  # fmt: skip


def calls(metrics: Mapping[str, Any]) -> Bars:
    kinds = {"own drafts": "", "drafts of another prompt": "_borrowed", "heads 2 and 3 untrained": "_untrained"}
    values = {label: np.array(metrics[f"tokens_per_call{name}"]) for label, name in kinds.items()}
    return Bars(
        "Tokens written in a call of the model", "tokens per call", {label: float(value.mean()) for label, value in values.items()},
        errors={label: float(np.ptp(value) / 2) for label, value in values.items()},
        references={"greedy decoding": 1.0, "the most with three heads": float(metrics["most_per_call"])},
        caption="Whatever the drafts, the text is the one that greedy decoding writes. The trained heads save most of the calls that "
        "can be "
        "saved; drafts that are not about this text save next to none.",
    )  # fmt: skip


def entropies(metrics: Mapping[str, Any], entropy: float) -> Bars:
    """What each head loses: the source's entropy at its distance, and what it loses above that."""
    values = {f"head {i}": i * entropy / 4 + float(np.mean(metrics[f"excess_{i}"])) for i in (1, 2, 3)}
    return Bars(
        "What each of three heads loses", "nats per token", values,
        references={f"the source, {i} on": i * entropy / 4 for i in (1, 2, 3)},
        caption="One choice a word: head i has it before it, not seen yet, at i of the four places of a word, so the three heads "
        "together lose "
        "1 + 2 + 3 choices where head 1 loses one.",
    )  # fmt: skip
