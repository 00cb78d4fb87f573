r"""Residual units with their activations in five orders, in PyTorch (arXiv:1603.05027, figure 4).

    x_{l+1} = f(lambda x_l + F(x_l))     equations 1, 2 and 6
    x_{l+1} = x_l + F(f^(x_l))           equation 9

    paper          | code                               | shape
    x_l            | stem, block1, block2, block3       | (batch, filter, height, width)
    F              | residual1, residual2, residual3    | as the unit's output
    h(x)           | shortcut3, of the unit that changes shapes
    lambda         | shortcut_scale; residual_scale is on F
    (a) to (e)     | unit: original, bn_after, relu_before, relu_only, full

BN always takes the batch's own statistics, so it keeps no running ones.
"""

from torch import Tensor, nn
from torch.nn import functional as F

UNITS = ("original", "bn_after", "relu_before", "relu_only", "full")
ENDS_WITH_NORM = ("original", "relu_before", "relu_only")  # BN behind the second convolution, and behind W_s


def convolution(before: int, after: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(before, after, kernel, stride=stride, padding=kernel // 2, bias=False)


def batch_norm(channels: int, eps: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=eps, track_running_stats=False)


class Unit(nn.Module):
    """A residual unit that keeps its shape; `first` has its activation before it already."""

    def __init__(self, filters: int, after: int, kernel: int, stride: int, unit: str, eps: float, first: bool = False):
        super().__init__()
        self.unit, self.first = unit, first
        self.conv1, self.conv2 = convolution(filters, after, kernel, stride), convolution(after, after, kernel)
        if unit != "full":
            self.norm1 = batch_norm(after, eps)
        elif not first:
            self.norm1 = batch_norm(filters, eps)
        self.norm2 = batch_norm(after, eps)

    def active(self, x: Tensor) -> Tensor:
        """f^(x): what stands before the first convolution."""
        if self.first or self.unit not in ("full", "relu_only"):
            return x
        return F.relu(self.norm1(x) if self.unit == "full" else x)

    def residual(self, active: Tensor) -> Tensor:
        # F = W2 sigma(BN(W1 .)), with BN and ReLU behind it or not
        middle = self.norm2 if self.unit == "full" else self.norm1
        residual = self.conv2(F.relu(middle(self.conv1(active))))
        if self.unit in ENDS_WITH_NORM:
            residual = self.norm2(residual)
        return F.relu(residual) if self.unit == "relu_before" else residual

    def after(self, y: Tensor) -> Tensor:
        """f(y): what stands behind the addition."""
        if self.unit == "bn_after":
            y = self.norm2(y)
        return F.relu(y) if self.unit in ("original", "bn_after") else y


class Widening(Unit):
    """A unit that changes shapes: both paths read the activated signal."""

    def __init__(self, filters: int, after: int, kernel: int, stride: int, unit: str, eps: float):
        super().__init__(filters, after, kernel, stride, unit, eps)
        self.projection = convolution(filters, after, 1, stride)
        if unit in ENDS_WITH_NORM:
            self.norm_projection = batch_norm(after, eps)

    def shortcut(self, active: Tensor) -> Tensor:
        projected = self.projection(active)
        return self.norm_projection(projected) if self.unit in ENDS_WITH_NORM else projected


class Model(nn.Module):
    """batch: images (batch, channel, height, width), labels (batch,) int64. The loss is a mean in nats."""

    def __init__(
        self,
        *,
        channels: int,
        filters: int,
        widened: int,
        kernel: int,
        stride: int,
        classes: int,
        unit: str,
        shortcut_scale: float,
        residual_scale: float,
        eps: float,
    ):
        super().__init__()
        if unit not in UNITS:
            raise ValueError(f"no unit {unit!r}: the units are {', '.join(UNITS)}")
        self.shortcut_scale, self.residual_scale = shortcut_scale, residual_scale
        self.stem = nn.ModuleDict({"conv": convolution(channels, filters, kernel), "norm": batch_norm(filters, eps)})
        self.block1 = Unit(filters, filters, kernel, 1, unit, eps, first=True)
        self.block2 = Unit(filters, filters, kernel, 1, unit, eps)
        self.block3 = Widening(filters, widened, kernel, stride, unit, eps)
        self.norm = batch_norm(widened, eps) if unit == "full" else nn.Identity()
        self.fc = nn.Linear(widened, classes)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        # «right after conv1 and before splitting into two paths»
        x = F.relu(self.stem["norm"](self.stem["conv"](batch["images"])))
        out = {"stem": x}
        for number, block in ((1, self.block1), (2, self.block2)):
            # x' = f(lambda x + F(f^(x)))
            residual = block.residual(block.active(x))
            x = block.after(self.shortcut_scale * x + self.residual_scale * residual)
            out |= {f"residual{number}": residual, f"block{number}": x}
        active = self.block3.active(x)
        shortcut, residual = self.block3.shortcut(active), self.block3.residual(active)
        block3 = self.block3.after(shortcut + residual)
        # «an extra activation right after its element-wise addition»
        activated = F.relu(self.norm(block3))
        pooled = activated.mean(dim=(2, 3))  # (batch, widened)
        scores = self.fc(pooled)  # (batch, class)
        return out | {
            "shortcut3": shortcut,
            "residual3": residual,
            "block3": block3,
            "activated": activated,
            "pooled": pooled,
            "scores": scores,
            "loss": F.cross_entropy(scores, batch["labels"]),
        }
