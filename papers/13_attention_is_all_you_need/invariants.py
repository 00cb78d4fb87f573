"""What every executable layer of the Transformer must satisfy, whatever its weights are (paper 13)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
NO_POSITIONS = {"encoder_positions": False, "decoder_positions": False}


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "causality", "a future target token changes no past logit and no past cross-attention weight",
            "section 3.2.3", causality, tolerance=EXACT,
        ),
        Invariant(
            "padding", "the token in a padded source position changes no logit and no memory of a real position",
            "section 3.2.3", padding, tolerance=EXACT,
        ),
        Invariant(
            "equivariance", "without positions in the encoder, permuting the source permutes the memory and leaves the logits",
            "section 3.5", permuted_source(False),
        ),
        Invariant(
            "order_matters", "with positions, permuting the source changes memory and logits by more than 0.01",
            "section 3.5", permuted_source(True), relation=">",
        ),
        Invariant(
            "decoder_equivariance", "with neither positions nor the causal mask in the decoder, permuting its input permutes the logits",
            "sections 3.2.3 and 3.5", permuted_target(False),
        ),
        Invariant(
            "mask_tells_order", "with the causal mask and no positions in the decoder, permuting its first three inputs changes the last "
            "logits by more than 1e-4",
            "sections 3.2.3 and 3.5", permuted_target(True), relation=">",
        ),
        Invariant(
            "rows_sum_to_one", "each query's attention weights sum to one, in all three kinds of attention",
            "equation (1)", rows,
        ),
        Invariant(
            "weights_are_not_negative", "no attention weight is negative, so each head's result is a weighted mean of its values",
            "equation (1)", weights, relation=">=",
        ),
        Invariant(
            "forbidden_keys", "a padded source position and a future target position get weight zero",
            "section 3.2.3", forbidden, tolerance=EXACT,
        ),
        Invariant(
            "examples_do_not_mix", "changing one sentence pair leaves the other's outputs as they were",
            "section 3.2", separate, tolerance=EXACT,
        ),
        Invariant(
            "memory_has_mean_zero", "post-norm: the memory without the last norm's gain and bias has mean zero over the features",
            "section 3.1", mean_zero,
        ),
        Invariant(
            "memory_has_variance_one", "and its variance is one, less what eps in the root takes, here under 1e-3",
            "section 3.1", variance_one, relation="<",
        ),
        Invariant(
            "loss_at_the_smoothed_target", "where the softmax is the smoothed target, the loss is the target's entropy",
            "section 5.4", smoothed_target,
        ),
        Invariant(
            "one_encoder_layer_reaches_all", "by the attention of one encoder layer every source token changes the memory at every place",
            "section 4, table 1", encoder_reach, relation=">",
        ),
        Invariant(
            "one_decoder_layer_reaches_back", "by the attention of one decoder layer every target token changes later logits",
            "section 4, table 1", decoder_reach, relation=">",
        ),
        Invariant(
            "no_key_is_refused", "a source of padding alone, or a first target token that is masked, leaves a query without any "
            "key: that is an error, or NaN for this sentence alone where the arrays are not at hand",
            "section 3.2.3", no_key, relation="raises", message="may attend to no key",
        ),
        Invariant(
            "odd_width_is_refused", "an odd d_model, for which section 3.5 has no last cosine, is an error",
            "section 3.5", resized(d_model=9), relation="raises", message="d_model 9 is odd",
        ),
        Invariant(
            "heads_divide_the_width", "heads that do not divide d_model are an error",
            "section 3.2.2", resized(heads=5), relation="raises", message="d_model 12 does not split into 5 heads",
        ),
    ]  # fmt: skip


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, words = problem.batch, problem.config["vocabulary"]
    count, target = batch["target_input"].shape
    cut = int(rng.integers(1, target))
    other = batch["target_input"].copy()
    other[:, cut:] = (other[:, cut:] + rng.integers(1, words, (count, target - cut))) % words
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "target_input": other})]
    return tuple(_flat(o["logits"][:, :cut], o["cross_attention"][..., :cut, :]) for o in sides)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, words = problem.batch, problem.config["vocabulary"]
    noise = np.where(batch["source_mask"], batch["source"], rng.integers(1, words, batch["source"].shape))
    sides = [forward(problem.params, batch), forward(problem.params, {**batch, "source": noise})]
    return tuple(_flat(o["logits"], o["memory"][batch["source_mask"]]) for o in sides)


def permuted_source(positions: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        batch, order = problem.batch, _permutation(rng, problem.batch["source"].shape[1])
        moved = {name: batch[name][:, order] for name in ("source", "source_mask")}
        switches = {} if positions else NO_POSITIONS
        still = forward(problem.params, batch, **switches)
        other = forward(problem.params, {**batch, **moved}, **switches)
        if positions:  # how far the encoder is from equivariance, and the logits from being unchanged
            memory = np.abs(other["memory"] - still["memory"][:, order]).max()
            return np.stack([memory, np.abs(other["logits"] - still["logits"]).max()]), np.full(2, 0.01)
        return _flat(other["memory"], other["logits"]), _flat(still["memory"][:, order], still["logits"])

    return sides


def permuted_target(causal: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        # Both sentence pairs get the target of full length, so that no row of the mask is empty.
        full = int(problem.batch["target_mask"].sum(1).argmax())
        names = ("target_input", "target_output", "target_mask")
        batch = {**problem.batch, **{name: problem.batch[name][[full, full]] for name in names}}
        tokens = batch["target_input"]
        order = np.array([1, 2, 0, 3]) if causal else _permutation(rng, tokens.shape[1])
        batches = batch, {**batch, "target_input": tokens[:, order]}
        still, other = (forward(problem.params, b, **NO_POSITIONS, causal=causal)["logits"] for b in batches)
        if causal:  # the last position sees the same set of tokens both times
            return np.abs(other[:, -1] - still[:, -1]).max(-1), np.full(2, 1e-4)
        return other, still[:, order]

    return sides


def weights(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    found = _flat(*(outputs[f"{kind}_attention"] for kind in ("encoder", "decoder", "cross")))
    return found, np.zeros_like(found)


def rows(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    sums = _flat(*(outputs[f"{kind}_attention"].sum(-1) for kind in ("encoder", "decoder", "cross")))
    return sums, np.ones_like(sums)


def forbidden(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    outputs, mask = forward(problem.params, problem.batch), problem.batch["source_mask"][:, None, None, None]
    future = ~np.tri(problem.batch["target_mask"].shape[1], dtype=bool)
    weights = _flat(*(np.where(mask, 0, outputs[f"{kind}_attention"]) for kind in ("encoder", "cross")),
                    np.where(future, outputs["decoder_attention"], 0))  # fmt: skip
    return weights, np.zeros_like(weights)


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    words, other = problem.config["vocabulary"], {name: value.copy() for name, value in problem.batch.items()}
    other["source"][1] = rng.integers(1, words, other["source"].shape[1])
    other["source_mask"][1] = True
    other["target_input"][1] = rng.integers(1, words, other["target_input"].shape[1])
    sides = [forward(problem.params, problem.batch), forward(problem.params, other)]
    return tuple(_flat(o["logits"][0], o["memory"][0], o["cross_attention"][0]) for o in sides)


def mean_zero(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mean = _normalised(forward, problem).mean(-1)
    return mean, np.zeros_like(mean)


def variance_one(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    # variance / (variance + eps) lies between 1 - 1e-3 and 1
    distance = np.abs(_normalised(forward, problem).var(-1) - (1 - 5e-4))
    return distance, np.full_like(distance, 5e-4)


def _normalised(forward: Forward, problem: Problem) -> Array:
    """The memory with the last norm's gain and bias undone: (batch, source, model)."""
    norm = f"encoder.{problem.config['layers'] - 1}.feed_forward_norm"
    memory = forward(problem.params, problem.batch)["memory"]
    return (memory - problem.params[f"{norm}.bias"]) / problem.params[f"{norm}.weight"]


