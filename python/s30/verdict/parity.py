"""Compares the layers' evidence. Pure NumPy: no framework is imported here, and nothing is computed anew.

Each comparison becomes a `Check` with an id, an outcome, the observed error, the tolerance, and how many entries were
compared out of how many there are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from s30.corpus.entries import index
from s30.corpus.problem import INVARIANT_SEEDS, SEEDS, TRAJECTORY_SEEDS, directions
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import EXACT, TOLERANCES, Array, Arrays, Outcome, Tolerance
from s30.evidence.store import Evidence
from s30.layers.catalogue import AUTODIFF, EXECUTABLE, LAYERS
from s30.verdict.checks import Check as Check
from s30.verdict.checks import compare as compare
from s30.verdict.checks import relate as relate
from s30.verdict.floor import check_floor, refused

Evidences = Mapping[str, Evidence]  # by layer, of one paper


def check_paper(paper: Paper, evidences: Evidences, experiments: Evidences | None = None) -> list[Check]:
    """Every check that the evidence of these layers allows. Layers that did not finish fail or are `not_run`."""
    checks = [_layer_check(paper, evidence) for evidence in evidences.values()]
    checks += [_ran(paper, "experiment", evidence) for evidence in (experiments or {}).values()]
    whole = {name: e for name, e in evidences.items() if e.outcome is Outcome.PASSED}
    reference = whole.get("numpy")
    if reference is not None:
        checks += _forward(paper, whole, reference)
        checks += _differences(paper, whole, reference)
        checks += _bridges(paper, whole)
    checks += _pairs(paper, whole)
    checks += _invariants(paper, whole)
    checks += check_floor(paper, whole)
    checks += _proofs(paper, whole)
    checks += _evaluations(paper, whole)
    return checks


PAIRWISE = ("gradient", "trajectory")  # every two autodiff layers are compared
HUBS = {"forward": "numpy", "difference": "numpy", "bridge": "sympy"}  # one layer is compared with all others


def blamed(checks: Iterable[Check]) -> dict[str, list[Check]]:
    """The failed checks by the layer they tell against.

    Each quantity is judged by itself. Where every two layers are compared, a pair that disagrees tells against both,
    unless one layer takes part in every failing pair and there are at least two: then it alone is wrong. Where one layer
    is compared with all others, a disagreement tells against the other one; but when all others disagree with it, it is
    blamed too. Two experiments that disagree tell against both, unless one alone fails by itself or against NumPy.
    """
    checks = list(checks)
    alone = {
        c.layers[0]
        for c in checks
        if c.outcome is Outcome.FAILED and c.kind == "experiment" and c.layers[1:] in ((), ("numpy",))
    }
    guilt: dict[str, list[Check]] = {name: [] for name in LAYERS}
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.kind, check.quantity), []).append(check)
    for (kind, _), members in groups.items():
        failed = [c for c in members if c.outcome is Outcome.FAILED]
        hub = HUBS.get(kind)
        if (
            kind == "variant" and len(members[0].layers) > 1
        ):  # outputs and gradients by hand against NumPy, the rest in pairs
            hub = "numpy" if "numpy" in members[0].layers else None
        if kind in PAIRWISE or (kind == "variant" and not hub and len(members[0].layers) > 1):
            pairs = {c.layers for c in failed}
            common = set.intersection(*map(set, pairs)) if len(pairs) > 1 else set()
            for c in failed:
                for name in common or c.layers:
                    guilt[name].append(c)
        elif kind == "experiment":
            refuted = [c for c in failed if c.layers[1:] == ("numpy",)]
            for c in failed:
                pair = set(c.layers) - {"numpy"}
                for name in pair & alone or pair:
                    guilt[name].append(c)
            guilt["numpy"] += refuted if len(refuted) > 1 else []
        elif hub:
            others = {name for c in members for name in c.layers if name != hub}
            failing = {name for c in failed for name in c.layers if name != hub}
            for c in failed:
                for name in set(c.layers) - {hub} or {hub}:
                    guilt[name].append(c)
            if failing == others and len(others) > 1:
                guilt[hub] += failed
        else:
            for c in failed:
                guilt[c.layers[0]].append(c)
    return guilt


def _ran(paper: Paper, kind: str, evidence: Evidence) -> Check:
    """Whether a layer's checks (kind `layer`) or its experiment ran to the end."""
    what = f"layer {evidence.layer}" + (f", {kind}" if kind != "layer" else "")
    message = f"paper {paper.id}, {what}: {evidence.error}" if evidence.error else ""
    return Check(paper.id, kind, (evidence.layer,), "ran to its end", evidence.outcome, message)


