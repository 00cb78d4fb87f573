r"""How the nets of `task.py` are trained and asked in PyTorch: five starts side by side, as five groups of channels.

    x' = ReLU(lambda x + F)     `original` (lambda = 1), `half` (1/2): equation 6, f = ReLU
    x' = ReLU(W_s x + F)        `convolution`
    x' = x + F(f^(x))           `full`: equation 9, f^ being BN and ReLU
    x' = ReLU(m x + F)          `dropout`: m keeps an entry, or does not
    training                    `torch.optim.SGD` with momentum and weight decay
    Jacobians                   one backward pass, from x_L to all signals before it

The five share each minibatch and nothing else: the loss that is minimised is the sum of theirs.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from s30.room import Array, Arrays, Trained, Training, sibling

task = sibling(__file__, "../task.py")


def convolve(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """x (example, net * channel, h, w), weight (net, filter, channel, k, k): every net reads its own channels."""
    return F.conv2d(x, weight.flatten(0, 1), stride=stride, padding=weight.shape[-1] // 2, groups=len(weight))


def batch_norm(h: Tensor, known: int | None, scale: Tensor, shift: Tensor) -> Tensor:
    """By the batch's statistics, or by those of its first `known` examples; scale and shift (net, filter)."""
    if known is None:
        return F.batch_norm(h, None, None, scale.flatten(), shift.flatten(), training=True, eps=task.EPS)
    variance, mean = torch.var_mean(h[:known], dim=(0, 2, 3), correction=0)
    return F.batch_norm(h, mean, variance, scale.flatten(), shift.flatten(), eps=task.EPS)


def forward(
    net: str, params: dict[str, Tensor], images: Tensor, shortcut: float | Tensor, known: int | None = None
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """scores (net, example, class), the signals x_0, ..., x_L, and the sums y of each unit.

    `shortcut` is lambda, or what dropout keeps: (example, unit, filter, place).
    """
    nets, count = len(params["fc.bias"]), len(images)
    # unbound, so that the gradient is stacked once, and not added up layer by layer
    scales, shifts, weights = (params[name].unbind(1) for name in ("norm.weight", "norm.bias", "conv.weight"))
    paths = params["shortcut.weight"].unbind(1) if net == "convolution" else ()

    def norm(number: int, h: Tensor) -> Tensor:
        return batch_norm(h, known, scales[number], shifts[number])

    def direct(unit: int, x: Tensor) -> Tensor:
        """h(x)"""
        if paths:
            return convolve(x, paths[unit])
        if isinstance(shortcut, float):
            return shortcut * x
        return torch.where(shortcut[:, unit].reshape(count, -1, *x.shape[2:]).repeat(1, nets, 1, 1), x, 0.0)

    x = F.relu(norm(0, convolve(images.expand(-1, nets, -1, -1), params["stem.weight"], task.STRIDE)))
    signals, sums = [x], []
    for unit in range(len(weights) // 2):
        one, other = 2 * unit, 2 * unit + 1
        if net == "full":
            # F = W2 sigma(BN(W1 sigma(BN(x))))
            residual = convolve(F.relu(norm(one + 1, x)), weights[one])
            residual = convolve(F.relu(norm(other + 1, residual)), weights[other])
        else:
            # F = BN(W2 sigma(BN(W1 x)))
            residual = F.relu(norm(one + 1, convolve(x, weights[one])))
            residual = norm(other + 1, convolve(residual, weights[other]))
        # y = h(x) + F, x' = f(y)
        sums.append(direct(unit, x) + residual)
        x = sums[-1] if net == "full" else F.relu(sums[-1])
        signals.append(x)
    x = F.relu(norm(len(weights) + 1, x)) if net == "full" else x
    pooled = x.mean((2, 3)).reshape(count, nets, -1).transpose(0, 1)  # (net, example, filter)
    return torch.baddbmm(params["fc.bias"][:, None], pooled, params["fc.weight"].mT), signals, sums


def tensors(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items()}


def train(training: Training) -> Trained:
    params = {name: value.clone().requires_grad_() for name, value in tensors(training.start).items()}
    data = tensors(training.data)
    momentum, decay = (training.settings[name] for name in ("momentum", "decay"))
    optimizer = torch.optim.SGD(params.values(), lr=0.0, momentum=momentum, weight_decay=decay, fused=True)
    losses = []
    for index, rate in zip(torch.as_tensor(training.order), training.rates.tolist()):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        shortcut = data["kept"][index] if training.net == "dropout" else task.SHORTCUTS[training.net]
        scores, *_ = forward(training.net, params, data["images"][index], shortcut)
        wanted = data["labels"][index].repeat(len(scores))
        loss = F.cross_entropy(scores.flatten(0, 1), wanted, reduction="sum") / len(index)  # the sum of the nets' means
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(scores))
    return Trained({name: value.detach().numpy() for name, value in params.items()}, np.array(losses))


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known, nets = len(inputs["known"]), len(params["fc.bias"])
    images = torch.as_tensor(task.rows(inputs))
    scores, _, sums = forward(net, tensors(params), images, task.SHORTCUTS[net], known)
    negative = [(y[:known] < 0).double().unflatten(1, (nets, -1)).mean((0, 2, 3, 4)) for y in sums]
    return {
        "known_scores": scores[:, :known].numpy(),
        "scores": scores[:, known:].numpy(),
        "negative": torch.stack(negative, 1).numpy(),
    }


def jacobians(net: str, shortcut: float, params: Arrays, images: Array, at_last: Array) -> dict[str, Array]:
    """With g_L = `at_last` (net, example, filter, place) the gradient by x_L, and g_l that by x_l: |g_l|/|g_L| and
    <g_l, g_L>/|g_L|^2, each (net, signal)."""
    nets = len(at_last)
    _, signals, _ = forward(net, tensors(params), torch.as_tensor(images).requires_grad_(), shortcut)
    last = torch.as_tensor(at_last).transpose(0, 1).reshape(signals[-1].shape)
    found = torch.stack(torch.autograd.grad(signals[-1], signals, last))  # (signal, example, net * filter, h, w)
    by_net, last = (g.unflatten(-3, (nets, -1)).movedim(-4, 0).flatten(-4) for g in (found, last))
    size = torch.linalg.vector_norm(last, dim=1)[:, None]  # (net, 1)
    return {
        "norm": (torch.linalg.vector_norm(by_net, dim=2) / size).numpy(),
        "kept": ((by_net * last[:, None]).sum(2) / size**2).numpy(),
    }
