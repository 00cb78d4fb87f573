r"""The task of the experiments: name the first symbol of a sequence after `lag` steps of noise.

    time      0               1  …  lag
    token     one of 4        one of 4 others, drawn at random
    target                          the token of time 0

Chance is 1/4. Both frameworks start from the parameters drawn here and see sequences drawn here.
"""

from __future__ import annotations

import numpy as np

from s30.vocabulary import Array, Figure, Heatmap, Lines

SYMBOLS, NOISE, HIDDEN = 4, 4, 24
FEATURES = SYMBOLS + NOISE
LAGS = (10, 50, 100)
BIAS_LAG = 8  # of the comparison of forget-gate biases: short enough that most nets learn with either
EXAMPLES, TEST_EXAMPLES = 32, 256
RATES = {"lstm": 0.01, "rnn": 0.003}
LEARNT, WINDOW = 0.95, 10  # a net has learnt when its mean accuracy over the last WINDOW minibatches reaches LEARNT
LIMIT = 1.0  # of the gradient's norm
SIZES = {
    "quick": {"seeds": 1, "updates": 200, "bias_seeds": 3, "bias_updates": 150},
    "full": {"seeds": 3, "updates": 400, "bias_seeds": 10, "bias_updates": 300},
}


def sequences(rng: np.random.Generator, *shape: int, lag: int) -> Array:
    """Tokens (*shape, lag + 1): a symbol in 0..3, then noise in 4..7."""
    tokens = rng.integers(SYMBOLS, FEATURES, size=(*shape, lag + 1))
    tokens[..., 0] = rng.integers(SYMBOLS, size=shape)
    return tokens


def initial(rng: np.random.Generator, cell: str, forget_bias: float = 0.0, input_bias: float = 0.0) -> dict[str, Array]:
    """One net's parameters, U(-1/√hidden, 1/√hidden) as in torch.nn, with given biases of the LSTM's two cell gates."""
    gates = {"rnn": 1, "lstm": 4}[cell]
    shapes = {"weight_ih_l0": (FEATURES,), "weight_hh_l0": (HIDDEN,), "bias_ih_l0": (), "bias_hh_l0": ()}
    draw = {f"{cell}.{name}": (gates * HIDDEN, *shape) for name, shape in shapes.items()}
    draw |= {"readout.weight": (SYMBOLS, HIDDEN), "readout.bias": (SYMBOLS,)}
    params = {name: rng.uniform(-(HIDDEN**-0.5), HIDDEN**-0.5, size=shape) for name, shape in draw.items()}
    if cell == "lstm":
        for block, bias in ((0, input_bias), (1, forget_bias)):
            rows = slice(block * HIDDEN, (block + 1) * HIDDEN)
            params["lstm.bias_ih_l0"][rows], params["lstm.bias_hh_l0"][rows] = bias, 0.0
    return params


def lag_net(rng: np.random.Generator, cell: str, lag: int) -> dict[str, Array]:
    """A net for one lag. The LSTM starts with a memory as long as the lag: f about 1 - 1/lag, i about 1/lag.

    That is the idea of the «chrono initialization» (Tallec and Ollivier, arXiv:1804.11188), with log(lag) for every unit.
    """
    return initial(rng, cell, np.log(lag), -np.log(lag))


def bias_nets(rng: np.random.Generator, seeds: int) -> list[dict[str, Array]]:
    """LSTMs for BIAS_LAG: `seeds` with forget-gate bias 0, then the same nets with bias 1."""
    start = int(rng.integers(2**32))
    return [initial(np.random.default_rng((start, k)), "lstm", bias) for bias in (0.0, 1.0) for k in range(seeds)]


def smooth(accuracy: Array) -> Array:
    """Means over the last WINDOW updates: (nets, updates) -> (nets, updates - WINDOW + 1)."""
    total = np.cumsum(np.pad(accuracy, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    return (total[:, WINDOW:] - total[:, :-WINDOW]) / WINDOW


def updates_to_learn(accuracy: Array) -> list[float]:
    """For each net the first update by which it has learnt, or the number of updates if it has not."""
    above = smooth(accuracy) >= LEARNT
    return [float(np.argmax(row) + WINDOW if row.any() else accuracy.shape[1]) for row in above]


def metrics(
    accuracy: dict[str, list[list[float]]], gradients: dict[str, list[float]], learning: Array
) -> dict[str, list[float] | float]:
    """accuracy[cell][lag index][seed], norms of the state's gradient by name, minibatch accuracies of `bias_nets`."""
    learnt, half = updates_to_learn(learning), len(learning) // 2
    return {
        **{
            f"{cell}_accuracy_lag_{lag}": found
            for cell in accuracy
            for lag, found in zip(LAGS, accuracy[cell], strict=True)
        },
        **{f"{name}_state_gradient_decades": float(np.log10(norms[-1])) for name, norms in gradients.items()},
        "updates_forget_bias_0": learnt[:half],
        "updates_forget_bias_1": learnt[half:],
    }


def figures(
    accuracy: dict[str, list[list[float]]], gradients: dict[str, list[float]], learning: Array, gates: dict[str, Array]
) -> dict[str, Figure]:
    """As `metrics`; `gates` are a trained LSTM's on one sequence, each (time, hidden)."""
    title, half = {"lstm": "LSTM", "rnn": "tanh RNN"}, len(learning) // 2
    times = [*range(12), *range(20, max(LAGS) + 1, 10)]
    units = np.argsort(-gates["forget_gate"].mean(0))[:5]
    rows = [(gate, unit) for gate in ("input", "forget", "output") for unit in units]
    curves = {title[cell]: (LAGS, [float(np.mean(found)) for found in accuracy[cell]]) for cell in accuracy}
    norms = {
        f"{title[name.split('_')[0]]}, {name.split('_')[1]} training": values for name, values in gradients.items()
    }
    means = smooth(learning).reshape(2, half, -1).mean(1)
    return {
        "recall": Lines(
            "Recall of the first symbol",
            "lag",
            "accuracy on new sequences",
            {**curves, "chance": (LAGS, [1 / SYMBOLS] * len(LAGS))},
            markers=True,
        ),
        "gradients": Lines(
            "Gradient of the state by the initial state",
            "steps",
            "Frobenius norm",
            {name: (list(range(1, len(values) + 1)), values) for name, values in norms.items()},
            log_y=True,
        ),
        "forget_bias": Lines(
            f"Learning to recall at lag {BIAS_LAG}",
            "updates",
            f"accuracy, mean of {half} nets",
            {f"forget-gate bias {k}": (list(range(WINDOW, learning.shape[1] + 1)), means[k].tolist()) for k in (0, 1)},
        ),
        "gates": Heatmap(
            "Gates of a trained LSTM on one sequence",
            np.array([gates[f"{gate}_gate"][times, unit] for gate, unit in rows]),
            [f"{gate} {unit}" for gate, unit in rows],
            [str(t) for t in times],
            x_label="time",
            y_label="gate and unit",
        ),
    }