def _layer_check(paper: Paper, evidence: Evidence) -> Check:
    """The layer itself: did it run to its end? NumPy's own results, the reference, must be finite float64 besides."""
    check = _ran(paper, "layer", evidence)
    if check.outcome is not Outcome.PASSED or evidence.layer != "numpy":
        return check
    for name, array in evidence.arrays.items():
        problem = ""
        if "/output/" in name and array.dtype.kind in "fc" and array.dtype != np.float64:
            problem = f"is {array.dtype}, not float64"
        elif array.dtype.kind == "f" and not np.isfinite(array).all():
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            problem = f"is {array[at]} at index {index(at)}"
        if problem:
            message = f"paper {paper.id}, layer numpy, {name} {problem}"
            return replace(check, outcome=Outcome.FAILED, message=message)
    return check


def _forward(paper: Paper, whole: Evidences, reference: Evidence) -> list[Check]:
    checks = []
    for layer, seed in itertools.product(EXECUTABLE[1:], SEEDS):
        if layer not in whole:
            continue
        expected, observed = reference.group(f"seed{seed}/output"), whole[layer].group(f"seed{seed}/output")
        tolerance = TOLERANCES.get(("forward", layer), TOLERANCES["forward", None])
        checks += [
            compare(paper, "forward", (layer, "numpy"), name, observed.get(name), expected.get(name), tolerance, seed)
            for name in dict.fromkeys([*expected, *observed])  # the order in which the room computes them
        ]
    return checks


def _differences(paper: Paper, whole: Evidences, reference: Evidence) -> list[Check]:
    """Each autodiff layer's gradient, projected on each direction, against NumPy's central difference."""
    checks = []
    tolerance = TOLERANCES["difference", None]
    layers = [layer for layer in AUTODIFF if layer in whole]
    for seed in SEEDS if layers else ():
        gradients = {layer: whole[layer].group(f"seed{seed}/gradient") for layer in layers}
        expected = reference.group(f"seed{seed}/difference")
        shapes = {name: tuple(shape) for name, shape in reference.facts["parameters"][str(seed)].items()}
        for name, direction in directions(shapes, seed).items():
            for layer in layers:
                slope = _project(gradients[layer], direction)
                checks.append(
                    compare(paper, "difference", (layer, "numpy"), name, slope, expected.get(name), tolerance, seed)
                )
    return checks


def _project(gradient: Arrays, direction: Arrays) -> Array | None:
    """<gradient, direction>, or None when the gradient lacks an entry or has another shape."""
    if any(name not in gradient or gradient[name].shape != d.shape for name, d in direction.items()):
        return None
    return np.asarray(sum(float(np.vdot(gradient[name], d)) for name, d in direction.items()))


def _pairs(paper: Paper, whole: Evidences) -> list[Check]:
    """Gradients and trajectories of each two autodiff layers, every entry of every parameter."""
    checks = []
    for one, other in itertools.combinations([name for name in AUTODIFF if name in whole], 2):
        groups: list[tuple[str, str, str, int]] = [
            (f"seed{seed}/{what}", "gradient", label, seed)
            for seed in SEEDS
            for what, label in (("gradient", ""), ("loss_gradient", "loss:"))
        ]
        groups += [(f"seed{seed}/trajectory/param", "trajectory", "parameter ", seed) for seed in TRAJECTORY_SEEDS]
        for prefix, kind, label, seed in groups:
            left, right = whole[one].group(prefix), whole[other].group(prefix)
            tolerance = TOLERANCES[kind, None]
            checks += [
                compare(paper, kind, (one, other), f"{label}{name}", left.get(name), right.get(name), tolerance, seed)
                for name in sorted(left.keys() | right.keys())
            ]
        for seed in TRAJECTORY_SEEDS:
            here, there = (whole[name].arrays.get(f"seed{seed}/trajectory/loss") for name in (one, other))
            tolerance = TOLERANCES["trajectory", None]
            checks.append(compare(paper, "trajectory", (one, other), "losses", here, there, tolerance, seed))
    return checks


