"""The floor under the comparisons: further problems, conduct, starts and oracles; and whether a room's problems vary enough.

Everything here reads evidence. A layer of which a part was not measured is not judged by that part.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from s30.corpus.problem import SEEDS
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import EXACT, TOLERANCES, Outcome, Tolerance
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, EXECUTABLE, LAYERS
from s30.verdict.checks import Check, compare

Evidences = Mapping[str, Evidence]  # by layer, of one paper, of layers that ran to their end
Fact = Mapping[str, Any]


def check_floor(paper: Paper, whole: Evidences) -> list[Check]:
    """Every check of the kinds `variant`, `conduct`, `start` and `oracle` that this evidence allows."""
    return [*_variants(paper, whole), *_conduct(paper, whole), *_starts(paper, whole), *_oracles(paper, whole)]


def refused(paper: Paper, layer: str, asked: Fact, seed: int) -> Check:
    """An invariant of the relation `raises`: whether the layer refused the bad input in the promised words."""
    words = asked["refused"].get(str(seed))
    problem = ""
    if not asked["message"]:
        problem = "an invariant that must raise says no words in which"
    elif words is None:
        problem = asked["raised"] or f"nothing was raised, where a message with {asked['message']!r} is promised"
    elif asked["message"] not in words:
        problem = f"it raised {words!r}, without the promised {asked['message']!r}"
    return _check(paper, "invariant", (layer,), asked["name"], problem, seed)


def shortfalls(paper: Paper, evidences: Evidences) -> list[str]:
    """Where the room's problems vary too little to show a mistake, one line each; none before NumPy's were measured.

    Exempt are the axes under `fixed` in paper.yaml; an exemption that is not needed is a line as well.
    """
    if "numpy" not in evidences or "variants" not in (facts := evidences["numpy"].facts):
        return []
    if not facts["variants"]:  # a file that is missing is told with the others
        return [f"paper {paper.id}: variants.py gives no variant"] if (paper.folder / "variants.py").is_file() else []
    lines = list(_configuration(evidences))
    if not any(variant["kind"] == "extreme" for variant in facts["variants"]):
        lines.append("no variant is an extreme")
    lines += [
        f"the tie {variant['name']!r} has no gradient by hand"
        for variant in facts["variants"]
        if variant["kind"] == "tie" and not evidences["numpy"].group(f"variant/{variant['name']}/by_hand")
    ]
    contents = [facts["contents"][str(seed)] for seed in SEEDS]
    for name in contents[0]["params"]:
        if len({content["params"].get(name) for content in contents}) < len(SEEDS):
            lines.append(f"the parameter {name!r} is the same for two of the seeds {', '.join(map(str, SEEDS))}")
    if contents[0]["batch"] and len({str(content["batch"]) for content in contents}) < len(SEEDS):
        lines.append(f"the batch is the same for two of the seeds {', '.join(map(str, SEEDS))}")
    lines += _axes(paper, facts)
    return [f"paper {paper.id}: {line}" for line in lines]


def _configuration(evidences: Evidences) -> Iterator[str]:
    """Keys that no variant changes, and keys that may as well be put back."""
    tried = [e.facts["matters"] for e in evidences.values() if "matters" in e.facts]
    for key, variants in evidences["numpy"].facts["config"].items():
        if not variants:
            yield f"no variant changes the configuration's {key!r}"
        elif len(tried) == 2 and not any(effect for layer in tried for effect in layer[key].values()):
            yield (
                f"the configuration's {key!r} does not matter: put back in {', '.join(variants)}, "
                "it changes no output of NumPy or PyTorch"
            )


def _axes(paper: Paper, facts: Fact) -> Iterator[str]:
    """Axes of one size, batches of no single example, and entries that are the same for every example."""
    exempt = {(entry["array"], entry["axis"]) for entry in paper.card.get("fixed", ())}
    needed = set()
    first = next((name for name in facts["contents"][str(SEEDS[0])]["batch"] if facts["sizes"][name]), None)
    if first and 1 not in facts["sizes"][first][0]:
        needed.add((first, 0))
        if (first, 0) not in exempt:
            yield f"no variant is a batch of one example: the first axis of {first!r} is never 1"
    for name, axes in facts["sizes"].items():
        for axis, sizes in enumerate(axes):
            if len(sizes) < 2:
                needed.add((name, axis))
                if (name, axis) not in exempt:
                    yield f"axis {axis} of {name!r} is {sizes[0]} in every problem: a variant should have another size"
    for name, seeds in facts["alike"].items():
        needed.add((name, 0))
        if (name, 0) not in exempt:
            where = ", ".join(f"problem({seed})" for seed in seeds)
            yield f"{name!r} is the same for all examples in {where}"
    for name, axis in sorted(exempt - needed):
        yield f"paper.yaml, fixed: axis {axis} of {name!r} needs no exemption: remove it"


def _variants(paper: Paper, whole: Evidences) -> list[Check]:
    checks = []
    asked = {
        layer: {variant["name"]: variant for variant in whole[layer].facts["variants"]}
        for layer in EXECUTABLE
        if layer in whole and "variants" in whole[layer].facts
    }
    for name in dict.fromkeys(name for variants in asked.values() for name in variants):
        raised = {layer: variants[name]["raised"] for layer, variants in asked.items() if name in variants}
        checks += [
            _check(paper, "variant", (layer,), f"{name}: ran to its end", words)
            for layer, words in raised.items()
            if words
        ]
        computed = [layer for layer in asked if not raised.get(layer)]
        if "numpy" in computed:
            for layer in (layer for layer in computed if layer != "numpy"):
                forward = TOLERANCES.get(("forward", layer), TOLERANCES["forward", None])
                checks += _against(paper, whole, (layer, "numpy"), name, ("output", "output"), "", forward)
                if by_hand := whole["numpy"].group(f"variant/{name}/by_hand"):
                    label, tolerance = "loss gradient ", TOLERANCES["gradient", None]
                    ours = whole[layer].group(f"variant/{name}/loss_gradient") if layer in AUTODIFF else {}
                    checks += [
                        compare(
                            paper, "variant", (layer, "numpy"), f"{name}: {label}{p}", ours.get(p), value, tolerance
                        )
                        for p, value in by_hand.items()
                    ]
        for pair in itertools.combinations([layer for layer in AUTODIFF if layer in computed], 2):
            sides = ("gradient", "gradient")
            checks += _against(paper, whole, pair, name, sides, "gradient ", TOLERANCES["gradient", None])
    return checks


def _against(
    paper: Paper,
    whole: Evidences,
    layers: tuple[str, str],
    variant: str,
    sides: tuple[str, str],
    label: str,
    tolerance: Tolerance,
) -> list[Check]:
    """Everything under `variant/NAME/SIDE` of one layer against that of another, in the order of the second."""
    ours, theirs = (whole[layer].group(f"variant/{variant}/{side}") for layer, side in zip(layers, sides, strict=True))
    return [
        compare(paper, "variant", layers, f"{variant}: {label}{name}", ours.get(name), theirs.get(name), tolerance)
        for name in dict.fromkeys([*theirs, *ours])
    ]


def _conduct(paper: Paper, whole: Evidences) -> list[Check]:
    """Inputs untouched, the same bytes when asked again, the same outputs while derivatives are recorded, and one list
    of invariants and of variants in every layer."""
    checks = []
    for layer in (name for name in EXECUTABLE if name in whole):
        evidence = whole[layer]
        first = evidence.group("seed0/output")
        if "altered" in evidence.facts:
            changed = ", ".join(map(repr, evidence.facts["altered"]))
            problem = f"forward does not leave its inputs as they were: {changed}" if changed else ""
            checks.append(_check(paper, "conduct", (layer,), "inputs unchanged", problem))
            again = evidence.group("again/output")
            checks += [
                compare(paper, "conduct", (layer,), f"asked again: {name}", again.get(name), first.get(name), EXACT, 0)
                for name in dict.fromkeys([*first, *again])
            ]
        tolerance = TOLERANCES.get(("forward", layer), TOLERANCES["forward", None])
        for seed in SEEDS:
            silent, recorded = (evidence.group(f"seed{seed}/{what}") for what in ("output", "recorded"))
            checks += [
                compare(
                    paper,
                    "conduct",
                    (layer,),
                    f"with gradients: {name}",
                    recorded.get(name),
                    silent.get(name),
                    tolerance,
                    seed,
                )
                for name in (dict.fromkeys([*silent, *recorded]) if recorded else ())
            ]
        for what in ("invariants", "variants"):
            if layer != "numpy" and what in evidence.facts and what in getattr(whole.get("numpy"), "facts", {}):
                checks.append(_same_list(paper, layer, what, evidence.facts[what], whole["numpy"].facts[what]))
    return checks


def _same_list(paper: Paper, layer: str, what: str, ours: list[Fact], theirs: list[Fact]) -> Check:
    """Whether a layer was asked what NumPy was asked: names, statements, relations and tolerances."""

    def plain(entries: list[Fact]) -> dict[str, Fact]:
        return {e["name"]: {k: v for k, v in e.items() if k not in ("raised", "refused")} for e in entries}

    here, there = plain(ours), plain(theirs)
    problem = ""
    if lacking := [name for name in there if name not in here]:
        problem = f"not asked of it, though of NumPy: {', '.join(lacking)}"
    elif surplus := [name for name in here if name not in there]:
        problem = f"asked of it, though not of NumPy: {', '.join(surplus)}"
    elif other := [name for name in there if here[name] != there[name]]:
        problem = f"asked otherwise than of NumPy: {', '.join(other)}"
    return _check(paper, "conduct", (layer, "numpy"), f"the same {what}", problem)


def _starts(paper: Paper, whole: Evidences) -> list[Check]:
    """A model as its own initialiser leaves it: no constant matrix, a gradient for every parameter, drawn by the seed."""
    checks = []
    for layer in AUTODIFF:
        if layer not in whole or "start" not in whole[layer].facts:
            continue
        start = whole[layer].facts["start"]
        for name, parameter in start["parameters"].items():
            problem = ""
            if not parameter["finite"]:
                problem = "the initialiser leaves a NaN or an infinity"
            elif len(parameter["shape"]) > 1 and not parameter["spread"]:
                problem = "the initialiser gives every entry the same value"
            elif not parameter["slope"]:
                problem = "the loss has no gradient by any of its entries when the model is new"
            checks.append(_check(paper, "start", (layer,), name, problem))
        problem = "" if start["seeded"] else f"two seeds of {LAYERS[layer].title}'s generator give the same model"
        checks.append(_check(paper, "start", (layer,), "drawn by the seed", problem))
    return checks


def _oracles(paper: Paper, whole: Evidences) -> list[Check]:
    checks = []
    for layer in (name for name in EXECUTABLE if name in whole):
        for asked in whole[layer].facts.get("oracles", ()):
            tolerance = Tolerance(*asked["tolerance"]) if asked["tolerance"] else TOLERANCES["oracle", None]
            places: list[tuple[str, int | None, str]] = [(f"seed{seed}", seed, "") for seed in SEEDS]
            places += [(f"variant/{name}", None, name) for name in asked["variants"]]
            for at, seed, variant in places:
                sides = whole[layer].group(f"{at}/oracle/{asked['name']}")
                left, right = sides.get("left"), sides.get("right")
                check = compare(paper, "oracle", (layer,), asked["name"], left, right, tolerance, seed, variant)
                if asked["raised"] and left is None:
                    where = f"paper {paper.id}, layer {layer}, oracle {check.quantity}"
                    check = replace(check, message=f"{where}: {asked['raised']}")
                checks.append(check)
    return checks


def _check(paper: Paper, kind: str, layers: tuple[str, ...], name: str, problem: str, seed: int | None = None) -> Check:
    """A check of something that is no array."""
    check = Check(paper.id, kind, layers, name, Outcome.PASSED, seed=seed)
    against = f" against {layers[1]}" if len(layers) > 1 else ""
    message = f"paper {paper.id}, layer {layers[0]}{against}, {kind} {check.quantity}: {problem}"
    return replace(check, outcome=Outcome.FAILED, message=message) if problem else check
