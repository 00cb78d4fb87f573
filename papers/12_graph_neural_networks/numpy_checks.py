r"""A message passing neural network for molecules, paper 12: edge network, gated update, set2set readout.

Gilmer, Schoenholz, Riley, Vinyals, Dahl, «Neural Message Passing for Quantum Chemistry», 2017 (arXiv:1704.01212).

    section 5  h_v^0 = [x_v; 0]                                         features padded with zeros up to d
    5.1        A(e) = a d x d matrix from a neural network of the edge's features: the edge network
    (1)        m_v^{t+1} = [sum over edges w -> v of A_in(e) h_w^t ; sum over edges v -> w of A_out(e) h_w^t]
    (2)        h_v^{t+1} = GRU(h_v^t, m_v^{t+1}),  the same weights for all t < T
                  z = sigma(W_z m + U_z h),  r = sigma(W_r m + U_r h),  h~ = tanh(W m + U [r h]),  z h + (1 - z) h~
    5.3        n_v = P (h_v^T, x_v),  then M steps of set2set (Vinyals et al. 2015) from q*_0 = 0:
                  q_t = LSTM(q*_{t-1}),  a_t = softmax_v(n_v . q_t),  r_t = sum_v a_tv n_v,  q*_t = [q_t; r_t]
    (3)        y = W_2 relu(W_1 q*_M + b_1) + b_2
    (4)        with readout "gated":  y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T);    with "sum":  y = f(sum_v n_v)
    section 7  loss = mean (y - target)^2

    symbol    name here                        symbol       name here
    x_v, e    atoms, bonds                     P, n_v       project, memories
    A_in      edge_in (hidden, matrix)         LSTM         set2set.gates, rows i, f, g, o
    A_out     edge_out                         a_t          attention
    W, U      gru.message, gru.state           q*_M         embedding
    m, h      messages, states                 W_1, W_2     output.hidden, output.prediction
    d, T, M   hidden, rounds, steps            i, j of (4)  gate, value

A graph is a list of directed edges, so that two vertices may share several and an edge may be a loop. A bond of a molecule stands there
in both directions. Masks are boolean, true = is there. Rows of the GRU: z, r, h~. A weight is stored (out, in).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

molecules = sibling(__file__, "molecules.py")

CONFIG: dict[str, Any] = {
    "features": 3, "bond": 2, "edge_hidden": 6, "hidden": 5, "memory": 4, "output_hidden": 7, "targets": 2,
    "rounds": 3, "steps": 2, "readout": "set2set",
}  # fmt: skip
KINK = 1e-4  # no rectified unit of a Problem is nearer to zero than this


def forward(
    params: Arrays, batch: Arrays, *, hidden: int, rounds: int, steps: int, readout: str, **_: int
) -> dict[str, Array]:
    """messages (graph, round, vertex, 2 hidden); states (graph, round, vertex, hidden); memories (graph, vertex, memory); attention
    (graph, step, vertex); embedding (graph, 2 memory), or (graph, memory) of the sum; prediction (graph, target); loss, a mean square.
    In the order of computation. A readout has what it computes and no more; no rounds, no messages and no states.

    Raises ValueError where a graph has no vertex.
    """
    atoms, mask = batch["atoms"], batch["vertex_mask"]
    if not mask.any(-1).all():
        raise ValueError("readout: a graph has no vertex: its mask row is false throughout")
    found: dict[str, Array] = {}
    # h_v^0 = [x_v; 0]
    h = np.concatenate([atoms, np.zeros((*atoms.shape[:2], hidden - atoms.shape[2]))], -1)  # (graph, vertex, hidden)
    h = h * mask[..., None]
    if rounds:
        channels = [edge_network(params, name, batch["bonds"]) for name in ("edge_in", "edge_out")]
        trace = []
        for _round in range(rounds):
            m = messages(channels, h, batch)
            h = gru(params, m, h) * mask[..., None]
            trace.append((m, h))
        found["messages"], found["states"] = (np.stack(values, 1) for values in zip(*trace))
    both = np.concatenate([h, atoms], -1)  # (h_v^T, x_v)
    if readout == "gated":
        # y = sum_v sigma(i(h_v^T, x_v)) j(h_v^T)
        prediction = (sigmoid(affine(params, "gate", both)) * affine(params, "value", h) * mask[..., None]).sum(1)
    else:
        memories = affine(params, "project", both) * mask[..., None]  # (graph, vertex, memory)
        if readout == "set2set":
            embedding, found["attention"] = set2set(params, memories, mask, steps)
        else:
            embedding = memories.sum(1)
        # y = W_2 relu(W_1 q*_M + b_1) + b_2
        rectified = np.maximum(affine(params, "output.hidden", embedding), 0)
        prediction = affine(params, "output.prediction", rectified)  # (graph, target)
        found |= {"memories": memories, "embedding": embedding}
    # loss = mean (y - target)^2
    return {**found, "prediction": prediction, "loss": ((prediction - batch["target"]) ** 2).mean()}


def edge_network(params: Arrays, name: str, bonds: Array) -> Array:
    """A(e) of every edge, (graph, edge, hidden, hidden): one matrix for each edge vector, used in all rounds."""
    rectified = np.maximum(affine(params, f"{name}.hidden", bonds), 0)  # (graph, edge, edge_hidden)
    flat = affine(params, f"{name}.matrix", rectified)  # (graph, edge, hidden^2), row by row
    side = int(flat.shape[-1] ** 0.5)
    return flat.reshape(*flat.shape[:-1], side, side)


def messages(channels: Sequence[Array], h: Array, batch: Arrays) -> Array:
    """m (graph, vertex, 2 hidden): what comes along incoming edges, then along outgoing ones."""
    graph, found = np.arange(len(h))[:, None], []
    for A, (begin, end) in zip(channels, (("source", "target_vertex"), ("target_vertex", "source")), strict=True):
        # A(e) h_w
        sent = np.einsum("gedc,gec->ged", A, h[graph, batch[begin]]) * batch["edge_mask"][..., None]
        # m_v = sum over the edges at v
        total = np.zeros_like(h)
        np.add.at(total, (graph, batch[end]), sent)
        found.append(total)
    return np.concatenate(found, -1)


def gru(params: Arrays, m: Array, h: Array) -> Array:
    """h_v^{t+1}, (graph, vertex, hidden)."""
    z_given, r_given, new_given = np.split(affine(params, "gru.message", m), 3, -1)
    U_z, U_r, U = np.split(params["gru.state.weight"], 3)
    # z = sigma(W_z m + U_z h),  r = sigma(W_r m + U_r h)
    z, r = sigmoid(z_given + h @ U_z.T), sigmoid(r_given + h @ U_r.T)
    # h~ = tanh(W m + U [r h]),  the new state is z h + (1 - z) h~
    return z * h + (1 - z) * np.tanh(new_given + (r * h) @ U.T)


def set2set(params: Arrays, memories: Array, mask: Array, steps: int) -> tuple[Array, Array]:
    """q*_M (graph, 2 memory) and a (graph, step, vertex)."""
    count, _, size = memories.shape
    star, cell, trace = np.zeros((count, 2 * size)), np.zeros((count, size)), []
    for _step in range(steps):
        # q_t = LSTM(q*_{t-1})
        i, f, g, o = np.split(affine(params, "set2set.gates", star), 4, -1)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        q = sigmoid(o) * np.tanh(cell)  # (graph, memory)
        # a_t = softmax_v(n_v . q_t), where a vertex that is not there has the score -inf
        weights = softmax(np.where(mask, np.einsum("gvm,gm->gv", memories, q), -np.inf))
        # q*_t = [q_t; sum_v a_tv n_v]
        star = np.concatenate([q, np.einsum("gv,gvm->gm", weights, memories)], -1)
        trace.append(weights)
    return star, np.stack(trace, 1)


def affine(params: Arrays, name: str, x: Array) -> Array:
    return x @ params[f"{name}.weight"].T + params[f"{name}.bias"]


def sigmoid(a: Array) -> Array:
    # sigma(a) = 1 / (1 + exp(-a)) = exp(-log(1 + exp(-a))), which is exactly 0 or 1 at a = -1000 or 1000
    return np.exp(-np.logaddexp(0.0, -a))


def softmax(scores: Array) -> Array:
    """exp s / sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def shapes(*, features: int, bond: int, edge_hidden: int, hidden: int, memory: int, output_hidden: int, targets: int, rounds: int,
           readout: str, **_: int) -> dict[str, tuple[int, ...]]:  # fmt: skip
    """The name and the shape of every parameter: those of edges and update where there are rounds, and those of the readout."""
    sizes: dict[str, tuple[int, int]] = {}
    if rounds:
        for name in ("edge_in", "edge_out"):
            sizes |= {f"{name}.hidden": (edge_hidden, bond), f"{name}.matrix": (hidden * hidden, edge_hidden)}
        sizes |= {"gru.message": (3 * hidden, 2 * hidden), "gru.state": (3 * hidden, hidden)}
    if readout == "gated":
        sizes |= {"gate": (targets, hidden + features), "value": (targets, hidden)}
    else:
        sizes["project"] = (memory, hidden + features)
        if readout == "set2set":
            sizes["set2set.gates"] = (4 * memory, 2 * memory)
        sizes["output.hidden"] = (output_hidden, memory * (2 if readout == "set2set" else 1))
        sizes["output.prediction"] = (targets, output_hidden)
    found: dict[str, tuple[int, ...]] = {}
    for name, (out, into) in sizes.items():
        found[f"{name}.weight"] = (out, into)
        if name != "gru.state":  # U has none: one bias stands in each affine map of the unit
            found[f"{name}.bias"] = (out,)
    return found


