"""Further small graphs (paper 12): other sizes, readouts and kinds of edges, and numbers at which a naive exp overflows.

The mistakes that they are for: a graph without an edge, or of one vertex; padding attended to because -1e9 stands for -inf; features
of two parallel edges added before the edge network in place of their messages; an edge's direction ignored; all of a sum's, or of
equation (4)'s, readout left out; exp without the maximum subtracted; a unit at its kink with a slope of 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
molecules = checks.molecules


def variants() -> list[Variant]:
    sizes = {"features": 2, "bond": 3, "edge_hidden": 2, "hidden": 3, "memory": 2, "output_hidden": 3, "targets": 3}
    return [
        Variant(
            "single_vertex", "one graph of one vertex and no edge: its message is zero, its attention 1",
            drawn(1, [(1, [])], features=1, hidden=2, memory=3, edge_hidden=1, output_hidden=2, targets=1, rounds=1, steps=1),
        ),
        Variant(
            "two_components", "ethylene twice as one graph, beside allyl and one vertex: what is not connected meets in the readout alone; "
            "other sizes throughout, four rounds and three steps",
            drawn(2, [(4, [(0, 1), (2, 3)]), molecules.SMALL["allyl"], (1, [])], **sizes, rounds=4, steps=3),
        ),
        Variant(
            "multigraph", "two vertices with two directed edges of different features between them, one back, and a loop at a third",
            directed(3),
        ),
        Variant(
            "virtual_edges", "section 5.2: cyclobutadiene and trimethylenemethane with a further edge type between all pairs that no bond "
            "joins; the sum for readout", virtual(4),
        ),
        Variant(
            "gated_readout", "equation (4), the readout of GG-NN; butadiene, and allyl with a vertex of padding", drawn(5,
            [molecules.SMALL["butadiene"], molecules.SMALL["allyl"]], readout="gated", rounds=2),
        ),
        Variant(
            "bag_of_atoms", "no rounds: a sum over atoms that never look at a bond",
            drawn(6, [molecules.SMALL["allyl"], molecules.SMALL["ethylene"]], readout="sum", rounds=0),
        ),
        Variant(
            "large_scores", "memories times 3e3, so that scores lie thousands apart: exp overflows unless the maximum is subtracted",
            changed(7, {"project.weight": 3e3, "project.bias": 3e3, "output.hidden.weight": 1e-3, "set2set.gates.weight": 1e-3}),
            kind="extreme",
        ),
        Variant(
            "large_memories", "the same with gates that read these memories as they are: sigma and tanh are asked thousands away from zero",
            changed(7, {"project.weight": 3e3, "project.bias": 3e3, "output.hidden.weight": 1e-3}), kind="extreme",
        ),
        Variant(
            "shut_gates", "biases of 1000 and -1000 by turns at both gates of the GRU: sigma is exactly 0 or 1", shut(8), kind="extreme",
        ),
        Variant(
            "unit_at_its_kink", "a unit of the output network with zero weights and zero bias stands exactly at its kink", tied(9),
            kind="tie", convention="relu'(0) = 0", gradient=by_hand(tied(9)),
        ),
    ]  # fmt: skip


def drawn(seed: int, graphs: list[Any], **config: Any) -> Problem:
    return checks.drawn(np.random.default_rng([12, 100 + seed]), graphs, {**checks.CONFIG, **config})


def with_edges(problem: Problem, seed: int, rows: list[list[tuple[int, int]]], bonds: Array | None = None) -> Problem:
    """The same vertices with these directed edges in each graph."""
    width = max(len(row) for row in rows)
    source, target = np.zeros((2, len(rows), width), int)
    for g, row in enumerate(rows):
        source[g, : len(row)], target[g, : len(row)] = np.array(row).T
    mask = np.arange(width) < np.array([len(row) for row in rows])[:, None]
    if bonds is None:
        bonds = np.random.default_rng([12, 200 + seed]).normal(size=(*mask.shape, problem.config["bond"]))
    edges = {"source": source, "target_vertex": target, "bonds": bonds * mask[..., None], "edge_mask": mask}
    return Problem(problem.config, problem.params, {**problem.batch, **edges}, problem.learning_rate)


def directed(seed: int) -> Problem:
    return with_edges(drawn(seed, [molecules.SMALL["allyl"]]), seed, [[(0, 1), (0, 1), (1, 0), (2, 2)]])


def virtual(seed: int) -> Problem:
    """A bond is (1, 0), a pair that no bond joins (0, 1), as one-hot edge types."""
    graphs = [molecules.SMALL["cyclobutadiene"], molecules.SMALL["trimethylenemethane"]]
    problem = drawn(seed, graphs, readout="sum", rounds=2)
    rows = [[(v, w) for v in range(4) for w in range(4) if v != w]] * 2
    bonded = np.array([[molecules.adjacency(*graph)[v, w] for v, w in row] for graph, row in zip(graphs, rows)])
    return with_edges(problem, seed, rows, np.stack([bonded, 1 - bonded], -1))


def changed(seed: int, factors: dict[str, float]) -> Problem:
    problem = checks.problem(seed)
    params = {name: value * factors.get(name, 1.0) for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch, problem.learning_rate)


def shut(seed: int) -> Problem:
    problem = checks.problem(seed)
    hidden = problem.config["hidden"]
    turns = np.where(np.arange(2 * hidden) % 2, 1000.0, -1000.0)
    bias = problem.params["gru.message.bias"] + np.concatenate([turns, np.zeros(hidden)])
    return Problem(problem.config, {**problem.params, "gru.message.bias": bias}, problem.batch, problem.learning_rate)


def tied(seed: int) -> Problem:
    """Unit 1 of the output network at zero, whatever the graph."""
    problem = checks.problem(seed)
    weight, bias = problem.params["output.hidden.weight"].copy(), problem.params["output.hidden.bias"].copy()
    weight[1], bias[1] = 0, 0
    params = {**problem.params, "output.hidden.weight": weight, "output.hidden.bias": bias}
    return Problem(problem.config, params, problem.batch, problem.learning_rate)


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d b_1 = 2 (y - target) W_2 / (graphs targets), where a unit is positive."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    positive = checks.affine(problem.params, "output.hidden", found["embedding"]) > 0
    slope = 2 * (found["prediction"] - problem.batch["target"]) / found["prediction"].size
    return {"output.hidden.bias": ((slope @ problem.params["output.prediction.weight"]) * positive).sum(0)}
