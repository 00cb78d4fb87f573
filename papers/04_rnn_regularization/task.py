r"""The experiments: where dropout helps a small LSTM, and where it must not stand.

    text      the next character of CPython's documentation, of which FEW characters are read again and again
    recall    name the first of four symbols after LAG symbols of noise
    noise     what masks do to the memory of a net that was trained without them, step by step: figure 3's argument measured

Every net is the room's: two layers, of which the places where dropout may stand are

    place          0, 1, 2                                    3, 4                 5, 6
    connection     words, between the layers, predictions     h of each layer      c of each layer

    arm            none   non_recurrent   hidden         cell
    dropped        -      0, 1, 2         0, 1, 2, 3, 4  0, 1, 2, 5, 6

at rate RATE each. Nets of all arms are trained at once, side by side: the same start, the same examples, the same masks, each
reading of them what its arm asks. Nothing passes between nets, and Adam treats every entry by itself. What is dropped in an
update is drawn anew, an example's masks stand beside it. Nets are examined without dropout. For `noise` the nets of arm
`none` read one sequence under many masks, dropped where each arm drops.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, documentation, linear_decay, sibling

drawings = sibling(__file__, "drawings.py")

LAYERS, PLACES = 2, 7
ARMS = {"none": (), "non_recurrent": (0, 1, 2), "hidden": (0, 1, 2, 3, 4), "cell": (0, 1, 2, 5, 6)}
WORDS = {
    "none": "no dropout",
    "non_recurrent": "dropout on non-recurrent connections",
    "hidden": "dropout on h_(t-1) as well",
    "cell": "dropout on c_(t-1) as well",
}
UNITS = {"text": 40, "recall": 24}  # multiples of 8: masks are packed into bytes
RATE = {"text": 0.3, "recall": 0.2}
LEARNING = {"text": 0.03, "recall": 0.015}
FEW, HELD, RARE = 1_500, 3_000, 2  # characters of training and of held-out text; fewer occurrences are one symbol
SYMBOLS, NOISE, LAG = 4, 4, 20
EXAMPLES = {"text": 5, "recall": 32}  # streams, sequences of a minibatch
LENGTH, STREAMS = 20, 5  # of a window, of held-out text
UPDATES = {"quick": {"text": 300, "recall": 200}, "full": {"text": 600, "recall": 300}}
SEEDS = {"quick": 2, "full": 5}
TESTS = 512  # sequences
TAILS, DRAWS = 4, 32  # of `noise`: stretches of noise tokens, and masks for each of them and each first symbol
KEEP = 6  # how often held-out text is read on the way

_BITS = "bits per character"
METRICS = {
    **{
        f"text_{arm}_{name}": Metric(f"{what}, {words}", _BITS, "nets", arm, "low", spread=0.15)
        for arm, words in WORDS.items()
        for name, what in (
            ("bits", "held-out text after training"),
            ("seen_bits", "the training text after training, read without dropout"),
            ("least_bits", "held-out text where it was least on the way"),
        )
    },
    "text_start_bits": Metric("held-out text before training, by all nets", _BITS, "nets", good="low"),
    "text_uniform_bits": Metric("log2 of the number of symbols", _BITS),
    "text_frequency_bits": Metric(
        "held-out text by the frequencies of characters in training, which any net should know", _BITS
    ),
    **{
        f"recall_{arm}_accuracy": Metric(
            f"new sequences whose first symbol is named, {words}; chance is 0.25", "share", "nets", arm, "high", spread=0.3
        )
        for arm, words in WORDS.items()
    },
    "recall_hidden_symbol_accuracy": Metric(
        "the same of the nets without dropout, where a symbol of noise covers the one asked for",
        "share", "nets", "none", "high", control=True, spread=0.1,
    ),
    **{
        f"noise_{arm}_growth": Metric(
            f"variance over masks of the first layer's cells after {LAG} steps, over that after {LAG // 2}, {words}",
            "times", "nets", arm, "low", spread=2.0,
        )
        for arm, words in list(WORDS.items())[1:]
    },
    **{
        f"noise_{arm}_signal": Metric(
            f"second layer's cells after {LAG} steps: log10 of their variance over first symbols over that over masks, {words}",
            "decades", "nets", arm, "high", spread=0.5,
        )
        for arm, words in list(WORDS.items())[1:]
    },
}  # fmt: skip


def nets(profile: str) -> list[tuple[str, int]]:
    """Arm and seed of each net of an ensemble."""
    return [(arm, k) for arm in ARMS for k in range(SEEDS[profile])]


def used(count: int, rate: float) -> tuple[Array, Array]:
    """Which places are dropped in each net, and 1 / (1 - p) there, else 1: (net, place)."""
    arms = [arm for arm in ARMS for _ in range(count // len(ARMS))]
    drop = np.array([[place in ARMS[arm] for place in range(PLACES)] for arm in arms])
    return drop, np.where(drop, 1 / (1 - rate), 1.0)


# --- data ---


def corpus() -> tuple[Array, Array, int]:
    """Training and held-out text as indices, and the number of characters; each paragraph of the documentation once."""
    paragraphs = [p + "\n\n" for p in dict.fromkeys(documentation().split("\n\n")) if 200 < len(p) < 900]
    # every so manieth paragraph, so that both parts are of the whole documentation
    train, held = ("".join(paragraphs[at::23])[: size + 1] for at, size in ((0, FEW), (11, HELD)))
    known = sorted(c for c in set(train) if train.count(c) >= RARE)
    number = {character: at for at, character in enumerate(known, 1)}
    return *(np.array([number.get(c, 0) for c in part]) for part in (train, held)), len(known) + 1


def windows(text: Array, streams: int) -> dict[str, Array]:
    """Stretches of the text side by side in windows of LENGTH; inputs, targets (window, LENGTH), fresh (window,)."""
    count = (len(text) - 1) // (streams * LENGTH)
    inputs, targets = (text[at : at + streams * count * LENGTH].reshape(streams, count, LENGTH) for at in (0, 1))
    fresh = np.broadcast_to(np.arange(count) == 0, (streams, count))
    return {name: v.reshape(streams * count, -1) for name, v in {"inputs": inputs, "targets": targets}.items()} | {
        "fresh": fresh.ravel()
    }


def text_examples(rng: np.random.Generator, updates: int) -> dict[str, Array]:
    """The training text read again and again, update after update, each time under masks of its own."""
    data, streams = windows(corpus()[0], EXAMPLES["text"]), EXAMPLES["text"]
    count = len(data["fresh"]) // streams
    # the first epoch is its last three windows, so that the first updates see a text begin anew
    at = (np.arange(count - 3, count - 3 + updates) % count)[:, None] + count * np.arange(streams)
    data = {name: value[at.ravel()] for name, value in data.items()}
    return {**data, "masks": masks(rng, len(at.ravel()), LENGTH, "text")}


def recall_examples(rng: np.random.Generator, count: int) -> dict[str, Array]:
    """inputs (sequence, LAG + 1), the symbol that came first in targets (sequence, 1)."""
    inputs = rng.integers(SYMBOLS, SYMBOLS + NOISE, size=(count, LAG + 1))
    inputs[:, 0] = rng.integers(SYMBOLS, size=count)
    return {"inputs": inputs, "targets": inputs[:, :1].copy(), "fresh": np.ones(count, bool)}


def covered(rng: np.random.Generator, examples: Arrays) -> dict[str, Array]:
    """The same with a symbol of noise in place of the first: whatever still tells the target is a leak."""
    inputs = examples["inputs"].copy()
    inputs[:, 0] = rng.integers(SYMBOLS, SYMBOLS + NOISE, size=len(inputs))
    return {**examples, "inputs": inputs}


def noise_examples(rng: np.random.Generator) -> tuple[Array, Array]:
    """Texts (tail · symbol · draw, LAG + 1), every symbol before each stretch of noise DRAWS times, and masks for each."""
    shape = (TAILS, SYMBOLS, DRAWS)
    first = np.broadcast_to(np.arange(SYMBOLS)[:, None, None], (*shape, 1))
    tails = np.broadcast_to(rng.integers(SYMBOLS, SYMBOLS + NOISE, size=(TAILS, 1, 1, LAG)), (*shape, LAG))
    text = np.concatenate([first, tails], axis=3).reshape(-1, LAG + 1)
    return text, masks(rng, len(text), LAG + 1, "recall")


def masks(rng: np.random.Generator, count: int, time: int, net: str) -> Array:
    """(example, time, place, unit / 8) bytes: what is kept, eight units a byte."""
    return np.packbits(rng.random((count, time, PLACES, UNITS[net])) >= RATE[net], axis=3)


def initial(task: str, size: int, seed: int, profile: str) -> dict[str, Array]:
    """The parameters of all nets, (net, …), named as in the room's model; nets of one seed start alike in all arms.

    Words normal with deviation 2, weights uniform in ±1/√units; the forget gates start with a memory as long as a sequence,
    b_f = log of its length, and for recall the input gates as closed, b_i = -b_f, as in room 03.
    """
    units, single = UNITS[task], []
    for k in range(SEEDS[profile]):
        rng, bound = np.random.default_rng((4, seed, k)), units**-0.5
        params = {"embedding.weight": 2.0 * rng.normal(size=(size, units))}
        for layer in range(LAYERS):
            for name, shape in {"weight_ih": (4 * units, units), "weight_hh": (4 * units, units)}.items():
                params[f"lstm.{name}_l{layer}"] = rng.uniform(-bound, bound, size=shape)
            write, remember = (-np.log(LAG), np.log(LAG)) if task == "recall" else (0.0, np.log(LENGTH))
            params[f"lstm.bias_ih_l{layer}"] = np.repeat((write, remember, 0.0, 0.0), units)
            params[f"lstm.bias_hh_l{layer}"] = np.zeros(4 * units)
        params["readout.weight"] = rng.uniform(-bound, bound, size=(size, units))
        params["readout.bias"] = np.zeros(size)
        single.append(params)
    return {name: np.stack([p[name] for p in single] * len(ARMS)) for name in single[0]}


# --- the reference ---


def sigmoid(a: Array) -> Array:
    # (1 + tanh(a / 2)) / 2, which does not overflow and is a third of the work of numpy_checks.py's
    return (1 + np.tanh(a / 2)) / 2


def read(params: Arrays, text: Array, kept: Callable[[int], Array | float] = lambda place: 1.0) -> tuple[Array, Array]:
    """D(h) of the last layer and all cells after every character of text (reader, time), from the zero state.

    `kept` gives m / (1 - p) of a place, (net, reader, time, unit), or 1 where nothing is dropped.
    (net, reader, time, unit) and (net, reader, time, layer, unit)
    """
    below, cells = params["embedding.weight"][:, text], []  # (net, reader, time, unit)
    for layer in range(LAYERS):
        given, bias, recurrent, other = (
            params[f"lstm.{name}_l{layer}"] for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
        )
        # D(h_t^{l-1}), and of the rivals D(h_{t-1}^l), D(c_{t-1}^l)
        rows = (below * kept(layer)) @ np.swapaxes(given, 1, 2)[:, None] + (bias + other)[:, None, None]
        on_hidden, on_cell = (np.broadcast_to(kept(place + layer), below.shape) for place in (3, 5))
        hidden = cell = np.zeros((*rows.shape[:2], rows.shape[3] // 4))
        trace = []
        for t in range(text.shape[1]):
            hidden, cell = hidden * on_hidden[:, :, t], cell * on_cell[:, :, t]
            i, f, g, o = np.split(rows[:, :, t] + hidden @ np.swapaxes(recurrent, 1, 2), 4, axis=2)
            # c_t = f ⊙ c_{t-1} + i ⊙ g,  h_t = o ⊙ tanh(c_t)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            hidden = sigmoid(o) * np.tanh(cell)
            trace.append((hidden, cell))
        below, over_time = (np.stack(part, axis=2) for part in zip(*trace, strict=True))
        cells.append(over_time)
    return below * kept(LAYERS), np.stack(cells, axis=3)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits of every net: of text (net, window, time, character), of recall (net, sequence, 1, token) after the last token."""
    rows, streams = inputs["inputs"], int(inputs["fresh"].sum())
    hidden, _ = read(params, rows.reshape(streams, -1))
    if net == "recall":
        hidden = hidden[:, :, -1:]
    logits = hidden @ np.swapaxes(params["readout.weight"], 1, 2)[:, None] + params["readout.bias"][:, None, None]
    return {"logits": logits.reshape(len(logits), len(rows), -1, logits.shape[-1])}


