r"""Translating written dates to ISO 8601 with the room's Transformer in JAX, and three things taken away from it.

    exact match         share of held-out dates that greedy decoding writes without any error     section 6.1, a proxy
    without positions   PE is left out of sqrt(d_model) E[token] + PE                             section 3.5
    without the mask    every target position attends to every other while training               section 3.2.3
    without 1/sqrt(d_k) entropy and Jacobian norm of softmax(Q K^T) for standard normal Q, K      section 3.2.1, footnote 4

A whole training run is one `scan`, compiled once: the switches that take something away are traced arguments of it.
Training is Adam with the paper's betas and epsilon (section 5.3). The rate rises linearly to its peak during the
warm-up and falls linearly to zero: some hundred steps leave no time for the paper's inverse square root.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from s30.corpus import sibling
from s30.training.jax import adam, adam_init
from s30.vocabulary import Experiment, Lines

dates = sibling(__file__, "../dates.py")
model = sibling(__file__, "model.py")

Params = dict[str, jax.Array]
Batch = dict[str, jax.Array]
SHAPE = {"heads": dates.SIZES["heads"], "layers": dates.SIZES["layers"]}


def run(profile: str, seed: int, progress: Callable[[float, str], None]) -> Experiment:
    seeds, steps = dates.PROFILES[profile]["seeds"], dates.PROFILES[profile]["steps"]
    train, judge = jax.jit(fit), jax.jit(evaluate)
    metrics: dict[str, list[float]] = {}
    curves = {variant: np.zeros(steps) for variant in dates.VARIANTS}
    shown = None
    for offset in range(seeds):
        parts = dates.split(seed + offset, dates.BATCH * steps, dates.HELD_OUT)
        batches, held_out = ({name: jnp.asarray(value) for name, value in part.items()} for part in parts)
        batches = {name: value.reshape(steps, dates.BATCH, *value.shape[1:]) for name, value in batches.items()}
        start = {name: jnp.asarray(value, jnp.float32) for name, value in dates.initial(seed + offset).items()}
        for number, (variant, switches) in enumerate(dates.VARIANTS.items()):
            share, what = (offset + number / len(dates.VARIANTS)) / seeds, variant.replace("_", " ")
            progress(share, f"seed {seed + offset}, dates{what}")
            positions, causal = switches.get("positions", True), switches.get("causal", True)
            params, losses = train(start, batches, positions, causal)
            curves[variant] += np.asarray(losses) / seeds
            match, loss, cross_attention = judge(params, held_out, positions, causal)
            metrics.setdefault(f"exact_match{variant}", []).append(float(match))
            metrics.setdefault(f"loss_above_floor{variant}", []).append(float(loss) - dates.floor())
            if not variant:
                shown = shown or (parts[1], np.asarray(cross_attention))
                for name, share in dates.attention_shares(parts[1], np.asarray(cross_attention)).items():
                    metrics.setdefault(name, []).append(share)
    matches = {variant: sum(metrics[f"exact_match{variant}"]) / seeds for variant in dates.VARIANTS}
    figures = dates.figures(matches, curves, *shown)
    softmax, lines = scaling(seed)
    ceiling, information = dates.limits_without_positions()
    limits = {"exact_match_limit_without_positions": ceiling, "loss_limit_without_positions": information}
    return Experiment(metrics | limits | softmax, figures | {"scaling": lines})


def fit(params: Params, batches: Batch, positions: jax.Array, causal: jax.Array) -> tuple[Params, jax.Array]:
    """The parameters after one pass through `batches`, each (step, batch, ...), and the losses (step,)."""
    steps = len(batches["source"])
    start, unravel = ravel_pytree(params)  # one vector: Adam is compiled once, not once for every parameter

    def step(carry: tuple, batch: Batch) -> tuple[tuple, jax.Array]:
        theta, state = carry
        forward = partial(model.forward, batch=batch, **dates.SIZES, positions=positions, causal=causal)
        loss, grads = jax.value_and_grad(lambda theta: forward(unravel(theta))["loss"])(theta)
        rate = jnp.minimum((state.step + 1) / dates.WARM_UP, (steps - state.step) / (steps - dates.WARM_UP))
        return adam(theta, grads, state, dates.PEAK * rate, b1=0.9, b2=0.98, eps=1e-9), loss

    (theta, _), losses = jax.lax.scan(step, (start, adam_init(start)), batches)
    return unravel(theta), losses


def evaluate(
    params: Params, batch: Batch, positions: jax.Array, causal: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Exact match of greedy decoding, teacher-forced loss in nats, and teacher-forced cross-attention."""
    outputs = model.forward(params, batch, **dates.SIZES, positions=positions, causal=causal)
    one = partial(model.decode, params, **SHAPE, positions=positions, scaled=True, causal=causal)
    decode = jax.vmap(one, in_axes=(0, None, 0, 0))

    # The buffer has its final length from the start; `target_mask` hides the tokens not yet written.
    def write(written: jax.Array, time: jax.Array) -> tuple[jax.Array, None]:
        known = jnp.arange(dates.TARGET_LENGTH + 1) <= time
        logits, *_ = decode(written, known, outputs["memory"], batch["source_mask"])
        return written.at[:, time + 1].set(logits[:, time].argmax(-1)), None

    written = jnp.full((len(batch["source"]), dates.TARGET_LENGTH + 1), dates.IDS[dates.START])
    written, _ = jax.lax.scan(write, written, jnp.arange(dates.TARGET_LENGTH))
    return (written[:, 1:] == batch["target_output"]).all(1).mean(), outputs["loss"], outputs["cross_attention"]


def scaling(seed: int) -> tuple[dict[str, float], Lines]:
    """Mean entropy of the softmax and mean Frobenius norm of its Jacobian diag(a) - a a^T, with and without 1/sqrt(d_k)."""

    @partial(jax.jit, static_argnums=2)
    def attend(query: jax.Array, key: jax.Array, scaled: bool) -> jax.Array:
        mask = jnp.ones((1, dates.KEYS), bool)
        _, weights = jax.vmap(partial(model.attention, mask=mask, scaled=scaled))(query, key, key[..., :1])
        return weights  # (sample, query, key)

    @jax.jit
    def measure(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        # d softmax / d scores = diag(a) - a a^T
        jacobian = weights[..., None] * jnp.eye(dates.KEYS) - weights[..., :, None] * weights[..., None, :]
        return jax.scipy.special.entr(weights).sum(-1).mean(), jnp.sqrt((jacobian**2).sum((-2, -1))).mean()

    series: dict[str, list[float]] = {}
    for d_k in dates.WIDTHS:
        for name, scaled in (("scaled", True), ("unscaled", False)):
            entropy, gradient = measure(attend(*dates.gaussians(seed, d_k), scaled))
            series.setdefault(f"entropy_{name}", []).append(float(entropy))
            series.setdefault(f"softmax_gradient_{name}", []).append(float(gradient))
    metrics = {name: values[dates.WIDTHS.index(256)] for name, values in series.items()}
    for what in ("entropy", "softmax_gradient"):
        metrics[f"{what}_ratio"] = metrics[f"{what}_unscaled"] / metrics[f"{what}_scaled"]
    return metrics, dates.scaling_figure({name.replace("_", " "): values for name, values in series.items()})
