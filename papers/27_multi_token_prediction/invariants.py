"""What every executable layer of a multi-token predictor must satisfy, whatever its weights are (paper 27)."""

from __future__ import annotations

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem, sibling

decoding = sibling(__file__, "decoding.py")

Rng = np.random.Generator


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "loss_is_the_sum_of_heads", "L_n is the sum of what each head adds", "equation (2)", added,
        ),
        Invariant(
            "one_head_is_next_token_prediction", "with n = 1 the loss is what head 1 adds, and its logits are the same, without the other "
            "heads' weights", "equation (1), section 2", next_token,
        ),
        Invariant(
            "causality", "a later token changes no earlier logit of any head", "section 2: z_t is of x_t ... x_1", causality,
            tolerance=EXACT,
        ),
        Invariant(
            "every_head_reads_the_whole_past", "changing the first token moves every head's logits at every place of that sequence by over "
            "1e-6", "section 2", past, relation=">",
        ),
        Invariant(
            "heads_are_independent", "another weight in head 2 changes no logit of head 1 or head 3", "section 2: independent heads",
            independent, tolerance=EXACT,
        ),
        Invariant(
            "heads_change_places", "heads in another order give their logits in that order", "section 2", exchanged,
        ),
        Invariant(
            "head_i_is_scored_on_token_t_plus_i", "each head's loss, from its logits and the tokens, target by target", "equation (2)",
            scored,
        ),
        Invariant(
            "last_token_is_a_target_alone", "the last token is target of all heads and seen by none of those that are scored on it: with "
            "another in its place logits before it stay, and each head's loss moves by over 1e-6", "equation (2)", last_token,
            relation=">",
        ),
        Invariant(
            "uniform", "with a zero unembedding each head adds log V for each of its targets", "equation (2)", uniform,
        ),
        Invariant(
            "padding", "the token in a padded place changes neither the losses nor a logit of a real place", "section 2", padding,
            tolerance=EXACT,
        ),
        Invariant(
            "sequences_do_not_mix", "another sequence beside it changes none of a sequence's logits", "section 2", separate,
            tolerance=EXACT,
        ),
        Invariant(
            "speculation_is_greedy", "self-speculative decoding writes what greedy decoding writes, whether a sequence verifies its own "
            "drafts or another's", "sections 2 and 3.2", speculation, tolerance=EXACT,
        ),
        Invariant(
            "calls_at_least", "it takes a call for the first token and at least one for every n tokens behind it", "table S2: at most k "
            "tokens for each forward with k heads", calls_at_least, relation=">=",
        ),
        Invariant(
            "calls_at_most", "it never takes more calls than there are tokens", "section 3.2", calls_at_most, relation="<=",
        ),
        Invariant(
            "no_target_is_refused", "sequences of one token have no next one: that is an error, or a loss that is no number where the mask "
            "is not at hand", "equation (1)", no_target, relation="raises", message="nothing to predict",
        ),
        Invariant(
            "no_head_is_refused", "n = 0 predicts nothing", "section 2", lambda f, p, _: refused(f, p, future=0), relation="raises",
            message="there must be a head for the next token",
        ),
        Invariant(
            "odd_width_is_refused", "rotary positions turn pairs", "Llama's layer", lambda f, p, _: refused(f, p, attention_heads=8),
            relation="raises", message="does not split into",
        ),
        Invariant(
            "unknown_arrangement_is_refused", "heads are parallel, causal or anticausal", "appendix B",
            lambda f, p, _: refused(f, p, arrangement="random"), relation="raises", message="no such architecture",
        ),
    ]  # fmt: skip


