r"""Generated scenes in which a vehicle is a boat or a car by what lies far from it, and how segmentations are measured (paper 11).

A front end has named everything but the vehicles: of these it says «boat or car» by halves. In every scene there is one
square of water or of road, and each vehicle's pixel lies at a Chebyshev distance from `near` to `far` of it. Scenes come in
pairs that are alike but for that square, so of two vehicles that look the same from where the square cannot be seen, one
is named wrongly, whatever is named.

    class      0 ground   1 water   2 road   3 boat   4 car
    maps       1 for the class of a pixel, 1/2 and 1/2 for a vehicle, and noise between 0 and NOISE
    labels     the class, or IGNORED for one pixel in twenty
"""

from typing import NamedTuple

import numpy as np

from s30.room import Array

CLASSES, IGNORED = 5, 255
GROUND, WATER, ROAD, BOAT, CAR = range(CLASSES)
HEIGHT, WIDTH, SIDE, NOISE = 10, 18, 3, 0.02


class Scenes(NamedTuple):
    """maps (scene, class, height, width); labels (scene, height, width). The first half has water, the second road."""

    maps: Array
    labels: Array


def scenes(rng: np.random.Generator, pairs: int, near: int, far: int) -> Scenes:
    """Pairs of scenes whose vehicles are at a distance of `near` to `far` from the square."""
    rows, columns = np.indices((HEIGHT, WIDTH))[:, None]  # (1, height, width)
    top, left = (rng.integers(0, side - SIDE + 1, (pairs, 1, 1)) for side in (HEIGHT, WIDTH))
    away = np.maximum(
        np.maximum(top - rows, rows - top - SIDE + 1), np.maximum(left - columns, columns - left - SIDE + 1)
    ).clip(0)  # (pair, height, width): the Chebyshev distance from the square
    square = away == 0
    vehicles = (away >= near) & (away <= far) & (rng.random(square.shape) < 0.5)
    hidden = rng.random(square.shape) < 0.05
    noise = NOISE * rng.random((pairs, CLASSES, HEIGHT, WIDTH))
    maps, labels = [], []
    for context, vehicle in ((WATER, BOAT), (ROAD, CAR)):
        label = np.where(square, context, np.where(vehicles, vehicle, GROUND))
        evidence = np.eye(CLASSES)[np.where(vehicles, GROUND, label)].transpose(0, 3, 1, 2)
        halves = np.array([0.0, 0.0, 0.0, 0.5, 0.5])[:, None, None]
        maps.append(np.where(vehicles[:, None], halves, evidence) + noise)
        labels.append(np.where(hidden, IGNORED, label))
    return Scenes(np.concatenate(maps), np.concatenate(labels))


def without_context(part: Scenes) -> Scenes:
    """The square is ground in the maps and has no label: nothing is left that tells boats from cars.

    Of three classes then, the ceiling of a mean over them is (1 + 2/3) / 3 = 5/9.
    """
    maps = part.maps.copy()
    maps[:, GROUND] = np.maximum(maps[:, GROUND], maps[:, WATER : ROAD + 1].max(1))
    half = len(maps) // 2
    maps[:, WATER : ROAD + 1] = np.tile(
        np.minimum(maps[:half, WATER : ROAD + 1], maps[half:, WATER : ROAD + 1]), (2, 1, 1, 1)
    )
    maps[:, GROUND] = np.tile(maps[:half, GROUND], (2, 1, 1))
    square = (part.labels == WATER) | (part.labels == ROAD)
    return Scenes(maps, np.where(square, IGNORED, part.labels))


def confusion(labels: Array, named: Array, classes: int, ignored: int) -> Array:
    """(class, class): how many pixels of a class were named so, over all scenes at once; pixels without a label not counted."""
    known = labels != ignored
    return np.bincount(classes * labels[known] + named[known], minlength=classes**2).reshape(classes, classes)


def intersections(confused: Array) -> Array:
    """Intersection over union of each class that occurs, in the labels or in what was named: TP / (TP + FP + FN)."""
    both, union = np.diag(confused), confused.sum(0) + confused.sum(1) - np.diag(confused)
    return both[union > 0] / union[union > 0]


def told_apart(labels: Array, named: Array) -> float:
    """Share of the vehicles' pixels that are named differently in the two scenes of a pair."""
    first, second = np.split(named, 2)
    vehicles = np.split(labels, 2)[0] == BOAT
    return float((first != second)[vehicles].mean())
