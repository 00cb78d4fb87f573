"""Independent computations that NumPy's pointer network, its search and its exact answers must equal (paper 06)."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from mpmath import exp, fdot, fsum, mpf, tanh, workdps

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")
geometry = sibling(__file__, "geometry.py")
search = sibling(__file__, "search.py")
marking = sibling(__file__, "marking.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "pointers_in_many_digits", "each probability is exp(u_j) over the sum of those that may be pointed at",
            "section 2.3 one step at a time, by mpmath with 60 digits", many_digits, ("large_scores", "tours", "partial"),
        ),
        Oracle(
            "widest_beam", "a beam as wide as there are tours finds the most probable one, and its probability",
            "brute force over all permutations", widest_beam, ("equal_scores",),
        ),
        Oracle(
            "greedy_step_by_step", "a beam of width 1 writes what the network finds most probable after each prefix",
            "one forward pass for each prefix", greedy_by_prefixes, ("equal_scores",),
        ),
        Oracle(
            "hulls", "hulls of 40 sets of 3 to 9 points", "Andrew's monotone chain", hulls,
        ),
        Oracle(
            "areas", "twice the hull's area is the number of grid points by Pick's theorem: 2 inside + boundary - 2",
            "counting points of a small grid", areas,
        ),
        Oracle(
            "tours", "the shortest tour's length, 5 sets each of 3 to 7 cities", "Held and Karp's dynamic program", tours,
        ),
        Oracle(
            "polygons", "which sequences are polygons, the hull, simple, and how large they are",
            "sets of edges, crossings by Cramer's rule in fractions, trapezoids", marking.polygons,
        ),
        Oracle(
            "right_answers", "the orders and tours that networks are trained to write", "sorting, all tours and their turning angles",
            marking.right_answers,
        ),
        Oracle(
            "training_examples", "how many sets there are of each size, their targets, and how much of these is known",
            "the same from the points that a network reads, by the chain, sorting and all tours", marking.examples,
        ),
        Oracle(
            "marks", "the metrics of answers that are right, right in other words, and wrong", "marks by hand", marking.marks,
        ),
    ]  # fmt: skip


def many_digits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params, batch, config = problem.params, problem.batch, problem.config
    outputs = forward(params, batch)
    may = checks.choices(
        batch["point_mask"], batch["target"], batch["target_mask"], reuse=config["reuse"], stop=config["stop"]
    )
    keys = checks.candidates(params, outputs["encoded"]) @ params["key.weight"].T  # (batch, choice, hidden)
    queries = outputs["decoded"] @ params["query.weight"].T  # (batch, output, hidden)
    v, theirs = params["score.weight"][0].tolist(), np.zeros(may.shape)
    with workdps(60):
        for b, i in np.ndindex(*may.shape[:2]):
            inner = [
                [mpf(float(a)) + mpf(float(d)) for a, d in zip(key, queries[b, i], strict=True)] for key in keys[b]
            ]
            weights = [exp(fdot(v, map(tanh, row))) if may[b, i, j] else mpf(0) for j, row in enumerate(inner)]
            theirs[b, i] = [float(weight / fsum(weights)) for weight in weights]
    return outputs["probability"], theirs


def widest_beam(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    points = problem.batch["points"][[1]]  # 4 points
    mask, orders = np.ones(points.shape[:2], bool), np.array(list(permutations(range(1, points.shape[1] + 1))))
    best, total = search.written(problem.params, points, mask, steps=4, width=len(orders), reuse=False, stop=False)
    every = {
        "points": np.repeat(points, len(orders), 0), "point_mask": np.repeat(mask, len(orders), 0),
        "target": orders, "target_mask": np.ones_like(orders, bool),
    }  # fmt: skip
    found = forward(problem.params, every, reuse=False, stop=False)["probability"]
    likely = np.log(np.take_along_axis(found, orders[..., None], 2)[..., 0]).sum(1)  # (order,)
    return np.append(best[0], total), np.append(orders[likely.argmax()], likely.max())


def greedy_by_prefixes(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    points, mask = problem.batch["points"], problem.batch["point_mask"]
    ours, _ = search.written(problem.params, points, mask, steps=4, width=1, reuse=False, stop=True)
    theirs = np.zeros_like(ours)
    for b in range(len(points)):
        for step in range(4):
            target = theirs[b : b + 1, : step + 1]  # the last one is <=, which may always be pointed at
            asked = {
                "points": points[[b]],
                "point_mask": mask[[b]],
                "target": target,
                "target_mask": np.ones_like(target, bool),
            }
            theirs[b, step] = forward(problem.params, asked, reuse=False, stop=True)["probability"][0, -1].argmax()
            if not theirs[b, step]:
                break
    return ours, theirs


def hulls(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng, ours, theirs = np.random.default_rng(6), [], []
    for at in range(40):
        size = 3 + at % 7
        points = geometry.sample(rng, 1, size)
        ours.append(np.pad(geometry.hulls(points)[0], (0, 9 - size)))
        closed = marking.hull(points[0].tolist())
        theirs.append(np.pad(closed, (0, 11 - len(closed))))
    return np.array(ours), np.array(theirs)


def areas(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    ours, theirs = [], []
    grid = np.stack(np.meshgrid(np.arange(12), np.arange(12)), -1).reshape(-1, 2)
    for points in geometry.sample(np.random.default_rng(7), 60, 6, side=12):
        polygon = points[np.array(geometry.corners(geometry.hulls(points[None])[0], 6)) - 1]
        side = np.stack([geometry.cross(a, b, grid) for a, b in zip(polygon, np.roll(polygon, -1, 0), strict=True)])
        inside, within = (side > 0).all(0).sum(), (side >= 0).all(0).sum()
        ours.append(geometry.twice_area(polygon))
        theirs.append(2 * inside + (within - inside) - 2)
    return np.array(ours), np.array(theirs)


def tours(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    rng = np.random.default_rng(8)
    sets = [geometry.sample(rng, 5, size) for size in range(3, 8)]
    found = [geometry.tours(points) for points in sets]
    written = [geometry.lengths(points, order - 1) for points, (order, _) in zip(sets, found, strict=True)]
    theirs = np.concatenate([geometry.held_karp(points) for points in sets])
    return np.stack([np.concatenate([length for _, length in found]), np.concatenate(written)]), np.stack(
        [theirs, theirs]
    )
