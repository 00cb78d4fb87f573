"""The equations once more, in 40 digits and one place at a time, and counts by brute force (paper 27)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mpmath import cos, exp, fdot, fsum, log, mpf, sin, sqrt, workdps

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Vector = list[Any]  # of mpf


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "equations_in_40_digits", "trunk, heads and losses of the real places", "section 2, one place at a time, by mpmath",
            in_many_digits, ("one_next_token", "next_token", "causal", "anticausal", "replicated_unembeddings", "large_scores",
            "large_gates"),
        ),
        Oracle(
            "prefix_by_prefix", "what is predicted at a place does not need the places behind it", "one forward pass for each prefix",
            prefix_by_prefix, ("next_token",),
        ),
        Oracle(
            "parameters_stay_equal", "a head more and a layer of the trunk less leave the number of parameters", "section 3: n - 1 "
            "layers are "
            "taken from the trunk", equal_parameters,
        ),
    ]  # fmt: skip


def exact(value: Array) -> Any:
    return [exact(inner) for inner in value] if value.ndim else mpf(float(value))


def times(matrix: list[Vector], x: Vector) -> Vector:
    return [fdot(row, x) for row in matrix]


def add(*vectors: Vector) -> Vector:
    return [fsum(entries) for entries in zip(*vectors, strict=True)]


def rms(x: Vector, gain: Vector) -> Vector:
    scale = sqrt(fsum(a * a for a in x) / len(x) + mpf(checks.EPSILON))
    return [a / scale * g for a, g in zip(x, gain)]


def turned(x: Vector, t: int) -> Vector:
    """Each pair of x, a head's part of a query or a key at place t, turned."""
    found = []
    for i in range(0, len(x), 2):
        angle = t * mpf(checks.BASE) ** (-mpf(i) / len(x))
        found += [x[i] * cos(angle) - x[i + 1] * sin(angle), x[i] * sin(angle) + x[i + 1] * cos(angle)]
    return found


def layer(p: dict[str, Any], name: str, xs: list[Vector], count: int) -> list[Vector]:
    """A layer on the vectors of a sequence's places."""
    size = len(xs[0]) // count
    ys = [rms(x, p[f"{name}.attention_norm.weight"]) for x in xs]
    query, key, value = (
        [times(p[f"{name}.attention.{part}.weight"], y) for y in ys] for part in ("query", "key", "value")
    )
    found = []
    for t, x in enumerate(xs):
        mixed: Vector = []
        for part in (slice(h * size, (h + 1) * size) for h in range(count)):
            q = turned(query[t][part], t)
            scores = [fdot(q, turned(key[s][part], s)) / sqrt(mpf(size)) for s in range(t + 1)]
            weights = [exp(score - max(scores)) for score in scores]
            total = fsum(weights)
            mixed += [fdot(weights, column) / total for column in zip(*(value[s][part] for s in range(t + 1)))]
        x = add(x, times(p[f"{name}.attention.output.weight"], mixed))
        y = rms(x, p[f"{name}.feed_forward_norm.weight"])
        gate, inner = (times(p[f"{name}.feed_forward.{part}.weight"], y) for part in ("gate", "inner"))
        silu = [a / (1 + exp(-a)) * b for a, b in zip(gate, inner)]
        found.append(add(x, times(p[f"{name}.feed_forward.outer.weight"], silu)))
    return found


def in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, config = forward(problem.params, problem.batch), problem.config
    n, lengths, ours, theirs = config["future"], problem.batch["mask"].sum(1), [], []
    with workdps(40):
        p = {name: exact(value) for name, value in problem.params.items()}
        losses: list[Vector] = [[] for _ in range(n)]
        for b, length in enumerate(lengths):
            tokens = problem.batch["tokens"][b, :length].tolist()
            z = [p["embedding.weight"][token] for token in tokens]
            for number in range(config["layers"]):
                z = layer(p, f"trunk.{number}", z, config["attention_heads"])
            for i in range(n):
                # the heads through which z passes on its way to token t + i
                path = {"parallel": [i], "causal": range(i + 1), "anticausal": range(n - 1, i - 1, -1)}[
                    config["arrangement"]
                ]
                x = z
                for k in path:
                    if config["head"] == "layer":
                        x = layer(p, f"heads.{k}", x, config["attention_heads"])
                    elif config["head"] == "linear":
                        x = [times(p[f"heads.{k}.weight"], x_t) for x_t in x]
                matrix = p[f"unembedding.{i}.weight" if config["head"] == "unembedding" else "unembedding.weight"]
                for x_t, target in zip(x, tokens[i + 1 :]):
                    scores = times(matrix, rms(x_t, p["norm.weight"]))
                    losses[i].append(log(fsum(exp(s - max(scores)) for s in scores)) + max(scores) - scores[target])
                ours.append(found["heads"][b, i, :length].ravel())
                theirs.append(np.array(x, dtype=float).ravel())
            ours.append(found["trunk"][b, :length].ravel())
            theirs.append(np.array(z, dtype=float).ravel())
        terms = np.array([float(fsum(each) / len(losses[0])) for each in losses])
    return np.concatenate([*ours, found["head_losses"]]), np.concatenate([*theirs, terms])


def prefix_by_prefix(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, last = problem.batch, []
    for end in range(2, batch["tokens"].shape[1] + 1):
        short = {name: value[:, :end] for name, value in batch.items()}
        last.append(forward(problem.params, short)["logits"][:, :, -1])
    return forward(problem.params, batch)["logits"][:, :, 1:], np.stack(last, 2)


def equal_parameters(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Counted over the room's list of arrays, and by hand from d, the inner width and V of the paper's 7B model of Llama's shape."""
    sizes: Arrays = {"vocabulary": 32000, "model": 4096, "inner": 11008}
    n_layers = [(31, 1), (30, 2), (28, 4), (24, 8)]  # 32 layers in all
    listed = [checks.shapes(**sizes, layers=layers, future=n, head="layer") for layers, n in n_layers]
    ours = [sum(int(np.prod(shape)) for shape in one.values()) for one in listed]
    by_hand = 32 * (4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096) + 2 * 32000 * 4096 + 4096
    return np.array(ours), np.full(len(ours), by_hand)