def _bridges(paper: Paper, whole: Evidences) -> list[Check]:
    """What a derived formula says about an output or a gradient, against each layer that computes it."""
    if "sympy" not in whole:
        return []
    checks = []
    tolerance = TOLERANCES["bridge", None]
    for name, bridge in whole["sympy"].facts["bridges"].items():
        kind, _, target = bridge["target"].partition(":")
        prefix, layers = {"output": ("output", EXECUTABLE), "gradient": ("loss_gradient", AUTODIFF)}.get(kind, ("", ()))
        if not prefix:
            message = f"paper {paper.id}, layer sympy, bridge {name}: unknown target {bridge['target']!r}"
            checks.append(Check(paper.id, "bridge", ("sympy",), name, Outcome.FAILED, message))
        for layer, seed in itertools.product(layers, SEEDS):
            if layer in whole:
                value = whole["sympy"].arrays.get(f"seed{seed}/bridge/{name}")
                computed = whole[layer].arrays.get(f"seed{seed}/{prefix}/{target}")
                checks.append(compare(paper, "bridge", ("sympy", layer), name, value, computed, tolerance, seed))
    return checks


def _invariants(paper: Paper, whole: Evidences) -> list[Check]:
    checks = []
    for layer in (name for name in EXECUTABLE if name in whole):
        for asked, seed in itertools.product(whole[layer].facts.get("invariants", ()), INVARIANT_SEEDS):
            if asked["relation"] == "raises":
                checks.append(refused(paper, layer, asked, seed))
                continue
            at = f"seed{seed}/invariant/{asked['name']}"
            left, right = (whole[layer].arrays.get(f"{at}/{side}") for side in ("left", "right"))
            tolerance = Tolerance(*asked["tolerance"]) if asked["tolerance"] else None
            check = relate(paper, layer, asked["name"], asked["relation"], left, right, tolerance, seed)
            if asked["raised"] and check.outcome is Outcome.FAILED:
                where = f"paper {paper.id}, layer {layer}, invariant {check.quantity}"
                check = replace(check, message=f"{where}: {asked['raised']}")
            checks.append(check)
    return checks


def _proofs(paper: Paper, whole: Evidences) -> list[Check]:
    found = [
        ("identity", "sympy", name, "" if identity["proved"] else identity["why"])
        for name, identity in (whole["sympy"].facts["identities"] if "sympy" in whole else {}).items()
    ]
    found += [
        ("theorem", "agda", t["name"], "" if t["name"] in whole["agda"].facts["theorems"] else "not checked")
        for t in (paper.card["theorems"] if "agda" in whole else ())
    ]
    found += [
        ("unfolded", "agda", u["name"], "" if u["name"] in whole["agda"].facts["unfolded"] else "not checked")
        for u in (paper.card.get("unfolded", ()) if "agda" in whole else ())
    ]
    checks = []
    for kind, layer, name, problem in found:
        message = f"paper {paper.id}, layer {layer}, {kind} {name}: {problem}" if problem else ""
        outcome = Outcome.FAILED if problem else Outcome.PASSED
        checks.append(Check(paper.id, kind, (layer,), name, outcome, message))
    return checks


def _evaluations(paper: Paper, whole: Evidences) -> list[Check]:
    """What Agda computed by the definitions that the theorems are about, against what NumPy did."""
    checks = []
    for asked in whole["agda"].facts.get("evaluations", ()) if "agda" in whole else ():
        tolerance = EXACT if asked["exact"] else TOLERANCES["evaluation", None]
        for on in asked["on"]:
            at, name = f"evaluation/{asked['name']}/{on}", asked["name"]
            computed, expected = (whole["agda"].arrays.get(f"{at}/{side}") for side in ("agda", "numpy"))
            seed = int(on[4:]) if on.startswith("seed") and on[4:].isdigit() else None
            variant = on if seed is None else ""
            check = compare(paper, "evaluation", ("agda", "numpy"), name, computed, expected, tolerance, seed, variant)
            if on in asked["failed"]:
                where = f"paper {paper.id}, layer agda, evaluation {check.quantity}"
                check = replace(check, message=f"{where}: {asked['failed'][on]}")
            checks.append(check)
    return checks
