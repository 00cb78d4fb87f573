"""Variants, conduct, starts, oracles and promised refusals: each is judged from the evidence, and each can fail."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

from s30.corpus.vocabulary import Outcome
from s30.layers.catalogue import AUTODIFF, EXECUTABLE
from s30.verdict.card import unresolved_names
from s30.verdict.checks import Check, folded
from s30.verdict.claims import check_claims
from s30.verdict.floor import shortfalls
from s30.verdict.parity import blamed, check_paper


def failed(checks, kind=None):
    return [c for c in checks if c.outcome is Outcome.FAILED and kind in (None, c.kind)]


def quantities(checks):
    return {(c.kind, c.layers, c.quantity) for c in failed(checks)}


def blame(checks):
    return {name for name, against in blamed(checks).items() if against}


@pytest.fixture
def stated(evidences):
    """`stated(layer, edit)`: the evidences, with a copy of one layer's facts after `edit` was at it."""

    def change(layer, edit):
        facts = copy.deepcopy(dict(evidences[layer].facts))
        edit(facts)
        return {**evidences, layer: replace(evidences[layer], facts=facts)}

    return change


# --- variants ---


def test_every_output_of_every_variant_is_compared_and_gradients_at_extremes_and_ties(paper, evidences):
    checks = [c for c in check_paper(paper, evidences) if c.kind == "variant"]
    assert sum(c.layers == ("torch", "numpy") for c in checks) == 3 * 3 + 2  # outputs, and the tie's gradient by hand
    names = [c.name for c in checks if c.layers == ("tinygrad", "jax")]
    assert names == [f"{v}: gradient {p}" for v in ("loud", "still") for p in ("weight", "bias")]
    assert not failed(checks)


@pytest.mark.parametrize("layer", AUTODIFF)
def test_a_wrong_output_on_a_variant_is_rejected_in_the_layer_that_gives_it(paper, changed, layer):
    edit = {(layer, "variant/single/output/hidden"): lambda a: a + 1e-6}
    checks = check_paper(paper, changed(edit))
    assert quantities(checks) == {("variant", (layer, "numpy"), "single: hidden")}
    assert blame(checks) == {layer}
    assert failed(checks)[0].message.startswith(
        f"paper 01, layer {layer} against numpy, variant single: hidden: at index ["
    )


def test_an_output_that_is_missing_on_a_variant_is_rejected(paper, changed):
    (check,) = failed(check_paper(paper, changed({("jax", "variant/loud/output/hidden"): lambda _: None})))
    assert "variant loud: hidden: missing from jax" in check.message


def test_a_wrong_gradient_at_an_extreme_is_rejected_by_the_other_two(paper, changed):
    checks = check_paper(paper, changed({("torch", "variant/loud/gradient/bias"): lambda a: a + 1.0}))
    pairs = [("tinygrad", "torch"), ("torch", "jax")]
    assert quantities(checks) == {("variant", pair, "loud: gradient bias") for pair in pairs}
    assert blame(checks) == {"torch"}


def test_a_gradient_that_is_no_number_is_rejected_though_all_layers_give_it(paper, changed):
    edits = {(layer, "variant/loud/gradient/bias"): lambda a: a * np.nan for layer in AUTODIFF}
    assert "is nan at index [0]" in failed(check_paper(paper, changed(edits)))[0].message


def test_at_a_tie_the_layers_are_held_to_the_gradient_by_hand(paper, changed):
    """All three take the same other one of the tied entries, so that no pair disagrees."""
    edits = {(layer, "variant/still/loss_gradient/weight"): lambda a: 2 * a for layer in AUTODIFF}
    checks = check_paper(paper, changed(edits))
    assert quantities(checks) == {("variant", (n, "numpy"), "still: loss gradient weight") for n in AUTODIFF}
    alone = check_paper(paper, changed({("jax", "variant/still/loss_gradient/weight"): lambda a: 2 * a}))
    assert blame(alone) == {"jax"}


def test_a_reference_that_overflows_on_a_variant_is_rejected_though_all_layers_agree(paper, changed):
    edits = {(layer, "variant/loud/output/scores"): lambda a: a * np.inf for layer in EXECUTABLE}
    (check,) = failed(check_paper(paper, changed(edits)), "layer")
    assert "layer numpy, variant/loud/output/scores is " in check.message


