"""The equations of the appendix once more, in 40 digits and one sentence at a time (paper 14)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import exp, fdot, fsum, log, mpf, tanh, workdps

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Vector = list[Any]  # of mpf


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations_in_40_digits", "annotations, s_0, alignments, contexts, states, t and loss of the sentences without their padding",
            "appendix A.2 word by word, by mpmath", in_many_digits, ("one_word", "long", "large_energies", "shut_gates"),
        ),
        Oracle(
            "prefix_by_prefix", "what is written before a word does not depend on what comes after it",
            "one forward pass for each prefix of the translation", prefix_by_prefix, ("long",),
        ),
        Oracle(
            "ends_of_the_encoder", "without search every step's context is h> at the sentence's last real word and h< at its first",
            "equation (7) at each sentence's own end", ends, ("fixed_vector",),
        ),
        Oracle(
            "parameters_of_the_paper", "with m = 620, n = n' = 1000, l = 500 and 30,000 words on each side the arrays have the sizes that "
            "A.2 gives them", "A.2.1 to A.2.3, matrix by matrix", sizes,
        ),
    ]  # fmt: skip


class Numbers:
    """Matrices and vectors of a problem in as many digits as are set."""

    def __init__(self, params: Arrays) -> None:
        self.params = {name: _exact(value) for name, value in params.items()}

    def times(self, name: str, x: Vector, rows: slice = slice(None)) -> Vector:
        return [fdot(row, x) for row in self.params[f"{name}.weight"][rows]]

    def affine(self, name: str, x: Vector) -> Vector:
        return add(self.times(name, x), self.params[f"{name}.bias"])

    def unit(self, name: str, given: Vector, s: Vector) -> Vector:
        """A gated hidden unit, from W e + C c."""
        n = len(s)
        z = [sigma(a) for a in add(given[:n], self.times(f"{name}.state", s, slice(0, n)))]
        r = [sigma(a) for a in add(given[n : 2 * n], self.times(f"{name}.state", s, slice(n, 2 * n)))]
        reset = [a * b for a, b in zip(r, s)]
        new = [tanh(a) for a in add(given[2 * n :], self.times(f"{name}.state", reset, slice(2 * n, 3 * n)))]
        return [(1 - a) * old + a * b for a, old, b in zip(z, s, new)]


def _exact(value: Array) -> Any:
    return [_exact(inner) for inner in value] if value.ndim else mpf(float(value))


def add(*vectors: Vector) -> Vector:
    return [fsum(entries) for entries in zip(*vectors, strict=True)]


def sigma(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, batch = forward(problem.params, problem.batch), problem.batch
    ours, theirs, losses = [], [], []
    with workdps(40):
        numbers = Numbers(problem.params)
        for b, (words, real) in enumerate(zip(batch["source_mask"].sum(1), batch["target_mask"].sum(1))):
            one = sentence(numbers, problem, b, words, real)
            losses += one.pop("losses")
            for name, value in one.items():
                theirs.append(np.array(value, dtype=float).ravel())
                kept = found[name][b]
                kept = kept[:words] if name == "annotations" else kept if name == "initial_state" else kept[:real]
                ours.append((kept[:, :words] if name == "alignment" else kept).ravel())
        loss = float(fsum(losses) / len(losses))
    return np.append(np.concatenate(ours), found["loss"]), np.append(np.concatenate(theirs), loss)


def sentence(numbers: Numbers, problem: Problem, b: int, words: int, real: int) -> dict[str, Any]:
    params, batch, n = numbers.params, problem.batch, problem.config["hidden"]
    x = [params["source_embedding.weight"][w] for w in batch["source"][b, :words]]
    halves = []
    for name, order in (("forward_gru", 1), ("backward_gru", -1)):
        h, states = [mpf(0)] * n, []
        for word in x[::order]:
            h = numbers.unit(name, numbers.affine(f"{name}.input", word), h)
            states.append(h)
        halves.append(states[::order])
    h = [ahead + back for ahead, back in zip(*halves)]
    s = [tanh(a) for a in numbers.affine("initial", halves[1][0])]
    found: dict[str, Any] = {"annotations": h, "initial_state": s}
    found |= {name: [] for name in ("alignment", "context", "states", "readout", "losses")}
    for w, label in zip(batch["target_input"][b, :real], batch["target_output"][b, :real]):
        e, query = params["target_embedding.weight"][w], numbers.affine("alignment.query", s)
        keys = [numbers.times("alignment.key", h_j) for h_j in h]
        energies = [exp(fdot(params["alignment.energy"], [tanh(a) for a in add(query, key)])) for key in keys]
        alpha = [energy / fsum(energies) for energy in energies]
        c = [fdot(alpha, column) for column in zip(*h)]
        given = add(numbers.affine("decoder.input", e), numbers.times("decoder.context", c))
        new = numbers.unit("decoder", given, s)
        read = new if problem.config["late_readout"] else s
        pairs = add(
            numbers.affine("readout.state", read),
            numbers.times("readout.previous", e),
            numbers.times("readout.context", c),
        )
        t = [max(pair) for pair in zip(pairs[::2], pairs[1::2])]
        scores = numbers.affine("output", t)
        for name, value in (("alignment", alpha), ("context", c), ("states", new), ("readout", t)):
            found[name].append(value)
        found["losses"].append(log(fsum(exp(score) for score in scores)) - scores[label])
        s = new
    return found


def prefix_by_prefix(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, last = problem.batch, []
    for end in range(1, batch["target_input"].shape[1] + 1):
        short = {name: value[:, :end] if name.startswith("target") else value for name, value in batch.items()}
        last.append(
            forward(problem.params, {**short, "target_mask": np.ones_like(short["target_mask"])})["logits"][:, -1]
        )
    return forward(problem.params, batch)["logits"], np.stack(last, 1)


def ends(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params = {name: value for name, value in problem.params.items() if not name.startswith("alignment.")}
    found, hidden = forward(params, problem.batch, search=False), problem.config["hidden"]
    last = problem.batch["source_mask"].sum(1) - 1
    known = [found["annotations"][np.arange(len(last)), last, :hidden], found["annotations"][:, 0, hidden:]]
    return found["context"], np.broadcast_to(np.concatenate(known, -1)[:, None], found["context"].shape)


def sizes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Weights of the paper's RNNsearch by the room's list of arrays, biases left out, and by the sizes in A.2."""
    m, n, l, words = 620, 1000, 500, 30000
    listed = checks.shapes(source_words=words, target_words=words, embedding=m, hidden=n, alignment=n, maxout=l)
    ours = sum(int(np.prod(shape)) for name, shape in listed.items() if not name.endswith("bias"))
    encoder = m * words + 2 * 3 * (n * m + n * n)  # E; W, W_z, W_r and U, U_z, U_r of both directions
    decoder = m * words + 3 * (n * m + n * n + n * 2 * n) + n * n  # E; W, U and C thrice; W_s
    alignment = n + n * n + n * 2 * n  # v_a, W_a, U_a
    output = words * l + 2 * l * n + 2 * l * m + 2 * l * 2 * n  # W_o, U_o, V_o, C_o
    return np.array(ours), np.array(encoder + decoder + alignment + output)
