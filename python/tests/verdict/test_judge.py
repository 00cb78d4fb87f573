"""From checks to verdicts: one cell per layer, waivers that cannot outlive their gap, nothing passed that was not run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s30.corpus import documents
from s30.corpus.vocabulary import Outcome
from s30.errors import UsageError
from s30.evidence.store import Evidence
from s30.layers.catalogue import EXECUTABLE, LAYERS
from s30.verdict.judge import judge, load_waivers

ALL = list(LAYERS)
WRONG_LOSSES = [f"01/{pair}/trajectory/seed 0 losses" for pair in ("tinygrad~torch", "torch~jax")]


def waive(corpus, *ids):
    (corpus.root / "waivers.yaml").write_text(
        documents.dump({"waivers": [{"id": name, "reason": "known"} for name in ids]})
    )


def outcomes(verification):
    return {name: str(cell.outcome) for name, cell in verification.papers[0].cells.items()}


@pytest.fixture
def results(paper, results_of):
    return results_of(paper)


@pytest.fixture
def wrong(results):
    """PyTorch's losses are wrong, and nothing else."""
    torch = results["01", "torch", "checks"]
    arrays = {**torch.arrays, "seed0/trajectory/loss": 2 * torch.arrays["seed0/trajectory/loss"]}
    return results | {("01", "torch", "checks"): replace(torch, arrays=arrays)}


def test_everything_that_agrees_passes(corpus, results):
    verification = judge(corpus, corpus.papers, ALL, results, True)
    assert verification.passed
    assert outcomes(verification) == dict.fromkeys(ALL, "passed")
    assert verification.papers[0].messages == []
    assert [str(c.outcome) for c in verification.papers[0].claims] == ["passed", "passed", "not_applicable"]


def test_a_layer_that_disagrees_fails_alone_with_its_first_message(corpus, wrong):
    verification = judge(corpus, corpus.papers, ALL, wrong, True)
    assert not verification.passed
    assert outcomes(verification) == dict.fromkeys(ALL, "passed") | {"torch": "failed"}
    cell = verification.papers[0].cells["torch"]
    assert cell.message.startswith("paper 01, layer tinygrad against torch, trajectory seed 0 losses: at index [")
    assert cell.failed == 2
    assert len(verification.papers[0].messages) == 2


def test_waived_failures_pass_as_waived(corpus, wrong):
    waive(corpus, *WRONG_LOSSES)
    verification = judge(corpus, corpus.papers, ALL, wrong, True)
    assert verification.passed
    waived = {c.id for c in verification.papers[0].checks if c.outcome is Outcome.WAIVED}
    assert waived == set(WRONG_LOSSES)
    assert outcomes(verification)["torch"] == "waived"
    assert outcomes(verification)["numpy"] == "passed"


def test_a_waiver_covers_the_exact_check_alone(corpus, wrong):
    waive(corpus, WRONG_LOSSES[0])
    verification = judge(corpus, corpus.papers, ALL, wrong, True)
    assert not verification.passed
    assert outcomes(verification)["torch"] == "failed"


@pytest.mark.parametrize("name", ["01/torch~numpy/forward/seed 0 hidden", "01/nothing", "99/torch/layer/x"])
def test_a_waiver_that_matches_nothing_that_fails_is_a_failure(corpus, results, name):
    waive(corpus, name)
    verification = judge(corpus, corpus.papers, ALL, results, True)
    assert not verification.passed
    assert verification.problems == [f"waivers.yaml: {name!r} matches no failing check: remove it"]


def test_a_partial_run_says_nothing_about_waivers_of_what_it_did_not_look_at(corpus, results):
    waive(corpus, "01/torch~numpy/forward/seed 0 hidden")
    assert judge(corpus, corpus.papers, ["numpy"], results, True).problems == []
    assert judge(corpus, corpus.papers, ALL, results, False).problems == []


def test_a_failing_claim_can_be_waived_and_keeps_the_reason(corpus, results, toy):
    low = {
        ("01", name, "experiment"): Evidence(
            "01", name, facts=toy.experiment_facts({"accuracy": [0.1], "chance": [0.1]})
        )
        for name in ("torch", "jax")
    }
    assert not judge(corpus, corpus.papers, ALL, results | low, True).passed
    waive(corpus, "01/claim/learns")
    verification = judge(corpus, corpus.papers, ALL, results | low, True)
    assert verification.passed
    claim = next(c for c in verification.papers[0].claims if c.claim == "learns")
    assert (claim.outcome, claim.reason) == (Outcome.WAIVED, "known")