def test_a_layer_that_raises_on_a_variant_fails_there_with_what_it_raised(paper, stated):
    def raised(facts):
        facts["variants"][0]["raised"] = "papers/01_affine/torch/model.py:9: IndexError: too few"

    checks = check_paper(paper, stated("torch", raised))
    assert [c.message for c in failed(checks)] == [
        "paper 01, layer torch, variant single: ran to its end: papers/01_affine/torch/model.py:9: IndexError: too few"
    ]
    assert blame(checks) == {"torch"}


def test_a_layer_that_is_asked_of_other_variants_fails(paper, stated):
    checks = check_paper(paper, stated("jax", lambda facts: facts["variants"].pop()))
    (check,) = failed(checks)
    assert check.message == (
        "paper 01, layer jax against numpy, conduct the same variants: not asked of it, though of NumPy: still"
    )


# --- conduct ---


@pytest.mark.parametrize("layer", EXECUTABLE)
def test_an_answer_that_differs_when_asked_again_is_rejected_to_the_bit(paper, changed, layer):
    checks = check_paper(paper, changed({(layer, "again/output/hidden"): lambda a: np.nextafter(a, 2)}))
    assert quantities(checks) == {("conduct", (layer,), "seed 0 asked again: hidden")}
    assert blame(checks) == {layer}


@pytest.mark.parametrize("layer", AUTODIFF)
def test_outputs_that_differ_while_gradients_are_recorded_are_rejected(paper, changed, layer):
    checks = check_paper(paper, changed({(layer, "seed2/recorded/scores"): lambda a: a + 1e-6}))
    assert quantities(checks) == {("conduct", (layer,), "seed 2 with gradients: scores")}


def test_inputs_that_do_not_come_back_as_they_were_are_named(paper, stated):
    (check,) = failed(check_paper(paper, stated("torch", lambda facts: facts.update(altered=["bias", "inputs"]))))
    assert check.message == (
        "paper 01, layer torch, conduct inputs unchanged: forward does not leave its inputs as they were: 'bias', 'inputs'"
    )


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda facts: facts.update(invariants=[]), "not asked of it, though of NumPy: example_order, bounded"),
        (lambda facts: facts["invariants"][1].update(relation="<="), "asked otherwise than of NumPy: bounded"),
        (
            lambda facts: facts["invariants"][0].update(tolerance=[1.0, 1.0, ""]),
            "asked otherwise than of NumPy: example",
        ),
    ],
)
def test_a_layer_that_is_asked_of_fewer_or_weaker_invariants_fails(paper, stated, edit, words):
    checks = check_paper(paper, stated("torch", edit))
    told = [c.message for c in failed(checks, "conduct")]
    assert len(told) == 1
    assert f"layer torch against numpy, conduct the same invariants: {words}" in told[0]
    assert "torch" in blame(checks)


# --- starts ---


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda s: s["parameters"]["weight"].update(spread=0.0),
            "start weight: the initialiser gives every entry the same",
        ),
        (
            lambda s: s["parameters"]["bias"].update(finite=False, spread=None),
            "start bias: the initialiser leaves a NaN",
        ),
        (lambda s: s["parameters"]["bias"].update(slope=0.0), "start bias: the loss has no gradient"),
        (lambda s: s["parameters"]["bias"].update(slope=None), "start bias: the loss has no gradient"),
        (
            lambda s: s.update(seeded=False),
            "start drawn by the seed: two seeds of PyTorch's generator give the same model",
        ),
    ],
)
def test_a_start_from_which_nothing_could_be_learnt_is_rejected(paper, stated, edit, words):
    (check,) = failed(check_paper(paper, stated("torch", lambda facts: edit(facts["start"]))))
    assert check.message.startswith(f"paper 01, layer torch, {words}")


def test_a_bias_may_start_constant(paper, stated):
    found = stated("tinygrad", lambda facts: facts["start"]["parameters"]["bias"].update(spread=0.0))
    assert not failed(check_paper(paper, found))


# --- oracles ---


@pytest.mark.parametrize(
    ("array", "quantity"),
    [
        ("seed1/oracle/by_loops/left", "seed 1 by_loops"),
        ("variant/loud/oracle/by_loops/right", "variant loud by_loops"),
    ],
)
def test_a_layer_that_differs_from_its_oracle_is_rejected(paper, changed, array, quantity):
    checks = check_paper(paper, changed({("numpy", array): lambda a: a + 1e-8}))
    assert quantities(checks) == {("oracle", ("numpy",), quantity)}


