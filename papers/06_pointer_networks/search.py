r"""What a pointer network writes: beam search (paper 06, section 2.1), of which a width of 1 is greedy decoding.

    C^ = argmax over the sequences that are kept of sum_i log p(C_i | C_1, ..., C_{i-1}, P)

A beam is `width` sequences of one example; each step extends all of them by all choices, and keeps the best `width` of those. A
sequence that has ended is kept as it is: then <= is its one choice, at no cost. Of equal ones the earlier stays.
"""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, sibling

checks = sibling(__file__, "numpy_checks.py")


def written(params: Arrays, points: Array, mask: Array, *, steps: int, width: int, reuse: bool, stop: bool,
            dictionary: int = 0) -> tuple[Array, Array]:  # fmt: skip
    """The best sequence found, (example, step), and the logarithm of its probability, (example,)."""
    count, rows = len(points), np.arange(len(points))[:, None]
    encoded, (hidden, cell) = checks.encode(params, points, mask)
    hidden, cell = hidden[:, None], cell[:, None]  # (example, beam, hidden), of one beam at first
    sequences, total = np.zeros((count, 1, 0), int), np.zeros((count, 1))
    used, ended, last = np.zeros((count, 1, mask.shape[1]), bool), np.zeros((count, 1), bool), np.zeros((count, 1), int)
    for _ in range(steps):
        beams = last.shape[1]
        flat = [value.reshape(count * beams, -1) for value in (checks.read(params, points, mask, last), hidden, cell)]
        hidden, cell = (
            value.reshape(count, beams, -1) for value in checks.lstm(params, "decoder", flat[0], (flat[1], flat[2]))
        )
        scores = checks.additive(params, checks.candidates(params, encoded)[:, None], hidden[:, :, None])
        if dictionary:
            logits = checks.from_dictionary(params, encoded, hidden, scores, mask)
            may = np.ones(logits.shape, bool)
        else:
            logits, points_left = scores, mask[:, None] & (reuse | ~used)
            may = np.concatenate([np.full((count, beams, 1), stop), points_left], 2)  # (example, beam, choice)
        ended = ended | ~may.any(2)
        if ended.all():
            break
        log_p = checks.log_softmax(np.where(may | ended[..., None], logits, -np.inf))
        over = np.where(np.arange(logits.shape[2]) == 0, 0, -np.inf)
        grown = total[..., None] + np.where(ended[..., None], over, log_p)  # (example, beam, choice)
        best = np.argsort(-grown.reshape(count, -1), axis=1, kind="stable")[:, :width]
        total = np.take_along_axis(grown.reshape(count, -1), best, 1)
        beam, last = np.divmod(best, logits.shape[2])
        sequences = np.concatenate([sequences[rows, beam], last[..., None]], 2)
        hidden, cell, ended = hidden[rows, beam], cell[rows, beam], ended[rows, beam] | (last == 0)
        used = used[rows, beam] | (last[..., None] == np.arange(1, mask.shape[1] + 1))
    return np.pad(sequences[:, 0], [(0, 0), (0, steps - sequences.shape[2])]), total[:, 0]
