r"""Paper 04: W. Zaremba, I. Sutskever, O. Vinyals, «Recurrent Neural Network Regularization» (2014, arXiv:1409.2329).

A deep LSTM that reads a text, with dropout on its non-recurrent connections only (section 3.2, figure 2). The masks are
inputs: what was drawn is known, so that all layers can be held to it.

    dropout      D(x) = m ⊙ x / (1 - p): a random subset of x set to zero, the rest scaled, so that E D(x) = x
    gates        i, f, o, g = sigm, sigm, sigm, tanh of T_{2n,4n} (D(h_t^{l-1}), h_{t-1}^l)
    cell         c_t^l = f ⊙ c_{t-1}^l + i ⊙ g
    hidden       h_t^l = o ⊙ tanh(c_t^l)
    prediction   y_t from D(h_t^L): figure 3 counts L + 1 times, though the equations show L
    rivals       «standard dropout perturbs the recurrent connections»: D on h_{t-1}^l where drop_hidden, on c_{t-1}^l where
                 drop_cell; both are off in the paper's own method

    paper             here                                              shape
    words             inputs, targets, indices                          (batch, time)
    h_t^0             embedding.weight[inputs]                          (batch, time, unit)
    h_0^l, c_0^l      hidden, cell, carried from the minibatch before   (batch, layer, unit)
    m of D(h_t^l)     masks: l = 0, …, L, true = kept                   (batch, time, layer + 1, unit)
    m of the rivals   recurrent_masks, of h_{t-1}^l and of c_{t-1}^l    (batch, time, layer, 2, unit)
    T_{2n,4n}         lstm.weight_ih_l*, lstm.weight_hh_l*, two biases; rows in the order i, f, g, o of torch.nn
    y_t               logits                                            (batch, time, vocabulary)
"""

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling


def sigmoid(a: Array) -> Array:
    # 1 / (1 + exp(-a)) = exp(-log(1 + exp(-a))), which never overflows
    return np.exp(-np.logaddexp(0.0, -a))


def dropped(x: Array, mask: Array, rate: float) -> Array:
    # D(x) = m ⊙ x / (1 - p)
    return np.where(mask, x, 0.0) / (1 - rate)


