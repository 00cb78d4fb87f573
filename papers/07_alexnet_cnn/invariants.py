"""What every executable layer of the small AlexNet must satisfy, whatever its weights are (paper 07)."""

import numpy as np

from s30.room import EXACT, Array, Forward, Invariant, Problem

Rng = np.random.Generator


def invariants() -> list[Invariant]:
    norm, gpus, dropout = (
        "section 3.3",
        "section 3.2, «kernels in layer 4 take input only from … the same GPU»",
        "section 4.2",
    )
    return [
        Invariant(
            "groups apart", "without response normalisation, other first kernels of the second group change no kernel of the first",
            gpus, groups_apart, tolerance=EXACT,
        ),
        Invariant(
            "normalisation joins the groups", "with it they do, by more than a millionth: its sum runs over the maps of both",
            f"{gpus}, and {norm} (ours)", normalisation_joins, relation=">",
        ),
        Invariant(
            "groups as one", "two groups are one whose kernels are zero on the maps of the other group", gpus, groups_as_one,
        ),
        Invariant(
            "normalisation bounds", "|b| <= |a| / k^beta", norm, normalisation_bounds, relation="<=",
        ),
        Invariant(
            "normalisation keeps signs", "b has the sign of a, with tanh as well", norm, normalisation_signs, tolerance=EXACT,
        ),
        Invariant(
            "weak normalisation", "with alpha = 0 each map is divided by 2^0.75 = 1.68", f"{norm}, k = 2 and beta = 0.75", weak,
        ),
        Invariant(
            "lateral inhibition", "a stronger map 0 lowers maps 1 and 2 wherever all are active, and leaves maps 3 to 5 as they are",
            f"{norm}, «competition for big activities»", inhibition, tolerance=EXACT,
        ),
        Invariant(
            "translation", "an image moved by the total stride, 4 pixels, moves the pooled maps by one, away from the border",
            "section 3.5, strides 2 and 2", translation,
        ),
        Invariant(
            "receptive field", "the first pooled entry sees rows and columns 0 to 6 of the image, 3 + 2 (3 - 1): other pixels beyond "
            "them change nothing", "section 3.5, «receptive field»", beyond_the_field, tolerance=EXACT,
        ),
        Invariant(
            "corners of the field", "without normalisation the field's corners change it, by more than a thousandth",
            "section 3.5, «receptive field»", corners, relation=">",
        ),
        Invariant(
            "overlap", "every pooled entry is at least as large as the 2 x 2 part of its neighbourhood", "section 3.4", overlap,
            relation=">=",
        ),
        Invariant(
            "dropped neurons", "the weights of a neuron that is dropped in every example change nothing", dropout, dropped, tolerance=EXACT,
        ),
        Invariant(
            "test time", "hidden neurons at test time are half of those that a mask of ones keeps", dropout, halved,
        ),
        Invariant(
            "mask and complement", "the logits under a mask and under its complement average to those of test time, and so do those "
            "of all masks: exact in front of the softmax", f"{dropout}, «a reasonable approximation»", complement,
        ),
        Invariant("loss at chance", "with zero weights the loss is ln 10", "section 3.5, the softmax", chance),
        Invariant("examples apart", "reordering the examples reorders the logits and keeps the loss", "section 3.5", reordered),
        Invariant(
            "groups that do not divide", "six maps do not divide into four groups", gpus, four_groups, relation="raises",
            message="6 maps do not divide into 4 groups",
        ),
    ]  # fmt: skip


def changed(problem: Problem, **values: Array) -> dict[str, Array]:
    """The parameters, those named (with _ for the dot) replaced."""
    return {name: values.get(name.replace(".", "_"), value) for name, value in problem.params.items()}


def other_second_half(problem: Problem, rng: Rng) -> dict[str, Array]:
    weight = problem.params["conv1.weight"].copy()
    weight[3:] = rng.normal(size=weight[3:].shape)
    return changed(problem, conv1_weight=weight)


