"""PyTorch's own functions, which this room's model must equal (paper 08)."""

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
            "set2set", "an LSTM without inputs on q* = [q r] is one that has q for its hidden state and reads r",
            "torch.nn.LSTMCell and F.scaled_dot_product_attention", set2set, ("long",),
        ),
        Oracle(
            "glimpses", "the pointers' scores, from what each state glimpses", "F.scaled_dot_product_attention", glimpses,
            ("long", "rival"),
        ),
        Oracle(
            "categorical", "the loss is the mean over examples of minus the summed log-probabilities of both halves",
            "torch.distributions.Categorical with the probabilities", categorical, ("long", "blind", "rival"),
        ),
        Oracle(
            "cells", "the states d_j and h_t, one step at a time", "torch.nn.LSTMCell", cells, ("long", "blind"),
        ),
    ]  # fmt: skip


def tensor(value: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(value))


@torch.no_grad()
def set2set(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, hidden, found = problem.params, problem.config["hidden"], forward(problem.params, problem.batch)
    weight, bias = tensor(params["process.weight"]), tensor(params["process.bias"])
    cell = nn.LSTMCell(hidden, hidden)
    cell.load_state_dict(
        {
            "weight_hh": weight[:, :hidden],
            "weight_ih": weight[:, hidden:],
            "bias_hh": bias,
            "bias_ih": torch.zeros_like(bias),
        }
    )
    memory, mask = tensor(found["memory"]), tensor(problem.batch["point_mask"])
    readout, state = torch.zeros(len(memory), hidden), None
    for _ in range(problem.config["steps"]):
        state = cell(readout, state)
        readout = F.scaled_dot_product_attention(state[0][:, None], memory, memory, mask[:, None], scale=1.0)[:, 0]
    return found["context"], torch.cat([state[0], readout], 1).numpy()


@torch.no_grad()
def glimpses(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, found = problem.params, forward(problem.params, problem.batch)
    memory, decoded, mask = tensor(found["memory"]), tensor(found["decoded"]), tensor(problem.batch["point_mask"])
    glimpsed = F.scaled_dot_product_attention(
        decoded, memory, memory, mask[:, None].expand(-1, decoded.shape[1], -1), scale=1.0
    )
    w1, w2, w3 = (tensor(params[f"{name}.weight"]) for name in ("key", "query", "glimpse"))
    query = F.linear(torch.cat([decoded, glimpsed], 2), torch.cat([w2, w3], 1))  # of [d g] at once
    inner = torch.tanh(F.linear(memory, w1)[:, None] + query[:, :, None])
    return found["scores"], torch.einsum("bjih,h->bji", inner, tensor(params["score.weight"][0])).numpy()


def categorical(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, batch = forward(problem.params, problem.batch), problem.batch
    said = torch.distributions.Categorical(tensor(found["probability"])).log_prob(tensor(batch["target"])).numpy()
    pair = batch["order"] * problem.config["symbols"] + np.take_along_axis(batch["values"], batch["order"], 1)
    joint = (
        torch.distributions.Categorical(tensor(found["joint_probability"]).flatten(2)).log_prob(tensor(pair)).numpy()
    )
    return found["loss"], -np.where(batch["target_mask"], said, 0).sum(1).mean() - joint.sum(1).mean()


@torch.no_grad()
def cells(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch, found = problem.params, problem.batch, forward(problem.params, problem.batch)
    pair = batch["order"] * problem.config["symbols"] + np.take_along_axis(batch["values"], batch["order"], 1)
    memory, begun = found["memory"], found["context"] @ params["context.weight"].T
    given = np.take_along_axis(memory, batch["target"][..., None], 1)
    theirs = [unrolled(params, "write", params["start"], given, begun)]
    theirs.append(
        unrolled(params, "joint.lstm", params["joint.start"], params["joint.embedding.weight"][pair], 0 * begun)
    )
    return np.concatenate([found["decoded"].ravel(), found["known"].ravel()]), np.concatenate(
        [value.ravel() for value in theirs]
    )


def unrolled(params: dict[str, Array], name: str, start: Array, given: Array, begun: Array) -> Array:
    """The states (batch, step, hidden) of a cell that reads `start`, then `given` but for its last."""
    cell = nn.LSTMCell(len(start), len(start))
    cell.load_state_dict(
        {part: tensor(params[f"{name}.{part}_l0"]) for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    )
    state, seen = (tensor(begun), torch.zeros(begun.shape)), []
    for x in [np.broadcast_to(start, given[:, 0].shape), *given.swapaxes(0, 1)[:-1]]:
        state = cell(tensor(x), state)
        seen.append(state[0].numpy())
    return np.stack(seen, 1)
