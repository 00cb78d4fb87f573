"""What every executable layer of paper 21 must satisfy, whatever its weights are."""

from __future__ import annotations

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

Rng = np.random.Generator


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "occupancies_sum_to_one", "in every real frame of an example with an alignment the occupancies of all symbols sum to one: "
            "alpha and beta agree at every frame, and the gradient by the logits, y - occupancy, sums to zero", "Graves et al., 4.1",
            sums,
        ),
        Invariant(
            "impossible_is_infinite", "with `impossible` infinite the loss is +infinity: exp(-loss) is 0 exactly", "Graves et al., 4.1",
            infinite, tolerance=EXACT,
        ),
        Invariant(
            "impossible_occupies_nothing", "an example without alignment has no occupancy", "Graves et al., 4.1", nothing, tolerance=EXACT,
        ),
        Invariant(
            "none_possible", "where no example has an alignment, and all are skipped, the loss is 0", "Graves et al., 4.1", none_possible,
            tolerance=EXACT,
        ),
        Invariant(
            "repeats_need_a_blank", "a label of two equal symbols has an alignment in three frames and none in two; one of two different "
            "symbols has one in two", "Graves et al., 3.1", repeats, tolerance=EXACT,
        ),
        Invariant(
            "all_labels_together", "of all labels, the empty one included, in two frames the probabilities sum to one",
            "Graves et al., 3.1", all_labels,
        ),
        Invariant(
            "empty_label", "the empty label has one alignment, all blanks", "Graves et al., 3.1", empty,
        ),
        Invariant(
            "padding", "what stands in padded frames and behind a label's end changes nothing", "section 3", padding, tolerance=EXACT,
        ),
        Invariant(
            "renamed_symbols", "symbols other than the blank may be renamed, with their rows of W_o and b_o", "Graves et al., 3.1", renamed,
        ),
        Invariant(
            "normalised_input", "a factor on W changes next to nothing behind B where it is large: with W times 1e5 and 1e6", "section 3.2",
            factor,
        ),
        Invariant(
            "reversal", "a whole example read backwards by exchanged directions, with w in reverse, has its states in reverse",
            "section 3.1", reversal,
        ),
        Invariant(
            "normalisation_mixes_examples", "B is over the minibatch: another example's frames change this one's states by over 1e-6",
            "section 3.2", mixes, relation=">",
        ),
    ]  # fmt: skip


def real_frames(problem: Problem) -> Array:
    return problem.batch["frame_mask"][:, :: problem.config["stride"]]


def sums(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    total = found["occupancy"].sum(-1)
    return total, (real_frames(problem) & found["possible"][:, None]).astype(float)


def infinite(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    loss = forward(problem.params, problem.batch, impossible="infinite")["loss"]
    return np.exp(-loss), np.zeros_like(loss)


def nothing(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["occupancy"][-1]
    return found, np.zeros_like(found)


def none_possible(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    loss = forward(problem.params, shortened(problem, [2, 2, 2]) | labelled([[1, 1], [2, 2], [1, 2, 1]]))["loss"]
    return loss, np.zeros_like(loss)


def repeats(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    a, b = 1 + rng.permutation(problem.config["symbols"] - 1)[:2]
    batch = shortened(problem, [3, 2, 2])
    batch |= labelled([[a, a], [a, a], [a, b]])
    return forward(problem.params, batch)["possible"].astype(float), np.array([1.0, 0.0, 1.0])


def labelled(labels: list[list[int]]) -> dict[str, Array]:
    """Labels of up to three symbols, and which of them are real."""
    label = np.array([[*l, 0, 0, 0][:3] for l in labels])
    return {"label": label, "label_mask": label > 0}


def shortened(problem: Problem, lengths: list[int]) -> dict[str, Array]:
    """The batch with so many real frames behind the stride."""
    batch = dict(problem.batch)
    inputs = (np.array(lengths)[:, None] - 1) * problem.config["stride"] + 1
    batch["frame_mask"] = np.arange(batch["frames"].shape[1]) < inputs
    return batch


def all_labels(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Three labels a call: all of one symbol, all pairs of different ones, and the empty one."""
    batch, symbols = shortened(problem, [2, 2, 2]), range(1, problem.config["symbols"])
    batch["frames"] = np.repeat(batch["frames"][:1], 3, 0)
    labels = [[]] + [[a] for a in symbols] + [[a, b] for a in symbols for b in symbols if a != b]
    total = 0.0
    for start in range(0, len(labels), 3):
        found = forward(problem.params, batch | labelled((labels[start : start + 3] * 3)[:3]))
        total += np.exp(found["log_likelihood"])[: len(labels) - start].sum()
    return np.array(total), np.array(1.0)


def empty(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "label_mask": np.zeros_like(problem.batch["label_mask"])}
    found = forward(problem.params, batch)
    top = found["logits"].max(-1, keepdims=True)
    log_y = found["logits"] - top - np.log(np.exp(found["logits"] - top).sum(-1, keepdims=True))
    return found["log_likelihood"], np.where(real_frames(problem), log_y[..., 0], 0).sum(1)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = dict(problem.batch)
    batch["label_mask"] = batch["label_mask"].copy()
    batch["label_mask"][0, 1:] = False
    noise = rng.normal(size=batch["frames"].shape)
    other = dict(
        batch, frames=np.where(batch["frame_mask"][..., None], batch["frames"], noise), label=batch["label"].copy()
    )
    other["label"][0, 1] = other["label"][0, 0] % (problem.config["symbols"] - 1) + 1
    sides = [forward(problem.params, b) for b in (batch, other)]
    return tuple(np.concatenate([o[k].ravel() for k in ("hidden", "log_likelihood", "occupancy")]) for o in sides)


def renamed(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    order = np.concatenate([[0], 1 + rng.permutation(problem.config["symbols"] - 1)])
    params: dict[str, Array] = dict(problem.params)
    for name in ("output.weight", "output.bias"):
        params[name] = np.empty_like(params[name])
        params[name][order] = problem.params[name]
    batch = {**problem.batch, "label": order[problem.batch["label"]]}
    moved, still = forward(params, batch), forward(problem.params, problem.batch)
    return (
        np.concatenate([moved["log_likelihood"], moved["occupancy"][..., order].ravel()]),
        np.concatenate([still["log_likelihood"], still["occupancy"].ravel()]),
    )


def factor(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    def scaled(by: float) -> Arrays:
        return {n: v * (by if n == "recurrent.weight" else 1) for n, v in problem.params.items()}

    return tuple(forward(scaled(by), problem.batch)["hidden"] for by in (1e5, 1e6))


def reversal(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "frame_mask": np.ones_like(problem.batch["frame_mask"])}
    params = dict(problem.params)
    params["ahead.weight"], params["back.weight"] = params["back.weight"], params["ahead.weight"]
    params["conv.weight"] = params["conv.weight"][..., ::-1].copy()
    back = forward(params, {**batch, "frames": batch["frames"][:, ::-1].copy()})["hidden"]
    return back[:, ::-1], forward(problem.params, batch)["hidden"]


def mixes(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    frames = problem.batch["frames"].copy()
    frames[1] += 1.0
    other = forward(problem.params, {**problem.batch, "frames": frames})["hidden"][0]
    change = np.abs(other - forward(problem.params, problem.batch)["hidden"][0]).max()
    return change, np.full_like(change, 1e-6)
