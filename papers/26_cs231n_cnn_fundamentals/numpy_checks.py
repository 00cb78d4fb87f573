r"""CS231n: Convolutional Neural Networks for Visual Recognition (Stanford course notes, 2015-, cs231n.github.io).

The smallest network that has every layer of the notes, `INPUT -> CONV -> RELU -> POOL -> FC`, on five real digits,
with the two losses of the notes on the same scores:

    convolved_k = sum_{c,i,j} w_kcij x_c,(t+i-P),(u+j-P) + b_k      convolutional-networks.md, «Convolutional Layer»
    activation  = max(0, convolved)                                 neural-networks-1.md, «ReLU»
    pooled      = max over windows of activation                    convolutional-networks.md, «Pooling Layer»
    f           = W pooled + b                                      linear-classify.md, «Parameterized mapping»
    p_k         = exp(f_k) / sum_j exp(f_j)                         linear-classify.md, «Softmax classifier»
    L_i         = -log p_{y_i}                                      linear-classify.md, «Softmax classifier»
    L_i         = sum_{j != y_i} max(0, f_j - f_{y_i} + Delta)      linear-classify.md, «Multiclass SVM loss»
    L           = 1/N sum_i L_i + 1/2 lambda sum_k sum_l W_kl^2     neural-networks-case-study.md, «Loss function»

    notes        | code             | shape in the checked problem
    x_i          | images           | (batch 5, channel 1, height 8, width 8)
    y_i          | labels           | (batch,), integers in 0..9
    K filters, F | conv.weight      | (filter 6, channel 1, 3, 3)
    W, b         | fc.weight, .bias | (class 10, feature 96), (class,)
    f            | scores           | (batch, class), unnormalised log-probabilities in nats
    lambda       | strength         | multiplies both weight tensors, and no bias
    Delta        | margin           | scalar
    P, pool's F  | padding, pool    | scalars; the convolution's stride is 1, the pooling's stride equals its window
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from s30.room import Arrays, Invariant, Problem, digits

CONFIG = dict(channels=1, height=8, width=8, filters=6, kernel=3, padding=1, pool=2, classes=10) | dict(
    strength=0.05, margin=1.0
)


def forward(params: Arrays, batch: Arrays, *, padding: int, pool: int, strength: float, margin: float, **sizes) -> dict:
    """Every intermediate quantity of the network. Losses are means over the batch, in nats (softmax) or score units.

    Raises ValueError where the pooling's windows do not fit across the convolution's outputs.
    """
    images, labels = batch["images"], batch["labels"]
    examples = np.arange(len(labels))
    kernel = params["conv.weight"].shape[2:]
    # convolved_k[t, u] = sum_{c,i,j} w_kcij x_c[t+i-P, u+j-P] + b_k, on images with a border of P zeros
    padded = np.pad(images, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    windows = sliding_window_view(padded, kernel, axis=(2, 3))  # (batch, channel, height, width, 3, 3)
    convolved = np.einsum("nctuij,kcij->nktu", windows, params["conv.weight"], optimize=True)
    convolved = convolved + params["conv.bias"][:, None, None]  # (batch, filter, height, width)
    # activation = max(0, convolved)
    activation = np.maximum(0.0, convolved)  # (batch, filter, height, width)
    # pooled[t, u] = max of the window with corners (2t, 2u) and (2t+1, 2u+1), where the window's side is 2
    count, filters, height, width = activation.shape
    if height % pool or width % pool:
        raise ValueError(f"windows of side {pool} do not fit across {height} x {width} outputs")
    tiles = activation.reshape(count, filters, height // pool, pool, width // pool, pool)
    pooled = tiles.max(axis=(3, 5))  # (batch, filter, height/pool, width/pool)
    # f = W pooled + b
    scores = pooled.reshape(count, -1) @ params["fc.weight"].T + params["fc.bias"]  # (batch, class)
    # log p_k = f_k + log C - log sum_j exp(f_j + log C), with log C = -max_j f_j against overflow
    shifted = scores - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))  # (batch, class)
    # 1/N sum_i -log p_{y_i}
    cross_entropy = -log_probabilities[examples, labels].mean()
    # 1/N sum_i sum_{j != y_i} max(0, f_j - f_{y_i} + Delta)
    margins = np.maximum(0.0, scores - scores[examples, labels][:, None] + margin)  # (batch, class)
    margins[examples, labels] = 0.0
    hinge = margins.sum(axis=1).mean()
    # 1/2 lambda ||W||^2, over the weights of both layers
    regularisation = 0.5 * strength * ((params["conv.weight"] ** 2).sum() + (params["fc.weight"] ** 2).sum())
    return {
        "convolved": convolved,
        "activation": activation,
        "pooled": pooled,
        "scores": scores,
        "probabilities": np.exp(log_probabilities),
        "cross_entropy": np.asarray(cross_entropy),
        "hinge": np.asarray(hinge),
        "regularisation": np.asarray(regularisation),
        "loss": np.asarray(cross_entropy + regularisation),
    }


def problem(seed: int = 0) -> Problem:
    """Five digits of different classes and random weights, redrawn until no kink or tie lies within 1e-4."""
    rng = np.random.default_rng(seed)
    while True:
        drawn = _draw(rng)
        if _distance_to_kinks(drawn) > 1e-4:
            return drawn


def draw_params(rng: np.random.Generator, config: dict) -> dict:
    """Normal weights of deviation 0.5 in CONV and 0.2 elsewhere, of the shapes that the sizes in `config` ask for."""
    filters, kernel, classes = (config[name] for name in ("filters", "kernel", "classes"))
    # (W - F + 2P) / S + 1, twice: for the convolution (S = 1), and for the pooling (F = S, P = 0)
    height, width = (
        (config[side] - kernel + 2 * config["padding"] + 1) // config["pool"] for side in ("height", "width")
    )
    return {
        "conv.weight": rng.normal(0.0, 0.5, (filters, config["channels"], kernel, kernel)),
        "conv.bias": rng.normal(0.0, 0.2, filters),
        "fc.weight": rng.normal(0.0, 0.2, (classes, filters * height * width)),
        "fc.bias": rng.normal(0.0, 0.2, classes),
    }


def _draw(rng: np.random.Generator) -> Problem:
    images, labels = digits()
    chosen = [rng.choice(np.flatnonzero(labels == label)) for label in rng.choice(10, size=5, replace=False)]
    # The pixels are integers 0..16, and blank borders would tie in every pooling window: noise of one grey level's
    # width makes them continuous, and still all in [0, 1).
    grey = 16.0 * images[chosen][:, None]  # (batch, channel, height, width)
    return Problem(
        config=CONFIG,
        params=draw_params(rng, CONFIG),
        batch={"images": (grey + rng.random(grey.shape)) / 17.0, "labels": labels[chosen]},
        learning_rate=0.1,
    )


def _distance_to_kinks(drawn: Problem) -> float:
    """The least distance of a pre-activation to 0, of a window's two largest entries, and of a margin to 0."""
    out = forward(drawn.params, drawn.batch, **drawn.config)
    windows = sliding_window_view(out["convolved"], (2, 2), axis=(2, 3))[:, :, ::2, ::2].reshape(-1, 4)
    first, second = np.sort(windows, axis=1)[:, :-3:-1].T
    labels = drawn.batch["labels"][:, None]
    margins = out["scores"] - np.take_along_axis(out["scores"], labels, axis=1) + drawn.config["margin"]
    return min(np.abs(out["convolved"]).min(), (first - second).min(), np.abs(margins).min())


