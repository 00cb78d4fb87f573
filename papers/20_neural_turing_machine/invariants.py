"""What every executable layer of the Neural Turing Machine must satisfy, whatever its weights are (paper 20)."""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, S30Error, sibling

emitted = sibling(__file__, "emitted.py")

Rng = np.random.Generator
SHUT, OPEN = -1000.0, 1000.0  # biases at which a sigmoid is exactly 0 or 1, and 1 + softplus exactly 1
WEIGHTINGS = ("content", "gated", "shifted", "weighting")
OF_HEADS = ("key", "strength", "gate", "shift", "sharpening", *WEIGHTINGS)


def invariants() -> list[Invariant]:
    return [
        Invariant("weightings_sum_to_one", "every stage of every weighting sums to one", "equation (1)", sums),
        Invariant("weightings_are_positive", "no entry of a weighting is negative, none of the emitted scalars leaves its range",
                  "equation (1), sections 3.3.1 and 3.3.2", ranges, relation=">="),
        Invariant("one_hot_shift_rotates", "with the gate shut a head on one row is moved by its own shift at each step, around "
                  "the end too, exactly", "equation (8)", rotation, tolerance=EXACT),
        Invariant("own_previous_weighting", "with the gates shut another first weighting of one head changes no other head's, exactly, and "
                  "its own at every step", "equation (7)", own, tolerance=EXACT),
        Invariant("shut_gate_ignores_content", "with the gates shut other keys and another memory change no weighting, exactly",
                  "equation (7)", shut, tolerance=EXACT),
        Invariant("open_gate_forgets", "with the gates open another first weighting changes nothing, exactly", "equation (7)", opened,
                  tolerance=EXACT),
        Invariant("overwriting", "with erasing at 1 a head on one row leaves there what it adds, exactly, no other row is touched; two on "
                  "one row leave the sum", "equations (3) and (4)", overwritten, tolerance=EXACT),
        Invariant("write_then_read", "a read head on the row that is overwritten reads what was written, exactly", "equations (2) to (4)",
                  read_back, tolerance=EXACT),
        Invariant("nothing_written", "with erasing at 0 and nothing added the memory stays, exactly", "equations (3) and (4)", kept,
                  tolerance=EXACT),
        Invariant("memory_law", "M_T = M_0 prod_t prod_h (1 - w e) + sum_t (sum_h w a) prod_{s>t} prod_h (1 - w e)",
                  "equations (3) and (4)", memory_law),
        Invariant("write_heads_commute", "write heads in another order leave memory, reads and logits, and their own outputs are in that "
                  "order", "section 3.2, erasures in any order", exchanged),
        Invariant("erasures_before_additions", "what one head adds is erased by no other in that step: with all on one row, of which the "
                  "first alone erases, the row holds the sum of what they add, exactly", "section 3.2", erased_first, tolerance=EXACT),
        Invariant("reads_between_rows", "what is read lies between the least and the greatest entry of the memory", "equation (2)", between,
                  relation=">="),
        Invariant("length_of_the_key", "a key three times as long gives the same weightings", "equation (6)", key_length),
        Invariant("content_follows_the_rows", "with the gates open and no shift, permuted rows have permuted weightings and memories, and "
                  "what is read stays", "equations (5) and (6)", permuted),
        Invariant("rotated_memory", "memory and first weightings rotated alike give rotated weightings and memories, and the same logits",
                  "equations (5) to (9)", rotated),
        Invariant("gamma_of_one", "with gamma = 1 the weighting is the shifted one", "equation (9)", unsharpened),
        Invariant("sharpening_raises_the_greatest", "no weighting's greatest entry is below the shifted one's", "equation (9)", sharper,
                  relation=">="),
        Invariant("large_gamma", "with gamma near 1000, where every power underflows, only rows within 1 % of the greatest keep over "
                  "1e-4", "equation (9)", sharpest, relation="<="),
        Invariant("carried_state", "a sequence is followed from where its first part left memory, weightings and reads", "section 3",
                  carried),
        Invariant("causality", "later inputs change nothing before them", "section 3", causality, tolerance=EXACT),
        Invariant("examples_do_not_mix", "another second sequence leaves the first one's outputs", "section 3", separate, tolerance=EXACT),
        Invariant("unasked_outputs_do_not_count", "other targets where nothing is asked leave the loss, exactly; where something is, they "
                  "change it", "section 4.1", unasked, tolerance=EXACT),
        Invariant("unknown_controllers_are_refused", "a controller that there is not is an error", "section 3.4", unknown,
                  relation="raises", message="controller must be one of"),
        Invariant("impossible_sizes_are_refused", "no row, no read head, no write head and a reach below 0 are errors each", "section 3",
                  no_rows, relation="raises", message="4 of 4 refused"),
    ]  # fmt: skip


