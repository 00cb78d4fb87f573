"""Runs Agda's definitions on numbers: `cubical-agda/evaluations.py` says which, on what, and what must come out.

The arrays `evaluation/NAME/PROBLEM/agda` hold what Agda computed, `evaluation/NAME/PROBLEM/numpy` what the NumPy layer
did, in this same process. The fact `evaluations` lists what was asked, and why an answer did not come, if it did not.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from s30.corpus import Paper
from s30.errors import S30Error, one_line, place
from s30.layers.agda.modules import WORD, Modules
from s30.layers.agda.process import Agda
from s30.layers.agda.source import Source
from s30.layers.agda.staging import EVALUATION
from s30.layers.executable import checked_outputs, problem_of
from s30.literals import numbers
from s30.problem import Problem
from s30.vocabulary import Array, Evaluation, Variant

if TYPE_CHECKING:
    from s30.layers.executable import Progress

TERM_LIMIT = 20.0  # seconds for one term
SEED = re.compile(r"seed(\d+)")


class Runner:
    """One paper's evaluations, and the Agda that computes them; `start` brings another one where that has ended."""

    def __init__(self, paper: Paper, modules: Modules, agda: Agda, start: Callable[[], Agda]) -> None:
        self.agda = agda
        self._paper, self._modules, self._start = paper, modules, start
        self._loaded, self._broken = "", set[str]()  # the harness in whose scope Agda is, and those that did not load
        self._harness: Source

    def run(self, progress: Progress) -> tuple[dict[str, Array], list[dict[str, Any]], dict[str, float]]:
        """The arrays, the fact `evaluations`, and the seconds of each evaluation."""
        arrays: dict[str, Array] = {}
        asked: list[dict[str, Any]] = []
        seconds: dict[str, float] = {}
        try:
            listed = self._listed()
        except Exception as error:
            where = place(error, self._paper.folder, self._paper.root)
            failed = {"reading": where + one_line(error)}
            entry = {"name": "evaluations.py", "module": "", "exact": False, "definitions": []}
            return {}, [entry | {"on": [*failed], "failed": failed}], {}
        for evaluation in listed:
            started = time.monotonic()
            entry = {name: getattr(evaluation, name) for name in ("name", "module", "exact")}
            asked.append(entry | {"definitions": [*evaluation.definitions], "on": [*evaluation.on], "failed": {}})
            for on in evaluation.on:
                progress(f"evaluation {evaluation.name}, {on}")
                at = f"evaluation/{evaluation.name}/{on}"
                try:
                    problem = self._problem(on)
                    arrays[f"{at}/numpy"] = self._expected(evaluation, problem)
                    arrays[f"{at}/agda"] = self._computed(evaluation, problem, arrays[f"{at}/numpy"], progress)
                except Exception as error:
                    where = "" if isinstance(error, S30Error) else place(error, self._paper.folder, self._paper.root)
                    asked[-1]["failed"][on] = where + one_line(error)
            seconds[evaluation.name] = round(time.monotonic() - started, 3)
        return arrays, asked, seconds

    def _listed(self) -> list[Evaluation]:
        if not (self._paper.folder / "cubical-agda" / "evaluations.py").is_file():
            return []
        listed: list[Evaluation] = self._paper.module("cubical-agda/evaluations.py").evaluations()
        names = [evaluation.name for evaluation in listed]
        for name in names:
            if names.count(name) > 1:
                raise S30Error(f"two evaluations are named {name!r}")
        return listed

    def _problem(self, on: str) -> Problem:
        if seed := SEED.fullmatch(on):
            return problem_of(self._paper, int(seed[1]))
        variants: list[Variant] = []
        if (self._paper.folder / "variants.py").is_file():
            variants = self._paper.module("variants.py").variants()
        found = next((variant for variant in variants if variant.name == on), None)
        if found is None:
            raise S30Error(f"no variant is named {on!r}: {', '.join(v.name for v in variants) or 'there are none'}")
        return found.problem

    def _expected(self, evaluation: Evaluation, problem: Problem) -> Array:
        forward = self._paper.module("numpy_checks.py").forward
        outputs = checked_outputs(forward(problem.params, problem.batch, **problem.config))
        expected = np.asarray(evaluation.expected(problem, outputs))
        kind = expected.dtype.kind
        if kind not in "fiub" or (evaluation.exact and kind == "f"):
            raise S30Error(
                f"what is expected is of {expected.dtype}, {'no integers or booleans' if evaluation.exact else 'no numbers'}"
            )
        return expected.astype(np.int64) if kind in "iu" else expected

    def _computed(self, evaluation: Evaluation, problem: Problem, expected: Array, progress: Progress) -> Array:
        file = f"{EVALUATION}/{evaluation.module}.agda"
        if self._paper.folder / "cubical-agda" / file not in self._paper.harnesses():
            raise S30Error(f"there is no cubical-agda/{file}")
        if self.agda.ended():
            self.agda.close()
            self.agda, self._loaded = self._start(), ""
        if self._loaded != file:
            if file in self._broken:
                raise S30Error(f"cubical-agda/{file} does not load, as said above")
            self._broken.add(file)
            self._harness, self._loaded = self.agda.load(file, progress), file
            self._broken.remove(file)
        term = evaluation.term(problem)
        self._require_reached(evaluation, term, self._harness)
        found = numbers(self.agda.compute(file, term, TERM_LIMIT))
        # Agda prints the double 3.0 as 3.
        return found.astype(np.float64) if expected.dtype.kind == "f" and found.dtype.kind == "i" else found

    def _require_reached(self, evaluation: Evaluation, term: str, harness: Source) -> None:
        """Raises S30Error for a definition that is none of the paper's, or that the term does not lead to."""
        reached = self._modules.reached(WORD.findall(term), harness)
        for definition in evaluation.definitions:
            if definition not in self._modules.declarations:
                raise S30Error(f"no module of cubical-agda/ defines {definition}")
            if definition not in reached:
                raise S30Error(f"the term does not lead to {definition}")
