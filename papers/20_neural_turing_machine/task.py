r"""Copying: a Turing machine and an LSTM of equal parameters, trained on short sequences and asked for long ones.

    ntm       the machine of this room: a feedforward controller, a write head, a read head, shifts of -1, 0 and 1
    random    the same, whose memory starts from drawn rows, others in each net, on top of the learnt one
    blind     the same as ntm, trained on the bits of other sequences: the control
    lstm      an LSTM with as many parameters, at each of `RATES`; the best on validation sequences of trained lengths counts

Machines of all three kinds are trained side by side, from starts and on sequences of their own: every parameter has an axis of nets in
front. Training is Adam with a rate that rises and falls linearly, each component of the gradient cut to -10 ... 10 as in section 4.6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
# Longest trained and longest asked, rows, updates, test sequences of each length for each net.
PROFILES = {"quick": (4, 10, 12, 200, 32), "full": (8, 20, 24, 400, 64)}
# How many machines of each kind are trained side by side.
GROUPS = {"quick": {"ntm": 5, "random": 2, "blind": 2}, "full": {"ntm": 10, "random": 4, "blind": 2}}
RATE, RATES, BATCH, LIMIT, BETAS, EPSILON = 3e-2, (1e-2, 3e-2), 16, 10.0, (0.9, 0.999), 1e-8
ROW, SPREAD = 0.1, 0.5  # the learnt row of M_0 at its start, and the standard deviation of drawn rows around it
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
                         "high", spread=0.4),
    "bits_ntm": Metric("cross-entropy of a sequence of the longest trained length", "bits per sequence", "nets", "ntm", "low", spread=2.0),
    "bits_lstm": Metric("the same for the LSTM", "bits per sequence", "nets", "lstm", "low", spread=2.0),
    "follows_ntm": Metric("share of vectors, at the longest length, that are read at the row at which they were written", "share", "nets",
                          "ntm", "high", spread=0.4),
    "rests_ntm": Metric("share of steps, while vectors of the longest length are shown, at which the read head stays on its row", "share",
                        "nets", "ntm", spread=0.4),
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
    """Weights normal of the variance 1 / fan-in, everything else zero but the row of M_0 and the bias of the LSTM's forget gate, 1."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.endswith("weight"):
            return rng.normal(0, shape[1] ** -0.5, (nets, *shape))
        if net == "lstm" and name == "controller.input.bias":
            return np.tile(np.repeat([0.0, 1.0, 0.0, 0.0], HIDDEN), (nets, 1))  # i, f, g, o
        return np.full((nets, *shape), ROW if name == "start.memory" else 0.0)

    return {name: draw(name, shape) for name, shape in shapes(net).items()}


def kinds(nets: int) -> list[str]:
    """Of machines side by side the kind of each."""
    group = next(group for group in GROUPS.values() if sum(group.values()) == nets)
    return [kind for kind, count in group.items() for _ in range(count)]


def counted(net: str, nets: int) -> int:
    """Over how many of the nets side by side, the first, the losses that are reported are a mean: of machines those of the kind `ntm`."""
    return nets if net == "lstm" else kinds(nets).count("ntm")


