"""Agda's definitions are run on numbers and held against NumPy; what cannot be run fails by itself, and says why."""

from __future__ import annotations

import numpy as np
import pytest

from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.agda import evaluation, run_all
from s30.sweep.plan import Options, slots_for
from s30.sweep.run import sweep
from s30.verdict.claims import check_claims
from s30.verdict.parity import blamed, check_paper

pytestmark = pytest.mark.agda

TOY = """{-# OPTIONS --safe #-}
open import Cubical.Foundations.Prelude
open import Cubical.Algebra.CommRing.Base
module Toy {ℓ : Level} (R : CommRing ℓ) where
open import Cubical.Data.List.Base using (List ; [] ; _∷_ ; map ; length)
open import Cubical.Data.Nat.Base using (ℕ ; suc)
open CommRingStr (snd R)

twice : fst R → fst R
twice x = x + x

squared : fst R → fst R
squared x = x · x

-- Doubling respects sums of two.
IsEven : fst R → Type ℓ
IsEven x = Σ[ y ∈ fst R ] twice y ≡ x

-- What is doubled is even.
twiceEven : (x : fst R) → IsEven (twice x)
twiceEven x = x , refl

-- The square of a double is the double's product with itself.
squareOfTwice : (x y : fst R) → x ≡ y → squared (twice x) ≡ twice y · twice x
squareOfTwice x y p i = twice (p i) · twice x

data Never : Type where
"""
RUN = """module Toy-Run where
open import S30.Evaluation.Float using (Float; float; _/_)
open import S30.Evaluation.Lists
open import Cubical.Data.Bool.Base using (Bool; true; false)
open import Cubical.Data.FinData.Base using (_==_)
open import Toy float public

doubled squares : List Float → List Float
doubled = map twice
squares = map squared

apart : List Float → List Float
apart xs = xs

rows : List Float → List (List Float)
rows xs = xs ∷ map twice xs ∷ []

postulate stuck : Float → Float

counted : List Float → ℕ
counted []       = 0
counted (_ ∷ xs) = suc (counted xs)

firsts : ℕ → List Bool
firsts n = (index {3} n == index 0) ∷ (index {3} n == index 2) ∷ []

slow : ℕ → ℕ
slow zero    = 1
slow (suc n) = slow n + slow n
  where
  _+_ : ℕ → ℕ → ℕ
  zero  + m = m
  suc k + m = suc (k + m)
"""
NUMPY = """import numpy as np
from s30.room import Problem

def problem(seed=0):
    rng = np.random.default_rng(seed)
    return Problem({}, {"x": rng.normal(size=4)}, {}, 0.1)

def forward(params, batch):
    return {"twice": 2 * params["x"], "square": params["x"] ** 2, "loss": params["x"].sum()}
"""
VARIANTS = """import numpy as np
from s30.room import Problem, Variant

def variants():
    return [Variant("one", "a single number", Problem({}, {"x": np.array([3.0])}, {}, 0.1))]
"""
ASKS = """from s30.room import Evaluation, literal

def evaluations():
    x = lambda problem: literal(problem.params["x"])
    return [
        Evaluation("doubled", ["Toy.twice"], "Toy-Run", lambda p: f"doubled {x(p)}", lambda p, found: found["twice"], on=("seed0", "seed1", "one")),
        Evaluation("squares", ["Toy.squared"], "Toy-Run", lambda p: f"squares {x(p)}", lambda p, found: found["square"]),
    ]
"""
FILES = {
    "numpy_checks.py": NUMPY,
    "variants.py": VARIANTS,
    "cubical-agda/evaluation/Toy-Run.agda": RUN,
    "cubical-agda/evaluations.py": ASKS,
}
THEOREMS = ["Toy.twiceEven", "Toy.squareOfTwice"]


def measured(agda_rooms, toy: str = TOY, card=None, **files: str) -> tuple[object, Evidence]:
    changed = {**FILES, **{name.replace("__", "/"): text for name, text in files.items()}}
    corpus = agda_rooms(("Toy", toy, THEOREMS), files=changed, **(card or {}))
    ((paper, evidence),) = run_all(list(corpus.papers), lambda _: None)
    if isinstance(evidence, Exception):
        raise evidence
    return paper, evidence


def asked(
    term: str, expected: str = "found['twice']", *, definition: str = "Toy.twice", harness: str = "Toy-Run", **how
) -> str:
    """`evaluations.py` with one more evaluation, named «extra», in front of those above."""
    more = "".join(f", {name}={value!r}" for name, value in how.items())
    extra = f"Evaluation('extra', [{definition!r}], {harness!r}, lambda p: {term}, lambda p, found: {expected}{more})"
    return "import numpy as np\n" + ASKS.replace("    return [\n", f"    return [\n        {extra},\n")


