r"""F. Yu, V. Koltun, «Multi-Scale Context Aggregation by Dilated Convolutions» (ICLR 2016, arXiv:1511.07122).

The context module of section 3 on a short ladder of dilations, and the loss with which the authors' code trains it:

    (F *_l k)(p) = sum_{s + l t = p} F(s) k(t)            equation 2; l = 1 is the discrete convolution of equation 1
    layer_i      = max(0, layer_{i-1} *_{d_i} k_i + b_i)  section 3, «pointwise truncation»; layer_0 is the front end's maps
    scores       = the 1 x 1 layer without truncation     Table 1, its last layer
    k^b(t, a)    = 1[t = 0] 1[a = b]                      equation 4, the identity initialisation; equation 5 generalises it
    loss         = mean of -log softmax(scores)_y         pixels whose label is `ignored` are left out (authors' code)

    paper               | code                    | shape in the checked problem
    F_0, front end maps | maps                    | (batch 2, channel 3, height 6, width 7)
    ground truth        | labels                  | (batch, height, width): integers in 0..2, or `ignored`
    k_i (mirrored), b_i | layerI.weight, .bias    | (channel, channel, 3, 3), (channel,)
    last layer          | final.weight, .bias     | (channel, channel, 1, 1), (channel,)
    C                   | channels                | maps in and out
    channels of layers  | widths                  | «Basic»: C throughout; «Large»: 2C, 2C, 4C, ... (Table 1)
    l of each layer     | dilations               | 1, 1, 2, 4, 1 instead of 1, 1, 2, 4, 8, 16, 1
    2 r + 1             | kernel                  | scalar; r = 1 throughout the paper
    the buffer          | padding                 | «zeros», «reflection»: once around the maps, as wide as the field reaches
                        |                         | (section 5); «layers»: zeros around every layer's maps (appendix A)

Weights are those of a correlation, as in the authors' Caffe: k(t) is weight[-t]. What reads p + l t with weight[t] is what
equation 2 writes with k.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG = dict(channels=3, widths=(3,) * 5, dilations=(1, 1, 2, 4, 1), kernel=3, padding="zeros", ignored=255)


def reach(dilations: tuple[int, ...], kernel: int) -> int:
    """How far an output sees to each side: the sum of l r over the layers, so that the field is 2 reach + 1 wide."""
    return sum(dilations) * (kernel // 2)


def forward(
    params: Arrays, batch: Arrays, *, dilations: tuple, padding: str, ignored: int, **sizes
) -> dict[str, Array]:
    """Every layer after its truncation, the scores, and their loss in nats, a mean over the pixels that have a label.

    Raises ValueError where a buffer of that width cannot be reflected from maps of this size.
    """
    outputs: dict[str, Array] = {}
    hidden = framed(batch["maps"], dilations, params["layer1.weight"].shape[2], padding)
    for number, dilation in enumerate(dilations, 1):
        # layer_i = max(0, layer_{i-1} *_{d_i} k_i + b_i)
        hidden = np.maximum(0.0, convolve(params, f"layer{number}", hidden, dilation, padding))
        outputs[f"layer{number}"] = hidden  # (batch, width_i, height + what is left of the buffer, width + the same)
    # scores_b(p) = sum_a k^b(a) layer_a(p) + bias_b
    scores = convolve(params, "final", hidden, 1, padding)  # (batch, channel, height, width)
    # log p_b = scores_b - log sum_c exp(scores_c), the largest score being subtracted first against overflow
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    # loss = mean of -log p_y over the labelled pixels; without any it is 0, as in Caffe, and no 0 / 0
    labels = batch["labels"]
    labelled = labels != ignored  # (batch, height, width)
    chosen = np.take_along_axis(log_probabilities, np.where(labelled, labels, 0)[:, None], axis=1)[:, 0]
    loss = -(chosen * labelled).sum() / max(1, labelled.sum())
    return {**outputs, "scores": scores, "loss": np.asarray(loss)}


def framed(maps: Array, dilations: tuple[int, ...], kernel: int, padding: str) -> Array:
    """The maps within the buffer of section 5, which the layers then use up; without any for «layers»."""
    buffer = 0 if padding == "layers" else reach(dilations, kernel)
    height, width = maps.shape[2:]
    if padding == "reflection" and buffer >= min(height, width):
        raise ValueError(f"a buffer of {buffer} cannot be reflected from maps of {height} x {width}")
    border = [(0, 0), (0, 0), (buffer, buffer), (buffer, buffer)]
    return np.pad(maps, border, mode="reflect" if padding == "reflection" else "constant")


def convolve(params: Arrays, layer: str, maps: Array, dilation: int, padding: str) -> Array:
    """(maps *_l k + b): sum_{a,t} weight[b, a, t] maps_a(p + l t) + bias_b, at every p where the filter fits."""
    weight = params[f"{layer}.weight"]
    zeros = dilation * (weight.shape[2] // 2) if padding == "layers" else 0
    padded = np.pad(maps, [(0, 0), (0, 0), (zeros, zeros), (zeros, zeros)])
    span = dilation * (weight.shape[2] - 1) + 1
    windows = sliding_window_view(padded, (span, span), axis=(2, 3))[..., ::dilation, ::dilation]
    return np.einsum("nayxij,baij->nbyx", windows, weight, optimize=True) + params[f"{layer}.bias"][:, None, None]


def identity_start(before: int, after: int, channels: int) -> Array:
    """Equation 5 without its noise: the centres of the filters, (after, before). With before = after = C it is equation 4.

    Map a of the layer before and map b of the one after it belong to the same of the C groups: each b gets C / c_{i+1} of each a.
    """
    groups_before, groups_after = (np.arange(count) * channels // count for count in (before, after))
    return (groups_after[:, None] == groups_before) * (channels / after)


def start_sides(params: Arrays, config: dict, sigma: float) -> tuple[Array, Array]:
    """What a drawn start is, and what equation 5 says of it, for noise of deviation sigma C / c_{i+1}.

    The weights that pass maps on; all others are noise (none 0, none beyond 6 deviations, their mean square 1 within 0.25
    over all layers); the biases.
    """
    ours, theirs, noise = [], [], []
    for name, value in params.items():
        if name.endswith("bias"):
            ours, theirs = [*ours, value], [*theirs, np.zeros_like(value)]
            continue
        after, before, kernel, _ = value.shape
        passed, middle = np.zeros(value.shape, bool), kernel // 2
        passed[:, :, middle, middle] = identity_start(before, after, config["channels"]) > 0
        share = config["channels"] / after
        ours, theirs = [*ours, value[passed]], [*theirs, np.full(passed.sum(), share, value.dtype)]
        noise.append(value[~passed].astype(float) / (sigma * share))
    every = np.concatenate(noise)
    flags = [(every != 0).all(), np.abs(every).max() < 6, abs(np.square(every).mean() - 1) < 0.25]
    left, right = [*ours, np.array(flags, float)], [*theirs, np.ones(3)]
    return tuple(np.concatenate([np.ravel(part).astype(float) for part in side]) for side in (left, right))


def shapes(config: dict) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter."""
    counts, found = [config["channels"], *config["widths"]], {}
    for number, (before, after) in enumerate(zip(counts, counts[1:]), 1):
        found[f"layer{number}.weight"] = (after, before, config["kernel"], config["kernel"])
        found[f"layer{number}.bias"] = (after,)
    return {**found, "final.weight": (config["channels"], counts[-1], 1, 1), "final.bias": (config["channels"],)}


