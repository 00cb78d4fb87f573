"""The copy task of section 4.1: sequences of random bits, what is to be answered, and how much of it is wrong.

    step         0 ... L - 1      L             L + 1 ... 2 L                         to the end
    input        the bits         delimiter     nothing                               nothing
    target       -                -             the bits again, in the same order     -

Several machines are trained side by side, each on sequences of its own: arrays are (sequence, net, time, ...).
"""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays

BITS = 3
FEATURES = BITS + 1  # the last says that the sequence is over


def steps(longest: int) -> int:
    return 2 * longest + 1


def drawn(rng: np.random.Generator, count: int, nets: int, longest: int, length: int | None = None) -> dict[str, Array]:
    """So many sequences for each net, of this length or of lengths from 1 to the longest, equally often by chance."""
    shape = (count, nets, steps(longest))
    lengths = rng.integers(1, longest + 1, shape[:2]) if length is None else np.full(shape[:2], length)
    bits = rng.integers(2, size=(count, nets, longest, BITS)).astype(float)
    time = np.arange(shape[2])
    last = lengths[..., None]
    inputs, targets = np.zeros((*shape, FEATURES)), np.zeros((*shape, BITS))
    inputs[..., :longest, :BITS] = bits * (time[:longest] < last)[..., None]
    inputs[..., -1] = time == last
    asked = (time > last) & (time <= 2 * last)
    at = np.clip(time - last - 1, 0, longest - 1)  # which vector is answered
    targets = np.take_along_axis(bits, at[..., None], 2) * asked[..., None]
    return {"inputs": inputs, "targets": targets, "asked": asked, "lengths": lengths}


def of_others(rng: np.random.Generator, data: Arrays, which: Array) -> dict[str, Array]:
    """The same inputs, but that these nets, (net,), are asked for the bits of other sequences: no input tells what they are."""
    bits = rng.integers(2, size=data["targets"].shape) * data["asked"][..., None]
    return {**data, "targets": np.where(which[:, None, None], bits, data["targets"])}


def wrong(logits: Array, data: Arrays) -> Array:
    """Of each net the share of asked bits that are answered wrongly: (net,)."""
    missed = ((logits > 0) != (data["targets"] > 0.5)) & data["asked"][..., None]
    asked: Array = data["asked"].sum((0, 2)) * logits.shape[-1]
    return missed.sum((0, 2, 3)) / asked


def bits_per_sequence(logits: Array, data: Arrays) -> Array:
    """Of each net the cross-entropy of a sequence in bits: (net,)."""
    costs = (np.logaddexp(0, logits) - data["targets"] * logits).sum(-1) * data["asked"]
    return costs.sum(-1).mean(0) / np.log(2)


def written(weighting: Array, data: Arrays) -> Array:
    """Where the write head was, by its greatest weight, while each vector was shown: (sequence, net, vector). Weightings are (sequence,
    net, time, head, row), the write head first, and all sequences of one length."""
    return weighting[:, :, : int(data["lengths"].flat[0]), 0].argmax(-1)


def follows(weighting: Array, data: Arrays) -> Array:
    """Share of vectors for which the read head is where they were written, (net,): when they are answered or, since the controller reads
    what was read the step before, a step earlier, whichever is more often so in a net."""
    length = int(data["lengths"].flat[0])
    read = weighting[..., 1, :].argmax(-1)
    at = [read[:, :, start : start + length] == written(weighting, data) for start in (length, length + 1)]
    return np.max([same.mean((0, 2)) for same in at], 0)


def rests(weighting: Array, data: Arrays) -> Array:
    """Share of steps, while vectors are shown, at which the read head stays on its row, (net,)."""
    read = weighting[:, :, : int(data["lengths"].flat[0]), 1].argmax(-1)
    still: Array = np.diff(read) == 0
    return still.mean((0, 2))


def advances(weighting: Array, data: Arrays, rows: int) -> Array:
    """Share of steps at which the write head moves on by one row, always the same way, around the end too: (net,)."""
    move = np.diff(written(weighting, data)) % rows
    return np.maximum((move == 1).mean((0, 2)), (move == rows - 1).mean((0, 2)))
