"""From checks and claims to verdicts: waivers applied, one cell per paper and layer, one outcome for the whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from s30 import documents, reach
from s30.claims import Verdict, check_claims, unresolved_names
from s30.corpus import Corpus, Paper
from s30.errors import S30Error
from s30.evidence import Evidence
from s30.floor import shortfalls
from s30.layers import CHECKS, EXECUTABLE, EXPERIMENT, LAYERS
from s30.parity import Check, blamed, check_paper
from s30.sweep import Slot
from s30.trials import check_experiments, unfit_claims
from s30.vocabulary import Outcome

ROOM = (  # what every room holds
    *("README.md", "spec.md", "NOTES.md", "numpy_checks.py", "variants.py", "sympy/derivations.py"),
    *("tinygrad/model.py", "torch/model.py", "torch/experiment.py", "jax/model.py", "jax/experiment.py"),
    *("cubical-agda/*.agda", "tests/test_*.py", "tests/mutants.yaml", "figures/*.svg"),
)
FLOOR = {"identity": 2, "bridge": 1, "invariant": 1, "oracle": 1, "theorem": 1}  # how many of each a room has at least
MUTANTS = {"numpy": 6, "tinygrad": 6, "torch": 6, "jax": 6, "sympy": 2, "agda": 1}  # in tests/mutants.yaml, by layer
GOOD = (Outcome.PASSED, Outcome.WAIVED, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class Cell:
    """One layer of one paper. `message` is the first thing that tells against it."""

    outcome: Outcome = Outcome.NOT_RUN
    message: str = ""
    checks: int = 0
    failed: int = 0


@dataclass(frozen=True)
class PaperVerdict:
    """All that is known about one paper after a sweep."""

    paper: Paper
    cells: Mapping[str, Cell]
    checks: Sequence[Check] = ()
    claims: Sequence[Verdict] = ()
    problems: Sequence[str] = ()  # of the card itself: names that nothing carries
    evidences: Mapping[str, Evidence] | None = None
    experiments: Mapping[str, Evidence] | None = None

    @property
    def outcome(self) -> Outcome:
        parts = [cell.outcome for cell in self.cells.values()] + [claim.outcome for claim in self.claims]
        if self.problems or Outcome.FAILED in parts:
            return Outcome.FAILED
        return Outcome.NOT_RUN if Outcome.NOT_RUN in parts or not parts else Outcome.PASSED

    @property
    def messages(self) -> list[str]:
        """Every failure in one line each, without repetition, in the order in which they should be read."""
        lines = [check.message for check in self.checks if check.outcome is Outcome.FAILED]
        lines += [
            f"paper {self.paper.id}, layer {n}: {c.message}"
            for n, c in self.cells.items()
            if c.outcome is Outcome.NOT_RUN and c.message
        ]
        lines += [
            f"paper {self.paper.id}, layer {name}: {cell.message}"
            for name, cell in self.cells.items()
            if cell.outcome is Outcome.FAILED and not cell.failed
        ]
        lines += [claim.message for claim in self.claims if claim.outcome not in GOOD]
        return list(dict.fromkeys([*lines, *self.problems]))


@dataclass(frozen=True)
class Verification:
    """`unbuilt` papers have no room: they are `not_run` and not required."""

    papers: Sequence[PaperVerdict]
    unbuilt: Sequence[Paper]
    problems: Sequence[str] = ()  # of the repository: waivers that match nothing

    @property
    def evidence(self) -> dict[Slot, Evidence]:
        """All that was judged."""
        return {
            (verdict.paper.id, name, task): found
            for verdict in self.papers
            for task, group in ((CHECKS, verdict.evidences), (EXPERIMENT, verdict.experiments))
            for name, found in (group or {}).items()
        }

    @property
    def passed(self) -> bool:
        return bool(self.papers) and not self.problems and all(v.outcome is Outcome.PASSED for v in self.papers)


def judge(
    corpus: Corpus, papers: Sequence[Paper], names: Sequence[str], results: Mapping[Slot, Evidence], with_claims: bool
) -> Verification:
    """Verdicts on `papers`, in the layers `names`, from the evidence of a sweep."""
    waivers = load_waivers(corpus.root)
    used: set[str] = set()
    verdicts = [_judge_paper(paper, names, results, with_claims, waivers, used) for paper in papers]
    verdicts = [replace(v, problems=[*v.problems, *_needs(corpus, v.paper)]) if v.paper.built else v for v in verdicts]
    whole = (
        set(names) == set(LAYERS) and with_claims and {p.id for p in papers} == {p.id for p in corpus.papers if p.built}
    )
    problems = (
        [f"waivers.yaml: {name!r} matches no failing check: remove it" for name in sorted(waivers.keys() - used)]
        if whole
        else []
    )
    return Verification(verdicts, [p for p in corpus.papers if not p.built], problems)


def unfinished(paper: Paper) -> list[str]:
    """What the room lacks of files and mutants, what cannot be read, and where a TODO still stands, one line each."""
    lines = [
        f"paper {paper.id}: {paper.folder.name}/{pattern} is missing"
        for pattern in ROOM
        if not any(paper.folder.glob(pattern))
    ]
    for path in sorted(p for p in paper.folder.rglob("*") if p.suffix in (".md", ".py", ".yaml", ".agda")):
        try:
            text = documents.text_of(path)
        except S30Error as error:
            lines.append(f"paper {paper.id}: {error}")
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if re.search(r"\bTODO\b", line):
                lines.append(
                    f"paper {paper.id}: {path.relative_to(paper.root)}:{number}: still to do: {line.strip()[:80]}"
                )
                break
    mutants = paper.folder / "tests" / "mutants.yaml"
    if mutants.is_file():
        listed = Counter(mutant["layer"] for mutant in documents.load(mutants, "mutants")["mutants"])
        lines += [
            f"paper {paper.id}: tests/mutants.yaml lists {listed[name]} mistakes of the {name} layer, at least {least} are asked for"
            for name, least in MUTANTS.items()
            if listed[name] < least
        ]
    return lines


def below_floor(paper: Paper, evidences: Mapping[str, Evidence], checks: Sequence[Check]) -> list[str]:
    """What the room lacks of identities, bridges, invariants and theorems, and tolerances that nothing uses."""
    found = {(check.kind, check.name) for check in checks}
    whole = {name for name, evidence in evidences.items() if evidence.outcome is Outcome.PASSED}
    kinds = {
        kind for kind, layer in (("identity", "sympy"), ("bridge", "sympy"), ("theorem", "agda")) if layer in whole
    }
    kinds |= {"invariant"} if whole & {*EXECUTABLE} else set()
    kinds |= {"oracle"} if whole >= {*EXECUTABLE} else set()
    lines = []
    for kind, least in FLOOR.items():
        number = sum(other == kind for other, _ in found)
        if kind in kinds and number < least:
            lines.append(f"paper {paper.id}: {number} of kind {kind}, at least {least} are asked for")
    lines += [
        f"paper {paper.id}: the tolerance of {entry['kind']} {entry['quantity']} belongs to no check: remove it"
        for entry in paper.card.get("tolerances", ())
        if (entry["kind"], entry["quantity"]) not in found
    ]
    return lines


def _needs(corpus: Corpus, paper: Paper) -> list[str]:
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


def unreached(paper: Paper, slots: Sequence[Evidence]) -> list[str]:
    """The statements of the room's files, tests aside, that no check, oracle or experiment executes, one line a file."""
    missed = reach.unreached(evidence.facts for evidence in slots)
    files = sorted(str(path.relative_to(paper.folder)) for path in paper.folder.rglob("*.py"))
    lines = []
    for file in (name for name in files if not name.startswith("tests/")):
        if file not in missed:
            lines.append(f"paper {paper.id}: {file} is executed by no check")
        elif missed[file]:
            lines.append(f"paper {paper.id}: {file}:{missed[file]} is reached by no check")
    return lines


