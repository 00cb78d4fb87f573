r"""What shortcuts and the place of activations do to training (arXiv:1603.05027, tables 1 and 2, figures 1, 3 and 6), on digits.

    original          h(x) = x, f = ReLU                                  figure 2(a), figure 4(a)
    half              h(x) = x/2, F unscaled                              table 1, «constant scaling», shortcut 0.5, F 1
    convolution       h(x) = W_s x, a 1x1 convolution in every unit       table 1, «1x1 conv shortcut»
    dropout           h(x) = m x, each entry kept with probability 1/2    table 1, «dropout shortcut»; tested as half
    full              h(x) = x, f = x, BN and ReLU before each weight     figure 4(e)
    control           full, trained on labels in random order

All have 26 layers: a first layer of stride 3, which leaves maps of 3 x 3, and 12 units of two convolutions of 8 filters. All
are trained at the rate 0.02, and original and full at 0.4 as well: which of the two is better depends on it. SGD with
momentum, weight decay and a warm-up. A «net» here is five of them (full profile: fifteen), from as many starts, trained side
by side on the same minibatches, under the same dropout; what is reported are their values. BN's statistics in testing are
those of 128 training images, computed once after training.

Of untrained nets of 54 units, as many as ResNet-110 has, the product of Jacobians is measured: how the gradient by x_L comes
back to each x_l, for shortcuts of 1, 1/2 and 0 without an activation behind the addition, and for 1 with ReLU there.
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

CLASSES, FILTERS, UNITS, STRIDE, SIDE, EPS = 10, 8, 12, 3, 3, 1e-5
STARTS = {"quick": 5, "full": 15}
UPDATES, WARM_UP, BATCH, MOMENTUM, DECAY, KNOWN = 48, 24, 32, 0.9, 1e-4, 128
DEEP, FAR, NEAR = 54, 20, 2  # units of the nets whose Jacobians are measured, and how many units back metrics are taken
SLOW, FAST = 0.02, 0.4
RUNS = {  # by name: the net and the peak of its rate
    "original_slow": ("original", SLOW),
    "half_slow": ("half", SLOW),
    "convolution_slow": ("convolution", SLOW),
    "dropout_slow": ("dropout", SLOW),
    "full_slow": ("full", SLOW),
    "original_fast": ("original", FAST),
    "full_fast": ("full", FAST),
}
SHORTCUTS = {
    "original": 1.0,
    "half": 0.5,
    "convolution": 1.0,
    "dropout": 0.5,
    "full": 1.0,
}  # lambda, of dropout its mean
PATHS = {  # of Jacobians, by name: the net and lambda
    "identity": ("full", 1.0),
    "halved": ("full", 0.5),
    "plain": ("full", 0.0),
    "rectified": ("original", 1.0),
}

_SAYS = {
    "loss": ("cross-entropy on 128 training images, BN's statistics being theirs", "nats", 0.15),
    "test_error": ("of the test digits, the share that is misnamed", "share", 0.08),
}
_KEPT = "before training: <g_l, g_L> / |g_L|^2, g being the gradients by the signals, {} units apart; its mean is {}"
_STRETCH = "before training: |g_0| / |g_L| over 54 units, its logarithm to base 10"
METRICS = {
    **{
        f"{run}_{kind}": Metric(says, unit, "nets", net, "low", spread=spread)
        for kind, (says, unit, spread) in _SAYS.items()
        for run, (net, _) in RUNS.items()
    },
    "identity_kept": Metric(_KEPT.format(FAR, 1), "times", "nets", spread=1e-6),
    "rectified_kept": Metric(_KEPT.format(FAR, "not known"), "times", "nets", spread=1e-6),
    "halved_kept": Metric(_KEPT.format(NEAR, "1/4"), "times", "nets", spread=1e-6),
    "plain_kept": Metric(_KEPT.format(NEAR, 0), "times", "nets", spread=1e-6),
    **{f"{path}_stretch": Metric(_STRETCH, "log10", "nets", spread=1e-6) for path in PATHS},
    "filter_variance": Metric("mean square of the filters of units at the start, times their fan-in", "ratio", "nets"),
    "shortcut_variance": Metric("the same of the 1x1 filters of shortcuts", "ratio", "nets"),
    "dropout_share": Metric("of the entries of shortcuts, the share that dropout keeps", "share"),
    "dropout_repeats": Metric("of these entries, the share that is treated as one update earlier: chance is 1/2", "share"),
    "truncated_start": Metric("share of the sums y that ReLU cuts off in the original net before training", "share", "nets",
                              spread=0.001),
    "truncated_slow": Metric("the same after training", "share", "nets", spread=0.02),
    "shuffled_test_error": Metric("test error of full trained fast on labels in random order: chance is 0.9", "share", "nets",
                                  "shuffled", "low", control=True, spread=0.03),
}  # fmt: skip

# --- Networks in NumPy: the reference ---


def matrices(weight: Array) -> Array:
    """Each CONV of odd side up to 3 on maps of 3 x 3, zeros around, as the matrix of an FC layer.

    weight (..., filter, channel, k, k) -> (..., channel * 9, filter * 9), to be multiplied from the right.
    """
    kernel = weight.shape[-1]
    reads = np.zeros((kernel * kernel, 9, 9))  # (tap, from, to)
    for tap, there, here in np.ndindex(*reads.shape):
        step = np.subtract(divmod(there, SIDE), divmod(here, SIDE))
        reads[tap, there, here] = tuple(step + kernel // 2) == divmod(tap, kernel)
    taps = weight.reshape(*weight.shape[:-2], kernel * kernel)
    found = np.einsum("...kct,tpq->...cpkq", taps, reads, optimize=True)
    return found.reshape(*weight.shape[:-4], weight.shape[-3] * 9, weight.shape[-4] * 9)


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
    """The known images, and behind them those that are asked about."""
    return np.concatenate([inputs["known"], inputs["images"]])


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """scores (net, example, class) of `images`, and known_scores of `known`, whose statistics BN takes; and of each unit the
    share of its sums y on `known` that are negative, (net, unit)."""
    known = len(inputs["known"])
    norms = list(zip(params["norm.weight"].swapaxes(0, 1), params["norm.bias"].swapaxes(0, 1)))
    # the first activation stands before the paths split; each unit has two norms, and behind the last unit stands one more
    x = np.maximum(0.0, normalised(stem(params, rows(inputs)), known, *norms[0]))
    nets, count = x.shape[:2]

    def through(h: Array, matrix: Array) -> Array:
        return (h.reshape(nets, count, -1) @ matrix).reshape(x.shape)

    layers, negative = matrices(params["conv.weight"]), []  # (net, layer, 72, 72)
    paths = matrices(params["shortcut.weight"]) if net == "convolution" else None
    for unit in range(layers.shape[1] // 2):
        first, second = layers[:, 2 * unit], layers[:, 2 * unit + 1]
        one, other = norms[2 * unit + 1], norms[2 * unit + 2]
        if net == "full":
            inner = through(np.maximum(0.0, normalised(x, known, *one)), first)
            residual = through(np.maximum(0.0, normalised(inner, known, *other)), second)
        else:
            inner = np.maximum(0.0, normalised(through(x, first), known, *one))
            residual = normalised(through(inner, second), known, *other)
        # y = h(x) + F, x' = f(y)
        y = (SHORTCUTS[net] * x if paths is None else through(x, paths[:, unit])) + residual
        negative.append((y[:, :known] < 0).mean(axis=(1, 2, 3)))
        x = y if net == "full" else np.maximum(0.0, y)
    x = np.maximum(0.0, normalised(x, known, *norms[-1])) if net == "full" else x
    pooled = x.mean(3)  # (net, example, filter)
    scores = pooled @ params["fc.weight"].swapaxes(1, 2) + params["fc.bias"][:, None]
    return {"known_scores": scores[:, :known], "scores": scores[:, known:], "negative": np.stack(negative, axis=1)}


def initial(rng: np.random.Generator, starts: int, net: str, units: int | None = None) -> dict[str, Array]:
    """By start: filters N(0, 2/fan-in), of W_s N(0, 1/fan-in), BN's scales 1 and shifts 0, a last layer N(0, 1/fan-in)."""
    units = units or UNITS
    layers, norms = 2 * units, 2 * units + 1 + (net == "full")
    found = {
        "stem.weight": rng.normal(0.0, (2 / 9) ** 0.5, (starts, FILTERS, 1, 3, 3)),
        "conv.weight": rng.normal(0.0, (2 / (9 * FILTERS)) ** 0.5, (starts, layers, FILTERS, FILTERS, 3, 3)),
        "norm.weight": np.ones((starts, norms, FILTERS)),
        "norm.bias": np.zeros((starts, norms, FILTERS)),
        "fc.weight": rng.normal(0.0, FILTERS**-0.5, (starts, CLASSES, FILTERS)),
        "fc.bias": np.zeros((starts, CLASSES)),
    }
    if net == "convolution":
        found["shortcut.weight"] = rng.normal(0.0, FILTERS**-0.5, (starts, units, FILTERS, FILTERS, 1, 1))
    return found


