r"""Paper 03: C. Olah, «Understanding LSTM Networks» (2015), with every gate exposed.

Five recurrent cells read the same sequence from the same initial state, and one linear readout names a class from the
last hidden state of each. [h, x] stands for concatenation: W·[h_{t-1}, x_t] + b is split here into the part that
reads x (`weight_ih_l0`, `bias_ih_l0`) and the part that reads h (`weight_hh_l0`, `bias_hh_l0`), as `torch.nn` does.

    standard RNN   h_t = tanh(W·[h_{t-1}, x_t] + b)
    LSTM           f_t = σ(W_f·[h_{t-1}, x_t] + b_f)        i_t = σ(W_i·[h_{t-1}, x_t] + b_i)
                   C̃_t = tanh(W_C·[h_{t-1}, x_t] + b_C)     o_t = σ(W_o·[h_{t-1}, x_t] + b_o)
                   C_t = f_t * C_{t-1} + i_t * C̃_t          h_t = o_t * tanh(C_t)
    coupled gates  C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    GRU            h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t    h̃_t = tanh(W·[r_t * h_{t-1}, x_t])

    post                 in a step         in the outputs
    x_t, h_t, C_t        x, hidden, cell   hidden, cell
    f_t, i_t, C̃_t, o_t   f, i, g, o        forget_gate, input_gate, candidate, output_gate
    z_t, r_t, h̃_t        z, r, n           gru_update, gru_reset, gru_candidate

    parameters           rows of the weights, in blocks of `hidden`
    lstm.*               i, f, g, o
    coupled.*            f, g, o
    gru.*                r, 1 - z, n: `nn.GRU` has 1 - z_t for its update gate

`nn.GRU` resets after the matrix, r_t * (W·h_{t-1} + b), where the post resets before it: the outputs `gru_after_…` are
that second form with the same parameters.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from s30.problem import Problem
from s30.vocabulary import EXACT, Array, Arrays, Invariant

CELLS = ("rnn", "lstm", "coupled", "gru", "gru_after")  # the order of `logits` along its second axis
GATES = {"rnn": 1, "lstm": 4, "coupled": 3, "gru": 3}  # blocks of rows in each cell's weights
CUT = 3  # where the invariants cut a run in two


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
    return {"input_gate": i, "forget_gate": f, "candidate": g, "output_gate": o, "cell": cell, "hidden": hidden}


def coupled(params: Arrays, x: Array, hidden: Array, cell: Array) -> dict[str, Array]:
    f, g, o = np.split(sum(affine(params, "coupled", x, hidden)), 3, axis=1)  # each (batch, hidden)
    f, g, o = sigmoid(f), np.tanh(g), sigmoid(o)
    # C_t = f_t * C_{t-1} + (1 - f_t) * C̃_t
    cell = f * cell + (1 - f) * g
    # h_t = o_t * tanh(C_t)
    hidden = o * np.tanh(cell)
    return {"forget_gate": f, "candidate": g, "output_gate": o, "cell": cell, "hidden": hidden}


def gru(params: Arrays, x: Array, hidden: Array, cell: Array, after: bool = False) -> dict[str, Array]:
    from_input, from_hidden = affine(params, "gru", x, hidden)
    (r_x, z_x, n_x), (r_h, z_h, n_h) = np.split(from_input, 3, axis=1), np.split(from_hidden, 3, axis=1)
    # r_t = σ(W_r·[h_{t-1}, x_t]),  z_t = σ(W_z·[h_{t-1}, x_t]) = 1 - σ(-W_z·[h_{t-1}, x_t])
    r, z = sigmoid(r_x + r_h), 1 - sigmoid(z_x + z_h)
    # nn.GRU: h̃_t = tanh(W_x·x_t + b_x + r_t * (W_h·h_{t-1} + b_h));  the post: h̃_t = tanh(W·[r_t * h_{t-1}, x_t] + b)
    n = np.tanh(n_x + (r * n_h if after else np.split(affine(params, "gru", x, r * hidden)[1], 3, axis=1)[2]))
    # h_t = (1 - z_t) * h_{t-1} + z_t * h̃_t
    return {"update": z, "reset": r, "candidate": n, "hidden": (1 - z) * hidden + z * n}


STEPS = {"rnn": rnn, "lstm": lstm, "coupled": coupled, "gru": gru, "gru_after": partial(gru, after=True)}


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
    """Batch 2, time 5, features 3, hidden 6, classes 4; initial cells of size about 1.5, so that some exceed 1."""
    rng = np.random.default_rng((3, seed))
    features, hidden, classes, examples, time = 3, 6, 4, 2, 5
    params = {"readout.weight": rng.normal(size=(classes, hidden)), "readout.bias": rng.normal(size=classes)}
    for cell, gates in GATES.items():
        params[f"{cell}.weight_ih_l0"] = 0.6 * rng.normal(size=(gates * hidden, features))
        params[f"{cell}.weight_hh_l0"] = 0.6 * rng.normal(size=(gates * hidden, hidden))
        params[f"{cell}.bias_ih_l0"] = 0.5 * rng.normal(size=gates * hidden)
        params[f"{cell}.bias_hh_l0"] = 0.5 * rng.normal(size=gates * hidden)
    batch = {
        "inputs": rng.normal(size=(examples, time, features)),
        "hidden": rng.uniform(-0.9, 0.9, size=(examples, hidden)),
        "cell": 1.5 * rng.normal(size=(examples, hidden)),
        "target": rng.integers(classes, size=examples),
    }
    return Problem({"features": features, "hidden": hidden, "classes": classes}, params, batch, learning_rate=0.2)


def invariants() -> list[Invariant]:
    core, walk = "The Core Idea Behind LSTMs", "Step-by-Step LSTM Walk Through"
    variants = "Variants on Long Short Term Memory"
    return [
        Invariant(
            "kept_cell",
            "f = 1 and i = 0 at every step keep the cell; so do f = 1 in the coupled cell and z = 0 in the GRU",
            core,
            _kept,
            tolerance=EXACT,
        ),
        Invariant(
            "ranges",
            "0 < gate < 1 for every gate, as |2 gate - 1| < 1, and |h_t| < 1 in every cell that starts inside",
            f"{core}; {walk}: h_t = o_t * tanh(C_t)",
            _ranges,
            "<",
        ),
        Invariant(
            "continuation",
            "running xs ++ ys equals running ys from the state after xs",
            "Recurrent Neural Networks: the unrolled chain",
            _continued,
        ),
        Invariant("example_order", "examples do not mix: reordering them reorders every output", walk, _permuted),
        Invariant(
            "affine_in_start",
            "C_T(C_0 + d) - C_T(C_0) = (Π f_t) d when no gate reads the cell, directly or through h_(t-1): W_hh = 0",
            f"{walk}: C_t = f_t * C_(t-1) + i_t * C̃_t",
            _affine,
        ),
        Invariant(
            "coupled_bounded", "|C_t| <= max(|C_0|, 1) with coupled gates", f"{variants}: coupled gates", _convex, "<="
        ),
        Invariant(
            "reset_open", "with r = 1 the reset may stand before or after the matrix", f"{variants}: GRU", _reset
        ),
    ]


def _short(batch: Arrays) -> Arrays:
    """The first steps: enough for what follows, and an unrolled graph is quicker to schedule."""
    return {**batch, "inputs": batch["inputs"][:, :CUT]}


def _kept(forward, problem, rng):
    params, size = dict(problem.params), problem.config["hidden"]
    for cell, open_block, shut_block in (("lstm", 1, 0), ("coupled", 0, None), ("gru", 1, None)):
        bias = params[f"{cell}.bias_ih_l0"].copy()
        bias[open_block * size : (open_block + 1) * size] = 1e3
        if shut_block is not None:
            bias[shut_block * size : (shut_block + 1) * size] = -1e3
        params[f"{cell}.bias_ih_l0"] = bias
    batch = _short(problem.batch)
    outputs = forward(params, batch)
    found = np.stack([outputs["cell"], outputs["coupled_cell"], outputs["gru_hidden"], outputs["gru_after_hidden"]])
    start = np.stack([batch["cell"], batch["cell"], batch["hidden"], batch["hidden"]])[:, :, None]
    return found, np.broadcast_to(start, found.shape)


def _ranges(forward, problem, rng):
    outputs = forward({name: 1.5 * value for name, value in problem.params.items()}, _short(problem.batch))
    gates = [2 * value - 1 for name, value in outputs.items() if name.endswith(("_gate", "_update", "_reset"))]
    size = np.abs(np.stack([*gates, *(outputs[name] for name in hidden_names())]))
    return size, np.ones_like(size)


def _continued(forward, problem, rng):
    batch = problem.batch
    whole = forward(problem.params, batch)
    first = forward(problem.params, _short(batch))
    # the five kinds of cell end in five states: the second run takes them all, one after another along the batch
    cells = [first["cell"], first["cell"], first["coupled_cell"], first["cell"], first["cell"]]
    second = forward(
        problem.params,
        {
            "inputs": np.concatenate([batch["inputs"][:, CUT:]] * len(CELLS)),
            "hidden": np.concatenate([first[name][:, -1] for name in hidden_names()]),
            "cell": np.concatenate([cell[:, -1] for cell in cells]),
            "target": np.concatenate([batch["target"]] * len(CELLS)),
        },
    )
    parts = {name: np.split(value, len(CELLS)) for name, value in second.items() if name != "loss"}
    names = [*zip(hidden_names(), range(len(CELLS)), strict=True), ("cell", 1), ("coupled_cell", 2)]
    return np.stack([whole[name][:, CUT:] for name, _ in names]), np.stack([parts[name][k] for name, k in names])


def _permuted(forward, problem, rng):
    batch, order = _short(problem.batch), np.arange(len(problem.batch["target"]))[::-1]
    left, right = forward(problem.params, batch), forward(problem.params, {k: v[order] for k, v in batch.items()})
    names = [name for name in left if name != "loss"]
    return np.concatenate([left[n][order].ravel() for n in names]), np.concatenate([right[n].ravel() for n in names])


def _affine(forward, problem, rng):
    blind = {name: 0.0 * value if "_hh_" in name else value for name, value in problem.params.items()}
    batch, step = _short(problem.batch), rng.normal(size=problem.batch["cell"].shape)
    here, there = forward(blind, batch), forward(blind, {**batch, "cell": batch["cell"] + step})
    kinds = ("", "coupled_")
    left = np.stack([there[k + "cell"][:, -1] - here[k + "cell"][:, -1] for k in kinds])
    return left, np.stack([np.prod(here[k + "forget_gate"], axis=1) * step for k in kinds])


def _convex(forward, problem, rng):
    # wild weights, so that the gates saturate and the candidates come near ±1
    cell = forward({name: 3.0 * value for name, value in problem.params.items()}, _short(problem.batch))["coupled_cell"]
    return np.abs(cell), np.broadcast_to(np.maximum(np.abs(problem.batch["cell"]), 1.0)[:, None], cell.shape)


def _reset(forward, problem, rng):
    size, bias = problem.config["hidden"], problem.params["gru.bias_ih_l0"].copy()
    bias[:size] = 1e3
    outputs = forward({**problem.params, "gru.bias_ih_l0": bias}, _short(problem.batch))
    return outputs["gru_hidden"], outputs["gru_after_hidden"]


def hidden_names() -> list[str]:
    return ["hidden" if cell == "lstm" else f"{cell}_hidden" for cell in CELLS]
