"""What the experiment draws (paper 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s30.room import Array, Bars, Figure, Graph, Panels, Scatter, sibling

molecules = sibling(__file__, "molecules.py")

COLOURS = {"set2set": 0, "sum": 1, "bag of atoms": 2, "ridge": 3, "shuffled": 4, "bag, energy": 2, "ridge, energy": 3}
NETS = {"mpnn": "set2set", "sum": "sum", "bag": "bag of atoms", "ridge": "ridge", "shuffled": "shuffled"}
ENERGIES = {"bag_energy": "bag, energy", "energy_ridge": "ridge, energy"}


def drawn(metrics: Mapping[str, Sequence[float]], gaps: Mapping[str, Array], truth: Array) -> dict[str, Figure]:
    """`gaps` are answers for held-out molecules of the last seed, whose gaps are `truth`."""
    values = {label: np.array(metrics[f"r2_{net}"]) for net, label in {**NETS, **ENERGIES}.items()}
    return {
        "explained": Bars(
            "Variance of held-out gaps that is explained, and of held-out energies", "R²",
            {label: float(value.mean()) for label, value in values.items()},
            errors={label: float(np.ptp(value) / 2) for label, value in values.items()},
            caption="Held-out molecules, none of which was trained on under another numbering. Counts of atoms and bonds say nearly all of "
            "the total π energy and little of the gap; messages along bonds say more. Whiskers: half the range over seeds.",
            colours=COLOURS,
        ),
        "gaps": Scatter(
            "Gaps of 150 held-out molecules", "Hückel's, in -β", "predicted, in -β",
            {label: (truth[:150].tolist(), gaps[label][:150].tolist()) for label in gaps}, diagonal=True, colours=COLOURS,
            caption="On the line a prediction would be right. Ridge regression on counts answers nearly the mean for all; the network "
            "tells small gaps from large ones, roughly.",
        ),
        "alike": alike(),
    }  # fmt: skip


def alike() -> Panels:
    """Naphthalene and fulvalene; a vertex bears the letter of its state, and a number."""
    hexagon, pentagon = polygon(6, np.pi / 6), polygon(5, np.pi)
    # naphthalene's shared bond is the hexagon's right side, from corner 0 (above) to corner 5 (below)
    corners = {v: hexagon[corner] for v, corner in zip((0, 9, 8, 7, 6, 5), range(6), strict=True)}
    corners |= {v: hexagon[corner] + (np.sqrt(3), 0) for v, corner in zip((1, 2, 3, 4), (1, 0, 5, 4), strict=True)}
    mirrored = pentagon * (-1, 1) + (2 * pentagon[0, 0] - 1, 0)
    places = {
        "naphthalene": corners,
        "fulvalene": {**dict(enumerate(pentagon)), **dict(enumerate(mirrored, 5))},
    }
    return Panels(
        "What no messages tell apart",
        [picture(name, places[name]) for name in places],
        caption="Equal letters: equal states after any number of rounds, where atoms differ by their number of hydrogen atoms alone and "
        "bonds do not. A bond leads both ways. Both molecules have two a, four b and four c, so every readout is the same; their gaps are "
        "1.236 and 0.364.",
    )


def picture(name: str, places: Mapping[int, Array]) -> Graph:
    count, edges = molecules.SMALL[name]
    kinds = colours(count, edges)
    called = {v: f"{kinds[v]}{kinds[: v + 1].count(kinds[v])}" for v in range(count)}
    nodes = {called[v]: (float(places[v][0]), float(places[v][1])) for v in range(count)}
    return Graph(name, nodes, [(called[v], called[w], "") for v, w in edges])


def colours(count: int, edges: Sequence[tuple[int, int]]) -> list[str]:
    """A letter for each vertex, the same where all rounds of messages give the same state: refined until nothing changes."""
    A = molecules.adjacency(count, edges)
    kind = -A.sum(0).astype(int)
    for _ in range(count):
        seen = [(int(kind[v]), *sorted(int(kind[w]) for w in np.flatnonzero(A[v]))) for v in range(count)]
        kind = np.array([sorted(set(seen)).index(one) for one in seen])
    return ["abcdefghij"[k] for k in kind]


def polygon(sides: int, start: float) -> Array:
    """Corners of a regular polygon with sides of length 1."""
    angle = start + 2 * np.pi * np.arange(sides) / sides
    return np.column_stack([np.cos(angle), np.sin(angle)]) / (2 * np.sin(np.pi / sides))
