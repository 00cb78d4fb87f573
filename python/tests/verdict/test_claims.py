"""A claim holds only if all its evidence was measured and holds; nothing else ever passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s30.corpus.vocabulary import Outcome
from s30.errors import UsageError
from s30.evidence.store import Evidence
from s30.verdict.card import idle_bounds, unresolved_names
from s30.verdict.claims import bound_of, check_claims, coverage
from s30.verdict.parity import check_paper

METRICS = {"accuracy": [0.8, 0.9, 1.0], "baseline": [0.5], "steps": [10.0]}


@pytest.fixture
def judged(make_corpus, card, evidences):
    """The verdict on one claim with this evidence, given these metrics of each training layer."""

    def judge(*evidence, metrics=METRICS, kind="reproduced", found=None, experiments=None, **extra):
        claim = {"id": "it", "statement": "it", "source": "(1)", "kind": kind, **extra}
        card["claims"] = [claim | ({"evidence": list(evidence)} if evidence else {})]
        paper = make_corpus(card=card).paper("01")
        if experiments is None:
            experiments = {name: Evidence("01", name, facts={"metrics": metrics}) for name in ("torch", "jax")}
        (verdict,) = check_claims(paper, check_paper(paper, evidences if found is None else found), experiments)
        return verdict

    return judge


@pytest.mark.parametrize(
    ("relation", "outcome"),
    [
        ({"at_least": 0.9}, "passed"),
        ({"at_least": 0.9001}, "failed"),
        ({"at_most": 0.9}, "passed"),
        ({"at_most": 0.8999}, "failed"),
        ({"above": 0.8999}, "passed"),
        ({"above": 0.9}, "failed"),
        ({"below": 0.9001}, "passed"),
        ({"below": 0.9}, "failed"),
        ({"equals": 0.9}, "passed"),
        ({"equals": 0.91}, "failed"),
        ({"equals": 0.91, "within": 0.011}, "passed"),
        ({"equals": 0.91, "within": 0.009}, "failed"),
        ({"equals": 0.89, "within": 0.009}, "failed"),
        ({"at_least": {"metric": "baseline"}}, "passed"),
        ({"at_most": {"metric": "baseline"}}, "failed"),
        ({"at_least": {"metric": "baseline", "times": 1.7}}, "passed"),
        ({"at_least": {"metric": "baseline", "times": 1.9}}, "failed"),
        ({"above": {"metric": "baseline", "plus": 0.3}}, "passed"),
        ({"above": {"metric": "baseline", "plus": 0.45}}, "failed"),
        ({"at_least": {"metric": "baseline", "times": 2.0, "plus": -0.2}}, "passed"),
        ({"at_least": {"metric": "baseline", "times": 2.0, "plus": -0.05}}, "failed"),
    ],
)
def test_a_bound_is_held_against_the_mean_over_seeds(judged, relation, outcome):
    """The mean of 0.8, 0.9 and 1.0 is 0.9; its least and its largest value would decide several of these otherwise."""
    verdict = judged({"metric": "accuracy", **relation}, metrics=METRICS | {"accuracy": [0.75, 1.0, 0.95]})
    assert verdict.outcome == outcome
    assert len(verdict.findings) == 2


def test_a_verdict_says_what_was_measured_and_what_was_claimed(judged):
    verdict = judged({"metric": "accuracy", "at_least": {"metric": "baseline", "times": 2}})
    assert verdict.id == "01/claim/it"
    assert verdict.message == (
        "paper 01, claim it: torch accuracy: 0.9 (mean of 3 seeds, 0.8 to 1); claimed >= 1; "
        "jax accuracy: 0.9 (mean of 3 seeds, 0.8 to 1); claimed >= 1"
    )
    assert verdict.findings[0].values == {
        "value": pytest.approx(0.9),
        "relation": "at_least",
        "limit": 1.0,
        "limit_from": {"metric": "baseline", "times": 2},
    }


def test_a_bound_of_the_cards_own_has_no_source_and_a_margin_only_where_it_is_given(judged):
    (first, _) = judged({"metric": "steps", "equals": 11, "within": 2}).findings
    assert first.values == {"value": 10.0, "relation": "equals", "limit": 11.0, "within": 2}
    assert judged({"identity": "tanh_odd"}).findings[0].values == {}


def test_a_claim_on_one_layer_looks_at_that_layer_alone(judged):
    torch_only = {"torch": Evidence("01", "torch", facts={"metrics": METRICS})}
    assert (
        judged({"metric": "accuracy", "at_least": 0.5, "layers": ["torch"]}, experiments=torch_only).outcome
        is Outcome.PASSED
    )
    assert (
        judged({"metric": "accuracy", "at_least": 0.5, "layers": ["jax"]}, experiments=torch_only).outcome
        is Outcome.NOT_RUN
    )
    assert judged({"metric": "accuracy", "at_least": 0.5}, experiments=torch_only).outcome is Outcome.NOT_RUN


def test_both_training_layers_must_reach_the_bound(judged):
    one_bad = {
        name: Evidence("01", name, facts={"metrics": {"accuracy": [value]}})
        for name, value in (("torch", 0.95), ("jax", 0.5))
    }
    verdict = judged({"metric": "accuracy", "at_least": 0.9}, experiments=one_bad)
    assert verdict.outcome is Outcome.FAILED
    assert verdict.message == "paper 01, claim it: jax accuracy: 0.5; claimed >= 0.9"


@pytest.mark.parametrize(
    "wanted", [{"metric": "speed", "above": 0}, {"metric": "accuracy", "above": {"metric": "speed"}}]
)
def test_a_metric_that_was_not_measured_fails(judged, wanted):
    verdict = judged(wanted)
    assert verdict.outcome is Outcome.FAILED
    assert "the experiment measured no 'speed'" in verdict.message


def test_an_experiment_that_was_not_run_leaves_the_claim_not_run(judged):
    verdict = judged({"metric": "accuracy", "at_least": 0.1}, experiments={})
    assert verdict.outcome is Outcome.NOT_RUN
    assert "the experiment was not run" in verdict.message


@pytest.mark.parametrize(
    ("outcome", "error"),
    [(Outcome.FAILED, "ValueError: diverged"), (Outcome.NOT_RUN, "PyTorch is not installed: run `make setup`")],
)
def test_an_experiment_that_did_not_finish_gives_its_reason_and_its_outcome(judged, outcome, error):
    experiments = {name: Evidence("01", name, error=error, outcome=outcome) for name in ("torch", "jax")}
    verdict = judged({"metric": "accuracy", "at_least": 0.1}, experiments=experiments)
    assert verdict.outcome is outcome
    assert error in verdict.message


@pytest.mark.parametrize(
    "evidence", [{"identity": "tanh_odd"}, {"theorem": "Toy.odd"}, {"invariant": "bounded"}, {"bridge": "bias_formula"}]
)
def test_proofs_invariants_and_bridges_are_evidence(judged, evidence):
    assert judged(evidence, kind="exact").outcome is Outcome.PASSED


@pytest.mark.parametrize("kind", ["identity", "theorem", "invariant", "bridge"])
def test_evidence_of_an_unknown_name_is_not_run(judged, kind):
    verdict = judged({kind: "Nothing.such"}, kind="exact")
    assert verdict.outcome is Outcome.NOT_RUN
    assert verdict.message == f"paper 01, claim it: {kind} Nothing.such: was not checked"


def test_an_unproved_identity_and_a_broken_invariant_fail_their_claims(judged, evidences, changed):
    facts = evidences["sympy"].facts
    unproved = {**facts["identities"]["tanh_odd"], "proved": False, "why": "no"}
    sympy = replace(evidences["sympy"], facts={**facts, "identities": {"tanh_odd": unproved}})
    assert judged({"identity": "tanh_odd"}, found=evidences | {"sympy": sympy}).outcome is Outcome.FAILED
    broken = changed({("jax", "seed4/invariant/bounded/left"): lambda a: a + 9})  # one seed of one layer
    assert judged({"invariant": "bounded"}, found=broken).outcome is Outcome.FAILED


def test_a_layer_that_did_not_run_proves_nothing(judged, evidences):
    without = {name: e for name, e in evidences.items() if name != "sympy"}
    assert judged({"identity": "tanh_odd"}, found=without).outcome is Outcome.NOT_RUN
    failed = evidences | {"sympy": Evidence("01", "sympy", error="boom", outcome=Outcome.FAILED)}
    assert judged({"identity": "tanh_odd"}, found=failed).outcome is Outcome.NOT_RUN


def test_one_unmet_piece_of_evidence_is_enough_to_fail(judged):
    assert judged({"identity": "tanh_odd"}, {"metric": "accuracy", "above": 0.95}).outcome is Outcome.FAILED
    assert judged({"identity": "tanh_odd"}, {"identity": "nothing"}).outcome is Outcome.NOT_RUN
    assert judged({"metric": "accuracy", "above": 0.95}, {"identity": "nothing"}).outcome is Outcome.FAILED


def test_out_of_scope_is_not_applicable_and_keeps_its_reason(judged):
    verdict = judged(kind="out_of_scope", reason="needs a cluster")
    assert (verdict.outcome, verdict.reason, verdict.findings) == (Outcome.NOT_APPLICABLE, "needs a cluster", ())


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "out_of_scope"},
        {"kind": "out_of_scope", "reason": "r", "evidence": [{"identity": "tanh_odd"}]},
        {"kind": "exact"},
        {"kind": "exact", "evidence": []},
        {"kind": "reproduced", "evidence": [{"metric": "accuracy"}]},
        {"kind": "reproduced", "evidence": [{"metric": "accuracy", "above": 1, "below": 2}]},
        {"kind": "reproduced", "evidence": [{"metric": "accuracy", "above": 1, "within": 2}]},
        {"kind": "reproduced", "evidence": [{"metric": "accuracy", "above": 1, "layers": ["numpy"]}]},
        {"kind": "proven", "evidence": [{"identity": "tanh_odd"}]},
    ],
)
def test_a_card_cannot_state_a_claim_that_nothing_could_decide(make_corpus, card, wrong):
    card["claims"] = [{"id": "it", "statement": "it", "source": "(1)", **wrong}]
    with pytest.raises(UsageError, match=r"paper\.yaml:\d+: claims/0"):
        _ = make_corpus(card=card).paper("01").card


@pytest.fixture
def unresolved(make_corpus, card, evidences, experiments):
    def find(carried_by, found=None, measured=None):
        card["equations"] = [{"id": "one", "source": "(1)", "formula": "f", "carried_by": carried_by}]
        paper = make_corpus(card=card).paper("01")
        return unresolved_names(
            paper, evidences if found is None else found, experiments if measured is None else measured
        )

    return find


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("output", "scores"),
        ("parameter", "bias"),
        ("identity", "tanh_odd"),
        ("bridge", "bias_formula"),
        ("invariant", "bounded"),
        ("theorem", "Toy.odd"),
        ("metric", "accuracy"),
    ],
)
def test_names_of_the_equation_map_must_exist(unresolved, kind, name):
    assert unresolved({kind: name}) == []
    assert unresolved({kind: "nothing"}) == [f"paper 01, equation one: no {kind} is named 'nothing'"]


def test_a_name_is_unresolved_even_when_its_layer_has_none_of_that_kind(unresolved, evidences):
    sympy = replace(evidences["sympy"], facts={"identities": {}, "bridges": {}})
    assert unresolved({"bridge": "hidden_formula"}, found=evidences | {"sympy": sympy})


def test_names_are_not_judged_by_layers_that_did_not_finish(unresolved, evidences):
    alone = {"numpy": evidences["numpy"], "sympy": Evidence("01", "sympy", error="boom", outcome=Outcome.FAILED)}
    carried = {"parameter": "weight", "identity": "tanh_odd", "bridge": "x", "theorem": "Toy.odd", "metric": "accuracy"}
    assert unresolved(carried, found=alone, measured={}) == []
    assert unresolved({"output": "nothing"}, found=alone, measured={})


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ({"at_least": 0.95}, ">= 0.95"),
        ({"equals": 9, "within": 0.01}, "= 9 within 0.01"),
        ({"below": {"metric": "baseline", "times": 0.8}}, "< 0.8 `baseline`"),
        ({"above": {"metric": "baseline", "plus": -0.005}}, "> `baseline` - 0.005"),
        ({"at_most": {"metric": "baseline", "times": 2, "plus": 1}}, "<= 2 `baseline` + 1"),
    ],
)
def test_a_bound_in_words(evidence, words):
    assert bound_of({"metric": "accuracy", **evidence}) == words


def stated(evidences, **facts):
    """The evidences with these facts beside their own in every layer, as variants and oracles leave them."""
    return {name: replace(e, facts=e.facts | facts) for name, e in evidences.items()}


@pytest.mark.parametrize(
    ("kind", "fact"), [("variant", "variants"), ("oracle", "oracles"), ("evaluation", "evaluations")]
)
def test_variants_oracles_and_evaluations_are_named_too(unresolved, evidences, kind, fact):
    for listed in ([{"name": "wide"}], {"wide": {}}, ["wide"]):
        found = stated(evidences, **{fact: listed})
        assert unresolved({kind: "wide"}, found=found) == []
        assert unresolved({kind: ["wide", "none"]}, found=found) == [
            f"paper 01, equation one: no {kind} is named 'none'"
        ]


def test_an_oracle_of_another_layer_is_not_missed_by_the_layers_that_ran(unresolved, evidences):
    some = {name: evidences[name] for name in ("numpy", "torch")}
    assert unresolved({"oracle": "of_jax"}, found=stated(some, oracles=[])) == []
    assert unresolved({"oracle": "of_jax"}, found=stated(evidences, oracles=[])) != []


@pytest.fixture
def covering(make_corpus, card, evidences, experiments):
    """What is unresolved of a card whose coverage is this."""

    def find(*entries):
        card["coverage"] = list(entries)
        paper = make_corpus(card=card).paper("01")
        return unresolved_names(paper, evidences, experiments), coverage(paper)

    return find


def test_coverage_is_counted_and_its_names_must_exist(covering):
    problems, counted = covering(
        {"item": "eq. 1", "carried_by": {"output": ["scores", "hidden"], "file": "torch/model.py"}},
        {"item": "eq. 2", "carried_by": {"claim": "odd"}},
        {"item": "figure 1", "left_out": "a photograph"},
    )
    assert problems == []
    assert (str(counted), counted.left_out) == ("2 of 3, 1 left out", {"figure 1": "a photograph"})


@pytest.mark.parametrize(
    ("carried_by", "problem"),
    [
        ({"output": ["scores", "skores"]}, "no output is named 'skores'"),
        ({"file": "torch/modell.py"}, "no file is named 'torch/modell.py'"),
        ({"file": "../01_affine/spec.md"}, ""),
        ({"file": "../../papers.yaml"}, "no file is named '../../papers.yaml'"),
        ({"file": "torch"}, "no file is named 'torch'"),
        ({"claim": "evenness"}, "no claim is named 'evenness'"),
        ({"claim": "scale"}, "no claim is named 'scale'"),  # it is out of scope, and so carries nothing
    ],
)
def test_an_item_that_nothing_carries_is_named(covering, carried_by, problem):
    problems, _ = covering({"item": "eq. 1", "carried_by": carried_by})
    assert problems == ([f"paper 01, coverage of eq. 1: {problem}"] if problem else [])


def test_a_card_without_coverage_counts_none(make_corpus, card):
    del card["coverage"]
    assert coverage(make_corpus(card=card).paper("01")).items == 0


def test_a_control_is_a_metric_that_some_claim_bounds(make_corpus, card, evidences, experiments):
    card["claims"][0]["control"] = "accuracy"
    card["claims"][1]["control"] = ["accuracy", "nothing"]
    problems = unresolved_names(make_corpus(card=card).paper("01"), evidences, experiments)
    assert problems == ["paper 01, claim learns: its control 'nothing' is no metric that a claim bounds"]


def described(unit="share", **meaning):
    about = {"says": "s", "unit": unit, "over": "", "model": "", "good": "", "control": False, "spread": 0.0, **meaning}
    return {
        n: Evidence("01", n, facts={"metrics": {}, "described": {"m": about, "other": about}}) for n in ("torch", "jax")
    }


@pytest.mark.parametrize(
    ("bound", "idle"),
    [
        ({"at_least": 0.0}, True),
        ({"at_least": -5}, True),
        ({"at_least": 0.01}, False),
        ({"above": 0}, False),
        ({"above": -0.1}, True),
        ({"at_most": 1.0}, True),
        ({"at_most": 0.99}, False),
        ({"below": 1}, False),
        ({"below": 1.5}, True),
        ({"equals": 0.5, "within": 0.5, "reason": "r"}, True),
        ({"equals": 0.5, "within": 0.25}, False),
        ({"at_least": {"metric": "other", "plus": -1}}, True),
        ({"at_least": {"metric": "other", "plus": -0.005}}, False),
        ({"at_most": {"metric": "other", "plus": 1}}, True),
        ({"at_most": {"metric": "other", "plus": 0.07}}, False),
    ],
)
def test_a_share_has_bounds_that_some_share_misses(make_corpus, card, bound, idle):
    card["claims"][1]["evidence"] = [{"metric": "m", **bound}]
    paper = make_corpus(card=card).paper("01")
    said = idle_bounds(paper, described())
    assert [line.split(": it is")[0] for line in said] == (
        [f"paper 01, claim learns: m {bound_of({'metric': 'm', **bound})} cannot be missed"] if idle else []
    )
    assert idle_bounds(paper, described("nats")) == []


@pytest.mark.parametrize(
    ("bound", "far"),
    [
        ({"at_least": -1e5}, True),
        ({"at_least": -1e5, "reason": "r"}, False),
        ({"at_most": 24}, True),
        ({"at_most": 22}, False),
        ({"at_least": 24}, False),  # which fails
        ({"at_most": {"metric": "other", "plus": 1e5}}, False),
        ({"equals": 1e5, "within": 1}, False),
    ],
)
def test_a_bound_far_beyond_what_was_measured_needs_a_reason(make_corpus, card, bound, far):
    card["claims"][1]["evidence"] = [{"metric": "m", **bound}]
    paper = make_corpus(card=card).paper("01")
    measured = {
        n: replace(e, facts={**e.facts, "metrics": {"m": [2.2, 2.4], "other": [1.0]}})
        for n, e in described("nats").items()
    }
    said = idle_bounds(paper, measured)
    assert [line.rpartition(": ")[2] for line in said] == (["give a `reason`"] if far else [])


def test_two_frameworks_may_not_lie_anywhere(paper):
    assert idle_bounds(paper, described(spread=0.4)) == []
    assert idle_bounds(paper, described("nats", spread=9.0)) == []
    assert len(idle_bounds(paper, described(spread=0.5))) == 2
