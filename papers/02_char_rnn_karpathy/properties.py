r"""What every executable layer must do, whatever framework computes it: properties of a reader that carries its state.

All are asked on problems of the shape of `problem(0)`, so that a layer that compiles does so once for them all.
"""

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

CUT = 2  # where `carried_state` cuts a text in two
COMPUTATION, MODELS = "RNN computation", "Character-Level Language Models"


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "causality", "a character changes no state and no confidence before it is read", MODELS, _causal, tolerance=EXACT
        ),
        Invariant(
            "history", "every character read before changes the confidences of the last step: more than 1e-9 of the"
            " probabilities moves when the first character of a window is another",
            f"{COMPUTATION}: «influenced … also on the entire history of inputs»", _remembers, ">",
        ),
        Invariant(
            "carried_state", "a window that starts in the state that the one before has left gives what reading both at once gives",
            f"{COMPUTATION}: the hidden state that is updated every time step is called", _carried,
        ),
        Invariant(
            "reset", "where the text begins anew, what was carried there is forgotten: the state is the zero vector",
            f"{COMPUTATION}: «The hidden state self.h is initialized with the zero vector»", _reset, tolerance=EXACT,
        ),
        Invariant("squashed", "|h_t| < 1: tanh squashes the activations", COMPUTATION, _squashed, "<"),
        Invariant(
            "contraction", "two states of the first layer come closer by a factor of at least w at each step, w < 1 the largest"
            " row sum of |W_hh|",
            f"{COMPUTATION}: h_t = tanh(W_hh h_(t-1) + W_xh x_t)", _contracts, "<=",
        ),
        Invariant(
            "renamed_characters", "renaming the characters, in the text and in the parameters, renames the probabilities and"
            " changes nothing else",
            f"{MODELS}: 1-of-k encoding", _renamed,
        ),
        Invariant("examples_do_not_mix", "reordering the texts reorders every output", MODELS, _permuted),
        Invariant("probabilities_sum_to_one", "the probabilities of all next characters sum to one", MODELS, _normalised),
        Invariant(
            "confidences_shift", "adding a number to all confidences changes neither probabilities nor loss", MODELS, _shifted
        ),
        Invariant(
            "temperature_orders", "the ratio of two probabilities at temperature τ is that at temperature 1 to the power 1/τ",
            "Paul Graham generator: Temperature", _powers,
        ),
        Invariant(
            "colder_is_more_certain", "at half the temperature the most probable character is more probable, at twice it is less",
            "Paul Graham generator: Temperature", _colder, ">",
        ),
        Invariant(
            "temperature_is_positive", "a temperature of zero is refused", "Paul Graham generator: Temperature",
            lambda forward, problem, rng: forward(problem.params, problem.batch, temperature=0.0), "raises",
            message="a temperature is positive",
        ),
    ]  # fmt: skip


def _other(tokens: Array, problem: Problem, rng: np.random.Generator) -> Array:
    """Characters that differ from these everywhere."""
    size = problem.config["vocabulary"]
    return (tokens + rng.integers(1, size, tokens.shape)) % size


def _flat(*arrays: Array) -> Array:
    return np.concatenate([value.ravel() for value in arrays])


