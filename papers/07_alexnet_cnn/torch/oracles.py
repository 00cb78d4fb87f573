r"""Other ways to the numbers (paper 07): PyTorch's functions against NumPy, block-diagonal kernels, gradients by hand; and the
paper's own network, laid out in PyTorch without memory for its weights, against the formulas that count it."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
architecture = sibling(__file__, "../architecture.py")
backward = sibling(__file__, "../backward.py")
checks = sibling(__file__, "../numpy_checks.py")
SQUASH = {"relu": torch.relu, "tanh": torch.tanh, "logistic": torch.sigmoid}


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
    return out["conv2"], SQUASH[problem.config["activation"]](before).numpy()


def own_functions(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """NumPy's normalised maps and grouped convolution; PyTorch's from NumPy's inputs, alpha times the number of maps."""
    config, params = problem.config, tensors(problem.params)
    out = checks.forward(problem.params, problem.batch, **config)
    maps = 2 * (config["near"] // 2) + 1
    norm = F.local_response_norm(
        torch.from_numpy(out["conv1"]), maps, config["alpha"] * maps, config["beta"], config["k"]
    )
    weight, bias = params["conv2.weight"], params["conv2.bias"]
    before = F.conv2d(torch.from_numpy(out["pooled"]), weight, bias, padding=1, groups=config["groups"])
    conv2 = SQUASH[config["activation"]](before)
    return np.append(out["norm1"], out["conv2"]), torch.cat([norm.flatten(), conv2.flatten()]).numpy()


def full_size(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Sides, neurons and parameters, layer by layer: of the paper's network at 227 and at 224 pixels, and of torchvision's."""
    ours, theirs = [], []
    for layers, side, depth in (
        (architecture.LAYERS, 227, 11), (architecture.LAYERS, 224, 8), (architecture.LIBRARY, 224, 11),
    ):  # fmt: skip
        found = architecture.counted(layers[:depth], side)
        ours.append([found[name] for name in ("side", "neurons", "parameters")])
        maps, rows = torch.empty(1, architecture.CHANNELS, side, side, device="meta"), []
        for _, kernels, kernel, stride, padding, groups in layers[:depth]:
            layer: nn.Module = nn.MaxPool2d(kernel, stride, padding)
            if kernels:
                layer = nn.Conv2d(maps.shape[1], kernels, kernel, stride, padding, groups=groups, device="meta")
            maps = layer(maps)
            neurons = maps[0].numel() if kernels else 0
            rows.append([maps.shape[2], neurons, sum(weight.numel() for weight in layer.parameters())])
        theirs.append(np.array(rows).T)
    return np.hstack(ours).astype(float), np.hstack(theirs).astype(float)


def fields(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What an entry sees, and how far on its neighbour sees the same, along one axis, from where the gradient is not 0."""
    found = architecture.counted(architecture.LAYERS, architecture.SIDE)
    line = torch.zeros(1, 1, 227 + 32 * 20, dtype=torch.float64, requires_grad=True)  # no field is cut off at its ends
    maps, rows = line, []
    for layer in architecture.LAYERS:
        maps = F.conv1d(maps, torch.ones(1, 1, layer.kernel, dtype=torch.float64), None, layer.stride, layer.padding)
        middle = maps.shape[2] // 2
        seen = [
            torch.autograd.grad(maps[0, 0, at], line, retain_graph=True)[0][0, 0].nonzero().flatten().tolist()
            for at in (middle, middle + 1)
        ]
        assert all(after == before + 1 for before, after in pairwise(seen[0])), "a field without holes"
        rows.append([len(seen[0]), seen[1][0] - seen[0][0]])
    return np.array([found["field"], found["stride"]], float), np.array(rows, float).T


def oracles() -> list[Oracle]:
    shapes = ("test time", "other sizes", "tanh", "logistic", "no overlap", "far apart", "raw images")
    return [
        Oracle(
            "local response norm and grouped conv2d", "normalised maps and grouped convolution of the NumPy layer: PyTorch's "
            "alpha is ours times the number of maps", "torch.nn.functional.local_response_norm and conv2d", own_functions, shapes,
        ),
        Oracle(
            "full size", "sides, neurons and parameters of the paper's network, and of torchvision's",
            "torch.nn.Conv2d and MaxPool2d on the meta device", full_size,
        ),
        Oracle(
            "receptive fields", "what an entry of each layer of the paper's network sees, in pixels, and how far neighbours are apart",
            "where the gradient of one entry by a line of pixels is not zero", fields,
        ),
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
