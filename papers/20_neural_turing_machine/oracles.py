"""The Turing machine once more (paper 20): in 40 digits, with powers and equation (8) as they are written; its shift by Fourier's
transform and by matrices of powers of one rotation; its parameters counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import exp, fdot, fsum, log, mpf, sqrt, tanh, workdps

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Vector = list[Any]  # of mpf
EVERYWHERE = (
    "one_row", "lstm", "given_start", "strong_key", "sharp", "gamma_one",
    "zeros_in_the_weighting", "exact_addressing", "large_logits", "rows_of_zeros", "key_of_zeros",
)  # fmt: skip
STAGES = ("content", "gated", "shifted", "weighting")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations_in_40_digits", "all stages of weightings, memories, reads, logits and loss, number by number, w~^gamma taken as a "
            "power", "equations (2) to (9), by mpmath", in_many_digits, EVERYWHERE,
        ),
        Oracle(
            "shift_by_fourier", "a circular convolution is a product of Fourier transforms", "numpy.fft", by_fourier,
            ("lstm", "one_row", "zeros_in_the_weighting"),
        ),
        Oracle(
            "shift_by_matrices", "the shift is a matrix: the mean of the powers of one rotation of the rows, with weights s",
            "numpy.linalg.matrix_power", by_matrices, ("lstm", "one_row"),
        ),
        Oracle(
            "parameters", "the arrays have as many numbers as the maps of section 3 need, and another number of rows changes none",
            "sizes of the affine maps", sizes, ("one_row", "lstm"),
        ),
    ]  # fmt: skip


class Numbers:
    """A problem's parameters in as many digits as are set."""

    def __init__(self, params: Arrays) -> None:
        self.params = {name: _exact(value) for name, value in params.items()}

    def affine(self, name: str, x: Vector) -> Vector:
        rows, biases = self.params[f"{name}.weight"], self.params[f"{name}.bias"]
        return [fdot(row, x) + b for row, b in zip(rows, biases)]


def _exact(value: Array) -> Any:
    return [_exact(inner) for inner in value] if value.ndim else mpf(float(value))


def sigma(a: Any) -> Any:
    return 1 / (1 + exp(-a))


def normed(x: Vector) -> Vector:
    total = fsum(x)
    return [entry / total for entry in x]


def cosine(u: Vector, v: Vector) -> Any:
    lengths = sqrt(fdot(u, u)) * sqrt(fdot(v, v))
    return fdot(u, v) / lengths if lengths else mpf(0)


def in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, config, theirs, losses = forward(problem.params, problem.batch), problem.config, [], []
    names = (*STAGES, "memories", "reads", "logits")
    with workdps(40):
        numbers = Numbers(problem.params)
        memory, weighting, _, _ = checks.start(problem.params, problem.batch, len(problem.batch["inputs"]), **config)
        for b, inputs in enumerate(problem.batch["inputs"]):
            one = sequence(numbers, config, _exact(inputs), _exact(memory[b]), _exact(weighting[b]))
            theirs += [np.array(one[name], dtype=float).ravel() for name in names]
            asked = zip(one["logits"], problem.batch["targets"][b], problem.batch["asked"][b])
            losses.append(fsum(cost(z, y) for logits, targets, on in asked if on for z, y in zip(logits, targets)))
        loss = float(fsum(losses) / len(losses))
    ours = [found[name][b].ravel() for b in range(len(losses)) for name in names]
    return np.append(np.concatenate(ours), found["loss"]), np.append(np.concatenate(theirs), loss)


def cost(z: Any, y: float) -> Any:
    return -log(sigma(z if y else -z))