def problem(seed: int) -> Problem:
    """Two molecules of `molecules.SMALL` of 4 to 6 carbon atoms and different sizes, with drawn features and their own π energy and gap."""
    rng = np.random.default_rng([12, seed])
    large = ["fulvene", "benzene"][seed % 2]
    small = ["butadiene", "methylenecyclopropene", "trimethylenemethane", "cyclobutadiene"][int(rng.integers(4))]
    return drawn(rng, [molecules.SMALL[large], molecules.SMALL[small]], CONFIG)


def drawn(
    rng: np.random.Generator, graphs: Sequence[tuple[int, Sequence[tuple[int, int]]]], config: dict[str, Any]
) -> Problem:
    """These molecules, a feature vector drawn for each atom and for each bond, targets what Hückel's theory says of them (or further
    drawn numbers). Redrawn until no rectified unit is near its kink."""
    while True:
        params = {name: _draw(rng, name, shape) for name, shape in shapes(**config).items()}
        bonds = [rng.normal(size=(len(edges), config["bond"])) for _, edges in graphs]
        batch = molecules.arrays(graphs, [np.concatenate([b, b]) for b in bonds])
        atoms = rng.normal(size=(*batch["vertex_mask"].shape, config["features"])) * batch["vertex_mask"][..., None]
        known = np.array([molecules.huckel(count, edges) for count, edges in graphs])  # (graph, 2)
        more = rng.normal(size=(len(graphs), max(0, config["targets"] - 2)))
        target = np.concatenate([known, more], 1)[:, : config["targets"]]
        found = Problem(config, params, {"atoms": atoms, **batch, "target": target}, learning_rate=0.02)
        if margins(found) > KINK:
            return found


def margins(problem: Problem) -> float:
    """The least distance of a rectified unit from zero, edges that are not there left out."""
    params, batch, inside = problem.params, problem.batch, [np.inf]
    for name in ("edge_in", "edge_out"):
        if f"{name}.hidden.weight" in params and batch["edge_mask"].any():
            inside.append(np.abs(affine(params, f"{name}.hidden", batch["bonds"][batch["edge_mask"]])).min())
    if "output.hidden.weight" in params:
        embedding = forward(params, batch, **problem.config)["embedding"]
        inside.append(np.abs(affine(params, "output.hidden", embedding)).min())
    return float(min(inside))


def _draw(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Array:
    """Variance 1 / fan-in, biases of standard deviation 0.3; an edge's matrix is small, since neighbours add."""
    if len(shape) == 1:
        return rng.normal(0, 0.1 if ".matrix." in name else 0.3, shape)
    return rng.normal(0, shape[1] ** -0.5 * (0.5 if ".matrix." in name else 1.0), shape)


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
