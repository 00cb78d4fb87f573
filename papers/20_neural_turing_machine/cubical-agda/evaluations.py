"""The Turing machine's definitions in Agda, run: content weighting, the way of a weighting through gate, shift and power, writing by
several heads, reading, two shifts as one, and the copy algorithm around the end of the memory."""

from __future__ import annotations

import numpy as np

from s30.room import Array, Arrays, Evaluation, Problem, literal, sibling

checks = sibling(__file__, "../numpy_checks.py")
RUN = "NTM-Run"


def evaluations() -> list[Evaluation]:
    head, rows = (
        (lambda *names: [f"NTM-Head.{name}" for name in names]),
        (lambda *names: [f"NTM-Memory.Rows.{name}" for name in names]),
    )
    return [
        Evaluation(
            "content", ["NTM-Content.weightings"], RUN, lambda p: every_head(p, "contentOf"), lambda p, found: found["content"][0],
            on=("seed0", "rows_of_zeros", "lstm"),
        ),
        Evaluation(
            "found", ["NTM-Content.found"], RUN, lambda p: every_head(p, "foundOf"),
            lambda p, found: found["content"][0] @ before(p, found), on=("seed0",),
        ),
        Evaluation(
            "weighting", [*head("move", "blend", "sharpen"), "NTM-Shift.convolve"], RUN, moves,
            lambda p, found: found["weighting"][0], on=("seed0", "exact_addressing", "gamma_one"),
        ),
        Evaluation(
            "memories", rows("writeAll", "erases", "adds", "erase", "add"), RUN, lambda p: writes(p, "memoryOf"),
            lambda p, found: found["memories"][0], on=("seed0", "lstm"),
        ),
        Evaluation(
            "one_by_one", rows("write"), RUN, lambda p: writes(p, "oneByOne"), one_by_one, on=("seed0",),
        ),
        Evaluation("reads", rows("read"), RUN, reads, lambda p, found: found["reads"][0], on=("seed0", "lstm")),
        Evaluation("overwritten", rows("put", "oneHot"), RUN, overwrites, overwritten, on=("seed0",)),
        Evaluation("two_shifts", ["NTM-Shift.combine"], RUN, two_shifts, turned_twice, on=("seed0",)),
        Evaluation(
            "path", ["NTM-Shift.shift", *head("sumOf")], RUN, lambda p: f"{name(p, 'path')} (index 2) (3 ∷ 6 ∷ 2 ∷ []) 2.5",
            lambda p, found: np.eye(p.config["rows"])[[(2 + 3 + 6 + 2) % p.config["rows"]] * 2], on=("seed0",),
        ),
        Evaluation(
            "together", head("moveAll"), RUN, lambda p: f"{name(p, 'together')} (index 0) (index 6) {literal(np.ones(7))} 1.5",
            lambda p, found: np.eye(p.config["rows"])[[1, (6 + 2) % p.config["rows"]]], on=("seed0",),
        ),
        Evaluation(
            "copied", ["NTM-Copy.stored", "NTM-Copy.recalled"], RUN, copied, lambda p, found: as_rows(p), on=("seed0",),
        ),
        Evaluation(
            "visited", ["NTM-Copy.visited"], RUN, lambda p: f"{name(p, 'visitedFrom')} 5 4",
            lambda p, found: (5 + np.arange(4)) % p.config["rows"], on=("seed0",), exact=True,
        ),
        Evaluation(
            "around", ["NTM-Ring.back", "NTM-Ring.next"], RUN, lambda p: f"around {p.config['rows'] - 1}",
            lambda p, found: np.stack([np.roll(np.arange(p.config["rows"]), d) for d in (1, -1)]),
            on=("seed0", "lstm", "one_row"), exact=True,
        ),
    ]  # fmt: skip


def name(problem: Problem, asked: str) -> str:
    return f"Machine.{asked} {problem.config['rows'] - 1} {problem.config['size']}"


def found(problem: Problem) -> dict[str, Array]:
    return checks.forward(problem.params, problem.batch, **problem.config)


def before(problem: Problem, outputs: Arrays) -> Array:
    """M_{t-1} of the first sequence, (time, row, size)."""
    start, *_ = checks.start(problem.params, problem.batch, len(problem.batch["inputs"]), **problem.config)
    return np.concatenate([start[:1], outputs["memories"][0, :-1]])


