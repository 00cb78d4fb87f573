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


def variants() -> list[Variant]:
    return [
        Variant(
            "one_row", "a sequence of one step, one row, a reach of 0: each stage is 1, whatever is emitted",
            drawn(1, 1, 1, features=2, outputs=1, hidden=3, rows=1, size=2, write_heads=1, reach=0),
        ),
        Variant(
            "lstm", "an LSTM controller, which starts from a learnt state, and logits of some thousands; one write head and two read "
            "heads; two rows and a reach of 3: several shifts lead to the same row, and the array is turned past its end",
            scaled(drawn(5, 3, 2, features=3, outputs=2, hidden=4, rows=2, size=3, write_heads=1, read_heads=2, reach=3,
            controller="lstm")), kind="extreme",
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
            "0^gamma are no numbers, for one head with gamma near 1000", changed(10, gate=SHUT,
            sharpening=np.array([[OPEN], [0.5], [0.5]])), kind="extreme",
        ),
        Variant(
            "exact_addressing", "gates at 0, shifts at 1 and erasing at 1, exactly: all heads move from row to row, where 1 - w e is 0 "
            "for both write heads", changed(11, gate=SHUT, shift=one_on(3), erase=OPEN), kind="extreme",
        ),
        Variant(
            "large_logits", "logits of some thousands: log sigma(z) is log 0 where log(1 + exp z) is finite",
            scaled(checks.problem(12)), kind="extreme",
        ),
        Variant(
            "rows_of_zeros", "M_0 is zero, so every cosine of the first step is asked at 0/0", blank(), kind="tie",
            convention="K is 0, and has no slope, where a norm is 0", gradient=by_hand(blank()),
        ),
        Variant(
            "key_of_zeros", "a read head's key is zero, whatever the controller says, before a memory whose rows differ: w^c is uniform",
            keyless(), kind="tie",
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


def scaled(problem: Problem) -> Problem:
    params = {**problem.params, "output.weight": 3e3 * problem.params["output.weight"]}
    return Problem(problem.config, params, problem.batch)


def asked_at(seed: int, time: int) -> Problem:
    """The checked problem's sizes, with this step alone asked: in tinygrad another size would be another program."""
    problem = checks.problem(seed)
    asked = np.zeros_like(problem.batch["asked"])
    asked[:, time] = True
    return Problem(problem.config, problem.params, {**problem.batch, "asked": asked})


def blank() -> Problem:
    """Every row of M_0 is zero; the first step is asked."""
    problem = asked_at(13, 0)
    start = np.zeros_like(problem.params["start.memory"])
    return Problem(problem.config, {**problem.params, "start.memory": start}, problem.batch)


def keyless() -> Problem:
    """The second step is asked, before which the write heads have filled a row each: gates at 0 and shifts at 1 and 2 exactly. The read
    head's key is zero and its gate open. Rows differ, so that a slope of K by the key would show."""
    problem = asked_at(14, 1)
    gate, turn = np.array([[SHUT], [SHUT], [OPEN]]), np.array([one_on(3), one_on(4), one_on(2)])
    params = emitted.fixed(problem, gate=gate, shift=turn)
    size, each = problem.config["size"], len(params["address.bias"]) // 3
    for name in ("address.weight", "address.bias"):
        params[name][2 * each : 2 * each + size] = 0
    return Problem(problem.config, params, problem.batch)


def nothing_by_hand(problem: Problem) -> dict[str, Array]:
    """With the gate shut and all on one row neither content nor sharpening has a slope; the read head's w^c is uniform whatever beta is,
    and a uniform weighting is so for every gamma; gates and shifts are exact. So all that is emitted for addressing has no slope, the key
    by convention."""
    return {name: np.zeros_like(problem.params[name]) for name in ("address.weight", "address.bias")}


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d (the learnt row of M_0) of the first step, through what is read alone:
    r = sum_i w_r(i) (m prod_h (1 - w_h(i) e_h) + ...)."""
    params, batch, config = problem.params, problem.batch, problem.config
    found = checks.forward(params, batch, **config)
    w_write, w_read = np.split(found["weighting"][:, 0], [config["write_heads"]], 1)
    kept = (1 - w_write[..., None] * found["erase"][:, 0, :, None]).prod(1)  # (batch, row, size)
    slope = (checks.sigmoid(found["logits"]) - batch["targets"])[:, 0] / len(kept)  # (batch, output)
    of_reads = (slope @ params["output.weight"])[:, config["hidden"] :].reshape(len(kept), config["read_heads"], -1)
    return {"start.memory": np.einsum("brn,bnm,brm->m", w_read, kept, of_reads)}
