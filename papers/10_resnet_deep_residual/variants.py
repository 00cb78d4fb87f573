r"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

one image         statistics over positions alone; a mean over the batch that is a sum; option A, zero maps behind
colours           two channels, 6 x 9 pixels, kernels of side 5, a stride of 3: nothing is square; option C
plain             no shortcut at all; 1 x 1 kernels; stride 1, so a last map larger than the checked problem's 4 x 4
bright images     pixels around 1e4 that differ by 1e-2: all that is seen is the border of zeros
faint weights     pre-activations of 1e-6, so that eps decides, and stands inside the root
high scores       exp(1000) overflows
ties              residuals of exactly zero, where the stem is zero too: relu'(0)
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
backward = sibling(__file__, "backward.py")
silent = sibling(__file__, "invariants.py").silent


def _drawn(seed: int, labels: list[int], side: tuple[int, int], **changes) -> Problem:
    """Random images and weights under a configuration with these changes, no kink within 1e-5."""
    rng, config = np.random.default_rng(seed), checks.CONFIG | changes
    while True:
        images = rng.random((len(labels), config["channels"], *side))
        drawn = Problem(config, checks.draw_params(rng, config), {"images": images, "labels": np.array(labels)})
        if checks.distance_to_kinks(drawn) > 1e-5:
            return drawn


def _changed(params=None, images=None) -> Problem:
    """The checked problem with other parameters or images of the same shapes."""
    problem = checks.problem(0)
    batch = problem.batch if images is None else {**problem.batch, "images": images(problem.batch["images"])}
    return Problem(problem.config, problem.params if params is None else params(problem.params), batch)


def _faint(params):
    return {name: 1e-6 * value if value.ndim == 4 else value for name, value in params.items()}


def _high(params):
    return {**params, "fc.bias": params["fc.bias"] + 1e3 * (-1.0) ** np.arange(len(params["fc.bias"]))}


def variants() -> list[Variant]:
    ties = _changed(lambda params: silent(params, "block1"))
    by_hand = {name: value for name, value in backward.gradients(ties).items() if name in ties.params}
    return [
        Variant(
            "one image",
            "a batch of one, seven classes; option A, whose shortcut has zero maps behind it",
            _drawn(1, [6], (5, 7), classes=7, option="A", filters=3, widened=5),
        ),
        Variant(
            "colours",
            "two channels, 6 x 9 pixels, kernels of side 5, a stride of 3, four filters and then nine; option C, a projection "
            "on every shortcut",
            _drawn(
                2, [1, 0], (6, 9), channels=2, kernel=5, stride=3, filters=4, widened=9, classes=3, eps=1e-2, option="C"
            ),
        ),
        Variant(
            "plain",
            "no shortcuts; kernels of side 1 and stride 1, so layers mix channels alone; the last map is 6 x 5",
            _drawn(5, [0, 4, 9], (6, 5), option="plain", kernel=1, stride=1, filters=4, widened=5),
        ),
        Variant(
            "bright images",
            "pixels around 10,000 that differ by hundredths, inside a border of zeros",
            _changed(images=lambda images: 1e4 + 1e-2 * images),
            "extreme",
        ),
        Variant(
            "faint weights",
            "filters of a millionth: variances far below eps, which stands inside the root",
            _changed(_faint),
            "extreme",
        ),
        Variant(
            "high scores", "scores of 1,000 and -1,000: exp overflows without the shift", _changed(_high), "extreme"
        ),
        Variant(
            "ties",
            "the first block's residual is zero, so that it passes the stem on, and where that is zero the sum is exactly 0",
            ties,
            "tie",
            "relu'(0) = 0: at a sum of exactly 0 nothing passes, neither to the residual nor along the shortcut",
            by_hand,
        ),
    ]
