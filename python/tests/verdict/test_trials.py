"""What a card claims of metrics has a control that stays at chance, and no rival fails that was never seen to learn."""

from __future__ import annotations

import pytest

from s30.corpus.vocabulary import Metric
from s30.evidence.store import Evidence
from s30.verdict.trials import unfit_claims

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
