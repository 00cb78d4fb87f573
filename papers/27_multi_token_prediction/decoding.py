r"""Greedy self-speculative decoding (section 2, «Inference», and 3.2), one sequence and one token at a time: the reference.

    a call     one forward pass over what is written and proposed behind it
    verify     the proposals are kept as long as each is the token that head 1 writes there
    write      these, and head 1's own token behind them
    propose    heads 2 ... n, read at the place from which head 1 wrote that token

The first call has nothing to verify. With drafts that are all wrong every call writes one token, which is greedy decoding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s30.room import Array

Ask = Callable[[Array], Array]  # tokens (batch, time) -> the most probable token of each head, (batch, future, time)


def greedy(ask: Ask, prompts: Array, steps: int) -> Array:
    """What head 1 writes behind each prompt, one token a call: (batch, steps)."""
    start = prompts.shape[1]
    tokens = np.concatenate([prompts, np.zeros((len(prompts), steps), prompts.dtype)], 1)
    for at in range(start, start + steps):
        tokens[:, at] = ask(tokens)[:, 0, at - 1]
    return tokens[:, start:]


def speculate(ask: Ask, prompts: Array, steps: int, lender: Array | None = None) -> tuple[Array, Array]:
    """What self-speculative decoding writes (batch, steps), and in how many calls (batch,).

    With `lender` a sequence verifies what the heads propose for sequence lender[b] in place of its own: any draft will do.
    """
    batch, end = len(prompts), prompts.shape[1] + steps
    tokens = np.concatenate([prompts, np.zeros((batch, steps), prompts.dtype)], 1)
    known, calls = np.full(batch, prompts.shape[1]), np.zeros(batch, int)
    drafts: list[list[int]] = [[] for _ in range(batch)]
    lent = np.arange(batch) if lender is None else lender
    while (known < end).any():
        shown, proposed = tokens.copy(), [drafts[lent[b]][: end - known[b]] for b in range(batch)]
        for b, draft in enumerate(proposed):
            shown[b, known[b] : known[b] + len(draft)] = draft
        guesses = ask(shown)
        for b in np.flatnonzero(known < end):
            at, kept = known[b] - 1, 0
            while kept < len(proposed[b]) and proposed[b][kept] == guesses[b, 0, at + kept]:
                kept += 1
            written = [*proposed[b][:kept], guesses[b, 0, min(at + kept, end - 1)]][: end - known[b]]
            tokens[b, known[b] : known[b] + len(written)] = written
            drafts[b] = guesses[b, 1:, min(at + kept, end - 1)].tolist()
            known[b] += len(written)
            calls[b] += 1
    return tokens[:, prompts.shape[1] :], calls