def _causal(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    inputs = problem.batch["inputs"]
    at = int(rng.integers(1, inputs.shape[1]))
    changed = np.concatenate([inputs[:, :at], _other(inputs[:, at:], problem, rng)], axis=1)
    sides = [forward(problem.params, {**problem.batch, "inputs": text}) for text in (inputs, changed)]
    left, right = (_flat(found["hidden"][:, :at], found["logits"][:, :at]) for found in sides)
    return left, right


def _remembers(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    inputs = problem.batch["inputs"]
    changed = np.concatenate([_other(inputs[:, :1], problem, rng), inputs[:, 1:]], axis=1)
    here, there = (forward(problem.params, {**problem.batch, "inputs": text}) for text in (inputs, changed))
    moved = np.abs(here["probabilities"] - there["probabilities"])[:, -1].sum(1)
    return moved, np.full_like(moved, 1e-9)


def _carried(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    # the same shape twice: characters CUT, CUT + 1, … of every text, then as many more, from the state after CUT characters
    batch, count = problem.batch, problem.batch["inputs"].shape[1]
    text = np.concatenate(
        [batch["inputs"], rng.integers(problem.config["vocabulary"], size=(len(batch["inputs"]), CUT))], 1
    )
    whole = forward(problem.params, {**batch, "inputs": text[:, :count]})
    later = {
        **batch,
        "inputs": text[:, CUT:],
        "hidden": whole["hidden"][:, CUT - 1],
        "fresh": np.zeros_like(batch["fresh"]),
    }
    rest = forward(problem.params, later)
    names = ("hidden", "logits", "probabilities")
    return _flat(*(rest[n][:, :-CUT] for n in names)), _flat(*(whole[n][:, CUT:] for n in names))


def _reset(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch, anew = problem.batch, np.ones_like(problem.batch["fresh"])
    zeros = {**batch, "hidden": np.zeros_like(batch["hidden"]), "fresh": np.zeros_like(anew)}
    here, there = forward(problem.params, {**batch, "fresh": anew}), forward(problem.params, zeros)
    return here["hidden"], there["hidden"]


def _squashed(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    hidden = forward({name: 1.5 * value for name, value in problem.params.items()}, problem.batch)["hidden"]
    return np.abs(hidden), np.ones_like(hidden)


def _contracts(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    weight, batch, norm = problem.params["rnn.weight_hh_l0"], problem.batch, 0.9
    params = {**problem.params, "rnn.weight_hh_l0": weight * norm / np.abs(weight).sum(1, keepdims=True)}
    step = rng.uniform(-0.1, 0.1, size=batch["hidden"].shape)
    carried = {**batch, "fresh": np.zeros_like(batch["fresh"])}
    here, there = (forward(params, {**carried, "hidden": batch["hidden"] + d})["hidden"] for d in (0.0, step))
    moved = np.abs(there - here)[:, :, 0]  # (batch, time, unit)
    limit = norm ** np.arange(1, moved.shape[1] + 1) * np.abs(step[:, 0]).max(axis=1, keepdims=True)  # (batch, time)
    return moved, np.broadcast_to(limit[..., None], moved.shape)


def _renamed(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch, params, size = problem.batch, problem.params, problem.config["vocabulary"]
    order = np.roll(rng.permutation(size), 1)  # the new name of each character
    renamed = dict(params)
    for name, axis in (("rnn.weight_ih_l0", 1), ("readout.weight", 0), ("readout.bias", 0)):
        renamed[name] = np.take(params[name], np.argsort(order), axis=axis)
    still = forward(params, batch)
    other = forward(renamed, {**batch, "inputs": order[batch["inputs"]], "targets": order[batch["targets"]]})
    sides = (other["hidden"], other["probabilities"][..., order], other["loss"])
    return _flat(*map(np.asarray, sides)), _flat(still["hidden"], still["probabilities"], np.asarray(still["loss"]))


def _permuted(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    order = np.roll(np.arange(len(problem.batch["inputs"])), 1)
    left = forward(problem.params, problem.batch)
    right = forward(problem.params, {name: value[order] for name, value in problem.batch.items()})
    names = [name for name in left if name != "loss"]
    return _flat(*(left[n][order] for n in names), left["loss"]), _flat(*(right[n] for n in names), right["loss"])


def _normalised(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    total = forward(problem.params, problem.batch)["probabilities"].sum(2)
    return total, np.ones_like(total)


def _shifted(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    def asked(params: Arrays) -> Array:
        found = forward(params, problem.batch)
        return _flat(found["probabilities"], np.asarray(found["loss"]))

    return asked({**problem.params, "readout.bias": problem.params["readout.bias"] + 7.5}), asked(problem.params)


def _powers(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    tau = problem.config["temperature"]
    found, plain = (forward(problem.params, problem.batch, **at)["probabilities"] for at in ({}, {"temperature": 1.0}))
    return np.log(found[..., 1:] / found[..., :-1]), np.log(plain[..., 1:] / plain[..., :-1]) / tau


def _colder(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    tau = problem.config["temperature"]
    cold, here, hot = (
        forward(problem.params, problem.batch, temperature=t)["probabilities"].max(2) for t in (tau / 2, tau, 2 * tau)
    )
    return np.stack([cold, here]), np.stack([here, hot])
