r"""The experiment: read CPython's documentation, predict the next character, and look at what was learnt.

    rnn          tanh RNN of 128 units, some 42,000 parameters, windows of 25 characters, the state carried
    lstm         LSTM of 56 units, as many parameters, windows of 50: «all experiments in this post use an LSTM»
    memoryless   the rnn on windows of one character, each of which begins anew: it sees the last character alone
    shuffled     the rnn on the same characters in random order: there is nothing to learn but how frequent they are

Adam, the gradient's norm cut at 1, the rate falling to zero. Weights that read characters start with a standard deviation of 2:
a column is all that a character brings, and small ones take long to be told apart. Recurrent weights of the RNN start
orthogonal; the LSTM's forget gates half open, b_f = 1.
Held-out text is read from the zero state in `STREAMS` long stretches. Bits are those of the next character.
"""

from collections import defaultdict

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
texts = sibling(__file__, "corpus.py")
rivals = sibling(__file__, "rivals.py")
drawings = sibling(__file__, "drawings.py")

UNITS = {"rnn": 128, "lstm": 56}
NETS = {  # streams, length of a window, rate, of which cell
    "rnn": (32, 25, 0.01, "rnn"),
    "lstm": (16, 50, 0.04, "lstm"),
    "memoryless": (400, 1, 0.01, "rnn"),
    "shuffled": (32, 25, 0.01, "rnn"),
}
UPDATES = {
    "quick": {"rnn": 450, "lstm": 450, "memoryless": 100, "shuffled": 60},
    "full": {"rnn": 1500, "lstm": 1500, "memoryless": 300, "shuffled": 300},
}
SEEDS = {"quick": 1, "full": 5}
LIMIT, STREAMS = 1.0, 16
KEEP = (30, 150)  # updates after which the rnn writes, as it does at its end
WRITERS, WRITTEN = 32, 150  # texts that are sampled side by side, characters of each
TEMPERATURES = {"cold": 0.5, "plain": 1.0, "hot": 1.5}
HISTORIES, PLACES = (1, 2, 4, 8, 16, 40), 600  # how many true characters end a history; how many places are looked at
LONGEST = 6  # characters of context of the n-grams
SHOWN = 70  # characters of the figure of a unit
FAR = 30  # characters after the last quotation mark, up to which places are compared that are equally far from theirs

_BITS = "bits per character"
METRICS = {
    "rnn_bits": Metric("held-out text, tanh RNN", _BITS, "nets", "rnn", "low", spread=0.04),
    "lstm_bits": Metric("held-out text, LSTM", _BITS, "nets", "lstm", "low", spread=0.1),
    "memoryless_bits": Metric("held-out text, RNN that sees one character", _BITS, "nets", "memoryless", "low", spread=0.1),
    "shuffled_bits": Metric(
        "held-out characters in random order, RNN trained on such", _BITS, "nets", "shuffled", "low", control=True, spread=0.1
    ),
    **{
        f"ngram_{n}_bits": Metric(f"held-out text, interpolated n-grams of up to {n} characters", _BITS, model="n-grams", good="low")
        for n in range(1, LONGEST + 2)
    },
    **{
        f"{name}_bits": Metric(f"what held-out text adds to the training text under {name}", _BITS, model="compressors", good="low")
        for name in rivals.COMPRESSORS
    },
    **{
        f"limit_{name}": Metric(f"entropy of the held-out text given {what}: a limit of every reader of that alone", _BITS)
        for name, what in (("frequencies", "nothing"), ("one_character", "the last character"))
    },
    **{
        f"{net}_history_{n}_bits": Metric(
            f"bits of the next character where the last {n} characters are true and those before are another text's",
            _BITS, "nets", net, "low", spread=0.15,
        )
        for net in UNITS
        for n in HISTORIES
    },
    **{
        f"{net}_quote_unit": Metric(
            "area under the ROC curve on held-out text, of the unit that best told inside from outside of a quotation in training",
            "share", "nets", net, "high", spread=0.1,
        )
        for net in UNITS
    },
    "untrained_quote_unit": Metric(
        "the same of the LSTM before training", "share", "nets", "untrained", "high", control=True, spread=1e-6
    ),
    **{
        f"{net}_quote_apart": Metric(
            "that unit's area where each place inside is held against places outside that are equally far from the last mark",
            "share", "nets", net, "high", control=net not in UNITS, spread=0.12 if net in UNITS else 1e-6,
        )
        for net in (*UNITS, "untrained")
    },
    "recency_quote_area": Metric(
        "area under the ROC curve on held-out text, of how recently a quotation mark was read", "share", good="high"
    ),
    "misplaced_quote_unit": Metric(
        "the same of the trained LSTM, against the quotations of another stretch of text", "share", "nets", "lstm", "high",
        control=True, spread=0.1,
    ),
    **{
        f"{kind}_words_{name}": Metric(
            f"words sampled at temperature {tau:g} that {what}", "share", "nets", "rnn", spread=0.08
        )
        for name, tau in TEMPERATURES.items()
        for kind, what in (("known", "occur in the training text"), ("distinct", "were not sampled before"))
    },
    **{
        f"{length}_words_after_{at}": Metric(
            f"words of {letters} letters sampled after {at} updates that occur in the training text",
            "share", "nets", "rnn", "high", spread=0.08,
        )
        for at in KEEP
        for length, letters in (("short", "two or three"), ("long", "six and more"))
    },
    **{
        f"{length}_words_trained": Metric(
            f"words of {letters} letters sampled once trained that occur in the training text", "share", "nets", "rnn", "high",
            spread=0.08,
        )
        for length, letters in (("short", "two or three"), ("long", "six and more"))
    },
    "short_words_by_chance": Metric(
        "words of two or three letters in the training text's characters in random order that occur in the training text",
        "share", "nets", good="high", control=True,
    ),
    **{f"{net}_parameters": Metric("parameters of a net, readout included", "numbers", model=net) for net in UNITS},
}  # fmt: skip


