"""Two records are compared once, for `telemetry diff` and for `reproduce`: what differs fails, what may differ is told."""

from __future__ import annotations

import copy

import pytest

from s30 import telemetry
from s30.comparison import between, measured_again, told


@pytest.fixture
def record(toy_record):
    return toy_record()[1]


def changed(record, change):
    other = copy.deepcopy(record)
    change(other)
    return telemetry.sealed(other)


def failing(differences):
    return [difference.at for difference in differences if difference.fails]


def paper(record):
    return record["papers"]["01"]


def finding(record):
    """What the toy's experiment in JAX measured: 0.95, claimed at least 0.9."""
    return paper(record)["claims"][1]["evidence"][1]


def row(record):
    """A row of the toy with an error above zero."""
    return next(r for r in paper(record)["parity"]["difference"] if r["error"] > 0)


def test_equal_records_do_not_differ(record):
    assert measured_again(record, copy.deepcopy(record)) == []


def test_the_run_is_no_part_of_the_comparison(record):
    assert measured_again(record, changed(record, lambda r: r["run"].update(host="elsewhere", seconds=9.0))) == []


DIFFERENCE = "01/parity/difference/jax ~ numpy: bias"


@pytest.mark.parametrize(
    ("at", "change"),
    [
        ("outcome", lambda r: r.update(outcome="failed")),
        ("checked_commit", lambda r: r.update(checked_commit="0" * 40)),
        ("source_digest", lambda r: r.update(source_digest="0" * 64)),
        ("profile", lambda r: r.update(profile="full")),
        ("summary/theorems", lambda r: r["summary"].update(theorems=2)),
        ("summary/entries/compared", lambda r: r["summary"]["entries"].update(compared=1)),
        ("problems", lambda r: r.update(problems=["a waiver without a gap"])),
        ("01", lambda r: r["papers"].pop("01")),
        ("02/outcome", lambda r: r["papers"]["02"].update(outcome="passed")),
        ("03", lambda r: r["papers"].update({"03": {"title": "Toy 03", "outcome": "not_run"}})),
        ("01/title", lambda r: paper(r).update(title="Another")),
        ("01/outcome", lambda r: paper(r).update(outcome="failed")),
        ("01/layers/jax/outcome", lambda r: paper(r)["layers"]["jax"].update(outcome="failed")),
        ("01/layers/jax/depth", lambda r: paper(r)["layers"]["jax"].update(depth="minimal")),
        ("01/layers/jax/checks", lambda r: paper(r)["layers"]["jax"].update(checks=1)),
        ("01/layers/agda/why_thin", lambda r: paper(r)["layers"]["agda"].pop("why_thin")),
        (f"{DIFFERENCE}/outcome", lambda r: paper(r)["parity"]["difference"][0].update(outcome="failed")),
        (f"{DIFFERENCE}/tolerance/rtol", lambda r: paper(r)["parity"]["difference"][0]["tolerance"].update(rtol=1.0)),
        (f"{DIFFERENCE}/compared", lambda r: paper(r)["parity"]["difference"][0].update(compared=0)),
        (DIFFERENCE, lambda r: paper(r)["parity"]["difference"].pop(0)),
        ("01/invariants/jax: bounded/outcome", lambda r: paper(r)["invariants"][0].update(outcome="waived")),
        ("01/bridges/sympy ~ jax: bias_formula", lambda r: paper(r)["bridges"].pop(0)),
        ("01/identities/tanh_odd/statement", lambda r: paper(r)["identities"][0].update(statement="tanh x = tanh x")),
        ("01/identities/tanh_odd/proof/0", lambda r: paper(r)["identities"][0].update(proof=["by inspection"])),
        ("01/identities/tanh_odd/assumptions", lambda r: paper(r)["identities"][0].update(assumptions="x = 0")),
        ("01/theorems/Toy.odd/statement", lambda r: paper(r)["theorems"][0].update(statement="odd : Unit")),
        ("01/theorems", lambda r: paper(r)["theorems"].pop(0)),
        ("01/claims/learns/outcome", lambda r: paper(r)["claims"][1].update(outcome="failed")),
        ("01/claims/learns/statement", lambda r: paper(r)["claims"][1].update(statement="it learns everything")),
        ("01/claims/learns/kind", lambda r: paper(r)["claims"][1].update(kind="proxy")),
        ("01/claims/scale/reason", lambda r: paper(r)["claims"][2].update(reason="no time")),
        ("01/claims/odd/evidence/0/outcome", lambda r: paper(r)["claims"][0]["evidence"][0].update(outcome="failed")),
        ("01/claims/odd/evidence/0/measured", lambda r: paper(r)["claims"][0]["evidence"][0].update(measured="seen")),
        ("01/claims/odd/evidence/1", lambda r: paper(r)["claims"][0]["evidence"].pop(1)),
        ("01/claims/learns/evidence/1/relation", lambda r: finding(r).update(relation="above")),
        ("01/claims/learns/evidence/1/within", lambda r: finding(r).update(within=0.1)),
        ("01/claims/learns/evidence/1/limit_from", lambda r: finding(r).update(limit_from={"metric": "chance"})),
        ("01/claims/learns/evidence/1/measured", lambda r: finding(r).update(limit=0.8)),  # of the card: it cannot move
        ("01/claims/learns/evidence/1/value", lambda r: finding(r).pop("value")),
        ("01/metrics/jax/accuracy", lambda r: paper(r)["metrics"]["jax"].pop("accuracy")),
        ("01/metrics/jax/accuracy/1", lambda r: paper(r)["metrics"]["jax"]["accuracy"].pop()),
        ("01/problems", lambda r: paper(r)["problems"].append("no bridge is named 'x'")),
        ("01/scope/measured_regime", lambda r: paper(r)["scope"].update(measured_regime="everything")),
    ],
)
def test_a_changed_cell_fails_and_is_named(record, at, change):
    for old, new in ((record, changed(record, change)), (changed(record, change), record)):
        found = failing(measured_again(old, new))
        assert found
        assert at in found


