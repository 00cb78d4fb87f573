r"""Small problems beside the checked one, each of which shows a mistake that the checked one cannot.

    test time         keep in place of the mask, one example
    other sizes       one channel, other sides, kernels and strides, sums over three maps, one group
    tanh, logistic    the saturating neurons of section 3.1
    no overlap        pooling with s = z, which drops what does not fit
    far apart         s > z, which leaves gaps
    raw images        images of 100 and the paper's alpha of 1e-4, as on pixels of 0 to 255
    loud images       images of 10,000: squares of 1e8 in the normalisation
    low logits        all logits near -1,000
    far out           logistic neurons at -800 and 800: exp overflows in 1 / (1 + exp(-x))
    ties              equal largest entries in overlapping neighbourhoods, pre-activations of exactly 0

What is drawn at random is drawn as in `problem`; extremes and ties are differentiated as well.
"""

import numpy as np

from s30.room import Problem, Variant, sibling

checks = sibling(__file__, "numpy_checks.py")
backward = sibling(__file__, "backward.py")


def drawn(seed: int, count: int, **changes) -> Problem:
    return checks.draw(np.random.default_rng(seed), checks.CONFIG | changes, count)


def scaled(problem: Problem, images: float = 1.0, bias: float = 0.0) -> Problem:
    params = {**problem.params, "fc2.bias": problem.params["fc2.bias"] + bias}
    return Problem(problem.config, params, {**problem.batch, "images": images * problem.batch["images"]})


def ties() -> Problem:
    """Whole numbers in front of the normalisation, which gives equal numbers for equal neighbourhoods."""
    config = checks.CONFIG | dict(channels=1, hidden=5, classes=3)
    rng = np.random.default_rng(3)
    params = {
        name: rng.integers(-1, 2, shape) / (1.0 if name.startswith("conv") else 2.0)
        for name, shape in checks.shapes(config).items()
    }
    images = rng.integers(0, 2, (2, 1, 11, 11)).astype(float)
    mask = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1]], float)
    return Problem(config, params, {"images": images, "labels": np.array([2, 0]), "mask": mask})


def variants() -> list[Variant]:
    checked, tied = checks.problem(0), ties()
    by_hand = {name: value for name, value in backward.gradients(tied).items() if name in tied.params}
    return [
        Variant("test time", "one example, all neurons kept and multiplied by 0.3", drawn(1, 1, training=False, keep=0.3)),
        Variant(
            "other sizes", "one channel of 9 x 10 pixels, kernels of 5 x 5 one pixel apart with a border of 1, sums over three maps, "
            "one group, k, alpha and beta of other sizes",
            drawn(2, 3, channels=1, height=9, width=10, kernels1=4, kernels2=6, kernel=5, stride=1, padding=1, groups=1, near=3,
                  k=1.0, alpha=0.3, beta=0.5, hidden=5, classes=4),
        ),
        Variant("tanh", "neurons of tanh, sums over four maps, which the paper's limits make five", drawn(3, 2, activation="tanh", near=4)),
        Variant("logistic", "logistic neurons, three groups of two", drawn(4, 2, activation="logistic", groups=3, kernels2=9)),
        Variant("no overlap", "neighbourhoods of 2 x 2 that do not overlap; the fifth row and column belong to none", drawn(5, 2, pool=2)),
        Variant("far apart", "neighbourhoods of 2 x 2, three apart", drawn(6, 2, pool=2, apart=3)),
        Variant("raw images", "images of 100 and alpha 1e-4: activities of hundreds, around which the paper's constants matter",
                scaled(drawn(8, 2, alpha=1e-4), images=100.0)),
        Variant("loud images", "images of 10,000", scaled(checked, images=1e4), "extreme"),
        Variant("low logits", "logits near -1,000, all of them", scaled(checked, bias=-1e3), "extreme"),
        Variant(
            "far out", "logistic neurons at sums of up to 1,000 of both signs",
            scaled(drawn(7, 2, activation="logistic"), images=300.0), "extreme",
        ),
        Variant(
            "ties", "equal largest entries in neighbourhoods that overlap, pre-activations of exactly 0", tied, "tie",
            "relu'(0) = 0; of equal entries of a neighbourhood the first in reading order gets the gradient", by_hand,
        ),
    ]  # fmt: skip
