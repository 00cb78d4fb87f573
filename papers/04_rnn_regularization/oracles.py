"""The paper's equations once more, one text, one unit, one number at a time, to 40 digits."""

import mpmath
import numpy as np

from s30.room import Array, Forward, Oracle, Problem

Vector = list  # of mpmath numbers


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations in 40 digits",
            "cells, hidden states and confidences follow the equations of section 3.2, with one matrix T on (D(h^(l-1)), h) and D as"
            " a product with 0 or 1 / (1 - p)",
            "mpmath, 40 digits, a loop over texts, words, layers and units",
            _sides,
            variants=("one of each", "small", "saturated"),
        )
    ]


def _sides(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs = forward(problem.params, problem.batch)
    with mpmath.workdps(40):
        theirs = [_text(problem, example) for example in range(len(problem.batch["inputs"]))]
    names = ("cell", "hidden", "logits")
    ours = [outputs[name].ravel() for name in names]
    return np.concatenate(ours), np.concatenate(
        [np.array([text[name] for text in theirs], dtype=float).ravel() for name in names]
    )


def _numbers(row: Array) -> Vector:
    return [mpmath.mpf(float(value)) for value in row]


def _dropped(x: Vector, mask: Array, rate: mpmath.mpf) -> Vector:
    return [value * int(kept) / (1 - rate) for value, kept in zip(x, mask, strict=True)]


def _text(problem: Problem, example: int) -> dict[str, list]:
    params, config = problem.params, problem.config
    batch = {name: value[example] for name, value in problem.batch.items()}
    rate, units = mpmath.mpf(float(config["dropout"])), config["hidden"]
    hidden, cell = ([_numbers(row) for row in batch[name]] for name in ("hidden", "cell"))
    found: dict[str, list] = {"cell": [], "hidden": [], "logits": []}
    for t, word in enumerate(batch["inputs"]):
        x = _numbers(params["embedding.weight"][word])
        for layer in range(config["layers"]):
            h, c = hidden[layer], cell[layer]
            h = _dropped(h, batch["recurrent_masks"][t, layer, 0], rate) if config["drop_hidden"] else h
            c = _dropped(c, batch["recurrent_masks"][t, layer, 1], rate) if config["drop_cell"] else c
            matrix = np.concatenate([params[f"lstm.weight_{name}_l{layer}"] for name in ("ih", "hh")], axis=1)
            z = [*_dropped(x, batch["masks"][t, layer], rate), *h]
            biases = (params[f"lstm.bias_{name}_l{layer}"] for name in ("ih", "hh"))
            rows = zip(matrix, *map(_numbers, biases), strict=True)
            a = [mpmath.fdot(_numbers(row), z) + b + d for row, b, d in rows]
            i, f, g, o = (a[at : at + units] for at in range(0, 4 * units, units))
            sigmoid = lambda row: [1 / (1 + mpmath.exp(-value)) for value in row]
            i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
            cell[layer] = [fk * ck + ik * mpmath.tanh(gk) for fk, ck, ik, gk in zip(f, c, i, g, strict=True)]
            hidden[layer] = x = [ok * mpmath.tanh(ck) for ok, ck in zip(o, cell[layer], strict=True)]
        last = _dropped(x, batch["masks"][t, -1], rate)
        rows = zip(params["readout.weight"], _numbers(params["readout.bias"]), strict=True)
        found["cell"].append(list(cell))
        found["hidden"].append(list(hidden))
        found["logits"].append([mpmath.fdot(_numbers(row), last) + bias for row, bias in rows])
    return found
