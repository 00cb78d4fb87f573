r"""Other ways to the numbers of the PyTorch layer (arXiv:1603.05027): the backward pass by hand, and equation 8 by autograd."""

import itertools
from dataclasses import replace

import torch

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
backward = sibling(__file__, "../backward.py")


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def _run(problem: Problem) -> tuple[dict, dict, torch.Tensor]:
    params = {name: value.clone().requires_grad_() for name, value in _tensors(problem.params).items()}
    batch = _tensors(problem.batch)
    images = batch["images"].clone().requires_grad_()
    return torch.func.functional_call(Model(**problem.config), params, ({**batch, "images": images},)), params, images


def _by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """All gradients by autograd, those by the images among them, against backward.py's."""
    out, params, images = _run(problem)
    wanted = {**params, "images": images}
    ours = torch.autograd.grad(out["loss"], list(wanted.values()))
    theirs = _tensors(backward.gradients(problem))
    left, right = (torch.cat([part.flatten() for part in side]) for side in (ours, [theirs[n] for n in wanted]))
    return left.numpy(), right.numpy()


def _two_terms(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The gradient by x_0, and lambda^2 times that by x_2 plus what comes by way of the residuals."""
    out, _, _ = _run(problem)
    scale, by = problem.config["shortcut_scale"], problem.config["residual_scale"]
    whole, last = torch.autograd.grad(out["loss"], [out["stem"], out["block2"]], retain_graph=True)
    residuals = by * (scale * out["residual1"] + out["residual2"])
    (around,) = torch.autograd.grad(residuals, out["stem"], grad_outputs=last)
    return whole.numpy(), (scale**2 * last + around).numpy()


def _signs(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """A gradient at x_2, sent back to x_0 with each sign of both units' last weights, on average; and lambda^2 times it."""
    found = []
    for signs in itertools.product((1.0, -1.0), repeat=2):
        signed = {
            f"block{n}.conv2.weight": sign * problem.params[f"block{n}.conv2.weight"] for n, sign in enumerate(signs, 1)
        }
        out, _, _ = _run(replace(problem, params={**problem.params, **signed}))
        sent = torch.sin(torch.arange(out["block2"].numel(), dtype=torch.float64)).reshape(out["block2"].shape)
        found += torch.autograd.grad(out["block2"], out["stem"], sent)
    return torch.stack(found).mean(0).numpy(), problem.config["shortcut_scale"] ** 2 * sent.numpy()


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "backward pass by hand",
            "the gradients by all parameters and by the images, in each of the five orders",
            "backward.py: a tape of gates in NumPy",
            _by_hand,
            ("one image", "original unit", "ReLU only", "BN after", "ReLU before", "ties"),
        ),
        Oracle(
            "two terms",
            "the gradient by x_0 is lambda^2 times that by x_2, plus what comes through the residuals",
            "equation 8, its second term by autograd through the residuals alone",
            _two_terms,
            ("one image",),
        ),
        Oracle(
            "mean over signs",
            "a gradient sent back through two units is, on average over the signs of their last weights, lambda^2 times itself",
            "the closed form: residuals are odd in these weights, so all but the shortcuts' term cancels",
            _signs,
            ("one image",),
        ),
    ]
