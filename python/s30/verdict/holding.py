"""`from s30 import hold`: somebody's function against a room's NumPy layer, in a test suite of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from s30.corpus import entries
from s30.corpus.problem import SEEDS
from s30.corpus.registry import Paper, load_corpus
from s30.corpus.vocabulary import TOLERANCES
from s30.layers.executable import checked_outputs, problem_of, variants_of
from s30.verdict.claims import names_of


def hold(function: Callable[..., Mapping[str, Any]], paper: str) -> dict[str, float]:
    """Raises AssertionError with the earliest output that is not the room's, on its three problems and all its further ones.

    `function(params, batch, **config)` takes NumPy arrays by the room's names and returns outputs by them, as NumPy's arrays or
    a framework's; those that it leaves out are not held. Returns the largest error of each that is. Gradients are not asked
    for: `s30 try` holds those too. Raises UsageError when there is no such room.
    """
    found = load_corpus().paper(paper)
    reference = found.module("numpy_checks.py").forward
    problems = {f"seed {seed}": problem_of(found, seed) for seed in SEEDS}
    problems |= {f"variant {variant.name}": variant.problem for variant in variants_of(found)}
    errors: dict[str, float] = {}
    for where, problem in problems.items():
        expected = checked_outputs(reference(*_copies(problem), **problem.config))
        answer = function(*_copies(problem), **problem.config)
        observed = {name: _array(value) for name, value in answer.items()}
        if unknown := [name for name in observed if name not in expected]:
            raise AssertionError(f"paper {found.id} has no output {unknown[0]!r}: it has {', '.join(expected)}")
        if not observed:
            raise AssertionError(f"paper {found.id}, {where}: no output to hold: it has {', '.join(expected)}")
        for name in (name for name in expected if name in observed):
            agreement = entries.hold(
                observed[name], expected[name], TOLERANCES["forward", None], ("the function", "numpy")
            )
            if agreement.problem:
                told = "".join(f"; {formula}" for formula in equations_of(found, name))
                raise AssertionError(f"paper {found.id}, {where}, {name}: {agreement.problem}{told}")
            errors[name] = max(errors.get(name, 0.0), agreement.error or 0.0)
    return errors


def equations_of(paper: Paper, output: str) -> list[str]:
    """The formulas, each with its place in the paper, that the room's card says this output carries."""
    chosen = [e for e in paper.card["equations"] if output in names_of(e["carried_by"].get("output", ()))]
    return [f"{e['formula']}   ({e['source']})" for e in chosen]


def _copies(problem: Any) -> list[dict[str, Any]]:
    return [{name: np.array(value) for name, value in arrays.items()} for arrays in (problem.params, problem.batch)]


def _array(value: Any) -> Any:
    """A framework's tensor as an array, its derivative forgotten."""
    return np.asarray(
        value.detach() if hasattr(value, "detach") else value.numpy() if hasattr(value, "numpy") else value
    )
