"""PyTorch's own functions, which this room's pointer network must equal (paper 06)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "categorical", "the loss is the mean over examples of minus the summed log-probability of the targets",
            "torch.distributions.Categorical with the probabilities", categorical, ("tours", "partial", "dictionary"),
        ),
        Oracle(
            "cells", "the states e_j and d_i, one step at a time up to each length", "torch.nn.LSTMCell", cells, ("tours", "dictionary"),
        ),
        Oracle(
            "chosen_scores", "softmax over the choices that are left, and over no others, is the probability of each of them",
            "F.softmax of a shorter vector", chosen_scores, ("tours", "partial", "large_scores"),
        ),
    ]  # fmt: skip


def categorical(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs, batch = forward(problem.params, problem.batch), problem.batch
    said = torch.distributions.Categorical(torch.from_numpy(outputs["probability"])).log_prob(
        torch.from_numpy(batch["target"])
    )
    return outputs["loss"], -np.where(batch["target_mask"], said.numpy(), 0).sum(1).mean()


@torch.no_grad()
def cells(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch = problem.params, problem.batch
    outputs, ours, theirs = forward(params, batch), [], []
    both = {}
    for name in ("encoder", "decoder"):
        both[name] = nn.LSTMCell(problem.config["features"], problem.config["hidden"])
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        both[name].load_state_dict({part: torch.from_numpy(params[f"{name}.{part}_l0"]) for part in parts})
    for b, length in enumerate(batch["point_mask"].sum(1)):
        state = (torch.zeros(1, problem.config["hidden"]),) * 2
        points, width = batch["points"][b, :length], problem.config["dictionary"] or batch["points"].shape[1]
        nothing = np.zeros((width - length, points.shape[1]))  # a name of no point
        table = torch.from_numpy(np.concatenate([params["start"][None], points, nothing]))
        for j in range(length):
            state = both["encoder"](table[j + 1 : j + 2], state)
            theirs.append(state[0][0].numpy())
        ours += list(outputs["encoded"][b, :length])
        for choice in [0, *batch["target"][b, :-1]]:
            state = both["decoder"](table[choice : choice + 1], state)
            theirs.append(state[0][0].numpy())
        ours += list(outputs["decoded"][b])
    return np.array(ours), np.array(theirs)


def chosen_scores(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    outputs, batch, config = forward(problem.params, problem.batch), problem.batch, problem.config
    ours, theirs = [], []
    for b, length in enumerate(batch["point_mask"].sum(1)):
        used: set[int] = set()
        for i in np.flatnonzero(batch["target_mask"][b]):
            left = [0] * config["stop"] + [j for j in range(1, length + 1) if config["reuse"] or j not in used]
            used.add(int(batch["target"][b, i]))
            ours.append(outputs["probability"][b, i, left])
            theirs.append(F.softmax(torch.from_numpy(outputs["scores"][b, i, left]), 0).numpy())
    return np.concatenate(ours), np.concatenate(theirs)