def groups_apart(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    left, right = (
        forward(p, problem.batch, alpha=0.0)["conv2"] for p in (other_second_half(problem, rng), problem.params)
    )
    return left[:, :4], right[:, :4]


def normalisation_joins(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    left, right = (forward(p, problem.batch)["conv2"] for p in (other_second_half(problem, rng), problem.params))
    return np.abs(left[:, :4] - right[:, :4]).max(), np.asarray(1e-6)


def groups_as_one(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    weight = problem.params["conv2.weight"]
    whole = np.zeros((8, 6, *weight.shape[2:]))
    whole[:4, :3], whole[4:, 3:] = weight[:4], weight[4:]
    one = forward(changed(problem, conv2_weight=whole), problem.batch, groups=1)
    return one["logits"], forward(problem.params, problem.batch)["logits"]


def normalisation_bounds(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch)
    return np.abs(out["norm1"]), np.abs(out["conv1"]) / 2**0.75 * (1 + 1e-12)


def normalisation_signs(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch, activation="tanh")
    return np.sign(out["norm1"]), np.sign(out["conv1"])


def weak(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    out = forward(problem.params, problem.batch, alpha=0.0)
    return out["norm1"], out["conv1"] / 2**0.75


def inhibition(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """Kernel 0 three times as strong: whether maps 1 and 2 fall where map 0 and they are active, and what maps 3 to 5 do."""
    weight, bias = problem.params["conv1.weight"].copy(), problem.params["conv1.bias"].copy()
    weight[0], bias[0] = 3 * weight[0], 3 * bias[0]
    before, after = (
        forward(p, problem.batch) for p in (problem.params, changed(problem, conv1_weight=weight, conv1_bias=bias))
    )
    active = (before["conv1"][:, :1] > 0) & (before["conv1"][:, 1:3] > 0)
    falls = (after["norm1"][:, 1:3] < before["norm1"][:, 1:3])[active]
    return (
        np.concatenate([falls.astype(float), after["norm1"][:, 3:].ravel()]),
        np.concatenate([np.ones(len(falls)), before["norm1"][:, 3:].ravel()]),
    )


def translation(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    moved = {**problem.batch, "images": np.roll(problem.batch["images"], (-4, -4), axis=(2, 3))}
    # Entry 0 after the move has seen rows and columns 4 to 10, as entry 1 had before it.
    return (
        forward(problem.params, moved)["pooled"][:, :, 0, 0],
        forward(problem.params, problem.batch)["pooled"][:, :, 1, 1],
    )


def beyond_the_field(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    images = rng.normal(0.0, 100.0, problem.batch["images"].shape)
    images[:, :, :7, :7] = problem.batch["images"][:, :, :7, :7]
    left, right = (
        forward(problem.params, {**problem.batch, "images": one}) for one in (images, problem.batch["images"])
    )
    return left["pooled"][:, :, 0, 0], right["pooled"][:, :, 0, 0]


def corners(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """A pixel 100 brighter in one example and 100 darker in the other: each kernel answers one of the two."""

    def first(images: Array) -> Array:
        return forward(problem.params, {**problem.batch, "images": images}, alpha=0.0)["pooled"][:, :, 0, 0]

    images, found = problem.batch["images"], []
    for row, column in ((0, 0), (0, 6), (6, 6)):
        changed_images = images.copy()
        changed_images[:, :, row, column] += np.array([100.0, -100.0])[:, None]
        found.append(np.abs(first(changed_images) - first(images)).max())
    return np.array(found), np.full(3, 1e-3)


def overlap(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    overlapping, apart = (forward(problem.params, problem.batch, pool=pool)["pooled"] for pool in (3, 2))
    return overlapping, apart


def dropped(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    mask = problem.batch["mask"].copy()
    mask[:, 2] = 0.0
    weight = problem.params["fc2.weight"].copy()
    weight[:, 2] = rng.normal(size=len(weight))
    batch = {**problem.batch, "mask": mask}
    return forward(changed(problem, fc2_weight=weight), batch)["logits"], forward(problem.params, batch)["logits"]


def halved(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    ones = {**problem.batch, "mask": np.ones_like(problem.batch["mask"])}
    return forward(problem.params, problem.batch, training=False)["hidden"], 0.5 * forward(problem.params, ones)[
        "hidden"
    ]


def complement(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    """One example twice, under a mask and under the neurons that it drops."""
    same = {name: np.repeat(problem.batch[name][:1], 2, axis=0) for name in ("images", "labels")}
    mask = problem.batch["mask"][0]
    both = forward(problem.params, {**same, "mask": np.stack([mask, 1 - mask])})["logits"]
    tested = forward(problem.params, {**same, "mask": np.stack([mask, mask])}, training=False)["logits"]
    return both.mean(axis=0), tested[0]


def chance(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    nothing = {name: np.zeros_like(value) for name, value in problem.params.items()}
    return forward(nothing, problem.batch)["loss"], np.log(10.0)


def reordered(forward: Forward, problem: Problem, rng: Rng) -> tuple[Array, Array]:
    left = forward(problem.params, {name: value[::-1].copy() for name, value in problem.batch.items()})
    right = forward(problem.params, problem.batch)
    return np.append(left["logits"], left["loss"]), np.append(right["logits"][::-1], right["loss"])


def four_groups(forward, problem, rng):
    forward(problem.params, problem.batch, groups=4)
