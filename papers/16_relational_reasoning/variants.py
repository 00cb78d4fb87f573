"""Further small relation networks (paper 16): other sizes and depths, both rivals, what the sum runs over, extremes and ties.

The mistakes that they are for, each easily made: pairs (i, j) with i < j alone; an object with itself left out; a mean in place of
the sum; padding that counts since g(0, 0, q) is not 0; a pair considered when one of its objects is padding; o_j before o_i; equal
objects taken for one; the derivative of ReLU at 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")


def variants() -> list[Variant]:
    tied = ties()
    return [
        Variant(
            "one_of_each", "one object, one question of one bit, one unit in every layer: its only pair is with itself",
            drawn(1, (1,), features=1, bits=1, relation=(1,), readout=(1,), answers=2),
        ),
        Variant(
            "deeper", "g of four layers and f of three, as the supplement has g, five answers, sets of 4, 1 and 3",
            drawn(2, (4, 1, 3), features=2, bits=3, relation=(3, 6, 3, 5), readout=(4, 3), answers=5),
        ),
        Variant(
            "one_pair_left", "masks that leave one place: a single ordered pair of each set, which is not (j, i)",
            one_pair(drawn(3, (3, 3))),
        ),
        Variant(
            "longest_alone", "a set of 5 beside one of 1 and one without any: the sum grows as the square of the number",
            emptied(drawn(4, (5, 1, 2), dropped=0)),
        ),
        Variant(
            "duplicates", "two objects are the same, and count twice: the sum is over a multiset",
            duplicates(drawn(5, (3, 2), dropped=0)),
        ),
        Variant(
            "objects", "the rival that sums over single objects", drawn(6, (3, 2), reads="objects"),
        ),
        Variant(
            "list", "the paper's rival, an MLP of the whole list, with padding", drawn(7, (3, 2), reads="list", places=3),
        ),
        Variant(
            "longer_list", "a list of 4 has other parameters than a list of 3", drawn(8, (4, 3), reads="list", places=4),
        ),
        Variant(
            "large_logits", "logits of plus and minus some thousands: exp overflows unless the maximum is subtracted",
            scaled(checks.problem(4), {"readout.1.weight": 4e3, "readout.1.bias": 1e3}), kind="extreme",
        ),
        Variant(
            "far_objects", "coordinates of some millions, in the padding too, and a readout that makes them small",
            far(checks.problem(3)), kind="extreme",
        ),
        Variant(
            "at_the_kink", "numbers of exactly 0 before the ReLU, in both layers of g and in f", tied, kind="tie",
            convention="relu'(0) = 0: what is at the kink passes nothing back", gradient=gradient_at_ties(tied),
        ),
    ]  # fmt: skip


def drawn(seed: int, sizes: tuple[int, ...], dropped: int = 2, **config: Any) -> Problem:
    rng, config = np.random.default_rng([16, 100 + seed]), {**checks.CONFIG, **config}
    return checks.drawn(rng, sizes, config, dropped if max(sizes) > 1 else 0)


def changed(problem: Problem, **batch: Array) -> Problem:
    return Problem(problem.config, problem.params, {**problem.batch, **batch}, problem.learning_rate)


def one_pair(problem: Problem) -> Problem:
    edges = np.zeros_like(problem.batch["edges"])
    edges[0, 2, 0] = edges[1, 2, 1] = True  # whose relations are not zero
    return changed(problem, edges=edges)


def emptied(problem: Problem) -> Problem:
    mask = problem.batch["mask"].copy()
    mask[2] = False
    return changed(problem, mask=mask)


def duplicates(problem: Problem) -> Problem:
    objects = problem.batch["objects"].copy()
    objects[:, 1] = objects[:, 0]
    return changed(problem, objects=objects)


def scaled(problem: Problem, by: dict[str, float]) -> Problem:
    params = {name: by.get(name, 1.0) * value for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch, problem.learning_rate)


def far(problem: Problem) -> Problem:
    objects = 1e6 * problem.batch["objects"]
    return changed(scaled(problem, {"readout.0.weight": 1e-6}), objects=objects)


def ties() -> Problem:
    """Whole numbers throughout, zeros among them, so that every tie is exact."""
    rng, problem = np.random.default_rng([16, 116]), checks.problem(0)
    params = {name: rng.integers(-1, 2, value.shape).astype(float) for name, value in problem.params.items()}
    objects = rng.integers(-1, 2, problem.batch["objects"].shape).astype(float)
    question = rng.integers(0, 2, problem.batch["question"].shape).astype(float)
    found = Problem(problem.config, params, {**problem.batch, "objects": objects, "question": question})
    total = checks.forward(params, found.batch, **found.config)["total"]
    # the first unit of f is at its kink for the first set
    params["readout.0.bias"][0] -= (total @ params["readout.0.weight"].T + params["readout.0.bias"])[0, 0]
    return found


def gradient_at_ties(problem: Problem) -> dict[str, Array]:
    """d(loss)/d(parameter) by the chain rule in NumPy, layer by layer, where a slope is 1 above 0, and 0 at and below it."""
    config, params, target = problem.config, problem.params, problem.batch["target"]
    x, considered = checks.tuples(problem.batch, config["reads"])
    names = [f"relation.{k}" for k in range(len(config["relation"]))]
    names += [f"readout.{k}" for k in range(len(config["readout"]) + 1)]
    entering, before = [], []
    for name in names:
        if name == "readout.0":
            x = np.where(considered[..., None], x, 0).sum(1)
        entering.append(x)
        before.append(x @ params[f"{name}.weight"].T + params[f"{name}.bias"])
        x = np.maximum(before[-1], 0)
    back = np.exp(checks.log_softmax(before[-1]))
    back[np.arange(len(target)), target] -= 1  # p - [a = target]
    back, found = back / len(target), {}
    for name, x, z in reversed(list(zip(names, entering, before, strict=True))):
        back = back if name == names[-1] else back * (z > 0)
        found[f"{name}.weight"] = back.reshape(-1, back.shape[-1]).T @ x.reshape(-1, x.shape[-1])
        found[f"{name}.bias"] = back.reshape(-1, back.shape[-1]).sum(0)
        back = back @ params[f"{name}.weight"]
        if name == "readout.0":
            back = back[:, None] * considered[..., None]  # every pair that is considered gets the same
    return found
