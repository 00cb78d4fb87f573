r"""What every executable layer must do, whatever framework computes it: where dropout acts, and where it does not.

All are asked on problems of the shape of `problem(0)`; masks and switches alone differ.
"""

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem

SECTION = "section 3.2"


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "no_dropout", "with all-ones masks at rate 0 it is the plain deep LSTM of section 3.1, whatever is switched on of the rivals:"
            " its states and confidences, from one matrix a layer on (h^(l-1), h_(t-1))",
            "section 3.1", _plain,
        ),
        Invariant(
            "scaled_ones", "all-ones masks at rate p are the plain LSTM whose matrices on non-recurrent connections are 1 / (1 - p)"
            " times as large",
            SECTION, _scaled,
        ),
        Invariant(
            "mean_of_a_mask_and_its_complement", "at rate 1/2, the confidences under a mask of the last connection and under its"
            " complement have the mean of those without it: E D(x) = x",
            SECTION, _halves,
        ),
        Invariant(
            "nothing_gets_in", "with all masks zero no word reaches any state or confidence", SECTION, _closed, tolerance=EXACT
        ),
        Invariant(
            "memory_stays", "and yet the initial cells do: the last cells differ by more than 1e-4 where the first ones did by 1/2",
            f"{SECTION}: «we do not want to erase all the information from the units»", _kept, ">",
        ),
        Invariant(
            "cell_path", "C_T(C_0 + d) - C_T(C_0) = (Π f_t) d in the first layer where no gate reads h: no mask and no 1 / (1 - p)"
            " occurs on the path of the cell",
            f"{SECTION}: «without sacrificing its valuable memorization ability»", _cell_path,
        ),
        Invariant(
            "cell_path_of_the_rival", "where the cell is dropped as well, each step multiplies by m / (1 - p): (Π f_t m_t) / (1 - p)^T d",
            f"{SECTION}: «standard dropout perturbs the recurrent connections»", _cell_path_dropped,
        ),
        Invariant(
            "masks_are_causal", "a mask at time t changes nothing before t", SECTION, _causal, tolerance=EXACT
        ),
        Invariant(
            "masks_act_upwards", "the mask of D(h^l) changes no state of the layers 1, …, l, and the last one no state at all",
            f"{SECTION}, figure 2", _upwards, tolerance=EXACT,
        ),
        Invariant(
            "recurrent_masks_are_not_read", "the paper's method reads no mask on recurrent connections", SECTION, _unread, tolerance=EXACT
        ),
        Invariant("carried_state", "a text may be cut anywhere, if hidden states and cells are carried over", "section 4.1: «final"
                  " hidden states of the current minibatch as the initial hidden state of the subsequent minibatch»", _carried),
        Invariant("examples_do_not_mix", "a text's outputs are the same whatever text is read beside it", "section 3", _apart),
        Invariant(
            "rate_below_one", "a rate of 1, at which D would divide by zero, is refused", SECTION,
            lambda forward, problem, rng: forward(problem.params, problem.batch, dropout=1.0), "raises",
            message="a dropout rate is at least 0 and below 1",
        ),
    ]  # fmt: skip


STATES = ("input_gate", "forget_gate", "candidate", "cell", "output_gate", "hidden")
CUT = 1  # where `carried_state` cuts a text in two


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.asarray(value).ravel() for value in arrays])


def _with(problem: Problem, value: bool, names: tuple[str, ...] = ("masks",)) -> dict[str, Array]:
    return {**problem.batch, **{name: np.full_like(problem.batch[name], value) for name in names}}


def _everything(outputs: Arrays) -> Array:
    return _flat(*(outputs[name] for name in (*STATES, "logits", "loss")))


