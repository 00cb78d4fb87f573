"""Answers marked another way: polygons by their edges, crossings by equations, and metrics of answers whose marks are known (paper 06)."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from math import atan2, dist, pi

import numpy as np

from s30.room import Array, Forward, Problem, sibling

geometry = sibling(__file__, "geometry.py")
task = sibling(__file__, "task.py")
Point = tuple[int, int]


def polygons(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """Random closed and open sequences over 5 points: is it a polygon, is it the hull, is it simple, twice its area."""
    rng, ours, theirs = np.random.default_rng(9), [], []
    for points in geometry.sample(rng, 60, 5):
        truth = hull(points.tolist())[1:]
        for written in (_sequence(rng), [truth[-1], *truth, 0], [truth[0], *truth[::-1], 0]):
            one = geometry.corners(written, 5)
            ring = None if one is None else points[np.array(one) - 1]
            ours.append(
                [-1, -1, -1]
                if one is None or ring is None
                else [geometry.same_polygon(one, truth), geometry.simple(ring), geometry.twice_area(ring)]
            )
            theirs.append(_marks(written, truth, [tuple(map(int, point)) for point in points]))
    return np.array(ours, int), np.array(theirs, int)


def _sequence(rng: np.random.Generator) -> list[int]:
    """Of 3 to 5 corners, mostly different and mostly closed; a name that no point has, or no end, now and then."""
    body = list(1 + rng.permutation(5)[: rng.integers(2, 6)])
    if rng.random() < 0.3:
        body.insert(int(rng.integers(len(body))), int(rng.integers(1, 7)))
    return [*body, *([body[0]] if rng.random() < 0.8 else []), *([0, 0] if rng.random() < 0.9 else [])]


def _marks(written: list[int], truth: list[int], points: list[Point]) -> list[int]:
    if 0 not in written:
        return [-1, -1, -1]
    path = written[: written.index(0)]
    if any(choice > 5 for choice in path) or len(path) < 4 or path[0] != path[-1]:
        return [-1, -1, -1]
    edges = list(zip(path, path[1:], strict=False))
    same = sorted(map(sorted, edges)) == sorted(map(sorted, zip(truth, [*truth[1:], truth[0]], strict=True)))
    lines = [(points[a - 1], points[b - 1]) for a, b in edges]
    twice = len(set(path[1:])) < len(edges)
    crossed = any(_meet(one, other) for one, other in combinations(lines, 2) if not set(one) & set(other))
    return [same, not (twice or crossed), sum((b[0] - a[0]) * (a[1] + b[1]) for a, b in lines) * -1]


def _meet(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    """Whether a + s (b - a) = c + t (d - c) for some s and t between 0 and 1, by Cramer's rule in fractions."""
    (a, b), (c, d) = one, other
    p, q, r = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1]), (c[0] - a[0], c[1] - a[1])
    by = p[0] * q[1] - p[1] * q[0]  # 0 where they are parallel
    s, t = (Fraction(r[0] * way[1] - r[1] * way[0], by or 1) for way in (q, p))
    return by != 0 and 0 <= s <= 1 and 0 <= t <= 1


