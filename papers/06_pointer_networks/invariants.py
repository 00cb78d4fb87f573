"""What every executable layer of the pointer network must satisfy, whatever its weights are (paper 06)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
Change = Callable[[Problem, Rng], tuple[dict, dict, dict]]  # parameters, batch and switches of a bad input
TOUR = {"reuse": False, "stop": False}
# Every sequence without a repetition over 2 points that ends: a partial injection, then <=.
PARTIAL = [[0], [1, 0], [2, 0], [1, 2, 0], [2, 1, 0], [0]]


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "causality", "a later choice changes no earlier distribution, and none at its own step",
            "equation (1)", causality, tolerance=EXACT,
        ),
        Invariant("padding", "the numbers in the padding change nothing", "section 2.3", padding, tolerance=EXACT),
        Invariant(
            "support", "padding is pointed at with probability zero", "section 2.3", support, tolerance=EXACT,
        ),
        Invariant("rows_sum_to_one", "each step's probabilities sum to one", "section 2.3", rows),
        Invariant(
            "loss_is_of_sequences", "the loss is the mean over examples, and the sum over steps, of -log p(C_i | ...)",
            "equations (1) and (2)", sequence_loss,
        ),
        Invariant(
            "tours_sum_to_one", "restricted to unused cities, the probabilities of the 6 orders of 3 cities sum to one",
            "equation (1), section 4.4", all_tours,
        ),
        Invariant(
            "partial_sum_to_one", "with an end as well, those of the 5 sequences without repetition over 2 points do",
            "equation (1)", all_partial,
        ),
        Invariant(
            "no_city_twice", "a city that was visited has probability zero, and the last one left has probability one",
            "section 4.4", no_city_twice,
        ),
        Invariant(
            "equivariance", "where neither LSTM remembers, permuting the points permutes the pointers, relabelled targets given",
            "section 2.3", permuted(False),
        ),
        Invariant(
            "order_matters", "where they do remember, it changes some pointer by more than 1e-4",
            "section 4.2", permuted(True), relation=">",
        ),
        Invariant("examples_do_not_mix", "changing one point set leaves the other's outputs as they were", "section 2", separate,
                  tolerance=EXACT),
        Invariant(
            "next_input_is_the_point", "moving the point that was chosen changes the decoder's state at the next step, not before, where "
            "the encoder passes nothing on", "section 2.3", next_input, relation=">",
        ),
        Invariant(
            "padding_is_refused", "a target in the padding is an error",
            "section 2.3", refused(padded_target), relation="raises", message="is no choice",
        ),
        Invariant(
            "foreign_number_is_refused", "so is one that is no number of a point: -1, or one beyond the input",
            "section 2.3", refused(foreign_target), relation="raises", message="is no choice",
        ),
        Invariant(
            "repetition_is_refused", "so is a target that was used before, where none may be",
            "section 4.4", refused(repeated_target), relation="raises", message="is no choice",
        ),
        Invariant(
            "dictionary_is_left_by_no_target", "so is a target that a dictionary of fixed size does not hold",
            "section 2.1", refused(outside_dictionary), relation="raises", message="is no choice",
        ),
        Invariant(
            "no_point_is_refused", "and so is an input without any point",
            "section 2.3", refused(no_point), relation="raises", message="an input without any point",
        ),
        Invariant(
            "infinite_in_a_graph", "compiled, where numbers cannot be seen, the loss of all these is infinite",
            "section 2.3", infinite,
        ),
    ]  # fmt: skip


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, cut = problem.batch, int(rng.integers(0, problem.batch["target"].shape[1]))
    other = batch["target"].copy()
    other[:, cut:] = (other[:, cut:] + 1) % 3  # 0, 1 and 2 are choices of every input here
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "target": other})]
    return tuple(_flat(o["probability"][:, : cut + 1], o["decoded"][:, : cut + 1]) for o in sides)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = problem.batch
    noise = np.where(batch["point_mask"][..., None], batch["points"], rng.normal(size=batch["points"].shape))
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "points": noise})]
    return tuple(_flat(*(o[name] for name in ("encoded", "decoded", "probability", "loss"))) for o in sides)


def support(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    padded = np.where(
        problem.batch["point_mask"][:, None], 0, forward(problem.params, problem.batch)["probability"][..., 1:]
    )
    return padded, np.zeros_like(padded)


def rows(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    sums = forward(problem.params, problem.batch)["probability"].sum(-1)
    return sums, np.ones_like(sums)


def sequence_loss(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    return outputs["loss"], -np.log(_of_sequences(outputs["probability"], problem.batch)).mean()


def all_tours(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    return _total(forward, problem, [list(order) for order in permutations((1, 2, 3))], 3, **TOUR)


def all_partial(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    return _total(forward, problem, PARTIAL, 2, reuse=False, stop=True)


def _total(
    forward: Forward, problem: Problem, sequences: list[list[int]], count: int, **how: bool
) -> tuple[Array, Array]:
    """The sum of the probabilities of these different sequences over the first `count` points of the longest input."""
    steps, found = problem.batch["target"].shape[1], {}
    rows = [sequence + [0] * (steps - len(sequence)) for sequence in sequences]
    batch = {
        "points": problem.batch["points"][[1, 1]],
        "point_mask": np.tile(np.arange(problem.batch["points"].shape[1]) < count, (2, 1)),
    }
    for at in range(0, len(rows), 2):
        target = np.array(rows[at : at + 2])
        known = np.arange(steps) < np.array([len(sequence) for sequence in sequences[at : at + 2]])[:, None]
        asked = {**batch, "target": target, "target_mask": known}
        each = _of_sequences(forward(problem.params, asked, **how)["probability"], asked)
        found |= dict(zip(map(tuple, sequences[at : at + 2]), each, strict=True))
    return np.asarray(sum(found.values())), np.ones(())


def _of_sequences(probability: Array, batch: dict) -> Array:
    """prod_i p(C_i | ...) of each example, (batch,)."""
    said = np.take_along_axis(probability, batch["target"][..., None], -1)[..., 0]
    return np.where(batch["target_mask"], said, 1).prod(1)


def no_city_twice(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, (count, steps) = problem.batch, problem.batch["target"].shape
    order = np.stack([1 + rng.permutation(steps) for _ in range(count)])
    tours = {
        **batch, "target": order, "target_mask": np.ones_like(order, bool),
        "point_mask": np.arange(batch["points"].shape[1]) < np.full((count, 1), steps),
    }  # fmt: skip
    found = forward(problem.params, tours, **TOUR)["probability"]
    visited = [found[b, i, order[b, :i]] for b in range(count) for i in range(steps)]
    last = found[np.arange(count), -1, order[:, -1]]
    return _flat(*visited, last, found[..., 0]), _flat(
        *(np.zeros(len(p)) for p in visited), np.ones(count), 0 * found[..., 0]
    )


def forgetful(problem: Problem, *names: str) -> dict[str, Array]:
    """Parameters of LSTMs whose forget gate is shut and which do not read their hidden state: each state is of its input alone."""
    params, hidden = dict(problem.params), problem.config["hidden"]
    for name in names:
        params[f"{name}.weight_hh_l0"] = np.zeros_like(params[f"{name}.weight_hh_l0"])
        shut = params[f"{name}.bias_ih_l0"].copy()
        shut[hidden : 2 * hidden] = -1e4
        params[f"{name}.bias_ih_l0"] = shut
    return params


def permuted(remember: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        batch, full = problem.batch, [1, 1]  # twice the point set without padding, whose order is no matter of the mask
        params = problem.params if remember else forgetful(problem, "encoder", "decoder")
        batch = {name: value[full] for name, value in batch.items()}
        count = batch["points"].shape[1]
        batch["target"] = rng.integers(0, count + 1, batch["target"].shape)
        order = np.insert(rng.permutation(count - 1), rng.integers(count - 1), count - 1)  # the last point moves up
        place = np.concatenate([[0], 1 + np.argsort(order)])  # the new number of each choice
        moved = {**batch, "points": batch["points"][:, order], "target": place[batch["target"]]}
        still, other = forward(params, batch)["probability"], forward(params, moved)["probability"][..., place]
        if remember:
            return np.abs(other - still).max(), np.full((), 1e-4)
        return other, still

    return sides


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    other = {name: value.copy() for name, value in problem.batch.items()}
    other["points"][1] = rng.normal(size=other["points"][1].shape)
    other["target"][1] = rng.integers(0, 3, other["target"].shape[1])
    other["target_mask"][1] = True
    sides = [forward(problem.params, problem.batch), forward(problem.params, other)]
    return tuple(_flat(*(o[name][0] for name in ("encoded", "decoded", "probability"))) for o in sides)


def next_input(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = forgetful(problem, "encoder", "decoder")
    at, batch = int(problem.batch["target"][1, 0]), {name: value.copy() for name, value in problem.batch.items()}
    batch["points"][1, at - 1] += 1
    change = np.abs(forward(params, batch)["decoded"] - forward(params, problem.batch)["decoded"])[1].max(
        -1
    )  # (output,)
    # no change before the point is read, much of it then: 1 stands for «none at all» in the first entry
    return np.array([float(change[0] == 0), change[1]]), np.array([0.5, 1e-4])


def refused(change: Change) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        params, batch, how = change(problem, rng)
        return (forward(params, batch, **how)["loss"],) * 2

    return sides


def infinite(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Whether the loss is infinite, or there is none, for each input that is to be refused."""
    found = []
    for change in (padded_target, foreign_target, repeated_target, no_point):
        params, batch, how = change(problem, rng)
        try:
            found.append(float(np.isposinf(forward(params, batch, **how)["loss"])))
        except ValueError:
            found.append(1.0)
    return np.array(found), np.ones(len(found))


