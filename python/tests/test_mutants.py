"""Every mutant of every paper is rejected, by the check it names, with a message that leads to the mistake.

A mutant is a textual edit of one of a room's files (`tests/mutants.yaml`). Mutants of a layer that need the same parts run
in one process: each becomes a paper of its own in a scratch corpus (Agda's, whose module names are global, each in a corpus of
its own, so that what a mistake does not touch is checked once). Its evidence then takes the place of that layer's among the
true evidence. A mistake in an experiment is looked for where `caught_by` says: `experiment` runs a trial, whose
trainings are their first updates alone; `claim` runs it at its quick length. A file that both frameworks read, such as
`task.py`, is wrong in both.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from s30.corpus import documents
from s30.corpus.registry import Corpus, Paper, load_corpus
from s30.corpus.vocabulary import Outcome
from s30.errors import one_line
from s30.evidence.environment import cache_folder
from s30.evidence.store import Evidence
from s30.layers.agda import run_all
from s30.layers.agda.questions import Question, questions
from s30.layers.catalogue import AUTODIFF, CHECKS, EXECUTABLE, EXPERIMENT, LAYERS, PARTS, TRAINING, TRIAL
from s30.sweep import kin
from s30.sweep.plan import Job, Options, slots_for
from s30.sweep.processes import JobRunner
from s30.sweep.run import sweep
from s30.verdict.claims import check_claims
from s30.verdict.parity import blamed, check_paper
from s30.verdict.trials import check_experiments

ROOT = Path(__file__).resolve().parents[2]
NOT_FINITE = re.compile(r" is (nan|-?inf) at index ")  # is wrong whatever it is held against
NUMERIC = ("forward", "gradient", "difference", "trajectory", "bridge")
LIMIT = 1200.0  # seconds for the mutants of a paper and layer that are measured in one go
PROFILES = {"experiment": TRIAL, "claim": "quick"}  # of the mutants that are looked for in an experiment
NEEDED = {  # of a layer's parts, besides the outputs, for the check that should notice
    **dict.fromkeys(("gradient", "difference", "trajectory", "bridge"), ("gradients",)),
    **{"invariant": ("invariants",), "variant": ("variants",), "oracle": ("oracles",), "start": ("start",)},
    **{"forward": (), "conduct": ("gradients", "conduct")},
}
# Of the identities and bridges of a SymPy layer, only those that the mutant names: proving the rest takes half a minute.
ONLY = """


def _only(found, kind={kind!r}, named={named!r}, all_of=(identities, bridges)):
    return [it for it in all_of[found]() if kind == ("identity", "bridge")[found] and named in it.name]


identities, bridges = (lambda: _only(0)), (lambda: _only(1))
"""
Mutant = dict[str, str]
Group = tuple[
    str, ...
]  # what is measured in one go: a layer, then the parts it is asked, or the profile of its experiment


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


@cache
def true_experiments(paper: Paper, profile: str) -> dict[str, Evidence]:
    slots = [slot for slot in slots_for([paper], list(TRAINING), True) if slot[2] == EXPERIMENT]
    results = sweep(slots, Options(ROOT, cache_folder(ROOT), profile), lambda _: None)
    return {name: evidence for (_, name, _), evidence in results.items() if evidence.outcome is Outcome.PASSED}


def layers_of(mutant: Mutant) -> tuple[str, ...]:
    """The layers that are asked: a file outside a framework's folder belongs to the experiments of both, which a trial holds to
    each other; a claim that one of them does not bear out is refused, so one is enough there."""
    shared = mutant["caught_by"] in PROFILES and mutant["file"].partition("/")[0] not in TRAINING
    if not shared:
        return (mutant["layer"],)
    return TRAINING if mutant["caught_by"] == "experiment" else TRAINING[:1]


def parts_for(mutant: Mutant) -> Group:
    """What must be measured for the check that should notice; measuring the rest would only take time."""
    if mutant["layer"] in ("sympy", "agda") or mutant["caught_by"] not in NEEDED:
        return PARTS
    asked = NEEDED[mutant["caught_by"]]
    return ("outputs", *(() if (mutant["caught_by"], mutant["layer"]) == ("bridge", "numpy") else asked))


def group_of(mutant: Mutant, layer: str) -> Group:
    profile = PROFILES.get(mutant["caught_by"])
    return (layer, profile) if profile else (layer, *parts_for(mutant))


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory):
    """Measures all mutants of a paper's layer that need the same at once: the evidence of one, by its name."""
    done: dict[tuple[str, Group], dict[str, Evidence]] = {}
    cache = tmp_path_factory.mktemp("agda")  # in which the libraries are checked once for all papers

    def measure(paper: Paper, mutant: Mutant, layer: str) -> Evidence:
        group = group_of(mutant, layer)
        if (paper.id, group) not in done:
            chosen = [m for m in mutants_of(paper) if layer in layers_of(m) and group_of(m, layer) == group]
            root = tmp_path_factory.mktemp(f"mutants-{paper.id}-{layer}")
            done[paper.id, group] = _measure(paper, group, chosen, root, cache if layer == "agda" else root / "cache")
        return done[paper.id, group][mutant["name"]]

    return measure


