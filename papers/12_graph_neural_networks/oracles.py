"""The equations once more, in 40 digits and by loops over edges (paper 12)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import exp, fdot, fsum, mpf, tanh, workdps

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Vector = list[Any]  # of mpf


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations_in_40_digits", "messages, states, memories, attention, q* and y of each graph without its padding",
            "equations (1) to (4), edge by edge, by mpmath", in_many_digits,
            ("single_vertex", "two_components", "multigraph", "virtual_edges", "gated_readout", "bag_of_atoms", "large_scores"),
        ),
    ]  # fmt: skip


class Numbers:
    """Matrices and vectors of a problem in as many digits as are set."""

    def __init__(self, params: Arrays) -> None:
        self.params = {name: _exact(value) for name, value in params.items()}

    def affine(self, name: str, x: Vector) -> Vector:
        rows = [fdot(row, x) for row in self.params[f"{name}.weight"]]
        return [a + b for a, b in zip(rows, self.params[f"{name}.bias"], strict=True)]

    def matrix(self, name: str, e: Vector, d: int) -> list[Vector]:
        flat = self.affine(f"{name}.matrix", [max(a, mpf(0)) for a in self.affine(f"{name}.hidden", e)])
        return [flat[d * row : d * (row + 1)] for row in range(d)]

    def gru(self, h: Vector, m: Vector) -> Vector:
        d, given, U = len(h), self.affine("gru.message", m), self.params["gru.state.weight"]
        z = [sigma(given[k] + fdot(U[k], h)) for k in range(d)]
        r = [sigma(given[d + k] + fdot(U[d + k], h)) for k in range(d)]
        reset = [a * b for a, b in zip(r, h)]
        new = [tanh(given[2 * d + k] + fdot(U[2 * d + k], reset)) for k in range(d)]
        return [a * old + (1 - a) * b for a, old, b in zip(z, h, new)]


def _exact(value: Array) -> Any:
    return [_exact(inner) for inner in value] if value.ndim else mpf(float(value))


def sigma(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, ours, theirs = forward(problem.params, problem.batch), [], []
    with workdps(40):
        numbers = Numbers(problem.params)
        for g, count in enumerate(problem.batch["vertex_mask"].sum(1)):
            for name, value in graph(numbers, problem, g, count).items():
                kept = found[name][g]
                if name in ("messages", "states"):
                    kept = kept[:, :count]
                elif name == "memories":
                    kept = kept[:count]
                elif name == "attention":
                    kept = kept[:, :count]
                ours.append(kept.ravel())
                theirs.append(np.array(value, dtype=float).ravel())
    return np.concatenate(ours), np.concatenate(theirs)


def graph(numbers: Numbers, problem: Problem, g: int, count: int) -> dict[str, Any]:
    config, batch, d = problem.config, problem.batch, problem.config["hidden"]
    x = _exact(batch["atoms"][g, :count])
    h = [row + [mpf(0)] * (d - len(row)) for row in x]
    edges = [
        (int(v), int(w), *(numbers.matrix(name, _exact(e), d) for name in ("edge_in", "edge_out")))
        for v, w, e, real in zip(*(batch[name][g] for name in ("source", "target_vertex", "bonds", "edge_mask")))
        if real and config["rounds"]
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for _round in range(config["rounds"]):
        m = [[mpf(0)] * (2 * d) for _ in h]
        for v, w, A_in, A_out in edges:
            for row in range(d):
                m[w][row] += fdot(A_in[row], h[v])
                m[v][d + row] += fdot(A_out[row], h[w])
        h = [numbers.gru(old, message) for old, message in zip(h, m)]
        found.setdefault("messages", []).append(m)
        found.setdefault("states", []).append(h)
    both = [a + b for a, b in zip(h, x)]
    if config["readout"] == "gated":
        each = [
            [sigma(i) * j for i, j in zip(numbers.affine("gate", a), numbers.affine("value", b))]
            for a, b in zip(both, h)
        ]
        return {**found, "prediction": [fsum(column) for column in zip(*each)]}
    n = found["memories"] = [numbers.affine("project", a) for a in both]
    if config["readout"] == "set2set":
        star, cell = [mpf(0)] * (2 * len(n[0])), [mpf(0)] * len(n[0])
        for _step in range(config["steps"]):
            gates, p = numbers.affine("set2set.gates", star), len(cell)
            i, f, c, o = (gates[p * k : p * (k + 1)] for k in range(4))
            cell = [sigma(b) * old + sigma(a) * tanh(new) for a, b, new, old in zip(i, f, c, cell)]
            q = [sigma(a) * tanh(b) for a, b in zip(o, cell)]
            weights = [exp(fdot(memory, q)) for memory in n]
            weights = [w / fsum(weights) for w in weights]
            star = q + [fdot(weights, column) for column in zip(*n)]
            found.setdefault("attention", []).append(weights)
    else:
        star = [fsum(column) for column in zip(*n)]
    found["embedding"] = star
    rectified = [max(a, mpf(0)) for a in numbers.affine("output.hidden", star)]
    return {**found, "prediction": numbers.affine("output.prediction", rectified)}
