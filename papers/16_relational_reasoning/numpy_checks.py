r"""The relation network, paper 16: one function of two objects, summed over all pairs of a set, and read out.

Santoro, Raposo, Barrett, Malinowski, Pascanu, Battaglia, Lillicrap, «A simple neural network module for relational reasoning»,
2017, arXiv:1706.01427.

    (1)         RN(O) = f_phi( sum_{i,j} g_theta(o_i, o_j) )      over all n^2 ordered pairs, an object with itself included
    section 4   a = f_phi( sum_{i,j} g_theta(o_i, o_j, q) )       where a question says which relations matter
    section 2   «a list of only those pairs that should be considered»: the sum runs over some of the pairs
    supplement  D: cross-entropy of a softmax over the possible answers; the rival puts one MLP of the same layers in the RN's place

    paper        name here               shape
    o_i          objects, mask           (batch, object, feature), (batch, object); a false mask is padding
    q            question                (batch, bit)
    pairs        edges                   (batch, object, object); edges[b, i, j]: is (o_i, o_j) considered
    g_theta      relation.k.weight, .bias: ReLU behind every layer
    relations    relations               (batch, tuple, relation), zero for what is not considered
    sum          total                   (batch, relation)
    f_phi        readout.k.weight, .bias: ReLU behind every layer but the last
    answer       logits, target          (batch, answer), (batch,)

    reads        what g is applied to
    pairs        all ordered pairs; pair (i, j) of n objects has place i n + j among the tuples          the paper's module
    objects      single objects: the sum is a function of a set, and no relation enters g                a rival
    list         all of them at once, side by side in the order given, padding as zeros                  the paper's rival, an MLP
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Arrays, Invariant, Problem, sibling

CONFIG: dict[str, Any] = {
    "features": 3, "bits": 2, "relation": (5, 4), "readout": (6,), "answers": 3, "reads": "pairs", "places": 0,
}  # fmt: skip


def forward(params: Arrays, batch: Arrays, *, features: int, bits: int, relation: tuple[int, ...],
            readout: tuple[int, ...], answers: int, reads: str, places: int) -> dict[str, Array]:  # fmt: skip
    """The names of the table, in the order of computation; `loss` in nats a question. `places` is the length of a list.

    Without any pair the sum is zero, and the answer f(0), whatever the question is.
    Raises ValueError where a target is no answer.
    """
    inputs, considered = tuples(batch, reads)  # (batch, tuple, features), (batch, tuple)
    # g(o_i, o_j, q)
    related = mlp(params, "relation", inputs, len(relation), last_relu=True)  # (batch, tuple, relation)
    relations = np.where(considered[..., None], related, 0)
    # sum_{i,j} g(o_i, o_j, q)
    total = relations.sum(1)  # (batch, relation)
    # f(.)
    logits = mlp(params, "readout", total, len(readout) + 1, last_relu=False)  # (batch, answer)
    target = batch["target"]
    if ((target < 0) | (target >= answers)).any():
        raise ValueError(f"a target is no answer: there are {answers}, from 0 to {answers - 1}")
    # -mean over examples of log softmax(logits)[target]
    loss = -log_softmax(logits)[np.arange(len(target)), target].mean()
    return {"relations": relations, "total": total, "logits": logits, "loss": np.asarray(loss)}


def tuples(batch: Arrays, reads: str) -> tuple[Array, Array]:
    """What g reads, and which of it is considered: (batch, tuple, ...) and (batch, tuple)."""
    objects, mask = batch["objects"], batch["mask"]
    count, size = mask.shape
    if reads == "pairs":
        first = np.repeat(objects, size, 1)  # o_i of the pair at i n + j
        second = np.tile(objects, (1, size, 1))  # o_j
        parts = [first, second]
        considered = (mask[:, :, None] & mask[:, None] & batch["edges"]).reshape(count, -1)
    elif reads == "objects":
        parts, considered = [objects], mask
    else:
        parts = [np.where(mask[..., None], objects, 0).reshape(count, 1, -1)]
        considered = np.ones((count, 1), bool)
    question = np.repeat(batch["question"][:, None], considered.shape[1], 1)
    return np.concatenate([*parts, question], -1), considered


def mlp(params: Arrays, name: str, x: Array, layers: int, last_relu: bool) -> Array:
    for k in range(layers):
        # W x + b
        x = x @ params[f"{name}.{k}.weight"].T + params[f"{name}.{k}.bias"]
        if last_relu or k < layers - 1:
            x = np.maximum(x, 0)
    return x


def log_softmax(logits: Array) -> Array:
    """s - log sum exp s over the last axis, shifted by the maximum so that nothing overflows."""
    shifted = logits - logits.max(-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return result


def width(*, features: int, bits: int, reads: str, places: int, **_: Any) -> int:
    """How many numbers g reads."""
    return {"pairs": 2, "objects": 1, "list": places}[reads] * features + bits


def shapes(**config: Any) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every parameter."""
    found: dict[str, tuple[int, ...]] = {}
    inner = (width(**config), *config["relation"])
    outer = (config["relation"][-1], *config["readout"], config["answers"])
    for name, sizes in (("relation", inner), ("readout", outer)):
        for k, (entering, leaving) in enumerate(zip(sizes[:-1], sizes[1:], strict=True)):
            found |= {f"{name}.{k}.weight": (leaving, entering), f"{name}.{k}.bias": (leaving,)}
    return found


def problem(seed: int = 0) -> Problem:
    """Two sets, of 3 objects and of 2, each with a question; two pairs of the first are not considered."""
    return drawn(np.random.default_rng([16, seed]), (3, 2), CONFIG)


def drawn(rng: np.random.Generator, sizes: tuple[int, ...], config: dict[str, Any], dropped: int = 2) -> Problem:
    """Sets of these sizes, drawn anew until no ReLU is within 1e-3 of its kink; numbers stand in the padding too, and must not
    matter. Of the pairs of each set but the last, `dropped` are not considered."""
    longest, count = max(sizes), len(sizes)
    while True:
        mask = np.arange(longest) < np.array(sizes)[:, None]  # (batch, object)
        edges = np.ones((count, longest, longest), bool)
        for b in range(count - 1):
            edges[b].flat[rng.permutation(longest**2)[:dropped]] = False
        batch = {
            "objects": rng.normal(size=(count, longest, config["features"])),
            "mask": mask,
            "edges": edges,
            "question": rng.normal(size=(count, config["bits"])),
            "target": rng.integers(0, config["answers"], count),
        }
        params = {name: rng.normal(0, 0.8, shape) for name, shape in shapes(**config).items()}
        found = Problem(config, params, batch, learning_rate=0.02)
        if far_from_kinks(found):
            return found


def far_from_kinks(problem: Problem) -> bool:
    """Whether every number that a ReLU is given is 1e-3 or more away from 0, and each layer passes something on."""
    config, params = problem.config, problem.params
    x, considered = tuples(problem.batch, config["reads"])
    for name, layers in (("relation", len(config["relation"])), ("readout", len(config["readout"]))):
        for k in range(layers):
            x = x @ params[f"{name}.{k}.weight"].T + params[f"{name}.{k}.bias"]
            if np.abs(x).min() < 1e-3 or not (x > 0).reshape(-1, x.shape[-1]).any(0).all():
                return False
            x = np.maximum(x, 0)
        x = np.where(considered[..., None], x, 0).sum(1) if name == "relation" else x
    return True


def invariants() -> list[Invariant]:
    """The properties that every executable layer must have: `invariants.py`."""
    return list(sibling(__file__, "invariants.py").invariants())
