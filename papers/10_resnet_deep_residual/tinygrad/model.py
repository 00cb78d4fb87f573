r"""ResNet's first layer, two building blocks, global average pooling and linear layer, in tinygrad (arXiv:1512.03385).

    F  = BN(W2 * sigma(BN(W1 * x)))      sections 3.2 and 3.4
    y  = F + x  or  F + W_s x            equations 1 and 2
    x' = sigma(y)                        section 3.2

    paper        | code                             | shape
    x            | stem, block1                     | (batch, filter, height, width)
    F            | residual1, residual2             | as the block's output
    x, W_s x     | shortcut1, shortcut2             | as the block's output
    W1, W2, W_s  | conv1.weight, conv2.weight, projection.weight
    A, B, C      | option; "plain" has no shortcuts

BN is written out, since tinygrad's own keeps running statistics.
"""

from tinygrad import Tensor, nn

OPTIONS = ("plain", "A", "B", "C")


class BatchNorm:
    def __init__(self, channels: int, eps: float):
        self.weight, self.bias, self.eps = Tensor.ones(channels), Tensor.zeros(channels), eps

    def __call__(self, h: Tensor) -> Tensor:
        if h[:, 0].numel() < 2:
            raise ValueError("batch normalisation needs more than one value per channel")
        # (h - mean) / sqrt(var + eps), var being the mean square of h - mean
        centred = h - h.mean((0, 2, 3), keepdim=True)
        normal = centred / (centred.square().mean((0, 2, 3), keepdim=True) + self.eps).sqrt()
        return self.weight.reshape(1, -1, 1, 1) * normal + self.bias.reshape(1, -1, 1, 1)


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """No bias: BN takes a bias away, and has a shift of its own."""
    return nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)


class Block:
    """The building block of figure 2."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, option: str, eps: float):
        self.option, self.stride = option, stride
        self.conv1, self.norm1 = convolution(before, after, kernel, stride), BatchNorm(after, eps)
        self.conv2, self.norm2 = convolution(after, after, kernel), BatchNorm(after, eps)
        if option == "C" or (option == "B" and before != after):
            self.projection, self.norm_projection = convolution(before, after, 1, stride), BatchNorm(after, eps)

    def shortcut(self, x: Tensor, residual: Tensor) -> Tensor:
        if self.option == "plain":
            return residual.zeros_like()
        if hasattr(self, "projection"):
            # W_s x
            return self.norm_projection(self.projection(x))
        # x, subsampled, «with extra zero entries padded for increasing dimensions»
        kept = x[:, :, :: self.stride, :: self.stride]
        return kept.pad((None, (0, residual.shape[1] - x.shape[1]), None, None))

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # F = BN(W2 * sigma(BN(W1 * x)))
        convolved = self.conv2(self.norm1(self.conv1(x)).relu())
        residual = self.norm2(convolved)
        # y = F + x or F + W_s x; x' = sigma(y)
        shortcut = self.shortcut(x, residual)
        return convolved, residual, shortcut, (residual + shortcut).relu()


class Model:
    """batch: images (batch, channel, height, width), labels (batch,) integers. The loss is a mean in nats."""

    def __init__(
        self,
        *,
        channels: int,
        filters: int,
        widened: int,
        kernel: int,
        stride: int,
        classes: int,
        option: str,
        eps: float,
    ):
        if option not in OPTIONS:
            raise ValueError(f"no option {option!r}: the options are plain, A, B and C")
        self.stem = {"conv": convolution(channels, filters, kernel), "norm": BatchNorm(filters, eps)}
        self.block1 = Block(filters, filters, kernel, 1, option, eps)
        self.block2 = Block(filters, widened, kernel, stride, option, eps)
        self.fc = nn.Linear(widened, classes)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # the first layer: sigma(BN(W * images))
        stem = self.stem["norm"](self.stem["conv"](batch["images"])).relu()
        convolved1, residual1, shortcut1, block1 = self.block1(stem)
        convolved2, residual2, shortcut2, block2 = self.block2(block1)
        # global average pooling, a linear layer, softmax
        pooled = block2.mean((2, 3))  # (batch, widened)
        scores = self.fc(pooled)  # (batch, class)
        chosen = batch["labels"].one_hot(scores.shape[1]).cast(scores.dtype)  # (batch, class)
        return {
            "stem": stem,
            "convolved1": convolved1,
            "residual1": residual1,
            "shortcut1": shortcut1,
            "block1": block1,
            "convolved2": convolved2,
            "residual2": residual2,
            "shortcut2": shortcut2,
            "block2": block2,
            "pooled": pooled,
            "scores": scores,
            "loss": -(scores.log_softmax(1) * chosen).sum(1).mean(),
        }
