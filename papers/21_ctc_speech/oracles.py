"""Every path, one by one (paper 21): what the forward recursion must equal where there are few frames."""

from __future__ import annotations

from itertools import groupby, product
from math import comb

import numpy as np

from s30.room import Array, Forward, Oracle, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")
decode = sibling(__file__, "decode.py")


def oracles() -> list[Oracle]:
    return [
        Oracle(
            "all_paths", "log p(l | x), whether there is an alignment, and the occupancies", "brute force over all paths of up to 5 frames",
            all_paths, ("one_frame", "streaming", "low_ceiling", "large_logits", "counted_as_zero"),
        ),
        Oracle(
            "counted", "where all symbols are equally probable p(l | x) is C(T + U - r, 2U) over the number of all paths",
            "the closed form of the count", counted, ("streaming", "low_ceiling", "counted_as_zero"),
        ),
        Oracle(
            "every_label", "p(l | x) of all labels of up to three symbols in 1 to 5 frames, and 0 for those without alignment",
            "brute force over all paths", every_label,
        ),
        Oracle(
            "widest_beam", "a beam that keeps every prefix finds the most probable label", "brute force over all labels", widest_beam,
            ("streaming",),
        ),
        Oracle(
            "fewest_edits", "the edits from greedy labels to others, and from long labels to short ones and back",
            "the recursive definition of Levenshtein's distance", fewest_edits,
        ),
    ]  # fmt: skip


def labels(problem: Problem) -> list[list[int]]:
    return [list(l[m]) for l, m in zip(problem.batch["label"], problem.batch["label_mask"])]


def lengths(problem: Problem) -> list[int]:
    return [int(n) for n in problem.batch["frame_mask"][:, :: problem.config["stride"]].sum(1)]


def collapse(path: tuple[int, ...]) -> list[int]:
    """Repeats are removed, then blanks."""
    return [symbol for symbol, _ in groupby(path) if symbol]


def all_paths(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    log_y = checks.log_softmax(found["logits"])
    theirs = []
    occupancy = np.zeros_like(log_y)
    for b, (label, time) in enumerate(zip(labels(problem), lengths(problem))):
        chosen = [p for p in product(range(log_y.shape[-1]), repeat=time) if collapse(p) == label]
        logs = np.array([sum(log_y[b, t, k] for t, k in enumerate(p)) for p in chosen])
        whole = logs.max() + np.log(np.exp(logs - logs.max()).sum()) if chosen else 0.0
        theirs += [whole, float(bool(chosen))]
        for path, log_p in zip(chosen, logs):
            occupancy[b, np.arange(time), path] += np.exp(log_p - whole)
    ours = np.stack([found["log_likelihood"], found["possible"]], 1)
    return np.append(ours, found["occupancy"]), np.append(theirs, occupancy)


def every_label(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """One example for each label, all of the same frames; their mask alone tells one number of frames from another."""
    stride, symbols = problem.config["stride"], problem.config["symbols"]
    chosen = [l for count in range(4) for l in product(range(1, symbols), repeat=count)]
    label = np.array([[*l, 0, 0, 0][:3] for l in chosen])
    heard = np.random.default_rng(21).normal(size=(1, 5 * stride, problem.config["frequency"]))
    ours, theirs = [], []
    for time in range(1, 6):
        mask = np.broadcast_to(np.arange(5 * stride) < (time - 1) * stride + 1, (len(chosen), 5 * stride))
        batch = {
            "frames": np.repeat(heard, len(chosen), 0),
            "frame_mask": mask,
            "label": label,
            "label_mask": label > 0,
        }
        found = forward(problem.params, batch)
        ours.append(np.exp(found["log_likelihood"]) * found["possible"])
        y = np.exp(checks.log_softmax(found["logits"][0]))
        sums: dict[tuple[int, ...], float] = {}
        for path in product(range(symbols), repeat=time):
            spoken = tuple(collapse(path))
            sums[spoken] = sums.get(spoken, 0.0) + np.prod(y[np.arange(time), path])
        theirs.append([sums.get(l, 0.0) for l in chosen])
    return np.stack(ours), np.array(theirs)


def counted(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    params = {name: value * (not name.startswith("output")) for name, value in problem.params.items()}
    found = forward(params, problem.batch)
    ours = np.exp(found["log_likelihood"]) * found["possible"]
    counts = []
    for label, time in zip(labels(problem), lengths(problem)):
        repeats = sum(a == b for a, b in zip(label, label[1:]))
        counts.append(comb(time + len(label) - repeats, 2 * len(label)) / problem.config["symbols"] ** time)
    return ours, np.array(counts)


def widest_beam(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    """The probability of the beam's label and of the best label there is: of each example, and of 40 draws of 4 frames."""
    log_y = checks.log_softmax(forward(problem.params, problem.batch)["logits"])
    drawn = checks.log_softmax(np.random.default_rng(21).normal(0, 2, (40, 4, 3)))
    ours, theirs = [], []
    for rows in [*(rows[:time] for rows, time in zip(log_y, lengths(problem))), *drawn]:
        found: dict[tuple[int, ...], float] = {}
        for path in product(range(rows.shape[-1]), repeat=len(rows)):
            label = tuple(collapse(path))
            found[label] = found.get(label, 0.0) + np.exp(sum(rows[t, k] for t, k in enumerate(path)))
        ours.append(found.get(tuple(decode.prefix_beam(rows, 10**6, -np.inf)), 0.0))
        theirs.append(max(found.values()))
    return np.array(ours), np.array(theirs)


def fewest_edits(forward: Forward, problem: Problem) -> tuple[Array, Array]:
    def distance(a: list[int], b: list[int]) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(distance(a[1:], b) + 1, distance(a, b[1:]) + 1, distance(a[1:], b[1:]) + (a[0] != b[0]))

    log_y = checks.log_softmax(forward(problem.params, problem.batch)["logits"])
    long, short = [[*l, 1, *l] for l in labels(problem)], [[*l[::2], 2] for l in labels(problem)]
    pairs = [([decode.greedy(rows) for rows in log_y], long), (long, short), (short, long)]
    theirs = [sum(map(distance, written, wanted)) / sum(map(len, wanted)) for written, wanted in pairs]
    return np.array([decode.label_error_rate(*pair) for pair in pairs]), np.array(theirs)