def test_a_layer_that_did_not_finish_can_be_waived(corpus, results):
    broken = {("01", "jax", "checks"): Evidence("01", "jax", error="boom", outcome=Outcome.FAILED)}
    waive(corpus, "01/jax/layer/ran to its end")
    verification = judge(corpus, corpus.papers, ALL, results | broken, True)
    assert outcomes(verification)["jax"] == "waived"
    assert verification.problems == []


def test_what_did_not_run_is_never_waived_or_passed(corpus, results):
    missing = {
        ("01", "jax", "checks"): Evidence(
            "01", "jax", error="JAX is not installed: run `make setup`", outcome=Outcome.NOT_RUN
        )
    }
    verification = judge(corpus, corpus.papers, ALL, results | missing, True)
    assert not verification.passed
    assert outcomes(verification)["jax"] == "not_run"
    assert "paper 01, layer jax: JAX is not installed: run `make setup`" in verification.papers[0].messages


def test_a_layer_without_evidence_is_not_run(corpus, results):
    del results["01", "sympy", "checks"]
    verification = judge(corpus, corpus.papers, ALL, results, True)
    assert outcomes(verification)["sympy"] == "not_run"
    assert not verification.passed


def test_a_layer_about_which_nothing_was_checked_fails(corpus, results):
    results["01", "sympy", "checks"] = Evidence("01", "sympy", facts={"identities": {}, "bridges": {}})
    cell = judge(corpus, corpus.papers, ALL, results, True).papers[0].cells["sympy"]
    assert (cell.outcome, cell.message) == (Outcome.FAILED, "ran, but nothing about it could be checked")


def test_a_draft_is_not_required_and_is_judged_where_it_is_named(make_corpus, results):
    made = make_corpus({"01_affine": {}, "02_later": {}})
    corpus = replace(made, papers=(replace(made.paper("01"), draft=True), made.paper("02")))
    assert [p.id for p in judge(corpus, [], ALL, {}, True).unbuilt] == ["01"]
    named = judge(corpus, corpus.select(["01"]), ALL, results, True)
    assert (named.unbuilt, named.papers[0].outcome) == ([], Outcome.PASSED)


def test_papers_without_a_room_are_listed_and_not_required(make_corpus, results):
    corpus = make_corpus({"01_affine": {}, "02_later": None})
    verification = judge(corpus, corpus.select([]), ALL, results, True)
    assert verification.passed
    assert [p.id for p in verification.unbuilt] == ["02"]
    named = judge(corpus, [corpus.paper("02")], ALL, {}, True)
    assert not named.passed
    assert outcomes(named) == dict.fromkeys(ALL, "not_run")
    assert named.papers[0].outcome is Outcome.NOT_RUN


def test_nothing_verified_is_not_passed(corpus):
    assert not judge(corpus, [], ALL, {}, True).passed


def test_a_name_that_nothing_carries_fails_the_paper(make_corpus, card, results):
    card["equations"][0]["carried_by"] = {"output": "skores"}
    corpus = make_corpus(card=card)
    verification = judge(corpus, corpus.papers, ALL, results, True)
    assert verification.papers[0].outcome is Outcome.FAILED
    assert verification.papers[0].messages == ["paper 01, equation affine: no output is named 'skores'"]


def test_some_layers_alone_judge_only_the_claims_they_can_decide(corpus, results):
    some = {slot: e for slot, e in results.items() if slot[1] in ("numpy", "sympy", "agda")}
    verification = judge(corpus, corpus.papers, ["numpy", "sympy", "agda"], some, True)
    assert [c.claim for c in verification.papers[0].claims] == ["odd", "scale"]
    assert verification.passed


