r"""Synthesised digit strings written down: label error rates with and without recurrence, decoded greedily and by a beam.

    both      two directions, h = h> + h<
    row       one direction and a row convolution over 4 frames to come
    local     no recurrence, a window of 11 frames in place of 5
    shuffled  `both`, trained on labels of other strings: the control
    early_*   `both` after two epochs, the first in SortaGrad's order or in random order

The first epoch is SortaGrad's: minibatches in the order of their strings' length; then at random. Test strings are new ones; B takes its
statistics from the strings it is given, so all of them are asked at once. Adam, the gradient's norm cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Bars, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
decode = sibling(__file__, "decode.py")
speech = sibling(__file__, "speech.py")

SIZES = {
    "frequency": speech.BANDS, "channels": 32, "kernel": 5, "stride": 4, "hidden": 32, "symbols": 1 + len(speech.DIGITS),
    "recurrence": True, "bidirectional": True, "context": 0, "ceiling": 20.0, "impossible": "skip",
}  # fmt: skip
NETS: dict[str, dict[str, Any]] = {
    "both": {},
    "row": {"bidirectional": False, "context": 4},
    "local": {"recurrence": False, "kernel": 11},
    "shuffled": {},
    "early_sorted": {},
    "early_random": {},
}
EARLY = 2  # epochs of the comparison of orders
# Seeds, training strings, epochs, test strings.
PROFILES = {"quick": (1, 480, 6, 80), "full": (3, 480, 20, 160)}
TIME, BATCH, PEAK, CLIP, BETAS, EPSILON, WIDTH = 152, 24, 1e-2, 5.0, (0.9, 0.99), 1e-8, 8

NAMES = {"both": "two directions", "row": "one direction and a row convolution", "local": "no recurrence"}
METRICS = {
    **{f"error_{net}": Metric(f"label error rate of new strings, greedy, {name}", "edits per digit", "seeds", net, "low", spread=0.15)
       for net, name in NAMES.items()},
    "error_beam": Metric("the same by a beam of prefixes, two directions", "edits per digit", "seeds", "both", "low", spread=0.15),
    "beam_gain": Metric("log p of the beam's label less that of the greedy one, mean over the new strings", "nats", "seeds", "both", "high",
                        spread=0.1),
    **{f"loss_early_{order}": Metric(f"loss on new strings after {EARLY} epochs, the first one {what}", "nats per string", "seeds",
                                     f"early_{order}", "low", spread=1.0)
       for order, what in (("sorted", "by the strings' length"), ("random", "at random"))},
    "error_shuffled": Metric("label error rate after training on labels of other strings", "edits per digit", "seeds", "shuffled", "low",
                             control=True, spread=0.2),
    "parameters_ratio": Metric("parameters of the net without recurrence over those with two directions", "1"),
}  # fmt: skip


def switches(net: str) -> dict[str, Any]:
    """The configuration of a net: what `Model` and `forward` are built with."""
    return {**SIZES, **NETS[net]}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Parameters by name: weights normal with the variance 1 / fan-in, U half an orthogonal matrix, gamma one, biases zero."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name in ("ahead.weight", "back.weight"):
            return 0.5 * np.linalg.qr(rng.normal(size=shape))[0]
        if len(shape) == 1:
            return np.full(shape, float(name == "norm.weight"))
        return rng.normal(0, np.prod(shape[1:]) ** -0.5, shape)

    return {name: draw(name, shape) for name, shape in checks.shapes(**switches(net)).items()}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """The reference in NumPy: logits (string, time, symbols)."""
    config = switches(net)
    hidden, _, _ = checks.encode(
        params, inputs, *(config[k] for k in ("stride", "recurrence", "bidirectional", "ceiling"))
    )
    return {"logits": hidden @ params["output.weight"].T + params["output.bias"]}


def sorta_grad(rng: np.random.Generator, frame_mask: Array, epochs: int) -> Array:
    """(update, BATCH): one epoch with the strings by their length, then epochs in random order."""
    count = len(frame_mask)
    orders = [np.argsort(frame_mask.sum(1), kind="stable"), *(rng.permutation(count) for _ in range(epochs - 1))]
    return np.concatenate(orders).reshape(-1, BATCH)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, count, epochs, asked = PROFILES[profile]
    metrics: dict[str, Any] = {name: [] for name in METRICS if METRICS[name].over}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([21, s])
        known, test = (speech.batch_of(rng, number, TIME) for number in (count, asked))
        wanted = [list(l[m]) for l, m in zip(test["label"], test["label_mask"])]
        start = {net: initial(np.random.default_rng([21, s, 1]), net) for net in NETS}
        order = sorta_grad(rng, known["frame_mask"], epochs)
        other = rng.permutation(count)
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {NAMES.get(net, net)}")
            data = known if net != "shuffled" else known | {k: known[k][other] for k in ("label", "label_mask")}
            mine = order if net in NAMES else order[: EARLY * count // BATCH]
            if net == "early_random":
                mine = rng.permuted(mine[: len(mine) // EARLY].ravel()).reshape(-1, BATCH)
                mine = np.concatenate([mine, order[len(mine) : EARLY * len(mine)]])
            rates = linear_decay(PEAK, len(mine), warm_up=len(mine) // 10)
            trained = framework.train(Training(net, start[net], data, mine, rates, clip=CLIP))
            inputs = {k: test[k] for k in ("frames", "frame_mask")}
            log_y = checks.log_softmax(framework.predict(net, trained.params, inputs)["logits"].astype(float))
            rows = [y[:n] for y, n in zip(log_y, test["frame_mask"][:, :: SIZES["stride"]].sum(1))]
            if net.startswith("early"):
                metrics[f"loss_{net}"].append(-float(log_p(rows, wanted).mean()))
                continue
            found = [decode.greedy(y) for y in rows]
            metrics[f"error_{net}"].append(decode.label_error_rate(found, wanted))
            if net == "both":
                beam = [decode.prefix_beam(y, WIDTH) for y in rows]
                metrics["error_beam"].append(decode.label_error_rate(beam, wanted))
                metrics["beam_gain"].append(float((log_p(rows, beam) - log_p(rows, found)).mean()))
    sizes = {net: sum(value.size for value in start[net].values()) for net in ("local", "both")}
    metrics["parameters_ratio"] = sizes["local"] / sizes["both"]
    return Experiment(metrics, {"errors": errors(metrics)})


def log_p(rows: list[Array], labels: list[list[int]]) -> Array:
    """log p(l | x) of each string and label; all have an alignment."""
    found = []
    for y, label in zip(rows, labels):
        l = np.array([[*label, 0]])
        found.append(checks.alignments(y[None], np.ones((1, len(y)), bool), l, l > 0)["log_p"][0])
    return np.array(found)


def errors(metrics: dict[str, Any]) -> Bars:
    shown = {
        "both": "error_both",
        "both, beam": "error_beam",
        "row": "error_row",
        "local": "error_local",
        "shuffled": "error_shuffled",
    }
    return Bars(
        "Label error rates of new digit strings", "edits per digit",
        {label: float(np.mean(metrics[name])) for label, name in shown.items()},
        caption="Of strings that were not trained on. A net without recurrence sees a window of 11 frames, and not both vowels of a digit.",
    )  # fmt: skip