def smoothed_target(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    epsilon, words = problem.config["smoothing"], problem.config["vocabulary"]
    label = rng.integers(words)
    q = np.full(words, epsilon / words)
    q[label] += 1 - epsilon
    # A last norm of gain 0 puts out its bias alone. With E bias = log q the softmax is q itself.
    last = {
        "weight": np.zeros(problem.config["d_model"]),
        "bias": np.linalg.lstsq(problem.params["embedding.weight"], np.log(q))[0],
    }
    norm = f"decoder.{problem.config['layers'] - 1}.feed_forward_norm"
    params = problem.params | {f"{norm}.{part}": value for part, value in last.items()}
    batch = {**problem.batch, "target_output": np.full_like(problem.batch["target_output"], label)}
    return forward(params, batch)["loss"], -(q * np.log(q)).sum()


def encoder_reach(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    change = _change(forward, problem, "source", "memory", "attention", rng)
    return change, np.full_like(change, 1e-9)


def decoder_reach(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    change = _change(forward, problem, "target_input", "logits", "self_attention", rng)
    reached = change[np.triu_indices(len(change))]  # the position is the token's own, or later
    return reached, np.full_like(reached, 1e-9)


def _change(forward: Forward, problem: Problem, name: str, output: str, block: str, rng: Rng) -> Array:
    """By how much the output changes, (token replaced, position), in the sentence pair whose `name` has full length, when
    one of its tokens is another word. Of this attention the first layer's alone is at work: the others put out zeros."""
    mask, words = problem.batch[f"{name.removesuffix('_input')}_mask"], problem.config["vocabulary"]
    (count, length), full = mask.shape, int(mask.sum(1).argmax())
    params = {part: value * (f"1.{block}.output" not in part) for part, value in problem.params.items()}
    batch = {part: value[[full] * count] for part, value in problem.batch.items()}
    sequences = np.tile(problem.batch[name][full], (length + 1, 1))  # the last one stays as it is
    at = np.arange(length)
    sequences[at, at] = (sequences[at, at] + rng.integers(1, words, length)) % words
    rows = np.arange(-(-len(sequences) // count) * count).reshape(-1, count) % len(sequences)  # so many at a time
    found = np.concatenate([forward(params, {**batch, name: sequences[row]})[output] for row in rows])
    return np.abs(found[:length] - found[length]).max(-1)


def no_key(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    name, row = (("source_mask", (1,)), ("target_mask", (1, 0)))[rng.integers(2)]  # a start may attend to itself alone
    mask = problem.batch[name].copy()
    mask[row] = False
    # NumPy, PyTorch and JAX raise here. A graph gives NaN, for this sentence alone.
    logits = forward(problem.params, {**problem.batch, name: mask})["logits"]
    refused = np.isnan(logits[1, 0]).all() and np.isfinite(logits[0]).all()
    raise ValueError(f"NaN: a query {'may attend to no key' if refused else 'without any key gets numbers'}")


def resized(**sizes: int) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        config = {**problem.config, **sizes}
        params: Arrays = {name: rng.normal(size=shape) for name, shape in checks.shapes(**config).items()}
        return (forward(params, problem.batch, **sizes)["logits"],) * 2

    return sides


def _permutation(rng: Rng, length: int) -> Array:
    """An order that is no cyclic shift: such a shift keeps distances modulo the length, and so would hide a use of them."""
    while True:
        order = rng.permutation(length)
        if np.ptp((order - np.arange(length)) % length):
            return order


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