@pytest.mark.parametrize(
    ("at", "change"),
    [
        ("environment/packages/jax", lambda r: r["environment"]["packages"].update(jax="9.9")),
        ("environment/locks", lambda r: r["environment"]["locks"].update({"flake.lock": "0" * 64})),
        ("01/layers/jax/evidence", lambda r: paper(r)["layers"]["jax"].update(evidence="0" * 64)),
        ("01/layers/jax/experiment_evidence", lambda r: paper(r)["layers"]["jax"].update(experiment_evidence=None)),
        ("01/layers/jax/message", lambda r: paper(r)["layers"]["jax"].update(message="in another folder")),
        ("01/metrics/jax/accuracy/0", lambda r: paper(r)["metrics"]["jax"].update(accuracy=[0.93, 0.96])),
        ("01/claims/learns/evidence/1/measured", lambda r: finding(r).update(value=0.91, measured="0.91")),
        ("01/claims/learns/evidence/1/measured", lambda r: finding(r).update(measured="0.95 (mean of 3 seeds)")),
        ("tree/stated_by", lambda r: r["tree"].update(stated_by="S30_COMMIT")),
    ],
)
def test_what_may_differ_is_told_and_does_not_fail(record, at, change):
    (difference,) = measured_again(record, changed(record, change))
    assert (difference.at, difference.fails) == (at, False)


def test_an_error_may_move_within_its_tolerance(record):
    new = changed(record, lambda r: row(r).update(error=2 * row(r)["error"], relative=0.0, worst=0.99))
    (difference,) = measured_again(record, new)
    assert not difference.fails
    assert (difference.old, difference.new) == (row(record)["error"], row(new)["error"])


@pytest.mark.parametrize("side", ["record", "new measurement"])
def test_a_row_that_passed_beyond_its_tolerance_is_a_contradiction(record, side):
    wrong = changed(record, lambda r: row(r).update(worst=1.5))
    found = measured_again(*((wrong, record) if side == "record" else (record, wrong)))
    (difference,) = [d for d in found if d.fails]
    assert difference.at.endswith("/worst")
    assert difference.why == f"the {side} contradicts itself: passed, beyond its tolerance (worst > 1)"


