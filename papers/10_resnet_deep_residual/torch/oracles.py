r"""Other ways to the numbers of the PyTorch layer (arXiv:1512.03385): running statistics, and the backward pass by hand."""

import torch
from torch.nn import functional as F

from s30.room import Array, Arrays, Forward, Oracle, Problem, sibling

Model = sibling(__file__, "model.py").Model
backward = sibling(__file__, "../backward.py")


def _tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def _running(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """`nn.BatchNorm2d` that learns its statistics from one batch (momentum 1), then is asked in evaluation mode.

    Its running variance is the unbiased one, n/(n - 1) times the batch's.
    """
    out = _tensors(forward(problem.params, problem.batch))
    h, eps, params = out["convolved2"], problem.config["eps"], _tensors(problem.params)
    norm = torch.nn.BatchNorm2d(h.shape[1], eps, momentum=1.0).double()
    norm.weight.data, norm.bias.data = params["block2.norm2.weight"], params["block2.norm2.bias"]
    norm(h)
    count = h[:, 0].numel()
    norm.running_var *= (count - 1) / count
    with torch.no_grad():
        residual = norm.eval()(h)
    return out["residual2"].numpy(), residual.numpy()


def _by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """All gradients by autograd, those by the images among them, against backward.py's."""
    params = {name: value.clone().requires_grad_() for name, value in _tensors(problem.params).items()}
    batch = _tensors(problem.batch)
    images = batch["images"].clone().requires_grad_()
    out = torch.func.functional_call(Model(**problem.config), params, ({**batch, "images": images},))
    wanted = {**params, backward.EXTRA: images}
    ours = torch.autograd.grad(out["loss"], list(wanted.values()))
    theirs = _tensors(backward.gradients(problem))
    left, right = (torch.cat([part.flatten() for part in side]) for side in (ours, [theirs[n] for n in wanted]))
    return left.numpy(), right.numpy()


def _library(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """PyTorch's own functions in a row, from the images to block 1's output."""
    p, images = _tensors(problem.params), torch.from_numpy(problem.batch["images"])

    def layer(block: str, number: str, x: torch.Tensor) -> torch.Tensor:
        weight = p[f"{block}.conv{number}.weight"]
        h = F.conv2d(x, weight, padding="same")
        scale, shift = (p[f"{block}.norm{number}.{kind}"] for kind in ("weight", "bias"))
        return F.batch_norm(h, None, None, scale, shift, training=True, eps=problem.config["eps"])

    stem = F.relu(layer("stem", "", images))
    theirs = F.relu(layer("block1", "2", F.relu(layer("block1", "1", stem))) + stem)
    return forward(problem.params, problem.batch)["block1"], theirs.numpy()


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "running statistics",
            "a residual is what BN gives in evaluation mode, if its statistics are this batch's",
            "torch.nn.BatchNorm2d in evaluation mode, its unbiased variance corrected",
            _running,
            ("one image", "colours", "plain"),
        ),
        Oracle(
            "backward pass by hand",
            "the gradients by all parameters and by the images",
            "backward.py: BN's and the block's rules in NumPy",
            _by_hand,
            ("one image", "colours", "plain", "ties"),
        ),
        Oracle(
            "own functions",
            "the first block's output, of an identity shortcut",
            "torch.nn.functional.conv2d, batch_norm and relu in a row",
            _library,
            ("bright images", "faint weights", "ties"),
        ),
    ]
