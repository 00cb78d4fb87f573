"""Malformed files end in one line with file and line; the registry finds papers; a room's folders hide no framework."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import yaml

from s30.corpus import documents, registry
from s30.corpus.registry import default_root, load_corpus, load_file, sibling
from s30.corpus.vocabulary import Tolerance
from s30.errors import S30Error, UsageError
from s30.layers.catalogue import ENGINE

GOOD = """\
papers:
  - id: '01'
    slug: affine
    title: One
    authors: A
    year: 2020
    link: https://example.org
    order: 1
    build_order: 1
"""


@pytest.fixture
def refused(tmp_path):
    """The message with which a papers.yaml is refused, after the path."""

    def read(text: str | bytes) -> str:
        path = tmp_path / "papers.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(UsageError) as caught:
            load_corpus(tmp_path)
        message = str(caught.value)
        assert message.startswith(f"{path}:")
        assert "\n" not in message
        assert caught.value.exit_code == 2
        return message.removeprefix(f"{path}:")

    return read


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD.replace("    year: 2020", "   year: 2020"), "6: "),
        (GOOD.replace("title: One", "title: 'One"), "10: found unexpected end of stream"),
        (GOOD.replace("title: One", "title: [One"), "5: "),
        (GOOD.replace("    authors: A", "\tauthors: A"), "5: "),
        (GOOD.replace("    authors: A", "    authors: A\n    slug: other"), "6: the key 'slug' stands twice"),
        (GOOD + "papers: []\n", "10: the key 'papers' stands twice"),
        (GOOD.replace("year: 2020", "year: [2020]"), "6: papers/0/year: [2020] is not of type"),
        (GOOD.replace("'01'", "1"), "2: papers/0/id: 1 is not of type 'string'"),
        (GOOD.replace("'01'", "'001'"), "2: papers/0/id: '001' does not match"),
        (GOOD.replace("slug: affine", "slug: ../affine"), "3: papers/0/slug: '../affine' does not match"),
        (GOOD.replace("    title: One\n", ""), "2: papers/0: 'title' is a required property"),
        (
            GOOD.replace("title: One", "title: One\n    titel: One"),
            "2: papers/0: Additional properties are not allowed ('titel' was unexpected)",
        ),
        (GOOD.replace("order: 1\n", "order: first\n", 1), "8: papers/0/order: 'first' is not of type 'integer'"),
        ("papers: []\n", "1: papers: [] should be non-empty"),
        ("", "1: None is not of type 'object'"),
        ("[]", "1: [] is not of type 'object'"),
        ("papers: &a [*a]\n", "1: an alias refers to what contains it"),
        ("papers: &a [1]\nb: &b [*a, *a]\n", "2: an alias stands in what another may repeat"),  # so they multiply
        ("papers: &a 1\nb: [" + "*a, " * 101 + "]\n", "2: more than 100 aliases"),
        ("papers: " + "[" * 100_000, "1: it is nested more than 32 deep"),
        ("papers: " + "".join("\n" + " " * i + "a:" for i in range(1, 100)), "33: it is nested more than 32 deep"),
        ("papers: [" + "1," * 500_000 + "]", "1: more than 500,000 values"),
        (GOOD.replace("order: 1\n", "order: 1.0e+999\n", 1), "8: 1.0e+999 is not a finite number"),
        (GOOD.replace("order: 1\n", "order: -1.0e+301\n", 1), "8: -1.0e+301 is not a finite number"),
        (
            GOOD.replace("order: 1\n", f"order: {'9' * 5000}\n", 1),
            "8: 9999999999999999999999999999999999999... is not a",
        ),
        (
            GOOD.replace("order: 1\n", f"order: 0x{'f' * 300}\n", 1),
            "8: 0xfffffffffffffffffffffffffffffffffff... is not a",
        ),
        (GOOD.replace("year: 2020", "year: !!timestamp 2020"), " it holds a value that YAML cannot read: "),
        (GOOD.replace("year: 2020", "year: 2020-13-45"), " it holds a value that YAML cannot read: "),
        ("? [a]\n: b\n", "1: a key must be a word"),
        (GOOD + "---\n" + GOOD, "10: "),
        (GOOD.replace("One", "\x07"), "4: the character #x0007 is not allowed in YAML"),
        ("papers: !!python/object/apply:os.system [false]\n", "1: could not determine a constructor"),
    ],
)
def test_a_malformed_registry_is_refused_with_file_and_line(refused, text, message):
    assert refused(text).startswith(message)


def test_a_file_that_is_far_too_large_is_refused_before_it_is_parsed(refused):
    assert (
        refused(" " * (documents.LARGEST_FILE + 1))
        == " 16,777,217 characters, more than 16,777,216: it is no file of this project"
    )


def test_numbers_and_aliases_of_ordinary_files_are_read(tmp_path):
    """0x1f, 1_000 and 1:30 are numbers to YAML, 1e400 is a word to it."""
    path = tmp_path / "waivers.yaml"
    reason = "&same 'three names of one gap'"
    path.write_text(f"waivers:\n  - {{id: a, reason: {reason}}}\n  - {{id: b, reason: *same}}\n")
    assert [entry["reason"] for entry in documents.load(path, "waivers")["waivers"]] == ["three names of one gap"] * 2
    for text in ("0x1f", "1_000", "1:30", "-1.5e-300", "1e400", "1.0e+300"):
        path.write_text(f"waivers: {text}\n")
        with pytest.raises(UsageError, match="is not of type 'array'"):
            documents.load(path, "waivers")


def test_what_is_not_utf8_is_refused(refused):
    assert refused(GOOD.encode() + b"\xff") == "10: cannot be read: it is not UTF-8; save it as such"


@pytest.mark.parametrize(("key", "value"), [("id", "'01'"), ("slug", "affine"), ("order", "1"), ("build_order", "1")])
def test_no_two_papers_share_an_id_a_slug_or_a_place(refused, key, value):
    second = {
        "id": "'02'",
        "slug": "other",
        "title": "Two",
        "authors": "B",
        "year": 2021,
        "link": "https://example.org",
        "order": 2,
        "build_order": 2,
    }
    lines = [f"{'  - ' if n == 0 else '    '}{k}: {v}" for n, (k, v) in enumerate((second | {key: value}).items())]
    message = refused(GOOD + "\n".join(lines) + "\n")
    assert message == f"10: papers: the {key} {value if value.isdigit() else repr(value.strip(chr(39)))} stands twice"


def test_a_missing_registry_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"papers\.yaml: cannot be read: "):
        load_corpus(tmp_path)


@pytest.fixture
def refused_card(make_corpus):
    def read(old: str, new: str) -> str:
        corpus = make_corpus()
        path = corpus.paper("01").folder / "paper.yaml"
        text = path.read_text()
        assert text.count(old) >= 1
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(UsageError) as caught:
            _ = corpus.paper("01").card
        line = text[: text.index(old)].count("\n") + 1
        return re.sub(rf"^{line}:", "LINE:", str(caught.value).removeprefix(f"{path}:"))

    return read


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("summary: An", "summary: 'An", ""),
        ("sympy: partial", "sympy: minimal", "LINE: depth/sympy: "),
        ("sympy: partial", "sympy: deep", "LINE: depth/sympy: "),
        (
            "level: minimal",
            "level: partial",
            "LINE: depth/agda/level: 'partial' is not one of ['minimal', 'ceremonial']",
        ),
        ("at_least: 0.9", "at_least: high", "LINE: claims/1/evidence/0/at_least: "),
        ("at_least: 0.9", "atleast: 0.9", ""),
        ("kind: exact", "kind: exactly", "LINE: claims/0/kind: 'exactly' is not one of"),
        ("name: Toy.odd", "name: odd", "LINE: theorems/0/name: 'odd' does not match"),
        ("proxy_scope: toy", "proxy_scope: ''", "LINE: scope/proxy_scope: '' should be non-empty"),
        ("id: learns", "id: odd", "LINE: claims: the id 'odd' stands twice"),
        ("id: tanh", "id: affine", "LINE: equations: the id 'affine' stands twice"),
        (
            "theorems:",
            "theorems:\n  - {name: Toy.odd, source: s}",
            " theorems: the name 'Toy.odd' stands twice",
        ),
        ("at_least: 0.9", "at_least: -.inf", "LINE: -.inf is not a finite number"),
        ("at_least: 0.9", "equals: .nan", "LINE: .nan is not a finite number"),
        ("at_least: 0.9", "equals: 0.9\n        within: .Inf", " .Inf is not a finite number"),
        (
            "at_least: 0.9",
            "at_least: {metric: accuracy}",
            " the metric 'accuracy' is held against itself, which cannot fail",
        ),
        ("item: (2)", "item: (1)", "LINE: coverage: the item '(1)' stands twice"),
        ("at_least: 0.9", "at_least: -1.0e+9", " a bound of -1e+09 is larger than 1e+06: give a `reason`"),
        ("at_least: 0.9", "at_least: {metric: chance, plus: -2.0e+6}", " a bound of -2e+06 is larger than 1e+06"),
        ("at_least: 0.9", "at_least: {metric: chance, times: 0}", " the metric 'chance' times 0 is no bound"),
        ("at_least: 0.9", "equals: 0.9\n        within: 0.46", " within 0.46 of 0.9 lies almost anything: half of it"),
        ("at_least: 0.9", "equals: 0\n        within: 1.0e-9", " within 1e-09 of 0 lies almost anything"),
        ("at_least: 0.9", "equals: 1\n        within: 1.0e+9", " a bound of 1e+09 is larger than 1e+06"),
        (
            "claims:",
            "tolerances:\n  - {kind: forward, quantity: a, rtol: 1.0e-6, atol: 0, reason: r}\nclaims:",
            " the tolerance rtol 1e-06, atol 0 is more than a check of kind forward may have, rtol 1e-07, atol 1e-09",
        ),
        (
            "claims:",
            "tolerances:\n  - {kind: difference, quantity: a, rtol: 0, atol: 1.0e+300, reason: r}\nclaims:",
            " the tolerance rtol 0, atol 1e+300 is more than a check of kind difference may have, rtol 0.001, atol 1e-05",
        ),
    ],
)
def test_a_malformed_card_is_refused_with_file_and_line(refused_card, old, new, message):
    said = refused_card(old, new)
    assert said.startswith(message) or re.sub(r"^\d+:", "", said).startswith(message), said
    assert re.match(r"(LINE|\d+): ", said), said


def test_a_room_that_the_registry_does_not_know_is_refused(make_corpus):
    corpus = make_corpus()
    (corpus.root / "papers" / "03_stray").mkdir()
    with pytest.raises(UsageError, match=r"papers/03_stray belongs to no paper of .*papers\.yaml: rename it"):
        load_corpus(corpus.root)


def test_a_room_without_its_card_is_a_fault_and_not_a_paper_to_come(make_corpus):
    corpus = make_corpus()
    (corpus.paper("01").folder / "paper.yaml").rename(corpus.paper("01").folder / "paper.yml")
    assert corpus.paper("01").built
    with pytest.raises(UsageError, match=r"paper\.yaml: cannot be read: "):
        _ = corpus.paper("01").card


def test_a_file_is_executed_as_it_stands_and_not_as_the_interpreter_remembers_it(tmp_path):
    path, said = tmp_path / "it.py", []
    forgetting = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    remembering = {k: v for k, v in os.environ.items() if k not in forgetting} | {"PYTHONPATH": str(ENGINE.parent)}
    command = (
        f"from s30.corpus.registry import load_file; from pathlib import Path; print(load_file(Path({str(path)!r})).x)"
    )
    for text in ("x = 1\n", "x = 2\n"):  # of one length, within one second
        path.write_text(text)
        os.utime(path, (1e9, 1e9))
        asked = subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True, check=True, env=remembering
        )
        said.append(asked.stdout)
    assert said == ["1\n", "2\n"]


def test_every_schema_is_itself_a_valid_schema():
    for path in documents.SCHEMAS.glob("*.schema.json"):
        checker = documents.validator(path.name.removesuffix(".schema.json"))
        checker.check_schema(checker.schema)


def test_what_is_dumped_reads_back_and_is_stable():
    data = {"b": ["x", {"c": 1e-300, "d": None}], "a": "é: «1e5»", "02": "'08'", "long": "word " * 60, "t": True}
    shared = [1]
    text = documents.dump({**data, "one": shared, "other": shared})
    assert yaml.safe_load(text) == {**data, "one": [1], "other": [1]}
    assert "&" not in text
    assert text == documents.dump({**data, "one": shared, "other": shared})


@pytest.mark.parametrize("name", ["1", "01", " 01 ", "affine", "AFFINE", "01_affine"])
def test_a_paper_is_found_by_number_and_slug(corpus, name):
    assert corpus.paper(name).id == "01"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lstm", "did you mean 03 lstm_understanding?"),
        ("lstm_understandin", "did you mean 03 lstm_understanding?"),
        ("pionter_networks", "did you mean 06 pointer_networks?"),
        ("netwroks", "did you mean 06 pointer_networks?"),
        ("77", "`s30 list` shows them all"),
        ("", "`s30 list` shows them all"),
        ("zzz", "`s30 list` shows them all"),
    ],
)
def test_an_unknown_paper_is_refused_with_close_matches(make_corpus, name, hint):
    corpus = make_corpus({"03_lstm_understanding": None, "06_pointer_networks": None, "07_complexity_dynamics": None})
    with pytest.raises(UsageError) as caught:
        corpus.paper(name)
    assert str(caught.value) == f"no paper {name!r} in {corpus.root / 'papers.yaml'}: {hint}"


def test_papers_are_selected_once_in_registry_order(make_corpus):
    corpus = make_corpus({"01_a": {}, "02_b": None, "03_c": {}})
    assert [p.id for p in corpus.select([])] == ["01", "03"]
    assert [p.id for p in corpus.select(["c", "2", "03"])] == ["02", "03"]


def test_the_root_is_named_or_found_upwards(corpus, tmp_path, monkeypatch):
    monkeypatch.delenv("S30_ROOT", raising=False)
    monkeypatch.chdir(corpus.paper("01").folder)
    assert default_root() == corpus.root
    monkeypatch.setenv("S30_ROOT", str(tmp_path))
    with pytest.raises(UsageError, match=r"S30_ROOT=.* has no papers\.yaml"):
        default_root()
    monkeypatch.setenv("S30_ROOT", str(corpus.root))
    monkeypatch.chdir(tmp_path)
    assert default_root() == corpus.root


def test_without_any_root_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("S30_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "elsewhere" / "corpus.py"))
    with pytest.raises(UsageError, match=r"no papers\.yaml in .*: work inside the repository, or set S30_ROOT"):
        default_root()


def test_the_card_gives_a_tolerance_to_what_it_names(make_corpus, card):
    card["tolerances"] = [
        {"kind": "forward", "quantity": "hidden", "layer": "jax", "rtol": 1e-8, "atol": 0, "reason": "r"}
    ]
    paper = make_corpus(card=card).paper("01")
    assert paper.tolerance("forward", "jax", "hidden") == Tolerance(1e-8, 0.0)
    assert paper.tolerance("forward", "torch", "hidden") is None
    assert paper.tolerance("forward", "jax", "scores") is None
    assert paper.tolerance("bridge", "jax", "hidden") is None


def test_a_file_of_a_room_is_executed_once_and_a_failing_one_is_not_kept(tmp_path):
    path = tmp_path / "numpy.py"
    path.write_text("calls = globals().get('calls', 0) + 1\n")
    module = load_file(path)
    assert load_file(path) is module
    assert sibling(str(tmp_path / "other.py"), "numpy.py") is module
    broken = tmp_path / "broken.py"
    broken.write_text("raise ValueError('no')\n")
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            load_file(broken)
    broken.write_text("fine = True\n")
    assert load_file(broken).fine
    with pytest.raises(S30Error, match=r"missing\.py: no such Python file"):
        load_file(tmp_path / "missing.py")


def test_a_rooms_folders_do_not_hide_the_packages_of_their_names(corpus):
    """The room has torch/model.py and jax/model.py; loading from it changes neither sys.path nor what `numpy` means."""
    folder = corpus.paper("01").folder
    (folder / "numpy").mkdir()
    (folder / "numpy" / "model.py").write_text("import numpy\nfile = numpy.__file__\n")
    before = list(sys.path)
    import numpy

    assert corpus.paper("01").module("numpy/model.py").file == numpy.__file__
    assert sys.path == before
    assert not [
        name
        for name in ("torch", "jax", "numpy.model")
        if name in sys.modules and str(folder) in str(sys.modules[name])
    ]


def test_importing_the_engine_imports_no_framework():
    code = "import sys, s30.cli, s30.record.telemetry, s30.view.figures; print([m for m in ('torch', 'jax', 'tinygrad', 'sympy', 'sklearn') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ENGINE.parent)},
        timeout=120,
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_draft_counts_as_no_room_until_it_is_named(make_corpus):
    corpus = make_corpus({"01_affine": {}, "02_later": {}})
    registry_file = corpus.root / "papers.yaml"
    papers = documents.load(registry_file, "papers")["papers"]
    registry_file.write_text(documents.dump({"papers": [papers[0], {**papers[1], "draft": True}]}), encoding="utf-8")
    corpus = load_corpus(corpus.root)
    assert [paper.built for paper in corpus.papers] == [True, False]
    assert [paper.id for paper in corpus.select([])] == ["01"]
    assert corpus.paper("02").built
    assert [(paper.id, paper.built) for paper in corpus.select(["2", "1"])] == [("01", True), ("02", True)]
