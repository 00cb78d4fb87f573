"""The message passing network's definitions in Agda, run: one round at a time from the states before it, then the readout."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
RUN = "MPNN-Run"


def evaluations() -> list[Evaluation]:
    graph, split = [f"MPNN-Graph.{name}" for name in ("message", "round", "states", "forget")], "MPNN-Components"
    return [
        Evaluation("messages", [graph[0], graph[3]], RUN, lambda p: by_rounds(p, "messagesOf"), lambda p, found: real(p,
            found["messages"])),
        Evaluation("states", [*graph[:2], graph[3]], RUN, lambda p: by_rounds(p, "statesAfter"), lambda p, found: real(p, found["states"])),
        Evaluation(
            "first_round", graph, RUN, lambda p: f"{molecule(p, 'first')} {lists(p)}", lambda p, found: real(p, found["states"])[0],
            on=("seed0", "multigraph"),
        ),
        Evaluation(
            "relabelled", ["MPNN-Graph.rename", "MPNN-Graph.relabel"], RUN, relabelled, lambda p, found: real(p, found["states"])[0][::-1],
        ),
        Evaluation(
            "beside", [f"{split}.beside"], RUN, lambda p: f"{molecule(p, 'both')} {{{size(p, 1) - 1}}} {lists(p)} {lists(p, 1)}",
            lambda p, found: np.concatenate([real(p, found["states"], g)[0] for g in (0, 1)]),
        ),
        Evaluation("first_listed", ["MPNN-Graph.firstListed"], RUN, lambda p: f"{molecule(p, 'firstOne')} {lists(p)}", lambda p,
            _: p.batch["atoms"][0, 0]),
        Evaluation(
            "fingerprints", [f"{split}.concatenated"], RUN,
            lambda p: f"{molecule(p, 'fingerprints')} {p.config['features']} {p.config['bond']} {lists(p, vectors=True)}", fingerprints,
        ),
        Evaluation(
            "rings", [f"MPNN-Covering.{name}" for name in ("turn", "six", "ringed", "hexagon", "triangles")], RUN, rings, ring_messages,
        ),
        Evaluation(
            "embedding", ["MPNN-Set2set.process", "MPNN-Set2set.reading"], RUN, embedded, lambda p, found: found["embedding"][0],
            on=("seed0", "single_vertex"),
        ),
        Evaluation(
            "prediction", ["MPNN-Graph.predict", "MPNN-Graph.result"], RUN, predicted, lambda p, found: found["prediction"][0],
            on=("single_vertex",),
        ),
    ]  # fmt: skip


def size(problem: Problem, g: int = 0) -> int:
    return int(problem.batch["vertex_mask"][g].sum())


def real(problem: Problem, values: Array, g: int = 0) -> Array:
    """Of graph g, (round, vertex, ...), without padding."""
    return values[g][:, : size(problem, g)]


def affine(weight: Array, bias: Array) -> str:
    return f"(affine {literal(weight)} {literal(bias)})"


def layer(problem: Problem, name: str) -> str:
    return affine(problem.params[f"{name}.weight"], problem.params[f"{name}.bias"])


def row_list(terms: list[str]) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def molecule(problem: Problem, ask: str) -> str:
    params = problem.params
    gates = zip(np.split(params["gru.message.weight"], 3), np.split(params["gru.message.bias"], 3))
    parts = [affine(*gate) for gate in gates]
    parts += [literal(U) for U in np.split(params["gru.state.weight"], 3)]
    return f"Molecule.{ask} {problem.config['hidden']} (net {' '.join(parts)}) {{{size(problem) - 1}}}"


def lists(problem: Problem, g: int = 0, vectors: bool = False) -> str:
    """Features, and for each vertex what comes in from where and what goes out where, with A(e), or with e itself for one row."""
    batch, near = problem.batch, [[] for _ in range(size(problem, g))]
    A_in, A_out = (checks.edge_network(problem.params, name, batch["bonds"][g]) for name in ("edge_in", "edge_out"))
    for k in np.flatnonzero(batch["edge_mask"][g]):
        v, w, e = batch["source"][g, k], batch["target_vertex"][g, k], batch["bonds"][g, k][None]
        near[w].append(f"(index {v} , true , {literal(e if vectors else A_in[k])})")
        near[v].append(f"(index {w} , false , {literal(e if vectors else A_out[k])})")
    return f"({literal(batch['atoms'][g, : len(near)])} , {row_list([row_list(row) for row in near])})"


def trace(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def by_rounds(problem: Problem, ask: str) -> str:
    """The states before each round, those before the first the padded features."""
    count, d = size(problem), problem.config["hidden"]
    x = problem.batch["atoms"][0, :count]
    start = np.concatenate([x, np.zeros((count, d - x.shape[1]))], 1)
    before = np.concatenate([start[None], real(problem, trace(problem)["states"])[:-1]])
    return f"{molecule(problem, ask)} {lists(problem)} {literal(before)}"


def relabelled(problem: Problem) -> str:
    """Vertex v is called n - 1 - v."""
    turned = row_list([f"index {v}" for v in range(size(problem))[::-1]])
    return f"{molecule(problem, 'renamed')} {turned} {turned} {lists(problem)}"


def fingerprints(problem: Problem, found: Arrays) -> Array:
    """Each vertex's sums over its edges, both ways, of the neighbour's features and of the edge's."""
    batch = problem.batch
    total = np.zeros((size(problem), problem.config["features"] + problem.config["bond"]))
    for v, w, e, there in zip(*(batch[name][0] for name in ("source", "target_vertex", "bonds", "edge_mask"))):
        if there:
            total[w] += np.concatenate([batch["atoms"][0, v], e])
            total[v] += np.concatenate([batch["atoms"][0, w], e])
    return total