def padded_target(problem: Problem, rng: Rng) -> tuple[dict, dict, dict]:
    target = problem.batch["target"].copy()
    target[0, 0] = problem.batch["points"].shape[1]  # the first input is shorter
    return dict(problem.params), {**problem.batch, "target": target}, {}


def foreign_target(problem: Problem, rng: Rng) -> tuple[dict, dict, dict]:
    target, count = problem.batch["target"].copy(), problem.batch["points"].shape[1]
    target[1, rng.integers(target.shape[1])] = rng.choice([-1, count + 1])  # behind the end, too
    return dict(problem.params), {**problem.batch, "target": target}, {}


def repeated_target(problem: Problem, rng: Rng) -> tuple[dict, dict, dict]:
    target = problem.batch["target"].copy()
    target[0, :2] = rng.integers(1, 3)
    return dict(problem.params), {**problem.batch, "target": target}, {"reuse": False}


def outside_dictionary(problem: Problem, rng: Rng) -> tuple[dict, dict, dict]:
    target, sizes = problem.batch["target"].copy(), {**problem.config, "dictionary": 3}
    target[1, 0] = 4
    readout = {name: rng.normal(size=shape) for name, shape in checks.shapes(**sizes).items() if "readout" in name}
    return problem.params | readout, {**problem.batch, "target": target}, {"dictionary": 3}


def no_point(problem: Problem, rng: Rng) -> tuple[dict, dict, dict]:
    mask, target = problem.batch["point_mask"].copy(), problem.batch["target"].copy()
    mask[0], target[0] = False, 0
    return dict(problem.params), {**problem.batch, "point_mask": mask, "target": target}, {}


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
