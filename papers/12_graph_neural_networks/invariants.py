"""What every executable layer of the message passing network must satisfy, whatever its weights are (paper 12)."""

from __future__ import annotations

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem

Rng = np.random.Generator
OUTPUTS = ("embedding", "prediction")


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "relabelled_vertices",
            "another numbering of the vertices permutes messages, states, memories and attention, and leaves what is "
            "read out", "section 2", relabelled,
        ),
        Invariant("reordered_edges", "the order of the edges changes nothing", "equation (1)", reordered),
        Invariant(
            "padding", "whatever stands in a padded vertex or edge changes nothing", "section 2", padding, tolerance=EXACT,
        ),
        Invariant(
            "padded_vertices", "a padded vertex has the state zero and the attention zero", "section 2", padded, tolerance=EXACT,
        ),
        Invariant("attention_sums_to_one", "the attention of each step sums to one", "section 5.3", sums),
        Invariant(
            "rounds_reach_no_further", "after t rounds a state depends on what is at most t edges away: in hexatriene another first atom "
            "changes the states of the first t + 1 alone", "equation (1)", reach, tolerance=EXACT,
        ),
        Invariant(
            "third_round_crosses_a_ring", "in benzene the third round, and none before, brings the opposite atom: its state then changes "
            "by over 1e-9, since one path of length three leads there on each side", "section 7, T of 3 and more", across, relation=">",
        ),
        Invariant(
            "no_edges_no_messages", "without an edge all messages are zero, and equal atoms stay equal", "equation (1)", alone,
            tolerance=EXACT,
        ),
        Invariant(
            "parallel_edges_add", "the messages of a doubled edge are twice those of a single one", "equation (1), sum over edges",
            parallel,
        ),
        Invariant(
            "reversed_edges", "all edges turned round and both edge networks exchanged, with their columns of W: the same states",
            "section 5", turned,
        ),
        Invariant(
            "copies_are_not_counted", "set2set takes a graph twice over for the graph itself: what it reads is a mean", "section 5.3",
            doubled,
        ),
        Invariant(
            "a_ring_as_two_rings", "a ring of six equal atoms and equal bonds has the outputs of two rings of three, though their gaps "
            "are 2 and 0", "equations (1) to (3), our remark on them", rings,
        ),
        Invariant(
            "graphs_do_not_mix", "another second graph leaves the first one's outputs as they were", "section 2", separate, tolerance=EXACT,
        ),
        Invariant(
            "no_vertex_is_refused", "a graph of padding alone has nothing to read: that is an error, or NaN for this graph alone where the "
            "arrays are not at hand", "section 5.3", no_vertex, relation="raises", message="has no vertex",
        ),
    ]  # fmt: skip


