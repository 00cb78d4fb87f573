"""What every executable layer of the relation network must satisfy, whatever its weights are (paper 16)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "object_order", "permuting the objects, and the pairs with them, changes neither the sum nor the answer",
            "section 2, «order invariant»", object_order,
        ),
        Invariant(
            "pairs_move_along", "each ordered pair keeps its relation when the objects are permuted", "equation (1)", pairs_move,
        ),
        Invariant(
            "list_sees_order", "an MLP of the whole list, with the same objects in another order, answers otherwise by more than 1e-4",
            "section 2", list_order, relation=">",
        ),
        Invariant(
            "pairs_are_ordered", "at place i n + j stands g(o_i, o_j, q), and at j n + i g(o_j, o_i, q)", "equation (1)", ordered,
        ),
        Invariant(
            "own_pair", "of one object the sum is g of it with itself", "equation (1)", own_pair,
        ),
        Invariant(
            "one_more_object", "an object more adds its pair with itself and two with each of the others: 2 n + 1 of them",
            "equation (1)", one_more,
        ),
        Invariant(
            "padding", "the numbers in the padding change nothing", "section 2", padding, tolerance=EXACT,
        ),
        Invariant(
            "omitted_pairs", "the sum over some pairs and the sum over the others are together the sum over all",
            "section 2, «only those pairs»", omitted,
        ),
        Invariant(
            "nothing_to_relate", "without any pair the sum is zero, and the answer does not depend on the question",
            "equation (1)", nothing, tolerance=EXACT,
        ),
        Invariant(
            "twice_the_set", "every object twice: the sum is four times as large", "equation (1)", twice,
        ),
        Invariant(
            "questions_do_not_mix", "another question to one set leaves the other's outputs as they were, and changes its own relations",
            "section 4", separate, tolerance=EXACT,
        ),
        Invariant(
            "loss_is_cross_entropy", "the loss is the mean over questions of minus the logarithm of the softmax at the target",
            "supplement D", cross_entropy,
        ),
        Invariant(
            "target_is_refused", "a target that is no answer is an error; in a graph its loss is infinite", "supplement D",
            refused(3), relation="raises", message="is no answer",
        ),
        Invariant(
            "negative_target_is_refused", "so is a negative one, which is not counted from the end", "supplement D",
            refused(-1), relation="raises", message="is no answer",
        ),
    ]  # fmt: skip


def order_of(rng: Rng, size: int) -> Array:
    """A permutation that leaves no object where it was."""
    while True:
        order = rng.permutation(size)
        if (order != np.arange(size)).all():
            return order


def permuted(batch: dict, order: Array) -> dict:
    edges = batch["edges"][:, order][:, :, order]
    return {**batch, "objects": batch["objects"][:, order], "mask": batch["mask"][:, order], "edges": edges}


def object_order(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = dict(problem.batch)
    moved = permuted(batch, order_of(rng, batch["mask"].shape[1]))
    return tuple(_flat(*(o[name] for name in ("total", "logits", "loss"))) for o in
                 (forward(problem.params, moved), forward(problem.params, batch)))  # fmt: skip


def pairs_move(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, size = dict(problem.batch), problem.batch["mask"].shape[1]
    order = order_of(rng, size)
    moved = forward(problem.params, permuted(batch, order))["relations"]
    still = forward(problem.params, batch)["relations"].reshape(len(moved), size, size, -1)
    return moved, still[:, order][:, :, order].reshape(moved.shape)


def list_order(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, size = {**problem.batch, "mask": np.ones_like(problem.batch["mask"])}, problem.batch["mask"].shape[1]
    config = {**problem.config, "reads": "list", "places": size}
    params = {name: rng.normal(size=shape) for name, shape in checks.shapes(**config).items()}
    how = {"reads": "list", "places": size}
    answers = [forward(params, asked, **how)["total"] for asked in (batch, permuted(batch, order_of(rng, size)))]
    return np.abs(answers[0] - answers[1]).max(), np.full((), 1e-4)


def related(problem: Problem, batch: dict, b: int, i: int, j: int) -> Array:
    """g(o_i, o_j, q), by NumPy."""
    x = np.concatenate([batch["objects"][b, i], batch["objects"][b, j], batch["question"][b]])
    return np.asarray(checks.mlp(problem.params, "relation", x, len(problem.config["relation"]), last_relu=True))


def ordered(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {
        **problem.batch,
        "edges": np.ones_like(problem.batch["edges"]),
        "mask": np.ones_like(problem.batch["mask"]),
    }
    size, b = batch["mask"].shape[1], int(rng.integers(len(batch["mask"])))
    found = forward(problem.params, batch)["relations"][b].reshape(size, size, -1)
    i, j = np.triu_indices(size, 1)
    ours = np.stack([found[i, j], found[j, i]])
    return ours, np.array(
        [[related(problem, batch, b, *pair) for pair in zip(*at, strict=True)] for at in ((i, j), (j, i))]
    )


def own_pair(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "edges": np.ones_like(problem.batch["edges"])}
    batch["mask"] = np.arange(batch["mask"].shape[1]) == rng.integers(0, 2, (len(batch["mask"]), 1))
    alone = [related(problem, batch, b, k, k) for b, k in enumerate(batch["mask"].argmax(1))]
    return forward(problem.params, batch)["total"], np.array(alone)


def one_more(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {
        **problem.batch,
        "edges": np.ones_like(problem.batch["edges"]),
        "mask": np.ones_like(problem.batch["mask"]),
    }
    count, size = batch["mask"].shape
    without = np.broadcast_to(np.arange(size) < size - 1, (count, size))
    all_of_them = forward(problem.params, batch)
    fewer = forward(problem.params, {**batch, "mask": without})["total"]
    related = all_of_them["relations"].reshape(count, size, size, -1)
    return all_of_them["total"], fewer + related[:, -1].sum(1) + related[:, :-1, -1].sum(1)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, mask = problem.batch, problem.batch["mask"]
    noise = np.where(mask[..., None], batch["objects"], rng.normal(size=batch["objects"].shape))
    other = batch["edges"] ^ ~(mask[:, :, None] & mask[:, None])  # what is said of pairs with padding
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "objects": noise, "edges": other})]
    return tuple(_flat(*(o[name] for name in ("relations", "total", "logits"))) for o in sides)


def omitted(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, some = problem.batch, rng.random(problem.batch["edges"].shape) < 0.5
    parts = [forward(problem.params, {**batch, "edges": edges})["total"] for edges in (some, ~some)]
    return parts[0] + parts[1], forward(problem.params, {**batch, "edges": np.ones_like(some)})["total"]


def nothing(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "edges": np.zeros_like(problem.batch["edges"])}
    other = {**batch, "question": rng.normal(size=batch["question"].shape)}
    found = [forward(problem.params, asked) for asked in (batch, other)]
    return _flat(*(o[name] for o in found for name in ("total", "logits"))), _flat(
        0 * found[0]["total"], found[1]["logits"], 0 * found[0]["total"], found[0]["logits"]
    )


def twice(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "edges": np.ones_like(problem.batch["edges"])}
    batch["mask"] = np.broadcast_to(np.arange(batch["mask"].shape[1]) < 2, batch["mask"].shape)
    same = batch["objects"].copy()
    same[:, 1] = same[:, 0]
    once = {**batch, "mask": np.broadcast_to(np.arange(batch["mask"].shape[1]) < 1, batch["mask"].shape)}
    return forward(problem.params, {**batch, "objects": same})["total"], 4 * forward(problem.params, once)["total"]


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    question = problem.batch["question"].copy()
    question[1] = rng.normal(size=question.shape[1])
    one, other = (
        forward(problem.params, {**problem.batch, "question": q}) for q in (problem.batch["question"], question)
    )
    names = ("relations", "total", "logits")
    changed = float(np.abs(one["relations"][1] - other["relations"][1]).max() > 1e-4)
    return _flat(*(other[name][0] for name in names), changed), _flat(*(one[name][0] for name in names), 1.0)


def cross_entropy(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    target = rng.integers(0, problem.config["answers"], len(problem.batch["target"]))
    found = forward(problem.params, {**problem.batch, "target": target})
    weights = np.exp(found["logits"])  # moderate here
    return found["loss"], -np.log(weights[np.arange(len(target)), target] / weights.sum(1)).mean()


def refused(wrong: int) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        target = problem.batch["target"].copy()
        target[rng.integers(0, len(target))] = wrong
        loss = forward(problem.params, {**problem.batch, "target": target})["loss"]
        # NumPy, PyTorch and JAX raise above. A graph's loss is infinite.
        raise ValueError("infinite: a target is no answer" if np.isposinf(loss) else f"the loss is {loss}")

    return sides


def _flat(*arrays: Array | float) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
