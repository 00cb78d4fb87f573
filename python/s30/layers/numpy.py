"""The NumPy layer: the reference outputs, the invariants, and derivatives by central differences."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from s30.corpus.problem import SEEDS, cotangents, directions, objective
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Arrays
from s30.errors import S30Error
from s30.evidence.store import Evidence
from s30.layers.executable import Parts, Progress, altered, checked_outputs, named, problem_of, variants_of
from s30.layers.measure import (
    Facts,
    matters,
    measure_conduct,
    measure_invariants,
    measure_oracles,
    measure_outputs,
    measure_variants,
)

STEP = 1e-5  # of the central differences; their error is O(STEP^2), their rounding O(1e-16 / STEP)


class NumpyBackend:
    """A room's `forward` as it stands."""

    def __init__(self, paper: Paper) -> None:
        self._forward = paper.module("numpy_checks.py").forward
        self.altered: set[str] = set()

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        given = [{name: np.array(value) for name, value in arrays.items()} for arrays in (params, batch)]
        outputs = named(self._forward(*given, **config), (np.ndarray, np.generic))
        self.altered |= altered(params, given[0]) | altered(batch, given[1])
        return dict(outputs)

    plain = anew = forward


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """Adds `seedS/difference/DIRECTION`: the derivative of loss + sum <cotangent, output> along each direction, and
    `variant/V/by_hand/PARAM`: the gradient of the loss at a tie, as the room worked it out.

    The fact `parameters` holds the shapes of every seed's parameters, from which the directions can be drawn again.
    """
    backend = NumpyBackend(paper)
    arrays: dict[str, Array] = {}
    measure_outputs(paper, backend, arrays, progress)
    facts: Facts = {"parameters": {str(seed): problem_of(paper, seed).shapes for seed in SEEDS}}
    if "gradients" in parts:
        measure_differences(paper, backend, arrays, progress)
    if "invariants" in parts:
        facts |= measure_invariants(paper, backend, arrays, progress)
    if "variants" in parts:
        facts |= measure_variants(paper, backend, arrays, progress, None)
        facts |= matters(paper, backend, progress) | variety(paper)
        for variant in variants_of(paper):
            arrays |= {f"variant/{variant.name}/by_hand/{name}": np.asarray(g) for name, g in variant.gradient.items()}
    if "oracles" in parts:
        facts |= measure_oracles(paper, "numpy", backend, arrays, progress)
    if "conduct" in parts:
        facts |= measure_conduct(paper, backend, arrays, progress)
    return Evidence(paper.id, "numpy", arrays, facts)


def measure_differences(paper: Paper, backend: NumpyBackend, arrays: dict[str, Array], progress: Progress) -> None:
    """Adds the central differences of every seed to `arrays`."""
    for seed in SEEDS:
        progress(f"differences, seed {seed}")
        problem = problem_of(paper, seed)
        outputs = checked_outputs(backend.forward(problem.params, problem.batch, problem.config))
        duals = cotangents(outputs, seed)

        def value(params: Arrays, _problem: Any = problem, _duals: Any = duals) -> float:
            return float(objective(backend.forward(params, _problem.batch, _problem.config), _duals))

        for name, direction in directions(problem.shapes, seed).items():
            # df(p; d) = (f(p + h d) - f(p - h d)) / 2h + O(h^2)
            ahead = {k: p + STEP * direction[k] if k in direction else p for k, p in problem.params.items()}
            behind = {k: p - STEP * direction[k] if k in direction else p for k, p in problem.params.items()}
            arrays[f"seed{seed}/difference/{name}"] = np.asarray((value(ahead) - value(behind)) / (2 * STEP))


def variety(paper: Paper) -> Facts:
    """How far the room's problems differ from one another.

    `config`    for each key of problem(0)'s configuration the variants that change it, and keys that only one side has
    `sizes`     for each array of problem(0) the sizes of each of its axes there and in the variants
    `contents`  for each seed the digest of each array
    `alike`     the batch's arrays of several examples that are the same for all of them, with the seeds
    """
    problems, variants = {seed: problem_of(paper, seed) for seed in SEEDS}, variants_of(paper)
    base = problems[SEEDS[0]]
    config = {
        key: [v.name for v in variants if repr(v.problem.config.get(key)) != repr(base.config[key])]
        for key in base.config
    }
    for variant in variants:
        if odd := sorted(base.config.keys() ^ variant.problem.config.keys()):
            raise S30Error(f"variant {variant.name!r}: its configuration and that of problem(0) differ in {odd[0]!r}")
    everywhere = [base, *(variant.problem for variant in variants)]
    sizes: dict[str, list[list[int]]] = {}
    for name, array in {**base.params, **base.batch}.items():
        shapes = [p.params.get(name, p.batch.get(name, array)).shape for p in everywhere]
        if any(len(shape) != array.ndim for shape in shapes):
            raise S30Error(f"{name!r} has {array.ndim} axes in problem(0) and not so many in a variant")
        sizes[name] = [sorted({shape[axis] for shape in shapes}) for axis in range(array.ndim)]
    alike = {
        name: [
            seed
            for seed, problem in problems.items()
            if np.ndim(a := problem.batch[name]) and len(a) > 1 and (a == a[:1]).all()
        ]
        for name in base.batch
    }
    return {
        "config": config,
        "sizes": sizes,
        "contents": {
            str(seed): {part: _digests(getattr(problem, part)) for part in ("params", "batch")}
            for seed, problem in problems.items()
        },
        "alike": {name: seeds for name, seeds in alike.items() if seeds},
    }


def _digests(arrays: Arrays) -> dict[str, str]:
    """Of each array's dtype, shape and bytes, long enough to tell them apart."""
    return {
        name: hashlib.sha256(f"{a.dtype.str}{a.shape}".encode() + np.ascontiguousarray(a).tobytes()).hexdigest()[:16]
        for name, a in arrays.items()
    }


def prepare(task: str) -> None:
    """Nothing has to be set."""


def state() -> dict[str, Any]:
    """Nothing beyond what is looked at for every layer."""
    return {}
