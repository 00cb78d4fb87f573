"""What every executable layer of the lossy autoencoder must satisfy, whatever its weights are (paper 17); of its flows in `flows.py`, of
what its decoders read in `windows.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s30.room import EXACT, Array, Arrays, Forward, Invariant, Problem, sibling

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]

flows, windows = sibling(__file__, "flows.py"), sibling(__file__, "windows.py")


def invariants() -> list[Invariant]:
    return [
        *flows.invariants(), *windows.invariants(),
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


def without_flows(problem: Problem) -> dict[str, Array]:
    return {name: value for name, value in problem.params.items() if not name.startswith("flows")}


def as_prior(params: Arrays) -> dict[str, Array]:
    """An encoder that answers with the standard Gaussian."""
    return {
        **params,
        **{name: np.zeros_like(params[name]) for name in ("encoder.output.weight", "encoder.output.bias")},
    }


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
