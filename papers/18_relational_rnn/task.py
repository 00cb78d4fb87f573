r"""The farthest vector from m, by the memory core and by an LSTM of equal parameters with a rate of its own; and all questions at once.

    core        the memory core                                    asked for the farthest vector from m
    lstm        an LSTM, at each of `RATES`; the best on a validation set counts
    blind       the LSTM, trained on sequences that show the vectors of others: the control
    core_full   the memory core                                    asked for the n-th farthest, every n
    lstm_full   the LSTM at the rate that was best
    equal       the memory core, started from slots that are all equal

Who reads no vector is right in 1/(N - 1) of the cases where the farthest is asked for, and in 2/N where every n is: the plateau. Both
are counted in `farthest.py`. Training is Adam, the norm of the gradient cut at 1, and a rate that rises for a tenth of the updates and
falls linearly to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
farthest = sibling(__file__, "farthest.py")
figures = sibling(__file__, "figures.py")

SIZES: dict[str, Any] = {
    "heads": 4, "head_size": 6, "key_size": 8, "blocks": 1, "mlp_layers": 2, "gate_style": "unit", "forget_bias": 1.0, "input_bias": 0.0,
    "readout": 32,
}  # fmt: skip
HIDDEN = 39  # units of the LSTM, so that it has no fewer parameters
# Vectors, seeds, updates, those of the nets that are asked every n, test sequences.
PROFILES = {"quick": (3, 1, 400, 160, 2000), "full": (4, 2, 1000, 400, 4000)}
RATES = (1e-3, 5e-3, 2e-2)  # of the LSTM; the paper tried rates up to the first
RATE, BATCH, CLIP, BETAS, EPSILON = 8e-3, 128, 1.0, (0.9, 0.98), 1e-8
EXACT = 300  # sequences whose answers are worked out exactly

METRICS = {
    "accuracy_core": Metric("share of new sequences in which the memory core names the farthest vector from m", "share", "seeds", "core",
                            "high", spread=0.12),
    "accuracy_lstm": Metric("the same for the LSTM of equal parameters, at the rate that was best on a validation set", "share", "seeds",
                            "lstm", "high", spread=0.12),
    "accuracy_lstm_slow": Metric("the same for the LSTM at the least rate, which is the greatest that the paper tried", "share", "seeds",
                                 "lstm", "high", spread=0.1),
    "accuracy_blind": Metric("the same for the LSTM that was trained on sequences with the vectors of others", "share", "seeds", "blind",
    "high",
                             control=True, spread=0.05),
    "accuracy_by_length": Metric("the same for who names the longest vector but m's, comparing none with m's", "share", "seeds"),
    "accuracy_by_guessing": Metric("the same for who guesses among all vectors but m's: 1/(N - 1)", "share"),
    "full_core": Metric("share of new sequences, every n asked, in which the memory core is right", "share", "seeds", "core", "high",
                        spread=0.06),
    "full_lstm": Metric("the same for the LSTM", "share", "seeds", "lstm", "high", spread=0.06),
    "full_last_core": Metric("of them with n = N, where m itself is the answer, in which the memory core is right", "share", "seeds",
    "core",
                             "high", spread=0.03),
    "full_last_lstm": Metric("the same for the LSTM", "share", "seeds", "lstm", "high", spread=0.03),
    "full_without_vectors": Metric("the best share of who reads no vector, counted over all rankings", "share"),
    "paper_without_vectors": Metric("the same with the paper's eight vectors", "share"),
    "parameters_ratio": Metric("parameters of the LSTM over those of the memory core", "1"),
    "exact_answers": Metric("share of answers that are the same in rational arithmetic", "share", "seeds"),
    "slots_apart": Metric("least distance, over pairs of slots and sequences, of two last slots of the trained core, largest entry", "1",
                          "seeds", "core", spread=1.0),
    "slots_apart_equal": Metric("greatest distance of two last slots of the core that was trained from equal slots", "1", "seeds", "equal",
                                "low", spread=1e-4),
}  # fmt: skip


def sizes(net: str, vectors: int) -> dict[str, Any]:
    """The configuration of a memory core for so many vectors, one slot for each."""
    return {**checks.CONFIG, **SIZES, "features": farthest.features(vectors), "slots": vectors, "classes": vectors}


def vectors_of(params: Arrays) -> int:
    """How many vectors a net was made for: it names as many labels."""
    return len(params["readout.output.bias"])


def shapes(net: str, vectors: int) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter of a net."""
    if not net.startswith(("lstm", "blind")):
        return checks.shapes(**sizes(net, vectors))
    found: dict[str, tuple[int, ...]] = {
        "lstm.weight_ih_l0": (4 * HIDDEN, farthest.features(vectors)), "lstm.weight_hh_l0": (4 * HIDDEN, HIDDEN),
        "lstm.bias_ih_l0": (4 * HIDDEN,), "lstm.bias_hh_l0": (4 * HIDDEN,),
    }  # fmt: skip
    found |= {"readout.hidden.weight": (SIZES["readout"], HIDDEN), "readout.hidden.bias": (SIZES["readout"],)}
    return found | {"readout.output.weight": (vectors, SIZES["readout"]), "readout.output.bias": (vectors,)}


def initial(rng: np.random.Generator, net: str, vectors: int) -> dict[str, Array]:
    """Gains one, biases zero but 1 for the LSTM's forget gate, as the core's has it; weights normal of the variance 1 / fan-in,
    those of the core's embedding three times as large, so that the input is no smaller than a slot."""

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "lstm.bias_ih_l0":
            return np.repeat([0.0, 1.0, 0.0, 0.0], HIDDEN)  # i, f, g, o
        if len(shape) == 1:
            return np.ones(shape) if name.endswith("norm.weight") else np.zeros(shape)
        return rng.normal(0, (3 if name == "embed.weight" else 1) * shape[1] ** -0.5, shape)

    return {name: draw(name, shape) for name, shape in shapes(net, vectors).items()}


