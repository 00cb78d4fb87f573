"""The n-th farthest task of section 4.1 and A.1: sequences, answers, what can be got without relations, and exact answers.

    (x_t; l_t; n; m)    a vector from U(-1, 1), its label, and the question, the same at every step, as one-hot vectors
    answer              the label of the n-th farthest vector from the one labelled m; the farthest for n = 1, m itself for n = N

Labels are drawn without repetition and do not follow the order in time. Coordinates are multiplied by `SCALE` before a net sees them.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np

from s30.room import Array, Arrays

PLANE, SCALE = 2, 3.0  # of 14 or 11 inputs two are coordinates: larger ones are learnt from sooner


def drawn(rng: np.random.Generator, count: int, vectors: int, all_questions: bool) -> dict[str, Array]:
    """inputs (sequence, step, feature), label (sequence,), and what they are made of: vectors, labels, n and m. Without `all_questions`
    the farthest is asked for, n = 1."""
    x = rng.uniform(-1, 1, (count, vectors, PLANE))
    labels = rng.permuted(np.tile(np.arange(vectors), (count, 1)), axis=1)  # (sequence, step)
    n = rng.integers(vectors, size=count) if all_questions else np.zeros(count, int)  # 0 is the farthest
    m = rng.integers(vectors, size=count)
    one_hot, steps = np.eye(vectors), np.ones((1, vectors, 1))
    question = np.concatenate([one_hot[n], one_hot[m]], 1)[:, None] * steps
    inputs = np.concatenate([SCALE * x, one_hot[labels], question], -1)
    answer = np.take_along_axis(farthest_first(x, labels, m), n[:, None], 1)[:, 0]
    return {"inputs": inputs, "label": answer, "vectors": x, "labels": labels, "n": n, "m": m}


def with_vectors_of_others(rng: np.random.Generator, inputs: Array) -> Array:
    """The same labels and questions beside the vectors of other sequences, which tell nothing of the answer."""
    return np.concatenate([inputs[rng.permutation(len(inputs)), :, :PLANE], inputs[..., PLANE:]], -1)


def features(vectors: int) -> int:
    return PLANE + 3 * vectors


def farthest_first(x: Array, labels: Array, m: Array) -> Array:
    """The labels from the farthest to m itself, (sequence, vector)."""
    at = (labels == m[:, None]).argmax(1)
    distance = ((x - x[np.arange(len(x)), at][:, None]) ** 2).sum(-1)
    return np.take_along_axis(labels, np.argsort(-distance, 1), 1)


def exactly(data: Arrays, count: int) -> Array:
    """The answers to the first sequences in rational arithmetic: the coordinates are doubles, so squared distances are exact."""
    found = []
    for x, labels, n, m in zip(*(data[name][:count] for name in ("vectors", "labels", "n", "m"))):
        points = [[Fraction(float(c)) for c in point] for point in x]
        own = points[list(labels).index(m)]
        distances = [sum((a - b) ** 2 for a, b in zip(point, own)) for point in points]
        found.append(labels[sorted(range(len(points)), key=lambda at: -distances[at])[n]])
    return np.array(found)


def by_length(data: Arrays) -> float:
    """Share of right answers of who answers with the longest vector but m's: that compares vectors, and none of them with m's."""
    length = np.where(data["labels"] == data["m"][:, None], -1, (data["vectors"] ** 2).sum(-1))
    answer = np.take_along_axis(data["labels"], length.argmax(1)[:, None], 1)[:, 0]
    return float((answer == data["label"]).mean())


def without_vectors(vectors: int) -> float:
    """The best share of right answers of who knows n, m and the labels, and no vector: counted over all rankings, which are equally likely,
    and all n, with the best answer to each question."""
    m, right = 0, 0
    others = [label for label in range(vectors) if label != m]
    rankings = [(*order, m) for order in permutations(others)]  # m is nearest to itself
    for n in range(vectors):
        right += max(sum(order[n] == guess for order in rankings) for guess in range(vectors))
    return right / (vectors * len(rankings))
