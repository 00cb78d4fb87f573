"""Two records are compared once, for `telemetry diff` and for `reproduce`: what differs fails, what may differ is told."""

from __future__ import annotations

import copy

import pytest

from s30.errors import UsageError
from s30.record import telemetry
from s30.record.comparison import between, measured_again, told
from s30.record.entry import Row


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
    """What the toy's experiments measured: 0.95 in both frameworks, claimed at least 0.9."""
    return paper(record)["claims"]["learns"]["evidence"][0]


def rows(record, kind="difference"):
    return paper(record)["checks"][kind]["rows"]


def row(record):
    """A row of the toy with an error above zero, spelled out."""
    name = next(name for name, line in rows(record).items() if Row.read(line).error > 0)
    if not isinstance(rows(record)[name], dict):
        rows(record)[name] = dict(vars(Row.read(rows(record)[name])))
    return rows(record)[name]


def loosened(line, **changes):
    """A row with other values, spelled out."""
    return {name: value for name, value in (vars(Row.read(line)) | changes).items() if value != ""}


def test_equal_records_do_not_differ(record):
    assert measured_again(record, copy.deepcopy(record)) == []


def test_the_run_is_no_part_of_the_comparison(record):
    assert measured_again(record, changed(record, lambda r: r["run"].update(host="elsewhere", seconds=9.0))) == []


ALONG = "along one parameter"
DIFFERENCE = f"01/checks/difference/rows/{ALONG}"
LEARNS = "01/claims/learns/evidence/metric accuracy at_least"


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
        (f"{DIFFERENCE}/outcome", lambda r: rows(r).update({ALONG: loosened(rows(r)[ALONG], outcome="failed")})),
        (f"{DIFFERENCE}/tolerance", lambda r: rows(r)[ALONG].append("1/0")),
        (f"{DIFFERENCE}/reason", lambda r: rows(r).update({ALONG: loosened(rows(r)[ALONG], reason="so it is")})),
        (f"{DIFFERENCE}/compared", lambda r: rows(r).update({ALONG: loosened(rows(r)[ALONG], compared=0)})),
        (f"{DIFFERENCE}/total", lambda r: rows(r).update({ALONG: loosened(rows(r)[ALONG], total=1)})),
        (DIFFERENCE, lambda r: rows(r).pop(ALONG)),
        (
            "01/checks/difference/tolerance/all",
            lambda r: paper(r)["checks"]["difference"]["tolerance"].update(all="1/1"),
        ),
        (
            "01/checks/difference/layers/jax ~ numpy",
            lambda r: paper(r)["checks"]["difference"]["layers"].update({"jax ~ numpy": 1}),
        ),
        ("01/checks/oracle", lambda r: paper(r)["checks"].pop("oracle")),
        (
            "01/checks/invariant/rows/bounded/outcome",
            lambda r: rows(r, "invariant").update(bounded=loosened(rows(r, "invariant")["bounded"], outcome="waived")),
        ),
        ("01/checks/bridge/rows/bias_formula", lambda r: rows(r, "bridge").pop("bias_formula")),
        ("01/stated/invariant/bounded", lambda r: paper(r)["stated"]["invariant"].update(bounded="tanh is small")),
        ("01/coverage/table 3", lambda r: paper(r)["coverage"]["left_out"].append("table 3")),
        ("01/coverage/(1)", lambda r: paper(r)["coverage"]["carried"].remove("(1)")),
        ("01/equations/affine/output", lambda r: paper(r)["equations"]["affine"].update(output="hidden")),
        ("01/equations/tanh", lambda r: paper(r)["equations"].pop("tanh")),
        ("01/mutants/layers/jax", lambda r: paper(r)["mutants"]["layers"].update(jax=5)),
        ("01/mutants/caught_by/layer", lambda r: paper(r)["mutants"]["caught_by"].update(layer=1)),
        ("01/lines", lambda r: paper(r)["lines"].update(statements=9, unreached={"a.py": "3-4"})),
        ("01/unfolded", lambda r: paper(r)["unfolded"].update({"Toy.two": "passed"})),
        (
            "01/identities/tanh_odd/statement",
            lambda r: paper(r)["identities"]["tanh_odd"].update(statement="tanh x = tanh x"),
        ),
        (
            "01/identities/tanh_odd/proof/0",
            lambda r: paper(r)["identities"]["tanh_odd"].update(proof=["by inspection"]),
        ),
        (
            "01/identities/tanh_odd/assumptions",
            lambda r: paper(r)["identities"]["tanh_odd"].update(assumptions="x = 0"),
        ),
        ("01/theorems/Toy.odd/statement", lambda r: paper(r)["theorems"]["Toy.odd"].update(statement="odd : Unit")),
        ("01/theorems", lambda r: paper(r)["theorems"].pop("Toy.odd")),
        ("01/claims/learns/outcome", lambda r: paper(r)["claims"]["learns"].update(outcome="failed")),
        ("01/claims/learns/statement", lambda r: paper(r)["claims"]["learns"].update(statement="it learns everything")),
        ("01/claims/learns/kind", lambda r: paper(r)["claims"]["learns"].update(kind="proxy")),
        ("01/claims/learns/control", lambda r: paper(r)["claims"]["learns"].update(control="chance")),
        ("01/claims/scale/reason", lambda r: paper(r)["claims"]["scale"].update(reason="no time")),
        (
            "01/claims/odd/evidence/identity tanh_odd/outcome",
            lambda r: paper(r)["claims"]["odd"].update(
                evidence=[{"theorem": ["Toy.odd"]}, {"identity": "tanh_odd", "outcome": "failed", "measured": "no"}]
            ),
        ),
        ("01/claims/odd/evidence/theorem Toy.odd", lambda r: paper(r)["claims"]["odd"]["evidence"][0].pop("theorem")),
        (f"{LEARNS}/at_least", lambda r: finding(r).update(at_least=0.8)),
        (f"{LEARNS}/within", lambda r: finding(r).update(within=0.1)),
        (LEARNS, lambda r: finding(r).update(above=finding(r).pop("at_least"))),
        (f"{LEARNS}/jax", lambda r: finding(r).pop("jax")),
        ("01/metrics/accuracy", lambda r: paper(r)["metrics"].pop("accuracy")),
        ("01/metrics/accuracy/jax", lambda r: paper(r)["metrics"]["accuracy"].pop("jax")),
        ("01/metrics/accuracy/jax/1", lambda r: paper(r)["metrics"]["accuracy"]["jax"].pop()),
        ("01/metrics/accuracy/spread", lambda r: paper(r)["metrics"]["accuracy"].update(spread=1.0)),
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
        ("01/layers/jax/experiment_evidence", lambda r: paper(r)["layers"]["jax"].update(experiment_evidence="0" * 64)),
        ("01/metrics/accuracy/jax/0", lambda r: paper(r)["metrics"]["accuracy"].update(jax=[0.93, 0.96])),
        (f"{LEARNS}/jax", lambda r: finding(r).update(jax=0.91)),
        ("tree/stated_by", lambda r: r["tree"].update(stated_by="S30_COMMIT")),
    ],
)
def test_what_may_differ_is_told_and_does_not_fail(record, at, change):
    (difference,) = measured_again(record, changed(record, change))
    assert (difference.at, difference.fails) == (at, False)


