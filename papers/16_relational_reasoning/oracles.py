"""Independent computations that NumPy's relation network and the exact answers must equal (paper 16)."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from math import dist

import numpy as np

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")
scenes = sibling(__file__, "scenes.py")
task = sibling(__file__, "task.py")

SIZES = (1, 2, 3, 4, 5, 6)


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "pair_by_pair", "sum and logits, one pair at a time", "exact fractions, with loops over pairs, units and numbers", fractions,
            ("deeper", "one_pair_left", "duplicates", "at_the_kink"),
        ),
        Oracle(
            "answers_from_descriptions", "the answer to all 6 questions about each object of scenes of 2 to 6 objects, in any order",
            "reading the state description and the 11 bits, object by object", from_descriptions,
        ),
        Oracle(
            "scenes_without_ties", "which scenes of 2 to 5 objects are drawn anew, on a coarse grid where ties are frequent",
            "looking at every object, one after the other", ties_by_hand,
        ),
        Oracle(
            "guesses_from_scenes", "what is best answered without knowing which object is asked about, or where it and the others stand",
            "the commonest answer over all objects of the scene, and the commonest shape of the others, by counting", commonest_answers,
        ),
        Oracle(
            "guesses_over_all_shapes", "how often guesses at shape, closest, furthest and count are right, over all 32 shapes of a scene",
            "11/16, as derived", all_shapes,
        ),
        Oracle(
            "scenes_as_drawn", "of 200 scenes none is to be drawn anew; they reach every border, and half of their objects are circles",
            "looking at every object, one after the other", drawn,
        ),
        Oracle(
            "links_by_counting", "how many of 15 pairs of points are linked", "distances, pair by pair", links,
        ),
        Oracle(
            "shares_by_question", "the share that is right of every kind of question, and of either sort", "answer by answer", shares,
        ),
        Oracle(
            "count_by_hand", "weights set by hand answer «how many have the shape of …?» exactly, for 1 to 6 objects in any order",
            "counting", count_by_hand,
        ),
    ]  # fmt: skip


def fractions(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    batch, config = problem.batch, problem.config
    weights = {
        name: [list(map(Fraction, row)) for row in np.atleast_2d(v).tolist()] for name, v in problem.params.items()
    }

    def layer(name: str, x: list[Fraction], relu: bool) -> list[Fraction]:
        bias = weights[f"{name}.bias"][0]
        out = [
            sum((w * v for w, v in zip(row, x, strict=True)), c)
            for row, c in zip(weights[f"{name}.weight"], bias, strict=True)
        ]
        return [max(v, Fraction(0)) for v in out] if relu else out

    totals, logits = [], []
    for b in range(len(batch["target"])):
        total = [Fraction(0)] * config["relation"][-1]
        here = np.flatnonzero(batch["mask"][b])
        for i, j in ((i, j) for i in here for j in here if batch["edges"][b, i, j]):
            x = list(map(Fraction, [*batch["objects"][b, i], *batch["objects"][b, j], *batch["question"][b]]))
            for k in range(len(config["relation"])):
                x = layer(f"relation.{k}", x, relu=True)
            total = [s + v for s, v in zip(total, x, strict=True)]
        x = total
        for k in range(len(config["readout"]) + 1):
            x = layer(f"readout.{k}", x, relu=k < len(config["readout"]))
        totals.append(list(map(float, total)))
        logits.append(list(map(float, x)))
    found = forward(problem.params, batch)
    return np.concatenate([found["total"], found["logits"]], 1), np.concatenate([totals, logits], 1)


def from_descriptions(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng, ours, theirs = np.random.default_rng([16, 20]), [], []
    for size in SIZES[1:]:
        centres, shapes = scenes.scenes(rng, 3, size)
        right = scenes.answers(centres, shapes)
        for row, objects in zip(right, scenes.described(centres, shapes), strict=True):
            listed = objects[rng.permutation(size)].tolist()
            for colour, question in np.ndindex(*row.shape):
                ours.append(row[colour, question])
                theirs.append(answer(listed, scenes.asked(colour, question).astype(int).tolist()))
    return np.array(ours), np.array(theirs)


def answer(listed: list[list[float]], bits: list[int]) -> int:
    """Colours are one of the first six bits; then non-relational or relational, and the first, second or third of these."""
    thing = next(o for o in listed if o[bits[:6].index(1)] == 1)
    relational, which = bits[6:8].index(1) == 1, bits[8:].index(1)
    is_circle, (x, y) = (lambda o: o[7] == 1), thing[8:]
    if not relational:
        name = ["circle" if is_circle(thing) else "square", "right" if x > 0 else "left", "bottom" if y > 0 else "top"][
            which
        ]
    elif which == 2:
        name = str(sum(is_circle(o) == is_circle(thing) for o in listed))
    else:
        ranked = sorted((o for o in listed if o is not thing), key=lambda o: (o[8] - x) ** 2 + (o[9] - y) ** 2)
        name = "circle" if is_circle(ranked[-which]) else "square"
    return scenes.ANSWERS.index(name)


def ties_by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng, ours, theirs = np.random.default_rng([16, 23]), [], []
    for size in (2, 3, 4, 5):
        centres = 6 + 12 * rng.integers(0, 6, (150, size, 2))
        centres[rng.random(150) < 0.1, 0, 0] = 37  # a middle line
        ours += scenes.general(centres).tolist()
        theirs += map(stays, centres.tolist())
    return np.array(ours, float), np.array(theirs, float)


def stays(scene: list[list[int]]) -> bool:
    fine = all(37 not in at for at in scene)
    for k, (x, y) in enumerate(scene):
        others = [at for i, at in enumerate(scene) if i != k]
        fine &= all(abs(x - a) > 10 or abs(y - b) > 10 for a, b in others)
        apart = [(x - a) ** 2 + (y - b) ** 2 for a, b in others]
        fine &= len(others) == 1 or apart.count(min(apart)) == apart.count(max(apart)) == 1
    return fine


def drawn(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    centres, shapes = scenes.scenes(np.random.default_rng([16, 24]), 200, 5)
    staying = [stays(scene) for scene in centres.tolist()]
    seen = [*staying, *centres.min((0, 1)), *centres.max((0, 1)), round(shapes.mean(), 1), *np.unique(shapes)]
    return np.array(seen, float), np.array([1] * 200 + [5, 5, 69, 69, 0.5, 0, 1])


def all_shapes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    centres, _ = scenes.scenes(np.random.default_rng([16, 25]), 1, 5)
    shapes = np.array(list(np.ndindex(*[2] * 5)))
    centres = np.repeat(centres, len(shapes), 0)
    right = (scenes.guesses(centres, shapes) == scenes.answers(centres, shapes)).mean((0, 1))
    return right[[0, 3, 4, 5]], np.full(4, 11 / 16)


def links(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    points = np.random.default_rng([16, 26]).uniform(-1, 1, (300, 6, 2)) * np.linspace(0.2, 1, 300)[:, None, None]
    counted = [sum(dist(p, q) < 0.55 for p, q in combinations(those, 2)) for those in points.tolist()]
    return task.linked(points).astype(float), np.minimum(counted, 6).astype(float)


def shares(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng = np.random.default_rng([16, 27])
    kind, right = rng.integers(0, 6, 90), rng.random(90) < 0.7
    found, by_kind = task.shares(right, kind), {}
    for k, name in enumerate(("shape", "horizontal", "vertical", "closest", "furthest", "count")):
        those = [bool(r) for r, asked in zip(right, kind, strict=True) if asked == k]
        by_kind[name] = sum(those) / len(those)
    by_kind["non_relational"] = (by_kind["shape"] + by_kind["horizontal"] + by_kind["vertical"]) / 3
    by_kind["relational"] = (by_kind["closest"] + by_kind["furthest"] + by_kind["count"]) / 3
    return np.array([found[name] for name in by_kind]), np.array(list(by_kind.values()))


def commonest_answers(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The share answered right in each scene: no single answer to one of the first three questions, and to the last, can do better.
    Of the closest and the furthest the guess itself, where two and two are squares."""
    centres, shapes = scenes.scenes(np.random.default_rng([16, 21]), 20, 5)
    right, said = scenes.answers(centres, shapes), scenes.guesses(centres, shapes)
    ours = (right == said).mean(1)[:, [0, 1, 2, 5]]  # (scene, question)
    theirs = [[np.bincount(row[:, q]).max() / 5 for q in (0, 1, 2, 5)] for row in right]
    others = [[float(sum(row) - own > 2) for own in row] for row in shapes.tolist()]
    return np.concatenate([ours, said[..., 3], said[..., 4]], 1), np.concatenate([theirs, others, others], 1)