def drawn_rows(nets: int, rows: int) -> Array:
    """What is added to the learnt row in M_0: nothing, but for `random` machines, (net, row, size)."""
    drawn = np.random.default_rng([20, 99]).normal(0, SPREAD, (nets, rows, SIZES["size"]))
    return drawn * (np.array(kinds(nets)) == "random")[:, None, None]


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (sequence, net, time, bit), and of machines their weightings (sequence, net, time, head, row)."""
    answers, nets = [], inputs["inputs"].shape[1]
    for n in range(nets):
        own, x = {name: value[n] for name, value in params.items()}, inputs["inputs"][:, n]
        if net == "lstm":
            answers.append(lstm(own, x))
            continue
        start = own["start.memory"] + drawn_rows(nets, int(inputs["rows"][0]))[n]
        answers.append(machine(own, x, start))
    return {name: np.stack([answer[name] for answer in answers], 1) for name in answers[0]}


def machine(params: Arrays, x: Array, start: Array) -> dict[str, Array]:
    batch = {"inputs": x, "targets": np.zeros((*x.shape[:2], copying.BITS)), "asked": np.zeros(x.shape[:2], bool)}
    found = checks.forward(params, {**batch, "memory": np.repeat(start[None], len(x), 0)}, **sizes(len(start)))
    return {name: found[name] for name in ("logits", "weighting")}


def lstm(params: Arrays, x: Array) -> dict[str, Array]:
    state = tuple(np.broadcast_to(params[name], (len(x), HIDDEN)) for name in ("controller.h", "controller.c"))
    logits = []
    for here in x.swapaxes(0, 1):
        state = checks.control(params, here, state, controller="lstm")
        logits.append(checks.affine(params, "output", state[0]))
    return {"logits": np.stack(logits, 1)}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    longest, asked, rows, updates, tests = PROFILES[profile]
    rng, machines = np.random.default_rng([20, seed]), sum(GROUPS[profile].values())
    kind, ask = np.array(kinds(machines)), Asked(framework, seed, rows)
    known = copying.of_others(rng, copying.drawn(rng, BATCH * updates, machines, longest), kind == "blind")
    # all test sequences are padded to the same number of steps; the last are for the choice of a rate
    lengths = [1, *range(2, longest, 2), longest, (longest + asked) // 2, asked]
    new = [copying.drawn(rng, tests, machines, asked, length) for length in [*lengths, longest // 2, longest]]
    params = ask.train("ntm", known, updates, RATE)
    answer = ask.answers("ntm", params, new)
    of_rival = [{name: value[:, kind == "ntm"] for name, value in data.items()} for data in (known, *new)]
    rivals = [ask.answers("lstm", ask.train("lstm", of_rival[0], updates, rate), of_rival[1:]) for rate in RATES]
    best = min(rivals, key=lambda found: np.mean([copying.wrong(*pair) for pair in zip(found[-2:], of_rival[-2:])]))
    every = np.stack([copying.wrong(logits, data) for (logits, _), data in zip(answer, new[:-2])])  # (length, net)
    errors = {name: every[:, kind == name] for name in dict.fromkeys(kind.tolist())}
    errors["lstm"] = np.stack([copying.wrong(logits, data) for logits, data in zip(best, of_rival[1:-2])])
    short, at = np.array(lengths) <= longest, lengths.index(longest)
    machine_ = kind == "ntm"
    metrics: dict[str, Any] = {f"trained_{net}": error[short].mean(0) for net, error in errors.items()}
    metrics |= {f"long_{net}": errors[net][-1] for net in ("ntm", "lstm", "random")}
    metrics |= {
        "bits_ntm": copying.bits_per_sequence(answer[at][0], new[at])[machine_],
        "bits_lstm": copying.bits_per_sequence(best[at], of_rival[1 + at]),
        "short_lstm": errors["lstm"][0], "solved_ntm": (errors["ntm"][-1] <= SOLVED).astype(float),
        "follows_ntm": copying.follows(answer[-3][1], new[-3])[machine_],
        "rests_ntm": copying.rests(answer[-3][1], new[-3])[machine_],
        "advances_ntm": copying.advances(answer[-3][1], new[-3], rows)[machine_],
    }  # fmt: skip
    metrics = {name: value.tolist() for name, value in metrics.items()}
    count = {net: sum(int(np.prod(shape)) for shape in shapes(net).values()) for net in ("ntm", "lstm")}
    metrics["parameters_ratio"] = count["lstm"] / count["ntm"]
    return Experiment(metrics, figures.drawn(errors, lengths, longest, ask.curves, answer[-3], new[-3]))


@dataclass
class Asked:
    """What is asked of a framework. Nets of a kind start from the same numbers; `curves` keeps their losses."""

    framework: Framework
    seed: int
    rows: int
    curves: dict[str, Array] = field(default_factory=dict)

    def train(self, net: str, data: Arrays, length: int, rate: float) -> Arrays:
        self.framework.progress(len(self.curves) / 3, f"{net} at {rate:g}")
        start = initial(np.random.default_rng([20, self.seed, 1]), net, data["inputs"].shape[1])
        order = np.arange(BATCH * length).reshape(length, BATCH)
        shown = {name: data[name] for name in ("inputs", "targets", "asked")}
        rates = linear_decay(rate, length, warm_up=length // 10)
        settings = {"rows": self.rows, "limit": LIMIT}
        trained = self.framework.train(Training(net, start, shown, order, rates, settings=settings))
        self.curves[f"{net} {rate:g}" if net == "lstm" else net] = trained.losses
        return trained.params

    def answers(self, net: str, params: Arrays, sets: list[Arrays]) -> list[Any]:
        """logits for each set of sequences, and of machines their weightings beside them, by one question."""
        x = np.concatenate([data["inputs"] for data in sets])
        found = self.framework.predict(net, params, {"inputs": x, "rows": np.full(len(x), self.rows)})
        parts = {name: np.split(value, len(sets)) for name, value in found.items()}
        return parts["logits"] if net == "lstm" else list(zip(parts["logits"], parts["weighting"]))
