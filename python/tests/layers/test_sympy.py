"""What SymPy proves is true; what is false, trivial, rounded or out of its reach is not proved."""

from __future__ import annotations

import numpy as np
import pytest

from s30.corpus.vocabulary import Identity
from s30.errors import S30Error
from s30.evidence.store import Evidence

pytestmark = pytest.mark.sympy

sympy = pytest.importorskip("sympy")
adaptor = pytest.importorskip("s30.layers.sympy")
x, y = sympy.symbols("x y", real=True)
p = sympy.Symbol("p", positive=True)
n = sympy.Symbol("n", integer=True, nonnegative=True)
m = sympy.Symbol("m", integer=True, positive=True)
k = sympy.Symbol("k", integer=True)


def identity(lhs, rhs, relation="==", proof=("simplify",), **induction) -> Identity:
    return Identity("it", "it", lhs, rhs, "as declared", "(1)", relation, proof, **induction)


TRUE = [
    identity((x + y) ** 2, x**2 + 2 * x * y + y**2, proof=("expand",)),
    identity(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, 1),
    identity(sympy.log(p * (1 + p)), sympy.log(p) + sympy.log(1 + p), proof=("expand_log",)),
    identity([x * (1 + y), (x + 1) ** 2], [x + x * y, x**2 + 2 * x + 1], proof=("expand",)),
    identity(sympy.Matrix([[(1 + y) * (1 - y), x]]), sympy.Matrix([[1 - y**2, x]]), proof=("expand",)),
    identity(x**2 + y**2, 2 * x * y, ">=", ("factor",)),
    identity(p + 1, 1 - p, ">", ("expand",)),
    identity(sympy.Sum(k, (k, 1, n)), n * (n + 1) / 2, proof=("doit", "expand"), induction=n),
    identity(sympy.Sum(2**k, (k, 1, m)), 2 ** (m + 1) - 2, proof=("doit", "simplify"), induction=m, base=1),
]


@pytest.mark.parametrize("true", TRUE)
def test_true_statements_are_proved(true):
    assert adaptor.prove(true) == (True, "")


@pytest.mark.parametrize(
    ("false", "why"),
    [
        (identity((x + y) ** 2, x**2 + y**2, proof=("expand",)), "lhs - rhs is not shown to be == 0: 2*x*y"),
        (identity(sympy.sqrt(x**2), x), "is not shown to be == 0"),  # false for x < 0
        (
            identity(sympy.log(x * y), sympy.log(x) + sympy.log(y), proof=("expand_log",)),
            "is not shown to be == 0",
        ),  # x, y real
        (identity([x, y], [x, x]), "== 0 (entry 1)"),
        (identity(sympy.Matrix([[x, 1]]), sympy.Matrix([[x, 2]])), "== 0 (entry 1)"),
        (identity(x, y, ">="), "is not shown to be >= 0"),
        (identity(x**2, 0 * x, ">"), "is not shown to be > 0"),  # zero at x = 0
        (identity(-(x**2), 0, ">="), "is not shown to be >= 0"),
        (identity(x**2 + 1, x**2 + 1 + sympy.Rational(1, 10**30)), "is not shown to be == 0"),
        (identity(sympy.Integer(1), sympy.nan), "is not shown to be == 0"),
        (identity(sympy.zoo, sympy.Integer(0)), "is not shown to be == 0"),
    ],
)
def test_false_and_undecided_statements_are_not_proved(false, why):
    proved, said = adaptor.prove(false)
    assert not proved
    assert why in said
    assert "\n" not in said


@pytest.mark.parametrize("side", [x + 1, sympy.Matrix([[x]]), [x, y]])
def test_a_statement_of_itself_proves_nothing(side):
    assert adaptor.prove(identity(side, side)) == (
        False,
        "both sides are the same expression, so there is nothing to prove",
    )


@pytest.mark.parametrize(
    ("lhs", "rhs", "why"),
    [
        ([], (), "lhs is no expression and no matrix of expressions: TypeError: it is empty"),
        ([x], (x,), "both sides are the same expression"),
        (sympy.Matrix([x, y]), [x, y], "both sides are the same expression"),
        (sympy.Matrix([[x * (1 + y), 1]]), [x + x * y, 1], "different shapes: (1, 2) and (2, 1)"),
        (x + x * y, [x * (1 + y)], "different shapes: () and (1, 1)"),
        ("x", x, "TypeError: 'x' is a str"),
        (x, "x + 0", "rhs is no expression and no matrix of expressions: TypeError: 'x + 0' is a str"),
        ([x, "y"], [x, y], "no expression"),
        (sympy.true, sympy.true, "is a BooleanTrue"),
        (True, True, "is a bool"),
        (x < y, y > x, "is a StrictLessThan"),
        ({x: 1}, {x: 1}, "no expression"),
        (None, None, "no expression"),
    ],
)
def test_sides_are_expressions_or_matrices_of_one_shape(lhs, rhs, why):
    proved, said = adaptor.prove(identity(lhs, rhs))
    assert not proved
    assert why in said


def test_rounded_numbers_prove_nothing():
    """In floating point 1 + 1e-17 is 1, so a false statement would pass."""
    proved, why = adaptor.prove(identity((x + 1.0 + 1e-17) * y, x * y + y, proof=("expand",)))
    assert (proved, why) == (False, "it holds the rounded number 1.00000000000000: write it as a Rational")
    assert not adaptor.prove(identity([0.5 * x], [x / 2]))[0]