def size() -> int:
    return len(texts.corpus().characters)


def initial(cell: str, seed: int, k: int) -> dict[str, Array]:
    """The parameters that a net starts with, named as in torch.nn; the LSTM's rows are i, f, g, o."""
    rng, units = np.random.default_rng((2, seed, k, 1)), UNITS[cell]
    rows, bound = (4 if cell == "lstm" else 1) * units, units**-0.5
    recurrent = rng.uniform(-bound, bound, size=(rows, units))
    bias = np.repeat((0.0, 1.0, 0.0, 0.0), units) if cell == "lstm" else np.zeros(rows)
    return {
        f"{cell}.weight_ih_l0": 2.0 * rng.normal(size=(rows, size())),
        f"{cell}.weight_hh_l0": recurrent if cell == "lstm" else np.linalg.qr(rng.normal(size=(units, units)))[0],
        f"{cell}.bias_ih_l0": bias,
        f"{cell}.bias_hh_l0": np.zeros(rows),
        "readout.weight": rng.uniform(-bound, bound, size=(size(), units)),
        "readout.bias": np.zeros(size()),
    }


# --- the reference ---


def start(cell: str, count: int) -> tuple[Array, ...]:
    """The zero state of `count` readers: h, and the cell of an LSTM."""
    return (np.zeros((count, UNITS[cell])),) * (2 if cell == "lstm" else 1)