def _rows_sum_to_one(forward, problem, rng):
    probabilities = forward(problem.params, problem.batch)["probabilities"]
    return probabilities.sum(axis=1), np.ones(len(probabilities))


def _positive_probabilities(forward, problem, rng):
    probabilities = forward(problem.params, problem.batch)["probabilities"]
    return probabilities, np.zeros_like(probabilities)


def _shifted_scores(forward, problem, rng):
    shifted = {**problem.params, "fc.bias": problem.params["fc.bias"] + rng.normal(0.0, 10.0)}
    return tuple(
        np.append(out["probabilities"], [out["cross_entropy"], out["hinge"]])
        for out in (forward(shifted, problem.batch), forward(problem.params, problem.batch))
    )


def _permuted_classes(forward, problem, rng):
    order = rng.permutation(problem.config["classes"])
    renamed = {name: value[order] if name.startswith("fc.") else value for name, value in problem.params.items()}
    batch = {**problem.batch, "labels": np.argsort(order)[problem.batch["labels"]]}
    left, right = forward(renamed, batch), forward(problem.params, problem.batch)
    return (
        np.append(left["scores"], [left["cross_entropy"], left["hinge"]]),
        np.append(right["scores"][:, order], [right["cross_entropy"], right["hinge"]]),
    )