@pytest.mark.parametrize(("moved", "fails"), [(1.9, False), (2.1, True)])
def test_an_error_beyond_its_tolerance_must_come_back(record, moved, fails):
    """Magnitude 10, so that one tolerance is 0.01 + 0.001 * 10 = 0.02."""
    bad = {
        "outcome": "failed",
        "tolerance": {"rtol": 0.001, "atol": 0.01},
        "error": 1.0,
        "relative": 0.1,
        "worst": 50.0,
    }
    old = changed(record, lambda r: row(r).update(bad))
    new = changed(old, lambda r: row(r).update(error=1.0 + moved * 0.02, relative=0.1 + moved * 0.002, worst=51.0))
    (difference,) = measured_again(old, new)
    assert difference.fails is fails


def test_a_number_on_one_side_only_fails(record):
    new = changed(record, lambda r: row(r).update(error=None, relative=None, worst=None))
    assert len(failing(measured_again(record, new))) == 1


@pytest.mark.parametrize(
    ("outcome", "numbers", "fits"),
    [
        ("passed", {"value": 0.95, "relation": "at_least", "limit": 0.9}, True),
        ("passed", {"value": 0.85, "relation": "at_least", "limit": 0.9}, False),
        ("failed", {"value": 0.85, "relation": "at_least", "limit": 0.9}, True),
        ("failed", {"value": 0.95, "relation": "at_least", "limit": 0.9}, False),
        ("passed", {"value": 0.9, "relation": "at_least", "limit": 0.9000000001}, False),  # no digit is lost
        ("failed", {"value": 0.9, "relation": "at_least", "limit": 0.9}, False),
        ("failed", {"value": 0.9, "relation": "above", "limit": 0.9}, True),
        ("passed", {"value": 2.0, "relation": "at_most", "limit": 1.5}, False),
        ("passed", {"value": 1.0, "relation": "below", "limit": 1.5}, True),
        ("passed", {"value": 1.04, "relation": "equals", "limit": 1.0, "within": 0.05}, True),
        ("passed", {"value": 1.06, "relation": "equals", "limit": 1.0, "within": 0.05}, False),
        ("failed", {"value": 1.04, "relation": "equals", "limit": 1.0, "within": 0.05}, False),
        ("passed", {"value": 0.0, "relation": "equals", "limit": 0.0}, True),
    ],
)
def test_a_metrics_outcome_must_fit_its_bound(record, outcome, numbers, fits):
    old = changed(record, lambda r: finding(r).update(outcome=outcome, **numbers))
    found = measured_again(old, copy.deepcopy(old))
    assert {d.why for d in found} == (
        set() if fits else {f"the {side} contradicts itself: it {outcome}" for side in ("record", "new measurement")}
    )


def test_a_limit_that_is_a_metric_itself_may_move_with_it(record):
    def relative(limit):
        numbers = {"limit": limit, "limit_from": {"metric": "chance", "times": 5}, "measured": f"claimed {limit}"}
        return lambda r: finding(r).update(numbers)

    old, new = changed(record, relative(0.5)), changed(record, relative(0.6))
    assert [(d.at, d.fails) for d in measured_again(old, new)] == [("01/claims/learns/evidence/1/measured", False)]
    new = changed(new, lambda r: finding(r)["limit_from"].update(times=6))
    assert failing(measured_again(old, new)) == ["01/claims/learns/evidence/1/limit_from/times"]


def of_version_1(record):
    """The record as it would have been before findings had numbers and `run` a digest."""
    old = copy.deepcopy(record) | {"schema_version": 1}
    for name in ("cells", "claims_by_kind"):
        del old["summary"][name]
    for claim in paper(old)["claims"]:
        for evidence in claim["evidence"]:
            for name in ("value", "relation", "limit"):
                evidence.pop(name, None)
    for each in (*paper(old)["bridges"], *paper(old)["invariants"]):
        for name in ("statement", "source"):
            each.pop(name, None)
    old = telemetry.sealed(old)
    del old["run"]["digest"]
    return old


