"""Further small lossy autoencoders (paper 17): either decoder, with and without flows, other masks, free nats, numbers at which a naive
exp or log overflows, and the kink of the free nats.

The mistakes that they are for: a mean over pixels in place of their sum; units that are reversed before the first flow as well; a flow
that is inverted in one round; a mask whose centre is seen by the image's layer; a GRU that reads the pixel it predicts; log(sigmoid) in
place of softplus; importance weights without their maximum subtracted; the gradient of the free nats where the divergence meets them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from s30.room import Array, Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
every_image = sibling(__file__, "windows.py").every_image


def variants() -> list[Variant]:
    return [
        Variant(
            "one_image", "one image of 3 x 2 with one sample, a flow that shifts only, one masked layer",
            drawn(1, 1, 1, height=3, width=2, encoder=4, latent=2, flows=1, flow_hidden=4, mean_only=True, maps=1, channels=3, layers=1),
        ),
        Variant(
            "recurrent", "a GRU over all images of 2 x 3 pixels in place of masks, told of the code at the first pixel alone, no flow",
            every_image(np.random.default_rng([17, 102]), "recurrent"),
        ),
        Variant(
            "plain_prior", "no flow, the divergence in closed form at half its weight, above the free nats, and two masks of 5 x 5",
            drawn(3, 2, 2, height=3, width=6, latent=1, encoder=2, flows=0, closed_form=True, kl_weight=0.5, free_nats=0.1, kernel=5,
                  layers=2, channels=2),
        ),
        Variant(
            "three_layers", "three masked layers, two flows under a decoder that reads epsilon (an IAF posterior), a divergence below "
            "the free nats",
            drawn(4, 1, 2, height=3, width=4, encoder=2, latent=3, flows=2, flow_hidden=4, layers=3, channels=3, free_nats=40.0,
            maps=1, iaf=True),
        ),
        Variant(
            "factorised", "masks of one pixel, which see nothing: p(x|z) is a product over pixels, as in a common VAE; the encoder sees "
            "other images",
            coded(5, 2, 1, height=2, width=2, encoder=3, latent=2, flows=0, kernel=1, layers=1, channels=3),
        ),
        Variant(
            "loud_pixels", "logits of some thousands: log(sigmoid) is log 0 where softplus is finite",
            changed(6, {"output.weight": 3e3}), "extreme",
        ),
        Variant(
            "far_codes", "means some hundreds from zero: importance weights that differ by thousands of nats",
            far(), "extreme",
        ),
        Variant(
            "narrow_posterior", "log sigma near -400: sigma^2 underflows, log q does not",
            narrow(), "extreme",
        ),
        Variant(
            "at_the_free_nats", "a divergence of exactly two nats, which are free: the kink of the penalty", tied(), "tie",
            convention="relu'(0) = 0: the divergence has no gradient where it equals the free nats", gradient=by_hand(tied()),
        ),
    ]  # fmt: skip


def drawn(seed: int, count: int, samples: int, **config: Any) -> Problem:
    found: Problem = checks.drawn(np.random.default_rng([17, 100 + seed]), count, samples, {**checks.CONFIG, **config})
    return found


def coded(seed: int, count: int, samples: int, **config: Any) -> Problem:
    """The same with other images for the encoder."""
    problem = drawn(seed, count, samples, **config)
    return Problem(problem.config, problem.params, {**problem.batch, "coded": 1 - problem.batch["images"]})


def changed(seed: int, factors: dict[str, float]) -> Problem:
    problem = checks.problem(seed)
    params = {name: value * factors.get(name, 1.0) for name, value in problem.params.items()}
    return Problem(problem.config, params, problem.batch)


def _biased(problem: Problem, added: Array) -> Problem:
    """The same with numbers added to the biases of mean and log sigma."""
    params = {**problem.params, "encoder.output.bias": problem.params["encoder.output.bias"] + added}
    return Problem(problem.config, params, problem.batch)


def far() -> Problem:
    latent = checks.CONFIG["latent"]
    return _biased(checks.problem(7), np.concatenate([300.0 * (-1) ** np.arange(latent), np.full(latent, 3.0)]))


def narrow() -> Problem:
    latent = checks.CONFIG["latent"]
    return _biased(checks.problem(8), np.concatenate([np.zeros(latent), np.full(latent, -400.0)]))


def tied() -> Problem:
    """Means of one and deviations of one in four units: half a nat in each."""
    problem = drawn(9, 2, 3, latent=4, flows=0, closed_form=True, layers=1, free_nats=2.0)
    params = {
        name: np.zeros_like(value) if name == "encoder.output.weight" else value
        for name, value in problem.params.items()
    }
    params["encoder.output.bias"] = np.repeat([1.0, 0.0], problem.config["latent"])
    return Problem(problem.config, params, problem.batch)


def by_hand(problem: Problem) -> dict[str, Array]:
    """d loss / d (mean and log sigma), through log p(x|z) alone: sigma(a) - x, back through one masked layer and the map of the code."""
    params, batch, config = problem.params, problem.batch, problem.config
    found = checks.forward(params, batch, **config)
    logits, count = found["logits"], found["bound"].size
    hidden = checks.local(
        params, batch["images"], found["features"], **config
    )  # (batch, sample, channel, height, width)
    slope = (checks.sigmoid(logits) - batch["images"][:, None]) / count
    before = slope[:, :, None] * params["output.weight"][0][:, None, None] * (1 - hidden**2)
    told = np.einsum("bschw,cf->bsfhw", before, params["local.code.weight"]).reshape(*logits.shape[:2], -1)
    of_z = told @ params["code.weight"]  # (batch, sample, latent)
    of_log_sigma = of_z * (found["z"] - found["mean"][:, None])
    return {"encoder.output.bias": np.concatenate([of_z.sum((0, 1)), of_log_sigma.sum((0, 1))])}
