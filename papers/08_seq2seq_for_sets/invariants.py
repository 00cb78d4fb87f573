"""What every executable layer must satisfy, whatever its weights are (paper 08)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
READ = ("context", "decoded", "loss")  # what depends on the set alone, once targets are relabelled


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "order_of_the_input", "each exchange of neighbours, and so any permutation, of a set of four leaves the context, the "
            "decoder's states and the loss as they were, and memory, attention and pointers move with their elements",
            "section 4.2", permuted,
        ),
        Invariant(
            "order_matters_to_the_rival", "where an LSTM reads the set, some exchange of neighbours changes the context by more than 1e-3",
            "section 4.1", rival_permuted, relation=">",
        ),
        Invariant(
            "blind_without_steps", "without a step of processing and without a glimpse neither the context nor the state at the first "
            "step depends on the set", "section 4.4", blind, tolerance=EXACT,
        ),
        Invariant(
            "seen_by_processing", "with processing both do", "section 4.4", seeing, relation=">",
        ),
        Invariant(
            "one_element", "of a set of one the readout is its memory, and it is pointed at with probability one", "equation (6)", single,
        ),
        Invariant(
            "doubling_all", "a set in which every element stands twice is read as the set itself", "equations (5) and (6)", doubled(True),
        ),
        Invariant(
            "doubling_one", "one in which a single element stands twice is not: what is read is a multiset", "equations (5) and (6)",
            doubled(False), relation=">",
        ),
        Invariant("padding", "the numbers in the padding change nothing", "section 4.2", padding, tolerance=EXACT),
        Invariant(
            "support", "padding is read and pointed at with probability zero, what was pointed at is not pointed at again, and no "
            "variable is written twice", "section 4.3", support, tolerance=EXACT,
        ),
        Invariant("rows_sum_to_one", "attention, pointers and the pairs of each step sum to one", "equation (5)", rows),
        Invariant(
            "losses_are_of_sequences", "the loss is the mean over examples of -log of the product over steps, for both halves",
            "equation (8)", sequence_loss,
        ),
        Invariant(
            "orders_sum_to_one", "the probabilities of the 6 orders of 3 elements sum to one", "section 4.3", all_orders,
        ),
        Invariant(
            "causality", "a later choice changes no earlier distribution, and none at its own step, in both halves", "equation (8)",
            causality, tolerance=EXACT,
        ),
        Invariant(
            "reads_what_it_wrote", "another choice does change the state at the next step, in both halves", "equation (8)", reads,
            relation=">",
        ),
        Invariant("examples_do_not_mix", "changing one example leaves the other's outputs as they were", "section 4.3", separate,
                  tolerance=EXACT),
        Invariant(
            "padding_is_refused", "a target in the padding is an error; in a graph its loss is infinite",
            "section 4.3", refused(padded_target), relation="raises", message="is no choice",
        ),
        Invariant(
            "repetition_is_refused", "so is a target that was used before, where none may be",
            "section 4.3", refused(repeated_target), relation="raises", message="is no choice",
        ),
        Invariant(
            "empty_set_is_refused", "and a set without an element", "section 4.2", refused(empty), relation="raises",
            message="an empty set",
        ),
        Invariant(
            "a_variable_twice_is_refused", "and an order that names a variable twice", "equation (8)", refused(twice), relation="raises",
            message="names a variable twice",
        ),
        Invariant(
            "a_variable_twice_is_refused_where_told", "also where the order is told, and nothing is masked", "equation (8)",
            refused(twice, told=True), relation="raises", message="names a variable twice",
        ),
    ]  # fmt: skip


def whole(problem: Problem, rng: Rng) -> dict[str, Array]:
    """Two copies of the set without padding, with targets of their own."""
    batch = {name: value[[1, 1]] for name, value in problem.batch.items()}
    outputs, count = batch["target"].shape[1], batch["points"].shape[1]
    batch["target"] = np.stack([rng.permutation(count)[:outputs] for _ in range(2)])
    return {**batch, "target_mask": np.ones_like(batch["target_mask"])}


def reordered(batch: dict[str, Array], order: Array) -> dict[str, Array]:
    """The same sets, listed in another order, and their targets under the new numbers."""
    place = np.argsort(order)
    return {**batch, "points": batch["points"][:, order], "target": place[batch["target"]]}


def permuted(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, count = whole(problem, rng), problem.batch["points"].shape[1]
    swaps = [np.r_[0:i, i + 1, i, i + 2 : count] for i in range(count - 1)]
    still, ours, theirs = forward(problem.params, batch), [], []
    for order in [*swaps, rng.permutation(count)]:
        moved, back = forward(problem.params, reordered(batch, order)), np.argsort(order)
        ours += [*(moved[name] for name in READ), moved["memory"][:, back]]
        ours += [moved[name][..., back] for name in ("attention", "scores", "probability")]
        theirs += [still[name] for name in (*READ, "memory", "attention", "scores", "probability")]
    return _flat(*ours), _flat(*theirs)


def rival_permuted(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, params = whole(problem, rng), rival(problem, rng)
    still = forward(params, batch, ordered=True)["context"]
    moved = forward(params, reordered(batch, np.array([1, 0, 2, 3])), ordered=True)["context"]
    return np.abs(moved - still).max(), np.full((), 1e-3)


def rival(problem: Problem, rng: Rng) -> Arrays:
    """Parameters of the network that reads in order: those that both have, and an encoder."""
    names = checks.shapes(**{**problem.config, "ordered": True})
    return {
        name: problem.params[name] if name in problem.params else rng.normal(0, 0.8, shape)
        for name, shape in names.items()
    }


def blind(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {name: value for name, value in problem.params.items() if name != "glimpse.weight"}
    other = {**problem.batch, "points": rng.normal(size=problem.batch["points"].shape)}
    still, moved = (forward(params, batch, steps=0, glimpse=False) for batch in (problem.batch, other))
    return _flat(moved["decoded"][:, 0], moved["context"]), _flat(still["decoded"][:, 0], 0 * still["context"])


def seeing(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    other = {**problem.batch, "points": rng.normal(size=problem.batch["points"].shape)}
    still, moved = (forward(problem.params, batch) for batch in (problem.batch, other))
    change = [
        np.abs(moved["decoded"] - still["decoded"])[:, 0].max(),
        np.abs(moved["context"] - still["context"]).max(),
    ]
    return np.array(change), np.full(2, 1e-5)


def single(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = np.arange(problem.batch["points"].shape[1]) < np.ones((2, 1))
    alone = {**problem.batch, "point_mask": mask, "target": 0 * problem.batch["target"]}
    alone["target_mask"] = np.arange(alone["target"].shape[1]) < np.ones((2, 1))
    found, hidden = forward(problem.params, alone), problem.config["hidden"]
    return _flat(found["context"][:, hidden:], found["probability"][:, 0, 0]), _flat(found["memory"][:, 0], np.ones(2))


def doubled(every: bool) -> Sides:
    """Two elements, and the two with both or one of them once more, in the places of padding."""

    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        batch, room = whole(problem, rng), np.arange(problem.batch["points"].shape[1])
        batch["points"][:, 2:] = batch["points"][:, :2]
        batch["target"][:], batch["target_mask"][:] = 0, np.arange(batch["target"].shape[1]) < 1
        few, many = ({**batch, "point_mask": np.tile(room < size, (2, 1))} for size in (2, 4 if every else 3))
        once, more = (forward(problem.params, sets)["context"] for sets in (few, many))
        return (more, once) if every else (np.abs(more - once).max(), np.full((), 1e-4))

    return sides


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = problem.batch
    noise = np.where(batch["point_mask"][..., None], batch["points"], rng.normal(size=batch["points"].shape))
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "points": noise})]
    return tuple(_flat(*(o[name] for name in ("memory", "probability", *READ))) for o in sides)


def support(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, found = problem.batch, forward(problem.params, problem.batch)
    real, target, order = batch["point_mask"], batch["target"], batch["order"]
    none = [found["attention"][~np.broadcast_to(real[:, None], found["attention"].shape)]]
    none += [found["probability"][~np.broadcast_to(real[:, None], found["probability"].shape)]]
    for b, j in np.argwhere(batch["target_mask"]):
        none.append(found["probability"][b, j, target[b, :j]])
    none += [found["joint_probability"][b, t, order[b, :t]] for b, t in np.ndindex(*order.shape)]
    return _flat(*none), 0 * _flat(*none)


def rows(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    sums = _flat(found["attention"].sum(-1), found["probability"].sum(-1), found["joint_probability"].sum((-2, -1)))
    return sums, np.ones_like(sums)


def sequence_loss(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, found = problem.batch, forward(problem.params, problem.batch)
    order = batch["order"]
    value = np.take_along_axis(batch["values"], order, 1)
    pair = found["joint_probability"][np.arange(len(order))[:, None], np.arange(order.shape[1]), order, value]
    return found["loss"], -np.log(_of_sequences(found["probability"], batch)).mean() - np.log(pair.prod(1)).mean()


def _of_sequences(probability: Array, batch: Arrays) -> Array:
    """prod_j p(C_j | ...) of each example, (batch,)."""
    said = np.take_along_axis(probability, batch["target"][..., None], -1)[..., 0]
    return np.where(batch["target_mask"], said, 1).prod(1)


def all_orders(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, total = whole(problem, rng), 0.0
    batch["point_mask"] = np.arange(batch["points"].shape[1]) < np.full((2, 1), 3)
    orders = np.array(list(permutations(range(3))))
    for two in orders.reshape(3, 2, 3):
        asked = {**batch, "target": two}
        total += _of_sequences(forward(problem.params, asked)["probability"], asked).sum()
    return np.asarray(total), np.ones(())


def _otherwise(problem: Problem, rng: Rng) -> tuple[dict[str, Array], dict[str, Array]]:
    """A batch, and the same with its last two choices, and the last two variables of its orders, exchanged."""
    batch = whole(problem, rng)
    other = {name: value.copy() for name, value in batch.items()}
    other["target"][:, -2:] = batch["target"][:, :-3:-1]
    other["order"][:, -2:] = batch["order"][:, :-3:-1]
    return batch, other


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    cut = {"decoded": -1, "probability": -1, "known": -1, "joint_probability": -1}
    found = [forward(problem.params, batch) for batch in _otherwise(problem, rng)]
    return tuple(_flat(*(o[name][:, :end] for name, end in cut.items())) for o in found)


def reads(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    still, moved = (forward(problem.params, batch) for batch in _otherwise(problem, rng))
    change = [np.abs(moved[name] - still[name])[:, -1].max() for name in ("decoded", "known")]
    return np.array(change), np.full(2, 1e-5)


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    other = {name: value.copy() for name, value in problem.batch.items()}
    other["points"][1] = rng.normal(size=other["points"][1].shape)
    other["values"][1] = (other["values"][1] + 1) % problem.config["symbols"]
    other["order"][1] = other["order"][1][::-1]
    sides = [forward(problem.params, problem.batch), forward(problem.params, other)]
    return tuple(
        _flat(*(o[name][0] for name in ("memory", "context", "probability", "joint_probability"))) for o in sides
    )


def refused(change: Callable[[Problem, Rng], Arrays], **config: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        # NumPy, PyTorch and JAX raise here
        loss = forward(problem.params, {**problem.batch, **change(problem, rng)}, **config)["loss"]
        infinite = "infinite: a target is no choice, or there is an empty set, or an order names a variable twice"
        raise ValueError(infinite if np.isposinf(loss) else f"nothing is refused: the loss is {loss}")

    return sides


def padded_target(problem: Problem, rng: Rng) -> Arrays:
    target = problem.batch["target"].copy()
    target[0, 0] = problem.batch["points"].shape[1] - 1  # the first set is smaller
    return {"target": target}


def repeated_target(problem: Problem, rng: Rng) -> Arrays:
    target = problem.batch["target"].copy()
    target[0, :2] = rng.integers(0, 2)
    return {"target": target}


def empty(problem: Problem, rng: Rng) -> Arrays:
    mask, real = problem.batch["point_mask"].copy(), problem.batch["target_mask"].copy()
    mask[0] = real[0] = False
    return {"point_mask": mask, "target_mask": real}


def twice(problem: Problem, rng: Rng) -> Arrays:
    order = problem.batch["order"].copy()
    order[1, 2] = order[1, 0]
    return {"order": order}


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
