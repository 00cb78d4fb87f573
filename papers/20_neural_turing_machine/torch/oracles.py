"""PyTorch's own cosine similarity, circular convolution, attention and LSTM cell, which this room's must equal (paper 20)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "library_cosine", "w^c of every step, from the memory before it", "torch.nn.functional.cosine_similarity", cosine,
            ("lstm", "given_start", "strong_key"),
        ),
        Oracle(
            "library_convolution", "w~ is a correlation of w^g, padded around its ends, with s backwards",
            "torch.nn.functional.conv1d after pad(mode='circular')", convolution, ("given_start", "zeros_in_the_weighting"),
        ),
        Oracle(
            "library_attention", "what rows of length 1 give a query of length beta with keys of length 1 is content weighting",
            "torch.nn.functional.scaled_dot_product_attention", attention, ("given_start",),
        ),
        Oracle("library_lstm", "the LSTM controller's h, as the logits of every step show it", "torch.nn.LSTMCell", cell, ("lstm",)),
    ]  # fmt: skip


def before(problem: Problem, found: dict[str, Array]) -> torch.Tensor:
    """M_{t-1} at every step, (batch, time, row, size)."""
    first, *_ = checks.start(problem.params, problem.batch, len(found["memories"]), **problem.config)
    return torch.cat([torch.tensor(first)[:, None], torch.from_numpy(found["memories"][:, :-1])], 1)


def cosine(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    key, strength = (torch.from_numpy(found[name]) for name in ("key", "strength"))
    similarity = F.cosine_similarity(key[..., None, :], before(problem, found)[:, :, None], dim=-1)
    return found["content"], (strength * similarity).softmax(-1).numpy()


def convolution(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found, reach = forward(problem.params, problem.batch), problem.config["reach"]
    gated, shift = (torch.from_numpy(found[name]).flatten(0, 2) for name in ("gated", "shift"))
    padded = F.pad(gated[None], (reach, reach), mode="circular")  # one channel for each weighting
    return found["shifted"], F.conv1d(padded, shift.flip(-1)[:, None], groups=len(shift))[0].view(
        found["shifted"].shape
    ).numpy()


def attention(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    key, strength = (torch.from_numpy(found[name]) for name in ("key", "strength"))
    rows = before(problem, found)
    eye = torch.eye(rows.shape[2], dtype=rows.dtype).expand(*rows.shape[:2], -1, -1)  # values that show the weights
    query = strength * F.normalize(key, dim=-1)
    return found["content"], F.scaled_dot_product_attention(query, F.normalize(rows, dim=-1), eye, scale=1.0).numpy()


def cell(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The logits of every step from the controller's h, given what was read the step before; of the checked problem, whose controller is
    no LSTM, by torch.nn.functional.linear alone."""
    params = {name: torch.from_numpy(value) for name, value in problem.params.items()}
    found, hidden = forward(problem.params, problem.batch), problem.config["hidden"]
    inputs, reads = torch.from_numpy(problem.batch["inputs"]), torch.from_numpy(found["reads"])
    before = torch.cat([params["start.read"].expand(len(reads), 1, -1, -1), reads[:, :-1]], 1)
    given = torch.cat([inputs, before.flatten(2)], -1)  # (batch, time, feature + ...)
    if problem.config["controller"] == "lstm":
        h = library_lstm(params, given, hidden)
    else:
        h = F.linear(given, params["controller.input.weight"], params["controller.input.bias"]).tanh()
    both = torch.cat([h, reads.flatten(2)], -1)
    return found["logits"], F.linear(both, params["output.weight"], params["output.bias"]).numpy()


@torch.no_grad()
def library_lstm(params: dict[str, torch.Tensor], given: torch.Tensor, hidden: int) -> torch.Tensor:
    lstm = nn.LSTMCell(given.shape[-1], hidden, dtype=given.dtype)
    of_input, of_hidden = params["controller.input.weight"].split([given.shape[-1], hidden], 1)
    lstm.weight_ih.copy_(of_input)
    lstm.weight_hh.copy_(of_hidden)
    lstm.bias_ih.copy_(params["controller.input.bias"])
    lstm.bias_hh.zero_()
    state, every = tuple(params[name].expand(len(given), -1) for name in ("controller.h", "controller.c")), []
    for x in given.unbind(1):
        state = lstm(x, state)
        every.append(state[0])
    return torch.stack(every, 1)
