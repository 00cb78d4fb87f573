r"""The task of the experiments: name the first symbol of a sequence after `lag` steps of noise.

    time      0               1  …  lag
    token     one of 4        one of 4 others, drawn at random
    target                          the token of time 0

Chance is 1/4. What a net keeps of its state before it has learnt anything depends on how it starts, so nets are named by it:

    lstm             b_f = log(lag), b_i = -log(lag): f = 1 - 1/(lag + 1), i = 1/(lag + 1)
    lstm_bias_0, _1  b_f = 0 or 1, b_i = 0
    rnn              as torch.nn starts: every entry uniform in ±1/√hidden, so the radius of W_hh is about 1/√3
    rnn_orthogonal   W_hh a random orthogonal matrix, W_ih a tenth of the above, no bias: near h_t = W_hh h_(t-1) + W_ih x_t

All weights not mentioned start uniform in ±1/√hidden. A net trains until it has named the symbols of WINDOW minibatches in
a row without an error, then it has learnt, or until its UPDATES are spent. Both frameworks train the same nets on the same
sequences, and at one lag the k-th nets of all kinds see the same ones.
"""

from __future__ import annotations

import numpy as np

from s30.vocabulary import Array, Figure, Heatmap, Lines

SYMBOLS, NOISE, HIDDEN = 4, 4, 24
FEATURES = SYMBOLS + NOISE
LAGS = (10, 50, 100)
BIAS_LAG = 8  # of the comparison of forget-gate biases: short enough that most nets learn with either
EXAMPLES, TEST_EXAMPLES = 32, 256
RATES = {"lstm": 0.01, "lstm_bias_0": 0.01, "lstm_bias_1": 0.01, "rnn": 0.005, "rnn_orthogonal": 0.001}
LIMIT = 1.0  # of the gradient's norm
UPDATES, WINDOW = 400, 10
SMALLEST = 1e-37  # of a gradient's norm that float32 can tell from zero
# who learns to recall at which lags
RECALL = {"lstm": LAGS, "rnn": LAGS, "lstm_bias_1": LAGS[-1:], "rnn_orthogonal": LAGS[-1:]}
VARIED = (("rnn", LAGS[0]), ("rnn_orthogonal", LAGS[-1]))  # most of these nets learn, some stop at half of the symbols
TITLES = {
    "lstm": "LSTM, b = ±log(lag)",
    "lstm_bias_1": "LSTM, b_f = 1",
    "lstm_bias_0": "LSTM, b_f = 0",
    "rnn": "RNN",
    "rnn_orthogonal": "RNN, orthogonal",
}
SIZES = {"quick": {"nets": 1, "varied": 5}, "full": {"nets": 5, "varied": 10}}


def runs(profile: str) -> list[tuple[str, int, int]]:
    """What is trained: (net, lag, k), the k-th net of its kind at that lag."""
    nets, varied = SIZES[profile]["nets"], SIZES[profile]["varied"]
    kinds = [(net, lag) for net, lags in RECALL.items() for lag in lags]
    recall = [(net, lag, k) for net, lag in kinds for k in range(varied if (net, lag) in VARIED else nets)]
    return recall + [(f"lstm_bias_{b}", BIAS_LAG, k) for b in (0, 1) for k in range(varied)]


def sequences(rng: np.random.Generator, *shape: int, lag: int) -> Array:
    """Tokens (*shape, lag + 1): a symbol in 0..3, then noise in 4..7."""
    tokens = rng.integers(SYMBOLS, FEATURES, size=(*shape, lag + 1))
    tokens[..., 0] = rng.integers(SYMBOLS, size=shape)
    return tokens


def minibatches(lag: int, seed: int, k: int) -> tuple[Array, Array]:
    """Tokens (UPDATES, EXAMPLES, lag + 1) to train on and (TEST_EXAMPLES, lag + 1) to test on."""
    rng = np.random.default_rng((3, seed, lag, k))
    return sequences(rng, UPDATES, EXAMPLES, lag=lag), sequences(rng, TEST_EXAMPLES, lag=lag)


def cell_of(net: str) -> str:
    return net.split("_")[0]


