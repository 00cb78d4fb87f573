r"""Deep Residual Learning for Image Recognition (He, Zhang, Ren, Sun, 2015, arXiv:1512.03385).

The smallest residual network of the paper's form, on five real digits: a first layer, a building block whose shortcut is
the identity, one that halves the map and widens it, global average pooling, a linear layer, softmax.

    F = BN(W2 * sigma(BN(W1 * x)))            sections 3.2 and 3.4, figure 2; sigma is ReLU, * a convolution
    y = F(x, {W_i}) + x                       equation 1, the identity shortcut
    y = F(x, {W_i}) + W_s x                   equation 2, the projection shortcut
    x' = sigma(y)                             section 3.2: «the second nonlinearity after the addition»
    BN(h) = scale (h - mean) / sqrt(var + eps) + shift     section 3.4 and its reference [16]

    paper              | code                      | shape in the checked problem
    x of each block    | stem, block1              | (batch 5, filter 6, 8, 8)
    F                  | residual1, residual2      | as the block's output
    x or W_s x         | shortcut1, shortcut2      | as the block's output
    W1, W2             | block1.conv1.weight, ...  | (filter, channel, kernel, kernel), no bias: BN's shift is one
    W_s                | block2.projection.weight  | (12, 6, 1, 1), followed by BN as every convolution is (section 3.4)
    BN's parameters    | ...norm1.weight, .bias    | (filter,), scale and shift
    options A, B, C    | option                    | what a shortcut is where shapes change (section 3.3); or "plain": none
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from s30.room import Array, Arrays, Problem, digits, sibling

CONFIG = dict(channels=1, filters=6, widened=12, kernel=3, stride=2, classes=10, option="B", eps=1e-5)
OPTIONS = ("plain", "A", "B", "C")


def convolve(x: Array, weight: Array, stride: int = 1) -> Array:
    """CONV with odd kernels and zero padding (kernel - 1)/2: x (batch, channel, h, w), weight (filter, channel, k, k)."""
    pad = weight.shape[-1] // 2
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nctuij,kcij->nktu", windows, weight, optimize=True)


def batch_norm(h: Array, scale: Array, shift: Array, eps: float) -> Array:
    """Every channel to mean `shift` and deviation `scale` over batch and positions: h (batch, channel, h, w)."""
    if h[:, 0].size < 2:
        raise ValueError("batch normalisation needs more than one value per channel")
    # (h - mean) / sqrt(var + eps), var being the mean square of h - mean
    mean = h.mean(axis=(0, 2, 3), keepdims=True)
    variance = np.square(h - mean).mean(axis=(0, 2, 3), keepdims=True)
    return scale[:, None, None] * (h - mean) / np.sqrt(variance + eps) + shift[:, None, None]


def conv_norm(params: Arrays, conv: str, norm: str, x: Array, eps: float, stride: int = 1) -> tuple[Array, Array]:
    """BN «right after each convolution» (section 3.4): the convolution, and what BN makes of it."""
    convolved = convolve(x, params[f"{conv}.weight"], stride)
    return convolved, batch_norm(convolved, params[f"{norm}.weight"], params[f"{norm}.bias"], eps)


def shortcut(params: Arrays, block: str, x: Array, residual: Array, option: str, eps: float, stride: int) -> Array:
    """What is added to the residual, of its shape."""
    if option == "plain":
        return np.zeros_like(residual)
    if f"{block}.projection.weight" in params:
        # W_s x, a 1x1 convolution with the block's stride
        return conv_norm(params, f"{block}.projection", f"{block}.norm_projection", x, eps, stride)[1]
    # x, subsampled by the block's stride, «with extra zero entries padded for increasing dimensions»
    kept = x[:, :, ::stride, ::stride]
    return np.pad(kept, [(0, 0), (0, residual.shape[1] - kept.shape[1]), (0, 0), (0, 0)])


def forward(params: Arrays, batch: Arrays, *, stride: int, option: str, eps: float, **sizes) -> dict:
    """Every intermediate quantity of the network; the loss is the mean cross-entropy in nats.

    Raises ValueError for an unknown option, and where a channel has one value alone.
    """
    if option not in OPTIONS:
        raise ValueError(f"no option {option!r}: the options are plain, A, B and C")
    images, labels = batch["images"], batch["labels"]
    out: dict = {}
    # the first layer: sigma(BN(W * images))
    x = out["stem"] = np.maximum(0.0, conv_norm(params, "stem.conv", "stem.norm", images, eps)[1])
    for block, step in (("1", 1), ("2", stride)):
        name = f"block{block}"
        # F = BN(W2 * sigma(BN(W1 * x)))
        inner = np.maximum(0.0, conv_norm(params, f"{name}.conv1", f"{name}.norm1", x, eps, step)[1])
        convolved, residual = conv_norm(params, f"{name}.conv2", f"{name}.norm2", inner, eps)
        # y = F(x) + x, or F(x) + W_s x; x' = sigma(y)
        added = shortcut(params, name, x, residual, option, eps, step)
        x = np.maximum(0.0, residual + added)
        out |= {f"convolved{block}": convolved, f"residual{block}": residual, f"shortcut{block}": added, name: x}
    # global average pooling, a linear layer, softmax
    out["pooled"] = x.mean(axis=(2, 3))  # (batch, widened)
    scores = out["scores"] = out["pooled"] @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    out["loss"] = np.asarray(-log_probabilities[np.arange(len(labels)), labels].mean())
    return out


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter, in the order of computation."""
    kernel, filters, widened, option = (config[name] for name in ("kernel", "filters", "widened", "option"))
    layers = [("stem.conv", config["channels"], filters, kernel)]
    for block, before, after in (("block1", filters, filters), ("block2", filters, widened)):
        layers += [(f"{block}.conv1", before, after, kernel), (f"{block}.conv2", after, after, kernel)]
        if option == "C" or (option == "B" and block == "block2"):
            layers += [(f"{block}.projection", before, after, 1)]
    found: dict[str, tuple[int, ...]] = {}
    for name, before, after, side in layers:
        norm = name.replace("conv", "norm").replace("projection", "norm_projection")
        found |= {f"{name}.weight": (after, before, side, side), f"{norm}.weight": (after,), f"{norm}.bias": (after,)}
    return found | {"fc.weight": (config["classes"], widened), "fc.bias": (config["classes"],)}


