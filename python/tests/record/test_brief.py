"""The record's file holds in few words all that the record says: what was abridged comes back whole, and a diff names it."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from s30 import cli
from s30.corpus import documents
from s30.corpus.vocabulary import Outcome
from s30.errors import UsageError
from s30.record import entry, telemetry
from s30.record.brief import brief, whole
from s30.verdict.claims import Finding

RING = "(R : CommRing ℓ) (f : R → R) "
THEOREMS = {
    "Net.Layer.first": RING + "→ isLinear f → (x y : R) → f (x + y) ≡ f x + f y",
    "Net.Layer.second": RING + "→ isLinear f → (x : R) → f (0r · x) ≡ 0r",
    "Net.Layer.third": RING + "(g : R → R) → f ∘ g ≡ g ∘ f",
    "Net.alone": "(n : ℕ) → n ≡ n",
    "Other.alone": "(n : ℕ) → n + 0 ≡ n",
}
UNUSUAL_ROW = {"outcome": "failed", "error": 1.0, "worst": 50.0, "compared": 3, "total": 4, "layers": "jax ~ numpy"}


def a_part():
    """A paper's part of a record in which everything stands that a file abridges, and all that it leaves as it is."""
    both = {"torch": 0.95, "jax": 0.94}
    return {
        "title": "A paper",
        "outcome": "failed",
        "layers": {
            "numpy": {"outcome": "passed", "depth": "substantive", "checks": 3, "failed": 0, "evidence": "0" * 16},
            "jax": {"outcome": "failed", "depth": "minimal", "checks": 3, "failed": 2, "message": "m", "evidence": None},
        },
        "coverage": {"carried": ["(1)"], "left_out": []},
        "equations": {"(1)": {"theorem": ["Net.Layer.first", "Net.alone"], "output": "x"}, "(2)": {"theorem": "Run.go"}},
        "checks": {
            "gradient": {
                "layers": {"jax ~ numpy": 4},
                "tolerance": {"all": "1e-08/1e-10"},
                "rows": {
                    "net.0.query.weight": [1e-16, 0.0, 4],
                    "net.0.query.bias": dict(UNUSUAL_ROW),
                    "net.1.weight": [2e-16, 0.02, 4, "1e-07/1e-09"],
                    "weight": [0.0, 0.0, 4, "exact"],
                },
            },
            "conduct": {"layers": {}, "rows": {"same": [None, None, 0], "again": [None, None, 9, "exact"]}},
            "experiment": {"layers": {}, "rows": {"metrics": [0.03, None, 36], "odd": [None, 0.5, 2]}},
        },
        "stated": {"invariant": {"bounded": "it is"}},
        "identities": {
            "one": {"outcome": "passed", "statement": "a = b", "assumptions": "a real", "proof": ["doit", "expand"]},
            "two": {"outcome": "passed", "statement": "b = c", "assumptions": "a real", "proof": []},
            "wrong": {"outcome": "failed", "statement": "c = d", "assumptions": "a real", "proof": ["doit"]},
            "three": {"outcome": "passed", "statement": "d = e", "assumptions": "a real", "proof": ["doit"]},
            "named": {"outcome": "passed", "statement": "e = f", "assumptions": "same", "proof": ["doit"]},
            "after": {"outcome": "passed", "statement": "f = g", "assumptions": "same", "proof": ["doit"]},
        },
        "theorems": {
            name: {"outcome": "waived" if name == "Net.Layer.second" else "passed", "statement": statement}
            for name, statement in THEOREMS.items()
        },
        "unfolded": {"Run.go": "passed"},
        "claims": {
            "proved": {
                "kind": "exact",
                "outcome": "passed",
                "statement": "it is linear",
                "evidence": [{"theorem": ["Net.Layer.first", "Other.alone"], "identity": ["one"]}],
            },
            "measured": {
                "kind": "proxy",
                "outcome": "failed",
                "statement": "it learns",
                "control": "chance",
                "evidence": [
                    {"metric": "a", "at_least": 0.9, **both},
                    {"metric": "a", "equals": 0.9, "within": 0.1, "torch": 0.95, "jax": 0.95},
                    {"metric": "a", "above": {"metric": "b", "times": 2}, **both, "limits": {"torch": 0.5, "jax": 0.5}},
                    {"metric": "a", "equals": {"metric": "b"}, "within": 1, **both, "limits": {"torch": 0.5, "jax": 0.4}},
                    {"metric": "a", "below": 0.9, **both, "outcome": "failed", "measured": "0.95; claimed < 0.9"},
                    {"metric": "a", "at_most": 1.0, "torch": 0.95},
                    {"metric": "a", "at_most": 1.0, **both, "reason": "so it is"},
                ],
            },
            "large": {"kind": "out_of_scope", "outcome": "not_applicable", "statement": "at scale", "reason": "no"},
        },
        "metrics": {
            "a": {"unit": "share", "over": "seeds", "spread": 0.1, "torch": [0.9, 1.0], "jax": [0.9, 1.0]},
            "b": {"unit": "share", "torch": [0.25], "jax": [0.2]},
            "c": {"unit": "share", "jax": [0.2]},
        },
        "mutants": {"layers": {"jax": 3}, "caught_by": {"forward": 3}},
        "lines": {},
        "problems": [],
        "failures": ["jax: m"],
        "scope": {"proxy_scope": "one neuron"},
    }  # fmt: skip