def right_answers(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What the networks are trained to write for 20 sets of 5 points: orders and tours."""
    sets = geometry.sample(np.random.default_rng(10), 20, 5)
    ours = [task.answers(net, sets) for net in ("order", "rival", "shuffled", "tour")]
    orders, tours = (np.array([right(points) for points in sets.tolist()]) for right in (_order, _tour))
    return np.stack(ours), np.stack([orders, orders, orders, tours])


def _order(points: list[list[int]]) -> list[int]:
    return sorted(range(1, len(points) + 1), key=lambda number: points[number - 1][0])


def _tour(points: list[list[int]]) -> list[int]:
    """The shortest from the first city of all orders; of its two directions the one whose turns add up to +2 pi."""
    ways = [[1, *rest] for rest in permutations(range(2, len(points) + 1))]
    lengths = [sum(dist(points[a - 1], points[b - 1]) for a, b in zip(way, [*way[1:], 1], strict=True)) for way in ways]
    best = [way for way, length in zip(ways, lengths, strict=True) if length < min(lengths) * (1 + 1e-12)]
    return max(best, key=lambda way: _turning([points[number - 1] for number in way]))


def _turning(ring: list[list[int]]) -> float:
    ways = [atan2(b[1] - a[1], b[0] - a[0]) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)]
    return sum((after - before + pi) % (2 * pi) - pi for before, after in zip(ways, [*ways[1:], ways[0]], strict=True))


def examples(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """What networks are trained on: 24 examples each; of every size as many as of any other, with the right answers."""
    ours, theirs = [], []
    for net, sizes, right in (
        ("hull", (3, 4, 5), hull),
        ("rival", (4,), _order),
        ("tour", (3, 4, 5, 6), _tour),
        ("order", (3, 4, 5, 6), _order),
    ):
        data = task.examples(np.random.default_rng(11), net, 24)
        ours.append(np.bincount(data["point_mask"].sum(1), minlength=8))
        theirs.append([24 // len(sizes) if size in sizes else 0 for size in range(8)])
        for points, mask, target, known in zip(*data.values(), strict=True):
            answer = right(
                np.rint(250 * points[mask] + 500).astype(int).tolist()
            )  # [-2, 2]^2 is the square of side 1000
            ours.append([*target, known.sum()])
            theirs.append([*answer, *[0] * (7 - len(answer)), len(answer) + (net in ("hull", "rival"))])
    return np.array(ours), np.array(theirs)


def hull(points: list[list[int]]) -> list[int]:
    """Numbers of the corners, counter-clockwise from the lowest, which comes last as well."""
    ring = chain(points)
    start = ring.index(min(ring))
    return [1 + i for i in (*ring[start:], *ring[: start + 1])]


def chain(points: list[list[int]]) -> list[int]:
    """Indices of the hull's corners, counter-clockwise: the lower side from left to right, then the upper one back."""
    ring: list[int] = []
    for order in (
        sorted(range(len(points)), key=points.__getitem__),
        sorted(range(len(points)), key=points.__getitem__)[::-1],
    ):
        side: list[int] = []
        for i in order:
            while len(side) > 1 and _turn(points[side[-2]], points[side[-1]], points[i]) <= 0:
                side.pop()
            side.append(i)
        ring += side[:-1]
    return ring


def _turn(a: list[int], b: list[int], c: list[int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


CROSSED = np.array([[10, 10], [900, 0], [1000, 910], [0, 1000], [480, 540]])  # four corners, and a point within


def marks(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """`task.examined` of answers that are right, right in other words, and wrong, each in one way."""
    five = np.stack([CROSSED] * 5)
    hulls = [[1, 2, 3, 4, 1], [3, 2, 1, 4, 3], [1, 2, 3, 1], [1, 3, 2, 4, 1], [1, 2, 3, 4]]  # the last is not closed
    found = task.examined("hull", five, _said(hulls))
    area = 10 * (0 - 910) + 900 * (910 - 10) + 1000 * (10 - 0)  # twice that of 1, 2, 3
    rest = 10 * (910 - 1000) + 1000 * (1000 - 10)  # of 1, 3, 4
    ours = [found[name] for name in ("exact_hull_5_greedy", "exact_hull_5_beam", "simple_5", "area_5")]
    theirs = [0.4, 0.4, 0.6, (2 + area / (area + rest)) / 3]

    order = [[4, 1, 5, 2, 3], [4, 1, 5, 2, 3], [1, 4, 5, 2, 3], [3, 2, 5, 1, 4], [4, 1, 5, 2, 3, 3]]
    ours += [task.examined(net, five, _said(order))[f"exact_{net}_5_greedy"] for net in ("order", "rival")]
    theirs += [0.4, 0.4]

    # The shortest in both directions, and from another city; another tour; a city twice.
    tours = [[1, 2, 3, 5, 4], [1, 4, 5, 3, 2], [2, 3, 5, 4, 1], [1, 2, 3, 4, 5], [1, 2, 3, 2, 5]]
    found = task.examined("tour", five, _said(tours))
    way = [sum(dist(CROSSED[a - 1], CROSSED[b - 1]) for a, b in zip(t, [*t[1:], t[0]], strict=True)) for t in tours]
    way[4] = way[3]  # where there is no tour the given order counts
    ours += [found[f"{name}_5_{how}"] for how in ("greedy", "beam") for name in ("length", "exact_tour")]
    theirs += 2 * [sum(way) / 5 / way[0], 0.6]
    ours += [found["invalid_5_free"], found["invalid_5_masked"]]
    return np.array(ours), np.array([*theirs, 0.2, 0.2])


def _said(rows: list[list[int]]) -> dict[str, Array]:
    """As `predict` answers, by every search alike."""
    written = np.array([row + [0] * (7 - len(row)) for row in rows])
    return dict.fromkeys(("greedy", "beam", "free"), written) | {"greedy_log_p": np.zeros(len(rows))}