@pytest.mark.parametrize(
    "step", ["nsimplify", "evalf", "subs", "limit", "rewrite:Float", "rewrite:", "__class__", "integrate", "force"]
)
def test_a_step_that_might_not_preserve_the_value_is_refused(step):
    with pytest.raises(S30Error, match="a proof may not use the step"):
        adaptor.prove(identity(x * (x + 1), x**2 + x, proof=(step,)))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"relation": "<="}, "unknown relation '<='"), ({"proof": ()}, "a proof needs at least one step")],
)
def test_a_malformed_identity_is_refused(wrong, words):
    with pytest.raises(S30Error, match=words):
        adaptor.prove(identity(x, y, **wrong))


def test_every_step_that_is_allowed_exists_and_works():
    for step in sorted(adaptor.STEPS) + [f"rewrite:{name}" for name in sorted(adaptor.REWRITES)]:
        expression = 1 / (p * (p + 1)) + p**2
        assert sympy.simplify(adaptor.apply_step(step, expression) - expression) == 0, step


def test_logarithms_are_not_split_by_force():
    expression = sympy.log(x * y)  # x and y may both be negative
    assert adaptor.apply_step("expand_log", expression) == expression
    assert adaptor.apply_step("logcombine", sympy.log(x) + sympy.log(y)) == sympy.log(x) + sympy.log(y)


def test_induction_fails_at_a_wrong_base_case():
    off_by_one = identity(sympy.Sum(k, (k, 1, n)), n * (n + 1) / 2 + 1, proof=("doit", "expand"), induction=n)
    proved, why = adaptor.prove(off_by_one)
    assert not proved
    assert why.startswith("base case n = 0: ")


def test_induction_fails_at_a_wrong_step():
    wrong = identity(sympy.Sum(k, (k, 1, n)), n**2, proof=("doit", "expand"), induction=n)
    proved, why = adaptor.prove(wrong)
    assert not proved
    assert why.startswith("step n -> n + 1: ")


def test_induction_needs_its_symbol_on_both_sides():
    assert "does not occur on both sides" in adaptor.prove(identity(sympy.Sum(k, (k, 1, n)), x, induction=n))[1]


@pytest.mark.parametrize(
    ("symbol", "base", "why"),
    [
        (sympy.Symbol("r", real=True), 0, "not assumed to be a positive or a nonnegative integer"),
        (sympy.Symbol("z", integer=True), 0, "not assumed to be a positive or a nonnegative integer"),
        (sympy.Symbol("q", nonnegative=True), 0, "not assumed to be a positive or a nonnegative integer"),
        (m, 0, "induction from 0, but m is assumed to be 1 or more"),
        (m, 5, "induction from 5, but m is assumed to be 1 or more"),
        (n, 1, "induction from 1, but n is assumed to be 0 or more"),
    ],
)
def test_induction_starts_at_the_least_of_the_numbers_that_are_meant(symbol, base, why):
    """sin(2 pi x) + x = x has base case and step for real x, and 2 m >= m + 5 has both from 5 on; both are false."""
    statement = identity(
        sympy.Sum(k, (k, 1, symbol)), symbol * (symbol + 1) / 2, proof=("doit", "expand"), induction=symbol, base=base
    )
    proved, said = adaptor.prove(statement)
    assert not proved
    assert why in said


def test_the_toys_identities_are_proved_and_its_bridge_equals_numpy(paper, evidences):
    said = []
    found = adaptor.run(paper, said.append, ())
    assert {name: i["proved"] for name, i in found.facts["identities"].items()} == {
        "tanh_derivative": True,
        "tanh_odd": True,
    }
    for seed in range(3):
        np.testing.assert_allclose(
            found.arrays[f"seed{seed}/bridge/hidden_formula"],
            evidences["numpy"].arrays[f"seed{seed}/output/hidden"],
            rtol=1e-14,
        )
    assert said == ["identity tanh_derivative", "identity tanh_odd", "bridge hidden_formula"]
    assert isinstance(found, Evidence)


def test_one_proof_that_raises_does_not_hide_the_others(make_corpus, toy):
    text = toy.sympy.replace(
        'proof=("rewrite:exp", "simplify")),\n        Identity("tanh_odd"',
        'proof=("evalf",)),\n        Identity("tanh_odd"',
    )
    assert text != toy.sympy
    facts = adaptor.run(
        make_corpus({"01_affine": {"sympy/derivations.py": text}}).paper("01"), lambda _: None, ()
    ).facts["identities"]
    assert (facts["tanh_derivative"]["proved"], facts["tanh_odd"]["proved"]) == (False, True)
    assert facts["tanh_derivative"]["why"] == "a proof may not use the step 'evalf'"


@pytest.mark.parametrize(
    ("old", "new", "words"), [('"tanh_odd"', '"tanh_derivative"', "two identities are named 'tanh_derivative'")]
)
def test_two_of_one_name_are_refused(make_corpus, toy, old, new, words):
    corpus = make_corpus({"01_affine": {"sympy/derivations.py": toy.sympy.replace(old, new)}})
    with pytest.raises(S30Error, match=words):
        adaptor.run(corpus.paper("01"), lambda _: None, ())
