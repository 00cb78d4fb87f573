"""What every executable layer of RNNsearch must satisfy, whatever its weights are (paper 14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
SHUT, OPEN = -1000.0, 1000.0  # biases at which a gate is exactly 0 or 1


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "weights_sum_to_one", "the alignments of each target word sum to one", "equation (6)", sums,
        ),
        Invariant(
            "weights_are_not_negative", "no alignment is negative, so a context is a weighted mean of annotations", "equation (6)",
            weights, relation=">=",
        ),
        Invariant(
            "context_between_annotations", "no entry of a context is below the least or above the greatest of that feature's annotations",
            "equation (5)", between, relation=">=",
        ),
        Invariant(
            "padding", "the word in a padded source position changes no alignment, no state and no logit", "section 3.2", padding,
            tolerance=EXACT,
        ),
        Invariant(
            "padded_positions", "a padded source position has alignment zero", "equation (6)", padded, tolerance=EXACT,
        ),
        Invariant(
            "permuted_annotations", "for given s_0 and annotations that depend on their own word alone, permuting the words permutes "
            "the alignments and leaves contexts, states and logits", "equations (5) and (6)", permuted(True),
        ),
        Invariant(
            "order_is_read", "with its recurrences the encoder reads the order: the same permutation changes the logits by over 1e-3",
            "section 3.2", permuted(False), relation=">",
        ),
        Invariant(
            "equal_annotations", "where all annotations are one and the same the context is this annotation, whatever the alignments",
            "equation (5)", equal_annotations,
        ),
        Invariant(
            "reversal", "a sentence read in reverse by exchanged directions has its annotations in reverse, their halves exchanged",
            "equation (7)", reversal,
        ),
        Invariant(
            "directions", "h> of a word depends on no later word, h< on no earlier one", "section 3.2", directions, tolerance=EXACT,
        ),
        Invariant(
            "whole_sentence", "the last word changes h<_1 and with it s_0, the first changes h>_T, by over 1e-6: both annotations hold "
            "the whole sentence", "section 3.2", whole_sentence, relation=">",
        ),
        Invariant(
            "one_word_sentence", "a sentence of one word has the alignment 1 and its annotation for context", "equations (5) and (6)",
            one_word, tolerance=EXACT,
        ),
        Invariant(
            "shut_update_gate", "z = 0 keeps the state: s_i = s_0 at every step", "A.1.1", shut_update, tolerance=EXACT,
        ),
        Invariant(
            "open_update_gate", "z = 1 and r = 0 forget it: with no context but one annotation, s_i depends on y_{i-1} alone", "A.1.1",
            open_update,
        ),
        Invariant(
            "states_are_bounded", "annotations and states, being mixtures of what tanh gives, lie within -1 and 1", "A.1.1", bounded,
            relation="<=",
        ),
        Invariant(
            "causality", "a later word of the translation changes no earlier state, alignment or logit", "equation (2)", causality,
            tolerance=EXACT,
        ),
        Invariant(
            "readout_reads_the_state_before", "t~_i reads s_{i-1}: with V_o = 0 the word y_{i-1} does not reach the logits of y_i",
            "A.2.2", state_before, tolerance=EXACT,
        ),
        Invariant(
            "maxout_pairs", "exchanging the two units of a pair changes nothing", "A.2.2", exchanged_pairs,
        ),
        Invariant(
            "examples_do_not_mix", "changing one sentence pair leaves the other's outputs as they were", "section 3", separate,
            tolerance=EXACT,
        ),
        Invariant(
            "no_word_is_refused", "a source of padding alone leaves a query without any key: that is an error, or NaN for this "
            "sentence alone where the arrays are not at hand",
            "equation (6)", no_word, relation="raises", message="may attend to no key",
        ),
    ]  # fmt: skip


def sums(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["alignment"].sum(-1)
    return found, np.ones_like(found)


def weights(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["alignment"]
    return found, np.zeros_like(found)


def between(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found, mask = forward(problem.params, problem.batch), problem.batch["source_mask"][..., None]
    least = np.where(mask, found["annotations"], np.inf).min(1, keepdims=True)  # (batch, 1, 2 hidden)
    greatest = np.where(mask, found["annotations"], -np.inf).max(1, keepdims=True)
    room = _flat(found["context"] - least, greatest - found["context"])
    return room, np.full_like(room, -1e-12)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, words = problem.batch, problem.config["source_words"]
    noise = np.where(batch["source_mask"], batch["source"], rng.integers(1, words, batch["source"].shape))
    sides = [forward(problem.params, b) for b in (batch, {**batch, "source": noise})]
    return tuple(_flat(o["initial_state"], o["alignment"], o["states"], o["logits"]) for o in sides)


def padded(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = problem.batch["source_mask"][:, None]
    found = np.where(mask, 0, forward(problem.params, problem.batch)["alignment"])
    return found, np.zeros_like(found)


def permuted(memoryless: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        batch = _whole(problem)
        order = _permutation(rng, batch["source"].shape[1])
        params = dict(problem.params)
        if memoryless:  # h_j = tanh(W E x_j), and s_0 is the same for every sentence
            params = with_gates(without_state(params), update=OPEN)
            params["initial.weight"] = np.zeros_like(params["initial.weight"])
        still, moved = (forward(params, b) for b in (batch, {**batch, "source": batch["source"][:, order]}))
        if not memoryless:
            change = np.abs(moved["logits"] - still["logits"]).max()
            return change, np.full_like(change, 1e-3)
        rest = ("context", "states", "logits")
        return (
            _flat(moved["alignment"], *(moved[name] for name in rest)),
            _flat(still["alignment"][..., order], *(still[name] for name in rest)),
        )

    return sides


def equal_annotations(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _whole(problem)
    params = with_gates(without_state(problem.params), update=OPEN)
    found = forward(
        params, {**batch, "source": np.full_like(batch["source"], rng.integers(2, problem.config["source_words"]))}
    )
    return found["context"], np.broadcast_to(found["annotations"][:, :1], found["context"].shape)


def reversal(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, turned = _whole(problem), {}
    for name, value in problem.params.items():
        kind, _, rest = name.partition(".")
        turned[{"forward_gru": "backward_gru", "backward_gru": "forward_gru"}.get(kind, kind) + "." + rest] = value
    back = forward(turned, {**batch, "source": batch["source"][:, ::-1]})["annotations"]
    return back, np.roll(forward(problem.params, batch)["annotations"][:, ::-1], problem.config["hidden"], axis=-1)


def directions(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, hidden, words = _whole(problem), problem.config["hidden"], problem.config["source_words"]
    cut = int(rng.integers(1, batch["source"].shape[1]))
    other = (batch["source"] + rng.integers(1, words, batch["source"].shape)) % words
    late, early = batch["source"].copy(), batch["source"].copy()
    late[:, cut:], early[:, :cut] = other[:, cut:], other[:, :cut]
    still, after, before = (
        forward(problem.params, {**batch, "source": s})["annotations"] for s in (batch["source"], late, early)
    )
    return (
        _flat(after[:, :cut, :hidden], before[:, cut:, hidden:]),
        _flat(still[:, :cut, :hidden], still[:, cut:, hidden:]),
    )


def whole_sentence(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, hidden, words = _whole(problem), problem.config["hidden"], problem.config["source_words"]
    last, first = batch["source"].copy(), batch["source"].copy()
    last[:, -1], first[:, 0] = (last[:, -1] - 1) % (words - 2) + 2, (first[:, 0] - 1) % (words - 2) + 2
    still, ends, starts = (forward(problem.params, {**batch, "source": s}) for s in (batch["source"], last, first))
    change = np.stack([
        np.abs(ends["annotations"] - still["annotations"])[:, 0, hidden:].max(),
        np.abs(ends["initial_state"] - still["initial_state"]).max(),
        np.abs(starts["annotations"] - still["annotations"])[:, -1, :hidden].max(),
    ])  # fmt: skip
    return change, np.full_like(change, 1e-6)


def one_word(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = problem.batch
    mask = np.zeros_like(batch["source_mask"])
    mask[:, 0] = True
    found = forward(problem.params, {**batch, "source_mask": mask})
    wanted = np.broadcast_to(found["annotations"][:, :1], found["context"].shape)
    return _flat(found["alignment"], found["context"]), _flat(
        np.broadcast_to(mask[:, None], found["alignment"].shape), wanted
    )


def shut_update(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(with_gates(problem.params, "decoder", update=SHUT), problem.batch)
    return found["states"], np.broadcast_to(found["initial_state"][:, None], found["states"].shape)


def open_update(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = np.zeros_like(problem.batch["source_mask"])
    mask[:, 0] = True
    words = problem.batch["target_input"].copy()
    words[:, 0] = words[:, -1] = rng.integers(2, problem.config["target_words"])
    params = with_gates(problem.params, "decoder", update=OPEN, reset=SHUT)
    states = forward(params, {**problem.batch, "source_mask": mask, "target_input": words})["states"]
    return states[:, -1], states[:, 0]


def bounded(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {name: 5 * value for name, value in problem.params.items()}
    found = forward(params, problem.batch)
    size = np.abs(_flat(found["annotations"], found["states"], found["context"]))
    return size, np.full_like(size, 1 + 1e-12)


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, words = problem.batch, problem.config["target_words"]
    count, target = batch["target_input"].shape
    cut, other = int(rng.integers(1, target)), batch["target_input"].copy()
    other[:, cut:] = (other[:, cut:] + rng.integers(1, words, (count, target - cut))) % words
    sides = [forward(problem.params, b) for b in (batch, {**batch, "target_input": other})]
    return tuple(_flat(*(o[name][:, :cut] for name in ("states", "alignment", "logits"))) for o in sides)


def state_before(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {**problem.params, "readout.previous.weight": np.zeros_like(problem.params["readout.previous.weight"])}
    batch, words = problem.batch, problem.config["target_words"]
    other = batch["target_input"].copy()
    other[:, -1] = (other[:, -1] + rng.integers(1, words)) % words
    sides = [forward(params, b)["logits"][:, -1] for b in (batch, {**batch, "target_input": other})]
    return sides[0], sides[1]


def exchanged_pairs(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    units = np.arange(2 * problem.config["maxout"]).reshape(-1, 2)[:, ::-1].ravel()
    params = {name: value[units] if name.startswith("readout.") else value for name, value in problem.params.items()}
    sides = [forward(p, problem.batch) for p in (params, problem.params)]
    return tuple(_flat(o["readout"], o["logits"]) for o in sides)


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    other = {name: value.copy() for name, value in problem.batch.items()}
    other["source"][1] = rng.integers(1, problem.config["source_words"], other["source"].shape[1])
    other["source_mask"][1] = True
    other["target_input"][1] = rng.integers(1, problem.config["target_words"], other["target_input"].shape[1])
    sides = [forward(problem.params, b) for b in (problem.batch, other)]
    return tuple(_flat(*(o[name][0] for name in ("annotations", "alignment", "logits"))) for o in sides)


def no_word(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = problem.batch["source_mask"].copy()
    mask[1] = False
    # NumPy, PyTorch and JAX raise here. A graph gives NaN, for this sentence alone.
    found = forward(problem.params, {**problem.batch, "source_mask": mask})
    refused = (
        np.isnan(found["states"][1]).all() and np.isfinite(found["logits"][0]).all() and not np.isfinite(found["loss"])
    )
    raise ValueError(f"NaN: a query {'may attend to no key' if refused else 'without any key gets numbers'}")


def with_gates(params: Arrays, *units: str, update: float = 0.0, reset: float = 0.0) -> dict[str, Array]:
    """The parameters with so much added to the biases of the gates, of the encoder where no unit is named."""
    found = dict(params)
    for name in units or ("forward_gru", "backward_gru"):
        hidden = len(params[f"{name}.input.bias"]) // 3
        found[f"{name}.input.bias"] = params[f"{name}.input.bias"] + np.repeat([update, reset, 0.0], hidden)
    return found


def without_state(params: Mapping[str, Array]) -> dict[str, Array]:
    """Parameters with which the encoder reads no state."""
    return {name: value * (not name.endswith("ward_gru.state.weight")) for name, value in params.items()}


def _whole(problem: Problem) -> dict[str, Array]:
    """The batch with the words of its first source, which has no padding, in both sentences, in another order in the second."""
    source = problem.batch["source"][0]
    return {
        **problem.batch,
        "source": np.stack([source, np.roll(source, 1)]),
        "source_mask": np.ones_like(problem.batch["source_mask"]),
    }


def _permutation(rng: Rng, length: int) -> Array:
    """An order that is no cyclic shift."""
    while True:
        order = rng.permutation(length)
        if np.ptp((order - np.arange(length)) % length):
            return order


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