def test_an_oracle_that_raised_or_was_not_measured_fails(paper, changed, stated):
    gone = {("numpy", f"seed0/oracle/by_loops/{side}"): lambda _: None for side in ("left", "right")}
    assert "missing from numpy" in failed(check_paper(paper, changed(gone)))[0].message
    told = stated("numpy", lambda facts: facts["oracles"][0].update(raised="papers/01: ValueError: no"))
    told["numpy"] = replace(told["numpy"], arrays=changed(gone)["numpy"].arrays)
    assert [c.message for c in failed(check_paper(paper, told))] == [
        "paper 01, layer numpy, oracle seed 0 by_loops: papers/01: ValueError: no"
    ]


# --- promised refusals ---

REFUSES = {"name": "masked", "statement": "s", "source": "s", "relation": "raises", "tolerance": None, "raised": ""}


def refusing(facts, **said):
    refused = {str(seed): "papers/01_affine/torch/model.py:9: ValueError: row 2 is masked" for seed in range(5)}
    facts["invariants"].append({**REFUSES, "message": "is masked", "refused": refused, **said})


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({}, None),
        ({"refused": {}}, "nothing was raised, where a message with 'is masked' is promised"),
        ({"refused": {}, "raised": "TypeError: no"}, "TypeError: no"),
        ({"message": "is empty"}, "ValueError: row 2 is masked', without the promised 'is empty'"),
        ({"message": ""}, "an invariant that must raise says no words in which"),
    ],
)
def test_bad_input_is_refused_for_every_seed_in_the_promised_words(paper, stated, said, words):
    checks = failed(check_paper(paper, stated("numpy", lambda facts: refusing(facts, **said))), "invariant")
    assert len(checks) == (5 if words else 0)
    assert all(words in c.message and c.quantity.endswith("masked") for c in checks)


# --- whether the problems vary enough ---


def lines(paper, evidences):
    return shortfalls(paper, evidences)


def test_the_toy_varies_enough(paper, evidences):
    assert lines(paper, evidences) == []


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda f: f["config"].update(scale=[]), "no variant changes the configuration's 'scale'"),
        (
            lambda f: f["matters"].update(scale={"single": ""}),
            "the configuration's 'scale' does not matter: put back in single, it changes no output of NumPy or PyTorch",
        ),
        (
            lambda f: [v.update(kind="shape") for v in f["variants"] if v["kind"] == "extreme"],
            "no variant is an extreme",
        ),
        (
            lambda f: f["contents"]["1"]["params"].update(bias=f["contents"]["0"]["params"]["bias"]),
            "the parameter 'bias' is the same for two of the seeds 0, 1, 2",
        ),
        (
            lambda f: f["contents"]["2"].update(batch=f["contents"]["1"]["batch"]),
            "the batch is the same for two of the seeds 0, 1, 2",
        ),
        (
            lambda f: f["sizes"].update(inputs=[[2, 4], [2]]),
            "no variant is a batch of one example: the first axis of 'inputs' is never 1",
        ),
        (
            lambda f: f["sizes"].update(targets=[[4], [3]]),
            "axis 0 of 'targets' is 4 in every problem: a variant should have another size",
        ),
        (
            lambda f: f.update(alike={"targets": [0, 2]}),
            "'targets' is the same for all examples in problem(0), problem(2)",
        ),
        (
            lambda f: f["sizes"].update(bias=[[3, 5]]),
            "paper.yaml, fixed: axis 0 of 'bias' needs no exemption: remove it",
        ),
        (lambda f: f.update(variants=[]), "variants.py gives no variant"),
    ],
)
def test_problems_that_vary_too_little_are_named(paper, stated, edit, line):
    found = stated("numpy", edit)
    if "does not matter" in line:  # neither in NumPy nor in PyTorch
        facts = {**found["torch"].facts, "matters": {"scale": {"single": ""}}}
        found["torch"] = replace(found["torch"], facts=facts)
    assert lines(paper, found) == [f"paper 01: {line}"]


def test_a_tie_without_a_gradient_by_hand_is_named(paper, changed):
    gone = {("numpy", f"variant/still/by_hand/{name}"): lambda _: None for name in ("weight", "bias")}
    assert lines(paper, changed(gone)) == ["paper 01: the tie 'still' has no gradient by hand"]


