r"""Identity Mappings in Deep Residual Networks (He, Zhang, Ren, Sun, 2016, arXiv:1603.05027).

The smallest network with every kind of residual unit that the paper distinguishes by place, on five real digits: the first
unit, one in the middle, one that halves the map and widens it, an extra activation behind the last, average pooling, a
linear layer, softmax. A unit's activations stand where `unit` says (figure 4); its shortcut and residual are scaled.

    y_l = h(x_l) + F(x_l, W_l)                      equation 1
    x_{l+1} = f(y_l)                                equation 2
    x_{l+1} = lambda x_l + F(x_l, W_l)              equation 6; with lambda = 1 equation 3
    x_{l+1} = x_l + F(f^(x_l), W_l)                 equation 9, f^ being BN and ReLU: «full pre-activation»

    unit          | F                                    | behind the addition      figure 4
    original      | BN(W2 sigma(BN(W1 x)))               | sigma                    (a)
    bn_after      | W2 sigma(BN(W1 x))                   | sigma(BN(.))             (b)
    relu_before   | sigma(BN(W2 sigma(BN(W1 x))))        | nothing                  (c)
    relu_only     | BN(W2 sigma(BN(W1 sigma(x))))        | nothing                  (d)
    full          | W2 sigma(BN(W1 sigma(BN(x))))        | nothing                  (e)

    paper             | code                      | shape in the checked problem
    x_0, ..., x_3     | stem, block1, ..., block3 | (batch 5, filter 6, 8, 8), the last (5, 12, 4, 4)
    F                 | residual1, ..., residual3 | as the block's output
    h(x)              | shortcut3                 | of the unit that changes shapes: W_s, as the appendix has it
    lambda            | shortcut_scale            | in the units that keep their shapes
    1 - lambda on F   | residual_scale            | Table 1, «frozen gating»; likewise
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from s30.room import Array, Arrays, Problem, digits, sibling

CONFIG = dict(channels=1, filters=6, widened=12, kernel=3, stride=2, classes=10) | dict(
    unit="full", shortcut_scale=0.8, residual_scale=0.7, eps=1e-5
)
UNITS = ("original", "bn_after", "relu_before", "relu_only", "full")
ENDS_WITH_NORM = ("original", "relu_before", "relu_only")  # BN behind the second convolution, and behind W_s


def convolve(x: Array, weight: Array, stride: int = 1) -> Array:
    """CONV with odd kernels and zero padding (kernel - 1)/2: x (batch, channel, h, w), weight (filter, channel, k, k)."""
    pad = weight.shape[-1] // 2
    padded = np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("nctuij,kcij->nktu", windows, weight, optimize=True)


def batch_norm(h: Array, scale: Array, shift: Array, eps: float) -> Array:
    """Every channel to mean `shift` and deviation `scale` over batch and positions: h (batch, channel, h, w)."""
    # (h - mean) / sqrt(var + eps), var being the mean square of h - mean
    mean = h.mean(axis=(0, 2, 3), keepdims=True)
    variance = np.square(h - mean).mean(axis=(0, 2, 3), keepdims=True)
    return scale[:, None, None] * (h - mean) / np.sqrt(variance + eps) + shift[:, None, None]


def forward(
    params: Arrays,
    batch: Arrays,
    *,
    unit: str,
    stride: int,
    shortcut_scale: float,
    residual_scale: float,
    eps: float,
    **sizes,
) -> dict:
    """Every intermediate quantity of the network; the loss is the mean cross-entropy in nats.

    Raises ValueError for an unknown unit.
    """
    if unit not in UNITS:
        raise ValueError(f"no unit {unit!r}: the units are {', '.join(UNITS)}")

    def norm(name: str, h: Array) -> Array:
        return batch_norm(h, params[f"{name}.weight"], params[f"{name}.bias"], eps)

    def relu(h: Array) -> Array:
        return np.maximum(0.0, h)

    images, labels = batch["images"], batch["labels"]
    # the first unit's activation stands «right after conv1 and before splitting into two paths»
    x = relu(norm("stem.norm", convolve(images, params["stem.conv.weight"])))
    out: dict = {"stem": x}
    for number in (1, 2, 3):
        name, step = f"block{number}", stride if number == 3 else 1
        middle = "norm2" if unit == "full" else "norm1"
        # f^(x): what both paths read where shapes change, and F alone where they do not
        active = x
        if number > 1 and unit == "full":
            active = relu(norm(f"{name}.norm1", x))
        if number > 1 and unit == "relu_only":
            active = relu(x)
        # F = W2 sigma(BN(W1 .)), with BN and ReLU behind it or not
        residual = relu(norm(f"{name}.{middle}", convolve(active, params[f"{name}.conv1.weight"], step)))
        residual = convolve(residual, params[f"{name}.conv2.weight"])
        if unit in ENDS_WITH_NORM:
            residual = norm(f"{name}.norm2", residual)
        if unit == "relu_before":
            residual = relu(residual)
        # y = lambda x + F, or W_s f^(x) + F
        if number < 3:
            y = shortcut_scale * x + residual_scale * residual
        else:
            shortcut = convolve(active, params["block3.projection.weight"], step)
            if unit in ENDS_WITH_NORM:
                shortcut = norm("block3.norm_projection", shortcut)
            out["shortcut3"] = shortcut
            y = shortcut + residual
        # x' = f(y)
        if unit == "bn_after":
            y = norm(f"{name}.norm2", y)
        x = relu(y) if unit in ("original", "bn_after") else y
        out |= {f"residual{number}": residual, name: x}
    # «for the last Residual Unit ... an extra activation right after its element-wise addition»
    if unit == "full":
        x = norm("norm", x)
    out["activated"] = x = relu(x)  # what ends with a ReLU already is not changed
    out["pooled"] = x.mean(axis=(2, 3))  # (batch, widened)
    scores = out["scores"] = out["pooled"] @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    out["loss"] = np.asarray(-log_probabilities[np.arange(len(labels)), labels].mean())
    return out


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter, by name."""
    kernel, filters, widened, unit = (config[name] for name in ("kernel", "filters", "widened", "unit"))
    found: dict[str, tuple[int, ...]] = {"stem.conv.weight": (filters, config["channels"], kernel, kernel)}
    norms = {"stem.norm": filters}
    for block, before, after in (
        ("block1", filters, filters),
        ("block2", filters, filters),
        ("block3", filters, widened),
    ):
        found |= {
            f"{block}.conv1.weight": (after, before, kernel, kernel),
            f"{block}.conv2.weight": (after, after, kernel, kernel),
        }
        if unit != "full":
            norms[f"{block}.norm1"] = after
        elif block != "block1":
            norms[f"{block}.norm1"] = before
        norms[f"{block}.norm2"] = after
    found["block3.projection.weight"] = (widened, filters, 1, 1)
    if unit in ENDS_WITH_NORM:
        norms["block3.norm_projection"] = widened
    if unit == "full":
        norms["norm"] = widened
    for name, count in norms.items():
        found |= {f"{name}.weight": (count,), f"{name}.bias": (count,)}
    return found | {"fc.weight": (config["classes"], widened), "fc.bias": (config["classes"],)}


def draw_params(rng: np.random.Generator, config: dict) -> dict:
    """Weights N(0, 2/fan-in); BN's scales around 1 and shifts around 0."""
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
    before = sibling(__file__, "backward.py").Pass(drawn).before
    return min(np.abs(value).min() for value in before)


invariants = sibling(__file__, "invariants.py").invariants
