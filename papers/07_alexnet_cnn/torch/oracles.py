r"""Other ways to the numbers of the PyTorch layer (paper 07): convolutions, block-diagonal kernels, gradients by hand."""

import torch
from torch.nn import functional as F

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
backward = sibling(__file__, "../backward.py")


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value.copy()) for name, value in arrays.items()}


def as_convolution(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The sum of near squares is a convolution over the maps by ones."""
    out, config = forward(problem.params, problem.batch), problem.config
    squares, maps = torch.from_numpy(out["conv1"]).square().flatten(2).transpose(1, 2), 2 * (config["near"] // 2) + 1
    ones = torch.ones(1, 1, maps, dtype=torch.float64)
    near = F.conv1d(squares.flatten(0, 1)[:, None], ones, padding=maps // 2)[:, 0]  # (batch * pixel, map)
    near = near.unflatten(0, squares.shape[:2]).transpose(1, 2).unflatten(2, out["conv1"].shape[2:])
    return out["norm1"], out["conv1"] / (config["k"] + config["alpha"] * near.numpy()) ** config["beta"]


def by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    model, batch = Model(**problem.config), tensors(problem.batch)
    params = {name: value.requires_grad_() for name, value in tensors(problem.params).items()}
    images = batch["images"].requires_grad_()
    loss = torch.func.functional_call(model, params, ({**batch, "images": images},))["loss"]
    wanted = {**params, "images": images}
    ours = dict(zip(wanted, torch.autograd.grad(loss, list(wanted.values()))))
    theirs = backward.gradients(problem)
    return (
        torch.cat([ours[name].flatten() for name in ours]).numpy(),
        torch.cat([torch.from_numpy(theirs[name]).flatten() for name in ours]).numpy(),
    )


def one_group(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Groups are a layer of all maps whose kernels are block-diagonal."""
    out, params, groups = forward(problem.params, problem.batch), tensors(problem.params), problem.config["groups"]
    blocks = params["conv2.weight"].flatten(2).chunk(groups)
    places = [torch.block_diag(*(block[:, :, tap] for block in blocks)) for tap in range(9)]
    whole = torch.stack(places, -1).unflatten(2, (3, 3))
    before = F.conv2d(torch.from_numpy(out["pooled"]), whole, params["conv2.bias"], padding=1)
    squash = {"relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid}[problem.config["activation"]]
    return out["conv2"], squash(before).numpy()


def oracles() -> list[Oracle]:
    shapes = ("test time", "other sizes", "tanh", "logistic", "no overlap", "far apart")
    return [
        Oracle(
            "normalisation as convolution", "the sum of near squares", "torch.nn.functional.conv1d over the maps",
            as_convolution, shapes,
        ),
        Oracle(
            "backward pass by hand", "the gradients by all parameters and by the images", "backward.py: each layer's rule in NumPy",
            by_hand, (*shapes, "ties"),
        ),
        Oracle("block-diagonal kernels", "groups", "torch.block_diag and one convolution", one_group, shapes),
    ]  # fmt: skip
