"""The record in the formats that other tools read: an in-toto attestation, a CTRF report, JUnit XML.

Each export is a function of the record's bytes alone: no clock, no network, no repository. Every line of the record with an
outcome of its own is one test: the card and the layers of each paper, each row of its comparisons, each identity, theorem
and claim, each paper without a room, and the waivers of the repository.

| record         | in-toto         | CTRF    | JUnit                 |
|----------------|-----------------|---------|-----------------------|
| passed         | passedTests     | passed  | a bare testcase       |
| failed         | failedTests     | failed  | failure               |
| waived         | warnedTests     | other   | skipped, with the word |
| not_run        | in no list      | pending | skipped, with the word |
| not_applicable | in no list      | skipped | skipped, with the word |
"""

from __future__ import annotations

import hashlib
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from s30.errors import S30Error, UsageError
from s30.record import telemetry
from s30.record.entry import Row, rows, spoken

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
CTRF_VERSION = "0.0.0"  # of the working draft; `testId` and what else joined it later is left out
CTRF_STATUS = {
    "passed": "passed",
    "failed": "failed",
    "waived": "other",
    "not_run": "pending",
    "not_applicable": "skipped",
}
STATUSES = ("passed", "failed", "skipped", "pending", "other")
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


@dataclass(frozen=True)
class Test:
    """One line of the record. `numbers` are what was measured; `milliseconds` is 0 where the record tells no time."""

    __test__ = False  # pytest collects by name

    paper: str
    kind: str
    name: str
    outcome: str
    message: str = ""
    milliseconds: int = 0
    numbers: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.paper}/{self.kind}/{self.name}"


def export(form: str, path: Path) -> str:
    """The record in `path` in the format `form`, checked against the format's schema.

    Raises UsageError for an unknown format or what is no record, S30Error for a record that was edited.
    """
    if form not in FORMATS:
        raise UsageError(f"no format {form!r}: choose from {', '.join(FORMATS)}")
    record = telemetry.read(path)
    if broken := telemetry.broken_seal(record):
        raise S30Error(
            f"{path.name} was edited after it was generated, so that it is not exported: its {broken} does not match"
        )
    return FORMATS[form](record, path.read_bytes(), path.name)


def tests_of(record: Mapping[str, Any]) -> list[Test]:
    """Every test of the record, each id once, in the record's order."""
    return list(_tests(record))


def _tests(record: Mapping[str, Any]) -> Iterator[Test]:
    problems = record["problems"]
    yield Test("repository", "waivers", "each matches a failing check", *_judged(problems))
    measured = record["run"]["measured"]
    for number, paper in record["papers"].items():
        if "layers" not in paper:
            yield Test(number, "paper", "room", paper["outcome"], f"{paper['title']}: it has no room yet")
            continue
        yield Test(number, "card", "every name resolves, nothing is left to do", *_judged(paper["problems"]))
        for name, layer in paper["layers"].items():
            spent = round(1000 * measured.get(number, {}).get(name, 0.0))
            yield Test(
                number, "layer", name, layer["outcome"], layer.get("message", ""), spent, {"checks": layer["checks"]}
            )
        for kind, name, row in rows(paper):
            message = "; ".join(filter(None, [paper["stated"].get(kind, {}).get(name), _beyond(row)]))
            yield Test(number, kind, name, row.outcome, message, 0, _numbers(row))
        for kind, proofs in (
            ("identity", paper["identities"]),
            ("theorem", paper["theorems"]),
        ):
            for name, proof in proofs.items():
                yield Test(number, kind, name, proof["outcome"], proof["statement"])
        for name, outcome in paper["unfolded"].items():
            yield Test(number, "unfolded", name, outcome)
        for name, claim in paper["claims"].items():
            words = [spoken(piece) for piece in claim.get("evidence", ())]
            message = "; ".join([claim["statement"], *words, *filter(None, [claim.get("reason")])])
            yield Test(number, "claim", name, claim["outcome"], message, 0, {"claim_kind": claim["kind"]})


def _judged(problems: Sequence[str]) -> tuple[str, str]:
    return ("failed", "; ".join(problems)) if problems else ("passed", "")


def _numbers(row: Row) -> dict[str, str | float]:
    numbers = {name: getattr(row, name) for name in ("error", "worst", "compared", "total", "tolerance")}
    return {name: value for name, value in numbers.items() if value not in (None, "")}


def _beyond(row: Row) -> str:
    """What was measured, in words, where there is something to tell."""
    if row.outcome == "passed":
        return ""
    if row.error is None or row.worst is None or row.outcome == "not_run":
        return f"{row.layers}: {row.compared} of {row.total} entries compared"
    return f"{row.layers}: the largest error is {row.error:.3g}, {row.worst:.3g} times what its tolerance allows"


def in_toto(record: Mapping[str, Any], content: bytes, name: str) -> str:
    """An in-toto Statement v1 about the record's file, with a test result v0.1 as its predicate.

    `result` is FAILED whenever the record's outcome is, also when nothing failed but something required did not run, and
    WARNED when it passed with anything waived.
    """
    tests = tests_of(record)
    lists = {
        f"{word}Tests": [test.id for test in tests if test.outcome == outcome]
        for word, outcome in (("passed", "passed"), ("warned", "waived"), ("failed", "failed"))
    }
    result = "FAILED" if record["outcome"] == "failed" else "WARNED" if lists["warnedTests"] else "PASSED"
    commit = {
        "name": "checked commit",
        "digest": {"gitCommit": record["checked_commit"]},
        "annotations": {
            "tree": record["tree"]["state"],
            "source_digest": record["source_digest"],
            "profile": record["profile"],
        },
    }
    locks = [{"name": path, "digest": {"sha256": sha}} for path, sha in record["environment"]["locks"].items()]
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": hashlib.sha256(content).hexdigest()}}],
        "predicateType": TEST_RESULT,
        "predicate": {"result": result, "configuration": [commit, *locks], **lists},
    }
    telemetry.require(statement, "intoto-test-result", "the in-toto statement")
    return _json(statement)


