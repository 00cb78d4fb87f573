r"""CS231n's `INPUT -> CONV -> RELU -> POOL -> FC` with softmax and SVM losses, in tinygrad.

Each quantity, its formula and the call of tinygrad that computes it:

    convolved  = x * w + b       nn.Conv2d        (cross-correlation, stride 1, P zeros on each side)
    activation = max(0, .)       Tensor.relu
    pooled     = max of windows  Tensor.max_pool2d, for its indices; Tensor.gather
    f          = W pooled + b    nn.Linear
    softmax    L_i = -log p_{y_i}
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

One one-hot table of the labels serves twice: it selects f_{y_i}, and its complement leaves out j = y_i. The gradient of
`Tensor.max_pool2d` itself would be shared among equal entries; by way of its indices it goes to the first, as in the notes.
"""

from tinygrad import Tensor, nn


class Model:
    """batch: images (batch, channel, height, width), labels (batch,) integers. Losses are means over the batch."""

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
        self.pool, self.strength, self.margin = pool, strength, margin
        self.conv = nn.Conv2d(channels, filters, kernel, padding=padding)
        # (W - F + 2P) / S + 1, for the convolution (S = 1), then for the pooling (F = S, P = 0)
        rows, columns = (side - kernel + 2 * padding + 1 for side in (height, width))
        if rows % pool or columns % pool:
            raise ValueError(f"windows of side {pool} do not fit across {rows} x {columns} outputs")
        self.fc = nn.Linear(filters * (rows // pool) * (columns // pool), classes)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # convolved_k[t, u] = sum_{c,i,j} w_kcij x_c[t+i-P, u+j-P] + b_k
        convolved = self.conv(batch["images"])  # (batch, filter, height, width)
        # activation = max(0, convolved)
        activation = convolved.relu()  # (batch, filter, height, width)
        # pooled = max over windows that do not overlap, read at the notes' switches: the first of equal entries
        _, switches = activation.max_pool2d((self.pool, self.pool), return_indices=True)
        pooled = activation.flatten(2).gather(2, switches.flatten(2)).reshape(switches.shape)
        # (batch, filter, rows, columns)
        # f = W pooled + b
        scores = self.fc(pooled.flatten(1))  # (batch, class)
        # 1/N sum_i -log p_{y_i}
        chosen = batch["labels"].one_hot(scores.shape[1]).cast(scores.dtype)  # (batch, class)
        cross_entropy = -(scores.log_softmax(1) * chosen).sum(1).mean()
        # 1/N sum_i sum_{j != y_i} max(0, f_j - f_{y_i} + Delta)
        correct = (scores * chosen).sum(1, keepdim=True)  # (batch, 1)
        hinge = ((scores - correct + self.margin).relu() * (1 - chosen)).sum(1).mean()
        # 1/2 lambda ||W||^2, over the weights of both layers and no bias
        regularisation = 0.5 * self.strength * (self.conv.weight.square().sum() + self.fc.weight.square().sum())
        return {
            "convolved": convolved,
            "activation": activation,
            "pooled": pooled,
            "scores": scores,
            "probabilities": scores.softmax(1),  # (batch, class)
            "cross_entropy": cross_entropy,
            "hinge": hinge,
            "regularisation": regularisation,
            "loss": cross_entropy + regularisation,
        }
