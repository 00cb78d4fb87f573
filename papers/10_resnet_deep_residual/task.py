r"""Degradation, and what shortcuts do about it (arXiv:1512.03385, figures 1, 6 and 7), on 1,797 real digits.

    plain-8, plain-32      6n + 2 layers with n = 1 and 5: 3 and 15 blocks without shortcuts       section 4.2
    res-8, res-32          the same layers, each block with an identity shortcut, so no further parameter
    by construction        the shallow net with blocks of identity layers put behind its own       section 1
    control                res-8 trained on labels in random order

All have a first layer of stride 3, which leaves maps of 3 x 3, and 8 filters throughout; BN after each convolution, weights
N(0, 2/fan-in), SGD with momentum and weight decay as in the paper, its rate warmed up. A «net» here is three of them (full:
twelve), from as many starts, trained side by side on the same minibatches; what is reported are their values. Gradients
are read off the first update. BN's statistics in testing are those of 128 training images, computed once after training,
as the authors did.
"""

import numpy as np

from s30.room import (
    Array,
    Arrays,
    Experiment,
    Framework,
    Metric,
    Trained,
    Training,
    digits_split,
    linear_decay,
    minibatches,
    sibling,
)

figures = sibling(__file__, "figures.py")

CLASSES, FILTERS, STRIDE, SIDE, EPS = 10, 8, 3, 3, 1e-5
BLOCKS = {str(6 * n + 2): 3 * n for n in (1, 5)}
NETS = ("plain_8", "plain_32", "res_8", "res_32")
STARTS = {"quick": 3, "full": 12}
UPDATES, WARM_UP, RATE, BATCH, MOMENTUM, DECAY, KNOWN = 144, 40, 0.02, 32, 0.9, 1e-4, 128

ROUGH = 2.0  # how much further apart two frameworks' plain-32 may end, in which rounding grows

_SAYS = {
    "loss": ("cross-entropy on 128 training images, BN's statistics being theirs", "nats", 0.1),
    "test_error": ("of the test digits, the share that is misnamed", "share", 0.05),
    "gradient_ratio": (
        "before training: norm of the gradient by the first block's first filters over the last's",
        "ratio",
        1.0,
    ),
    "change": (
        "by how much a trained block moves its input: |block - input| / |input|, mean over blocks",
        "share",
        0.05,
    ),
    "change_before": ("the same before training", "share", 0.001),
}
METRICS = {
    **{
        f"{net}_{kind}": Metric(
            says, unit, "nets", net, "low" if kind in ("loss", "test_error") else "",
            spread=ROUGH * spread if net == "plain_32" else spread,
        )
        for kind, (says, unit, spread) in _SAYS.items()
        for net in NETS
    },
    "plain_32_constructed_loss": Metric(
        "the loss of plain-32 made by hand: trained plain-8 and 12 blocks of identity layers", "nats", "nets", "plain_8", "low",
        spread=0.1,
    ),
    "res_32_constructed_loss": Metric(
        "the loss of res-32 made by hand: trained res-8 and 12 blocks whose residual is zero", "nats", "nets", "res_8", "low",
        spread=0.1,
    ),
    "plain_32_construction_error": Metric("how far that net's scores are from plain-8's, at most", "score units", good="low",
                                          spread=1e-6),
    "res_32_construction_error": Metric("how far that net's scores are from res-8's, at most", "score units", good="low",
                                        spread=1e-6),
    "shuffled_test_error": Metric("test error of res-8 trained on labels in random order: chance is 0.9", "share", "nets",
                                  "shuffled", "low", control=True, spread=0.02),
}  # fmt: skip

# --- Networks in NumPy: the reference ---


def matrices(weight: Array) -> Array:
    """Each CONV of side 3 on maps of 3 x 3, zeros around, as the matrix of an FC layer.

    weight (..., filter, channel, 3, 3) -> (..., channel * 9, filter * 9), to be multiplied from the right.
    """
    places = range(SIDE * SIDE)
    reads = np.zeros((9, 9, 9))  # (tap, from, to)
    for tap, there, here in np.ndindex(9, 9, 9):
        step = np.subtract(divmod(there, SIDE), divmod(here, SIDE))
        reads[tap, there, here] = tuple(step + 1) == divmod(tap, 3)
    taps = weight.reshape(*weight.shape[:-2], 9)
    found = np.einsum("...kct,tpq->...cpkq", taps, reads, optimize=True)
    return found.reshape(*weight.shape[:-4], weight.shape[-3] * len(places), weight.shape[-4] * len(places))