def _moved_image(forward, problem, rng):
    moved = {**problem.batch, "images": np.roll(problem.batch["images"], (2, 2), axis=(2, 3))}
    left, right = forward(problem.params, moved), forward(problem.params, problem.batch)
    # Outputs whose receptive field touches neither the zero border nor the seam of the roll, before and after.
    return (
        np.append(left["convolved"][:, :, 3:7, 3:7], left["pooled"][:, :, 2:3, 2:3]),
        np.append(right["convolved"][:, :, 1:5, 1:5], right["pooled"][:, :, 1:2, 1:2]),
    )


def _moved_within_a_blank_border(forward, problem, rng):
    framed = np.zeros_like(problem.batch["images"])
    framed[:, :, 2:6, 2:6] = problem.batch["images"][:, :, 2:6, 2:6]
    batches = ({**problem.batch, "images": np.roll(framed, by, axis=(2, 3))} for by in ((2, -1), (0, 0)))
    left, right = (forward(problem.params, batch)["convolved"] for batch in batches)
    # All positions that are outputs before and after, at the zero border as well.
    return left[:, :, 2:, :-1], right[:, :, :-2, 1:]


def _windows_that_do_not_fit(forward, problem, rng):
    forward(problem.params, problem.batch, pool=3)


def _reordered_examples(forward, problem, rng):
    order = rng.permutation(len(problem.batch["labels"]))
    batch = {name: value[order] for name, value in problem.batch.items()}
    left, right = forward(problem.params, batch), forward(problem.params, problem.batch)
    return np.append(left["scores"], left["loss"]), np.append(right["scores"][order], right["loss"])


def _losses_at_chance(forward, problem, rng):
    nothing = {name: np.zeros_like(value) for name, value in problem.params.items()}
    # With Delta = 1 a squared hinge would give 9 as well.
    out = forward(nothing, problem.batch, margin=2.5)
    return np.array([out["cross_entropy"], out["hinge"]]), np.array([np.log(10.0), 9 * 2.5])


def _stronger_regularisation(forward, problem, rng):
    strength = problem.config["strength"]
    stronger = forward(problem.params, problem.batch, strength=2 * strength)["loss"]
    squares = sum((problem.params[name] ** 2).sum() for name in ("conv.weight", "fc.weight"))
    return stronger - forward(problem.params, problem.batch)["loss"], np.asarray(0.5 * strength * squares)


def invariants() -> list[Invariant]:
    notes, layers, checks = "linear-classify.md", "convolutional-networks.md", "neural-networks-3.md, «Sanity checks»"
    return [
        Invariant("rows_sum_to_one", "the class probabilities of every example sum to 1", notes, _rows_sum_to_one),
        Invariant(
            "positive_probabilities",
            "every class probability is positive",
            notes,
            _positive_probabilities,
            ">",
        ),
        Invariant(
            "score_shift",
            "adding one number to all scores of an example changes neither probabilities nor losses",
            f"{notes}, «Numeric stability»",
            _shifted_scores,
        ),
        Invariant(
            "class_permutation",
            "renaming the classes permutes the scores and keeps both losses",
            notes,
            _permuted_classes,
        ),
        Invariant(
            "translation",
            "moving the image by (2, 2) moves the interior of the feature map by (2, 2) and of the pooled map by (1, 1)",
            f"{layers}, «Parameter Sharing»",
            _moved_image,
        ),
        Invariant(
            "translation_at_the_border",
            "moving what a blank border frames by (2, -1) moves all of the feature map that stays in the image",
            f"{layers}, «Parameter Sharing»",
            _moved_within_a_blank_border,
        ),
        Invariant(
            "windows_that_do_not_fit",
            "pooling windows of side 3 on outputs of side 8 are refused",
            f"{layers}, «Constraints on strides»",
            _windows_that_do_not_fit,
            "raises",
            message="windows of side 3 do not fit across 8 x 8 outputs",
        ),
        Invariant(
            "example_order",
            "examples do not mix: reordering them reorders the scores and keeps the mean loss",
            notes,
            _reordered_examples,
        ),
        Invariant(
            "loss_at_chance", "with zero weights the losses are ln 10 and (10 - 1) Delta", checks, _losses_at_chance
        ),
        Invariant(
            "regularisation_raises_loss",
            "doubling the regularisation strength raises the loss by 1/2 lambda ||W||^2, a positive number",
            checks,
            _stronger_regularisation,
        ),
    ]
