r"""Conjugated hydrocarbons as graphs of their carbon atoms, and what Hückel's theory says of them.

    H = alpha 1 + beta A                  A the adjacency matrix of the carbon skeleton, one 2p electron for each atom
    E_k = alpha + x_k beta                x_1 >= x_2 >= ... the eigenvalues of A, roots of det(x 1 - A); beta < 0
    E_pi = 2 (x_1 + ... + x_{n/2})        two electrons in each of the lower orbitals, one in the next where n is odd
    gap = x_{n/2} - x_{n/2 + 1}           LUMO less HOMO, in -beta; zero where n is odd, since one orbital is both

A graph is (atoms, [(v, w), ...]), each bond once. A carbon atom of the skeleton has three sigma bonds, those that are no bonds of
the skeleton to hydrogen: 3 - degree of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s30.room import Array

Edges = Sequence[tuple[int, int]]
Graph = tuple[int, Edges]


def chain(n: int) -> Graph:
    return n, [(v, v + 1) for v in range(n - 1)]


def ring(n: int) -> Graph:
    return n, [(v, (v + 1) % n) for v in range(n)]


SMALL: dict[str, Graph] = {
    "ethylene": chain(2),
    "allyl": chain(3),
    "butadiene": chain(4),
    "hexatriene": chain(6),
    "trimethylenemethane": (4, [(0, 1), (0, 2), (0, 3)]),
    "cyclobutadiene": ring(4),
    "benzene": ring(6),
    "methylenecyclopropene": (4, [(0, 1), (1, 2), (2, 0), (0, 3)]),
    "fulvene": (6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (0, 5)]),
    # two pairs that no messages tell apart if all atoms and all bonds bear the same features: with benzene, and with each other
    "two_cyclopropenyls": (6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]),
    "naphthalene": (10, [*ring(10)[1], (0, 5)]),
    "fulvalene": (10, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (5, 6), (6, 7), (7, 8), (8, 9), (9, 5), (0, 5)]),
}


def adjacency(count: int, edges: Edges) -> Array:
    A = np.zeros((count, count))
    for v, w in edges:
        A[v, w] = A[w, v] = 1
    return A


def huckel(count: int, edges: Edges) -> tuple[float, float]:
    """π energy less n alpha, in beta, and the gap, in -beta."""
    # x_1 >= x_2 >= ...
    x = np.linalg.eigvalsh(adjacency(count, edges))[::-1]
    pairs = count // 2
    # E_pi = 2 (x_1 + ... + x_{n/2}), and one electron more where n is odd
    energy = 2 * x[:pairs].sum() + (x[pairs] if count % 2 else 0)
    # gap = x_{n/2} - x_{n/2 + 1}
    gap = 0.0 if count % 2 else x[pairs - 1] - x[pairs]
    return float(energy), float(gap)


def arrays(graphs: Sequence[Graph], bonds: Sequence[Array], vertices: int = 0, edges: int = 0) -> dict[str, Array]:
    """Masks and edge lists, (graph, vertex) and (graph, edge), each bond in both directions, first all of them as given and then all
    reversed; `bonds` holds a vector for each of these edges. Padded up to so many, or to the largest graph's."""
    vertices = max(vertices, *(count for count, _ in graphs), 0)
    edges = max(edges, *(2 * len(pairs) for _, pairs in graphs), 1)
    source, target = np.zeros((2, len(graphs), edges), int)
    features = np.zeros((len(graphs), edges, bonds[0].shape[1]))
    for g, ((_, pairs), vectors) in enumerate(zip(graphs, bonds, strict=True)):
        both = np.array([*pairs, *((w, v) for v, w in pairs)], int).reshape(-1, 2)
        source[g, : len(both)], target[g, : len(both)] = both.T
        features[g, : len(both)] = vectors
    return {
        "vertex_mask": np.arange(vertices) < np.array([count for count, _ in graphs])[:, None],
        "source": source, "target_vertex": target, "bonds": features,
        "edge_mask": np.arange(edges) < np.array([2 * len(pairs) for _, pairs in graphs])[:, None],
    }  # fmt: skip


def distances(count: int, edges: Edges) -> Array:
    """Bonds on a shortest path, (count, count); count where there is none."""
    A, found = adjacency(count, edges), np.full((count, count), count)
    reached = np.eye(count, dtype=bool)
    found[reached] = 0
    for step in range(1, count):
        new = (reached @ A > 0) & (found == count)
        if not new.any():
            break
        found[new] = step
        reached = new
    return found


def in_ring(count: int, edges: Edges) -> Array:
    """Whether each bond lies on a ring: as a resistor among others of 1 it then has less than 1 between its ends."""
    A = adjacency(count, edges)
    inverse = np.linalg.pinv(np.diag(A.sum(0)) - A)
    v, w = np.array(edges).T
    return inverse[v, v] + inverse[w, w] - 2 * inverse[v, w] < 1 - 1e-6


def grown(rng: np.random.Generator, count: int) -> Graph:
    """A skeleton of an even number of atoms with a Kekulé structure: from ethylene, again and again two atoms joined by a double
    bond, one of which is bound to an atom with less than three bonds; then up to three rings of 5 or 6 atoms are closed, bonds
    between atoms with less than three."""
    edges = [(0, 1)]
    degree = np.zeros(count, int)
    degree[:2] = 1
    for new in range(2, count, 2):
        old = int(rng.choice(np.flatnonzero((degree[:new] < 3) & (degree[:new] > 0))))
        edges += [(old, new), (new, new + 1)]
        degree[[old, new, new + 1]] += (1, 2, 1)
    for _ in range(int(rng.integers(0, 4))):
        apart = distances(count, edges)
        open_ = (degree < 3)[:, None] & (degree < 3)
        pairs = np.argwhere(np.triu(open_ & ((apart == 4) | (apart == 5))))
        for v, w in pairs[rng.permutation(len(pairs))[:1]].tolist():  # one of them, if there is any
            edges.append((v, w))
            degree[[v, w]] += 1
    return count, edges


def double(count: int, edges: Edges) -> Array:
    """Which bonds of a skeleton from `grown` are double: the first, and every second one up to the last atom."""
    position = np.arange(len(edges))
    return (position % 2 == 0) & (position < count)


def polynomial(count: int, edges: Edges) -> tuple[int, ...]:
    """The coefficients of det(x 1 - A), whole numbers, from the eigenvalues: the same for all drawings of one molecule."""
    return tuple(int(c) for c in np.rint(np.poly(np.linalg.eigvalsh(adjacency(count, edges)))))


def held_out(graph: Graph) -> bool:
    """One molecule in four, by its characteristic polynomial, so that no relabelling of one is trained on."""
    key = 0
    for coefficient in polynomial(*graph):
        key = (31 * key + coefficient) % 1_000_003
    return key % 4 == 0


def library(rng: np.random.Generator, draws: int, sizes: Sequence[int]) -> tuple[list[Graph], list[Graph]]:
    """Molecules to train on and held-out ones: so many drawn, of which those with one characteristic polynomial count once."""
    found = {polynomial(*graph): graph for graph in (grown(rng, int(rng.choice(sizes))) for _ in range(draws))}
    split: tuple[list[Graph], list[Graph]] = ([], [])
    for graph in found.values():
        split[held_out(graph)].append(graph)
    return split
