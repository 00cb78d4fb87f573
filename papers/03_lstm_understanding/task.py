r"""The task of the experiments: name the first symbol of a sequence after `lag` steps of noise.

    time      0               1  …  lag
    token     one of 4        one of 4 others, drawn at random
    target    the token of time 0; chance is 1/4

What a net keeps of its state before it has learnt anything depends on how it starts, so nets are named by it:

    lstm             b_f = log(lag), b_i = -log(lag): f = 1 - 1/(lag + 1), i = 1/(lag + 1)
    lstm_bias_0, _1  b_f = 0 or 1, b_i = 0
    rnn, rnn_slow    as torch.nn starts: every entry uniform in ±1/√units; at the LSTM's rate, and at a quarter of it
    rnn_orthogonal   W_hh a random orthogonal matrix, W_ih a tenth of the above, no bias: near h_t = W_hh h_(t-1) + W_ih x_t
    shuffled         an lstm whose first symbol is replaced at random once the target is read: nothing can be recalled

All weights not mentioned start uniform in ±1/√units. The LSTMs have 10 units, the RNNs 24 and so a few parameters more.
A net trains until it has named the symbols of WINDOW minibatches in a row without an error, then it has learnt, or until
its UPDATES are spent. Both frameworks train the same nets on the same sequences, and at one lag the k-th nets of all kinds
see the same ones. What a net is examined on occurs nowhere in its training.
"""

from collections import defaultdict

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, constant, sibling

checks = sibling(__file__, "numpy_checks.py")
jacobians = sibling(__file__, "jacobians.py")
drawings = sibling(__file__, "drawings.py")

SYMBOLS, NOISE = 4, 4
FEATURES = SYMBOLS + NOISE
UNITS = {"lstm": 10, "rnn": 24}
LONGEST = 100  # lag
EXAMPLES, TEST_EXAMPLES, SHOWN = 32, 256, 4  # of a minibatch, of a test, of what is looked at closely
RATES = {"lstm": 0.02, "rnn": 0.02, "rnn_slow": 0.005, "rnn_orthogonal": 0.001}  # other LSTMs as lstm
LIMIT, UPDATES, WINDOW = 1.0, 200, 10
NETS = {"quick": {"one": 1, "some": 4, "many": 5}, "full": {"one": 5, "some": 10, "many": 10}}
RECALL = {  # which nets are trained at which lags, and how many: more where they end differently
    ("lstm", 10): "one", ("lstm", 50): "one", ("lstm", 100): "some",
    ("rnn", 5): "many", ("rnn", 10): "one", ("rnn", 100): "some",
    ("rnn_slow", 5): "one", ("rnn_slow", 100): "one",
    ("lstm_bias_0", 8): "some", ("lstm_bias_1", 8): "some", ("lstm_bias_1", 100): "one",
    ("rnn_orthogonal", 100): "some", ("shuffled", 10): "one",
}  # fmt: skip
UNTRAINED = {"lstm": 5, "lstm_bias_0": 5, "lstm_bias_1": 5, "rnn": 20, "rnn_orthogonal": 5}  # starts that are looked at

_SPREADS = {"rnn": 0.4, "rnn_slow": 0.2, "lstm_bias_0": 0.4, "rnn_orthogonal": 0.4}  # float32 parts what began as one
METRICS = {
    **{
        f"{net}_accuracy_lag_{lag}": Metric(
            f"new sequences whose first symbol the net names after {lag} steps; chance is 0.25",
            "share", "nets", net, "high", control=net == "shuffled", spread=_SPREADS.get(net, 0.15),
        )
        for net, lag in RECALL
    },
    **{
        f"{net}_updates_lag_{lag}": Metric(
            f"updates until the net has learnt lag {lag}, or {UPDATES}", "updates", "nets", net, "low", spread=spread
        )
        for net, lag, spread in (
            ("lstm", 100, 80), ("rnn_orthogonal", 100, 80), ("rnn", 5, 10), ("lstm_bias_0", 8, 80), ("lstm_bias_1", 8, 60)
        )
    },
    **{
        f"{net}_{when}_direct_path": Metric(
            f"root mean square over units and sequences of the product of 101 forget gates, {when} training at lag 100",
            "share of a cell that arrives", "nets", net, "high", spread=spread,
        )
        for net, when, spread in (("lstm", "before", 1e-6), ("lstm", "after", 0.15), ("lstm_bias_1", "after", 1e-3))
    },
    **{
        f"{net}_{when}_state_gradient": Metric(
            f"size of ∂C_T/∂C_0, of ∂h_T/∂h_0 in the RNN, by all paths over 101 steps, {when} training: Frobenius norm,"
            f" root mean square over {SHOWN} sequences",
            "decades", "nets", net, spread=spread,
        )
        for net, when, spread in (
            *((net, "before", 1e-6) for net in UNTRAINED),
            ("lstm", "after", 1.0),
        )
    },
    "rnn_radius": Metric("spectral radius of W_hh as torch.nn draws it", "factor a step", "nets", "rnn"),
    "rnn_norm": Metric("operator norm of W_hh as torch.nn draws it", "factor a step", "nets", "rnn"),
    "rnn_orthogonal_norm": Metric("operator norm of W_hh that starts orthogonal", "factor a step", "nets", "rnn_orthogonal"),
    "settled_updates": Metric(
        f"updates of a net that errs on one example of its fifth minibatch alone: it stops {WINDOW} later", "updates"
    ),
    **{f"{cell}_parameters": Metric("parameters of a net, readout included", "numbers", model=cell) for cell in UNITS},
}  # fmt: skip