def undropped(params: Arrays) -> dict[str, Array]:
    """The nets of arm `none` in the place of every arm's."""
    return {name: np.concatenate([value[: len(value) // len(ARMS)]] * len(ARMS)) for name, value in params.items()}


def noisy_cells(params: Arrays, text: Array, packed: Array) -> Array:
    """Cells of the nets of arm `none` under masks, dropped where each arm drops: (net, reader, time, layer, unit)."""
    params, bits = undropped(params), np.unpackbits(packed, axis=3)
    drop, scale = (part[:, :, None, None, None] for part in used(len(params["readout.bias"]), RATE["recall"]))
    return read(params, text, lambda place: np.where(drop[:, place], bits[:, :, place] * scale[:, place], 1.0))[1]


# --- the experiment ---


def surprise(logits: Array, targets: Array) -> Array:
    """Mean of -log2 p of targets (window, time) for each net, (net,)."""
    scores = logits - logits.max(axis=-1, keepdims=True)
    shares = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    picked = np.take_along_axis(shares, np.broadcast_to(targets[None, ..., None], (*shares.shape[:3], 1)), axis=3)
    return -picked.mean(axis=(1, 2, 3)) / np.log(2)


def noise(cells: Array) -> tuple[Array, Array]:
    """Variance over masks, and over first symbols of the mean over masks; sums over units of means, (net, time, layer)."""
    parts = cells.reshape(len(cells), TAILS, SYMBOLS, DRAWS, *cells.shape[2:])
    return parts.var(3).mean((1, 2)).sum(-1), parts.mean(3).var(2).mean(1).sum(-1)


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    values: dict[str, list[float]] = defaultdict(list)
    curves = text_task(framework, profile, seed, values)
    framework.progress(0.7, "recall")
    curves |= recall_task(framework, profile, seed, values)
    metrics = {name: values[name] if METRICS[name].over else values[name][0] for name in METRICS}
    return Experiment(metrics, drawings.figures(metrics, curves))


def text_task(framework: Framework, profile: str, seed: int, values: dict[str, list[float]]) -> dict[str, Array]:
    """Held-out bits of every net on the way, (KEEP, net) by the updates that they belong to."""
    updates, (train, held, size) = UPDATES[profile]["text"], corpus()
    keep = tuple(updates * n // KEEP for n in range(1, KEEP + 1))
    data, start = text_examples(np.random.default_rng((4, seed, 1)), updates), initial("text", size, seed, profile)
    order = np.arange(len(data["fresh"])).reshape(updates, -1)
    rates = linear_decay(LEARNING["text"], updates)
    trained = framework.train(Training("text", start, data, order, rates, keep=keep))
    unseen, again = windows(held, STREAMS), windows(train, STREAMS)
    logits = framework.predict("text", start, {n: unseen[n] for n in ("inputs", "fresh")})["logits"]
    values["text_start_bits"] = surprise(logits, unseen["targets"]).tolist()
    values["text_uniform_bits"].append(float(np.log2(size)))
    found = []
    for number, at in enumerate(keep):
        framework.progress(0.5 + 0.02 * number, f"held-out text after {at} updates")
        logits = framework.predict("text", trained.kept[at], {n: unseen[n] for n in ("inputs", "fresh")})["logits"]
        found.append(surprise(logits, unseen["targets"]))
    logits = framework.predict("text", trained.params, {n: again[n] for n in ("inputs", "fresh")}, seen=True)["logits"]
    seen, curves = surprise(logits, again["targets"]), np.array(found)  # (KEEP, net)
    for net, (arm, _) in enumerate(nets(profile)):
        values[f"text_{arm}_bits"].append(float(curves[-1, net]))
        values[f"text_{arm}_least_bits"].append(float(curves[:, net].min()))
        values[f"text_{arm}_seen_bits"].append(float(seen[net]))
    counts = np.bincount(train, minlength=size) + 1.0
    values["text_frequency_bits"].append(float(-np.log2(counts / counts.sum())[held].mean()))
    return {"updates": np.array(keep), "bits": curves}


def recall_task(framework: Framework, profile: str, seed: int, values: dict[str, list[float]]) -> dict[str, Array]:
    """Of the nets without dropout under masks: variance of the first layer's cells, signal of the second's, (net, time)."""
    updates, size = UPDATES[profile]["recall"], SYMBOLS + NOISE
    rng = np.random.default_rng((4, seed, 2))
    tests = recall_examples(rng, TESTS)
    data = recall_examples(rng, updates * EXAMPLES["recall"])
    data["masks"] = masks(rng, len(data["fresh"]), LAG + 1, "recall")
    order = np.arange(len(data["fresh"])).reshape(updates, -1)
    rates, start = linear_decay(LEARNING["recall"], updates), initial("recall", size, seed, profile)
    trained = framework.train(Training("recall", start, data, order, rates))
    targets = tests["targets"][:, 0]
    for name, inputs in {"accuracy": tests, "hidden": covered(rng, tests)}.items():
        asked = {n: inputs[n] for n in ("inputs", "fresh")}
        answers = framework.predict("recall", trained.params, asked)["logits"][:, :, 0].argmax(
            axis=2
        )  # (net, sequence)
        for net, (arm, _) in enumerate(nets(profile)):
            if name == "accuracy":
                values[f"recall_{arm}_accuracy"].append(float((answers[net] == targets).mean()))
            elif arm == "none":
                values["recall_hidden_symbol_accuracy"].append(float((answers[net] == targets).mean()))
    framework.progress(0.9, "noise")
    cells = framework.ask("noisy_cells", trained.params, *noise_examples(rng))
    found, told = noise(cells)
    for net, (arm, _) in enumerate(nets(profile)):
        if arm != "none":
            values[f"noise_{arm}_growth"].append(float(found[net, LAG, 0] / found[net, LAG // 2, 0]))
            values[f"noise_{arm}_signal"].append(float(np.log10(told[net, LAG, 1] / found[net, LAG, 1])))
    dropping = slice(SEEDS[profile], None)  # all arms but `none`
    return {"variance": found[dropping, :, 0], "signal": told[dropping, :, 1] / found[dropping, :, 1]}
