"""Each export holds every line of the record once, with an outcome that its format has, and fits the format's schema."""

from __future__ import annotations

import copy
import hashlib
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from s30 import cli
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error, UsageError
from s30.evidence.store import Evidence
from s30.record import exports, telemetry

WAIVED = "01/torch~numpy/forward/seed 0 loss"


def wrong(results):
    """PyTorch's first loss is twice what it should be, JAX is not installed."""
    torch = results["01", "torch", "checks"]
    everywhere = ("seed0/output/loss", "seed0/recorded/loss", "again/output/loss")
    doubled = {**torch.arrays, **{name: 2 * torch.arrays[name] for name in everywhere}}
    return results | {
        ("01", "torch", "checks"): replace(torch, arrays=doubled),
        ("01", "jax", "checks"): Evidence(
            "01", "jax", error='JAX is missing: \x00 <install> & "it"', outcome=Outcome.NOT_RUN
        ),
    }


@pytest.fixture
def exported(toy_record, tmp_path):
    """`exported(form, **how)`: the parsed export of a toy's record, the record, and its file."""

    def make(form, edit=lambda results: results, waivers=(), change=lambda record: record):
        _, record = toy_record(edit, waivers)
        record = change(copy.deepcopy(record))
        record = telemetry.sealed(record)
        path = tmp_path / "verification.yaml"
        telemetry.write(record, path)
        text = exports.export(form, path)
        return (ET.fromstring(text) if form == "junit" else json.loads(text)), record, path

    return make


def lines_of(record):
    """How many outcomes the record holds, counted apart from the code under test."""
    count = 1  # the waivers
    for paper in record["papers"].values():
        if "layers" not in paper:
            count += 1
            continue
        count += 1 + len(paper["layers"]) + sum(len(group["rows"]) for group in paper["checks"].values())
        count += sum(len(paper[key]) for key in ("identities", "theorems", "unfolded", "claims"))
    return count


def cases(root):
    return {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}


