"""The relation network's definitions in Agda, run: the sums and the answers of the checked problem and of sets with padding, with
o_j before o_i as well, the numbers of pairs, and the counts of Sort-of-CLEVR scenes by a sum over pairs, exactly."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
scenes = sibling(__file__, "../scenes.py")

SIZES = [0, 1, 2, 3, 6, 9]
SCENES = 6


def _list(terms) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def layers(problem: Problem, name: str) -> str:
    count = len(problem.config["relation"]) if name == "relation" else len(problem.config["readout"]) + 1
    params = problem.params
    return _list(
        f"({literal(params[f'{name}.{k}.weight'])} , {literal(params[f'{name}.{k}.bias'])})" for k in range(count)
    )


def sets(problem: Problem) -> str:
    """Each question with its objects, where padding is nothing."""
    batch, rows = problem.batch, []
    for objects, mask, edges, question in zip(
        batch["objects"], batch["mask"], batch["edges"], batch["question"], strict=True
    ):
        things = []
        for i, (thing, here) in enumerate(zip(objects, mask, strict=True)):
            joined = _list(str(j) for j in np.flatnonzero(edges[i]))
            things.append(f"just ({literal(thing)} , ({i} , {joined}))" if here else "nothing")
        rows.append(f"({literal(question)} , {_list(things)})")
    return _list(rows)


def network(problem: Problem, name: str) -> str:
    units = problem.config["relation"][-1]
    return f"{name} {layers(problem, 'relation')} {layers(problem, 'readout')} {units} {sets(problem)}"


def drawn() -> tuple[Array, Array]:
    return scenes.scenes(np.random.default_rng([16, 7]), SCENES)


def things() -> str:
    """Colour and shape of each object; every scene has its objects in an order of its own."""
    rng, (_, shapes) = np.random.default_rng([16, 8]), drawn()
    rows = [[f"({k} , {row[k]})" for k in rng.permutation(len(row))] for row in shapes]
    return _list(_list(row) for row in rows)


def counts() -> Array:
    """The exact answers to «How many objects have the shape of …?», in the order of `things`."""
    rng, (centres, shapes) = np.random.default_rng([16, 8]), drawn()
    right = scenes.answers(centres, shapes)[..., scenes.QUESTIONS.index("count")]
    return np.array([[int(scenes.ANSWERS[row[k]]) for k in rng.permutation(len(row))] for row in right])


def evaluations() -> list[Evaluation]:
    summed = ["Relation-Sum.pairsWith", "Relation-Sum.pairs", "Relation-Sum.sumOfPairs"]
    return [
        Evaluation(
            "total", [*summed, "Relation-Network.total"], "Relation-Run", lambda problem: network(problem, "totals"),
            lambda _, found: found["total"], on=("seed0", "one_pair_left", "duplicates"),
        ),
        Evaluation(
            "logits", [*summed, "Relation-Network.network"], "Relation-Run", lambda problem: network(problem, "answers"),
            lambda _, found: found["logits"], on=("seed0", "one_of_each", "at_the_kink"),
        ),
        Evaluation(
            "reversed_total", ["Relation-Sum.pairSum"], "Relation-Run", lambda problem: network(problem, "reversedTotals"),
            lambda _, found: found["total"],
        ),
        Evaluation(
            "reversed_logits", ["Relation-Network.reversed"], "Relation-Run", lambda problem: network(problem, "reversedAnswers"),
            lambda _, found: found["logits"],
        ),
        Evaluation(
            "pairs", ["Relation-Sum.pairs"], "Relation-Run", lambda _: f"pairsOf {_list(map(str, SIZES))}",
            lambda *_: np.array([n * n for n in SIZES]), exact=True,
        ),
        Evaluation(
            "counts", ["Relation-Questions.gated", "Relation-Questions.indicator"], "Relation-Run", lambda _: f"counted {things()}",
            lambda *_: counts(), exact=True,
        ),
        Evaluation(
            "counts_directly", ["Relation-Questions.count"], "Relation-Run", lambda _: f"countedDirectly {things()}",
            lambda *_: counts(), exact=True,
        ),
    ]  # fmt: skip