def test_a_key_that_matters_in_one_layer_matters_and_without_pytorch_nothing_is_said(paper, stated):
    found = stated("numpy", lambda f: f["matters"].update(scale={"single": ""}))
    assert lines(paper, found) == []  # PyTorch's outputs change
    assert lines(paper, {"numpy": found["numpy"]}) == []


def test_an_exemption_spares_its_axis_alone(make_corpus, card, evidences):
    card["fixed"] = [entry for entry in card["fixed"] if (entry["array"], entry["axis"]) != ("weight", 1)]
    paper = make_corpus(card=card).paper("01")
    assert lines(paper, evidences) == [
        "paper 01: axis 1 of 'weight' is 2 in every problem: a variant should have another size"
    ]


def test_nothing_is_said_of_a_room_whose_variants_were_not_measured_or_that_has_none(make_corpus, paper, stated):
    assert lines(paper, stated("numpy", lambda facts: facts.pop("variants"))) == []
    empty = make_corpus().paper("01")
    (empty.folder / "variants.py").unlink()  # which is told where the missing files are
    assert lines(empty, stated("numpy", lambda facts: facts.update(variants=[]))) == []


# --- what a person reads, and what a claim may name ---


def fake(kind, name, seed=None, layers=("torch", "numpy")):
    check = Check("26", kind, layers, name, Outcome.FAILED, seed=seed)
    return replace(check, message=f"paper 26, layer torch, {kind} {check.quantity}: wrong")


def test_the_earliest_output_is_told_in_full_and_the_later_ones_in_one_line():
    names = ["convolved", "activation", "pooled", "scores", "probabilities", "cross_entropy", "hinge", "loss"]
    checks = [fake("forward", name, seed) for seed in (0, 2) for name in names]
    assert folded([*checks, fake("gradient", "w", 0), fake("gradient", "b", 0)]) == [
        "paper 26, layer torch, forward seed 0 convolved: wrong",
        "paper 26, layer torch against numpy, forward: and 7 later: activation, pooled, scores, probabilities, "
        "cross_entropy, hinge, ...; seeds 0, 2",
        "paper 26, layer torch, gradient seed 0 w: wrong",
        "paper 26, layer torch, gradient seed 0 b: wrong",
    ]
    assert folded([fake("forward", "loss", 0), fake("forward", "loss", 1)]) == [
        "paper 26, layer torch, forward seed 0 loss: wrong",
        "paper 26, layer torch against numpy, forward: and the same; seed 1",
    ]
    assert folded([fake("variant", "single: a"), fake("variant", "loud: a", layers=("jax", "numpy"))]) == [
        "paper 26, layer torch, variant single: a: wrong",
        "paper 26, layer torch, variant loud: a: wrong",
    ]


def test_outputs_are_compared_in_the_order_in_which_the_room_computes_them(paper, evidences):
    checks = [c.name for c in check_paper(paper, evidences) if c.kind == "forward" and c.layers[0] == "jax"]
    assert checks == ["scores", "hidden", "loss"] * 3


def test_a_claim_may_rest_on_an_oracle_or_a_variant_and_fails_with_it(paper, evidences, changed):
    card = {
        **paper.card,
        "claims": [dict(paper.card["claims"][0], evidence=[{"oracle": "by_loops"}, {"variant": "loud"}])],
    }
    claimed = replace(paper)
    claimed.__dict__["card"] = card

    def outcome(found):
        (verdict,) = check_claims(claimed, check_paper(claimed, found), {})
        return str(verdict.outcome), [f.measured for f in verdict.findings]

    assert outcome(evidences) == (
        "passed",
        ["holds in numpy (4 checks)", "holds in jax, numpy, tinygrad, torch (15 checks)"],
    )
    assert outcome(changed({("numpy", "seed0/oracle/by_loops/left"): lambda a: -a}))[0] == "failed"
    assert outcome(changed({("torch", "variant/loud/output/loss"): lambda a: -a}))[0] == "failed"
    card["claims"][0]["evidence"] = [{"oracle": "by_lops"}]
    assert outcome(evidences) == ("not_run", ["was not checked"])


def test_an_oracle_that_nothing_carries_is_found_in_the_equation_map(make_corpus, card, evidences):
    card["equations"][0]["carried_by"] = {"invariant": "bounded"}
    paper = make_corpus(card=card).paper("01")
    paper.card["equations"][0]["carried_by"] = {"oracle": "by_lops", "variant": "loud"}
    assert unresolved_names(paper, evidences, {}) == ["paper 01, equation affine: no oracle is named 'by_lops'"]
