"""The pointer network's definitions in Agda, run: the pointers of every real step of the checked problem, padding included, the
rival's contexts, and greedy decoding and a beam with the decoder itself, restricted to unused points, and greedily with an end as well."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
search = sibling(__file__, "../search.py")

WHOLE = 1  # the example of the checked problem that has no padding


def attention(problem: Problem) -> str:
    return " ".join(literal(value) for value in (problem.params["score.weight"][0], *_square(problem)))


def _square(problem: Problem) -> tuple[Array, Array]:
    return problem.params["key.weight"], problem.params["query.weight"]


def _list(terms) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def steps(problem: Problem, found: Arrays, end: bool) -> str:
    """Each real step of each example: the decoder's state, and the encoder's states, where padding is nothing."""
    rows = []
    for b, i in np.argwhere(problem.batch["target_mask"]):
        real = problem.batch["point_mask"][b]
        keys = [literal(problem.params["stop"])] * end
        keys += [literal(key) if here else "" for key, here in zip(found["encoded"][b], real, strict=True)]
        states = _list(f"just {key}" if key else "nothing" for key in keys)
        rows.append(f"({literal(found['decoded'][b, i])} , {states})")
    return _list(rows)


def outputs(problem: Problem) -> Arrays:
    return checks.forward(problem.params, problem.batch, **problem.config)


def probability(problem: Problem) -> str:
    return f"probabilities {attention(problem)} 0 {steps(problem, outputs(problem), end=True)}"


def context(problem: Problem) -> str:
    return f"contexts {attention(problem)} {problem.config['hidden']} {steps(problem, outputs(problem), end=False)}"


def contexts(problem: Problem, found: Arrays) -> Array:
    scores = np.where(problem.batch["point_mask"][:, None], found["scores"][..., 1:], -np.inf)
    weights = np.exp(checks.log_softmax(scores))
    return (weights @ found["encoded"])[problem.batch["target_mask"]]


def decoder(problem: Problem, name: str) -> str:
    params, points = problem.params, problem.batch["points"][[WHOLE]]
    encoded, (hidden, cell) = checks.encode(params, points, np.ones(points.shape[:2], bool))
    parts = [np.split(params[f"decoder.{part}_l0"], 4) for part in ("weight_ih", "weight_hh")]
    biases = np.split(params["decoder.bias_ih_l0"] + params["decoder.bias_hh_l0"], 4)
    blocks = _list(f"({literal(w)} , ({literal(u)} , {literal(b)}))" for w, u, b in zip(*parts, biases, strict=True))
    return (
        f"{name} {points.shape[1]} {attention(problem)} (cell {blocks}) ({literal(hidden[0])} , {literal(cell[0])}) "
        f"{literal(params['start'])} {literal(params['stop'])} {literal(points[0])} {literal(encoded[0])}"
    )


def written(problem: Problem, stop: bool, width: int = 1) -> Array:
    points = problem.batch["points"][[WHOLE]]
    mask, steps = np.ones(points.shape[:2], bool), points.shape[1]
    found, _ = search.written(problem.params, points, mask, steps=steps, width=width, reuse=False, stop=stop)
    ends = np.flatnonzero(found[0] == 0)
    return found[0, : ends[0] if len(ends) else steps]


def evaluations() -> list[Evaluation]:
    masked = [f"Pointer-Search.{name}" for name in ("_≺_", "argmax", "isUsed", "unlessUsed", "masked")]
    return [
        Evaluation(
            "probability", ["Pointer-Attention.point", "Pointer-Attention.pointers"], "Pointer-Run", probability,
            lambda problem, found: found["probability"][problem.batch["target_mask"]],
        ),
        Evaluation(
            "context", ["Pointer-Attention.point", "Pointer-Attention.attend"], "Pointer-Run", context, contexts, on=("dictionary",),
        ),
        Evaluation(
            "tour", [*masked, "Pointer-Search.decode", "Pointer-Tours.tour"], "Pointer-Run",
            lambda problem: decoder(problem, "tourOf"), lambda problem, _: written(problem, stop=False),
            on=("seed0", "seed1", "seed2", "equal_scores"), exact=True,
        ),
        Evaluation(
            "until_stop", [*masked, "Pointer-Search.maskedOrStop", "Pointer-Search.decodeUntilStop", "Pointer-Search.continue"],
            "Pointer-Run", lambda problem: decoder(problem, "untilStopOf"), lambda problem, _: written(problem, stop=True),
            on=UNTIL_STOP, exact=True,
        ),
        Evaluation(
            "beam", ["Pointer-Beam.beam", "Pointer-Beam.extend", "Pointer-Beam.isFree"], "Pointer-Run",
            lambda problem: f"{decoder(problem, 'beamOf')} {WIDTH}", lambda problem, _: written(problem, stop=False, width=WIDTH)[None],
            on=("seed0", "seed2", "equal_scores"), exact=True,
        ),
    ]  # fmt: skip


WIDTH = 3
UNTIL_STOP = ("seed1", "seed2")  # on seed 0 it ends at once, and an empty list is no comparison
