r"""Paper 03: C. Olah, «Understanding LSTM Networks» (2015), with every gate exposed.

Six recurrent cells read the same sequence from the same initial state, and one linear readout names a class from the
last hidden state of each. [h, x] stands for concatenation: W·[h_{t-1}, x_t] + b is split here into the part that
reads x (`weight_ih_l0`, `bias_ih_l0`) and the part that reads h (`weight_hh_l0`, `bias_hh_l0`), as `torch.nn` does.

    standard RNN   h_t = tanh(W·[h_{t-1}, x_t] + b)
    LSTM           f_t = σ(W_f·[h_{t-1}, x_t] + b_f)        i_t = σ(W_i·[h_{t-1}, x_t] + b_i)
                   C̃_t = tanh(W_C·[h_{t-1}, x_t] + b_C)     o_t = σ(W_o·[h_{t-1}, x_t] + b_o)
                   C_t = f_t * C_{t-1} + i_t * C̃_t          h_t = o_t * tanh(C_t)
    peepholes      f_t = σ(W_f·[C_{t-1}, h_{t-1}, x_t] + b_f)   i_t = σ(W_i·[C_{t-1}, h_{t-1}, x_t] + b_i)
                   o_t = σ(W_o·[C_t, h_{t-1}, x_t] + b_o)       the output gate reads the new cell
    coupled gates  C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    GRU            z_t = σ(W_z·[h_{t-1}, x_t])              r_t = σ(W_r·[h_{t-1}, x_t])
                   h̃_t = tanh(W·[r_t * h_{t-1}, x_t])       h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t

    post                 in a step         in the outputs
    x_t, h_t, C_t        x, hidden, cell   hidden, cell
    f_t, i_t, C̃_t, o_t   f, i, g, o        forget_gate, input_gate, candidate, output_gate
    z_t, r_t, h̃_t        z, r, n           gru_update, gru_reset, gru_candidate

    parameters           rows of the weights, in blocks of `hidden`
    lstm.*, peephole.*   i, f, g, o; peephole.weight_ch_l0, which reads C, has i, f, o
    coupled.*            f, g, o
    gru.*                r, 1 - z, n: `nn.GRU` has 1 - z_t for its update gate

`nn.GRU` resets after the matrix, r_t * (W·h_{t-1} + b), where the post resets before it: the outputs `gru_after_…` are
that second form with the same parameters.
"""

from functools import partial

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

# GATES: blocks of rows in each cell's weights
GATES = {"rnn": 1, "lstm": 4, "peephole": 4, "coupled": 3, "gru": 3}


def sigmoid(a: Array) -> Array:
    # σ(a) = 1 / (1 + exp(-a)) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = ∓1000 and never overflows
    return np.exp(-np.logaddexp(0.0, -a))


def affine(params: Arrays, cell: str, x: Array, hidden: Array) -> tuple[Array, Array]:
    # the two halves of W·[h_{t-1}, x_t] + b
    from_input = x @ params[f"{cell}.weight_ih_l0"].T + params[f"{cell}.bias_ih_l0"]  # (batch, gates·hidden)
    from_hidden = hidden @ params[f"{cell}.weight_hh_l0"].T + params[f"{cell}.bias_hh_l0"]  # (batch, gates·hidden)
    return from_input, from_hidden


def rnn(params: Arrays, x: Array, hidden: Array, cell: Array) -> dict[str, Array]:
    # h_t = tanh(W·[h_{t-1}, x_t] + b)
    return {"hidden": np.tanh(sum(affine(params, "rnn", x, hidden)))}  # (batch, hidden)


