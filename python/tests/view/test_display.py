"""What a person sees is what the files say, and the last line says no more than the evidence."""

from __future__ import annotations

import io
from dataclasses import replace
from types import SimpleNamespace

import pytest

from s30 import cli
from s30.corpus import documents
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import LAYERS
from s30.record import telemetry
from s30.verdict.judge import judge
from s30.view import markdown
from s30.view.display import Plain, checks_line, last_line, results, uncounted, without_room

FORMULA = "σ(W_f·[h_(t-1), x_t] + b_f) [/b] [bold]x[/bold] :smile:"


def printed(*what, width=200, **options):
    stream = io.StringIO()
    Plain(file=stream, width=width).print(*what, **options)
    return stream.getvalue()


def test_brackets_and_colons_stay_what_they_are():
    assert printed(FORMULA) == FORMULA + "\n"


def test_control_codes_are_shown_and_not_obeyed():
    said = printed("a\x1b[31mb\x07c\x9bd\x7fe\rf")
    assert said == r"a\x1b[31mb\x07c\x9bd\x7fe\x0df" + "\n"
    assert printed("two\nlines") == "two\nlines\n"


def test_show_prints_the_formulas_of_a_card(make_corpus, card, monkeypatch, capsys):
    card["equations"][0]["formula"] = FORMULA
    card["summary"] = "\x1b[2J cleared [x]"
    card["needs"] = ["02"]
    corpus = make_corpus({"01_affine": {}, "02_later": None}, card=card)
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    monkeypatch.setattr("s30.cli.rooms.console", Plain(width=200))
    assert cli.main(["show", "1"]) == 0
    said = capsys.readouterr().out
    assert FORMULA in said
    assert r"\x1b[2J cleared [x]" in said
    assert "\x1b" not in said
    assert "To be read before: 02" in said
    assert "Coverage of the paper: 2 of 3, 1 left out" in said
    assert "left out: needs a cluster" in said
    assert "output hidden; claim odd, learns" in said


@pytest.fixture
def judged(corpus, results_of):
    """The verification of the toy after an edit of its results, with these waivers."""

    def run(edit=lambda results: results, waivers=(), names=LAYERS):
        (corpus.root / "waivers.yaml").write_text(
            documents.dump({"waivers": [{"id": name, "reason": "known"} for name in waivers]})
        )
        return judge(corpus, corpus.papers, list(names), edit(results_of(corpus.paper("01"))), True)

    return run


def ended(layer, outcome=Outcome.FAILED):
    """A layer that did not finish."""
    gone = Evidence("01", layer, error="it is gone", outcome=outcome)
    return lambda results: {**results, ("01", layer, "checks"): gone}


def told(verification):
    return checks_line(telemetry.summary(verification))


def test_all_that_passed_is_said_with_its_totals(judged):
    verification = judged()
    total = sum(telemetry.summary(verification)["checks"].values())
    assert told(verification) == (
        f"checks: {total} of {total} passed; 2 identities proved, 1 theorems checked; 2 of 3 items of the papers carried"
    )
    assert last_line(verification)[0] == "PASSED"


@pytest.mark.parametrize("layer", ["torch", "jax", "tinygrad"])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.NOT_RUN])
def test_what_did_not_run_stays_in_the_total(judged, layer, outcome):
    whole, part = (telemetry.summary(judged(edit)) for edit in (lambda results: results, ended(layer, outcome)))
    own = {"oracle"}  # what only the layer itself could tell
    (paper,) = judged().papers
    untold = sum(check.kind in own and layer in check.layers for check in paper.checks)
    assert sum(part["checks"].values()) == sum(whole["checks"].values()) - untold
    assert part["entries"]["total"] == whole["entries"]["total"] - sum(
        check.total for check in paper.checks if check.kind in own and layer in check.layers
    )
    assert part["checks"]["not_run"] >= 50


