"""The NumPy layer: the reference outputs, the invariants, and derivatives by central differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from s30.corpus import Paper
from s30.evidence import Evidence
from s30.layers.executable import Parts, Progress, checked_outputs, measure_invariants, measure_outputs, problem_of
from s30.problem import SEEDS, cotangents, directions, objective
from s30.vocabulary import Array, Arrays

STEP = 1e-5  # of the central differences; their error is O(STEP^2), their rounding O(1e-16 / STEP)


class NumpyBackend:
    """A room's `forward` as it stands."""

    def __init__(self, paper: Paper) -> None:
        self._forward = paper.module("numpy_checks.py").forward

    def forward(self, params: Arrays, batch: Arrays, config: Mapping[str, Any]) -> dict[str, Array]:
        outputs: dict[str, Array] = self._forward(params, batch, **config)
        return outputs


def run(paper: Paper, progress: Progress, parts: Parts) -> Evidence:
    """Adds `seedS/difference/DIRECTION`: the derivative of loss + sum <cotangent, output> along each direction.

    The fact `parameters` holds the shapes of every seed's parameters, from which the directions can be drawn again.
    """
    backend = NumpyBackend(paper)
    arrays: dict[str, Array] = {}
    measure_outputs(paper, backend, arrays, progress)
    facts = measure_invariants(paper, backend, arrays, progress) if "invariants" in parts else {}
    facts["parameters"] = {str(seed): problem_of(paper, seed).shapes for seed in SEEDS}
    for seed in SEEDS if "gradients" in parts else ():
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
    return Evidence(paper.id, "numpy", arrays, facts)


def prepare(task: str) -> None:
    """Nothing has to be set."""


def state() -> dict[str, Any]:
    """Nothing beyond what is looked at for every layer."""
    return {}
