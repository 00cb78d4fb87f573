"""Every mutant of every paper is rejected, by the check it names, with a message that leads to the mistake.

A mutant is a textual edit of one of a room's files (`tests/mutants.yaml`). All mutants of a layer run in one process: each
becomes a paper of its own in a scratch corpus. Its evidence then takes the place of that layer's among the true evidence.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import pytest

from s30 import documents
from s30.corpus import Paper, load_corpus
from s30.environment import cache_folder
from s30.evidence import Evidence
from s30.layers import AUTODIFF, CHECKS, EXECUTABLE, LAYERS, PARTS
from s30.parity import blamed, check_paper
from s30.sweep import Options, slots_for, sweep
from s30.vocabulary import Outcome

ROOT = Path(__file__).resolve().parents[2]
NUMERIC = ("forward", "gradient", "difference", "trajectory", "bridge")
Mutant = dict[str, str]


@cache
def mutants_of(paper: Paper) -> list[Mutant]:
    path = paper.folder / "tests" / "mutants.yaml"
    return documents.load(path, "mutants")["mutants"] if path.is_file() else []


def papers() -> list[Paper]:
    return [paper for paper in load_corpus(ROOT).papers if paper.built]


@cache
def true_evidence(paper: Paper) -> dict[str, Evidence]:
    results = sweep(slots_for([paper], list(LAYERS), False), Options(ROOT, cache_folder(ROOT)), lambda _: None)
    return {name: evidence for (_, name, _), evidence in results.items() if evidence.outcome is Outcome.PASSED}


def parts_for(mutant: Mutant) -> tuple[str, ...]:
    """What must be measured for the check that should notice; measuring the rest would only take time."""
    asked = {"forward": (), "invariant": ("invariants",)}.get(mutant["caught_by"], ("gradients",))
    if mutant["caught_by"] == "bridge" and mutant["layer"] == "numpy":
        asked = ()
    return PARTS if mutant["layer"] in ("sympy", "agda") or mutant["caught_by"] == "layer" else ("outputs", *asked)


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory):
    """Measures all mutants of a paper's layer that need the same parts at once: the evidence of each, by its name."""
    done: dict[tuple[str, str, tuple[str, ...]], dict[str, Evidence]] = {}

    def measure(paper: Paper, mutant: Mutant) -> Evidence:
        layer, parts = mutant["layer"], parts_for(mutant)
        if (paper.id, layer, parts) not in done:
            chosen = [m for m in mutants_of(paper) if m["layer"] == layer and parts_for(m) == parts]
            root = tmp_path_factory.mktemp(f"mutants-{paper.id}-{layer}")
            done[paper.id, layer, parts] = _measure(paper, layer, chosen, parts, root)
        return done[paper.id, layer, parts][mutant["name"]]

    return measure


def _measure(paper: Paper, layer: str, chosen: list[Mutant], parts: tuple[str, ...], root: Path) -> dict[str, Evidence]:
    entries = []
    for number, mutant in enumerate(chosen):
        entry = {
            "id": f"{number:02d}",
            "slug": f"{paper.slug}_{number}",
            "title": paper.title,
            "authors": paper.authors,
        }
        entries.append({**entry, "year": 2026, "link": paper.link, "order": number + 1, "build_order": number + 1})
        room = root / "rooms" / f"{number:02d}_{paper.slug}_{number}"
        shutil.copytree(paper.folder, room, ignore=shutil.ignore_patterns("__pycache__", "figures", "tests", "*.agdai"))
        file = room / mutant["file"]
        text = file.read_text(encoding="utf-8")
        count = text.count(mutant["find"])
        assert count == 1, f"{mutant['name']}: {mutant['file']} holds {count} times {mutant['find']!r}"
        file.write_text(text.replace(mutant["find"], mutant["replace"]), encoding="utf-8")
    if layer != "agda":
        return _sweep(entries, chosen, layer, parts, root)
    # Agda's module names are global, so its mutants take turns in one corpus, which keeps the library's interfaces.
    shutil.copytree(ROOT / "agda", root / "agda", ignore=shutil.ignore_patterns("_build", "*.agdai"))
    found: dict[str, Evidence] = {}
    for entry, mutant in zip(entries, chosen, strict=True):
        found |= _sweep([entry], [mutant], layer, parts, root)
    return found