def load_waivers(root: Path) -> dict[str, str]:
    """The reasons in waivers.yaml, by the exact id of a check or claim."""
    path = root / "waivers.yaml"
    if not path.is_file():
        return {}
    return {entry["id"]: entry["reason"] for entry in documents.load(path, "waivers")["waivers"]}


def _judge_paper(
    paper: Paper,
    names: Sequence[str],
    results: Mapping[Slot, Evidence],
    with_claims: bool,
    waivers: Mapping[str, str],
    used: set[str],
) -> PaperVerdict:
    if not paper.built:
        return PaperVerdict(paper, {name: Cell() for name in names})
    evidences = {name: results[slot] for name in LAYERS if (slot := (paper.id, name, CHECKS)) in results}
    experiments = {name: results[slot] for name in LAYERS if (slot := (paper.id, name, EXPERIMENT)) in results}
    checks = []
    found = check_paper(paper, evidences, experiments if with_claims else None)
    for check in [*found, *(check_experiments(paper, experiments) if with_claims else ())]:
        if check.outcome is Outcome.FAILED and check.id in waivers:
            used.add(check.id)
            check = replace(check, outcome=Outcome.WAIVED)
        checks.append(check)
    claims = []
    for verdict in check_claims(paper, checks, experiments) if with_claims else ():
        if verdict.outcome is Outcome.FAILED and verdict.id in waivers:
            used.add(verdict.id)
            verdict = replace(verdict, outcome=Outcome.WAIVED, reason=waivers[verdict.id])
        # Among some of the layers only, a claim that was not run waits for the others.
        if verdict.outcome is not Outcome.NOT_RUN or set(names) == set(LAYERS):
            claims.append(verdict)
    guilt = blamed(checks)
    cells = {name: _cell(name, evidences.get(name), checks, guilt[name]) for name in names}
    problems = unresolved_names(paper, evidences, experiments)
    problems += shortfalls(paper, {name: e for name, e in evidences.items() if e.outcome is Outcome.PASSED})
    problems += unfit_claims(paper, experiments) if with_claims else []
    problems += [line for name in evidences for line in evidences[name].facts.get("problems", ())]
    if with_claims and set(names) == set(LAYERS):
        problems += [*unfinished(paper), *below_floor(paper, evidences, checks)]
    return PaperVerdict(paper, cells, checks, claims, problems, evidences, experiments)


def _cell(name: str, evidence: Evidence | None, checks: Sequence[Check], guilt: Sequence[Check]) -> Cell:
    if evidence is None:
        return Cell()
    own = [check for check in checks if name in check.layers]
    if evidence.outcome is Outcome.NOT_RUN:
        return Cell(Outcome.NOT_RUN, evidence.error)
    if guilt:
        return Cell(Outcome.FAILED, guilt[0].message, len(own), len(guilt))
    waived = any(check.outcome is Outcome.WAIVED for check in own)
    if not waived and not any(check.kind not in ("layer", "experiment") for check in own):
        return Cell(Outcome.FAILED, "ran, but nothing about it could be checked", len(own), 0)
    return Cell(Outcome.WAIVED if waived else Outcome.PASSED, "", len(own), 0)