def test_in_toto_names_the_record_by_its_digest_and_the_commit_and_locks_as_configuration(exported):
    lock = {"requirements/lock.txt": "a" * 64}
    statement, record, path = exported("intoto", change=lambda r: r["environment"].update(locks=lock) or r)
    assert (statement["_type"], statement["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://in-toto.io/attestation/test-result/v0.1",
    )
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    assert statement["subject"] == [{"name": "verification.yaml", "digest": {"sha256": sha}}]
    commit, lock = statement["predicate"]["configuration"]
    assert commit["digest"] == {"gitCommit": record["checked_commit"]}
    assert commit["annotations"]["tree"] == "clean"
    assert lock == {"name": "requirements/lock.txt", "digest": {"sha256": "a" * 64}}


def test_in_toto_lists_what_passed_and_leaves_out_what_did_not_run(exported):
    statement, record, _ = exported("intoto")
    predicate = statement["predicate"]
    assert predicate["result"] == "PASSED"
    assert predicate["warnedTests"] == predicate["failedTests"] == []
    assert {"01/layer/numpy", "01/forward/loss", "01/theorem/Toy.odd", "01/claim/learns"} <= set(
        predicate["passedTests"]
    )
    unlisted = {"02/paper/room", "01/claim/scale"}  # no room; out of scope
    assert not unlisted & set(predicate["passedTests"])
    assert len(predicate["passedTests"]) == lines_of(record) - len(unlisted)


def test_in_toto_lists_what_failed(exported):
    predicate = exported("intoto", wrong)[0]["predicate"]
    assert predicate["result"] == "FAILED"
    assert "01/forward/loss" in predicate["failedTests"]
    assert "01/layer/torch" in predicate["failedTests"]
    assert "01/layer/jax" not in predicate["passedTests"] + predicate["failedTests"]
    assert "01/forward/hidden" not in predicate["passedTests"]  # JAX's did not run


def test_in_toto_warns_of_what_was_waived(exported):
    def first_loss(results):
        return {**results, ("01", "torch", "checks"): wrong(results)["01", "torch", "checks"]}

    waivers = [{"id": WAIVED, "reason": "a known gap of the toy"}]
    predicate = exported("intoto", first_loss, waivers)[0]["predicate"]
    assert predicate["failedTests"] == []
    assert predicate["result"] == "WARNED"
    assert predicate["warnedTests"] == ["01/layer/numpy", "01/layer/torch", "01/forward/loss"]


def test_in_toto_warns_of_a_claim_that_was_waived(exported, toy):
    def untrained(results):
        facts = toy.experiment_facts({"accuracy": [0.5], "chance": [0.1]})
        slots = {("01", name, "experiment"): Evidence("01", name, facts=facts) for name in ("torch", "jax")}
        return results | slots

    waivers = [{"id": "01/claim/learns", "reason": "a known gap of the toy"}]
    predicate = exported("intoto", untrained, waivers)[0]["predicate"]
    assert (predicate["result"], predicate["warnedTests"]) == ("WARNED", ["01/claim/learns"])
    assert predicate["failedTests"] == []


def test_a_record_whose_run_was_edited_is_not_exported(toy_record, tmp_path):
    _, record = toy_record()
    record["run"]["finished"] = "2001-01-01T00:00:00+00:00"
    telemetry.write(record, tmp_path / "r.yaml")
    with pytest.raises(S30Error, match="is not exported: its run/digest does not match"):
        exports.export("ctrf", tmp_path / "r.yaml")


def test_ctrf_says_what_a_row_states_and_of_which_kind_a_claim_is(exported):
    report, record, _ = exported("ctrf")
    tests = {test["name"]: test for test in report["results"]["tests"]}
    assert tests["01/bridge/hidden_formula"]["message"] == "s"
    assert tests["01/claim/learns"]["labels"] == {"paper": "01", "kind": "claim", "claim_kind": "reproduced"}
    assert report["extra"]["s30/summary"] == record["summary"]


def test_a_record_that_failed_only_because_something_did_not_run_is_no_passed_result(exported):
    def no_jax(results):
        return {**results, ("01", "jax", "checks"): wrong(results)["01", "jax", "checks"]}

    predicate = exported("intoto", no_jax)[0]["predicate"]
    assert predicate["result"] == "FAILED"
    assert predicate["failedTests"] == []


def test_problems_of_the_card_and_of_the_waivers_are_failures(exported):
    def change(record):
        record["problems"], record["outcome"] = ["waivers.yaml: 'x' matches no failing check: remove it"], "failed"
        record["papers"]["01"]["problems"] = ["paper 01: spec.md:1: still to do"]
        return record

    assert exported("intoto", change=change)[0]["predicate"]["failedTests"] == [
        "repository/waivers/each matches a failing check",
        "01/card/every name resolves, nothing is left to do",
    ]


def test_ctrf_counts_every_test_under_one_status(exported):
    report, record, _ = exported("ctrf", wrong)
    summary, tests = report["results"]["summary"], report["results"]["tests"]
    assert summary["tests"] == len(tests) == lines_of(record)
    statuses = [test["status"] for test in tests]
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert summary[status] == statuses.count(status)
    assert summary["failed"] > 0
    raw = {test["name"]: (test["status"], test["rawStatus"]) for test in tests}
    assert raw["02/paper/room"] == raw["01/layer/jax"] == ("pending", "not_run")
    assert raw["01/claim/scale"] == ("skipped", "not_applicable")
    assert raw["01/layer/numpy"] == ("passed", "passed")
    assert len(raw) == len(tests)
    assert report["results"]["environment"]["commit"] == record["checked_commit"]


def test_ctrf_carries_the_errors_and_tolerances_as_labels(exported):
    report, record, _ = exported("ctrf")
    error, worst, entries = record["papers"]["01"]["checks"]["difference"]["rows"]["along all parameters"]
    (test,) = [t for t in report["results"]["tests"] if t["name"] == "01/difference/along all parameters"]
    numbers = {"error": error, "worst": worst, "compared": entries, "total": entries}
    assert test["labels"] == {"paper": "01", "kind": "difference", **numbers}


def test_times_come_from_the_record_alone(exported):
    def change(record):
        record["run"] |= {"finished": "2026-01-02T03:04:05+00:00", "seconds": 2.5, "measured": {"01": {"jax": 1.25}}}
        return record

    report, _, path = exported("ctrf", change=change)
    summary = report["results"]["summary"]
    assert (summary["start"], summary["stop"]) == (1767323042500, 1767323045000)
    durations = {t["name"]: t["duration"] for t in report["results"]["tests"]}
    assert durations.pop("01/layer/jax") == 1250
    assert set(durations.values()) == {0}
    root = ET.fromstring(exports.export("junit", path))
    assert (root.get("time"), cases(root)["01.layer", "jax"].get("time")) == ("1.250", "1.250")


def test_junit_counts_add_up(exported):
    root, record, _ = exported("junit", wrong)
    suites = root.findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["repository", "01 Toy 01", "02 Toy 02"]
    for suite in suites:
        members = suite.findall("testcase")
        assert suite.get("tests") == str(len(members))
        assert suite.get("failures") == str(sum(case.find("failure") is not None for case in members))
        assert suite.get("skipped") == str(sum(case.find("skipped") is not None for case in members))
        assert suite.get("errors") == "0"
    for total in ("tests", "failures", "errors"):
        assert int(root.get(total)) == sum(int(suite.get(total)) for suite in suites)
    assert int(root.get("tests")) == lines_of(record)
    assert int(root.get("failures")) > 0


def test_junit_says_what_failed_and_why_something_was_skipped(exported):
    found = cases(exported("junit", wrong)[0])
    message = found["01.forward", "loss"].find("failure").get("message")
    assert message.startswith("torch ~ numpy, jax ~ numpy: the largest error is ")
    assert message.endswith(" times what its tolerance allows")
    assert found["01.layer", "jax"].find("skipped").get("message") == 'not_run: JAX is missing: \ufffd <install> & "it"'
    assert found["01.claim", "scale"].find("skipped").get("type") == "not_applicable"
    assert list(found["01.layer", "numpy"]) == []


@pytest.mark.parametrize("form", exports.FORMATS)
def test_an_export_is_the_same_each_time(toy_record, tmp_path, form, monkeypatch):
    _, record = toy_record()
    telemetry.write(record, tmp_path / "verification.yaml")
    first = exports.export(form, tmp_path / "verification.yaml")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert exports.export(form, tmp_path / "verification.yaml") == first


@pytest.mark.parametrize(
    ("schema", "form", "spoil"),
    [
        ("intoto-test-result", "intoto", lambda s: s["predicate"].update(skippedTests=[])),
        ("intoto-test-result", "intoto", lambda s: s["predicate"].update(result="passed")),
        ("intoto-test-result", "intoto", lambda s: s["predicate"].pop("configuration")),
        ("intoto-test-result", "intoto", lambda s: s["subject"][0].pop("digest")),
        ("intoto-test-result", "intoto", lambda s: s.update(predicateType="https://example.org/")),
        ("ctrf", "ctrf", lambda s: s["results"]["tests"][0].update(status="waived")),
        ("ctrf", "ctrf", lambda s: s["results"]["tests"][0].pop("duration")),
        ("ctrf", "ctrf", lambda s: s["results"]["summary"].pop("stop")),
        ("ctrf", "ctrf", lambda s: s["results"].update(papers={})),
        ("ctrf", "ctrf", lambda s: s.update(reportFormat="ctrf")),
        ("junit", "junit", lambda s: s.set("skipped", "0")),
        ("junit", "junit", lambda s: s[0][1].set("status", "run")),
        ("junit", "junit", lambda s: s[0].insert(0, ET.Element("testcase"))),
        ("junit", "junit", lambda s: s[0].set("tests", "many")),
        ("junit", "junit", lambda s: s[0][1].append(ET.Element("warning"))),
    ],
)
def test_what_does_not_fit_a_format_is_refused(exported, schema, form, spoil):
    document, *_ = exported(form)
    as_data = exports._tree if form == "junit" else (lambda value: value)
    telemetry.require(as_data(document), schema, "it")
    spoil(document)
    with pytest.raises(S30Error, match="it does not fit its own schema at "):
        telemetry.require(as_data(document), schema, "it")


def test_an_edited_record_is_not_exported(toy_record, tmp_path):
    _, record = toy_record()
    telemetry.write(record | {"outcome": "failed"}, tmp_path / "r.yaml")
    with pytest.raises(S30Error, match=r"r\.yaml was edited after it was generated") as caught:
        exports.export("junit", tmp_path / "r.yaml")
    assert caught.value.exit_code == 1


def test_an_unknown_format_is_told_with_the_list(tmp_path):
    with pytest.raises(UsageError, match="no format 'tap': choose from intoto, ctrf, junit"):
        exports.export("tap", tmp_path / "r.yaml")


def test_the_command_prints_or_writes(toy_record, monkeypatch, capsys, tmp_path):
    root, record = toy_record()
    monkeypatch.setenv("S30_ROOT", str(root))
    telemetry.write(record, root / "verification.yaml")
    assert cli.main(["telemetry", "export", "--format", "ctrf"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["reportFormat"] == "CTRF"
    path = tmp_path / "report.json"
    arguments = ["--format", "ctrf", "--output", str(path), str(root / "verification.yaml")]
    assert cli.main(["telemetry", "export", *arguments]) == 0
    assert capsys.readouterr().out == ""
    assert path.read_text() == printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "tap"], "error: no format 'tap': choose from intoto, ctrf, junit"),
        (["--format", "junit", "nowhere.yaml"], "error: nowhere.yaml: cannot be read: "),
        (["--format", "junit", "papers.yaml"], "error: papers.yaml:1: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(corpus, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(corpus.root)
    assert cli.main(["telemetry", "export", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(words)