def test_what_the_total_lacks_is_said(judged):
    assert uncounted(judged()) == ""
    assert uncounted(judged(ended("jax", Outcome.NOT_RUN))).endswith("can tell of: JAX of 01")
    waived = judged(ended("torch"), waivers=["01/torch/layer/ran to its end"])
    assert waived.waived == ["01/torch/layer/ran to its end"]
    assert uncounted(waived).endswith("can tell of: PyTorch of 01")


def test_theorems_that_were_not_checked_stay_in_the_total(judged):
    summary = telemetry.summary(judged(ended("agda")))
    assert summary["theorems"] == 0
    assert summary["checks"]["not_run"] == 1


def test_experiments_that_did_not_run_stay_in_the_total(judged, results_of, corpus):
    def without(results):
        gone = Evidence("01", "torch", error="it diverged", outcome=Outcome.FAILED)
        return {**results, ("01", "torch", "experiment"): gone}

    kinds = [c.kind for c in judged(without).papers[0].checks if c.outcome is Outcome.NOT_RUN]
    assert kinds.count("experiment") == sum(
        check.kind == "experiment" and check.total > 0 for check in judged().papers[0].checks
    )


def test_a_layer_that_is_waived_shrinks_no_total_and_is_named(judged):
    waivers = ["01/torch/layer/ran to its end"]
    verification = judged(ended("torch"), waivers)
    assert verification.outcome is Outcome.WAIVED
    assert verification.passed
    assert last_line(verification)[0] == "PASSED with 1 waived: 01/torch/layer/ran to its end"
    assert " not run" in told(verification)
    assert ", 1 waived" in told(verification)


def test_the_last_line_says_what_failed(judged):
    verification = judged(ended("torch"))
    assert last_line(verification)[0] == "FAILED: 1 check"
    broken = replace(verification, problems=["waivers.yaml: it"])
    assert last_line(broken)[0] == "FAILED: 1 check, 1 problem"
    gone = judged(lambda results: {k: e for k, e in results.items() if k[1] not in ("jax", "torch")})
    assert last_line(gone)[0].endswith("2 layers not run")


def test_nothing_is_said_to_be_passed_where_nothing_was_verified(make_corpus, monkeypatch, capsys):
    corpus = make_corpus({"01_affine": {}, "02_later": None})
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    assert cli.main(["verify", "2"]) == 1
    out, error = capsys.readouterr()
    assert "paper 02 has no room yet: `s30 new 02` lays it out" in error
    assert out.splitlines()[-1] == "FAILED: 6 layers not run"
    assert "checks: 0 of 0 passed" in out


@pytest.mark.parametrize(("width", "table"), [(160, True), (80, False), (40, False)])
def test_in_a_narrow_terminal_each_paper_is_a_line_and_no_word_is_cut(judged, width, table):
    verification = judged(ended("torch"))
    said = printed(results(verification, list(LAYERS), width), width=width)
    assert ("Cubical Agda" in said) is table
    assert "FAILED" in said
    assert "…" not in said
    if not table:
        assert " ".join(said.split()) == "01 affine: torch FAILED, 5 passed; claims 2/2"


def test_the_readmes_table_tells_the_coverage(judged):
    header, _, row, *_ = markdown.results(judged()).splitlines()
    assert header.split(" | ")[-2] == "coverage"
    assert row.split(" | ")[-2] == "2 of 3"


def test_a_rooms_table_tells_the_coverage(paper):
    table = markdown.metrics(paper, {"torch": {"a": [1.0]}}, {}, "full", 0, "Measured here.")
    assert table.startswith(
        "Of the paper's numbered items, `paper.yaml` lists 3; carried here: 2 of 3, 1 left out.\n\n"
    )


@pytest.mark.parametrize(
    ("rooms", "drafts", "words"),
    [
        (2, 0, "2 papers have no room yet"),
        (2, 1, "2 papers have no room yet and 1 a draft"),
        (0, 3, "3 papers have a draft"),
    ],
)
def test_drafts_are_told_apart_from_papers_without_a_room(rooms, drafts, words):
    papers = [SimpleNamespace(draft=False)] * rooms + [SimpleNamespace(draft=True)] * drafts
    assert without_room(papers) == words