def normalised(h: Array, known: int, scale: Array, shift: Array) -> Array:
    """BN by the statistics of the first `known` examples: h (net, example, channel, place)."""
    centred = h - h[:, :known].mean(axis=(1, 3), keepdims=True)
    variance = np.square(centred[:, :known]).mean(axis=(1, 3), keepdims=True)
    centred *= scale[:, None, :, None] / np.sqrt(variance + EPS)
    centred += shift[:, None, :, None]
    return centred


def stem(params: Arrays, images: Array) -> Array:
    """The first convolution, stride 3: (net, example, filter, place)."""
    padded = np.pad(images[:, 0], [(0, 0), (1, 0), (1, 0)])  # 9 x 9, in tiles of 3 x 3
    tiles = padded.reshape(len(images), SIDE, 3, SIDE, 3).transpose(0, 1, 3, 2, 4).reshape(len(images), 9, 9)
    weight = params["stem.weight"].reshape(*params["stem.weight"].shape[:2], 9)  # (net, filter, tap)
    return np.einsum("ept,skt->sekp", tiles, weight, optimize=True)


def rows(inputs: Arrays) -> Array:
    """The known images, and behind them those that are asked about, if there are any."""
    return np.concatenate([inputs["known"], inputs["images"]]) if "images" in inputs else inputs["known"]