def added(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    return found["loss"], found["head_losses"].sum()


def next_token(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {
        name: value
        for name, value in problem.params.items()
        if name.split(".")[:2] not in (["heads", "1"], ["heads", "2"])
    }
    one, many = forward(params, problem.batch, future=1), forward(problem.params, problem.batch)
    return _flat(one["logits"], one["loss"]), _flat(many["logits"][:, :1], many["head_losses"][0])


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    at = int(rng.integers(1, problem.batch["tokens"].shape[1]))
    sides = [forward(problem.params, batch)["logits"][:, :, :at] for batch in (problem.batch, _other(problem, 0, at))]
    return sides[0], sides[1]


def past(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    one, other = (forward(problem.params, batch)["logits"][0] for batch in (problem.batch, _other(problem, 0, 0)))
    moved = np.abs(one - other).max(-1)  # (future, time)
    return moved, np.full_like(moved, 1e-6)


def independent(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    name = "heads.1.feed_forward.outer.weight"
    params = {**problem.params, name: problem.params[name] + rng.normal(size=problem.params[name].shape)}
    one, other = (forward(p, problem.batch)["logits"][:, [0, 2]] for p in (problem.params, params))
    return one, other


def exchanged(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    order = [2, 0, 1]
    params = dict(problem.params)
    for new, old in enumerate(order):
        for name in problem.params:
            if name.startswith(f"heads.{new}."):
                params[name] = problem.params[name.replace(f"heads.{new}.", f"heads.{old}.", 1)]
    return forward(params, problem.batch)["logits"], forward(problem.params, problem.batch)["logits"][:, order]


def scored(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found, tokens = forward(problem.params, problem.batch), problem.batch["tokens"]
    lengths, theirs = problem.batch["mask"].sum(1), np.zeros(problem.config["future"])
    for b, length in enumerate(lengths):
        for i in range(len(theirs)):
            for t in range(length - 1 - i):  # x_{t+1+i} is the target of head i, counted from zero
                scores = found["logits"][b, i, t]
                theirs[i] += np.logaddexp.reduce(scores) - scores[tokens[b, t + 1 + i]]
    return found["head_losses"], theirs / (lengths - 1).sum()


def last_token(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    last = problem.batch["tokens"].shape[1] - 1
    one, other = (forward(problem.params, batch) for batch in (problem.batch, _other(problem, 0, last)))
    moved = np.abs(one["head_losses"] - other["head_losses"])
    kept = float((one["logits"][:, :, :last] == other["logits"][:, :, :last]).all())
    return np.append(moved, kept), np.append(np.full_like(moved, 1e-6), 0.5)


def uniform(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {**problem.params, "unembedding.weight": np.zeros_like(problem.params["unembedding.weight"])}
    targets = np.array([problem.batch["mask"][:, i:].sum() for i in range(1, problem.config["future"] + 1)])
    return forward(params, problem.batch)["head_losses"], np.log(problem.config["vocabulary"]) * targets / targets[0]


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, mask = problem.batch, problem.batch["mask"]
    noise = np.where(mask, batch["tokens"], rng.integers(1, problem.config["vocabulary"], mask.shape))
    sides = [forward(problem.params, {**batch, "tokens": tokens}) for tokens in (batch["tokens"], noise)]
    one, other = (_flat(found["logits"].swapaxes(1, 2)[mask], found["head_losses"]) for found in sides)
    return one, other


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    one, other = (forward(problem.params, batch)["logits"][1] for batch in (problem.batch, _other(problem, 0, 0)))
    return one, other


def speculation(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    texts = [decode(forward, problem, lender)[0] for lender in (None, np.array([1, 0]))]
    return np.stack(texts), np.stack([decoding.greedy(asking(forward, problem), *prompts(problem))] * 2)


def calls_at_least(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    calls = decode(forward, problem, None)[1]
    return calls, np.full_like(calls, 1 + -(-(prompts(problem)[1] - 1) // problem.config["future"]))


def calls_at_most(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    calls = np.concatenate([decode(forward, problem, lender)[1] for lender in (None, np.array([1, 0]))])
    return calls, np.full_like(calls, prompts(problem)[1])


def no_target(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Of a smaller net, since a graph is built anew for each seed."""
    checks = sibling(__file__, "numpy_checks.py")
    small = {"vocabulary": 3, "model": 2, "inner": 2, "attention_heads": 1, "future": 1, "head": "unembedding"}
    alone = checks.drawn(rng, [1, 1], {**checks.CONFIG, **small})
    # NumPy, PyTorch and JAX raise here. A graph gives NaN.
    found = forward(alone.params, alone.batch, **small)
    refused = np.isnan(found["loss"]) and np.isfinite(found["logits"]).all()
    raise ValueError(f"NaN: {'nothing to predict' if refused else 'a loss of nothing'}")


def refused(forward: Forward, problem: Problem, **overrides: object) -> tuple[Array, Array]:
    return forward(problem.params, problem.batch, **overrides)["loss"], np.zeros(())


def prompts(problem: Problem) -> tuple[Array, int]:
    """The first token of each sequence, and how many may follow it in the shape of the problem."""
    tokens = problem.batch["tokens"]
    return tokens[:, :1], tokens.shape[1] - 1


def asking(forward: Forward, problem: Problem) -> decoding.Ask:
    mask = np.ones_like(problem.batch["mask"])
    return lambda tokens: forward(problem.params, {"tokens": tokens, "mask": mask})["logits"].argmax(-1)


def decode(forward: Forward, problem: Problem, lender: Array | None) -> tuple[Array, Array]:
    return decoding.speculate(asking(forward, problem), *prompts(problem), lender)


def _other(problem: Problem, b: int, at: int) -> dict[str, Array]:
    """The batch with the next token of the vocabulary at one place."""
    tokens = problem.batch["tokens"].copy()
    tokens[b, at] = 1 + tokens[b, at] % (problem.config["vocabulary"] - 1)
    return {**problem.batch, "tokens": tokens}


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
