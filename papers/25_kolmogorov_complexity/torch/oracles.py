"""The code lengths by `torch.lgamma`, and the weights' gradient without automatic differentiation."""

from __future__ import annotations

import math

import numpy as np
import torch

from s30.room import Array, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
shared = sibling(__file__, "../oracles.py")


def closed_form(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """l_k = -log2 prod_c B(n_c0 + a_0, n_c1 + a_1) / B(a_0, a_1)."""
    pseudo = 0.5 * torch.from_numpy(problem.params["log_pseudo"]).exp()  # (expert, 2)

    def log_beta(counts: torch.Tensor) -> torch.Tensor:
        return counts.lgamma().sum(-1) - counts.sum(-1).lgamma()

    bits = [
        [
            float((log_beta(a) - log_beta(a + torch.tensor(seen).reshape(-1, 2))).sum()) / math.log(2)
            for a, seen in zip(pseudo, per_expert, strict=True)
        ]
        for per_expert in shared.cells(problem)
    ]
    return forward(problem.params, problem.batch)["expert_bits"], np.array(bits)


def prior_minus_posterior(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """d loss / d log_weights by `backward`, and (w - mean posterior) / ln 2 from the outputs."""
    mixture = Model(**problem.config)
    mixture.load_state_dict({name: torch.from_numpy(value) for name, value in problem.params.items()})
    mixture({name: torch.from_numpy(value) for name, value in problem.batch.items()})["loss"].backward()
    out = forward(problem.params, problem.batch)
    return mixture.log_weights.grad.numpy(), (out["prior"] - out["posterior"].mean(0)) / math.log(2)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "lgamma",
            "code lengths of the experts from Beta functions of the counts",
            "torch.lgamma",
            closed_form,
            ("one_bit", "one_expert", "orders_3_0", "long_string"),
        ),
        Oracle(
            "prior_minus_posterior",
            "the gradient of the loss by the log-weights is prior minus mean posterior, over ln 2",
            "the formula, from outputs",
            prior_minus_posterior,
            ("orders_3_0", "long_string", "far_weights", "far_pseudo_counts"),
        ),
    ]