def sums(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    ours = np.stack([found[name].sum(-1) for name in WEIGHTINGS])
    return ours, np.ones_like(ours)


def ranges(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    at_least = [*(found[name] for name in WEIGHTINGS), found["strength"], found["gate"], found["erase"], found["shift"]]
    over = [1 - found["gate"], 1 - found["erase"], found["sharpening"] - 1]
    ours = _flat(*at_least, *over)
    return ours, np.zeros_like(ours)


def rotation(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    heads, rows, reach = emitted.heads(problem.config), problem.config["rows"], problem.config["reach"]
    turn = np.array([reach, -reach, 1])[np.arange(heads) % 3]  # the first goes around the end within three steps
    first = rng.permutation(rows)[:heads]
    found = forward(emitted.fixed(problem, gate=SHUT, shift=_shifts(problem, turn)), _given(problem, rng, first))[
        "weighting"
    ]
    time = np.arange(1, found.shape[1] + 1)[:, None]
    return found, np.broadcast_to(np.eye(rows)[(first + time * turn) % rows], found.shape)


def own(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = emitted.fixed(problem, gate=SHUT, shift=rng.normal(size=_shift_shape(problem)), sharpening=1.0)
    batch = _given(problem, rng)
    still = forward(params, batch)["weighting"]
    ours, wanted = [], []
    for head in range(still.shape[2]):
        other = batch["weighting"].copy()
        other[:, head] = rng.dirichlet(np.ones(other.shape[-1]), len(other))
        moved = forward(params, {**batch, "weighting": other})["weighting"]
        ours += [np.delete(moved, head, 2), (np.abs(moved - still)[:, :, head].max(-1) > 1e-6).astype(float)]
        wanted += [np.delete(still, head, 2), np.ones(still.shape[:2])]
    return _flat(*ours), _flat(*wanted)


def shut(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, shift = _given(problem, rng), rng.normal(size=_shift_shape(problem))
    constant = {"gate": SHUT, "shift": shift, "sharpening": 0.5}
    params = emitted.fixed(problem, **constant)
    other = emitted.fixed(problem, **constant, key=rng.normal(size=problem.config["size"]), strength=3.0)
    found = (
        forward(params, batch)["weighting"],
        forward(other, {**batch, "memory": -(batch["memory"] ** 2)})["weighting"],
    )
    return found


def opened(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, batch = emitted.fixed(problem, gate=OPEN), _given(problem, rng)
    other = {**batch, "weighting": _given(problem, rng)["weighting"]}
    names = ("weighting", "memories", "reads", "logits")
    return tuple(_flat(*(forward(params, b)[name] for name in names)) for b in (batch, other))


def overwritten(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Heads on rows of their own, then all on one row."""
    config, ours, wanted = problem.config, [], []
    params = emitted.fixed(problem, gate=SHUT, shift=_shifts(problem, 0), erase=OPEN)
    writers = config["write_heads"]
    for at in (rng.permutation(config["rows"])[: emitted.heads(config)], np.full(emitted.heads(config), 1)):
        batch = _given(problem, rng, at)
        found = forward(params, batch)
        before = np.concatenate([batch["memory"][:, None], found["memories"][:, :-1]], 1)
        after = before.copy()
        after[:, :, at[:writers]] = 0
        for head in range(writers):
            after[:, :, at[head]] += found["add"][:, :, head]
        ours.append(found["memories"])
        wanted.append(after)
    return _flat(*ours), _flat(*wanted)


def read_back(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    config, writers = problem.config, problem.config["write_heads"]
    rows = rng.permutation(config["rows"])[:writers]
    at = np.append(
        rows, np.resize(rows[::-1], config["read_heads"])
    )  # the first read head is where the last write head is
    found = forward(emitted.fixed(problem, gate=SHUT, shift=_shifts(problem, 1), erase=OPEN), _given(problem, rng, at))
    order = np.resize(np.arange(writers)[::-1], config["read_heads"])
    return found["reads"], found["add"][:, :, order]


def kept(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _given(problem, rng)
    found = forward(emitted.fixed(problem, erase=SHUT, add=0.0), batch)["memories"]
    return found, np.broadcast_to(batch["memory"][:, None], found.shape)


def memory_law(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _given(problem, rng)
    found = forward(problem.params, batch)
    w = found["weighting"][:, :, : problem.config["write_heads"]]
    left = (1 - w[..., None] * found["erase"][..., None, :]).prod(2)  # (batch, time, row, size)
    added = (w[..., None] * found["add"][..., None, :]).sum(2)
    total = batch["memory"] * left.prod(1) + sum(added[:, t] * left[:, t + 1 :].prod(1) for t in range(w.shape[1]))
    return found["memories"][:, -1], total


def exchanged(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, params = _given(problem, rng), dict(problem.params)
    writers, heads = problem.config["write_heads"], emitted.heads(problem.config)
    order = np.roll(np.arange(writers), 1)
    both = np.append(order, np.arange(writers, heads))
    for name, count, of in (("address", heads, both), ("write", writers, order)):
        for part in ("weight", "bias"):
            value = params[f"{name}.{part}"]
            params[f"{name}.{part}"] = value.reshape(count, -1, *value.shape[1:])[of].reshape(value.shape)
    still, moved = forward(problem.params, batch), forward(params, {**batch, "weighting": batch["weighting"][:, both]})
    same, names = ("memories", "reads", "logits"), ("erase", "add")
    ours = _flat(*(moved[name] for name in (*same, *names, "weighting")))
    return ours, _flat(
        *(still[name] for name in same), *(still[name][:, :, order] for name in names), still["weighting"][:, :, both]
    )


def erased_first(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    config = problem.config
    erase = np.full((config["write_heads"], config["size"]), SHUT)
    erase[0] = OPEN
    ours = []
    for which in (erase, erase[::-1]):
        params = emitted.fixed(problem, gate=SHUT, shift=_shifts(problem, 0), erase=which)
        found = forward(params, _given(problem, rng, np.full(emitted.heads(config), 2)))
        ours.append((found["memories"][:, :, 2], found["add"].sum(2)))
    return _flat(*(row for row, _ in ours)), _flat(*(total for _, total in ours))


def between(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, _given(problem, rng))
    rows, reads = found["memories"], found["reads"]
    room = _flat(reads - rows.min(2, keepdims=True), rows.max(2, keepdims=True) - reads)
    return room, np.full_like(room, -1e-12)


def key_length(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = [forward(params, problem.batch) for params in (problem.params, emitted.times(problem, "key", 3.0))]
    names = (*WEIGHTINGS, "memories", "logits")
    return tuple(_flat(*(one[name] for name in names)) for one in found)


def permuted(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, batch = emitted.fixed(problem, gate=OPEN, shift=_shifts(problem, 0)), _given(problem, rng)
    order = _permutation(rng, problem.config["rows"])
    return _moved(forward, params, batch, {**batch, "memory": batch["memory"][:, order]}, order)


def rotated(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, rows = _given(problem, rng), problem.config["rows"]
    order = np.roll(np.arange(rows), int(rng.integers(1, rows)))
    turned = {**batch, "memory": batch["memory"][:, order], "weighting": batch["weighting"][..., order]}
    return _moved(forward, problem.params, batch, turned, order)


def _moved(forward: Forward, params: Arrays, still: Arrays, moved: Arrays, order: Array) -> tuple[Array, Array]:
    one, other = forward(params, still), forward(params, moved)
    same = ("reads", "logits")
    wanted = [
        *(one[name][..., order] for name in WEIGHTINGS),
        one["memories"][:, :, order],
        *(one[name] for name in same),
    ]
    return _flat(*(other[name] for name in (*WEIGHTINGS, "memories", *same))), _flat(*wanted)


def unsharpened(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(emitted.fixed(problem, sharpening=SHUT), _given(problem, rng))
    return found["weighting"], found["shifted"]


def sharper(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, _given(problem, rng))
    return found["weighting"].max(-1), found["shifted"].max(-1) - 1e-12


def sharpest(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(emitted.fixed(problem, sharpening=OPEN), _given(problem, rng))
    shifted = found["shifted"]
    far = shifted < 0.99 * shifted.max(-1, keepdims=True)
    ours = np.append(np.where(far, found["weighting"], 0).ravel(), np.abs(found["weighting"].sum(-1) - 1).max())
    return ours, np.full_like(ours, 1e-4)


def carried(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Both sequences begin alike, so that both have read the same where the second part begins."""
    cut, batch = problem.batch["inputs"].shape[1] // 2, {name: value.copy() for name, value in problem.batch.items()}
    batch["inputs"][:, :cut] = batch["inputs"][:1, :cut]
    given = _given(problem, rng)
    batch |= {name: np.repeat(given[name][:1], len(given[name]), 0) for name in ("memory", "weighting")}
    whole = forward(problem.params, batch)
    # the second part comes first, so that there are as many steps; what follows it does not matter
    rest = {name: np.roll(batch[name], -cut, 1) for name in ("inputs", "targets", "asked")}
    rest |= {"memory": whole["memories"][:, cut - 1], "weighting": whole["weighting"][:, cut - 1]}
    found = forward({**problem.params, "start.read": whole["reads"][0, cut - 1]}, rest)
    names = ("weighting", "memories", "reads", "logits")
    return _flat(*(found[name][:, :-cut] for name in names)), _flat(*(whole[name][:, cut:] for name in names))


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    inputs, cut = problem.batch["inputs"].copy(), int(rng.integers(1, problem.batch["inputs"].shape[1]))
    inputs[:, cut:] += rng.normal(size=inputs[:, cut:].shape)
    sides = [forward(problem.params, {**problem.batch, "inputs": x}) for x in (problem.batch["inputs"], inputs)]
    return tuple(_flat(*(found[name][:, :cut] for name in (*OF_HEADS, "memories", "logits"))) for found in sides)


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    inputs = problem.batch["inputs"].copy()
    inputs[1] = rng.normal(size=inputs[1].shape)
    sides = [forward(problem.params, {**problem.batch, "inputs": x}) for x in (problem.batch["inputs"], inputs)]
    return tuple(_flat(*(found[name][0] for name in (*OF_HEADS, "memories", "reads", "logits"))) for found in sides)


def unasked(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "asked": problem.batch["asked"].copy()}
    batch["asked"][0, 0] = False
    targets, other = batch["targets"].copy(), batch["targets"].copy()
    targets[~batch["asked"]] = 1 - targets[~batch["asked"]]
    other[:, -1] = 1 - other[:, -1]
    still, moved, changed = (
        forward(problem.params, {**batch, "targets": y})["loss"] for y in (batch["targets"], targets, other)
    )
    return np.array([moved, abs(changed - still) > 1e-6]), np.array([still, 1.0])


def unknown(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    return forward(problem.params, problem.batch, controller="gru")["logits"], problem.batch["inputs"]


def no_rows(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    refused = 0
    impossible: list[dict[str, Any]] = [{"rows": 0}, {"write_heads": 0}, {"read_heads": 0}, {"reach": -1}]
    for sizes in impossible:
        try:
            forward(problem.params, problem.batch, **sizes)
        except (S30Error, ValueError) as error:
            refused += "at least" in str(error)
    raise ValueError(f"{refused} of {len(impossible)} refused")


def _given(problem: Problem, rng: Rng, at: Array | None = None) -> dict[str, Array]:
    """The batch with a drawn M_0, and w_0 drawn or, for each head, all on the row `at`."""
    count, rows, heads = len(problem.batch["inputs"]), problem.config["rows"], emitted.heads(problem.config)
    drawn = rng.dirichlet(np.ones(rows), (count, heads))
    weighting = drawn if at is None else np.array(np.broadcast_to(np.eye(rows)[at], drawn.shape))
    return {**problem.batch, "memory": rng.normal(size=(count, rows, problem.config["size"])), "weighting": weighting}


def _shift_shape(problem: Problem) -> tuple[int, int]:
    return emitted.heads(problem.config), 2 * problem.config["reach"] + 1


def _shifts(problem: Problem, turn: Any) -> Array:
    """Biases at which every head shifts by `turn` exactly: (head, shift)."""
    where = np.broadcast_to(turn, _shift_shape(problem)[:1]) + problem.config["reach"]
    return np.where(np.arange(_shift_shape(problem)[1]) == where[:, None], OPEN, SHUT)


def _permutation(rng: Rng, length: int) -> Array:
    """An order that is no cyclic shift."""
    while True:
        order = rng.permutation(length)
        if np.ptp((order - np.arange(length)) % length):
            return order


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
