"""Further small Turing machines (paper 20): other sizes, an LSTM for a controller, one row, no shift, shifts that reach around the memory,
keys and rows of zeros, weightings with zeros, sharpening and key strengths at which a naive power or exp fails.

The mistakes that they are for: a squeeze that is wrong for one sequence, head, row or step; a shift that is not modulo N; one erase
vector for all heads; 0/0 in the cosine; log 0, or the slope of 0^gamma; w~^gamma that underflows to 0/0; exp without the maximum
subtracted; the slope of a product with a factor that is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
emitted = sibling(__file__, "emitted.py")
SHUT, OPEN = -1000.0, 1000.0
# Whatever is asked with these sizes is one and the same program, which is what costs in tinygrad.
TWO_ROWS = {
    "features": 3, "outputs": 2, "hidden": 4, "rows": 2, "size": 3, "write_heads": 3, "read_heads": 2, "reach": 3,
    "controller": "lstm",
}  # fmt: skip


def variants() -> list[Variant]:
    return [
        Variant(
            "one_row", "one sequence of one step, one row: each stage is 1, whatever is emitted, and all three shifts lead to the same row",
            drawn(1, 1, 1, features=2, outputs=1, hidden=3, rows=1, size=2, write_heads=1, reach=1),
        ),
        Variant(
            "no_shift", "a reach of 0 and three rows, of which stage (8) moves none", drawn(4, 1, 1, features=2, outputs=1, hidden=3,
            rows=3, size=2, write_heads=1, reach=0),
        ),
        Variant(
            "lstm", "an LSTM for a controller, which starts from a learnt state, and the gradient through both steps; two read heads; two "
            "rows and a reach of 3: several shifts lead to the same row, and the array is turned past its end", drawn(5, 3, 2, **TWO_ROWS),
            kind="extreme",
        ),
        Variant(
            "given_start", "M_0 and w_0 of the batch, other for each sequence", given(checks.problem(6)),
        ),
        Variant(
            "strong_key", "key strengths near 1000: exp overflows unless the greatest is subtracted; the greatest cosines decide",
            changed(7, strength=OPEN), kind="extreme",
        ),
        Variant(
            "sharp", "gamma near 1000: every w~^gamma underflows to 0 and their sum too, unless it is taken as exp(gamma log w~)",
            changed(8, sharpening=OPEN), kind="extreme",
        ),
        Variant(
            "gamma_one", "gamma exactly 1: the weighting is the shifted one", changed(9, sharpening=SHUT), kind="extreme",
        ),
        Variant(
            "zeros_in_the_weighting", "gates at exactly 0, from one row: after one step w~ is 0 on two rows, where log 0 and the slope of "
            "0^gamma are no numbers", changed(10, gate=SHUT), kind="extreme",
        ),
        Variant(
            "exact_addressing", "gates at 0, shifts at 1 and erasing at 1, exactly: all heads move from row to row, where 1 - w e is 0 "
            "for both write heads", changed(11, gate=SHUT, shift=one_on(3), erase=OPEN), kind="extreme",
        ),
        Variant(
            "large_logits", "logits of some thousands: log sigma(z) is log 0 where log(1 + exp z) is finite", scaled(12), kind="extreme",
        ),
        Variant(
            "rows_of_zeros", "M_0 is zero, so every cosine of the first step is asked at 0/0", blank(), kind="tie",
            convention="K is 0, and has no slope, where a norm is 0", gradient=by_hand(blank()),
        ),
        Variant(
            "key_of_zeros", "keys that are zero, whatever the controller says: w^c is uniform", keyless(), kind="tie",
            convention="K is 0, and has no slope, where a norm is 0", gradient=nothing_by_hand(keyless()),
        ),
    ]  # fmt: skip


def drawn(seed: int, count: int, time: int, **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([20, 100 + seed]), count, time, {**checks.CONFIG, **config})


def given(problem: Problem) -> Problem:
    rng, config = np.random.default_rng([20, 200]), problem.config
    count, rows = len(problem.batch["inputs"]), config["rows"]
    batch = {
        **problem.batch,
        "memory": rng.normal(size=(count, rows, config["size"])),
        "weighting": rng.dirichlet(np.ones(rows), (count, emitted.heads(config))),
    }
    return Problem(config, problem.params, batch)


def changed(seed: int, **constant: Any) -> Problem:
    """Parts of what is emitted, held constant."""
    problem = checks.problem(seed)
    return Problem(problem.config, emitted.fixed(problem, **constant), problem.batch)


def one_on(entry: int) -> Array:
    return np.where(np.arange(2 * checks.CONFIG["reach"] + 1) == entry, OPEN, SHUT)


def scaled(seed: int) -> Problem:
    problem = checks.problem(seed)
    params = {**problem.params, "output.weight": 3e3 * problem.params["output.weight"]}
    return Problem(problem.config, params, problem.batch)


def first_asked(seed: int) -> Problem:
    """Two steps, of which the first alone is asked."""
    problem = drawn(seed, 3, 2, **TWO_ROWS)
    asked = np.broadcast_to(np.array([True, False]), (3, 2)).copy()
    return Problem(problem.config, problem.params, {**problem.batch, "asked": asked})


def blank() -> Problem:
    """Every row of M_0 is zero."""
    problem = first_asked(13)
    return Problem(problem.config, {**problem.params, "start.memory": np.zeros(3)}, problem.batch)


def keyless() -> Problem:
    """Every key is zero, and w = w^c: the gate is open and nothing is shifted. Rows differ, so that a slope of K by the key would show."""
    problem = first_asked(14)
    params = emitted.fixed(
        problem, key=0.0, gate=OPEN, shift=np.where(np.arange(7) == problem.config["reach"], OPEN, SHUT)
    )
    memory = np.random.default_rng([20, 201]).normal(size=(3, problem.config["rows"], problem.config["size"]))
    return Problem(problem.config, params, {**problem.batch, "memory": memory})


def nothing_by_hand(problem: Problem) -> dict[str, Array]:
    """w^c is uniform whatever beta is, gate and shift are exact, and a uniform weighting is so for every gamma: all that is emitted for
    addressing has no slope, the key by convention."""
    return {name: np.zeros_like(problem.params[name]) for name in ("address.weight", "address.bias")}


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d (the learnt row of M_0) of the first step, through what is read alone: r = sum_i w_r(i) (m prod_h (1 - w_h(i) e_h) + ...)."""
    params, batch, config = problem.params, problem.batch, problem.config
    found = checks.forward(params, batch, **config)
    w_write, w_read = np.split(found["weighting"][:, 0], [config["write_heads"]], 1)
    kept = (1 - w_write[..., None] * found["erase"][:, 0, :, None]).prod(1)  # (batch, row, size)
    slope = (checks.sigmoid(found["logits"]) - batch["targets"])[:, 0] / len(kept)  # (batch, output)
    of_reads = (slope @ params["output.weight"])[:, config["hidden"] :].reshape(len(kept), config["read_heads"], -1)
    return {"start.memory": np.einsum("brn,bnm,brm->m", w_read, kept, of_reads)}