def test_what_was_abridged_comes_back_whole():
    part = a_part()
    assert whole(brief(part)) == part
    assert part == a_part()  # and the part was left as it is


def test_the_file_says_what_is_usual_in_few_words_and_all_else_in_full():
    short = brief(a_part())
    assert short["layers"]["numpy"] == {"depth": "substantive", "checks": 3, "evidence": "0" * 16}
    assert short["layers"]["jax"] == a_part()["layers"]["jax"]
    assert short["checks"]["gradient"]["rows"] == {
        "net.0": {"query.weight": [1e-16, 4], "query.bias": UNUSUAL_ROW},
        "net.1.weight": [2e-16, 4, 0.02, "1e-07/1e-09"],
        "weight": [0.0, 4, "exact"],
    }
    assert short["checks"]["conduct"]["rows"] == {"same": 0, "again": [9, "exact"]}
    assert short["identities"]["two"] == ["b = c", "same"]
    assert short["identities"]["wrong"] == a_part()["identities"]["wrong"]
    measured = short["claims"]["measured"]
    assert measured["proxy"] == "it learns"
    assert measured["evidence"][:4] == [
        ["a", "at_least", 0.9, [0.95, 0.94]],
        ["a", "equals", [0.9, 0.1], 0.95],
        ["a", "above", {"metric": "b", "times": 2}, [0.95, 0.94], 0.5],
        ["a", "equals", [{"metric": "b"}, 1], [0.95, 0.94], [0.5, 0.4]],
    ]
    assert measured["evidence"][4:] == a_part()["claims"]["measured"]["evidence"][4:]
    assert short["claims"]["large"] == {"out_of_scope": "at scale", "reason": "no"}
    assert short["metrics"]["a"]["jax"] == "same"


def test_what_all_statements_of_a_module_assume_is_written_once():
    short = brief(a_part())["theorems"]
    assert short["Net.Layer"] == {
        "(given)": RING,
        "first": "→ isLinear f → (x y : R) → f (x + y) ≡ f x + f y",
        "second": {"outcome": "waived", "statement": "→ isLinear f → (x : R) → f (0r · x) ≡ 0r"},
        "third": "(g : R → R) → f ∘ g ≡ g ∘ f",
    }
    assert short["Net"] == {"alone": "(n : ℕ) → n ≡ n"}  # nobody shares it