def _plain(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    ones = _with(problem, True, ("masks", "recurrent_masks"))
    found = [forward(problem.params, ones, dropout=0.0, drop_hidden=on, drop_cell=on) for on in (False, True)]
    expected = _lstm(problem)
    return _flat(*(seen[name] for seen in found for name in expected)), _flat(*expected.values(), *expected.values())


def _lstm(problem: Problem) -> dict[str, Array]:
    """The equations of section 3.1, layer upon layer: cell, hidden (batch, time, layer, unit), logits."""
    params, batch = problem.params, problem.batch
    below, cells, states = params["embedding.weight"][batch["inputs"]], [], []
    for layer in range(problem.config["layers"]):
        matrix = np.concatenate([params[f"lstm.weight_{name}_l{layer}"] for name in ("ih", "hh")], axis=1)
        bias = params[f"lstm.bias_ih_l{layer}"] + params[f"lstm.bias_hh_l{layer}"]
        h, c, trace = batch["hidden"][:, layer], batch["cell"][:, layer], []
        for x in np.moveaxis(below, 1, 0):
            i, f, g, o = np.split(np.concatenate([x, h], axis=1) @ matrix.T + bias, 4, axis=1)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            trace.append((c, h))
        over_time, below = (np.stack(part, axis=1) for part in zip(*trace, strict=True))
        cells.append(over_time)
        states.append(below)
    logits = below @ params["readout.weight"].T + params["readout.bias"]
    return {"cell": np.stack(cells, axis=2), "hidden": np.stack(states, axis=2), "logits": logits}


def _scaled(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    factor, ones = 1 / (1 - problem.config["dropout"]), _with(problem, True)
    larger = {
        name: value * factor if "weight_ih" in name or name == "readout.weight" else value
        for name, value in problem.params.items()
    }
    return _everything(forward(problem.params, ones)), _everything(forward(larger, ones, dropout=0.0))


def _halves(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch = problem.batch
    ones = np.ones_like(batch["masks"])
    sides = []
    # rate 1/2 scales all connections by two: so halve the weights of those whose masks are ones
    halved = {name: value / 2 if "weight_ih" in name else value for name, value in problem.params.items()}
    for last in (batch["masks"][:, :, -1], ~batch["masks"][:, :, -1]):
        masks = ones.copy()
        masks[:, :, -1] = last
        sides.append(forward(halved, {**batch, "masks": masks}, dropout=0.5)["logits"])
    plain = forward(problem.params, {**batch, "masks": ones}, dropout=0.0)
    return (sides[0] + sides[1]) / 2, plain["logits"]


def _closed(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch, size = _with(problem, False), problem.config["vocabulary"]
    other = (batch["inputs"] + rng.integers(1, size, batch["inputs"].shape)) % size
    here, there = (forward(problem.params, {**batch, "inputs": text}) for text in (batch["inputs"], other))
    names = (*STATES, "logits")
    return _flat(*(here[n] for n in names)), _flat(*(there[n] for n in names))


def _kept(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch = _with(problem, False)
    here, there = (forward(problem.params, {**batch, "cell": batch["cell"] + d})["cell"] for d in (0.0, 0.5))
    moved = np.abs(there - here)[:, -1].max(axis=2)  # (batch, layer)
    return moved, np.full_like(moved, 1e-4)


def _blind(problem: Problem) -> dict[str, Array]:
    return {name: 0.0 * value if "weight_hh" in name else value for name, value in problem.params.items()}


def _moved_cells(
    forward: Forward, problem: Problem, rng: np.random.Generator, **switches: bool
) -> tuple[Array, Array, Array]:
    """How far the first layer's cells move with C_0, by d, its forget gates, and d."""
    step = rng.normal(size=problem.batch["cell"].shape)
    here, there = (
        forward(_blind(problem), {**problem.batch, "cell": problem.batch["cell"] + d}, **switches) for d in (0.0, step)
    )
    return (there["cell"] - here["cell"])[:, :, 0], here["forget_gate"][:, :, 0], step[:, None, 0]


def _cell_path(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    moved, forget, step = _moved_cells(forward, problem, rng)
    return moved, np.cumprod(forget, axis=1) * step


def _cell_path_dropped(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    moved, forget, step = _moved_cells(forward, problem, rng, drop_cell=True)
    kept = problem.batch["recurrent_masks"][:, :, 0, 1] / (1 - problem.config["dropout"])
    return moved, np.cumprod(forget * kept, axis=1) * step


def _causal(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    masks = problem.batch["masks"]
    at = int(rng.integers(1, masks.shape[1]))
    other = np.concatenate([masks[:, :at], ~masks[:, at:]], axis=1)
    here, there = (forward(problem.params, {**problem.batch, "masks": m}) for m in (masks, other))
    names = (*STATES, "logits")
    return _flat(*(here[n][:, :at] for n in names)), _flat(*(there[n][:, :at] for n in names))


def _upwards(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    masks, sides = problem.batch["masks"], []
    here = forward(problem.params, problem.batch)
    for layer in range(1, masks.shape[2]):  # from D(h^layer) on all masks are others
        other = np.concatenate([masks[:, :, :layer], ~masks[:, :, layer:]], axis=2)
        there = forward(problem.params, {**problem.batch, "masks": other})
        sides.append([_flat(*(seen[n][:, :, :layer] for n in STATES)) for seen in (here, there)])
    return _flat(*(side[0] for side in sides)), _flat(*(side[1] for side in sides))


def _unread(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    other = {**problem.batch, "recurrent_masks": ~problem.batch["recurrent_masks"]}
    return _everything(forward(problem.params, problem.batch)), _everything(forward(problem.params, other))


def _carried(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    batch, count = problem.batch, problem.batch["inputs"].shape[1]
    longer = {
        n: np.concatenate([batch[n], batch[n][:, :CUT]], axis=1)
        for n in ("inputs", "targets", "masks", "recurrent_masks")
    }
    whole = forward(problem.params, {**batch, **{n: v[:, :count] for n, v in longer.items()}})
    state = {name: whole[name][:, CUT - 1] for name in ("hidden", "cell")}
    rest = forward(problem.params, {**batch, **{n: v[:, CUT:] for n, v in longer.items()}, **state})
    names = (*STATES, "logits")
    return _flat(*(rest[n][:, :-CUT] for n in names)), _flat(*(whole[n][:, CUT:] for n in names))


def _apart(forward: Forward, problem: Problem, rng: np.random.Generator) -> tuple[Array, Array]:
    left, names, count = forward(problem.params, problem.batch), (*STATES, "logits"), len(problem.batch["inputs"])
    sides = []
    for text in range(count):  # beside copies of itself
        right = forward(problem.params, {n: np.repeat(v[[text]], count, axis=0) for n, v in problem.batch.items()})
        sides.append([_flat(*(seen[n][at] for n in names)) for seen, at in ((left, text), (right, 0))])
    return _flat(*(side[0] for side in sides)), _flat(*(side[1] for side in sides))