def memory(net: str, vectors: int, count: int) -> Array:
    """M_0 of a memory core: rows of the identity, or for `equal` its first row in every slot."""
    start = checks.initial_memory(count, **sizes(net, vectors))
    return np.array(np.broadcast_to(start[:, :1], start.shape) if net == "equal" else start)


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (sequence, label), and of a memory core its last memory (sequence, slot, size)."""
    x, vectors = inputs["inputs"], vectors_of(params)
    if not net.startswith(("lstm", "blind")):
        on = sizes(net, vectors)
        slots = memory(net, vectors, len(x))
        for here in x.swapaxes(0, 1):
            slots, _ = checks.step(params, here, slots, [], **on)
        return {"logits": checks.read(params, slots, []), "memory": slots}
    h = c = np.zeros((len(x), HIDDEN))
    bias = params["lstm.bias_ih_l0"] + params["lstm.bias_hh_l0"]
    for here in x.swapaxes(0, 1):
        given = here @ params["lstm.weight_ih_l0"].T + h @ params["lstm.weight_hh_l0"].T + bias
        i, f, g, o = np.split(given, 4, -1)
        # c_t = sigma(f) c_{t-1} + sigma(i) tanh(g),  h_t = sigma(o) tanh(c_t)
        c = checks.sigmoid(f) * c + checks.sigmoid(i) * np.tanh(g)
        h = checks.sigmoid(o) * np.tanh(c)
    return {"logits": checks.read(params, h, [])}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    vectors, seeds, updates, full_updates, tests = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS if METRICS[name].over}
    curves: dict[str, list[Array]] = {}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([18, s])
        known, all_known = (farthest.drawn(rng, BATCH * updates, vectors, every) for every in (False, True))
        chosen, test, all_test = (farthest.drawn(rng, tests, vectors, every) for every in (False, False, True))
        others = {**known, "inputs": farthest.with_vectors_of_others(rng, known["inputs"])}
        asked = Asked(framework, s, (s - seed) / seeds, vectors, curves)
        core = asked.train("core", known, updates, RATE)
        rivals = {rate: asked.train("lstm", known, updates, rate) for rate in RATES}
        best = max(RATES, key=lambda rate: asked.right("lstm", rivals[rate], chosen)[0].mean())
        equal = asked.train("equal", known, full_updates // 4, RATE)
        (core_right, slots), (_, equals) = asked.right("core", core, test), asked.right("equal", equal, test)
        found = {
            "accuracy_core": core_right, "slots_apart": apart(slots).min(), "slots_apart_equal": apart(equals).max(),
            "accuracy_lstm": asked.right("lstm", rivals[best], test)[0],
            "accuracy_lstm_slow": asked.right("lstm", rivals[RATES[0]], test)[0],
            "accuracy_blind": asked.right("blind", asked.train("blind", others, full_updates, best), test)[0],
            "accuracy_by_length": farthest.by_length(test),
            "exact_answers": farthest.exactly(all_test, EXACT) == all_test["label"][:EXACT],
        }  # fmt: skip
        for kind, rate in (("core", RATE), ("lstm", best)):
            right, _ = asked.right(f"{kind}_full", asked.train(f"{kind}_full", all_known, full_updates, rate), all_test)
            found |= {f"full_{kind}": right, f"full_last_{kind}": right[all_test["n"] == vectors - 1]}
        for name, value in found.items():
            metrics[name].append(float(np.mean(value)))
    count = {kind: sum(int(np.prod(shape)) for shape in shapes(kind, vectors).values()) for kind in ("core", "lstm")}
    metrics |= {
        "accuracy_by_guessing": 1 / (vectors - 1), "full_without_vectors": farthest.without_vectors(vectors),
        "paper_without_vectors": farthest.without_vectors(8), "parameters_ratio": count["lstm"] / count["core"],
    }  # fmt: skip
    return Experiment(metrics, figures.drawn(metrics, curves, vectors))


@dataclass
class Asked:
    """What is asked of a framework for one seed. Nets of a kind start from the same numbers; `curves` keeps their losses."""

    framework: Framework
    seed: int
    share: float
    vectors: int
    curves: dict[str, list[Array]]

    def train(self, net: str, data: Arrays, length: int, rate: float) -> Arrays:
        self.framework.progress(self.share, f"seed {self.seed}, {net}")
        start = initial(np.random.default_rng([18, self.seed, 1]), net, self.vectors)
        order = np.arange(BATCH * length).reshape(length, BATCH)
        shown = {name: data[name][: order.size] for name in ("inputs", "label")}
        rates = linear_decay(rate, length, warm_up=length // 10)
        trained = self.framework.train(Training(net, start, shown, order, rates, clip=CLIP))
        self.curves.setdefault(f"lstm {rate:g}" if net == "lstm" else net, []).append(trained.losses)
        return trained.params

    def right(self, net: str, params: Arrays, data: Arrays) -> tuple[Array, Array]:
        """Which answers are right, (sequence,), and a memory core's last memory, (sequence, slot, size)."""
        answer = self.framework.predict(net, params, {"inputs": data["inputs"]})
        return answer["logits"].argmax(-1) == data["label"], answer.get("memory", np.zeros((1, 1, 1)))


def apart(slots: Array) -> Array:
    """Of each two slots (sequence, slot, size) how far they are apart, by their largest entry: (sequence, pair)."""
    first, second = np.triu_indices(slots.shape[1], 1)
    return np.abs(slots[:, first] - slots[:, second]).max(-1)