@pytest.mark.parametrize(
    ("statements", "given"),
    [
        (["(n : ℕ) → P n", "(n : ℕ) → Q n"], "(n : ℕ) → "),
        (["(n m : ℕ) → P n", "(n k : ℕ) → P n"], ""),
        (["(n : ℕ) {m : ℕ} → P", "(n : ℕ) {k : ℕ} → P"], "(n : ℕ) "),
        (["(f : (x : A) → B x) → P", "(f : (x : A) → C x) → P"], ""),  # not in the middle of a parameter
        (["P → Q", "P → Q → R"], "P → "),
        (["P", "P"], ""),
    ],
)
def test_the_telescope_is_cut_between_assumptions(statements, given):
    part = a_part()
    part["theorems"] = {f"M.t{n}": {"outcome": "passed", "statement": one} for n, one in enumerate(statements)}
    assert brief(part)["theorems"]["M"].get("(given)", "") == given
    assert whole(brief(part))["theorems"] == part["theorems"]


def test_a_theorem_goes_by_its_last_word_where_no_other_has_it():
    short = brief(a_part())
    assert short["equations"] == {"(1)": {"theorem": ["first", "Net.alone"], "output": "x"}, "(2)": {"theorem": "go"}}
    assert short["claims"]["proved"]["evidence"] == [{"theorem": ["first", "Other.alone"], "identity": ["one"]}]


@pytest.fixture
def full(toy_record):
    """A record whose paper holds what `a_part` does, so that all its claims and theorems are in the file."""
    _, record = toy_record()
    record["papers"]["01"] = a_part()
    return telemetry.sealed(record)


