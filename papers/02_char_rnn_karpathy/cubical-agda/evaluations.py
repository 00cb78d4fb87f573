"""The definitions of the Agda layer, run on the room's problems: the network whole, texts, and the rates of a window."""

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
HARNESS = "CharRNN-Run"
FEW = 2  # steps, where a definition computes what came before anew for each entry


def evaluations() -> list[Evaluation]:
    layers = [
        "CharRNN-Machine.carried",
        "CharRNN-Machine.stack",
        "CharRNN.charStep",
        "CharRNN.rnnStep",
        "CharRNN.times",
    ]
    truncation = [f"CharRNN-Truncation.{n}" for n in ("rateAfter", "slopeTrace", "tangent", "origin", "_⊕_")]
    return [
        Evaluation(
            "two layers, window by window", [*layers, "CharRNN.preactivation"], HARNESS, lambda p: _texts(p, "windowed"),
            lambda p, found: found["hidden"][:, :, 1],
        ),
        Evaluation(
            "two layers, one after the other", ["CharRNN-Machine.outputs", "CharRNN-Machine.text", "CharRNN.rnnStep"], HARNESS,
            lambda p: _texts(p, "layered"), lambda p, found: found["hidden"][:, :, 1],
        ),
        Evaluation(
            "the layer below", ["CharRNN-Machine.outputs", "CharRNN.charStep"], HARNESS, lambda p: _texts(p, "lowest"),
            lambda p, found: found["hidden"][:, :, 0],
        ),
        Evaluation(
            "1-of-k", ["CharRNN.oneOfK", "CharRNN.rnnStep", "CharRNN.times"], HARNESS, _multiplied,
            lambda p, found: found["hidden"][0, 0, 0], ("seed0", "one of each"),
        ),
        Evaluation("confidences", ["CharRNN.confidences"], HARNESS, _scores, lambda p, found: found["logits"][0]),
        Evaluation(
            "probability of a text", ["CharRNN-Text.probability"], HARNESS, _chain,
            lambda p, found: np.repeat(np.prod(_shares(p, found)[range(FEW), p.batch["targets"][0, :FEW]]), 2), ("small",),
        ),
        Evaluation(
            "all texts", ["CharRNN-Text.overTexts", "CharRNN-Text.probability"], HARNESS,
            lambda p: f"total {_stack(p)} 3", lambda p, found: np.ones(()), ("small",),
        ),
        Evaluation(
            "rate of a step", [*(f"CharRNN-Truncation.{n}" for n in ("dualStep", "own", "slopes")), *truncation[2:3]], HARNESS,
            lambda p: _moving(p, "rate", literal(p.batch["inputs"][0, 0])),
            lambda p, found: np.stack([found["hidden"][0, 0, 0], *[_rate(p, found, 1)] * 2]),
        ),
        Evaluation(
            "rate of a window", truncation, HARNESS, lambda p: _moving(p, "split", literal(p.batch["inputs"][0, :FEW])),
            lambda p, found: np.stack([_rate(p, found, FEW)] * 2),
        ),
        Evaluation(
            "hello", ["CharRNN-Machine.outputs", *(f"CharRNN-Hello.{n}" for n in ("inputs", "targets", "remember", "emitted"))], HARNESS,
            lambda p: "hello", lambda p, found: np.array([["helo".index(letter) for letter in "ello"]] * 2), exact=True,
        ),
    ]  # fmt: skip


def _sizes(problem: Problem) -> str:
    return f"{problem.config['hidden']} {problem.config['vocabulary'] - 1}"


def _layer(problem: Problem, number: int) -> str:
    weights = [problem.params[f"rnn.weight_{name}_l{number}"] for name in ("ih", "hh")]
    bias = problem.params[f"rnn.bias_ih_l{number}"] + problem.params[f"rnn.bias_hh_l{number}"]
    return f"(weights {' '.join(map(literal, [*weights, bias]))})"


def _readout(problem: Problem) -> str:
    return f"{literal(problem.params['readout.weight'])} {literal(problem.params['readout.bias'])}"


def _start(problem: Problem, layer: int) -> Array:
    return checks.started(problem.batch)[0, layer]


def _stack(problem: Problem) -> str:
    """Sizes, both layers, the readout, and the states before the first text."""
    starts = " ".join(literal(_start(problem, layer)) for layer in range(2))
    return f"{_sizes(problem)} {_layer(problem, 0)} {_layer(problem, 1)} {_readout(problem)} {starts}"


def _texts(problem: Problem, name: str) -> str:
    """Every text, in windows of two characters, from both layers' starts."""
    starts, windows = (
        checks.started(problem.batch),
        problem.batch["inputs"].reshape(len(problem.batch["inputs"]), -1, 2),
    )
    layers = f"{_layer(problem, 0)} {_layer(problem, 1)}"
    asked = [
        f"{name} {_sizes(problem)} {layers} {literal(start[0])} {literal(start[1])} {literal(text)}"
        for start, text in zip(starts, windows, strict=True)
    ]
    return " ∷ ".join([*(f"({each})" for each in asked), "[]"])


def _multiplied(problem: Problem) -> str:
    asked = f"multiplied {_sizes(problem)} {_layer(problem, 0)} {literal(_start(problem, 0))}"
    return f"{asked} {literal(problem.batch['inputs'][0, 0])}"


def _scores(problem: Problem) -> str:
    outputs = checks.forward(problem.params, problem.batch, **problem.config)
    return f"map (scores {_sizes(problem)} {_readout(problem)}) {literal(outputs['hidden'][0, :, -1])}"


def _shares(problem: Problem, found: Arrays) -> Array:
    """p_t after each character of the first text, at temperature 1."""
    return np.exp(checks.log_softmax(found["logits"][0]))


def _chain(problem: Problem) -> str:
    """The first targets are the characters that come next: so they are read as well."""
    first, rest = literal(problem.batch["inputs"][0, 0]), literal(problem.batch["targets"][0, :FEW])
    return f"chain {_stack(problem)} {first} {rest}"


def _rates(problem: Problem) -> dict[str, Array]:
    """How fast the first layer's parameters move."""
    return {name: np.cos(1.0 + np.arange(value.size)).reshape(value.shape) for name, value in problem.params.items()}


def _moving(problem: Problem, name: str, text: str) -> str:
    moving = Problem(problem.config, _rates(problem), problem.batch)
    layers, carried = f"{_layer(problem, 0)} {_layer(moving, 0)}", literal(problem.batch["hidden"][1, 0])
    return f"{name} {_sizes(problem)} {layers} {literal(_start(problem, 0))} {carried} {text}"


def _rate(problem: Problem, found: Arrays, steps: int) -> Array:
    """The rate of the first text's state after so many steps, from v = the state carried into the second text."""
    rates, rate, before = _rates(problem), problem.batch["hidden"][1, 0], _start(problem, 0)
    for x, hidden in zip(problem.batch["inputs"][0, :steps], found["hidden"][0, :, 0], strict=False):
        own = rates["rnn.weight_hh_l0"] @ before + rates["rnn.weight_ih_l0"][:, x]
        biases = rates["rnn.bias_ih_l0"] + rates["rnn.bias_hh_l0"]
        rate = (1 - hidden**2) * (problem.params["rnn.weight_hh_l0"] @ rate + own + biases)
        before = hidden
    return rate
