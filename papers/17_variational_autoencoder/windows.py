"""Which pixels a logit reads, one by one, sections 2.2 and 3.1 (paper 17): windows of masks by a walk, every image of six
pixels."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, sibling

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]
# 2 x 3 pixels, of which there are 64 images; told of the code at the first pixel, which is not what is asked
TINY = {
    "height": 2,
    "width": 3,
    "encoder": 3,
    "latent": 2,
    "flows": 0,
    "maps": 1,
    "channels": 3,
    "layers": 1,
    "told": "first",
}
SAMPLES = 3
BETTER = "section 3.1, x_WindowAround(i)"


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "outside_the_window", "with the code held fixed a flipped pixel changes no logit whose window does not hold it, exactly: each "
            "pixel in turn", BETTER, window(False), tolerance=EXACT,
        ),
        Invariant(
            "inside_the_window", "and it changes every logit whose window holds it, by over 1e-9", BETTER, window(True), relation=">",
        ),
        Invariant(
            "recurrent_reads_no_later_pixel", "the recurrent decoder: a flipped pixel changes no logit up to its own, exactly",
            "section 2.2, p(x_i|z, x_<i)", recurrent_window(False), tolerance=EXACT,
        ),
        Invariant(
            "recurrent_reads_all_before", "and it changes every later logit, by over 1e-9 for some other pixels",
            "section 2.2, p(x_i|z, x_<i)",
            recurrent_window(True), relation=">",
        ),
        Invariant(
            "probabilities_sum_to_one", "given a code, each of three, the probabilities of all 64 images of 2 x 3 pixels sum to one, "
            "with either decoder", "section 2.2, the autoregressive factorisation", normalised,
        ),
    ]  # fmt: skip


def reach(height: int, width: int, kernel: int, layers: int) -> Array:
    """[i, j] is true where pixel i's logit may read pixel j, by a walk: one step of mask A, then steps of mask B or none."""
    half = kernel // 2
    steps = [(r, c) for r in range(-half, 1) for c in range(-half, half + 1) if (r, c) < (0, 0)]
    seen = np.zeros((height * width,) * 2, bool)
    for row, column in product(range(height), range(width)):
        # the walk goes from the logit backwards: mask B first, on places inside the image, and mask A at last
        places = {(row, column)}
        for _ in range(layers - 1):
            places |= {
                (r + dr, c + dc) for r, c in places for dr, dc in steps if _inside(r + dr, c + dc, height, width)
            }
        read = {(r + dr, c + dc) for r, c in places for dr, dc in steps}
        for r, c in read:
            if _inside(r, c, height, width):
                seen[row * width + column, r * width + c] = True
    return seen


def _inside(row: int, column: int, height: int, width: int) -> bool:
    return 0 <= row < height and 0 <= column < width


def blind(params: Arrays) -> dict[str, Array]:
    """An encoder that looks at no image: the code is the same for all of them."""
    return {**params, "encoder.hidden.weight": np.zeros_like(params["encoder.hidden.weight"])}


def _flips(forward: Forward, problem: Problem) -> Array:
    """[i, j]: how far the logit of pixel i moves when pixel j is flipped, the code being the same: over all samples the least and the
    most, (2, pixel, pixel)."""
    params, (image, *_), noise = blind(problem.params), problem.batch["images"], problem.batch["noise"][:1]
    pixels, (height, width) = image.size, image.shape
    flipped = np.stack([image.ravel()] * (pixels + 1))
    flipped[np.arange(pixels), np.arange(pixels)] = 1 - image.ravel()
    # as many at a time as the checked problem has images, the last of them the image itself
    size = len(problem.batch["images"])
    flipped = np.concatenate([flipped, flipped[-1:].repeat(-(pixels + 1) % size, 0)])
    parts = flipped.reshape(-1, size, height, width)
    found = [forward(params, {"images": part, "noise": noise.repeat(size, 0)})["logits"] for part in parts]
    logits = np.concatenate(found).reshape(len(flipped), -1, pixels)  # (flipped, sample, pixel)
    moved = np.abs(logits[:pixels] - logits[-1])
    return np.stack([moved.min(1).T, moved.max(1).T])


def window(inside: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        least, most = _flips(forward, problem)
        seen = reach(*(problem.config[name] for name in ("height", "width", "kernel", "layers")))
        return (least[seen], np.full(seen.sum(), 1e-9)) if inside else (most[~seen], np.zeros((~seen).sum()))

    return sides


def every_image(rng: Rng, decoder: str) -> Problem:
    """All images of 2 x 3 pixels, each with its own noise, as many samples as the checked problem has."""
    checks = sibling(__file__, "numpy_checks.py")
    small = checks.drawn(rng, 1, SAMPLES, {**checks.CONFIG, **TINY, "decoder": decoder})
    images = np.array(list(product([0.0, 1.0], repeat=6))).reshape(64, 2, 3)
    return Problem(
        small.config, small.params, {"images": images, "noise": rng.normal(size=(64, SAMPLES, 2))}, small.learning_rate
    )


def of_all_images(forward: Forward, problem: Problem, rng: Rng, decoder: str) -> dict[str, Array]:
    """All 64 images of 2 x 3 pixels under the same three codes, by a decoder drawn anew."""
    small = every_image(rng, decoder)
    found: dict[str, Array] = forward(
        blind(small.params), {**small.batch, "noise": np.repeat(small.batch["noise"][:1], 64, 0)}, **small.config
    )
    return found


def recurrent_window(inside: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        logits = of_all_images(forward, problem, rng, "recurrent")["logits"].reshape((2,) * 6 + (SAMPLES, 6))
        # axis j of the table is pixel j: whatever the other pixels and the code are
        moved = np.array([np.abs(np.diff(logits, axis=j)).reshape(-1, 6) for j in range(6)])  # (flipped, others, pixel)
        before = np.tri(6, k=-1, dtype=bool).T  # [j, i]: j is before i
        kept, reaching = moved.max(1)[~before], moved.max(1)[before]
        return (reaching, np.full(len(reaching), 1e-9)) if inside else (kept, np.zeros(len(kept)))

    return sides


def normalised(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = [of_all_images(forward, problem, rng, decoder)["log_likelihood"] for decoder in ("local", "recurrent")]
    return np.exp(np.array(found)).sum(1), np.ones((2, SAMPLES))
