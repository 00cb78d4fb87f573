"""What every executable layer of the lossy autoencoder must satisfy, whatever its weights are (paper 17)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

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
BETTER = "section 3.1, x_WindowAround(i)"


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "flow_is_inverted", "f(f^-1(z)) = z, unit after unit", "section 3.2", inverted,
        ),
        Invariant(
            "flow_is_triangular", "a change of unit j changes no epsilon before j, exactly", "section 3.2", triangular,
            tolerance=EXACT,
        ),
        Invariant(
            "flow_is_increasing", "and it changes epsilon_j, upwards", "section 3.2, sigma_i > 0", increasing, relation=">",
        ),
        Invariant(
            "log_determinant", "epsilon_j is affine in unit j: the logarithms of its slopes sum to the log-determinant", "section 3.2",
            slopes,
        ),
        Invariant(
            "flow_of_zeros", "a flow whose output layer is zero is the identity: log p(z) is the Gaussian's",
            "section 3.2", identity_flow,
        ),
        Invariant(
            "iaf_posterior", "the bound is that of a model with the noise for its code: log p(x|f(eps)) + log u(eps) - the IAF posterior's "
            "log-density", "equation (14)", iaf,
        ),
        Invariant(
            "closed_form", "without a flow the mean of log q - log p over three samples of noise whose mean is 0 and whose mean square "
            "is 1 is "
            "the closed form, since both are quadratic in it", "equation (4)", closed_form,
        ),
        Invariant(
            "divergence_is_not_negative", "D_KL(q || N(0, 1)) >= 0", "section 2.2", not_negative, relation=">=",
        ),
        Invariant(
            "divergence_of_the_prior", "if q is the prior, log q = log p for every sample", "section 2.2", of_prior,
        ),
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
            "probabilities_sum_to_one", "given one code the probabilities of all 64 images of 2 x 3 pixels sum to one, with either decoder",
            "section 2.2, the autoregressive factorisation", normalised,
        ),
        Invariant(
            "code_reaches_every_pixel", "another noise changes every pixel's logit by over 1e-9", "section 3.1", reached, relation=">",
        ),
        Invariant(
            "ignored_code", "where the map of the code is zero, log p(x|z) is the same for all samples; where q is the prior as well, the "
            "bound is log p(x) for each of them", "section 2.2", ignored,
        ),
        Invariant(
            "bits_back", "the two-part code less what is read back is the bound, in bits", "equations (5) to (7)", bits,
        ),
        Invariant(
            "importance_bound", "the mean bound is at most the importance-sampled one", "section 4", jensen, relation="<=",
        ),
        Invariant(
            "copies_of_a_sample", "three copies of one sample give the bound of that sample", "section 4", copies,
        ),
        Invariant(
            "free_nats", "below the free nats the loss is lambda - log p(x|z), whatever the divergence; above none it is the bound",
            "appendix C", free,
        ),
        Invariant(
            "images_and_samples_do_not_mix", "another second image and another last sample leave the rest as it was", "section 2.1",
            separate, tolerance=EXACT,
        ),
        Invariant(
            "unknown_decoder_is_refused", "a decoder that there is not is an error", "spec.md", refusing({"decoder": "global"}),
            relation="raises", message="the decoder is one of",
        ),
        Invariant(
            "unknown_hearers_are_refused", "pixels that are told of the code and that there are not are an error", "spec.md",
            refusing({"told": "some"}), relation="raises", message="of the code are told",
        ),
        Invariant(
            "even_mask_is_refused", "a mask without a centre is an error", "spec.md", refusing({"kernel": 4}), relation="raises",
            message="a mask has a centre",
        ),
        Invariant(
            "no_layer_is_refused", "a decoder without a layer is an error", "spec.md", refusing({"layers": 0}), relation="raises",
            message="a decoder a layer",
        ),
        Invariant(
            "closed_form_of_a_flow_is_refused", "a closed form of the divergence from a flow is an error", "spec.md",
            refusing({"closed_form": True}), relation="raises", message="has no closed form",
        ),
        Invariant(
            "grey_pixels_are_refused", "a pixel that is neither 0 nor 1 is an error", "section 4, binary images", grey, relation="raises",
            message="the pixels of an image are 0 or 1",
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


def without_flows(problem: Problem) -> dict[str, Array]:
    return {name: value for name, value in problem.params.items() if not name.startswith("flows")}


def blind(params: Arrays) -> dict[str, Array]:
    """An encoder that looks at no image: the code is the same for all of them."""
    return {**params, "encoder.hidden.weight": np.zeros_like(params["encoder.hidden.weight"])}


def as_prior(params: Arrays) -> dict[str, Array]:
    """An encoder that answers with the standard Gaussian."""
    return {
        **params,
        **{name: np.zeros_like(params[name]) for name in ("encoder.output.weight", "encoder.output.bias")},
    }


def inverted(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    return found["generated"], found["z"]


def _nudged(forward: Forward, problem: Problem) -> tuple[Array, Array, Array, Array]:
    """epsilon, then epsilon (latent j, batch, sample, latent) after unit j went up by one; the step in z; the
    log-determinant."""
    batch, latent = problem.batch, problem.config["latent"]
    still, moved, steps = forward(problem.params, batch), [], []
    for j in range(latent):
        noise = batch["noise"].copy()
        noise[..., j] += 1
        found = forward(problem.params, {**batch, "noise": noise})
        moved.append(found["epsilon"])
        steps.append(found["z"][..., j] - still["z"][..., j])
    return still["epsilon"], np.array(moved), np.array(steps), still["log_determinants"][..., 0]


def triangular(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    still, moved, _, _ = _nudged(forward, problem)
    pairs = [(moved[j][..., :j], still[..., :j]) for j in range(len(moved))]
    return _flat(*(a for a, _ in pairs)), _flat(*(b for _, b in pairs))


def increasing(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    still, moved, _, _ = _nudged(forward, problem)
    return _flat(*(moved[j][..., j] for j in range(len(moved)))), _flat(*(still[..., j] for j in range(len(moved))))


def slopes(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    still, moved, steps, log_determinant = _nudged(forward, problem)
    found = [np.log((moved[j][..., j] - still[..., j]) / steps[j]) for j in range(len(moved))]
    return np.sum(found, 0), log_determinant


def identity_flow(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = {
        n: np.zeros_like(v) if n.startswith("flows") and ".output." in n else v for n, v in problem.params.items()
    }
    found = forward(params, problem.batch)
    z = found["z"]
    gaussian = -0.5 * (z**2 + np.log(2 * np.pi)).sum(-1)
    return _flat(found["epsilon"], found["log_prior"]), _flat(z, gaussian)


def iaf(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    log_u = -0.5 * (found["epsilon"] ** 2 + np.log(2 * np.pi)).sum(-1)
    return found["bound"], found["log_likelihood"] + log_u - found["iaf_log_q"]


def closed_form(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    noise = rng.permuted(
        np.broadcast_to(np.array([1.5**0.5, 0, -(1.5**0.5)])[:, None], problem.batch["noise"].shape), axis=1
    )
    found = forward(without_flows(problem), {**problem.batch, "noise": noise}, flows=0)
    return found["kl"].mean(-1), found["gaussian_kl"]


def not_negative(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)["gaussian_kl"]
    return found, np.zeros_like(found)


def of_prior(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(as_prior(without_flows(problem)), problem.batch, flows=0)
    return _flat(found["kl"], found["gaussian_kl"], found["log_q"]), _flat(
        np.zeros_like(found["kl"]), np.zeros_like(found["gaussian_kl"]), found["log_prior"]
    )


def _flips(forward: Forward, problem: Problem) -> Array:
    """[i, j]: how far the logit of pixel i moves when pixel j is flipped, the code being the same: over all samples the least and the
    most, (2, pixel, pixel)."""
    params, (image, *_), noise = blind(problem.params), problem.batch["images"], problem.batch["noise"][:1]
    pixels, (height, width) = image.size, image.shape
    flipped = np.stack([image.ravel()] * (pixels + 1))
    flipped[np.arange(pixels), np.arange(pixels)] = 1 - image.ravel()
    batch = {"images": flipped.reshape(-1, height, width), "noise": np.repeat(noise, pixels + 1, 0)}
    logits = forward(params, batch)["logits"].reshape(pixels + 1, -1, pixels)  # (flipped, sample, pixel)
    moved = np.abs(logits[:-1] - logits[-1])
    return np.stack([moved.min(1).T, moved.max(1).T])


def window(inside: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        least, most = _flips(forward, problem)
        seen = reach(*(problem.config[name] for name in ("height", "width", "kernel", "layers")))
        return (least[seen], np.full(seen.sum(), 1e-9)) if inside else (most[~seen], np.zeros((~seen).sum()))

    return sides


def of_all_images(forward: Forward, problem: Problem, rng: Rng, decoder: str) -> dict[str, Array]:
    """All 64 images of 2 x 3 pixels under one code, by a decoder drawn anew."""
    small = every_image(rng, decoder)
    found: dict[str, Array] = forward(
        blind(small.params), {**small.batch, "noise": np.repeat(small.batch["noise"][:1], 64, 0)}, **small.config
    )
    return found


def every_image(rng: Rng, decoder: str) -> Problem:
    """All images of 2 x 3 pixels, each with its own noise."""
    checks = sibling(__file__, "numpy_checks.py")
    small = checks.drawn(rng, 1, 1, {**checks.CONFIG, **TINY, "decoder": decoder})
    images = np.array(list(product([0.0, 1.0], repeat=6))).reshape(64, 2, 3)
    return Problem(
        small.config, small.params, {"images": images, "noise": rng.normal(size=(64, 1, 2))}, small.learning_rate
    )


def recurrent_window(inside: bool) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        logits = of_all_images(forward, problem, rng, "recurrent")["logits"].reshape((2,) * 6 + (6,))
        # axis j of the table is pixel j: whatever the other pixels are
        moved = np.array([np.abs(np.diff(logits, axis=j)).reshape(-1, 6) for j in range(6)])  # (flipped, others, pixel)
        before = np.tri(6, k=-1, dtype=bool).T  # [j, i]: j is before i
        kept, reaching = moved.max(1)[~before], moved.max(1)[before]
        return (reaching, np.full(len(reaching), 1e-9)) if inside else (kept, np.zeros(len(kept)))

    return sides


def normalised(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = [of_all_images(forward, problem, rng, decoder)["log_likelihood"] for decoder in ("local", "recurrent")]
    return np.exp(np.array(found)).sum((1, 2)), np.ones(2)


def reached(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    logits = forward(problem.params, problem.batch)["logits"]
    moved = np.abs(logits[:, 1:] - logits[:, :1])
    return moved, np.full_like(moved, 1e-9)


def ignored(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    params = as_prior({**without_flows(problem), "code.weight": np.zeros_like(problem.params["code.weight"])})
    found = forward(params, problem.batch, flows=0)
    same = np.broadcast_to(found["log_likelihood"][:, :1], found["log_likelihood"].shape)
    return _flat(found["log_likelihood"], found["bound"], found["importance_bound"]), _flat(same, same, same[:, 0])


def bits(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    return _flat(found["net_bits"], found["net_bits"]), _flat(
        found["naive_bits"] - found["back_bits"], -found["bound"] / np.log(2)
    )


def jensen(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    found = forward(problem.params, problem.batch)
    return found["bound"].mean(-1), found["importance_bound"]


def copies(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    samples = problem.batch["noise"].shape[1]
    found = forward(problem.params, {**problem.batch, "noise": np.repeat(problem.batch["noise"][:, :1], samples, 1)})
    return found["importance_bound"], found["bound"][:, 0]


def free(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    still = forward(problem.params, problem.batch)
    many = forward(problem.params, problem.batch, free_nats=100.0)["loss"]
    spent = max(still["kl"].mean(), 0)  # of three samples it may be below zero
    return _flat(many, still["loss"]), np.array([100, spent]) - still["log_likelihood"].mean()


def separate(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    batch = {name: value.copy() for name, value in problem.batch.items()}
    batch["images"][1] = 1 - batch["images"][1]
    batch["noise"][:, -1] += 1
    one, other = (forward(problem.params, given) for given in (problem.batch, batch))
    kept = [name for name, value in one.items() if value.ndim > 1 and name not in ("mean", "log_sigma")]
    return _flat(one["mean"][0], *(one[name][0, :-1] for name in kept)), _flat(
        other["mean"][0], *(other[name][0, :-1] for name in kept)
    )


def refusing(overrides: dict[str, Any]) -> Sides:
    def sides(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
        return forward(problem.params, problem.batch, **overrides)["loss"], np.zeros(())

    return sides


def grey(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    return forward(problem.params, {**problem.batch, "images": problem.batch["images"] * 0.5})["loss"], np.zeros(())


def _flat(*parts: Any) -> Array:
    return np.concatenate([np.ravel(part) for part in parts])
