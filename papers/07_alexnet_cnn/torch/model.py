r"""AlexNet's layers once each, on two small images (Krizhevsky, Sutskever, Hinton, NIPS 2012), in PyTorch.

Each quantity, its formula and the call of PyTorch that computes it:

    conv1  = f(w * x + b)                                       nn.Conv2d(stride), ACTIVATIONS             section 3.1
    norm1  = a / (k + alpha sum of near squares)^beta           F.local_response_norm, alpha times n       section 3.3
    pooled = max over z x z, s apart                            F.max_pool2d(z, s)                         section 3.4
    conv2  = f(w^g * pooled^g + b)                              nn.Conv2d(groups)                          section 3.2
    hidden = f(W x + b) * mask, or times `keep` at test time    nn.Linear                                  section 4.2
    loss   = mean of -log softmax(logits)_y                     F.cross_entropy                            section 3.5

    paper          | code                        | shape
    image, class   | images, labels              | (batch, channel, height, width), (batch,) int64
    dropped or not | mask                        | (batch, hidden), 1 or 0
    kernels        | conv1, conv2                | (kernel, channel / groups, F, F)
    4096, 1000     | fc1, fc2                    | (hidden, feature), (class, hidden)
    n              | near                        | of an even n the paper's sum holds n + 1 maps

PyTorch divides alpha by the number of maps in the sum and the paper does not, so it is given alpha times that number.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ACTIVATIONS = {"relu": F.relu, "tanh": torch.tanh, "logistic": torch.sigmoid}


class Model(nn.Module):
    """batch: images, labels, mask. The loss is a mean over the batch, in nats."""

    def __init__(
        self, *, channels: int, height: int, width: int, kernels1: int, kernels2: int, kernel: int, stride: int, padding: int,
        pool: int, apart: int, groups: int, hidden: int, classes: int, k: float, near: int, alpha: float, beta: float,
        activation: str, keep: float, training: bool,
    ):  # fmt: skip
        super().__init__()
        for count, what in ((kernels1, "maps"), (kernels2, "kernels")):
            if count % groups:
                raise ValueError(f"{count} {what} do not divide into {groups} groups")
        self.squash, self.pool, self.apart = ACTIVATIONS[activation], pool, apart
        maps = 2 * (near // 2) + 1
        self.norm = nn.LocalResponseNorm(maps, alpha * maps, beta, k)
        # without alpha there is no sum, which would cost a third of a training step
        self.scale = None if alpha else k**-beta
        self.share = None if training else keep
        self.conv1 = nn.Conv2d(channels, kernels1, kernel, stride, padding)
        self.conv2 = nn.Conv2d(kernels1, kernels2, 3, padding=1, groups=groups)
        # floor((W - F + 2P) / S) + 1, for the first layer, then for the pooling
        sides = (((side - kernel + 2 * padding) // stride + 1 - pool) // apart + 1 for side in (height, width))
        self.fc1 = nn.Linear(kernels2 * next(sides) * next(sides), hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # a^i = f(w_i * x + b_i)
        conv1 = self.squash(self.conv1(batch["images"]))  # (batch, kernel, height, width)
        # b^i = a^i / (k + alpha sum_j (a^j)^2)^beta
        norm1 = self.norm(conv1) if self.scale is None else conv1 * self.scale  # (batch, kernel, height, width)
        # the largest of each neighbourhood; of equal entries the first in reading order gets the gradient
        pooled = F.max_pool2d(norm1, self.pool, self.apart)  # (batch, kernel, rows, columns)
        conv2 = self.squash(self.conv2(pooled))  # (batch, kernel, rows, columns)
        # hidden = f(W x + b), dropped or, at test time, halved
        neurons = self.squash(self.fc1(conv2.flatten(1)))
        hidden = neurons * (batch["mask"] if self.share is None else self.share)  # (batch, hidden)
        logits = self.fc2(hidden)  # (batch, class)
        return {
            "conv1": conv1,
            "norm1": norm1,
            "pooled": pooled,
            "conv2": conv2,
            "hidden": hidden,
            "logits": logits,
            "loss": F.cross_entropy(logits, batch["labels"]),  # mean of -log p_y
        }