def test_words_about_a_layer_may_differ(record):
    old = changed(record, lambda r: paper(r)["layers"]["jax"].update(message="in a folder"))
    new = changed(record, lambda r: paper(r)["layers"]["jax"].update(message="in another folder"))
    assert [(d.at, d.fails) for d in measured_again(old, new)] == [("01/layers/jax/message", False)]


def test_an_error_may_move_within_its_tolerance(record):
    record = changed(record, row)
    new = changed(record, lambda r: row(r).update(error=2 * row(r)["error"], worst=0.99))
    (difference,) = measured_again(record, new)
    assert not difference.fails
    assert difference.why == "both within tolerance"
    assert difference.new == row(new)["error"]


@pytest.mark.parametrize("side", ["record", "new measurement"])
def test_a_row_that_passed_beyond_its_tolerance_is_a_contradiction(record, side):
    wrong = changed(record, lambda r: row(r).update(worst=1.5))
    found = measured_again(*((wrong, record) if side == "record" else (record, wrong)))
    (difference,) = [d for d in found if d.fails]
    assert difference.at.endswith("/worst")
    assert difference.why == f"the {side} contradicts itself: passed, beyond its tolerance (worst > 1)"


@pytest.mark.parametrize(("moved", "fails"), [(1.9, False), (2.1, True)])
def test_an_error_beyond_its_tolerance_must_come_back(record, moved, fails):
    """One tolerance is 1.0 / 50 = 0.02."""
    old = changed(record, lambda r: row(r).update(outcome="failed", error=1.0, worst=50.0))
    new = changed(old, lambda r: row(r).update(error=1.0 + moved * 0.02, worst=50.0 + moved))
    (difference,) = measured_again(old, new)
    assert difference.fails is fails


def test_a_number_on_one_side_only_fails(record):
    new = changed(record, lambda r: row(r).update(error=None, worst=None))
    assert len(failing(measured_again(record, new))) == 1


