"""Exact answers (paper 06, section 3): convex hulls by cross products of integers, tours by trying all, areas by the shoelace.

A point set is (set, point, 2), of integers; a choice counts points from 1, and 0 ends a sequence, as in `numpy_checks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from s30.room import Array

SIDE = 1000  # points lie on the grid {0, ..., SIDE - 1}^2; the networks read it as [-2, 2]^2


def cross(a: Array, b: Array, c: Array) -> Array:
    """(b - a) x (c - a), which is positive where a, b, c turn to the left; exact for integers."""
    p, q = b - a, c - a
    turn: Array = p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]
    return turn


def turns(points: Array) -> Array:
    """(set, point, point, point): cross of every three points."""
    return cross(points[:, :, None, None], points[:, None, :, None], points[:, None, None, :])


def sample(rng: np.random.Generator, count: int, size: int, side: int = SIDE) -> Array:
    """`count` sets of `size` uniform points, no three of a set on a line and no two equal: each has one hull."""
    found = np.empty((0, size, 2), int)
    first, second, third = (
        np.array([(i, j, k) for i in range(size) for j in range(i) for k in range(j)]).reshape(-1, 3).T
    )
    while len(found) < count:
        drawn = rng.integers(0, side, (count, size, 2))
        general = (cross(drawn[:, first], drawn[:, second], drawn[:, third]) != 0).all(1)
        found = np.concatenate([found, drawn[general]])
    return found[:count]


def hulls(points: Array) -> Array:
    """The hull of each set, counter-clockwise from its lowest index, and closed by it: (set, point + 2), then zeros.

    i -> j is an edge of it where every other point lies to the left.
    """
    count, size = points.shape[:2]
    left = turns(points) > 0
    at = np.arange(size)
    left[:, at, :, at] = left[:, :, at, at] = True
    edge = left.all(3) & ~np.eye(size, dtype=bool)  # (set, from, to)
    on, follows = edge.any(2), edge.argmax(2)
    rows, first = np.arange(count), on.argmax(1)
    written, now, done = np.zeros((count, size + 2), int), first, np.zeros(count, bool)
    for step in range(size + 1):
        written[:, step] = np.where(done, 0, now + 1)
        done = done | (step > 0) & (now == first)
        now = follows[rows, now]
    return written


def twice_area(polygon: Array) -> int:
    """Twice the signed area of a polygon (corner, 2): sum of x_i y_{i+1} - x_{i+1} y_i, exact for integers."""
    following = np.roll(polygon, -1, 0)
    return int((polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]).sum())


def corners(written: Sequence[int], size: int) -> list[int] | None:
    """The polygon of a written sequence: what stands before <=, without the closing first point. None where there is no <=, or it
    is not closed, or a choice is no point of the set."""
    sequence = [int(choice) for choice in written]
    if 0 not in sequence:
        return None
    sequence = sequence[: sequence.index(0)]
    if len(sequence) < 4 or sequence[0] != sequence[-1] or max(sequence) > size:
        return None
    return sequence[:-1]


def simple(polygon: Array) -> bool:
    """Whether a polygon (corner, 2) of points in general position crosses itself nowhere, and visits no corner twice."""
    count = len(polygon)
    if count < 3 or len({tuple(corner) for corner in polygon.tolist()}) < count:
        return False
    left = turns(polygon[None])[0] > 0  # (corner, corner, corner)
    for i in range(count):
        for j in range(i + 2, count - (i == 0)):  # edges without a common corner
            k, l = i + 1, (j + 1) % count
            if left[i, k, j] != left[i, k, l] and left[j, l, i] != left[j, l, k]:
                return False
    return True


def same_polygon(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether two cycles of corners are one polygon: equal up to where they start and which way they run."""
    if sorted(one) != sorted(other):
        return False
    start = list(other).index(one[0])
    turned = [*other[start:], *other[:start]]
    return list(one) in (turned, [turned[0], *turned[:0:-1]])


def covered(points: Array, one: Sequence[int] | None, hull: Sequence[int]) -> float | None:
    """The share of the hull's area that a polygon of points of the set covers, all of which lies within it; None where it is none,
    or not simple. Corners are numbers from 1."""
    ring = None if one is None else points[np.array(one) - 1]
    if ring is None or not simple(ring):
        return None
    return abs(twice_area(ring)) / twice_area(points[np.array(hull) - 1])


def tours(points: Array) -> tuple[Array, Array]:
    """The shortest tour of each set by trying all, from the first city, counter-clockwise, (set, point), and its length."""
    size = points.shape[1]
    # One of each two directions: (size - 1)! / 2 tours.
    orders = np.array([(0, *rest) for rest in permutations(range(1, size)) if rest[0] <= rest[-1]])
    length = lengths(points[:, None], np.broadcast_to(orders, (len(points), *orders.shape)))  # (set, order)
    best = orders[length.argmin(1)]
    ring = np.take_along_axis(points, best[..., None], 1)
    following = np.roll(ring, -1, 1)
    clockwise = (ring[..., 0] * following[..., 1] - following[..., 0] * ring[..., 1]).sum(1) < 0
    backwards = np.concatenate([best[:, :1], best[:, :0:-1]], 1)
    return 1 + np.where(clockwise[:, None], backwards, best), length.min(1)


def lengths(points: Array, order: Array) -> Array:
    """The length of closed tours in units of the square's side: points (..., point, 2), order (..., point) from 0."""
    ring = np.take_along_axis(points, order[..., None], -2)
    total: Array = np.sqrt(((ring - np.roll(ring, -1, -2)) ** 2).sum(-1)).sum(-1) / SIDE
    return total


def held_karp(points: Array) -> Array:
    """The length of the shortest tour of each set by dynamic programming over subsets (section 3.3), (set,)."""
    size = points.shape[1]
    step = np.sqrt(((points[:, :, None] - points[:, None]) ** 2).sum(-1)) / SIDE  # (set, from, to)
    rest = range(1, size)
    # best[S, j]: the shortest way from city 0 through all of S, a set of bits, that ends in j of S
    best = {(1 << j, j): step[:, 0, j] for j in rest}
    for subset in range(2, 1 << size, 2):
        inside = [j for j in rest if subset >> j & 1]
        for j in inside if len(inside) > 1 else ():
            before = subset & ~(1 << j)
            best[subset, j] = np.min([best[before, k] + step[:, k, j] for k in inside if k != j], 0)
    whole = (1 << size) - 2
    shortest: Array = np.min([best[whole, j] + step[:, j, 0] for j in rest], 0)
    return shortest