def masks(rng: np.random.Generator, count: int) -> Array:
    """Which entries a shortcut keeps, each with probability 1/2: (example, unit, filter, place)."""
    return rng.random((count, UNITS, FILTERS, SIDE * SIDE)) < 0.5


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


def variance(weight: Array) -> list[float]:
    """Mean square times fan-in, for each net: weight (net, layer, filter, channel, k, k)."""
    return (np.square(weight).mean((1, 2, 3, 4, 5)) * np.prod(weight.shape[3:])).tolist()


# --- The experiment ---


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    train, test = digits_split()
    data, known, asked = (
        {"images": pixels(train.images), "labels": train.labels},
        pixels(train.images[:KNOWN]),
        pixels(test.images),
    )
    rng = np.random.default_rng(seed)
    starts = {net: initial(rng, STARTS[profile], net) for net in SHORTCUTS}
    epochs = -(-UPDATES // (len(train.labels) // BATCH))
    order = np.concatenate([np.stack(list(minibatches(rng, len(train.labels), BATCH))) for _ in range(epochs)])[
        :UPDATES
    ]
    kept = masks(rng, order.size)
    by_update = kept.reshape(*order.shape, -1)
    metrics: dict[str, float | list[float]] = {
        "filter_variance": variance(starts["full"]["conv.weight"]),
        "shortcut_variance": variance(starts["convolution"]["shortcut.weight"]),
        "dropout_share": float(kept.mean()),
        "dropout_repeats": float((by_update[1:] == by_update[:-1]).mean()),
    }
    curves: dict[str, list[float]] = {}

    def ask_training(net: str, rate: float, data: Arrays) -> Trained:
        rates, settings = linear_decay(rate, UPDATES, WARM_UP), {"momentum": MOMENTUM, "decay": DECAY}
        if net != "dropout":
            return framework.train(Training(net, starts[net], data, order, rates, settings=settings))
        # every update has masks of its own: its examples stand in a row, each beside its mask
        fresh = {name: value[order.ravel()] for name, value in data.items()} | {"kept": kept}
        places = np.arange(order.size).reshape(order.shape)
        return framework.train(Training(net, starts[net], fresh, places, rates, settings=settings))

    def answers(net: str, params: Arrays) -> Arrays:
        return framework.predict(net, params, {"images": asked, "known": known})

    for step, (name, (net, rate)) in enumerate(RUNS.items()):
        framework.progress(0.12 * step, f"training {name}")
        trained = ask_training(net, rate, data)
        curves[name] = trained.losses.tolist()
        answer = answers(net, trained.params)
        metrics[f"{name}_loss"] = cross_entropy(answer["known_scores"], train.labels[:KNOWN])
        metrics[f"{name}_test_error"] = error(answer["scores"], test.labels)
        if name == "original_slow":
            metrics["truncated_slow"] = answer["negative"].mean(1).tolist()
    framework.progress(0.85, "control")
    metrics["truncated_start"] = answers("original", starts["original"])["negative"].mean(1).tolist()
    control = ask_training("full", FAST, {**data, "labels": rng.permutation(train.labels)})
    metrics["shuffled_test_error"] = error(answers("full", control.params)["scores"], test.labels)

    framework.progress(0.95, "Jacobians")
    at_last = rng.normal(size=(STARTS["quick"], BATCH, FILTERS, SIDE * SIDE))
    deep = {net: initial(rng, STARTS["quick"], net, DEEP) for net in ("full", "original")}
    back = {
        path: framework.ask("jacobians", net, scale, deep[net], known[:BATCH], at_last)
        for path, (net, scale) in PATHS.items()
    }
    for path, found in back.items():
        metrics[f"{path}_kept"] = found["kept"][:, DEEP - (FAR if path in ("identity", "rectified") else NEAR)].tolist()
        metrics[f"{path}_stretch"] = np.log10(found["norm"][:, 0]).tolist()
    return Experiment(metrics, figures.drawn(metrics, curves, back))
