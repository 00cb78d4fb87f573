"""From checks and claims to verdicts: waivers applied, one cell per paper and layer, one outcome for the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from s30.corpus import documents
from s30.corpus.registry import Corpus, Paper
from s30.corpus.vocabulary import Outcome
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, CHECKS, EXPERIMENT, LAYERS, TRAINING
from s30.sweep.plan import Slot
from s30.verdict.card import idle_bounds, unresolved_names
from s30.verdict.checks import folded
from s30.verdict.claims import Verdict, check_claims
from s30.verdict.completeness import below_floor, needs, unfinished, unreached
from s30.verdict.floor import shortfalls
from s30.verdict.parity import Check, blamed, check_paper
from s30.verdict.trials import check_experiments, unfit_claims

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
        if Outcome.NOT_RUN in parts or not parts:
            return Outcome.NOT_RUN
        return Outcome.WAIVED if self.waived else Outcome.PASSED

    @property
    def waived(self) -> list[str]:
        """The ids of the checks and claims that failed, and for which a waiver stands."""
        items: list[Check | Verdict] = [*self.checks, *self.claims]
        return list(dict.fromkeys(item.id for item in items if item.outcome is Outcome.WAIVED))

    @property
    def messages(self) -> list[str]:
        """Every failure in one line each, without repetition, in the order in which they should be read."""
        lines = folded(self.checks)
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
    """`unbuilt` papers have no room, or a draft of one: they are `not_run` and not required."""

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
        """Whether nothing stands against it; what is waived is told, and is no reason against it."""
        return bool(self.papers) and not self.problems and all(v.outcome in GOOD for v in self.papers)

    @property
    def waived(self) -> list[str]:
        return [name for verdict in self.papers for name in verdict.waived]

    @property
    def outcome(self) -> Outcome:
        if not self.passed:
            return Outcome.FAILED
        return Outcome.WAIVED if self.waived else Outcome.PASSED


def judge(
    corpus: Corpus, papers: Sequence[Paper], names: Sequence[str], results: Mapping[Slot, Evidence], with_claims: bool
) -> Verification:
    """Verdicts on `papers`, in the layers `names`, from the evidence of a sweep."""
    waivers = load_waivers(corpus.root)
    used: set[str] = set()
    verdicts = [_judge_paper(paper, names, results, with_claims, waivers, used) for paper in papers]
    verdicts = [replace(v, problems=[*v.problems, *needs(corpus, v.paper)]) if v.paper.built else v for v in verdicts]
    whole = (
        set(names) == set(LAYERS) and with_claims and {p.id for p in papers} == {p.id for p in corpus.papers if p.built}
    )
    problems = (
        [f"waivers.yaml: {name!r} matches no failing check: remove it" for name in sorted(waivers.keys() - used)]
        if whole
        else []
    )
    judged = {paper.id for paper in papers if paper.built}  # a draft that was named among them
    return Verification(verdicts, [p for p in corpus.papers if not p.built and p.id not in judged], problems)


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
    unrun = _unrun(paper, evidences, experiments if with_claims else {})
    guilt = blamed(checks)
    cells = {name: _cell(name, evidences.get(name), checks, guilt[name]) for name in names}
    problems = unresolved_names(paper, evidences, experiments)
    problems += shortfalls(paper, {name: e for name, e in evidences.items() if e.outcome is Outcome.PASSED})
    problems += [*unfit_claims(paper, experiments), *idle_bounds(paper, experiments)] if with_claims else []
    problems += [line for name in evidences for line in evidences[name].facts.get("problems", ())]
    if with_claims and set(names) == set(LAYERS):
        problems = [*unfinished(paper), *problems, *below_floor(paper, evidences, checks)]
        problems += unreached(paper, [*evidences.values(), *experiments.values()])
    return PaperVerdict(paper, cells, [*checks, *unrun], claims, problems, evidences, experiments)


def _unrun(paper: Paper, evidences: Mapping[str, Evidence], experiments: Mapping[str, Evidence]) -> list[Check]:
    """What would have been checked of the layers that did not finish, so that the total is that of a whole sweep.

    A layer of the same kind stands in for each: whatever is checked of it would have been checked of the other. What only
    the layer itself could tell, such as its identities and its oracles, is in no total.
    """
    found: list[Check] = []
    if stands := _stand_ins(evidences, AUTODIFF):
        found += check_paper(paper, {**evidences, **stands})
    if others := _stand_ins(experiments, TRAINING):
        found += check_experiments(paper, {**experiments, **others})
    missing = {*stands, *others}
    if "agda" in evidences and evidences["agda"].outcome is not Outcome.PASSED:
        listed = {"theorem": paper.card["theorems"], "unfolded": paper.card.get("unfolded", ())}
        for kind, entries in listed.items():
            found += [Check(paper.id, kind, ("agda",), entry["name"], Outcome.NOT_RUN) for entry in entries]
        missing.add("agda")
    own = {("start", "jax")} | {(kind, layer) for kind in ("layer", "oracle") for layer in LAYERS}  # of nobody else's
    return [
        replace(check, outcome=Outcome.NOT_RUN, message="", error=None, relative=None, worst=None, compared=0)
        for check in found
        if missing & {*check.layers}
        and (check.kind, check.layers[0]) not in own
        and (check.total or check.kind != "experiment")
    ]


def _stand_ins(evidences: Mapping[str, Evidence], names: Sequence[str]) -> dict[str, Evidence]:
    """For each of these layers that did not finish, the evidence of one that did."""
    whole = [evidences[name] for name in names if name in evidences and evidences[name].outcome is Outcome.PASSED]
    missing = [name for name in names if name in evidences and evidences[name].outcome is not Outcome.PASSED]
    return {name: replace(whole[0], layer=name) for name in missing} if whole else {}


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
