r"""What every executable layer must do, whatever framework computes it: properties of the cells of `numpy_checks.py`.

All but one are asked on problems of the shape of `problem(0)`, so that a layer that compiles does so once for them all.
"""

from collections.abc import Sequence

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

HIDDEN = ("rnn_hidden", "hidden", "peephole_hidden", "coupled_hidden", "gru_hidden", "gru_after_hidden")
CELL = ("cell", "peephole_cell", "coupled_cell")
CUT = 1  # where `continuation` cuts a run in two
CORE, WALK = "The Core Idea Behind LSTMs", "Step-by-Step LSTM Walk Through"
VARIANTS = "Variants on Long Short Term Memory"


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "kept_cell",
            "f = 1 and i = 0, to which σ rounds at ±1000, keep the cell exactly; so do f = 1 with coupled gates and z = 0"
            " in the GRU",
            CORE,
            _kept,
            tolerance=EXACT,
        ),
        Invariant(
            "nearly_kept",
            "gates inside (0, 1) keep the cell up to |C_T - C_0| <= Σ_t ((1 - f_t) |C_0| + i_t); with i = 1 - f where gates"
            " are coupled, and f = 1 - z, i = z in the GRU",
            CORE,
            _nearly_kept,
            "<=",
        ),
        Invariant(
            "ranges",
            "0 < gate < 1 for every gate, as |2 gate - 1| < 1, and |h_t| < 1 in every cell that starts inside",
            f"{CORE}; {WALK}: h_t = o_t * tanh(C_t)",
            _ranges,
            "<",
        ),
        Invariant(
            "continuation",
            "running xs ++ ys equals running ys from the state after xs, whatever comes after ys",
            "Recurrent Neural Networks: the unrolled chain",
            _continued,
        ),
        Invariant("example_order", "examples do not mix: reordering them reorders every output", WALK, _permuted),
        Invariant(
            "affine_in_start",
            "C_T(C_0 + d) - C_T(C_0) = (Π f_t) d when no gate reads the cell, directly or through h_(t-1): W_hh = 0",
            f"{WALK}: C_t = f_t * C_(t-1) + i_t * C̃_t",
            _affine,
        ),
        Invariant(
            "rnn_contracts",
            "|h_t(h_0 + d) - h_t(h_0)| <= w^t |d| for the tanh RNN, in largest entries, w the largest row sum of |W_hh|; nearly"
            " attained where W_hh >= 0 has equal row sums and h stays near 0",
            "The Problem of Long-Term Dependencies",
            _contracts,
            "<=",
        ),
        Invariant(
            "no_peepholes",
            "where no gate looks at the cell, the peephole cell is the LSTM",
            f"{VARIANTS}: peephole connections",
            _no_peepholes,
        ),
        Invariant(
            "coupled_bounded", "|C_t| <= max(|C_0|, 1) with coupled gates", f"{VARIANTS}: coupled gates", _convex, "<="
        ),
        Invariant(
            "reset_open", "with r = 1 the reset may stand before or after the matrix", f"{VARIANTS}: GRU", _reset
        ),
    ]


def _biased(problem: Problem, size: float) -> dict[str, Array]:
    """Parameters whose forget gates have `size` added to their biases and whose input gates lose it: rows i, f in the
    LSTMs, f with coupled gates, 1 - z in the GRU."""
    units, params = problem.config["hidden"], dict(problem.params)
    for cell, signs in {"lstm": (-1, 1), "peephole": (-1, 1), "coupled": (1,), "gru": (0, 1)}.items():
        bias = params[f"{cell}.bias_ih_l0"].copy()
        bias[: len(signs) * units] += size * np.repeat(signs, units)
        params[f"{cell}.bias_ih_l0"] = bias
    return params


def _carried(outputs: Arrays) -> Array:
    """What runs straight down the chain in each gated cell: C_t, or h_t in the GRUs. (cell type, batch, time, hidden)"""
    return np.stack([outputs[name] for name in (*CELL, "gru_hidden", "gru_after_hidden")])


def _starts(problem: Problem) -> Array:
    cell, hidden = problem.batch["cell"], problem.batch["hidden"]
    return np.stack([cell, cell, cell, hidden, hidden])[:, :, None]  # (cell type, batch, 1, hidden)


