r"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

one image         a batch of one, lambda = 1: equation 3; 5 x 7 pixels
original unit     figure 4(a): ReLU behind the addition; colours, kernels of side 5, a stride of 3
ReLU only         figure 4(d); kernels of side 1, stride 1
BN after          figure 4(b): BN and ReLU behind the addition
ReLU before       figure 4(c): residuals are not negative
bright images     pixels around 1e4: BN takes their size away
high scores       exp(1000) overflows
ties              a channel whose pre-activation is exactly zero: relu'(0)
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
backward = sibling(__file__, "backward.py")


def _drawn(seed: int, labels: list[int], side: tuple[int, int], **changes) -> Problem:
    """Random images and weights under a configuration with these changes, no kink within 1e-5."""
    rng, config = np.random.default_rng(seed), checks.CONFIG | changes
    while True:
        images = rng.random((len(labels), config["channels"], *side))
        drawn = Problem(config, checks.draw_params(rng, config), {"images": images, "labels": np.array(labels)})
        if checks.distance_to_kinks(drawn) > 1e-5:
            return drawn


def _changed(params=None, images=None, **config) -> Problem:
    """The checked problem with other parameters or images of the same shapes."""
    problem = checks.problem(0)
    batch = problem.batch if images is None else {**problem.batch, "images": images(problem.batch["images"])}
    return Problem({**problem.config, **config}, problem.params if params is None else params(problem.params), batch)


def _high(params):
    return {**params, "fc.bias": params["fc.bias"] + 1e3 * (-1.0) ** np.arange(len(params["fc.bias"]))}


def _off(params):
    """BN's scale and shift of two channels are zero, one before the middle unit, one inside it."""
    found = {name: value.copy() for name, value in params.items()}
    for name, channel in (("block2.norm1", 1), ("block2.norm2", 4)):
        found[f"{name}.weight"][channel] = found[f"{name}.bias"][channel] = 0.0
    return found


def variants() -> list[Variant]:
    ties = _changed(_off)
    by_hand = {name: value for name, value in backward.gradients(ties).items() if name in ties.params}
    small = dict(filters=3, widened=4)
    return [
        Variant(
            "one image",
            "a batch of one, seven classes, lambda = 1 and an unscaled residual",
            _drawn(1, [6], (5, 7), classes=7, shortcut_scale=1.0, residual_scale=1.0, **small),
        ),
        Variant(
            "original unit",
            "ReLU behind the addition; two channels, 6 x 9 pixels, kernels of side 5, a stride of 3",
            _drawn(
                2,
                [1, 0],
                (6, 9),
                unit="original",
                channels=2,
                kernel=5,
                stride=3,
                filters=4,
                widened=9,
                classes=3,
                eps=1e-2,
            ),
        ),
        Variant(
            "ReLU only",
            "ReLU before the residual, and nothing behind the addition; kernels of side 1, stride 1",
            _drawn(5, [0, 4, 9], (3, 4), unit="relu_only", kernel=1, stride=1, **small),
        ),
        Variant("BN after", "BN and ReLU behind the addition", _drawn(3, [2, 5], (4, 5), unit="bn_after", **small)),
        Variant(
            "ReLU before", "residuals that are not negative", _drawn(4, [3, 8], (5, 4), unit="relu_before", **small)
        ),
        Variant(
            "bright images",
            "pixels around 10,000, whose squares sum to 1e10: BN takes their size away",
            _changed(images=lambda images: 1e4 + 1e-2 * images),
            "extreme",
        ),
        Variant(
            "high scores", "scores of 1,000 and -1,000: exp overflows without the shift", _changed(_high), "extreme"
        ),
        Variant(
            "ties",
            "two channels whose scale and shift are zero, so that ReLU is applied to exactly 0",
            ties,
            "tie",
            "relu'(0) = 0: at exactly 0 nothing passes to scale, shift and what is normalised",
            by_hand,
        ),
    ]
