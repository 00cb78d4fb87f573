"""The room that a bound leaves is that of the run which comes closest to missing it."""

from __future__ import annotations

import pytest

from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.verdict.margins import margins, room

ACCURACY = {(0, "torch"): 0.9, (0, "jax"): 0.8, (1, "torch"): 0.75, (1, "jax"): 0.95}


@pytest.fixture
def measured(make_corpus, card):
    """The margins of one claim with this evidence beside a proof, when `accuracy` and `rival` are these by seed and layer."""

    def measure(*evidence, accuracy=ACCURACY, rival=None):
        pieces = [*evidence[:1], {"theorem": "Toy.odd"}, *evidence[1:]]
        card["claims"] = [{"id": "it", "statement": "it", "source": "(1)", "kind": "reproduced", "evidence": pieces}]
        rival = rival or dict.fromkeys(accuracy, 0.5)
        runs: dict = {}
        for (seed, layer), value in accuracy.items():
            metrics = {"accuracy": [value - 0.01, value + 0.01], "rival": [rival[seed, layer]]}
            runs.setdefault(seed, {})[layer] = Evidence("01", layer, facts={"metrics": metrics})
        return margins(make_corpus(card=card).paper("01"), runs)

    return measure


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"relation": "at_least", "value": 0.9, "limit": 0.7}, 0.2),
        ({"relation": "above", "value": 0.6, "limit": 0.7}, -0.1),
        ({"relation": "at_most", "value": 0.6, "limit": 0.7}, 0.1),
        ({"relation": "below", "value": 0.9, "limit": 0.7}, -0.2),
        ({"relation": "equals", "value": 0.45, "limit": 0.5, "within": 0.08}, 0.03),
        ({"relation": "equals", "value": 0.55, "limit": 0.5, "within": 0.02}, -0.03),
        ({"relation": "equals", "value": 4.0, "limit": 4.0}, 0.0),
    ],
)
def test_room_is_on_the_good_side_of_the_limit(values, expected):
    assert room(values) == pytest.approx(expected)


def test_the_closest_run_is_named_with_its_seed_and_framework(measured):
    (margin,) = measured({"metric": "accuracy", "at_least": 0.7})
    assert (margin.claim, margin.metric, margin.bound) == ("it", "accuracy", ">= 0.7")
    assert (margin.seed, margin.layer, margin.told) == (1, "torch", "seed 1, PyTorch")
    assert (margin.low, margin.high) == pytest.approx((0.75, 0.95))
    assert (margin.room, margin.spread) == pytest.approx((0.05, 0.2))
    assert (margin.missed, margin.runs) == (0, 4)


def test_each_bound_has_its_own_margin_whatever_stands_between(measured):
    low, high = measured({"metric": "accuracy", "at_least": 0.7}, {"metric": "accuracy", "at_most": 0.9})
    assert (low.bound, high.bound) == (">= 0.7", "<= 0.9")
    assert (high.room, high.told, high.missed) == (pytest.approx(-0.05), "seed 1, JAX", 1)


def test_a_bound_by_another_metric_moves_with_its_run(measured):
    """The lowest accuracy has the lowest rival, and so it is another run that comes closest."""
    rival = {(0, "torch"): 0.6, (0, "jax"): 0.7, (1, "torch"): 0.3, (1, "jax"): 0.5}
    (margin,) = measured({"metric": "accuracy", "at_least": {"metric": "rival", "plus": 0.05}}, rival=rival)
    assert margin.told == "seed 0, JAX"
    assert (margin.room, margin.spread) == pytest.approx((0.05, 0.35))


def test_a_bound_for_one_framework_is_held_in_that_one(measured):
    (margin,) = measured({"metric": "accuracy", "at_least": 0.7, "layers": ["jax"]})
    assert (margin.told, margin.runs) == ("seed 0, JAX", 2)


def test_a_run_that_failed_leaves_the_others(make_corpus, card):
    evidence = {"metric": "accuracy", "at_least": 0.7}
    card["claims"] = [{"id": "it", "statement": "it", "source": "(1)", "kind": "reproduced", "evidence": [evidence]}]
    run = Evidence("01", "torch", facts={"metrics": {"accuracy": [0.8]}})
    failed = Evidence("01", "jax", error="ValueError: diverged", outcome=Outcome.FAILED)
    (margin,) = margins(make_corpus(card=card).paper("01"), {3: {"torch": run, "jax": failed}})
    assert (margin.runs, margin.told, margin.spread) == (1, "seed 3, PyTorch", 0.0)
