r"""AlexNet's layers once each, on two small images (Krizhevsky, Sutskever, Hinton, NIPS 2012), in tinygrad.

Each quantity, its formula and the call of tinygrad that computes it:

    conv1  = f(w * x + b)                                       nn.Conv2d(stride)                              section 3.1
    norm1  = a / (k + alpha sum of near squares)^beta           shifted slices of the padded squares           section 3.3
    pooled = max over z x z, s apart                            Tensor.unfold twice, argmax                    section 3.4
    conv2  = f(w^g * pooled^g + b)                              nn.Conv2d(groups)                              section 3.2
    hidden = f(W x + b) * mask, or times `keep` at test time    nn.Linear                                      section 4.2
    loss   = mean of -log softmax(logits)_y                     Tensor.log_softmax, one-hot labels             section 3.5

    paper          | code                        | shape
    image, class   | images, labels              | (batch, channel, height, width), (batch,) integers
    dropped or not | mask                        | (batch, hidden), 1 or 0
    kernels        | conv1, conv2                | (kernel, channel / groups, F, F)
    4096, 1000     | fc1, fc2                    | (hidden, feature), (class, hidden)

The gradient of `Tensor.max_pool2d` would be shared among equal entries; read at the first of them, it goes to that one, as in
the other layers.
"""

from tinygrad import Tensor, nn

ACTIVATIONS = {"relu": Tensor.relu, "tanh": Tensor.tanh, "logistic": Tensor.sigmoid}


def settled(values: Tensor) -> Tensor:
    """The same values, computed once forward and once backward: tinygrad would fold layer into layer, for a minute."""
    return values.contiguous().contiguous_backward()


class Model:
    """batch: images, labels, mask. The loss is a mean over the batch, in nats."""

    def __init__(
        self, *, channels: int, height: int, width: int, kernels1: int, kernels2: int, kernel: int, stride: int, padding: int,
        pool: int, apart: int, groups: int, hidden: int, classes: int, k: float, near: int, alpha: float, beta: float,
        activation: str, keep: float, training: bool,
    ):  # fmt: skip
        for count, what in ((kernels1, "maps"), (kernels2, "kernels")):
            if count % groups:
                raise ValueError(f"{count} {what} do not divide into {groups} groups")
        self.squash, self.pool, self.apart = ACTIVATIONS[activation], pool, apart
        self.k, self.half, self.alpha, self.beta = k, near // 2, alpha, beta
        self.share = None if training else keep
        self.conv1 = nn.Conv2d(channels, kernels1, kernel, stride=stride, padding=padding)
        self.conv2 = nn.Conv2d(kernels1, kernels2, 3, padding=1, groups=groups)
        # floor((W - F + 2P) / S) + 1, for the first layer, then for the pooling
        sides = (((side - kernel + 2 * padding) // stride + 1 - pool) // apart + 1 for side in (height, width))
        self.fc1 = nn.Linear(kernels2 * next(sides) * next(sides), hidden)
        self.fc2 = nn.Linear(hidden, classes)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # a^i = f(w_i * x + b_i)
        conv1 = settled(self.squash(self.conv1(batch["images"])))  # (batch, kernel, height, width)
        # b^i = a^i / (k + alpha sum_j (a^j)^2)^beta
        maps, squares = conv1.shape[1], conv1.square().pad((None, (self.half, self.half), None, None))
        near = sum(squares[:, shift : shift + maps] for shift in range(2 * self.half + 1))
        norm1 = settled(conv1 / (self.k + self.alpha * near) ** self.beta)  # (batch, kernel, height, width)
        # the largest of each neighbourhood, read where it is first
        windows = norm1.unfold(2, self.pool, self.apart).unfold(3, self.pool, self.apart).flatten(4)
        first = windows.argmax(-1).one_hot(self.pool**2).detach()  # (batch, kernel, rows, columns, entry)
        pooled = settled((windows * first).sum(-1))  # (batch, kernel, rows, columns)
        conv2 = settled(self.squash(self.conv2(pooled)))  # (batch, kernel, rows, columns)
        # hidden = f(W x + b), dropped or, at test time, halved
        neurons = self.squash(self.fc1(conv2.flatten(1)))
        hidden = neurons * (batch["mask"] if self.share is None else self.share)  # (batch, hidden)
        logits = self.fc2(hidden)  # (batch, class)
        # mean of -log p_y
        chosen = batch["labels"].one_hot(logits.shape[1]).cast(logits.dtype)  # (batch, class)
        return {
            "conv1": conv1,
            "norm1": norm1,
            "pooled": pooled,
            "conv2": conv2,
            "hidden": hidden,
            "logits": logits,
            "loss": -(logits.log_softmax(1) * chosen).sum(1).mean(),
        }