def problem(seed: int = 0) -> Problem:
    """Two examples, some labels left out, and random weights, redrawn until no map is dead and no kink lies within 1e-4.

    Of such starts one in three has a layer with a map that is zero throughout and passes no gradient (section 3 avoids them).
    """
    rng = np.random.default_rng(seed)
    while True:
        drawn = draw(rng, CONFIG, (2, 6, 7))
        layers = pre_activations(drawn)
        alive = min((before > 0).mean(axis=(0, 2, 3)).min() for before in layers)
        if alive > 0.1 and min(np.abs(before).min() for before in layers) > 1e-4:
            return drawn


def draw(rng: np.random.Generator, config: dict, size: tuple[int, int, int]) -> Problem:
    """`size` is (batch, height, width). About one label in six is left out, and the first never."""
    params = {
        name: rng.normal(0.3, 0.2, shape)
        if "bias" in name
        else rng.normal(0.0, (2.0 / np.prod(shape[1:])) ** 0.5, shape)
        for name, shape in shapes(config).items()
    }
    batch, height, width = size
    classes = [label for label in range(config["channels"]) if label != config["ignored"]]
    labels = np.where(rng.random(size) < 1 / 6, config["ignored"], rng.choice(classes, size))
    labels[:, 0, 0] = classes[0]
    return Problem(
        config, params, {"maps": rng.normal(size=(batch, config["channels"], height, width)), "labels": labels}
    )


def pre_activations(drawn: Problem) -> list[Array]:
    """What is truncated in each layer; at 0 the truncation has its kink."""
    dilations, padding = drawn.config["dilations"], drawn.config["padding"]
    hidden, found = framed(drawn.batch["maps"], dilations, drawn.config["kernel"], padding), []
    for number, dilation in enumerate(dilations, 1):
        found.append(convolve(drawn.params, f"layer{number}", hidden, dilation, padding))
        hidden = np.maximum(0.0, found[-1])
    return found


def invariants() -> list[Invariant]:
    """What every executable layer must have: `invariants.py`."""
    return sibling(__file__, "invariants.py").invariants()
