"""PyTorch's own loss, normalisation and convolution, which this room's must equal (paper 21)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from s30.room import Array, Forward, Oracle, Problem, sibling

model = sibling(__file__, "model.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "library_loss", "log p(l | x), and -infinity where there is no alignment", "torch.nn.functional.ctc_loss", loss,
            ("one_frame", "streaming", "low_ceiling", "large_logits"),
        ),
        Oracle(
            "library_gradient", "d loss / d logits is y - occupancy in real frames, over the number of examples with an alignment",
            "the gradient of torch.nn.functional.ctc_loss", gradient, ("streaming", "low_ceiling"),
        ),
        Oracle(
            "long_input", "of 600 frames the probability is below e^-745 and so 0 in doubles, its logarithm is not",
            "torch.nn.functional.ctc_loss", long_input,
        ),
        Oracle(
            "library_normalisation", "B over the real frames",
            "torch.nn.functional.batch_norm in training, on all real frames as one batch", normalisation,
        ),
    ]  # fmt: skip


def library(logits: Tensor, problem: Problem, zero: bool = False) -> Tensor:
    """-log p(l | x), (batch,); with `zero` 0 in place of infinity, and without NaN in its gradient."""
    batch, stride = problem.batch, problem.config["stride"]
    frames = torch.from_numpy(batch["frame_mask"][:, ::stride].sum(1))
    labels = torch.from_numpy(batch["label"][batch["label_mask"]])
    return F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        labels,
        frames,
        torch.from_numpy(batch["label_mask"].sum(1)),
        reduction="none",
        zero_infinity=zero,
    )


def loss(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    theirs = library(torch.from_numpy(found["logits"]), problem).numpy()
    ours = np.where(found["possible"], -found["log_likelihood"], np.inf)
    both = np.isfinite(theirs)
    return np.append(ours[both], ~np.isfinite(ours)), np.append(theirs[both], ~both)


def gradient(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    logits = torch.from_numpy(found["logits"]).requires_grad_()
    nll, possible = library(logits, problem, zero=True), torch.from_numpy(found["possible"])
    nll[possible].mean().backward()
    real = problem.batch["frame_mask"][:, :: problem.config["stride"]] & found["possible"][:, None]
    slope = (logits.detach().softmax(-1).numpy() - found["occupancy"]) / found["possible"].sum()
    return np.where(real[..., None], slope, 0.0), logits.grad.numpy()


def long_input(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng, stride = np.random.default_rng(21), problem.config["stride"]
    batch = {
        "frames": rng.normal(size=(1, 600 * stride, problem.config["frequency"])), "frame_mask": np.ones((1, 600 * stride), bool),
        "label": rng.integers(1, problem.config["symbols"], (1, 20)), "label_mask": np.ones((1, 20), bool),
    }  # fmt: skip
    found = forward(problem.params, batch)
    theirs = -library(torch.from_numpy(found["logits"]), Problem(problem.config, problem.params, batch)).numpy()
    return np.append(found["log_likelihood"], np.exp(found["log_likelihood"])), np.append(theirs, 0.0)


def normalisation(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, config = problem.batch, problem.config
    params = dict(problem.params)
    for name in ("ahead.weight", "back.weight"):
        params[name] = np.zeros_like(params[name])
    w, bias = (torch.from_numpy(params[f"conv.{part}"]) for part in ("weight", "bias"))
    x = torch.from_numpy(batch["frames"] * batch["frame_mask"][..., None]).mT
    real = torch.from_numpy(batch["frame_mask"][:, :: config["stride"]])
    seen = F.conv1d(x, w, bias, config["stride"], config["kernel"] // 2).mT[real].clamp(0, config["ceiling"])
    given = F.batch_norm(
        seen @ torch.from_numpy(params["recurrent.weight"]).T, None, None, torch.from_numpy(params["norm.weight"]),
        torch.from_numpy(params["norm.bias"]), training=True,
    )  # fmt: skip
    return forward(params, batch)["hidden"][real.numpy()], 2 * given.clamp(0, config["ceiling"]).numpy()