def relabelled(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = problem.batch
    count = batch["vertex_mask"].shape[1]
    new = _permutation(rng, count)  # vertex v is called new[v]
    old = np.argsort(new)
    moved = {**batch, "source": new[batch["source"]], "target_vertex": new[batch["target_vertex"]]}
    moved |= {name: batch[name][:, old] for name in ("atoms", "vertex_mask")}
    there, here = forward(problem.params, moved), forward(problem.params, batch)
    renamed = [here[name][:, :, old] for name in ("messages", "states")] + [
        here["memories"][:, old],
        here["attention"][..., old],
    ]
    return (
        _flat(*(there[name] for name in ("messages", "states", "memories", "attention", *OUTPUTS))),
        _flat(*renamed, *(here[name] for name in OUTPUTS)),
    )


def reordered(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    order = _permutation(rng, problem.batch["source"].shape[1])
    edges = {name: problem.batch[name][:, order] for name in ("source", "target_vertex", "bonds", "edge_mask")}
    sides = [forward(problem.params, batch) for batch in (problem.batch, {**problem.batch, **edges})]
    return tuple(_flat(o["messages"], o["states"], o["prediction"]) for o in sides)


def padding(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, edge, vertex = dict(problem.batch), problem.batch["edge_mask"], problem.batch["vertex_mask"]
    for name in ("source", "target_vertex"):
        batch[name] = np.where(edge, batch[name], rng.integers(0, vertex.shape[1], edge.shape))
    batch["bonds"] = np.where(edge[..., None], batch["bonds"], rng.normal(size=batch["bonds"].shape))
    batch["atoms"] = np.where(vertex[..., None], batch["atoms"], rng.normal(size=batch["atoms"].shape))
    sides = [forward(problem.params, b) for b in (problem.batch, batch)]
    return tuple(_flat(*(o[name] for name in ("states", "memories", "attention", *OUTPUTS))) for o in sides)


def padded(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found, there = forward(problem.params, problem.batch), problem.batch["vertex_mask"][:, None]
    rest = _flat(np.where(there[..., None], 0, found["states"]), np.where(there, 0, found["attention"]))
    return rest, np.zeros_like(rest)


def sums(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["attention"].sum(-1)
    return found, np.ones_like(found)


def reach(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _shaped(problem, [(v, v + 1) for v in range(5)], rng)
    other = {**batch, "atoms": batch["atoms"].copy()}
    other["atoms"][:, 0] += rng.normal(size=batch["atoms"].shape[-1])
    near, far = (forward(problem.params, b)["states"] for b in (batch, other))  # (graph, round, vertex, hidden)
    beyond = np.arange(6) > 1 + np.arange(near.shape[1])[:, None]  # (round, vertex)
    return near[:, beyond], far[:, beyond]


def across(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = _shaped(problem, [(v, (v + 1) % 6) for v in range(6)], rng)
    other = {**batch, "atoms": batch["atoms"].copy()}
    other["atoms"][:, 0] += rng.normal(size=batch["atoms"].shape[-1])
    near, far = (forward(problem.params, b)["states"][:, :, 3] for b in (batch, other))  # (graph, round, hidden)
    change = np.abs(near - far).max(-1)
    early = np.where(change[:, :2] == 0, 1.0, -1.0).min()
    return np.stack([early, change[:, 2].min()]), np.array([0.0, 1e-9])


def alone(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {**problem.batch, "edge_mask": np.zeros_like(problem.batch["edge_mask"])}
    batch["atoms"] = np.broadcast_to(batch["atoms"][:1, :1], batch["atoms"].shape) * batch["vertex_mask"][..., None]
    found = forward(problem.params, batch)
    first = np.broadcast_to(found["states"][:1, :, :1], found["states"].shape) * batch["vertex_mask"][:, None, :, None]
    return _flat(found["messages"], found["states"]), _flat(np.zeros_like(found["messages"]), first)


def parallel(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch, params = dict(problem.batch), dict(problem.params)
    once = np.zeros_like(batch["edge_mask"])
    once[:, 0] = True
    twice = once.copy()
    twice[:, 1] = True
    for name in ("source", "target_vertex", "bonds"):
        batch[name] = batch[name].copy()
        batch[name][:, 1] = batch[name][:, 0]
    single, double = (forward(params, {**batch, "edge_mask": m})["messages"][:, 0] for m in (once, twice))
    return double, 2 * single


def turned(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, batch, hidden = dict(problem.params), dict(problem.batch), problem.config["hidden"]
    batch["source"], batch["target_vertex"] = batch["target_vertex"], batch["source"]
    # one direction of each bond alone, so that the two channels see different neighbours
    half = batch["edge_mask"].copy()
    half[:, ::2] = False
    batch["edge_mask"] = half
    for name in problem.params:
        if name.startswith("edge_in."):
            other = name.replace("edge_in", "edge_out")
            params[name], params[other] = params[other], params[name]
    params["gru.message.weight"] = np.roll(params["gru.message.weight"], hidden, axis=1)
    here = forward(problem.params, {**problem.batch, "edge_mask": half})
    return forward(params, batch)["states"], here["states"]


def doubled(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Three vertices of the first graph's edges within them, once with three of padding and once with a copy in their place."""
    batch = _shaped(problem, [(0, 1), (1, 2)], rng)
    copy = _shaped(problem, [(0, 1), (1, 2), (3, 4), (4, 5)], rng)
    batch["vertex_mask"] = np.broadcast_to(np.arange(6) < 3, batch["vertex_mask"].shape).copy()
    copy["atoms"][:, 3:] = copy["atoms"][:, :3] = batch["atoms"][:, :3]
    copy["bonds"][:, [0, 1, 4, 5]] = copy["bonds"][:, [2, 3, 6, 7]] = batch["bonds"][:, :4]
    order = [0, 1, 4, 5]  # where the bonds of the first copy stand, both directions
    copy["source"][:, order], copy["target_vertex"][:, order] = batch["source"][:, :4], batch["target_vertex"][:, :4]
    copy["source"][:, [2, 3, 6, 7]] = batch["source"][:, :4] + 3
    copy["target_vertex"][:, [2, 3, 6, 7]] = batch["target_vertex"][:, :4] + 3
    sides = [forward(problem.params, b) for b in (batch, copy)]
    return tuple(_flat(*(o[name] for name in OUTPUTS)) for o in sides)


def rings(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    sides = []
    for step in (1, 2):  # from v to v + 1, modulo six: one ring; to v + 2: two
        batch = _shaped(problem, [(v, (v + step) % 6) for v in range(6)], rng)
        for name in ("atoms", "bonds"):
            batch[name] = np.broadcast_to(problem.batch[name][:, :1], batch[name].shape).copy()
        found = forward(problem.params, batch)
        sides.append(_flat(*(found[name] for name in ("messages", "states", *OUTPUTS))))
    return sides[0], sides[1]


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    other = {name: value.copy() for name, value in problem.batch.items()}
    other["atoms"][1] += rng.normal(size=other["atoms"].shape[1:])
    other["bonds"][1] += rng.normal(size=other["bonds"].shape[1:])
    sides = [forward(problem.params, b) for b in (problem.batch, other)]
    return tuple(_flat(*(o[name][0] for name in ("states", "attention", *OUTPUTS))) for o in sides)


def no_vertex(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = problem.batch["vertex_mask"].copy()
    mask[1] = False
    # NumPy, PyTorch and JAX raise here. A graph of operations gives NaN, for this molecule alone.
    found = forward(problem.params, {**problem.batch, "vertex_mask": mask})
    refused = np.isnan(found["prediction"][1]).all() and np.isfinite(found["prediction"][0]).all()
    raise ValueError(f"NaN: a graph {'has no vertex' if refused else 'without any vertex gets numbers'}")


def _shaped(problem: Problem, pairs: list[tuple[int, int]], rng: Rng) -> dict[str, Array]:
    """Six vertices in each graph of the batch with these bonds in both directions, other edges absent, all features drawn."""
    batch = {name: value.copy() for name, value in problem.batch.items()}
    batch["vertex_mask"][:] = True
    batch["atoms"] = rng.normal(size=batch["atoms"].shape)
    batch["bonds"] = rng.normal(size=batch["bonds"].shape)
    both = np.array([*pairs, *((w, v) for v, w in pairs)])
    width = batch["source"].shape[1]
    batch["source"][:], batch["target_vertex"][:] = 0, 0
    batch["source"][:, : len(both)], batch["target_vertex"][:, : len(both)] = both.T
    batch["edge_mask"] = np.broadcast_to(np.arange(width) < len(both), batch["edge_mask"].shape).copy()
    return batch


def _permutation(rng: Rng, length: int) -> Array:
    """An order that is no cyclic shift."""
    while True:
        order = rng.permutation(length)
        if len({int(a - b) % length for a, b in zip(order, range(length))}) > 1:
            return order


def _flat(*arrays: Array) -> Array:
    return np.concatenate([np.ravel(a) for a in arrays])
