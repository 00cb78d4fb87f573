"""The definitions of the Agda layer, run: probabilities by the recursion and by the list of alignments, every cut, counts, collapse."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
oracles = sibling(__file__, "../oracles.py")
RUN = "CTC-Run"
FORWARD = [f"CTC-Forward.{name}" for name in ("forward", "step", "advance", "start", "zeros", "ends")]
COUNTED = [(2, [1, 2]), (2, [1, 1]), (3, [1, 1]), (4, [1, 2]), (5, [2, 1, 1]), (5, []), (0, []), (6, [1, 1, 1])]
PATHS = [list(path) for path in product(range(3), repeat=4)]


def evaluations() -> list[Evaluation]:
    names = ("seed0", "streaming", "counted_as_zero")
    return [
        Evaluation("likelihood", FORWARD, RUN, lambda p: of_examples(p, "likelihood"), probabilities, on=names),
        Evaluation(
            "path_sum", ["CTC-Forward.weight", "CTC-Collapse.alignments", "CTC-Semiring.Sums.sumOf"], RUN,
            lambda p: of_examples(p, "pathSum"), probabilities, on=("streaming",),
        ),
        Evaluation(
            "best", FORWARD[:1], RUN, lambda p: of_examples(p, "best"), best_paths, on=("seed0", "streaming"),
        ),
        Evaluation(
            "cuts", ["CTC-Forward.pairing", "CTC-Forward.suffix"], RUN, lambda p: of_examples(p, "cuts", 1),
            lambda p, found: np.repeat(probabilities(p, found)[:1, None], 1 + oracles.lengths(p)[0], 1),
        ),
        Evaluation(
            "cut_in_two", ["CTC-Forward.forwardStates"], RUN, cut_in_two, lambda p, found: probabilities(p, found)[0],
        ),
        Evaluation(
            "spaced", ["CTC-Collapse.spaced"], RUN, lambda p: "withBlanks (1 ∷ 1 ∷ 2 ∷ [])", lambda p, found: np.array([1, 0, 1, 0, 2, 0]),
            exact=True,
        ),
        Evaluation(
            "counts", ["CTC-Collapse.alignments", "CTC-Count.binomial", "CTC-Count.repeats", "CTC-Count.ones", "CTC-Forward.forward"], RUN,
            lambda p: listed(f"counts {time} {literal(np.array(label, int))}" for time, label in COUNTED), number, exact=True,
        ),
        Evaluation(
            "collapsed", ["CTC-Collapse.collapse"], RUN,
            lambda p: " ++ ".join(f"collapsed {literal(np.array(path))}" for path in PATHS),
            lambda p, found: np.array([k for path in PATHS for k in oracles.collapse(tuple(path))]), exact=True,
        ),
    ]  # fmt: skip


def listed(terms) -> str:
    return " ∷ ".join(terms) + " ∷ []"


def of_examples(problem: Problem, name: str, count: int | None = None) -> str:
    """A term for each example: its rows of probabilities, without padding, and its label."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    y = np.exp(checks.log_softmax(found["logits"]))
    examples = list(zip(y, oracles.lengths(problem), oracles.labels(problem)))[:count]
    return listed(f"{name} {literal(rows[:time])} {literal(np.array(label, int))}" for rows, time, label in examples)


def cut_in_two(problem: Problem) -> str:
    """The first example's frames, cut behind the second."""
    found = checks.forward(problem.params, problem.batch, **problem.config)
    rows = np.exp(checks.log_softmax(found["logits"][0]))
    return f"cut {literal(rows[:2])} {literal(rows[2:])} {literal(np.array(oracles.labels(problem)[0]))}"


def probabilities(problem: Problem, found: Arrays) -> Array:
    return np.exp(found["log_likelihood"]) * found["possible"]


def best_paths(problem: Problem, found: Arrays) -> Array:
    """The probability of the best of all paths that collapse to each label, 0 where there is none: all paths one by one."""
    y, best = np.exp(checks.log_softmax(found["logits"])), []
    for rows, time, label in zip(y, oracles.lengths(problem), oracles.labels(problem)):
        paths = [p for p in product(range(rows.shape[-1]), repeat=time) if oracles.collapse(p) == label]
        best.append(max((np.prod(rows[np.arange(time), list(path)]) for path in paths), default=0.0))
    return np.array(best)


def number(problem: Problem, found: Arrays) -> Array:
    repeats = [sum(a == b for a, b in zip(label, label[1:])) for _, label in COUNTED]
    return np.array([[comb(time + len(l) - r, 2 * len(l))] * 3 for (time, l), r in zip(COUNTED, repeats)])
