r"""Other ways to the numbers of the PyTorch layer (CS231n): PyTorch's own losses, im2col, and the backward pass by hand."""

import torch
from torch.nn import functional as F

from s30.room import Array, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
backward = sibling(__file__, "../backward.py")


def _tensors(arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def _im2col(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    convolved = forward(problem.params, problem.batch)["convolved"]
    params, batch = _tensors(problem.params), _tensors(problem.batch)
    columns = F.unfold(batch["images"], problem.config["kernel"], padding=problem.config["padding"])
    rows = params["conv.weight"].flatten(1)
    products = rows @ columns + params["conv.bias"][:, None]  # (batch, filter, place)
    return convolved, products.reshape(convolved.shape).numpy()


def _losses(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch)
    scores, labels = torch.from_numpy(out["scores"]), torch.from_numpy(problem.batch["labels"])
    # PyTorch divides by the number of classes, the notes do not.
    hinge = F.multi_margin_loss(scores, labels, margin=problem.config["margin"]) * scores.shape[1]
    theirs = torch.stack([F.nll_loss(F.log_softmax(scores, 1), labels), hinge])
    return torch.tensor([float(out["cross_entropy"]), float(out["hinge"])]).numpy(), theirs.numpy()


def _gradients(problem: Problem) -> dict[str, torch.Tensor]:
    """d loss by every parameter, by `convolved` and by the `images`, by autograd."""
    model, batch = Model(**problem.config), _tensors(problem.batch)
    params = {name: value.clone().requires_grad_() for name, value in _tensors(problem.params).items()}
    images = batch["images"].clone().requires_grad_()
    out = torch.func.functional_call(model, params, ({**batch, "images": images},))
    wanted = {**params, "convolved": out["convolved"], "images": images}
    return dict(zip(wanted, torch.autograd.grad(out["loss"], list(wanted.values()))))


def _by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    ours, theirs = _gradients(problem), _tensors(backward.gradients(problem))
    left, right = (torch.cat([side[name].flatten() for name in ours]).numpy() for side in (ours, theirs))
    return left, right


def _transposed(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    gradient, weight = _gradients(problem), torch.from_numpy(problem.params["conv.weight"])
    theirs = F.conv_transpose2d(gradient["convolved"], weight, padding=problem.config["padding"])
    return gradient["images"].numpy(), theirs.numpy()


def oracles() -> list[Oracle]:
    shapes = ("one image", "colours", "single pixels", "whole images")
    return [
        Oracle(
            "im2col", "CONV is one matrix product", "torch.nn.functional.unfold, then a matrix product", _im2col, shapes
        ),
        Oracle(
            "own losses",
            "the hinge and the cross-entropy of the scores",
            "F.multi_margin_loss times the number of classes, F.nll_loss of F.log_softmax",
            _losses,
            ("one image", "colours", "high and low scores", "low scores", "bright images", "ties"),
        ),
        Oracle(
            "backward pass by hand",
            "the gradients by all parameters, by CONV's outputs and by the images",
            "backward.py: each gate's rule in NumPy, with the notes' switches",
            _by_hand,
            (*shapes, "ties"),
        ),
        Oracle(
            "transposed convolution",
            "the gradient of the images is CONV's outputs' gradient, convolved with the flipped filters",
            "torch.nn.functional.conv_transpose2d",
            _transposed,
            shapes,
        ),
    ]
