"""Runs Agda's definitions on numbers.

The arrays `evaluation/NAME/PROBLEM/agda` hold what Agda computed, `evaluation/NAME/PROBLEM/numpy` what the NumPy layer
did, in this same process. The fact `evaluations` lists what was asked, and why an answer did not come, if it did not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from s30.corpus.literals import numbers
from s30.corpus.registry import Paper
from s30.corpus.vocabulary import Array
from s30.errors import S30Error
from s30.evidence.environment import cpu_seconds
from s30.layers.agda.modules import WORD, Modules
from s30.layers.agda.process import Agda
from s30.layers.agda.questions import Question
from s30.layers.agda.source import Source
from s30.layers.agda.staging import EVALUATION
from s30.layers.executable import Progress

TERM_LIMIT = 20.0  # seconds for one term


class Runner:
    """The Agda that computes one paper's terms; `start` brings another one where that has ended."""

    def __init__(self, paper: Paper, modules: Modules, agda: Agda, start: Callable[[], Agda]) -> None:
        self.agda = agda
        self._paper, self._modules, self._start = paper, modules, start
        self._loaded, self._broken = "", set[str]()  # the harness in whose scope Agda is, and those that did not load
        self._harness: Source

    def run(
        self, asked: Iterable[Question], progress: Progress
    ) -> tuple[dict[str, Array], list[dict[str, Any]], dict[str, float]]:
        """The arrays, the fact `evaluations`, and the CPU seconds of each evaluation."""
        arrays: dict[str, Array] = {}
        told: dict[str, dict[str, Any]] = {}
        seconds: dict[str, float] = {}
        for question in asked:
            before = cpu_seconds()
            entry = {name: getattr(question, name) for name in ("name", "module", "exact")}
            entry |= {"definitions": [*question.definitions], "on": [], "failed": {}}
            entry = told.setdefault(question.name, entry)
            entry["on"].append(question.on)
            at, failed = f"evaluation/{question.name}/{question.on}", question.failed
            if question.expected is not None:
                arrays[f"{at}/numpy"] = question.expected
            if not failed:
                progress(f"computing {question.name}, {question.on}")
                try:
                    arrays[f"{at}/agda"] = self._computed(question, progress)
                except S30Error as error:
                    failed = str(error)
            if failed:
                entry["failed"][question.on] = failed
            spent = seconds.get(question.name, 0.0) + cpu_seconds() - before
            seconds[question.name] = round(spent, 3)
        return arrays, list(told.values()), seconds

    def _computed(self, question: Question, progress: Progress) -> Array:
        file = f"{EVALUATION}/{question.module}.agda"
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
        self._require_reached(question)
        found = numbers(self.agda.compute(file, question.term, TERM_LIMIT))
        if not question.exact and found.dtype.kind == "i":  # Agda prints the double 3.0 as 3
            return found.astype(np.float64)
        return found

    def _require_reached(self, question: Question) -> None:
        """Raises S30Error for a definition that is none of the paper's, or that the term does not lead to."""
        reached = self._modules.reached(WORD.findall(question.term), self._harness)
        for definition in question.definitions:
            if definition not in self._modules.declarations:
                raise S30Error(f"no module of cubical-agda/ defines {definition}")
            if definition not in reached:
                raise S30Error(f"the term does not lead to {definition}")
