"""Checks beyond the floor: polygons, exact answers on cases by hand, the search's promises, and the experiment's data."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def geometry(room: Paper):
    return room.module("geometry.py")


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4]])


def test_a_polygon_is_the_same_from_any_corner_and_in_both_directions(geometry) -> None:
    assert geometry.same_polygon([1, 2, 3, 4], [3, 4, 1, 2])
    assert geometry.same_polygon([1, 2, 3, 4], [2, 1, 4, 3])
    assert not geometry.same_polygon([1, 2, 3, 4], [1, 3, 2, 4])
    assert not geometry.same_polygon([1, 2, 3], [1, 2, 3, 4])


def test_a_bow_tie_crosses_itself_and_a_square_does_not(geometry) -> None:
    assert geometry.simple(SQUARE)
    assert not geometry.simple(SQUARE[[0, 2, 1, 3]])
    assert not geometry.simple(SQUARE[[0, 1, 2, 0]])
    assert not geometry.simple(SQUARE[:2])
    star = np.array([[0, 10], [6, -8], [-10, 3], [10, 3], [-6, -8]])
    assert not geometry.simple(star)
    assert geometry.simple(star[[0, 2, 4, 1, 3]])


def test_what_is_not_closed_or_does_not_end_is_no_polygon(geometry) -> None:
    assert geometry.corners([2, 4, 1, 2, 0, 0], 4) == [2, 4, 1]
    assert geometry.corners([2, 4, 1, 2], 4) is None
    assert geometry.corners([2, 4, 1, 0], 4) is None
    assert geometry.corners([2, 2, 0], 4) is None
    assert geometry.corners([2, 5, 1, 2, 0], 4) is None


def test_hull_of_the_papers_kind_starts_at_its_lowest_index_and_closes(geometry) -> None:
    inside = np.array([[[2, 1], [4, 0], [0, 4], [5, 5], [0, 0]]])  # the first point lies within
    assert geometry.hulls(inside)[0].tolist() == [2, 4, 3, 5, 2, 0, 0]


def test_areas_have_the_sign_of_the_direction(geometry) -> None:
    assert geometry.twice_area(SQUARE) == 32
    assert geometry.twice_area(SQUARE[::-1]) == -32


def test_shortest_tour_starts_in_the_first_city_and_runs_counter_clockwise(geometry) -> None:
    points = SQUARE[[2, 0, 3, 1]][None] * 100
    order, length = geometry.tours(points)
    assert order[0].tolist() == [1, 3, 2, 4]
    assert length[0] == pytest.approx(1600 / geometry.SIDE)
    assert geometry.twice_area(points[0, order[0] - 1]) > 0


def test_no_order_is_shorter_than_the_shortest_tour(geometry) -> None:
    points = geometry.sample(np.random.default_rng(3), 4, 6)
    _, shortest = geometry.tours(points)
    every = np.array(list(permutations(range(6))))
    lengths = geometry.lengths(points[:, None], np.broadcast_to(every, (4, *every.shape)))
    np.testing.assert_allclose(lengths.min(1), shortest, rtol=1e-12)


def test_sampled_sets_are_in_general_position(geometry) -> None:
    points = geometry.sample(np.random.default_rng(5), 200, 7, side=20)  # a small grid, where three are often on a line
    for corners in points.tolist():
        slopes = [
            {Fraction(y - v, x - u) if x != u else None for x, y in corners if (x, y) != (u, v)} for u, v in corners
        ]
        assert all(len(found) == 6 for found in slopes)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_masked_search_writes_a_permutation_whatever_the_parameters(room: Paper, width: int) -> None:
    checks, search = room.module("numpy_checks.py"), room.module("search.py")
    rng = np.random.default_rng(width)
    params = {name: rng.normal(0, 3, shape) for name, shape in checks.shapes(**checks.CONFIG).items()}
    lengths = rng.integers(1, 8, 50)
    mask = np.arange(7) < lengths[:, None]
    found, _ = search.written(params, rng.normal(size=(50, 7, 2)), mask, steps=9, width=width, reuse=False, stop=False)
    for row, length in zip(found, lengths, strict=True):
        assert sorted(row[:length]) == list(range(1, length + 1))
        assert not row[length:].any()


def test_a_wider_beam_keeps_what_is_more_probable(room: Paper) -> None:
    """Not a law of beams: with so many sequences kept, it holds for all of these sets."""
    checks, search = room.module("numpy_checks.py"), room.module("search.py")
    rng = np.random.default_rng(1)
    params = {name: rng.normal(size=shape) for name, shape in checks.shapes(**checks.CONFIG).items()}
    points, mask = rng.normal(size=(30, 5, 2)), np.ones((30, 5), bool)
    how = {"steps": 5, "reuse": False, "stop": False}
    (_, greedy), (_, whole) = (search.written(params, points, mask, width=width, **how) for width in (1, 120))
    assert (whole >= greedy - 1e-12).all()
    assert (whole > greedy + 1e-3).any()


def test_shuffled_targets_belong_to_other_sets_of_the_same_size(task) -> None:
    true, shuffled = (task.examples(np.random.default_rng(0), net, 300) for net in ("order", "shuffled"))
    np.testing.assert_array_equal(true["points"], shuffled["points"])
    assert (shuffled["target"].max(1) <= shuffled["point_mask"].sum(1)).all()
    assert (shuffled["target"] != true["target"]).any(1).mean() > 0.5


def test_each_training_example_has_the_right_answer(task, geometry) -> None:
    data = task.examples(np.random.default_rng(2), "hull", 90)
    for points, mask, target, known in zip(*data.values(), strict=True):
        size = mask.sum()
        grid = np.rint((points[:size] / 4 + 0.5) * geometry.SIDE).astype(int)
        assert target[: size + 2].tolist() == geometry.hulls(grid[None])[0].tolist()
        assert known.sum() == (target > 0).sum() + 1
        assert not target[known][-1]