def hand_set() -> tuple[dict, dict]:
    """Parameters and configuration of a network that counts."""
    config = {
        "features": scenes.FEATURES, "bits": scenes.BITS, "relation": (8, 1), "readout": (), "answers": len(scenes.ANSWERS),
        "reads": "pairs", "places": 0,
    }  # fmt: skip
    params = {name: np.zeros(shape) for name, shape in checks.shapes(**config).items()}
    first, offset = params["relation.0.weight"], 2 * scenes.FEATURES
    for colour in range(6):  # [o_i has the colour] and [it is asked about]: 1 + 1 - 1
        first[colour, colour] = first[colour, offset + colour] = 1
    for shape in range(2):  # [o_i has the shape] and [o_j has it]
        first[6 + shape, 6 + shape] = first[6 + shape, scenes.FEATURES + 6 + shape] = 1
    params["relation.0.bias"][:] = -1
    params["relation.1.weight"][:], params["relation.1.bias"][:] = 1, -1  # both
    number = np.arange(1, 7)
    params["readout.0.weight"][6:, 0] = number  # n c - c^2 / 2 is largest at c = n
    params["readout.0.bias"][6:] = -(number**2) / 2
    params["readout.0.bias"][:6] = -100
    return params, config


def count_by_hand(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng, (params, config) = np.random.default_rng([16, 22]), hand_set()
    ours, theirs = [], []
    for size in SIZES:
        centres, shapes = scenes.scenes(rng, 4, size)
        colour, order = rng.integers(0, size, 4), rng.permutation(size)
        batch = {
            "objects": scenes.described(centres, shapes)[:, order],
            "mask": np.ones((4, size), bool),
            "edges": np.ones((4, size, size), bool),
            "question": scenes.asked(colour, np.full(4, 5)),
            "target": np.zeros(4, int),
        }
        found = forward(params, batch, **config)
        ours.append([found["total"][:, 0], found["logits"].argmax(1)])
        number = [int((row == row[k]).sum()) for row, k in zip(shapes, colour, strict=True)]
        theirs.append([number, [scenes.ANSWERS.index(str(n)) for n in number]])
    return np.array(ours), np.array(theirs, float)
