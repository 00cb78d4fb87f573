"""What every flow of the lossy autoencoder must satisfy, section 3.2 (paper 17): it is inverted, each unit asks for earlier ones alone, and
its log-determinant is that of its slopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem

Rng = np.random.Generator
Sides = Callable[[Forward, Problem, Rng], tuple[Array, Array]]


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
    ]  # fmt: skip


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


def _flat(*parts: Any) -> Array:
    return np.concatenate([np.ravel(part) for part in parts])