def draw_params(rng: np.random.Generator, config: dict) -> dict:
    """Weights N(0, 2/fan-in) as in the paper's reference [13]; BN's scales around 1 and shifts around 0."""
    found = {}
    for name, shape in shapes(config).items():
        if len(shape) == 4:
            found[name] = rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
        elif len(shape) == 1 and name.endswith("weight"):
            found[name] = rng.uniform(0.5, 1.5, shape)
        else:
            found[name] = rng.normal(0.0, 0.5, shape)
    return found


def problem(seed: int = 0) -> Problem:
    """Five digits of different classes and random weights, redrawn until no kink lies within 1e-4."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = _draw(rng)
        if distance_to_kinks(drawn) > 1e-4:
            return drawn


def _draw(rng: np.random.Generator) -> Problem:
    images, labels = digits()
    chosen = [rng.choice(np.flatnonzero(labels == label)) for label in rng.choice(10, size=5, replace=False)]
    # Grey levels 0..16 with noise of one level's width: equal pixels would give equal pre-activations.
    grey = 16.0 * images[chosen][:, None]  # (batch, channel, height, width)
    batch = {"images": (grey + rng.random(grey.shape)) / 17.0, "labels": labels[chosen]}
    return Problem(CONFIG, draw_params(rng, CONFIG), batch, learning_rate=0.1)


def distance_to_kinks(drawn: Problem) -> float:
    """The least distance to zero of what a ReLU is applied to."""
    backward = sibling(__file__, "backward.py")
    return min(np.abs(value).min() for value in backward.pre_activations(drawn).values())


invariants = sibling(__file__, "invariants.py").invariants
