"""The order of figure 2 held against the gradient of the whole loss: the same numbers, and what XLA sets aside for either (paper 27)."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import jax
import numpy as np

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")
checks = sibling(__file__, "../numpy_checks.py")

VOCABULARY, LENGTHS = 4096, [16, 16]
LOGITS = sum(LENGTHS) * VOCABULARY * 8  # bytes of one head's logits in float64


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "head_by_head", "all gradients and losses are those of the loss at once", "jax.grad of L_n", gradients, ("large_logits",),
        ),
        Oracle(
            "compiled_bytes", "two heads more cost figure 2's order less than a tenth of one head's logits, and the gradient of the "
            "whole loss "
            "the logits of two heads or more: O(V + d) in place of O(nV + d)", "memory_analysis() of the compiled programs", growth,
        ),
    ]  # fmt: skip


def at_once(params: dict, batch: dict, config: dict[str, Any]) -> tuple[jax.Array, dict]:
    def loss(p: dict) -> tuple[jax.Array, jax.Array]:
        found = model.forward(p, batch, **config)
        return found["loss"], found["head_losses"]

    gradient, losses = jax.grad(loss, has_aux=True)(params)
    return losses, gradient


def gradients(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    sides = []
    for order in (model.gradient_head_by_head, at_once):
        losses, gradient = jax.jit(partial(order, config=dict(problem.config)))(
            dict(problem.params), dict(problem.batch)
        )
        sides.append(np.concatenate([losses, *(np.ravel(gradient[name]) for name in problem.params)]))
    return sides[0], sides[1]


def growth(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """By how many logits of one head the temporary arrays grow from n = 2 to n = 4, cut at a tenth and at two."""
    in_order, plain = (grown(order) for order in (model.gradient_head_by_head, at_once))
    return np.array([max(in_order, 0.1), min(plain, 2.0)]), np.array([0.1, 2.0])


@cache  # it does not depend on the problem
def grown(order: Any) -> float:
    sizes = []
    for heads in (2, 4):
        config = {**checks.CONFIG, "vocabulary": VOCABULARY, "future": heads}
        drawn = checks.drawn(np.random.default_rng(0), LENGTHS, config)
        compiled = jax.jit(partial(order, config=config)).lower(dict(drawn.params), dict(drawn.batch)).compile()
        sizes.append(compiled.memory_analysis().temp_size_in_bytes)
    return float(sizes[1] - sizes[0]) / LOGITS
