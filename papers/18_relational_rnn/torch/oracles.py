"""PyTorch's own attention, norm and cells, which this room's must equal (paper 18)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from s30.room import Array, Forward, Oracle, Problem


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "library_attention", "what is proposed for the slots at the first step is that of PyTorch's fused attention and norm, with one "
            "block", "torch.nn.functional.scaled_dot_product_attention", attention, ("one_slot", "no_gates"),
        ),
        Oracle(
            "lstm_cell", "given the candidates as inputs, one entry's memory is the cell state of an LSTM whose gates are given",
            "torch.nn.LSTMCell", cell, ("one_slot", "two_blocks"),
        ),
    ]  # fmt: skip


def attention(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, config = {name: torch.from_numpy(value) for name, value in problem.params.items()}, problem.config
    inputs, size = torch.from_numpy(problem.batch["inputs"][:, 0]), config["heads"] * config["head_size"]

    def affine(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.linear(x, params[f"{name}.weight"], params[f"{name}.bias"])

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], params[f"blocks.0.{name}.weight"], params[f"blocks.0.{name}.bias"])

    start = torch.eye(config["slots"], size, dtype=inputs.dtype).expand(len(inputs), -1, -1)
    rows = torch.cat([start, affine("embed", inputs)[:, None]], 1)
    projected = (
        norm("project_norm", affine("blocks.0.project", rows)).unflatten(-1, (config["heads"], -1)).transpose(1, 2)
    )
    key = config["key_size"]
    mixed = F.scaled_dot_product_attention(
        projected[..., :key], projected[..., key : 2 * key], projected[..., 2 * key :]
    )
    rows = new = norm("attention_norm", rows + mixed.transpose(1, 2).flatten(2))
    for n in range(config["mlp_layers"]):
        new = affine(f"mlp.{n}", new.relu() if n else new)
    proposed = norm("mlp_norm", rows + new)[:, :-1]
    wanted = proposed if config["gate_style"] == "none" else proposed.tanh()
    return forward(problem.params, problem.batch)["candidate"][:, 0], wanted.numpy()


def cell(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """An LSTM cell of one unit whose three inputs are what its gates and its candidate are made of."""
    found = {
        name: torch.from_numpy(value)
        for name, value in forward(problem.params, problem.batch).items()
        if value.ndim > 2
    }
    wanted = found["memories"][:, :, 0, 0]  # (batch, time)
    gates = [found[name][:, :, 0, 0].logit() for name in ("input_gate", "forget_gate")]
    given = torch.stack([*gates, found["candidate"][:, :, 0, 0].atanh()], -1)
    lstm = nn.LSTMCell(3, 1)
    with torch.no_grad():
        for value in lstm.parameters():
            value.zero_()
        lstm.weight_ih[:3] = torch.eye(3)  # rows i, f, g, o
        hidden, state = torch.zeros(len(wanted), 1), torch.ones(len(wanted), 1)  # M_0 of this entry is 1
        states = []
        for x in given.unbind(1):
            hidden, state = lstm(x, (torch.zeros_like(hidden), state))
            states.append(state[:, 0])
    return wanted.numpy(), torch.stack(states, 1).numpy()
