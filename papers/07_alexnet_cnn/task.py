r"""What the paper reports of neurons, normalisation, pooling and crops, on real digits and small networks (paper 07).

    neurons     updates until one in four training digits is named wrongly: ReLU, tanh, logistic       figure 1
    norm        response normalisation and none: test error, and how responses grow when an image is
                doubled                                                                                section 3.3
    pooling     3 x 3 neighbourhoods two apart against 2 x 2, which give maps of the same size         section 3.4
    crops       training on all four 9 x 9 crops of a 10 x 10 image instead of one, and averaging the
                predictions of the four at test time                                                   section 4.1
    control     the same network trained on labels in random order

Each network is this room's, with one stride and no dropout: CONV, POOL, CONV, FC, FC. Updates are those of section 5, momentum
0.9 without weight decay («no regularization of any kind», figure 1) for the neurons and with 0.0005 otherwise. Of every image
the mean training image is subtracted (section 2). A digit has a border of one blank pixel, so a crop shows it where it stands
or moved by a pixel.

Rates are the best of those tried on seeds 0 and 3 (NOTES.md), for each kind of neuron and for normalisation. Logistic neurons
start four times as large as those of tanh, since their slope is at most 1/4: from the start of tanh they did not arrive.
"""

import numpy as np

from s30.room import (
    Array,
    Arrays,
    Digits,
    Experiment,
    Framework,
    Metric,
    Training,
    constant,
    digits_split,
    linear_decay,
    sibling,
)

checks = sibling(__file__, "numpy_checks.py")
figures = sibling(__file__, "figures.py")

SEEDS, FEW, STRETCH, EXAMINED = 5, 100, 3, 200
BATCH = {"neurons": 32, "errors": 64}  # examples in a minibatch
CAP = 300  # updates after which a network that has not arrived is given up
UPDATES = {"quick": 99, "full": 600}
RATES = {"relu": 0.04, "tanh": 0.2, "logistic": 0.15}
GAINS = {"relu": 2.0, "tanh": 1.0, "logistic": 16.0}  # of the starts' variance, over the fan-in
NORM_RATE = 0.1
CROPS = ((0, 0), (0, 1), (1, 0), (1, 1))
# The neurons, the side of the neighbourhoods, and k and alpha of the normalisation; 1 and 0 are none.
NETS = {name: (name, 3, 1.0, 0.0) for name in RATES} | {"apart": ("relu", 2, 1.0, 0.0), "norm": ("relu", 3, 2.0, 0.8)}
WRONG = "share of 539 test digits that the network names wrongly"
GROWTH = "by how much the first layer's responses grow, in length, when a test image is doubled"

METRICS = {
    **{
        f"{name}_updates": Metric("updates until it names three in four of 200 training digits; the limit where it does not",
                                  "updates", "seeds", name, "low", spread=12.0)
        for name in RATES
    },
    "stopped_error": Metric("share of those 200 digits that a network names wrongly where it was stopped", "share", "nets",
                            spread=0.02),
    "plain_error": Metric(f"{WRONG}, 3 x 3 neighbourhoods two apart, no normalisation, 100 training digits where they stand",
                          "share", "seeds", "plain", "low", spread=0.03),
    "norm_error": Metric(f"{WRONG}, the same with response normalisation", "share", "seeds", "norm", "low", spread=0.03),
    "plain_growth": Metric(f"{GROWTH}, no normalisation", "ratio", "seeds", "plain", spread=0.05),
    "norm_growth": Metric(f"{GROWTH}, response normalisation", "ratio", "seeds", "norm", spread=0.05),
    "apart_error": Metric(f"{WRONG}, 2 x 2 neighbourhoods two apart, the same digits", "share", "seeds", "apart", "low",
                          spread=0.03),
    "plain_moved_error": Metric(f"{WRONG}, 3 x 3, over the three crops that show it moved", "share", "seeds", "plain", "low",
                                spread=0.05),
    "apart_moved_error": Metric(f"{WRONG}, 2 x 2, over the three crops that show it moved", "share", "seeds", "apart", "low",
                                spread=0.05),
    "crops_error": Metric(f"{WRONG} by the mean prediction of four crops, trained on all four of 100 digits", "share", "seeds",
                          "crops", "low", spread=0.03),
    "crops_alone_error": Metric(f"{WRONG} by one crop, trained on all four", "share", "seeds", "crops", "low", spread=0.03),
    "crops_moved_error": Metric(f"{WRONG}, trained on all four crops, over the three that show it moved", "share", "seeds",
                                "crops", "low", spread=0.05),
    "shuffled_error": Metric(f"{WRONG}, trained on labels in random order: 0.9 is chance", "share", "seeds", "shuffled", "low",
                             control=True, spread=0.05),
}  # fmt: skip


