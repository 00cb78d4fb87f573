"""The comparators reject every kind of wrong answer, with a message that leads to it, and accept right ones."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from s30.corpus.vocabulary import CEILINGS, EXACT, TOLERANCES, Outcome, Tolerance
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, EXECUTABLE
from s30.verdict.parity import Check, blamed, check_paper, compare, relate

TIGHT = Tolerance(1e-10, 1e-12)
TABLE = np.array([[1.0, -2.0, 0.0], [4.0, 5.0, 6.0]])


def held(
    paper, observed, expected, tolerance=TIGHT, kind="forward", layers=("torch", "numpy"), name="scores", seed=0
) -> Check:
    return compare(paper, kind, layers, name, observed, expected, tolerance, seed)


def at(index, value, base=TABLE):
    changed = base.copy()
    changed[index] = value
    return changed


def failed(checks: list[Check], kind: str | None = None) -> list[Check]:
    return [c for c in checks if c.outcome is Outcome.FAILED and kind in (None, c.kind)]


def test_equal_arrays_pass_and_every_entry_is_counted(paper):
    check = held(paper, TABLE.copy(), TABLE)
    assert check.outcome is Outcome.PASSED
    assert (check.compared, check.total, check.error, check.worst, check.message) == (6, 6, 0.0, 0.0, "")
    assert check.id == "01/torch~numpy/forward/seed 0 scores"


def test_difference_within_tolerance_passes_and_is_reported(paper):
    check = held(paper, at((1, 2), 6.0 * (1 + 0.9e-10)), TABLE)
    assert check.outcome is Outcome.PASSED
    assert check.error == pytest.approx(5.4e-10, rel=1e-3)
    assert check.relative == pytest.approx(0.9e-10, rel=1e-3)
    assert 0.8 < check.worst < 1.0


def test_difference_beyond_tolerance_fails_with_paper_layer_quantity_index_values_and_tolerance(paper):
    check = held(paper, at((1, 0), 4.0 * (1 + 1.2e-10)), TABLE)
    assert check.outcome is Outcome.FAILED
    assert check.message == (
        "paper 01, layer torch against numpy, forward seed 0 scores: at index [1, 0]: 4.00000000048 against 4.0 (rtol 1e-10, atol 1e-12)"
    )
    assert check.worst > 1.0


def test_worst_entry_is_named_not_the_first_one(paper):
    assert "at index [1, 1]: 7.0 against 5.0" in held(paper, at((1, 1), 7.0, at((0, 0), 1.1)), TABLE).message


def test_each_entry_has_its_own_allowance(paper):
    """An error that is small beside the largest entry but large beside its own is rejected."""
    expected = np.array([1e6, 1e-3])
    assert held(paper, expected + np.array([0.0, 1e-8]), expected).outcome is Outcome.FAILED
    assert held(paper, expected + np.array([1e-8, 0.0]), expected).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("observed", "outcome"), [(0.0, Outcome.PASSED), (0.9e-12, Outcome.PASSED), (1.1e-12, Outcome.FAILED)]
)
def test_an_expected_zero_is_held_by_the_absolute_tolerance(paper, observed, outcome):
    assert held(paper, np.array([observed]), np.zeros(1)).outcome is outcome


def test_zero_tolerance_demands_equality(paper):
    assert held(paper, TABLE.copy(), TABLE, EXACT).outcome is Outcome.PASSED
    check = held(paper, at((0, 2), 5e-324), TABLE, EXACT)
    assert check.outcome is Outcome.FAILED
    assert np.isfinite(check.worst)


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        (TABLE.T, "shape (3, 2), expected (2, 3)"),
        (TABLE[None], "shape (1, 2, 3), expected (2, 3)"),
        (TABLE[:1], "shape (1, 3), expected (2, 3)"),
        (TABLE.astype(np.float32), "dtype float32, expected float64"),
        (TABLE.astype(np.int64), "dtype int64, expected float64"),
        (at((0, 1), np.nan), "torch is nan at index [0, 1]"),
        (at((1, 2), np.inf), "torch is inf at index [1, 2]"),
        (None, "missing from torch"),
    ],
)
def test_what_cannot_be_compared_fails(paper, observed, words):
    check = held(paper, observed, TABLE)
    assert check.outcome is Outcome.FAILED
    assert words in check.message


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        (at((0, 1), np.nan), "numpy is nan at index [0, 1]"),
        (at((0, 0), -np.inf), "numpy is -inf"),
        (None, "missing from numpy"),
    ],
)
def test_a_reference_that_is_no_number_fails_even_against_itself(paper, expected, words):
    check = held(
        paper, TABLE if expected is None else expected.copy() * 1.0 if np.isnan(expected).any() else TABLE, expected
    )
    assert check.outcome is Outcome.FAILED
    assert words in check.message or "torch is nan" in check.message


@pytest.mark.parametrize("dtype", [np.int64, np.bool_, np.uint8])
def test_integers_and_booleans_must_be_equal(paper, dtype):
    expected = np.array([[1, 0], [1, 1]]).astype(dtype)
    assert held(paper, expected.copy(), expected).outcome is Outcome.PASSED
    wrong = at((1, 0), 0, expected)
    check = held(paper, wrong, expected)
    assert check.outcome is Outcome.FAILED
    assert f"at index [1, 0]: {wrong[1, 0]} against {expected[1, 0]}" in check.message


@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_empty_arrays_are_no_evidence(paper, dtype):
    check = held(paper, np.zeros((0, 3), dtype), np.zeros((0, 3), dtype))
    assert check.outcome is Outcome.FAILED
    assert "no entry to compare" in check.message


def test_scalars_are_compared(paper):
    assert held(paper, np.asarray(2.0), np.asarray(2.0)).outcome is Outcome.PASSED
    assert "at index []: 2.5 against 2.0" in held(paper, np.asarray(2.5), np.asarray(2.0)).message


def test_huge_and_denormal_numbers_give_finite_figures_without_warnings(paper):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for observed, expected in ((1.7e308, -1.7e308), (1.0, 5e-324)):
            check = held(paper, np.array([observed]), np.array([expected]))
            assert check.outcome is Outcome.FAILED
            assert np.isfinite([check.error, check.relative, check.worst]).all()


@pytest.mark.parametrize(
    ("tolerance", "outcome"),
    [
        ({"kind": "forward", "quantity": "scores"}, Outcome.PASSED),
        ({"kind": "forward", "quantity": "scores", "layer": "torch"}, Outcome.PASSED),
        ({"kind": "forward", "quantity": "scores", "layer": "jax"}, Outcome.FAILED),
        ({"kind": "forward", "quantity": "hidden"}, Outcome.FAILED),
        ({"kind": "gradient", "quantity": "scores"}, Outcome.FAILED),
    ],
)
def test_the_card_sets_the_tolerance_of_what_it_names_and_of_nothing_else(make_corpus, card, tolerance, outcome):
    card["tolerances"] = [tolerance | {"rtol": 1e-7, "atol": 0.0, "reason": "a series cut off"}]
    check = held(make_corpus(card=card).paper("01"), TABLE * (1 + 1e-8), TABLE)
    assert check.outcome is outcome
    assert check.tolerance == (Tolerance(1e-7, 0.0) if outcome is Outcome.PASSED else TIGHT)


def test_the_card_can_tighten_a_tolerance(make_corpus, card):
    card["tolerances"] = [
        {"kind": "forward", "quantity": "scores", "rtol": 0.0, "atol": 0.0, "reason": "copied, not computed"}
    ]
    assert held(make_corpus(card=card).paper("01"), TABLE * (1 + 1e-14), TABLE).outcome is Outcome.FAILED


LEFT = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("relation", "right", "outcome"),
    [
        ("==", [1.0, 2.0], "passed"),
        ("==", [1.0, 2.001], "failed"),
        ("<=", [1.0, 2.0], "passed"),
        ("<=", [1.0, 1.999], "failed"),
        ("<", [1.1, 2.1], "passed"),
        ("<", [1.1, 2.0], "failed"),
        (">=", [1.0, 2.0], "passed"),
        (">=", [1.0, 2.001], "failed"),
        (">", [0.9, 1.9], "passed"),
        (">", [0.9, 2.0], "failed"),
        ("!=", [5.0, 5.0], "failed"),
    ],
)
def test_relations_hold_at_every_entry_or_fail(paper, relation, right, outcome):
    check = relate(paper, "torch", "monotone", relation, LEFT, np.array(right), None, 0)
    assert check.outcome == outcome
    if outcome == "failed":
        assert check.message.startswith("paper 01, layer torch, invariant seed 0 monotone: ")
        assert "unknown relation" in check.message if relation == "!=" else "at index [1]: 2.0" in check.message


@pytest.mark.parametrize("relation", ["==", "<=", "<", ">=", ">"])
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_no_relation_holds_for_what_is_no_finite_number(paper, relation, poison):
    for left, right in (
        (np.array([1.0, poison]), LEFT),
        (LEFT, np.array([1.0, poison])),
        (np.array([poison]), np.array([poison])),
    ):
        assert relate(paper, "jax", "bounded", relation, left, right, None, 0).outcome is Outcome.FAILED


@pytest.mark.parametrize("relation", ["==", "<", ">="])
def test_relations_need_both_sides_of_one_shape_with_entries(paper, relation):
    for left, right in ((LEFT, LEFT[None]), (LEFT[:0], LEFT[:0]), (None, LEFT), (LEFT, None)):
        assert relate(paper, "jax", "bounded", relation, left, right, None, 0).outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("tolerance", "problem"),
    [
        (Tolerance(1e-5, 0.0, "r"), "is more than a check of kind invariant may have, rtol 1e-06, atol 1e-08"),
        (Tolerance(0.0, 1e-7, "r"), "is more than a check of kind invariant may have, rtol 1e-06, atol 1e-08"),
        (Tolerance(1e-6, 0.0), "is looser than the engine's own and gives no reason"),
        (Tolerance(-1.0, 0.0), "is none: both of its numbers must be finite and not negative"),
        (Tolerance(0.0, float("nan")), "is none: both of its numbers must be finite and not negative"),
        (Tolerance(1e-10, 0.0), ""),  # a tighter one explains itself
        (EXACT, ""),
    ],
)
def test_a_tolerance_in_a_rooms_code_has_a_ceiling_and_a_reason(paper, tolerance, problem):
    """Where the sides are equal, so that any tolerance would pass."""
    check = relate(paper, "jax", "x", "==", LEFT, LEFT, tolerance, 0)
    assert check.outcome is (Outcome.FAILED if problem else Outcome.PASSED)
    assert problem in check.message


def test_every_kind_that_has_a_tolerance_has_a_ceiling_above_it():
    for (kind, what), default in TOLERANCES.items():
        if what == "single":  # what is computed in float32 on purpose, which a room's own tolerance is not for
            continue
        assert CEILINGS[kind].rtol >= default.rtol
        assert CEILINGS[kind].atol >= default.atol


def test_an_equality_takes_its_own_tolerance_or_the_default(paper):
    right = LEFT * (1 + 1e-7)
    own = Tolerance(1e-6, 0.0, "a series cut off")
    assert relate(paper, "jax", "x", "==", LEFT, right, own, 0).outcome is Outcome.PASSED
    check = relate(paper, "jax", "x", "==", LEFT, right, None, 0)
    assert check.outcome is Outcome.FAILED
    assert check.tolerance == TOLERANCES["invariant", None]


def test_layers_that_agree_pass_every_check(paper, evidences):
    checks = check_paper(paper, evidences)
    assert not [c.message for c in failed(checks)]
    kinds = {c.kind for c in checks}
    assert kinds == {
        "layer",
        "forward",
        "difference",
        "gradient",
        "trajectory",
        "bridge",
        "invariant",
        "evaluation",
        "identity",
        "theorem",
        "variant",
        "conduct",
        "start",
        "oracle",
    }
    assert sum(c.kind == "forward" for c in checks) == 3 * 3 * 3  # layers, seeds, outputs
    assert sum(c.kind == "difference" for c in checks) == 3 * 3 * (2 + 8)  # layers, seeds, directions
    assert sum(c.kind == "gradient" for c in checks) == 3 * 3 * 2 * 2  # pairs, seeds, objectives, parameters
    assert sum(c.kind == "trajectory" for c in checks) == 3 * 2 * (2 + 1)  # pairs, seeds, parameters and losses
    assert sum(c.kind == "bridge" for c in checks) == 3 * (4 + 3)  # seeds, layers
    assert sum(c.kind == "invariant" for c in checks) == 2 * 4 * 5  # invariants, layers, seeds
    assert len({c.id for c in checks}) == len(checks)
    assert all(
        c.compared == c.total > 0
        for c in checks
        if c.kind in ("forward", "gradient", "difference", "trajectory", "bridge")
    )


@pytest.mark.parametrize("layer", AUTODIFF)
@pytest.mark.parametrize("seed", [0, 2])
def test_a_wrong_output_entry_is_rejected(paper, changed, layer, seed):
    checks = check_paper(
        paper, changed({(layer, f"seed{seed}/output/hidden"): lambda a: at((3, 1), a[3, 1] + 1e-6, a)})
    )
    (forward,) = failed(checks, "forward")
    assert f"layer {layer} against numpy, forward seed {seed} hidden: at index [3, 1]: " in forward.message
    assert {name for name, found in blamed(checks).items() if found} == {layer}


def test_a_missing_and_a_surplus_output_are_rejected(paper, changed):
    checks = check_paper(
        paper,
        changed(
            {("jax", "seed1/output/hidden"): lambda _: None, ("torch", "seed0/output/extra"): lambda _: np.ones(2)}
        ),
    )
    messages = [c.message for c in failed(checks, "forward")]
    assert any("layer jax against numpy, forward seed 1 hidden: missing from jax" in m for m in messages)
    assert any("layer torch against numpy, forward seed 0 extra: missing from numpy" in m for m in messages)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda g: 1.001 * g, id="scaled"),
        pytest.param(lambda g: -g, id="sign flipped"),
        pytest.param(lambda g: at((2, 1), g[2, 1] + 1e-3, g), id="one entry"),
        pytest.param(lambda g: np.zeros_like(g), id="zero"),
        pytest.param(lambda g: g[::-1], id="rows reversed"),
    ],
)
def test_a_mutated_gradient_is_rejected_by_the_pairs_and_by_the_differences(paper, changed, edit, seed):
    checks = check_paper(paper, changed({("torch", f"seed{seed}/gradient/weight"): edit}))
    pairs = failed(checks, "gradient")
    assert {c.layers for c in pairs} == {("tinygrad", "torch"), ("torch", "jax")}
    assert all(f"gradient seed {seed} weight: at index [" in c.message for c in pairs)
    differences = failed(checks, "difference")
    assert f"seed {seed} weight" in {c.quantity for c in differences}
    assert sum(c.quantity.startswith(f"seed {seed} joint") for c in differences) >= 4
    assert {c.layers for c in differences} == {("torch", "numpy")}


def test_a_gradient_that_is_wrong_in_all_layers_alike_is_rejected_by_the_differences(paper, changed):
    checks = check_paper(paper, changed({(layer, "seed0/gradient/bias"): lambda g: 1.01 * g for layer in AUTODIFF}))
    assert not failed(checks, "gradient")
    assert {c.layers[0] for c in failed(checks, "difference")} == set(AUTODIFF)


def test_a_gradient_that_lacks_a_parameter_is_rejected(paper, changed):
    checks = check_paper(paper, changed({("jax", "seed1/gradient/bias"): lambda _: None}))
    assert {"missing from jax"} == {c.message.split(": ")[-1].split(" (")[0] for c in failed(checks)}
    assert {c.kind for c in failed(checks)} == {"gradient", "difference"}


def test_a_gradient_lacking_in_all_layers_is_rejected(paper, changed):
    checks = check_paper(paper, changed({(layer, "seed1/gradient/bias"): lambda _: None for layer in AUTODIFF}))
    assert {c.layers[0] for c in failed(checks, "difference")} == set(AUTODIFF)


def test_a_transposed_gradient_is_rejected(paper, changed):
    checks = check_paper(paper, changed({("jax", "seed0/gradient/weight"): lambda g: g.T}))
    assert any(
        "shape (3, 2), expected (2, 3)" in c.message or "shape (2, 3), expected (3, 2)" in c.message
        for c in failed(checks, "gradient")
    )


@pytest.mark.parametrize(
    ("name", "quantity"),
    [
        ("seed0/trajectory/loss", "seed 0 losses"),
        ("seed0/trajectory/param/weight", "seed 0 parameter weight"),
        ("seed1/trajectory/param/bias", "seed 1 parameter bias"),
    ],
)
def test_a_wrong_trajectory_is_rejected(paper, changed, name, quantity):
    checks = check_paper(paper, changed({("tinygrad", name): lambda a: a * (1 + 1e-5)}))
    assert {(c.layers, c.quantity) for c in failed(checks)} == {
        (("tinygrad", "torch"), quantity),
        (("tinygrad", "jax"), quantity),
    }


def test_a_shorter_trajectory_is_rejected(paper, changed):
    checks = check_paper(paper, changed({("torch", "seed0/trajectory/loss"): lambda a: a[:-1]}))
    assert all("shape" in c.message for c in failed(checks))
    assert len(failed(checks)) == 2


def test_a_wrong_bridge_tells_against_every_layer_it_reaches_and_against_sympy(paper, changed):
    checks = check_paper(paper, changed({("sympy", f"seed{s}/bridge/bias_formula"): lambda a: -a for s in range(3)}))
    assert {c.layers for c in failed(checks)} == {("sympy", layer) for layer in AUTODIFF}
    assert blamed(checks)["sympy"]
    assert not blamed(checks)["numpy"]


def test_a_bridge_without_its_target_fails(paper, evidences):
    facts = evidences["sympy"].facts
    for target, words in (("output:nothing", "missing from"), ("weights:bias", "unknown target 'weights:bias'")):
        bridges = {"hidden_formula": {**facts["bridges"]["hidden_formula"], "target": target}}
        wrong = replace(evidences["sympy"], facts={**facts, "bridges": bridges})
        checks = failed(check_paper(paper, {**evidences, "sympy": wrong}), "bridge")
        assert checks
        assert all(words in c.message for c in checks)


@pytest.mark.parametrize("layer", EXECUTABLE)
def test_a_broken_invariant_is_rejected_in_the_layer_that_breaks_it(paper, changed, layer):
    edits = {
        (layer, "seed3/invariant/example_order/left"): lambda a: a[::-1],
        (layer, "seed4/invariant/bounded/left"): lambda a: a + 1.0,
    }
    checks = check_paper(paper, changed(edits))
    assert {(c.kind, c.layers, c.quantity) for c in failed(checks)} == {
        ("invariant", (layer,), "seed 3 example_order"),
        ("invariant", (layer,), "seed 4 bounded"),
    }
    assert {name for name, found in blamed(checks).items() if found} == {layer}


def test_an_invariant_that_was_not_measured_fails(paper, changed):
    checks = check_paper(paper, changed({("jax", "seed0/invariant/bounded/right"): lambda _: None}))
    assert [c.message for c in failed(checks)] == ["paper 01, layer jax, invariant seed 0 bounded: missing from jax"]


def test_an_invariant_that_raised_fails_with_what_it_raised(paper, evidences, changed):
    torch = changed(
        {("torch", f"seed{s}/invariant/bounded/{side}"): lambda _: None for s in range(5) for side in ("left", "right")}
    )["torch"]
    raised = "papers/01/numpy_checks.py:30: IndexError: out of bounds"
    asked = [entry | {"raised": raised if entry["name"] == "bounded" else ""} for entry in torch.facts["invariants"]]
    torch = replace(torch, facts={"invariants": asked})
    checks = failed(check_paper(paper, {**evidences, "torch": torch}))
    assert [c.message for c in checks] == [
        f"paper 01, layer torch, invariant seed {s} bounded: papers/01/numpy_checks.py:30: IndexError: out of bounds"
        for s in range(5)
    ]


def test_unproved_identities_and_unchecked_theorems_fail(paper, evidences):
    facts = evidences["sympy"].facts
    unproved = {**facts["identities"]["tanh_odd"], "proved": False, "why": "lhs - rhs is x"}
    sympy = replace(evidences["sympy"], facts={**facts, "identities": {"tanh_odd": unproved}})
    agda = replace(evidences["agda"], facts={**evidences["agda"].facts, "theorems": {}})
    checks = failed(check_paper(paper, {**evidences, "sympy": sympy, "agda": agda}))
    assert [c.message for c in checks] == [
        "paper 01, layer sympy, identity tanh_odd: lhs - rhs is x",
        "paper 01, layer agda, theorem Toy.odd: not checked",
    ]


@pytest.mark.parametrize(
    ("edit", "words"),
    [(lambda a: at((0, 0), np.nan, a), "is nan at index [0, 0]"), (lambda a: a.astype(np.float32), "is float32")],
)
def test_the_reference_itself_must_be_finite_float64(paper, changed, edit, words):
    edits = {(layer, "seed0/output/scores"): edit for layer in EXECUTABLE}  # so that no comparison could notice
    (check,) = failed(check_paper(paper, changed(edits)), "layer")
    assert check.message.startswith("paper 01, layer numpy, seed0/output/scores")
    assert words in check.message


def test_a_layer_that_failed_or_did_not_run_passes_nothing(paper, evidences):
    broken = {
        **evidences,
        "torch": Evidence(
            "01", "torch", error="papers/01_affine/torch/model.py:7: ValueError: no", outcome=Outcome.FAILED
        ),
        "agda": Evidence("01", "agda", error="Agda is not installed: run `make setup`", outcome=Outcome.NOT_RUN),
    }
    checks = check_paper(paper, broken)
    assert not [c for c in checks if {"torch", "agda"} & set(c.layers) and c.outcome is Outcome.PASSED]
    outcomes = {c.layers[0]: (c.outcome, c.message) for c in checks if c.kind == "layer"}
    assert outcomes["torch"] == (
        Outcome.FAILED,
        "paper 01, layer torch: papers/01_affine/torch/model.py:7: ValueError: no",
    )
    assert outcomes["agda"][0] is Outcome.NOT_RUN


def fake(kind: str, layers: tuple[str, ...], fine: bool, name: str = "seed 0 w") -> Check:
    return Check("01", kind, layers, name, Outcome.PASSED if fine else Outcome.FAILED)


def names(checks: list[Check]) -> set[str]:
    return {name for name, found in blamed(checks).items() if found}


PAIRS = [("tinygrad", "torch"), ("tinygrad", "jax"), ("torch", "jax")]


@pytest.mark.parametrize("odd", AUTODIFF)
def test_one_odd_layer_out_of_three_is_blamed_alone(odd):
    assert names([fake("gradient", pair, odd not in pair) for pair in PAIRS]) == {odd}


def test_two_layers_that_disagree_are_both_blamed():
    assert names([fake("gradient", ("torch", "jax"), False)]) == {"torch", "jax"}
    assert names([fake("gradient", pair, False) for pair in PAIRS]) == set(AUTODIFF)


def test_each_quantity_finds_its_own_culprit():
    """tinygrad is wrong in one parameter and PyTorch in another: JAX is not to blame."""
    checks = [
        fake("gradient", pair, odd not in pair, quantity)
        for odd, quantity in (("tinygrad", "w"), ("torch", "b"))
        for pair in PAIRS
    ]
    assert names(checks) == {"tinygrad", "torch"}


def test_the_reference_is_blamed_only_when_all_layers_disagree_with_it():
    against = [(layer, "numpy") for layer in AUTODIFF]
    assert names([fake("forward", pair, pair[0] != "jax") for pair in against]) == {"jax"}
    assert names([fake("forward", pair, False) for pair in against]) == {"numpy", *AUTODIFF}
    assert names([fake("forward", ("torch", "numpy"), False)]) == {"torch"}


def test_a_wrong_gradient_bridge_is_blamed_although_numpy_has_no_gradient():
    fine = [fake("bridge", ("sympy", layer), True, "seed 0 hidden") for layer in EXECUTABLE]
    wrong = [fake("bridge", ("sympy", layer), False, "seed 0 slope") for layer in AUTODIFF]
    assert "sympy" in names(fine + wrong)
    assert names(fine + [replace(c, outcome=Outcome.PASSED) if c.layers[1] != "jax" else c for c in wrong]) == {"jax"}


def test_what_concerns_one_layer_tells_against_it_and_passes_blame_nobody():
    assert names([fake("invariant", ("jax",), False), fake("invariant", ("torch",), True)]) == {"jax"}
    assert names([replace(fake("gradient", PAIRS[0], False), outcome=Outcome.WAIVED)]) == set()
