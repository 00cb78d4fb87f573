"""Further small memory cores (paper 18): other sizes, gates and lengths, one slot, more slots than features, numbers at which a naive
exp overflows, equal slots, a kink.

The mistakes that they are for: a squeeze that is wrong for one sequence, one slot or one step; an MLP for each block in place of one
for all; a ReLU after the last layer; heads joined in the wrong order where a head is wider than there are heads; the identity not
cut; exp without the maximum subtracted; a NaN where a gate is shut; relu'(0) = 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    return [
        Variant(
            "one_slot",
            "one sequence of one step, one slot, one head, an MLP of one layer: the slot sees itself and the input",
            drawn(1, 1, 1, slots=1, heads=1, head_size=3, key_size=2, features=2, mlp_layers=1, readout=3, classes=2),
        ),
        Variant(
            "two_blocks",
            "two blocks with one MLP, of three layers, and 'memory' gates with other biases",
            drawn(2, 3, 2, slots=2, heads=2, head_size=3, key_size=1, features=3, blocks=2, mlp_layers=3, gate_style="memory",
                  forget_bias=0.5, input_bias=-0.5, readout=4, classes=3),
        ),
        Variant(
            "no_gates",
            "without gates M_t is what attention and MLP make of it; four steps",
            drawn(3, 2, 4, slots=3, heads=1, head_size=4, key_size=3, features=4, gate_style="none", readout=2, classes=4),
        ),
        Variant(
            "more_slots_than_features",
            "five slots of three features: the identity is cut, its last two rows are zero and so the last two slots stay equal",
            drawn(4, 2, 3, slots=5, heads=3, head_size=1, key_size=2, features=3, readout=5, classes=3),
        ),
        Variant(
            "equal_slots",
            "M_0 of the batch, all of whose slots are equal: every score of a row but the input's is the same",
            equal(checks.problem(5)),
        ),
        Variant(
            "large_scores",
            "gains of the projection times 60, so that scores lie some thousands apart: exp overflows unless the row's maximum is "
            "subtracted",
            changed(6, {"blocks.0.project_norm.weight": 60.0}), kind="extreme",
        ),
        Variant(
            "shut_gates",
            "biases of 1000 and -1000 by turns at the gates: sigma is exactly 0 or 1",
            shut(checks.problem(7)), kind="extreme",
        ),
        Variant(
            "large_logits",
            "logits of some thousands: log(softmax) is log 0 where log_softmax is finite",
            changed(8, {"readout.output.weight": 3e3}), kind="extreme",
        ),
        Variant(
            "silent_unit",
            "the readout's second unit has weights and bias zero, so that its ReLU is asked at zero",
            silent(), kind="tie", convention="relu'(0) = 0", gradient=by_hand(silent()),
        ),
    ]  # fmt: skip


def drawn(seed: int, count: int, time: int, **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([18, 100 + seed]), count, time, {**checks.CONFIG, **config})


def changed(seed: int, factors: dict[str, float]) -> Problem:
    problem = checks.problem(seed)
    params = {name: value * factors.get(name, 1.0) for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch)


def equal(problem: Problem) -> Problem:
    slots, size = problem.config["slots"], problem.config["heads"] * problem.config["head_size"]
    one = np.random.default_rng([18, 200]).normal(size=(len(problem.batch["inputs"]), 1, size))
    return Problem(problem.config, problem.params, {**problem.batch, "memory": np.repeat(one, slots, 1)})


def shut(problem: Problem) -> Problem:
    """The first entry's input gate is shut, the next one's open, and so on; its forget gate the other way round."""
    bias = problem.params["gate.input.bias"]
    turns = np.where(np.arange(len(bias) // 2) % 2, 1000.0, -1000.0)
    params = {**problem.params, "gate.input.bias": bias + np.concatenate([turns, -turns])}
    return Problem(problem.config, params, problem.batch)


def silent() -> Problem:
    problem = checks.problem(9)
    params = {name: value.copy() for name, value in problem.params.items()}
    params["readout.hidden.weight"][1], params["readout.hidden.bias"][1] = 0, 0
    return Problem(problem.config, params, problem.batch)


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d (weights and biases of the readout's first layer): (p - y) W_2 where the unit is above zero."""
    params, batch, count = problem.params, problem.batch, len(problem.batch["label"])
    memory = checks.forward(params, batch, **problem.config)["memories"][:, -1].reshape(count, -1)
    hidden = checks.affine(params, "readout.hidden", memory)  # (batch, readout)
    p = np.exp(checks.log_softmax(checks.affine(params, "readout.output", np.maximum(hidden, 0))))
    slope = (p - np.eye(p.shape[1])[batch["label"]]) @ params["readout.output.weight"] * (hidden > 0) / count
    return {"readout.hidden.weight": slope.T @ memory, "readout.hidden.bias": slope.sum(0)}