def config(net: str) -> dict:
    activation, pool, k, alpha = NETS[net]
    sizes = dict(channels=1, height=9, width=9, kernels1=8, kernels2=12, stride=1, padding=1, pool=pool, hidden=24)
    return checks.CONFIG | sizes | dict(activation=activation, k=k, alpha=alpha, keep=1.0, training=False)


def crop(part: Digits, mean: Array, at: tuple[int, int]) -> Array:
    """(example, 1, 9, 9): grey values of -2 to 2 around the `mean` image, from the row and column of the corner on."""
    row, column = at
    framed = np.pad(2 * (part.images - mean), [(0, 0), (1, 1), (1, 1)])
    return framed[:, None, row : row + 9, column : column + 9]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (example, class), and the length of the first layer's responses behind the normalisation, (example,)."""
    count, sizes = len(inputs["images"]), config(net)
    batch = {**inputs, "labels": np.zeros(count, int), "mask": np.ones((count, sizes["hidden"]))}
    out = checks.forward(params, batch, **sizes)
    return {"logits": out["logits"], "length": np.sqrt((out["norm1"] ** 2).sum(axis=(1, 2, 3)))}


def initial(rng: np.random.Generator, net: str) -> Arrays:
    """Weights of variance gain / fan-in, by the kind of neuron; biases are zero."""
    gain = GAINS[NETS[net][0]]
    return {
        name: rng.normal(0.0, (gain / np.prod(shape[1:])) ** 0.5, shape) if "weight" in name else np.zeros(shape)
        for name, shape in checks.shapes(config(net)).items()
    }


def softmax(logits: Array) -> Array:
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    train, test = digits_split()
    mean = train.images.mean(axis=0)
    updates = UPDATES[profile]
    metrics: dict[str, list[float]] = {name: [] for name in METRICS}
    losses: dict[str, list[Array]] = {name: [] for name in RATES}
    tests = [crop(test, mean, at) for at in CROPS]
    asked = np.concatenate([*tests, 2 * tests[0]])  # as they stand, moved, and doubled

    for s in range(SEEDS):
        rng = np.random.default_rng([seed, s])
        few = rng.permutation(len(train.labels))[:FEW]
        stands = crop(train, mean, (0, 0))
        still = {"images": np.tile(stands[few], (4, 1, 1, 1)), "labels": np.tile(train.labels[few], 4)}
        moved = {**still, "images": np.concatenate([crop(train, mean, at)[few] for at in CROPS])}
        shuffled = {**still, "labels": np.tile(rng.permutation(train.labels[few]), 4)}
        many = {"images": stands[: 4 * FEW], "labels": train.labels[: 4 * FEW]}

        framework.progress(s / SEEDS, f"neurons, seed {s}")
        order = rng.integers(0, 4 * FEW, (CAP, BATCH["neurons"]))
        for name, rate in RATES.items():
            settings = {"decay": 0.0, "stop": 0.25}
            trained = framework.train(
                Training(name, initial(rng, name), many, order, constant(rate, CAP), settings=settings)
            )
            metrics[f"{name}_updates"].append(float(len(trained.losses)))
            losses[name].append(trained.losses)
            if len(trained.losses) < CAP:
                answer = framework.predict(name, trained.params, {"images": stands[:EXAMINED]}, seen=True)
                wrong = answer["logits"].argmax(axis=1) != train.labels[:EXAMINED]
                metrics["stopped_error"].append(float(wrong.mean()))

        framework.progress((s + 0.4) / SEEDS, f"normalisation, pooling and crops, seed {s}")
        order, start = rng.integers(0, 4 * FEW, (updates, BATCH["errors"])), initial(rng, "relu")
        for name, net, data in (
            ("plain", "relu", still), ("norm", "norm", still), ("apart", "apart", still), ("crops", "relu", moved),
            ("shuffled", "relu", shuffled),
        ):  # fmt: skip
            rates = linear_decay(NORM_RATE if name == "norm" else RATES["relu"], updates)
            trained = framework.train(Training(net, start, data, order, rates, settings={"decay": 0.0005}))
            found = framework.predict(net, trained.params, {"images": asked})
            answers = softmax(
                found["logits"].reshape(len(CROPS) + 1, len(test.labels), -1)[:-1]
            )  # (crop, example, class)
            wrong = (answers.argmax(axis=2) != test.labels).mean(axis=1)  # (crop,)
            metrics["crops_alone_error" if name == "crops" else f"{name}_error"].append(float(wrong[0]))
            if name == "crops":
                metrics["crops_error"].append(float((answers.sum(axis=0).argmax(axis=1) != test.labels).mean()))
            if name in ("plain", "apart", "crops"):
                metrics[f"{name}_moved_error"].append(float(wrong[1:].mean()))
            if name in ("plain", "norm"):
                length = found["length"].reshape(len(CROPS) + 1, -1)  # (crop, example)
                metrics[f"{name}_growth"].append(float((length[-1] / length[0]).mean()))
    return Experiment(metrics, figures.drawn(metrics, losses))
