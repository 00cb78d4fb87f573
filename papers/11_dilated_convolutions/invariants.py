"""What every executable layer of the context module must satisfy (paper 11), on its own weights and on chosen ones."""

from collections.abc import Callable

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, sibling

checks = sibling(__file__, "numpy_checks.py")

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "filters with holes", "every l-dilated 3 x 3 layer is a plain convolution by a 9 x 9 filter, zero between its taps",
            "section 2, equation 2", filters_with_holes,
        ),
        Invariant(
            "sublattices", "with all dilations doubled, each of the four sublattices of the maps is what the module makes of it",
            "section 2, «the same filter at different ranges»", sublattices,
        ),
        Invariant(
            "paths", "with filters of ones, entries -31 to 31 reach an output under dilations 1, 2, 4, 8, 16, by Stern's numbers "
            "of paths, counted from either edge, and no others do", "section 2, equation 3 and Figure 1", paths, tolerance=EXACT,
        ),
        Invariant(
            "field", "with positive weights an output of the room's ladder responds to the 19 x 19 entries around it and to no other",
            "Table 1, «Receptive field»", field, tolerance=EXACT,
        ),
        Invariant(
            "identity start", "filters of equation 4 pass maps that are not negative unchanged, and truncate all others",
            "section 3, equation 4", identity_start,
        ),
        Invariant(
            "start of the large module", "filters of equation 5 without noise scale layer i to C / c_i of the maps, and restore "
            "them at the end", "section 3, equation 5", large_start,
        ),
        Invariant(
            "translation", "moving what a blank border frames moves all scores, for the buffer lies around the maps alone",
            "section 5, «we pad the input feature maps by a buffer of width 33»", moved(),
        ),
        Invariant(
            "translation, padded layer by layer", "the same move changes scores by more than a millionth where every layer is padded",
            "appendix A (a limit of it; ours)", changed_by_the_move, relation=">",
        ),
        Invariant(
            "class permutation", "renaming the maps throughout renames the scores and keeps the loss",
            "section 3, «The representation in each layer is the same»", renamed,
        ),
        Invariant(
            "examples apart", "reordering the examples reorders the scores and keeps the loss", "section 3", reordered,
        ),
        Invariant(
            "labelled pixels", "the loss of two parts of the pixels, weighed by their numbers, is the loss of both together",
            "authors' code, ignore_label and VALID", labelled_parts,
        ),
        Invariant(
            "buffer too wide", "a buffer of 9 cannot be reflected from maps of 6 x 7", "section 5, «reflection padding»",
            too_wide, relation="raises", message="a buffer of 9 cannot be reflected from maps of 6 x 7",
        ),
    ]  # fmt: skip


