r"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

    one image             a mean over the batch that is a sum, an axis squeezed away
    colours               every channel is read; height is not width; P is not (F - 1) / 2; windows of side 3
    single pixels         F = 1 with a border, where CONV mixes channels alone; no pooling
    whole images          F as large as the image: CONV is FC («Converting FC layers to CONV layers»)
    high and low scores   exp(1000) overflows
    low scores            exp(-1000) underflows, and log 0 is infinite
    bright images         pixels of 10,000, scores of tens of thousands
    ties                  equal entries in windows, pre-activations and margins of exactly 0

What is drawn at random is drawn as in `problem`; extremes and ties are differentiated as well.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
backward = sibling(__file__, "backward.py")


def _drawn(seed: int, labels: list[int], **changes: float) -> Problem:
    """Pixels in [0, 1) and weights as in the checked problem, under a configuration with these changes."""
    rng, config = np.random.default_rng(seed), checks.CONFIG | changes
    shape = (len(labels), config["channels"], config["height"], config["width"])
    return Problem(config, checks.draw_params(rng, config), {"images": rng.random(shape), "labels": np.array(labels)})


def _with_scores(change) -> Problem:
    """The checked problem, its scores moved by way of the biases."""
    problem = checks.problem(0)
    return Problem(problem.config, {**problem.params, "fc.bias": change(problem.params["fc.bias"])}, problem.batch)


def _bright() -> Problem:
    problem = checks.problem(0)
    return Problem(problem.config, problem.params, {**problem.batch, "images": 1e4 * problem.batch["images"]})


def _ties() -> Problem:
    """Whole numbers and halves throughout, so that nothing is rounded before the softmax and every tie is exact."""
    rng = np.random.default_rng(0)
    config = checks.CONFIG | dict(channels=2, height=4, width=6, filters=3, classes=4, margin=2.0)
    shapes = {name: value.shape for name, value in checks.draw_params(rng, config).items()}
    return Problem(
        config,
        {name: rng.integers(-1, 2, shape) / (2.0 if name.startswith("fc") else 1.0) for name, shape in shapes.items()},
        {"images": rng.integers(0, 2, (3, 2, 4, 6)).astype(float), "labels": np.array([1, 0, 3])},
    )


def variants() -> list[Variant]:
    ties = _ties()
    params = {name: value for name, value in backward.gradients(ties).items() if name in ties.params}
    return [
        Variant("one image", "a batch of one; other lambda and Delta", _drawn(1, [7], strength=0.3, margin=2.5)),
        Variant(
            "colours",
            "three channels, 8 x 11 pixels, F = 5 with P = 1, windows of side 3, four filters, seven classes",
            _drawn(2, [6, 0], channels=3, width=11, kernel=5, pool=3, filters=4, classes=7),
        ),
        Variant(
            "single pixels",
            "F = 1 with P = 2 on two channels of 4 x 3 pixels; every window is one entry",
            _drawn(3, [2, 1, 1, 0], channels=2, height=4, width=3, kernel=1, padding=2, pool=1, filters=3, classes=3),
        ),
        Variant(
            "whole images",
            "F = 6 on 6 x 6 pixels without a border fits at one place, so CONV is an FC layer",
            _drawn(4, [4, 9, 3], height=6, width=6, kernel=6, padding=0, pool=1),
        ),
        Variant(
            "high and low scores",
            "scores of 1,000 and -1,000, for right classes and wrong ones: exp overflows without the shift",
            _with_scores(lambda bias: bias + 1e3 * (-1.0) ** np.arange(10)),
            "extreme",
        ),
        Variant(
            "low scores",
            "all scores near -1,000: every exp is 0 without the shift, and its logarithm infinite",
            _with_scores(lambda bias: bias - 1e3),
            "extreme",
        ),
        Variant("bright images", "pixels of up to 10,000 instead of 1", _bright(), "extreme"),
        Variant(
            "ties",
            "equal largest entries in windows, pre-activations of exactly 0, margins of exactly 0",
            ties,
            "tie",
            "relu'(0) = 0, in RELU and in the hinge; of equal entries of a window the first in reading order gets the gradient",
            params,
        ),
    ]
