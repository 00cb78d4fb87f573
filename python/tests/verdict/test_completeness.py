"""What a room lacks is said in one line each, in the order in which one would write it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from s30.corpus import documents
from s30.layers.catalogue import EXPERIMENT, LAYERS, TRAINING
from s30.verdict.completeness import ROOM, UNMUTATED, unfinished, unreached
from s30.verdict.judge import judge


@pytest.fixture
def room(corpus):
    return corpus.paper("01").folder


def said(corpus):
    return [line.removeprefix("paper 01: ") for line in unfinished(corpus.paper("01"))]


def test_a_whole_room_lacks_nothing(corpus):
    assert said(corpus) == []


def test_what_is_missing_is_told_in_the_order_of_writing(corpus, room):
    for name in ("README.md", "variants.py", "task.py", "oracles.py", "cubical-agda/evaluations.py", "spec.md"):
        (room / name).unlink()
    assert said(corpus) == [
        "01_affine/spec.md is missing: the object, exactly: shapes, equations, names",
        "01_affine/variants.py is missing: further problems: other sizes and switches, an extreme, ties",
        "01_affine/oracles.py is missing: another implementation or a closed form, beside numpy_checks.py or in tinygrad/, torch/ or jax/",
        "01_affine/cubical-agda/evaluations.py is missing: what Agda's definitions must compute",
        "01_affine/task.py is missing: the experiment: data, starts, what is asked, METRICS, figures",
        "01_affine/README.md is missing: the paper, the findings with their figures, how to read on",
    ]


def test_an_oracle_of_one_layer_is_enough(corpus, room):
    (room / "oracles.py").rename(room / "torch" / "oracles.py")
    assert said(corpus) == []


def test_what_is_still_to_do_stands_where_it_would_be_written(corpus, room):
    (room / "README.md").write_text("x\nTODO: say it\n")
    (room / "spec.md").write_text("TODO\nTODO\n")
    (room / "helper.py").write_text("# TODO: this\n")
    (room / "torch" / "model.py").unlink()
    assert said(corpus) == [
        "papers/01_affine/spec.md:1: still to do: TODO",
        "01_affine/torch/model.py is missing: what a practitioner writes",
        "tests/mutants.yaml lists no mistake in helper.py",
        "papers/01_affine/README.md:2: still to do: TODO: say it",
        "papers/01_affine/helper.py:1: still to do: # TODO: this",
    ]


def test_a_card_says_what_of_the_paper_is_carried(make_corpus, card):
    del card["coverage"]
    assert said(make_corpus(card=card)) == [
        "paper.yaml has no coverage: every numbered equation, theorem, algorithm, figure and table of the paper, "
        "or each section of a book or course, with what carries it or why it is left out"
    ]


@pytest.mark.parametrize(
    ("file", "asked"),
    [
        ("task.py", True),
        ("torch/experiment.py", True),
        ("sympy/derivations.py", True),
        ("cubical-agda/Toy.agda", True),
        ("cubical-agda/evaluation/Toy-Run.agda", True),
        ("variants.py", False),
        ("oracles.py", False),
        ("tests/test_toy.py", False),
        ("README.md", False),
    ],
)
def test_every_file_of_code_holds_a_listed_mistake(corpus, room, file, asked):
    path = room / "tests" / "mutants.yaml"
    mutants = [mutant for mutant in documents.load(path, "mutants")["mutants"] if mutant["file"] != file]
    padding = [{**mutants[0], "layer": layer, "name": f"{layer} {n}"} for layer in LAYERS for n in range(9, 16)]
    path.write_text(documents.dump({"mutants": mutants + padding}))
    assert said(corpus) == ([f"tests/mutants.yaml lists no mistake in {file}"] if asked else [])


def test_every_file_of_which_no_mistake_is_asked_is_one_that_a_room_has():
    assert {"variants.py", "cubical-agda/evaluations.py"} <= {*UNMUTATED} & {*ROOM}


@pytest.fixture
def told(results_of, paper):
    """The results of a sweep in which every slot says which lines it reached."""
    files = ("numpy_checks.py", "variants.py", "oracles.py", "task.py", "cubical-agda/evaluations.py")
    files += tuple(f"{layer}/{name}.py" for layer in TRAINING for name in ("model", "experiment"))
    lines = {
        file: {"executable": "1-9", "reached": "1-9"} for file in (*files, "sympy/derivations.py", "tinygrad/model.py")
    }
    return {slot: replace(e, facts={**e.facts, "lines": dict(lines)}) for slot, e in results_of(paper).items()}


def judged(corpus, results):
    return list(judge(corpus, corpus.papers, list(LAYERS), results, True).papers[0].problems)


def test_lines_that_nothing_reaches_are_a_fault(corpus, told):
    assert judged(corpus, told) == []
    for evidence in told.values():
        evidence.facts["lines"]["torch/model.py"] = {"executable": "1-9", "reached": "1-4,7-9"}
    assert judged(corpus, told) == ["paper 01: torch/model.py:5-6 is reached by no check"]
    told["01", "jax", EXPERIMENT].facts["lines"]["torch/model.py"] = {"executable": "1-9", "reached": "5-6"}
    assert judged(corpus, told) == []


def test_a_file_that_nothing_executes_is_a_fault(corpus, room, told):
    (room / "torch" / "helper.py").write_text("x = 1\n")
    (room / "tests" / "helper.py").write_text("x = 1\n")
    assert judged(corpus, told) == [
        "paper 01: tests/mutants.yaml lists no mistake in torch/helper.py",
        "paper 01: torch/helper.py is executed by no check",
    ]


def test_lines_are_judged_once_all_is_measured(corpus, room, told):
    (room / "helper.py").write_text("x = 1\n")
    paper = corpus.paper("01")
    slots = [*told.values()]
    assert unreached(paper, slots) == ["paper 01: helper.py is executed by no check"]
    for missing in (replace(slots[0], outcome="failed"), replace(slots[0], facts={})):
        assert unreached(paper, [missing, *slots[1:]]) == []
