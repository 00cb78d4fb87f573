"""Independent computations that NumPy's Transformer must equal (paper 13): many digits, one query at a time, and table 3."""

from __future__ import annotations

import numpy as np
from mpmath import exp, fdot, fsum, log, mpf, workdps

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

# Rows of table 3 that print a number of parameters, of base type: N, d_model, d_ff, h d_k, millions. Then the big model.
TABLE_3 = [
    (6, 512, 2048, 512, 65), (6, 512, 2048, 128, 58), (6, 512, 2048, 256, 60), (2, 512, 2048, 512, 36), (4, 512, 2048, 512, 50),
    (8, 512, 2048, 512, 80), (6, 256, 2048, 256, 28), (6, 1024, 2048, 1024, 168), (6, 512, 1024, 512, 53), (6, 512, 4096, 512, 90),
]  # fmt: skip
BIG = (6, 1024, 4096, 1024, 213)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "attention_in_many_digits", "weights of encoder and cross-attention are exp(q.k / sqrt(d_k)) over their sum",
            "equation (1) one query at a time, by mpmath with 60 digits", attention_in_many_digits, ("large_scores", "below_minus_1e9"),
        ),
        Oracle(
            "loss_in_many_digits", "the loss is the mean of log sum exp z - sum_k q_k z_k over the real tokens",
            "section 5.4 one token at a time, by mpmath with 60 digits", loss_in_many_digits, ("large_logits",),
        ),
        Oracle(
            "prefix_by_prefix", "a token's logits are those of the target cut off behind it",
            "one forward pass for each prefix", prefix_by_prefix,
        ),
        Oracle(
            "positions_as_powers", "PE(pos, 2i + 1) + i PE(pos, 2i) is the pos-th power of one complex number of modulus one",
            "complex powers", positions_as_powers,
        ),
        Oracle(
            "table_3", "with 41,106 words the architecture has the millions of parameters that ten rows of table 3 print",
            "table 3 of the paper", table_3,
        ),
    ]  # fmt: skip


def attention_in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch, config = problem.params, problem.batch, problem.config
    outputs, (_, steps) = forward(params, batch), checks.trace(params, batch, **config)
    last, mask = config["layers"] - 1, batch["source_mask"]
    theirs = []
    with workdps(60):
        for name in (f"encoder.{last}.attention", f"decoder.{last}.cross_attention"):
            query, key = steps[f"{name}.query"], steps[f"{name}.key"]  # (batch, head, time, d_k)
            for b, h, q in np.ndindex(query.shape[:3]):
                root = mpf(query.shape[-1]) ** 0.5
                scores = [exp(fdot(query[b, h, q].tolist(), k.tolist()) / root) for k in key[b, h]]
                real = [score if mask[b, at] else mpf(0) for at, score in enumerate(scores)]
                theirs += [float(score / fsum(real)) for score in real]
    ours = [outputs[f"{kind}_attention"][:, last].ravel() for kind in ("encoder", "cross")]
    return np.concatenate(ours), np.array(theirs)


def loss_in_many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs, real, epsilon = (
        forward(problem.params, problem.batch),
        problem.batch["target_mask"],
        problem.config["smoothing"],
    )
    with workdps(60):
        losses = []
        for logits, label in zip(outputs["logits"][real], problem.batch["target_output"][real], strict=True):
            z = [mpf(float(logit)) for logit in logits]
            losses.append(log(fsum(map(exp, z))) - (1 - mpf(epsilon)) * z[label] - mpf(epsilon) * fsum(z) / len(z))
        return outputs["loss"], np.asarray(float(fsum(losses) / len(losses)))


def prefix_by_prefix(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, length = problem.batch, problem.batch["target_input"].shape[1]
    last = []
    for end in range(1, length + 1):
        short = {name: value[:, :end] if name.startswith("target") else value for name, value in batch.items()}
        last.append(
            forward(problem.params, {**short, "target_mask": np.ones_like(short["target_mask"])})["logits"][:, -1]
        )
    whole = forward(problem.params, {**batch, "target_mask": np.ones_like(batch["target_mask"])})["logits"]
    return whole, np.stack(last, 1)


def positions_as_powers(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    length, d_model = 50, problem.config["d_model"]
    turn = np.exp(1j / 10000 ** (np.arange(0, d_model, 2) / d_model))  # by one position
    powers = turn ** np.arange(length)[:, None]  # (position, d_model / 2)
    return checks.sinusoids(length, d_model), np.stack([powers.imag, powers.real], -1).reshape(length, d_model)


def millions(vocabulary: int, row: tuple[int, ...]) -> int:
    """Parameters of a row of table 3 in millions, rounded as they are printed."""
    layers, d_model, d_ff, keys, _ = row
    shapes = checks.shapes(vocabulary=vocabulary, d_model=d_model, d_ff=d_ff, layers=layers)
    narrower = sum(name.endswith(("query.weight", "key.weight")) for name in shapes) * d_model * (d_model - keys)
    return round((sum(int(np.prod(shape)) for shape in shapes.values()) - narrower) / 1e6)


def table_3(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    return np.array([millions(41106, row) for row in TABLE_3]), np.array([row[-1] for row in TABLE_3])