def failed(paper, evidence: Evidence) -> dict[str, str]:
    """The messages of the evaluations that failed; the proofs never fail with them."""
    checks = check_paper(paper, {"agda": evidence})
    assert {check.outcome for check in checks if check.kind in ("layer", "theorem")} == {Outcome.PASSED}
    return {c.quantity: c.message for c in checks if c.kind == "evaluation" and c.outcome is Outcome.FAILED}


def test_definitions_are_run_on_seeds_and_variants_and_agree_with_numpy(agda_rooms) -> None:
    paper, evidence = measured(agda_rooms)
    rows = [check for check in check_paper(paper, {"agda": evidence}) if check.kind == "evaluation"]
    assert [(row.layers, row.quantity, row.outcome, row.compared) for row in rows] == [
        (("agda", "numpy"), "seed 0 doubled", Outcome.PASSED, 4),
        (("agda", "numpy"), "seed 1 doubled", Outcome.PASSED, 4),
        (("agda", "numpy"), "variant one doubled", Outcome.PASSED, 1),
        (("agda", "numpy"), "seed 0 squares", Outcome.PASSED, 4),
    ]
    x = np.random.default_rng(1).normal(size=4)
    assert (evidence.arrays["evaluation/doubled/seed1/agda"] == 2 * x).all()
    assert evidence.arrays["evaluation/doubled/one/agda"].dtype == np.float64, "Agda prints 6.0 as 6"
    assert set(evidence.run["evaluations"]) == {"doubled", "squares"}
    assert not evidence.facts["problems"]


def test_a_definition_that_is_wrong_where_no_theorem_looks_fails_and_agda_is_blamed(agda_rooms) -> None:
    wrong = TOY.replace("twice x = x + x", "twice x = (x + x) + 1r")
    paper, evidence = measured(agda_rooms, wrong)
    assert set(failed(paper, evidence)) == {"seed 0 doubled", "seed 1 doubled", "variant one doubled"}
    message = failed(paper, evidence)["variant one doubled"]
    assert message == (
        "paper 01, layer agda against numpy, evaluation variant one doubled: "
        "at index [0]: 7.0 against 6.0 (rtol 1e-10, atol 1e-12)"
    )
    assert {name for name, against in blamed(check_paper(paper, {"agda": evidence})).items() if against} == {"agda"}


X = "x(p)"
CANNOT = {  # a name: the term, what it must equal (twice by default), how else it is asked, and what is said of it
    "no number": (
        f"f'map stuck (doubled {{{X}}})'",
        "",
        {},
        "the term does not compute to numbers, but stops at «stuck 0.2514",
    ),
    "a NaN": ("'doubled ((0.0 / 0.0) ∷ [])'", "", {}, "the term computes to NaN"),
    "an infinity": ("'doubled (1.0 / 0.0 ∷ [])'", "", {}, "the term computes to Infinity"),
    "unequal rows": (
        "'doubled (1.0 ∷ 2.0 ∷ []) ∷ (1.0 ∷ []) ∷ []'",
        "",
        {},
        "the term computes to lists of unequal lengths",
    ),
    "another shape": (f"f'rows {{{X}}}'", "", {}, "shape (2, 4), expected (4,)"),
    "no term": ("'doubled ('", "", {}, "1,9"),
    "no type": ("'doubled true'", "", {}, "Bool !=< (List Float)"),
    "not in scope": ("'doubled tripled'", "", {}, "Not in scope: tripled"),
    "another definition": (
        f"f'doubled {{{X}}}'",
        "",
        {"definitions": ["Toy.squared"]},
        "the term does not lead to Toy.squared",
    ),
    "no definition": (
        f"f'doubled {{{X}}}'",
        "",
        {"definitions": ["Toy.tripled"]},
        "no module of cubical-agda/ defines Toy.tripled",
    ),
    "no harness": (
        f"f'doubled {{{X}}}'",
        "",
        {"module": "Toy-Ran"},
        "there is no cubical-agda/evaluation/Toy-Ran.agda",
    ),
    "no variant": (f"f'doubled {{{X}}}'", "", {"on": ["two"]}, "no variant is named 'two': one"),
    "its own fault": ("1 / 0", "", {}, "cubical-agda/evaluations.py:"),
    "no literal": ("f'doubled {literal(-np.ones(2, int))}'", "", {}, "-1 is no natural number"),
    "inexact": (
        f"f'doubled {{{X}}}'",
        "",
        {"exact": True},
        "what it must equal is of float64, not integers or booleans",
    ),
    "exact": (f"f'counted {{{X}}}'", "np.array(4)", {}, "what it must equal is of int64, not floating-point numbers"),
}


