r"""Synthesised digit strings written down: label error rates with and without recurrence, decoded greedily and by a beam.

    both      two directions, h = h> + h<
    row       one direction and a row convolution over 4 frames to come
    local     no recurrence, a window of 11 frames in place of 5
    held      `local` on an easy voice: a syllable is one vowel, which the window hears
    shuffled  `both`, trained as long on labels of other strings: the control
    early_*   `both` after two epochs, the first in SortaGrad's order or in random order

The first epoch is SortaGrad's: minibatches in the order of their strings' length; then at random. Test strings are new ones; B takes its
statistics from the strings it is given, so all of them are asked at once. Adam, the gradient's norm cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import (
    Array,
    Arrays,
    Bars,
    Experiment,
    Framework,
    Images,
    Lines,
    Metric,
    Panels,
    Training,
    linear_decay,
    sibling,
)

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
}
EARLY = 2  # epochs of the comparison of orders; the easy voice has half the strings and three times as many
# Seeds, training strings, epochs, test strings.
PROFILES = {"quick": (1, 480, 5, 80), "full": (3, 480, 15, 160)}
TIME, BATCH, PEAK, CLIP, BETAS, EPSILON, WIDTH = 112, 16, 1.5e-2, 5.0, (0.9, 0.99), 1e-8, 8

NAMES = {"both": "two directions", "row": "one direction and a row convolution", "local": "no recurrence"}
METRICS = {
    **{f"error_{net}": Metric(f"label error rate of new strings, greedy, {name}", "edits per digit", "seeds", net, "low", spread=0.15)
       for net, name in NAMES.items()},
    "error_held": Metric("label error rate of new strings of held vowels, greedy, no recurrence", "edits per vowel", "seeds", "local",
                         "low", spread=0.1),
    "error_shuffled": Metric("label error rate after training on labels of other strings", "edits per digit", "seeds", "both", "low",
                             control=True, spread=0.2),
    **{f"error_{net}_beam": Metric(f"label error rate of new strings by a beam of {WIDTH} prefixes, {NAMES[net]}", "edits per digit",
                                   "seeds", net, "low", spread=0.15) for net in ("both", "local")},
    **{f"gain_{net}": Metric(f"log p of the beam's label less that of the greedy one, mean over the new strings, {NAMES[net]}", "nats",
                             "seeds", net, "high", spread=0.3) for net in ("both", "local")},
    **{f"loss_early_{order}": Metric(f"loss on new strings after {EARLY} epochs, the first one {what}", "nats per string", "seeds",
                                     "both", "low", spread=1.0)
       for order, what in (("sorted", "by the strings' length"), ("random", "at random"))},
    "blanks": Metric("share of the frames of new strings in which the blank is the most probable symbol, two directions", "1", "seeds",
                     "both", spread=0.1),
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


def at_random(rng: np.random.Generator, count: int, epochs: int) -> Array:
    return np.concatenate([rng.permutation(count) for _ in range(epochs)]).reshape(-1, BATCH)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, count, epochs, asked = PROFILES[profile]
    metrics: dict[str, Any] = {name: [] for name in METRICS if METRICS[name].over}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([21, s])
        known, test = (speech.batch_of(rng, number, TIME) for number in (count, asked))
        easy, easy_test = (speech.batch_of(rng, number, TIME, speech.HELD) for number in (count // 2, asked))
        order, other = sorta_grad(rng, known["frame_mask"], epochs), rng.permutation(count)
        start = {net: initial(np.random.default_rng([21, s, 1]), net) for net in NETS}
        first = EARLY * count // BATCH
        plan = {
            **{net: (net, known, order, test) for net in NETS},
            "shuffled": ("both", known | {k: known[k][other] for k in ("label", "label_mask")}, order, test),
            "held": ("local", easy, at_random(rng, count // 2, 3 * EARLY), easy_test),
            "early_sorted": ("both", known, order[:first], test),
            "early_random": ("both", known, at_random(rng, count, EARLY), test),
        }
        for number, (name, (net, data, mine, new)) in enumerate(plan.items()):
            framework.progress((s - seed + number / len(plan)) / seeds, f"seed {s}, {NAMES.get(name, name)}")
            rates = linear_decay(PEAK, len(mine), warm_up=len(mine) // 4)
            trained = framework.train(Training(net, start[net], data, mine, rates, clip=CLIP))
            inputs, wanted = (
                {k: new[k] for k in ("frames", "frame_mask")},
                [list(l[m]) for l, m in zip(new["label"], new["label_mask"])],
            )
            log_y = checks.log_softmax(framework.predict(net, trained.params, inputs)["logits"].astype(float))
            mask = new["frame_mask"][:, :: SIZES["stride"]]
            rows = [y[real] for y, real in zip(log_y, mask)]
            if name.startswith("early"):
                metrics[f"loss_{name}"].append(-float(log_p(log_y, mask, wanted).mean()))
                continue
            found = [decode.greedy(y) for y in rows]
            metrics[f"error_{name}"].append(decode.label_error_rate(found, wanted))
            if name in ("both", "local"):
                beam = [decode.prefix_beam(y, WIDTH) for y in rows]
                metrics[f"error_{name}_beam"].append(decode.label_error_rate(beam, wanted))
                metrics[f"gain_{name}"].append(float((log_p(log_y, mask, beam) - log_p(log_y, mask, found)).mean()))
            if name == "both":
                metrics["blanks"].append(float(np.mean(np.concatenate(rows).argmax(-1) == 0)))
                longest = int(np.argmax(new["frame_mask"].sum(1)))
                heard = new["frames"][longest][new["frame_mask"][longest]], np.exp(rows[longest]), wanted[longest]
    sizes = {net: sum(value.size for value in start[net].values()) for net in ("local", "both")}
    metrics["parameters_ratio"] = sizes["local"] / sizes["both"]
    return Experiment(metrics, {"errors": errors(metrics), "spikes": spikes(*heard)})


def log_p(log_y: Array, mask: Array, labels: list[list[int]]) -> Array:
    """log p(l | x) of each string and label; all have an alignment."""
    width = 1 + max(map(len, labels))
    l = np.array([[*label, *[0] * (width - len(label))] for label in labels])
    return checks.alignments(log_y, mask, l, l > 0)["log_p"]


def errors(metrics: dict[str, Any]) -> Bars:
    shown = {
        "both": "error_both", "both, beam": "error_both_beam", "row": "error_row", "local": "error_local",
        "local, beam": "error_local_beam", "local, held vowels": "error_held", "shuffled": "error_shuffled",
    }  # fmt: skip
    return Bars(
        "Label error rates of new digit strings", "edits per digit",
        {label: float(np.mean(metrics[name])) for label, name in shown.items()},
        errors={label: float(np.ptp(metrics[name])) / 2 for label, name in shown.items() if len(metrics[name]) > 1},
        caption="Of strings that were not trained on. A net without recurrence sees a window of 11 frames, and not both vowels of a digit; "
        "where a syllable is one held vowel it writes what it hears. Whiskers: half the range over seeds.",
    )  # fmt: skip


def spikes(frames: Array, y: Array, label: list[int]) -> Panels:
    at = 10 * SIZES["stride"] * np.arange(len(y))
    shown = {"blank": 0} | {f"digit {symbol - 1}": symbol for symbol in label}
    return Panels(
        f"The digits {' '.join(str(symbol - 1) for symbol in label)}, heard and written",
        [
            Images("spectrogram, low tones below", [frames.T[::-1]], columns=1),
            Lines("y", "ms", "probability", {name: (at, y[:, symbol]) for name, symbol in shown.items()}, markers=True),
        ],
        columns=1,
        caption="Above what is heard, below what the net with two directions writes in every fourth frame: a digit takes some 200 ms, its "
        "symbol a frame or two, the blank most of the others, though nobody told the net where.",
    )  # fmt: skip