def ctrf(record: Mapping[str, Any], content: bytes, name: str) -> str:
    """A report in the Common Test Report Format; what is s30's own stands under `extra` and `labels`.

    A test's duration is that of its layer; the record tells no time for a single row, which therefore has 0.
    """
    tests = tests_of(record)
    counts = Counter(CTRF_STATUS[test.outcome] for test in tests)
    start, stop = _span(record)
    summary = {
        "tests": len(tests),
        **{status: counts[status] for status in STATUSES},
        "suites": len({test.paper for test in tests}),
        "start": start,
        "stop": stop,
    }
    environment = {
        "appName": "s30",
        "commit": record["checked_commit"],
        "osPlatform": str(record["environment"]["platform"]).split()[0].lower(),
        "testEnvironment": str(record["environment"]["kind"]),
        "extra": {"s30/environment": record["environment"], "s30/tree": record["tree"]},
    }
    report = {
        "reportFormat": "CTRF",
        "specVersion": CTRF_VERSION,
        "timestamp": record["run"]["finished"],
        "generatedBy": "s30 telemetry export",
        "extra": {
            "s30/record": {"name": name, "sha256": hashlib.sha256(content).hexdigest()},
            "s30/outcome": record["outcome"],
            "s30/summary": record["summary"],
        },
        "results": {
            "tool": {"name": "s30"},
            "summary": summary,
            "tests": [_ctrf_test(test, record) for test in tests],
            "environment": environment,
        },
    }
    telemetry.require(report, "ctrf", "the CTRF report")
    return _json(report)


def _ctrf_test(test: Test, record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": test.id,
        "status": CTRF_STATUS[test.outcome],
        "rawStatus": test.outcome,
        "duration": test.milliseconds,
        "suite": [_suite(test.paper, record), test.kind],
        **({"message": test.message} if test.message else {}),
        "labels": {"paper": test.paper, "kind": test.kind, **test.numbers},
    }


def junit(record: Mapping[str, Any], content: bytes, name: str) -> str:
    """JUnit XML as pytest writes it and Jenkins reads it: one suite per paper, one case per test."""
    tests = tests_of(record)
    whole = {key: value for key, value in _counts(tests).items() if key != "skipped"}  # which only a suite may have
    root = ET.Element("testsuites", {"name": "s30", **whole})
    for paper in dict.fromkeys(test.paper for test in tests):
        members = [test for test in tests if test.paper == paper]
        attributes = {"timestamp": record["run"]["finished"], "hostname": record["run"]["host"]}
        suite = ET.SubElement(
            root, "testsuite", {"name": _clean(_suite(paper, record)), **_counts(members), **attributes}
        )
        facts = {
            "record": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "checked_commit": record["checked_commit"],
        }
        properties = ET.SubElement(suite, "properties")
        for key, value in facts.items():
            ET.SubElement(properties, "property", {"name": key, "value": value})
        for test in members:
            _case(suite, test)
    ET.indent(root, " ")
    telemetry.require(_tree(root), "junit", "the JUnit report")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, test: Test) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {"classname": f"{test.paper}.{test.kind}", "name": _clean(test.name), "time": _seconds(test.milliseconds)},
    )
    message = _clean(test.message or test.outcome)
    if test.outcome == "failed":
        ET.SubElement(case, "failure", {"message": message, "type": "failed"}).text = message
    elif test.outcome != "passed":
        ET.SubElement(case, "skipped", {"message": f"{test.outcome}: {message}", "type": test.outcome})


def _counts(tests: Sequence[Test]) -> dict[str, str]:
    failed = sum(test.outcome == "failed" for test in tests)
    ran = sum(test.outcome in ("passed", "failed") for test in tests)
    counts = {"tests": len(tests), "failures": failed, "errors": 0, "skipped": len(tests) - ran}
    return {key: str(value) for key, value in counts.items()} | {
        "time": _seconds(sum(test.milliseconds for test in tests))
    }


def _tree(element: ET.Element) -> dict[str, Any]:
    """An XML element as JSON, which a JSON Schema can check."""
    return {
        "tag": element.tag,
        "attributes": dict(element.attrib),
        "children": [_tree(child) for child in element],
    }


def _suite(paper: str, record: Mapping[str, Any]) -> str:
    return f"{paper} {record['papers'][paper]['title']}" if paper in record["papers"] else paper


def _span(record: Mapping[str, Any]) -> tuple[int, int]:
    """The run's start and end in milliseconds since 1970, as the record tells them."""
    stop = round(1000 * datetime.fromisoformat(record["run"]["finished"]).timestamp())
    return stop - round(1000 * record["run"]["seconds"]), stop


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"


def _clean(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


FORMATS: dict[str, Callable[[Mapping[str, Any], bytes, str], str]] = {"intoto": in_toto, "ctrf": ctrf, "junit": junit}
