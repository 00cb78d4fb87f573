"""What every room holds: what it lacks of that, one line each, in the order in which one would write it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path

from s30.corpus import documents, reach
from s30.corpus.registry import CARD, Corpus, Paper
from s30.corpus.vocabulary import Outcome
from s30.errors import S30Error
from s30.evidence.store import Evidence
from s30.layers.catalogue import EXECUTABLE
from s30.verdict.checks import Check

ROOM = {  # by pattern, in the order of writing: what one writes there
    "spec.md": "the object, exactly: shapes, equations, names",
    "numpy_checks.py": "problem, forward, invariants",
    "variants.py": "further problems: other sizes and switches, an extreme, ties",
    "sympy/derivations.py": "identities and bridges",
    "tinygrad/model.py": "the smallest program that differentiates it",
    "torch/model.py": "what a practitioner writes",
    "jax/model.py": "a pure function",
    "**/oracles.py": "another implementation or a closed form, beside numpy_checks.py or in tinygrad/, torch/ or jax/",
    "cubical-agda/*.agda": "theorems",
    "cubical-agda/evaluations.py": "what Agda's definitions must compute",
    "cubical-agda/evaluation/*.agda": "the modules in which they are run on numbers",
    "task.py": "the experiment: data, starts, what is asked, METRICS, figures",
    "torch/experiment.py": "how it trains and predicts",
    "jax/experiment.py": "how it trains and predicts",
    CARD: "equations, coverage, theorems, deviations, claims, scope",
    "tests/mutants.yaml": "mistakes that the engine must reject",
    "tests/test_*.py": "checks beyond the floor",
    "figures/*.svg": "`make figures` draws them",
    "NOTES.md": "what was hard, and what does not hold",
    "README.md": "the paper, the findings with their figures, how to read on",
}
FLOOR = {  # how many of each kind a room has at least
    **{"identity": 2, "bridge": 1, "invariant": 1, "oracle": 1, "theorem": 1, "evaluation": 1}
}
MUTANTS = {"numpy": 6, "tinygrad": 6, "torch": 6, "jax": 6, "sympy": 2, "agda": 1}  # in tests/mutants.yaml, by layer
# Files of which a mistake could not be told from a choice: problems and oracles are what the layers are held to, figures
# what is made of numbers that were held to each other before.
UNMUTATED = ("variants.py", "oracles.py", "*/oracles.py", "figures.py", "drawings.py", "cubical-agda/evaluations.py")
CODE = (
    "*.py",
    "sympy/*.py",
    "tinygrad/*.py",
    "torch/*.py",
    "jax/*.py",
    "cubical-agda/*.agda",
    "cubical-agda/evaluation/*",
)
TEXTS = (".md", ".py", ".yaml", ".agda")


def unfinished(paper: Paper) -> list[str]:
    """What the room lacks of files and of what they say by themselves: nothing is executed."""
    lines: list[str] = []
    seen: set[Path] = set()
    for pattern, what in ROOM.items():
        files = sorted(path for path in paper.folder.glob(pattern) if path.is_file())
        if not files:
            name = pattern.removeprefix("**/")
            lines.append(f"paper {paper.id}: {paper.folder.name}/{name} is missing: {what}")
        lines += [line for path in files for line in _open(paper, path, seen)]
        if pattern == CARD and not paper.card.get("coverage"):
            lines.append(
                f"paper {paper.id}: {CARD} has no coverage: every numbered equation, theorem, algorithm, figure and table "
                "of the paper, or each section of a book or course, with what carries it or why it is left out"
            )
        if pattern == "tests/mutants.yaml" and files:
            lines += _mutants(paper, files[0])
    lines += [line for path in sorted(paper.folder.rglob("*")) for line in _open(paper, path, seen)]
    return lines


def _open(paper: Paper, path: Path, seen: set[Path]) -> list[str]:
    """Where a text says that something is still to do, or why it cannot be read; nothing when it was looked at before."""
    if path in seen or path.suffix not in TEXTS or not path.is_file():
        return []
    seen.add(path)
    try:
        text = documents.text_of(path)
    except S30Error as error:
        return [f"paper {paper.id}: {error}"]
    for number, line in enumerate(text.splitlines(), 1):
        if re.search(r"\bTODO\b", line):
            where = f"{path.relative_to(paper.root)}:{number}"
            return [f"paper {paper.id}: {where}: still to do: {line.strip()[:80]}"]
    return []


def _mutants(paper: Paper, path: Path) -> list[str]:
    """What the list of mistakes lacks: so many of each layer, and at least one in every file of code."""
    mutants = documents.load(path, "mutants")["mutants"]
    listed, touched = Counter(mutant["layer"] for mutant in mutants), {mutant["file"] for mutant in mutants}
    files = sorted({str(p.relative_to(paper.folder)) for pattern in CODE for p in paper.folder.glob(pattern)})
    return [
        f"paper {paper.id}: tests/mutants.yaml lists {listed[name]} mistakes of the {name} layer, at least {least} are asked for"
        for name, least in MUTANTS.items()
        if listed[name] < least
    ] + [
        f"paper {paper.id}: tests/mutants.yaml lists no mistake in {file}"
        for file in files
        if file not in touched and not any(fnmatch(file, pattern) for pattern in UNMUTATED)
    ]


def below_floor(paper: Paper, evidences: Mapping[str, Evidence], checks: Sequence[Check]) -> list[str]:
    """What the room lacks of identities, bridges, invariants and theorems, and tolerances that nothing uses."""
    found = {(check.kind, check.name) for check in checks}
    whole = {name for name, evidence in evidences.items() if evidence.outcome is Outcome.PASSED}
    carriers = {"identity": {"sympy"}, "bridge": {"sympy"}, "theorem": {"agda"}, "evaluation": {"agda"}}
    lines = []
    for kind, least in FLOOR.items():
        number = sum(other == kind for other, _ in found)
        if carriers.get(kind, {*EXECUTABLE}) <= whole and number < least:
            lines.append(f"paper {paper.id}: {number} of kind {kind}, at least {least} are asked for")
    lines += [
        f"paper {paper.id}: the tolerance of {entry['kind']} {entry['quantity']} belongs to no check: remove it"
        for entry in paper.card.get("tolerances", ())
        if (entry["kind"], entry["quantity"]) not in found
    ]
    return lines


def unreached(paper: Paper, slots: Sequence[Evidence]) -> list[str]:
    """The statements of the room's files, tests aside, that no check, oracle or experiment executes, one line a file.

    Nothing is said before all of the paper's slots have finished and told what they reached.
    """
    if not slots or not all(evidence.outcome is Outcome.PASSED and "lines" in evidence.facts for evidence in slots):
        return []
    missed = reach.unreached(evidence.facts for evidence in slots)
    files = sorted(str(path.relative_to(paper.folder)) for path in paper.folder.rglob("*.py"))
    lines = []
    for file in (name for name in files if not name.startswith("tests/")):
        if file not in missed:
            lines.append(f"paper {paper.id}: {file} is executed by no check")
        elif missed[file]:
            lines.append(f"paper {paper.id}: {file}:{missed[file]} is reached by no check")
    return lines


def needs(corpus: Corpus, paper: Paper) -> list[str]:
    """What is wrong with the papers that are to be read before: each must be there, and none may need this one again."""
    papers = {other.id: other for other in corpus.papers}

    def before(number: str, seen: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Every way from a paper to one that is read before it, until it comes back to where it has been."""
        found = papers.get(number)
        for needed in found.card.get("needs", ()) if found and found.built else ():
            yield (*seen, needed)
            if needed not in seen:
                yield from before(needed, (*seen, needed))

    unknown = [n for n in paper.card.get("needs", ()) if n not in papers]
    circles = [way for way in before(paper.id, (paper.id,)) if way[-1] == paper.id]
    return [f"paper {paper.id}: it needs paper {number}, which papers.yaml does not have" for number in unknown] + [
        f"paper {paper.id}: none can be read first: {' needs '.join(way)}" for way in circles[:1]
    ]
