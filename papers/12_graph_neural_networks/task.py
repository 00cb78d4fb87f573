r"""HOMO-LUMO gaps of conjugated hydrocarbons, which Hückel's theory gives exactly, from their graphs.

    mpnn        edge network, GRU, set2set, three rounds                    the paper's network
    sum         the same with the sum of the projected tuples for readout
    bag         no rounds: a sum over atoms that see no bond but by their number of hydrogen atoms
    shuffled    the paper's network, trained on gaps of other molecules     the control
    ridge       linear in the counts of atoms by hydrogens and of bonds, for the gap and for the total pi energy

The total pi energy is nearly linear in these counts, and so no test of a network; the gap is not. Targets have mean 0 and variance 1, the
loss is the mean square, training is Adam (section 7), its rate rising for a tenth of the updates and falling linearly to zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from s30.room import Array, Arrays, Bars, Experiment, Framework, Metric, Training, linear_decay, sibling

checks = sibling(__file__, "numpy_checks.py")
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
    "shuffled": {"rounds": 3, "readout": "set2set"},
}
ATOMS = (8, 10, 12, 14)
EDGES = 2 * (max(ATOMS) - 1 + 3)
# Seeds, updates, skeletons drawn.
PROFILES = {"quick": (1, 300, 2000), "full": (3, 1500, 5000)}
BATCH, PEAK, BETAS, EPSILON, RIDGE = 32, 1e-2, (0.9, 0.999), 1e-8, 1e-3

NAMES = {"mpnn": "the message passing network", "sum": "the same with a sum for readout", "bag": "a bag of atoms"}
METRICS = {
    **{
        f"r2_{net}": Metric(f"share of the variance of held-out gaps that {name} explains", "share", "seeds", net, "high", spread=0.15)
        for net, name in NAMES.items()
    },
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
    """Parameters by name: normal with the variance 1 / fan-in, those of the edges' matrices a quarter of it; biases zero."""
    found = {}
    for name, shape in checks.shapes(**switches(net)).items():
        scale = 0.5 if ".matrix." in name else 1.0
        found[name] = np.zeros(shape) if len(shape) == 1 else rng.normal(0, scale * shape[1] ** -0.5, shape)
    return found


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
        metrics["r2_energy_ridge"].append(explained(linear[:, 0], asked[:, 0]))
        metrics["r2_ridge"].append(explained(linear[:, 1], asked[:, 1]))
        middle, width = truth[:, 1].mean(), truth[:, 1].std()
        data, test = {**encoded(known), "target": (truth[:, 1:] - middle) / width}, encoded(held)
        order = np.stack([rng.permutation(len(known))[:BATCH] for _ in range(updates)])
        shuffled = {**data, "target": data["target"][rng.permutation(len(known))]}
        start = {net: initial(np.random.default_rng([12, s, 1]), net) for net in NETS}
        answers = {}
        for number, net in enumerate(NETS):
            framework.progress((s - seed + number / len(NETS)) / seeds, f"seed {s}, {NAMES.get(net, net)}")
            length = updates // 2 if net in ("shuffled", "bag") else updates
            rates = linear_decay(PEAK, length, warm_up=length // 10)
            examples = shuffled if net == "shuffled" else data
            trained = framework.train(Training(net, start[net], examples, order[:length], rates))
            answers[net] = middle + width * framework.predict(net, trained.params, test)["prediction"][:, 0].astype(
                float
            )
            metrics[f"r2_{net}"].append(explained(answers[net], asked[:, 1]))
    return Experiment(metrics, drawn(metrics))


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


def drawn(metrics: dict[str, Any]) -> dict[str, Any]:
    labels = {"mpnn": "set2set", "sum": "sum", "bag": "bag of atoms", "ridge": "ridge", "shuffled": "shuffled"}
    return {
        "explained": Bars(
            "Variance of held-out gaps that is explained", "R²", {label: float(np.mean(metrics[f"r2_{net}"])) for net,
            label in labels.items()},
            caption="Held-out molecules, none of which was trained on under another numbering. Counts of atoms and "
            "bonds say little of a gap.",
        ),
    }  # fmt: skip