def step(cell: str, params: Arrays, x: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
    """One more character of every text."""
    if cell == "rnn":
        return (checks.step(params, x, state[0][:, None])[:, 0],)
    given, recurrent = params["lstm.weight_ih_l0"], params["lstm.weight_hh_l0"]
    # i, f, g, o = σ, σ, tanh, σ of W_xh x + W_hh h + b;  c = f c + i g;  h = o tanh(c)
    rows = given.T[x] + state[0] @ recurrent.T + params["lstm.bias_ih_l0"] + params["lstm.bias_hh_l0"]
    i, f, g, o = np.split(rows, 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
    new = f * state[1] + i * np.tanh(g)
    return o * np.tanh(new), new


def states(cell: str, params: Arrays, text: Array) -> Array:
    """h after every character of text (reader, time), from the zero state: (reader, time, unit)."""
    state, trace = start(cell, len(text)), []
    for x in text.T:
        state = step(cell, params, x, state)
        trace.append(state[0])
    return np.stack(trace, axis=1)


def readout(params: Arrays, hidden: Array) -> Array:
    return hidden @ params["readout.weight"].T + params["readout.bias"]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (window, time, character): of every stream read through, its windows one after the other."""
    windows, streams = inputs["inputs"], int(inputs["fresh"].sum())
    hidden = states(net, params, windows.reshape(streams, -1))
    return {"logits": readout(params, hidden).reshape(*windows.shape, -1)}


def after(cell: str, params: Arrays, text: Array) -> Array:
    """logits (reader, character) after the whole of text (reader, time)."""
    state = start(cell, len(text))
    for x in text.T:
        state = step(cell, params, x, state)
    return readout(params, state[0])


def sample(params: Arrays, chances: Array, temperature: float, first: int) -> Array:
    """The rnn writes: chances (writer, time) in [0, 1) pick each next character; the one before the first is `first`."""
    state, x, written = start("rnn", len(chances)), np.full(len(chances), first), []
    for chance in chances.T:
        state = step("rnn", params, x, state)
        shares = np.exp(checks.log_softmax(readout(params, state[0]) / temperature))
        # the first character up to which the shares add up to more than the chance
        x = np.minimum((np.cumsum(shares, axis=1) <= chance[:, None]).sum(axis=1), shares.shape[1] - 1)
        written.append(x)
    return np.stack(written, axis=1)


# --- the experiment ---


def trained(framework: Framework, net: str, seed: int, k: int, updates: int, keep: tuple[int, ...] = ()):
    """One net's training, and the windows of held-out text to examine it on."""
    streams, length, rate, cell = NETS[net]
    both, rng = texts.corpus(), np.random.default_rng((2, seed, k, 2))
    train, held = ((rng.permutation(part) if net == "shuffled" else part) for part in (both.train, both.held))
    unseen = texts.windows(held, STREAMS, length)
    if net == "memoryless":  # every window is its own beginning, and there are as many different ones as characters
        data, unseen = (
            {**w, "fresh": np.ones_like(w["fresh"])} for w in (texts.windows(train, streams, length), unseen)
        )
        order = rng.integers(len(data["inputs"]), size=(updates, streams))
    else:
        data = texts.windows(train, streams, length, without=unseen["inputs"])
        order = texts.order(data, updates)
    rates = linear_decay(rate, updates)
    found = framework.train(Training(cell, initial(cell, seed, k), data, order, rates, LIMIT, keep=keep))
    inputs = {name: unseen[name] for name in ("inputs", "fresh")}
    logits = framework.predict(cell, found.params, inputs, seen=net == "memoryless")["logits"]
    return found, bits(logits, unseen["targets"])


def bits(logits: Array, targets: Array) -> float:
    """Mean of -log2 p of the targets."""
    picked = np.take_along_axis(checks.log_softmax(logits), targets[..., None], axis=-1)
    return float(-picked.mean() / np.log(2))


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    values, losses, shown = defaultdict(list), defaultdict(list), {}
    texts_written: dict[str, str] = {}
    for k in range(SEEDS[profile]):
        nets = {}
        for number, (net, updates) in enumerate(UPDATES[profile].items()):
            framework.progress((k + number / len(NETS)) / SEEDS[profile], f"{net} {k + 1}")
            nets[net], found = trained(framework, net, seed, k, updates, KEEP if net == "rnn" else ())
            values[f"{net}_bits"].append(found)
            losses[net].append(nets[net].losses / np.log(2))
        for net in UNITS:
            for n, found in histories(framework, net, nets[net].params, seed, k).items():
                values[f"{net}_history_{n}_bits"].append(found)
        units, figure = quote_units(framework, {net: nets[net].params for net in UNITS}, initial("lstm", seed, k))
        shown = shown or figure
        shares, written = writing(framework, nets["rnn"], seed, k)
        texts_written = texts_written or written
        for name, value in {**units, **shares}.items():
            values[name].append(value)
    fixed = counted()
    fixed |= {f"{net}_parameters": float(sum(v.size for v in initial(net, 0, 0).values())) for net in UNITS}
    metrics = {name: fixed[name] if name in fixed else values[name] for name in METRICS}
    return Experiment(metrics, drawings.figures(metrics, losses, shown, texts_written, HISTORIES, TEMPERATURES))


def counted() -> dict[str, float]:
    """The rivals, which know no seed."""
    both = texts.corpus()
    held = both.held[: texts.HELD]
    found = {f"ngram_{n}_bits": b for n, b in enumerate(rivals.ngram_bits(both.train, held, size(), LONGEST), 1)}
    found |= {f"{name}_bits": b for name, b in rivals.compressed_bits(both.train, held).items()}
    limits = rivals.entropy_limits(held, size(), 1)
    recency = roc_area(-texts.since_mark(held), texts.quoted(held))
    return found | {"limit_frequencies": limits[0], "limit_one_character": limits[1], "recency_quote_area": recency}


def histories(framework: Framework, cell: str, params: Arrays, seed: int, k: int) -> dict[int, float]:
    """Bits at PLACES places of the held-out text, by how many of the characters before are true: what stands before those is
    from another place of it, so that the state is always one that reading leaves."""
    held, rng, longest = texts.corpus().held, np.random.default_rng((2, seed, k, 3)), max(HISTORIES)
    places, others = rng.integers(longest, len(held) - 1, size=(2, PLACES))
    true, other = (held[at[:, None] + np.arange(1 - longest, 1)] for at in (places, others))  # (place, longest)
    text = np.concatenate([np.concatenate([other[:, n:], true[:, longest - n :]], axis=1) for n in HISTORIES])
    logits = framework.ask("after", cell, params, text)
    targets = held[places + 1]
    return {n: bits(part, targets) for n, part in zip(HISTORIES, np.split(logits, len(HISTORIES)), strict=True)}


def roc_area(values: Array, inside: Array) -> float:
    """The share of pairs, one inside and one outside, in which the value inside is the larger (Mann and Whitney)."""
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable") + 1.0
    many, few = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - many * (many + 1) / 2) / (many * few))


