r"""What the paper reports of neurons, pooling and crops, on real digits and small networks (paper 07).

    neurons     updates until one in four training digits is named wrongly: ReLU, tanh, logistic       figure 1
    pooling     3 x 3 neighbourhoods two apart against 2 x 2, which give maps of the same size         section 3.4
    crops       training on all four 9 x 9 crops of a 10 x 10 image instead of one, and averaging the
                predictions of the four at test time                                                   section 4.1
    control     the same network trained on labels in random order

Each network is this room's, with one stride, no normalisation and no dropout: CONV, POOL, CONV, FC, FC. Updates are those of
section 5, momentum 0.9 without weight decay («no regularization of any kind», figure 1) for the neurons and with 0.0005
otherwise. Rates were chosen for each kind of neuron as figure 1 asks, among 0.01, 0.03, 0.1 and 0.2 (logistic: 0.1 to 3).
A digit has a border of one blank pixel, so a crop shows it where it stands or moved by a pixel.
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

SEEDS, BATCH, FEW, TESTED, STRETCH, EXAMINED = 5, 32, 100, 240, 4, 200
CAP = {"quick": 100, "full": 600}  # updates after which a network that has not arrived is given up
UPDATES = {"quick": 120, "full": 600}
RATES = {"relu": 0.04, "tanh": 0.1, "logistic": 1.0}
CROPS = ((0, 0), (0, 1), (1, 0), (1, 1))
NETS = {name: (name, 3) for name in RATES} | {"apart": ("relu", 2)}  # the neurons and the side of the neighbourhoods
WRONG = "share of 240 test digits that the network names wrongly"

METRICS = {
    **{
        f"{name}_updates": Metric("updates until it names three in four of 200 training digits; the limit where it does not",
                                  "updates", "seeds", name, "low", spread=12.0)
        for name in RATES
    },
    "logistic_loss": Metric("mean loss of its last ten minibatches: ln 10 = 2.303 is chance", "nats", "seeds", "logistic", "low",
                            spread=0.1),
    "overlapping_error": Metric(f"{WRONG}, 3 x 3 neighbourhoods two apart, 100 training digits where they stand", "share",
                                "seeds", "overlapping", "low", spread=0.03),
    "apart_error": Metric(f"{WRONG}, 2 x 2 neighbourhoods two apart, the same digits", "share", "seeds", "apart", "low",
                          spread=0.03),
    "overlapping_moved_error": Metric(f"{WRONG}, 3 x 3, over the three crops that show it moved", "share", "seeds",
                                      "overlapping", "low", spread=0.05),
    "apart_moved_error": Metric(f"{WRONG}, 2 x 2, over the three crops that show it moved", "share", "seeds", "apart", "low",
                                spread=0.05),
    "crops_error": Metric(f"{WRONG} by the mean prediction of four crops, trained on all four of 100 digits", "share", "seeds",
                          "crops", "low", spread=0.03),
    "crops_alone_error": Metric(f"{WRONG} by one crop, trained on all four", "share", "seeds", "crops", "low", spread=0.03),
    "shuffled_error": Metric(f"{WRONG}, trained on labels in random order: 0.9 is chance", "share", "seeds", "shuffled", "low",
                             control=True, spread=0.05),
}  # fmt: skip


def config(net: str) -> dict:
    activation, pool = NETS[net]
    sizes = dict(channels=1, height=9, width=9, kernels1=8, kernels2=12, stride=1, padding=1, pool=pool, hidden=24)
    return checks.CONFIG | sizes | dict(activation=activation, k=1.0, alpha=0.0, keep=1.0, training=False)


def crop(part: Digits, at: tuple[int, int]) -> Array:
    """(example, 1, 9, 9): grey values around zero of the crop whose corner is at this row and column."""
    row, column = at
    framed = np.pad(part.images, [(0, 0), (1, 1), (1, 1)])
    return 2 * framed[:, None, row : row + 9, column : column + 9] - 1


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (example, class)."""
    count, sizes = len(inputs["images"]), config(net)
    batch = {**inputs, "labels": np.zeros(count, int), "mask": np.ones((count, sizes["hidden"]))}
    return {"logits": checks.forward(params, batch, **sizes)["logits"]}


def initial(rng: np.random.Generator, net: str) -> Arrays:
    """Weights of deviation sqrt(2 / fan-in) for ReLU and sqrt(1 / fan-in) otherwise; biases are zero."""
    gain = 2.0 if NETS[net][0] == "relu" else 1.0
    return {
        name: rng.normal(0.0, (gain / np.prod(shape[1:])) ** 0.5, shape) if "weight" in name else np.zeros(shape)
        for name, shape in checks.shapes(config(net)).items()
    }


def softmax(logits: Array) -> Array:
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    train, test = digits_split()
    test = Digits(test.images[:TESTED], test.labels[:TESTED])
    cap, updates = CAP[profile], UPDATES[profile]
    metrics: dict[str, list[float]] = {name: [] for name in METRICS}
    losses: dict[str, list[Array]] = {name: [] for name in RATES}
    tests = [crop(test, at) for at in CROPS]

    for s in range(SEEDS):
        rng = np.random.default_rng([seed, s])
        few = rng.permutation(len(train.labels))[:FEW]
        still = {"images": np.tile(crop(train, (0, 0))[few], (4, 1, 1, 1)), "labels": np.tile(train.labels[few], 4)}
        moved = {**still, "images": np.concatenate([crop(train, at)[few] for at in CROPS])}
        shuffled = {**still, "labels": np.tile(rng.permutation(train.labels[few]), 4)}
        many = {"images": crop(train, (0, 0))[: 4 * FEW], "labels": train.labels[: 4 * FEW]}

        framework.progress(s / SEEDS, f"neurons, seed {s}")
        order = rng.integers(0, 4 * FEW, (cap, BATCH))
        for name, rate in RATES.items():
            settings = {"decay": 0.0, "stop": 0.25}
            trained = framework.train(
                Training(name, initial(rng, name), many, order, constant(rate, cap), settings=settings)
            )
            metrics[f"{name}_updates"].append(float(len(trained.losses)))
            losses[name].append(trained.losses)
        metrics["logistic_loss"].append(float(losses["logistic"][-1][-10:].mean()))

        framework.progress((s + 0.3) / SEEDS, f"pooling and crops, seed {s}")
        order, rates, start = (
            rng.integers(0, 4 * FEW, (updates, BATCH)),
            linear_decay(0.04, updates),
            initial(rng, "relu"),
        )
        for name, net, data in (
            ("overlapping", "relu", still), ("apart", "apart", still), ("crops", "relu", moved), ("shuffled", "relu", shuffled),
        ):  # fmt: skip
            trained = framework.train(Training(net, start, data, order, rates, settings={"decay": 0.0005}))
            asked = tests[:1] if name == "shuffled" else tests
            answers = [
                softmax(framework.predict(net, trained.params, {"images": images})["logits"]) for images in asked
            ]
            wrong = [float((answer.argmax(1) != test.labels).mean()) for answer in answers]
            metrics["crops_alone_error" if name == "crops" else f"{name}_error"].append(wrong[0])
            if name == "crops":
                metrics["crops_error"].append(float((sum(answers).argmax(1) != test.labels).mean()))
            elif name != "shuffled":
                metrics[f"{name}_moved_error"].append(float(np.mean(wrong[1:])))
    return Experiment(metrics, figures.drawn(metrics, losses, cap))
