"""PyTorch's own functions, which this room's relation network must equal (paper 16)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from s30.room import Array, Forward, Oracle, Problem

VARIANTS = ("deeper", "duplicates", "longest_alone")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "cartesian_product", "the sum over all pairs of real objects, and the logits", "torch.cartesian_prod and nn.Sequential",
            products, VARIANTS,
        ),
        Oracle(
            "categorical", "the loss is the mean over questions of minus the log-probability of the target",
            "torch.distributions.Categorical with the logits", categorical, (*VARIANTS, "large_logits", "list"),
        ),
    ]  # fmt: skip


def sequential(problem: Problem, name: str, layers: int, last_relu: bool) -> nn.Sequential:
    parts: list[nn.Module] = []
    for k in range(layers):
        weight, bias = (torch.from_numpy(problem.params[f"{name}.{k}.{part}"]) for part in ("weight", "bias"))
        linear = nn.Linear(*weight.shape[::-1])
        linear.load_state_dict({"weight": weight, "bias": bias})
        parts += [linear, nn.ReLU()] if last_relu or k < layers - 1 else [linear]
    return nn.Sequential(*parts)


@torch.no_grad()
def products(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch = {**problem.batch, "edges": np.ones_like(problem.batch["edges"])}
    found = forward(problem.params, batch)
    g = sequential(problem, "relation", len(problem.config["relation"]), last_relu=True)
    f = sequential(problem, "readout", len(problem.config["readout"]) + 1, last_relu=False)
    rows = []
    for objects, mask, question in zip(batch["objects"], batch["mask"], batch["question"], strict=True):
        real, q = torch.from_numpy(objects[mask]), torch.from_numpy(question)
        index = torch.arange(len(real))
        first, second = torch.cartesian_prod(index, index).reshape(-1, 2).T
        total = g(torch.cat([real[first], real[second], q.expand(len(first), -1)], 1)).sum(0)
        rows.append(torch.cat([total, f(total)]).numpy())
    return np.concatenate([found["total"], found["logits"]], 1), np.stack(rows)


def categorical(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    said = torch.distributions.Categorical(logits=torch.from_numpy(found["logits"]))
    return found["loss"], -said.log_prob(torch.from_numpy(problem.batch["target"])).mean().numpy()
