r"""CS231n's `INPUT -> CONV -> RELU -> POOL -> FC` with softmax and SVM losses, in PyTorch.

Each quantity, its formula and the call of PyTorch that computes it:

    convolved  = x * w + b       nn.Conv2d        (cross-correlation, stride 1, P zeros on each side)
    activation = max(0, .)       F.relu
    pooled     = max of windows  F.max_pool2d
    f          = W pooled + b    nn.Linear
    softmax    L_i = -log p_{y_i}                                 F.cross_entropy
    SVM        L_i = sum_{j != y_i} max(0, f_j - f_{y_i} + Delta)
    loss       1/N sum_i L_i (softmax) + 1/2 lambda ||W||^2

    notes        | code                     | shape
    x_i, y_i     | images, labels           | (batch, channel, height, width), (batch,)
    w, b of CONV | conv.weight, conv.bias   | (filter, channel, F, F), (filter,)
    W, b of FC   | fc.weight, fc.bias       | (class, filter * rows * columns), (class,)
    f, p         | scores, probabilities    | (batch, class)
    F, P         | kernel, padding          | scalars; the stride S of CONV is 1, that of POOL is `pool`
    lambda       | strength                 | scalar, on the weights of both layers
    Delta        | margin                   | scalar
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Model(nn.Module):
    """batch: images (batch, channel, height, width), labels (batch,) int64. Losses are means over the batch."""

    def __init__(
        self,
        *,
        channels: int,
        height: int,
        width: int,
        filters: int,
        kernel: int,
        padding: int,
        pool: int,
        classes: int,
        strength: float,
        margin: float,
    ):
        super().__init__()
        self.pool, self.strength, self.margin = pool, strength, margin
        self.conv = nn.Conv2d(channels, filters, kernel, padding=padding)
        # (W - F + 2P) / S + 1, for the convolution (S = 1), then for the pooling (F = S, P = 0)
        rows, columns = (side - kernel + 2 * padding + 1 for side in (height, width))
        if rows % pool or columns % pool:
            raise ValueError(f"windows of side {pool} do not fit across {rows} x {columns} outputs")
        self.fc = nn.Linear(filters * (rows // pool) * (columns // pool), classes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        images, labels = batch["images"], batch["labels"]
        # convolved_k[t, u] = sum_{c,i,j} w_kcij x_c[t+i-P, u+j-P] + b_k
        convolved = self.conv(images)  # (batch, filter, height, width)
        # activation = max(0, convolved)
        activation = F.relu(convolved)  # (batch, filter, height, width)
        # pooled = max over windows that do not overlap; of equal entries the first in reading order gets the gradient
        pooled = F.max_pool2d(activation, self.pool)  # (batch, filter, rows, columns)
        # f = W pooled + b
        scores = self.fc(pooled.flatten(1))  # (batch, class)
        # 1/N sum_i -log p_{y_i}
        cross_entropy = F.cross_entropy(scores, labels)
        # 1/N sum_i sum_{j != y_i} max(0, f_j - f_{y_i} + Delta)
        correct = scores.gather(1, labels[:, None])  # (batch, 1)
        others = F.one_hot(labels, scores.shape[1]) == 0  # (batch, class)
        hinge = (F.relu(scores - correct + self.margin) * others).sum(1).mean()
        # 1/2 lambda ||W||^2, over the weights of both layers and no bias
        regularisation = 0.5 * self.strength * (self.conv.weight.square().sum() + self.fc.weight.square().sum())
        return {
            "convolved": convolved,
            "activation": activation,
            "pooled": pooled,
            "scores": scores,
            "probabilities": torch.softmax(scores, 1),  # (batch, class)
            "cross_entropy": cross_entropy,
            "hinge": hinge,
            "regularisation": regularisation,
            "loss": cross_entropy + regularisation,
        }
