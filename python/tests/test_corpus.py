"""The front door for whoever changes a paper: one test per paper, layer and kind of check.

The tests ask the engine (sweep, parity) and have no logic of their own. `pytest -m torch python/tests/test_corpus.py -k 26`
runs what concerns one paper's PyTorch layer.
"""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path

import pytest

from s30.corpus import Corpus, Paper, load_corpus
from s30.layers import AUTODIFF, EXECUTABLE, LAYERS
from s30.parity import Check, check_paper
from s30.scaffold import new_room
from s30.sweep import Options, cache_folder, slots_for, sweep
from s30.verdicts import load_waivers, unfinished
from s30.vocabulary import Outcome

ROOT = Path(__file__).resolve().parents[2]

KINDS = {
    "numpy": ("layer", "invariant"),
    "sympy": ("layer", "identity", "bridge"),
    "agda": ("layer", "theorem"),
    **dict.fromkeys(AUTODIFF, ("layer", "forward", "difference", "trajectory", "gradient", "invariant")),
}


@cache
def corpus() -> Corpus:
    return load_corpus(ROOT)


@cache
def checks_of(paper: Paper, layer: str) -> list[Check]:
    """The checks of one layer of one paper, with NumPy as the reference where it is needed."""
    names = [layer] if layer in ("numpy", "agda") else ["numpy", layer]
    if layer in AUTODIFF:  # trajectories and gradients need another autodiff layer; whichever is installed
        names = [n for n in EXECUTABLE if n == layer or n == "numpy" or LAYERS[n].autodiff]
    elif layer == "sympy":
        names = ["sympy", *EXECUTABLE]
    results = sweep(slots_for([paper], names, False), Options(ROOT, cache_folder(ROOT)), lambda _: None)
    found = check_paper(
        paper, {name: evidence for (_, name, _), evidence in results.items() if evidence.outcome is not Outcome.NOT_RUN}
    )
    return [check for check in found if layer in check.layers]


def _cases() -> list[object]:
    return [
        pytest.param(paper, layer, kind, id=f"{paper.id}-{layer}-{kind}", marks=getattr(pytest.mark, layer))
        for paper in corpus().papers
        if paper.built
        for layer, kinds in KINDS.items()
        for kind in kinds
    ]


@pytest.mark.parametrize(("paper", "layer", "kind"), _cases())
def test_layer_agrees(paper: Paper, layer: str, kind: str) -> None:
    checks = [check for check in checks_of(paper, layer) if check.kind == kind]
    if kind in ("gradient", "trajectory") and not checks:
        pytest.skip(f"no second autodiff layer is installed to hold {layer} against")
    if kind == "bridge" and not checks:
        pytest.skip("no executable layer is installed that the bridges could reach")
    assert checks, f"paper {paper.id}, layer {layer}: nothing of kind {kind} was checked"
    waived = load_waivers(ROOT)
    failed = [check.message for check in checks if check.outcome is Outcome.FAILED and check.id not in waived]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("paper", [pytest.param(p, id=p.id) for p in corpus().papers if p.built])
def test_room_is_finished(paper: Paper) -> None:
    assert unfinished(paper) == []


def test_a_new_room_says_what_is_missing(tmp_path: Path) -> None:
    for name in ("papers.yaml", "waivers.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "papers" / "TEMPLATE", tmp_path / "papers" / "TEMPLATE")
    folder = new_room(load_corpus(tmp_path), "07", None)
    said = "\n".join(unfinished(load_corpus(tmp_path).paper("07")))
    assert "figures/*.svg is missing" in said
    for name in (
        "spec.md:3:",
        "NOTES.md:3:",
        "paper.yaml:2:",
        "numpy_checks.py:3:",
        "torch/experiment.py:1:",
        "AlexnetCnn.agda:5:",
    ):
        assert f"papers/{folder.name}/" in said
        assert name in said
    assert "TODO" not in str(sorted(p.name for p in folder.rglob("*")))


@pytest.mark.parametrize("paper", [pytest.param(p, id=p.id) for p in corpus().papers if p.built])
def test_every_figure_of_the_readme_exists(paper: Paper) -> None:
    named = re.findall(r"\]\((figures/[^)]+)\)", (paper.folder / "README.md").read_text(encoding="utf-8"))
    assert named, f"paper {paper.id}: its README shows no figure"
    assert not [name for name in named if not (paper.folder / name).is_file()]