def rings(problem: Problem) -> str:
    """All edges bear the first bond's vector; the six states are those of the first graph's vertices after the first round."""
    A, B = (checks.edge_network(problem.params, name, problem.batch["bonds"])[0, 0] for name in ("edge_in", "edge_out"))
    ask = molecule(problem, "ringMessages").rsplit(" {", 1)[0]
    return f"{ask} {literal(A)} {literal(B)} {literal(trace(problem)['states'][0, 0])}"


def ring_messages(problem: Problem, found: Arrays) -> Array:
    """By NumPy's messages: the vertex (true, i) is number i, (false, i) number 3 + i. In the ring of six they alternate."""
    state, size_ = found["states"][:1, 0], 6
    channels = [
        checks.edge_network(problem.params, name, problem.batch["bonds"][:1, :1]) for name in ("edge_in", "edge_out")
    ]
    ring, triangles = [0, 4, 2, 3, 1, 5], [[0, 1, 2], [3, 4, 5]]
    answers = []
    for cycles in ([ring], triangles):
        pairs = [(a, b) for cycle in cycles for a, b in zip(cycle, np.roll(cycle, -1))]
        source, target = np.array([*pairs, *((b, a) for a, b in pairs)]).T
        edges = {"source": source[None], "target_vertex": target[None], "edge_mask": np.ones((1, 2 * size_), bool)}
        answers.append(checks.messages([np.repeat(A, 2 * size_, 1) for A in channels], state, edges)[0])
    return np.concatenate(answers)


def reader(problem: Problem) -> str:
    gates = zip(*(np.split(problem.params[f"set2set.gates.{part}"], 4) for part in ("weight", "bias")))
    parts = [layer(problem, "project"), *(affine(*gate) for gate in gates)]
    return f"(reader {' '.join([*parts, layer(problem, 'output.hidden'), layer(problem, 'output.prediction')])})"


def embedded(problem: Problem) -> str:
    memories = trace(problem)["memories"][0, : size(problem)]
    return (
        f"Reading.embedded {problem.config['memory']} {reader(problem)} {problem.config['steps']} {literal(memories)}"
    )


def predicted(problem: Problem) -> str:
    on = problem.config
    return f"{molecule(problem, 'predicted')} {on['memory']} {on['rounds']} {on['steps']} {reader(problem)} {lists(problem)}"