@pytest.mark.parametrize(
    "text", ["waivers: [{id: x}]", "waivers: x", "other: []", "waivers: ]", "waivers: [{id: x, reason: ''}]"]
)
def test_malformed_waivers_are_refused_with_file_and_line(corpus, text):
    (corpus.root / "waivers.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"waivers\.yaml:1: "):
        load_waivers(corpus.root)


def test_no_waivers_file_means_no_waivers(corpus):
    (corpus.root / "waivers.yaml").unlink()
    assert load_waivers(corpus.root) == {}


@pytest.mark.parametrize("without", [False, True])
def test_an_experiment_that_failed_fails_its_layer_whatever_is_claimed(make_corpus, card, results, without):
    """No claim needs JAX's experiment here."""
    for evidence in card["claims"][1]["evidence"]:
        evidence["layers"] = ["torch"]
    corpus = make_corpus(card=card)
    results["01", "jax", "experiment"] = Evidence("01", "jax", error="ValueError: diverged", outcome=Outcome.FAILED)
    verification = judge(corpus, corpus.papers, ALL, results, not without)
    assert outcomes(verification)["jax"] == ("passed" if without else "failed")
    assert verification.passed is without
    if not without:
        assert verification.papers[0].messages == ["paper 01, layer jax, experiment: ValueError: diverged"]


def test_the_floor_of_a_room_is_asked_for(corpus, results):
    sympy = results["01", "sympy", "checks"]
    facts = {"identities": {"tanh_odd": sympy.facts["identities"]["tanh_odd"]}, "bridges": {}}
    results["01", "sympy", "checks"] = replace(sympy, facts=facts, arrays={})
    for layer in EXECUTABLE:
        evidence = results["01", layer, "checks"]
        results["01", layer, "checks"] = replace(evidence, facts=evidence.facts | {"invariants": []})
    mutants = corpus.paper("01").folder / "tests" / "mutants.yaml"
    listed = documents.load(mutants, "mutants")["mutants"]
    mutants.write_text(documents.dump({"mutants": [m for m in listed if m["name"] != "torch 5"]}))
    said = judge(corpus, corpus.papers, ALL, results, True).papers[0].problems
    for line in (
        "paper 01: 1 of kind identity, at least 2 are asked for",
        "paper 01: 0 of kind bridge, at least 1 are asked for",
        "paper 01: 0 of kind invariant, at least 1 are asked for",
        "paper 01: tests/mutants.yaml lists 5 mistakes of the torch layer, at least 6 are asked for",
    ):
        assert line in said
    assert not judge(corpus, corpus.papers, ALL, results, True).passed


def test_a_tolerance_that_nothing_uses_is_a_fault(make_corpus, card, results):
    entry = {"kind": "forward", "quantity": "scores", "rtol": 1e-9, "atol": 1e-12, "reason": "r"}
    card["tolerances"] = [entry, {**entry, "quantity": "skores"}]
    corpus = make_corpus(card=card)
    verification = judge(corpus, corpus.papers, ALL, results, True)
    assert verification.papers[0].problems == [
        "paper 01: the tolerance of forward skores belongs to no check: remove it"
    ]
    assert not verification.passed


def test_judging_executes_nothing_of_a_room(corpus, results):
    """Whatever a room's code prints, raises or waits for happens in the workers."""
    for path in corpus.paper("01").folder.rglob("*.py"):
        path.write_text("raise SystemExit('executed by the judge')\n")
    assert judge(corpus, corpus.papers, ALL, results, True).passed


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        ({"01": ["02"], "02": []}, ""),
        ({"01": ["99"]}, "paper 01: it needs paper 99, which papers.yaml does not have"),
        ({"01": ["01"]}, "paper 01: none can be read first: 01 needs 01"),
        ({"01": ["02"], "02": ["03"], "03": ["01"]}, "paper 01: none can be read first: 01 needs 02 needs 03 needs 01"),
        ({"01": ["02"], "02": ["03"], "03": ["02"]}, ""),  # said of 02 and 03
        ({"01": ["04"]}, ""),  # without a room, in which it could say what it needs
    ],
)
def test_what_is_read_before_is_there_and_leads_back_to_nothing(make_corpus, card, results, needs, problem):
    rooms = {
        f"{number}_toy{number}": {"paper.yaml": documents.dump(card | {"needs": needs.get(number, [])})}
        for number in ("01", "02", "03")
    }
    corpus = make_corpus(rooms | {"04_later": None})
    said = judge(corpus, [corpus.paper("01")], ALL, results, True).papers[0].problems
    assert [line for line in said if "need" in line] == ([problem] if problem else [])
