r"""The context module of Yu and Koltun (arXiv:1511.07122, section 3), in tinygrad.

Each quantity, its formula and the call of tinygrad that computes it:

    layer_i = max(0, layer_{i-1} *_{d_i} k_i + b_i)   nn.Conv2d(dilation=d_i), Tensor.relu     section 3
    scores  = 1 x 1 layer                             nn.Conv2d                                Table 1, last layer
    loss    = mean of -log softmax(scores)_y          Tensor.log_softmax, one-hot labels       authors' code
    start   = C / c_{i+1} within a group, else noise  `identity_start`                         equations 4 and 5

    paper               | code                  | shape
    F_0                 | maps                  | (batch, channel, height, width)
    ground truth        | labels                | (batch, height, width) integers
    k_i (mirrored), b_i | layerI.weight, .bias  | (width_i, width_{i-1}, kernel, kernel), (width_i,)
    C, c_i              | channels, widths      | scalar, one for each dilated layer
    l                   | dilations             | one for each layer
    the buffer          | padding               | «zeros», «reflection» around the maps, or «layers» around each layer's
"""

from tinygrad import Tensor, nn

NOISE = 0.1  # sigma of equation 5 as a share of C / c_{i+1}; the paper asks for «much smaller»


def identity_start(layer: nn.Conv2d, channels: int) -> None:
    """Equation 5: every filter's centre passes on the maps of its group, all else is noise; biases are zero."""
    after, before, kernel, _ = layer.weight.shape
    share = channels / after
    groups = (Tensor.arange(after) * channels // after).reshape(after, 1) == Tensor.arange(before) * channels // before
    taps = Tensor.arange(kernel * kernel).reshape(kernel, kernel) == kernel * kernel // 2
    passed = groups.reshape(after, before, 1, 1) * taps  # (after, before, kernel, kernel)
    layer.weight = passed.where(share, Tensor.randn(*layer.weight.shape) * (NOISE * share))
    layer.bias = Tensor.zeros(after).contiguous()


class Model:
    """batch: maps, labels. Returns every layer, the scores and the loss, a mean over the labelled pixels, in nats."""

    def __init__(
        self,
        *,
        channels: int,
        widths: tuple[int, ...],
        dilations: tuple[int, ...],
        kernel: int,
        padding: str,
        ignored: int,
    ):
        self.buffer = 0 if padding == "layers" else sum(dilations) * (kernel // 2)
        self.mode = "reflect" if padding == "reflection" else "constant"
        self.names, self.ignored = [f"layer{number}" for number, _ in enumerate(dilations, 1)], ignored
        self.final = nn.Conv2d(widths[-1], channels, 1)
        for name, before, after, dilation in zip(self.names, (channels, *widths), widths, dilations):
            border = dilation * (kernel // 2) if padding == "layers" else 0
            setattr(self, name, nn.Conv2d(before, after, kernel, padding=border, dilation=dilation))
        for name in (*self.names, "final"):
            identity_start(getattr(self, name), channels)

    def __call__(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        maps, labels = batch["maps"], batch["labels"]
        if self.mode == "reflect" and self.buffer >= min(maps.shape[2:]):
            raise ValueError(
                f"a buffer of {self.buffer} cannot be reflected from maps of {maps.shape[2]} x {maps.shape[3]}"
            )
        hidden = maps.pad((self.buffer,) * 4, mode=self.mode)  # the layers use the buffer up
        outputs = {}
        for name in self.names:
            # layer_i = max(0, layer_{i-1} *_{d_i} k_i + b_i)
            hidden = getattr(self, name)(hidden).relu()  # (batch, width_i, height + rest, width + rest)
            outputs[name] = hidden
        scores = self.final(hidden)  # (batch, channel, height, width)
        # mean of -log softmax(scores)_y over the pixels with a label; without any it is 0
        labelled = labels != self.ignored  # (batch, height, width)
        chosen = labels.one_hot(scores.shape[1]).permute(0, 3, 1, 2) * labelled.unsqueeze(1)
        total = -(scores.log_softmax(1) * chosen).sum()
        return {**outputs, "scores": scores, "loss": total / labelled.sum().maximum(1)}