def initial(net: str, lag: int, seed: int, k: int) -> dict[str, Array]:
    """The parameters that a net starts with, named as in torch.nn."""
    cell, rng = cell_of(net), np.random.default_rng((3, seed, lag, k, 1))
    gates = {"rnn": 1, "lstm": 4}[cell]
    shapes = {"weight_ih_l0": (FEATURES,), "weight_hh_l0": (HIDDEN,), "bias_ih_l0": (), "bias_hh_l0": ()}
    draw = {f"{cell}.{name}": (gates * HIDDEN, *shape) for name, shape in shapes.items()}
    draw |= {"readout.weight": (SYMBOLS, HIDDEN), "readout.bias": (SYMBOLS,)}
    params = {name: rng.uniform(-(HIDDEN**-0.5), HIDDEN**-0.5, size=shape) for name, shape in draw.items()}
    if net == "rnn_orthogonal":
        params["rnn.weight_hh_l0"] = np.linalg.qr(rng.normal(size=(HIDDEN, HIDDEN)))[0]
        params["rnn.weight_ih_l0"] *= 0.1
        params["rnn.bias_ih_l0"][:], params["rnn.bias_hh_l0"][:] = 0.0, 0.0
    if cell == "lstm":
        # the idea of log(lag) is that of the «chrono initialization», Tallec and Ollivier, arXiv:1804.11188
        biases = {"lstm": (-np.log(lag), np.log(lag)), "lstm_bias_0": (0.0, 0.0), "lstm_bias_1": (0.0, 1.0)}[net]
        params["lstm.bias_ih_l0"][: 2 * HIDDEN] = np.repeat(biases, HIDDEN)  # b_i, b_f
        params["lstm.bias_hh_l0"][: 2 * HIDDEN] = 0.0
    return {name: value.astype(np.float32) for name, value in params.items()}


def metrics(
    accuracy: dict[tuple[str, int], list[float]],
    updates: dict[tuple[str, int], list[float]],
    gradients: dict[str, list[list[float]]],
) -> dict[str, list[float]]:
    """By net and lag, the accuracies and updates of all k; by net and «before» or «after», norms at t = 1, 2, … of all k."""
    return {
        **{f"{net}_accuracy_lag_{lag}": accuracy[net, lag] for net, lags in RECALL.items() for lag in lags},
        **{
            f"{net}_state_gradient_decades": [float(np.log10(max(k[-1], SMALLEST))) for k in norms]
            for net, norms in gradients.items()
        },
        "lstm_updates_lag_100": updates["lstm", 100],
        **{f"updates_forget_bias_{b}": updates[f"lstm_bias_{b}", BIAS_LAG] for b in (0, 1)},
    }


def figures(
    accuracy: dict[tuple[str, int], list[float]],
    updates: dict[tuple[str, int], list[float]],
    gradients: dict[str, list[list[float]]],
    gates: dict[str, Array],
) -> dict[str, Figure]:
    """As `metrics`; `gates` are those of an LSTM trained at the longest lag, on one sequence, each (time, hidden)."""
    times, shown = range(0, max(LAGS) + 1, 5), range(0, UPDATES + 1, 5)
    rows = [(gate, unit) for gate in ("forget", "input") for unit in range(HIDDEN)]
    curves = {TITLES[net]: (lags, [float(np.mean(accuracy[net, lag])) for lag in lags]) for net, lags in RECALL.items()}
    learnt = {b: np.array(updates[f"lstm_bias_{b}", BIAS_LAG]) for b in (0, 1)}
    return {
        "recall": Lines(
            "Recall of the first symbol",
            "lag",
            "accuracy on new sequences",
            {**curves, "chance": (LAGS, [1 / SYMBOLS] * len(LAGS))},
            markers=True,
        ),
        **{
            f"gradients_{when}": Lines(
                f"Gradient of the state by the initial state, {when} training",
                "steps",
                "Frobenius norm, median of nets",
                {
                    title: (list(range(1, len(norms[0]) + 1)), np.median(norms, axis=0).tolist())
                    for net, title in TITLES.items()
                    if (norms := gradients.get(f"{net}_{when}"))
                },
                log_y=True,
            )
            for when in ("before", "after")
        },
        "forget_bias": Lines(
            f"Learning to recall at lag {BIAS_LAG}",
            "updates",
            f"share of {len(learnt[0])} nets that have learnt",
            {
                f"forget-gate bias {b}": (list(shown), [float(np.mean((n <= u) & (n < UPDATES))) for u in shown])
                for b, n in learnt.items()
            },
        ),
        "gates": Heatmap(
            "Gates of a trained LSTM on one sequence",
            np.array([gates[f"{gate}_gate"][times, unit] for gate, unit in rows]),
            [f"{gate} {unit}" for gate, unit in rows],
            [str(t) for t in times],
            x_label="time",
            y_label="gate and unit",
            limits=(0.0, 1.0),
        ),
    }