def test_what_cannot_be_run_fails_alone_and_says_why(agda_rooms) -> None:
    lines = ["import numpy as np"]
    for number, (term, expected, how, _) in enumerate(CANNOT.values()):
        said = {"definitions": ["Toy.twice"], "module": "Toy-Run", **how}
        expected = expected or "found['twice']"
        lines += [f"case_{number} = (lambda p, x: {term}, lambda p, found: {expected}, {said!r})"]
    cases = ", ".join(f"({name!r}, *case_{number})" for number, name in enumerate(CANNOT))
    extra = f"        *(Evaluation(name=n, term=lambda p, t=t: t(p, x), expected=e, **how) for n, t, e, how in [{cases}]),\n"
    asks = "\n".join(lines) + "\n" + ASKS.replace("    return [\n", "    return [\n" + extra)
    paper, evidence = measured(agda_rooms, **{"cubical-agda__evaluations.py": asks})
    messages = failed(paper, evidence)
    assert len(messages) == len(CANNOT), messages
    for (name, (*_, reason)), (quantity, message) in zip(CANNOT.items(), messages.items(), strict=True):
        assert name in quantity
        assert reason in message
        assert message.startswith("paper 01, layer agda")
        assert "\n" not in message


def test_integers_and_booleans_are_compared_exactly(agda_rooms) -> None:
    toy = TOY.replace("data Never", "lengthOf : List (fst R) → ℕ\nlengthOf = length\n\ndata Never")
    for term, expected, wrong in (
        (f"f'lengthOf {{{X}}}'", "np.array(4)", "np.array(5)"),
        (
            f"f'map (λ n → (index {{{{3}}}} n == index 2)) (lengthOf {{{X}}} ∷ 2 ∷ [])'",
            "np.array([False, True])",
            "np.array([True, True])",
        ),
    ):
        for value, outcome in ((expected, 0), (wrong, 1)):
            asks = asked(term, value, definition="Toy.lengthOf", exact=True)
            paper, evidence = measured(agda_rooms, toy, **{"cubical-agda__evaluations.py": asks})
            assert len(failed(paper, evidence)) == outcome, failed(paper, evidence)


def test_a_term_that_takes_too_long_costs_itself_alone(agda_rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "TERM_LIMIT", 1.5)
    asks = asked("'slow 40'", "np.array(2)", exact=True)
    asks = asks.replace("def evaluations", "LEAD = ''\n\ndef evaluations")
    slow = RUN.replace("slow zero    = 1", "slow zero    = counted (map twice (0.0 ∷ []))")
    paper, evidence = measured(
        agda_rooms, **{"cubical-agda__evaluations.py": asks, "cubical-agda__evaluation__Toy-Run.agda": slow}
    )
    assert failed(paper, evidence) == {
        "seed 0 extra": "paper 01, layer agda, evaluation seed 0 extra: it is not computed after 1.5 s"
    }


BROKEN = {
    "the room's file": (
        {"cubical-agda__evaluations.py": "import nothing\n"},
        ["papers/01_p1/cubical-agda/evaluations.py:1: ModuleNotFoundError: No module named 'nothing'"],
    ),
    "two of one name": (
        {"cubical-agda__evaluations.py": ASKS.replace('"squares"', '"doubled"', 1)},
        ["two evaluations are named 'doubled'"],
    ),
    "no problem": (
        {"cubical-agda__evaluations.py": ASKS.replace('on=("seed0", "seed1", "one")', "on=()")},
        ["needs a definition and a problem"],
    ),
    "the harness": (
        {"cubical-agda__evaluation__Toy-Run.agda": RUN.replace("map twice", "map thrice")},
        [
            "Toy-Run.agda:9,15-21 Not in scope: thrice",
            *["cubical-agda/evaluation/Toy-Run.agda does not load, as said above"] * 3,
        ],
    ),
    "a hole": (
        {"cubical-agda__evaluation__Toy-Run.agda": RUN.replace("= map twice\n", "= {!!}\n")},
        [
            "evaluation/Toy-Run.agda: unsolved goals",
            *["cubical-agda/evaluation/Toy-Run.agda does not load, as said above"] * 3,
        ],
    ),
}


