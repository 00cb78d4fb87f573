r"""How the nets of `task.py` are trained and asked in PyTorch: all starts side by side, as groups of channels.

    y = F + x, x' = sigma(y)     `res_8`, `res_32`: identity shortcuts (equation 1)
    x' = sigma(F)                `plain_8`, `plain_32`
    training                     `torch.optim.SGD` with momentum and weight decay (section 4.2)

The starts share each minibatch and nothing else: the loss that is minimised is the sum of theirs.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from s30.room import Array, Arrays, Trained, Training, sibling

task = sibling(__file__, "../task.py")


def convolve(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    """x (example, net * channel, h, w), weight (net, filter, channel, 3, 3): every net reads its own channels."""
    return F.conv2d(x, weight.flatten(0, 1), stride=stride, padding=1, groups=len(weight))


def batch_norm(h: Tensor, known: int | None, scale: Tensor, shift: Tensor) -> Tensor:
    """By the batch's statistics, or by those of its first `known` examples; scale and shift (net, filter)."""
    if known is None:
        return F.batch_norm(h, None, None, scale.flatten(), shift.flatten(), training=True, eps=task.EPS)
    variance, mean = torch.var_mean(h[:known], dim=(0, 2, 3), correction=0)
    return F.batch_norm(h, mean, variance, scale.flatten(), shift.flatten(), eps=task.EPS)


def forward(net: str, params: dict[str, Tensor], images: Tensor, known: int | None = None) -> tuple[Tensor, Tensor]:
    """scores (net, example, class), and by how much each block changes its input, (net, block)."""
    nets, count = len(params["fc.bias"]), len(images)
    scales, shifts = (params[f"norm.{kind}"].unbind(1) for kind in ("weight", "bias"))
    weights = params["conv.weight"].unbind(1)  # whose gradient is stacked once, and not added up layer by layer
    images = images.expand(-1, nets, -1, -1)
    x = F.relu(batch_norm(convolve(images, params["stem.weight"], task.STRIDE), known, scales[0], shifts[0]))
    changes = []
    for layer in range(0, len(weights), 2):
        # F = BN(W2 * sigma(BN(W1 * x)))
        inner = F.relu(batch_norm(convolve(x, weights[layer]), known, scales[layer + 1], shifts[layer + 1]))
        residual = batch_norm(convolve(inner, weights[layer + 1]), known, scales[layer + 2], shifts[layer + 2])
        # x' = sigma(F + x), or sigma(F)
        after = F.relu(residual + x if net.startswith("res") else residual)
        if known is not None:
            moved, size = ((v.unflatten(1, (nets, -1)).square().sum((0, 2, 3, 4))) for v in (after - x, x))
            changes.append((moved / size).sqrt())
        x = after
    pooled = x.mean((2, 3)).reshape(count, nets, -1).transpose(0, 1)  # (net, example, filter)
    scores = torch.baddbmm(params["fc.bias"][:, None], pooled, params["fc.weight"].mT)
    return scores, torch.stack(changes, 1) if changes else scores


def tensors(values: Arrays) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in values.items()}


def train(training: Training) -> Trained:
    params = {name: value.clone().requires_grad_() for name, value in tensors(training.start).items()}
    images, labels = (torch.as_tensor(training.data[name]) for name in ("images", "labels"))
    momentum, decay = (training.settings[name] for name in ("momentum", "decay"))
    optimizer = torch.optim.SGD(params.values(), lr=0.0, momentum=momentum, weight_decay=decay, fused=True)
    losses, kept = [], {}
    for update, (index, rate) in enumerate(zip(torch.as_tensor(training.order), training.rates.tolist()), 1):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        scores, _ = forward(training.net, params, images[index])
        wanted = labels[index].repeat(len(scores))
        loss = F.cross_entropy(scores.flatten(0, 1), wanted, reduction="sum") / len(index)  # the sum of the nets' means
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(scores))
        if update in training.keep:
            kept[update] = parameters(params)
    return Trained(parameters(params), np.array(losses), kept)


def parameters(params: dict[str, Tensor]) -> dict[str, Array]:
    return {name: value.detach().numpy().copy() for name, value in params.items()}


@torch.no_grad()
def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    known = len(inputs["known"])
    scores, changes = forward(net, tensors(params), torch.as_tensor(task.rows(inputs)), known)
    return {"scores": scores[:, known if "images" in inputs else 0 :].numpy(), "changes": changes.numpy()}
