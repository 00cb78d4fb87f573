"""What a room asks Agda to compute: `cubical-agda/evaluations.py`, asked about the problems on which it wants it run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from s30.corpus.problem import Problem
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array, Evaluation
from s30.errors import S30Error, one_line, place
from s30.layers.executable import Progress, checked_outputs, problem_of, variants_of

FILE = "cubical-agda/evaluations.py"
SEED = re.compile(r"seed(\d+)")


@dataclass(frozen=True)
class Question:
    """An evaluation on one problem: the term, and what NumPy says that it is. `failed` says why there is no answer."""

    name: str
    module: str = ""
    definitions: Sequence[str] = ()
    exact: bool = False
    on: str = ""
    term: str = ""
    expected: Array | None = None
    failed: str = ""


def questions(paper: Paper, progress: Progress) -> list[Question]:
    """All of them, in the room's order. What the room's code cannot answer fails by itself, never the others."""
    try:
        listed = _listed(paper)
    except Exception as error:
        return [Question(FILE, failed=_why(paper, error))]
    found = []
    for evaluation in listed:
        for on in evaluation.on:
            progress(f"evaluation {evaluation.name}, {on}")
            question = Question(evaluation.name, evaluation.module, evaluation.definitions, evaluation.exact, on)
            try:
                problem = _problem(paper, on)
                question = replace(question, expected=_expected(paper, evaluation, problem))
                question = replace(question, term=evaluation.term(problem))
            except Exception as error:
                question = replace(question, failed=_why(paper, error))
            found.append(question)
    return found


def _listed(paper: Paper) -> list[Evaluation]:
    if not (paper.folder / FILE).is_file():
        return []
    listed: list[Evaluation] = paper.module(FILE).evaluations()
    names = [evaluation.name for evaluation in listed]
    for evaluation in listed:
        if names.count(evaluation.name) > 1:
            raise S30Error(f"two evaluations are named {evaluation.name!r}")
        if not evaluation.on or not evaluation.definitions:
            raise S30Error(f"the evaluation {evaluation.name!r} needs a definition and a problem")
    return listed


def _problem(paper: Paper, on: str) -> Problem:
    if seed := SEED.fullmatch(on):
        return problem_of(paper, int(seed[1]))
    variants = {variant.name: variant.problem for variant in variants_of(paper)}
    if on not in variants:
        raise S30Error(f"no variant is named {on!r}: {', '.join(variants) or 'there are none'}")
    return variants[on]


def _expected(paper: Paper, evaluation: Evaluation, problem: Problem) -> Array:
    """float64; int64 or bool where the evaluation is exact."""
    forward = paper.module("numpy_checks.py").forward
    outputs = checked_outputs(forward(problem.params, problem.batch, **problem.config))
    expected = np.asarray(evaluation.expected(problem, outputs))
    kinds = {"f": np.float64} if not evaluation.exact else {"i": np.int64, "u": np.int64, "b": np.bool_}
    if expected.dtype.kind not in kinds:
        wanted = "integers or booleans, as it is exact" if evaluation.exact else "floating-point numbers"
        raise S30Error(f"what it must equal is of {expected.dtype}, not {wanted}")
    return expected.astype(kinds[expected.dtype.kind])


def _why(paper: Paper, error: Exception) -> str:
    return place(error, paper.folder, paper.root) + one_line(error)
