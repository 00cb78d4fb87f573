r"""Deep Speech 2: End-to-End Speech Recognition in English and Mandarin (https://arxiv.org/abs/1512.02595).

TODO: replace this affine map by the paper's object.

    prediction = W x + b                   TODO: equation number
    loss       = 1/N sum_i |prediction_i - target_i|^2

    paper | code   | shape here
    x     | inputs | (batch 5, feature 3)
    W     | weight | (output 2, feature 3)
    b     | bias   | (output 2,)
"""

import numpy as np

from s30.room import Arrays, Invariant, Problem

CONFIG = {"features": 3, "outputs": 2}


def forward(params: Arrays, batch: Arrays, **sizes) -> dict:
    """The loss is a mean over the batch of a sum over the outputs."""
    # prediction = W x + b
    prediction = batch["inputs"] @ params["weight"].T + params["bias"]  # (batch, output)
    # 1/N sum_i |prediction_i - target_i|^2
    loss = ((prediction - batch["targets"]) ** 2).sum(axis=1).mean()
    return {"prediction": prediction, "loss": np.asarray(loss)}


def problem(seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    return Problem(
        config=CONFIG,
        params={"weight": rng.normal(size=(2, 3)), "bias": rng.normal(size=2)},
        batch={"inputs": rng.normal(size=(5, 3)), "targets": rng.normal(size=(5, 2))},
    )


def _reordered_examples(forward, problem, rng):
    order = rng.permutation(len(problem.batch["inputs"]))
    batch = {name: value[order] for name, value in problem.batch.items()}
    left, right = forward(problem.params, batch), forward(problem.params, problem.batch)
    return left["prediction"], right["prediction"][order]


def invariants() -> list[Invariant]:
    return [Invariant("example_order", "examples do not mix", "TODO: source", _reordered_examples)]
