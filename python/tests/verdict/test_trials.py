"""What a card claims of metrics has a control that stays at chance, and no rival fails that was never seen to learn."""

from __future__ import annotations

import pytest

from s30.corpus.vocabulary import Metric
from s30.evidence.store import Evidence
from s30.verdict.trials import check_experiments, unfit_claims

METRICS = {
    "ours": Metric("", "share", "seeds", "ours", "high"),
    "rival": Metric("", "share", "seeds", "rival", "high"),
    "rival_easy": Metric("", "share", "seeds", "rival", "high"),
    "rival_loss": Metric("", "nats", "seeds", "rival", "low"),
    "nameless": Metric("", "share", "seeds", "", "high"),
    "steps": Metric("", "updates", "seeds", "rival"),
    "shuffled": Metric("", "share", "seeds", "", "high", control=True),
    "shuffled_loss": Metric("", "nats", "seeds", "", "low", control=True),
}
CONTROL = {"metric": "shuffled", "at_most": 0.2}


@pytest.fixture
def lacking(make_corpus, card):
    """What claims with this evidence lack."""

    def judge(*evidence):
        card["claims"] = [
            {"id": "it", "statement": "it", "source": "(1)", "kind": "reproduced", "evidence": list(evidence)}
        ]
        facts = {"described": {name: dict(vars(metric)) for name, metric in METRICS.items()}}
        return unfit_claims(make_corpus(card=card).paper("01"), {"torch": Evidence("01", "torch", facts=facts)})

    return judge


@pytest.mark.parametrize(
    ("evidence", "enough"),
    [
        (CONTROL, True),
        ({"metric": "shuffled", "below": 0.2}, True),
        ({"metric": "shuffled", "equals": 0.1, "within": 0.05}, True),
        ({"metric": "shuffled", "at_least": 0.05}, False),
        ({"metric": "shuffled_loss", "at_least": 2.0}, True),
        ({"metric": "shuffled_loss", "at_most": 3.0}, False),
        ({"metric": "ours", "at_least": 0.9}, False),
    ],
)
def test_a_control_is_claimed_to_stay_at_chance(lacking, evidence, enough):
    lines = lacking(evidence)
    assert [line[:58] for line in lines] == ["paper 01: no claim says that a control stays at chance: me"] * (
        not enough
    )


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ([{"metric": "rival", "at_most": 0.5}], "rival is claimed to be bad, but no claim shows that the model rival has"),
        ([{"metric": "rival", "below": {"metric": "ours"}}], "rival is claimed to be bad"),
        ([{"metric": "ours", "above": {"metric": "rival", "plus": 0.1}}], "rival is claimed to be bad"),
        ([{"metric": "rival_loss", "at_least": 1.0}], "rival_loss is claimed to be bad"),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "ours", "at_least": 0.5}], "rival is claimed to be bad"),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "steps", "at_least": 5}], "rival is claimed to be bad"),
        ([{"metric": "nameless", "at_most": 0.5}], "nameless is claimed to be bad, but METRICS does not say of which model"),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "rival_easy", "at_least": 0.9}], ""),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "rival", "at_least": 0.3}], ""),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "rival_loss", "below": 1.0}], ""),
        ([{"metric": "rival", "at_most": 0.5}, {"metric": "rival_easy", "equals": 1.0}], ""),
        ([{"metric": "ours", "at_least": 0.5}, {"metric": "steps", "at_most": 9}], ""),
        ([{"metric": "ours", "above": {"metric": "shuffled"}}], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_a_model_that_is_claimed_to_fail_has_learnt_something(lacking, evidence, words):
    lines = lacking(CONTROL, *evidence)
    assert len(lines) == bool(words), lines
    assert words in "".join(lines)


def test_without_experiments_nothing_is_asked_of_the_claims(make_corpus):
    assert unfit_claims(make_corpus().paper("01"), {}) == []


def answers(problem, worst, compared=6):
    """What the frame says of one network's predictions, of 6 entries, by the engine's own tolerance."""
    numbers = {"compared": compared, "total": 6, "error": 1e-8, "relative": 1e-8, "worst": worst}
    return {"predict net": {"problem": problem, **numbers, "tolerance": [1e-7, 1e-9]}}


@pytest.mark.parametrize(
    ("problem", "worst", "compared", "own", "outcome", "share"),
    [
        ("", 0.5, 6, None, "passed", 0.5),
        ("at index [0]", 24.0, 6, None, "failed", 24.0),
        ("at index [0]", 24.0, 6, (1e-5, 1e-7), "passed", 0.24),
        ("at index [0]", 124.0, 6, (1e-5, 1e-7), "failed", 1.24),
        ("at index [0]", 24.0, 6, (1e-5, 1e-8), "failed", 2.4),  # the smaller of the two decides
        ("missing from torch", 24.0, 3, (1e-5, 1e-7), "failed", 24.0),
        ("5 against 3", 0.5, 6, (1e-5, 1e-7), "failed", 0.005),  # names that are compared exactly
        ("shape (2,), expected (3,)", None, 0, (1e-5, 1e-7), "failed", None),
        ("", 0.5, 6, (1e-8, 1e-10), "failed", 5.0),
    ],
)
def test_a_card_may_widen_what_a_network_s_answers_are_held_to(
    make_corpus, card, problem, worst, compared, own, outcome, share
):
    """By numbers alone: what is missing, or has another shape, fails however wide it is."""
    if own:
        entry = {
            "kind": "experiment",
            "quantity": "predict net",
            "rtol": own[0],
            "atol": own[1],
            "reason": "it is rough",
        }
        card["tolerances"] = [entry]
    evidence = Evidence("01", "torch", facts={"compared": answers(problem, worst, compared)})
    (check,) = check_experiments(make_corpus(card=card).paper("01"), {"torch": evidence})
    assert (check.outcome, check.worst) == (outcome, None if share is None else pytest.approx(share))
    assert bool(check.message) == (outcome == "failed")
    if own:
        assert (check.tolerance.rtol, check.tolerance.atol) == own


@pytest.mark.parametrize(
    ("right", "spread", "agree"),
    [(5.57, 0.0, True), (5.57 + 2e-9, 0.0, True), (5.57 + 2e-8, 0.0, False), (5.6, 0.05, True), (5.63, 0.05, False)],
)
def test_a_metric_without_a_spread_may_differ_by_rounding_alone(make_corpus, right, spread, agree):
    """Two frameworks sum their own predictions, whose last digits differ, as a text's or a processor's."""
    metric = {"loss": dict(vars(Metric("", "bits", "nets", spread=spread)))}

    def found(layer, value):
        return Evidence(
            "01", layer, facts={"compared": {}, "questions": [], "described": metric, "metrics": {"loss": [value]}}
        )

    checks = check_experiments(make_corpus().paper("01"), {"torch": found("torch", 5.57), "jax": found("jax", right)})
    (check,) = [check for check in checks if check.quantity == "metric loss"]
    assert (check.outcome == "passed") == agree