@pytest.mark.parametrize(
    ("outcome", "numbers", "fits"),
    [
        ("passed", {"jax": 0.95, "at_least": 0.9}, True),
        ("passed", {"jax": 0.85, "at_least": 0.9}, False),
        ("failed", {"jax": 0.85, "at_least": 0.9}, True),  # one framework is enough
        ("failed", {"jax": 0.95, "at_least": 0.9}, False),
        ("passed", {"jax": 0.9, "at_least": 0.9000000001}, False),  # no digit is lost
        ("failed", {"jax": 0.9, "at_least": 0.9}, False),
        ("failed", {"jax": 0.9, "above": 0.9}, True),
        ("passed", {"jax": 2.0, "at_most": 1.5}, False),
        ("passed", {"jax": 1.0, "below": 1.5}, True),
        ("passed", {"jax": 1.04, "torch": 1.0, "equals": 1.0, "within": 0.05}, True),
        ("passed", {"jax": 1.06, "torch": 1.0, "equals": 1.0, "within": 0.05}, False),
        ("failed", {"jax": 1.04, "torch": 1.0, "equals": 1.0, "within": 0.05}, False),
        ("passed", {"jax": 0.0, "torch": 0.0, "equals": 0.0}, True),
        ("passed", {"jax": 0.4, "below": {"metric": "chance", "times": 5}, "limits": {"torch": 1.0, "jax": 0.5}}, True),
        (
            "passed",
            {"jax": 0.6, "below": {"metric": "chance", "times": 5}, "limits": {"torch": 1.0, "jax": 0.5}},
            False,
        ),
    ],
)
def test_a_metrics_outcome_must_fit_its_bound(record, outcome, numbers, fits):
    def change(r):
        rest = {} if outcome == "passed" else {"outcome": outcome, "measured": "it"}
        paper(r)["claims"]["learns"]["evidence"][0] = {"metric": "accuracy", "torch": 0.95, **numbers, **rest}

    old = changed(record, change)
    found = measured_again(old, copy.deepcopy(old))
    assert {d.why for d in found} == (
        set() if fits else {f"the {side} contradicts itself: it {outcome}" for side in ("record", "new measurement")}
    )


def test_a_limit_that_is_a_metric_itself_may_move_with_it(record):
    def relative(limit, times=5):
        def change(r):
            bound = {"metric": "chance", "times": times}
            limits = {"torch": limit, "jax": limit}
            paper(r)["claims"]["learns"]["evidence"][0] = {
                "metric": "accuracy", "at_least": bound, "torch": 0.95, "jax": 0.95, "limits": limits,
            }  # fmt: skip

        return change

    old, new = changed(record, relative(0.5)), changed(record, relative(0.6))
    assert [(d.at, d.fails) for d in measured_again(old, new)] == [
        (f"{LEARNS}/limits/jax", False),
        (f"{LEARNS}/limits/torch", False),
    ]
    assert failing(measured_again(old, changed(record, relative(0.6, times=6)))) == [f"{LEARNS}/at_least/times"]


def test_two_bounds_on_one_metric_are_told_apart(record):
    old = changed(record, lambda r: paper(r)["claims"]["learns"]["evidence"].append(dict(finding(r))))
    assert failing(between(old, record)) == [f"{LEARNS} #2"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: paper(r)["claims"].pop("odd"), ("01/claims/odd", "tanh is odd")),
        (lambda r: paper(r)["identities"].pop("tanh_odd"), ("01/identities/tanh_odd", "s")),
        (lambda r: paper(r)["stated"]["invariant"].pop("bounded"), ("01/stated/invariant/bounded", "tanh stays below one")),
        (lambda r: paper(r)["equations"].pop("affine"), ("01/equations/affine", "output scores, parameter weight")),
        (lambda r: paper(r)["claims"]["learns"]["evidence"].pop(0), (LEARNS, "metric accuracy, at_least 0.9, torch 0.95, jax 0.95")),
        (lambda r: paper(r)["coverage"]["left_out"].remove("table 2"), ("01/coverage/table 2", "left out")),
    ],
)  # fmt: skip
def test_what_was_dropped_is_told_in_full(record, change, told):
    """By its name and by what it stated."""
    (difference,) = between(record, changed(record, change))
    assert (difference.at, difference.new, difference.fails) == (told[0], "absent", True)
    assert difference.old == told[1]


@pytest.mark.parametrize("version", [1, 3, 5])
def test_a_record_of_another_version_is_one_line(record, tmp_path, version):
    path = tmp_path / "record.yaml"
    telemetry.write(record, path)
    path.write_text(path.read_text().replace("schema_version: 4", f"schema_version: {version}"))
    with pytest.raises(
        UsageError, match=f"a record of version {version}, and this engine reads version 4: use the engine of"
    ):
        telemetry.read(path)


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
        paper(r).update(claims={}, metrics={}, lines={}, outcome="not_run", failures=["no experiment"])
        paper(r)["checks"].pop("experiment", None)
        for layer in paper(r)["layers"].values():
            layer.pop("experiment_evidence", None)
            layer["checks"] -= 1

    new = changed(record, no_experiments)
    assert measured_again(record, new, ["01"], claims=False) == []
    assert failing(measured_again(record, new, ["01"]))
    new = changed(new, lambda r: rows(r).pop(ALONG))
    assert failing(measured_again(record, new, ["01"], claims=False)) == [DIFFERENCE]
