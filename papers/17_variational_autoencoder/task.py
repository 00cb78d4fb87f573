r"""TODO: the phenomenon that this paper reports, reproduced small: data, starts, what is asked, metrics, figures.

Variational Lossy Autoencoder.

Both frameworks answer the same questions. Targets of examples that a network is examined on are never handed over.
"""

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Lines, Metric, Training, constant, minibatches

SEEDS, EXAMPLES, BATCH, RATE = 5, 64, 16, 0.1
EPOCHS = {"quick": 20, "full": 40}
COLOURS = {"affine": 0, "shuffled": 1}  # a model keeps its colour in every figure of the room

METRICS = {
    "error": Metric("TODO: mean squared error on new examples", "squared units", "seeds", "affine", "low", spread=1e-3),
    "shuffled_error": Metric(
        "TODO: the same after training on targets in random order: what guessing their mean would give",
        "squared units", "seeds", "shuffled", "low", control=True, spread=0.1,
    ),
}  # fmt: skip


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """The reference in NumPy, by which both frameworks are held. net is `affine`."""
    return {"prediction": inputs["inputs"] @ params["weight"].T + params["bias"]}  # (example, output)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    """`quick` takes less than 15 s on one core in each framework, `full` less than 120 s."""
    metrics: dict[str, list[float]] = {"error": [], "shuffled_error": []}
    curves: dict[str, Array] = {}
    for s in range(SEEDS):
        framework.progress(s / SEEDS, f"training, seed {s}")
        rng = np.random.default_rng([seed, s])
        truth, start = ({"weight": rng.normal(size=(2, 3)), "bias": rng.normal(size=2)} for _ in range(2))
        inputs, new = rng.normal(size=(EXAMPLES, 3)), rng.normal(size=(EXAMPLES, 3))  # (example, feature)
        targets = predict("affine", truth, {"inputs": inputs})["prediction"]
        order = np.array([index for _ in range(EPOCHS[profile]) for index in minibatches(rng, EXAMPLES, BATCH)])
        for name, shown in (("error", targets), ("shuffled_error", rng.permutation(targets))):
            data, rates = {"inputs": inputs, "targets": shown}, constant(RATE, len(order))
            trained = framework.train(Training("affine", start, data, order, rates))
            found = framework.predict("affine", trained.params, {"inputs": new})["prediction"]
            wanted = predict("affine", truth, {"inputs": new})["prediction"]
            metrics[name].append(float(((found - wanted) ** 2).sum(axis=1).mean()))
            curves.setdefault(name, trained.losses)
    return Experiment(metrics, {"learning": learning(curves)})


def learning(curves: dict[str, Array]) -> Lines:
    named = {"affine": curves["error"], "shuffled": curves["shuffled_error"]}
    return Lines(
        "TODO: what is drawn",
        "update",
        "squared units",
        {label: (list(range(len(losses))), losses) for label, losses in named.items()},
        log_y=True,
        caption="TODO: what is to be seen",
        colours=COLOURS,
    )