def test_a_record_of_version_1_is_read_and_what_it_does_not_say_is_no_failure(record, tmp_path):
    old = of_version_1(record)
    telemetry.write(old, tmp_path / "record.yaml")
    assert telemetry.read(tmp_path / "record.yaml") == old
    assert telemetry.broken_seal(old) == ""
    for found in (between(old, record), between(record, old)):
        assert failing(found) == []
        assert {"schema_version", "summary/cells", "01/claims/learns/evidence/1/value"} <= {d.at for d in found}
    assert measured_again(old, copy.deepcopy(old)) == []


def test_in_a_record_of_version_1_the_words_of_a_metric_may_move(record):
    old = of_version_1(record)
    new = of_version_1(changed(record, lambda r: finding(r).update(measured="0.91; claimed >= 0.9")))
    assert [(d.at, d.fails) for d in measured_again(old, new)] == [("01/claims/learns/evidence/1/measured", False)]


def test_a_record_of_another_commit_is_compared_and_the_commit_told(record):
    def later(r):
        r.update(checked_commit="1" * 40, source_digest="1" * 64)

    new = changed(record, later)
    assert [(d.at, d.fails) for d in between(record, new)] == [("checked_commit", False), ("source_digest", False)]
    assert failing(measured_again(record, new)) == ["checked_commit", "source_digest"]


def test_each_side_that_was_edited_is_named(record):
    edited = copy.deepcopy(record) | {"outcome": "failed"}
    elsewhere = copy.deepcopy(record)
    elsewhere["run"]["host"] = "elsewhere"
    assert [(d.at, d.why.split(" was ")[0]) for d in between(edited, elsewhere)] == [
        ("record_digest", "the old record"),
        ("run/digest", "the new record"),
        ("outcome", "must be equal"),
    ]


def test_for_machines_failures_stand_apart_from_information(record):
    def change(r):
        r.update(outcome="failed")
        r["environment"]["packages"].update(torch="9.9")

    parts = told(between(record, changed(record, change)), "recorded", "measured")
    assert parts == {
        "differences": [{"at": "outcome", "recorded": "passed", "measured": "failed", "why": "must be equal"}],
        "information": [
            {
                "at": "environment/packages/torch",
                "recorded": record["environment"]["packages"]["torch"],
                "measured": "9.9",
                "why": "another environment",
            }
        ],
    }


def test_an_edited_record_fails_although_nothing_else_differs(record):
    """An error within tolerance, written down by hand."""
    edited = copy.deepcopy(record)
    row(edited)["error"] /= 2
    assert failing(measured_again(edited, record)) == ["record_digest"]


def test_only_the_named_papers_are_compared(record):
    old = changed(record, lambda r: r["papers"].update({"03": copy.deepcopy(paper(r))}))
    new = changed(old, lambda r: r["papers"]["03"]["layers"]["jax"].update(outcome="failed"))
    part = {key: new[key] for key in ("checked_commit", "source_digest", "profile", "environment", "papers")}
    assert measured_again(old, part, ["01"]) == []
    assert failing(measured_again(old, part, ["01", "03"])) == ["03/layers/jax/outcome"]


def test_without_claims_what_rests_on_experiments_is_left_out(record):
    def no_experiments(r):
        paper(r).update(claims=[], metrics={}, outcome="not_run", failures=["no experiment"])
        for layer in paper(r)["layers"].values():
            layer["experiment_evidence"] = None

    new = changed(record, no_experiments)
    assert measured_again(record, new, ["01"], claims=False) == []
    assert failing(measured_again(record, new, ["01"]))
    new = changed(new, lambda r: paper(r)["layers"]["jax"].update(outcome="failed"))
    assert failing(measured_again(record, new, ["01"], claims=False)) == ["01/layers/jax/outcome"]
