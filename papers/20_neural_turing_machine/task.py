r"""Copying: a Turing machine and an LSTM of equal parameters, trained on short sequences and asked for long ones.

    ntm       the machine of this room: a feedforward controller, a write head, a read head, shifts of -1, 0 and 1
    random    the same, whose memory starts from rows drawn once for all sequences and not from one learnt row
    lstm      an LSTM with as many parameters, at each of `RATES`; the best on validation sequences of trained lengths counts
    blind     the machine, trained on the bits of other sequences: the control

`nets` machines are trained side by side, from starts and on sequences of their own: every parameter has an axis of nets in front.
Training is Adam with a rate that rises and falls linearly, each component of the gradient cut to -10 ... 10 as in section 4.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
copying = sibling(__file__, "copying.py")
figures = sibling(__file__, "figures.py")

SIZES: dict[str, Any] = {
    "features": copying.FEATURES, "outputs": copying.BITS, "hidden": 20, "size": 6, "write_heads": 1, "read_heads": 1, "reach": 1,
    "controller": "feedforward",
}  # fmt: skip
HIDDEN = 14  # units of the LSTM, so that it has no fewer parameters
# Longest trained and longest asked, rows, nets, updates, those of the control, test sequences for each net.
PROFILES = {"quick": (4, 10, 12, 5, 200, 60, 64), "full": (8, 20, 24, 10, 500, 150, 128)}
RATE, RATES, BATCH, LIMIT, BETAS, EPSILON = 3e-2, (1e-2, 3e-2), 16, 10.0, (0.9, 0.999), 1e-8
SOLVED = 0.1  # a machine has learnt to copy if no more bits of the longest sequences are wrong

METRICS: dict[str, Metric] = {
    "trained_ntm": Metric("share of wrong bits, at trained lengths, of the machine", "share", "nets", "ntm", "low", spread=0.05),
    "long_ntm": Metric("the same at the longest length", "share", "nets", "ntm", "low", spread=0.15),
    "trained_lstm": Metric("the same at trained lengths, of the LSTM", "share", "nets", "lstm", "low", spread=0.06),
    "long_lstm": Metric("the same at the longest length", "share", "nets", "lstm", "low", spread=0.05),
    "short_lstm": Metric("the same for sequences of one vector", "share", "nets", "lstm", "low", spread=0.1),
    "trained_random": Metric("share of wrong bits, at trained lengths, of the machine whose memory starts from drawn rows", "share",
                             "nets", "random", "low", spread=0.3),
    "long_random": Metric("the same at the longest length", "share", "nets", "random", "low", spread=0.3),
    "trained_blind": Metric("share of wrong bits, at trained lengths, of the machine that was trained on bits of other sequences", "share",
                            "nets", "blind", "low", control=True, spread=0.06),
    "solved_ntm": Metric(f"share of machines with at most {SOLVED} of the bits of the longest sequences wrong", "share", "nets", "ntm",
                         "high", spread=0.6),
    "bits_ntm": Metric("cross-entropy of a sequence of the longest trained length", "bits per sequence", "nets", "ntm", "low", spread=2.0),
    "bits_lstm": Metric("the same for the LSTM", "bits per sequence", "nets", "lstm", "low", spread=2.0),
    "follows_ntm": Metric("share of vectors, at the longest length, that are read at the row at which they were written", "share", "nets",
                          "ntm", "high", spread=0.4),
    "advances_ntm": Metric("share of steps, at the longest length, at which the write head moves on by one row, always the same way",
                           "share", "nets", "ntm", "high", spread=0.4),
    "parameters_ratio": Metric("parameters of the LSTM over those of the machine", "1"),
}  # fmt: skip


def sizes(rows: int) -> dict[str, Any]:
    return {**SIZES, "rows": rows}


def shapes(net: str) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter of one net; the number of rows is in none."""
    if net != "lstm":
        return checks.shapes(**sizes(1))
    return {
        "controller.input.weight": (4 * HIDDEN, copying.FEATURES + HIDDEN), "controller.input.bias": (4 * HIDDEN,),
        "controller.h": (HIDDEN,), "controller.c": (HIDDEN,),
        "output.weight": (copying.BITS, HIDDEN), "output.bias": (copying.BITS,),
    }  # fmt: skip


def initial(rng: np.random.Generator, net: str, nets: int) -> dict[str, Array]:
    """Weights normal of the variance 1 / fan-in, everything else zero but the row of M_0, all entries of which are 0.1, and the bias of the
    LSTM's forget gate, which is 1."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.endswith("weight"):
            return rng.normal(0, shape[1] ** -0.5, (nets, *shape))
        if net == "lstm" and name == "controller.input.bias":
            return np.tile(np.repeat([0.0, 1.0, 0.0, 0.0], HIDDEN), (nets, 1))  # i, f, g, o
        return np.full((nets, *shape), 0.1 if name == "start.memory" else 0.0)

    return {name: draw(name, shape) for name, shape in shapes(net).items()}


def memory(net: str, rows: int) -> Array | None:
    """M_0 of the nets that have not a learnt one, (row, size)."""
    return np.random.default_rng([20, 99]).normal(0, 0.5, (rows, SIZES["size"])) if net == "random" else None


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (sequence, net, time, bit), and of a machine its weightings (sequence, net, time, head, row)."""
    answers = []
    for n in range(inputs["inputs"].shape[1]):
        own, x = {name: value[n] for name, value in params.items()}, inputs["inputs"][:, n]
        answers.append(lstm(own, x) if net == "lstm" else machine(net, own, x, int(inputs["rows"][0])))
    return {name: np.stack([answer[name] for answer in answers], 1) for name in answers[0]}