def listed(terms: list[str]) -> str:
    return "(" + " ∷ ".join([*terms, "[]"]) + ")"


def every_head(problem: Problem, asked: str) -> str:
    outputs = found(problem)
    return listed([
        listed([
            f"{name(problem, asked)} {literal(rows)} {literal(key)} {literal(float(strength[0]))}"
            for key, strength in zip(outputs["key"][0, t], outputs["strength"][0, t])
        ])
        for t, rows in enumerate(before(problem, outputs))
    ])  # fmt: skip


def turns(problem: Problem) -> str:
    """The shifts as steps back, modulo the number of rows."""
    reach = problem.config["reach"]
    return literal(np.arange(-reach, reach + 1) % problem.config["rows"])


def moves(problem: Problem) -> str:
    outputs, config = found(problem), problem.config
    _, first, *_ = checks.start(problem.params, problem.batch, len(problem.batch["inputs"]), **config)
    earlier = np.concatenate([first[:1], outputs["weighting"][0, :-1]])  # (time, head, row)
    terms = []
    for t, of_heads in enumerate(earlier):
        emitted = [outputs[part][0, t] for part in ("content", "gate", "shift", "sharpening")]
        terms.append(listed([
            f"{name(problem, 'weightingOf')} {literal(w)} ({name(problem, 'emissionOf')} {literal(c)} {literal(float(g[0]))} "
            f"{turns(problem)} {literal(s)} {literal(float(gamma[0]))})"
            for w, c, g, s, gamma in zip(of_heads, *emitted)
        ]))  # fmt: skip
    return listed(terms)


def writes(problem: Problem, asked: str) -> str:
    outputs, writers = found(problem), problem.config["write_heads"]
    return listed([
        f"{name(problem, asked)} {literal(rows)} {literal(outputs['weighting'][0, t, :writers])} {literal(outputs['erase'][0, t])} "
        f"{literal(outputs['add'][0, t])}"
        for t, rows in enumerate(before(problem, outputs))
    ])  # fmt: skip


def one_by_one(problem: Problem, outputs: Arrays) -> Array:
    """What comes of writing by one head after the other, the last first: not what the machine does."""
    memory = before(problem, outputs)
    for head in reversed(range(problem.config["write_heads"])):
        w, e, a = (
            outputs["weighting"][0, :, head, :, None],
            outputs["erase"][0, :, head, None],
            outputs["add"][0, :, head, None],
        )
        memory = memory * (1 - w * e) + w * a
    return memory


def reads(problem: Problem) -> str:
    outputs, writers = found(problem), problem.config["write_heads"]
    return listed([
        listed([f"{name(problem, 'readOf')} {literal(rows)} {literal(w)}" for w in outputs["weighting"][0, t, writers:]])
        for t, rows in enumerate(outputs["memories"][0])
    ])  # fmt: skip


def overwrites(problem: Problem) -> str:
    outputs = found(problem)
    return f"{name(problem, 'overwritten')} 4 {literal(outputs['add'][0, 0, 0])} {literal(outputs['memories'][0, 0])}"


def overwritten(problem: Problem, outputs: Arrays) -> Array:
    memory = outputs["memories"][0, 0].copy()
    memory[4] = outputs["add"][0, 0, 0]
    return memory


def two_shifts(problem: Problem) -> str:
    outputs = found(problem)
    s, t = outputs["shift"][0, 0, :2]
    given = f"{turns(problem)} {literal(s)} {turns(problem)} {literal(t)}"
    return f"{name(problem, 'convolved')} {given} {literal(outputs['gated'][0, 0, 0])}"


def turned_twice(problem: Problem, outputs: Arrays) -> Array:
    whole, reach = outputs["gated"][0, 0, 0], problem.config["reach"]
    for s in outputs["shift"][0, 0, :2]:
        whole = sum(s[d + reach] * np.roll(whole, d) for d in range(-reach, reach + 1))
    return whole


def as_rows(problem: Problem) -> Array:
    """Three vectors to be copied."""
    return problem.batch["inputs"][0, :, : problem.config["size"]]


def copied(problem: Problem) -> str:
    """From row 5 of 7, and so around the end."""
    return f"{name(problem, 'copied')} 5 {literal(as_rows(problem))} {literal(found(problem)['memories'][0, 0])}"
