"""Checks beyond the floor: scenes keep what they promise, answers on cases by hand, and the experiment's data and sizes."""

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def scenes(room: Paper):
    return room.module("scenes.py")


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


def named(scenes, answers) -> list[list[str]]:
    return [[scenes.ANSWERS[k] for k in row] for row in answers]


def test_answers_on_a_scene_by_hand(scenes) -> None:
    """Red circle top left, green square beside it, blue circle bottom right."""
    centres, shapes = np.array([[[10, 10], [30, 12], [60, 65]]]), np.array([[1, 0, 1]])
    assert named(scenes, scenes.answers(centres, shapes)[0]) == [
        ["circle", "left", "top", "square", "circle", "2"],
        ["square", "left", "top", "circle", "circle", "1"],
        ["circle", "right", "bottom", "square", "circle", "2"],
    ]


def test_scenes_have_no_overlap_and_no_tie(scenes) -> None:
    centres, shapes = scenes.scenes(np.random.default_rng(0), 200)
    for scene in centres:
        for k, at in enumerate(scene):
            others = np.delete(scene, k, 0)
            assert (np.abs(others - at).max(1) > 2 * scenes.RADIUS).all()
            apart = sorted(((others - at) ** 2).sum(1))
            assert apart[0] < apart[1]
            assert apart[-2] < apart[-1]
    assert not (centres == scenes.SIZE // 2).any()
    assert 0.45 < shapes.mean() < 0.55


@pytest.mark.parametrize(
    "centres",
    [
        [[10, 10], [15, 10], [60, 60]],  # an overlap
        [[10, 10], [37, 30], [60, 60]],  # on a middle line
        [[30, 30], [30, 50], [50, 30], [60, 60]],  # two are equally close to the first
        [[30, 30], [30, 42], [60, 30], [30, 60]],  # two are equally far from the first
    ],
)
def test_such_a_scene_is_drawn_anew(scenes, centres) -> None:
    assert not scenes.general(np.array([centres]))[0]


def test_guesses_are_right_as_often_as_derived(scenes) -> None:
    drawn = scenes.scenes(np.random.default_rng(1), 4000, 5)
    right = (scenes.guesses(*drawn) == scenes.answers(*drawn)).mean((0, 1))
    np.testing.assert_allclose(right[[0, 3, 4, 5]], 11 / 16, atol=0.02)
    # objects do not overlap, so they crowd on one side less often than independent ones would
    assert ((right[1:3] > 0.63) & (right[1:3] < 11 / 16 - 0.01)).all()


def test_a_guess_is_the_same_for_every_object_where_it_knows_none(scenes) -> None:
    said = scenes.guesses(*scenes.scenes(np.random.default_rng(2), 50, 5))
    known_alone = said[..., [0, 1, 2, 5]]
    assert (known_alone == known_alone[:, :1]).all()


def test_rivals_have_as_many_parameters(task) -> None:
    sizes = {net: sum(int(np.prod(s)) for s in task.shapes(**how).values()) for net, how in task.NETS.items()}
    assert sizes["mlp"] == pytest.approx(sizes["rn"], rel=0.001)
    assert sizes["rn"] <= sizes["mlp"]
    for net in ("objects", "list"):
        assert sizes["pairs"] <= sizes[net] <= 1.02 * sizes["pairs"]


def test_shuffling_moves_objects_and_keeps_them(task, scenes) -> None:
    objects = scenes.described(*scenes.scenes(np.random.default_rng(3), 300, 5))
    moved = task.shuffled(np.random.default_rng(4), objects)
    assert (np.sort(moved.sum(2), 1) == np.sort(objects.sum(2), 1)).all()
    assert 0.15 < (moved[:, 0, 0] == 1).mean() < 0.25  # red is first in a fifth of the lists


def test_links_are_counted_as_pairs(task) -> None:
    points = np.array([[[0, 0], [0.5, 0], [1.0, 0], [-1, -1], [-1, 1], [1, 1]], [[0, 0]] * 6], float)
    assert task.linked(points).tolist() == [2, task.MOST]
