r"""HOMO-LUMO gaps of conjugated hydrocarbons, which Hückel's theory gives exactly, from their graphs.

    mpnn        edge network, GRU, set2set, three rounds                    the paper's network
    sum         the same with the sum of the projected tuples for readout
    bag         no rounds: a sum over atoms that see no bond but by their number of hydrogen atoms, for two and a half times the updates
    bag_energy  the same bag, trained on the total pi energy                what a bag is good for
    shuffled    the paper's network, trained on gaps of other molecules     the control, for two fifths of the updates
    ridge       linear in the counts of atoms by hydrogens and of bonds, for the gap and for the total pi energy

The total pi energy is nearly linear in these counts, and so no test of a network; the gap is not. Section 7 of the paper: one network for
each target, targets of mean 0 and variance 1, the mean square as loss, Adam on minibatches of 20. Here the rate rises for a tenth of the
updates and falls linearly to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
figures = sibling(__file__, "figures.py")
molecules = checks.molecules

SIZES = {
    "features": 3,
    "bond": 3,
    "edge_hidden": 8,
    "hidden": 12,
    "memory": 12,
    "output_hidden": 16,
    "targets": 1,
    "steps": 3,
}
NETS: dict[str, dict[str, Any]] = {
    "mpnn": {"rounds": 3, "readout": "set2set"},
    "sum": {"rounds": 3, "readout": "sum"},
    "bag": {"rounds": 0, "readout": "sum"},
    "bag_energy": {"rounds": 0, "readout": "sum"},
    "shuffled": {"rounds": 3, "readout": "set2set"},
}
# Updates, in the network's: one of the bag costs a twentieth.
LENGTH = {"bag": 2.5, "bag_energy": 2.5, "shuffled": 0.4}
ENERGY, GAP = 0, 1  # columns of what `molecules.huckel` says
ATOMS = (10, 12, 14)
EDGES = 2 * (max(ATOMS) - 1 + 3)
# Seeds, updates, skeletons drawn.
PROFILES = {"quick": (1, 350, 3000), "full": (3, 1500, 12000)}
BATCH, PEAK, BETAS, EPSILON, RIDGE = 20, 1e-2, (0.9, 0.999), 1e-8, 1e-3

NAMES = {"mpnn": "the message passing network", "sum": "the same with a sum for readout", "bag": "a bag of atoms"}
METRICS = {
    **{
        f"r2_{net}": Metric(f"share of the variance of held-out gaps that {name} explains", "share", "seeds", net, "high", spread=0.15)
        for net, name in NAMES.items()
    },
    "r2_bag_energy": Metric("share of the variance of held-out total pi energies that the bag of atoms explains", "share", "seeds",
                            "bag", "high", spread=0.05),
    "r2_shuffled": Metric("the same of the network trained on gaps of other molecules", "share", "seeds", "shuffled", "high", control=True,
                          spread=0.15),
    "r2_ridge": Metric("the same of ridge regression on counts of atoms and bonds", "share", "seeds"),
    "r2_energy_ridge": Metric("share of the variance of held-out total pi energies that this ridge explains", "share", "seeds"),
    "molecules_seen": Metric("share of held-out molecules that are trained on, by their characteristic polynomial", "share", "seeds",
    good="low"),
}  # fmt: skip


def switches(net: str) -> dict[str, Any]:
    """The configuration of a net: what `Model` and `forward` are built with."""
    return {**checks.CONFIG, **SIZES, **NETS[net]}


def initial(rng: np.random.Generator, net: str) -> dict[str, Array]:
    """Parameters by name: normal with the variance 1 / fan-in, those of the edges' matrices a quarter of it; biases zero. The last layer
    behind a sum starts at a tenth, since the sum of 10 to 14 atoms is large."""
    scales = {"edge_in.matrix.weight": 0.5, "edge_out.matrix.weight": 0.5}
    if NETS[net]["readout"] == "sum":
        scales["output.prediction.weight"] = 0.1
    return {
        name: np.zeros(shape) if len(shape) == 1 else rng.normal(0, scales.get(name, 1.0) * shape[1] ** -0.5, shape)
        for name, shape in checks.shapes(**switches(net)).items()
    }


def encoded(graphs: Sequence[Any]) -> dict[str, Array]:
    """An atom is one-hot by its hydrogen atoms, 0 to 2. A bond is one-hot by whether it is single or double in the Kekulé structure that
    `molecules.grown` has drawn, and bears a 1 where it lies in a ring."""
    bonds = [
        np.tile(np.column_stack([np.eye(2)[molecules.double(*g).astype(int)], molecules.in_ring(*g)]), (2, 1))
        for g in graphs
    ]
    batch = molecules.arrays(graphs, bonds, max(ATOMS), EDGES)
    atoms = np.zeros((*batch["vertex_mask"].shape, 3))
    for g, (count, edges) in enumerate(graphs):
        atoms[g, :count] = np.eye(3)[3 - molecules.adjacency(count, edges).sum(0).astype(int)]
    return {"atoms": atoms, **batch}


def predict(net: str, params: Arrays, inputs: Arrays) -> dict[str, Array]:
    """The gap in units of the training set's deviation from its mean, (molecule, 1)."""
    unknown = {**inputs, "target": np.zeros((len(inputs["atoms"]), 1))}
    return {"prediction": checks.forward(params, unknown, **switches(net))["prediction"]}


