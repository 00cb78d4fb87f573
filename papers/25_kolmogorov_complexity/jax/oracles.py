"""The code lengths by `jax.scipy.special.gammaln`; its `betaln` is good to 1e-7 only."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from s30.room import Array, Forward, Oracle, Problem, sibling

shared = sibling(__file__, "../oracles.py")


def closed_form(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """l_k = -log2 prod_c B(n_c0 + a_0, n_c1 + a_1) / B(a_0, a_1)."""
    pseudo = 0.5 * jnp.exp(problem.params["log_pseudo"])  # (expert, 2)

    def log_beta(counts: jax.Array) -> jax.Array:
        return gammaln(counts).sum(-1) - gammaln(counts.sum(-1))

    def code(a: jax.Array, seen: list[tuple[int, int]]) -> jax.Array:
        counts = a + jnp.array(seen, float).reshape(-1, 2)  # (context, 2)
        return (log_beta(a) - log_beta(counts)).sum() / jnp.log(2.0)

    bits = [[code(a, seen) for a, seen in zip(pseudo, row, strict=True)] for row in shared.cells(problem)]
    return forward(problem.params, problem.batch)["expert_bits"], np.array(bits)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "gammaln",
            "code lengths of the experts from Beta functions of the counts",
            "jax.scipy.special.gammaln",
            closed_form,
            ("one_bit", "one_expert", "orders_3_0", "long_string"),
        ),
    ]
