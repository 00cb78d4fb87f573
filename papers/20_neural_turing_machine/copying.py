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


def of_others(rng: np.random.Generator, data: Arrays) -> dict[str, Array]:
    """The same inputs, asked for the bits of another sequence: no input tells what they are."""
    bits = rng.integers(2, size=data["targets"].shape) * data["asked"][..., None]
    return {**data, "targets": bits.astype(float)}


def wrong(logits: Array, data: Arrays) -> Array:
    """Of each net the share of asked bits that are answered wrongly: (net,)."""
    missed = ((logits > 0) != (data["targets"] > 0.5)) & data["asked"][..., None]
    asked: Array = data["asked"].sum((0, 2)) * logits.shape[-1]
    return missed.sum((0, 2, 3)) / asked


def bits_per_sequence(logits: Array, data: Arrays) -> Array:
    """Of each net the cross-entropy of a sequence in bits: (net,)."""
    costs = (np.logaddexp(0, logits) - data["targets"] * logits).sum(-1) * data["asked"]
    return costs.sum(-1).mean(0) / np.log(2)


def visited(weighting: Array, data: Arrays) -> tuple[Array, Array]:
    """Rows with the greatest weight, of a write and a read head, (sequence, net, time, head, row): where the write head was while each
    vector was shown, and where the read head was while it was answered: (sequence, net, vector). All sequences are of one length."""
    length = int(data["lengths"].flat[0])
    at = weighting.argmax(-1)
    return at[:, :, :length, 0], at[:, :, length + 1 : 2 * length + 1, 1]


def follows(weighting: Array, data: Arrays) -> Array:
    """Share of vectors that are read at the very row at which they were written: (net,)."""
    written, read = visited(weighting, data)
    return (written == read).mean((0, 2))


def advances(weighting: Array, data: Arrays, rows: int) -> Array:
    """Share of steps at which the write head moves on by one row, always the same way, around the end too: (net,)."""
    written, _ = visited(weighting, data)
    move = (written[..., 1:] - written[..., :-1]) % rows
    return np.maximum((move == 1).mean((0, 2)), (move == rows - 1).mean((0, 2)))