def run(profile: str, seed: int, framework: Framework) -> Experiment:
    seeds, updates, draws = PROFILES[profile]
    metrics: dict[str, float | list[float]] = {name: [] for name in METRICS}
    for s in range(seed, seed + seeds):
        rng = np.random.default_rng([12, s])
        known, held = molecules.library(rng, draws, ATOMS)
        seen = {molecules.polynomial(*graph) for graph in known}
        metrics["molecules_seen"].append(float(np.mean([molecules.polynomial(*graph) in seen for graph in held])))
        truth, asked = (
            np.array([molecules.huckel(*graph) for graph in graphs]) for graphs in (known, held)
        )  # energy, gap
        linear = ridge(counts(known), truth, counts(held))
        metrics["r2_energy_ridge"].append(explained(linear[:, ENERGY], asked[:, ENERGY]))
        metrics["r2_ridge"].append(explained(linear[:, GAP], asked[:, GAP]))
        middle, width = truth.mean(0), truth.std(0)
        scaled, inputs, test = (truth - middle) / width, encoded(known), encoded(held)
        order = np.stack([rng.permutation(len(known))[:BATCH] for _ in range(int(updates * max(LENGTH.values())))])
        others, answers = rng.permutation(len(known)), {}
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {NAMES.get(net, net)}")
            target = ENERGY if net == "bag_energy" else GAP
            length = int(updates * LENGTH.get(net, 1))
            learnt = scaled[others if net == "shuffled" else slice(None), target]
            start, rates = (
                initial(np.random.default_rng([12, s, 1]), net),
                linear_decay(PEAK, length, warm_up=length // 10),
            )
            trained = framework.train(
                Training(net, start, {**inputs, "target": learnt[:, None]}, order[:length], rates)
            )
            answer = framework.predict(net, trained.params, test)["prediction"][:, 0].astype(float)
            answers[net] = middle[target] + width[target] * answer
            metrics[f"r2_{net}"].append(explained(answers[net], asked[:, target]))
        shown = {"set2set": answers["mpnn"], "ridge": linear[:, GAP]}
    return Experiment(metrics, figures.drawn(metrics, shown, asked[:, GAP]))


def explained(found: Array, truth: Array) -> float:
    """R^2 = 1 - sum (y - y^)^2 / sum (y - mean)^2."""
    return float(1 - ((truth - found) ** 2).sum() / ((truth - truth.mean()) ** 2).sum())


def counts(graphs: Sequence[Any]) -> Array:
    """Atoms with one, two and three bonds, bonds, and 1."""
    degrees = [np.bincount(molecules.adjacency(*graph).sum(0).astype(int), minlength=4)[1:4] for graph in graphs]
    return np.array([[*degree, len(edges), 1.0] for degree, (_, edges) in zip(degrees, graphs, strict=True)])


def ridge(X: Array, Y: Array, asked: Array) -> Array:
    """(X^T X + lambda 1)^-1 X^T Y, applied to `asked`."""
    return asked @ np.linalg.solve(X.T @ X + RIDGE * np.eye(X.shape[1]), X.T @ Y)
