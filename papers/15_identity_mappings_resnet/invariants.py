"""What every executable layer of this paper must have; `numpy_checks.invariants` hands it to the engine."""

import numpy as np

from s30.room import Array, Invariant


def _reordered_examples(forward, problem, rng):
    order = np.roll(rng.permutation(len(problem.batch["labels"])), 1)
    batch = {name: value[order] for name, value in problem.batch.items()}
    left, right = forward(problem.params, batch), forward(problem.params, problem.batch)
    return np.append(left["scores"], left["loss"]), np.append(right["scores"][order], right["loss"])


def _telescoped(forward, problem, rng):
    """x_2 = (prod lambda) x_0 + sum (prod lambda) F."""
    out = forward(problem.params, problem.batch)
    scale, by = problem.config["shortcut_scale"], problem.config["residual_scale"]
    return out["block2"], scale**2 * out["stem"] + by * (scale * out["residual1"] + out["residual2"])


def silent(params, *blocks: str) -> dict[str, Array]:
    """Parameters with which these units' residuals are zero."""
    return {**params, **{f"{block}.conv2.weight": np.zeros_like(params[f"{block}.conv2.weight"]) for block in blocks}}


def _shortcuts_alone(forward, problem, rng):
    out = forward(silent(problem.params, "block1", "block2"), problem.batch)
    return out["block2"], problem.config["shortcut_scale"] ** 2 * out["stem"]


def _negative_signals_pass(forward, problem, rng):
    """A unit whose residual is zero, on an input with negative entries."""
    out = forward(silent(problem.params, "block2"), problem.batch)
    assert out["block1"].min() < -0.1
    return out["block2"], problem.config["shortcut_scale"] * out["block1"]


def _shared_activation(forward, problem, rng):
    """W_s reads the activated signal, so where BN's shift switches every channel off, both paths are silent."""
    off = {"block3.norm1.weight": np.zeros_like(problem.params["block3.norm1.weight"])}
    off["block3.norm1.bias"] = -np.ones_like(problem.params["block3.norm1.bias"])
    out = forward({**problem.params, **off}, problem.batch)
    return np.stack([out["shortcut3"]]), np.zeros_like(out["shortcut3"])[None]


def _projection(forward, problem, rng):
    out, stride = forward(problem.params, problem.batch), problem.config["stride"]
    x = out["block2"]
    z = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(
        x.var(axis=(0, 2, 3), keepdims=True) + problem.config["eps"]
    )
    scale, shift = (problem.params[f"block3.norm1.{kind}"][:, None, None] for kind in ("weight", "bias"))
    active = np.maximum(0.0, scale * z + shift)[:, :, ::stride, ::stride]
    return out["shortcut3"], np.einsum("nchw,kc->nkhw", active, problem.params["block3.projection.weight"][:, :, 0, 0])


def _last_activation(forward, problem, rng):
    out = forward(problem.params, problem.batch)
    values, scale, shift = out["block3"], problem.params["norm.weight"], problem.params["norm.bias"]
    centred = values - values.mean(axis=(0, 2, 3), keepdims=True)
    normal = centred / np.sqrt(np.square(centred).mean(axis=(0, 2, 3), keepdims=True) + problem.config["eps"])
    return out["activated"], np.maximum(0.0, scale[:, None, None] * normal + shift[:, None, None])


def _unknown_unit(forward, problem, rng):
    forward(problem.params, problem.batch, unit="post")


def invariants() -> list[Invariant]:
    return [
        Invariant(
            "example_order",
            "reordering the examples reorders the scores and keeps the loss",
            "section 3.1",
            _reordered_examples,
        ),
        Invariant(
            "telescoping",
            "x_2 is lambda^2 x_0 plus lambda F_0 + F_1: a sum, whatever the residuals",
            "equations 4 and 7",
            _telescoped,
        ),
        Invariant(
            "shortcuts_alone",
            "without residuals x_2 = lambda^2 x_0",
            "equation 7",
            _shortcuts_alone,
        ),
        Invariant(
            "negative_signals_pass",
            "with a residual of zero a unit multiplies by lambda, negative entries too: there is no activation in the way",
            "equation 3, and section 4.2 on f = ReLU",
            _negative_signals_pass,
        ),
        Invariant(
            "projection",
            "where shapes change both paths read the unit's first activation, subsampled by the stride",
            "appendix, and the authors' code",
            _projection,
        ),
        Invariant(
            "shared_activation",
            "when that activation is zero the projected shortcut is zero",
            "appendix, and the authors' code",
            _shared_activation,
        ),
        Invariant(
            "last_activation",
            "behind the last unit stand BN and ReLU",
            "appendix, «an extra activation right after its element-wise addition»",
            _last_activation,
        ),
        Invariant(
            "unknown_unit",
            "a sixth kind of unit is refused",
            "figure 4",
            _unknown_unit,
            "raises",
            message="no unit 'post'",
        ),
    ]
