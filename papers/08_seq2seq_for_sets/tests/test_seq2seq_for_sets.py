"""Checks beyond the floor: the experiment's data, stars against their closed form, draws of orders, and the search's promises."""

from itertools import product

import numpy as np
import pytest

from s30.corpus.registry import Paper


@pytest.fixture
def task(room: Paper):
    return room.module("task.py")


@pytest.fixture
def stars(room: Paper):
    return room.module("stars.py")


def test_the_law_of_a_star_sums_to_one_and_is_what_is_drawn(stars) -> None:
    rng = np.random.default_rng(1)
    law = stars.star(rng, 3, 2, 1.5)
    settings = np.array(list(product(range(2), repeat=3)))
    law_of = np.exp(stars.log_probability(law, settings))
    assert law_of.sum() == pytest.approx(1)
    drawn = stars.sample(rng, law, 40000)
    shares = np.bincount(drawn @ [4, 2, 1], minlength=8) / len(drawn)
    np.testing.assert_allclose(shares, law_of, atol=4 * np.sqrt(0.25 / 40000))


def test_leaves_of_a_peaky_star_almost_follow_from_the_head(stars) -> None:
    def surprise(peak: float) -> float:
        law = stars.star(np.random.default_rng(2), 10, 6, peak)
        rows = law[1]
        return float(-(rows * np.log(rows)).sum(-1).mean())

    assert surprise(5.0) < 0.5 < 1.0 < surprise(1.5)


def test_both_orders_differ_in_the_place_of_the_head_alone(stars) -> None:
    first, last = stars.both_orders(5)
    assert first.tolist() == [0, 1, 2, 3, 4]
    assert last.tolist() == [1, 2, 3, 4, 0]


def test_rank_of_what_is_written_first(stars) -> None:
    values = np.array([[0, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]])  # variable 0 is always 0
    assert stars.rank_of_first(values, np.zeros_like(values)).tolist() == [0, 0, 0, 0]
    assert (stars.rank_of_first(values, np.ones_like(values)) > 0).all()


def test_orders_are_drawn_by_the_probabilities_of_what_is_left(room: Paper) -> None:
    checks, orders = room.module("numpy_checks.py"), room.module("orders.py")
    problem, rng = checks.problem(0), np.random.default_rng(0)
    values = np.repeat(problem.batch["values"][:1], 20000, 0)
    drawn = orders.drawn_orders(problem.params, values, rng.gumbel(size=(20000, 3, 3)), symbols=2)
    _, log_p = orders.chain(problem.params, values[:1], np.array([[0, 1, 2]]), variables=3, symbols=2, told=False)
    own = np.exp(log_p[0, 0, np.arange(3), values[0]])
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=3) / 20000, own / own.sum(), atol=0.02)
    assert (np.sort(drawn, 1) == np.arange(3)).all()


def test_masked_search_writes_a_permutation_whatever_the_parameters(room: Paper) -> None:
    checks, search = room.module("numpy_checks.py"), room.module("search.py")
    rng = np.random.default_rng(3)
    params = {name: rng.normal(0, 3, shape) for name, shape in checks.shapes(**checks.CONFIG).items()}
    mask = np.arange(6) < rng.integers(1, 7, 50)[:, None]
    found, _ = search.written(
        params, rng.normal(size=(50, 6, 2)), mask, steps=2, glimpse=True, ordered=False, reuse=False
    )
    for row, real in zip(found, mask, strict=True):
        assert sorted(row[real]) == list(range(real.sum()))
        assert (row[~real] == -1).all()


def test_equal_scores_take_the_earlier_place(room: Paper) -> None:
    checks, search = room.module("numpy_checks.py"), room.module("search.py")
    problem = checks.problem(0)
    points, mask = np.ones((1, 4, 2)), np.ones((1, 4), bool)
    found, log_p = search.written(problem.params, points, mask, steps=2, glimpse=True, ordered=False, reuse=False)
    assert found.tolist() == [[0, 1, 2, 3]]
    assert log_p[0] == pytest.approx(-np.log(24))


def test_shuffled_targets_belong_to_other_sets(task) -> None:
    true, shuffled = (task.examples(np.random.default_rng(0), net, 300) for net in ("process", "shuffled"))
    np.testing.assert_array_equal(true["points"], shuffled["points"])
    assert (shuffled["target"] != true["target"]).any(1).mean() > 0.9


def test_targets_sort_the_numbers(task) -> None:
    data = task.examples(np.random.default_rng(2), "both", 50)
    numbers = np.take_along_axis(data["points"][..., 0], data["target"], 1)
    assert (np.diff(numbers, axis=1) > 0).all()


def test_noise_is_none_where_the_most_probable_is_followed(task) -> None:
    rng = np.random.default_rng(0)
    assert not task.noise(rng, "naive", 10).any()
    assert task.noise(rng, "two", 10).shape == (10, 2)
    assert task.noise(rng, "all", 10).shape == (10, task.VARIABLES, task.VARIABLES)