def _measure(paper: Paper, group: Group, chosen: list[Mutant], root: Path, cache: Path) -> dict[str, Evidence]:
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
        if mutant["layer"] == "sympy" and mutant["caught_by"] in ("identity", "bridge") and "quantity" in mutant:
            with (room / "sympy" / "derivations.py").open(
                "a", encoding="utf-8"
            ) as derivations:  # whichever file is wrong
                derivations.write(ONLY.format(kind=mutant["caught_by"], named=mutant["quantity"]))
    measured = _in_agda if group[0] == "agda" else _sweep
    return measured(entries, chosen, group, root, cache)


def _sweep(entries: list[dict], chosen: list[Mutant], group: Group, root: Path, cache: Path) -> dict[str, Evidence]:
    corpus = _corpus(root, entries, root / "rooms")
    layer, *asked = group
    if asked[0] in PROFILES.values():  # all in one process, since a trial takes less time than to import a framework
        options = Options(root, cache, asked[0], workers=1, time_limit=LIMIT)
        results = JobRunner().run(Job(LAYERS[layer], EXPERIMENT, corpus.papers), options, lambda _: None)
        return {m["name"]: results[p.id, layer, EXPERIMENT] for m, p in zip(chosen, corpus.papers, strict=True)}
    options = Options(root, cache, workers=1, parts=tuple(asked))
    results = sweep(slots_for(corpus.papers, [layer], False), options, lambda _: None)
    return {m["name"]: results[p.id, layer, CHECKS] for m, p in zip(chosen, corpus.papers, strict=True)}


def _in_agda(entries: list[dict], chosen: list[Mutant], group: Group, root: Path, cache: Path) -> dict[str, Evidence]:
    corpora = [_corpus(root / entry["id"], [entry], root / "rooms") for entry in entries]
    for corpus in corpora:
        (corpus.root / "agda").symlink_to(ROOT / "agda")
    papers = [corpus.papers[0] for corpus in corpora]
    wanted = [mutant.get("quantity", "") if mutant["caught_by"] == "evaluation" else "" for mutant in chosen]
    named = {paper.folder: name for paper, name in zip(papers, wanted, strict=True)}

    def asks(paper: Paper) -> list[Question]:
        """The evaluation that should notice; all of them where the mutant names none, since their list is then judged."""
        asked = questions(paper, lambda _: None)
        return [question for question in asked if named[paper.folder] in question.name] or asked

    late = threading.Timer(LIMIT, lambda: kin.end(kin.descendants(os.getpid())))  # Agda, which may think for ever
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S30_CACHE", str(cache))
        late.start()
        try:
            results = [_evidence(paper, result) for paper, result in run_all(papers, lambda _: None, asks)]
        finally:
            late.cancel()
    return {mutant["name"]: evidence for mutant, evidence in zip(chosen, results, strict=True)}


def _evidence(paper: Paper, result: Evidence | Exception) -> Evidence:
    if isinstance(result, Evidence):
        return result
    return Evidence(paper.id, "agda", error=one_line(result), outcome=Outcome.FAILED)


def _corpus(root: Path, entries: list[dict], rooms: Path) -> Corpus:
    """A corpus of these rooms alone."""
    for entry in entries:
        name = f"{entry['id']}_{entry['slug']}"
        shutil.move(rooms / name, root / "papers" / name)
    (root / "papers.yaml").write_text(documents.dump({"papers": entries}), encoding="utf-8")
    return load_corpus(root)


def part_of(mutants: Sequence[tuple[Paper, Mutant]], part: str) -> list[tuple[Paper, Mutant]]:
    """Those of part K of N, `K/N`. What is measured in one go stays together; each part has some of every kind."""
    groups = [(layers_of(mutant), group_of(mutant, mutant["layer"])[1:], paper.id) for paper, mutant in mutants]
    number, parts = map(int, part.split("/"))
    place = {group: at % parts for at, group in enumerate(sorted(set(groups)))}
    return [one for one, group in zip(mutants, groups, strict=True) if place[group] == number - 1]


@cache
def in_part() -> list[tuple[Paper, Mutant]]:
    """What is measured here: all mutants, or the part that MUTANTS_PART names."""
    mutants = [(paper, mutant) for paper in papers() for mutant in mutants_of(paper)]
    return part_of(mutants, os.environ.get("MUTANTS_PART", "1/1"))


def _cases() -> list[object]:
    return [
        pytest.param(
            paper,
            mutant,
            id=f"{paper.id}-{mutant['layer']}-{mutant['name'].replace(' ', '_')}",
            marks=getattr(
                pytest.mark, layers_of(mutant)[0]
            ),  # one of both frameworks is not run with the tests of either
        )
        for paper, mutant in in_part()
    ]


def _as(paper: Paper, evidence: Evidence) -> Evidence:
    """A mutant's evidence as if it were the paper's own."""
    facts = evidence.facts
    return Evidence(paper.id, evidence.layer, evidence.arrays, facts, error=evidence.error, outcome=evidence.outcome)


