"""Further small Transformers (paper 13): other sizes and switches, numbers at which a naive softmax overflows, a kink.

The mistakes that they are for, each shipped somewhere: a squeeze that is wrong for a batch of one; sizes read from the
wrong axis, which equal sizes hide; exp without the maximum subtracted; -1e9 in place of -inf; relu'(0) = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_of_each",
            "one sentence pair of one token each, one head, the smallest width, no smoothing: axes of size one",
            drawn(1, [1], [1], vocabulary=3, d_model=2, d_ff=3, heads=1, smoothing=0.0),
        ),
        Variant(
            "long",
            "three sentence pairs, sources of 7, 1 and 4 tokens, so that one query sees a single key, d_ff below d_model; no "
            "scale, no causal mask, no positions in the encoder",
            drawn(2, [7, 1, 4], [2, 6, 5], vocabulary=13, d_model=8, d_ff=5, heads=2, layers=1, smoothing=0.3,
                  encoder_positions=False, scaled=False, causal=False),
        ),
        Variant(
            "one_pair",
            "a single sentence pair without padding, three heads of two features, one layer; no positions in the decoder",
            drawn(3, [4], [3], vocabulary=7, d_model=6, d_ff=9, layers=1, smoothing=0.2, decoder_positions=False),
        ),
        Variant(
            "large_scores",
            "scores around +1e3 in one head and -1e3 in the next, with ordinary differences: exp overflows, or underflows "
            "everywhere, unless the row's maximum is subtracted",
            Problem(checks.CONFIG, large_scores(checks.problem(4)), checks.problem(4).batch), kind="extreme",
        ),
        Variant(
            "below_minus_1e9",
            "all scores of one head are -2^33: a forbidden score is -inf, and no large negative number is",
            Problem(checks.CONFIG, below_minus_1e9(checks.problem(4)), checks.problem(4).batch),
        ),
        Variant(
            "large_logits",
            "logits of some thousands: log(softmax) is log 0 where log_softmax is finite",
            Problem(checks.CONFIG, large_logits(checks.problem(5)), checks.problem(5).batch), kind="extreme",
        ),
        Variant(
            "relu_at_zero",
            "the last feed-forward block receives W_1 = 0 and b_1 = 0, so each of its ReLUs stands at its kink",
            Problem(checks.CONFIG, at_the_kink(checks.problem(6)), checks.problem(6).batch), kind="tie",
            convention="relu'(0) = 0, so nothing flows back through the block",
            gradient={f"decoder.1.feed_forward.{name}": np.zeros(shape) for name, shape in KINK.items()},
        ),
    ]  # fmt: skip


KINK = {"inner.weight": (20, 12), "inner.bias": (20,), "outer.weight": (12, 20)}  # outer.weight multiplies relu(0) = 0


def drawn(seed: int, sources: list[int], targets: list[int], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([13, 100 + seed]), sources, targets, {**checks.CONFIG, **config})


def large_scores(problem: Problem) -> dict[str, Array]:
    """+-45 * 45 / sqrt(4) is added to all scores of two heads in the second layers' self-attention."""
    return with_constant_scores(problem, {0: (45.0, 45.0, 1), 1: (45.0, -45.0, 1)})


def below_minus_1e9(problem: Problem) -> dict[str, Array]:
    """The third head's query and key are their first entries alone, 2^17 and -2^17, so that no rounding blurs its scores."""
    return with_constant_scores(problem, {2: (2.0**17, -(2.0**17), 4)})


def with_constant_scores(problem: Problem, heads: dict[int, tuple[float, float, int]]) -> dict[str, Array]:
    """Feature 0 is made 1 by the first layers' last norms. In the second layers' self-attention the first entry of a
    head's query and key reads it alone; of the entries after it the first so many are zero."""
    params = {name: value.copy() for name, value in problem.params.items()}
    for norm in ("encoder.0.feed_forward_norm", "decoder.0.feed_forward_norm"):
        params[f"{norm}.weight"][0], params[f"{norm}.bias"][0] = 0, 1
    for block in ("encoder.1.attention", "decoder.1.self_attention"):
        for head, (query, key, rows) in heads.items():
            for part, value in (("query", query), ("key", key)):
                params[f"{block}.{part}.weight"][4 * head : 4 * head + rows] = 0
                params[f"{block}.{part}.weight"][4 * head, 0] = value
    return params


def large_logits(problem: Problem) -> dict[str, Array]:
    norm = "decoder.1.feed_forward_norm"
    return {
        **problem.params,
        **{f"{norm}.{part}": 1e3 * problem.params[f"{norm}.{part}"] for part in ("weight", "bias")},
    }


def at_the_kink(problem: Problem) -> dict[str, Array]:
    zeros = {name: np.zeros(KINK[name]) for name in ("inner.weight", "inner.bias")}
    return {**problem.params, **{f"decoder.1.feed_forward.{name}": value for name, value in zeros.items()}}