def _kept(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    found = _carried(forward(_biased(problem, 1e3), problem.batch))
    return found, np.broadcast_to(_starts(problem), found.shape)


def _nearly_kept(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    outputs, start = forward(_biased(problem, 4.0), problem.batch), _starts(problem)
    updates = [outputs["gru_update"], outputs["gru_after_update"]]
    forget = [outputs["forget_gate"], outputs["peephole_forget_gate"], outputs["coupled_forget_gate"]]
    lost = np.stack([*(1 - f for f in forget), *updates])  # 1 - f
    taken = np.stack([outputs["input_gate"], outputs["peephole_input_gate"], 1 - forget[2], *updates])  # i
    return np.abs(_carried(outputs) - start), np.cumsum(lost * np.abs(start) + taken, axis=2)


def _ranges(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    outputs = forward({name: 1.5 * value for name, value in problem.params.items()}, problem.batch)
    gates = [2 * value - 1 for name, value in outputs.items() if name.endswith(("_gate", "_update", "_reset"))]
    size = np.abs(np.stack([*gates, *(outputs[name] for name in HIDDEN)]))
    return size, np.ones_like(size)


def _continued(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    # The first example's ys, then its xs once more, from the states in which the six kinds of cell are after xs: two
    # kinds at a time, as many as a batch has room for. The RNN and the GRUs have no cell: any will do.
    batch, left, right = problem.batch, [], []
    whole = forward(problem.params, batch)
    inputs = np.stack([np.roll(batch["inputs"][0], -CUT, axis=0)] * 2)
    for names in zip(HIDDEN[::2], HIDDEN[1::2], strict=True):
        cells = [whole.get(name.replace("hidden", "cell"), whole["cell"]) for name in names]
        states = [np.stack([trace[0, CUT - 1] for trace in traces]) for traces in ([whole[n] for n in names], cells)]
        second = forward(problem.params, {**batch, "inputs": inputs, "hidden": states[0], "cell": states[1]})
        left += [whole[name][0, CUT:] for name in names]
        right += [second[name][row, :-CUT] for row, name in enumerate(names)]
    return np.stack(left), np.stack(right)


def _permuted(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    order = np.arange(len(problem.batch["target"]))[::-1]
    left = forward(problem.params, problem.batch)
    right = forward(problem.params, {k: v[order] for k, v in problem.batch.items()})
    names = [name for name in left if name != "loss"]
    return _flat(left[n][order] for n in names), _flat(right[n] for n in names)


def _affine(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    blind = {name: 0.0 * value if "_hh_" in name else value for name, value in problem.params.items()}
    batch, step = problem.batch, rng.normal(size=problem.batch["cell"].shape)
    here, there = forward(blind, batch), forward(blind, {**batch, "cell": batch["cell"] + step})
    kinds = ("", "coupled_")
    left = np.stack([there[k + "cell"] - here[k + "cell"] for k in kinds])
    return left, np.stack([np.cumprod(here[k + "forget_gate"], axis=1) * step[:, None] for k in kinds])


def _contracts(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    weight, batch, norm = problem.params["rnn.weight_hh_l0"], problem.batch, 0.9
    scaled = weight * norm / np.abs(weight).sum(1, keepdims=True)  # every row of |W_hh| adds up to the norm
    step = rng.uniform(-0.1, 0.1, size=batch["hidden"].shape)
    params = {**problem.params, "rnn.weight_hh_l0": scaled}
    here, there = forward(params, batch), forward(params, {**batch, "hidden": batch["hidden"] + step})
    moved = np.abs(there["rnn_hidden"] - here["rnn_hidden"])  # (batch, time, hidden)
    powers = (norm ** np.arange(1, moved.shape[1] + 1))[:, None]  # (time, 1)
    # where nothing else is read, h_t = tanh(w h_{t-1}) in every unit, and tanh(a) >= a (1 - a²/3)
    small, silent = 0.01, {name: 0 * value if name.startswith("rnn.") else value for name, value in params.items()}
    near = forward({**silent, "rnn.weight_hh_l0": np.abs(scaled)}, {**batch, "hidden": np.full_like(step, small)})[
        "rnn_hidden"
    ]
    limit = powers * np.abs(step).max(axis=1)[:, None, None] + 0 * moved
    return np.stack([moved, (1 - 2 * small**2) * powers * small + 0 * moved]), np.stack([limit, near])


def _no_peepholes(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    shared = {name.replace("lstm", "peephole"): v for name, v in problem.params.items() if name.startswith("lstm")}
    blind = {"peephole.weight_ch_l0": np.zeros_like(problem.params["peephole.weight_ch_l0"])}
    outputs = forward({**problem.params, **shared, **blind}, problem.batch)
    names = ("input_gate", "forget_gate", "candidate", "cell", "output_gate", "hidden")
    return np.stack([outputs[f"peephole_{n}"] for n in names]), np.stack([outputs[n] for n in names])


def _convex(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    # wild weights, so that the gates saturate and the candidates come near ±1
    cell = forward({name: 3.0 * value for name, value in problem.params.items()}, problem.batch)["coupled_cell"]
    return np.abs(cell), np.broadcast_to(np.maximum(np.abs(problem.batch["cell"]), 1.0)[:, None], cell.shape)


def _reset(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    size, bias = problem.config["hidden"], problem.params["gru.bias_ih_l0"].copy()
    bias[:size] = 1e3
    outputs = forward({**problem.params, "gru.bias_ih_l0": bias}, problem.batch)
    return outputs["gru_hidden"], outputs["gru_after_hidden"]


def _flat(arrays: Sequence[Array]) -> Array:
    return np.concatenate([value.ravel() for value in arrays])