def computed(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """scores (net, example, class) of `images`, or where there are none of `known`, each block's change, and the last maps.

    BN's statistics are those of `known`.
    """
    known, images = len(inputs["known"]), rows(inputs)
    x = stem(params, images)
    norms = [
        (params["norm.weight"][:, layer], params["norm.bias"][:, layer])
        for layer in range(params["norm.weight"].shape[1])
    ]
    x = np.maximum(0.0, normalised(x, known, *norms[0]))
    nets, count = x.shape[:2]
    layers, changes = matrices(params["conv.weight"]), []  # (net, layer, 72, 72)
    for layer in range(0, layers.shape[1], 2):
        inner = (x.reshape(nets, count, -1) @ layers[:, layer]).reshape(x.shape)
        inner = np.maximum(0.0, normalised(inner, known, *norms[layer + 1]))
        residual = (inner.reshape(nets, count, -1) @ layers[:, layer + 1]).reshape(x.shape)
        residual = normalised(residual, known, *norms[layer + 2])
        after = np.maximum(0.0, residual + (x if net.startswith("res") else 0.0))
        changes.append(np.sqrt(np.square(after - x).sum((1, 2, 3)) / np.square(x).sum((1, 2, 3))))
        x = after
    pooled = x[:, known if "images" in inputs else 0 :].mean(3)  # (net, example, filter)
    scores = pooled @ params["fc.weight"].swapaxes(1, 2) + params["fc.bias"][:, None]
    return {"scores": scores, "changes": np.stack(changes, axis=1), "maps": x}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    found = computed(net, params, inputs)
    return {name: found[name] for name in ("scores", "changes")}


def initial(rng: np.random.Generator, blocks: int, starts: int) -> dict[str, Array]:
    """By start: filters N(0, 2/fan-in), BN's scales 1 and shifts 0, a last layer N(0, 1/fan-in) without bias."""
    layers = 2 * blocks
    return {
        "stem.weight": rng.normal(0.0, (2 / 9) ** 0.5, (starts, FILTERS, 1, 3, 3)),
        "conv.weight": rng.normal(0.0, (2 / (9 * FILTERS)) ** 0.5, (starts, layers, FILTERS, FILTERS, 3, 3)),
        "norm.weight": np.ones((starts, layers + 1, FILTERS)),
        "norm.bias": np.zeros((starts, layers + 1, FILTERS)),
        "fc.weight": rng.normal(0.0, FILTERS**-0.5, (starts, CLASSES, FILTERS)),
        "fc.bias": np.zeros((starts, CLASSES)),
    }


def constructed(net: str, params: Arrays, blocks: int, known: Array) -> dict[str, Array]:
    """The shallow net with identity layers behind its own blocks, `blocks` in all: «a solution by construction».

    With a shortcut the residual is zero, by BN's last scale and shift. Without one the filters are deltas, and BN's scale and
    shift are the deviation and the mean of what it normalises: the shallow net's last maps on the known images.
    """
    layers, more = params["conv.weight"].shape[1], 2 * blocks - params["conv.weight"].shape[1]
    starts = len(params["fc.bias"])
    filters = np.zeros((starts, more, FILTERS, FILTERS, 3, 3))
    scale, shift = np.zeros((2, starts, more, FILTERS))
    if not net.startswith("res"):
        last = computed(net, params, {"known": known})["maps"]  # (net, example, filter, place)
        filters[:, :, range(FILTERS), range(FILTERS), 1, 1] = 1.0
        mean = last.mean(axis=(1, 3))
        scale += np.sqrt(np.square(last - mean[:, None, :, None]).mean(axis=(1, 3)) + EPS)[:, None]
        shift += mean[:, None]
    joined = {
        "conv.weight": np.concatenate([params["conv.weight"], filters], axis=1),
        "norm.weight": np.concatenate([params["norm.weight"][:, : layers + 1], scale], axis=1),
        "norm.bias": np.concatenate([params["norm.bias"][:, : layers + 1], shift], axis=1),
    }
    return {**params, **joined}


# --- What metrics are made of ---


def pixels(images: Array) -> Array:
    return 2 * images[:, None] - 1  # (example, 1, 8, 8)


def cross_entropy(scores: Array, labels: Array) -> list[float]:
    """Mean over examples, for each net: scores (net, example, class), in nats."""
    shifted = scores - scores.max(axis=2, keepdims=True)
    logs = np.log(np.exp(shifted).sum(2)) - shifted[:, np.arange(len(labels)), labels]
    return logs.mean(1).tolist()


def error(scores: Array, labels: Array) -> list[float]:
    return (scores.argmax(2) != labels).mean(1).tolist()


def gradient_ratio(start: Arrays, first: Arrays) -> list[float]:
    """From one update p <- p - rate (gradient + decay p): the gradient's norm by the first inner layer over the last's."""
    moved = (start["conv.weight"] - first["conv.weight"]) * WARM_UP / RATE - DECAY * start["conv.weight"]
    norms = np.sqrt(np.square(moved).sum((2, 3, 4, 5)))  # (net, layer)
    return (norms[:, 0] / norms[:, -1]).tolist()


# --- The experiment ---


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    train, test = digits_split()
    data, known, asked = (
        {"images": pixels(train.images), "labels": train.labels},
        pixels(train.images[:KNOWN]),
        pixels(test.images),
    )
    rng = np.random.default_rng(seed)
    starts = {depth: initial(rng, blocks, STARTS[profile]) for depth, blocks in BLOCKS.items()}
    epochs = -(-UPDATES // (len(train.labels) // BATCH))
    order = np.concatenate([np.stack(list(minibatches(rng, len(train.labels), BATCH))) for _ in range(epochs)])[
        :UPDATES
    ]
    metrics: dict[str, float | list[float]] = {}
    curves: dict[str, list[float]] = {}
    changes: dict[str, Array] = {}

    def ask_training(net: str, start: Arrays, data: Arrays) -> Trained:
        settings = {"momentum": MOMENTUM, "decay": DECAY}
        rates = linear_decay(RATE, UPDATES, WARM_UP)
        return framework.train(Training(net, start, data, order, rates, settings=settings, keep=(1,)))

    def seen(net: str, params: Arrays) -> dict[str, Array]:
        return framework.predict(net, params, {"known": known}, seen=True)

    def tested(net: str, params: Arrays) -> list[float]:
        return error(framework.predict(net, params, {"images": asked, "known": known})["scores"], test.labels)

    for step, net in enumerate(NETS):
        framework.progress(0.2 * step, f"training {net}")
        kind, depth = net.split("_")
        start = starts[depth]
        metrics[f"{net}_change_before"] = seen(net, start)["changes"].mean(1).tolist()
        trained = ask_training(net, start, data)
        curves[net] = trained.losses.tolist()
        answer = seen(net, trained.params)
        changes[net] = answer["changes"]
        metrics[f"{net}_loss"] = cross_entropy(answer["scores"], train.labels[:KNOWN])
        metrics[f"{net}_test_error"] = tested(net, trained.params)
        metrics[f"{net}_gradient_ratio"] = gradient_ratio(start, trained.kept[1])
        metrics[f"{net}_change"] = answer["changes"].mean(1).tolist()
        if depth == "8":
            deep = constructed(net, trained.params, BLOCKS["32"], known)
            made = seen(f"{kind}_32", deep)["scores"]
            metrics[f"{kind}_32_constructed_loss"] = cross_entropy(made, train.labels[:KNOWN])
            metrics[f"{kind}_32_construction_error"] = float(np.abs(made - answer["scores"]).max())
    framework.progress(0.9, "control")
    shuffled = {**data, "labels": rng.permutation(train.labels)}
    control = ask_training("res_8", starts["8"], shuffled)
    metrics["shuffled_test_error"] = tested("res_8", control.params)
    return Experiment(metrics, figures.drawn(metrics, curves, changes))
