"""The figures of the experiments, drawn from what `task.py` measured; one colour per model in all of them."""

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Arrays, Figure, Heatmap, Lines

TITLES = {
    "lstm": "LSTM, b_f = log lag, b_i = -log lag",
    "lstm_bias_1": "LSTM, b_f = 1, b_i = 0",
    "lstm_bias_0": "LSTM, b_f = b_i = 0",
    "rnn": "tanh RNN",
    "rnn_slow": "tanh RNN, a quarter of the rate",
    "rnn_orthogonal": "tanh RNN, orthogonal W_hh",
    "shuffled": "LSTM, first symbol replaced",
}
COLOURS = {title: number for number, title in enumerate(TITLES.values())}
CHANCE = {"chance": 0.25}
Runs = Mapping[str, Sequence[float]]
Norms = Mapping[tuple[str, str], Array]  # by net and «before» or «after»: (net, time)


def figures(
    recall: Sequence[tuple[str, int]], values: Runs, norms: Norms, gates: Arrays, limit: int
) -> dict[str, Figure]:
    """`values` by metric; `gates` are those of one trained LSTM, (time, unit); `limit` is the most updates a net has."""
    return {
        "recall": _recall(recall, values),
        "gradients": _gradients({net: found for (net, when), found in norms.items() if when == "before"}),
        "gates": _gates(gates),
        "forget_bias": _forget_bias(values, limit),
    }


def _recall(recall: Sequence[tuple[str, int]], values: Runs) -> Lines:
    lags = {net: sorted(lag for name, lag in recall if name == net) for net in TITLES}
    found = {net: [values[f"{net}_accuracy_lag_{lag}"] for lag in lags[net]] for net in TITLES}
    return Lines(
        "Recall of the first symbol", "lag", "accuracy on new sequences",
        {TITLES[net]: (lags[net], [float(np.mean(runs)) for runs in found[net]]) for net in TITLES},
        markers=True, log_x=True, colours=COLOURS, references=CHANCE,
        bands={TITLES[net]: ([min(runs) for runs in found[net]], [max(runs) for runs in found[net]]) for net in TITLES},
        caption="LSTMs whose gates start with a memory of the order of the lag name the symbol at every lag; at lag 100 those"
        " with a forget bias of 1 are at chance. RNNs as torch.nn starts them learn short lags and mostly lose longer ones;"
        " with orthogonal weights they learn the longest. Points: means over nets; bands: from the worst net to the best.",
    )  # fmt: skip


def _gradients(before: Mapping[str, Array]) -> Lines:
    steps = list(range(1, len(next(iter(before.values()))[0]) + 1))
    kinds = [net for net in TITLES if net in before]
    return Lines(
        "Gradient of the state by the initial state, before training", "steps", "Frobenius norm, median of nets",
        {TITLES[net]: (steps, np.median(before[net], axis=0).tolist()) for net in kinds},
        log_y=True, colours=COLOURS, references={"a perfect carousel of 10 units": 10**0.5},
        bands={TITLES[net]: (before[net].min(axis=0).tolist(), before[net].max(axis=0).tolist()) for net in kinds},
        caption="How much of the state is left after so many steps is decided by the start: an LSTM's forget bias, an"
        " RNN's recurrent matrix. Bands reach from the least net to the greatest.",
    )  # fmt: skip


def _gates(gates: Arrays) -> Heatmap:
    times = range(0, len(gates["forget_gate"]), 5)
    rows = [(gate, unit) for gate in ("forget", "input") for unit in range(gates["forget_gate"].shape[1])]
    return Heatmap(
        "Gates of a trained LSTM on one sequence of lag 100",
        np.array([gates[f"{gate}_gate"][times, unit] for gate, unit in rows]),
        [f"{gate} {unit}" for gate, unit in rows], [str(t) for t in times],
        x_label="time", y_label="gate and unit", limits=(0.0, 1.0),
        caption="The forget gates stay near 1 throughout: the carousel is in use. Most input gates shut after the first step;"
        " a few open again as the sequence goes on.",
    )  # fmt: skip


def _forget_bias(values: Runs, limit: int) -> Lines:
    updates = {net: np.array(values[f"{net}_updates_lag_8"]) for net in ("lstm_bias_1", "lstm_bias_0")}
    shown = range(0, limit + 1, 5)
    return Lines(
        "Learning to recall over 8 steps, by the forget gate's initial bias", "updates", "share of nets that have learnt",
        {
            TITLES[net]: (list(shown), [float(np.mean((found <= at) & (found < limit))) for at in shown])
            for net, found in updates.items()
        },
        colours=COLOURS, references={"all nets": 1.0},
        caption="The same nets on the same sequences, but for the bias of the forget gate.",
    )  # fmt: skip
