"""What every executable layer of ResNet must have; `numpy_checks.invariants` hands it to the engine."""

import numpy as np

from s30.room import Array, Invariant

OVER = (0, 2, 3)  # batch and positions


def _reordered_examples(forward, problem, rng):
    order = np.roll(rng.permutation(len(problem.batch["labels"])), 1)
    batch = {name: value[order] for name, value in problem.batch.items()}
    left, right = forward(problem.params, batch), forward(problem.params, problem.batch)
    return np.append(left["scores"], left["loss"]), np.append(right["scores"][order], right["loss"])


def _another_example(forward, problem, rng):
    """How far the first example's scores move when the last image is another one."""
    images = problem.batch["images"].copy()
    images[-1] = rng.random(images[-1].shape)
    left = forward(problem.params, {**problem.batch, "images": images})["scores"][0]
    return np.abs(left - forward(problem.params, problem.batch)["scores"][0]), np.full(len(left), 1e-6)


def silent(params, block: str) -> dict[str, Array]:
    """Parameters with which the block's residual is zero: BN's last scale and shift are."""
    nothing = {f"{block}.norm2.{kind}": np.zeros_like(params[f"{block}.norm2.{kind}"]) for kind in ("weight", "bias")}
    return {**params, **nothing}


def _zero_branch(forward, problem, rng):
    out = forward(silent(problem.params, "block1"), problem.batch)
    return out["block1"], out["stem"]


def _zero_branch_clips(forward, problem, rng):
    """The second block's shortcut is a projection and so not always positive."""
    out = forward(silent(problem.params, "block2"), problem.batch)
    assert out["shortcut2"].min() < -0.1
    return out["block2"], np.maximum(0.0, out["shortcut2"])


def without_projections(params) -> dict[str, Array]:
    return {name: value for name, value in params.items() if "projection" not in name}


def identity_layers(params, block: str, x: Array, eps: float) -> dict[str, Array]:
    """Parameters with which both layers of a block, without a shortcut, reproduce x >= 0: the filter is a delta, and BN's
    scale and shift are the deviation and the mean of what it normalises."""
    delta = np.zeros_like(params[f"{block}.conv1.weight"])
    middle = delta.shape[-1] // 2
    delta[range(len(delta)), range(len(delta)), middle, middle] = 1.0
    mean = x.mean(axis=OVER)
    root = np.sqrt(np.square(x - mean[:, None, None]).mean(axis=OVER) + eps)
    made = {f"{block}.conv{layer}.weight": delta for layer in (1, 2)}
    made |= {f"{block}.norm{layer}.weight": root for layer in (1, 2)}
    return {**params, **made, **{f"{block}.norm{layer}.bias": mean for layer in (1, 2)}}


def _plain_identity(forward, problem, rng):
    params = without_projections(problem.params)
    stem = forward(params, problem.batch, option="plain")["stem"]
    made = identity_layers(params, "block1", stem, problem.config["eps"])
    return forward(made, problem.batch, option="plain")["block1"], stem


def _moments(forward, problem, rng):
    """Mean and mean square of the residuals, which BN fixes, from what they are normalised from."""
    out, left, right = forward(problem.params, problem.batch), [], []
    for block in ("1", "2"):
        scale, shift = (problem.params[f"block{block}.norm2.{kind}"] for kind in ("weight", "bias"))
        variance = out[f"convolved{block}"].var(axis=OVER)
        left += [out[f"residual{block}"].mean(axis=OVER), out[f"residual{block}"].var(axis=OVER)]
        right += [shift, scale**2 * variance / (variance + problem.config["eps"])]
    return np.concatenate(left), np.concatenate(right)


def _scaled_weights(forward, problem, rng):
    """At weights so large that eps is nothing beside the variances."""
    large = {name: 1e8 * value if value.ndim == 4 else value for name, value in problem.params.items()}
    factors = iter(rng.uniform(0.2, 5.0, len(large)))
    scaled = {name: value * next(factors) if value.ndim == 4 else value for name, value in large.items()}
    names = ("block1", "shortcut2", "block2", "scores")
    left, right = (forward(params, problem.batch) for params in (scaled, large))
    return tuple(np.concatenate([out[name].ravel() for name in names]) for out in (left, right))


def _shift(forward, problem, rng):
    """Filters of side 1, so that no border of zeros stands in; their weights are eighths and the pixels whole numbers, so that
    only BN rounds. A variance as mean square less squared mean would keep half of its digits."""
    params = {
        name: value[..., :1, :1] if value.ndim == 4 else value
        for name, value in without_projections(problem.params).items()
    }
    params["stem.conv.weight"] = np.round(8 * params["stem.conv.weight"]) / 8 + 1
    images = np.round(16 * problem.batch["images"])
    near, far = (
        forward(params, {**problem.batch, "images": images + shift}, option="plain", kernel=1)
        for shift in (0.0, 4096.0)
    )
    return far["stem"], near["stem"]


def _sum_and_activation(forward, problem, rng):
    out = forward(problem.params, problem.batch)
    return out["block2"], np.maximum(0.0, out["residual2"] + out["shortcut2"])


def _unknown_option(forward, problem, rng):
    forward(problem.params, problem.batch, option="D")


def _one_value(forward, problem, rng):
    batch = {"images": problem.batch["images"][:1, :, :1, :1], "labels": problem.batch["labels"][:1]}
    forward(problem.params, batch)


def invariants() -> list[Invariant]:
    norm = "section 3.4, and Ioffe and Szegedy 2015, algorithm 1"
    return [
        Invariant(
            "example_order",
            "reordering the examples reorders the scores and keeps the loss",
            "section 3.4",
            _reordered_examples,
        ),
        Invariant(
            "examples_mix",
            "another image in the batch moves the scores of the first: BN's statistics are the batch's",
            norm,
            _another_example,
            ">",
        ),
        Invariant(
            "zero_branch",
            "with a residual of zero the first block is the identity, its input being no less than 0",
            "sections 1 and 3.1",
            _zero_branch,
        ),
        Invariant(
            "zero_branch_clips",
            "with a residual of zero a block whose shortcut has negative entries returns max(0, shortcut), not the shortcut",
            "section 3.2, «the second nonlinearity after the addition»",
            _zero_branch_clips,
        ),
        Invariant(
            "plain_identity",
            "two plain layers can be the identity as well: delta filters, and BN's scale and shift undoing its normalisation",
            "section 1, «a solution by construction»",
            _plain_identity,
        ),
        Invariant(
            "sum_and_activation",
            "a block is ReLU of residual plus shortcut",
            "equations 1 and 2",
            _sum_and_activation,
        ),
        Invariant(
            "moments",
            "over batch and positions a residual has mean shift and variance scale^2 v/(v + eps), v being that before BN",
            f"{norm}; figure 7 shows these deviations",
            _moments,
        ),
        Invariant(
            "shift",
            "4,096 more in every pixel changes nothing behind filters of side 1: BN takes the mean away before it squares",
            norm,
            _shift,
        ),
        Invariant(
            "weight_scale",
            "where eps is nothing beside the variance every filter bank may be multiplied by a positive number: nothing changes",
            norm,
            _scaled_weights,
        ),
        Invariant(
            "unknown_option",
            "a fourth option for shortcuts is refused",
            "section 4.1, «Identity vs. Projection Shortcuts»",
            _unknown_option,
            "raises",
            message="no option 'D'",
        ),
        Invariant(
            "one_value",
            "one image of one pixel is refused: a channel with one value has no deviation",
            norm,
            _one_value,
            "raises",
            message="more than one value per channel",
        ),
    ]