def sequence(
    numbers: Numbers, config: Any, inputs: Vector, memory: list[Vector], weighting: list[Vector]
) -> dict[str, Any]:
    params, writers, rows = numbers.params, config["write_heads"], range(config["rows"])
    reads, state = params["start.read"], (params.get("controller.h"), params.get("controller.c"))
    found: dict[str, Any] = {name: [] for name in (*STAGES, "memories", "reads", "logits")}
    for x in inputs:
        state = control(numbers, config["controller"], [*x, *(entry for read in reads for entry in read)], *state)
        h, emitted = state[0], numbers.affine("address", state[0])
        each = len(emitted) // len(weighting)
        stages = [
            address(config, emitted[n * each : (n + 1) * each], memory, before) for n, before in enumerate(weighting)
        ]
        for at, name in enumerate(STAGES):
            found[name].append([stage[at] for stage in stages])
        weighting = [stage[-1] for stage in stages]
        written, size = numbers.affine("write", h), config["size"]
        pairs = [
            (written[2 * n * size : (2 * n + 1) * size], written[(2 * n + 1) * size : 2 * (n + 1) * size])
            for n in range(writers)
        ]
        memory = [list(row) for row in memory]
        for w, (erase, _) in zip(weighting, pairs):  # erased by one head after the other
            memory = [[memory[i][m] * (1 - w[i] * sigma(erase[m])) for m in range(size)] for i in rows]
        for w, (_, add) in zip(weighting, pairs):
            memory = [[memory[i][m] + w[i] * add[m] for m in range(size)] for i in rows]
        reads = [[fdot(w, [row[m] for row in memory]) for m in range(size)] for w in weighting[writers:]]
        logits = numbers.affine("output", [*h, *(entry for read in reads for entry in read)])
        for name, value in (("memories", memory), ("reads", reads), ("logits", logits)):
            found[name].append(value)
    return found


def control(numbers: Numbers, kind: str, given: Vector, h: Any, c: Any) -> tuple[Vector, Any]:
    if kind == "feedforward":
        return [tanh(a) for a in numbers.affine("controller.input", given)], None
    a, n = numbers.affine("controller.input", [*given, *h]), len(h)
    c = [sigma(a[n + u]) * c[u] + sigma(a[u]) * tanh(a[2 * n + u]) for u in range(n)]
    return [sigma(a[3 * n + u]) * tanh(c[u]) for u in range(n)], c


def address(config: Any, emitted: Vector, memory: list[Vector], before: Vector) -> tuple[Vector, ...]:
    size, reach, rows = config["size"], config["reach"], config["rows"]
    key, strength, gate = emitted[:size], log(1 + exp(emitted[size])), sigma(emitted[size + 1])
    turns, gamma = normed([exp(a) for a in emitted[size + 2 : -1]]), 1 + log(1 + exp(emitted[-1]))
    content = normed([exp(strength * cosine(key, row)) for row in memory])
    gated = [gate * a + (1 - gate) * b for a, b in zip(content, before)]
    s = [mpf(0)] * rows  # a distribution over all N shifts, modulo N
    for d in range(-reach, reach + 1):
        s[d % rows] += turns[d + reach]
    shifted = [fsum(gated[j] * s[(i - j) % rows] for j in range(rows)) for i in range(rows)]
    return content, gated, shifted, normed([w**gamma for w in shifted])


def turns_of(found: Arrays, config: Any) -> Array:
    """s as a distribution over all N shifts: (batch, time, head, N)."""
    every = np.zeros((*found["shift"].shape[:-1], config["rows"]))
    for d in range(-config["reach"], config["reach"] + 1):
        every[..., d % config["rows"]] += found["shift"][..., d + config["reach"]]
    return every


def by_fourier(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    product = np.fft.fft(found["gated"]) * np.fft.fft(turns_of(found, problem.config))
    return found["shifted"], np.fft.ifft(product).real


def by_matrices(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, rows, reach = forward(problem.params, problem.batch), problem.config["rows"], problem.config["reach"]
    one = np.eye(rows)[np.arange(-1, rows - 1)]  # (one w)(i) = w(i - 1)
    powers = np.stack([np.linalg.matrix_power(one, d % rows) for d in range(-reach, reach + 1)])
    whole = np.einsum("...d,dij->...ij", found["shift"], powers)
    return found["shifted"], np.einsum("...ij,...j->...i", whole, found["gated"])


def sizes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Numbers in all arrays; in those for twice as many rows."""
    config, more = problem.config, checks.shapes(**{**problem.config, "rows": 2 * problem.config["rows"]})
    ours = [sum(value.size for value in problem.params.values()), sum(int(np.prod(shape)) for shape in more.values())]
    hidden, size, writers, readers = (config[name] for name in ("hidden", "size", "write_heads", "read_heads"))
    given = config["features"] + readers * size
    core = (
        (given + 1) * hidden
        if config["controller"] == "feedforward"
        else 4 * (given + hidden + 1) * hidden + 2 * hidden
    )
    heads = (hidden + 1) * ((writers + readers) * (size + 2 * config["reach"] + 4) + 2 * writers * size)
    total = core + heads + (hidden + readers * size + 1) * config["outputs"] + (readers + 1) * size
    return np.array(ours), np.array([total, total])