def machine(net: str, params: Arrays, x: Array, rows: int) -> dict[str, Array]:
    batch = {"inputs": x, "targets": np.zeros((*x.shape[:2], copying.BITS)), "asked": np.zeros(x.shape[:2], bool)}
    if (start := memory(net, rows)) is not None:
        batch["memory"] = np.broadcast_to(start, (len(x), *start.shape))
    found = checks.forward(params, batch, **sizes(rows))
    return {name: found[name] for name in ("logits", "weighting")}


def lstm(params: Arrays, x: Array) -> dict[str, Array]:
    state = tuple(np.broadcast_to(params[name], (len(x), HIDDEN)) for name in ("controller.h", "controller.c"))
    logits = []
    for here in x.swapaxes(0, 1):
        state = checks.control(params, here, state, controller="lstm")
        logits.append(checks.affine(params, "output", state[0]))
    return {"logits": np.stack(logits, 1)}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    longest, asked, rows, nets, updates, of_control, tests = PROFILES[profile]
    rng = np.random.default_rng([20, seed])
    known = copying.drawn(rng, BATCH * updates, nets, longest)
    ask = Asked(framework, seed, rows, nets)
    # all test sequences are padded to the same number of steps
    lengths = {length: copying.drawn(rng, tests, nets, asked, length) for length in sorted({1, *range(2, longest + 1, 2), longest,
               (longest + asked) // 2, asked})}  # fmt: skip
    chosen = {length: copying.drawn(rng, tests, nets, asked, length) for length in (1, longest)}
    trained = {
        "ntm": ask.train("ntm", known, updates, RATE),
        "random": ask.train("random", known, updates, RATE),
        "blind": ask.train("blind", copying.of_others(rng, known), of_control, RATE),
    }
    rivals = [ask.train("lstm", known, updates, rate) for rate in RATES]
    trained["lstm"] = min(rivals, key=lambda params: ask.wrong("lstm", params, chosen).mean())
    errors = {net: ask.wrong(net, params, lengths) for net, params in trained.items()}  # (length, net)
    short = np.array(list(lengths)) <= longest
    answer = framework.predict("ntm", trained["ntm"], ask.inputs(lengths[asked]))
    metrics: dict[str, Any] = {f"trained_{net}": error[short].mean(0) for net, error in errors.items()}
    metrics |= {f"long_{net}": errors[net][-1] for net in ("ntm", "lstm", "random")}
    metrics |= {f"bits_{net}": ask.bits(net, trained[net], lengths[longest]) for net in ("ntm", "lstm")}
    metrics |= {
        "short_lstm": errors["lstm"][0], "solved_ntm": (errors["ntm"][-1] <= SOLVED).astype(float),
        "follows_ntm": copying.follows(answer["weighting"], lengths[asked]),
        "advances_ntm": copying.advances(answer["weighting"], lengths[asked], rows),
    }  # fmt: skip
    metrics = {name: value.tolist() for name, value in metrics.items()}
    count = {net: sum(int(np.prod(shape)) for shape in shapes(net).values()) for net in ("ntm", "lstm")}
    metrics["parameters_ratio"] = count["lstm"] / count["ntm"]
    return Experiment(metrics, figures.drawn(errors, list(lengths), longest, ask.curves, answer, lengths[asked]))


@dataclass
class Asked:
    """What is asked of a framework. Machines of a kind start from the same numbers; `curves` keeps their losses."""

    framework: Framework
    seed: int
    rows: int
    nets: int

    def __post_init__(self) -> None:
        self.curves: dict[str, Array] = {}

    def train(self, net: str, data: Arrays, length: int, rate: float) -> Arrays:
        self.framework.progress(len(self.curves) / 5, f"{net} at {rate:g}")
        start = initial(np.random.default_rng([20, self.seed, 1]), net, self.nets)
        order = np.arange(BATCH * length).reshape(length, BATCH)
        shown = {name: data[name][: order.size] for name in ("inputs", "targets", "asked")}
        rates = linear_decay(rate, length, warm_up=length // 10)
        settings = {"rows": self.rows, "limit": LIMIT}
        trained = self.framework.train(Training(net, start, shown, order, rates, settings=settings))
        self.curves[f"{net} {rate:g}" if net == "lstm" else net] = trained.losses
        return trained.params

    def inputs(self, data: Arrays) -> Arrays:
        return {"inputs": data["inputs"], "rows": np.full(len(data["inputs"]), self.rows)}

    def wrong(self, net: str, params: Arrays, lengths: dict[int, Arrays]) -> Array:
        """Share of wrong bits, (length, net), by one question."""
        count = [len(data["inputs"]) for data in lengths.values()]
        every = {"inputs": np.concatenate([data["inputs"] for data in lengths.values()])}
        answer = self.framework.predict(net, params, self.inputs(every))["logits"]
        parts = np.split(answer, np.cumsum(count)[:-1])
        return np.stack([copying.wrong(logits, data) for logits, data in zip(parts, lengths.values())])

    def bits(self, net: str, params: Arrays, data: Arrays) -> Array:
        return copying.bits_per_sequence(self.framework.predict(net, params, self.inputs(data))["logits"], data)
