"""Further small predictors (paper 27): n = 1, sequences no longer than n, other arrangements and heads, extremes.

The mistakes that they are for: a squeeze that is wrong for a batch of one; a target beyond the end that wraps around, or is padding;
a head's loss divided by its own number of targets; heads chained in the wrong direction; an unembedding that is shared where each
head has its own; exp without the maximum subtracted; a softmax or a sigmoid that overflows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_next_token",
            "one sequence of two tokens and three heads: one token of context, one target, of head 1 alone",
            drawn(1, [2], vocabulary=3, model=4, inner=3, attention_heads=1),
        ),
        Variant(
            "next_token",
            "n = 1 over two layers, the ordinary language model; a sequence of one token beside two others, which has no target",
            drawn(2, [4, 1, 3], vocabulary=5, model=4, inner=6, layers=2, future=1),
        ),
        Variant(
            "causal",
            "each head reads the one before it; sequences of one and two tokens, so that head 2 has no target",
            drawn(3, [1, 2], vocabulary=6, model=4, inner=5, attention_heads=1, future=2, arrangement="causal"),
        ),
        Variant(
            "anticausal",
            "each head reads the one after it, linear heads: head 1 is the product of all",
            drawn(4, [4, 3], vocabulary=6, model=6, inner=4, attention_heads=1, future=4, head="linear", arrangement="anticausal"),
        ),
        Variant(
            "replicated_unembeddings",
            "no heads at all, an unembedding for each of the next two tokens",
            drawn(6, [2, 4], vocabulary=5, model=4, inner=4, attention_heads=1, future=2, head="unembedding"),
        ),
        Variant(
            "large_logits", "logits of some thousands: log(softmax) is log 0 where log_softmax is finite",
            changed(7, "unembedding.weight", 3e3), kind="extreme",
        ),
        Variant(
            "large_scores", "attention scores of some thousands in trunk and heads: exp overflows unless the row's maximum is subtracted",
            changed(8, "attention.query.weight", 1e4), kind="extreme",
        ),
        Variant(
            "large_gates", "inputs of silu of some thousands, either sign: exp(-a) overflows where sigmoid(a) is zero",
            changed(9, "feed_forward.gate.weight", 3e3), kind="extreme",
        ),
    ]  # fmt: skip


def drawn(seed: int, lengths: list[int], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([27, 100 + seed]), lengths, {**checks.CONFIG, **config})


def changed(seed: int, ending: str, factor: float) -> Problem:
    problem = checks.problem(seed)
    params = {name: value * (factor if name.endswith(ending) else 1.0) for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch)