@pytest.mark.mutants
@pytest.mark.parametrize(("paper", "mutant"), _cases())
def test_mutant_is_rejected(paper: Paper, mutant: Mutant, mutated) -> None:
    if mutant["caught_by"] in PROFILES:
        _reject_in_an_experiment(paper, mutant, mutated)
    else:
        _reject_in_the_checks(paper, mutant, mutated)


def _reject_in_an_experiment(paper: Paper, mutant: Mutant, mutated) -> None:
    profile = PROFILES[mutant["caught_by"]]
    true = true_experiments(paper, profile)
    if lacking := [name for name in TRAINING if name not in true]:
        pytest.skip(f"the experiments of two frameworks are held to each other, and {lacking[0]}'s did not run")
    wrong = {layer: _as(paper, mutated(paper, mutant, layer)) for layer in layers_of(mutant)}
    if mutant["caught_by"] == "claim":
        floor = check_paper(paper, true_evidence(paper), true | wrong)
        said = [verdict.message for verdict in check_claims(paper, floor, true | wrong) if verdict.outcome == "failed"]
        assert said, f"no claim noticed: {mutant['name']}"
    else:
        checks = [*check_paper(paper, {}, true | wrong), *check_experiments(paper, true | wrong)]
        failed = [check for check in checks if check.outcome is Outcome.FAILED]
        assert failed, f"no check noticed: {mutant['name']}"
        said = [check.message for check in failed if check.kind == "experiment"]
        if len(wrong) == 1:
            (layer,) = wrong
            assert [check for check in blamed(checks)[layer] if check.message in said], (
                f"{layer} is not blamed: {said[0]}"
            )
    named = [message for message in said if mutant.get("quantity", "") in message]
    assert named, f"no message names {mutant['quantity']!r}; the first is: {said[0]}"
    assert named[0].startswith(f"paper {paper.id}, {'claim' if mutant['caught_by'] == 'claim' else 'layer'} "), named[0]


def _reject_in_the_checks(paper: Paper, mutant: Mutant, mutated) -> None:
    layer = mutant["layer"]
    partners = [name for name in true_evidence(paper) if name != layer and name in EXECUTABLE]
    if mutant["caught_by"] in ("gradient", "trajectory"):
        partners = [name for name in partners if name != "numpy"]
    if (
        mutant["caught_by"] == "bridge"
    ):  # SymPy's formula, and for SymPy's own a gradient or a third layer to say who is wrong
        partners = [name for name in true_evidence(paper) if name in (AUTODIFF if layer == "sympy" else ("sympy",))]
    if mutant["caught_by"] in (*NUMERIC, "variant") and not partners:
        pytest.skip(f"no layer is installed that {layer} could be held against")
    whole = true_evidence(paper) | {layer: _as(paper, mutated(paper, mutant, layer))}
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
    if mutant["caught_by"] in NUMERIC and "index" in message and not NOT_FINITE.search(message):
        assert " against " in message.split("index", 1)[1], message
        assert "rtol" in message, message
    assert layer in {name for name, against in blamed(checks).items() if against}, f"{layer} is not blamed: {message}"


@pytest.mark.mutants
def test_true_layers_pass_where_mutants_fail() -> None:
    """Guards the tests above: with nothing mutated, nothing fails."""
    for paper in papers():
        kinds = {mutant["caught_by"] for other, mutant in in_part() if other.id == paper.id}
        checks = check_paper(paper, {n: e for n, e in true_evidence(paper).items() if n in EXECUTABLE}) if kinds else []
        if "experiment" in kinds:
            checks += check_experiments(paper, true_experiments(paper, TRIAL))
        assert not [check.message for check in checks if check.outcome is Outcome.FAILED]


def test_the_parts_of_the_mutants_are_all_of_them() -> None:
    """Each in one part, with those that are measured with it, and no part much larger than another."""
    mutants = [(paper, mutant) for paper in papers() for mutant in mutants_of(paper)]
    parts = [part_of(mutants, f"{number}/3") for number in (1, 2, 3)]
    key = [[(paper.id, mutant["layer"], mutant["name"]) for paper, mutant in part] for part in (mutants, *parts)]
    assert sorted(key[0]) == sorted(key[1] + key[2] + key[3])
    groups = [{(paper.id, layers_of(mutant), group_of(mutant, "")) for paper, mutant in part} for part in parts]
    assert not groups[0] & groups[1] | groups[1] & groups[2] | groups[0] & groups[2]
    assert min(map(len, parts)) > 0.5 * max(map(len, parts))


def test_of_a_sympy_layer_only_what_the_mutant_names_is_proved() -> None:
    """By the text that is put behind a mutated file."""
    names = {"identities": ["a_sum", "a_mean"], "bridges": ["a_sum", "other"]}
    for kind, kept in (("identity", ({"a_sum"}, set())), ("bridge", (set(), {"a_sum"}))):
        room: dict = {
            name: (lambda listed=listed: [type("It", (), {"name": n}) for n in listed])
            for name, listed in names.items()
        }
        exec(ONLY.format(kind=kind, named="a_sum"), room)
        assert ({it.name for it in room["identities"]()}, {it.name for it in room["bridges"]()}) == kept
