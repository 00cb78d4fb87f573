"""What every executable layer of the relational memory core must satisfy, whatever its weights are (paper 18)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem, S30Error

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
SHUT, OPEN = -1000.0, 1000.0  # biases at which a gate is exactly 0 or 1
OF_SLOTS = ("input_gate", "forget_gate", "candidate", "memories")


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "rows_sum_to_one", "the attention of each row sums to one", "equation (1)", sums,
        ),
        Invariant(
            "slot_equivariance", "permuting the rows of M_0 permutes attention, gates, candidates and memories at every step and block, "
            "slot "
            "by slot, and leaves the logits where the readout's columns are permuted as well", "section 3.3, weights shared by all m_i",
            equivariance,
        ),
        Invariant(
            "equal_slots_stay_equal", "two slots that start equal are equal after every step; the others are not", "section 3.3",
            equal_slots(2),
        ),
        Invariant(
            "all_slots_equal", "if all slots start equal the memory holds one vector, so many times, and every row attends to all slots "
            "alike",
            "section 3.3", equal_slots(None),
        ),
        Invariant(
            "identity_breaks_the_symmetry", "from rows of the identity any two slots differ by over 1e-4 after every step",
            "the reference's initial_state", different, relation=">",
        ),
        Invariant(
            "memories_interact", "one step of one block carries each slot, and the input, to every slot: a change of 0.5 moves each by "
            "over 1e-8",
            "section 3.1", interaction, relation=">",
        ),
        Invariant(
            "readout_reads_every_slot", "a change of one slot's last memory changes the logits by over 1e-6", "A.1", every_slot_read,
            relation=">",
        ),
        Invariant(
            "affine_law", "M_T = (prod f_t) M_0 + sum_t (prod_{s>t} f_s) i_t tanh(M~_t)", "equation (7)", affine_law,
        ),
        Invariant(
            "shut_input_gate_keeps", "f = 1 and i = 0 keep M_0, exactly", "equation (7)", kept, tolerance=EXACT,
        ),
        Invariant(
            "shut_forget_gate_overwrites", "f = 0 and i = 1 leave the candidate alone, exactly", "equation (7)", overwritten,
            tolerance=EXACT,
        ),
        Invariant(
            "open_gates_accumulate", "f = 1 and i = 1 add up: M_T = M_0 + sum_t tanh(M~_t)", "equation (7)", accumulated,
        ),
        Invariant(
            "no_convex_combination", "with both gates open and candidates above 0.9 each step leaves what lies between M_{t-1} and the "
            "candidate, "
            "above both by over 0.5 from the second step on", "equation (7), i + f is not 1", outside, relation=">",
        ),
        Invariant(
            "tied_gates_are_convex", "with f = 1 - i no entry of M_t exceeds the greater of M_{t-1} and the candidate", "equation (7)",
            tied, relation="<=",
        ),
        Invariant(
            "memories_are_bounded", "|M_t| <= max |M_0| + t, and |tanh(M~)| <= 1", "equation (7)", bounded, relation="<=",
        ),
        Invariant(
            "memory_gates", "'memory' gates are 'unit' gates whose rows of weights are all the same", "section 3.3", memory_gates,
        ),
        Invariant(
            "carried_memory", "a sequence is followed from where its first part left the memory", "section 3.3", carried,
        ),
        Invariant(
            "causality", "later inputs change nothing before them", "section 3.3", causality, tolerance=EXACT,
        ),
        Invariant(
            "examples_do_not_mix", "another second sequence leaves the first one's outputs as they were", "section 3", separate,
            tolerance=EXACT,
        ),
        Invariant(
            "unknown_gates_are_refused", "a gate style that there is not is an error", "the reference's constructor", unknown,
            relation="raises",
            message="gate_style must be one of",
        ),
        Invariant(
            "no_block_is_refused", "no block is an error, and no layer of the MLP", "the reference's constructor", no_block,
            relation="raises",
            message="must be at least 1",
        ),
    ]  # fmt: skip


def sums(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["attention"].sum(-1)
    return found, np.ones_like(found)


def equivariance(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    slots, batch, params = problem.config["slots"], _with_memory(problem, rng), dict(problem.params)
    order = _permutation(rng, slots)
    rows = np.append(order, slots)  # the input stays last
    still = forward(params, batch)
    columns = params["readout.hidden.weight"]
    params["readout.hidden.weight"] = columns.reshape(len(columns), slots, -1)[:, order].reshape(columns.shape)
    moved = forward(params, {**batch, "memory": batch["memory"][:, order]})
    wanted = [
        still["attention"][..., rows, :][..., rows],
        *(still[name][:, :, order] for name in OF_SLOTS),
        still["logits"],
    ]
    return _flat(moved["attention"], *(moved[name] for name in OF_SLOTS), moved["logits"]), _flat(*wanted)


def equal_slots(count: int | None) -> Sides:
    """The first `count` slots, or all, start as the first."""

    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        batch = _with_memory(problem, rng)
        memory, slots = batch["memory"], count or problem.config["slots"]
        memory[:, :slots] = memory[:, :1]
        found = forward(problem.params, batch)
        names = [found[name] for name in OF_SLOTS] + [np.moveaxis(found["attention"], -1, 2)]  # slots third
        ours = [whole[:, :, :slots] for whole in names]
        wanted = [np.broadcast_to(whole[:, :, :1], part.shape) for whole, part in zip(names, ours)]
        # with a count the last slot is another, and must not have become equal
        apart = np.abs(found["memories"][:, :, -1] - found["memories"][:, :, 0]).max()
        return _flat(*ours, apart > 1e-4), _flat(*wanted, np.asarray(count is not None))

    return sides


def different(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["memories"]  # (batch, time, slots, size)
    first, second = np.triu_indices(found.shape[2], 1)
    change = np.abs(found[:, :, first] - found[:, :, second]).max(-1)
    return change, np.full_like(change, 1e-4)


def interaction(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, slots = _with_memory(problem, rng), problem.config["slots"]
    one = {**batch, "inputs": batch["inputs"][:, :1]}
    still, change = forward(problem.params, one)["memories"], []
    for slot in range(slots):
        memory = batch["memory"].copy()
        memory[:, slot, 0] += 0.5
        moved = forward(problem.params, {**one, "memory": memory})["memories"]
        change.append(np.abs(moved - still).max((0, 1, 3)))  # of each slot
    other = {**one, "inputs": one["inputs"] + 0.5}
    change.append(np.abs(forward(problem.params, other)["memories"] - still).max((0, 1, 3)))
    return np.stack(change), np.full((slots + 1, slots), 1e-8)


def every_slot_read(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, params, slots = _with_memory(problem, rng), _gates(problem, SHUT, OPEN), problem.config["slots"]
    still, change = forward(params, batch)["logits"], []
    for slot in range(slots):
        memory = batch["memory"].copy()
        memory[:, slot] += 0.5
        change.append(np.abs(forward(params, {**batch, "memory": memory})["logits"] - still).max())
    return np.array(change), np.full(slots, 1e-6)


def affine_law(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _with_memory(problem, rng)
    found = forward(problem.params, batch)
    f, written = found["forget_gate"], found["input_gate"] * found["candidate"]  # (batch, time, slots, size)
    time = range(f.shape[1])
    total = f.prod(1) * batch["memory"] + sum(f[:, t + 1 :].prod(1) * written[:, t] for t in time)
    return found["memories"][:, -1], total


def kept(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _with_memory(problem, rng)
    found = forward(_gates(problem, SHUT, OPEN), batch)["memories"]
    return found, np.broadcast_to(batch["memory"][:, None], found.shape)


def overwritten(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(_gates(problem, OPEN, SHUT), _with_memory(problem, rng))
    return found["memories"], found["candidate"]


def accumulated(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _with_memory(problem, rng)
    found = forward(_gates(problem, OPEN, OPEN), batch)
    return found["memories"], batch["memory"][:, None] + found["candidate"].cumsum(1)


def outside(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, last = _gates(problem, OPEN, OPEN), f"blocks.{problem.config['blocks'] - 1}.mlp_norm"
    params[f"{last}.weight"] = 0.1 * params[f"{last}.weight"]
    params[f"{last}.bias"] = np.full_like(params[f"{last}.bias"], 3.0)  # tanh(3 - what is left) > 0.9
    found = forward(params, problem.batch)
    before = found["memories"][:, :-1]
    beyond = found["memories"][:, 1:] - np.maximum(before, found["candidate"][:, 1:])
    return np.append(beyond.ravel(), found["candidate"].min() - 0.4), np.full(beyond.size + 1, 0.5)


def tied(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, params, config = _with_memory(problem, rng), dict(problem.params), problem.config
    for name in ("gate.input.weight", "gate.input.bias", "gate.memory.weight"):
        of_i = np.split(params[name], 2)[0]
        # sigma(-a) = 1 - sigma(a)
        constant = config["input_bias"] + config["forget_bias"] if name == "gate.input.bias" else 0.0
        params[name] = np.concatenate([of_i, -of_i - constant])
    found = forward(params, batch)
    before = np.concatenate([batch["memory"][:, None], found["memories"][:, :-1]], 1)
    gates = np.abs(found["input_gate"] + found["forget_gate"] - 1)
    beyond = np.maximum(found["memories"] - np.maximum(before, found["candidate"]), 0)
    return _flat(gates, beyond), np.full(gates.size + beyond.size, 1e-12)


def bounded(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _with_memory(problem, rng)
    found = forward({name: 5 * value for name, value in problem.params.items()}, batch)
    limits = np.abs(batch["memory"]).max() + 1 + np.arange(found["memories"].shape[1])
    limits = np.broadcast_to(limits[:, None, None], found["memories"].shape)
    return _flat(np.abs(found["memories"]), np.abs(found["candidate"])), _flat(limits, np.ones_like(found["candidate"]))


def memory_gates(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, few = dict(problem.params), dict(problem.params)
    for name in ("gate.input.weight", "gate.input.bias", "gate.memory.weight"):
        i, f = np.split(params[name], 2)
        params[name] = np.concatenate([np.repeat(i[:1], len(i), 0), np.repeat(f[:1], len(f), 0)])
        few[name] = np.concatenate([i[:1], f[:1]])
    one, all_ = forward(few, problem.batch, gate_style="memory"), forward(params, problem.batch)
    return _flat(one["memories"], one["logits"], one["input_gate"]), _flat(
        all_["memories"], all_["logits"], all_["input_gate"][..., :1]
    )


def carried(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, cut = _with_memory(problem, rng), int(rng.integers(1, problem.batch["inputs"].shape[1]))
    whole = forward(problem.params, batch)
    first = forward(problem.params, {**batch, "inputs": batch["inputs"][:, :cut]})["memories"]
    second = forward(problem.params, {**batch, "inputs": batch["inputs"][:, cut:], "memory": first[:, -1]})
    return _flat(first, second["memories"], second["logits"]), _flat(
        whole["memories"][:, :cut], whole["memories"][:, cut:], whole["logits"]
    )


def causality(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    inputs, cut = problem.batch["inputs"].copy(), int(rng.integers(1, problem.batch["inputs"].shape[1]))
    inputs[:, cut:] += rng.normal(size=inputs[:, cut:].shape)
    sides = [forward(problem.params, {**problem.batch, "inputs": x}) for x in (problem.batch["inputs"], inputs)]
    return tuple(_flat(*(found[name][:, :cut] for name in ("attention", *OF_SLOTS))) for found in sides)


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    inputs = problem.batch["inputs"].copy()
    inputs[1] = rng.normal(size=inputs[1].shape)
    sides = [forward(problem.params, {**problem.batch, "inputs": x}) for x in (problem.batch["inputs"], inputs)]
    return tuple(_flat(*(found[name][0] for name in ("attention", *OF_SLOTS, "logits"))) for found in sides)


def unknown(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    return forward(problem.params, problem.batch, gate_style="both")["logits"], problem.batch["inputs"]


def no_block(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    refused = []
    for none in ({"blocks": 0}, {"mlp_layers": 0}):
        own = tuple(f"{'mlp' if 'mlp_layers' in none else 'blocks'}.{n}." for n in range(9))
        kept = {name: value for name, value in problem.params.items() if not name.startswith(own)}
        try:
            forward(kept, problem.batch, **none)
        except (S30Error, ValueError) as error:
            refused.append(str(error))
    raise ValueError(" and ".join(refused) if len(refused) == 2 else "one of the two is taken")


def _gates(problem: Problem, i: float, f: float) -> dict[str, Array]:
    """The parameters with so much added to the biases of the gates."""
    bias = problem.params["gate.input.bias"]
    return {**problem.params, "gate.input.bias": bias + np.repeat([i, f], len(bias) // 2)}


def _with_memory(problem: Problem, rng: Rng) -> dict[str, Array]:
    """The batch with a drawn M_0."""
    size = problem.config["heads"] * problem.config["head_size"]
    return {**problem.batch, "memory": rng.normal(size=(len(problem.batch["inputs"]), problem.config["slots"], size))}


def _permutation(rng: Rng, length: int) -> Array:
    """An order that is no cyclic shift."""
    while True:
        order = rng.permutation(length)
        if np.ptp((order - np.arange(length)) % length):
            return order


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])