@pytest.mark.parametrize(("files", "reasons"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_said_once_and_costs_no_proof(agda_rooms, files: dict[str, str], reasons: list[str]) -> None:
    paper, evidence = measured(agda_rooms, **files)
    messages = list(failed(paper, evidence).values())
    assert len(messages) == len(reasons)
    for message, reason in zip(messages, reasons, strict=True):
        assert reason in message


def test_what_theorems_speak_of_is_evaluated_or_left_out_with_a_reason(agda_rooms) -> None:
    without = ASKS.replace(
        'Evaluation("squares"',
        'Evaluation("squares", ["Toy.twice"], "Toy-Run", lambda p: f"doubled {x(p)}", lambda p, found: found["twice"]) if True else Evaluation("squares"',
    )
    line = "paper 01: the definition Toy.squared, of which theorem squareOfTwice speaks, is neither evaluated nor listed in not_evaluated"
    _, evidence = measured(agda_rooms, **{"cubical-agda__evaluations.py": without})
    assert evidence.facts["problems"] == [line]
    left_out = [{"definition": "Toy.squared", "why": "a test"}]
    _, evidence = measured(agda_rooms, card={"not_evaluated": left_out}, **{"cubical-agda__evaluations.py": without})
    assert not evidence.facts["problems"]
    _, evidence = measured(agda_rooms, card={"not_evaluated": left_out})
    assert evidence.facts["problems"] == ["paper 01: not_evaluated lists Toy.squared, but it is evaluated: remove it"]
    unneeded = [{"definition": "Toy.IsEven", "why": "a type"}]
    _, evidence = measured(agda_rooms, card={"not_evaluated": unneeded})
    assert evidence.facts["problems"] == [
        "paper 01: not_evaluated lists Toy.IsEven, but no claimed theorem speaks of it: remove it"
    ]


def test_a_claim_may_rest_on_an_evaluation(agda_rooms) -> None:
    claim = {"id": "a", "statement": "s", "source": "s", "kind": "exact", "evidence": [{"evaluation": "doubled"}]}
    for toy, outcome in ((TOY, Outcome.PASSED), (TOY.replace("= x + x", "= x"), Outcome.FAILED)):
        paper, evidence = measured(agda_rooms, toy, card={"claims": [claim]})
        (verdict,) = check_claims(paper, check_paper(paper, {"agda": evidence}), {})
        assert verdict.outcome is outcome


def test_harness_names_are_unique_among_all_papers(agda_rooms) -> None:
    corpus = agda_rooms(("Toy", TOY, THEOREMS), ("Other", TOY.replace("Toy", "Other"), []), files=FILES)
    other = corpus.papers[1].folder / "cubical-agda" / "evaluation" / "Toy-Run.agda"
    other.parent.mkdir()
    other.write_text(RUN, encoding="utf-8")
    for _, result in run_all(list(corpus.papers), lambda _: None):
        assert "Toy-Run.agda: the module name Toy-Run is taken by another paper" in str(result)


def test_a_proof_imports_nothing_that_is_not_safe(agda_rooms) -> None:
    for module in ("S30.Evaluation.Unproved", "Toy-Run"):
        corpus = agda_rooms(
            ("Toy", TOY.replace("open CommRingStr", f"import {module}\nopen CommRingStr"), []), files=FILES
        )
        ((_, error),) = run_all(list(corpus.papers), lambda _: None)
        assert isinstance(error, Exception)
        assert module in str(error)


def test_the_rooms_code_is_watched_as_in_other_layers(agda_rooms) -> None:
    spoilt = ASKS.replace("def evaluations():", "def evaluations():\n    import numpy\n    numpy.seterr(all='ignore')")
    corpus = agda_rooms(("Toy", TOY, THEOREMS), files={**FILES, "cubical-agda/evaluations.py": spoilt})
    (evidence,) = sweep(
        slots_for(corpus.papers, ["agda"], False), Options(corpus.root, corpus.root / "cache"), lambda _: None
    ).values()
    assert "it leaves NumPy's error handling changed in its process" in evidence.error
    peeks = ASKS.replace("def evaluations():", "def evaluations():\n    open(__file__ + '/../../../../papers.yaml')")
    corpus = agda_rooms(("Toy", TOY, THEOREMS), files={**FILES, "cubical-agda/evaluations.py": peeks})
    (evidence,) = sweep(
        slots_for(corpus.papers, ["agda"], False), Options(corpus.root, corpus.root / "cache"), lambda _: None
    ).values()
    assert not evidence.error
    assert "papers.yaml" in str(evidence.facts["evaluations"])