def lstm(params: Arrays, x: Array, hidden: Array, cell: Array) -> dict[str, Array]:
    i, f, g, o = np.split(sum(affine(params, "lstm", x, hidden)), 4, axis=1)  # each (batch, hidden)
    # i_t = σ(…), f_t = σ(…), C̃_t = tanh(…), o_t = σ(…)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    # C_t = f_t * C_{t-1} + i_t * C̃_t
    cell = f * cell + i * g
    # h_t = o_t * tanh(C_t)
    hidden = o * np.tanh(cell)
    return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def peephole(params: Arrays, x: Array, hidden: Array, cell: Array) -> dict[str, Array]:
    i, f, g, o = np.split(sum(affine(params, "peephole", x, hidden)), 4, axis=1)  # each (batch, hidden)
    w_i, w_f, w_o = np.split(params["peephole.weight_ch_l0"], 3)  # each (hidden, hidden)
    # i_t = σ(… + W_iC·C_{t-1}), f_t = σ(… + W_fC·C_{t-1}), C̃_t = tanh(…), which sees no cell
    i, f, g = sigmoid(i + cell @ w_i.T), sigmoid(f + cell @ w_f.T), np.tanh(g)
    # C_t = f_t * C_{t-1} + i_t * C̃_t
    cell = f * cell + i * g
    # o_t = σ(… + W_oC·C_t): the cell that was just written
    o = sigmoid(o + cell @ w_o.T)
    # h_t = o_t * tanh(C_t)
    hidden = o * np.tanh(cell)
    return {"input_gate": i, "forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def coupled(params: Arrays, x: Array, hidden: Array, cell: Array) -> dict[str, Array]:
    f, g, o = np.split(sum(affine(params, "coupled", x, hidden)), 3, axis=1)
    f, g, o = sigmoid(f), np.tanh(g), sigmoid(o)
    # C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    cell = f * cell + (1 - f) * g
    # h_t = o_t * tanh(C_t)
    hidden = o * np.tanh(cell)
    return {"forget_gate": f, "candidate": g, "cell": cell, "output_gate": o, "hidden": hidden}


def gru(params: Arrays, x: Array, hidden: Array, cell: Array, after: bool = False) -> dict[str, Array]:
    from_input, from_hidden = affine(params, "gru", x, hidden)
    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(from_input, 3, axis=1), np.split(from_hidden, 3, axis=1)
    # r_t = σ(W_r·[h_{t-1}, x_t]),  z_t = σ(W_z·[h_{t-1}, x_t]) = σ(-a), a what is stored, with the opposite sign
    r, z = sigmoid(r_x + r_h), sigmoid(-(z_x + z_h))
    # nn.GRU: h̃_t = tanh(W_x·x_t + b_x + r_t * (W_h·h_{t-1} + b_h));  the post: h̃_t = tanh(W·[r_t * h_{t-1}, x_t] + b)
    n = np.tanh(n_x + (r * n_h if after else np.split(affine(params, "gru", x, r * hidden)[1], 3, axis=1)[2]))
    # h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t
    return {"update": z, "reset": r, "candidate": n, "hidden": (1 - z) * hidden + z * n}


STEPS = {  # in the order of `logits` along its second axis
    "rnn": rnn,
    "lstm": lstm,
    "peephole": peephole,
    "coupled": coupled,
    "gru": gru,
    "gru_after": partial(gru, after=True),
}
CELLS = tuple(STEPS)


def forward(params: Arrays, batch: Arrays, features: int, hidden: int, classes: int) -> dict[str, Array]:
    """inputs (batch, time, features), initial hidden and cell (batch, hidden), target (batch,) -> named outputs.

    Gates, cells and hidden states are (batch, time, hidden), logits (batch, cell type, classes); the LSTM's own bear no
    prefix. The loss is in nats, the mean over examples and cell types.
    """
    outputs, last = {}, []
    for name, step in STEPS.items():
        state, trace = {"hidden": batch["hidden"], "cell": batch["cell"]}, []
        for t in range(batch["inputs"].shape[1]):
            trace.append(step(params, batch["inputs"][:, t], **state))
            state = {key: trace[-1].get(key, state[key]) for key in state}
        prefix = "" if name == "lstm" else f"{name}_"
        outputs |= {prefix + key: np.stack([seen[key] for seen in trace], axis=1) for key in trace[0]}
        last.append(state["hidden"])
    # logits = V h_T + b, the same readout for every cell
    logits = np.stack(last, axis=1) @ params["readout.weight"].T + params["readout.bias"]  # (batch, cells, classes)
    # loss = mean of log Σ_k exp(logits_k) - logits_target
    target = batch["target"][:, None, None]  # (batch, 1, 1)
    picked = np.take_along_axis(logits, np.broadcast_to(target, (*logits.shape[:2], 1)), axis=2)[..., 0]
    loss = np.mean(np.logaddexp.reduce(logits, axis=2) - picked)
    return {**outputs, "logits": logits, "loss": np.asarray(loss)}


def problem(seed: int = 0) -> Problem:
    """Batch 2, time 3, features 4, hidden 6, classes 5: a first, a middle and a last step."""
    return draw(np.random.default_rng((3, seed)), examples=2, time=3, features=4, hidden=6, classes=5)


def draw(rng: np.random.Generator, examples: int, time: int, features: int, hidden: int, classes: int) -> Problem:
    """An instance of these sizes; initial cells of size about 1.5, so that some exceed 1, and targets that differ."""
    params = {"readout.weight": rng.normal(size=(classes, hidden)), "readout.bias": rng.normal(size=classes)}
    for cell, gates in GATES.items():
        params[f"{cell}.weight_ih_l0"] = 0.6 * rng.normal(size=(gates * hidden, features))
        params[f"{cell}.weight_hh_l0"] = 0.6 * rng.normal(size=(gates * hidden, hidden))
        params[f"{cell}.bias_ih_l0"] = 0.5 * rng.normal(size=gates * hidden)
        params[f"{cell}.bias_hh_l0"] = 0.5 * rng.normal(size=gates * hidden)
    params["peephole.weight_ch_l0"] = 0.3 * rng.normal(size=(3 * hidden, hidden))
    batch = {
        "inputs": rng.normal(size=(examples, time, features)),
        "hidden": rng.uniform(-0.9, 0.9, size=(examples, hidden)),
        "cell": 1.5 * rng.normal(size=(examples, hidden)),
        "target": rng.permutation(classes)[np.arange(examples) % classes],
    }
    return Problem({"features": features, "hidden": hidden, "classes": classes}, params, batch, learning_rate=0.2)


def invariants() -> list[Invariant]:
    return sibling(__file__, "properties.py").invariants()