def step(
    params: Arrays, x: Array, state: tuple[Array, Array], masks: Array, recurrent_masks: Array, config: dict
) -> dict[str, Array]:
    """One step of the whole stack from x (batch, unit): gates, cells and hidden states, each (batch, layer, unit)."""
    rate, found = config["dropout"], []
    for layer in range(config["layers"]):
        hidden, cell = (part[:, layer] for part in state)
        # the rivals alone: D(h_{t-1}^l), D(c_{t-1}^l)
        hidden = dropped(hidden, recurrent_masks[:, layer, 0], rate) if config["drop_hidden"] else hidden
        cell = dropped(cell, recurrent_masks[:, layer, 1], rate) if config["drop_cell"] else cell
        # T_{2n,4n} (D(h_t^{l-1}), h_{t-1}^l)
        names = [f"lstm.{name}_l{layer}" for name in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")]
        given, bias, recurrent, recurrent_bias = (params[name] for name in names)
        rows = dropped(x, masks[:, layer], rate) @ given.T + bias + hidden @ recurrent.T + recurrent_bias
        i, f, g, o = np.split(rows, 4, axis=1)  # each (batch, unit)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        # c_t^l = f ⊙ c_{t-1}^l + i ⊙ g
        cell = f * cell + i * g
        # h_t^l = o ⊙ tanh(c_t^l)
        x = o * np.tanh(cell)
        found.append({"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": x})
    return {name: np.stack([layer[name] for layer in found], axis=1) for name in found[0]}


def forward(
    params: Arrays,
    batch: Arrays,
    vocabulary: int,
    hidden: int,
    layers: int,
    dropout: float,
    drop_hidden: bool,
    drop_cell: bool,
) -> dict[str, Array]:
    """Gates and states (batch, time, layer, unit), logits (batch, time, vocabulary), loss in nats, the mean over all words.

    Raises ValueError unless 0 <= dropout < 1.
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"a dropout rate is at least 0 and below 1, not {dropout}")
    config = {"layers": layers, "dropout": dropout, "drop_hidden": drop_hidden, "drop_cell": drop_cell}
    words = params["embedding.weight"][batch["inputs"]]  # h_t^0, (batch, time, unit)
    state, trace = (batch["hidden"], batch["cell"]), []
    for t in range(words.shape[1]):
        trace.append(step(params, words[:, t], state, batch["masks"][:, t], batch["recurrent_masks"][:, t], config))
        state = trace[-1]["hidden"], trace[-1]["cell"]
    outputs = {name: np.stack([seen[name] for seen in trace], axis=1) for name in trace[0]}
    # y_t from D(h_t^L)
    last = dropped(outputs["hidden"][:, :, -1], batch["masks"][:, :, -1], dropout)
    logits = last @ params["readout.weight"].T + params["readout.bias"]  # (batch, time, vocabulary)
    picked = np.take_along_axis(logits, batch["targets"][..., None], axis=2)[..., 0]
    # loss = mean of log Σ_k exp(y_k) - y_target
    return {**outputs, "logits": logits, "loss": np.mean(np.logaddexp.reduce(logits, axis=2) - picked)}


def problem(seed: int = 0) -> Problem:
    """Two texts of three words out of seven, two layers of five units, a dropout rate of 0.4 on non-recurrent connections."""
    rng = np.random.default_rng((4, seed))
    return draw(rng, examples=2, time=3, vocabulary=7, hidden=5, layers=2, dropout=0.4)


def draw(
    rng: np.random.Generator, examples: int, time: int, vocabulary: int, hidden: int, layers: int, dropout: float,
    drop_hidden: bool = False, drop_cell: bool = False,
) -> Problem:  # fmt: skip
    """An instance of these sizes, masks drawn at the rate; no mask of a whole layer is empty at the last step."""
    params = {
        "embedding.weight": rng.normal(size=(vocabulary, hidden)),
        "readout.weight": rng.normal(size=(vocabulary, hidden)),
        "readout.bias": rng.normal(size=vocabulary),
    }
    for layer in range(layers):
        params[f"lstm.weight_ih_l{layer}"] = 0.6 * rng.normal(size=(4 * hidden, hidden))
        params[f"lstm.weight_hh_l{layer}"] = 0.6 * rng.normal(size=(4 * hidden, hidden))
        params[f"lstm.bias_ih_l{layer}"] = 0.4 * rng.normal(size=4 * hidden)
        params[f"lstm.bias_hh_l{layer}"] = 0.4 * rng.normal(size=4 * hidden)
    text = rng.integers(vocabulary, size=(examples, time + 1))
    text[:, -1] = rng.permutation(vocabulary)[np.arange(examples) % vocabulary]
    masks = rng.random((examples, time, layers + 1, hidden)) >= dropout
    masks[:, -1, :, 0] = True
    batch = {
        "inputs": text[:, :-1],
        "targets": text[:, 1:],
        "hidden": rng.uniform(-0.9, 0.9, size=(examples, layers, hidden)),
        "cell": rng.normal(size=(examples, layers, hidden)),
        "masks": masks,
        "recurrent_masks": rng.random((examples, time, layers, 2, hidden)) >= dropout,
    }
    config = {
        "vocabulary": vocabulary,
        "hidden": hidden,
        "layers": layers,
        "dropout": dropout,
        "drop_hidden": drop_hidden,
        "drop_cell": drop_cell,
    }
    return Problem(config, params, batch, learning_rate=0.3)


def invariants() -> list[Invariant]:
    return sibling(__file__, "properties.py").invariants()
