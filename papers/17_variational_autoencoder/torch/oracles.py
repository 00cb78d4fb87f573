"""PyTorch's own distributions, GRU cell, gradients and Jacobian, which this room's must equal (paper 17)."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from s30.room import EXACT, Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "../numpy_checks.py")
model = sibling(__file__, "model.py")
reach = sibling(__file__, "../windows.py").reach


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "distributions", "log q, log u, log p(x|z) and the closed form of the divergence", "torch.distributions", distributions,
            ("one_image", "recurrent", "plain_prior", "far_codes", "loud_pixels"),
        ),
        Oracle(
            "window_by_gradient", "the logit of a pixel has a gradient at the pixels of its window, and at no other", "torch.autograd",
            by_gradient,
            ("one_image", "plain_prior", "three_layers", "factorised"), EXACT,
        ),
        Oracle("jacobian_by_autograd", "the log-determinants sum to that of d epsilon / d z", "torch.autograd.functional.jacobian",
        jacobian,
               ("one_image", "three_layers")),
        Oracle("gru_cell", "the recurrent decoder's logits are those of cells, one pixel after another", "torch.nn.GRUCell", cells,
        ("recurrent",)),
    ]  # fmt: skip


def build(problem: Problem) -> nn.Module:
    with torch.random.fork_rng(devices=[]):  # its start is not what is asked
        network = model.Model(**problem.config)
    network.load_state_dict({name: torch.as_tensor(value) for name, value in problem.params.items()})
    return network


def distributions(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = {name: torch.as_tensor(value) for name, value in forward(problem.params, problem.batch).items()}
    posterior = Normal(found["mean"], found["log_sigma"].exp())
    log_q = Independent(Normal(found["mean"][:, None], found["log_sigma"].exp()[:, None]), 1).log_prob(found["z"])
    log_u = Independent(Normal(torch.zeros_like(found["epsilon"]), 1.0), 1).log_prob(found["epsilon"])
    images = torch.as_tensor(problem.batch["images"])[:, None].expand_as(found["logits"])
    log_x = Independent(Bernoulli(logits=found["logits"]), 2).log_prob(images)
    divergence = kl_divergence(posterior, Normal(torch.zeros_like(found["mean"]), 1.0)).sum(-1)
    ours = [found[name] for name in ("log_q", "log_u", "log_likelihood", "gaussian_kl")]
    return _flat(*ours), _flat(log_q, log_u, log_x, divergence)


def by_gradient(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """1 where the gradient is not zero, of the first image and sample; the windows, walked through."""
    config = problem.config
    network, images = build(problem), torch.as_tensor(problem.batch["images"][:1]).requires_grad_()
    z = torch.as_tensor(forward(problem.params, problem.batch)["z"][:1])
    _, logits = network.decode(images, z)
    rows = [torch.autograd.grad(logit, images, retain_graph=True)[0].flatten() for logit in logits[0, 0].flatten()]
    return (torch.stack(rows) != 0).double().numpy(), reach(
        *(config[name] for name in ("height", "width", "kernel", "layers"))
    ).astype(float)


def jacobian(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    network, found = build(problem), forward(problem.params, problem.batch)
    codes = torch.as_tensor(found["z"]).flatten(0, 1)
    wanted = [
        torch.autograd.functional.jacobian(lambda z: network.whiten(z[None])[0][0], code).slogdet().logabsdet
        for code in codes
    ]
    return found["log_determinants"].sum(-1).ravel(), torch.stack(wanted).detach().numpy()


def cells(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """On the checked problems with a recurrent decoder drawn for them."""
    if problem.config["decoder"] != "recurrent":
        problem = checks.drawn(np.random.default_rng(17), 2, 2, {**problem.config, "decoder": "recurrent"})
    found = forward(problem.params, problem.batch, **problem.config)
    features = torch.as_tensor(found["features"]).flatten(3).flatten(0, 1)  # (batch and sample, map, pixel)
    samples = found["z"].shape[1]
    pixels = torch.as_tensor(problem.batch["images"]).flatten(1).repeat_interleave(samples, 0)
    with torch.random.fork_rng(devices=[]):
        cell = nn.GRUCell(features.shape[1] + 1, problem.config["channels"])
    cell.load_state_dict(
        {
            name: torch.as_tensor(problem.params[f"gru.{name}_l0"])
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        }
    )
    weight, bias = (torch.as_tensor(problem.params[f"output.{part}"]) for part in ("weight", "bias"))
    hidden, before, logits = torch.zeros(len(pixels), problem.config["channels"]), torch.zeros(len(pixels)), []
    for i in range(pixels.shape[1]):
        hidden = cell(torch.cat([before[:, None], features[:, :, i]], -1), hidden)
        logits.append((hidden @ weight.T + bias)[:, 0])
        before = pixels[:, i]
    return found["logits"].ravel(), torch.stack(logits, -1).detach().numpy().ravel()


def _flat(*parts: torch.Tensor) -> Array:
    return torch.cat([part.flatten() for part in parts]).numpy()
