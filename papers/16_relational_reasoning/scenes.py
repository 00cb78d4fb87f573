r"""Sort-of-CLEVR as state descriptions: scenes, questions and their exact answers (paper 16, section 3.2 and supplement D).

    scene      6 objects on an image of 75 x 75, each a square or a circle, one of each of 6 colours, none over another
    question   11 bits: the colour asked about (6), non-relational or relational (2), which of three questions (3)
    answers    square, circle, left, right, top, bottom, and the counts 1 to 6

    non-relational   «What is the shape of the red object?»   «Is it on the left or right?»   «… on the top or bottom?»
    relational       «What is the shape of the object that is closest to the red object?»   «… furthest from it?»
                     «How many objects have the shape of the red object?»

What the paper leaves open: the closest and the furthest object are other ones than the object itself; the count has it among
them, so it is never 0; no other two objects are equally close to, or equally far from, one that may be asked about, and none
stands on a middle line: such scenes are drawn anew, so that every question has one answer. Distances are between centres, squared,
in whole pixels, so that all this is exact. y grows downwards.
"""

from __future__ import annotations

import numpy as np

from s30.room import Array

COLOURS = ("red", "green", "blue", "orange", "gray", "yellow")
ANSWERS = ("square", "circle", "left", "right", "top", "bottom", "1", "2", "3", "4", "5", "6")
QUESTIONS = ("shape", "horizontal", "vertical", "closest", "furthest", "count")  # the last three are relational
SIZE, RADIUS = 75, 5  # pixels; an object covers 11 x 11 of them
FEATURES, BITS = len(COLOURS) + 4, len(COLOURS) + 5


def scenes(rng: np.random.Generator, count: int, size: int = 6) -> tuple[Array, Array]:
    """Centres (scene, object, 2) in pixels, x before y, and shapes (scene, object), 0 a square, 1 a circle.

    Object k has colour k. Scenes with an overlap, a tie or an object on a middle line are drawn anew.
    """
    centres = np.zeros((count, size, 2), int)
    todo = np.arange(count)
    while len(todo):
        centres[todo] = rng.integers(RADIUS, SIZE - RADIUS, (len(todo), size, 2))
        todo = todo[~general(centres[todo])]
    return centres, rng.integers(0, 2, (count, size))


def squared_distances(centres: Array) -> Array:
    """(scene, object, object), whole numbers."""
    apart = centres[:, :, None] - centres[:, None]
    result: Array = (apart**2).sum(-1)
    return result


def general(centres: Array) -> Array:
    """Whether no objects overlap, none stands on a middle line, and closest and furthest are one object each: (scene,)."""
    size, apart = centres.shape[1], np.abs(centres[:, :, None] - centres[:, None]).max(-1)
    same = np.eye(size, dtype=bool)
    fine = (apart > 2 * RADIUS)[:, ~same].all(1) & (centres != SIZE // 2).all((1, 2))
    if size > 2:
        ranked = np.sort(squared_distances(centres)[:, ~same].reshape(len(centres), size, size - 1), -1)
        fine &= (ranked[..., 0] < ranked[..., 1]).all(1) & (ranked[..., -2] < ranked[..., -1]).all(1)
    result: Array = fine
    return result


def answers(centres: Array, shapes: Array) -> Array:
    """The right answer to every question about every object, numbers in ANSWERS: (scene, object, question)."""
    d, own = squared_distances(centres), np.eye(centres.shape[1], dtype=bool)
    closest = np.where(own, d.max() + 1, d).argmin(2)  # (scene, object), never the object itself
    furthest = np.where(own, -1, d).argmax(2)
    alike = (shapes[:, :, None] == shapes[:, None]).sum(2)  # itself included
    middle = SIZE // 2
    return np.stack(
        [
            shapes,
            2 + (centres[..., 0] > middle),
            4 + (centres[..., 1] > middle),
            np.take_along_axis(shapes, closest, 1),
            np.take_along_axis(shapes, furthest, 1),
            5 + alike,
        ],
        -1,
    )


def guesses(centres: Array, shapes: Array) -> Array:
    """What is best answered where all shapes and sides are known, and not which object is asked about; to the closest and the
    furthest, where the shapes of the others are known, and no distance. (scene, object, question); of equal ones the lower.

    The commonest shape and sides among all objects; the commonest shape among the others; the larger number of a shape.
    """
    count, size = shapes.shape
    middle = SIZE // 2
    circles = shapes.sum(1, keepdims=True)
    others = circles - shapes  # circles among the others, (scene, object)
    right, below = ((centres[..., axis] > middle).sum(1, keepdims=True) for axis in (0, 1))

    def commonest(number: Array, of: int, first: int) -> Array:
        return np.broadcast_to(first + (2 * number > of), (count, size))

    of_others = commonest(others, size - 1, 0)
    same = commonest(circles, size, 0), commonest(right, size, 2), commonest(below, size, 4)
    return np.stack(
        [*same, of_others, of_others, np.broadcast_to(5 + np.maximum(circles, size - circles), (count, size))], -1
    )


def described(centres: Array, shapes: Array) -> Array:
    """State descriptions (scene, object, feature): colour and shape as one of several, x and y in [-1, 1]."""
    count, size = shapes.shape
    colour = np.broadcast_to(np.eye(len(COLOURS))[:size], (count, size, len(COLOURS)))
    return np.concatenate([colour, np.eye(2)[shapes], centres / (SIZE // 2) - 1.0], 2)


def asked(colour: Array, question: Array) -> Array:
    """The 11 bits of each question, (..., 11)."""
    relational = question // 3
    return np.concatenate([np.eye(6)[colour], np.eye(2)[relational], np.eye(3)[question % 3]], -1)