def filters_with_holes(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = dict(problem.params)
    for number, dilation in enumerate(problem.config["dilations"], 1):
        weight = problem.params[f"layer{number}.weight"]
        holes = np.zeros((*weight.shape[:2], 9, 9))
        holes[:, :, 4 - dilation : 5 + dilation : dilation, 4 - dilation : 5 + dilation : dilation] = weight
        params[f"layer{number}.weight"] = holes
    plain = forward(params, problem.batch, kernel=9, dilations=(1,) * 5)
    return plain["scores"], forward(problem.params, problem.batch)["scores"]


def sublattices(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    maps, labels = problem.batch["maps"], problem.batch["labels"]
    batch, channels, height, width = maps.shape
    places = [(i, j) for i in range(2) for j in range(2)]
    parts = {place: rng.normal(size=maps.shape) for place in places}
    whole = np.empty((batch, channels, 2 * height, 2 * width))
    for (i, j), part in parts.items():
        whole[:, :, i::2, j::2] = part
    doubled = tuple(2 * dilation for dilation in problem.config["dilations"])
    scores = forward(problem.params, {"maps": whole, "labels": labels.repeat(2, 1).repeat(2, 2)}, dilations=doubled)[
        "scores"
    ]
    alone = [forward(problem.params, {**problem.batch, "maps": parts[place]})["scores"] for place in places]
    return np.stack([scores[:, :, i::2, j::2] for i, j in places]), np.stack(alone)


def stern(number: int) -> int:
    """Stern's diatomic sequence 1, 1, 2, 1, 3, 2, 3, 1, ... from 1: in how many ways n - 1 is a sum of powers of two, each
    at most twice."""
    return number if number < 2 else stern(number // 2) + (stern(number // 2 + 1) if number % 2 else 0)


def of_ones(problem: Problem) -> Arrays:
    """Every filter sums a map's entries under its taps; maps do not mix."""
    same = np.eye(problem.config["channels"])[:, :, None, None]
    return {
        name: np.zeros_like(value) if name.endswith("bias") else same * np.ones(value.shape[2:])
        for name, value in problem.params.items()
    }


def impulse(problem: Problem, height: int, width: int) -> Arrays:
    """One example whose maps are 1 in the middle and 0 elsewhere."""
    maps = np.zeros((1, problem.config["channels"], height, width))
    maps[:, :, height // 2, width // 2] = 1.0
    return {"maps": maps, "labels": np.zeros((1, height, width), int)}


def paths(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    scores = forward(of_ones(problem), impulse(problem, 1, 65), dilations=(1, 2, 4, 8, 16))["scores"]
    counts = [stern(32 - abs(offset)) for offset in range(-32, 33)]  # 0 at -32 and 32
    return scores[0, :, 0], np.tile(np.array(counts, float), (problem.config["channels"], 1))


def field(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    positive = {name: 0.0 * value if "bias" in name else 0.1 + np.abs(value) for name, value in problem.params.items()}
    scores = forward(positive, impulse(problem, 21, 21))["scores"][0]
    return (scores > 0).astype(float), np.pad(np.ones((len(scores), 19, 19)), [(0, 0), (1, 1), (1, 1)])


def start(problem: Problem, widths: tuple[int, ...]) -> Arrays:
    """Equation 5 without noise, which is equation 4 where all widths are C; no biases."""
    config = {**problem.config, "widths": widths}
    params = {name: np.zeros(shape) for name, shape in checks.shapes(config).items()}
    for name, value in params.items():
        if name.endswith("weight"):
            after, before, kernel, _ = value.shape
            value[:, :, kernel // 2, kernel // 2] = checks.identity_start(before, after, config["channels"])
    return params


def identity_start(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params, maps = start(problem, problem.config["widths"]), problem.batch["maps"]
    both = [forward(params, {**problem.batch, "maps": given})["scores"] for given in (np.abs(maps), maps)]
    return np.stack(both), np.stack([np.abs(maps), np.maximum(0.0, maps)])


def large_start(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    channels, maps = problem.config["channels"], np.abs(problem.batch["maps"])
    widths = tuple(
        multiple * channels for multiple in (2, 2, 4, 8, 8)
    )  # as Table 1 has them, as far as this ladder goes
    out = forward(start(problem, widths), {**problem.batch, "maps": maps}, widths=widths)
    ours, theirs = [out["scores"].ravel()], [maps.ravel()]
    for number, width in enumerate(widths, 1):
        layer = out[f"layer{number}"]
        left = (layer.shape[2] - maps.shape[2]) // 2  # of the buffer
        ours.append(layer[:, :, left : layer.shape[2] - left, left : layer.shape[3] - left].ravel())
        theirs.append((maps.repeat(width // channels, axis=1) * channels / width).ravel())
    return np.concatenate(ours), np.concatenate(theirs)


def moved(**overrides: str) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        framed = np.zeros_like(problem.batch["maps"])
        framed[:, :, 2:5, 1:5] = problem.batch["maps"][:, :, 2:5, 1:5]
        before, after = (
            forward(problem.params, {**problem.batch, "maps": np.roll(framed, by, axis=(2, 3))}, **overrides)["scores"]
            for by in ((0, 0), (-2, 1))
        )
        return after[:, :, :-2, 1:], before[:, :, 2:, :-1]  # all places that are outputs before and after

    return sides


def changed_by_the_move(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    after, before = moved(padding="layers")(forward, problem, rng)
    return np.abs(after - before).max(), np.asarray(1e-6)


def renamed(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    order = rng.permutation(problem.config["channels"])
    params = {
        name: value[order] if name.endswith("bias") else value[order][:, order]
        for name, value in problem.params.items()
    }
    labels = problem.batch["labels"]
    known = labels != problem.config["ignored"]
    batch = {
        "maps": problem.batch["maps"][:, order],
        "labels": np.where(known, np.argsort(order)[np.where(known, labels, 0)], labels),
    }
    left, right = forward(params, batch), forward(problem.params, problem.batch)
    return np.append(left["scores"], left["loss"]), np.append(right["scores"][:, order], right["loss"])


def reordered(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    left = forward(problem.params, {name: value[::-1].copy() for name, value in problem.batch.items()})
    right = forward(problem.params, problem.batch)
    return np.append(left["scores"], left["loss"]), np.append(right["scores"][::-1], right["loss"])


def labelled_parts(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    labels, ignored = problem.batch["labels"], problem.config["ignored"]
    first = rng.random(labels.shape) < 0.3
    parts = [np.where(first, labels, ignored), np.where(first, ignored, labels)]
    losses, counts = zip(
        *(
            (forward(problem.params, {**problem.batch, "labels": part})["loss"], (part != ignored).sum())
            for part in parts
        )
    )
    return np.dot(losses, counts), forward(problem.params, problem.batch)["loss"] * sum(counts)


def too_wide(forward, problem, rng):
    forward(problem.params, problem.batch, padding="reflection")
