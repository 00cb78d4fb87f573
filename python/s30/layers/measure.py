"""What every executable layer is asked, written once, and the names under which the answers are stored:

    seedS/output/NAME             outputs of the forward pass, S in SEEDS
    seedS/gradient/PARAM          d(loss + sum <cotangent, output>)/dPARAM
    seedS/loss_gradient/PARAM     d(loss)/dPARAM
    seedS/recorded/NAME           the outputs while derivatives are recorded
    seedS/trajectory/loss         losses of STEPS steps of gradient descent and the loss after them, S in TRAJECTORY_SEEDS
    seedS/trajectory/param/PARAM  the parameters they end at
    seedS/invariant/NAME/left, /right         S in INVARIANT_SEEDS
    seedS/oracle/NAME/left, /right            ours and theirs; on a variant V: variant/V/oracle/NAME/left, /right
    variant/V/output/NAME, /gradient/PARAM, /loss_gradient/PARAM    the last two at extremes and ties, where the outputs
                                  are those while derivatives are recorded
    again/output/NAME             the outputs for the first seed, asked once more after all else

The facts say what was asked, and what raised: whoever judges needs the evidence alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from s30.corpus.problem import INVARIANT_SEEDS, SEEDS, STEPS, TRAJECTORY_SEEDS, Problem, cotangents
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays, Tolerance
from s30.errors import S30Error, one_line, place
from s30.evidence.store import Evidence
from s30.layers.executable import (
    Backend,
    Computes,
    Initialises,
    Parts,
    Progress,
    asking,
    checked_outputs,
    oracles_of,
    problem_of,
    silenced,
    variants_of,
)

Facts = dict[str, Any]


def measure_outputs(paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress) -> None:
    """Adds the outputs of every seed to `arrays`."""
    for seed in SEEDS:
        progress(f"forward, seed {seed}")
        problem = problem_of(paper, seed)
        outputs = checked_outputs(backend.forward(problem.params, problem.batch, problem.config))
        _store(arrays, f"seed{seed}/output", outputs)


def measure_gradients(paper: Paper, backend: Backend, arrays: dict[str, Array], progress: Progress) -> None:
    """Adds the gradients of every seed and the trajectories to `arrays`; the outputs must be there already."""
    for seed in SEEDS:
        progress(f"gradient, seed {seed}")
        problem = problem_of(paper, seed)
        duals = cotangents(_under(arrays, f"seed{seed}/output"), seed)
        recorded, gradient = backend.gradient(problem.params, problem.batch, problem.config, duals)
        _store(arrays, f"seed{seed}/gradient", gradient)
        _store(arrays, f"seed{seed}/recorded", recorded)
        _, gradient = backend.gradient(problem.params, problem.batch, problem.config, silenced(duals))
        _store(arrays, f"seed{seed}/loss_gradient", gradient)
    for seed in TRAJECTORY_SEEDS:
        progress(f"trajectory, seed {seed}")
        problem = problem_of(paper, seed)
        losses, params = backend.trajectory(problem.params, problem.batch, problem.config, problem.learning_rate, STEPS)
        _store(arrays, f"seed{seed}/trajectory", {"loss": losses, **{f"param/{name}": p for name, p in params.items()}})


def measure_invariants(paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress) -> Facts:
    """Adds both sides of every invariant, for every seed, to `arrays`. Returns the fact `invariants`.

    An invariant of a wrong output may raise instead of failing (an index out of bounds); the outputs still have to be
    compared, since they say what is wrong. One that must raise tells, for each seed, in what words it did.
    """
    asked: list[Facts] = []
    for invariant in paper.module("numpy_checks.py").invariants():
        progress(f"invariant {invariant.name}")
        if invariant.name in [entry["name"] for entry in asked]:
            raise S30Error(f"two invariants are named {invariant.name!r}")
        entry = {name: getattr(invariant, name) for name in ("name", "statement", "source", "relation")}
        asked.append(entry | {"tolerance": _stated(invariant.tolerance), "raised": ""})
        refuses = invariant.relation == "raises"
        if refuses:
            asked[-1] |= {"message": invariant.message, "refused": {}}
        for seed in INVARIANT_SEEDS:
            problem = problem_of(paper, seed)
            forward = asking(backend.plain if refuses else backend.forward, problem.config)
            try:
                sides = invariant.sides(forward, problem, np.random.default_rng(seed))
            except Exception as error:
                words = place(error, paper.folder, paper.root) + one_line(error)
                if refuses and isinstance(error, (S30Error, ValueError)):
                    asked[-1]["refused"][str(seed)] = words
                else:
                    asked[-1]["raised"] = words
                continue
            if not refuses:
                _store(arrays, f"seed{seed}/invariant/{invariant.name}", _sides(sides))
    return {"invariants": asked}


def measure_variants(
    paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress, differentiates: Backend | None
) -> Facts:
    """Adds the outputs of every variant to `arrays`, and its gradients at extremes and ties. Returns the fact `variants`.

    A layer that raises on one goes on with the next, and the fact tells what it raised.
    """
    asked: list[Facts] = []
    for variant in variants_of(paper):
        progress(f"variant {variant.name}")
        asked.append({name: getattr(variant, name) for name in ("name", "statement", "kind", "convention")})
        asked[-1]["raised"] = ""
        at, problem = f"variant/{variant.name}", variant.problem
        try:
            if differentiates is None or variant.kind == "shape":
                outputs = backend.forward(problem.params, problem.batch, problem.config)
                _store(arrays, f"{at}/output", checked_outputs(outputs))
                continue
            # One program gives the outputs and the gradient. Its cotangents have the shapes of the reference's outputs.
            duals = cotangents(_reference(paper, problem), 0)
            for what, weights in (("gradient", duals), ("loss_gradient", silenced(duals))):
                if what == "gradient" or variant.gradient:
                    outputs, found = differentiates.gradient(problem.params, problem.batch, problem.config, weights)
                    _store(arrays, f"{at}/output", checked_outputs(outputs))
                    _store(arrays, f"{at}/{what}", found)
        except Exception as error:
            asked[-1]["raised"] = place(error, paper.folder, paper.root) + one_line(error)
    return {"variants": asked}


def _reference(paper: Paper, problem: Problem) -> dict[str, Array]:
    """What the NumPy layer's forward returns, on copies of the problem's arrays."""
    params, batch = (
        {name: np.array(value) for name, value in part.items()} for part in (problem.params, problem.batch)
    )
    return checked_outputs(paper.module("numpy_checks.py").forward(params, batch, **problem.config))


def measure_oracles(paper: Paper, layer: str, backend: Computes, arrays: dict[str, Array], progress: Progress) -> Facts:
    """Adds both sides of every oracle of the layer to `arrays`. Returns the fact `oracles`."""
    asked: list[Facts] = []
    variants = {variant.name: variant.problem for variant in variants_of(paper)}
    for oracle in oracles_of(paper, layer):
        progress(f"oracle {oracle.name}")
        entry = {name: getattr(oracle, name) for name in ("name", "statement", "implementation")}
        asked.append(entry | {"variants": list(oracle.variants), "tolerance": _stated(oracle.tolerance), "raised": ""})
        problems = {f"seed{seed}": problem_of(paper, seed) for seed in SEEDS}
        problems |= {f"variant/{name}": variants[name] for name in oracle.variants}
        for at, problem in problems.items():
            try:
                sides = oracle.sides(asking(backend.forward, problem.config), problem)
                _store(arrays, f"{at}/oracle/{oracle.name}", _sides(sides))
            except Exception as error:
                asked[-1]["raised"] = place(error, paper.folder, paper.root) + one_line(error)
    return {"oracles": asked}


def measure_start(paper: Paper, backend: Initialises, arrays: Arrays, progress: Progress) -> Facts:
    """What the model's own initialiser gives: the fact `start`.

    For each parameter its shape, whether it is finite, the distance of its largest entry to its smallest, and the largest
    entry of the loss's gradient; and whether another seed of the framework's generator gives another model.
    """
    progress("start")
    problem = problem_of(paper, SEEDS[0])
    params, other = (backend.initial(problem.config, seed) for seed in SEEDS[:2])
    duals = silenced(cotangents(_under(arrays, f"seed{SEEDS[0]}/output"), 0))
    _, gradient = backend.gradient(params, problem.batch, problem.config, duals)
    start = {
        name: {
            "shape": list(value.shape),
            "finite": bool(np.isfinite(value).all()),
            "spread": _number(np.ptp(value)),
            "slope": _number(np.abs(gradient[name]).max()),
        }
        for name, value in params.items()
    }
    return {"start": {"parameters": start, "seeded": any(not np.array_equal(params[n], other[n]) for n in params)}}


def measure_conduct(paper: Paper, backend: Computes, arrays: dict[str, Array], progress: Progress) -> Facts:
    """Asks the first problem once more, last of all, and adds its outputs to `arrays`. Returns the fact `altered`."""
    progress("asked again")
    problem = problem_of(paper, SEEDS[0])
    outputs = checked_outputs(backend.anew(problem.params, problem.batch, problem.config))
    _store(arrays, "again/output", outputs)
    return {"altered": sorted(backend.altered)}


def matters(paper: Paper, backend: Computes, progress: Progress) -> Facts:
    """The fact `matters`: what becomes of each variant when one key that it changes is put back to that of problem(0).

    By key and by variant, the first output that is another then, or `raises`, or an empty text when nothing changes.
    """
    base = problem_of(paper, SEEDS[0]).config
    found: dict[str, dict[str, str]] = {key: {} for key in base}
    for variant in variants_of(paper):
        problem = variant.problem
        changed = [key for key in base if repr(problem.config.get(key)) != repr(base[key])]
        for key in changed:
            progress(f"{key} of variant {variant.name} put back")
            found[key][variant.name] = _without(backend, problem, {**problem.config, key: base[key]})
    return {"matters": found}


def _without(backend: Computes, problem: Problem, config: Mapping[str, Any]) -> str:
    """What changes when the problem is asked under another configuration."""
    try:
        outputs = backend.forward(problem.params, problem.batch, problem.config)
    except Exception:
        return ""  # told as the variant's own failure; about its keys it says nothing
    try:
        others = backend.forward(problem.params, problem.batch, config)
    except Exception:
        return "raises"
    names = dict.fromkeys([*outputs, *others])
    return next((n for n in names if n not in outputs.keys() & others.keys() or differ(outputs[n], others[n])), "")


def differ(one: Any, other: Any) -> bool:
    """Whether two arrays are of different shapes or differ in any entry."""
    return not np.array_equal(np.asarray(one), np.asarray(other))


def measure_autodiff(paper: Paper, layer: str, backend: Backend, progress: Progress, parts: Parts) -> Evidence:
    """All that a framework with automatic differentiation is asked, or the named parts of it."""
    arrays: dict[str, Array] = {}
    facts: Facts = {}
    measure_outputs(paper, backend, arrays, progress)
    if "gradients" in parts:
        measure_gradients(paper, backend, arrays, progress)
    if "invariants" in parts:
        facts |= measure_invariants(paper, backend, arrays, progress)
    if "variants" in parts:
        facts |= measure_variants(paper, backend, arrays, progress, backend)
        facts |= matters(paper, backend, progress) if layer == "torch" else {}
    if "oracles" in parts:
        facts |= measure_oracles(paper, layer, backend, arrays, progress)
    if "start" in parts and layer != "jax":
        facts |= measure_start(paper, backend, arrays, progress)  # type: ignore[arg-type]
    if "conduct" in parts:
        facts |= measure_conduct(paper, backend, arrays, progress)
    return Evidence(paper.id, layer, arrays, facts)


def _store(arrays: dict[str, Array], at: str, found: Mapping[str, Any]) -> None:
    arrays |= {f"{at}/{name}": np.asarray(value) for name, value in found.items()}


def _under(arrays: Arrays, at: str) -> dict[str, Array]:
    return {name[len(at) + 1 :]: value for name, value in arrays.items() if name.startswith(at + "/")}


def _sides(sides: tuple[Any, Any]) -> dict[str, Any]:
    left, right = sides
    return {"left": left, "right": right}


def _stated(tolerance: Tolerance | None) -> list[float | str] | None:
    return None if tolerance is None else [tolerance.rtol, tolerance.atol, tolerance.reason]


def _number(value: Any) -> float | None:
    """A number for JSON, which has neither NaN nor infinity."""
    return float(value) if np.isfinite(value) else None
