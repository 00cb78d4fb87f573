"""Further small translators (paper 14): other sizes and switches, a sentence of one word, numbers at which a naive exp
overflows, a tie of maxout units.

The mistakes that they are for: a squeeze that is wrong for a batch of one; the directions of the encoder exchanged; padding
read by the backward direction, or attended to because -1e9 stands for -inf; exp without the maximum subtracted; a gate that is
NaN where it is shut; all of a tie's gradient given to one unit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_word",
            "one sentence of one word and one word of translation: each direction reads this word from zero, the alignment is 1, and "
            "s_0 comes from the backward half",
            drawn(1, [1], [1], source_words=3, target_words=4, embedding=2, hidden=1, alignment=2, maxout=1),
        ),
        Variant(
            "long",
            "three sentence pairs, sources of 5, 1 and 3 words; the readout sees the new state, as in equation (4)",
            drawn(2, [5, 1, 3], [1, 2, 2], source_words=5, target_words=7, embedding=3, hidden=2, alignment=3, maxout=3,
                  late_readout=True),
        ),
        Variant(
            "fixed_vector",
            "no search: the context is [h>_T; h<_1] at every step; sources of 2 and 3 words",
            drawn(3, [2, 3], [2, 1], source_words=6, target_words=5, embedding=4, hidden=3, alignment=1, maxout=2, search=False),
        ),
        Variant(
            "large_energies",
            "v_a times 3e9, so that energies lie billions apart and those of one sentence all below -1e9: exp overflows unless the row's "
            "maximum is subtracted, and padding whose energy is -1e9 in place of -inf is attended to",
            changed(4, {"alignment.energy": 3e9}), kind="extreme",
        ),
        Variant(
            "shut_gates",
            "biases of 1000 and -1000 by turns at every gate of encoder and decoder: sigma is exactly 0 or 1",
            Problem(checks.CONFIG, shut(checks.problem(5)), checks.problem(5).batch), kind="extreme",
        ),
        Variant(
            "large_logits",
            "logits of some thousands: log(softmax) is log 0 where log_softmax is finite",
            changed(6, {"output.weight": 3e3}), kind="extreme",
        ),
        Variant(
            "tied_maxout",
            "the second and third pair of maxout units have equal weights, so that both units of a pair are always equal",
            tied(), kind="tie", convention="the two units of a tied pair get half of its gradient each", gradient=by_hand(tied()),
        ),
    ]  # fmt: skip


def drawn(seed: int, sources: list[int], targets: list[int], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([14, 100 + seed]), sources, targets, {**checks.CONFIG, **config})


def changed(seed: int, factors: dict[str, float]) -> Problem:
    problem = checks.problem(seed)
    params = {name: value * factors.get(name, 1.0) for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch)


def shut(problem: Problem) -> dict[str, Array]:
    """The first unit of each recurrence keeps its state, the next takes the new one, and so on; the same with what is reset."""
    params, hidden = dict(problem.params), problem.config["hidden"]
    turns = np.where(np.arange(2 * hidden) % 2, 1000.0, -1000.0)
    for name in ("forward_gru", "backward_gru", "decoder"):
        params[f"{name}.input.bias"] = params[f"{name}.input.bias"] + np.concatenate([turns, np.zeros(hidden)])
    return params


def tied() -> Problem:
    """problem(7) with unit 2 equal to unit 3 and unit 4 to unit 5."""
    problem = checks.problem(7)
    params = dict(problem.params)
    for name in ("readout.state.weight", "readout.state.bias", "readout.previous.weight", "readout.context.weight"):
        params[name] = params[name].copy()
        params[name][[3, 5]] = params[name][[2, 4]]
    return Problem(problem.config, params, problem.batch)


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d (biases of t~): (p - y) W_o, to the larger unit of each pair, or half of it to both."""
    params, batch = problem.params, problem.batch
    found, real = checks.forward(params, batch, **problem.config), batch["target_mask"]
    p = np.exp(checks.log_softmax(found["logits"][real]))  # (token, target_words)
    slope = (
        (p - np.eye(p.shape[1])[batch["target_output"][real]]) @ params["output.weight"] / real.sum()
    )  # (token, maxout)
    before = np.concatenate([found["initial_state"][:, None], found["states"][:, :-1]], 1)[real]
    pairs = checks.affine(params, "readout.state", before)
    pairs = (
        pairs + (params["target_embedding.weight"][batch["target_input"]] @ params["readout.previous.weight"].T)[real]
    )
    pairs = (pairs + found["context"][real] @ params["readout.context.weight"].T).reshape(*slope.shape, 2)
    share = np.where(np.arange(slope.shape[1])[:, None] % 3 > 0, 0.5, pairs == pairs.max(-1, keepdims=True))
    return {"readout.state.bias": (slope[..., None] * share).sum(0).ravel()}