def test_a_full_record_fits_its_schema_and_round_trips(full, tmp_path):
    telemetry.write(full, tmp_path / "record.yaml")
    assert telemetry.read(tmp_path / "record.yaml") == full
    lines = (tmp_path / "record.yaml").read_text().splitlines()
    (claim,) = (line for line in lines if line.startswith("   measured: "))
    assert claim.startswith(
        "   measured: {proxy: it learns, outcome: failed, control: chance, evidence: [[a, at_least,"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("weight: [0.0, 4, exact]", "weight: {error: 0.0}"),
        ("weight: [0.0, 4, exact]", "weight: [exact]"),
        ("weight: [0.0, 4, exact]", "weight: [x, 4]"),
        ("same: 0", "same: -1"),
        ("query.weight: [1.0e-16, 4]", "query.weight: {error: 0.0}"),
        ("{exact: it is linear,", "{statement: it is linear,"),
        ("{exact: it is linear,", "{exact: it is linear, proxy: it is not,"),
        ("[a, at_least, 0.9, [0.95, 0.94]]", "[a, more_than, 0.9, [0.95, 0.94]]"),
        ("[a, at_least, 0.9, [0.95, 0.94]]", "[a, at_least, 0.9, [0.95]]"),
        ("[a, at_least, 0.9, [0.95, 0.94]]", "[a, at_least, 0.9]"),
        ("[a, equals, [0.9, 0.1], 0.95]", "[a, equals, [0.9, 0.1, 0.2], 0.95]"),
        ("two: [b = c, same]", "two: [b = c]"),
        ("two: [b = c, same]", "two: {outcome: passed, statement: b = c}"),
        ("jax: same", "jax: so so"),
        ("alone: '(n : ℕ) → n ≡ n'", "alone: [n]"),
        ("numpy: {depth: substantive, checks: 3,", "numpy: {checks: 3,"),
        ("proxy_scope: one neuron", "proxy_scope: ''"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_refused_with_its_line(full, tmp_path, old, new):
    path = tmp_path / "record.yaml"
    telemetry.write(full, path)
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(UsageError, match=r"record\.yaml:\d+: papers/01"):
        telemetry.read(path)


@pytest.mark.parametrize(
    ("change", "at", "old", "new"),
    [
        (
            lambda part: part["theorems"]["Net.Layer.first"].update(
                statement=THEOREMS["Net.Layer.first"].replace("isLinear f → ", "")
            ),
            "01/theorems/Net.Layer.first/statement",
            THEOREMS["Net.Layer.first"],
            "(R : CommRing ℓ) (f : R → R) → (x y : R) → f (x + y) ≡ f x + f y",
        ),
        (
            lambda part: part["claims"]["measured"]["evidence"][0].update(at_least=0.5),
            "01/claims/measured/evidence/metric a at_least/at_least",
            "0.9",
            "0.5",
        ),
        (
            lambda part: part["claims"]["measured"]["evidence"][1].update(within=0.4),
            "01/claims/measured/evidence/metric a equals/within",
            "0.1",
            "0.4",
        ),
        (
            lambda part: part["claims"]["measured"].update(statement="it learns, more or less"),
            "01/claims/measured/statement",
            "it learns",
            "it learns, more or less",
        ),
        (
            lambda part: part["identities"]["two"].update(assumptions="a real, b > 0"),
            "01/identities/two/assumptions",
            "a real",
            "a real, b > 0",
        ),
        (
            lambda part: part["checks"]["gradient"]["rows"]["net.1.weight"].__setitem__(3, "1e-02/1e-04"),
            "01/checks/gradient/rows/net.1.weight/tolerance",
            "1e-07/1e-09",
            "1e-02/1e-04",
        ),
        (
            lambda part: part["equations"].update({"(2)": {"theorem": "Net.alone"}}),
            "01/equations/(2)/theorem",
            "Run.go",
            "Net.alone",
        ),
        (
            lambda part: part["theorems"].pop("Net.Layer.third"),
            "01/theorems/Net.Layer.third",
            THEOREMS["Net.Layer.third"],
            "absent",
        ),
    ],
)
def test_the_diff_of_two_files_names_what_was_dropped_or_loosened_in_full(full, tmp_path, capsys, change, at, old, new):
    other = copy.deepcopy(full)
    change(other["papers"]["01"])
    for name, content in (("old", full), ("new", telemetry.sealed(other))):
        telemetry.write(content, tmp_path / name)
    assert cli.main(["telemetry", "diff", str(tmp_path / "old"), str(tmp_path / "new"), "--json"]) == 1
    told = documents.yaml.safe_load(capsys.readouterr().out)["differences"]
    assert [(one["at"], str(one["old"]), str(one["new"])) for one in told] == [(at, old, new)]


@pytest.mark.parametrize(
    ("piece", "value", "limit", "kept"),
    [
        ({"at_least": 0.9}, 0.9123456789, None, (0.91235, None)),
        ({"at_least": 0.9}, 0.89999999, None, (0.89999999, None)),  # which five digits would let pass
        ({"above": 0.9}, 0.900000001, None, (0.900000001, None)),
        ({"equals": 1.0, "within": 0.05}, 0.9500001, None, (0.9500001, None)),
        ({"below": {"metric": "b"}}, 0.4999999, 0.50000001, (0.4999999, 0.50000001)),
        ({"below": {"metric": "b"}}, 0.4, 0.50000001, (0.4, 0.5)),
    ],
)
def test_values_have_five_digits_unless_these_would_decide_otherwise(piece, value, limit, kept):
    said = {"value": value} | ({} if limit is None else {"limit": limit, "limit_from": {"metric": "b"}})
    found = (Finding("jax a", Outcome.PASSED, "", said) for _ in range(2))
    written = entry._evidence({"metric": "a", **piece}, found)
    assert (written["jax"], written.get("limits", {}).get("jax")) == kept


def test_a_passed_row_never_reads_as_beyond_its_tolerance():
    check = SimpleNamespace(outcome=Outcome.PASSED, error=1.0, worst=0.9999, compared=1, total=1, tolerance=None)
    check.layers, check.row = ("jax", "numpy"), "x"
    assert entry._row("oracle", [check]).written() == [1.0, 1.0, 1]