def cell_of(net: str) -> str:
    return "rnn" if net.startswith("rnn") else "lstm"


def examples(net: str, lag: int, seed: int, k: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """What the k-th net of its kind trains on, UPDATES x EXAMPLES sequences in order, and others to examine it on.

    tokens (example, lag + 1), target (example,): the symbol that came first.
    """
    rng, count = np.random.default_rng((3, seed, lag, k)), UPDATES * EXAMPLES
    tokens = rng.integers(SYMBOLS, FEATURES, size=(TEST_EXAMPLES + count + count // 4, lag + 1), dtype=np.int8)
    tokens[:, 0] = target = rng.integers(SYMBOLS, size=len(tokens), dtype=np.int8)
    if net == "shuffled":
        tokens[:, 0] = rng.integers(SYMBOLS, size=len(tokens), dtype=np.int8)
    unseen = {bytes(row) for row in tokens[:TEST_EXAMPLES]}
    rest = np.flatnonzero([bytes(row) not in unseen for row in tokens])[:count]
    train, test = ({"tokens": tokens[at], "target": target[at]} for at in (rest, np.arange(TEST_EXAMPLES)))
    return train, test


def initial(net: str, lag: int, seed: int, k: int) -> dict[str, Array]:
    """The parameters that a net starts with, named as in torch.nn."""
    cell, rng = cell_of(net), np.random.default_rng((3, seed, lag, k, 1))
    units, rows = UNITS[cell], checks.GATES[cell] * UNITS[cell]
    shapes = {
        "weight_ih_l0": (rows, FEATURES),
        "weight_hh_l0": (rows, units),
        "bias_ih_l0": (rows,),
        "bias_hh_l0": (rows,),
    }
    draw = {f"{cell}.{name}": shape for name, shape in shapes.items()}
    draw |= {"readout.weight": (SYMBOLS, units), "readout.bias": (SYMBOLS,)}
    params = {name: rng.uniform(-(units**-0.5), units**-0.5, size=shape) for name, shape in draw.items()}
    if net == "rnn_orthogonal":
        params["rnn.weight_hh_l0"] = np.linalg.qr(rng.normal(size=(units, units)))[0]
        params["rnn.weight_ih_l0"] *= 0.1
        params["rnn.bias_ih_l0"][:], params["rnn.bias_hh_l0"][:] = 0.0, 0.0
    if cell == "lstm":
        # the idea of log(lag) is that of the «chrono initialization», Tallec and Ollivier, arXiv:1804.11188
        biases = {"lstm_bias_0": (0.0, 0.0), "lstm_bias_1": (0.0, 1.0)}.get(net, (-np.log(lag), np.log(lag)))
        params["lstm.bias_ih_l0"][: 2 * units] = np.repeat(biases, units)  # b_i, b_f
        params["lstm.bias_hh_l0"][: 2 * units] = 0.0
    return params


def trace(cell: str, params: Arrays, tokens: Array) -> dict[str, Array]:
    """Every gate and state of the room's cell on tokens (example, time), from the zero state: (example, time, unit)."""
    inputs, state = np.eye(FEATURES)[tokens], dict.fromkeys(("hidden", "cell"), np.zeros((len(tokens), UNITS[cell])))
    seen = []
    for t in range(tokens.shape[1]):
        seen.append(checks.STEPS[cell](params, inputs[:, t], **state))
        state = {name: seen[-1].get(name, value) for name, value in state.items()}
    return {name: np.stack([at[name] for at in seen], axis=1) for name in seen[0]}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """logits (example, symbol) after the last of tokens (example, time). Of an LSTM also `kept`, Π f_t, (example, unit), and
    the gates on the first SHOWN sequences, (example, time, unit)."""
    seen = trace(net, params, inputs["tokens"])
    logits = seen["hidden"][:, -1] @ params["readout.weight"].T + params["readout.bias"]
    if net == "rnn":
        return {"logits": logits}
    gates = {name: seen[name][:SHOWN] for name in ("forget_gate", "input_gate")}
    return {"logits": logits, "kept": seen["forget_gate"].prod(axis=1), **gates}


def state_gradient(cell: str, nets: list[Arrays], tokens: Array) -> Array:
    """Frobenius norm of ∂C_t/∂C_0 with h_0 held fixed, of ∂h_t/∂h_0 in the RNN: (net, time), the root of the mean of the
    square over tokens (example, time). Here as the product of the Jacobians of single steps."""
    norms = []
    for params in nets:
        seen, weight, unit = trace(cell, params, tokens), params[f"{cell}.weight_hh_l0"], np.eye(UNITS[cell])
        if cell == "rnn":
            found = jacobians.rnn(weight, seen["hidden"])
        else:
            start = np.zeros((len(tokens), UNITS[cell]))
            found = (by_cell for by_cell, _ in jacobians.lstm(weight, start, seen, unit, 0 * unit))
        norms.append([np.sqrt(np.square(at).sum((1, 2)).mean()) for at in found])
    return np.array(norms)


def training(net: str, start: Arrays, data: Arrays) -> Training:
    """A net's training: every minibatch is new, and UPDATES are the most there are."""
    order, rates = (
        np.arange(UPDATES * EXAMPLES).reshape(UPDATES, EXAMPLES),
        constant(RATES.get(net, RATES["lstm"]), UPDATES),
    )
    return Training(cell_of(net), start, data, order, rates, LIMIT, {"stop": WINDOW})


def settled(seed: int) -> Training:
    """Of an LSTM whose readout prefers symbol 0 by more than any hidden state can change, where one target is another: an
    example of the fifth minibatch."""
    start, data = initial("lstm", 10, seed, 0), examples("lstm", 10, seed, 0)[0]
    start["readout.bias"] = start["readout.bias"] + [10.0, 0.0, 0.0, 0.0]
    target = 0 * data["target"]
    target[4 * EXAMPLES] = 1
    return training("lstm", start, {**data, "target": target})


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    values, learnt = defaultdict(list), defaultdict(list)  # by metric; what LSTMs learnt at LONGEST, by net
    gates: Arrays = {}
    nets = [(net, lag, k) for (net, lag), many in RECALL.items() for k in range(NETS[profile][many])]
    for done, (net, lag, k) in enumerate(nets):
        framework.progress(0.9 * done / len(nets), f"{net} at lag {lag}")
        cell, (train, test), start = cell_of(net), examples(net, lag, seed, k), initial(net, lag, seed, k)
        trained = framework.train(training(net, start, train))
        inputs = {"tokens": test["tokens"]}
        found = framework.predict(cell, trained.params, inputs)
        values[f"{net}_accuracy_lag_{lag}"].append(float((found["logits"].argmax(1) == test["target"]).mean()))
        values[f"{net}_updates_lag_{lag}"].append(float(len(trained.losses)))
        if lag == LONGEST and cell == "lstm":
            learnt[net].append(trained.params)
            values[f"{net}_after_direct_path"].append(direct_path(found))
            if net == "lstm":
                values["lstm_before_direct_path"].append(direct_path(framework.predict(cell, start, inputs)))
            gates = gates or {name: found[name][0] for name in ("forget_gate", "input_gate")}

    framework.progress(0.9, "gradients of the state")
    starts = {net: [initial(net, LONGEST, seed, k) for k in range(count)] for net, count in UNTRAINED.items()}
    shown, norms = examples("rnn", LONGEST, seed, 0)[1]["tokens"][:SHOWN], {}
    for cell in UNITS:
        groups = {(net, "before"): of for net, of in starts.items() if cell_of(net) == cell}
        groups |= {(net, "after"): of for net, of in learnt.items() if cell_of(net) == cell}
        found = framework.ask("state_gradient", cell, [net for group in groups.values() for net in group], shown)
        cuts = np.cumsum([len(group) for group in groups.values()])[:-1]
        norms |= dict(zip(groups, np.split(found, cuts), strict=True))  # (net, time)
    for (net, when), found in norms.items():
        values[f"{net}_{when}_state_gradient"] = np.log10(found[:, -1]).tolist()
    for net in ("rnn", "rnn_orthogonal"):
        weights = np.stack([start["rnn.weight_hh_l0"] for start in starts[net]])
        values[f"{net}_norm"] = np.linalg.norm(weights, 2, axis=(1, 2)).tolist()
        values[f"{net}_radius"] = np.abs(np.linalg.eigvals(weights)).max(1).tolist()
    values["settled_updates"] = [float(len(framework.train(settled(seed)).losses))]
    sizes = {f"{cell}_parameters": float(sum(value.size for value in starts[cell][0].values())) for cell in UNITS}
    metrics = {name: sizes.get(name) or values[name] for name in METRICS}
    return Experiment(metrics, drawings.figures([*RECALL], values, norms, gates, UPDATES))


def direct_path(found: Arrays) -> float:
    """Root mean square of Π f_t over sequences and units: what the direct path leaves of a cell, 1 for a perfect carousel."""
    return float(np.sqrt(np.square(found["kept"]).mean()))
