"""Checks beyond the floor: the experiment's data, stars against their closed form, draws of orders, and the search's promises."""

from itertools import product

import numpy as np
import pytest

from s30.corpus.registry import Paper
from s30.room import Arrays, Trained, Training


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


def test_an_element_that_is_pointed_at_twice_is_not_sorted(task) -> None:
    numbers = np.array([[0.5, 0.1, 0.9]] * 4)
    places = np.array([[1, 0, 2], [1, 1, 2], [0, 1, 2], [1, 1, 1]])
    assert task.ascending(numbers, places).tolist() == [True, False, False, False]


class Recorded:
    """A framework that trains nothing, and keeps what it is given."""

    def __init__(self) -> None:
        self.trained: dict[str, np.ndarray] = {}
        self.asked: dict[str, np.ndarray] = {}
        self.random: dict[str, list[int]] = {}

    def train(self, training: Training) -> Trained:
        self.trained[training.net] = training.data["values"]
        self.random.setdefault(training.net, []).append(training.settings.get("random", -1))
        return Trained(dict(training.start), np.zeros(len(training.order)))

    def predict(self, net: str, params: Arrays, inputs: Arrays, *, seen: bool = False) -> dict[str, np.ndarray]:
        self.asked[net] = inputs["values"]
        return {"log_p": np.zeros(len(inputs["values"]))}

    def ask(self, name: str, params: Arrays, values: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
        self.asked["all"] = values
        return {"order": np.tile(np.arange(values.shape[1]), (len(values), 1))}


def test_stars_are_asked_of_settings_that_were_not_learnt(task) -> None:
    framework = Recorded()
    task.told(framework, 0, 1, 500)
    task.searched(framework, 0, 1, 500, {})
    for net in ("small_first", "small_last", "any", "two", "naive", "all"):
        known = set(map(tuple, framework.trained[net].tolist()))
        assert np.mean([tuple(row) in known for row in framework.asked[net].tolist()]) < 0.2, net


def test_a_coin_draws_the_orders_of_two_thirds_of_the_updates(task) -> None:
    framework = Recorded()
    task.searched(framework, 0, 1, 10, {})
    assert framework.random == {"any": [-1], "two": [1, 100], "naive": [0], "all": [0, 100]}


def test_figures_show_the_metrics_that_they_name(task) -> None:
    metrics = {name: [float(place), place + 2.0] for place, name in enumerate(task.METRICS)}
    mean = {name: float(np.mean(values)) for name, values in metrics.items()}
    losses = {net: [np.full(25, float(place)), np.full(25, place + 1.0)] for place, net in enumerate(task.SORTS)}
    drawn = task.figures.drawn(metrics, losses)
    shown = {
        "sorting": [f"exact_{net}_5" for net in ("blind", "process", "deep", "glimpse", "both", "shuffled")],
        "stars": [f"excess_{star}_{which}" for star in ("small", "large", "peaky") for which in ("first", "last")],
        "orders": ["excess_small_first", "excess_small_last", "excess_any", "whole_any"],
    }
    for figure, names in shown.items():
        assert list(drawn[figure].values.values()) == [mean[name] for name in names], figure
        assert set(drawn[figure].errors.values()) == {1.0}, figure  # half of the range
    assert list(drawn["stars"].values)[1] == "small,\nhead last"
    curves = drawn["learning_curves"].series
    assert curves["5 steps"] == ([5.0, 15.0], [4.5, 4.5])  # of the fifth network two whole stretches of ten updates
    assert [curves[label.replace("\n", " ")][1][0] for label in drawn["sorting"].values] == [
        0.5,
        2.5,
        4.5,
        1.5,
        3.5,
        5.5,
    ]