def _sweep(
    entries: list[dict], chosen: list[Mutant], layer: str, parts: tuple[str, ...], root: Path
) -> dict[str, Evidence]:
    papers = root / "papers"
    shutil.rmtree(papers, ignore_errors=True)
    for entry in entries:
        name = f"{entry['id']}_{entry['slug']}"
        shutil.copytree(root / "rooms" / name, papers / name)
    (root / "papers.yaml").write_text(documents.dump({"papers": entries}), encoding="utf-8")
    corpus = load_corpus(root)
    options = Options(root, root / "cache", workers=1, parts=parts)
    results = sweep(slots_for(corpus.papers, [layer], False), options, lambda _: None)
    return {m["name"]: results[p.id, layer, CHECKS] for m, p in zip(chosen, corpus.papers, strict=True)}


def _cases() -> list[object]:
    return [
        pytest.param(
            paper,
            mutant,
            id=f"{paper.id}-{mutant['layer']}-{mutant['name'].replace(' ', '_')}",
            marks=getattr(pytest.mark, mutant["layer"]),
        )
        for paper in papers()
        for mutant in mutants_of(paper)
    ]


@pytest.mark.mutants
@pytest.mark.parametrize(("paper", "mutant"), _cases())
def test_mutant_is_rejected(paper: Paper, mutant: Mutant, mutated) -> None:
    layer = mutant["layer"]
    partners = [name for name in true_evidence(paper) if name != layer and name in EXECUTABLE]
    if mutant["caught_by"] in ("gradient", "trajectory"):
        partners = [name for name in partners if name != "numpy"]
    if (
        mutant["caught_by"] == "bridge"
    ):  # SymPy's formula, and for SymPy's own a gradient or a third layer to say who is wrong
        partners = [name for name in true_evidence(paper) if name in (AUTODIFF if layer == "sympy" else ("sympy",))]
    if mutant["caught_by"] in NUMERIC and not partners:
        pytest.skip(f"no layer is installed that {layer} could be held against")
    evidence = mutated(paper, mutant)
    replaced = Evidence(
        paper.id, layer, evidence.arrays, evidence.facts, error=evidence.error, outcome=evidence.outcome
    )
    whole = true_evidence(paper) | {layer: replaced}
    checks = check_paper(paper, whole)
    failed = [check for check in checks if check.outcome is Outcome.FAILED]
    assert failed, f"no check noticed: {mutant['name']}"
    caught = [check for check in failed if check.kind == mutant["caught_by"]]
    assert caught, f"caught by {sorted({c.kind for c in failed})}, not by {mutant['caught_by']}: {failed[0].message}"
    quantity = mutant.get("quantity", "")
    named = [check for check in caught if quantity in check.message]
    assert named, f"no message names {quantity!r}; the first is: {caught[0].message}"
    message = named[0].message
    assert message.startswith(f"paper {paper.id}, layer "), message
    assert layer in message or layer == "numpy", message
    if mutant["caught_by"] in NUMERIC and "index" in message:
        assert " against " in message.split("index", 1)[1], message
        assert "rtol" in message, message
    assert layer in {name for name, against in blamed(checks).items() if against}, f"{layer} is not blamed: {message}"


def test_true_layers_pass_where_mutants_fail() -> None:
    """Guards the tests above: with nothing mutated, nothing fails."""
    for paper in papers():
        checks = check_paper(paper, {n: e for n, e in true_evidence(paper).items() if n in EXECUTABLE})
        assert not [check.message for check in checks if check.outcome is Outcome.FAILED]