def apart_area(values: Array, inside: Array, since: Array) -> float:
    """The same of the pairs whose two places are equally far, up to FAR characters, from the last mark: what the mere echo of
    a mark tells is taken out."""
    areas, pairs = [], []
    for at in range(FAR):
        here = since == at
        many = int(inside[here].sum())
        if few := many and int(here.sum()) - many:
            areas.append(roc_area(values[here], inside[here]))
            pairs.append(many * few)
    return float(np.average(areas, weights=pairs))


def quote_units(framework: Framework, nets: dict[str, Arrays], untrained: Arrays) -> tuple[dict[str, float], dict]:
    """By net the areas of its best unit, chosen on training text, and what a figure needs of the LSTM's."""
    both = texts.corpus()
    stretch = texts.HELD // STREAMS
    parts = [text[: texts.HELD].reshape(STREAMS, stretch) for text in (both.train, both.held)]
    inside = [texts.quoted(part.ravel()).reshape(part.shape) for part in parts]
    found, shown = {}, {}
    for name, params in {**nets, "untrained": untrained}.items():
        cell = name if name in UNITS else "lstm"
        hidden = [framework.ask("states", cell, params, part) for part in parts]
        areas = [roc_area(hidden[0][..., unit].ravel(), inside[0].ravel()) for unit in range(UNITS[cell])]
        unit = int(np.argmax(np.abs(np.array(areas) - 0.5)))
        values = hidden[1][..., unit] * (1 if areas[unit] > 0.5 else -1)
        found[f"{name}_quote_unit"] = roc_area(values.ravel(), inside[1].ravel())
        since = texts.since_mark(parts[1].ravel())
        found[f"{name}_quote_apart"] = apart_area(values.ravel(), inside[1].ravel(), since)
        if name == "lstm":
            found["misplaced_quote_unit"] = roc_area(values.ravel(), np.roll(inside[1], 1, axis=0).ravel())
            row = int(np.argmax(inside[1][:, :SHOWN].sum(1) * (inside[1][:, :SHOWN].sum(1) < SHOWN // 2)))
            shown = {
                "text": texts.spelt(parts[1][row, :SHOWN]),
                "unit": 2 * np.searchsorted(np.sort(values.ravel()), values[row, :SHOWN]) / values.size - 1,  # its rank
                "inside": inside[1][row, :SHOWN],
            }
    return found, shown


def writing(framework: Framework, net, seed: int, k: int) -> tuple[dict[str, float], dict[str, str]]:
    """What the rnn writes: at three temperatures once trained, and at temperature 1 after fewer updates."""
    chances = np.random.default_rng((2, seed, k, 4)).random((WRITERS, WRITTEN))
    newline, shares, written = texts.corpus().characters.index("\n"), {}, {}
    for name, tau in TEMPERATURES.items():
        rows = [texts.spelt(row) for row in framework.ask("sample", net.params, chances, tau, newline)]
        found = [word for row in rows for word in texts.words(row)]
        shares[f"known_words_{name}"] = share(found, lambda word: True)
        shares[f"distinct_words_{name}"] = len(set(found)) / max(1, len(found))
        written[f"temperature {tau:g}"] = rows[0]
        if tau == 1.0:
            shares |= by_length(found, "trained")
    for at in KEEP:
        rows = [texts.spelt(row) for row in framework.ask("sample", net.kept[at], chances, 1.0, newline)]
        shares |= by_length([word for row in rows for word in texts.words(row)], f"after_{at}")
        written[f"after {at} updates"] = rows[0]
    mixed = np.random.default_rng((2, seed, k, 5)).permutation(texts.corpus().train)[: WRITERS * WRITTEN]
    shares["short_words_by_chance"] = by_length(texts.words(texts.spelt(mixed)), "")["short_words_"]
    return shares, written


def by_length(found: list[str], when: str) -> dict[str, float]:
    return {
        f"short_words_{when}": share(found, lambda word: len(word) < 4),
        f"long_words_{when}": share(found, lambda word: len(word) > 5),
    }


def share(found: list[str], which) -> float:
    """Of the words of a kind, those that occur in the training text."""
    kind = [word for word in found if which(word)]
    return sum(word in texts.known_words() for word in kind) / max(1, len(kind))
