"""The post's formulas once more: one text, one unit, one number at a time, to 40 digits."""

import mpmath
import numpy as np

from s30.room import Array, Arrays, Forward, Oracle, Problem

Vector = list  # of mpmath numbers


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "post in 40 digits",
            "states, confidences, probabilities at the temperature and the loss follow the post's formulas, with one bias and"
            " the sum of exponentials as it stands",
            "mpmath, 40 digits, a loop over texts, characters and units",
            _sides,
            variants=("one of each", "certain"),
        )
    ]


def _sides(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    with mpmath.workdps(40):
        texts = [_text(problem, example) for example in range(len(problem.batch["inputs"]))]
        theirs = {name: [text[name] for text in texts] for name in ("hidden", "logits", "probabilities")}
        surprises = [surprise for text in texts for surprise in text["surprise"]]
        loss = mpmath.fsum(surprises) / len(surprises)
    names = list(theirs)
    ours = np.concatenate([outputs[name].ravel() for name in names] + [outputs["loss"].ravel()])
    return ours, np.concatenate([np.array(theirs[n], dtype=float).ravel() for n in names] + [[float(loss)]])


def _numbers(row: Array) -> Vector:
    return [mpmath.mpf(float(value)) for value in row]


def _affine(params: Arrays, layer: int, below: Vector, hidden: Vector) -> Vector:
    """W_hh h + W_xh x + b, unit by unit."""
    given, recurrent = (params[f"rnn.weight_{name}_l{layer}"] for name in ("ih", "hh"))
    biases = (_numbers(params[f"rnn.bias_{name}_l{layer}"]) for name in ("ih", "hh"))
    rows = zip(given, recurrent, *biases, strict=True)
    return [
        mpmath.fdot(_numbers(row), below) + mpmath.fdot(_numbers(back), hidden) + bias + other
        for row, back, bias, other in rows
    ]


def _text(problem: Problem, example: int) -> dict[str, list]:
    params, batch, tau = problem.params, problem.batch, mpmath.mpf(problem.config["temperature"])
    size, layers = problem.config["vocabulary"], problem.config["layers"]
    state = [_numbers(row * (not batch["fresh"][example])) for row in batch["hidden"][example]]
    found: dict[str, list] = {"hidden": [], "logits": [], "probabilities": [], "surprise": []}
    for x, target in zip(batch["inputs"][example], batch["targets"][example], strict=True):
        below = [mpmath.mpf(int(k == x)) for k in range(size)]  # 1-of-k
        for layer in range(layers):
            state[layer] = below = [mpmath.tanh(a) for a in _affine(params, layer, below, state[layer])]
        rows = zip(params["readout.weight"], _numbers(params["readout.bias"]), strict=True)
        scores = [mpmath.fdot(_numbers(row), below) + bias for row, bias in rows]
        total = mpmath.fsum(mpmath.exp(y / tau) for y in scores)
        found["hidden"].append([list(row) for row in state])
        found["logits"].append(scores)
        found["probabilities"].append([mpmath.exp(y / tau) / total for y in scores])
        found["surprise"].append(mpmath.log(mpmath.fsum(map(mpmath.exp, scores))) - scores[target])
    return found
